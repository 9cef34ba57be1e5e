/* Redeeming an invite code. A typing slip of a machine-made code is told without the database, and
 * so is, to a crowd, that nothing is left of one; all else is decided by the batched statement.
 *
 * Who holds a machine-made code can't have guessed it and learns the true reason. A chosen code
 * that doesn't work and one that never was answer alike, after the same work. */
#include "api/api.h"
#include "db/sql.h"
#include "rules/rules.h"

/* Each round answers at least one of a member's simultaneous redemptions. Who has waited that long
 * stands behind a crowd that keeps asking for the same code, and is asked alone. */
enum { ROUNDS = 40 };

struct redeeming {
  struct digest digest; /* of the normalised code */
  struct text contact;  /* proven and reserved for; NONE until looked up */
  bool machine_made;    /* by its form */
  bool looked_up;
  int rounds;
};

static struct step decided(struct request *q, const struct rows *r);

static struct text digest_bytes(const struct redeeming *s) {
  return (struct text){(const char *)s->digest.b, sizeof s->digest.b};
}

static struct step ask_for(struct request *q, struct redeeming *s) {
  return ask_code_redeem(q, decided, .digest = digest_bytes(s), .member_id = q->caller.member,
                         .id = uuid_new(), .contact = s->contact, .request = q->id);
}

static struct step ask_again(struct request *q, struct redeeming *s) {
  if (q->alone) return problem(q, BUSY);
  q->alone = ++s->rounds >= ROUNDS;
  return ask_for(q, s);
}

static struct step contact_known(struct request *q, const struct rows *r) {
  struct redeeming *s = q->state;
  struct identity_owns_row row;
  if (!one_identity_owns(q, r, &row) || !row.owns) s->contact = NONE;
  return ask_for(q, s);
}

/* Is what the code is reserved for, `email:…` or `phone:…`, a proven contact of who asks? */
static struct step look_up(struct request *q, struct redeeming *s, struct text reserved) {
  struct text subject = reserved.at ? reserved : LIT("email:");
  struct text provider = text_cut(&subject, ':');
  s->looked_up = true;
  s->contact = reserved;
  return ask_identity_owns(q, contact_known, .account_id = q->caller.account, .provider = provider,
                           .subject = subject);
}

/* What only a holder may know of a code. */
static bool is_secret(struct text refusal) {
  static const char *const secrets[] = {"code_refused", "code_revoked",  "code_not_yet",
                                        "code_expired", "code_reserved", "code_sold_out"};
  for (size_t i = 0; i < COUNT(secrets); i++)
    if (text_is(refusal, secrets[i])) return true;
  return false;
}

static struct step miss(struct request *q) {
  charge_miss(q);
  return problem(q, CODE_REFUSED);
}

static struct step remembered(struct request *q, const struct rows *r) {
  struct redeeming *s = q->state;
  sold_out_keep(q, &s->digest, r);
  return problem(q, CODE_SOLD_OUT);
}

/* When a crowd asks for it, who comes next is answered from memory. */
static struct step sold_out(struct request *q, struct redeeming *s, const struct rows *r) {
  if (!sold_out_wanted(q, &s->digest)) return answer_made(q, r);
  return ask_code_sold_out(q, remembered, .digest = digest_bytes(s), .most = SOLD_OUT_HOLDERS_MOST);
}

static struct step decided(struct request *q, const struct rows *r) {
  struct redeeming *s = q->state;
  struct code_redeem_row row;
  if (!one_code_redeem(q, r, &row)) return problem(q, INTERNAL);
  if (text_is(row.refusal, "again")) return ask_again(q, s);
  if (row.created) metric_add(lyceum_codes_redeemed, 1);
  if (!is_secret(row.refusal)) return answer_made(q, r);
  /* Chosen codes are looked up whatever the reason: time tells nothing either. */
  if (!s->looked_up && (!s->machine_made || row.reserved.at)) return look_up(q, s, row.reserved);
  bool told = s->machine_made || q->caller.role >= ROLE_OPERATOR;
  if (text_is(row.refusal, "code_refused") || !told) return miss(q);
  if (s->machine_made && text_is(row.refusal, "code_sold_out")) return sold_out(q, s, r);
  return answer_made(q, r);
}

struct step code_redeem(struct request *q) {
  struct text code = code_normalise(&q->arena, body_text(q, "code"));
  enum code_form form = code.at ? code_form(code) : CODE_SLIP;
  if (form == CODE_SLIP) return problem(q, CODE_MALFORMED);
  struct redeeming *s = NEW(&q->arena, struct redeeming);
  s->digest = code_digest(house_secrets(api_of(q)->house), code);
  s->machine_made = form == CODE_MACHINE;
  if (s->machine_made && sold_out_for(q, &s->digest)) return problem(q, CODE_SOLD_OUT);
  q->state = s;
  return ask_for(q, s);
}
