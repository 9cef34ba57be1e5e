/* Proving a contact by the code that was sent to it. Each try is counted and committed before the
 * code is compared, so that neither a race nor a failure afterwards gives one back. */
#include "api/identity/identity.h"

enum { CODE_DIGITS = 6 };

struct visit *visit_new(struct request *q) {
  q->state = NEW(&q->arena, struct visit);
  return q->state;
}

/* A digit at the start of t, ASCII or full-width (U+FF10 on); *len is what it takes, 0: none. */
static char digit_at(struct text t, size_t *len) {
  *len = t.at[0] >= '0' && t.at[0] <= '9';
  if (*len) return t.at[0];
  bool wide = t.len >= 3 && (uint8_t)t.at[0] == 0xEF && (uint8_t)t.at[1] == 0xBC &&
              (uint8_t)t.at[2] >= 0x90 && (uint8_t)t.at[2] <= 0x99;
  *len = wide ? 3 : 0;
  return wide ? (char)('0' + ((uint8_t)t.at[2] - 0x90)) : 0;
}

struct text code_typed(struct request *q) {
  struct text typed = body_text(q, "code");
  char *out = arena_alloc(&q->arena, CODE_DIGITS + 1);
  size_t n = 0, len;
  while (typed.len) {
    char digit = digit_at(typed, &len);
    if (digit && n == CODE_DIGITS) return LIT("");
    if (digit)
      out[n++] = digit;
    else if (typed.at[0] != ' ' && typed.at[0] != '-')
      return LIT("");
    typed = (struct text){typed.at + (len ? len : 1), typed.len - (len ? len : 1)};
  }
  return (struct text){out, n};
}

static struct step found(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  v->known = one_account_of_contact(q, r, &v->account);
  return v->next(q);
}

struct step find_account(struct request *q, next_step next) {
  struct visit *v = visit_of(q);
  v->next = next;
  return ask_account_of_contact(q, found, .provider = v->provider, .subject = v->subject);
}

/* A challenge that never was, was used, or has run out of time or tries is a wrong code. */
static struct step tried(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  struct challenge_try_row row;
  bool there = one_challenge_try(q, r, &row);
  struct digest d = challenge_digest(house_secrets(api_of(q)->house), v->challenge, code_typed(q));
  bool right =
      there && row.digest.len == sizeof d.b && crypto_equal(row.digest.at, d.b, sizeof d.b);
  if (!right) {
    charge_miss(q);
    return problem(q, CHALLENGE_FAILED);
  }
  v->provider = row.provider;
  v->subject = row.subject;
  return find_account(q, v->next);
}

struct step prove(struct request *q, const struct text *purposes, size_t count, next_step next) {
  struct visit *v = visit_of(q);
  v->challenge = body_id(q, "challenge");
  v->next = next;
  return ask_challenge_try(q, tried, .id = v->challenge, .purposes = {count, purposes});
}
