#!/usr/bin/env bash
# The containers, for real: the images are built, docker-compose.yml is brought up, the README's
# tutorial is run through nginx over TLS, and the data must survive. Needs root. Not part of
# `make test`: `make containers` runs it, and ends with "N passed, N failed".
#
# A Docker engine that answers is used. Else Debian's is installed and a private one started, its
# data in TMPDIR, its containers in a network of their own; what it can't pull gets a stand-in:
# debian:trixie-slim from debootstrap, postgres and nginx from Debian's packages.
#   CONTAINERS_BASE=DIR   a Debian 13 root to import instead of running debootstrap
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo 'containers: needs root' >&2 && exit 1; }
work=${CONTAINERS_WORK:-$(mktemp -d)}
export COMPOSE_PROJECT_NAME=lyceum-trial LYCEUM_DEMO=1
export LYCEUM_SECRETS=$work/secrets LYCEUM_TLS=$work/tls LYCEUM_FILES=$work/files
export LYCEUM_HTTP=127.0.0.1:18080 LYCEUM_HTTPS=127.0.0.1:18443
export LYCEUM_PUBLIC_URL=https://$LYCEUM_HTTPS LYCEUM_SUBNET=172.30.57.0/24
# As many open files as this machine lets them have.
LYCEUM_NOFILE=$(($(ulimit -Hn) < 65536 ? $(ulimit -Hn) : 65536))
export LYCEUM_NOFILE
passed=${CONTAINERS_PASSED:-0} failed=0 engine='' trying=''

ok() { passed=$((passed + 1)) && echo "ok    $*"; }
bad() { failed=$((failed + 1)) && echo "FAIL  $*"; }
# is WHAT WANTED GOT
is() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1: wanted $2, got $3"; fi; }
compose() {
  if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}
have() { type "$@" >/dev/null 2>&1; }
# A new container with all that SERVICE has, for one command. (`exec` into a running one would do,
# but some sandboxes' kernels put it into the wrong root.)
beside() { compose run --rm -T --no-deps "$@" 2>>"$work/compose.log"; }
pg() {
  beside -e "PGPASSWORD=$(cat "$work/secrets/postgres")" -e PGHOST=postgres -e PGUSER=lyceum \
    postgres "$@"
}
web() { curl -sS --cacert "$work/tls/fullchain.pem" --max-time 20 "$@"; }
status() { web -o /dev/null -w '%{http_code}' "$@" || :; }

# --- a private engine ---------------------------------------------------------------------------

install_docker() {
  echo "containers: installing docker.io docker-compose debootstrap" >&2
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends docker.io \
    docker-compose debootstrap cgroupfs-mount iptables iproute2 curl openssl >/dev/null
}

# start_engine OPTION...; in a root without systemd nobody has mounted the control groups yet.
start_engine() {
  mountpoint -q /sys/fs/cgroup || cgroupfs-mount
  dockerd --data-root "$work/docker" --exec-root "$work/exec" -p "$work/dockerd.pid" \
    -H "unix://$work/docker.sock" "$@" >>"$work/dockerd.log" 2>&1 &
  engine=$!
  export DOCKER_HOST=unix://$work/docker.sock
  for _ in {1..60}; do
    docker info >/dev/null 2>&1 && return 0
    sleep 0.5
  done
  tail -n 5 "$work/dockerd.log" >&2
  echo 'containers: the Docker engine does not start' >&2
  exit 1
}

stop_engine() {
  [ -n "$engine" ] || return 0
  kill "$engine"
  wait "$engine" || :
  umount "$work/exec/netns/default" 2>/dev/null || :
  engine=
}

# --- images ---------------------------------------------------------------------------------------

debian() {
  local root=${CONTAINERS_BASE:-$work/debian} extra
  if [ ! -e "$root/etc/debian_version" ]; then
    debootstrap --variant=minbase --include=ca-certificates trixie "$root" >"$work/debootstrap.log"
    # What this machine's apt needs to reach its mirror, that one needs too.
    for extra in /etc/apt/apt.conf.d/*; do
      dpkg -S "$extra" >/dev/null 2>&1 || cp "$extra" "$root/etc/apt/apt.conf.d/"
    done
  fi
  tar -C "$root" --exclude='./var/cache/apt/*' --exclude='./proc/*' --exclude='./sys/*' \
    --exclude='./dev/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
    --exclude='./usr/share/locale/*' --exclude='./var/lib/apt/lists/*' -c . |
    docker import -c 'CMD ["bash"]' - debian:trixie-slim >/dev/null
}

# As much of the official images as docker-compose.yml uses.
stand_in() {
  case $1 in
  debian:*) debian ;;
  postgres:*) docker build -q --network=host -t "$1" - >/dev/null <<'END' ;;
FROM debian:trixie-slim
RUN apt-get update && mkdir -p /etc/postgresql-common/createcluster.d && \
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/no-main.conf && \
    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-17
ENV PATH=/usr/lib/postgresql/17/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
RUN printf '%s\n' '#!/bin/bash' 'set -e' \
  '[ "$1" = postgres ] || exec "$@"' \
  'if [ "$(id -u)" = 0 ]; then' \
  '  export POSTGRES_PASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"' \
  '  mkdir -p "$PGDATA" /run/postgresql && chown postgres: "$PGDATA" /run/postgresql' \
  '  chmod 700 "$PGDATA"' \
  '  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"' \
  'fi' \
  'if [ ! -s "$PGDATA/PG_VERSION" ]; then' \
  '  initdb -k -E UTF8 --locale=C.UTF-8 -U "$POSTGRES_USER" --auth-local=trust \' \
  '    --auth-host=scram-sha-256 --pwfile=<(echo "$POSTGRES_PASSWORD") -D "$PGDATA"' \
  '  echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"' \
  '  echo "CREATE DATABASE $POSTGRES_DB" | postgres --single -D "$PGDATA" postgres' \
  'fi' \
  'unset POSTGRES_PASSWORD' \
  'exec postgres -D "$PGDATA" -c listen_addresses="*"' >/entry && chmod +x /entry
VOLUME /var/lib/postgresql/data
STOPSIGNAL SIGINT
ENTRYPOINT ["/entry"]
CMD ["postgres"]
END
  nginx:*) docker build -q --network=host -t "$1" - >/dev/null <<'END' ;;
FROM debian:trixie-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      nginx-light curl
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
END
  esac
}

get_images() {
  local image
  for image in debian:trixie-slim postgres:17 nginx:1.28; do
    docker image inspect "$image" >/dev/null 2>&1 && continue
    timeout 60 docker pull -q "$image" >/dev/null 2>&1 && continue
    echo "containers: $image can't be pulled; making a stand-in" >&2
    stand_in "$image"
  done
  if docker build -q --network=host -t lyceum . >"$work/build.log" 2>&1; then
    ok "Dockerfile builds"
  else
    cat "$work/build.log"
    bad "Dockerfile builds"
    return 1
  fi
}

# --- what must hold -------------------------------------------------------------------------------

up() {
  local service id state
  compose up -d --no-build >>"$work/compose.log" 2>&1 || tail -n 5 "$work/compose.log"
  for service in postgres lyceum nginx; do
    state=
    for _ in {1..120}; do
      id=$(compose ps -q "$service")
      state=$(docker inspect -f '{{.State.Health.Status}}' "$id" 2>/dev/null || :)
      [ "$state" != healthy ] || break
      sleep 0.5
    done
    is "$service is healthy${1:+ $1}" healthy "$state"
  done
}

look_at_image() {
  local size
  size=$(docker image inspect -f '{{.Size}}' lyceum)
  is "the image is small ($((size / 1000000)) MB)" yes "$([ "$size" -lt 200000000 ] && echo yes)"
  is 'lyceum does not run as root' 10001 "$(beside --entrypoint id lyceum -u)"
  is 'lyceum can write nothing in its image' no \
    "$(beside --entrypoint sh lyceum -c 'touch /var/tmp/x 2>/dev/null && echo yes || echo no')"
  # shellcheck disable=SC2016
  is 'lyceum sees the files that settings name' 1 \
    "$(beside --entrypoint sh lyceum -c 'grep -c BEGIN "$LYCEUM_CA_FILE"')"
  is 'lyceum reaches PostgreSQL, and nginx does not' 'yes no' \
    "$(beside --entrypoint sh lyceum -c 'getent hosts postgres >/dev/null && echo yes') $(
      beside nginx sh -c 'getent hosts postgres >/dev/null || echo no')"
  if compose run --rm -T --no-deps lyceum doctor >"$work/doctor.log" 2>&1; then
    ok 'lyceum doctor is content'
  else
    cat "$work/doctor.log"
    bad 'lyceum doctor is content'
  fi
}

# The lines of the README as they are, but for the address.
tutorial() {
  local wanted=$1 got
  {
    echo "certificate=$work/tls/fullchain.pem"
    # shellcheck disable=SC2016
    echo 'curl() { command curl --cacert "$certificate" -w "%{stderr}%{http_code} " "$@"; }'
    sed -n '/^## Tutorial/,/^## Where/s/^    //p' README.md | grep -v '^build/lyceum' |
      sed -e "s|http://127.0.0.1:8080|https://$LYCEUM_HTTPS|g" -e "s|/tmp/|$work/|g"
  } >"$work/tutorial.sh"
  got=$(bash "$work/tutorial.sh" 2>&1 >"$work/tutorial.out") || :
  is "the README's tutorial over TLS${2:+ $2}" "$wanted" "${got% }"
}

look_at_nginx() {
  is 'HTTP is sent to HTTPS' "308 https://127.0.0.1/healthz" \
    "$(curl -s -o /dev/null -w '%{http_code} %{redirect_url}' "http://$LYCEUM_HTTP/healthz")"
  is 'HSTS is told' 1 "$(web -D - -o /dev/null "https://$LYCEUM_HTTPS/healthz" |
    grep -ci '^strict-transport-security: max-age=63072000')"
  is 'metrics stay inside' 404 "$(status "https://$LYCEUM_HTTPS/metrics")"
  is 'metrics can be had inside' 1 \
    "$(beside nginx curl -fsS http://lyceum:8080/metrics | grep -c '^lyceum_links_up ')"
  is 'TLS 1.2 is spoken, and 1.1 is not' '200 000' \
    "$(status --tls-max 1.2 "https://$LYCEUM_HTTPS/healthz") $(status --tlsv1.0 --tls-max 1.1 \
      --ciphers DEFAULT@SECLEVEL=0 "https://$LYCEUM_HTTPS/healthz" 2>/dev/null)"
}

# Each of these sign-ins fails, and claims to come from another address. Of failures an address may
# make 100 in a quarter of an hour; afterwards this one is refused, and others are not.
look_at_addresses() {
  local url=https://$LYCEUM_HTTPS/v1/communities/kaiyou/sessions n
  local body='{"login":"nobody@kaiyou.example","password":"not-the-one","device_name":"x"}'
  for n in {1..110}; do
    status -H "X-Forwarded-For: 203.0.113.$n" --json "${body/nobody/nobody$n}" "$url"
    echo
  done >"$work/guesses"
  is 'claiming other addresses does not help who guesses' 429 "$(tail -n 1 "$work/guesses")"
  is 'who comes from elsewhere is not refused with them' 401 \
    "$(beside nginx curl -sk -o /dev/null -w '%{http_code}' \
      -H 'Content-Type: application/json' -d "$body" \
      https://nginx/v1/communities/kaiyou/sessions)"
}

rows() {
  pg psql -d lyceum -Atc \
    'SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM invite_code),
            (SELECT count(*) FROM entitlement), (SELECT count(*) FROM audit_log)'
}

# A backup is one once it was restored: into another database, then in place of the lost one.
restore() {
  local before
  before=$(rows)
  pg pg_dump -Fc lyceum >"$work/lyceum.dump"
  compose stop lyceum >>"$work/compose.log" 2>&1
  pg dropdb lyceum
  pg createdb -T template0 -E UTF8 lyceum
  pg pg_restore -d lyceum --exit-on-error <"$work/lyceum.dump"
  is 'pg_dump and pg_restore bring every row back' "$before" "$(rows)"
  compose start lyceum >>"$work/compose.log" 2>&1
}

# Ends when the file $work/going is gone; its lines are the statuses that were not 200.
ask_all_the_time() {
  local asked=0 code
  while [ -e "$work/going" ]; do
    code=$(status "https://$LYCEUM_HTTPS/v1/communities/kaiyou/lectures")
    asked=$((asked + 1))
    [ "$code" = 200 ] || echo "$code"
  done >"$work/not-200"
  echo "$asked" >"$work/asked"
}

# Two of them for a moment, as docs/OPERATE.md says.
upgrade() {
  local old asking id
  old=$(compose ps -q lyceum)
  touch "$work/going"
  ask_all_the_time &
  asking=$!
  compose up -d --no-build --no-deps --no-recreate --scale lyceum=2 lyceum \
    >>"$work/compose.log" 2>&1
  for id in $(compose ps -q lyceum); do
    for _ in {1..60}; do
      [ "$(docker inspect -f '{{.State.Health.Status}}' "$id")" != healthy ] || break
      sleep 0.5
    done
  done
  sleep 2
  docker stop "$old" >/dev/null
  is 'the old one drained' 0 "$(docker inspect -f '{{.State.ExitCode}}' "$old")"
  docker rm "$old" >/dev/null
  sleep 2
  rm "$work/going"
  wait "$asking"
  is "an upgrade without a failure ($(cat "$work/asked") requests)" '' "$(cat "$work/not-200")"
}

fail_over() {
  compose stop lyceum >>"$work/compose.log" 2>&1
  is 'while lyceum is away: 503 with Retry-After' '503 2' \
    "$(web -o /dev/null -w '%{http_code} %header{retry-after}' "https://$LYCEUM_HTTPS/readyz")"
  compose start lyceum >>"$work/compose.log" 2>&1
  compose stop postgres >>"$work/compose.log" 2>&1
  up 'again after PostgreSQL was away'
}

try() {
  dist/prepare.sh localhost 127.0.0.1 >/dev/null
  install -m 644 "$work/tls/fullchain.pem" "$work/files/authority.crt"
  export LYCEUM_CA_FILE=/files/authority.crt # it does not start if it can't read that
  up
  look_at_image
  look_at_nginx
  tutorial '201 200 201 200 422 201 200 202 200 201 201 201 201'
  compose down >>"$work/compose.log" 2>&1
  up 'after down and up'
  tutorial '201 200 200 200 422 201 200 202 200 201 201 201 201' 'finds its code redeemed'
  restore
  up 'after the restore'
  tutorial '201 200 200 200 422 201 200 202 200 201 201 201 201' 'on the restored database'
  upgrade
  fail_over
  look_at_addresses
}

# --- putting it together --------------------------------------------------------------------------

leave() {
  local code=$?
  rm -f "$work/going"
  [ -z "$trying" ] || compose down -v >>"$work/compose.log" 2>&1 || :
  stop_engine
  [ -n "${CONTAINERS_WORK:-}" ] || rm -rf "$work"
  return "$code"
}
trap leave EXIT

sum_up() {
  [ "$failed" = 0 ] || compose logs --tail=20
  echo "$passed passed, $failed failed"
  [ "$failed" = 0 ]
}

case ${1:-} in
--inside) # in a network and process space of its own
  ip link set lo up
  start_engine
  trying=1
  try
  sum_up
  ;;
'')
  if docker info >/dev/null 2>&1; then
    get_images
    trying=1
    try
    sum_up
    exit
  fi
  have dockerd docker-compose || install_docker
  start_engine --bridge=none --iptables=false --ip-forward=false
  get_images
  stop_engine
  CONTAINERS_WORK=$work CONTAINERS_PASSED=$passed \
    unshare -n -m -p -f --mount-proc --kill-child -- "$0" --inside
  ;;
*)
  sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
