/* Tokens and what the listener hears. The first byte chooses:
 *   F  a header and a payload, parted by a line break, signed with the real key: only claims that
 *      stand there are believed
 *   E  edits of a good token, three bytes each (where, high and low; what): none is good
 *   R  any bytes as a refresh token; accepted only as we spell it
 *   N  notices, one a line, and then two that must be heard all the same
 *   else: any bytes as a token */
#include "tests/fuzz/fuzz.h"

#define NOW INT64_C(1800000000)
static micros still(void) {
  return NOW * 1000000;
}
#define time_now still
#include "auth/token.c"
#undef time_now

static struct secrets secrets;
static struct house *house;
static struct ec_key *signer;
static const struct claims someone = {
    .caller = {.account = {{1}}, .member = {{2}}, .session = {{3}}, .role = ROLE_MEMBER},
    .community = 7,
    .version = 3};

static void open_house(void) {
  static struct arena a; /* what lives as long as the process */
  if (house) return;
  log_open(LOG_ERROR);
  CHECK(secrets_from(LIT("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
                     &secrets));
  house = house_new(&secrets, "https://lyceum.example", 900, 1);
  signer = ec_key_new();
  CHECK(house && signer);
  struct key_record k = {.kid = LIT("k1"), .active_from = 1};
  k.sealed = crypto_seal(&a, &secrets.sealing, k.kid, ec_key_pkcs8(&a, signer));
  CHECK(house_keys(house, &k, 1));
}

static struct text signed_by_us(struct arena *a, struct text header, struct text payload) {
  uint8_t raw[64];
  struct text front = base64url(a, header), middle = base64url(a, payload);
  struct text body = arena_printf(a, "%.*s.%.*s", TEXT_ARGS(front), TEXT_ARGS(middle));
  CHECK(ec_sign(signer, body, raw));
  struct text end = base64url(a, (struct text){(const char *)raw, sizeof raw});
  return arena_printf(a, "%.*s.%.*s", TEXT_ARGS(body), TEXT_ARGS(end));
}

static enum verdict verdict_of(struct text token, struct claims *c) {
  static const struct claims nobody;
  enum verdict v = token_verify(house, token, c);
  if (v != TOKEN_GOOD)
    CHECK(c->community == 0 && c->caller.role == ROLE_NOBODY &&
          uuid_equal(c->caller.session, nobody.caller.session));
  return v;
}

static struct uuid id_in(const struct json *j, const char *name) {
  struct uuid id = {{0}};
  CHECK(uuid_parse(json_text(json_get(j, name)), &id));
  return id;
}

static void try_forged(struct arena *a, struct text t) {
  struct claims c;
  struct text payload = t, why, header = text_cut(&payload, '\n');
  if (verdict_of(signed_by_us(a, header, payload), &c) != TOKEN_GOOD) return;
  const struct json *h = json_parse(a, header, &why), *p = json_parse(a, payload, &why);
  CHECK(text_is(json_text(json_get(h, "alg")), "ES256") && json_count(h) == 3);
  CHECK(text_is(json_text(json_get(h, "typ")), "at+jwt"));
  CHECK(text_is(json_text(json_get(h, "kid")), "k1"));
  CHECK(text_is(json_text(json_get(p, "iss")), "https://lyceum.example"));
  CHECK(text_is(json_text(json_get(p, "aud")), "https://lyceum.example/v1"));
  CHECK(json_int(json_get(p, "exp")) > NOW && json_int(json_get(p, "iat")) <= NOW + 60);
  CHECK(!json_get(p, "nbf") || json_int(json_get(p, "nbf")) <= NOW + 60);
  CHECK(c.community == json_int(json_get(p, "community")) && c.community > 0);
  CHECK(c.version == json_int(json_get(p, "ver")) && c.version >= 0);
  CHECK(text_is(json_text(json_get(p, "role")), role_name(c.caller.role)));
  CHECK(uuid_equal(c.caller.session, id_in(p, "sid")) &&
        uuid_equal(c.caller.member, id_in(p, "member")) &&
        uuid_equal(c.caller.account, id_in(p, "sub")));
}

/* A copy of `good` with the edits; the same as `good` when they change nothing. */
static struct text edited(struct arena *a, struct text good, struct text edits) {
  char *at = arena_alloc(a, good.len + 1);
  memcpy(at, good.at, good.len);
  for (size_t i = 0; i + 2 < edits.len; i += 3) {
    size_t where = (size_t)((uint8_t)edits.at[i] << 8 | (uint8_t)edits.at[i + 1]);
    at[where % good.len] = edits.at[i + 2];
  }
  return (struct text){at, good.len};
}

static void try_edited(struct arena *a, struct text edits) {
  struct claims c;
  struct text good = token_issue(house, a, &someone).token;
  CHECK(good.at && verdict_of(good, &c) == TOKEN_GOOD && c.version == someone.version);
  struct text other = edited(a, good, edits);
  CHECK(text_equal(other, good) || verdict_of(other, &c) == TOKEN_BAD);
  good = refresh_make(&secrets, a, (struct refresh){7, someone.caller.session, 12});
  struct refresh r = {0};
  CHECK(refresh_parse(&secrets, a, good, &r) && r.community == 7 && r.count == 12);
  other = edited(a, good, edits);
  CHECK(text_equal(other, good) || !refresh_parse(&secrets, a, other, &r));
}

static void try_refresh(struct arena *a, struct text t) {
  struct refresh r;
  if (refresh_parse(&secrets, a, t, &r)) CHECK(text_equal(refresh_make(&secrets, a, r), t));
}

static void hear_line(const char *format, ...) {
  char line[128];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  house_hear(house, text_of(line));
}

static void try_notices(struct text t) {
  char id[37];
  struct claims c = someone;
  micros now = time_now();
  for (struct text rest = t; rest.at;)
    house_hear(house, text_cut(&rest, '\n'));
  c.caller.session = uuid_new();
  c.caller.member = uuid_new();
  uuid_write(c.caller.member, id);
  bool whole = revoked_is_whole(house->revoked, now);
  CHECK(!whole || !is_revoked(house->revoked, &c, now));
  hear_line("member 7 %s 4", id);
  CHECK(is_revoked(house->revoked, &c, now) || !revoked_is_whole(house->revoked, now));
  c.version = 4;
  CHECK(!whole || !is_revoked(house->revoked, &c, now));
  uuid_write(c.caller.session, id);
  hear_line("session %s", id);
  CHECK(is_revoked(house->revoked, &c, now) || !revoked_is_whole(house->revoked, now));
  uint64_t before = house_generation(house, 7);
  hear_line("public 7");
  CHECK(house_generation(house, 7) > before);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct claims c;
  if (!size || size > 4096) return 0;
  open_house();
  struct text t = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'F':
    try_forged(&a, t);
    break;
  case 'E':
    try_edited(&a, t);
    break;
  case 'R':
    try_refresh(&a, t);
    break;
  case 'N':
    try_notices(t);
    break;
  default:
    CHECK(verdict_of((struct text){(const char *)data, size}, &c) == TOKEN_BAD);
  }
  arena_free(&a);
  return 0;
}
