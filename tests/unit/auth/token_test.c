/* Access tokens: what RFC 8725 warns of, and revocation, cache and rotation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static micros ahead; /* the clock of this file, in front of the real one */

static micros fake_now(void) {
  return time_now() + ahead;
}
#define time_now fake_now
#include "auth/token.c"
#undef time_now

#define ISSUER "https://lyceum.example"

static struct secrets secrets;
static struct house *house;
static struct arena arena;
static struct key_record record; /* the key that signs */
static struct ec_key *signer;    /* the same, open */
static struct claims someone;

static const char secret_hex[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

static struct key_record new_key(micros from) {
  struct key_record k = {.active_from = from};
  struct text jwk;
  assert_true(key_make(&secrets, &arena, &k.kid, &k.sealed, &jwk));
  return k;
}

static int set_up(void **state) {
  (void)state;
  ahead = 0;
  assert_true(secrets_from(LIT(secret_hex), &secrets));
  house = house_new(&secrets, ISSUER, 900, 1);
  assert_non_null(house);
  record = new_key(1);
  assert_true(house_keys(house, &record, 1));
  signer = ec_key_from_pkcs8(crypto_open(&arena, &secrets.sealing, record.kid, record.sealed));
  assert_non_null(signer);
  someone = (struct claims){.caller = {.account = uuid_new(),
                                       .member = uuid_new(),
                                       .session = uuid_new(),
                                       .role = ROLE_OPERATOR},
                            .community = 7,
                            .version = 3};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  ec_key_free(signer);
  house_free(house);
  arena_free(&arena);
  return 0;
}

/* ---- making tokens that nobody should make ----------------------------------------------------
 */

static struct text join(struct text header, struct text payload, struct text signature) {
  return arena_printf(&arena, "%.*s.%.*s.%.*s", TEXT_ARGS(header), TEXT_ARGS(payload),
                      TEXT_ARGS(signature));
}

static struct text sign_parts(struct text header, struct text payload) {
  uint8_t raw[64];
  struct text body = arena_printf(&arena, "%.*s.%.*s", TEXT_ARGS(header), TEXT_ARGS(payload));
  assert_true(ec_sign(signer, body, raw));
  return join(header, payload, base64url(&arena, (struct text){(const char *)raw, 64}));
}

static struct text good_header(void) {
  return arena_printf(&arena, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%.*s\"}",
                      TEXT_ARGS(record.kid));
}

static struct text good_payload(void) {
  struct claims c = someone;
  c.caller.issued_at = fake_now() / 1000000;
  return payload_of(house, &arena, &c, c.caller.issued_at + 900);
}

static struct text replaced(struct text in, const char *from, const char *to) {
  char *found = strstr(in.at, from);
  assert_non_null(found);
  return arena_printf(&arena, "%.*s%s%s", (int)(found - in.at), in.at, to, found + strlen(from));
}

static struct text forged(struct text header, struct text payload) {
  return sign_parts(base64url(&arena, header), base64url(&arena, payload));
}

static enum verdict verdict_of(struct text token) {
  struct claims c;
  memset(&c, 0xAA, sizeof c);
  enum verdict v = token_verify(house, token, &c);
  if (v != TOKEN_GOOD) assert_true(c.community == 0 && c.caller.role == ROLE_NOBODY);
  return v;
}

static enum verdict with_header(const char *from, const char *to) {
  return verdict_of(forged(replaced(good_header(), from, to), good_payload()));
}

static enum verdict with_claim(const char *from, const char *to) {
  return verdict_of(forged(good_header(), replaced(good_payload(), from, to)));
}

static struct text issue(void) {
  struct issued i = token_issue(house, &arena, &someone);
  assert_non_null(i.token.at);
  return i.token;
}

/* ---- good ones --------------------------------------------------------------------------------
 */

static void a_token_tells_who_asks(void **state) {
  (void)state;
  struct issued i = token_issue(house, &arena, &someone);
  struct claims cached, examined;
  assert_int_equal(token_verify(house, i.token, &cached), TOKEN_GOOD);
  token_cache_empty(house->tokens);
  assert_int_equal(token_verify(house, i.token, &examined), TOKEN_GOOD);
  assert_memory_equal(&cached, &examined, sizeof cached);
  assert_memory_equal(&cached.caller.session, &someone.caller.session, 16);
  assert_memory_equal(&cached.caller.account, &someone.caller.account, 16);
  assert_memory_equal(&cached.caller.member, &someone.caller.member, 16);
  assert_int_equal(cached.caller.role, ROLE_OPERATOR);
  assert_int_equal(cached.community, 7);
  assert_int_equal(cached.version, 3);
  assert_int_equal(cached.caller.issued_at + 900, i.expires_at / 1000000);
}

static void the_form_is_that_of_rfc_9068(void **state) {
  (void)state;
  struct text rest = issue(), why;
  struct json *header = json_parse(&arena, base64url_decode(&arena, text_cut(&rest, '.')), &why);
  struct json *claims = json_parse(&arena, base64url_decode(&arena, text_cut(&rest, '.')), &why);
  assert_int_equal(json_count(header), 3);
  assert_true(text_is(json_text(json_get(header, "typ")), "at+jwt"));
  assert_true(text_equal(json_text(json_get(header, "kid")), record.kid));
  assert_int_equal(json_count(claims), 12);
  assert_true(text_is(json_text(json_get(claims, "iss")), ISSUER));
  assert_true(text_is(json_text(json_get(claims, "aud")), ISSUER "/v1"));
  assert_true(text_is(json_text(json_get(claims, "role")), "operator"));
  assert_int_equal(base64url_decode(&arena, rest).len, 64);
}

static void what_we_forge_well_is_good(void **state) {
  (void)state; /* else the refusals below would prove nothing */
  assert_int_equal(verdict_of(forged(good_header(), good_payload())), TOKEN_GOOD);
  assert_int_equal(with_claim("\"ver\":3", "\"ver\":3,\"nbf\":1,\"scope\":\"x\""), TOKEN_GOOD);
  assert_int_equal(with_header("{\"alg\":\"ES256\",", "{ \"alg\" : \"ES256\",\n"), TOKEN_GOOD);
}

/* ---- attacks on the header --------------------------------------------------------------------
 */

static void other_algorithms_are_refused(void **state) {
  (void)state;
  static const char *const algorithms[] = {"none",  "None",  "NONE",  "HS256", "RS256",  "PS256",
                                           "ES384", "ES512", "EdDSA", "es256", "ES256K", ""};
  for (size_t i = 0; i < COUNT(algorithms); i++)
    assert_int_equal(with_header("ES256", algorithms[i]), TOKEN_BAD);
  assert_int_equal(with_header("\"ES256\"", "null"), TOKEN_BAD);
  assert_int_equal(with_header("\"ES256\"", "[\"ES256\"]"), TOKEN_BAD);
}

static void unsigned_tokens_are_refused(void **state) {
  (void)state;
  struct text header = base64url(&arena, replaced(good_header(), "ES256", "none"));
  struct text ours = base64url(&arena, good_header());
  struct text payload = base64url(&arena, good_payload());
  char zeros[64] = {0};
  struct text zero = base64url(&arena, (struct text){zeros, 64});
  assert_int_equal(verdict_of(join(header, payload, LIT(""))), TOKEN_BAD);
  assert_int_equal(verdict_of(join(ours, payload, LIT(""))), TOKEN_BAD);
  assert_int_equal(verdict_of(join(ours, payload, zero)), TOKEN_BAD); /* CVE-2022-21449 */
  struct text bare = arena_printf(&arena, "%.*s.%.*s", TEXT_ARGS(ours), TEXT_ARGS(payload));
  assert_int_equal(verdict_of(bare), TOKEN_BAD);
}

/* RS256 keys were given to HMAC verifiers as their secret; ours is public just the same. */
static void the_public_key_is_no_secret(void **state) {
  (void)state;
  struct builder jwks = {0};
  house_jwks(house, &jwks);
  struct text header = base64url(&arena, replaced(good_header(), "ES256", "HS256"));
  struct text payload = base64url(&arena, good_payload());
  struct text body = arena_printf(&arena, "%.*s.%.*s", TEXT_ARGS(header), TEXT_ARGS(payload));
  struct digest key = crypto_sha256(built(&jwks)), mac = crypto_hmac(&key, body);
  struct text end = base64url(&arena, (struct text){(const char *)mac.b, 32});
  assert_int_equal(verdict_of(join(header, payload, end)), TOKEN_BAD);
  builder_free(&jwks);
}

static void what_we_do_not_write_we_do_not_read(void **state) {
  (void)state;
  static const char *const members[] = {
      "\"crit\":[\"exp\"]",
      "\"b64\":false",
      "\"jku\":\"https://evil.example/jwks\"",
      "\"jwk\":{\"kty\":\"EC\"}",
      "\"x5u\":\"https://evil.example/c\"",
      "\"x5c\":[]",
      "\"cty\":\"JWT\"",
      "\"zip\":\"DEF\"",
      "\"alg\":\"none\"",
      "\"nonce\":1",
  };
  for (size_t i = 0; i < COUNT(members); i++) {
    struct text header = good_header();
    header = arena_printf(&arena, "%.*s,%s}", (int)header.len - 1, header.at, members[i]);
    assert_int_equal(verdict_of(forged(header, good_payload())), TOKEN_BAD);
  }
  assert_int_equal(with_header("at+jwt", "JWT"), TOKEN_BAD);
  assert_int_equal(with_header("at+jwt", "AT+JWT"), TOKEN_BAD);
  assert_int_equal(with_header("\"typ\":\"at+jwt\",", ""), TOKEN_BAD);
  assert_int_equal(with_header("\"typ\":\"at+jwt\"", "\"typ\":1"), TOKEN_BAD);
  assert_int_equal(with_header("\"kid\":\"", "\"kid\":\"x"), TOKEN_BAD);
  assert_int_equal(with_header("{", "[{"), TOKEN_BAD);
  assert_int_equal(with_header("\"kid\"", "\"KID\""), TOKEN_BAD);
}

static void another_key_is_not_ours(void **state) {
  (void)state;
  struct ec_key *ours = signer;
  signer = ec_key_new();
  struct text token = forged(good_header(), good_payload());
  ec_key_free(signer);
  signer = ours;
  assert_int_equal(verdict_of(token), TOKEN_BAD);
}

/* ---- attacks on the claims --------------------------------------------------------------------
 */

static void every_claim_must_be_there(void **state) {
  (void)state;
  static const char *const names[] = {"iss", "aud", "sub",       "client_id", "iat",  "exp",
                                      "jti", "sid", "community", "member",    "role", "ver"};
  for (size_t i = 0; i < COUNT(names); i++) {
    struct text name = arena_printf(&arena, "\"%s\":", names[i]);
    struct text other = arena_printf(&arena, "\"x%s\":", names[i]);
    assert_int_equal(with_claim(name.at, other.at), TOKEN_BAD);
    struct text twice = arena_printf(&arena, "%s\"\",%s", name.at, name.at);
    assert_int_equal(with_claim(name.at, twice.at), TOKEN_BAD); /* duplicate */
    struct text empty = arena_printf(&arena, "%snull,\"y\":", name.at);
    assert_int_equal(with_claim(name.at, empty.at), TOKEN_BAD);
  }
}

static void tokens_for_others_are_refused(void **state) {
  (void)state;
  assert_int_equal(with_claim("\"iss\":\"" ISSUER, "\"iss\":\"https://evil.example"), TOKEN_BAD);
  assert_int_equal(with_claim("\"iss\":\"" ISSUER, "\"iss\":\"" ISSUER "/"), TOKEN_BAD);
  assert_int_equal(with_claim(ISSUER "/v1", ISSUER "/v2"), TOKEN_BAD);
  assert_int_equal(with_claim("\"" ISSUER "/v1\"", "[\"" ISSUER "/v1\"]"), TOKEN_BAD);
  assert_int_equal(with_claim("\"client_id\":\"lyceum\"", "\"client_id\":\"other\""), TOKEN_BAD);
  assert_int_equal(with_claim("\"operator\"", "\"emperor\""), TOKEN_BAD);
  assert_int_equal(with_claim("\"operator\"", "\"nobody\""), TOKEN_BAD);
  assert_int_equal(with_claim("\"community\":7", "\"community\":0"), TOKEN_BAD);
  assert_int_equal(with_claim("\"community\":7", "\"community\":\"7\""), TOKEN_BAD);
  assert_int_equal(with_claim("\"community\":7", "\"community\":7.0"), TOKEN_BAD);
  assert_int_equal(with_claim("\"ver\":3", "\"ver\":-1"), TOKEN_BAD);
  assert_int_equal(with_claim("\"ver\":3", "\"ver\":9223372036854775807"), TOKEN_BAD);
  someone.caller.session = (struct uuid){{0}};
  assert_int_equal(verdict_of(forged(good_header(), good_payload())), TOKEN_BAD);
}

static enum verdict with_times(int64_t issued, int64_t expires, const char *more) {
  int64_t now = fake_now() / 1000000;
  struct claims c = someone;
  c.caller.issued_at = now + issued;
  struct text payload = payload_of(house, &arena, &c, now + expires);
  return verdict_of(forged(good_header(), replaced(payload, "\"ver\"", more)));
}

static void times_are_kept(void **state) {
  (void)state;
  const char *same = "\"ver\"";
  assert_int_equal(with_times(0, 900, same), TOKEN_GOOD);
  assert_int_equal(with_times(58, 900, same), TOKEN_GOOD);
  assert_int_equal(with_times(63, 900, same), TOKEN_BAD);
  assert_int_equal(with_times(-900, 2, same), TOKEN_GOOD);
  assert_int_equal(with_times(-900, 0, same), TOKEN_OLD);
  assert_int_equal(with_times(-900, -1, same), TOKEN_OLD);
  assert_int_equal(with_times(10, 10, same), TOKEN_BAD);
  assert_int_equal(with_times(0, INT64_C(1) << 53, same), TOKEN_BAD);
  assert_int_equal(with_times(0, 900, "\"nbf\":4000000000,\"ver\""), TOKEN_BAD);
  assert_int_equal(with_times(0, 900, "\"nbf\":\"0\",\"ver\""), TOKEN_BAD);
  assert_int_equal(with_claim("\"exp\":", "\"exp\":1e9,\"x\":"), TOKEN_BAD);
}

/* ---- other spellings --------------------------------------------------------------------------
 */

static void malformed_tokens_are_refused(void **state) {
  (void)state;
  struct text t = issue();
  const char *shapes[] = {"%.*s.",  ".%.*s", "%.*s=",    "%.*s==", " %.*s",
                          "%.*s\n", "%.*sA", "%.*s.e30", "%.*s%%", "e30.%.*s"};
  for (size_t i = 0; i < COUNT(shapes); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    struct text other = arena_printf(&arena, shapes[i], TEXT_ARGS(t));
#pragma GCC diagnostic pop
    assert_int_equal(verdict_of(other), TOKEN_BAD);
  }
  static const char *const texts[] = {"", ".", "..", "...", "a.b.c", "e30.e30.e30", "....", "x"};
  for (size_t i = 0; i < COUNT(texts); i++)
    assert_int_equal(verdict_of(text_of(texts[i])), TOKEN_BAD);
  assert_int_equal(verdict_of(NONE), TOKEN_BAD);
  assert_int_equal(verdict_of((struct text){t.at, t.len - 1}), TOKEN_BAD);
  char *large = arena_alloc(&arena, 40000);
  memset(large, 'A', 40000);
  assert_int_equal(verdict_of((struct text){large, 40000}), TOKEN_BAD);
  struct text pad = arena_printf(&arena, "\"x\":\"%.1500s\",\"ver\"", large);
  assert_int_equal(with_claim("\"ver\"", pad.at), TOKEN_BAD); /* well signed, but too long */
}

static void any_changed_character_shows(void **state) {
  (void)state;
  static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  struct text good = issue();
  char *t = (char *)arena_copy(&arena, good).at;
  for (size_t i = 0; i < good.len; i += i + 100 < good.len ? 7 : 1) {
    char was = t[i];
    const char *at = memchr(letters, was, 64);
    t[i] = at ? letters[(size_t)(at - letters) ^ 1] : '-'; /* the last bit: unused ones, too */
    assert_int_equal(verdict_of((struct text){t, good.len}), TOKEN_BAD);
    t[i] = was;
  }
  assert_int_equal(verdict_of((struct text){t, good.len}), TOKEN_GOOD);
}

/* n - s verifies as s does: a second spelling of one token that its holder can make. */
static struct text respelled(struct text token) {
  static const uint8_t n[32] = {0xFF, 0xFF, 0xFF, 0xFF, 0,    0,    0,    0,    0xFF, 0xFF, 0xFF,
                                0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xBC, 0xE6, 0xFA, 0xAD, 0xA7, 0x17,
                                0x9E, 0x84, 0xF3, 0xB9, 0xCA, 0xC2, 0xFC, 0x63, 0x25, 0x51};
  struct text rest = token, header = text_cut(&rest, '.'), payload = text_cut(&rest, '.');
  uint8_t raw[64];
  memcpy(raw, base64url_decode(&arena, rest).at, sizeof raw);
  int borrow = 0;
  for (int i = 31; i >= 0; i--) {
    int v = n[i] - raw[32 + i] - borrow;
    borrow = v < 0;
    raw[32 + i] = (uint8_t)(v + 256 * borrow);
  }
  return join(header, payload, base64url(&arena, (struct text){(const char *)raw, 64}));
}

/* ---- revocation -------------------------------------------------------------------------------
 */

static void an_ended_session_ends_every_spelling(void **state) {
  (void)state;
  struct text token = issue(), other = respelled(token);
  assert_false(text_equal(token, other));
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  assert_int_equal(verdict_of(other), TOKEN_GOOD);
  struct claims neighbour = someone;
  neighbour.caller.session = uuid_new();
  struct text theirs = token_issue(house, &arena, &neighbour).token;
  house_end_session(house, someone.caller.session);
  assert_int_equal(verdict_of(token), TOKEN_REVOKED);
  assert_int_equal(verdict_of(other), TOKEN_REVOKED);
  assert_int_equal(verdict_of(respelled(respelled(token))), TOKEN_REVOKED);
  assert_int_equal(verdict_of(issue()), TOKEN_REVOKED); /* and what is issued too late */
  assert_int_equal(verdict_of(theirs), TOKEN_GOOD);
}

static void a_changed_member_voids_older_tokens(void **state) {
  (void)state;
  struct text token = issue();
  house_member_changed(house, 8, someone.caller.member, 4);
  house_member_changed(house, 7, someone.caller.session, 4);
  house_member_changed(house, 7, someone.caller.member, 3);
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  house_member_changed(house, 7, someone.caller.member, 4);
  assert_int_equal(verdict_of(token), TOKEN_REVOKED);
  someone.version = 4;
  assert_int_equal(verdict_of(issue()), TOKEN_GOOD);
  house_member_changed(house, 7, someone.caller.member, 2); /* late news change nothing */
  assert_int_equal(verdict_of(token), TOKEN_REVOKED);
}

/* ---- the cache --------------------------------------------------------------------------------
 */

static void an_issued_token_needs_no_verification(void **state) {
  (void)state;
  struct text token = issue();
  int64_t verified = metric_value(lyceum_tokens_verified);
  int64_t cached = metric_value(lyceum_tokens_cached);
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  assert_int_equal(metric_value(lyceum_tokens_verified), verified);
  assert_int_equal(metric_value(lyceum_tokens_cached), cached + 1);
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  assert_int_equal(metric_value(lyceum_tokens_verified), verified + 1);
  assert_int_equal(metric_value(lyceum_tokens_cached), cached + 2);
}

static void the_cache_knows_when_a_token_expires(void **state) {
  (void)state;
  struct issued i = token_issue(house, &arena, &someone);
  ahead = i.expires_at - time_now() - 500000;
  assert_int_equal(verdict_of(i.token), TOKEN_GOOD);
  ahead += 600000;
  assert_int_equal(verdict_of(i.token), TOKEN_OLD);
}

static void bad_tokens_are_not_kept(void **state) {
  (void)state;
  struct text bad = forged(good_header(), replaced(good_payload(), "lyceum\"", "other\""));
  int64_t cached = metric_value(lyceum_tokens_cached);
  for (int i = 0; i < 3; i++)
    assert_int_equal(verdict_of(bad), TOKEN_BAD);
  assert_int_equal(metric_value(lyceum_tokens_cached), cached);
  struct text token = issue();
  for (uint32_t i = 0; i < 300000; i++) /* more than there is room for */
    (void)verdict_of((struct text){(const char *)&i, sizeof i});
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  assert_int_equal(metric_value(lyceum_tokens_cached), cached + 1);
}

/* ---- rotation ---------------------------------------------------------------------------------
 */

static void an_old_key_verifies_until_it_retires(void **state) {
  (void)state;
  micros now = time_now();
  struct text old = issue();
  struct key_record keys[2] = {record, new_key(now)};
  keys[0].retired_at = now + 1000 * INT64_C(1000000);
  assert_true(house_keys(house, keys, 2));
  int64_t verified = metric_value(lyceum_tokens_verified);
  assert_int_equal(verdict_of(old), TOKEN_GOOD);
  assert_int_equal(metric_value(lyceum_tokens_verified), verified); /* the cache was kept */
  struct text fresh = issue(), rest = fresh;
  assert_false(text_equal(text_cut(&rest, '.'), base64url(&arena, good_header())));
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(old), TOKEN_GOOD);
  assert_int_equal(verdict_of(fresh), TOKEN_GOOD);
  ahead = 1001 * INT64_C(1000000);
  struct text late = forged(good_header(), good_payload());
  assert_int_equal(verdict_of(late), TOKEN_BAD);
}

