/* Digests, sealing and encodings, by OpenSSL 3's EVP.
 *
 * Algorithms are fetched once a process and contexts made once a thread: fetching by name at each
 * call costs three times the digest itself. OpenSSL 3.0 allocates a little for each digest,
 * prepared or not, and a digest has no way to report a failure: it is tried again, and then the
 * process aborts, for a digest that was not made must not be used. */
#include "base/base.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { TRIES = 3, HMAC_KEYS = 8, NONCE = 12, TAG = 16 };

/* An HMAC context that has taken in its key: half of a short HMAC's work. */
struct prepared {
  struct digest key;
  EVP_MAC_CTX *mac; /* NULL: free */
};

struct kit { /* a thread's contexts */
  EVP_MD_CTX *md;
  EVP_CIPHER_CTX *cipher;
  struct prepared hmacs[HMAC_KEYS];
  unsigned oldest; /* of hmacs: the next to be given up */
};

static EVP_MD *sha256;
static EVP_MAC *hmac;
static EVP_CIPHER *aes_gcm;
static pthread_key_t kit_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool fetched;

/* Before the program's first use of OpenSSL, which takes this no later. */
static void *take(size_t size, const char *file, int line) {
  (void)file, (void)line;
  return memory_take(size);
}

static void *retake(void *p, size_t size, const char *file, int line) {
  (void)file, (void)line;
  return memory_retake(p, size);
}

static void give_back(void *p, const char *file, int line) {
  (void)file, (void)line;
  free(p);
}

__attribute__((constructor)) static void watch_memory(void) {
  (void)CRYPTO_set_mem_functions(take, retake, give_back);
}

static void must(bool good, const char *what) {
  if (good) return;
  log_write(LOG_ERROR, "crypto_failed", "what=%s", what);
  abort();
}

static void kit_free(void *what) {
  struct kit *kit = what;
  EVP_MD_CTX_free(kit->md);
  EVP_CIPHER_CTX_free(kit->cipher);
  for (size_t i = 0; i < HMAC_KEYS; i++)
    EVP_MAC_CTX_free(kit->hmacs[i].mac);
  OPENSSL_cleanse(kit, sizeof *kit);
  free(kit);
}

static void fetch_all(void) {
  sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
  hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
  aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
  fetched = sha256 && hmac && aes_gcm && pthread_key_create(&kit_key, kit_free) == 0;
}

static bool fetch_once(void) {
  return pthread_once(&once, fetch_all) == 0 && fetched;
}

/* NULL when memory runs out. */
static struct kit *my_kit(void) {
  static _Thread_local struct kit *mine;
  if (mine) return mine;
  must(fetch_once(), "fetch");
  struct kit *kit = calloc(1, sizeof *kit);
  if (!kit) return NULL;
  kit->md = EVP_MD_CTX_new();
  kit->cipher = EVP_CIPHER_CTX_new();
  /* The thread's end frees it. */
  if (!kit->md || !kit->cipher || pthread_setspecific(kit_key, kit) != 0) {
    kit_free(kit);
    return NULL;
  }
  return mine = kit;
}

/* Straight from the kernel: nothing to seed, to allocate or to lock. */
void crypto_random(void *out, size_t len) {
  uint8_t *at = out;
  while (len) {
    ssize_t got = getrandom(at, len, 0);
    if (got < 0 && errno == EINTR) continue;
    must(got > 0, "getrandom");
    at += got;
    len -= (size_t)got;
  }
}

bool crypto_equal(const void *a, const void *b, size_t len) {
  return CRYPTO_memcmp(a, b, len) == 0;
}

static void try_again(int *tries, const char *what) {
  ERR_clear_error();
  must(++*tries < TRIES, what);
}

static bool make_sha256(struct text t, struct digest *d) {
  struct kit *kit = my_kit();
  return kit && EVP_DigestInit_ex2(kit->md, sha256, NULL) &&
         EVP_DigestUpdate(kit->md, t.at, t.len) && EVP_DigestFinal_ex(kit->md, d->b, NULL);
}

