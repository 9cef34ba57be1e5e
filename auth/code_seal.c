/* Codes as operators may see them again: sealed, and bound to their row. */
#include "auth/auth.h"

#include <string.h>

struct text code_seal(const struct secrets *s, struct arena *a, struct uuid id, struct text code) {
  return crypto_seal(a, &s->sealing, (struct text){(const char *)id.b, sizeof id.b}, code);
}

struct text code_open(const struct secrets *s, struct arena *a, struct uuid id,
                      struct text sealed) {
  return crypto_open(a, &s->sealing, (struct text){(const char *)id.b, sizeof id.b}, sealed);
}

/* At most a third of the code, so that a hint is no help in guessing: 9 of 13 random symbols of a
 * machine-made one stay unknown, 45 bits. */
void code_hint(struct text code, char out[static CODE_HINT_MAX]) {
  static const char more[] = "…";
  size_t shown = code.len / 3 < 4 ? code.len / 3 : 4;
  memcpy(out, code.at, shown);
  memcpy(out + shown, more, sizeof more);
}
