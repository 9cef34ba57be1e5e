#!/usr/bin/perl
# Promise: no key, token or password file lies in the tree
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Tree;

my $key = '-----BEGIN ' . '([A-Z]+ )*PRIVATE KEY-----';
my $known = join '|', '\bAKIA[0-9A-Z]{16}', '\b[sr]k_live_\w{10,}', '\bwhsec_\w{24,}',
  '\bgh[pousr]_\w{30,}', '\bxox[abp]-\w{10,}';

for my $path (files(qr/./)) {
  next if $path =~ /(^|\/)package-lock\.json$/ || -B $path && -s $path;
  wrong($path, 1, 'a file of secrets does not belong here')
    if $path =~ /\.(pem|key|p12|pfx)$|(^|\/)\.env$|(^|\/)secret$/;
  my $n = 0;
  for (lines($path)) {
    $n++;
    wrong($path, $n, 'a private key') if /$key/;
    wrong($path, $n, 'a live token') if /$known/;
  }
}
done();
