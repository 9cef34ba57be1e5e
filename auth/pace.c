/* Rate limits: the generic cell rate algorithm over a bounded table.
 *
 * Of each (class, scope, who) one moment is kept: when its budget will be whole again. Each request
 * moves it on by window / limit, and is refused when that would put it further ahead than a window.
 * So a budget can be spent in one burst and comes back evenly.
 *
 * The table has sets of eight; a newcomer takes the place of whose budget is whole, else of whose
 * is nearest to it: who was charged most is kept longest, so a flood of names clears nobody's
 * record cheaply. Names are hashed with a random key, so nobody can aim at another's place. */
#include "auth/internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { SETS = 16384, WAYS = 8, LOCKS = 64 };

struct budget {
  int64_t limit;    /* in the window; 0: none */
  uint32_t seconds; /* the window */
};

/* One hall is one address: a thousand people who sign up, redeem and check in within a minute from
 * there make some hundred slips, which must pass. Per account every try counts; the account of a
 * sign-in is its login, that of a challenge its contact. */
static const struct budget budgets[PACE_COUNT][3] = {
    [GENERAL] = {[PER_ACCOUNT] = {600, 60}, [PER_ADDRESS] = {3000, 60}},
    [SIGN_INS] = {[PER_ACCOUNT] = {10, 900}, [PER_ADDRESS] = {100, 900}, [OVERALL] = {5000, 900}},
    [SIGN_UPS] = {[PER_ACCOUNT] = {30, 600}, [PER_ADDRESS] = {600, 600}, [OVERALL] = {10000, 600}},
    [GUESSES] = {[PER_ACCOUNT] = {10, 600}, [PER_ADDRESS] = {300, 600}, [OVERALL] = {5000, 600}},
    [CHALLENGES] =
        {[PER_ACCOUNT] = {30, 600}, [PER_ADDRESS] = {600, 600}, [OVERALL] = {10000, 600}},
};

static const char *const names[PACE_COUNT] = {"none",     "general", "sign-ins",
                                              "sign-ups", "guesses", "challenges"};

const char *pace_name(enum pace_class c) {
  return names[c];
}

/* ---- the table --------------------------------------------------------------------------------
 */

struct cell {
  uint64_t key;   /* 0: free */
  uint64_t whole; /* when the budget is whole again, in time_nanos() */
};

struct pace_table {
  uint64_t hash_key[2];
  struct {
    _Alignas(64) pthread_mutex_t mutex;
  } locks[LOCKS];
  struct cell cells[SETS][WAYS];
};

struct pace_table *pace_table_new(void) {
  struct pace_table *t = aligned_alloc(64, sizeof *t);
  if (!t) return NULL;
  memset(t, 0, sizeof *t);
  crypto_random(t->hash_key, sizeof t->hash_key);
  for (size_t i = 0; i < LOCKS; i++)
    pthread_mutex_init(&t->locks[i].mutex, NULL);
  return t;
}

void pace_table_free(struct pace_table *t) {
  if (!t) return;
  for (size_t i = 0; i < LOCKS; i++)
    pthread_mutex_destroy(&t->locks[i].mutex);
  free(t);
}

static uint64_t turn_left(uint64_t v, int by) {
  return v << by | v >> (64 - by);
}

static void sip_rounds(uint64_t v[static 4], int rounds) {
  while (rounds--) {
    v[0] += v[1], v[1] = turn_left(v[1], 13) ^ v[0], v[0] = turn_left(v[0], 32);
    v[2] += v[3], v[3] = turn_left(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = turn_left(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = turn_left(v[1], 17) ^ v[2], v[2] = turn_left(v[2], 32);
  }
}

/* SipHash-2-4 (Aumasson and Bernstein): a thirtieth of what an HMAC costs, and enough where only
 * collisions matter. */
static uint64_t sip(const uint64_t key[static 2], struct text t) {
  uint64_t v[4] = {key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
                   key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573};
  for (size_t at = 0; at <= t.len; at += 8) {
    size_t left = t.len - at < 8 ? t.len - at : 8;
    uint64_t word = left < 8 ? (uint64_t)t.len << 56 : 0;
    for (size_t i = 0; i < left; i++)
      word |= (uint64_t)(uint8_t)t.at[at + i] << 8 * i;
    v[3] ^= word;
    sip_rounds(v, 2);
    v[0] ^= word;
  }
  v[2] ^= 0xFF;
  sip_rounds(v, 4);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static uint64_t key_of(const struct pace_table *t, enum pace_class c, enum pace_scope s,
                       struct text who) {
  const uint64_t key[2] = {t->hash_key[0] ^ (uint64_t)c, t->hash_key[1] ^ (uint64_t)s};
  uint64_t h = sip(key, s == OVERALL ? NONE : who);
  return h ? h : 1;
}

/* The key's own cell, else the one whose budget is nearest to whole; a free one is at zero. */
static struct cell *cell_for(struct cell set[static WAYS], uint64_t key) {
  struct cell *best = &set[0];
  for (size_t i = 0; i < WAYS; i++) {
    if (set[i].key == key) return &set[i];
    if (set[i].whole < best->whole) best = &set[i];
  }
  return best;
}

/* ---- asking -----------------------------------------------------------------------------------
 */

static uint32_t seconds_up(uint64_t nanos) {
  return (uint32_t)((nanos + 999999999) / 1000000000);
}

/* How the budget stands when it will be whole `ahead` nanoseconds from now. */
static struct pace_state state_of(int64_t limit, uint32_t seconds, uint64_t each, uint64_t ahead) {
  uint64_t window = each * (uint64_t)limit;
  uint64_t left = ahead < window ? (window - ahead) / each : 0;
  return (struct pace_state){
      .allowed = left > 0,
      .limit = limit,
      .remaining = (int64_t)left,
      .window = seconds,
      .reset = seconds_up(left ? ahead : ahead + each - window),
  };
}

static struct pace_state ask(struct house *h, enum pace_class c, enum pace_scope s, struct text who,
                             bool take) {
  const struct budget *b = &budgets[c][s];
  if (!b->limit) return (struct pace_state){.allowed = true};
  int64_t limit = b->limit * h->pace_scale;
  uint64_t each = (uint64_t)b->seconds * 1000000000 / (uint64_t)limit, now = time_nanos();
  if (!each) return (struct pace_state){.allowed = true};
  struct pace_table *t = h->paces;
  uint64_t key = key_of(t, c, s, who), set = key % SETS;
  pthread_mutex_t *lock = &t->locks[set % LOCKS].mutex;
  pthread_mutex_lock(lock);
  struct cell *cell = cell_for(t->cells[set], key);
  uint64_t ahead = cell->key == key && cell->whole > now ? cell->whole - now : 0;
  struct pace_state state = state_of(limit, b->seconds, each, ahead);
  if (take && state.allowed) {
    *cell = (struct cell){key, now + ahead + each};
    state = state_of(limit, b->seconds, each, ahead + each);
    state.allowed = true; /* this one was the last, perhaps */
  }
  pthread_mutex_unlock(lock);
  return state;
}

struct pace_state pace_take(struct house *h, enum pace_class c, enum pace_scope s,
                            struct text who) {
  return ask(h, c, s, who, true);
}

struct pace_state pace_look(struct house *h, enum pace_class c, enum pace_scope s,
                            struct text who) {
  return ask(h, c, s, who, false);
}
