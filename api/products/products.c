/* Products: what is sold, of which plans say on what terms. A product is never deleted, for spans
 * and orders point to it; archived, it is out of sale with all its plans. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

struct step product_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_product_list(q, answer_page, PAGE_IN(p));
}

struct step product_get(struct request *q) {
  return ask_product_get(q, answer_one, .id = path_id(q, "id"));
}

/* Without a plan it is not on sale, so nothing public has changed yet. */
struct step product_create(struct request *q) {
  return ask_product_create(q, answer_created, .id = uuid_new(), .body = body_json(q),
                            .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(),
                            .request_id = q->id);
}

/* ---- changing ---- */

/* The public list of plans names the product: it must not be answered from memory any more. */
static struct step changed(struct request *q, const struct rows *r) {
  if (!refused(q, r)) raise_generation(q);
  return q->problem == NO_PROBLEM ? answer_one(q, r) : DONE;
}

/* `expected` is the version that the caller saw; 0 when they did not say. */
static struct step change(struct request *q, int64_t expected) {
  return ask_product_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                            .expected = expected, .actor = q->caller.member, .role = role(q),
                            .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct product_get_row row;
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r) || !one_product_get(q, r, &row)) return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

struct step product_change(struct request *q) {
  if (!has_if_match(q)) return change(q, 0);
  return ask_product_get(q, compared, .id = path_id(q, "id"));
}
