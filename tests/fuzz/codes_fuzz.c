/* Codes as people type them. One code is one code however it is spelled, what is sealed comes back
 * only to its own row, and no slip of one symbol makes another good code. */
#include "auth/auth.h"
#include "rules/rules.h"
#include "tests/fuzz/fuzz.h"

static const struct uuid row = {{1}}, other_row = {{2}};

static struct secrets *secrets(void) {
  static struct secrets s;
  static bool open;
  if (!open)
    open =
        secrets_from(LIT("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"), &s);
  CHECK(open);
  return &s;
}

/* Spaces and dashes between the symbols, and the other case. */
static struct text respelled(struct arena *a, struct text code) {
  struct builder b = {0};
  for (size_t i = 0; i < code.len; i++) {
    char c = code.at[i];
    if (i % 3 == 1) build_char(&b, i % 2 ? '-' : ' ');
    build_char(&b, c >= 'A' && c <= 'Z' && i % 2 ? (char)(c + 32) : c);
  }
  struct text t = arena_copy(a, built(&b));
  builder_free(&b);
  return t;
}

static void try_sealing(struct arena *a, struct text code) {
  const struct secrets *s = secrets();
  char hint[CODE_HINT_MAX];
  struct text sealed = code_seal(s, a, row, code);
  CHECK(text_equal(code_open(s, a, row, sealed), code));
  CHECK(!code_open(s, a, other_row, sealed).at);
  code_hint(code, hint);
  CHECK(strlen(hint) < code.len + 3 && strlen(hint) <= 4 + 3);
}

static void try_slips(struct text code) {
  char slip[CODE_LENGTH];
  if (code_form(code) != CODE_MACHINE) return;
  for (size_t i = 0; i < CODE_LENGTH; i++) {
    memcpy(slip, code.at, CODE_LENGTH);
    slip[i] = slip[i] == '7' ? '8' : '7';
    CHECK(code_form((struct text){slip, CODE_LENGTH}) == CODE_SLIP);
    memcpy(slip, code.at, CODE_LENGTH);
    if (i + 1 == CODE_LENGTH || slip[i] == slip[i + 1]) continue;
    slip[i] = code.at[i + 1];
    slip[i + 1] = code.at[i];
    CHECK(code_form((struct text){slip, CODE_LENGTH}) == CODE_SLIP);
  }
}

static void try_invite(struct arena *a, struct text t) {
  struct text code = code_normalise(a, t);
  if (!code.at) return;
  CHECK(code.len >= 4 && code.len <= CODE_MAX);
  CHECK(text_equal(code_normalise(a, code), code));
  CHECK(text_equal(code_normalise(a, respelled(a, code)), code));
  struct digest d = code_digest(secrets(), code);
  struct digest again = code_digest(secrets(), code_normalise(a, respelled(a, code)));
  CHECK(crypto_equal(&d, &again, sizeof d));
  try_sealing(a, code);
  try_slips(code);
}

/* Thirteen random bytes always make a code that is read back, grouped or not. */
static void try_made(struct arena *a, struct text t) {
  char made[CODE_LENGTH + 1], shown[CODE_SHOWN + 1];
  if (t.len < CODE_SYMBOLS) return;
  code_make((const uint8_t *)t.at, made);
  code_show(made, shown);
  CHECK(code_form(text_of(made)) == CODE_MACHINE);
  CHECK(text_is(code_normalise(a, text_of(shown)), made));
  try_slips(text_of(made));
}

static void try_check_in(struct arena *a, struct text t) {
  char right[CHECK_IN_DIGITS + 1];
  const micros at = 1000 * INT64_C(15000000), step = 15000000;
  check_in_code(secrets(), 7, row, at, right);
  struct text typed = respelled(a, text_of(right));
  CHECK(check_in_valid(secrets(), 7, row, at, typed));
  CHECK(check_in_valid(secrets(), 7, row, at + step, typed));
  CHECK(!check_in_valid(secrets(), 7, row, at + 2 * step, typed));
  CHECK(!check_in_valid(secrets(), 7, row, at - step, typed));
  CHECK(!check_in_valid(secrets(), 7, other_row, at, typed));
  /* Of any other bytes only another spelling of the same symbols will do. */
  if (check_in_valid(secrets(), 7, other_row, at, t)) CHECK(t.len >= CHECK_IN_DIGITS);
  (void)challenge_digest(secrets(), row, t);
  struct digest one = contact_digest(secrets(), LIT("email"), NONE, t);
  struct digest two = contact_digest(secrets(), LIT("phone"), NONE, t);
  CHECK(!crypto_equal(&one, &two, sizeof one));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > 1024) return 0;
  struct arena a = {0};
  struct text t = {(const char *)data, size};
  try_invite(&a, t);
  try_made(&a, t);
  try_check_in(&a, t);
  CHECK(!code_open(secrets(), &a, row, t).at);
  arena_free(&a);
  return 0;
}
