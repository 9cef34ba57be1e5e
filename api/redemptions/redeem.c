/* Redeeming an invite code. A typing slip of a machine-made code is told without the database, and
 * so is, to a crowd, that nothing is left of one; all else is decided by the batched statement. */
#include "api/typed_code.h"
#include "db/sql.h"

/* Each round answers at least one of a member's simultaneous redemptions. Who has waited that long
 * stands behind a crowd that keeps asking for the same code, and is asked alone. */
enum { ROUNDS = 40 };

struct redeeming {
  struct typed_code code;
  int rounds;
};

static struct step decided(struct request *q, const struct rows *r);

static struct step ask_for(struct request *q) {
  struct redeeming *s = q->state;
  return ask_code_redeem(q, decided, .digest = code_bytes(&s->code), .member_id = q->caller.member,
                         .id = uuid_new(), .contact = s->code.contact, .request = q->id);
}

static struct step ask_again(struct request *q, struct redeeming *s) {
  if (q->alone) return problem(q, BUSY);
  q->alone = ++s->rounds >= ROUNDS;
  return ask_for(q);
}

static struct step remembered(struct request *q, const struct rows *r) {
  struct redeeming *s = q->state;
  sold_out_keep(q, &s->code.digest, r);
  return problem(q, CODE_SOLD_OUT);
}

/* When a crowd asks for it, who comes next is answered from memory. */
static struct step sold_out(struct request *q, struct redeeming *s, const struct rows *r) {
  if (!sold_out_wanted(q, &s->code.digest)) return answer_made(q, r);
  return ask_code_sold_out(q, remembered, .digest = code_bytes(&s->code),
                           .most = SOLD_OUT_HOLDERS_MOST);
}

static struct step decided(struct request *q, const struct rows *r) {
  struct redeeming *s = q->state;
  struct code_redeem_row row;
  struct step hidden;
  if (!one_code_redeem(q, r, &row)) return problem(q, INTERNAL);
  if (text_is(row.refusal, "again")) return ask_again(q, s);
  if (row.created) metric_add(lyceum_codes_redeemed, 1);
  if (code_hides(q, row.refusal, row.reserved, &hidden)) return hidden;
  if (s->code.machine_made && text_is(row.refusal, "code_sold_out")) return sold_out(q, s, r);
  return answer_made(q, r);
}

struct step code_redeem(struct request *q) {
  struct redeeming *s = NEW(&q->arena, struct redeeming);
  if (!code_read(q, body_text(q, "code"), &s->code)) return problem(q, CODE_MALFORMED);
  if (s->code.machine_made && sold_out_for(q, &s->code.digest)) return problem(q, CODE_SOLD_OUT);
  s->code.again = ask_for;
  q->state = s;
  return ask_for(q);
}
