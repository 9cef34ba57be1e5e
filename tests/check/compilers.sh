#!/usr/bin/env bash
# Promise: gcc and clang compile every file without a warning, and clang-tidy is content
set -u
${MAKE:-make} -k -s all CC=gcc || exit 1
${MAKE:-make} -k -s BUILD=build/clang CC=clang all tidy
