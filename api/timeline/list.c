/* All that happened to a member's memberships, told to the member and to operators in the same
 * words. */
#include "api/api.h"
#include "db/sql.h"

struct step my_timeline(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_timeline_list(q, answer_page, .member_id = q->caller.member, PAGE_IN(p));
}

static struct step timeline_of(struct request *q, const struct rows *r) {
  const struct page *p = q->state;
  if (refused(q, r)) return DONE;
  return ask_timeline_list(q, answer_page, .member_id = path_id(q, "id"), PAGE_IN(*p));
}

struct step member_timeline(struct request *q) {
  struct page *p = q->state = NEW(&q->arena, struct page);
  return page_read(q, p) ? ask_member_account(q, timeline_of, .id = path_id(q, "id")) : DONE;
}
