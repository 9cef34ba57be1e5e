/* Quotes: what an order would cost and give. The price is the plan's; what comes from the client is
 * only which plan, how many, and (where who pays names it) at least how much. */
#include "api/typed_code.h"
#include "db/sql.h"

struct quoting {
  struct typed_code code;
  struct uuid id;
  bool has_code;
};

static struct step decided(struct request *q, const struct rows *r);

static struct step ask_for(struct request *q) {
  struct quoting *s = q->state;
  return ask_quote_create(q, decided, .id = s->id, .member_id = q->caller.member,
                          .body = body_json(q), .digest = s->has_code ? code_bytes(&s->code) : NONE,
                          .contact = s->code.contact);
}

static struct step decided(struct request *q, const struct rows *r) {
  struct quoting *s = q->state;
  struct quote_create_row row;
  struct step hidden;
  if (!one_quote_create(q, r, &row)) return problem(q, INTERNAL);
  if (code_hides(q, row.refusal, row.reserved, &hidden)) return hidden;
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

struct step quote_create(struct request *q) {
  struct quoting *s = q->state = NEW(&q->arena, struct quoting);
  struct text typed = body_text(q, "code");
  if (!fits(q)) return problem(q, BODY_INVALID);
  s->has_code = typed.at;
  if (typed.at && !code_read(q, typed, &s->code)) return problem(q, CODE_MALFORMED);
  if (!charge_general(q)) return DONE;
  s->id = uuid_new();
  s->code.again = ask_for;
  return ask_for(q);
}

struct step quote_get(struct request *q) {
  return ask_quote_get(q, answer_one, .member_id = q->caller.member, .id = path_id(q, "id"));
}
