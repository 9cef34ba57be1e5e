/* UUIDv7: its form, and its order under a clock that stands still or goes back. */
#include "base/base.h"

static micros clock_says;
static micros faked_now(void) {
  return clock_says;
}
#define time_now faked_now
#include "base/uuid.c"
#undef time_now

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void has_the_form_of_version_7(void **state) {
  (void)state;
  char s[37];
  clock_says = (micros)0x0123456789ab * 1000 + 999;
  uuid_write(uuid_new(), s);
  assert_int_equal(strlen(s), 36);
  assert_memory_equal(s, "01234567-89ab-7", 15);
  assert_non_null(strchr("89ab", s[19]));
}

static void is_monotonic_whatever_the_clock_does(void **state) {
  (void)state;
  clock_says += 1000000;
  struct uuid last = uuid_new();
  for (int i = 0; i < 20000; i++) {
    if (i == 9000) clock_says -= 50000; /* set back */
    if (i == 15000) clock_says += 100000;
    struct uuid u = uuid_new();
    assert_true(memcmp(last.b, u.b, 16) < 0);
    last = u;
  }
}

static void parses_one_spelling_only(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "0189f7e2-93a1-7cde-8f01-23456789abc",
                                    "0189f7e2-93a1-7cde-8f01-23456789abcde",
                                    "0189f7e293a17cde8f0123456789abcd",
                                    "{189f7e2-93a1-7cde-8f01-23456789abcd",
                                    "0189f7e2-93a1-7cde-8f01-23456789abcg",
                                    "0189f7e-293a1-7cde-8f01-23456789abcd",
                                    "0189f7e2-93a1-7cde-8f0--23456789abcd"};
  struct uuid u, v;
  char s[37];
  assert_true(uuid_parse(LIT("0189F7E2-93a1-7cde-8f01-23456789abcd"), &u));
  uuid_write(u, s);
  assert_string_equal(s, "0189f7e2-93a1-7cde-8f01-23456789abcd");
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(uuid_parse(text_of(bad[i]), &v));
  assert_true(uuid_equal(u, u) && !uuid_is_zero(u));
  assert_true(uuid_parse(LIT("00000000-0000-0000-0000-000000000000"), &v) && uuid_is_zero(v));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(has_the_form_of_version_7),
      cmocka_unit_test(is_monotonic_whatever_the_clock_does),
      cmocka_unit_test(parses_one_spelling_only),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
