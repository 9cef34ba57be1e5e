/* How a community sells: how long orders wait, when renewals are opened, announced and reminded of,
 * how long a pause may be, and on what terms somebody comes back. */
#include "api/api.h"
#include "db/sql.h"

enum { STEPS_MOST = 10, DAYS_MOST = 90 };

struct step selling_policy_get(struct request *q) {
  return ask_selling_policy_get(q, answer_one);
}

/* ---- changing ---- */

/* `expected` is the version that the caller saw; -1 when they did not say. */
static struct step change(struct request *q, int64_t expected) {
  return ask_selling_policy_change(
      q, answer_one, .body = body_json(q), .expected = expected, .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct selling_policy_get_row row;
  if (!if_match_holds(q, r) || !one_selling_policy_get(q, r, &row))
    return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

/* The ladder climbs: whole days, each later than the one before. */
static bool is_ladder(const struct json *days) {
  size_t count = json_count(days);
  int64_t before = -1;
  if (json_kind(days) != JSON_LIST || count < 1 || count > STEPS_MOST) return false;
  for (size_t i = 0; i < count; i++) {
    const struct json *day = json_at(days, i);
    if (json_kind(day) != JSON_INT || json_int(day) <= before || json_int(day) > DAYS_MOST)
      return false;
    before = json_int(day);
  }
  return true;
}

struct step selling_policy_change(struct request *q) {
  const struct json *days = json_get(body(q), "dunning_days");
  if (days && !is_ladder(days)) {
    fault_add(q, LIT("/dunning_days"), "format", LIT("1 to 10 whole days, ascending, from 0 to 90"),
              LIT("应为 1 至 10 个递增的天数（0 至 90）"));
    return problem(q, BODY_INVALID);
  }
  return has_if_match(q) ? ask_selling_policy_get(q, compared) : change(q, -1);
}
