/* What the files of db/ share: links, units of work on them, and asks waiting to become units.
 *
 * An ask becomes part of a unit. A unit is what one Sync ends: one statement for one ask, a batch
 * of asks, or a transaction command. Its life: waiting (in link->queue) -> flying (in link->flight)
 * -> told, or split and waiting again. */
#ifndef LYCEUM_DB_INTERNAL_H
#define LYCEUM_DB_INTERNAL_H

#include "db/db.h"

#include <libpq-fe.h>

struct asked { /* one ask; in its request's arena */
  struct request *q;
  const struct statement *s;
  rows_next next;
  const void *in;
  struct unit *unit;     /* NULL while it gathers or waits for a transaction */
  size_t index;          /* in unit->asks */
  struct gather *gather; /* where it gathers */
  struct link *link;     /* where it waits for a transaction */
  struct asked *next_asked;
  next_step begun; /* of begin(), commit() */
};

enum unit_kind {
  UNIT_ONE,   /* one ask of a plain statement */
  UNIT_BATCH, /* asks of a batched statement */
  UNIT_BEGIN, /* transaction commands */
  UNIT_COMMIT,
  UNIT_ROLLBACK,
  UNIT_SYNC /* only the Sync that ends a group of reads */
};

struct unit {
  struct unit *next;
  enum unit_kind kind;
  const struct statement *s;
  int64_t community;
  struct gather *gather; /* of a batch */
  struct asked **asks;   /* an emptied slot is NULL: its request is gone, and it is never redone */
  size_t count;
  int tries;
  int parts, part;             /* results expected, seen */
  int prepare_part, main_part; /* which one prepares (-1: none), which one carries the rows */
  bool sync;                   /* ends with a Sync of its own */
  bool flying;                 /* sent */
  bool aborted;                /* skipped by the server because of another unit's failure */
  bool hurried;                /* part of a batch that waited for a lock: waits less this time */
  PGresult *rows;
  PGresult *failure; /* the first */
  uint64_t sent_at;  /* time_nanos() */
};

/* Asks of one batched statement of one community that wait while a batch of them is in flight. */
struct gather {
  struct gather *next; /* all of a pool */
  const struct statement *s;
  int64_t community;
  struct asked *first, **end;
  size_t waiting;
  int units;        /* waiting or in flight */
  int waits;        /* for locks, in vain, since the last whole batch */
  size_t seen;      /* how many were waiting at the last turn's end */
  int quiet, turns; /* turns since one more came, and since the link was free */
};

/* Is it a transaction of its own, BEGIN and COMMIT with it? */
static inline bool unit_brackets(const struct unit *u) {
  return u->kind == UNIT_BATCH && u->s && u->gather && (u->s->lock || u->hurried);
}

enum link_state { LINK_DOWN, LINK_DIALING, LINK_UP };
enum link_kind { LINK_READ, LINK_WRITE, LINK_TRANSACTION, LINK_KINDS };

struct hosts { /* each machine's conninfo, in the order in which they are tried */
  char **at;
  size_t count;
};
struct hosts *hosts_new(const char *conninfo); /* NULL: out of memory */
void hosts_free(struct hosts *h);
PGconn *hosts_dial(const struct hosts *h, size_t i); /* PQconnectStart; the primary is wanted */
bool is_read_only(PGconn *conn);                     /* a standby, or a primary no more */
void primary_moved(void);                            /* that was seen: all links dial anew */
unsigned primary_moves(void);
void conninfo_put(struct builder *b, const char *keyword, struct text value);

struct link {
  struct pool *pool;
  enum link_kind kind;
  enum link_state state;
  PGconn *conn;
  struct watch watch;
  uint32_t events;    /* watched now */
  struct timer timer; /* dialling: give up; down: dial again */
  uint32_t redials;   /* failed in a row */
  size_t host, tried; /* dialled now or last; how many in a row were of no use */
  unsigned moves;     /* of the primary, when it was dialled */
  bool *prepared;     /* by statement number */
  struct unit *queue, **queue_end;
  size_t queued; /* units in queue */
  struct unit *flight, **flight_end;
  bool alone;             /* a unit with BEGIN is in flight: nothing goes behind it */
  bool read_only;         /* PostgreSQL says that it is not the primary */
  bool broken;            /* its session is not what we think: given up at the next flush */
  struct request *holder; /* of the open transaction; q->held without it: the transaction is gone */
  struct asked *beginners, **beginners_end;
};

struct pool {
  struct loop *loop;
  struct db_settings settings;
  struct hosts *hosts;
  struct link links[LINK_KINDS];
  struct gather *gathers;
  struct turn turn;
};

struct unit *unit_new(enum unit_kind kind, size_t asks); /* NULL: out of memory */
void unit_free(struct unit *u);
void unit_queue(struct link *k, struct unit *u);       /* at the end */
void unit_queue_first(struct link *k, struct unit *u); /* before all others */
void unit_told(struct link *k, struct unit *u);        /* complete: rows or failure are there */
/* The link went away under it; undone: the server said so before it came to it. */
void unit_lost(struct link *k, struct unit *u, bool undone);
void unit_refuse(struct unit *u, enum problem p); /* never sent: nothing has happened */
void queue_prune(struct link *k);                 /* units nobody waits for any more are not sent */
void ask_fails(struct asked *a, enum problem p);
void gather_flush(struct pool *p);
void begin_next(struct link *k);
void begin_away(struct link *k);
void holder_lost(struct link *k);

void link_open(struct link *k);
void link_close(struct link *k);
void link_flush(struct link *k);

/* Parameters of a statement in binary, for libpq; valid until the next call on the same thread. */
enum { PARAMS_MAX = SQL_STATEMENT_MAX_SLOTS + 1 };
struct params {
  int count;
  Oid types[PARAMS_MAX];
  const char *values[PARAMS_MAX];
  int lengths[PARAMS_MAX];
  int formats[PARAMS_MAX];
};
bool params_make(struct params *p, const struct statement *s, int64_t community,
                 struct asked *const *asks, size_t count);
void params_types(struct params *p, const struct statement *s);
const struct params *params_of(const struct statement *s, int64_t community, const void *in);

/* What a failure means for the client. `where` names the statement in the log. */
enum problem fault_problem(const PGresult *failure, const char *where);
int fault_tries(const PGresult *failure, bool batch); /* how often it is worth asking again */
bool fault_waited(const PGresult *failure);           /* for a lock, in vain */
bool fault_ends_link(const PGresult *failure);        /* read-only after a switch-over, shutdown */

/* The blocking side: a connection by conninfo, and PostgreSQL's or libpq's words in *why. */
void unheard(void *who, const PGresult *notice); /* else libpq prints notices */
PGconn *session_dial(const char *conninfo);
bool result_fails(const PGresult *r, PGconn *conn, char **why); /* false, always */

#endif
