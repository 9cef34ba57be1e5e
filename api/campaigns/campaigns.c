/* Campaigns: what codes are given out for, and what holds for all of them: a window, an end, one
 * code for each member. The redemption asks the campaign itself, so a change holds at once for
 * codes that were given out long ago, and nothing is copied to a million rows. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

struct step campaign_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_campaign_list(q, answer_page, PAGE_IN(p));
}

struct step campaign_get(struct request *q) {
  return ask_campaign_get(q, answer_one, .id = path_id(q, "id"));
}

/* Shown as it is read later, from the same statement: one place says what a campaign looks like. */
static struct step created(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_campaign_get(q, answer_created, .id = *(struct uuid *)q->state);
}

struct step campaign_create(struct request *q) {
  struct uuid *id = q->state = NEW(&q->arena, struct uuid);
  *id = uuid_new();
  return ask_campaign_create(q, created, .id = *id, .body = body_json(q), .actor = q->caller.member,
                             .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

/* ---- changing ---- */

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_campaign_get(q, answer_one, .id = path_id(q, "id"));
}

/* `expected` is the version that the caller saw; 0 when they did not say. */
static struct step change(struct request *q, int64_t expected) {
  return ask_campaign_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                             .expected = expected, .actor = q->caller.member, .role = role(q),
                             .audit_id = uuid_new(), .request_id = q->id);
}

/* If-Match stands for a representation; what is handed on is the version behind it, so that of two
 * who read the same only one changes it. */
static struct step compared(struct request *q, const struct rows *r) {
  struct campaign_get_row row;
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r) || !one_campaign_get(q, r, &row)) return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

struct step campaign_change(struct request *q) {
  if (!has_if_match(q)) return change(q, 0);
  return ask_campaign_get(q, compared, .id = path_id(q, "id"));
}
