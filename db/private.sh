#!/usr/bin/env bash
# A PostgreSQL of Lyceum's own: one data folder, one Unix socket, no TCP port, durable settings.
#
#   db/private.sh start  [DATA]           start it and leave it running until `stop`
#   db/private.sh stop   [DATA]           stop it
#   db/private.sh status [DATA]           running or stopped (exit status 3)
#   db/private.sh url    [DATA] [ROLE]    where to connect; ROLE is the owner, lyceum, if not given
#   db/private.sh run    DATA COMMAND...  start it, run COMMAND with DATABASE_URL set, stop it when
#                                         the last such command has ended
#   db/private.sh bin                     the folder of PostgreSQL's programs
#
# --fast before the verb makes a folder for tests that forgets fsync; a folder stays what it is.
# DATA is .lyceum/pg if not given. PG_BINDIR names the programs' folder if it can't be found.
#
# Life of a data folder: made as DATA.tmp and renamed when complete, never deleted here. DATA.lock
# is held while something starts or stops. Each `run` shares DATA.users; who gets it alone is the
# last. After a kill -9 the old pid may be a zombie, belong to another program by now, or have
# children that still run; so a start is tried again, and a lock file goes only when nobody works
# in the folder.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd -P)

die() {
  echo "private.sh: $*" >&2
  exit 1
}

# --- programs -----------------------------------------------------------------------------------

bin_dirs() {
  [ -z "${PG_BINDIR:-}" ] || echo "$PG_BINDIR"
  pg_config --bindir 2>/dev/null || :
  printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr
  local there
  ! there=$(command -v postgres) || dirname "$(readlink -f "$there")"
}

# The newest programs; for a folder that exists, those of its version, for no other can open it.
find_bin() {
  local version='' dir dirs
  [ ! -e "${data:-}/PG_VERSION" ] || version=$(as_user cat "$data/PG_VERSION")
  mapfile -t dirs < <(bin_dirs)
  for dir in "${dirs[@]}"; do
    if [ -x "$dir/initdb" ] && [ -x "$dir/postgres" ] &&
      { [ -z "$version" ] || [[ $("$dir/postgres" --version) == *" $version"[.\ ]* ]]; }; then
      echo "$dir"
      return 0 # a bare `return` in an exit trap gives the status from before the trap
    fi
  done
  [ -z "$version" ] || die "$data was made by PostgreSQL $version, which is not installed"
  die "no PostgreSQL server found (apt-get install postgresql, or set PG_BINDIR)"
}

# --- who and where ------------------------------------------------------------------------------

# PostgreSQL refuses to be root: then it is the project's owner, or postgres where that is root too.
find_user() {
  uid=$(id -u)
  [ "$uid" = 0 ] || { gid=$(id -g) && return 0; }
  uid=$(stat -c %u "$home")
  [ "$uid" != 0 ] || uid=$(id -u postgres 2>/dev/null) || die "root needs a user postgres"
  gid=$(id -g "$uid")
}

# Works from / because the user may not be allowed where we stand; fd 8 and 9 are our locks.
as_user() {
  if [ "$(id -u)" = "$uid" ]; then
    (cd / && exec "$@") 8>&- 9>&-
  else
    (cd / && exec setpriv --reuid="$uid" --regid="$gid" --clear-groups --no-new-privs -- "$@") \
      8>&- 9>&-
  fi
}

own_folder() {
  [ -d "$1" ] || { mkdir -p "$(dirname "$1")" && mkdir -m 0700 "$1" && chown "$uid:$gid" "$1"; }
}

# A project under /root (0700) can't be entered by postgres: its data lies in /var/lib/lyceum then.
find_data() {
  data=$(realpath -m "$data")
  local near=$data
  while [ ! -d "$near" ]; do near=$(dirname "$near"); done
  if ! as_user test -x "$near"; then
    data=/var/lib/lyceum/$(tr / - <<<"${data#/}")
    [ "$(id -u)" != 0 ] || mkdir -p /var/lib/lyceum
  fi
  # The socket's path must stay under 107 bytes, wherever the project lies.
  socket=/tmp/lyceum-$(cksum <<<"$data" | cut -d' ' -f1)
}

own_socket_folder() {
  mkdir -m 0700 "$socket" 2>/dev/null && chown "$uid:$gid" "$socket"
  [ "$(stat -c '%F %u %a' "$socket")" = "directory $uid 700" ] ||
    die "$socket is not ours alone; remove it"
}

lock() {
  local near
  near=$(dirname "$data")
  if [ ! -d "$near" ]; then
    mkdir -p "$near"
    chown --reference="$(dirname "$near")" "$near" 2>/dev/null || :
  fi
  if [ ! -e "$data.lock" ]; then
    touch "$data.users" "$data.lock"
    chown "$uid:$gid" "$data.users" "$data.lock"
  fi
  exec 9<"$data.lock"
  flock 9
}

unlock() { exec 9<&-; }

# --- making, starting, stopping -----------------------------------------------------------------

