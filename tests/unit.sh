#!/usr/bin/env bash
# Runs the unit test programs given, one line for each that passes and the whole output of one that
# does not, and adds up the counts that cmocka prints.
set -u
passed=0 failed=0

# cmocka ends a group with "[  PASSED  ] 3 test(s)." and, if need be, "[  FAILED  ] 1 test(s), ..."
count() {
  awk -v what="$1" '$2 == what && $5 ~ /^test/ { n += $4 } END { print n + 0 }' <<<"$2"
}

for program in "$@"; do
  out=$("$program" 2>&1)
  code=$?
  p=$(count PASSED "$out")
  f=$(count FAILED "$out")
  if [ "$code" = 0 ]; then
    echo "ok    ${program#*/tests/unit/} ($p)"
  else
    [ "$f" != 0 ] || f=1
    printf '%s\nFAIL  %s\n' "$out" "${program#*/tests/unit/}"
  fi
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
