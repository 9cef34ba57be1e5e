/* Texts, mostly at their edges. */
#include "base/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void compares(void **state) {
  (void)state;
  assert_true(text_equal(NONE, LIT("")));
  assert_true(text_is(LIT("ab"), "ab"));
  assert_false(text_is(LIT("ab\0"), "ab"));
  assert_true(text_starts(LIT("abc"), "ab") && text_starts(NONE, ""));
  assert_false(text_starts(LIT("a"), "ab"));
  assert_null(text_of(NULL).at);
}

static void trims_ascii_white_space_only(void **state) {
  (void)state;
  assert_true(text_is(text_trim(LIT(" \t\r\n\v\f a b \n")), "a b"));
  assert_int_equal(text_trim(LIT("  ")).len, 0);
  assert_true(text_is(text_trim(LIT("\xc2\xa0x")), "\xc2\xa0x")); /* no-break space */
}

static void cuts_until_nothing_is_left(void **state) {
  (void)state;
  struct text rest = LIT("a,,b");
  assert_true(text_is(text_cut(&rest, ','), "a"));
  assert_true(text_is(text_cut(&rest, ','), ""));
  assert_true(text_is(text_cut(&rest, ','), "b"));
  assert_null(rest.at);
  assert_null(text_cut(&rest, ',').at);
  rest = LIT("a,");
  text_cut(&rest, ',');
  assert_true(rest.at && rest.len == 0); /* an empty last piece is a piece */
}

static void reads_integers_to_their_limits(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "-",
                                    "+1",
                                    " 1",
                                    "1 ",
                                    "1.0",
                                    "0x1",
                                    "--1",
                                    "9223372036854775808",
                                    "-9223372036854775809",
                                    "1\xef"};
  int64_t n = 7;
  assert_true(text_to_int(LIT("9223372036854775807"), &n) && n == INT64_MAX);
  assert_true(text_to_int(LIT("-9223372036854775808"), &n) && n == INT64_MIN);
  assert_true(text_to_int(LIT("-0"), &n) && n == 0);
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(text_to_int(text_of(bad[i]), &n));
  assert_int_equal(n, 0); /* untouched by what failed */
}

static void knows_utf8(void **state) {
  (void)state;
  static const char *const bad[] = {
      "\x80",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
      "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
      "\xc3",         "\xe4\xb8",         "\xf0\x9f\x98",     "\xc3("};
  assert_true(text_is_utf8(LIT("")) && text_is_utf8(LIT("aé中😀\xf4\x8f\xbf\xbf")));
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(text_is_utf8(text_of(bad[i])));
  assert_int_equal(text_codepoints(LIT("aé中😀")), 4);
  assert_int_equal(text_codepoints(NONE), 0);
}

static void clean_means_nothing_hidden(void **state) {
  (void)state;
  static const char *const bad[] = {"\x01",         "\x7f",         "\xc2\x85",     "\xd8\x9c",
                                    "\xe2\x80\x8e", "\xe2\x80\x8f", "\xe2\x80\xaa", "\xe2\x80\xae",
                                    "\xe2\x81\xa6", "\xe2\x81\xa9", "\r",           "\xff"};
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(text_is_clean(text_of(bad[i]), true));
  assert_false(text_is_clean(LIT("a\0b"), true));
  assert_true(text_is_clean(LIT("开友 é 👨\xe2\x80\x8d👩"), false)); /* with a zero-width joiner */
  assert_true(text_is_clean(LIT("a\n\tb\xe2\x80\xa8"), true));
  assert_false(text_is_clean(LIT("a\nb"), false) || text_is_clean(LIT("a\tb"), false) ||
               text_is_clean(LIT("\xe2\x80\xa8"), false));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(compares),
      cmocka_unit_test(trims_ascii_white_space_only),
      cmocka_unit_test(cuts_until_nothing_is_left),
      cmocka_unit_test(reads_integers_to_their_limits),
      cmocka_unit_test(knows_utf8),
      cmocka_unit_test(clean_means_nothing_hidden),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
