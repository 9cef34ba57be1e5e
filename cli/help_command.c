/* lyceum help, man, completion, version: what explains the program. */
#include "cli/cli.h"

#include <string.h>

/* `lyceum help codes` tells all that begin with codes. */
int command_help(struct cli *c) {
  struct builder b = {0};
  if (option(c, "markdown")) {
    help_markdown(&b);
  } else if (c->operand_count == 0) {
    help_overview(&b);
  } else {
    help_group(&b, c->operands[0]);
    if (!b.len) return misused(c, "there is no command %s", c->operands[0]);
  }
  print_built(&b);
  return EXIT_DONE;
}

int command_man(struct cli *c) {
  struct builder b = {0};
  (void)c;
  help_man(&b);
  print_built(&b);
  return EXIT_DONE;
}

int command_completion(struct cli *c) {
  struct builder b = {0};
  if (strcmp(c->operands[0], "bash") != 0)
    return misused(c, "%s: bash is the shell that is known", c->operands[0]);
  help_completion(&b);
  print_built(&b);
  return EXIT_DONE;
}
