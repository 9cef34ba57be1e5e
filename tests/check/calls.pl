#!/usr/bin/perl
# Promise: no call that overruns a buffer, hides an error or shares hidden state between threads
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Tree;

my $unsafe = join '|', qw(strcpy strcat stpcpy sprintf vsprintf gets strtok atoi atol atoll atof
  alloca mktemp tmpnam);
my $shared = join '|', qw(rand srand system popen gmtime localtime ctime asctime setjmp longjmp);

for my $path (source_files(), files(qr/\.[ch]$/, 'tests')) {
  my ($n, $inside) = (0, 0);
  my $banned = $path =~ m{^tests/} ? $unsafe : "$unsafe|$shared";
  for (lines($path)) {
    $n++;
    s/"(\\.|[^"\\])*"/""/g;
    s{/\*.*?\*/|//.*}{}g;
    if ($inside) { s{^.*?\*/}{} ? ($inside = 0) : next }
    $inside = 1 if s{/\*.*}{};
    wrong($path, $n, "$1() is not used here") if /(?<![\w.>])($banned)\s*\(/;
  }
}
done();
