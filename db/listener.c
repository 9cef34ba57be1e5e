/* LISTEN on a plain connection of its own, and the proof that it works.
 *
 *   DOWN --timer--> DIALING --ok--> LISTENING --LISTEN answered--> UP --lost--> DOWN
 *
 * Each 300 ms a query goes to the server. Before it answers one, PostgreSQL sends the notifications
 * committed until then; so an answer proves that everything from before its question has arrived.
 * What was proven is a moment, which anybody can compare with a clock: a stuck loop or a silent
 * network needs nobody to notice it. */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum {
  DIAL_MS = 3000,
  BEAT_MS = 300,
  SILENCE_MS = 800, /* then the link is given up */
  TRUST_MS = 800,   /* a second at most is promised, and who asks may ask a little late */
  REDIAL_FIRST_MS = 100,
  REDIAL_MOST_MS = 1000
};
enum listening { DOWN, DIALING, LISTENING, UP };

struct listener {
  struct loop *loop;
  struct hosts *hosts;
  size_t host; /* dialled now or last */
  void (*heard)(void *who, struct text payload);
  void (*back)(void *who);
  void *who;
  PGconn *conn;
  enum listening state;
  struct watch watch;
  struct timer timer;
  uint32_t redials;  /* failed in a row */
  uint64_t asked_at; /* the query in flight was sent; 0: none is */
  uint64_t proven;   /* what was committed until then has arrived; 0: nothing */
};

static void dial(struct listener *n);

/* What libpq has closed the kernel has forgotten, and its number may be another thread's by now. */
static void unwatch(struct listener *n) {
  if (PQsocket(n->conn) < 0) n->watch.fd = -1;
  loop_unwatch(n->loop, &n->watch);
  n->watch.fd = -1;
}

static void hang_up(struct listener *n) {
  unwatch(n);
  loop_untimer(n->loop, &n->timer);
  PQfinish(n->conn);
  n->conn = NULL;
  n->asked_at = 0;
  n->state = DOWN;
  n->proven = 0;
  metric_set(lyceum_listener_up, 0);
}

static void dial_again(struct timer *t) {
  dial(CONTAINER_OF(t, struct listener, timer));
}

static void lost(struct listener *n, const char *how) {
  log_write(LOG_WARN, "listener_lost", "how=%s message=\"%s\"", how,
            n->conn ? PQerrorMessage(n->conn) : "out of memory");
  uint32_t wait =
      n->state == UP ? 0 : (uint32_t)REDIAL_FIRST_MS << (n->redials < 4 ? n->redials : 4);
  n->redials = n->state == UP ? 0 : n->redials + 1;
  if (n->state != UP) n->host++;
  hang_up(n);
  n->timer.fire = dial_again;
  loop_timer(n->loop, &n->timer, time_ticks() + (wait < REDIAL_MOST_MS ? wait : REDIAL_MOST_MS));
}

/* ---- asking and hearing ------------------------------------------------------------------------
 */

/* Sent whole or soon: a query of a few bytes fits into an empty socket's buffer. */
static bool query(struct listener *n, const char *sql) {
  n->asked_at = time_ticks();
  return PQsendQuery(n->conn, sql) == 1 && PQflush(n->conn) >= 0;
}

static void beat(struct timer *t) {
  struct listener *n = CONTAINER_OF(t, struct listener, timer);
  uint64_t now = time_ticks();
  if (n->asked_at && now - n->asked_at > SILENCE_MS) {
    lost(n, "silence");
    return;
  }
  if (!n->asked_at && !query(n, "SELECT 1")) {
    lost(n, "send");
    return;
  }
  loop_timer(n->loop, &n->timer, now + BEAT_MS);
}

static void tell(struct listener *n) {
  for (PGnotify *note; (note = PQnotifies(n->conn)); PQfreemem(note))
    n->heard(n->who, text_of(note->extra));
}

static void now_up(struct listener *n) {
  n->state = UP;
  n->redials = 0;
  metric_set(lyceum_listener_up, 1);
  n->timer.fire = beat;
  loop_timer(n->loop, &n->timer, time_ticks() + BEAT_MS);
  n->back(n->who);
}

