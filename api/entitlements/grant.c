/* Giving by hand, and taking back: a comp with its end and reason, a payment that an operator
 * received, a span that is void. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* ---- giving ---- */

static struct step shown(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  struct builder b = {0};
  char member[37], id[37];
  uuid_write(path_id(q, "id"), member);
  uuid_write(*(struct uuid *)q->state, id);
  reply_header(q, "Location",
               arena_printf(&q->arena, "/v1/members/%s/entitlements/%s", member, id));
  rows_object(r, 0, &b);
  return reply_json(q, 201, &b);
}

/* In the idempotency key's transaction, if there is one: what was granted is seen by the next ask.
 */
static struct step granted(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_entitlement_get(q, shown, .member_id = path_id(q, "id"),
                             .id = *(struct uuid *)q->state);
}

/* Which fields go with which kind of grant. */
static void expect(struct request *q, const char *name, bool wanted) {
  bool there = json_kind(json_get(body(q), name)) > JSON_NULL;
  if (there == wanted) return;
  struct text pointer = arena_printf(&q->arena, "/%s", name);
  if (wanted)
    fault_add(q, pointer, "required", LIT("this kind of grant needs it"),
              LIT("此类授予需要该字段"));
  else
    fault_add(q, pointer, "superfluous", LIT("this kind of grant has no such field"),
              LIT("此类授予没有该字段"));
}

/* A comp always ends: a member who stays without a reason is nobody's decision. */
static struct step comp(struct request *q) {
  micros ends_at = 0;
  (void)body_time(q, "ends_at", &ends_at);
  return ask_entitlement_comp(
      q, granted, .member_id = path_id(q, "id"), .id = *(struct uuid *)q->state,
      .plan_id = body_id(q, "plan_id"), .ends_at = ends_at, .reason = body_text(q, "reason"),
      .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step sold(struct request *q, const struct rows *r) {
  struct entitlement_sell_row row;
  if (refused(q, r)) return DONE;
  if (!one_entitlement_sell(q, r, &row)) return problem(q, INTERNAL);
  *(struct uuid *)q->state = row.id;
  return ask_entitlement_get(q, shown, .member_id = path_id(q, "id"), .id = row.id);
}

/* The price comes from the plan; the amount is what was received, and can only be less. The
 * reference is what keeps one receipt from paying twice. */
static struct step sell(struct request *q) {
  micros paid_at = 0;
  bool has_paid_at = body_time(q, "paid_at", &paid_at);
  return ask_entitlement_sell(
      q, sold, .member_id = path_id(q, "id"), .order_id = uuid_new(), .line_id = uuid_new(),
      .payment_id = uuid_new(), .plan_id = body_id(q, "plan_id"),
      .amount_minor = body_int(q, "amount_minor", 0), .currency = body_text(q, "currency"),
      .reference = text_trim(body_text(q, "reference")), .paid_at = paid_at,
      .has_paid_at = has_paid_at, .reason = body_text(q, "reason"), .actor = q->caller.member,
      .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

struct step entitlement_grant(struct request *q) {
  bool payment = text_is(body_text(q, "kind"), "payment");
  expect(q, "ends_at", !payment);
  expect(q, "amount_minor", payment);
  expect(q, "currency", payment);
  expect(q, "reference", payment);
  if (!payment) expect(q, "paid_at", false);
  if (q->faults) return problem(q, BODY_INVALID);
  q->state = NEW(&q->arena, struct uuid);
  *(struct uuid *)q->state = uuid_new();
  return payment ? sell(q) : comp(q);
}

/* ---- taking back ---- */

static struct step voided(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return ask_entitlement_get(q, answer_one, .member_id = path_id(q, "id"),
                             .id = path_id(q, "entitlement_id"));
}

/* The member is part of the address, as of the key: a span is never looked up by its id alone. */
struct step entitlement_void(struct request *q) {
  return ask_entitlement_void(q, voided, .member_id = path_id(q, "id"),
                              .id = path_id(q, "entitlement_id"), .reason = body_text(q, "reason"),
                              .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(),
                              .request_id = q->id);
}