struct digest crypto_sha256(struct text t) {
  struct digest d = {{0}};
  for (int tries = 0; !make_sha256(t, &d);)
    try_again(&tries, "sha256");
  return d;
}

static bool prepare_hmac(struct prepared *p, const struct digest *key) {
  char name[] = "SHA2-256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC_CTX_free(p->mac);
  p->mac = EVP_MAC_CTX_new(hmac);
  p->key = *key;
  return p->mac && EVP_MAC_init(p->mac, key->b, sizeof key->b, params);
}

/* The server uses a handful of keys all the time: each stays prepared until eight others came. */
static struct prepared *keyed(struct kit *kit, const struct digest *key) {
  for (size_t i = 0; i < HMAC_KEYS; i++) {
    struct prepared *p = &kit->hmacs[i];
    if (p->mac && crypto_equal(p->key.b, key->b, sizeof key->b))
      return EVP_MAC_init(p->mac, NULL, 0, NULL) ? p : NULL; /* back to behind the key */
  }
  struct prepared *p = &kit->hmacs[kit->oldest++ % HMAC_KEYS];
  return prepare_hmac(p, key) ? p : NULL;
}

static bool make_hmac(const struct digest *key, struct text t, struct digest *d) {
  struct kit *kit = my_kit();
  struct prepared *p = kit ? keyed(kit, key) : NULL;
  return p && EVP_MAC_update(p->mac, (const unsigned char *)t.at, t.len) &&
         EVP_MAC_final(p->mac, d->b, NULL, sizeof d->b);
}

/* A context that failed half-way is in no known state. */
static void forget_hmacs(void) {
  struct kit *kit = my_kit();
  for (size_t i = 0; kit && i < HMAC_KEYS; i++) {
    EVP_MAC_CTX_free(kit->hmacs[i].mac);
    kit->hmacs[i].mac = NULL;
  }
}

struct digest crypto_hmac(const struct digest *key, struct text t) {
  struct digest d = {{0}};
  for (int tries = 0; !make_hmac(key, t, &d);) {
    forget_hmacs();
    try_again(&tries, "hmac");
  }
  return d;
}

/* A key that is one of very many is not kept prepared. */
static bool make_hmac_of(struct text key, struct text t, struct digest *d) {
  char name[] = "SHA2-256";
  OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                         OSSL_PARAM_construct_end()};
  EVP_MAC_CTX *mac = my_kit() ? EVP_MAC_CTX_new(hmac) : NULL; /* the kit loads what it needs */
  bool good = mac && EVP_MAC_init(mac, (const unsigned char *)key.at, key.len, params) &&
              EVP_MAC_update(mac, (const unsigned char *)t.at, t.len) &&
              EVP_MAC_final(mac, d->b, NULL, sizeof d->b);
  EVP_MAC_CTX_free(mac);
  return good;
}

struct digest crypto_hmac_of(struct text key, struct text t) {
  struct digest d = {{0}};
  for (int tries = 0; !make_hmac_of(key, t, &d);)
    try_again(&tries, "hmac");
  return d;
}

static bool hkdf(struct text secret, struct text salt, struct text info, uint8_t *out, size_t len) {
  char name[] = "SHA2-256";
  OSSL_PARAM params[5], *p = params;
  *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret.at, secret.len);
  *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)info.at, info.len);
  if (salt.len)
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)salt.at, salt.len);
  *p = OSSL_PARAM_construct_end();
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
  EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
  bool good = ctx && EVP_KDF_derive(ctx, out, len, params) == 1;
  EVP_KDF_CTX_free(ctx);
  EVP_KDF_free(kdf);
  return good;
}

/* What could not be loaded at the first use is missing for good: tried here, where it can be told.
 */
