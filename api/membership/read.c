/* One's own membership: derived at the moment of asking, so no nightly job can be late. */
#include "api/api.h"
#include "db/sql.h"

struct step me_membership(struct request *q) {
  return ask_membership_of(q, answer_one, .member_id = q->caller.member);
}
