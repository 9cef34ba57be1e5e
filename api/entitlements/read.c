/* What a member was given, and whether it lets them in. */
#include "api/api.h"
#include "db/sql.h"

static struct step spans_of(struct request *q, const struct rows *r) {
  const struct page *p = q->state;
  struct member_account_row row;
  if (!one_member_account(q, r, &row)) return problem(q, NOT_FOUND);
  return ask_entitlement_list(q, answer_page, .member_id = path_id(q, "id"), PAGE_IN(*p));
}

struct step entitlement_list(struct request *q) {
  struct page *p = q->state = NEW(&q->arena, struct page);
  return page_read(q, p) ? ask_member_account(q, spans_of, .id = path_id(q, "id")) : DONE;
}

struct step entitlement_get(struct request *q) {
  return ask_entitlement_get(q, answer_one, .member_id = path_id(q, "id"),
                             .id = path_id(q, "entitlement_id"));
}

/* For who answers the phone: not only whether, but which span says so, now or at any moment. */
struct step member_access(struct request *q) {
  micros at = 0;
  bool has_at = query_time(q, "at", &at);
  return ask_member_access(q, answer_one, .member_id = path_id(q, "id"), .at = at,
                           .has_at = has_at);
}
