/* lyceum COMMAND: finds the command, reads its options and the environment, and runs it. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Asked for, it is the result; else it is a hint beside a failure. */
static int show_overview(bool asked) {
  struct builder b = {0};
  help_overview(&b);
  if (asked) {
    print_built(&b);
    return EXIT_DONE;
  }
  fprintf(stderr, "%.*s", TEXT_ARGS(built(&b)));
  builder_free(&b);
  return EXIT_MISUSED;
}

static int show_help(const struct command *command) {
  struct builder b = {0};
  help_command(&b, command);
  print_built(&b);
  return EXIT_DONE;
}

/* `lyceum keys --help`, or half a command: what the word can be followed by. */
static int show_group(struct cli *c, int argc, char **argv) {
  const char *last = argv[argc - 1];
  struct builder b = {0};
  help_group(&b, argv[1]);
  if (b.len && (strcmp(last, "--help") == 0 || strcmp(last, "-h") == 0)) {
    print_built(&b);
    return EXIT_DONE;
  }
  bool some = b.len > 0;
  builder_free(&b);
  if (some) return misused(c, "%s what? `lyceum %s --help` tells", argv[1], argv[1]);
  return misused(c, "there is no command %s; `lyceum help` lists them", argv[1]);
}

static int tell_misuse(struct cli *c, struct builder *why) {
  struct text t = text_trim(built(why));
  int status = misused(c, "%.*s", TEXT_ARGS(t));
  builder_free(why);
  return status;
}

/* Help needs no environment, so that it works where nothing is set up yet. */
static int run(struct cli *c, int argc, char **argv) {
  struct builder why = {0};
  bool help = false;
  if (!options_read(c, argc, argv, &help, &why)) return tell_misuse(c, &why);
  if (help) return show_help(c->command);
  if (!config_load(&c->config, &why)) return tell_misuse(c, &why);
  builder_free(&why);
  log_open(LOG_WARN); /* a command speaks for itself; serve sets its own */
  int status = c->command->run(c);
  arena_free(&c->q.arena);
  if (fflush(stdout) != 0 && status == EXIT_DONE) status = EXIT_FAILED; /* a full disk */
  return status;
}

int main(int argc, char **argv) {
  struct cli c = {0};
  int words = 0;
  signal(SIGPIPE, SIG_IGN);
  const char *first = argc > 1 ? argv[1] : "";
  if (!*first) return show_overview(false);
  if (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0) return show_overview(true);
  if (strcmp(first, "--version") == 0) argv[1] = (char[]){"version"};
  c.command = command_find(argc - 1, argv + 1, &words);
  if (c.command) return run(&c, argc - words, argv + words);
  return show_group(&c, argc, argv);
}
