/* A code that a member types: read, looked up, and what may be said of it. */
#include "api/typed_code.h"

#include "db/sql.h"
#include "rules/rules.h"

bool code_read(struct request *q, struct text typed, struct typed_code *out) {
  struct text code = code_normalise(&q->arena, typed);
  enum code_form form = code.at ? code_form(code) : CODE_SLIP;
  if (form == CODE_SLIP) return false;
  out->digest = code_digest(house_secrets(api_of(q)->house), code);
  out->machine_made = form == CODE_MACHINE;
  return true;
}

struct text code_bytes(const struct typed_code *c) {
  return (struct text){(const char *)c->digest.b, sizeof c->digest.b};
}

static struct step contact_known(struct request *q, const struct rows *r) {
  struct typed_code *c = q->state;
  struct identity_owns_row row;
  if (!one_identity_owns(q, r, &row) || !row.owns) c->contact = NONE;
  return c->again(q);
}

/* Is what the code is reserved for, `email:…` or `phone:…`, a proven contact of who asks? */
static struct step look_up(struct request *q, struct typed_code *c, struct text reserved) {
  struct text subject = reserved.at ? reserved : LIT("email:");
  struct text provider = text_cut(&subject, ':');
  c->looked_up = true;
  c->contact = reserved;
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

bool code_hides(struct request *q, struct text refusal, struct text reserved, struct step *out) {
  struct typed_code *c = q->state;
  bool told = c->machine_made || q->caller.role >= ROLE_OPERATOR;
  if (!is_secret(refusal)) return false;
  if (!c->looked_up && (!c->machine_made || reserved.at)) {
    *out = look_up(q, c, reserved);
    return true;
  }
  if (told && !text_is(refusal, "code_refused")) return false;
  charge_miss(q);
  *out = problem(q, CODE_REFUSED);
  return true;
}
