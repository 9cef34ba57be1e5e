/* UUIDs, version 7 (RFC 9562): milliseconds, then a counter, then chance. Ids made one after the
 * other stand side by side in an index, which is why they are not random throughout. */
#include "base/base.h"

#include <string.h>

/* Chance is fetched for many ids at once: one call of the generator a page, not one an id. */
static void some_chance(uint8_t *out, size_t len) {
  static _Thread_local uint8_t pool[512];
  static _Thread_local size_t used = sizeof pool;
  if (len > sizeof pool - used) {
    crypto_random(pool, sizeof pool);
    used = 0;
  }
  memcpy(out, pool + used, len);
  memset(pool + used, 0, len);
  used += len;
}

/* RFC 9562 section 6.2, method 1: the 12 bits of rand_a count within a millisecond and begin below
 * half, so that there is room to count. When they run out, or when the clock was set back, the time
 * runs ahead of the clock rather than the order being lost. */
struct uuid uuid_new(void) {
  static _Thread_local uint64_t last;
  static _Thread_local unsigned count;
  struct uuid u;
  uint64_t now = (uint64_t)(time_now() / 1000);
  some_chance(u.b + 6, 10);
  if (now > last) {
    last = now;
    count = (u.b[6] & 7u) << 8 | u.b[7];
  } else if (++count > 0xFFF) {
    last++;
    count = 0;
  }
  for (int i = 0; i < 6; i++)
    u.b[i] = (uint8_t)(last >> (40 - 8 * i));
  u.b[6] = (uint8_t)(0x70 | count >> 8);
  u.b[7] = (uint8_t)count;
  u.b[8] = (uint8_t)(0x80 | (u.b[8] & 0x3F));
  return u;
}

static bool is_dash(size_t i) {
  return i == 8 || i == 13 || i == 18 || i == 23;
}

bool uuid_parse(struct text t, struct uuid *out) {
  char digits[32];
  size_t n = 0;
  if (t.len != 36) return false;
  for (size_t i = 0; i < 36; i++) {
    if (is_dash(i) != (t.at[i] == '-')) return false;
    if (!is_dash(i)) digits[n++] = t.at[i];
  }
  struct uuid u;
  if (!hex_parse((struct text){digits, sizeof digits}, u.b, sizeof u.b)) return false;
  *out = u;
  return true;
}

void uuid_write(struct uuid u, char out[static 37]) {
  char digits[33];
  size_t n = 0;
  hex_write(u.b, sizeof u.b, digits);
  for (size_t i = 0; i < 36; i++)
    out[i] = is_dash(i) ? '-' : digits[n++];
  out[36] = '\0';
}

bool uuid_is_zero(struct uuid u) {
  return uuid_equal(u, (struct uuid){{0}});
}

bool uuid_equal(struct uuid a, struct uuid b) {
  return memcmp(a.b, b.b, sizeof a.b) == 0;
}
