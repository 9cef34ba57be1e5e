/* The demo's schedule moves on with the days; the statement orders the next run itself. */
#include "db/sql.h"
#include "jobs/jobs.h"

bool job_demo_schedule(struct job *j, char **why) {
  struct rows r;
  return session_ask(j->session, j->community, &sql_demo_lectures, NULL, &r, why);
}
