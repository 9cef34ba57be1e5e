/* Removing what has had its time, in small portions, so that nobody waits for a lock. Several
 * processes may do it at once: each row goes once. */
#include "db/sql.h"
#include "jobs/jobs.h"

enum { PORTION = 1000, PORTIONS_MOST = 200 };

bool jobs_tidy(struct session *s, const atomic_bool *stop, char **why) {
  struct tidy_in in = {.most = PORTION};
  struct tidy_row row = {.gone = 1};
  for (int i = 0; row.gone && i < PORTIONS_MOST && !atomic_load(stop); i++) {
    struct request q = {0};
    struct rows r;
    bool good = session_ask(s, 0, &sql_tidy, &in, &r, why) && one_tidy(&q, &r, &row);
    arena_free(&q.arena);
    if (!good) return false;
  }
  return true;
}
