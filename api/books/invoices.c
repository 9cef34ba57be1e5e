/* Requests for invoices (发票): a member asks, an operator issues one elsewhere and says so here.
 */
#include "api/api.h"
#include "db/sql.h"
#include "rules/rules.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* ---- to whom it is made out: it lies sealed ---- */

static void build_maybe(struct builder *b, const char *name, struct text t) {
  build_printf(b, ",\"%s\":", name);
  if (t.at)
    build_quoted(b, t);
  else
    build_str(b, "null");
}

/* After the other members. Of who was erased there is nothing. */
static void write_whom(struct request *q, struct uuid id, struct text sealed, struct builder *b) {
  struct text open = NONE;
  if (sealed.at)
    open = invoice_open(house_secrets(api_of(q)->house), &q->arena, q->community, id, sealed);
  if (sealed.at && !open.at)
    log_write(LOG_ERROR, "invoice_unreadable", "because=\"another secret file\"");
  struct json *j = json_parse(&q->arena, open, NULL);
  build_maybe(b, "title", json_text(json_get(j, "title")));
  build_maybe(b, "tax_number", json_text(json_get(j, "tax_number")));
  build_maybe(b, "email", json_text(json_get(j, "email")));
}

static struct text sealed_whom(struct request *q, struct uuid id) {
  struct builder b = {0};
  build_str(&b, "{\"title\":");
  build_quoted(&b, body_text(q, "title"));
  build_maybe(&b, "tax_number", body_text(q, "tax_number"));
  build_maybe(&b, "email", body_text(q, "email"));
  build_char(&b, '}');
  return invoice_seal(house_secrets(api_of(q)->house), &q->arena, q->community, id,
                      arena_built(&q->arena, &b));
}

/* ---- one ---- */

static struct step look(struct request *q, struct uuid id, rows_next next) {
  return ask_invoice_request_get(q, next, .id = id, .member_id = q->caller.member,
                                 .all = q->caller.role >= ROLE_OPERATOR);
}

/* False: the problem is set. */
static bool write_one(struct request *q, const struct rows *r, struct builder *b,
                      struct invoice_request_get_row *row) {
  if (refused(q, r)) return false;
  if (!one_invoice_request_get(q, r, row)) {
    q->problem = INTERNAL;
    return false;
  }
  rows_object(r, 0, b);
  if (b->len) b->len--; /* its closing brace */
  write_whom(q, row->id, row->sealed, b);
  build_char(b, '}');
  return true;
}

static struct step shown(struct request *q, const struct rows *r) {
  struct invoice_request_get_row row;
  struct builder b = {0};
  return write_one(q, r, &b, &row) ? reply_json_tagged(q, 200, &b) : DONE;
}

struct step invoice_request_get(struct request *q) {
  return look(q, path_id(q, "id"), shown);
}

/* ---- asking ---- */

/* It is posted to its order, and lives at /v1/invoice-requests. */
static struct step placed(struct request *q, const struct rows *r) {
  char path[64] = "/v1/invoice-requests/";
  struct invoice_request_get_row row;
  struct builder b = {0};
  if (!write_one(q, r, &b, &row)) return DONE;
  uuid_write(row.id, path + 21);
  reply_header(q, "Location", arena_copy(&q->arena, text_of(path)));
  return reply_json(q, 201, &b);
}

static struct step made(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return look(q, *(struct uuid *)q->state, placed);
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
  struct uuid *id = q->state = NEW(&q->arena, struct uuid);
  *id = uuid_new();
  return ask_invoice_request_create(q, made, .order_id = path_id(q, "id"), .id = *id,
                                    .member_id = q->caller.member, .kind = body_text(q, "kind"),
                                    .sealed = sealed_whom(q, *id), .role = role(q),
                                    .audit_id = uuid_new(), .request_id = q->id);
}

/* ---- lists ---- */

static void write_more(struct request *q, const struct rows *r, int i, struct builder *b) {
  struct invoice_request_list_row row;
  if (!rows_read(q, r, i, r->statement, &row)) return;
  write_whom(q, row.id, row.sealed, b);
}

static struct step listed(struct request *q, const struct rows *r) {
  return answer_page_with(q, r, write_more);
}

struct step my_invoice_requests(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_invoice_request_list(q, listed, .member_id = q->caller.member, PAGE_IN(p));
}

struct step invoice_request_list(struct request *q) {
  struct page p;
  struct uuid member = {0}, order = {0};
  if (!page_read(q, &p)) return DONE;
  (void)uuid_parse(query_text(q, "member_id"), &member);
  (void)uuid_parse(query_text(q, "order_id"), &order);
  return ask_invoice_request_list(q, listed, .member_id = member, .order_id = order,
                                  .state = query_text(q, "state"), PAGE_IN(p));
}

/* ---- what became of it ---- */

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return look(q, path_id(q, "id"), shown);
}

static struct step change(struct request *q, int64_t expected) {
  return ask_invoice_request_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                                    .expected = expected, .actor = q->caller.member,
                                    .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct invoice_request_get_row row;
  struct builder b = {0};
  if (!write_one(q, r, &b, &row)) return DONE;
  bool holds = if_match_holds_for(q, arena_built(&q->arena, &b));
  return holds ? change(q, row.version) : problem(q, VERSION_CHANGED);
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
