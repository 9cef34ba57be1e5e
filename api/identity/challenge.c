/* A code to a contact, by mail or SMS. The answer is the same for known and unknown contacts, and
 * so is what is done: nobody looks who it is. The message goes out after the answer. */
#include "api/identity/identity.h"
#include "gateways/gateways.h"
#include "rules/rules.h"

struct challenge {
  enum contact_kind kind;
  struct text contact;
};

static struct text provider_of(enum contact_kind kind) {
  return kind == CONTACT_EMAIL ? LIT("email") : LIT("phone");
}

static struct text channel_of(enum contact_kind kind) {
  return kind == CONTACT_EMAIL ? LIT("mail") : LIT("sms");
}

/* Six digits, all equally likely: what of 32 random bits would favour some is thrown away. */
static struct text code_new(struct arena *a) {
  uint32_t n;
  do
    crypto_random(&n, sizeof n);
  while (n >= UINT32_C(4294000000));
  return arena_printf(a, "%06u", n % 1000000);
}

static struct step opened(struct request *q, const struct rows *r) {
  struct builder b = {0};
  rows_object(r, 0, &b);
  return reply_json(q, 202, &b);
}

static struct step spent(struct request *q, const struct rows *r) {
  const struct challenge *c = q->state;
  const struct secrets *s = house_secrets(api_of(q)->house);
  struct contact_spend_row row;
  if (!one_contact_spend(q, r, &row)) return problem(q, INTERNAL);
  if (!row.allowed) {
    charge_miss(q);
    q->retry_after = (uint32_t)row.wait;
    return problem(q, RATE_LIMITED);
  }
  struct uuid id = uuid_new();
  struct text code = code_new(&q->arena);
  return ask_challenge_open(
      q, opened, .id = id, .purpose = body_text(q, "purpose"), .provider = provider_of(c->kind),
      .subject = c->contact, .digest = digest_text(q, challenge_digest(s, id, code)),
      .channel = channel_of(c->kind), .locale = q->chinese ? LIT("zh-CN") : LIT("en"),
      .sealed = message_seal(&q->arena, &s->sealing, id, c->contact, code));
}

struct step challenge_create(struct request *q) {
  struct challenge *c = q->state = NEW(&q->arena, struct challenge);
  c->kind = contact_read(&q->arena, body_text(q, "contact"), &c->contact);
  if (c->kind == CONTACT_NONE) {
    fault_add(q, LIT("/contact"), "format", LIT("an e-mail address, or a phone number with +"),
              LIT("电子邮箱，或以 + 开头的电话号码"));
    return problem(q, BODY_INVALID);
  }
  struct api *api = api_of(q);
  struct digest d =
      contact_digest(house_secrets(api->house), provider_of(c->kind), NONE, c->contact);
  return ask_contact_spend(q, spent, .digest = digest_text(q, d), .channel = channel_of(c->kind),
                           .cap = api->config->message_daily_cap);
}
