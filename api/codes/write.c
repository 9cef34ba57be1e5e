/* Making one code, chosen or machine-made, and changing what may be changed of one. */
#include "api/codes/shown.h"
#include "db/sql.h"
#include "rules/rules.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* ---- making ---- */

struct making {
  struct uuid id;
  struct text code; /* normalised */
  bool machine;
  struct digest digest;
  struct text sealed, provider, contact;
  char hint[CODE_HINT_MAX];
};

static struct step shown(struct request *q, const struct rows *r) {
  struct making *m = q->state;
  struct builder b = {0};
  char path[64] = "/v1/codes/";
  if (refused(q, r)) return DONE;
  code_write(q, r, m->id, m->sealed, &b);
  uuid_write(m->id, path + 10);
  reply_header(q, "Location", text_of(path));
  return reply_json(q, 201, &b);
}

/* The row as everybody else sees it, read under the lock that made it. */
static struct step created(struct request *q, const struct rows *r) {
  struct making *m = q->state;
  return refused(q, r) ? DONE : ask_code_hold(q, shown, .id = m->id);
}

static struct step create(struct request *q) {
  struct making *m = q->state;
  return ask_code_create(
      q, created, .id = m->id, .digest = {(const char *)m->digest.b, sizeof m->digest.b},
      .sealed = m->sealed, .hint = text_of(m->hint), .machine = m->machine, .provider = m->provider,
      .subject = m->contact, .body = body_json(q), .actor = q->caller.member, .role = role(q),
      .audit_id = uuid_new(), .request_id = q->id);
}

static struct step held(struct request *q, const struct rows *r) {
  (void)r; /* a campaign that is not there is told by code_create */
  return create(q);
}

/* The campaign's quota is counted by one at a time. */
static struct step hold(struct request *q) {
  struct uuid campaign = body_id(q, "campaign_id");
  return uuid_is_zero(campaign) ? create(q) : ask_campaign_hold(q, held, .id = campaign);
}

/* 65 random bits: at ten tries a second nobody meets one of ten thousand live codes in a lifetime.
 */
static void make_code(struct request *q, struct making *m) {
  uint8_t random[CODE_SYMBOLS];
  char code[CODE_LENGTH + 1];
  crypto_random(random, sizeof random);
  code_make(random, code);
  m->machine = true;
  m->code = arena_copy(&q->arena, (struct text){code, CODE_LENGTH});
}

/* Reserved for a contact, not for an account: who is invited may not have one yet. */
static bool read_contact(struct request *q, struct making *m) {
  struct text typed = body_text(q, "reserved_for");
  if (!typed.at) return true;
  enum contact_kind kind = contact_read(&q->arena, typed, &m->contact);
  m->provider = kind == CONTACT_EMAIL ? LIT("email") : LIT("phone");
  if (kind == CONTACT_NONE)
    fault_add(q, LIT("/reserved_for"), "format", LIT("an e-mail address or a phone number"),
              LIT("应为邮箱或手机号"));
  return kind != CONTACT_NONE;
}

/* A chosen code in the form of a machine-made one would let a guesser tell the two apart. */
struct step code_create(struct request *q) {
  const struct secrets *s = house_secrets(api_of(q)->house);
  struct making *m = q->state = NEW(&q->arena, struct making);
  struct text typed = body_text(q, "code");
  if (typed.at)
    m->code = code_normalise(&q->arena, typed);
  else
    make_code(q, m);
  if (!m->code.at)
    fault_add(q, LIT("/code"), "format", LIT("4 to 64 letters and digits"),
              LIT("应为 4 至 64 个字母或数字"));
  if (!read_contact(q, m) || q->faults) return problem(q, BODY_INVALID);
  if (typed.at && code_form(m->code) != CODE_CHOSEN) return problem(q, CODE_LOOKS_MACHINE_MADE);
  m->id = uuid_new();
  m->digest = code_digest(s, m->code);
  m->sealed = code_seal(s, &q->arena, m->id, m->code);
  code_hint(m->code, m->hint);
  return begin(q, hold);
}

/* ---- changing ---- */

static struct step told(struct request *q, const struct rows *r) {
  struct code_hold_row row;
  struct builder b = {0};
  if (refused(q, r)) return DONE;
  if (!one_code_hold(q, r, &row)) return problem(q, INTERNAL);
  code_write(q, r, row.id, row.sealed, &b);
  return reply_json_tagged(q, 200, &b);
}

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return ask_code_hold(q, told, .id = path_id(q, "id"));
}

/* Compared and changed under one lock: what If-Match named is what is changed. The code itself is
 * part of the representation, so it is opened here, too. */
static struct step compared(struct request *q, const struct rows *r) {
  struct code_hold_row row;
  struct builder b = {0};
  if (refused(q, r)) return DONE;
  if (!one_code_hold(q, r, &row)) return problem(q, INTERNAL);
  code_write(q, r, row.id, row.sealed, &b);
  bool holds = if_match_holds_for(q, built(&b));
  builder_free(&b);
  if (!holds) return problem(q, VERSION_CHANGED);
  return ask_code_change(q, changed, .id = row.id, .body = body_json(q), .actor = q->caller.member,
                         .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step hold_code(struct request *q) {
  return ask_code_hold(q, compared, .id = path_id(q, "id"));
}

struct step code_change(struct request *q) {
  return begin(q, hold_code);
}
