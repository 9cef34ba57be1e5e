/* A new password for who proved the contact by a code. All sessions end, in all communities: who
 * has lost a password may have lost it to somebody. */
#include "api/identity/identity.h"
#include "rules/rules.h"

static struct step changed(struct request *q, const struct rows *r) {
  struct uuid none = {{0}};
  (void)r;
  return password_changed(q, visit_of(q)->account.account, none);
}

static struct step used(struct request *q, const struct rows *r) {
  const struct visit *v = visit_of(q);
  if (!r->count) return problem(q, CHALLENGE_FAILED); /* by another request, just now */
  return ask_credential_set(q, changed, .account = v->account.account,
                            .password_hash = v->password_hash);
}

static struct step use(struct request *q) {
  return ask_challenge_use(q, used, .id = visit_of(q)->challenge);
}

static struct step hashed(struct request *q) {
  return begin(q, use);
}

static struct step proven(struct request *q) {
  const struct visit *v = visit_of(q);
  struct text password = body_text(q, "password");
  if (!v->known) return problem(q, NOT_A_MEMBER);
  if (!password_acceptable(password, v->subject)) return problem(q, PASSWORD_WEAK);
  return hash_password(q, password, hashed);
}

struct step password_reset(struct request *q) {
  static const struct text purposes[] = {{"reset", sizeof "reset" - 1}};
  visit_new(q);
  return prove(q, purposes, COUNT(purposes), proven);
}
