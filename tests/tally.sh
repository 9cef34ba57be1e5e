#!/usr/bin/env bash
# Makes each target given, shows what it says, tells how long each took, and ends with one line that
# adds up theirs: "N passed, N failed". A target that fails without naming a failure counts as one.
# What all stories together measured stands before that.
set -u
passed=0 failed=0 took=()
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for target in "$@"; do
  echo "== $target"
  began=$SECONDS
  ${MAKE:-make} "$target" 2>&1 | tee "$out"
  code=${PIPESTATUS[0]}
  counts=$(sed -nE 's/^([a-z]+: )?([0-9]+) passed, ([0-9]+) failed$/\2 \3/p' "$out" | tail -n 1)
  read -r p f <<<"$counts"
  if [ "$code" != 0 ] && [ "${f:-0}" = 0 ]; then f=1; fi
  took+=("$target $((SECONDS - began)) s")
  passed=$((passed + ${p:-0})) failed=$((failed + ${f:-0}))
done
case " $* " in *" stories "*) cat build/test/promises.txt 2>/dev/null ;; esac
printf '%s, ' "${took[@]}" | sed 's/, $/\n/'
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
