/* Venues: where lectures are held. */
#include "api/api.h"
#include "db/sql.h"

struct step venue_list(struct request *q) {
  struct page p;
  struct text archived = query_text(q, "archived");
  if (!page_read(q, &p)) return DONE;
  return ask_venue_list(q, answer_page, .archived = text_is(archived, "true"),
                        .has_archived = archived.at != NULL, PAGE_IN(p));
}

struct step venue_get(struct request *q) {
  return ask_venue_get(q, answer_one, .id = path_id(q, "id"));
}

struct step venue_create(struct request *q) {
  return ask_venue_create(q, answer_created, .id = uuid_new(), .body = body_json(q),
                          .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                          .audit_id = uuid_new(), .request_id = q->id);
}

static struct step updated(struct request *q, const struct rows *r) {
  if (!refused(q, r)) raise_generation(q);
  return q->problem ? DONE : answer_one(q, r);
}

static struct step update(struct request *q, int64_t version) {
  return ask_venue_update(q, updated, .id = path_id(q, "id"), .body = body_json(q),
                          .version = version, .actor = q->caller.member,
                          .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(),
                          .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct venue_get_row row;
  if (refused(q, r) || !one_venue_get(q, r, &row)) return DONE;
  return if_match_holds(q, r) ? update(q, row.version) : problem(q, VERSION_CHANGED);
}

struct step venue_update(struct request *q) {
  if (!has_if_match(q)) return update(q, 0);
  return ask_venue_get(q, compared, .id = path_id(q, "id"));
}
