#!/usr/bin/env bash
# Runs every fuzzer of a build folder, or those of ONLY (json,head), for FUZZ_SECONDS (20), as many
# at a time as there are cores. They begin with tests/fuzz/seeds and found, know the words of
# tests/fuzz/words, and keep what led further in build/corpus. An input that breaks one is left in
# build/broken: it belongs into tests/fuzz/found, where every `make unit` tries it.
set -u
mkdir -p build/broken

fuzz() {
  local name=$1 program=$2 corpus=build/corpus/$1 words=tests/fuzz/words/$1
  local options=("-max_total_time=${FUZZ_SECONDS:-20}" -timeout=60 -max_len=65536
    -use_value_profile=1 -print_final_stats=1 "-artifact_prefix=build/broken/$name-")
  mkdir -p "$corpus"
  [ ! -f "$words" ] || options+=("-dict=$words")
  local folders=("$corpus")
  for kept in "tests/fuzz/seeds/$name" "tests/fuzz/found/$name"; do
    [ ! -d "$kept" ] || folders+=("$kept")
  done
  "$program" "${options[@]}" "${folders[@]}" 2>&1
}

# "1234 runs, 320 of the edges": what libFuzzer said last.
told() {
  local runs edges
  runs=$(sed -nE 's/^stat::number_of_executed_units: *([0-9]+).*/\1/p' <<<"$1")
  edges=$(sed -nE 's/.* cov: ([0-9]+) .*/\1/p' <<<"$1" | tail -n 1)
  echo "$runs runs, $edges edges covered"
}

judge() {
  local name out
  name=$(basename "$1" _fuzz)
  if out=$(fuzz "$name" "$1"); then
    echo "ok    $name: $(told "$out")"
  else
    printf '%s\nFAIL  %s\n' "$(tail -n 40 <<<"$out")" "$name"
  fi
}
export -f fuzz told judge

chosen=()
for program in "$1"/tests/fuzz/*_fuzz; do
  name=$(basename "$program" _fuzz)
  [ -z "${ONLY:-}" ] || [[ ,$ONLY, == *,$name,* ]] || continue
  chosen+=("$program")
done
results=$(mktemp)
trap 'rm -f "$results"' EXIT
# shellcheck disable=SC2016
printf '%s\n' "${chosen[@]}" |
  xargs -P "$(nproc)" -I{} bash -c 'out=$(judge {}); echo "$out"' | tee "$results"
passed=$(grep -c '^ok    ' "$results")
echo "$passed passed, $((${#chosen[@]} - passed)) failed"
[ "$passed" = "${#chosen[@]}" ]
