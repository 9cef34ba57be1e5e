/* lyceum demo: loads the demo community 开友大讲堂, or brings it up to the present day. All of it
 * is one transaction, and a second load finds almost everything there. */
#include "cli/demo.h"
#include "cli/cli.h"
#include "gateways/gateways.h"

#include <string.h>

struct person {
  const char *email, *role, *name, *standing;
  int days;
  bool signs_in;
};
static const struct person people[] = {
#define SIGN_IN(local, role, name, standing, days)                                                 \
  {local DEMO_DOMAIN, role, name, standing, days, true},
#define PERSON(local, role, name, standing, days)                                                  \
  {local DEMO_DOMAIN, role, name, standing, days, false},
#include "cli/demo.def"
#undef PERSON
#undef SIGN_IN
};

static const struct chosen {
  const char *code, *effect, *plan;
  int days, max_uses, until_days;
} chosen[] = {
    {DEMO_CODE, "days", "yearly", 30, 1000000, 3650},
    {"WELCOME-KAIYOU", "trial", "monthly", 7, 1000000, 3650},
    {"FRIENDS-OF-LIN", "days", "yearly", 14, 50, 365},
    {"MIDAUTUMN", "days", "yearly", 7, 500, -1}, /* has expired */
};
enum { MACHINE_CODES = 8 };

struct demo {
  struct cli *c;
  struct session *s;
  struct secrets secrets;
  int64_t community;
  struct text people; /* JSON, for the statements */
};

/* ---- people ------------------------------------------------------------------------------------
 */

static const struct person *person_of(struct text email) {
  for (size_t i = 0; i < COUNT(people); i++)
    if (text_is(email, people[i].email)) return &people[i];
  return NULL;
}

static bool set_password(struct demo *d, struct uuid account) {
  char hash[PASSWORD_HASH_MAX];
  struct rows r;
  if (!password_hash(LIT(DEMO_PASSWORD), hash)) {
    fails(d->c, "out of memory");
    return false;
  }
  struct credential_put_in in = {.account_id = account, .password_hash = text_of(hash)};
  return ask_database(d->c, d->s, 0, &sql_credential_put, &in, &r);
}

static void put_person(struct builder *b, const struct person *p, struct uuid account) {
  build_str(b, b->len > 1 ? ",{\"account_id\":\"" : "{\"account_id\":\"");
  build_uuid(b, account);
  build_printf(b, "\",\"role\":\"%s\",\"standing\":\"%s\",\"days\":%d,\"name\":", p->role,
               p->standing, p->days);
  build_quoted(b, text_of(p->name));
  build_char(b, '}');
}

/* Their accounts, and passwords for those who sign in and have none yet. */
static bool load_accounts(struct demo *d) {
  struct request *q = &d->c->q;
  struct text emails[COUNT(people)];
  struct demo_accounts_row row, found[COUNT(people)];
  size_t count = 0;
  struct builder b = {0};
  struct rows r;
  for (size_t i = 0; i < COUNT(people); i++)
    emails[i] = text_of(people[i].email);
  struct demo_accounts_in in = {.emails = {COUNT(people), emails}};
  if (!ask_database(d->c, d->s, 0, &sql_demo_accounts, &in, &r)) return false;
  for (int i = 0; count < COUNT(people) && row_demo_accounts(q, &r, i, &row); i++)
    found[count++] = row; /* the rows go with the next ask */
  build_char(&b, '[');
  bool good = true;
  for (size_t i = 0; good && i < count; i++) {
    const struct person *p = person_of(found[i].email);
    if (!p) continue;
    put_person(&b, p, found[i].account_id);
    if (p->signs_in && !found[i].has_password) good = set_password(d, found[i].account_id);
  }
  build_char(&b, ']');
  d->people = arena_built(&q->arena, &b);
  return good;
}

/* ---- codes -------------------------------------------------------------------------------------
 */

static void put_hex(struct builder *b, const char *key, const void *bytes, size_t len) {
  char hex[2 * 256 + 1];
  if (len > 256) return;
  hex_write(bytes, len, hex);
  build_printf(b, ",\"%s\":\"%s\"", key, hex);
}

/* One code as demo_codes.sql takes it: found by its canonical form, shown again as it was typed. */
static void put_code(struct demo *d, struct builder *b, struct text typed, bool machine,
                     const struct chosen *terms) {
  struct uuid id = uuid_new();
  char hint[CODE_HINT_MAX];
  struct text code = code_normalise(&d->c->q.arena, typed);
  struct digest digest = code_digest(&d->secrets, code);
  struct text sealed = code_seal(&d->secrets, &d->c->q.arena, id, typed);
  code_hint(code, hint);
  build_str(b, b->len > 1 ? ",{\"id\":\"" : "{\"id\":\"");
  build_uuid(b, id);
  build_char(b, '"');
  put_hex(b, "digest", digest.b, sizeof digest.b);
  put_hex(b, "sealed", sealed.at, sealed.len);
  build_str(b, ",\"hint\":");
  build_quoted(b, text_of(hint));
  build_printf(b,
               ",\"machine\":%s,\"effect\":\"%s\",\"plan\":\"%s\",\"days\":%d,\"max_uses\":%d,"
               "\"until_days\":%d}",
               machine ? "true" : "false", terms->effect, terms->plan, terms->days, terms->max_uses,
               terms->until_days);
}

