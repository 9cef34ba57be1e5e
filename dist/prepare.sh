#!/usr/bin/env bash
# What docker-compose.yml needs and is not there yet: two secrets, a certificate for trying, and a
# folder for files that settings name.
# What exists is left alone.
#
#   dist/prepare.sh [NAME...]     names and addresses of the certificate; localhost and 127.0.0.1
#                                 LYCEUM_SECRETS (secrets), LYCEUM_TLS (tls) and LYCEUM_FILES
#                                 (files): the folders
set -euo pipefail
cd "$(dirname "$0")/.."
secrets=${LYCEUM_SECRETS:-secrets} tls=${LYCEUM_TLS:-tls} files=${LYCEUM_FILES:-files}
readonly CONTAINER_USER=10001 # of the Dockerfile

# The container's user must read it. Root can give it to that user alone; others can't, so there the
# folder keeps strangers out.
secret() {
  [ ! -s "$secrets/$1" ] || return 0
  (umask 077 && openssl rand -hex "$2" >"$secrets/$1.tmp")
  if [ "$(id -u)" = 0 ]; then
    chown "$CONTAINER_USER" "$secrets/$1.tmp"
    chmod 0400 "$secrets/$1.tmp"
  else
    chmod 0444 "$secrets/$1.tmp"
  fi
  mv "$secrets/$1.tmp" "$secrets/$1"
  echo "prepare: made $secrets/$1"
}

certificate() {
  local names='' name
  [ ! -s "$tls/fullchain.pem" ] || return 0
  for name in "$@"; do
    case $name in
    *[!0-9.:]*) names+=",DNS:$name" ;;
    *) names+=",IP:$name" ;;
    esac
  done
  (umask 077 && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 90 \
    -subj "/CN=$1" -addext "subjectAltName=${names#,}" \
    -addext 'basicConstraints=critical,CA:FALSE' \
    -keyout "$tls/privkey.pem.tmp" -out "$tls/fullchain.pem.tmp" 2>/dev/null)
  mv "$tls/privkey.pem.tmp" "$tls/privkey.pem"
  mv "$tls/fullchain.pem.tmp" "$tls/fullchain.pem"
  echo "prepare: made $tls/fullchain.pem, which no client trusts; for trying only"
}

[ $# != 0 ] || set -- localhost 127.0.0.1
# The container's user must get into the folder of files; strangers only where no chown is allowed.
files_folder() {
  [ ! -d "$files" ] || return 0
  mkdir -p "$files"
  if [ "$(id -u)" = 0 ]; then
    chown "$CONTAINER_USER" "$files"
    chmod 0700 "$files"
  else
    chmod 0711 "$files"
  fi
}

mkdir -p "$secrets" "$tls"
chmod 0700 "$secrets" "$tls"
files_folder
secret lyceum 32
secret postgres 16
certificate "$@"
