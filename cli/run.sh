#!/usr/bin/env bash
# What `make run` does once build/lyceum is there: a private PostgreSQL in .lyceum/ unless
# DATABASE_URL names another (as its owner), then migrate, demo, serve. INT and TERM drain the
# server, and the PostgreSQL that this run brought up goes last.
#
#   PORT (8080)   LYCEUM_BIND (127.0.0.1)   LYCEUM_DATA (.lyceum: the data folder)
#   LYCEUM_SECRET_FILE (LYCEUM_DATA/secret, made if missing)
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd -P)
lyceum=$(realpath "${1:-$home/build/lyceum}")
data=${LYCEUM_DATA:-$home/.lyceum}
[ -n "${DATABASE_URL:-}" ] || exec "$home/db/private.sh" run "$data/pg" "$0" "$lyceum"

export PORT=${PORT:-8080} LYCEUM_BIND=${LYCEUM_BIND:-127.0.0.1}
export LYCEUM_SECRET_FILE=${LYCEUM_SECRET_FILE:-$data/secret}

if [ ! -s "$LYCEUM_SECRET_FILE" ]; then
  mkdir -p "$(dirname "$LYCEUM_SECRET_FILE")"
  (umask 077 && openssl rand -hex 32 >"$LYCEUM_SECRET_FILE.tmp")
  mv "$LYCEUM_SECRET_FILE.tmp" "$LYCEUM_SECRET_FILE"
fi

"$lyceum" migrate
"$lyceum" demo
exec "$lyceum" serve --demo
