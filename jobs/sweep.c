/* Doing what is due, one thing and one transaction at a time. Several processes may do it at once:
 * each statement looks again, under a lock, whether it is still to be done. */
#include "db/sql.h"
#include "jobs/jobs.h"

#include <stdlib.h>

enum { PORTION = 100 };

struct due { /* a row of each statement that finds */
  int64_t community;
  struct uuid id;
};
struct wanted { /* what each statement that finds takes */
  int64_t most;
};
struct one { /* what each statement that does takes */
  struct uuid id;
};

static const struct sweep {
  const struct statement *find, *act;
} sweeps[] = {
#define SWEEP(name, says) {&sql_##name##_find, &sql_##name},
#include "jobs/sweeps.def"
#undef SWEEP
};

/* What can't be done is told and left for the next time, for others must not wait behind it. False
 * only when the database is away. */
static bool act(const struct sweep *w, struct session *s, const struct due *d, char **why) {
  struct one in = {d->id};
  struct rows r;
  if (session_ask(s, d->community, w->act, &in, &r, why)) return true;
  if (!session_alive(s)) return false;
  log_write(LOG_WARN, "sweep_failed", "statement=%s message=\"%s\"", w->act->name,
            *why ? *why : "out of memory");
  free(*why);
  *why = NULL;
  return true;
}

static bool sweep(const struct sweep *w, struct session *s, const atomic_bool *stop, char **why) {
  struct request q = {0};
  struct due due[PORTION];
  struct wanted in = {PORTION};
  struct rows r;
  bool good = session_ask(s, 0, w->find, &in, &r, why);
  int count = good ? r.count : 0;
  for (int i = 0; i < count; i++) /* the rows go with the next ask */
    rows_read(&q, &r, i, w->find, &due[i]);
  for (int i = 0; good && i < count && !atomic_load(stop); i++)
    good = act(w, s, &due[i], why);
  arena_free(&q.arena);
  return good;
}

bool jobs_sweep(struct session *s, const atomic_bool *stop, char **why) {
  for (size_t i = 0; i < COUNT(sweeps); i++)
    if (!sweep(&sweeps[i], s, stop, why)) return false;
  return true;
}
