#!/usr/bin/env bash
# Runs each command given, shows what it says, and ends with one line that adds up theirs:
# "N passed, N failed". A command that fails without naming a failure counts as one.
set -u
passed=0 failed=0
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for command in "$@"; do
  bash -c "$command" 2>&1 | tee "$out" | grep -vE '^[0-9]+ passed, [0-9]+ failed$'
  code=${PIPESTATUS[0]}
  read -r p f < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$out" | tail -n 1)
  [ "$code" = 0 ] || [ "${f:-0}" != 0 ] || f=1
  echo "-- $command: ${p:-0} passed, ${f:-0} failed"
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
