/* What whoever runs the server writes: NAME=value lines as the environment, a conninfo, a secret, a
 * command line, a duration. Accepted settings keep their limits, refused ones are named, and the
 * server never connects as the owner. */
#include "cli/cli.h"
#include "tests/fuzz/fuzz.h"

#include <libpq-fe.h>

static const char *const names[] = {
#define OPTION(kind, name, fallback, env, help) env,
#include "base/options.def"
#undef OPTION
};

static bool is_setting(const char *name) {
  for (size_t i = 0; i < COUNT(names); i++)
    if (strcmp(names[i], name) == 0) return true;
  return false;
}

/* Sets what the lines set and no other setting. */
static void set_lines(struct arena *a, struct text t) {
  for (size_t i = 0; i < COUNT(names); i++)
    unsetenv(names[i]);
  while (t.at) {
    struct text value = text_cut(&t, '\n'), name = text_cut(&value, '=');
    const char *as_string = arena_copy(a, name).at;
    if (value.at && as_string && is_setting(as_string))
      setenv(as_string, arena_copy(a, value).at, 1);
  }
}

static void try_settings(void) {
  struct config c;
  struct builder why = {0};
  bool good = config_load(&c, &why);
  CHECK(good == !why.len && !why.failed);
  if (good) {
    CHECK(c.port >= 0 && c.port <= 65535 && c.loops >= 0 && c.loops <= 256);
    CHECK(c.token_seconds >= 60 && c.token_seconds <= 900);
    CHECK(c.deadline_ms >= 100 && c.connections >= 1 && c.pace_scale >= 1);
    CHECK(text_is_clean(text_of(c.bind), false) && text_is_clean(text_of(c.mail_from), false));
    CHECK(!c.sms_url[0] || strncmp(c.sms_url, "http", 4) == 0);
  }
  for (struct text rest = built(&why); rest.len;) { /* a line for each that is refused */
    struct text line = text_cut(&rest, '\n');
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line.at, "=:"), line.at);
    CHECK(is_setting(name));
  }
  builder_free(&why);
}

static const char *value_in(const PQconninfoOption *options, const char *keyword) {
  for (; options->keyword; options++)
    if (strcmp(options->keyword, keyword) == 0) return options->val ? options->val : "";
  return "";
}

static void try_conninfo(const char *owner) {
  char *why = NULL, *made = server_conninfo(owner, "lyceum_server", "it's \\ secret", &why);
  CHECK(made || why);
  PQconninfoOption *from = PQconninfoParse(owner, NULL);
  PQconninfoOption *to = made ? PQconninfoParse(made, NULL) : NULL;
  CHECK(!made || (from && to));
  bool own = from && strcmp(value_in(from, "user"), "lyceum_server") == 0;
  if (made && !own) {
    CHECK(strcmp(value_in(to, "user"), "lyceum_server") == 0);
    CHECK(strcmp(value_in(to, "password"), "it's \\ secret") == 0);
    CHECK(strcmp(value_in(to, "host"), value_in(from, "host")) == 0);
    CHECK(strcmp(value_in(to, "dbname"), value_in(from, "dbname")) == 0);
    CHECK(!*value_in(to, "passfile") && !*value_in(to, "sslkey"));
  }
  PQconninfoFree(from);
  PQconninfoFree(to);
  free(made);
  free(why);
}

/* Words of a command line, one a line. */
static void try_command(struct arena *a, struct text t) {
  enum { WORDS_MOST = 24 };
  char *argv[WORDS_MOST + 2];
  int argc = 0, words;
  struct builder why = {0};
  struct cli c = {0};
  bool help = false;
  while (t.at && argc < WORDS_MOST)
    argv[argc++] = (char *)(uintptr_t)arena_copy(a, text_cut(&t, '\n')).at;
  argv[argc] = NULL;
  c.command = command_find(argc, argv, &words);
  if (!c.command) return;
  bool good = options_read(&c, argc - words + 1, argv + words - 1, &help, &why);
  CHECK(good || why.len);
  for (int i = 0; good && !help && c.command->options[i].name; i++)
    CHECK(!c.command->options[i].required || c.values[i]);
  builder_free(&why);
}

static void try_values(struct text t) {
  int64_t seconds;
  struct secrets s;
  if (duration_read(t, &seconds)) CHECK(seconds >= 0 && seconds <= INT64_C(36600) * 86400);
  if (secrets_from(t, &s)) CHECK(text_trim(t).len == 64);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > 4096 || memchr(data, 0, size)) return 0;
  struct arena a = {0};
  struct text t = arena_copy(&a, (struct text){(const char *)data, size});
  set_lines(&a, t);
  try_settings();
  try_conninfo(t.at);
  try_command(&a, t);
  try_values(t);
  arena_free(&a);
  return 0;
}
