#!/usr/bin/env bash
# Runs the checks beside this script, or those named, two at a time, and prints a line for each.
# A check is a script whose second line is "# Promise: ..."; it prints file:line: what is wrong and
# exits with 1.
cd "$(dirname "$0")/../.." || exit 1
export MAKE=${MAKE:-make}

judge() {
  local promise out code
  promise=$(sed -n '2s/^# Promise: //p' "$1")
  case $1 in *.pl) out=$(perl "$1" 2>&1) ;; *) out=$(bash "$1" 2>&1) ;; esac
  code=$?
  if [ "$code" = 0 ]; then
    printf 'ok    %s\n' "$promise"
    [ -z "$out" ] || printf '      %s\n' "${out//$'\n'/$'\n'      }"
  else
    printf '%s\nFAIL  %s\n' "$out" "$promise"
  fi
}
export -f judge

results=$(mktemp)
trap 'rm -f "$results"' EXIT
checks=$(find tests/check -name '*.sh' -not -name run.sh -o -name '*.pl' | sort)
[ $# = 0 ] || checks=$(for name in "$@"; do ls "tests/check/$name".*; done)
# shellcheck disable=SC2016
xargs -P 2 -I{} bash -c 'out=$(judge {}); echo "$out"' <<<"$checks" | tee "$results"
passed=$(grep -c '^ok    ' "$results")
failed=$(grep -c '^FAIL  ' "$results")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
