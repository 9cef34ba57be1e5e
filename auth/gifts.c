/* Tokens of the links by which gifts are claimed. */
#include "auth/auth.h"

#include <endian.h>
#include <string.h>

enum { PROOF = 16 }; /* 128 bits of the HMAC: nobody meets one by guessing */

struct token {
  uint8_t gift[16];
  uint8_t proof[PROOF];
};

static struct token token_of(const struct secrets *s, int64_t community, struct uuid gift) {
  struct {
    uint64_t community;
    uint8_t gift[16];
  } message = {.community = htobe64((uint64_t)community)};
  struct token t;
  memcpy(message.gift, gift.b, sizeof message.gift);
  struct digest d = crypto_hmac(&s->gift, (struct text){(const char *)&message, sizeof message});
  memcpy(t.gift, gift.b, sizeof t.gift);
  memcpy(t.proof, d.b, sizeof t.proof);
  return t;
}

struct text gift_token(const struct secrets *s, struct arena *a, int64_t community,
                       struct uuid gift) {
  struct token t = token_of(s, community, gift);
  return base64url(a, (struct text){(const char *)&t, sizeof t});
}

bool gift_token_read(const struct secrets *s, struct arena *a, int64_t community, struct text token,
                     struct uuid *out) {
  struct text bytes = base64url_decode(a, token);
  if (!bytes.at || bytes.len != sizeof(struct token)) return false;
  memcpy(out->b, bytes.at, sizeof out->b);
  struct token right = token_of(s, community, *out);
  return crypto_equal(bytes.at, &right, sizeof right);
}
