/* lyceum version */
#include "cli/cli.h"

int command_version(struct cli *c) {
  const struct migration *last = migration_count ? &migrations[migration_count - 1] : NULL;
  const char *schema = last ? last->name : "none";
  if (c->json) {
    struct builder b = {0};
    build_printf(&b, "{\"version\":\"%s\",\"schema\":\"%s\",\"compiler\":", LYCEUM_VERSION, schema);
    build_quoted(&b, text_of(__VERSION__));
    build_char(&b, '}');
    print_built(&b);
  }
  say(c, "lyceum %s\nschema %s, compiled by %s", LYCEUM_VERSION, schema, __VERSION__);
  return EXIT_DONE;
}
