#!/bin/sh
# The container's entry: makes DATABASE_URL from a password file, waits for PostgreSQL, migrates,
# and becomes the server. With any other command than `serve` it becomes that command of lyceum.
set -eu
if [ -n "${LYCEUM_DATABASE_PASSWORD_FILE:-}" ]; then
  PGPASSWORD=$(cat "$LYCEUM_DATABASE_PASSWORD_FILE")
  export PGPASSWORD
fi
[ "${1:-serve}" = serve ] || exec lyceum "$@"
tries=0
until lyceum migrate; do
  tries=$((tries + 1))
  [ "$tries" -lt 60 ] || { echo "lyceum: no database after a minute; giving up" >&2; exit 1; }
  sleep 1
done
[ "${LYCEUM_DEMO:-0}" != 1 ] || lyceum demo
exec lyceum serve
