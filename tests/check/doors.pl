#!/usr/bin/perl
# Promise: each library has one door (the table of docs/ARCHITECTURE.md)
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Tree;

# [what is included, where it may be, who keeps the door]
my @doors = (
  [qr{^curl/},                    qr{^base/fetch},                   'base/fetch.c'],
  [qr{^jansson},                  qr{^base/json},                    'base/json.c'],
  [qr{^(openssl/|argon2)},        qr{^base/crypto},                  'base/crypto.c'],
  [qr{^libpq},                    qr{^db/},                          'db/'],
  [qr{^microhttpd}, qr{^api/(serve|intake|reply)}, 'api/ serve.c, intake.c, reply.c'],
  [qr{^libical},                  qr{^rules/},                       'rules/'],
  [qr{^(cairo|pango)},            qr{^(tests/unit/)?formats/pdf},    'formats/pdf.c'],
  [qr{^xlsxwriter},               qr{^formats/xlsx},                 'formats/xlsx.c'],
  [qr{^(csv|qrencode)},           qr{^formats/},                     'formats/'],
  [qr{^expat},                    qr{^gateways/},                    'gateways/'],
);

for my $path (source_files()) {
  my $n = 0;
  for (lines($path)) {
    $n++;
    next unless m{^\s*#\s*include\s+<([^>]+)>};
    my $header = $1;
    for my $door (@doors) {
      my ($library, $room, $keeper) = @$door;
      next unless $header =~ $library;
      wrong($path, $n, "<$header> is for $keeper alone") if $path !~ $room;
    }
  }
}
done();
