/* A workbook is a ZIP file, the same each time. What is in it is looked at by a story. */
#include "formats/xlsx.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void a_workbook_is_the_same_each_time(void **state) {
  (void)state;
  static const struct text heads[] = {{"name", 4}, {"amount_minor", 12}},
                           cells[] = {{"=1+1", 4}, {"-500", 4}, {NULL, 0}, {"365", 3}};
  static const bool numbers[] = {false, true};
  struct grid g = {.name = "revenue",
                   .columns = 2,
                   .rows = 2,
                   .heads = heads,
                   .cells = cells,
                   .is_number = numbers};
  struct builder one = {0}, two = {0};
  assert_true(xlsx_write(&g, &one));
  assert_true(xlsx_write(&g, &two));
  assert_true(text_starts(built(&one), "PK\003\004"));
  assert_true(text_equal(built(&one), built(&two)));
  builder_free(&one);
  builder_free(&two);
}

static void without_columns_there_is_none(void **state) {
  (void)state;
  struct grid g = {.name = "empty"};
  struct builder b = {0};
  assert_false(xlsx_write(&g, &b));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_workbook_is_the_same_each_time),
      cmocka_unit_test(without_columns_there_is_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
