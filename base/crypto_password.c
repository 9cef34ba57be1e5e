/* Passwords: Argon2id (RFC 9106) with OWASP's figures. The encoded string carries them, so that
 * they can be raised later without breaking what is stored. */
#include "base/base.h"

#include <argon2.h>

enum { PASSES = 2, MEMORY_KIB = 19 * 1024, LANES = 1, SALT = 16, HASH = 32 };

bool password_hash(struct text password, char out[static PASSWORD_HASH_MAX]) {
  uint8_t salt[SALT];
  crypto_random(salt, sizeof salt);
  return argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.at, password.len, salt,
                               sizeof salt, HASH, out, PASSWORD_HASH_MAX) == ARGON2_OK;
}

bool password_verify(const char *encoded, struct text password) {
  int verdict = argon2id_verify(encoded, password.at, password.len);
  if (verdict == ARGON2_MEMORY_ALLOCATION_ERROR) memory_missed();
  return verdict == ARGON2_OK;
}
