/* CSV as RFC 4180 has it, and cells that a spreadsheet must not run. */
#include "formats/csv.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void expect_cell(const char *in, const char *out) {
  struct builder b = {0};
  struct csv c = {.out = &b};
  csv_cell(&c, text_of(in));
  assert_true(text_is(built(&b), out));
  builder_free(&b);
}

static void cells_are_quoted_when_they_must_be(void **state) {
  (void)state;
  expect_cell("plain", "plain");
  expect_cell("林远", "林远");
  expect_cell("a,b", "\"a,b\"");
  expect_cell("say \"hi\"", "\"say \"\"hi\"\"\"");
  expect_cell("two\nlines", "\"two\nlines\"");
  expect_cell(" kept ", "\" kept \"");
}

static void formulas_are_disarmed(void **state) {
  (void)state;
  expect_cell("=1+1", "'=1+1");
  expect_cell("+86 138", "'+86 138");
  expect_cell("-1", "'-1");
  expect_cell("@SUM(A1)", "'@SUM(A1)");
  expect_cell("\tx", "'\tx");
  expect_cell("\r=x", "\"'\r=x\"");
  expect_cell("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\"");
  expect_cell("a=b", "a=b");
}

static void rows_are_separated(void **state) {
  (void)state;
  struct builder b = {0};
  struct csv c;
  csv_begin(&c, &b);
  for (int row = 0; row < 2; row++) {
    csv_cell(&c, LIT("a"));
    csv_cell(&c, NONE);
    csv_int(&c, -5); /* a number is no formula */
    csv_end_row(&c);
  }
  assert_true(text_is(built(&b), "\xEF\xBB\xBF"
                                 "a,,-5\r\na,,-5\r\n"));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(cells_are_quoted_when_they_must_be),
      cmocka_unit_test(formulas_are_disarmed),
      cmocka_unit_test(rows_are_separated),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
