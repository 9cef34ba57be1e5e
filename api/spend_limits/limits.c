/* How much a member may spend in a month. Members set or lower their own; to raise it, or to do
 * away with it, is for operators, who say why: so it holds against a weak moment, too. */
#include "api/api.h"
#include "db/sql.h"

struct wish {
  struct uuid member;
  bool own;
};

static struct step show(struct request *q, const struct rows *r) {
  const struct wish *w = q->state;
  if (refused(q, r)) return DONE;
  return ask_spend_limit_get(q, answer_one, .member = w->member);
}

static struct step seen(struct request *q, const struct rows *r) {
  const struct wish *w = q->state;
  struct spend_limit_get_row row;
  if (!one_spend_limit_get(q, r, &row)) return problem(q, NOT_FOUND);
  if (!if_match_holds(q, r)) return problem(q, VERSION_CHANGED);
  enum role whom = role_of(row.role);
  if (!w->own && !may_manage(q->caller.role, whom, whom)) return problem(q, NOT_ALLOWED);
  const struct json *limit = json_get(body(q), "limit_minor");
  return ask_spend_limit_set(
      q, show, .member = w->member, .limit_minor = json_int(limit),
      .has_limit_minor = json_kind(limit) == JSON_INT, .reason = body_text(q, "reason"),
      .own = w->own, .compare = has_if_match(q), .seen = row.limit_minor,
      .has_seen = row.has_limit_minor, .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step change(struct request *q, struct uuid member, bool own) {
  struct wish *w = q->state = NEW(&q->arena, struct wish);
  *w = (struct wish){.member = member, .own = own};
  if (!json_get(body(q), "limit_minor"))
    fault_add(q, LIT("/limit_minor"), "required", LIT("an amount, or null for no limit"),
              LIT("应为金额；null 表示不设限额"));
  if (!own && !body_text(q, "reason").at)
    fault_add(q, LIT("/reason"), "required", LIT("say why"), LIT("请说明原因"));
  if (q->faults) return problem(q, BODY_INVALID);
  return ask_spend_limit_get(q, seen, .member = member);
}

struct step my_spend_limit_get(struct request *q) {
  return ask_spend_limit_get(q, answer_one, .member = q->caller.member);
}

struct step my_spend_limit_change(struct request *q) {
  return change(q, q->caller.member, true);
}

struct step member_spend_limit_get(struct request *q) {
  return ask_spend_limit_get(q, answer_one, .member = path_id(q, "id"));
}

struct step member_spend_limit_change(struct request *q) {
  return change(q, path_id(q, "id"), false);
}