make_data() {
  local options=(-k -E UTF8 --locale=C.UTF-8 -A trust -U lyceum)
  [ -z "$fast" ] || options+=(-N)
  rm -rf "$data.tmp"
  own_folder "$data.tmp"
  as_user "$bin/initdb" "${options[@]}" -D "$data.tmp" >"$data.initdb" 2>&1 || {
    cat "$data.initdb" >&2
    die "initdb failed"
  }
  as_user sh -c "echo \"include 'lyceum.conf'\" >>'$data.tmp/postgresql.conf'"
  [ -z "$fast" ] || as_user touch "$data.tmp/lyceum.fast"
  settings | as_user tee "$data.tmp/lyceum.conf" >/dev/null
  echo 'CREATE DATABASE lyceum' |
    as_user "$bin/postgres" --single -D "$data.tmp" postgres >>"$data.initdb" 2>&1 ||
    die "could not create the database: $(tail -n 3 "$data.initdb")"
  rm -f "$data.initdb"
  [ -n "$fast" ] || sync -f "$data.tmp"
  mv -T "$data.tmp" "$data"
}

# A quarter of the memory for the cache, from 128 MB to 1 GB.
cache_mb() {
  awk '/^MemTotal/ { m = int($2 / 4096); print (m < 128 ? 128 : m > 1024 ? 1024 : m) }' \
    /proc/meminfo
}

settings() {
  cat <<END
# Written at each start by db/private.sh; your own settings go to the end of postgresql.conf.
listen_addresses = ''
port = 5432
unix_socket_directories = '$socket'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = $(cache_mb)MB
max_wal_size = 2GB
checkpoint_timeout = 15min
wal_compression = on
random_page_cost = 1.1
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
log_line_prefix = '%m [%p] %u@%d '
END
  [ -w /dev/shm ] || echo "dynamic_shared_memory_type = mmap"
  [ -z "$fast" ] || printf '%s = off\n' fsync full_page_writes synchronous_commit
}

# 0 answers, 1 is starting up or shutting down, 2 is not there.
ready() {
  local code=0
  [ -S "$socket/.s.PGSQL.5432" ] || return 2
  "$bin/pg_isready" -q -h "$socket" -p 5432 -d postgres -U lyceum 9>&- || code=$?
  return "$code"
}

somebody_works_there() {
  local p
  for p in /proc/[0-9]*; do
    [[ $(readlink "$p/cwd" 2>/dev/null) != "$data"* ]] || return 0
  done
  return 1
}

start() {
  bin=$(find_bin)
  own_socket_folder
  local code=0
  ready || code=$?
  [ "$code" != 0 ] || return 0
  [ -e "$data/PG_VERSION" ] || make_data
  local made=
  if as_user test -e "$data/lyceum.fast"; then made=fast; fi
  [ "$made" = "$fast" ] || die "$data was made ${made:-durable}; use another folder"
  settings | as_user tee "$data/lyceum.conf" >/dev/null
  local try log=$data/server.log
  for try in {1..60}; do
    as_user "$bin/pg_ctl" -s -w -t 600 -D "$data" -l "$log" start &>/dev/null && return 0
    ready && return 0
    if ! somebody_works_there; then
      rm -f "$data/postmaster.pid" "$socket"/.s.PGSQL.*
      [ "$try" -lt 6 ] || break
    fi
    sleep 0.5
  done
  as_user tail -n 5 "$log" >&2
  die "PostgreSQL does not start; its log is $log"
}

stop() {
  [ -e "$data/PG_VERSION" ] || return 0
  bin=$(find_bin)
  if as_user "$bin/pg_ctl" -s -D "$data" status >/dev/null 2>&1; then
    as_user "$bin/pg_ctl" -s -w -t 120 -m fast -D "$data" stop
  fi
}

url() { echo "postgresql:///lyceum?host=$socket&port=5432&user=${1:-lyceum}"; }

# --- run ----------------------------------------------------------------------------------------

# What the command left running may need the server a moment longer.
leave() {
  local try
  trap '' INT TERM HUP
  for try in {1..50}; do
    kill -0 -- "-$child" 2>/dev/null || break
    sleep 0.1
  done
  lock
  exec 8<"$data.users"
  if flock -n 8 && [ ! -e "$socket/keep" ]; then stop; fi
}

run() {
  lock
  start
  exec 8<"$data.users"
  flock -s 8
  unlock
  local code=0
  # The child is a process group of its own, so that a signal reaches all of it. It keeps the shared
  # lock: while any of it lives, even after a kill -9 of this script, the server stays up for it.
  set -m
  DATABASE_URL=$(url) PATH=$bin:$PATH "$@" &
  child=$!
  set +m
  trap leave EXIT
  trap 'kill -TERM -- -$child 2>/dev/null' INT TERM HUP
  wait "$child" || code=$?
  while kill -0 "$child" 2>/dev/null; do
    code=0
    wait "$child" || code=$?
  done
  return "$code"
}

fast=
[ "${1:-}" != --fast ] || { fast=fast && shift; }
verb=${1:-}
data=${2:-$home/.lyceum/pg}
find_user
[ "$verb" = bin ] || find_data

case $verb in
bin) data='' && find_bin ;;
start)
  lock
  start
  touch "$socket/keep"
  url
  ;;
stop)
  lock
  rm -f "$socket/keep"
  stop
  ;;
status)
  bin=$(find_bin)
  if ready; then echo running; else echo stopped && exit 3; fi
  ;;
url) url "${3:-}" ;;
run)
  [ $# -ge 3 ] || die "run DATA COMMAND..."
  shift 2
  run "$@"
  ;;
*)
  sed -n '2,13s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
