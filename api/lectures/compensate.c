/* Days for a lecture that was cancelled: each member who was to come gets them once. */
#include "api/api.h"
#include "db/sql.h"

struct step lecture_compensate(struct request *q) {
  return ask_lecture_compensate(
      q, answer_one, .lecture_id = path_id(q, "id"), .plan_id = body_id(q, "plan_id"),
      .days = body_int(q, "days", 0), .reason = body_text(q, "reason"), .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}
