/* lyceum config: the options in effect, and where they come from. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

/* The end of a conninfo's value: 'quoted \' and all', or up to white space or an ampersand. */
static const char *value_end(const char *at) {
  bool quoted = *at == '\'';
  if (quoted) at++;
  for (; *at; at++) {
    if (*at == '\\' && at[1]) {
      at++;
      continue;
    }
    if (quoted ? *at == '\'' : *at == ' ' || *at == '&') return at + quoted;
  }
  return at;
}

/* What follows each `password` up to its value's end, and in a URL all between user and host. */
static struct text masked(struct arena *a, const char *value) {
  struct builder b = {0};
  const char *scheme = strstr(value, "://"), *authority = scheme ? scheme + 3 : value;
  const char *at = scheme ? memrchr(authority, '@', strcspn(authority, "/?")) : NULL;
  const char *colon = at ? memchr(authority, ':', (size_t)(at - authority)) : NULL;
  const char *from = value;
  if (colon) {
    build_printf(&b, "%.*s:***", (int)(colon - value), value);
    from = at;
  }
  for (const char *found; (found = strstr(from, "password"));) {
    const char *equals = found + strcspn(found, "=");
    const char *begin = equals + strspn(equals, "= ");
    build_printf(&b, "%.*spassword=***", (int)(found - from), from);
    from = value_end(begin);
  }
  build_str(&b, from);
  return arena_built(a, &b);
}

static struct text int_value(struct cli *c, const char *name, int64_t n) {
  (void)name;
  return arena_printf(&c->q.arena, "%lld", (long long)n);
}

static struct text text_value(struct cli *c, const char *name, const char *s) {
  return strcmp(name, "DATABASE_URL") == 0 ? masked(&c->q.arena, s) : text_of(s);
}

/* A variable set to nothing is not set. */
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
