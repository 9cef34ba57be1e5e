/* Plans: terms that never change. New terms are a new version, which takes the former's place on
 * sale; who has the former keeps it. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* In one answer: a community has a handful of plans, and 200 is the bound. */
struct step plan_public_list(struct request *q) {
  return ask_plan_public_list(q, answer_all);
}

struct step plan_list(struct request *q) {
  struct page p;
  struct uuid product = {0};
  if (!page_read(q, &p)) return DONE;
  struct text on_sale = query_text(q, "on_sale");
  (void)uuid_parse(query_text(q, "product_id"), &product);
  return ask_plan_list(q, answer_page, .product_id = product, .has_on_sale = on_sale.at != NULL,
                       .on_sale = text_is(on_sale, "true"), PAGE_IN(p));
}

struct step plan_get(struct request *q) {
  return ask_plan_get(q, answer_one, .id = path_id(q, "id"));
}

/* ---- a new version ---- */

/* A plan lives at /v1/plans, though it is posted to its product. */
static struct step shown(struct request *q, const struct rows *r) {
  char path[64] = "/v1/plans/";
  if (refused(q, r)) return DONE;
  struct builder b = {0};
  rows_object(r, 0, &b);
  uuid_write(*(struct uuid *)q->state, path + 10);
  reply_header(q, "Location", text_of(path));
  return reply_json(q, 201, &b);
}

static struct step made(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return ask_plan_get(q, shown, .id = *(struct uuid *)q->state);
}

static struct step held(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_plan_create(q, made, .product_id = path_id(q, "id"), .id = *(struct uuid *)q->state,
                         .body = body_json(q), .actor = q->caller.member, .role = role(q),
                         .audit_id = uuid_new(), .request_id = q->id);
}

/* Two versions made at once would take the same number: the product is locked first, and the second
 * counts on from the first. */
static struct step hold(struct request *q) {
  return ask_product_hold(q, held, .id = path_id(q, "id"));
}

/* A period has both a unit and a count, and a lifetime is one. */
static bool period_fits(struct request *q) {
  bool unit = body_text(q, "period_unit").at, count = body_int(q, "period_count", 0) > 0;
  bool lifetime = text_is(body_text(q, "period_unit"), "lifetime");
  if (unit != count)
    fault_add(q, unit ? LIT("/period_count") : LIT("/period_unit"), "required",
              LIT("a period has a unit and a count"), LIT("周期须同时填写单位与数量"));
  else if (lifetime && body_int(q, "period_count", 1) != 1)
    fault_add(q, LIT("/period_count"), "out_of_range", LIT("a lifetime is 1"),
              LIT("终身周期的数量应为 1"));
  return !q->faults;
}

/* The form only: which currencies there are changes by the year, and none is converted here. */
static bool is_currency(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if (t.at[i] < 'A' || t.at[i] > 'Z') return false;
  return t.len == 3;
}

struct step plan_create(struct request *q) {
  if (!is_currency(body_text(q, "currency")))
    fault_add(q, LIT("/currency"), "format", LIT("three capital letters (ISO 4217)"),
              LIT("应为三个大写字母（ISO 4217）"));
  if (!period_fits(q)) return problem(q, BODY_INVALID);
  q->state = NEW(&q->arena, struct uuid);
  *(struct uuid *)q->state = uuid_new();
  return begin(q, hold);
}

/* ---- out of sale ---- */

static struct step retired(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return ask_plan_get(q, answer_one, .id = path_id(q, "id"));
}

struct step plan_retire(struct request *q) {
  return ask_plan_retire(q, retired, .id = path_id(q, "id"), .actor = q->caller.member,
                         .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}
