/* Attendance: the marks, when check-in is open, and the rate that explains itself. */
#include "rules/rules.h"

/* In the order of enum mark; the words of the database and of the API. */
static const char *const names[] = {"none",   "present", "late",   "left_early",
                                    "absent", "excused", "made_up"};

enum mark mark_of(struct text name) {
  for (int m = MARK_PRESENT; m <= MARK_MADE_UP; m++)
    if (text_is(name, names[m])) return (enum mark)m;
  return MARK_NONE;
}

const char *mark_name(enum mark m) {
  return names[m];
}

static const micros minute = 60 * INT64_C(1000000);

enum check_in_time check_in_time(struct check_in_policy p, micros start, micros end, micros at) {
  if (at < start - p.opens_before_minutes * minute) return CHECK_IN_EARLY;
  if (at > end + p.closes_after_minutes * minute) return CHECK_IN_CLOSED;
  return at > start + p.late_after_minutes * minute ? CHECK_IN_LATE : CHECK_IN_ON_TIME;
}

static int64_t basis_points(int64_t part, int64_t whole) {
  return whole > 0 ? (2 * 10000 * part + whole) / (2 * whole) : -1;
}

struct rate attendance_rate(const int64_t counts[static MARK_MADE_UP + 1], int64_t still_to_come) {
  int64_t came =
      counts[MARK_PRESENT] + counts[MARK_LATE] + counts[MARK_LEFT_EARLY] + counts[MARK_MADE_UP];
  int64_t counted = came + counts[MARK_ABSENT];
  return (struct rate){
      .numerator = came,
      .denominator = counted,
      .basis_points = basis_points(came, counted),
      .best_basis_points = basis_points(came + still_to_come, counted + still_to_come),
  };
}
