/* P-256 keys and ES256 signatures (RFC 7518 section 3.4: r and s side by side, 32 bytes each).
 *
 * A key is never changed after it was made, but for the table that may come to it, so all threads
 * may use it at once; each signature has a context of its own. */
#include "base/crypto_table.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { HALF = 32, DER_SIGNATURE_MAX = 80, DER_KEY_MAX = 512 };

struct ec_key {
  EVP_PKEY *pkey;
  bool can_sign;
  atomic_int holders;
  struct ec_table *_Atomic table; /* NULL until it was drawn */
};

/* Takes over `pkey`, which may be NULL. */
static struct ec_key *wrap(EVP_PKEY *pkey, bool can_sign) {
  struct ec_key *k = pkey ? malloc(sizeof *k) : NULL;
  ERR_clear_error(); /* OpenSSL's queue would grow, and nobody reads it */
  if (!k) {
    EVP_PKEY_free(pkey);
    return NULL;
  }
  *k = (struct ec_key){.pkey = pkey, .can_sign = can_sign, .holders = 1};
  return k;
}

struct ec_key *ec_key_share(struct ec_key *k) {
  atomic_fetch_add(&k->holders, 1);
  return k;
}

struct ec_key *ec_key_new(void) {
  return wrap(EVP_EC_gen("P-256"), true);
}

static bool is_p256(const EVP_PKEY *pkey) {
  char group[32];
  return EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group,
                                        NULL) &&
         strcmp(group, "prime256v1") == 0;
}

struct ec_key *ec_key_from_pkcs8(struct text der) {
  const uint8_t *at = (const uint8_t *)der.at;
  if (der.len == 0 || der.len > DER_KEY_MAX) return NULL;
  PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len);
  EVP_PKEY *pkey = info ? EVP_PKCS82PKEY(info) : NULL;
  PKCS8_PRIV_KEY_INFO_free(info);
  if (pkey && (!is_p256(pkey) || at != (const uint8_t *)der.at + der.len)) {
    EVP_PKEY_free(pkey);
    pkey = NULL;
  }
  return wrap(pkey, true);
}

/* OpenSSL refuses a point that is not on the curve. */
struct ec_key *ec_key_from_xy(const uint8_t xy[static 64]) {
  char group[] = "P-256";
  uint8_t point[1 + 2 * HALF] = {4}; /* SEC 1: uncompressed */
  memcpy(point + 1, xy, 2 * HALF);
  OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
      OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point),
      OSSL_PARAM_construct_end()};
  EVP_PKEY *pkey = NULL;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
  if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
      EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
    pkey = NULL;
  EVP_PKEY_CTX_free(ctx);
  return wrap(pkey, false);
}

/* What is 0 bytes long is none. */
static int encode(const struct ec_key *k, uint8_t **der) {
  PKCS8_PRIV_KEY_INFO *info = k->can_sign ? EVP_PKEY2PKCS8(k->pkey) : NULL;
  int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, der) : 0;
  PKCS8_PRIV_KEY_INFO_free(info);
  ERR_clear_error();
  return len;
}

bool ec_key_is(const struct ec_key *k, struct text pkcs8) {
  uint8_t *der = NULL;
  int len = encode(k, &der);
  if (len <= 0) return false;
  bool same = (size_t)len == pkcs8.len && CRYPTO_memcmp(der, pkcs8.at, pkcs8.len) == 0;
  OPENSSL_clear_free(der, (size_t)len);
  return same;
}

struct text ec_key_pkcs8(struct arena *a, const struct ec_key *k) {
  uint8_t *der = NULL;
  int len = encode(k, &der);
  if (len <= 0) return NONE;
  struct text copy = arena_copy(a, (struct text){(char *)der, (size_t)len});
  OPENSSL_clear_free(der, (size_t)len);
  return copy;
}

static bool coordinate(const EVP_PKEY *pkey, const char *name, uint8_t out[static HALF]) {
  BIGNUM *n = NULL;
  bool good = EVP_PKEY_get_bn_param(pkey, name, &n) && BN_bn2binpad(n, out, HALF) == HALF;
  BN_free(n);
  return good;
}

bool ec_key_xy(const struct ec_key *k, uint8_t xy[static 64]) {
  return coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_X, xy) &&
         coordinate(k->pkey, OSSL_PKEY_PARAM_EC_PUB_Y, xy + HALF);
}

static bool flatten(const uint8_t *der, size_t len, uint8_t sig[static 64]) {
  ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
  bool good = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), sig, HALF) == HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), sig + HALF, HALF) == HALF;
  ECDSA_SIG_free(pair);
  return good;
}

/* One ASN.1 INTEGER of 32 bytes at most: no leading zeros, but one where the top bit is set. */
static size_t put_integer(uint8_t *out, const uint8_t half[static HALF]) {
  size_t skip = 0;
  while (skip < HALF - 1 && half[skip] == 0)
    skip++;
  size_t len = HALF - skip, pad = half[skip] >> 7;
  out[0] = 2;
  out[1] = (uint8_t)(len + pad);
  out[2] = 0;
  memcpy(out + 2 + pad, half + skip, len);
  return 2 + pad + len;
}

static size_t unflatten(const uint8_t sig[static 64], uint8_t der[static DER_SIGNATURE_MAX]) {
  size_t len = put_integer(der + 2, sig);
  len += put_integer(der + 2 + len, sig + HALF);
  der[0] = 0x30; /* SEQUENCE */
  der[1] = (uint8_t)len;
  return len + 2;
}

bool ec_sign(const struct ec_key *k, struct text t, uint8_t sig[static 64]) {
  struct digest d = crypto_sha256(t);
  uint8_t der[DER_SIGNATURE_MAX];
  size_t len = sizeof der;
  if (!k->can_sign) return false;
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
  bool good = ctx && EVP_PKEY_sign_init(ctx) == 1 &&
              EVP_PKEY_sign(ctx, der, &len, d.b, sizeof d.b) == 1 && flatten(der, len, sig);
  EVP_PKEY_CTX_free(ctx);
  ERR_clear_error();
  return good;
}

static bool verify_untabled(const struct ec_key *k, const struct digest *d,
                            const uint8_t sig[static 64]) {
  uint8_t der[DER_SIGNATURE_MAX];
  size_t len = unflatten(sig, der);
  EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, k->pkey, NULL);
  bool good = ctx && EVP_PKEY_verify_init(ctx) == 1 &&
              EVP_PKEY_verify(ctx, der, len, d->b, sizeof d->b) == 1;
  EVP_PKEY_CTX_free(ctx);
  ERR_clear_error();
  return good;
}

bool ec_verify(const struct ec_key *k, struct text t, const uint8_t sig[static 64]) {
  struct digest d = crypto_sha256(t);
  const struct ec_table *table = atomic_load(&k->table);
  enum ec_verdict v = table ? ec_table_verify(table, &d, sig) : EC_UNDECIDED;
  return v == EC_UNDECIDED ? verify_untabled(k, &d, sig) : v == EC_GOOD;
}

void ec_key_hasten(struct ec_key *k) {
  uint8_t xy[64];
  struct ec_table *none = NULL, *t = NULL;
  if (atomic_load(&k->table) || !ec_key_xy(k, xy) || !(t = ec_table_new(xy))) return;
  if (!atomic_compare_exchange_strong(&k->table, &none, t)) ec_table_free(t);
}

void ec_key_free(struct ec_key *k) {
  if (!k || atomic_fetch_sub(&k->holders, 1) != 1) return;
  EVP_PKEY_free(k->pkey);
  ec_table_free(atomic_load(&k->table));
  free(k);
}
