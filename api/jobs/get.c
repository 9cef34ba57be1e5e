/* How far a job is. */
#include "api/api.h"
#include "db/sql.h"

struct step job_get(struct request *q) {
  return ask_job_get(q, answer_one, .id = path_id(q, "id"));
}
