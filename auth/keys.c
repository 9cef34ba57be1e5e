/* Signing keys: sealed in the database, open only here.
 *
 * A set is built, put in the place of the one before, and never changed; who uses it holds it, so a
 * rotation waits for nobody and nobody waits for it. A key signs from active_from on, until a newer
 * one does; it verifies until retired_at.
 *
 * What makes keys verify fast takes long to compute, so a thread of the ring's does that for each
 * new set while its keys verify slowly. Keys that are in the next set as well take it along. */
#include "auth/internal.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct key_ring {
  pthread_mutex_t lock; /* over all that follows */
  pthread_cond_t changed;
  struct key_set *present;
  bool is_new; /* the thread has not come to the present set yet */
  bool runs, stops;
  pthread_t thread; /* if it runs */
};

struct key_ring *key_ring_new(void) {
  struct key_ring *r = calloc(1, sizeof *r);
  if (!r) return NULL;
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->changed, NULL);
  return r;
}

static void stop(struct key_ring *r) {
  pthread_mutex_lock(&r->lock);
  r->stops = true;
  pthread_cond_signal(&r->changed);
  pthread_mutex_unlock(&r->lock);
  if (r->runs) pthread_join(r->thread, NULL);
}

void key_ring_free(struct key_ring *r) {
  if (!r) return;
  stop(r);
  key_set_drop(r->present);
  pthread_cond_destroy(&r->changed);
  pthread_mutex_destroy(&r->lock);
  free(r);
}

struct key_set *key_set_take(struct key_ring *r) {
  pthread_mutex_lock(&r->lock);
  struct key_set *s = r->present;
  if (s) atomic_fetch_add(&s->users, 1);
  pthread_mutex_unlock(&r->lock);
  return s;
}

void key_set_drop(struct key_set *s) {
  if (!s || atomic_fetch_sub(&s->users, 1) != 1) return;
  for (size_t i = 0; i < s->count; i++)
    ec_key_free(s->keys[i].key);
  free(s);
}

static bool is_retired(const struct signing_key *k, micros now) {
  return k->retired_at && now >= k->retired_at;
}

/* The newest that is active. When none is yet, for the database's clock is ahead of ours, the one
 * that will be first. */
const struct signing_key *key_for_signing(const struct key_set *s, micros now) {
  const struct signing_key *best = NULL;
  for (size_t i = 0; i < s->count; i++) {
    const struct signing_key *k = &s->keys[i];
    if (is_retired(k, now)) continue;
    bool newer = best && k->active_from > best->active_from;
    if (!best || (best->active_from > now ? !newer : newer && k->active_from <= now)) best = k;
  }
  return best;
}

const struct signing_key *key_by_kid(const struct key_set *s, struct text kid, micros now) {
  for (size_t i = 0; i < s->count; i++)
    if (text_is(kid, s->keys[i].kid)) return is_retired(&s->keys[i], now) ? NULL : &s->keys[i];
  return NULL;
}

/* ---- loading ----------------------------------------------------------------------------------
 */

/* A kid goes into headers unescaped, so it is of base64url's letters. */
static bool is_kid(struct text t) {
  if (t.len == 0 || t.len > KID_MAX) return false;
  for (size_t i = 0; i < t.len; i++) {
    char c = t.at[i];
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !(c >= '0' && c <= '9') && c != '-' && c != '_') return false;
  }
  return true;
}

/* The key of the set before, which may be NULL, where it is the same: it need not get fast again.
 */
static struct ec_key *open_key(const struct key_set *before, struct text kid, struct text der) {
  for (size_t i = 0; before && i < before->count; i++)
    if (text_is(kid, before->keys[i].kid) && ec_key_is(before->keys[i].key, der))
      return ec_key_share(before->keys[i].key);
  return ec_key_from_pkcs8(der);
}

static bool load(const struct secrets *s, const struct key_set *before,
                 const struct key_record *from, struct signing_key *to) {
  struct arena a = {0};
  if (!is_kid(from->kid)) return false;
  struct text der = crypto_open(&a, &s->sealing, from->kid, from->sealed);
  *to = (struct signing_key){.active_from = from->active_from, .retired_at = from->retired_at};
  memcpy(to->kid, from->kid.at, from->kid.len);
  to->key = der.at ? open_key(before, from->kid, der) : NULL;
  if (der.at) explicit_bzero((char *)der.at, der.len);
  arena_free(&a);
  return to->key != NULL;
}

/* The next set that the thread has not come to, held; NULL when it is to end. */
static struct key_set *await_set(struct key_ring *r) {
  pthread_mutex_lock(&r->lock);
  while (!r->is_new && !r->stops)
    pthread_cond_wait(&r->changed, &r->lock);
  struct key_set *s = r->stops ? NULL : r->present;
  if (s) atomic_fetch_add(&s->users, 1);
  r->is_new = false;
  pthread_mutex_unlock(&r->lock);
  return s;
}

static bool is_stopping(struct key_ring *r) {
  pthread_mutex_lock(&r->lock);
  bool stops = r->stops;
  pthread_mutex_unlock(&r->lock);
  return stops;
}

