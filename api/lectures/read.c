/* Reading lectures: one, the schedule of who is signed in, and the public schedule. */
#include "api/api.h"
#include "db/sql.h"

static struct uuid own_as(const struct request *q) {
  return q->caller.role >= ROLE_LECTURER ? q->caller.member : (struct uuid){0};
}

/* A published lecture without an online room is the same for every member, and most requests are
 * for such a one: from memory it costs no question. */
static struct step shown(struct request *q, const struct rows *r) {
  struct lecture_get_row row;
  if (one_lecture_get(q, r, &row) && row.shared) same_for_all(q);
  return answer_one(q, r);
}

struct step lecture_get(struct request *q) {
  if (from_memory(q)) return DONE;
  return ask_lecture_get(q, shown, .id = path_id(q, "id"), .member_id = q->caller.member,
                         .everything = q->caller.role >= ROLE_OPERATOR, .own_as = own_as(q));
}

struct step lecture_list(struct request *q) {
  struct page p;
  micros since = 0, before = 0;
  struct uuid lecturer = {0};
  if (!page_read(q, &p)) return DONE;
  bool has_since = query_time(q, "from", &since), has_before = query_time(q, "to", &before);
  (void)uuid_parse(query_text(q, "lecturer_id"), &lecturer);
  return ask_lecture_list(q, answer_page, .member_id = q->caller.member,
                          .everything = q->caller.role >= ROLE_OPERATOR, .own_as = own_as(q),
                          .since = since, .has_since = has_since, .before = before,
                          .has_before = has_before, .kind = query_text(q, "kind"),
                          .status = query_text(q, "status"), .lecturer_id = lecturer, PAGE_IN(p));
}

struct step lecture_public_list(struct request *q) {
  struct page p;
  micros since = 0, before = 0;
  if (!page_read(q, &p)) return DONE;
  bool has_since = query_time(q, "from", &since), has_before = query_time(q, "to", &before);
  return ask_lecture_public_list(q, answer_page, .since = since, .has_since = has_since,
                                 .before = before, .has_before = has_before,
                                 .kind = query_text(q, "kind"), PAGE_IN(p));
}
