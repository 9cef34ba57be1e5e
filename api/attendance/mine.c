/* My attendance: each lecture that concerns me with how it counts, and the rate that follows. */
#include "api/api.h"
#include "db/sql.h"
#include "rules/rules.h"

struct step my_attendance(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_my_attendance_list(q, answer_page, .member_id = q->caller.member, PAGE_IN(p));
}

static void ratio(struct builder *b, const char *name, int64_t basis_points) {
  build_printf(b, ",\"%s\":", name);
  if (basis_points < 0)
    build_str(b, "null");
  else
    build_int(b, basis_points);
}

static struct step rated(struct request *q, const struct rows *r) {
  struct my_attendance_counts_row row;
  struct builder b = {0};
  if (!one_my_attendance_counts(q, r, &row)) return problem(q, INTERNAL);
  const int64_t counts[MARK_MADE_UP + 1] = {
      [MARK_PRESENT] = row.present,       [MARK_LATE] = row.late,
      [MARK_LEFT_EARLY] = row.left_early, [MARK_ABSENT] = row.absent,
      [MARK_EXCUSED] = row.excused,       [MARK_MADE_UP] = row.made_up};
  struct rate rate = attendance_rate(counts, row.to_come);
  build_str(&b, "{\"numerator\":");
  build_int(&b, rate.numerator);
  build_str(&b, ",\"denominator\":");
  build_int(&b, rate.denominator);
  ratio(&b, "basis_points", rate.basis_points);
  ratio(&b, "best_basis_points", rate.best_basis_points);
  build_str(&b, ",\"counts\":{");
  for (int m = MARK_PRESENT; m <= MARK_MADE_UP; m++) {
    build_printf(&b, "%s\"%s\":", m > MARK_PRESENT ? "," : "", mark_name((enum mark)m));
    build_int(&b, counts[m]);
  }
  build_str(&b, "},\"to_come\":");
  build_int(&b, row.to_come);
  build_str(&b, ",\"policy_version\":");
  build_int(&b, row.policy_version);
  build_char(&b, '}');
  return reply_json(q, 200, &b);
}

struct step my_attendance_rate(struct request *q) {
  return ask_my_attendance_counts(q, rated, .member_id = q->caller.member);
}
