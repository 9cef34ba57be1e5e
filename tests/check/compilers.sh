#!/usr/bin/env bash
# Promise: gcc and clang compile every file without a warning, and clang-tidy is content
set -uo pipefail
{
  ${MAKE:-make} -k all CC=gcc && ${MAKE:-make} -k BUILD=build/clang CC=clang all tidy
} 2>&1 | { grep -vE '^  [a-z]+ |: Nothing to be done' || :; }
