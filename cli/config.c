/* lyceum config: the options in effect, and where they come from. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* postgresql://owner:secret@host/db and password=secret both hide what is secret. */
static struct text masked(struct arena *a, const char *value) {
  const char *scheme = strstr(value, "://"), *at = scheme ? strchr(scheme + 3, '@') : NULL;
  const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
  if (colon) return arena_printf(a, "%.*s:***%s", (int)(colon - value), value, at);
  const char *password = strstr(value, "password");
  if (!password) return text_of(value);
  const char *end = password + strcspn(password, " &");
  return arena_printf(a, "%.*spassword=***%s", (int)(password - value), value, end);
}

static struct text int_value(struct cli *c, const char *name, int64_t n) {
  (void)name;
  return arena_printf(&c->q.arena, "%lld", (long long)n);
}

static struct text text_value(struct cli *c, const char *name, const char *s) {
  return strcmp(name, "DATABASE_URL") == 0 ? masked(&c->q.arena, s) : text_of(s);
}

static void show(struct cli *c, struct builder *b, const char *env, struct text value) {
  const char *set = getenv(env);
  bool by_default = !set || !*set;
  if (c->json) {
    build_printf(b, "%s\"%s\":{\"value\":", b->len > 1 ? "," : "", env);
    build_quoted(b, value);
    build_printf(b, ",\"default\":%s}", by_default ? "true" : "false");
  } else {
    build_printf(b, "%-34s %.*s%s\n", env, TEXT_ARGS(value), by_default ? "  (default)" : "");
  }
}

int command_config(struct cli *c) {
  struct builder b = {0};
  if (option(c, "markdown")) {
    config_document(&b);
    print_built(&b);
    return EXIT_DONE;
  }
  if (c->json) build_char(&b, '{');
#define OPTION(kind, name, fallback, env, help)                                                    \
  show(c, &b, env,                                                                                 \
       _Generic(c->config.name, int64_t : int_value, const char * : text_value)(c, env,            \
                                                                                c->config.name));
#include "base/options.def"
#undef OPTION
  if (c->json) build_char(&b, '}');
  print_built(&b);
  return EXIT_DONE;
}
