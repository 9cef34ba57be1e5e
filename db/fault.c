/* What PostgreSQL's failures mean for a client. Constraints are named so that their name says which
 * promise stood in the way (docs/ARCHITECTURE.md, "Promises"). */
#include "db/internal.h"

#include <string.h>

static const struct {
  const char *constraint;
  enum problem problem;
} constraints[] = {
#define CONSTRAINT(name, problem) {#name, problem},
#include "db/constraints.def"
#undef CONSTRAINT
};

static const struct {
  const char *state; /* SQLSTATE, or the start of it; PostgreSQL's errcodes.txt */
  enum problem problem;
} states[] = {
    {"55P03", BUSY},          /* lock_timeout: somebody holds the row */
    {"57014", DEADLINE},      /* statement_timeout: rolled back */
    {"40", BUSY},             /* serialization, deadlock: after the retries */
    {"53", DATABASE_AWAY},    /* out of connections, disk or memory */
    {"57P", DATABASE_AWAY},   /* shutdown, start-up, crash of another backend */
    {"25006", DATABASE_AWAY}, /* read-only: a standby, or just switched over */
    {"25P0", BUSY},           /* the transaction had ended */
    {"08", DATABASE_AWAY},
    {"58", DATABASE_AWAY},   /* I/O error */
    {"2201", BODY_INVALID},  /* a value that no rule of ours had refused */
    {"22003", BODY_INVALID}, /* number out of range */
    {"22008", BODY_INVALID}, /* time out of range */
    {"22021", BODY_INVALID}, /* not UTF-8 */
    {"22P05", BODY_INVALID}, /* a character the database can't hold (NUL) */
};

static enum problem by_constraint(const PGresult *failure) {
  const char *name = PQresultErrorField(failure, PG_DIAG_CONSTRAINT_NAME);
  for (size_t i = 0; name && i < COUNT(constraints); i++)
    if (strcmp(name, constraints[i].constraint) == 0) return constraints[i].problem;
  return NO_PROBLEM;
}

static const char *state_of(const PGresult *failure) {
  const char *state = PQresultErrorField(failure, PG_DIAG_SQLSTATE);
  return state ? state : "";
}

enum problem fault_problem(const PGresult *failure, const char *where) {
  metric_add(lyceum_sql_failures, 1);
  enum problem p = by_constraint(failure);
  if (p) return p;
  const char *state = state_of(failure);
  const char *constraint = PQresultErrorField(failure, PG_DIAG_CONSTRAINT_NAME);
  const char *message = PQresultErrorField(failure, PG_DIAG_MESSAGE_PRIMARY);
  if (!*state) p = OUTCOME_UNKNOWN; /* of libpq's own making: out of memory for the answer */
  for (size_t i = 0; i < COUNT(states); i++)
    if (strncmp(state, states[i].state, strlen(states[i].state)) == 0) p = states[i].problem;
  /* Only the primary message: the detail may hold values. */
  log_write(p ? LOG_WARN : LOG_ERROR, "sql_failed",
            "statement=%s sqlstate=%s constraint=%s message=\"%s\"", where, state,
            constraint ? constraint : "-", message ? message : "-");
  return p ? p : INTERNAL;
}

/* Who loses a race has seen another win it: as many can be lost in a row as one member has requests
 * under way. All else that fails three times will fail for ever. */
int fault_tries(const PGresult *failure, bool batch) {
  enum { TRIES = 3, RACES = 64 };
  static const char *const always[] = {"40001", "40P01", "25P02", "26000"};
  static const char *const batched[] = {"23P01", "23514",
                                        "23505"}; /* a neighbour may be the guilty one */
  const char *state = state_of(failure);
  for (size_t i = 0; i < COUNT(always); i++)
    if (strcmp(state, always[i]) == 0) return TRIES;
  for (size_t i = 0; batch && i < COUNT(batched); i++)
    if (strcmp(state, batched[i]) == 0) return by_constraint(failure) == BUSY ? RACES : TRIES;
  return 0;
}

bool fault_waited(const PGresult *failure) {
  return strcmp(state_of(failure), "55P03") == 0;
}

bool fault_ends_link(const PGresult *failure) {
  const char *state = state_of(failure);
  /* 0A000: a migration changed a prepared statement's result; a new link prepares it anew. */
  return strncmp(state, "57P0", 4) == 0 || strcmp(state, "25006") == 0 ||
         strcmp(state, "0A000") == 0;
}
