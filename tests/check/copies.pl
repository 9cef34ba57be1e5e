#!/usr/bin/perl
# Promise: a function that a migration replaces was copied from what it is before
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Digest::SHA qw(sha256_hex);
use Tree;

# Since 0025 a line `-- was: DIGEST` stands above what is replaced. When what it was copied from is
# changed afterwards, the copy would take that back, unseen: then it must be copied again.
my %known;  # name -> [path, digest]
for my $path (sort { $a cmp $b } files(qr{^db/migrations/\d+_\w+\.sql$})) {
  my ($number) = $path =~ m{/(\d+)_};
  my @lines = lines($path);
  for (my $i = 0; $i < @lines; $i++) {
    my ($replaces, $name) = $lines[$i] =~ /^CREATE (OR REPLACE )?FUNCTION (\w+)\(/ or next;
    my $text = '';
    for (my $k = $i; $k < @lines; $k++) {
      $text .= $lines[$k];
      last if $lines[$k] =~ /\$\$;\s*$/ || ($text !~ /\$\$/ && $lines[$k] =~ /;\s*$/);
    }
    if ($replaces && $number >= 25 && $known{$name}) {
      my ($from, $digest) = @{$known{$name}};
      my ($was) = $lines[$i - 1] =~ /^-- was: (\w+)$/;
      wrong($path, $i + 1, "$name() is not copied from $from as it is: -- was: $digest")
        if ($was // '') ne $digest;
    }
    $known{$name} = [$path, substr sha256_hex($text), 0, 12];
  }
}
done();
