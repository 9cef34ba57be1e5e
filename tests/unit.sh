#!/usr/bin/env bash
# Runs the unit test programs given, one line for each that passes and the whole output of one that
# does not, and adds up the counts that cmocka prints.
set -u
passed=0 failed=0
for program in "$@"; do
  out=$("$program" 2>&1)
  code=$?
  p=$(grep -c '^\[       OK \]' <<<"$out")
  f=$(grep -cE '^\[  FAILED  \] [^0-9]*[a-z_]+$' <<<"$out")
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
