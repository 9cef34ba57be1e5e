/* A plain connection that blocks, for the command line and for jobs on threads of their own. */
#include "db/internal.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct session {
  PGconn *conn;
  PGresult *rows; /* of the last ask */
  struct session *next, **at;
};

/* All that are open, for sessions_cut. */
static pthread_mutex_t open_lock = PTHREAD_MUTEX_INITIALIZER;
static struct session *open_sessions;

static void enlist(struct session *s) {
  pthread_mutex_lock(&open_lock);
  s->next = open_sessions;
  s->at = &open_sessions;
  if (s->next) s->next->at = &s->next;
  open_sessions = s;
  pthread_mutex_unlock(&open_lock);
}

static void delist(struct session *s) {
  pthread_mutex_lock(&open_lock);
  if (s->at) *s->at = s->next;
  if (s->at && s->next) s->next->at = s->at;
  pthread_mutex_unlock(&open_lock);
}

void sessions_cut(void) {
  pthread_mutex_lock(&open_lock);
  for (struct session *s = open_sessions; s; s = s->next)
    (void)shutdown(PQsocket(s->conn), SHUT_RDWR);
  pthread_mutex_unlock(&open_lock);
}

bool session_fails(char **why, const char *format, ...) {
  va_list args;
  char *said = NULL;
  va_start(args, format);
  int len = vasprintf(&said, format, args);
  va_end(args);
  if (len < 0) said = NULL;
  free(*why);
  *why = said;
  return false;
}

/* libpq ends its messages with a line break. */
static bool conn_fails(PGconn *conn, char **why) {
  struct text t = text_trim(text_of(PQerrorMessage(conn)));
  return session_fails(why, "%.*s", TEXT_ARGS(t));
}

bool result_fails(const PGresult *r, PGconn *conn, char **why) {
  const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
  const char *detail = PQresultErrorField(r, PG_DIAG_MESSAGE_DETAIL);
  const char *hint = PQresultErrorField(r, PG_DIAG_MESSAGE_HINT);
  if (!message) return conn_fails(conn, why);
  return session_fails(why, "%s%s%s%s%s", message, detail ? "; " : "", detail ? detail : "",
                       hint ? "; " : "", hint ? hint : "");
}

enum { DIAL_MS = 5000 };
static const char *const dial_keys[] = {"connect_timeout",      "application_name",
                                        "target_session_attrs", "dbname",
                                        "client_encoding",      NULL};

/* What conninfo says itself comes later in the list and so wins over our defaults. */
PGconn *session_dial(const char *conninfo) {
  const char *values[] = {"5", "lyceum", "read-write", conninfo, "UTF8", NULL};
  return PQconnectdbParams(dial_keys, values, 1);
}

/* libpq keeps the SQLSTATE of a failed dial to itself, unless it is told to say nothing else, and
 * that can be told only between the start of a dial and its end. */
static PGconn *dial_tersely(const char *conninfo) {
  const char *values[] = {"5", "lyceum", "read-write", conninfo, "UTF8", NULL};
  PGconn *conn = PQconnectStartParams(dial_keys, values, 1);
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  if (!conn || PQstatus(conn) == CONNECTION_BAD) return conn;
  PQsetErrorVerbosity(conn, PQERRORS_SQLSTATE);
  while (status == PGRES_POLLING_WRITING || status == PGRES_POLLING_READING) {
    struct pollfd p = {PQsocket(conn), status == PGRES_POLLING_READING ? POLLIN : POLLOUT, 0};
    if (poll(&p, 1, DIAL_MS) <= 0) break;
    status = PQconnectPoll(conn);
  }
  return conn;
}

bool session_refused(const char *conninfo) {
  /* Who asks, in what way (28), for which database (3D), and without the right to (42501). */
  static const char *const states[] = {"28", "3D", "42"};
  PGconn *conn = dial_tersely(conninfo);
  struct text said = conn ? text_trim(text_of(PQerrorMessage(conn))) : NONE;
  bool refused = false;
  if (said.len > 5 && PQstatus(conn) == CONNECTION_BAD)
    for (size_t i = 0; i < COUNT(states); i++)
      refused |= strncmp(said.at + said.len - 5, states[i], 2) == 0 && said.at[said.len - 6] == ' ';
  PQfinish(conn);
  return refused;
}

/* Notices (`relation exists, skipping`) are no news to whoever runs a command. */
void unheard(void *who, const PGresult *notice) {
  (void)who;
  (void)notice;
}

struct session *session_open(const char *conninfo, char **why) {
  struct session *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  s->conn = session_dial(conninfo);
  if (PQstatus(s->conn) == CONNECTION_OK) {
    PQsetNoticeReceiver(s->conn, unheard, NULL);
    enlist(s);
    return s;
  }
  conn_fails(s->conn, why);
  session_close(s);
  return NULL;
}

void session_close(struct session *s) {
  if (!s) return;
  delist(s);
  PQclear(s->rows);
  PQfinish(s->conn);
  free(s);
}

struct pg_conn *session_raw(struct session *s) {
  return s->conn;
}

bool session_alive(const struct session *s) {
  return PQstatus(s->conn) == CONNECTION_OK;
}

bool session_writes(struct session *s, char **why) {
  return !is_read_only(s->conn) || session_fails(why, "the primary is another one by now");
}

static bool went_well(const PGresult *r) {
  ExecStatusType status = PQresultStatus(r);
  return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

bool session_run(struct session *s, const char *sql, char **why) {
  PGresult *r = PQexec(s->conn, sql);
  bool good = went_well(r);
  if (!good) result_fails(r, s->conn, why);
  PQclear(r);
  return good;
}

/* COMMIT of a failed transaction succeeds as a command, and says ROLLBACK. */
bool session_commit(struct session *s, char **why) {
  PGresult *r = PQexec(s->conn, "COMMIT");
  bool good = went_well(r) && strcmp(PQcmdStatus(r), "COMMIT") == 0;
  if (!good && went_well(r))
    session_fails(why, "the transaction had failed and was rolled back");
  else if (!good)
    result_fails(r, s->conn, why);
  PQclear(r);
  return good;
}

static PGresult *ask_text(struct session *s, const char *text, const struct params *p) {
  return PQexecParams(s->conn, text, p->count, p->types, p->values, p->lengths, p->formats, 1);
}

bool session_ask(struct session *s, int64_t community, const struct statement *st, const void *in,
                 struct rows *r, char **why) {
  const struct params *p = params_of(st, community, in);
  PQclear(s->rows);
  s->rows = NULL;
  *r = (struct rows){.statement = st};
  if (!p) return session_fails(why, "%s: the parameters are too large", st->name);
  s->rows = ask_text(s, st->text, p);
  if (!went_well(s->rows)) {
    result_fails(s->rows, s->conn, why);
    return false;
  }
  r->result = s->rows;
  r->count = PQntuples(s->rows);
  return true;
}
