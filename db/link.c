/* One pipelined connection to PostgreSQL on a loop: dialled without blocking, redialled when lost.
 *
 *   DOWN --timer--> DIALING --ok--> UP --lost--> DOWN (at once, then 100 ms, 200 ms … 1 s)
 *                    |   ^
 *                    +---+ the next host, until each was tried
 *
 * Units wait in `queue`, are sent in order at the end of a turn, and move to `flight` until their
 * results and their Sync have come. A unit is told only at its Sync, which comes after the commit.
 */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
  DIAL_MS = 3000,
  REDIAL_FIRST_MS = 100,
  REDIAL_MOST_MS = 1000,
  FLIGHT_MOST = 256,
  WAITS_MOST = 8
};

static void dial(struct link *k);
static void lost(struct link *k);

/* ---- queue and flight --------------------------------------------------------------------------
 */

void unit_queue(struct link *k, struct unit *u) {
  u->next = NULL;
  u->flying = false;
  k->queued++;
  *k->queue_end = u;
  k->queue_end = &u->next;
}

void unit_queue_first(struct link *k, struct unit *u) {
  u->next = k->queue;
  u->flying = false;
  k->queued++;
  if (!k->queue) k->queue_end = &u->next;
  k->queue = u;
}

static struct unit *unit_shift(struct unit **first, struct unit ***end) {
  struct unit *u = *first;
  if (!u) return NULL;
  *first = u->next;
  if (!u->next) *end = first;
  u->next = NULL;
  return u;
}

static struct unit *unqueue(struct link *k) {
  struct unit *u = unit_shift(&k->queue, &k->queue_end);
  if (u) k->queued--;
  return u;
}

static void fly(struct link *k, struct unit *u) {
  u->sent_at = time_nanos();
  u->flying = true;
  u->next = NULL;
  *k->flight_end = u;
  k->flight_end = &u->next;
}

/* ---- sending ------------------------------------------------------------------------------------
 */

static bool send_sync(struct link *k) {
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
  return PQsendPipelineSync(k->conn) == 1;
#else
  return PQpipelineSync(k->conn) == 1;
#endif
}

static bool send_plain(struct link *k, struct unit *u, const char *sql) {
  u->parts++;
  return PQsendQueryParams(k->conn, sql, 0, NULL, NULL, NULL, NULL, 1) == 1;
}

/* Made before anything of the unit is sent. */
static _Thread_local struct params sending;

static bool send_statement(struct link *k, struct unit *u) {
  const struct statement *s = u->s;
  if (!s) return false;
  bool own = unit_brackets(u);
  if (own && !send_plain(k, u, "BEGIN")) return false;
  const char *wait = u->hurried && u->gather->waits > WAITS_MOST
                         ? "SET LOCAL lock_timeout = '2ms'"
                         : "SET LOCAL lock_timeout = '50ms'";
  if (u->hurried && !send_plain(k, u, wait)) return false;
  if (s->lock) { /* the lock pass takes the same parameters */
    u->parts++;
    if (!PQsendQueryParams(k->conn, s->lock, sending.count, sending.types, sending.values,
                           sending.lengths, sending.formats, 1))
      return false;
  }
  if (k->pool->settings.prepared && !k->prepared[s->number]) {
    u->prepare_part = u->parts++;
    if (!PQsendPrepare(k->conn, s->name, s->text, sending.count, sending.types)) return false;
    k->prepared[s->number] = true;
  }
  u->main_part = u->parts++;
  int sent = k->pool->settings.prepared
                 ? PQsendQueryPrepared(k->conn, s->name, sending.count, sending.values,
                                       sending.lengths, sending.formats, 1)
                 : PQsendQueryParams(k->conn, s->text, sending.count, sending.types, sending.values,
                                     sending.lengths, sending.formats, 1);
  return sent == 1 && (!own || send_plain(k, u, "COMMIT"));
}

