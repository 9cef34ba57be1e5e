#!/usr/bin/perl
# Promise: functions are short (60 at most, median 12, 90% under 35) and comments are 12% or more
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Tree;

# As clang-format lays it out, a function starts and ends in column 0.
sub functions_of {
  my ($path, @lines) = @_;
  my (@found, $start, $text);
  for my $i (0 .. $#lines) {
    local $_ = $lines[$i];
    my $opens = /^[A-Za-z_]/ && !/;\s*$/ && !/^(struct|enum|union|typedef) [^()]*\{/;
    if (!defined $start && $opens) {
      ($start, $text) = ($i, '');
    }
    next unless defined $start;
    $text .= "$_\n";
    if (/^\}/ || /\{.*\}$/ && $start == $i) {
      my $is_function = $text =~ /^[^{;=]*\([^{;=]*\)\s*\{/;
      push @found, [$i - $start + 1, $path, $start + 1] if $is_function;
      undef $start;
    } elsif ($text !~ /\{/ && /(;|^)\s*$/) {
      undef $start;
    }
  }
  return @found;
}

# Lines that are comment, wholly or at their end, of all that are not empty. A statement's comments
# stand in its .sql file, so these count as well.
sub comment_lines {
  my ($inside, $comments, $all) = (0, 0, 0);
  for (@_) {
    next if /^\s*$/;
    $all++;
    my $bare = s/"(\\.|[^"\\])*"//gr;
    $comments++ if $inside || $bare =~ m{/\*|//|^\s*--};
    $inside = 1 if $bare =~ m{/\*(?!.*\*/)};
    $inside = 0 if $bare =~ m{\*/(?!.*/\*)};
  }
  return ($comments, $all);
}

my (@functions, $comments, $all);
for my $path (source_files()) {
  my @lines = lines($path);
  push @functions, functions_of($path, @lines);
  my ($c, $a) = comment_lines(@lines);
  $comments += $c;
  $all += $a;
}
for my $path (files(qr/\.(sql|def)$/, qw(base db jobs api cli))) {
  my ($c, $a) = comment_lines(lines($path));
  $comments += $c;
  $all += $a;
}
exit 0 unless @functions;

@functions = sort { $a->[0] <=> $b->[0] } @functions;
wrong($_->[1], $_->[2], "a function of $_->[0] lines") for grep { $_->[0] > 60 } @functions;
my ($median, $most) = map { $functions[int($_ * $#functions)][0] } 0.5, 0.9;
my $share = 100 * $comments / $all;
printf "%d functions, median %d lines, 90%% up to %d, longest %d; %.1f%% of lines are comments\n",
  scalar @functions, $median, $most, $functions[-1][0], $share;
wrong('.', 0, "the median function has $median lines, over 12") if $median > 12;
wrong('.', 0, "a tenth of the functions have $most lines or more, not under 35") if $most >= 35;
wrong('.', 0, sprintf 'only %.1f%% comments', $share) if $share < 12;
done();
