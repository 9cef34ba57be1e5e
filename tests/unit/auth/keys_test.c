/* Signing keys: made, sealed, loaded, chosen, published. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

#include <stdatomic.h>

static atomic_int hastened;

static void hasten_and_count(struct ec_key *k) {
  ec_key_hasten(k);
  atomic_fetch_add(&hastened, 1);
}
#define ec_key_hasten hasten_and_count
#include "auth/keys.c"
#undef ec_key_hasten

static struct secrets secrets;
static struct house *house;
static struct arena arena;
static struct key_record record;
static struct text jwk;
static struct claims someone = {.caller = {.role = ROLE_MEMBER}, .community = 1, .version = 1};

static struct key_record new_key(micros from) {
  struct key_record k = {.active_from = from};
  assert_true(key_make(&secrets, &arena, &k.kid, &k.sealed, &jwk));
  return k;
}

static int set_up(void **state) {
  (void)state;
  struct text hex = LIT("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  atomic_store(&hastened, 0);
  assert_true(secrets_from(hex, &secrets));
  house = house_new(&secrets, "https://lyceum.example", 900, 1);
  assert_non_null(house);
  record = new_key(1);
  assert_true(house_keys(house, &record, 1));
  someone.caller.account = someone.caller.member = someone.caller.session = uuid_new();
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  house_free(house);
  arena_free(&arena);
  return 0;
}

static enum verdict verdict_of(struct text token) {
  struct claims c;
  return token_verify(house, token, &c);
}

static struct text issue(void) {
  struct issued i = token_issue(house, &arena, &someone);
  assert_non_null(i.token.at);
  return i.token;
}

static void a_leaked_key_ends_at_once(void **state) {
  (void)state;
  struct text old = issue();
  struct key_record keys[2] = {record, new_key(1)};
  keys[0].retired_at = time_now();
  assert_true(house_keys(house, keys, 2));
  assert_int_equal(verdict_of(old), TOKEN_BAD);
  assert_int_equal(verdict_of(issue()), TOKEN_GOOD);
  old = issue();
  assert_true(house_keys(house, keys, 0)); /* the row is gone */
  assert_int_equal(verdict_of(old), TOKEN_BAD);
}

static void without_a_key_nothing_is_issued(void **state) {
  (void)state;
  struct house *empty = house_new(&secrets, "https://lyceum.example", 900, 1);
  struct text token = issue();
  struct claims c;
  assert_null(token_issue(empty, &arena, &someone).token.at);
  assert_int_equal(token_verify(empty, token, &c), TOKEN_BAD);
  assert_true(house_keys(empty, NULL, 0));
  assert_null(token_issue(empty, &arena, &someone).token.at);
  house_free(empty);
}
static void a_kid_is_the_thumbprint(void **state) {
  (void)state;
  /* The public key of RFC 7517, A.1; its thumbprint by `openssl dgst` over the JSON of RFC 7638. */
  struct halves p = {LIT("MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4"),
                     LIT("4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM")};
  assert_true(text_is(thumbprint(&arena, &p), "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"));
  struct text why;
  struct json *j = json_parse(&arena, jwk, &why);
  assert_true(text_equal(json_text(json_get(j, "kid")), record.kid));
  struct halves ours = {json_text(json_get(j, "x")), json_text(json_get(j, "y"))};
  assert_true(text_equal(thumbprint(&arena, &ours), record.kid));
  assert_int_equal(record.kid.len, 43);
}

static void published(size_t expected) {
  struct builder b = {0};
  struct text why;
  house_jwks(house, &b);
  assert_false(b.failed);
  struct json *keys = json_get(json_parse(&arena, built(&b), &why), "keys");
  assert_int_equal(json_kind(keys), JSON_LIST);
  assert_int_equal(json_count(keys), expected);
  for (size_t i = 0; i < expected; i++) {
    const struct json *k = json_at(keys, i);
    assert_int_equal(json_count(k), 7);
    assert_true(text_is(json_text(json_get(k, "alg")), "ES256"));
    assert_null(json_get(k, "d")); /* the private half */
  }
  builder_free(&b);
}

static void what_verifies_is_published(void **state) {
  (void)state;
  published(1);
  struct key_record keys[3] = {record, new_key(time_now() + 3600000000), new_key(2)};
  keys[0].retired_at = time_now() + 3600000000;
  keys[2].retired_at = time_now() - 1;
  assert_true(house_keys(house, keys, 3));
  published(2);
  assert_true(house_keys(house, NULL, 0));
  published(0);
}

static void published_keys_are_those_made(void **state) {
  (void)state;
  struct builder b = {0}, expected = {0};
  house_jwks(house, &b);
  build_printf(&expected, "{\"keys\":[%.*s]}", TEXT_ARGS(jwk));
  assert_true(text_equal(built(&b), built(&expected)));
  builder_free(&b);
  builder_free(&expected);
}

