#!/usr/bin/env bash
# Runs the unit test programs given, as many at a time as there are cores: one line for each that
# passes and the whole output of one that does not, and adds up the counts that cmocka prints.
#   UNDER='valgrind -q'   a command, with its options, that runs each of them
#   SKIP=token,keys       those that take too long there
set -u

# cmocka ends a group with "[  PASSED  ] 3 test(s)." and, if need be, "[  FAILED  ] 1 test(s), ..."
count() {
  awk -v what="$1" '$2 == what && $5 ~ /^test/ { n += $4 } END { print n + 0 }' <<<"$2"
}

# A fuzzer's replay is given the folders of its cases.
run() {
  local name=${1##*/} under cases=()
  read -ra under <<<"${UNDER:-}"
  case $name in
  *_replay) cases=(tests/fuzz/seeds/"${name%_replay}" tests/fuzz/found/"${name%_replay}") ;;
  esac
  "${under[@]}" "$1" "${cases[@]}" 2>&1
}

judge() {
  local out code p f
  out=$(run "$1")
  code=$?
  p=$(count PASSED "$out")
  f=$(count FAILED "$out")
  if [ "$code" = 0 ]; then
    echo "ok    ${1#*/tests/} ($p)"
  else
    [ "$f" != 0 ] || f=1
    printf '%s\nFAIL  %s (%s passed, %s failed)\n' "$out" "${1#*/tests/}" "$p" "$f"
  fi
}
export -f count run judge

wanted() {
  local program name
  for program in "$@"; do
    name=${program##*/}
    [[ ,${SKIP:-}, == *,${name%_test},* ]] || echo "$program"
  done
}

results=$(mktemp)
trap 'rm -f "$results"' EXIT
mapfile -t chosen < <(wanted "$@")
# shellcheck disable=SC2016
printf '%s\n' "${chosen[@]}" |
  xargs -P "$(nproc)" -I{} bash -c 'out=$(judge {}); echo "$out"' | tee "$results"
awk -F '[( )]+' '
  $1 == "ok" { passed += $3 }
  $1 == "FAIL" { passed += $3; failed += $5 }
  $1 ~ /^(ok|FAIL)$/ { judged++ }
  END {
    if (judged < programs) failed += programs - judged
    print passed + 0 " passed, " failed + 0 " failed"
    exit failed > 0
  }' programs="${#chosen[@]}" "$results"