bool crypto_start(void) {
  struct digest d;
  bool good = OSSL_LIB_CTX_get0_global_default() != NULL && fetch_once() &&
              hkdf(LIT("secret"), NONE, LIT("start"), d.b, sizeof d.b);
  ERR_clear_error();
  return good;
}

struct digest crypto_derive(struct text secret, const char *purpose) {
  struct digest d = {{0}};
  for (int tries = 0; !hkdf(secret, NONE, text_of(purpose), d.b, sizeof d.b);)
    try_again(&tries, "hkdf");
  return d;
}

/* ---- AES-256-GCM: nonce | ciphertext | tag -----------------------------------------------------
 */

static bool seal_into(uint8_t *out, const struct digest *key, struct text bound, struct text t) {
  struct kit *kit = my_kit();
  EVP_CIPHER_CTX *c = kit ? kit->cipher : NULL;
  int n = 0, used = 0;
  crypto_random(out, NONCE);
  return c && EVP_EncryptInit_ex2(c, aes_gcm, key->b, out, NULL) &&
         (!bound.len ||
          EVP_EncryptUpdate(c, NULL, &n, (const uint8_t *)bound.at, (int)bound.len)) &&
         (!t.len || EVP_EncryptUpdate(c, out + NONCE, &used, (const uint8_t *)t.at, (int)t.len)) &&
         EVP_EncryptFinal_ex(c, out + NONCE + used, &n) &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, TAG, out + NONCE + t.len);
}

/* What is sealed or bound is a field of a row; lengths beyond an arena's piece are a mistake. */
static bool too_large(size_t len) {
  return len > ARENA_LARGEST - NONCE - TAG - 1;
}

struct text crypto_seal(struct arena *a, const struct digest *key, struct text bound,
                        struct text t) {
  if (too_large(t.len) || too_large(bound.len)) {
    a->failed = true;
    return NONE;
  }
  size_t len = NONCE + t.len + TAG;
  uint8_t *out = arena_alloc(a, len);
  if (!seal_into(out, key, bound, t)) {
    ERR_clear_error();
    a->failed = true; /* only memory can have been missing */
    return NONE;
  }
  return (struct text){(char *)out, len};
}

static bool open_into(uint8_t *out, const struct digest *key, struct text bound,
                      const uint8_t *sealed, size_t len) {
  struct kit *kit = my_kit();
  EVP_CIPHER_CTX *c = kit ? kit->cipher : NULL;
  int n = 0, used = 0;
  uint8_t tag[TAG];
  memcpy(tag, sealed + NONCE + len, TAG);
  return c && EVP_DecryptInit_ex2(c, aes_gcm, key->b, sealed, NULL) &&
         (!bound.len ||
          EVP_DecryptUpdate(c, NULL, &n, (const uint8_t *)bound.at, (int)bound.len)) &&
         (!len || EVP_DecryptUpdate(c, out, &used, sealed + NONCE, (int)len)) &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, TAG, tag) &&
         EVP_DecryptFinal_ex(c, out + used, &n) == 1;
}

struct text crypto_open(struct arena *a, const struct digest *key, struct text bound,
                        struct text t) {
  if (t.len < NONCE + TAG || too_large(t.len) || too_large(bound.len)) return NONE;
  size_t len = t.len - NONCE - TAG;
  uint8_t *out = arena_alloc(a, len + 1); /* one more, for texts that end in NUL are handy */
  (void)memory_ran_out();
  if (open_into(out, key, bound, (const uint8_t *)t.at, len))
    return (struct text){(char *)out, len};
  if (memory_ran_out()) a->failed = true;
  OPENSSL_cleanse(out, len); /* decrypted, but forged */
  ERR_clear_error();
  return NONE;
}

bool crypto_has_certificates(const char *file) {
  X509_STORE *store = X509_STORE_new();
  bool good = store && X509_STORE_load_file(store, file) == 1;
  X509_STORE_free(store);
  ERR_clear_error();
  return good;
}
