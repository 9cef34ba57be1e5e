/* RFC 3339, and the calendar against the C library's. */
#include "base/time.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void reads_as(const char *in, const char *out) {
  micros t;
  char s[32];
  assert_true(time_parse(text_of(in), &t));
  time_write(t, s);
  assert_string_equal(s, out);
}

static void reads_what_rfc_3339_allows(void **state) {
  (void)state;
  reads_as("2026-11-22T08:30:00.000Z", "2026-11-22T08:30:00.000Z");
  reads_as("2026-11-22t16:30:00+08:00", "2026-11-22T08:30:00.000Z");
  reads_as("1985-04-12T23:20:50.52z", "1985-04-12T23:20:50.520Z");
  reads_as("1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z");
  reads_as("1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z");
  reads_as("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z");
  reads_as("2024-02-29T00:00:00-00:00", "2024-02-29T00:00:00.000Z");
  reads_as("2000-02-29T00:00:00.9999999999Z", "2000-02-29T00:00:00.999Z");
  reads_as("0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z");
  reads_as("9999-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999Z");
}

static void keeps_microseconds(void **state) {
  (void)state;
  micros t;
  assert_true(time_parse(LIT("1970-01-01T00:00:01.2345678Z"), &t) && t == 1234567);
  assert_true(time_parse(LIT("1969-12-31T23:59:59.999999Z"), &t) && t == -1);
}

static void refuses_the_rest(void **state) {
  (void)state;
  static const char *const bad[] = {"",
                                    "2026-11-22",
                                    "2026-11-22T08:30:00",
                                    "2026-11-22 08:30:00Z",
                                    "2026-11-22T08:30Z",
                                    "2026-13-01T00:00:00Z",
                                    "2026-00-01T00:00:00Z",
                                    "2026-01-00T00:00:00Z",
                                    "2026-01-32T00:00:00Z",
                                    "2023-02-29T00:00:00Z",
                                    "1900-02-29T00:00:00Z",
                                    "2026-01-01T24:00:00Z",
                                    "2026-01-01T00:60:00Z",
                                    "2026-01-01T00:00:61Z",
                                    "2026-01-01T12:00:60Z",
                                    "2026-01-01T00:00:00.Z",
                                    "2026-01-01T00:00:00+8:00",
                                    "2026-01-01T00:00:00+0800",
                                    "2026-01-01T00:00:00+24:00",
                                    "2026-01-01T00:00:00+00:60",
                                    "2026-01-01T00:00:00Zx",
                                    "+026-01-01T00:00:00Z",
                                    "2026-1-01T00:00:00Z",
                                    "0000-01-01T00:00:00+00:01",
                                    "9999-12-31T23:59:59-00:01"};
  micros t = 7;
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_false(time_parse(text_of(bad[i]), &t));
  assert_int_equal(t, 7);
}

static void agrees_with_the_c_library(void **state) {
  (void)state;
  char ours[32], theirs[80];
  struct tm c;
  for (int64_t at = EARLIEST / SECOND; at < LATEST / SECOND; at += 86399 * 97 + 31) {
    time_t t = (time_t)at;
    gmtime_r(&t, &c);
    snprintf(theirs, sizeof theirs, "%04d-%02d-%02dT%02d:%02d:%02d.000Z", c.tm_year + 1900,
             c.tm_mon + 1, c.tm_mday, c.tm_hour, c.tm_min, c.tm_sec);
    time_write(at * SECOND, ours);
    assert_string_equal(ours, theirs);
    micros back;
    assert_true(time_parse(text_of(ours), &back) && back == at * SECOND);
  }
}

static void far_off_times_are_held_at_the_ends(void **state) {
  (void)state;
  char s[32];
  time_write(INT64_MAX, s);
  assert_string_equal(s, "9999-12-31T23:59:59.999Z");
  time_write(INT64_MIN, s);
  assert_string_equal(s, "0000-01-01T00:00:00.000Z");
}

static void clocks_go_forward(void **state) {
  (void)state;
  uint64_t nanos = time_nanos(), ticks = time_ticks();
  assert_true(time_nanos() >= nanos && time_ticks() >= ticks);
  assert_true(time_now() > 1700000000 * SECOND);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reads_what_rfc_3339_allows),
      cmocka_unit_test(keeps_microseconds),
      cmocka_unit_test(refuses_the_rest),
      cmocka_unit_test(agrees_with_the_c_library),
      cmocka_unit_test(far_off_times_are_held_at_the_ends),
      cmocka_unit_test(clocks_go_forward),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
