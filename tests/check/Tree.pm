# The project's own files, for the checks beside this one, and how a check says what is wrong.
package Tree;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT = qw(files lines source_files wrong done);

my $wrong = 0;

# files(qr/\.c$/, 'api', 'db'): sorted paths below these folders; of everything without a folder.
sub files {
  my ($wanted, @folders) = @_;
  @folders = grep { -e } (@folders ? @folders : '.');
  return unless @folders;
  my @skip = map { ('-name', $_, '-prune', '-o') } qw(build .git .lyceum node_modules);
  open(my $find, '-|', 'find', @folders, @skip, '-type', 'f', '-print') or die "find: $!";
  my @found = map { chomp; s{^\./}{}r } <$find>;
  return sort grep { /$wanted/ } @found;
}

sub source_files {
  return files(qr/\.[ch]$/, qw(base db auth rules formats gateways jobs api cli));
}

sub lines {
  my ($path) = @_;
  open(my $in, '<', $path) or die "$path: $!";
  my @lines = <$in>;
  chomp @lines;
  return @lines;
}

# wrong('db/pool.c', 12, 'what is wrong')
sub wrong {
  my ($path, $line, $what) = @_;
  print "$path:$line: $what\n";
  $wrong++;
}

sub done { exit($wrong ? 1 : 0) }

1;
