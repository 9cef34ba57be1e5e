/* The option table and what it accepts. */
#include "base/config.c"

#include <stdio.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static int forget(void **state) {
  (void)state;
#define OPTION(kind, name, fallback, env, help) unsetenv(env);
#include "base/options.def"
#undef OPTION
  return 0;
}

static bool load(struct config *c, char *words, size_t room) {
  struct builder why = {0};
  bool good = config_load(c, &why);
  assert_true(good == (why.len == 0));
  build_char(&why, '\0');
  snprintf(words, room, "%s", why.at);
  builder_free(&why);
  return good;
}

static bool accepts(const char *env, const char *value) {
  struct config c;
  char words[1000];
  setenv(env, value, 1);
  bool good = load(&c, words, sizeof words);
  assert_true(good || strstr(words, env));
  unsetenv(env);
  return good;
}

static void has_defaults(void **state) {
  (void)state;
  struct config c;
  char words[1000];
  setenv("PORT", "", 1);
  assert_true(load(&c, words, sizeof words));
  assert_int_equal(c.port, 8080);
  assert_string_equal(c.bind, "127.0.0.1");
}

static void reads_the_environment(void **state) {
  (void)state;
  struct config c;
  char words[1000];
  setenv("PORT", "0", 1);
  setenv("LYCEUM_PUBLIC_URL", "https://example.org", 1);
  assert_true(load(&c, words, sizeof words));
  assert_int_equal(c.port, 0);
  assert_string_equal(c.public_url, "https://example.org");
}

static void knows_the_limits(void **state) {
  (void)state;
  assert_true(accepts("PORT", "65535"));
  assert_false(accepts("PORT", "65536") || accepts("PORT", "-1") || accepts("PORT", "80a"));
  assert_true(accepts("LYCEUM_TOKEN_SECONDS", "900"));
  assert_false(accepts("LYCEUM_TOKEN_SECONDS", "901") || accepts("LYCEUM_TOKEN_SECONDS", "59"));
  assert_true(accepts("LYCEUM_LOG", "warn"));
  assert_false(accepts("LYCEUM_LOG", "warning"));
  assert_true(accepts("LYCEUM_SMTP_URL", "smtps://mail.example.org:465"));
  assert_false(accepts("LYCEUM_SMTP_URL", "http://x") || accepts("LYCEUM_SMTP_URL", "smtp://"));
  assert_false(accepts("LYCEUM_MAIL_FROM", "a\nb") || accepts("LYCEUM_MAIL_FROM", "\xff"));
}

static void tells_every_mistake_at_once(void **state) {
  (void)state;
  struct config c;
  char words[1000];
  setenv("PORT", "x", 1);
  setenv("LYCEUM_LOG", "loud", 1);
  assert_false(load(&c, words, sizeof words));
  assert_string_equal(words, "PORT=x: a whole number from 0 to 65535 is accepted\n"
                             "LYCEUM_LOG=loud: debug or info or warn or error is accepted\n");
}

static void limits_name_options_that_exist(void **state) {
  (void)state;
  static const char *const envs[] = {
#define OPTION(kind, name, fallback, env, help) env,
#include "base/options.def"
#undef OPTION
  };
  for (size_t i = 0; i < COUNT(ranges) + COUNT(forms); i++) {
    const char *env = i < COUNT(ranges) ? ranges[i].env : forms[i - COUNT(ranges)].env;
    size_t found = 0;
    for (size_t k = 0; k < COUNT(envs); k++)
      found += strcmp(envs[k], env) == 0;
    assert_int_equal(found, 1);
  }
}

static void documents_every_option(void **state) {
  (void)state;
  struct builder b = {0};
  config_document(&b);
  build_char(&b, '\0');
  assert_non_null(strstr(b.at, "| `PORT` | `8080` | TCP port |\n"));
#define OPTION(kind, name, fallback, env, help) assert_non_null(strstr(b.at, "| `" env "` |"));
#include "base/options.def"
#undef OPTION
  builder_free(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, forget, forget)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(has_defaults),
      TEST(reads_the_environment),
      TEST(knows_the_limits),
      TEST(tells_every_mistake_at_once),
      TEST(limits_name_options_that_exist),
      TEST(documents_every_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