static bool send_unit(struct link *k, struct unit *u) {
  u->parts = u->part = 0;
  u->prepare_part = -1;
  u->aborted = false;
  switch (u->kind) {
  case UNIT_BEGIN:
    return send_plain(k, u, "BEGIN");
  case UNIT_COMMIT:
    return send_plain(k, u, "COMMIT");
  case UNIT_ROLLBACK:
    return send_plain(k, u, "ROLLBACK");
  case UNIT_SYNC:
    return true;
  default:
    return send_statement(k, u);
  }
}

/* Reads sent in one turn share one Sync: fewer system calls on libpq 15, whose PQpipelineSync
 * flushes each time. A failed one takes those behind it with it, and they are asked again. */
static bool send_queue(struct link *k) {
  bool reads = k->kind == LINK_READ, open = false;
  int sent = 0;
  while (k->queue && !k->alone && sent++ < FLIGHT_MOST) {
    struct unit *u = unqueue(k);
    if (u->s && !params_make(&sending, u->s, u->community, u->asks, u->count)) {
      unit_refuse(u, OUT_OF_MEMORY);
      continue;
    }
    u->sync = !reads;
    fly(k, u);
    k->alone = unit_brackets(u);
    open = reads;
    if (!send_unit(k, u) || (u->sync && !send_sync(k))) return false;
  }
  if (!open) return true;
  struct unit *end = unit_new(UNIT_SYNC, 0);
  if (!end) return false;
  end->sync = true;
  fly(k, end);
  return send_sync(k);
}

static bool watch(struct link *k, uint32_t events) {
  if (events == k->events) return true;
  k->events = events;
  return loop_watch(k->pool->loop, &k->watch, events);
}

/* What libpq has closed the kernel has forgotten, and its number may be another thread's by now. */
static void unwatch(struct link *k) {
  if (PQsocket(k->conn) < 0) k->watch.fd = -1;
  loop_unwatch(k->pool->loop, &k->watch);
  k->watch.fd = -1;
  k->events = 0;
}

/* The primary is another one by now, or nobody knows. What was written is waited for: PostgreSQL
 * tells for each whether it came too late. What was read may be old, and is asked again. */
static bool is_elsewhere(const struct link *k) {
  if (k->flight && k->kind != LINK_READ) return false;
  return k->moves != primary_moves() || k->read_only;
}

void link_flush(struct link *k) {
  if (k->state != LINK_UP) return;
  if (is_elsewhere(k)) {
    log_write(LOG_WARN, "primary_moved", "link=%d", k->kind);
    k->broken = true;
  }
  if (k->broken || (k->queue && !send_queue(k))) {
    lost(k);
    return;
  }
  if (!k->flight) return;
  int more = PQflush(k->conn);
  if (more < 0 || !watch(k, more ? EPOLLIN | EPOLLOUT : EPOLLIN)) lost(k);
}

/* ---- receiving ----------------------------------------------------------------------------------
 */

/* A Sync does not end a failed explicit transaction, and all behind it would fail (25P02). */
static void end_failed(struct link *k) {
  struct unit *end = unit_new(UNIT_ROLLBACK, 0);
  if (end)
    unit_queue_first(k, end);
  else
    k->broken = true;
}

static void tell(struct link *k) {
  struct unit *u = unit_shift(&k->flight, &k->flight_end);
  if (unit_brackets(u)) k->alone = false;
  bool failed = k->kind != LINK_TRANSACTION && PQtransactionStatus(k->conn) == PQTRANS_INERROR;
  /* Without its BEGIN a transaction would commit piece by piece. */
  if (u->failure && u->kind == UNIT_BEGIN) k->broken = true;
  metric_seconds(lyceum_sql_seconds, time_nanos() - u->sent_at);
  unit_told(k, u);
  if (failed) end_failed(k); /* last, so that it goes before what is asked again */
}

