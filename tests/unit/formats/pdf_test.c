/* A sheet is a PDF, the same each time, on as many pages as it needs. */
#include <cairo.h>

/* How a PDF counts its pages is the library's: what counts is how many were asked for. */
static int pages;
static void show_page(cairo_t *cr) {
  pages++;
  cairo_show_page(cr);
}
#define cairo_show_page show_page
#include "formats/pdf.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct sheet example(void) {
  return (struct sheet){.issuer = LIT("读书会 Reading circle"),
                        .number = LIT("No. 2026-000001"),
                        .title = LIT("Receipt"),
                        .foot = LIT("Not an invoice"),
                        .facts = {{LIT("Received from"), LIT("林远")}},
                        .lines = {.columns = 2,
                                  .rows = 1,
                                  .heads = {LIT("Item"), LIT("Amount")},
                                  .cells = {{LIT("A year"), LIT("CNY 365.00")}}},
                        .sums = {{LIT("Total"), LIT("CNY 365.00")}},
                        .language = "en",
                        .date = "2026-11-28T00:00:00.000Z"};
}

static void a_sheet_is_the_same_each_time(void **state) {
  (void)state;
  struct sheet s = example();
  struct builder one = {0}, two = {0};
  pages = 0;
  assert_true(pdf_sheet(&s, &one));
  assert_true(pdf_sheet(&s, &two));
  assert_true(text_starts(built(&one), "%PDF-"));
  assert_int_equal(pages, 2); /* one each */
  assert_true(text_equal(built(&one), built(&two)));
  builder_free(&one);
  builder_free(&two);
}

static void long_lists_take_more_pages(void **state) {
  (void)state;
  struct sheet s = example();
  struct builder b = {0};
  pages = 0;
  s.lines.rows = SHEET_ROWS;
  for (size_t i = 0; i < SHEET_ROWS; i++)
    s.lines.cells[i][0] = LIT("A line that is told again and again");
  assert_true(pdf_sheet(&s, &b));
  assert_int_equal(pages, 2);
  builder_free(&b);
}

static void what_does_not_fit_is_not_half_drawn(void **state) {
  (void)state;
  struct sheet s = example();
  struct builder b = {.cap = 500};
  assert_false(pdf_sheet(&s, &b));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sheet_is_the_same_each_time),
      cmocka_unit_test(long_lists_take_more_pages),
      cmocka_unit_test(what_does_not_fit_is_not_half_drawn),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
