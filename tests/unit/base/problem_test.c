/* The list of problems: stable codes are unique, well-formed and found again. */
#include "base/problem.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void every_problem_is_whole(void **state) {
  (void)state;
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++) {
    const struct problem_kind *k = problem_kind(p);
    assert_true(k->status >= 400 && k->status < 600);
    assert_true(*k->en && *k->zh && text_is_utf8(text_of(k->zh)));
    assert_int_equal(strspn(k->code, "abcdefghijklmnopqrstuvwxyz_"), strlen(k->code));
    assert_int_equal(problem_by_code(text_of(k->code)), p); /* so no code stands twice */
  }
}

static void unknown_ones_are_told_apart(void **state) {
  (void)state;
  assert_int_equal(problem_by_code(LIT("nonsense")), NO_PROBLEM);
  assert_int_equal(problem_by_code(NONE), NO_PROBLEM);
  assert_ptr_equal(problem_kind(PROBLEM_COUNT), problem_kind(INTERNAL));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_problem_is_whole),
      cmocka_unit_test(unknown_ones_are_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
