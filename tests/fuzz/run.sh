#!/usr/bin/env bash
# Runs every fuzzer of a build folder for FUZZ_SECONDS (20). What they found before lies in
# build/corpus, and they begin there; an input that breaks one is kept in build/broken.
set -u
mkdir -p build/broken
passed=0 failed=0
for fuzzer in "$1"/tests/fuzz/*_fuzz; do
  name=$(basename "$fuzzer")
  mkdir -p "build/corpus/$name"
  if out=$("$fuzzer" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=10 -max_len=65536 \
    -artifact_prefix="build/broken/$name-" "build/corpus/$name" 2>&1); then
    echo "ok    $name: $(grep -c . <(ls "build/corpus/$name")) inputs," \
      "$(sed -nE 's/^Done ([0-9]+) runs.*/\1 runs/p' <<<"$out")"
    passed=$((passed + 1))
  else
    printf '%s\nFAIL  %s\n' "$(tail -n 40 <<<"$out")" "$name"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
