/* Digests of codes that people type, and the codes that rotate. */
#include "auth/auth.h"

#include <endian.h>
#include <string.h>

struct digest code_digest(const struct secrets *s, struct text normalised) {
  return crypto_hmac(&s->pepper, normalised);
}

/* The word in front keeps it apart from invite codes, which share the pepper and hold letters and
 * digits only. */
struct digest challenge_digest(const struct secrets *s, struct uuid challenge, struct text code) {
  char message[64] = "challenge:";
  size_t len = strlen(message);
  memcpy(message + len, challenge.b, sizeof challenge.b);
  len += sizeof challenge.b;
  size_t kept = code.len < sizeof message - len ? code.len : sizeof message - len;
  if (kept) memcpy(message + len, code.at, kept);
  return crypto_hmac(&s->pepper, (struct text){message, len + kept});
}

/* Each member is closed by a character that can't be in one. */
struct digest contact_digest(const struct secrets *s, struct text provider, struct text app,
                             struct text subject) {
  struct builder b = {0};
  build_str(&b, "contact:");
  build_text(&b, provider);
  build_char(&b, '\n');
  build_text(&b, app);
  build_char(&b, '\n');
  build_text(&b, subject);
  struct digest d = crypto_hmac(&s->pepper, built(&b));
  builder_free(&b);
  return d;
}

/* ---- check-in codes: nothing is stored --------------------------------------------------------
 */

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; /* Crockford's base32 */

static void code_of_step(const struct secrets *s, int64_t community, struct uuid lecture,
                         int64_t step, char out[static CHECK_IN_DIGITS + 1]) {
  struct {
    uint64_t community;
    uint8_t lecture[16];
    uint64_t step;
  } message = {.community = htobe64((uint64_t)community), .step = htobe64((uint64_t)step)};
  memcpy(message.lecture, lecture.b, sizeof message.lecture);
  struct digest d =
      crypto_hmac(&s->check_in, (struct text){(const char *)&message, sizeof message});
  for (int i = 0; i < CHECK_IN_DIGITS; i++)
    out[i] = alphabet[d.b[i] & 31];
  out[CHECK_IN_DIGITS] = 0;
}

static int64_t step_of(micros at) {
  return at / (CHECK_IN_STEP_SECONDS * INT64_C(1000000));
}

void check_in_code(const struct secrets *s, int64_t community, struct uuid lecture, micros at,
                   char out[static CHECK_IN_DIGITS + 1]) {
  code_of_step(s, community, lecture, step_of(at), out);
}

/* As it is read off a screen: in any case, in groups, O for 0, I and L for 1. */
static bool fold(struct text typed, char out[static CHECK_IN_DIGITS]) {
  size_t len = 0;
  for (size_t i = 0; i < typed.len; i++) {
    char c = typed.at[i];
    if (c == ' ' || c == '-') continue;
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    if (c == 'O') c = '0';
    if (c == 'I' || c == 'L') c = '1';
    if (len == CHECK_IN_DIGITS) return false;
    out[len++] = c;
  }
  return len == CHECK_IN_DIGITS;
}

bool check_in_valid(const struct secrets *s, int64_t community, struct uuid lecture, micros at,
                    struct text code) {
  char typed[CHECK_IN_DIGITS], right[CHECK_IN_DIGITS + 1];
  if (!fold(code, typed)) return false;
  bool good = false;
  for (int64_t back = 0; back <= 1; back++) {
    code_of_step(s, community, lecture, step_of(at) - back, right);
    good |= crypto_equal(typed, right, CHECK_IN_DIGITS);
  }
  return good;
}
