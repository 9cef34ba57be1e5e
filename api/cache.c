/* What a loop remembers: which slug is which community, and bodies of public answers, each good
 * only at the generation of its community at which it was asked for. One per loop, so without
 * locks. */
#include "api/internal.h"
#include "db/sql.h"

#include <stdlib.h>
#include <string.h>

enum { SLUGS = 1024, BODIES = 1024, WAYS = 4, BODY_MOST_KEPT = 256 << 10, FRESH_MS = 30000 };

struct slug {
  char name[64];
  size_t len;
  int64_t community;
};
struct kept {
  char *target; /* with its query; NULL: empty */
  size_t target_len;
  int64_t community;
  uint64_t generation, until; /* until: time_ticks() */
  struct builder body;
  char etag[40];
  const char *media;
  char *link; /* the Link header of a page; NULL: none */
};
struct ended {
  struct ended *next;
  struct uuid session;
};
struct cache {
  struct slug slugs[SLUGS];
  struct kept bodies[BODIES];
};

struct cache *cache_new(void) {
  return calloc(1, sizeof(struct cache));
}

static void forget(struct kept *k) {
  free(k->target);
  free(k->link);
  builder_free(&k->body);
  *k = (struct kept){0};
}

void cache_free(struct cache *c) {
  for (size_t i = 0; c && i < BODIES; i++)
    forget(&c->bodies[i]);
  free(c);
}

/* FNV-1a; of slugs, a collision only costs the older one its place. */
static size_t place(struct text t, size_t places) {
  uint64_t h = UINT64_C(14695981039346656037);
  for (size_t i = 0; i < t.len; i++)
    h = (h ^ (unsigned char)t.at[i]) * UINT64_C(1099511628211);
  return (size_t)(h ^ h >> 32) % places;
}

bool community_known(struct cache *c, struct text slug, int64_t *community) {
  const struct slug *s = &c->slugs[place(slug, SLUGS)];
  if (!s->len || s->len != slug.len || memcmp(s->name, slug.at, slug.len) != 0) return false;
  *community = s->community;
  return true;
}

/* A community keeps its slug and its number for ever. */
void community_keep(struct cache *c, struct text slug, int64_t community) {
  struct slug *s = &c->slugs[place(slug, SLUGS)];
  if (slug.len > sizeof s->name) return;
  memcpy(s->name, slug.at, slug.len);
  s->len = slug.len;
  s->community = community;
}

/* A body has four places; what it takes, when none is its own or empty, is the one that ends first.
 */
static struct kept *place_of(struct exchange *x, bool take) {
  struct kept *set = &cache_of(x)->bodies[place(x->target, BODIES / WAYS) * WAYS], *first = set;
  for (struct kept *k = set; k < set + WAYS; k++)
    if (k->target && text_equal((struct text){k->target, k->target_len}, x->target)) return k;
  for (struct kept *k = set + 1; k < set + WAYS; k++)
    if (first->target && (!k->target || k->until < first->until)) first = k;
  return take ? first : NULL;
}

/* `community`: the caller's, or 0 for what is public. */
static bool answer_kept(struct exchange *x, int64_t community) {
  if (!house_trusted(x->api->house)) return false;
  struct kept *k = place_of(x, false);
  if (!k) return false;
  if (community && k->community != community) return false;
  if (k->generation != house_generation(x->api->house, k->community) ||
      loop_now(x->q.loop) > k->until) {
    forget(k);
    return false;
  }
  build_text(&x->answer, built(&k->body));
  x->q.community = k->community;
  x->etag = arena_copy(&x->q.arena, text_of(k->etag));
  x->media = k->media;
  if (k->link) reply_header(&x->q, "Link", text_of(k->link));
  x->status = 200;
  x->from_memory = true;
  metric_add(lyceum_answers_from_memory, 1);
  return !x->answer.failed;
}

bool cache_answer(struct exchange *x) {
  return x->route && x->route->cached && answer_kept(x, 0);
}

bool from_memory(struct request *q) {
  return q->community && answer_kept(exchange_of(q), q->community);
}

void same_for_all(struct request *q) {
  exchange_of(q)->shared = true;
}

/* A derived status changes with the clock alone: the answer says until when it holds. */
static uint64_t fresh_ms(const struct exchange *x) {
  micros left = x->until - time_now();
  if (!x->until || left > FRESH_MS * INT64_C(1000)) return FRESH_MS;
  return left > 0 ? (uint64_t)left / 1000 : 0;
}

/* Kept only if nothing has changed since the question left. */
void cache_keep(struct exchange *x) {
  const struct route *r = x->route;
  if (!r || !(r->cached || x->shared) || x->from_memory) return;
  if (x->status != 200 || x->q.problem) return;
  if (!house_trusted(x->api->house) || x->answer.len > BODY_MOST_KEPT || !x->q.community) return;
  if (x->generation != house_generation(x->api->house, x->q.community)) return;
  struct kept *k = place_of(x, true);
  forget(k);
  k->target = malloc(x->target.len + 1);
  if (!k->target) return;
  memcpy(k->target, x->target.at, x->target.len);
  k->target_len = x->target.len;
  k->community = x->q.community;
  k->generation = x->generation;
  k->until = loop_now(x->q.loop) + fresh_ms(x);
  k->media = x->media;
  if (x->etag.len < sizeof k->etag) memcpy(k->etag, x->etag.at ? x->etag.at : "", x->etag.len);
  for (size_t i = 0; i < x->header_count; i++) /* arena_copy ends it with NUL */
    if (text_is(x->headers[i].name, "Link")) k->link = strdup(x->headers[i].value.at);
  build_text(&k->body, built(&x->answer));
  if (k->body.failed) forget(k);
}

/* Raised just before the answer leaves: by then a transaction has committed, so that nobody can
 * keep what was read before it as if it were of after. */
void raise_generation(struct request *q) {
  exchange_of(q)->raises = true;
}

/* As late, for what is rolled back has ended nothing. Others hear of it by its notification. */
void end_sessions(struct request *q, const struct rows *r) {
  struct exchange *x = exchange_of(q);
  struct account_sessions_end_row row;
  for (int i = 0; row_account_sessions_end(q, r, i, &row); i++) {
    struct ended *e = NEW(&q->arena, struct ended);
    *e = (struct ended){x->ends, row.session};
    x->ends = e;
  }
}

void cache_raise(struct exchange *x) {
  if (x->raises) house_raise(x->api->house, x->q.community);
  if (x->q.problem != NO_PROBLEM) return;
  for (const struct ended *e = x->ends; e; e = e->next)
    house_end_session(x->api->house, e->session);
}
