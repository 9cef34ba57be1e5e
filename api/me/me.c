/* Oneself: read and changed. What belongs to the account and what belongs to the membership come
 * from two statements, for the two kinds of table are never joined. */
#include "api/api.h"
#include "db/sql.h"

static struct step account_known(struct request *q, const struct rows *r) {
  const rows_next *next = q->state;
  struct account_read_row a;
  if (!one_account_read(q, r, &a)) return problem(q, NOT_FOUND);
  return ask_me_read(q, *next, .id = q->caller.member, .has_birth_year = a.has_birth_year,
                     .birth_year = a.birth_year, .has_erase_after = a.has_erase_after,
                     .erase_after = a.erase_after, .has_password = a.has_password,
                     .contacts = a.contacts);
}

static struct step read_me(struct request *q, rows_next next) {
  rows_next *kept = q->state = NEW(&q->arena, rows_next);
  *kept = next;
  return ask_account_read(q, account_known, .id = q->caller.account);
}

struct step me_get(struct request *q) {
  return read_me(q, answer_one);
}

/* ---- changing ---------------------------------------------------------------------------------
 */

static struct step changed(struct request *q, const struct rows *r) {
  if (!r->count) return problem(q, VERSION_CHANGED);
  return read_me(q, answer_one);
}

static struct step change(struct request *q, int64_t was) {
  return ask_me_change(q, changed, .id = q->caller.member, .body = body_json(q), .was = was);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct me_read_row me;
  if (!one_me_read(q, r, &me)) return problem(q, NOT_FOUND);
  if (!if_match_holds(q, r)) return problem(q, VERSION_CHANGED);
  return change(q, me.version);
}

struct step me_patch(struct request *q) {
  return has_if_match(q) ? read_me(q, compared) : change(q, 0);
}
