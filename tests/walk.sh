#!/usr/bin/env bash
# Replays docs/ADD-AN-ENDPOINT.md: takes its files, builds and runs its story in a copy of the tree,
# so that the page can't come to lie. Needs LYCEUM_TEST_PG like `make stories`, or starts its own.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd -P)
copy=$home/build/walk/tree
rm -rf "$copy"
mkdir -p "$copy"
cd "$home"
tar -cf - --exclude=./build --exclude=./.git --exclude=./.lyceum --exclude=node_modules . |
  tar -xf - -C "$copy"

# Blocks that follow `New file PATH:` make a file; those that follow `Add to PATH:` are appended.
awk -v root="$copy" '
  match($0, /^(New file|Add to) `[^`]+`:$/) {
    mode = $0 ~ /^New/ ? "new" : "add"; split($0, part, "`"); file = root "/" part[2]; next
  }
  /^```/ {
    if (open) { close(file); open = 0; file = "" }
    else if (file != "") {
      open = 1
      if (mode == "new") {
        dir = file; sub(/\/[^\/]*$/, "", dir)
        system("mkdir -p \"" dir "\""); printf "" > file; close(file)
      }
    }
    next
  }
  open { print >> file }
' docs/ADD-AN-ENDPOINT.md

cd "$copy"
[ -e api/me/referrals.c ] || { echo "walk: the page has no handler to take" >&2; exit 1; }
# What is built already is built the same way: objects older than their sources are made anew.
mkdir -p build
cp -a "$home/build/setup" build/ 2>/dev/null || :
[ ! -d "$home/tests/node_modules" ] || ln -s "$home/tests/node_modules" tests/node_modules
${MAKE:-make} --no-print-directory stories ONLY=referrals
