/* What was sent to a webhook, or is to be, and sending it again. */
#include "api/api.h"
#include "db/sql.h"

enum { REPLAYED_AT_ONCE = 5000 };

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

/* ---- reading ----------------------------------------------------------------------------------
 */

static struct step listed(struct request *q, const struct rows *r) {
  const struct page *p = q->state;
  if (refused(q, r)) return DONE;
  return ask_webhook_delivery_list(q, answer_page, .endpoint = path_id(q, "id"),
                                   .state = query_text(q, "state"), .type = query_text(q, "topic"),
                                   PAGE_IN(*p));
}

struct step webhook_delivery_list(struct request *q) {
  struct page *p = q->state = NEW(&q->arena, struct page);
  if (!page_read(q, p)) return DONE;
  return ask_webhook_get(q, listed, .id = path_id(q, "id"));
}

struct step webhook_delivery_get(struct request *q) {
  return ask_webhook_delivery_get(q, answer_one, .endpoint = path_id(q, "id"),
                                  .id = path_id(q, "delivery_id"));
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static struct step pinged(struct request *q, const struct rows *r) {
  struct webhook_ping_row row;
  struct builder path = {0};
  if (refused(q, r)) return DONE;
  if (!one_webhook_ping(q, r, &row)) return problem(q, INTERNAL);
  build_str(&path, "/v1/webhooks/");
  build_uuid(&path, path_id(q, "id"));
  build_str(&path, "/deliveries/");
  build_uuid(&path, row.id);
  reply_header(q, "Location", arena_built(&q->arena, &path));
  return ask_webhook_delivery_get(q, answer_one, .endpoint = path_id(q, "id"), .id = row.id);
}

struct step webhook_test(struct request *q) {
  return ask_webhook_ping(q, pinged, .id = path_id(q, "id"), .event = uuid_new());
}

static struct step replayed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_webhook_delivery_get(q, answer_one, .endpoint = path_id(q, "id"),
                                  .id = path_id(q, "delivery_id"));
}

struct step webhook_replay(struct request *q) {
  return ask_webhook_replay(q, replayed, .endpoint = path_id(q, "id"),
                            .id = path_id(q, "delivery_id"), .actor = q->caller.member,
                            .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

struct step webhook_replay_all(struct request *q) {
  micros since = 0;
  (void)body_time(q, "since", &since);
  return ask_webhook_replay_all(q, answer_one, .endpoint = path_id(q, "id"), .since = since,
                                .most = REPLAYED_AT_ONCE, .actor = q->caller.member,
                                .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}
