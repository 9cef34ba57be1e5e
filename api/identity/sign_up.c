/* Signing up: a proven contact becomes a member, signed in, with an invite code redeemed if there
 * is one. All or nothing, in one transaction; what takes time (the hash) or is told without the
 * database comes before it. Whoever has an account already joins with it. */
#include "api/identity/identity.h"
#include "rules/rules.h"

#include <stdio.h>
#include <time.h>

/* A birth year alone leaves a year of doubt, which is the child's: who may still be 13 is treated
 * as such. */
enum { OF_AGE = 14, KEY_BYTES = 32 };

struct sign_up {
  struct visit visit; /* first: it is the request's state */
  struct uuid member;
  bool child;
  struct text invite; /* normalised; NONE: none */
  bool machine_made;
  struct member_join_row joined;
  struct text member_json;
};
static struct sign_up *sign_up_of(struct request *q) {
  return q->state;
}

/* ---- the answer -------------------------------------------------------------------------------
 */

static struct step finish(struct request *q, struct text redemption) {
  struct sign_up *s = sign_up_of(q);
  struct signed_in in = {.account = s->visit.account.account,
                         .member = s->joined.id,
                         .session = s->visit.session,
                         .role = s->joined.role,
                         .refresh = s->visit.refresh,
                         .version = s->joined.version,
                         .expires_at = s->joined.session_expires_at};
  reply_header(q, "Location", LIT("/v1/me"));
  return reply_signed_in(q, 201, &in, s->member_json, redemption);
}

/* ---- the invite code, in the same transaction -------------------------------------------------
 */

/* As in redeeming: a chosen code that does not work and one that never was answer alike. */
static struct step redeemed(struct request *q, const struct rows *r) {
  const struct sign_up *s = sign_up_of(q);
  struct code_redeem_row row;
  if (!one_code_redeem(q, r, &row)) return problem(q, INTERNAL);
  if (refused(q, r)) {
    bool secret = q->problem != NOTHING_TO_ADD && q->problem != CODE_NEEDS_ORDER;
    if (q->problem == CODE_REFUSED || (secret && !s->machine_made)) {
      charge_miss(q);
      return problem(q, CODE_REFUSED);
    }
    return DONE;
  }
  struct text redemption = row_json(q, r);
  return finish(q, arena_printf(&q->arena, "\"redemption\":%.*s", TEXT_ARGS(redemption)));
}

static struct step redeem(struct request *q) {
  const struct sign_up *s = sign_up_of(q);
  struct digest d = code_digest(house_secrets(api_of(q)->house), s->invite);
  struct text contact = arena_printf(&q->arena, "%.*s:%.*s", TEXT_ARGS(s->visit.provider),
                                     TEXT_ARGS(s->visit.subject));
  return ask_code_redeem(q, redeemed, .digest = digest_text(q, d), .member_id = s->joined.id,
                         .id = uuid_new(), .contact = contact, .request = q->id);
}

/* ---- the member -------------------------------------------------------------------------------
 */

static struct step joined(struct request *q, const struct rows *r) {
  struct sign_up *s = sign_up_of(q);
  if (refused(q, r)) {
    if (q->problem == CHALLENGE_FAILED) charge_miss(q);
    return DONE;
  }
  if (!one_member_join(q, r, &s->joined)) return problem(q, INTERNAL);
  s->member_json = row_json(q, r);
  return s->invite.at ? redeem(q) : finish(q, LIT("\"redemption\":null"));
}

static struct text person_key(struct request *q, const struct visit *v) {
  struct text bound = {(const char *)v->account.account.b, sizeof v->account.account.b};
  return crypto_open(&q->arena, &house_secrets(api_of(q)->house)->sealing, bound,
                     v->account.sealed_key);
}

/* The guardian's name and contact, readable only while the member's own key exists. */
static struct text guardian_sealed(struct request *q, const struct sign_up *s) {
  struct text key = person_key(q, &s->visit);
  struct digest d;
  struct builder b = {0};
  if (!s->child || key.len != sizeof d.b) return NONE;
  for (size_t i = 0; i < sizeof d.b; i++)
    d.b[i] = (uint8_t)key.at[i];
  json_write(&b, json_get(body(q), "guardian"));
  struct text bound = {(const char *)s->member.b, sizeof s->member.b};
  return crypto_seal(&q->arena, &d, bound, arena_built(&q->arena, &b));
}

static struct text locale_of(struct request *q) {
  struct text asked = body_text(q, "locale");
  return asked.at ? asked : q->chinese ? LIT("zh-CN") : LIT("en");
}

