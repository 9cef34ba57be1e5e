/* Requests for invoices (发票): a member asks, an operator issues one elsewhere and says so here.
 */
#include "api/api.h"
#include "db/sql.h"
#include "rules/rules.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

static struct step look(struct request *q, struct uuid id, rows_next next) {
  return ask_invoice_request_get(q, next, .id = id, .member_id = q->caller.member,
                                 .all = q->caller.role >= ROLE_OPERATOR);
}

struct step invoice_request_get(struct request *q) {
  return look(q, path_id(q, "id"), answer_one);
}

/* ---- asking ---- */

/* It is posted to its order, and lives at /v1/invoice-requests. */
static struct step shown(struct request *q, const struct rows *r) {
  char path[64] = "/v1/invoice-requests/";
  if (refused(q, r)) return DONE;
  struct builder b = {0};
  rows_object(r, 0, &b);
  uuid_write(*(struct uuid *)q->state, path + 21);
  reply_header(q, "Location", arena_copy(&q->arena, text_of(path)));
  return reply_json(q, 201, &b);
}

static struct step made(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return look(q, *(struct uuid *)q->state, shown);
}

static bool is_tax_number(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if (!((t.at[i] >= '0' && t.at[i] <= '9') || (t.at[i] >= 'A' && t.at[i] <= 'Z'))) return false;
  return true;
}

static void check(struct request *q) {
  struct text number = body_text(q, "tax_number"), email = body_text(q, "email"), canonical;
  bool company = text_is(body_text(q, "kind"), "company");
  if (company && !number.at)
    fault_add(q, LIT("/tax_number"), "required", LIT("a company's invoice needs it"),
              LIT("企业发票必须填写税号"));
  if (number.at && !is_tax_number(number))
    fault_add(q, LIT("/tax_number"), "format", LIT("15 to 20 digits and capital letters"),
              LIT("应为 15 至 20 位数字与大写字母"));
  if (email.at && contact_read(&q->arena, email, &canonical) != CONTACT_EMAIL)
    fault_add(q, LIT("/email"), "format", LIT("an e-mail address"), LIT("应为电子邮箱地址"));
}

struct step invoice_request_create(struct request *q) {
  check(q);
  if (q->faults) return problem(q, BODY_INVALID);
  q->state = NEW(&q->arena, struct uuid);
  *(struct uuid *)q->state = uuid_new();
  return ask_invoice_request_create(q, made, .order_id = path_id(q, "id"),
                                    .id = *(struct uuid *)q->state, .member_id = q->caller.member,
                                    .body = body_json(q), .role = role(q), .audit_id = uuid_new(),
                                    .request_id = q->id);
}

/* ---- lists ---- */

struct step my_invoice_requests(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_invoice_request_list(q, answer_page, .member_id = q->caller.member, PAGE_IN(p));
}

struct step invoice_request_list(struct request *q) {
  struct page p;
  struct uuid member = {0}, order = {0};
  if (!page_read(q, &p)) return DONE;
  (void)uuid_parse(query_text(q, "member_id"), &member);
  (void)uuid_parse(query_text(q, "order_id"), &order);
  return ask_invoice_request_list(q, answer_page, .member_id = member, .order_id = order,
                                  .state = query_text(q, "state"), PAGE_IN(p));
}

/* ---- what became of it ---- */

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return look(q, path_id(q, "id"), answer_one);
}

static struct step change(struct request *q, int64_t expected) {
  return ask_invoice_request_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                                    .expected = expected, .actor = q->caller.member,
                                    .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct invoice_request_get_row row;
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r) || !one_invoice_request_get(q, r, &row))
    return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

struct step invoice_request_change(struct request *q) {
  if (!has_if_match(q)) return change(q, 0);
  return look(q, path_id(q, "id"), compared);
}

struct step invoice_request_withdraw(struct request *q) {
  return ask_invoice_request_withdraw(q, changed, .id = path_id(q, "id"),
                                      .member_id = q->caller.member, .role = role(q),
                                      .audit_id = uuid_new(), .request_id = q->id);
}
