/* Digests and sealing against the vectors of their RFCs. */
#include "base/crypto.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void is_hex(const void *bytes, size_t len, const char *hex) {
  char written[512];
  assert_true(2 * len < sizeof written);
  hex_write(bytes, len, written);
  assert_string_equal(written, hex);
}

static void sha256_is_fips_180(void **state) {
  (void)state;
  struct digest d = crypto_sha256(LIT("abc"));
  is_hex(d.b, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  d = crypto_sha256(NONE);
  is_hex(d.b, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* RFC 4231 section 4; a shorter key filled up with zeros to 32 bytes is the same key to HMAC. */
static void hmac_is_rfc_4231(void **state) {
  (void)state;
  struct digest one = {{0}}, two = {{'J', 'e', 'f', 'e'}}, four = {{0}};
  memset(one.b, 0x0b, 20);
  for (uint8_t i = 0; i < 25; i++)
    four.b[i] = (uint8_t)(i + 1);
  char fifty[50];
  memset(fifty, (char)0xcd, sizeof fifty);
  struct digest d = crypto_hmac(&one, LIT("Hi There"));
  is_hex(d.b, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  d = crypto_hmac(&two, LIT("what do ya want for nothing?"));
  is_hex(d.b, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  d = crypto_hmac(&four, (struct text){fifty, sizeof fifty});
  is_hex(d.b, 32, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
  d = crypto_hmac(&one, LIT("Hi There")); /* the prepared context again */
  is_hex(d.b, 32, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
}

static void hmac_remembers_keys_rightly(void **state) {
  (void)state;
  struct digest first[3 * HMAC_KEYS];
  for (int round = 0; round < 3; round++)
    for (uint8_t i = 0; i < COUNT(first); i++) {
      struct digest key = {{i, 1}}, d = crypto_hmac(&key, LIT("x"));
      if (round == 0) first[i] = d;
      assert_memory_equal(d.b, first[i].b, 32);
      assert_true(i == 0 || !crypto_equal(d.b, first[i - 1].b, 32));
    }
}

static void hkdf_is_rfc_5869(void **state) {
  (void)state;
  char ikm[22], salt[13], info[10];
  uint8_t okm[42];
  memset(ikm, 0x0b, sizeof ikm);
  for (size_t i = 0; i < sizeof salt; i++)
    salt[i] = (char)i;
  for (size_t i = 0; i < sizeof info; i++)
    info[i] = (char)(0xf0 + i);
  struct text secret = {ikm, sizeof ikm};
  hkdf(secret, (struct text){salt, sizeof salt}, (struct text){info, sizeof info}, okm, sizeof okm);
  is_hex(okm, 42,
         "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"
         "34007208d5b887185865");
  struct digest d = crypto_derive(secret, ""); /* test case 3: neither salt nor info */
  is_hex(d.b, 32, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

static void purposes_give_different_keys(void **state) {
  (void)state;
  struct digest a = crypto_derive(LIT("secret"), "codes"), b = crypto_derive(LIT("secret"), "mail");
  assert_false(crypto_equal(a.b, b.b, 32));
}

/* The GCM specification's test case 14: a zero key and nonce over 16 zero bytes. */
static void open_knows_the_gcm_vector(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = {{0}};
  char sealed[NONCE + 16 + TAG], zeros[16] = {0};
  assert_true(hex_parse(LIT("000000000000000000000000cea7403d4d606b6e074ec5d3baf39d18"
                            "d0d1c8a799996bf0265b98b5d48ab919"),
                        sealed, sizeof sealed));
  struct text t = crypto_open(&a, &key, NONE, (struct text){sealed, sizeof sealed});
  assert_int_equal(t.len, 16);
  assert_memory_equal(t.at, zeros, 16);
  arena_free(&a);
}

static void what_was_sealed_opens_only_whole(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = {{1}}, other = {{2}};
  struct text sealed = crypto_seal(&a, &key, LIT("row 1"), LIT("a secret"));
  assert_int_equal(sealed.len, NONCE + 8 + TAG);
  assert_true(text_is(crypto_open(&a, &key, LIT("row 1"), sealed), "a secret"));
  assert_null(crypto_open(&a, &key, LIT("row 2"), sealed).at);
  assert_null(crypto_open(&a, &other, LIT("row 1"), sealed).at);
  for (size_t i = 0; i < sealed.len; i++) {
    char *flipped = (char *)arena_copy(&a, sealed).at;
    flipped[i] ^= 1;
    assert_null(crypto_open(&a, &key, LIT("row 1"), (struct text){flipped, sealed.len}).at);
    assert_null(crypto_open(&a, &key, LIT("row 1"), (struct text){sealed.at, i}).at);
  }
  sealed = crypto_seal(&a, &key, NONE, LIT(""));
  assert_true(crypto_open(&a, &key, NONE, sealed).at && !crypto_open(&a, &key, NONE, sealed).len);
  arena_free(&a);
}

static void too_much_is_not_sealed(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = {{1}};
  struct text much = {"", ARENA_LARGEST};
  assert_null(crypto_seal(&a, &key, NONE, much).at);
  assert_true(a.failed);
  arena_free(&a);
}

static void *digests_in_a_thread(void *unused) {
  (void)unused;
  struct digest key = {{9}};
  crypto_hmac(&key, LIT("x"));
  return crypto_sha256(LIT("abc")).b[0] == 0xba ? &kit_key : NULL;
}

static void each_thread_has_its_contexts(void **state) {
  (void)state;
  pthread_t threads[4];
  for (size_t i = 0; i < COUNT(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, digests_in_a_thread, NULL), 0);
  for (size_t i = 0; i < COUNT(threads); i++) {
    void *good = NULL;
    pthread_join(threads[i], &good);
    assert_non_null(good);
  }
}

static void random_differs(void **state) {
  (void)state;
  uint8_t a[32], b[32];
  crypto_random(a, sizeof a);
  crypto_random(b, sizeof b);
  assert_memory_not_equal(a, b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sha256_is_fips_180),
      cmocka_unit_test(hmac_is_rfc_4231),
      cmocka_unit_test(hmac_remembers_keys_rightly),
      cmocka_unit_test(hkdf_is_rfc_5869),
      cmocka_unit_test(purposes_give_different_keys),
      cmocka_unit_test(open_knows_the_gcm_vector),
      cmocka_unit_test(what_was_sealed_opens_only_whole),
      cmocka_unit_test(too_much_is_not_sealed),
      cmocka_unit_test(each_thread_has_its_contexts),
      cmocka_unit_test(random_differs),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
