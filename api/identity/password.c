/* Changing one's password while signed in: the present one must be told, if there is one. The other
 * sessions end, this one stays. */
#include "api/identity/identity.h"
#include "rules/rules.h"

static struct step changed(struct request *q, const struct rows *r) {
  if (!r->count) return problem(q, PASSWORD_WRONG); /* it has just become another one */
  return password_changed(q, q->caller.account, q->caller.session);
}

static struct step change(struct request *q) {
  const struct visit *v = visit_of(q);
  return ask_credential_set(q, changed, .account = q->caller.account,
                            .password_hash = v->password_hash, .was = v->account.password_hash);
}

static struct step hashed(struct request *q) {
  return begin(q, change);
}

static struct step hash_new(struct request *q) {
  return hash_password(q, body_text(q, "new_password"), hashed);
}

static struct step checked(struct request *q) {
  if (visit_of(q)->verified) return hash_new(q);
  charge_miss(q);
  return problem(q, PASSWORD_WRONG);
}

static struct step found(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  struct credential_read_row row;
  struct text present = body_text(q, "current_password");
  if (!one_credential_read(q, r, &row)) return problem(q, NOT_FOUND);
  v->account.password_hash = row.password_hash;
  v->provider = row.provider;
  v->subject = row.subject;
  if (!password_acceptable(body_text(q, "new_password"), row.subject.at ? row.subject : LIT("")))
    return problem(q, PASSWORD_WEAK);
  if (!row.password_hash.at) return hash_new(q);
  if (!present.at) return problem(q, PASSWORD_WRONG);
  return verify_password(q, row.password_hash, present, checked);
}

struct step password_put(struct request *q) {
  visit_new(q);
  return ask_credential_read(q, found, .account = q->caller.account);
}