static void put_machine_code(struct demo *d, struct builder *b) {
  static const struct chosen terms = {NULL, "days", "yearly", 365, 1, 365};
  uint8_t random[CODE_SYMBOLS];
  char code[CODE_LENGTH + 1];
  crypto_random(random, sizeof random);
  code_make(random, code);
  put_code(d, b, text_of(code), true, &terms);
}

static bool load_codes(struct demo *d) {
  struct builder b = {0};
  struct rows r;
  build_char(&b, '[');
  for (size_t i = 0; i < COUNT(chosen); i++)
    put_code(d, &b, text_of(chosen[i].code), false, &chosen[i]);
  for (int i = 0; i < MACHINE_CODES; i++)
    put_machine_code(d, &b);
  build_char(&b, ']');
  struct demo_codes_in in = {.codes = built(&b)};
  bool good = ask_database(d->c, d->s, d->community, &sql_demo_codes, &in, &r);
  builder_free(&b);
  return good;
}

/* ---- ways to pay -------------------------------------------------------------------------------
 */

/* The test provider's secret is random: nobody needs to know it. */
static bool load_gateways(struct demo *d) {
  struct arena *a = &d->c->q.arena;
  uint8_t bytes[32];
  char hex[65];
  struct rows r;
  crypto_random(bytes, sizeof bytes);
  hex_write(bytes, sizeof bytes, hex);
  struct demo_gateways_in in = {.sealed =
                                    settings_seal(a, &d->secrets.sealing, d->community, LIT("test"),
                                                  arena_printf(a, "{\"secret\":\"%s\"}", hex)),
                                .hint = arena_printf(a, "…%s", hex + 60)};
  explicit_bzero(bytes, sizeof bytes);
  explicit_bzero(hex, sizeof hex);
  return ask_database(d->c, d->s, d->community, &sql_demo_gateways, &in, &r);
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static bool load_community(struct demo *d) {
  struct demo_community_row row;
  struct rows r;
  if (!ask_database(d->c, d->s, 0, &sql_demo_community, NULL, &r) ||
      !one_demo_community(&d->c->q, &r, &row))
    return false;
  d->community = row.id;
  if (row.demo) return true;
  fails(d->c, "there is a community " DEMO_SLUG " that is no demo; it is left alone");
  return false;
}

static bool plain(struct demo *d, const struct statement *st) {
  struct rows r;
  return ask_database(d->c, d->s, d->community, st, NULL, &r);
}

static bool load(struct demo *d) {
  struct demo_members_in members;
  struct demo_spans_in spans;
  struct rows r;
  if (!run_sql(d->c, d->s, "BEGIN; SELECT pg_advisory_xact_lock(7813584916276)") ||
      !load_community(d) || !load_accounts(d) || !plain(d, &sql_demo_texts))
    return false;
  members.people = spans.people = d->people;
  return ask_database(d->c, d->s, d->community, &sql_demo_members, &members, &r) &&
         ask_database(d->c, d->s, d->community, &sql_demo_spans, &spans, &r) && load_codes(d) &&
         load_gateways(d) && plain(d, &sql_demo_teaching) && plain(d, &sql_demo_lectures) &&
         plain(d, &sql_demo_attendance) && commit_sql(d->c, d->s);
}

/* Codes that can be redeemed now: `say`s them, or collects them as JSON. */
static bool show_codes(struct demo *d) {
  struct demo_code_list_row row;
  struct builder b = {0};
  struct rows r;
  if (!ask_database(d->c, d->s, d->community, &sql_demo_code_list, NULL, &r)) return false;
  build_str(&b, "{\"community\":\"" DEMO_SLUG "\",\"codes\":[");
  for (int i = 0; row_demo_code_list(&d->c->q, &r, i, &row); i++) {
    char shown[CODE_SHOWN + 1];
    struct text code = code_open(&d->secrets, &d->c->q.arena, row.id, row.sealed);
    if (!code.at) continue; /* sealed with another secret */
    if (row.machine && code.len == CODE_LENGTH) {
      code_show(code.at, shown);
      code = arena_copy(&d->c->q.arena, text_of(shown));
    }
    say(d->c, "  code %-18.*s %3lld days (%.*s), %lld uses left", TEXT_ARGS(code),
        (long long)row.days, TEXT_ARGS(row.effect), (long long)row.left);
    if (b.at[b.len - 1] != '[') build_char(&b, ',');
    build_quoted(&b, code);
  }
  build_str(&b, "]}");
  if (d->c->json) print_built(&b);
  builder_free(&b);
  return true;
}

int command_demo(struct cli *c) {
  struct demo d = {.c = c};
  if (!read_secrets(c, &d.secrets) || !(d.s = open_database(c))) return EXIT_FAILED;
  bool good = load(&d);
  if (good) say(c, "the demo community 开友大讲堂 (" DEMO_SLUG ") is loaded");
  good = good && show_codes(&d);
  session_close(d.s);
  explicit_bzero(&d.secrets, sizeof d.secrets);
  return good ? EXIT_DONE : EXIT_FAILED;
}
