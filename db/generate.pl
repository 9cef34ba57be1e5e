#!/usr/bin/env perl
# Makes the C side of the SQL files: sql.h and sql.c from db/sql/*.sql, migrations.c from
# db/migrations/*.sql. Usage: perl db/generate.pl OUT_DIR SQL_DIR MIGRATIONS_DIR
#
# A statement's header says its parameters and columns; from it come the parameter struct, the row
# struct, the ask_NAME() call and the tables that encode and decode both (db/db.h).
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);

my ($out, $sql_dir, $migrations_dir) = @ARGV;
my %c_type = (
    uuid => 'struct uuid', bigint => 'int64_t', int => 'int64_t', bool => 'bool',
    text => 'struct text', bytea => 'struct text', timestamptz => 'micros', json => 'struct text',
    'uuid[]' => 'struct sql_list', 'text[]' => 'struct sql_list', 'bigint[]' => 'struct sql_list',
);
my %sql_type = (
    uuid => 'SQL_UUID', bigint => 'SQL_BIGINT', int => 'SQL_INT', bool => 'SQL_BOOL',
    text => 'SQL_TEXT', bytea => 'SQL_BYTEA', timestamptz => 'SQL_TIME', json => 'SQL_JSON',
    'uuid[]' => 'SQL_UUIDS', 'text[]' => 'SQL_TEXTS', 'bigint[]' => 'SQL_BIGINTS',
);
my %scalar = map { $_ => 1 } qw(bigint int bool timestamptz);

sub slurp {
    my ($path) = @_;
    open my $f, '<:raw', $path or die "$path: $!\n";
    local $/;
    return scalar <$f>;
}

# Written only when it changed, so that make does not build everything again.
sub put {
    my ($path, $text) = @_;
    return if -e $path && slurp($path) eq $text;
    open my $f, '>:raw', "$path.new" or die "$path: $!\n";
    print $f $text or die;
    close $f or die;
    rename "$path.new", $path or die;
}

# Bytes as an array: string literals over 4,095 bytes fail -Wpedantic.
sub c_bytes {
    my ($name, $text) = @_;
    # Beyond ASCII a character constant fits, whether char is signed or not.
    my $list = join ',', (map { $_ < 128 ? $_ : sprintf "'\\%o'", $_ } unpack('C*', $text)), 0;
    $list =~ s/((?:[^,]+,){18})/$1\n/g;
    return "static const char $name\[] = {\n$list};\n";
}

sub slots {
    my ($file, $list) = @_;
    my @slots;
    for my $item (grep { length } split /\s*,\s*/, $list) {
        my ($name, $type, $required) = $item =~ /^(\w+)\s+([a-z]+(?:\[\])?)(!?)$/
            or die "$file: can't read '$item'; write: name type or name type!\n";
        $c_type{$type} or die "$file: unknown type $type\n";
        push @slots, { name => $name, type => $type, required => $required ? 1 : 0 };
    }
    return @slots;
}

