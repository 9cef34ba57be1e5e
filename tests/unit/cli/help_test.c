/* What the table of commands is made into. */
#include "cli/help.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool holds(const struct builder *b, const char *what) {
  return memmem(b->at, b->len, what, strlen(what)) != NULL;
}

static void every_form_names_every_command(void **state) {
  static void (*const forms[])(struct builder * b) = {help_overview, help_markdown};
  (void)state;
  for (size_t f = 0; f < COUNT(forms); f++) {
    struct builder b = {0};
    forms[f](&b);
    assert_false(b.failed);
    for (size_t i = 0; i < command_count; i++) {
      assert_true(holds(&b, commands[i].name));
      assert_true(holds(&b, commands[i].says));
    }
    builder_free(&b);
  }
}

static void tells_options(void **state) {
  int words;
  char *name[] = {"codes", "export"};
  struct builder b = {0};
  (void)state;
  help_command(&b, command_find(2, name, &words));
  assert_true(holds(&b, "Usage: lyceum codes export --community SLUG --batch ID [OPTIONS]\n"));
  assert_true(holds(&b, "  -o, --output FILE "));
  assert_true(holds(&b, "  --json "));
  builder_free(&b);
}

static void roff_is_escaped(void **state) {
  struct builder b = {0};
  (void)state;
  write_roff(&b, ".a-b\\c");
  assert_int_equal(b.len, strlen("\\&.a\\-b\\ec"));
  assert_memory_equal(b.at, "\\&.a\\-b\\ec", b.len);
  builder_free(&b);
}

#define TEST(name) cmocka_unit_test(name)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(every_form_names_every_command),
      TEST(tells_options),
      TEST(roff_is_escaped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
