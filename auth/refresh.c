/* Refresh tokens: community | session | count | HMAC, in base64url. */
#include "auth/auth.h"

#include <endian.h>
#include <string.h>

/* As sent; numbers are big-endian. No padding can hide in it: all members are of whole words. */
struct wire {
  uint64_t community;
  uint8_t session[16];
  uint64_t count;
  struct digest mac;
};
_Static_assert(sizeof(struct wire) == 64, "a refresh token has 64 bytes");

static struct digest mac_of(const struct secrets *s, const struct wire *w) {
  return crypto_hmac(&s->refresh, (struct text){(const char *)w, offsetof(struct wire, mac)});
}

struct text refresh_make(const struct secrets *s, struct arena *a, struct refresh r) {
  struct wire w = {.community = htobe64((uint64_t)r.community),
                   .count = htobe64((uint64_t)r.count)};
  memcpy(w.session, r.session.b, sizeof w.session);
  w.mac = mac_of(s, &w);
  return base64url(a, (struct text){(const char *)&w, sizeof w});
}

bool refresh_parse(const struct secrets *s, struct arena *a, struct text token,
                   struct refresh *out) {
  struct wire w;
  if (token.len != 86) return false; /* 64 bytes in base64url */
  struct text raw = base64url_decode(a, token);
  if (raw.len != sizeof w || a->failed) return false;
  memcpy(&w, raw.at, sizeof w);
  struct digest mac = mac_of(s, &w);
  if (!crypto_equal(&mac, &w.mac, sizeof mac)) return false;
  out->community = (int64_t)be64toh(w.community);
  out->count = (int64_t)be64toh(w.count);
  memcpy(out->session.b, w.session, sizeof w.session);
  return true;
}

struct digest refresh_digest(struct text token) {
  return crypto_sha256(token);
}
