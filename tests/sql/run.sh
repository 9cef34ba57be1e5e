#!/bin/bash
# Tries to break each promise of the data model in SQL: tests/sql/run.sh DATABASE_URL
# The URL is the owner's, of a migrated database; every try is rolled back.
#
# A try is a block in tests/sql/*.sql:
#   -- promise: a sentence
#   -- expect: a constraint's name, an SQLSTATE, `ok`, or `= the last line that it prints`
#   statements (fixture.sql has run before them in the same transaction)
set -u
url=${1:?usage: tests/sql/run.sh DATABASE_URL}
here=$(cd "$(dirname "$0")" && pwd)
psql=${PSQL:-psql}
out=$(mktemp -d) || exit 1
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

# Splits the files into one script a promise, with its expectation beside it.
perl -e '
  my ($n, $fh) = (0);
  my ($dir, $fixture, @files) = @ARGV;
  for my $file (@files) {
    undef $fh;
    open(my $in, "<", $file) or die "$file: $!";
    while (my $line = <$in>) {
      if ($line =~ /^-- promise: (.*)/) {
        $n++;
        open(my $say, ">", sprintf("%s/%04d.promise", $dir, $n)) or die;
        print $say "$1\n";
        open($fh, ">", sprintf("%s/%04d.sql", $dir, $n)) or die;
        print $fh "\\set ON_ERROR_STOP 1\n\\set VERBOSITY verbose\nBEGIN;\n\\i $fixture\n";
      } elsif ($line =~ /^-- expect: (.*)/) {
        open(my $say, ">", sprintf("%s/%04d.expect", $dir, $n)) or die;
        print $say "$1\n";
      } elsif ($fh) { print $fh $line; }
    }
  }' "$out" "$here/fixture.sql" "$here"/promises_*.sql || exit 1

# Says how one promise fared.
verdict() {  # promise, expected, got
  if [ "$2" = "$3" ]; then
    passed=$((passed + 1)); echo "ok      $1"
  else
    failed=$((failed + 1))
    printf 'BROKEN  %s\n        expected: %s\n        got:      %s\n' "$1" "$2" "$3"
  fi
}

for script in "$out"/*.sql; do
  base=${script%.sql}
  expect=$(cat "$base.expect")
  if "$psql" -XqAt "$url" -f "$script" >"$base.out" 2>"$base.err"; then
    got=ok
    case $expect in "= "*) got="= $(tail -n 1 "$base.out")" ;; esac
  else
    got=$(sed -n 's/^CONSTRAINT NAME: *//p' "$base.err" | head -n 1)
    case $expect in
      [0-9]????) got=$(sed -n 's/.*ERROR: *\([0-9A-Z]\{5\}\):.*/\1/p' "$base.err" | head -n 1) ;;
    esac
    [ -n "$got" ] || got=$(head -n 3 "$base.err" | tr '\n' ' ')
  fi
  verdict "$(cat "$base.promise")" "$expect" "$got"
done

# Races need committed rows and two sessions at once; race.sh cleans up behind itself.
. "$here/race.sh"

echo "promises: $passed passed, $failed failed"
[ "$failed" -eq 0 ]
