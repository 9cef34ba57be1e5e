/* Orders: exactly what was quoted, made once. Members see and cancel their own; operators all. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* Whose orders the caller may reach: zero stands for everybody's. */
static struct uuid reach(const struct request *q) {
  struct uuid everybody = {0};
  return q->caller.role >= ROLE_OPERATOR ? everybody : q->caller.member;
}

/* ---- reading ---- */

struct step order_get(struct request *q) {
  return ask_order_get(q, answer_one, .member_id = reach(q), .id = path_id(q, "id"));
}

struct step my_order_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_order_list(q, answer_page, .member_id = q->caller.member,
                        .status = query_text(q, "status"), .kind = query_text(q, "kind"),
                        PAGE_IN(p));
}

struct step order_list(struct request *q) {
  struct page p;
  struct uuid member = {0};
  micros since = 0, before = 0;
  if (!page_read(q, &p)) return DONE;
  (void)uuid_parse(query_text(q, "member_id"), &member);
  bool has_since = query_time(q, "created_at[gte]", &since),
       has_before = query_time(q, "created_at[lt]", &before);
  return ask_order_list(q, answer_page, .member_id = member, .status = query_text(q, "status"),
                        .kind = query_text(q, "kind"), .since = since, .has_since = has_since,
                        .before = before, .has_before = has_before, PAGE_IN(p));
}

/* ---- ordering ---- */

static struct step made(struct request *q, const struct rows *r) {
  struct order_create_row row;
  if (refused(q, r)) return DONE;
  if (!one_order_create(q, r, &row)) return problem(q, INTERNAL);
  return ask_order_get(q, row.created ? answer_created : answer_one, .member_id = q->caller.member,
                       .id = row.id);
}

struct step order_create(struct request *q) {
  return ask_order_create(
      q, made, .member_id = q->caller.member, .quote_id = body_id(q, "quote_id"), .id = uuid_new(),
      .line_id = uuid_new(), .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

/* ---- cancelling ---- */

static struct step cancelled(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_order_get(q, answer_one, .member_id = reach(q), .id = path_id(q, "id"));
}

struct step order_cancel(struct request *q) {
  return ask_order_cancel(q, cancelled, .member_id = reach(q), .id = path_id(q, "id"),
                          .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(),
                          .request_id = q->id);
}
