/* The command line. commands.def is the one table: it dispatches, parses, and writes the help, the
 * man page, docs/COMMANDS.md and the shell's completion. A command is one function in one file:
 *     int command_NAME(struct cli *c)     returning the exit status: 0 done, 1 failed, 2 misused */
#ifndef LYCEUM_CLI_H
#define LYCEUM_CLI_H

#include "auth/auth.h"
#include "base/base.h"
#include "db/sql.h"
#include "rules/rules.h"

#define LYCEUM_VERSION "0.1.0"

enum { OPTIONS_MOST = 16 };
enum { EXIT_DONE, EXIT_FAILED, EXIT_MISUSED };

struct cli_option {
  const char *name; /* long, without dashes; NULL ends a list */
  char letter;      /* the short form; 0: none */
  bool required;
  const char *value;   /* what its value is called; NULL: it takes none */
  const char *choices; /* the values accepted, separated by |; NULL: any */
  const char *says;
};

struct cli;
struct command {
  const char *name; /* `codes generate` */
  int (*run)(struct cli *c);
  const char *operands; /* what follows the options, as shown: `KID`, `[COMMAND]`; "": nothing */
  const char *says;     /* one line, without a full stop */
  const struct cli_option *options;
};
extern const struct command commands[];
extern const size_t command_count;

struct cli {
  const struct command *command;
  struct config config; /* as the environment says */
  bool json;
  const char *values[OPTIONS_MOST]; /* in the order of command->options; "" for a flag given */
  char **operands;
  int operand_count;
  struct request q; /* its arena holds what is read from rows */
};

/* ---- options.c: what was typed -------------------------------------------------------------- */

/* The command that the words at argv name, and how many words that took; NULL when none does. */
const struct command *command_find(int argc, char **argv, int *words);
/* Reads options and operands behind the command's name. What is wrong goes to `why`. *help is set
 * when help is asked for, and then nothing else is looked at. */
bool options_read(struct cli *c, int argc, char **argv, bool *help, struct builder *why);
const char *option(const struct cli *c, const char *name); /* NULL when not given */
/* A whole number within bounds, or `fallback` when not given. False after telling what is wrong. */
bool option_int(struct cli *c, const char *name, int64_t least, int64_t most, int64_t fallback,
                int64_t *out);
/* `90s`, `10m`, `2h`, `30d`, as seconds. */
bool duration_read(struct text t, int64_t *seconds);

/* ---- help.c ---------------------------------------------------------------------------------- */

void help_overview(struct builder *b);
void help_command(struct builder *b, const struct command *command);
/* All commands that begin with the word: `lyceum keys --help`. Nothing when none does. */
void help_group(struct builder *b, const char *first);
void help_markdown(struct builder *b); /* docs/COMMANDS.md */
void help_man(struct builder *b);      /* man page, roff */
void help_completion(struct builder *b);

/* ---- output.c -------------------------------------------------------------------------------- */

/* A line for people, on standard output; nothing with --json. */
void say(const struct cli *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* A failure, on standard error; with --json {"error": …} on standard output. EXIT_FAILED. */
int fails(const struct cli *c, const char *format, ...) PRINTF_LIKE(2, 3);
int fails_why(const struct cli *c, char *why); /* the same; frees `why`, which may be NULL */
int misused(const struct cli *c, const char *format, ...) PRINTF_LIKE(2, 3); /* EXIT_MISUSED */
void print_built(struct builder *b); /* to standard output, with a line break; frees it */
/* Rows as a table; with --json {"data": [...]}. */
void print_rows(struct cli *c, const struct rows *r);

/* How far a long run is: a bar on a terminal, now and then a line elsewhere, with --json objects.
 */
struct progress {
  const struct cli *cli;
  const char *what; /* "codes" */
  int64_t total, begun_with;
  uint64_t begun_at, shown_at;
  bool bar;
};
void progress_begin(struct progress *p, const struct cli *c, const char *what, int64_t total,
                    int64_t done);
void progress_show(struct progress *p, int64_t done);
void progress_end(struct progress *p, int64_t done);

/* ---- database.c ------------------------------------------------------------------------------ */

/* These tell what is wrong themselves, and return NULL or false. */
bool names_database(struct cli *c);           /* is DATABASE_URL set? */
struct session *open_database(struct cli *c); /* as the owner: DATABASE_URL */
bool read_secrets(struct cli *c, struct secrets *out);
/* What LYCEUM_SECRET_FILE holds; false with a sentence in *why. */
bool secrets_load(const struct config *c, struct secrets *out, char **why);
bool ask_database(struct cli *c, struct session *s, int64_t community, const struct statement *st,
                  const void *in, struct rows *r);
/* The community that --community names; 0 when there is none. */
int64_t find_community(struct cli *c, struct session *s);
bool run_sql(struct cli *c, struct session *s, const char *sql);
bool commit_sql(struct cli *c, struct session *s);
/* Makes a signing key when there is none that signs; *kid is it, or NONE. */
bool ensure_key(struct cli *c, struct session *s, const struct secrets *secrets, struct text *kid);
/* What the server connects with (malloc'ed): where DATABASE_URL points, in its own role. */
char *role_conninfo(struct cli *c, const struct secrets *secrets);
/* That role and its password. */
bool ensure_role(struct cli *c, struct session *s, const struct secrets *secrets);
/* Gives rows of signing_key_list to the house; false when the secret does not open one. */
bool keys_load(struct request *q, struct house *h, const struct rows *r);
bool audit(struct cli *c, struct session *s, int64_t community, const char *action,
           const char *target_kind, struct uuid target, struct text after);

int processors(void); /* that this process may use */

/* ---- doctor_books.c -------------------------------------------------------------------------- */

/* `doctor --books`: does everything that was paid, given and numbered add up? */
int doctor_books(struct cli *c);

#define COMMAND(function, name, operands, says, options) int command_##function(struct cli *c);
#include "cli/commands.def"
#undef COMMAND

#endif
