#!/usr/bin/env bash
# Makes a database, migrates it with the lyceum given, and tries to break the schema's promises in
# it. DATABASE_URL names an owner's database in the same PostgreSQL.
set -eu
name=promises_$$
url=${DATABASE_URL/\/lyceum?//$name?}
psql -qX "$DATABASE_URL" -c "CREATE DATABASE $name"
trap 'psql -qX "$DATABASE_URL" -c "DROP DATABASE $name WITH (FORCE)"' EXIT
DATABASE_URL=$url "$1" migrate
bash tests/sql/run.sh "$url"
