/* Lecturers' profiles: the public list, and what operators keep. */
#include "api/api.h"
#include "db/sql.h"

struct step lecturer_public_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_lecturer_public_list(q, answer_page, PAGE_IN(p));
}

struct step lecturer_list(struct request *q) {
  struct page p;
  struct text archived = query_text(q, "archived");
  if (!page_read(q, &p)) return DONE;
  return ask_lecturer_list(q, answer_page, .archived = text_is(archived, "true"),
                           .has_archived = archived.at != NULL, PAGE_IN(p));
}

struct step lecturer_get(struct request *q) {
  return ask_lecturer_get(q, answer_one, .id = path_id(q, "id"));
}

static struct step created(struct request *q, const struct rows *r) {
  if (!refused(q, r)) raise_generation(q);
  return q->problem ? DONE : answer_created(q, r);
}

struct step lecturer_create(struct request *q) {
  return ask_lecturer_create(q, created, .id = uuid_new(), .body = body_json(q),
                             .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                             .audit_id = uuid_new(), .request_id = q->id);
}

static struct step updated(struct request *q, const struct rows *r) {
  if (!refused(q, r)) raise_generation(q);
  return q->problem ? DONE : answer_one(q, r);
}

static struct step update(struct request *q, int64_t version) {
  return ask_lecturer_update(q, updated, .id = path_id(q, "id"), .body = body_json(q),
                             .version = version, .actor = q->caller.member,
                             .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(),
                             .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct lecturer_get_row row;
  if (refused(q, r) || !one_lecturer_get(q, r, &row)) return DONE;
  return if_match_holds(q, r) ? update(q, row.version) : problem(q, VERSION_CHANGED);
}

struct step lecturer_update(struct request *q) {
  if (!has_if_match(q)) return update(q, 0);
  return ask_lecturer_get(q, compared, .id = path_id(q, "id"));
}
