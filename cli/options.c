/* What was typed, against the table of commands. */
#include "cli/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define NEED(name, letter, value, says)                                                            \
  { name, letter, true, value, NULL, says }
#define MAY(name, letter, value, says)                                                             \
  { name, letter, false, value, NULL, says }
#define ONE_OF(name, choices, says)                                                                \
  { name, 0, false, choices, choices, says }
#define FLAG(name, letter, says)                                                                   \
  { name, letter, false, NULL, NULL, says }
#define END_OF_OPTIONS                                                                             \
  { NULL, 0, false, NULL, NULL, NULL }
#define OPTIONS(...) ((const struct cli_option[]){__VA_ARGS__, END_OF_OPTIONS})
#define NO_OPTIONS   ((const struct cli_option[]){END_OF_OPTIONS})

const struct command commands[] = {
#define COMMAND(function, name, operands, says, options)                                           \
  {name, command_##function, operands, says, options},
#include "cli/commands.def"
#undef COMMAND
};
const size_t command_count = COUNT(commands);

/* How many of the words at argv the name's words are; 0 when they differ. */
static int matches(const char *name, int argc, char **argv) {
  struct text rest = text_of(name);
  int words = 0;
  while (rest.at) {
    struct text word = text_cut(&rest, ' ');
    if (words >= argc || !text_is(word, argv[words])) return 0;
    words++;
  }
  return words;
}

const struct command *command_find(int argc, char **argv, int *words) {
  const struct command *found = NULL;
  *words = 0;
  for (size_t i = 0; i < command_count; i++) {
    int n = matches(commands[i].name, argc, argv);
    if (n <= *words) continue;
    *words = n;
    found = &commands[i];
  }
  return found;
}

/* ---- getopt_long from the table ---------------------------------------------------------------
 */

enum { LONG_FIRST = 256, LONG_JSON = 128, LONG_HELP = 129 };

struct forms {
  struct option longs[OPTIONS_MOST + 3];
  char shorts[2 * OPTIONS_MOST + 4];
};

/* getopt tells which option it met by a number: the place in the table for those of the command,
 * the letter itself for short forms. */
static void make_forms(struct forms *f, const struct cli_option *options) {
  size_t n = 0, s = 0;
  f->shorts[s++] = ':'; /* tell a missing value from an unknown option */
  f->shorts[s++] = 'h';
  for (; options[n].name; n++) {
    bool takes = options[n].value != NULL;
    f->longs[n] = (struct option){options[n].name, takes ? required_argument : no_argument, NULL,
                                  LONG_FIRST + (int)n};
    if (!options[n].letter) continue;
    f->shorts[s++] = options[n].letter;
    if (takes) f->shorts[s++] = ':';
  }
  f->longs[n++] = (struct option){"json", no_argument, NULL, LONG_JSON};
  f->longs[n++] = (struct option){"help", no_argument, NULL, LONG_HELP};
  f->longs[n] = (struct option){NULL, 0, NULL, 0};
  f->shorts[s] = '\0';
}

/* The place in the table of what getopt returned; -1 for nothing of ours. */
static int index_of(const struct cli_option *options, int code) {
  if (code >= LONG_FIRST) return code - LONG_FIRST;
  for (int i = 0; options[i].name; i++)
    if (options[i].letter == code) return i;
  return -1;
}

static bool is_choice(const char *choices, const char *value) {
  struct text rest = text_of(choices);
  while (rest.at)
    if (text_is(text_cut(&rest, '|'), value)) return true;
  return false;
}

/* The last one given counts, as with most programs: scripts append to override. */
static bool take(struct cli *c, int i, const char *value, struct builder *why) {
  const struct cli_option *o = &c->command->options[i];
  c->values[i] = value ? value : "";
  if (!o->choices || is_choice(o->choices, value)) return true;
  build_printf(why, "--%s is one of %s", o->name, o->choices);
  return false;
}

/* What can only be known at the end: nothing needed is missing, and nothing is left over. */
static bool all_there(struct cli *c, struct builder *why) {
  for (int i = 0; c->command->options[i].name; i++) {
    if (!c->command->options[i].required || c->values[i]) continue;
    build_printf(why, "--%s is missing", c->command->options[i].name);
    return false;
  }
  struct text rest = text_of(c->command->operands);
  int least = 0, most = 0;
  while (rest.len) {
    struct text word = text_cut(&rest, ' ');
    most++;
    least += !text_starts(word, "[");
  }
  if (c->operand_count < least)
    build_printf(why, "%s is missing", c->command->operands);
  else if (c->operand_count > most)
    build_printf(why, "%s: nothing more is expected", c->operands[most]);
  return c->operand_count >= least && c->operand_count <= most;
}

/* getopt has moved on already: the word it stumbled over is the one before. */
static bool unknown(int code, char **argv, struct builder *why) {
  build_printf(why, code == ':' ? "%s needs a value" : "%s: there is no such option",
               argv[optind - 1]);
  return false;
}

bool options_read(struct cli *c, int argc, char **argv, bool *help, struct builder *why) {
  struct forms f;
  int code;
  make_forms(&f, c->command->options);
  opterr = 0;
  optind = 0; /* glibc: start anew */
  while ((code = getopt_long(argc, argv, f.shorts, f.longs, NULL)) != -1) {
    if (code == LONG_HELP || code == 'h') return *help = true;
    if (code == LONG_JSON) {
      c->json = true;
      continue;
    }
    int i = index_of(c->command->options, code);
    if (code == '?' || code == ':' || i < 0) return unknown(code, argv, why);
    if (!take(c, i, optarg, why)) return false;
  }
  c->operands = argv + optind;
  c->operand_count = argc - optind;
  return all_there(c, why);
}

/* ---- reading them ------------------------------------------------------------------------------
 */

/* A name that the table lacks is a mistake of ours, found by the first run. */
const char *option(const struct cli *c, const char *name) {
  for (int i = 0; c->command->options[i].name; i++)
    if (strcmp(c->command->options[i].name, name) == 0) return c->values[i];
  log_write(LOG_ERROR, "no_such_option", "name=%s", name); /* commands.def lacks it */
  abort();
}

bool option_int(struct cli *c, const char *name, int64_t least, int64_t most, int64_t fallback,
                int64_t *out) {
  const char *value = option(c, name);
  *out = fallback;
  if (!value) return true;
  if (text_to_int(text_of(value), out) && *out >= least && *out <= most) return true;
  misused(c, "--%s %s: a whole number from %lld to %lld is accepted", name, value, (long long)least,
          (long long)most);
  return false;
}

bool duration_read(struct text t, int64_t *seconds) {
  static const char units[] = "smhd";
  static const int64_t lengths[] = {1, 60, 3600, 86400};
  const char *unit = t.len ? memchr(units, t.at[t.len - 1], sizeof units - 1) : NULL;
  int64_t n = 0;
  if (!unit || !text_to_int((struct text){t.at, t.len - 1}, &n) || n < 0 || n > 36600) return false;
  *seconds = n * lengths[unit - units];
  return true;
}
