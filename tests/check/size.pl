#!/usr/bin/perl
# Promise: files have 500 lines at most, and lines 100 columns
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::Bin;
use Tree;

my $wide_js = 0;    # test code is read with its strings whole: told, not refused

for my $path (files(qr/(\.(c|h|def|sql|sh|pl|pm|m?js|ts|css)|Makefile)$/)) {
  my @lines = lines($path);
  wrong($path, scalar @lines, 'over 500 lines: ' . @lines) if @lines > 500;
  my $n = 0;
  for my $line (@lines) {
    $n++;
    utf8::decode($line);
    next if length $line <= 100;
    if ($path =~ /js$/) { $wide_js++ }
    else                { wrong($path, $n, 'over 100 columns: ' . length $line) }
  }
}
print "$wide_js lines of JavaScript are wider; prettier would break them\n" if $wide_js;
done();
