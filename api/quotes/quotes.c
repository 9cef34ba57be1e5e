/* Quotes: what an order would cost and give. The price is the plan's; what comes from the client is
 * only which plan, how many, and (where who pays names it) at least how much.
 *
 * A discount code is read as one that is redeemed (api/redemptions/redeem.c): a slip of a
 * machine-made one is told without the database, and of chosen ones those that don't work and those
 * that never were answer alike, after the same work. */
#include "api/api.h"
#include "db/sql.h"
#include "rules/rules.h"

struct quoting {
  struct uuid id;
  struct digest digest; /* of the code */
  bool has_code, machine_made, looked_up;
  struct text contact; /* proven and reserved for; NONE until looked up */
};

static struct step decided(struct request *q, const struct rows *r);

static struct step ask_for(struct request *q, struct quoting *s) {
  struct text digest = {(const char *)s->digest.b, sizeof s->digest.b};
  return ask_quote_create(q, decided, .id = s->id, .member_id = q->caller.member,
                          .body = body_json(q), .digest = s->has_code ? digest : NONE,
                          .contact = s->contact);
}

static struct step contact_known(struct request *q, const struct rows *r) {
  struct quoting *s = q->state;
  struct identity_owns_row row;
  if (!one_identity_owns(q, r, &row) || !row.owns) s->contact = NONE;
  return ask_for(q, s);
}

/* Is what the code is reserved for, `email:…` or `phone:…`, a proven contact of who asks? */
static struct step look_up(struct request *q, struct quoting *s, struct text reserved) {
  struct text subject = reserved.at ? reserved : LIT("email:");
  struct text provider = text_cut(&subject, ':');
  s->looked_up = true;
  s->contact = reserved;
  return ask_identity_owns(q, contact_known, .account_id = q->caller.account, .provider = provider,
                           .subject = subject);
}

/* What only a holder may know of a code. */
static bool is_secret(struct text refusal) {
  static const char *const secrets[] = {"code_refused",    "code_revoked",  "code_not_yet",
                                        "code_expired",    "code_reserved", "code_sold_out",
                                        "code_no_discount"};
  for (size_t i = 0; i < COUNT(secrets); i++)
    if (text_is(refusal, secrets[i])) return true;
  return false;
}

static struct step miss(struct request *q) {
  charge_miss(q);
  return problem(q, CODE_REFUSED);
}

static struct step decided(struct request *q, const struct rows *r) {
  struct quoting *s = q->state;
  struct quote_create_row row;
  if (!one_quote_create(q, r, &row)) return problem(q, INTERNAL);
  if (is_secret(row.refusal)) {
    if (!s->looked_up && (!s->machine_made || row.reserved.at)) return look_up(q, s, row.reserved);
    bool told = s->machine_made || q->caller.role >= ROLE_OPERATOR;
    if (text_is(row.refusal, "code_refused") || !told) return miss(q);
  }
  if (refused(q, r)) return DONE;
  return ask_quote_get(q, answer_created, .member_id = q->caller.member, .id = s->id);
}

/* ---- which fields go with which kind ---- */

static void expect(struct request *q, const char *name, bool wanted) {
  bool there = json_kind(json_get(body(q), name)) > JSON_NULL;
  if (there == wanted) return;
  struct text pointer = arena_printf(&q->arena, "/%s", name);
  if (wanted)
    fault_add(q, pointer, "required", LIT("this kind of order needs it"),
              LIT("此类订单需要该字段"));
  else
    fault_add(q, pointer, "superfluous", LIT("this kind of order has no such field"),
              LIT("此类订单没有该字段"));
}

static bool fits(struct request *q) {
  struct text kind = body_text(q, "kind");
  bool renewal = text_is(kind, "renewal");
  expect(q, "plan_id", !renewal);
  expect(q, "membership_id", renewal);
  expect(q, "lecture_id", text_is(kind, "ticket"));
  expect(q, "lecturer_id", text_is(kind, "tip"));
  return !q->faults;
}

static bool read_code(struct request *q, struct quoting *s) {
  struct text typed = body_text(q, "code");
  if (!typed.at) return true;
  struct text code = code_normalise(&q->arena, typed);
  enum code_form form = code.at ? code_form(code) : CODE_SLIP;
  if (form == CODE_SLIP) return false;
  s->has_code = true;
  s->machine_made = form == CODE_MACHINE;
  s->digest = code_digest(house_secrets(api_of(q)->house), code);
  return true;
}

struct step quote_create(struct request *q) {
  struct quoting *s = q->state = NEW(&q->arena, struct quoting);
  if (!fits(q)) return problem(q, BODY_INVALID);
  if (!read_code(q, s)) return problem(q, CODE_MALFORMED);
  if (!charge_general(q)) return DONE;
  s->id = uuid_new();
  return ask_for(q, s);
}

struct step quote_get(struct request *q) {
  return ask_quote_get(q, answer_one, .member_id = q->caller.member, .id = path_id(q, "id"));
}
