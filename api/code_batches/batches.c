/* Batches of machine-made codes: ordered here, minted by a job of the same id. */
#include "api/api.h"
#include "db/sql.h"

/* By id: ids grow with time, and the key of the table is the index of the list. */
struct step code_batch_list(struct request *q) {
  struct page p;
  struct uuid campaign = {0};
  if (!page_read(q, &p)) return DONE;
  (void)uuid_parse(query_text(q, "campaign_id"), &campaign);
  return ask_code_batch_list(q, answer_page, .campaign_id = campaign, PAGE_IN(p));
}

struct step code_batch_get(struct request *q) {
  return ask_code_batch_show(q, answer_one, .id = path_id(q, "id"));
}

/* ---- ordering ---- */

/* A rehearsal went through every check; only the rows were not written. */
static struct step dry(struct request *q) {
  struct builder b = {0};
  build_str(&b, "{\"dry_run\":true,\"total\":");
  build_int(&b, body_int(q, "count", 0));
  build_str(&b, ",\"done\":0,\"failed\":0}");
  return reply_json(q, 200, &b);
}

static struct step ordered(struct request *q, const struct rows *r) {
  return body_bool(q, "dry_run", false) && !refused(q, r) ? dry(q) : answer_accepted(q, r);
}

static struct step order(struct request *q) {
  return ask_code_batch_create(q, ordered, .id = uuid_new(), .audit_id = uuid_new(),
                               .created_by = q->caller.member,
                               .role = text_of(role_name(q->caller.role)), .via = LIT("http"),
                               .request_id = q->id, .body = body_json(q));
}

static struct step held(struct request *q, const struct rows *r) {
  (void)r; /* a campaign that is not there is told by code_batch_create */
  return order(q);
}

/* Of two orders at once that share what is left of a quota, one is told. */
static struct step hold(struct request *q) {
  struct uuid campaign = body_id(q, "campaign_id");
  return uuid_is_zero(campaign) ? order(q) : ask_campaign_hold(q, held, .id = campaign);
}

struct step code_batch_create(struct request *q) {
  return begin(q, hold);
}
