/* Settling a lecture: one statement does all or nothing, so a lease that ran out harms nobody. */
#include "db/sql.h"
#include "jobs/jobs.h"

bool job_close_lecture(struct job *j, char **why) {
  struct lecture_close_in in = {.job_id = j->id};
  struct lecture_close_row row;
  struct rows r;
  if (!session_ask(j->session, j->community, &sql_lecture_close, &in, &r, why)) return false;
  if (!one_lecture_close(j->q, &r, &row) || !row.ahead) return true;
  return session_fails(why, "the lecture has not ended yet");
}
