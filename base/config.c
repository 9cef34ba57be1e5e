/* The options, from the environment. options.def is the one truth; here stand only the limits. */
#include "base/base.h"

#include <stdlib.h>
#include <string.h>

/* Whole numbers not named here may be anything from 0 on. */
static const struct range {
  const char *env;
  int64_t least, most;
} ranges[] = {
    {"PORT", 0, 65535},
    {"LYCEUM_LOOPS", 0, 256},
    {"LYCEUM_DEMO", 0, 1},
    {"LYCEUM_SMTP_TLS", 0, 1},
    {"LYCEUM_WEBHOOK_PRIVATE", 0, 1},
    {"LYCEUM_MESSAGE_DAILY_CAP", 0, 1000000000},
    {"LYCEUM_TOKEN_SECONDS", 60, 900},
    {"LYCEUM_SESSION_DAYS", 1, 400},
    {"LYCEUM_DEADLINE_MS", 100, 60000},
    {"LYCEUM_PREPARED", 0, 1},
    {"LYCEUM_CONNECTIONS", 1, 1000000},
    {"LYCEUM_PACE_SCALE", 1, 1000000},
};

/* Texts of a certain form: one of these words or, where it ends in "://", beginning so. */
static const struct form {
  const char *env;
  const char *words[4];
} forms[] = {
    {"LYCEUM_LOG", {"debug", "info", "warn", "error"}},
    {"LYCEUM_PUBLIC_URL", {"http://", "https://"}},
    {"LYCEUM_SMTP_URL", {"smtp://", "smtps://"}},
    {"LYCEUM_SMS_URL", {"http://", "https://"}},
};

/* An option set to the empty text is an option not set: `PORT= lyceum serve` means the default. */
static const char *ask_environment(const char *env) {
  const char *value = getenv(env);
  return value && *value ? value : NULL;
}

static bool read_int(int64_t *out, int64_t fallback, const char *env, struct builder *why) {
  struct range range = {env, 0, INT64_MAX};
  const char *value = ask_environment(env);
  *out = fallback;
  if (!value) return true;
  for (size_t i = 0; i < COUNT(ranges); i++)
    if (strcmp(ranges[i].env, env) == 0) range = ranges[i];
  if (text_to_int(text_of(value), out) && *out >= range.least && *out <= range.most) return true;
  *out = fallback;
  build_printf(why, "%s=%s: ", env, value);
  if (range.most == INT64_MAX)
    build_printf(why, "a whole number from %lld on is accepted\n", (long long)range.least);
  else
    build_printf(why, "a whole number from %lld to %lld is accepted\n", (long long)range.least,
                 (long long)range.most);
  return false;
}

static bool fits_word(struct text value, const char *word) {
  bool prefix = strstr(word, "://") != NULL;
  return prefix ? text_starts(value, word) && value.len > strlen(word) : text_is(value, word);
}

static bool fits_form(const struct form *form, const char *value) {
  for (size_t i = 0; i < COUNT(form->words) && form->words[i]; i++)
    if (fits_word(text_of(value), form->words[i])) return true;
  return false;
}

static void tell_form(struct builder *why, const struct form *form, const char *value) {
  build_printf(why, "%s=%s: ", form->env, value);
  for (size_t i = 0; i < COUNT(form->words) && form->words[i]; i++)
    build_printf(why, "%s%s%s", i ? " or " : "", form->words[i],
                 strstr(form->words[i], "://") ? "…" : "");
  build_str(why, " is accepted\n");
}

static bool read_text(const char **out, const char *fallback, const char *env,
                      struct builder *why) {
  const char *value = ask_environment(env);
  *out = value ? value : fallback;
  if (!value) return true;
  for (size_t i = 0; i < COUNT(forms); i++) {
    if (strcmp(forms[i].env, env) != 0 || fits_form(&forms[i], value)) continue;
    tell_form(why, &forms[i], value);
    return false;
  }
  if (text_is_clean(text_of(value), false)) return true;
  build_printf(why, "%s: plain UTF-8 without control characters is accepted\n", env);
  return false;
}

#define READ(name) _Generic(c->name, int64_t : read_int, const char * : read_text)

/* Reads all before it gives up, so that every mistake is told at once. */
bool config_load(struct config *c, struct builder *why) {
  bool good = true;
#define OPTION(kind, name, fallback, env, help) good &= READ(name)(&c->name, fallback, env, why);
#include "base/options.def"
#undef OPTION
  return good;
}

static void tell_int(struct builder *b, int64_t n) {
  build_printf(b, "`%lld`", (long long)n);
}

static void tell_text(struct builder *b, const char *s) {
  if (*s) build_printf(b, "`%s`", s);
}

void config_document(struct builder *b) {
  struct config c; /* asked for its types only */
  build_str(b, "| variable | default | what it is for |\n| --- | --- | --- |\n");
#define OPTION(kind, name, fallback, env, help)                                                    \
  build_str(b, "| `" env "` | ");                                                                  \
  _Generic(c.name, int64_t : tell_int, const char * : tell_text)(b, fallback);                     \
  build_str(b, " | " help " |\n");
#include "base/options.def"
#undef OPTION
}