static void take_result(struct link *k, struct unit *u, PGresult *r) {
  ExecStatusType status = PQresultStatus(r);
  if (u->part == u->prepare_part && status != PGRES_COMMAND_OK) k->prepared[u->s->number] = false;
  if (status == PGRES_PIPELINE_ABORTED) {
    u->aborted = true;
    PQclear(r);
  } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
    if (u->failure)
      PQclear(r);
    else
      u->failure = r;
  } else if (u->part == u->main_part && status == PGRES_TUPLES_OK && !u->rows) {
    u->rows = r;
  } else {
    PQclear(r);
  }
}

/* A failure of libpq's own making has no SQLSTATE: the connection is gone and all that came before
 * is read, or there was no memory for what came, perhaps for the Sync. What comes after it can't be
 * told whose it is. */
static bool libpq_failed(const PGresult *r) {
  return PQresultStatus(r) == PGRES_FATAL_ERROR && !PQresultErrorField(r, PG_DIAG_SQLSTATE);
}

/* One step of libpq's protocol: results of a part, a NULL that ends the part, or the Sync. */
static bool receive(struct link *k) {
  struct unit *u = k->flight;
  if (!u || PQisBusy(k->conn)) return false;
  PGresult *r = PQgetResult(k->conn);
  if (r && libpq_failed(r)) {
    PQclear(r);
    lost(k);
    return false;
  }
  if (!r) {
    u->part++;
    if (u->part >= u->parts && !u->sync) tell(k);
    return true;
  }
  if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
    PQclear(r);
    tell(k);
    return true;
  }
  take_result(k, u, r);
  if (u->failure && fault_ends_link(u->failure)) {
    lost(k);
    return false;
  }
  return true;
}

/* Without memory for the Sync's result libpq takes the Sync in, waits for more, and says so here
 * only (pqParseInput3): nothing more will come. */
static bool sync_swallowed(PGconn *conn) {
  return PQisBusy(conn) && strstr(PQerrorMessage(conn), "out of memory");
}

static void link_ready(struct watch *w, uint32_t events) {
  struct link *k = CONTAINER_OF(w, struct link, watch);
  if (events & EPOLLOUT && PQflush(k->conn) == 0 && !watch(k, EPOLLIN)) k->broken = true;
  if (!(events & (EPOLLIN | EPOLLERR | EPOLLHUP))) return;
  bool alive = PQconsumeInput(k->conn) == 1;
  if (!alive) unwatch(k);
  while (k->state == LINK_UP && receive(k)) {
  }
  if (k->state == LINK_UP) k->read_only = is_read_only(k->conn);
  if (k->state == LINK_UP &&
      (!alive || PQstatus(k->conn) == CONNECTION_BAD || (k->flight && sync_swallowed(k->conn))))
    lost(k);
}

/* ---- dialling -----------------------------------------------------------------------------------
 */

static void hang_up(struct link *k) {
  unwatch(k);
  if (k->conn) PQfinish(k->conn);
  k->conn = NULL;
  if (k->state == LINK_UP) metric_add(lyceum_links_up, -1);
  k->state = LINK_DOWN;
  k->alone = k->broken = k->read_only = false;
  memset(k->prepared, 0, statement_count * sizeof *k->prepared);
}

static void dial_again(struct timer *t) {
  dial(CONTAINER_OF(t, struct link, timer));
}

/* When no host is of use nobody waits: what is queued is told at once. */
static void give_up(struct link *k) {
  log_write(LOG_WARN, "database_away", "link=%d message=\"%s\"", k->kind,
            k->conn ? PQerrorMessage(k->conn) : "out of memory");
  hang_up(k);
  k->host++;
  if (++k->tried < k->pool->hosts->count) {
    dial(k);
    return;
  }
  k->tried = 0;
  uint32_t wait = (uint32_t)REDIAL_FIRST_MS << (k->redials < 4 ? k->redials : 4);
  k->redials++; /* from now on asks are refused at once */
  for (struct unit *u; (u = unqueue(k));)
    unit_refuse(u, DATABASE_AWAY);
  begin_away(k);
  k->timer.fire = dial_again;
  loop_timer(k->pool->loop, &k->timer,
             time_ticks() + (wait < REDIAL_MOST_MS ? wait : REDIAL_MOST_MS));
}

