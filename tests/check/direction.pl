#!/usr/bin/perl
# Promise: includes run downward, between rooms by their public header, never between nouns of api/
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Tree;

my %floor = (
  base => 1,
  db => 2,
  rules => 3, formats => 3, auth => 3, gateways => 3,
  jobs => 4, api => 4,
  cli => 5,
);
my %dry = map { $_ => 1 } qw(rules formats);    # pure: neither the database nor the network

for my $path (source_files()) {
  my ($room) = $path =~ m{^(\w+)/};
  my ($noun) = $path =~ m{^api/(\w+)/};
  my $n = 0;
  for (lines($path)) {
    $n++;
    if ($dry{$room} && m{^\s*#\s*include\s+<(sys/socket|netdb|sys/epoll|sys/un|poll|fcntl)\.h>}) {
      wrong($path, $n, "$room/ does no I/O");
    }
    next unless m{^\s*#\s*include\s+"([^"]+)"};
    my $header = $1;
    if ($header !~ m{^(\w+)/}) {
      wrong($path, $n, "name the folder: \"$room/...\"") unless $header =~ /\.def$/;
      next;
    }
    my $other = $1;
    if (!$floor{$other}) {
      wrong($path, $n, "$other/ is no room of the house");
    } elsif ($other eq $room) {
      my ($noun_there) = $header =~ m{^api/(\w+)/};
      wrong($path, $n, "a noun of api/ knows no other: $header")
        if defined $noun_there && (!defined $noun || $noun ne $noun_there);
    } elsif ($floor{$other} > $floor{$room}) {
      wrong($path, $n, "$room/ must not know $other/: includes run downward");
    } elsif ($floor{$other} == $floor{$room} && !($room ne 'rules' && $other eq 'rules')) {
      wrong($path, $n, "$room/ and $other/ stand side by side and must not know each other");
    } elsif ($dry{$room} && $other eq 'db') {
      wrong($path, $n, "$room/ is pure and must not know db/");
    } elsif ($header !~ m{^(\w+)/\1\.h$} && $header ne 'db/sql.h' && $header !~ /\.def$/) {
      wrong($path, $n, "not the public header of $other/: $header");
    }
  }
}
done();
