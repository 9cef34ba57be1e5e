#!/usr/bin/env bash
# Promise: the pages in docs/ that `lyceum docs` makes are as the source has them
# Only pages that docs/ holds are compared; `make docs` writes all of them anew.
set -eu
${MAKE:-make} -s build/lyceum >/dev/null
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
build/lyceum docs "$fresh" >/dev/null
code=0
for page in "$fresh"/*; do
  kept=docs/$(basename "$page")
  if [ ! -e "$kept" ] || cmp -s "$page" "$kept"; then continue; fi
  line=$(cmp "$page" "$kept" 2>&1 | sed -nE 's/.* line ([0-9]+)$/\1/p')
  echo "$kept:${line:-1}: differs from what the source says; run make docs"
  code=1
done
exit $code