static void a_cached_token_ends_with_its_key(void **state) {
  (void)state;
  micros now = time_now();
  record.retired_at = now + 100 * INT64_C(1000000);
  assert_true(house_keys(house, &record, 1));
  struct text token = issue();
  assert_int_equal(verdict_of(token), TOKEN_GOOD);
  ahead = 101 * INT64_C(1000000);
  assert_int_equal(verdict_of(token), TOKEN_BAD);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_token_tells_who_asks),
      TEST(the_form_is_that_of_rfc_9068),
      TEST(what_we_forge_well_is_good),
      TEST(other_algorithms_are_refused),
      TEST(unsigned_tokens_are_refused),
      TEST(the_public_key_is_no_secret),
      TEST(what_we_do_not_write_we_do_not_read),
      TEST(another_key_is_not_ours),
      TEST(every_claim_must_be_there),
      TEST(tokens_for_others_are_refused),
      TEST(times_are_kept),
      TEST(malformed_tokens_are_refused),
      TEST(any_changed_character_shows),
      TEST(an_ended_session_ends_every_spelling),
      TEST(a_changed_member_voids_older_tokens),
      TEST(an_issued_token_needs_no_verification),
      TEST(the_cache_knows_when_a_token_expires),
      TEST(bad_tokens_are_not_kept),
      TEST(an_old_key_verifies_until_it_retires),
      TEST(a_cached_token_ends_with_its_key),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
