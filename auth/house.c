/* The house: what all loops share, and what the listener tells it. */
#include "auth/internal.h"

#include <stdlib.h>
#include <string.h>

bool secrets_from(struct text hex, struct secrets *out) {
  uint8_t raw[32];
  if (!hex_parse(text_trim(hex), raw, sizeof raw)) return false;
  struct text secret = {(const char *)raw, sizeof raw};
  /* The purposes are part of the stored data: change one, and what it made can't be read again. */
  out->pepper = crypto_derive(secret, "lyceum/1 code pepper");
  out->sealing = crypto_derive(secret, "lyceum/1 sealing");
  out->refresh = crypto_derive(secret, "lyceum/1 refresh token");
  out->check_in = crypto_derive(secret, "lyceum/1 check-in code");
  out->gift = crypto_derive(secret, "lyceum/1 gift link");
  out->role = crypto_derive(secret, "lyceum/1 database role");
  explicit_bzero(raw, sizeof raw);
  return true;
}

/* ---- made and given back ----------------------------------------------------------------------
 */

static char *own(const struct builder *b) {
  return b->failed ? NULL : strndup(b->at, b->len);
}

/* `issuer` and `issuer` + "/v1", plain and as JSON. */
static bool keep_names(struct house *h, const char *issuer) {
  struct builder b[4] = {{0}};
  build_str(&b[0], issuer);
  build_printf(&b[1], "%s/v1", issuer);
  build_quoted(&b[2], built(&b[0]));
  build_quoted(&b[3], built(&b[1]));
  h->issuer = own(&b[0]);
  h->audience = own(&b[1]);
  h->issuer_json = own(&b[2]);
  h->audience_json = own(&b[3]);
  for (size_t i = 0; i < COUNT(b); i++)
    builder_free(&b[i]);
  return h->issuer && h->audience && h->issuer_json && h->audience_json;
}

struct house *house_new(const struct secrets *s, const char *issuer, int64_t token_seconds,
                        int64_t pace_scale) {
  struct house *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->secrets = *s;
  h->token_seconds = token_seconds;
  h->pace_scale = pace_scale < 1 ? 1 : pace_scale;
  h->tokens = token_cache_new();
  h->keys = key_ring_new();
  h->revoked = revoked_new();
  h->paces = pace_table_new();
  if (issuer[0] && keep_names(h, issuer) && h->tokens && h->keys && h->revoked && h->paces)
    return h;
  house_free(h);
  return NULL;
}

void house_free(struct house *h) {
  if (!h) return;
  token_cache_free(h->tokens);
  key_ring_free(h->keys);
  revoked_free(h->revoked);
  pace_table_free(h->paces);
  free(h->issuer);
  free(h->audience);
  free(h->issuer_json);
  free(h->audience_json);
  explicit_bzero(&h->secrets, sizeof h->secrets);
  free(h);
}

const struct secrets *house_secrets(const struct house *h) {
  return &h->secrets;
}

/* ---- generations and trust --------------------------------------------------------------------
 */

static _Atomic uint64_t *generation_of(struct house *h, int64_t community) {
  return &h->raised[(uint64_t)community % GENERATIONS];
}

/* A sum of two that only grow: no generation ever comes back. */
uint64_t house_generation(struct house *h, int64_t community) {
  return atomic_load(generation_of(h, community)) + atomic_load(&h->all_raised);
}

void house_raise(struct house *h, int64_t community) {
  atomic_fetch_add(generation_of(h, community), 1);
}

void house_raise_all(struct house *h) {
  atomic_fetch_add(&h->all_raised, 1);
}

void house_trust(struct house *h, uint64_t until) {
  atomic_store(&h->trusted_until, until);
}

bool house_trusted(const struct house *h) {
  return time_ticks() < atomic_load(&h->trusted_until) && revoked_is_whole(h->revoked, time_now());
}

bool house_keys_wanted(struct house *h) {
  return atomic_exchange(&h->keys_wanted, false);
}

/* ---- revocation -------------------------------------------------------------------------------
 */

/* A token that was signed at this moment by a process whose clock is ahead must be covered, too. */
static micros forget_at(const struct house *h, micros now) {
  const int64_t clocks_apart = 120;
  return now + (h->token_seconds + clocks_apart) * 1000000;
}

void house_end_session(struct house *h, struct uuid session) {
  micros now = time_now();
  revoke_session(h->revoked, session, now, forget_at(h, now));
}

void house_member_changed(struct house *h, int64_t community, struct uuid member, int64_t version) {
  micros now = time_now();
  revoke_member(h->revoked, community, member, version, now, forget_at(h, now));
}

static bool hear_session(struct house *h, struct text rest) {
  struct uuid session;
  if (!uuid_parse(rest, &session)) return false;
  house_end_session(h, session);
  return true;
}

static bool hear_member(struct house *h, struct text rest) {
  int64_t community, version;
  struct uuid member;
  if (!text_to_int(text_cut(&rest, ' '), &community)) return false;
  if (!uuid_parse(text_cut(&rest, ' '), &member) || !text_to_int(rest, &version)) return false;
  house_member_changed(h, community, member, version);
  return true;
}

static bool hear_public(struct house *h, struct text rest) {
  int64_t community;
  if (!text_to_int(rest, &community)) return false;
  house_raise(h, community);
  return true;
}

/* A word that it doesn't know comes from a newer version, and is meant for that one. */
void house_hear(struct house *h, struct text payload) {
  struct text rest = payload, word = text_cut(&rest, ' ');
  bool understood = true;
  if (text_is(word, "session")) understood = hear_session(h, rest);
  if (text_is(word, "member")) understood = hear_member(h, rest);
  if (text_is(word, "public")) understood = hear_public(h, rest);
  if (text_is(word, "keys")) atomic_store(&h->keys_wanted, true);
  if (!understood) log_write(LOG_WARN, "notice_malformed", "payload=\"%.*s\"", TEXT_ARGS(payload));
}
