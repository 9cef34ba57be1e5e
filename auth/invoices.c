/* To whom an invoice is made out: personal data, so it lies sealed. */
#include "auth/auth.h"

static struct text bound_to(struct arena *a, int64_t community, struct uuid id) {
  char shown[37];
  uuid_write(id, shown);
  return arena_printf(a, "invoice %lld %s", (long long)community, shown);
}

struct text invoice_seal(const struct secrets *s, struct arena *a, int64_t community,
                         struct uuid id, struct text whom) {
  return crypto_seal(a, &s->sealing, bound_to(a, community, id), whom);
}

struct text invoice_open(const struct secrets *s, struct arena *a, int64_t community,
                         struct uuid id, struct text sealed) {
  return crypto_open(a, &s->sealing, bound_to(a, community, id), sealed);
}
