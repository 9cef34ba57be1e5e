/* Ended sessions, and members whose older tokens are void.
 *
 * An open-addressed table of atomic words: writers, who are rare, take a lock; readers, who are
 * every request, take none. A slot holds the fingerprint of a session or member, the least version
 * of token that is still good (no version is, for a session), and until when that matters: a token
 * lives minutes, so a slot can be used again soon. A slot that was used is never empty again, so a
 * reader stops at the first empty one. What finds no place makes the whole table untrusted for as
 * long as it would have stayed: then PostgreSQL is asked. */
#include "auth/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 1 << 16, REACH = 64 };
enum { EMPTY, CHANGING, FIRST_FINGERPRINT }; /* of a slot's key */

struct slot {
  _Atomic uint64_t key;
  _Atomic int64_t least; /* tokens below this version are void */
  _Atomic micros until;
};

struct revoked {
  pthread_mutex_t lock; /* of writers */
  _Atomic micros whole_from;
  struct slot slots[SLOTS];
};

struct revoked *revoked_new(void) {
  struct revoked *r = calloc(1, sizeof *r);
  if (r) pthread_mutex_init(&r->lock, NULL);
  return r;
}

void revoked_free(struct revoked *r) {
  if (!r) return;
  pthread_mutex_destroy(&r->lock);
  free(r);
}

/* The finaliser of SplitMix64: every bit of v reaches every bit of the result. */
static uint64_t mix(uint64_t v) {
  v = (v ^ v >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  v = (v ^ v >> 27) * UINT64_C(0x94D049BB133111EB);
  return v ^ v >> 31;
}

/* Ids are made by servers, so nobody aims at a collision; and one would only end a session. */
static uint64_t fingerprint(uint64_t kind, int64_t community, struct uuid id) {
  uint64_t half[2];
  memcpy(half, id.b, sizeof half);
  uint64_t v = mix(half[0] ^ mix(half[1] ^ mix((uint64_t)community * 2 + kind)));
  return v < FIRST_FINGERPRINT ? FIRST_FINGERPRINT : v;
}

static struct slot *slot_at(struct revoked *r, uint64_t key, unsigned step) {
  return &r->slots[(key + step) % SLOTS];
}

static int64_t least_version(struct revoked *r, uint64_t key, micros now) {
  for (unsigned i = 0; i < REACH; i++) {
    struct slot *s = slot_at(r, key, i);
    uint64_t found = atomic_load(&s->key);
    if (found == EMPTY) return 0;
    if (found != key) continue;
    int64_t least = atomic_load(&s->least);
    bool matters = atomic_load(&s->until) > now;
    /* Taken over by another meanwhile? Then what was there had lapsed. */
    if (atomic_load(&s->key) == key) return matters ? least : 0;
  }
  return 0;
}

enum { SESSION, MEMBER };

bool is_revoked(struct revoked *r, const struct claims *c, micros now) {
  return least_version(r, fingerprint(SESSION, 0, c->caller.session), now) > c->version ||
         least_version(r, fingerprint(MEMBER, c->community, c->caller.member), now) > c->version;
}

bool revoked_is_whole(struct revoked *r, micros now) {
  return now >= atomic_load(&r->whole_from);
}

/* ---- writing ----------------------------------------------------------------------------------
 */

/* The key's own slot, else the first that is empty or has lapsed, else NULL. */
static struct slot *place_for(struct revoked *r, uint64_t key, micros now) {
  struct slot *usable = NULL;
  for (unsigned i = 0; i < REACH; i++) {
    struct slot *s = slot_at(r, key, i);
    uint64_t found = atomic_load(&s->key);
    if (found == key) return s;
    if (!usable && (found == EMPTY || atomic_load(&s->until) <= now)) usable = s;
    if (found == EMPTY) break;
  }
  return usable;
}

static void raise_slot(struct slot *s, uint64_t key, int64_t least, micros until) {
  if (atomic_load(&s->key) != key) {
    atomic_store(&s->key, CHANGING);
    atomic_store(&s->least, 0);
    atomic_store(&s->until, 0);
  }
  if (least > atomic_load(&s->least)) atomic_store(&s->least, least);
  if (until > atomic_load(&s->until)) atomic_store(&s->until, until);
  atomic_store(&s->key, key);
}

static void revoke(struct revoked *r, uint64_t key, int64_t least, micros now, micros until) {
  pthread_mutex_lock(&r->lock);
  struct slot *s = place_for(r, key, now);
  if (s)
    raise_slot(s, key, least, until);
  else if (until > atomic_load(&r->whole_from))
    atomic_store(&r->whole_from, until);
  pthread_mutex_unlock(&r->lock);
}

void revoke_session(struct revoked *r, struct uuid session, micros now, micros until) {
  revoke(r, fingerprint(SESSION, 0, session), INT64_MAX, now, until);
}

void revoke_member(struct revoked *r, int64_t community, struct uuid member, int64_t version,
                   micros now, micros until) {
  revoke(r, fingerprint(MEMBER, community, member), version, now, until);
}