sub member { my ($n) = @_; $n =~ s/^_+//; return $n; }

sub struct_of {
    my ($name, @slots) = @_;
    my $c = "struct $name {\n";
    for my $s (@slots) {
        my $m = member($s->{name});
        $c .= "  $c_type{$s->{type}} $m;\n";
        $c .= "  bool has_$m;\n" if $scalar{$s->{type}} && !$s->{required};
    }
    return "$c};\n";
}

sub table_of {
    my ($table, $struct, @slots) = @_;
    my $c = "static const struct sql_slot $table\[] = {\n";
    for my $s (@slots) {
        my $m = member($s->{name});
        my $has = 'SIZE_MAX';
        $has = "offsetof(struct $struct, has_$m)" if $scalar{$s->{type}} && !$s->{required};
        $c .= sprintf "    {\"%s\", %s, %s, offsetof(struct %s, %s), %s},\n", $s->{name},
            $sql_type{$s->{type}}, $s->{required} ? 'true' : 'false', $struct, $m, $has;
    }
    return "$c};\n";
}

my ($h, $c, @names) = ('', '');
for my $path (sort glob "$sql_dir/*.sql") {
    my ($name) = $path =~ m{([^/]+)\.sql$};
    next if $name =~ /_lock$/;
    my $text = slurp($path);
    my (%flag, $in, $outs, @says);
    my $last;
    for my $line ($text =~ /^--\s?(.*)$/mg) {
        if    ($line =~ /^in:\s*(.*)$/)  { $in   = $1; $last = \$in; }
        elsif ($line =~ /^out:\s*(.*)$/) { $outs = $1; $last = \$outs; }
        elsif ($line =~ /^(read|many|global)\s*$/) { $flag{$1} = 1; undef $last; }
        elsif ($line =~ /^again: safe\s*$/) { $flag{again} = 1; undef $last; }
        elsif ($last && $line =~ /^\s{2,}(.*)$/) { $$last .= " $1"; }
        elsif (!defined $in && !defined $outs) { push @says, $line; }
        else { undef $last; }
    }
    @says or die "$path: say in the first line what the statement does\n";
    my @in  = slots($path, $in   // '');
    my @out = slots($path, $outs // '');
    die "$path: a batched statement's first column is `ord int!`\n"
        if $flag{many} && !(@out && $out[0]{name} eq 'ord' && $out[0]{type} eq 'int');
    my $lock = -e "$sql_dir/${name}_lock.sql" ? slurp("$sql_dir/${name}_lock.sql") : undef;
    (my $body = $text) =~ s/^\s*--.*\n//mg;
    my $flags = join ' | ', map { "SQL_\U$_" } sort keys %flag;

    $h .= "\n/* " . join("\n   ", @says) . " */\n";
    $h .= "extern const struct statement sql_$name;\n";
    if (@in) {
        $h .= struct_of("${name}_in", @in);
        $h .= "#define ask_$name(q, next, ...) \\\n"
            . "  ask((q), &sql_$name, (next), &(const struct ${name}_in){__VA_ARGS__})\n";
    } else {
        $h .= "#define ask_$name(q, next) ask((q), &sql_$name, (next), NULL)\n";
    }
    if (@out) {
        $h .= struct_of("${name}_row", @out);
        $h .= "static inline bool row_$name(struct request *q, const struct rows *r, int i,\n"
            . "                             struct ${name}_row *row) {\n"
            . "  return rows_read(q, r, i, &sql_$name, row);\n}\n";
        $h .= "static inline bool one_$name(struct request *q, const struct rows *r,\n"
            . "                             struct ${name}_row *row) {\n"
            . "  return rows_read(q, r, 0, &sql_$name, row);\n}\n";
    }
    $c .= c_bytes("text_$name", $body);
    if (defined $lock) { (my $l = $lock) =~ s/^\s*--.*\n//mg; $c .= c_bytes("lock_$name", $l); }
    $c .= table_of("in_$name",  "${name}_in",  @in)  if @in;
    $c .= table_of("out_$name", "${name}_row", @out) if @out;
    my $number = @names;
    $c .= "const struct statement sql_$name = {\"$name\", text_$name, "
        . (defined $lock ? "lock_$name" : 'NULL') . ", " . ($flags || '0') . ", $number,\n    "
        . (@in  ? "in_$name, "  . scalar(@in)  . ", sizeof(struct ${name}_in), "  : 'NULL, 0, 0, ')
        . (@out ? "out_$name, " . scalar(@out) . ", sizeof(struct ${name}_row)" : 'NULL, 0, 0')
        . "};\n\n";
    push @names, $name;
}

my $note = "/* Made by db/generate.pl from $sql_dir; change the .sql files instead. */\n";
put("$out/sql.h", "$note#ifndef LYCEUM_SQL_H\n#define LYCEUM_SQL_H\n\n"
    . "#include \"db/db.h\"\n$h\n#endif\n");
put("$out/sql.c", "$note#include \"db/sql.h\"\n\n$c"
    . "const struct statement *const statements[] = {\n"
    . join('', map { "    &sql_$_,\n" } @names) . "};\n"
    . "const size_t statement_count = " . scalar(@names) . ";\n");

my ($m, $list) = ("$note#include \"db/db.h\"\n\n", '');
my $count = 0;
for my $path (sort glob "$migrations_dir/*.sql") {
    my ($name) = $path =~ m{([^/]+)\.sql$};
    my $text = slurp($path);
    $m .= c_bytes("text_$count", $text);
    $list .= "    {\"$name\", text_$count, \"" . sha256_hex($text) . "\"},\n";
    $count++;
}
put("$out/migrations.c", "$m\nconst struct migration migrations[] = {\n$list};\n"
    . "const size_t migration_count = $count;\n");