static void lost(struct link *k) {
  log_write(LOG_WARN, "link_lost", "link=%d message=\"%s\"", k->kind, PQerrorMessage(k->conn));
  struct unit *flight = k->flight;
  /* The server's last word (shutdown, read-only) means that nothing behind it was done, nor what
   * it was said to; unless that is a commit, or all its parts had been. */
  bool last_word = flight && flight->failure,
       undone = last_word && flight->part < flight->parts && flight->kind != UNIT_COMMIT;
  k->flight = NULL;
  k->flight_end = &k->flight;
  hang_up(k);
  holder_lost(k);
  while (flight) {
    struct unit *next = flight->next;
    flight->next = NULL;
    unit_lost(k, flight, undone);
    undone = last_word;
    flight = next;
  }
  /* What waits to go into a transaction must not go anywhere else. */
  for (struct unit *u; k->kind == LINK_TRANSACTION && (u = unqueue(k));)
    unit_refuse(u, DATABASE_AWAY);
  k->redials = 0;
  k->timer.fire = dial_again;
  loop_timer(k->pool->loop, &k->timer, time_ticks());
}

static void dial_slow(struct timer *t) {
  give_up(CONTAINER_OF(t, struct link, timer));
}

static void up(struct link *k) {
  loop_untimer(k->pool->loop, &k->timer);
  if (is_read_only(k->conn) || PQsetnonblocking(k->conn, 1) != 0 ||
      PQenterPipelineMode(k->conn) != 1) {
    give_up(k);
    return;
  }
  k->state = LINK_UP;
  k->redials = 0;
  k->tried = 0;
  k->watch.ready = link_ready;
  metric_add(lyceum_links_up, 1);
  if (!watch(k, EPOLLIN)) {
    give_up(k);
    return;
  }
  begin_next(k);
}

/* PQsocket may change while dialling (several addresses), so the watch is renewed each time. */
static void dial_on(struct link *k) {
  unwatch(k);
  PostgresPollingStatusType status = PQconnectPoll(k->conn);
  if (status == PGRES_POLLING_FAILED) {
    k->watch.fd = -1;
    give_up(k);
    return;
  }
  k->watch.fd = PQsocket(k->conn);
  if (status == PGRES_POLLING_OK)
    up(k);
  else
    watch(k, status == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT);
}

static void dial_ready(struct watch *w, uint32_t events) {
  (void)events;
  dial_on(CONTAINER_OF(w, struct link, watch));
}

static void dial(struct link *k) {
  k->state = LINK_DIALING;
  k->moves = primary_moves();
  k->conn = hosts_dial(k->pool->hosts, k->host);
  if (!k->conn || PQstatus(k->conn) == CONNECTION_BAD) {
    give_up(k);
    return;
  }
  (void)PQsetNoticeReceiver(k->conn, unheard, NULL);
  k->watch = (struct watch){PQsocket(k->conn), dial_ready};
  k->timer.fire = dial_slow;
  loop_timer(k->pool->loop, &k->timer, time_ticks() + DIAL_MS);
  (void)watch(k, EPOLLOUT); /* libpq: behave as if PQconnectPoll had asked for writing */
}

void link_open(struct link *k) {
  k->queue_end = &k->queue;
  k->flight_end = &k->flight;
  k->beginners_end = &k->beginners;
  k->watch.fd = -1;
  dial(k);
}

void link_close(struct link *k) {
  loop_untimer(k->pool->loop, &k->timer);
  hang_up(k);
  for (struct unit *u; (u = unit_shift(&k->flight, &k->flight_end));)
    unit_free(u);
  for (struct unit *u; (u = unqueue(k));)
    unit_free(u);
}
