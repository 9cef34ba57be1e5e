#!/usr/bin/env bash
# Runs the two years of tests/years/ on a PostgreSQL whose clock is moved, as the server's is: both
# read it from build/years-clock. YEARS_MEMBERS=200, YEARS_DAYS=730 and YEARS_SEED=1 unless given.
set -eu
cd "$(dirname "$0")/.."
library=$(compgen -G '/usr/lib/*/faketime/libfaketimeMT.so.1' | head -n 1) ||
  { echo 'years.sh: libfaketime is missing' && exit 1; }
mkdir -p build
echo +0 >build/years-clock
chmod 644 build/years-clock
export YEARS_CLOCK=$PWD/build/years-clock YEARS_LIBRARY=$library
# The runner and its clients keep the true time.
# shellcheck disable=SC2016
LD_PRELOAD=$library FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1 \
  FAKETIME_TIMESTAMP_FILE=$YEARS_CLOCK db/private.sh --fast run build/years-pg \
  env -u LD_PRELOAD sh -c \
  'LYCEUM_TEST_PG=$DATABASE_URL exec node tests/api/run.mjs --from tests/years'
