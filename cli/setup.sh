#!/usr/bin/env bash
# Installs with apt what Lyceum needs and this machine lacks; says so first, and asks for root only
# then. Where nothing is missing it takes some milliseconds and changes nothing.
#
#   cli/setup.sh run    what builds and runs Lyceum        cli/setup.sh test   what tests it, too
#   cli/setup.sh libs   the pkg-config names of the libraries
set -euo pipefail
libs='libmicrohttpd libpq jansson libcrypto libargon2 libcurl libqrencode zlib pangocairo'

have() { command -v "$1" >/dev/null 2>&1; }
lib() { pkg-config --exists "$1" 2>/dev/null; }
# A thing that is there counts, whoever put it there: want PACKAGE CHECK...
missing=()
want() {
  local package=$1
  shift
  "$@" || missing+=("$package")
}

postgres_there() { "$(dirname "$0")/../db/private.sh" bin >/dev/null 2>&1; }
xlsx_header() { [ -e /usr/include/xlsxwriter.h ]; } # its .pc asks for more than it needs
c_headers() { [ -e /usr/include/stdio.h ]; }
node_there() { have node && [ "$(node -p 'process.versions.node.split(".")[0]')" -ge 18 ]; }
clang_runtime() {
  have clang && compgen -G "$(clang -print-resource-dir)/lib/*/libclang_rt.fuzzer*" >/dev/null
}

faketime_there() { compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' >/dev/null; }

# Receipts are set in it: Latin and Chinese of one weight in 5 MB (fonts-noto-cjk has 91).
chinese_font() { compgen -G '/usr/share/fonts/truetype/wqy/wqy-microhei.ttc' >/dev/null; }

want_run() {
  want gcc have gcc
  want libc6-dev c_headers
  want pkg-config have pkg-config
  want libmicrohttpd-dev lib libmicrohttpd
  want libpq-dev lib libpq
  want libjansson-dev lib jansson
  want libssl-dev lib libcrypto
  want libargon2-dev lib libargon2
  want libcurl4-openssl-dev lib libcurl
  want libqrencode-dev lib libqrencode
  want zlib1g-dev lib zlib
  want libpango1.0-dev lib pangocairo
  want libxlsxwriter-dev xlsx_header
  want fonts-wqy-microhei chinese_font
  want postgresql postgres_there
  want perl perl -MDigest::SHA -e 1
  want openssl have openssl
  want curl have curl
}

want_test() {
  want_run
  want nodejs node_there
  want npm have npm
  want libcmocka-dev lib cmocka
  want clang have clang
  want clang-format have clang-format
  want libclang-rt-dev clang_runtime
  want clang-tidy have clang-tidy
  want cppcheck have cppcheck
  want gcovr have gcovr
  want shellcheck have shellcheck
  want valgrind have valgrind
  want libfaketime faketime_there
  want poppler-utils have pdftotext
  want unzip have unzip
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
    -o Dpkg::Use-Pty=0 "$@"
}

# Debian starts a server of its own on port 5432 unless told not to; Lyceum brings its own up.
no_main_cluster() {
  local conf=/etc/postgresql-common
  [ -e "$conf/createcluster.conf" ] && return
  as_root mkdir -p "$conf/createcluster.d"
  echo 'create_main_cluster = false' | as_root tee "$conf/createcluster.d/no-main.conf" >/dev/null
}

install_missing() {
  if ! have apt-get; then
    echo "setup: please install what these Debian packages hold: ${missing[*]}" >&2
    exit 1
  fi
  if [ "$(id -u)" != 0 ] && ! have sudo; then
    echo "setup: not root and no sudo; as root, please run: apt-get install ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}" >&2
  [ "$(id -u)" = 0 ] || echo "setup: this needs root, so sudo may ask for your password" >&2
  no_main_cluster
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || apt update >&2
  apt install --no-install-recommends "${missing[@]}" >&2 || {
    apt update >&2
    apt install --no-install-recommends "${missing[@]}" >&2
  }
}

case ${1:-} in
libs) echo "$libs" ;;
run | test)
  "want_$1"
  [ ${#missing[@]} = 0 ] || install_missing
  ;;
*)
  sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac
