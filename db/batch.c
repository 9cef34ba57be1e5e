/* Units told: rows go to the asks, failures become problems, and a failed batch is halved until the
 * guilty ask stands alone.
 *
 * While a batch of a statement and community is under way, further asks of the same gather; when it
 * is told, they go out together. There is no timer: an idle server sends a batch of one at once. */
#include "db/internal.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

enum { LOST_MOST = 3, BATCH_MOST = 512, TURNS_QUIET = 3, TURNS_MOST = 12 };

struct unit *unit_new(enum unit_kind kind, size_t asks) {
  struct unit *u = calloc(1, sizeof *u + asks * sizeof(struct asked *));
  if (!u) return NULL;
  u->kind = kind;
  u->asks = (struct asked **)(void *)(u + 1);
  return u;
}

static void forget_results(struct unit *u) {
  PQclear(u->rows);
  PQclear(u->failure);
  u->rows = u->failure = NULL;
}

void unit_free(struct unit *u) {
  forget_results(u);
  free(u);
}

/* The ask's request stops waiting for it; what follows is its continuation or its problem. */
static struct request *release(struct asked *a) {
  struct request *q = a->q;
  q->abandon = NULL;
  q->waits_on = NULL;
  return q;
}

void ask_fails(struct asked *a, enum problem p) {
  struct request *q = release(a);
  request_take(q, problem(q, p));
}

static void fail_all(struct unit *u, enum problem p) {
  for (size_t i = 0; i < u->count; i++) {
    struct asked *a = u->asks[i];
    u->asks[i] = NULL;
    if (a) ask_fails(a, p);
  }
}

static bool has_asks(const struct unit *u) {
  for (size_t i = 0; i < u->count; i++)
    if (u->asks[i]) return true;
  return false;
}

/* Done with the unit: what gathered behind it may go. */
static void unit_end(struct unit *u) {
  if (u->gather) u->gather->units--;
  unit_free(u);
}

/* ---- rows to asks ---- */

static void continue_with(struct asked *a, const struct rows *r) {
  struct request *q = release(a);
  /* What runs in a transaction is done with its commit (a->begun), and all else by itself. */
  bool wrote = a->begun ? !q->held : !q->held && !(a->s->flags & SQL_READ);
  if (wrote) q->done_something = true;
  request_take(q, a->begun ? a->begun(q) : a->next(q, r));
}

/* Row of each element by its ordinal; -1: none. */
static int *rows_by_ordinal(const struct unit *u) {
  int *row = malloc((u->count + 1) * sizeof *row);
  if (!row) return NULL;
  for (size_t i = 0; i < u->count; i++)
    row[i] = -1;
  int n = u->rows ? PQntuples(u->rows) : 0;
  for (int i = 0; i < n; i++) {
    uint32_t ord;
    memcpy(&ord, PQgetvalue(u->rows, i, 0), sizeof ord);
    ord = be32toh(ord);
    if (ord >= 1 && ord <= u->count) row[ord - 1] = i;
  }
  return row;
}

static void tell_batch(struct unit *u) {
  int *row = rows_by_ordinal(u);
  if (!row) {
    fail_all(u, OUTCOME_UNKNOWN);
    return;
  }
  for (size_t i = 0; i < u->count; i++) {
    struct asked *a = u->asks[i];
    u->asks[i] = NULL;
    struct rows r = {u->s, u->rows, row[i] < 0 ? 0 : row[i], row[i] >= 0};
    if (a) continue_with(a, &r);
  }
  free(row);
}

static void tell_one(struct unit *u) {
  struct asked *a = u->asks[0];
  u->asks[0] = NULL;
  struct rows r = {u->s, u->rows, 0, u->rows ? PQntuples(u->rows) : 0};
  if (a) continue_with(a, &r);
}

/* ---- failures ---- */

static void again(struct link *k, struct unit *u) {
  forget_results(u);
  unit_queue_first(k, u);
}

/* Both halves go ahead of the queue, the first half first. */
static bool halve(struct link *k, struct unit *u) {
  size_t half = u->count / 2;
  struct unit *back = unit_new(UNIT_BATCH, u->count - half);
  if (!back) return false;
  back->s = u->s;
  back->community = u->community;
  back->gather = u->gather;
  back->hurried = u->hurried;
  u->gather->units++;
  for (size_t i = half; i < u->count; i++) {
    struct asked *a = back->asks[back->count] = u->asks[i];
    if (a) {
      a->unit = back;
      a->index = back->count;
    }
    back->count++;
  }
  u->count = half;
  unit_queue_first(k, back);
  forget_results(u);
  unit_queue_first(k, u);
  return true;
}

