/* One's own sessions: the devices signed in, signing them out, and stepping over into another
 * community without signing in again. */
#include "api/identity/identity.h"

struct step session_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_session_list(q, answer_page, .member = q->caller.member, .current = q->caller.session,
                          PAGE_IN(p));
}

static struct step ended(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  house_end_session(api_of(q)->house, path_id(q, "id"));
  return reply_empty(q, 204);
}

struct step session_end(struct request *q) {
  return ask_session_end(q, ended, .id = path_id(q, "id"), .member = q->caller.member);
}

static struct step ended_all(struct request *q, const struct rows *r) {
  struct session_end_all_row row;
  for (int i = 0; row_session_end_all(q, r, i, &row); i++)
    house_end_session(api_of(q)->house, row.session);
  return reply_empty(q, 204);
}

struct step session_end_all(struct request *q) {
  bool keep = text_is(query_text(q, "keep_current"), "true");
  struct uuid none = {{0}}, except = keep ? q->caller.session : none;
  return ask_session_end_all(q, ended_all, .member = q->caller.member, .except = except);
}

/* ---- into another community -------------------------------------------------------------------
 */

static struct step opened(struct request *q, const struct rows *r) {
  if (refused(q, r)) {
    if (q->problem == NOT_A_MEMBER) q->problem = NOT_FOUND; /* like one that does not exist */
    return DONE;
  }
  return reply_opened(q, r, q->caller.account);
}

static struct step community_found(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  struct community_by_slug_row row;
  if (!one_community_by_slug(q, r, &row)) return problem(q, NOT_FOUND);
  q->community = row.id; /* from here on the request is the other community's */
  session_new(q, v);
  return ask_session_open(q, opened, .account = q->caller.account, .session = v->session,
                          .device_name = body_text(q, "device_name"),
                          .refresh_digest = refresh_digest_of(q, v->refresh),
                          .days = api_of(q)->config->session_days);
}

struct step session_switch(struct request *q) {
  struct text slug = path_text(q, "slug");
  visit_new(q);
  if (slug.len > 64 || !text_is_utf8(slug)) return problem(q, NOT_FOUND);
  return ask_community_by_slug(q, community_found, .slug = slug);
}
