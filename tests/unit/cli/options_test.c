/* The table of commands, and how what was typed is read against it. */
#include "cli/options.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Reads `words` as a shell would split them; what is wrong goes to `said`. */
static bool read_line(struct cli *c, const char *words, bool *help, char *said, size_t room) {
  static char line[512], *argv[32];
  struct builder why = {0};
  int argc = 0, taken = 0;
  snprintf(line, sizeof line, "%s", words);
  for (char *at = line, *word; (word = strsep(&at, " ")) && argc < 31;)
    argv[argc++] = word;
  argv[argc] = NULL;
  *c = (struct cli){0};
  *help = false;
  c->command = command_find(argc - 1, argv + 1, &taken);
  assert_non_null(c->command);
  bool good = options_read(c, argc - taken, argv + taken, help, &why);
  snprintf(said, room, "%.*s", TEXT_ARGS(built(&why)));
  builder_free(&why);
  return good;
}

static void accept(struct cli *c, const char *words) {
  char said[256];
  bool help;
  if (!read_line(c, words, &help, said, sizeof said)) fail_msg("%s: %s", words, said);
  assert_false(help);
}

static void refuse(const char *words, const char *because) {
  struct cli c;
  char said[256];
  bool help;
  assert_false(read_line(&c, words, &help, said, sizeof said));
  assert_string_equal(said, because);
}

static void finds_the_longest_name(void **state) {
  char *words[] = {"codes", "generate", "export"};
  int taken;
  (void)state;
  assert_string_equal(command_find(3, words, &taken)->name, "codes generate");
  assert_int_equal(taken, 2);
  assert_null(command_find(1, words, &taken));
  assert_null(command_find(0, words, &taken));
}

static void reads_options(void **state) {
  struct cli c;
  (void)state;
  accept(&c, "lyceum codes generate --community=demo -n 100 --plan year");
  assert_string_equal(option(&c, "community"), "demo");
  assert_string_equal(option(&c, "count"), "100");
  assert_string_equal(option(&c, "plan"), "year");
  assert_null(option(&c, "days"));
  assert_null(option(&c, "resume"));
  assert_false(c.json);
  accept(&c, "lyceum codes generate --json --resume --community demo");
  assert_non_null(option(&c, "resume"));
  assert_true(c.json);
  accept(&c, "lyceum keys retire abc");
  assert_int_equal(c.operand_count, 1);
  assert_string_equal(c.operands[0], "abc");
}

static void help_comes_before_what_is_missing(void **state) {
  struct cli c;
  char said[256];
  bool help;
  (void)state;
  assert_true(read_line(&c, "lyceum codes export --help", &help, said, sizeof said));
  assert_true(help);
  assert_true(read_line(&c, "lyceum codes export -h", &help, said, sizeof said));
  assert_true(help);
}

static void says_what_is_wrong(void **state) {
  (void)state;
  refuse("lyceum codes export --batch 1", "--community is missing");
  refuse("lyceum codes export --batch", "--batch needs a value");
  refuse("lyceum migrate --fast", "--fast: there is no such option");
  refuse("lyceum migrate now", "now: nothing more is expected");
  refuse("lyceum keys retire", "KID is missing");
  refuse("lyceum admin create --community a --email b --role king",
         "--role is one of owner|operator");
}

static void reads_durations(void **state) {
  static const struct {
    const char *typed;
    int64_t seconds; /* -1: refused */
  } all[] = {{"0s", 0},    {"90s", 90}, {"10m", 600},  {"2h", 7200}, {"30d", 2592000},
             {"10", -1},   {"m", -1},   {"", -1},      {"-1m", -1},  {"1.5h", -1},
             {"10 m", -1}, {"1w", -1},  {"99999d", -1}};
  (void)state;
  for (size_t i = 0; i < COUNT(all); i++) {
    int64_t seconds = -1;
    bool good = duration_read(text_of(all[i].typed), &seconds);
    assert_int_equal(good, all[i].seconds >= 0);
    if (good) assert_int_equal(seconds, all[i].seconds);
  }
}

static void the_table_is_in_order(void **state) {
  (void)state;
  for (size_t i = 0; i < command_count; i++) {
    const struct command *c = &commands[i];
    size_t count = 0;
    assert_int_not_equal(c->says[strlen(c->says) - 1], '.');
    for (const struct cli_option *o = c->options; o->name; o++, count++) {
      assert_true(!o->required || o->value);
      assert_string_not_equal(o->name, "json");
      for (const struct cli_option *p = c->options; p < o; p++)
        assert_string_not_equal(p->name, o->name);
    }
    assert_in_range(count, 0, OPTIONS_MOST);
  }
}

#define TEST(name) cmocka_unit_test(name)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(finds_the_longest_name), TEST(reads_options),   TEST(help_comes_before_what_is_missing),
      TEST(says_what_is_wrong),     TEST(reads_durations), TEST(the_table_is_in_order),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