/* Whoever holds a row must not hold up the whole link: the halves of a batch that waited for it
 * wait a moment only, and after some of those hardly at all. */
static void note_wait(struct unit *u) {
  if (!fault_waited(u->failure)) return;
  u->hurried = true;
  u->gather->waits++;
}

static void unit_failed(struct link *k, struct unit *u) {
  bool batch = u->kind == UNIT_BATCH;
  if (batch && u->count > 1) note_wait(u);
  if (batch && u->count > 1 && has_asks(u) && halve(k, u)) return;
  if (has_asks(u) && k->kind != LINK_TRANSACTION && u->tries < fault_tries(u->failure, batch)) {
    u->tries++;
    again(k, u);
    return;
  }
  enum problem p = fault_problem(u->failure, u->s ? u->s->name : "transaction");
  fail_all(u, p);
  unit_end(u);
}

void unit_told(struct link *k, struct unit *u) {
  if (u->failure) {
    unit_failed(k, u);
    return;
  }
  if (u->aborted) { /* a neighbour in the same Sync failed: not this one's fault, nor its try */
    if (has_asks(u)) {
      again(k, u);
      return;
    }
  } else if (u->kind == UNIT_BATCH) {
    metric_add(lyceum_sql_batches, 1);
    tell_batch(u);
  } else if (u->count) {
    tell_one(u);
  }
  unit_end(u);
}

void unit_lost(struct link *k, struct unit *u, bool undone) {
  bool repeats = u->s && u->s->flags & (SQL_READ | SQL_AGAIN) && k->kind != LINK_TRANSACTION;
  if (repeats && has_asks(u) && u->tries < LOST_MOST) {
    u->tries++;
    again(k, u);
    return;
  }
  /* What was in a transaction is undone with it, unless it was the commit itself. */
  if (k->kind == LINK_TRANSACTION && u->kind != UNIT_COMMIT) undone = true;
  fail_all(u, undone ? DATABASE_AWAY : OUTCOME_UNKNOWN);
  unit_end(u);
}

void unit_refuse(struct unit *u, enum problem p) {
  fail_all(u, p);
  unit_end(u);
}

void queue_prune(struct link *k) {
  struct unit **at = &k->queue;
  for (struct unit *u; (u = *at);) {
    if (!u->s || has_asks(u)) {
      at = &u->next;
      continue;
    }
    *at = u->next;
    k->queued--;
    unit_end(u);
  }
  k->queue_end = at;
}

/* ---- gathering ---- */

static void send_gathered(struct pool *p, struct gather *g) {
  size_t most = p->settings.batch_max ? (size_t)p->settings.batch_max : BATCH_MOST;
  size_t count = g->waiting < most ? g->waiting : most;
  struct unit *u = unit_new(UNIT_BATCH, count);
  if (!u) return; /* they stay; the next turn tries again, or their deadline ends them */
  u->s = g->s;
  u->community = g->community;
  u->gather = g;
  for (; u->count < count && g->first; u->count++) {
    struct asked *a = g->first;
    g->first = a->next_asked;
    if (!g->first) g->end = &g->first;
    g->waiting--;
    a->gather = NULL;
    a->unit = u;
    a->index = u->count;
    u->asks[u->count] = a;
  }
  g->units++;
  g->waits = 0;
  g->seen = 0;
  g->quiet = g->turns = 0;
  unit_queue(&p->links[g->s->flags & SQL_READ ? LINK_READ : LINK_WRITE], u);
}

/* Those just answered come back one after the other, and the first to come must not go out alone:
 * the batch waits until a few turns have brought no more. They sleep for nobody, so that an idle
 * server is a few microseconds late, and a rushed one has whole batches. */
static bool still_come(struct gather *g) {
  g->quiet = g->waiting > g->seen ? 0 : g->quiet + 1;
  g->seen = g->waiting;
  return g->quiet < TURNS_QUIET && ++g->turns < TURNS_MOST;
}

void gather_flush(struct pool *p) {
  struct gather **at = &p->gathers;
  for (struct gather *g; (g = *at);) {
    if (g->waiting && !g->units && !still_come(g)) send_gathered(p, g);
    if (g->waiting || g->units) {
      at = &g->next;
    } else {
      *at = g->next;
      free(g);
    }
  }
}
