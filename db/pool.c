/* The links of one loop, and how an ask finds its way onto one of them. */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

enum { QUEUE_MOST = 8192 };

static struct pool *pool_of(const struct request *q) {
  return loop_kept(q->loop, ROOM_DB);
}

/* ---- abandoned asks: the deadline passed ---- */

static void leave_gather(struct asked *a) {
  struct gather *g = a->gather;
  for (struct asked **at = &g->first; *at; at = &(*at)->next_asked) {
    if (*at != a) continue;
    *at = a->next_asked;
    if (!*at) g->end = at;
    g->waiting--;
    return;
  }
}

static bool abandon_ask(struct request *q) {
  struct asked *a = q->waits_on;
  if (a->gather) {
    leave_gather(a);
    return true;
  }
  bool flying = a->unit->flying;
  a->unit->asks[a->index] = NULL;
  if (a->unit->kind == UNIT_COMMIT) {
    if (!flying) a->unit->kind = UNIT_ROLLBACK; /* it is in the queue already */
    return !flying;
  }
  /* A read changes nothing, and what runs in a transaction will be rolled back. */
  return !flying || q->held || a->s->flags & SQL_READ;
}

/* ---- asking ---- */

static struct asked *asked_new(struct request *q, const struct statement *s, rows_next next,
                               const void *in) {
  struct asked *a = NEW(&q->arena, struct asked);
  void *copy = arena_alloc(&q->arena, s->in_size ? s->in_size : 1);
  if (q->arena.failed) return NULL; /* what it hands out now is not to be linked */
  if (s->in_size) memcpy(copy, in, s->in_size);
  *a = (struct asked){.q = q, .s = s, .next = next, .in = copy};
  q->waits_on = a;
  q->abandon = abandon_ask;
  return a;
}

static struct gather *gather_of(struct pool *p, const struct statement *s, int64_t community) {
  for (struct gather *g = p->gathers; g; g = g->next)
    if (g->s == s && g->community == community) return g;
  struct gather *g = calloc(1, sizeof *g);
  if (!g) return NULL;
  g->s = s;
  g->community = community;
  g->end = &g->first;
  g->next = p->gathers;
  p->gathers = g;
  return g;
}

static bool gathers(struct pool *p, struct asked *a) {
  struct gather *g = gather_of(p, a->s, a->q->community);
  if (!g) return false;
  a->gather = g;
  *g->end = a;
  g->end = &a->next_asked;
  g->waiting++;
  return true;
}

static bool queues(struct link *k, struct asked *a) {
  struct unit *u = unit_new(a->s->flags & SQL_MANY ? UNIT_BATCH : UNIT_ONE, 1);
  if (!u) return false;
  u->s = a->s;
  u->community = a->q->community;
  u->asks[u->count++] = a;
  a->unit = u;
  unit_queue(k, u);
  return true;
}

/* Counted anew each time: there are few gathers, and a sum that is kept can be wrong. */
static bool full(const struct pool *p) {
  size_t most = p->settings.queue_max ? (size_t)p->settings.queue_max : QUEUE_MOST, n = 0;
  for (const struct gather *g = p->gathers; g; g = g->next)
    n += g->waiting;
  for (int i = 0; i < LINK_KINDS; i++)
    n += p->links[i].queued;
  return n >= most;
}

struct step ask(struct request *q, const struct statement *s, rows_next next, const void *in) {
  struct pool *p = pool_of(q);
  struct link *k = q->held ? q->held : &p->links[s->flags & SQL_READ ? LINK_READ : LINK_WRITE];
  if ((k->state == LINK_DOWN && k->redials) || (q->held && k->holder != q))
    return problem(q, DATABASE_AWAY);
  if (full(p)) return problem(q, BUSY);
  struct asked *a = asked_new(q, s, next, in);
  if (!a) return problem(q, OUT_OF_MEMORY);
  metric_add(lyceum_sql_asks, 1);
  bool taken = s->flags & SQL_MANY && !q->held && !q->alone ? gathers(p, a) : queues(k, a);
  if (taken) return WAITS;
  q->abandon = NULL;
  return problem(q, OUT_OF_MEMORY);
}

/* ---- transactions ---- */

static bool send_command(struct link *k, enum unit_kind kind, struct asked *a) {
  struct unit *u = unit_new(kind, a ? 1 : 0);
  if (!u) return false;
  u->main_part = -1;
  if (a) {
    u->asks[u->count++] = a;
    a->unit = u;
  }
  unit_queue(k, u);
  return true;
}

static struct step hold(struct link *k, struct request *q, next_step next) {
  if (!send_command(k, UNIT_BEGIN, NULL)) return problem(q, OUT_OF_MEMORY);
  k->holder = q;
  q->held = k;
  return next(q);
}

static bool abandon_begin(struct request *q) {
  struct asked *a = q->waits_on;
  for (struct asked **at = &a->link->beginners; *at; at = &(*at)->next_asked) {
    if (*at != a) continue;
    *at = a->next_asked;
    if (!*at) a->link->beginners_end = at;
    break;
  }
  return true;
}

