/* ES256 against RFC 7515 A.3, and against keys and signatures that must not pass. */
#include "base/crypto_ec.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>

#define X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
#define SIGNATURE                                                                                  \
  "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
static const char signed_text[] =
    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
#define SIGNING_INPUT LIT(signed_text)

static struct arena arena;

static void unpack(struct text from, uint8_t *to, size_t len) {
  struct text t = base64url_decode(&arena, from);
  assert_int_equal(t.len, len);
  memcpy(to, t.at, len);
}

static void verifies_rfc_7515_a3(void **state) {
  (void)state;
  uint8_t xy[64], sig[64];
  unpack(LIT(X), xy, 32);
  unpack(LIT(Y), xy + 32, 32);
  unpack(LIT(SIGNATURE), sig, 64);
  struct ec_key *k = ec_key_from_xy(xy);
  assert_non_null(k);
  assert_true(ec_verify(k, SIGNING_INPUT, sig));
  for (size_t i = 0; i < 64; i++) {
    sig[i] ^= 1;
    assert_false(ec_verify(k, SIGNING_INPUT, sig));
    sig[i] ^= 1;
  }
  assert_false(ec_verify(k, LIT("another text"), sig));
  assert_false(ec_sign(k, SIGNING_INPUT, sig)); /* a public key */
  assert_null(ec_key_pkcs8(&arena, k).at);
  ec_key_free(k);
}

static void signs_what_it_verifies(void **state) {
  (void)state;
  struct ec_key *k = ec_key_new();
  uint8_t xy[64], sig[64];
  assert_true(k && ec_key_xy(k, xy));
  struct ec_key *public = ec_key_from_xy(xy);
  assert_non_null(public);
  /* Often enough to meet an r or s with leading zeros or the top bit set. */
  for (int i = 0; i < 600; i++) {
    struct text t = {(char *)&i, sizeof i};
    assert_true(ec_sign(k, t, sig));
    assert_true(ec_verify(public, t, sig));
  }
  ec_key_free(public);
  ec_key_free(k);
}

static void survives_storage(void **state) {
  (void)state;
  struct ec_key *k = ec_key_new();
  struct text der = ec_key_pkcs8(&arena, k);
  uint8_t sig[64];
  assert_non_null(der.at);
  struct ec_key *again = ec_key_from_pkcs8(der);
  assert_non_null(again);
  assert_true(ec_sign(again, LIT("x"), sig) && ec_verify(k, LIT("x"), sig));
  for (size_t len = 0; len < der.len; len++)
    assert_null(ec_key_from_pkcs8((struct text){der.at, len}));
  struct text longer = arena_printf(&arena, "%*s", (int)der.len + 1, "");
  memcpy((char *)longer.at, der.at, der.len);
  assert_null(ec_key_from_pkcs8(longer));
  ec_key_free(again);
  ec_key_free(k);
}

static void other_keys_are_refused(void **state) {
  (void)state;
  uint8_t xy[64] = {1};
  uint8_t *der = NULL;
  assert_null(ec_key_from_xy(xy)); /* not on the curve */
  EVP_PKEY *p384 = EVP_EC_gen("P-384");
  PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(p384);
  int len = i2d_PKCS8_PRIV_KEY_INFO(info, &der);
  assert_true(len > 0);
  assert_null(ec_key_from_pkcs8((struct text){(char *)der, (size_t)len}));
  OPENSSL_free(der);
  PKCS8_PRIV_KEY_INFO_free(info);
  EVP_PKEY_free(p384);
}

/* r or s of zero, or not below the order, are no signature (SEC 1, 4.1.4). */
static void extreme_signatures_fail(void **state) {
  (void)state;
  struct ec_key *k = ec_key_new();
  uint8_t sig[64] = {0};
  assert_false(ec_verify(k, LIT("x"), sig));
  memset(sig, 0xff, sizeof sig);
  assert_false(ec_verify(k, LIT("x"), sig));
  ec_key_free(k);
}

static void knows_its_own_encoding(void **state) {
  (void)state;
  struct ec_key *k = ec_key_new(), *other = ec_key_new();
  struct text der = ec_key_pkcs8(&arena, k);
  uint8_t xy[64];
  assert_true(der.at && ec_key_is(k, der));
  assert_false(ec_key_is(other, der));
  assert_false(ec_key_is(k, (struct text){der.at, der.len - 1}));
  assert_true(ec_key_xy(k, xy));
  struct ec_key *public = ec_key_from_xy(xy);
  assert_false(ec_key_is(public, der) || ec_key_is(public, NONE));
  ec_key_free(public);
  ec_key_free(other);
  ec_key_free(k);
}

/* ---- with a table and without ---- */

static void *verify_often(void *key) {
  const struct text t = LIT("x");
  uint8_t sig[64];
  for (intptr_t i = 0; i < 300; i++) {
    if (!ec_sign(key, t, sig) || !ec_verify(key, t, sig)) return key;
    sig[i % 64] ^= 1;
    if (ec_verify(key, t, sig)) return key;
  }
  ec_key_free(key);
  return NULL;
}

/* Before, while and after the table comes; each thread lets go of the key when it has done. */
static void threads_share_a_key(void **state) {
  (void)state;
  pthread_t threads[4];
  void *failed;
  struct ec_key *k = ec_key_new();
  for (int i = 0; i < 4; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, verify_often, ec_key_share(k)), 0);
  ec_key_hasten(k);
  struct ec_table *table = atomic_load(&k->table);
  assert_non_null(table);
  ec_key_hasten(k);
  assert_ptr_equal(atomic_load(&k->table), table);
  ec_key_free(k);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(pthread_join(threads[i], &failed), 0);
    assert_null(failed);
  }
}

static void a_table_is_used(void **state) {
  (void)state;
  uint8_t sig[64];
  struct ec_key *k = ec_key_new(), *other = ec_key_new();
  ec_key_hasten(other);
  struct ec_table *own = atomic_load(&k->table), *others = atomic_load(&other->table);
  assert_true(ec_sign(k, LIT("x"), sig) && ec_verify(k, LIT("x"), sig));
  atomic_store(&k->table, others);
  assert_false(ec_verify(k, LIT("x"), sig));
  atomic_store(&k->table, own);
  ec_key_free(other);
  ec_key_free(k);
}

static int give_back(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(verifies_rfc_7515_a3),    cmocka_unit_test(signs_what_it_verifies),
      cmocka_unit_test(survives_storage),        cmocka_unit_test(other_keys_are_refused),
      cmocka_unit_test(extreme_signatures_fail), cmocka_unit_test(knows_its_own_encoding),
      cmocka_unit_test(threads_share_a_key),     cmocka_unit_test(a_table_is_used),
  };
  return cmocka_run_group_tests(tests, NULL, give_back);
}
