/* The table of providers, and their settings on the way into the database and out of it. */
#include "gateways/gateways.h"

const struct gateway *const gateway_all[] = {&gateway_hand, &gateway_test};
const size_t gateway_count = COUNT(gateway_all);

const struct gateway *gateway_find(struct text name) {
  for (size_t i = 0; i < gateway_count; i++)
    if (text_is(name, gateway_all[i]->name)) return gateway_all[i];
  return NULL;
}

bool gateway_has_method(const struct gateway *g, struct text method) {
  for (struct text rest = text_of(g->methods); rest.at;)
    if (text_equal(text_cut(&rest, '|'), method)) return true;
  return false;
}

bool notice_in_time(struct text seconds, micros now) {
  int64_t then;
  if (!text_to_int(seconds, &then)) return false;
  int64_t since = now / 1000000;
  return then >= since - NOTICE_SECONDS && then <= since + NOTICE_SECONDS;
}

/* ---- settings ---------------------------------------------------------------------------------
 */

static struct text bound_to(struct arena *a, int64_t community, struct text provider) {
  return arena_printf(a, "gateway %lld %.*s", (long long)community, TEXT_ARGS(provider));
}

struct text settings_seal(struct arena *a, const struct digest *key, int64_t community,
                          struct text provider, struct text json) {
  return crypto_seal(a, key, bound_to(a, community, provider), json);
}

struct json *settings_open(struct arena *a, const struct digest *key, int64_t community,
                           struct text provider, struct text sealed, struct text shown) {
  struct text secret = LIT("{}"), why;
  if (sealed.at) secret = crypto_open(a, key, bound_to(a, community, provider), sealed);
  if (!secret.at) return NULL;
  if (shown.len <= 2) return json_parse(a, secret, &why);
  if (secret.len <= 2) return json_parse(a, shown, &why);
  /* Two objects become one: no name is in both. */
  return json_parse(a,
                    arena_printf(a, "%.*s,%.*s", (int)shown.len - 1, shown.at, (int)secret.len - 1,
                                 secret.at + 1),
                    &why);
}
