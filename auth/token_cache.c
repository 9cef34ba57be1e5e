/* The cache of verified tokens: what every request looks into first.
 *
 * 64 shards, chosen by the token's digest, each with a lock of its own, a ring of entries and
 * chains through them. The ring overwrites its oldest entry; as all tokens live equally long, that
 * is the one that would expire first. Memory is touched only as the ring fills, so a quiet server
 * pays little for the room. Only tokens with a good signature get in: strangers can't push others
 * out. */
#include "auth/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SHARDS = 64, ENTRIES = 4096 };

struct entry {
  struct digest token;
  struct claims claims;
  int64_t until; /* seconds */
  uint16_t next; /* in its chain: an index from 1, or 0 at the end */
};

struct shard {
  _Alignas(64) pthread_mutex_t lock;
  uint16_t newest;         /* where the ring wrote last; 0: nowhere yet */
  bool full;               /* the ring has gone round: what comes next is in use */
  uint16_t heads[ENTRIES]; /* chains; 0: empty */
  struct entry *entries;   /* [1] to [ENTRIES] */
};

struct token_cache {
  _Atomic uint64_t epoch;
  struct shard shards[SHARDS];
};

struct token_cache *token_cache_new(void) {
  struct token_cache *c = aligned_alloc(64, sizeof *c);
  struct entry *room = calloc((size_t)SHARDS * (ENTRIES + 1), sizeof *room);
  if (!c || !room) {
    free(c);
    free(room);
    return NULL;
  }
  memset(c, 0, sizeof *c);
  for (size_t i = 0; i < SHARDS; i++) {
    pthread_mutex_init(&c->shards[i].lock, NULL);
    c->shards[i].entries = room + i * (ENTRIES + 1);
  }
  return c;
}

void token_cache_free(struct token_cache *c) {
  if (!c) return;
  for (size_t i = 0; i < SHARDS; i++)
    pthread_mutex_destroy(&c->shards[i].lock);
  free(c->shards[0].entries);
  free(c);
}

static struct shard *shard_of(struct token_cache *c, const struct digest *d) {
  return &c->shards[d->b[0] % SHARDS];
}

static uint16_t *chain_of(struct shard *s, const struct digest *d) {
  return &s->heads[(d->b[1] | (unsigned)d->b[2] << 8) % ENTRIES];
}

/* Comparing digests in constant time is not needed: who could steer a SHA-256 byte by byte would
 * not need to. */
static struct entry *look(struct shard *s, const struct digest *d) {
  for (uint16_t i = *chain_of(s, d); i; i = s->entries[i].next)
    if (memcmp(&s->entries[i].token, d, sizeof *d) == 0) return &s->entries[i];
  return NULL;
}

bool token_cache_find(struct token_cache *c, const struct digest *token, int64_t now,
                      struct claims *out) {
  struct shard *s = shard_of(c, token);
  pthread_mutex_lock(&s->lock);
  const struct entry *e = look(s, token);
  bool found = e && now < e->until;
  if (found) *out = e->claims;
  pthread_mutex_unlock(&s->lock);
  return found;
}

/* Takes the ring's next entry out of its chain, if it is in one. */
static uint16_t make_room(struct shard *s) {
  uint16_t i = s->newest == ENTRIES ? 1 : (uint16_t)(s->newest + 1);
  if (s->full) {
    uint16_t *link = chain_of(s, &s->entries[i].token);
    while (*link != i)
      link = &s->entries[*link].next;
    *link = s->entries[i].next;
  }
  s->newest = i;
  s->full = s->full || i == ENTRIES;
  return i;
}

static void put(struct shard *s, const struct digest *token, const struct claims *claims,
                int64_t until) {
  if (look(s, token)) return; /* two loops verified the same token at once */
  uint16_t i = make_room(s), *head = chain_of(s, token);
  s->entries[i] = (struct entry){*token, *claims, until, *head};
  *head = i;
}

uint64_t token_cache_epoch(struct token_cache *c) {
  return atomic_load(&c->epoch);
}

void token_cache_put(struct token_cache *c, const struct digest *token, const struct claims *claims,
                     int64_t until, uint64_t epoch) {
  struct shard *s = shard_of(c, token);
  pthread_mutex_lock(&s->lock);
  /* Emptying raises the epoch before it takes the locks: either this sees it, or it is swept. */
  if (token_cache_epoch(c) == epoch) put(s, token, claims, until);
  pthread_mutex_unlock(&s->lock);
}

static void sweep(struct shard *s) {
  pthread_mutex_lock(&s->lock);
  for (size_t i = 0; i < ENTRIES; i++)
    s->heads[i] = 0;
  s->newest = 0;
  s->full = false;
  pthread_mutex_unlock(&s->lock);
}

void token_cache_empty(struct token_cache *c) {
  atomic_fetch_add(&c->epoch, 1);
  for (size_t i = 0; i < SHARDS; i++)
    sweep(&c->shards[i]);
}
