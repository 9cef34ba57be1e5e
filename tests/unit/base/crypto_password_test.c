/* Argon2id: what it stores, what it accepts. */
#include "base/crypto_password.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

static void a_hash_tells_its_figures(void **state) {
  (void)state;
  char out[PASSWORD_HASH_MAX];
  assert_true(password_hash(LIT("correct horse battery staple"), out));
  assert_true(text_starts(text_of(out), "$argon2id$v=19$m=19456,t=2,p=1$"));
}

static void only_the_password_fits(void **state) {
  (void)state;
  char out[PASSWORD_HASH_MAX], again[PASSWORD_HASH_MAX];
  assert_true(password_hash(LIT("密码 is long"), out));
  assert_true(password_hash(LIT("密码 is long"), again));
  assert_string_not_equal(out, again); /* salted */
  assert_true(password_verify(out, LIT("密码 is long")));
  assert_false(password_verify(out, LIT("密码 is lon")));
  assert_false(password_verify(out, LIT("密码 is long\0")));
  assert_false(password_verify(out, NONE));
}

static void nonsense_verifies_nothing(void **state) {
  (void)state;
  assert_false(password_verify("", LIT("x")));
  assert_false(password_verify("$argon2id$v=19$m=19456,t=2,p=1$", LIT("x")));
  assert_false(password_verify("plain", LIT("plain")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_hash_tells_its_figures),
      cmocka_unit_test(only_the_password_fits),
      cmocka_unit_test(nonsense_verifies_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