/* PostgreSQL sends notifications before it says that it is ready for the next query, which libpq
 * tells by a NULL: then the answer proves something, not before. */
static bool receive(struct listener *n) {
  bool good = PQconsumeInput(n->conn) == 1;
  while (good && n->asked_at && !PQisBusy(n->conn)) {
    PGresult *r = PQgetResult(n->conn);
    if (r) {
      ExecStatusType status = PQresultStatus(r);
      good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
      PQclear(r);
      continue;
    }
    tell(n);
    if (n->state == LISTENING) now_up(n); /* `back` hears of it before anybody trusts */
    n->proven = n->asked_at;
    n->asked_at = 0;
  }
  tell(n);
  return good && PQstatus(n->conn) == CONNECTION_OK;
}

static void ready(struct watch *w, uint32_t events) {
  struct listener *n = CONTAINER_OF(w, struct listener, watch);
  (void)events;
  if (!receive(n)) {
    lost(n, "receive");
  } else if (is_read_only(n->conn)) { /* its notifications are another's now */
    primary_moved();
    lost(n, "read_only");
  }
}

/* ---- dialling -----------------------------------------------------------------------------------
 */

static void connected(struct listener *n) {
  n->state = LISTENING;
  n->watch.ready = ready;
  if (PQsetnonblocking(n->conn, 1) != 0 || !query(n, "LISTEN lyceum") ||
      !loop_watch(n->loop, &n->watch, EPOLLIN))
    lost(n, "listen");
}

/* PQsocket may change while dialling (several addresses), so the watch is renewed each time. */
static void dial_on(struct listener *n) {
  unwatch(n);
  PostgresPollingStatusType status = PQconnectPoll(n->conn);
  n->watch.fd = status == PGRES_POLLING_FAILED ? -1 : PQsocket(n->conn);
  if (status == PGRES_POLLING_FAILED)
    lost(n, "dial");
  else if (status == PGRES_POLLING_OK)
    connected(n);
  else if (!loop_watch(n->loop, &n->watch, status == PGRES_POLLING_READING ? EPOLLIN : EPOLLOUT))
    lost(n, "watch");
}

static void dial_ready(struct watch *w, uint32_t events) {
  (void)events;
  dial_on(CONTAINER_OF(w, struct listener, watch));
}

/* From dialling to the answer to LISTEN. */
static void dial_slow(struct timer *t) {
  lost(CONTAINER_OF(t, struct listener, timer), "slow");
}

static void dial(struct listener *n) {
  n->state = DIALING;
  n->conn = hosts_dial(n->hosts, n->host);
  if (!n->conn || PQstatus(n->conn) == CONNECTION_BAD) {
    lost(n, "dial");
    return;
  }
  (void)PQsetNoticeReceiver(n->conn, unheard, NULL);
  n->watch = (struct watch){PQsocket(n->conn), dial_ready};
  n->timer.fire = dial_slow;
  loop_timer(n->loop, &n->timer, time_ticks() + DIAL_MS);
  /* libpq: behave as if PQconnectPoll had asked for writing */
  if (!loop_watch(n->loop, &n->watch, EPOLLOUT)) lost(n, "watch");
}

struct listener *listener_open(struct loop *l, const struct db_settings *s,
                               void (*heard)(void *who, struct text payload),
                               void (*back)(void *who), void *who) {
  struct listener *n = calloc(1, sizeof *n);
  struct hosts *hosts = hosts_new(s->conninfo);
  if (!n || !hosts) {
    free(n);
    hosts_free(hosts);
    return NULL;
  }
  n->loop = l;
  n->hosts = hosts;
  n->heard = heard;
  n->back = back;
  n->who = who;
  n->watch.fd = -1;
  dial(n);
  return n;
}

uint64_t listener_proven_until(const struct listener *n) {
  return n->proven ? n->proven + TRUST_MS : 0;
}

void listener_close(struct listener *n) {
  if (!n) return;
  hang_up(n);
  hosts_free(n->hosts);
  free(n);
}
