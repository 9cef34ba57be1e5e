/* Which passwords are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/password.c"

static bool accepts(const char *password) {
  return password_acceptable(text_of(password), LIT("li.lei2026@example.org"));
}

static void length_counts_characters(void **state) {
  (void)state;
  assert_false(accepts(""));
  assert_false(accepts("qzv7#kwpa"));
  assert_true(accepts("qzv7#kwpah"));
  assert_false(accepts("春眠不觉晓处处闻啼"));
  assert_true(accepts("春眠不觉晓处处闻啼鸟"));
  char longest[130];
  for (size_t i = 0; i < 129; i++)
    longest[i] = "correct horse "[i % 13];
  longest[129] = 0;
  assert_true(password_acceptable((struct text){longest, 128}, NONE));
  assert_false(password_acceptable((struct text){longest, 129}, NONE));
}

static void common_ones_are_refused(void **state) {
  (void)state;
  assert_false(accepts("1234567890"));
  assert_false(accepts("Password123"));
  assert_false(accepts("QWERTYUIOP"));
  assert_false(accepts("woaini1314520"));
  assert_false(accepts("zxcvbnmzxcvbnm"));
  assert_false(accepts("0000000000"));
  assert_false(accepts("aaaaaaaaaaaaaaaa"));
  assert_false(accepts("哈哈哈哈哈哈哈哈哈哈"));
  assert_true(accepts("1234567890 and a wren"));
}

static void every_entry_could_be_typed(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(commonest); i++) {
    struct text t = text_of(commonest[i]);
    assert_true(t.len >= 10);
    for (size_t k = 0; k < t.len; k++)
      assert_int_equal(t.at[k], lower(t.at[k]));
  }
}

static void the_login_alone_is_refused(void **state) {
  (void)state;
  assert_false(accepts("li.lei2026@example.org"));
  assert_false(accepts("Li.Lei2026"));
  assert_false(accepts("li.lei2026li.lei2026"));
  assert_true(accepts("li.lei2026 sings"));
  assert_false(password_acceptable(LIT("8613800138000"), LIT("+8613800138000")));
  assert_false(password_acceptable(LIT("+8613800138000"), LIT(" +8613800138000 ")));
  assert_true(password_acceptable(LIT("a long enough one"), NONE));
}

static void only_valid_text(void **state) {
  (void)state;
  assert_false(accepts("abcdefghijk\xff"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(length_counts_characters),
      cmocka_unit_test(common_ones_are_refused),
      cmocka_unit_test(every_entry_could_be_typed),
      cmocka_unit_test(the_login_alone_is_refused),
      cmocka_unit_test(only_valid_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