struct step begin(struct request *q, next_step next) {
  struct link *k = &pool_of(q)->links[LINK_TRANSACTION];
  if (q->held) return next(q);
  if (k->state == LINK_DOWN && k->redials) return problem(q, DATABASE_AWAY);
  if (k->state == LINK_UP && !k->holder && !k->beginners) return hold(k, q, next);
  struct asked *a = NEW(&q->arena, struct asked);
  if (q->arena.failed) return problem(q, OUT_OF_MEMORY);
  *a = (struct asked){.q = q, .begun = next, .link = k};
  *k->beginners_end = a;
  k->beginners_end = &a->next_asked;
  q->waits_on = a;
  q->abandon = abandon_begin;
  return WAITS;
}

static struct asked *first_beginner(struct link *k) {
  struct asked *a = k->beginners;
  if (!a) return NULL;
  k->beginners = a->next_asked;
  if (!k->beginners) k->beginners_end = &k->beginners;
  a->q->abandon = NULL;
  a->q->waits_on = NULL;
  return a;
}

void begin_next(struct link *k) {
  if (k->kind != LINK_TRANSACTION || k->state != LINK_UP) return;
  /* Until one stays: who ends at once leaves the link to the next. */
  for (struct asked *a; !k->holder && (a = first_beginner(k));)
    request_take(a->q, hold(k, a->q, a->begun));
}

void begin_away(struct link *k) {
  for (struct asked *a; (a = first_beginner(k));)
    request_take(a->q, problem(a->q, DATABASE_AWAY));
}

/* q->held stays, so that whatever the request asks next is refused, and not done elsewhere. */
void holder_lost(struct link *k) {
  k->holder = NULL;
}

bool in_transaction(const struct request *q) {
  return q->held != NULL;
}

static void let_go(struct request *q) {
  struct link *k = q->held;
  q->held = NULL;
  if (k->holder == q) k->holder = NULL;
}

struct step commit(struct request *q, next_step next) {
  struct asked *a = NEW(&q->arena, struct asked);
  *a = (struct asked){.q = q, .begun = next};
  struct link *k = q->held;
  bool away = k->holder != q;
  if (away || q->arena.failed || !send_command(k, UNIT_COMMIT, a)) {
    q->problem = away ? DATABASE_AWAY : OUT_OF_MEMORY;
    q->retry_after = 1;
    return rollback(q, next);
  }
  let_go(q); /* the link is the next one's: units go in order */
  q->waits_on = a;
  q->abandon = abandon_ask;
  return WAITS;
}

struct step rollback(struct request *q, next_step next) {
  struct link *k = q->held;
  if (k->holder == q && !send_command(k, UNIT_ROLLBACK, NULL)) k->broken = true;
  let_go(q);
  return next(q);
}

/* ---- opening and closing ---- */

static void flush(struct turn *t) {
  struct pool *p = CONTAINER_OF(t, struct pool, turn);
  begin_next(&p->links[LINK_TRANSACTION]);
  for (int i = 0; i < LINK_KINDS; i++)
    queue_prune(&p->links[i]);
  gather_flush(p);
  for (int i = 0; i < LINK_KINDS; i++)
    link_flush(&p->links[i]);
}

/* Asked after this turn's flush (by whoever runs later in it): don't sleep over them. */
static int64_t unsent(struct turn *t) {
  const struct pool *p = CONTAINER_OF(t, struct pool, turn);
  for (const struct gather *g = p->gathers; g; g = g->next)
    if (g->waiting && !g->units) return 0;
  for (int i = 0; i < LINK_KINDS; i++)
    if (p->links[i].queue && p->links[i].state == LINK_UP && !p->links[i].alone) return 0;
  return -1;
}

bool db_open(struct loop *l, const struct db_settings *s) {
  struct pool *p = calloc(1, sizeof *p);
  if (!p) return false;
  p->loop = l;
  p->settings = *s;
  p->hosts = hosts_new(s->conninfo);
  p->turn = (struct turn){NULL, flush, unsent};
  loop_keep(l, ROOM_DB, p);
  for (int i = 0; i < LINK_KINDS; i++) {
    struct link *k = &p->links[i];
    k->pool = p;
    k->kind = (enum link_kind)i;
    k->prepared = calloc(statement_count + 1, sizeof *k->prepared);
    if (!p->hosts || !k->prepared) return false;
    link_open(k);
  }
  loop_each_turn(l, &p->turn);
  return true;
}

void db_close(struct loop *l) {
  struct pool *p = loop_kept(l, ROOM_DB);
  if (!p) return;
  for (int i = 0; i < LINK_KINDS; i++) {
    if (p->links[i].prepared) link_close(&p->links[i]); /* else it was never opened */
    free(p->links[i].prepared);
  }
  for (struct gather *g; (g = p->gathers);) {
    p->gathers = g->next;
    free(g);
  }
  hosts_free(p->hosts);
  loop_keep(l, ROOM_DB, NULL);
  free(p);
}

bool db_ready(struct loop *l) {
  const struct pool *p = loop_kept(l, ROOM_DB);
  for (int i = 0; i < LINK_KINDS; i++)
    if (p->links[i].state != LINK_UP) return false;
  return true;
}
