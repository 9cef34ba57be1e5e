/* How a community sells: how long orders wait, when renewals are opened, announced and reminded of,
 * how long a pause may be, and on what terms somebody comes back. */
#include "api/api.h"
#include "db/sql.h"

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

/* The ladder climbs: each day is later than the one before. */
static void check_ladder(struct request *q, const struct json *days) {
  for (size_t i = 1; i < json_count(days); i++)
    if (json_int(json_at(days, i)) <= json_int(json_at(days, i - 1)))
      fault_add(q, arena_printf(&q->arena, "/dunning_days/%zu", i), "not_ascending",
                LIT("later than the day before it in the list"), LIT("应晚于列表中的前一个天数"));
}

struct step selling_policy_change(struct request *q) {
  check_ladder(q, json_get(body(q), "dunning_days"));
  if (q->faults) return problem(q, BODY_INVALID);
  return has_if_match(q) ? ask_selling_policy_get(q, compared) : change(q, -1);
}
