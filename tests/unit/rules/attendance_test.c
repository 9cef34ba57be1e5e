/* Marks, the hours of check-in, and the rate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/attendance.c"

static void marks_have_names(void **state) {
  (void)state;
  for (int m = MARK_PRESENT; m <= MARK_MADE_UP; m++)
    assert_int_equal(mark_of(text_of(mark_name((enum mark)m))), m);
  assert_int_equal(mark_of(LIT("left_early")), MARK_LEFT_EARLY);
  assert_int_equal(mark_of(LIT("none")), MARK_NONE);
  assert_int_equal(mark_of(LIT("Present")), MARK_NONE);
  assert_int_equal(mark_of(NONE), MARK_NONE);
}

static void check_in_opens_and_closes(void **state) {
  (void)state;
  const struct check_in_policy p = {
      .opens_before_minutes = 30, .late_after_minutes = 10, .closes_after_minutes = 5};
  const micros start = 1000 * minute, end = 1090 * minute;
  assert_int_equal(check_in_time(p, start, end, 970 * minute - 1), CHECK_IN_EARLY);
  assert_int_equal(check_in_time(p, start, end, 970 * minute), CHECK_IN_ON_TIME);
  assert_int_equal(check_in_time(p, start, end, 1010 * minute), CHECK_IN_ON_TIME);
  assert_int_equal(check_in_time(p, start, end, 1010 * minute + 1), CHECK_IN_LATE);
  assert_int_equal(check_in_time(p, start, end, 1095 * minute), CHECK_IN_LATE);
  assert_int_equal(check_in_time(p, start, end, 1095 * minute + 1), CHECK_IN_CLOSED);
}

static void a_short_lecture_is_never_on_time_after_its_end(void **state) {
  (void)state;
  const struct check_in_policy p = {.opens_before_minutes = 30, .late_after_minutes = 60};
  assert_int_equal(check_in_time(p, 0, 20 * minute, 20 * minute), CHECK_IN_ON_TIME);
  assert_int_equal(check_in_time(p, 0, 20 * minute, 20 * minute + 1), CHECK_IN_CLOSED);
}

static void the_rate_explains_itself(void **state) {
  (void)state;
  const int64_t counts[MARK_MADE_UP + 1] = {
      [MARK_NONE] = 7,   [MARK_PRESENT] = 3, [MARK_LATE] = 1,   [MARK_LEFT_EARLY] = 1,
      [MARK_ABSENT] = 1, [MARK_EXCUSED] = 4, [MARK_MADE_UP] = 1};
  struct rate r = attendance_rate(counts, 2);
  assert_int_equal(r.numerator, 6);
  assert_int_equal(r.denominator, 7);
  assert_int_equal(r.basis_points, 8571); /* 85.714… */
  assert_int_equal(r.best_basis_points, 8889);
}

static void halves_round_up(void **state) {
  (void)state;
  int64_t counts[MARK_MADE_UP + 1] = {[MARK_PRESENT] = 1, [MARK_ABSENT] = 31};
  assert_int_equal(attendance_rate(counts, 0).basis_points, 313); /* 312.5 */
  counts[MARK_ABSENT] = 0;
  assert_int_equal(attendance_rate(counts, 0).basis_points, 10000);
}

static void nothing_yet_is_no_rate(void **state) {
  (void)state;
  const int64_t counts[MARK_MADE_UP + 1] = {[MARK_EXCUSED] = 2};
  assert_int_equal(attendance_rate(counts, 0).basis_points, -1);
  assert_int_equal(attendance_rate(counts, 0).best_basis_points, -1);
  assert_int_equal(attendance_rate(counts, 3).best_basis_points, 10000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marks_have_names),
      cmocka_unit_test(check_in_opens_and_closes),
      cmocka_unit_test(a_short_lecture_is_never_on_time_after_its_end),
      cmocka_unit_test(the_rate_explains_itself),
      cmocka_unit_test(halves_round_up),
      cmocka_unit_test(nothing_yet_is_no_rate),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
