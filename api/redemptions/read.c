/* What somebody redeemed, for themselves. Released ones stay on the list: they happened. */
#include "api/api.h"
#include "db/sql.h"

struct step redemption_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_redemption_list(q, answer_page, .member_id = q->caller.member, PAGE_IN(p));
}

struct step redemption_get(struct request *q) {
  return ask_redemption_get(q, answer_one, .member_id = q->caller.member, .id = path_id(q, "id"));
}
