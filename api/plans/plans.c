/* Plans: terms that never change. New terms are a new version, which takes the former's place on
 * sale; who has the former keeps it. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* In one answer: a community has a handful of plans, and 200 is the bound. Looked up after the next
 * moment at which it will be another, so that what is kept until then can't be from behind it. */
static struct step bounded(struct request *q, const struct rows *r) {
  struct plan_sale_next_row row;
  if (one_plan_sale_next(q, r, &row) && row.has_until) answer_until(q, row.until);
  return ask_plan_public_list(q, answer_all);
}

struct step plan_public_list(struct request *q) {
  return ask_plan_sale_next(q, bounded);
}

struct step plan_mine_list(struct request *q) {
  return ask_plan_mine_list(q, answer_all, .member_id = q->caller.member);
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

static void check_currency(struct request *q, struct text pointer, struct text currency) {
  if (!is_currency(currency))
    fault_add(q, pointer, "format", LIT("three capital letters (ISO 4217)"),
              LIT("应为三个大写字母（ISO 4217）"));
}

enum { PRICES_MOST = 20 };

/* Each currency has one price, the plan's own included. */
static void check_prices(struct request *q) {
  struct json *prices = json_get(body(q), "prices");
  size_t n = json_count(prices);
  if (n > PRICES_MOST)
    fault_add(q, LIT("/prices"), "too_many", LIT("at most 20"), LIT("最多 20 项"));
  for (size_t i = 0; i < n && n <= PRICES_MOST; i++) {
    struct text currency = json_text(json_get(json_at(prices, i), "currency"));
    struct text pointer = arena_printf(&q->arena, "/prices/%zu/currency", i);
    bool again = text_equal(currency, body_text(q, "currency"));
    for (size_t k = 0; k < i; k++)
      again |= text_equal(currency, json_text(json_get(json_at(prices, k), "currency")));
    check_currency(q, pointer, currency);
    if (again)
      fault_add(q, pointer, "superfluous", LIT("this currency has a price already"),
                LIT("该币种已有价格"));
  }
}

struct step plan_create(struct request *q) {
  check_currency(q, LIT("/currency"), body_text(q, "currency"));
  check_prices(q);
  if (!period_fits(q)) return problem(q, BODY_INVALID);
  q->state = NEW(&q->arena, struct uuid);
  *(struct uuid *)q->state = uuid_new();
  return begin(q, hold);
}

/* ---- how it is sold ---- */

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return ask_plan_get(q, answer_one, .id = path_id(q, "id"));
}

static struct step compared(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r)) return problem(q, VERSION_CHANGED);
  return ask_plan_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                         .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(),
                         .request_id = q->id);
}

static struct step locked(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_plan_get(q, compared, .id = path_id(q, "id"));
}

static struct step lock(struct request *q) {
  return ask_plan_hold(q, locked, .id = path_id(q, "id"));
}

/* Compared and changed under one lock: a plan's own version counts its terms. */
struct step plan_change(struct request *q) {
  return begin(q, lock);
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
