/* How I want to be told of what. Receipts, refunds and disputes are always told. */
#include "api/api.h"
#include "db/sql.h"

struct step my_notices(struct request *q) {
  return ask_my_notices(q, answer_one, .member = q->caller.member);
}

static struct step changed(struct request *q, const struct rows *r) {
  (void)r;
  return my_notices(q);
}

static struct step compared(struct request *q, const struct rows *r) {
  if (!if_match_holds(q, r)) return problem(q, VERSION_CHANGED);
  return ask_my_notices_change(q, changed, .member = q->caller.member, .body = body_json(q),
                               .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(),
                               .request_id = q->id);
}

struct step my_notices_change(struct request *q) {
  return ask_my_notices(q, compared, .member = q->caller.member);
}
