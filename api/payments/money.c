/* Money of an order, in and back: what an operator received by hand, refunds, disputes. */
#include "api/api.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

static bool sees_all(const struct request *q) {
  return q->caller.role >= ROLE_OPERATOR;
}

/* Operators see every order, others their own, without what operators wrote for themselves. */
static struct step look(struct request *q, rows_next next) {
  struct uuid anybody = {0};
  return ask_order_seen(q, next, .id = path_id(q, "id"),
                        .member_id = sees_all(q) ? anybody : q->caller.member);
}

static struct step payments(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_payment_list(q, answer_all, .order_id = path_id(q, "id"), .all = sees_all(q));
}

struct step payment_list(struct request *q) {
  return look(q, payments);
}

static struct step refunds(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_refund_list(q, answer_all, .order_id = path_id(q, "id"), .all = sees_all(q));
}

struct step refund_list(struct request *q) {
  return look(q, refunds);
}

static struct step disputes(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_dispute_list(q, answer_all, .order_id = path_id(q, "id"));
}

struct step dispute_list(struct request *q) {
  return look(q, disputes);
}

/* ---- by hand ----------------------------------------------------------------------------------
 */

static bool is_link(struct text t) {
  return !t.at || text_starts(t, "https://") || text_starts(t, "http://");
}

struct step payment_record(struct request *q) {
  micros paid_at = 0;
  bool has_paid_at = body_time(q, "paid_at", &paid_at);
  if (!is_link(body_text(q, "evidence_url"))) {
    fault_add(q, LIT("/evidence_url"), "format", LIT("a link, https://…"),
              LIT("应为链接 https://…"));
    return problem(q, BODY_INVALID);
  }
  return ask_payment_by_hand(
      q, answer_created, .order_id = path_id(q, "id"), .id = uuid_new(),
      .amount_minor = body_int(q, "amount_minor", 0), .currency = body_text(q, "currency"),
      .reference = text_trim(body_text(q, "reference")), .paid_at = paid_at,
      .has_paid_at = has_paid_at, .note = body_text(q, "note"),
      .evidence_url = body_text(q, "evidence_url"), .actor = q->caller.member, .role = role(q),
      .audit_id = uuid_new(), .request_id = q->id);
}

/* ---- back -------------------------------------------------------------------------------------
 */

static struct step asked(struct request *q, const struct rows *r) {
  struct refund_ask_row row;
  if (refused(q, r)) return DONE;
  if (!one_refund_ask(q, r, &row)) return problem(q, INTERNAL);
  return ask_refund_get(q, answer_created, .id = row.id);
}

struct step refund_create(struct request *q) {
  return ask_refund_ask(
      q, asked, .order_id = path_id(q, "id"), .id = uuid_new(),
      .payment_id = body_id(q, "payment_id"), .amount_minor = body_int(q, "amount_minor", 0),
      .reason = body_text(q, "reason"), .keeps = body_bool(q, "keeps", false),
      .reference = text_trim(body_text(q, "reference")), .actor = q->caller.member, .role = role(q),
      .audit_id = uuid_new(), .request_id = q->id);
}