static struct step join(struct request *q, const struct rows *r) {
  struct sign_up *s = sign_up_of(q);
  struct visit *v = &s->visit;
  struct digest d = contact_digest(house_secrets(api_of(q)->house), v->provider, NONE, v->subject);
  char shut[2 * sizeof d.b + 1];
  (void)r;
  hex_write(d.b, sizeof d.b, shut);
  session_new(q, v);
  return ask_member_join(
      q, joined, .id = s->member, .account = v->account.account,
      .display_name = text_trim(body_text(q, "display_name")), .locale = locale_of(q),
      .challenge = v->challenge, .shut = arena_copy(&q->arena, text_of(shut)),
      .rules_version = body_int(q, "rules_version", 0),
      .privacy_version = body_int(q, "privacy_version", 0), .guardian = guardian_sealed(q, s),
      .session = v->session, .device_name = body_text(q, "device_name"),
      .refresh_digest = refresh_digest_of(q, v->refresh), .days = api_of(q)->config->session_days,
      .request_id = q->id, .audit = uuid_new(), .outbox = uuid_new());
}

/* ---- the account ------------------------------------------------------------------------------
 */

/* A person's own key, sealed with the server's and bound to the account. */
static struct text key_new(struct request *q, const struct uuid *account) {
  char key[KEY_BYTES];
  crypto_random(key, sizeof key);
  struct text bound = {(const char *)account->b, sizeof account->b};
  return crypto_seal(&q->arena, &house_secrets(api_of(q)->house)->sealing, bound,
                     (struct text){key, sizeof key});
}

static struct step create(struct request *q, struct visit *v, int64_t year) {
  v->account.account = uuid_new();
  v->account.sealed_key = key_new(q, &v->account.account);
  return ask_account_create(q, join, .id = v->account.account, .identity = uuid_new(),
                            .provider = v->provider, .subject = v->subject,
                            .has_birth_year = year != 0, .birth_year = year, .locale = locale_of(q),
                            .sealed_key = v->account.sealed_key, .password_hash = v->password_hash);
}

static struct step kept(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  struct account_keep_row row;
  if (!one_account_keep(q, r, &row)) return problem(q, NOT_A_MEMBER); /* erased meanwhile */
  if (row.sealed_key.at) v->account.sealed_key = row.sealed_key;
  return join(q, r);
}

static struct step begun(struct request *q) {
  struct visit *v = visit_of(q);
  int64_t year = body_int(q, "birth_year", 0);
  if (!v->known) return create(q, v, year);
  struct text key = v->account.sealed_key.at ? NONE : key_new(q, &v->account.account);
  return ask_account_keep(q, kept, .id = v->account.account, .has_birth_year = year != 0,
                          .birth_year = year, .sealed_key = key);
}

static struct step start(struct request *q) {
  return begin(q, begun);
}

/* ---- what is asked before anything is written -------------------------------------------------
 */

static int64_t this_year(void) {
  time_t now = (time_t)(time_now() / 1000000);
  struct tm t;
  gmtime_r(&now, &t);
  return t.tm_year + 1900;
}

/* What an account knows already counts more than what is typed now. */
static bool may_be_child(struct request *q, const struct visit *v) {
  int64_t year =
      v->known && v->account.has_birth_year ? v->account.birth_year : body_int(q, "birth_year", 0);
  return year != 0 && this_year() - year <= OF_AGE;
}

static struct step proven(struct request *q) {
  struct sign_up *s = sign_up_of(q);
  struct visit *v = &s->visit;
  struct text password = body_text(q, "password");
  s->child = may_be_child(q, v);
  if (s->child && !json_get(body(q), "guardian")) return problem(q, GUARDIAN_REQUIRED);
  if (!password.at) return start(q);
  if (!password_acceptable(password, v->subject)) return problem(q, PASSWORD_WEAK);
  /* Joining another community changes no password that there is. */
  if (v->known && v->account.password_hash.at) return start(q);
  return hash_password(q, password, start);
}

struct step sign_up(struct request *q) {
  static const struct text purposes[] = {{"sign_up", sizeof "sign_up" - 1},
                                         {"sign_in", sizeof "sign_in" - 1}};
  struct sign_up *s = q->state = NEW(&q->arena, struct sign_up);
  struct text invite = body_text(q, "invite_code");
  s->member = uuid_new();
  if (body_int(q, "birth_year", 0) > this_year()) {
    fault_add(q, LIT("/birth_year"), "out_of_range", LIT("not in the future"), LIT("不能晚于今年"));
    return problem(q, BODY_INVALID);
  }
  if (invite.at) {
    s->invite = code_normalise(&q->arena, invite);
    enum code_form form = s->invite.at ? code_form(s->invite) : CODE_SLIP;
    if (form == CODE_SLIP) return problem(q, CODE_MALFORMED);
    s->machine_made = form == CODE_MACHINE;
  }
  return prove(q, purposes, COUNT(purposes), proven);
}