static void sealed_for_another_row_stays_shut(void **state) {
  (void)state;
  struct text token = issue();
  struct key_record other = new_key(1), wrong = {.kid = record.kid, .sealed = other.sealed};
  assert_false(house_keys(house, &wrong, 1));
  struct key_record none = {.kid = record.kid}, odd = {.kid = LIT("a\"b"), .sealed = other.sealed};
  assert_false(house_keys(house, &none, 1));
  assert_false(house_keys(house, &odd, 1));
  struct text der = crypto_open(&arena, &secrets.sealing, other.kid, other.sealed);
  odd.sealed = crypto_seal(&arena, &secrets.sealing, odd.kid, der);
  assert_false(house_keys(house, &odd, 1)); /* it would break out of the header's JSON */
  struct key_record pair[2] = {other, wrong};
  assert_false(house_keys(house, pair, 2));
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(token), TOKEN_GOOD); /* nothing changed */
}

static const char *signing(struct key_set *s, micros now) {
  const struct signing_key *k = key_for_signing(s, now);
  return k ? k->kid : "none";
}

static void the_newest_active_key_signs(void **state) {
  (void)state;
  struct key_set s = {.count = 3,
                      .keys = {{.kid = "b", .active_from = 20, .retired_at = 70},
                               {.kid = "c", .active_from = 30, .retired_at = 50},
                               {.kid = "a", .active_from = 10, .retired_at = 60}}};
  assert_string_equal(signing(&s, 5), "a"); /* none is active yet: the first to be */
  assert_string_equal(signing(&s, 10), "a");
  assert_string_equal(signing(&s, 19), "a");
  assert_string_equal(signing(&s, 20), "b");
  assert_string_equal(signing(&s, 30), "c");
  assert_string_equal(signing(&s, 49), "c");
  assert_string_equal(signing(&s, 50), "b");
  assert_string_equal(signing(&s, 70), "none");
}

static void no_more_than_there_is_room_for(void **state) {
  (void)state;
  struct key_record many[KEYS_MAX + 1];
  for (size_t i = 0; i < COUNT(many); i++)
    many[i] = record;
  assert_false(house_keys(house, many, KEYS_MAX + 1));
  assert_true(house_keys(house, many, KEYS_MAX));
}

static void *rotate(void *what) {
  for (int i = 0; i < 200; i++)
    assert_true(house_keys(house, what, 2));
  return NULL;
}

static void a_rotation_disturbs_nobody(void **state) {
  (void)state;
  struct key_record keys[2] = {record, new_key(2)};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, rotate, keys), 0);
  for (int i = 0; i < 200; i++) {
    struct arena a = {0};
    struct issued t = token_issue(house, &a, &someone);
    if (i % 4 == 0) token_cache_empty(house->tokens);
    assert_int_equal(verdict_of(t.token), TOKEN_GOOD);
    arena_free(&a);
  }
  pthread_join(thread, NULL);
}

static void await_hastened(int count) {
  for (int i = 0; i < 1000 && atomic_load(&hastened) < count; i++)
    nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
  assert_int_equal(atomic_load(&hastened), count);
}

static void each_set_is_hastened(void **state) {
  (void)state;
  await_hastened(1);
  struct key_record keys[2] = {record, new_key(2)};
  assert_true(house_keys(house, keys, 2));
  await_hastened(3);
  assert_int_equal(verdict_of(issue()), TOKEN_GOOD);
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(issue()), TOKEN_GOOD);
}

static void a_key_that_stays_is_not_opened_anew(void **state) {
  (void)state;
  struct key_set *before = key_set_take(house->keys);
  struct key_record keys[2] = {new_key(2), record};
  assert_true(house_keys(house, keys, 2));
  struct key_set *after = key_set_take(house->keys);
  assert_ptr_equal(after->keys[1].key, before->keys[0].key);
  assert_ptr_not_equal(after->keys[0].key, before->keys[0].key);
  key_set_drop(after);
  key_set_drop(before);
}

/* The kid is a name; what is sealed under it is the key. */
static void another_key_of_the_same_name_is_opened(void **state) {
  (void)state;
  struct text old = issue();
  struct ec_key *k = ec_key_new();
  struct text der = ec_key_pkcs8(&arena, k);
  ec_key_free(k);
  record.sealed = crypto_seal(&arena, &secrets.sealing, record.kid, der);
  assert_true(house_keys(house, &record, 1));
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(old), TOKEN_BAD);
  struct text new = issue();
  token_cache_empty(house->tokens);
  assert_int_equal(verdict_of(new), TOKEN_GOOD);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_kid_is_the_thumbprint),
      TEST(what_verifies_is_published),
      TEST(published_keys_are_those_made),
      TEST(sealed_for_another_row_stays_shut),
      TEST(the_newest_active_key_signs),
      TEST(no_more_than_there_is_room_for),
      TEST(a_rotation_disturbs_nobody),
      TEST(a_leaked_key_ends_at_once),
      TEST(without_a_key_nothing_is_issued),
      TEST(each_set_is_hastened),
      TEST(a_key_that_stays_is_not_opened_anew),
      TEST(another_key_of_the_same_name_is_opened),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
