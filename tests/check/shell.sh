#!/usr/bin/env bash
# Promise: shellcheck is content with every script
set -u
command -v shellcheck >/dev/null || { echo 'not judged here: no shellcheck' && exit 0; }
{
  find . \( -name build -o -name node_modules -o -name .git -o -name .lyceum \) -prune -o \
    -name '*.sh' -print
  [ ! -e .ci/run ] || echo .ci/run
} | xargs shellcheck --format=gcc --exclude=SC1091