static void *hasten_keys(void *ring) {
  struct key_set *s;
  while ((s = await_set(ring)) != NULL) {
    for (size_t i = 0; i < s->count && !is_stopping(ring); i++)
      ec_key_hasten(s->keys[i].key);
    key_set_drop(s);
  }
  return NULL;
}

/* Under the lock. Where no thread can be had, the next set tries again. Signals are not for it. */
static void wake_thread(struct key_ring *r) {
  sigset_t all, before;
  r->is_new = true;
  if (r->runs) {
    pthread_cond_signal(&r->changed);
    return;
  }
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  r->runs = pthread_create(&r->thread, NULL, hasten_keys, r) == 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Has a key gone sooner than was known when its tokens were cached? Not when it stays for as long
 * as the youngest of them lives, which is how a rotation retires it. */
static bool is_cut_short(const struct signing_key *was, const struct key_set *set, micros now,
                         micros life) {
  if (is_retired(was, now)) return false;
  for (size_t i = 0; i < set->count; i++) {
    const struct signing_key *is = &set->keys[i];
    if (strcmp(was->kid, is->kid) != 0) continue;
    bool as_late = was->retired_at && is->retired_at >= was->retired_at;
    return is->retired_at && !as_late && is->retired_at < now + life;
  }
  return true;
}

static void replace(struct house *h, struct key_set *set, micros now) {
  const int64_t clocks_apart = 60; /* as much as token_verify allows an issuer to be ahead */
  micros life = (h->token_seconds + clocks_apart) * 1000000;
  bool stale = false;
  pthread_mutex_lock(&h->keys->lock);
  struct key_set *before = h->keys->present;
  h->keys->present = set;
  wake_thread(h->keys);
  pthread_mutex_unlock(&h->keys->lock);
  for (size_t i = 0; before && i < before->count && !stale; i++)
    stale = is_cut_short(&before->keys[i], set, now, life);
  if (stale) token_cache_empty(h->tokens);
  key_set_drop(before);
}

bool house_keys(struct house *h, const struct key_record *keys, size_t count) {
  struct key_set *set = calloc(1, sizeof *set);
  if (!set) return false;
  micros now = time_now();
  bool good = true;
  set->users = 1;
  struct key_set *before = key_set_take(h->keys);
  for (size_t i = 0; good && i < count; i++) {
    if (keys[i].retired_at && keys[i].retired_at <= now) continue;
    good = set->count < KEYS_MAX && load(&h->secrets, before, &keys[i], &set->keys[set->count]);
    if (good) set->count++;
  }
  key_set_drop(before);
  if (good)
    replace(h, set, now);
  else
    key_set_drop(set);
  return good;
}

/* ---- making and publishing --------------------------------------------------------------------
 */

struct halves { /* of a public key, in base64url */
  struct text x, y;
};

static bool halves_of(struct arena *a, const struct ec_key *k, struct halves *out) {
  uint8_t xy[64];
  if (!ec_key_xy(k, xy)) return false;
  out->x = base64url(a, (struct text){(const char *)xy, 32});
  out->y = base64url(a, (struct text){(const char *)xy + 32, 32});
  return true;
}

/* RFC 7638: the members that make the key, in the order of the alphabet, without white space. */
static struct text thumbprint(struct arena *a, const struct halves *p) {
  struct text json =
      arena_printf(a, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%.*s\",\"y\":\"%.*s\"}",
                   TEXT_ARGS(p->x), TEXT_ARGS(p->y));
  struct digest d = crypto_sha256(json);
  return base64url(a, (struct text){(const char *)d.b, sizeof d.b});
}

static struct text jwk_of(struct arena *a, struct text kid, const struct halves *p) {
  return arena_printf(a,
                      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"%.*s\",\"y\":\"%.*s\","
                      "\"kid\":\"%.*s\",\"use\":\"sig\",\"alg\":\"ES256\"}",
                      TEXT_ARGS(p->x), TEXT_ARGS(p->y), TEXT_ARGS(kid));
}

bool key_make(const struct secrets *s, struct arena *a, struct text *kid, struct text *sealed,
              struct text *jwk) {
  struct ec_key *k = ec_key_new();
  struct halves p;
  bool good = k && halves_of(a, k, &p);
  struct text der = good ? ec_key_pkcs8(a, k) : NONE;
  if (der.at) {
    *kid = thumbprint(a, &p);
    *jwk = jwk_of(a, *kid, &p);
    *sealed = crypto_seal(a, &s->sealing, *kid, der);
    explicit_bzero((char *)der.at, der.len);
  }
  ec_key_free(k);
  return der.at && sealed->at && !a->failed;
}

void house_jwks(struct house *h, struct builder *b) {
  struct key_set *s = key_set_take(h->keys);
  struct arena a = {0};
  micros now = time_now();
  bool first = true;
  build_str(b, "{\"keys\":[");
  for (size_t i = 0; s && i < s->count; i++) {
    const struct signing_key *k = &s->keys[i];
    struct halves p;
    if (is_retired(k, now) || !halves_of(&a, k->key, &p)) continue;
    if (!first) build_char(b, ',');
    first = false;
    build_text(b, jwk_of(&a, text_of(k->kid), &p));
  }
  build_str(b, "]}");
  b->failed = b->failed || a.failed;
  arena_free(&a);
  key_set_drop(s);
}
