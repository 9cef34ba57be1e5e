/* Accepting the current rules or privacy notice. */
#include "api/api.h"
#include "db/sql.h"

struct step consent_post(struct request *q) {
  return ask_consent_give(q, answer_one, .member = q->caller.member, .kind = body_text(q, "kind"),
                          .version = body_int(q, "version", 0));
}
