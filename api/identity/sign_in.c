/* Signing in, by password or by a code. What a wrong password answers, an unknown login answers: in
 * the same words, after the same look-up and the same hashing. */
#include "api/identity/identity.h"
#include "rules/rules.h"

static struct step opened(struct request *q, const struct rows *r) {
  if (refused(q, r)) {
    if (q->problem == CHALLENGE_FAILED) charge_miss(q);
    return DONE;
  }
  return reply_opened(q, r, visit_of(q)->account.account);
}

static struct step open_session(struct request *q) {
  struct visit *v = visit_of(q);
  session_new(q, v);
  return ask_session_open(q, opened, .account = v->account.account, .session = v->session,
                          .device_name = body_text(q, "device_name"),
                          .refresh_digest = refresh_digest_of(q, v->refresh),
                          .days = api_of(q)->config->session_days, .challenge = v->challenge);
}

static struct step kept(struct request *q, const struct rows *r) {
  (void)r;
  return open_session(q);
}

/* Coming back takes the wish to be erased back, too. */
static struct step come_in(struct request *q) {
  struct visit *v = visit_of(q);
  if (v->account.erasing) return ask_account_keep(q, kept, .id = v->account.account);
  return open_session(q);
}

/* ---- by a code: who holds the contact may know whether it is known ----------------------------
 */

static struct step proven(struct request *q) {
  return visit_of(q)->known ? come_in(q) : problem(q, NOT_A_MEMBER);
}

static struct step by_code(struct request *q) {
  static const struct text purposes[] = {{"sign_in", sizeof "sign_in" - 1},
                                         {"sign_up", sizeof "sign_up" - 1}};
  return prove(q, purposes, COUNT(purposes), proven);
}

/* ---- by a password ----------------------------------------------------------------------------
 */

static struct step checked(struct request *q) {
  const struct visit *v = visit_of(q);
  if (v->known && v->verified) return come_in(q);
  charge_miss(q);
  return problem(q, SIGN_IN_FAILED);
}

static struct step looked_up(struct request *q) {
  const struct visit *v = visit_of(q);
  return verify_password(q, v->known ? v->account.password_hash : NONE, body_text(q, "password"),
                         checked);
}

/* A login has a budget of its own, wherever its guessers sit. */
static struct step by_password(struct request *q) {
  struct visit *v = visit_of(q);
  struct text login = body_text(q, "login");
  enum contact_kind kind = contact_read(&q->arena, login, &v->subject);
  v->provider = kind == CONTACT_PHONE ? LIT("phone") : LIT("email");
  if (kind == CONTACT_NONE) v->subject = LIT(""); /* nobody's: looked up like any other */
  struct pace_state p =
      pace_take(api_of(q)->house, SIGN_INS, PER_ACCOUNT, kind == CONTACT_NONE ? login : v->subject);
  if (p.allowed) return find_account(q, looked_up);
  q->retry_after = p.reset ? p.reset : 1;
  return problem(q, RATE_LIMITED);
}

static void demand(struct request *q, struct text pointer) {
  fault_add(q, pointer, "required", LIT("login and password, or challenge and code"),
            LIT("请提供 login 与 password，或 challenge 与 code"));
}

struct step sign_in(struct request *q) {
  bool login = body_text(q, "login").at, password = body_text(q, "password").at;
  bool challenge = body_text(q, "challenge").at, code = body_text(q, "code").at;
  visit_new(q);
  if (login && password && !challenge && !code) return by_password(q);
  if (challenge && code && !login && !password) return by_code(q);
  bool codes = (challenge || code) && !login && !password;
  if (codes)
    demand(q, challenge ? LIT("/code") : LIT("/challenge"));
  else
    demand(q, login ? LIT("/password") : LIT("/login"));
  return problem(q, BODY_INVALID);
}
