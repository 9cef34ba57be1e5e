/* Seats of a group: its owner gives them to members and takes them back; operators may, too. */
#include "api/api.h"
#include "db/sql.h"

/* Whose seats the caller may reach: zero stands for everybody's. */
static struct uuid reach(const struct request *q) {
  struct uuid everybody = {0};
  return q->caller.role >= ROLE_OPERATOR ? everybody : q->caller.member;
}

struct step seat_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_seat_list(q, answer_page, .owner_id = q->caller.member, PAGE_IN(p));
}

struct step seat_get(struct request *q) {
  return ask_seat_get(q, answer_one, .owner_id = reach(q), .id = path_id(q, "id"));
}

/* ---- giving and taking back ---- */

static struct step given(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_seat_get(q, answer_one, .owner_id = reach(q), .id = path_id(q, "id"));
}

static struct step assign(struct request *q, struct uuid member) {
  return ask_seat_put(q, given, .owner_id = reach(q), .id = path_id(q, "id"), .member_id = member,
                      .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                      .audit_id = uuid_new(), .request_id = q->id);
}

struct step seat_put(struct request *q) {
  return assign(q, body_id(q, "member_id"));
}

struct step seat_delete(struct request *q) {
  return assign(q, (struct uuid){0});
}
