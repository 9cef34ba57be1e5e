#!/usr/bin/env bash
# Runs the unit test programs given, one line for each that passes and the whole output of one that
# does not, and adds up the counts that cmocka prints. UNDER is a command to run them under, such as
# valgrind; SKIP (token,keys) names those that take too long there.
set -u
passed=0 failed=0

# cmocka ends a group with "[  PASSED  ] 3 test(s)." and, if need be, "[  FAILED  ] 1 test(s), ..."
count() {
  awk -v what="$1" '$2 == what && $5 ~ /^test/ { n += $4 } END { print n + 0 }' <<<"$2"
}

# A fuzzer's replay is given the folders of its cases.
run() {
  local name=${1##*/}
  case $1 in
  *_replay) ${UNDER:-} "$1" tests/fuzz/seeds/"${name%_replay}" tests/fuzz/found/"${name%_replay}" 2>&1 ;;
  *) ${UNDER:-} "$1" 2>&1 ;;
  esac
}

for program in "$@"; do
  name=${program##*/}
  [[ ,${SKIP:-}, != *,${name%_test},* ]] || continue
  out=$(run "$program")
  code=$?
  p=$(count PASSED "$out")
  f=$(count FAILED "$out")
  if [ "$code" = 0 ]; then
    echo "ok    ${program#*/tests/} ($p)"
  else
    [ "$f" != 0 ] || f=1
    printf '%s\nFAIL  %s\n' "$out" "${program#*/tests/}"
  fi
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
