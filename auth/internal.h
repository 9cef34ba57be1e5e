/* What the files of auth/ share with each other and with nobody else. */
#ifndef LYCEUM_AUTH_INTERNAL_H
#define LYCEUM_AUTH_INTERNAL_H

#include "auth/auth.h"

/* Raising one community may raise others that share its place: that costs a look, never truth. */
enum { GENERATIONS = 4096 };

struct house {
  struct secrets secrets;
  char *issuer, *audience; /* as claims hold them; NUL-terminated */
  char *issuer_json;       /* with quotes and escapes */
  char *audience_json;
  int64_t token_seconds; /* life of an access token */
  int64_t pace_scale;    /* multiplies every budget */
  struct token_cache *tokens;
  struct key_ring *keys;
  struct revoked *revoked;
  struct pace_table *paces;
  _Atomic uint64_t trusted_until; /* in ticks; one thread writes it */
  atomic_bool keys_wanted;
  _Atomic uint64_t all_raised;
  _Atomic uint64_t raised[GENERATIONS];
};

/* ---- the cache of verified tokens: bounded; the first in is the first out ---------------------
 */

struct token_cache *token_cache_new(void);
void token_cache_free(struct token_cache *c);
/* Seconds: `until` is the first one in which the token isn't good any more. */
bool token_cache_find(struct token_cache *c, const struct digest *token, int64_t now,
                      struct claims *out);
/* What was verified before the cache was emptied is not put in after it: `epoch` was read first. */
uint64_t token_cache_epoch(struct token_cache *c);
void token_cache_put(struct token_cache *c, const struct digest *token, const struct claims *claims,
                     int64_t until, uint64_t epoch);
void token_cache_empty(struct token_cache *c);

/* ---- keys: a set is never changed, it is replaced ---------------------------------------------
 */

enum { KID_MAX = 64, KEYS_MAX = 32 };
struct signing_key {
  char kid[KID_MAX + 1];
  struct ec_key *key;
  micros active_from, retired_at; /* 0: not retired */
};
struct key_set {
  atomic_int users; /* the ring is one while it is the present set */
  size_t count;
  struct signing_key keys[KEYS_MAX];
};

struct key_ring *key_ring_new(void);
void key_ring_free(struct key_ring *r);
/* The present set, kept until key_set_drop; NULL before the first was loaded. */
struct key_set *key_set_take(struct key_ring *r);
void key_set_drop(struct key_set *s);
const struct signing_key *key_for_signing(const struct key_set *s, micros now);
/* NULL when unknown or retired. */
const struct signing_key *key_by_kid(const struct key_set *s, struct text kid, micros now);

/* ---- ended sessions and changed members -------------------------------------------------------
 */

struct revoked *revoked_new(void);
void revoked_free(struct revoked *r);
/* Neither waits for a lock: they are on the way of every request. */
bool is_revoked(struct revoked *r, const struct claims *c, micros now);
bool revoked_is_whole(struct revoked *r, micros now); /* false: something didn't fit */
void revoke_session(struct revoked *r, struct uuid session, micros now, micros until);
void revoke_member(struct revoked *r, int64_t community, struct uuid member, int64_t version,
                   micros now, micros until);

struct pace_table *pace_table_new(void);
void pace_table_free(struct pace_table *t);

#endif
