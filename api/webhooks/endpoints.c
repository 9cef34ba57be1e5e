/* Where a community wants to be told of what happens. A secret is shown once: when it is made. */
#include "api/webhooks/webhooks.h"
#include "db/sql.h"

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

struct step webhook_list(struct request *q) {
  return ask_webhook_list(q, answer_all);
}

struct step webhook_get(struct request *q) {
  return ask_webhook_get(q, answer_one, .id = path_id(q, "id"));
}

/* ---- making, and another secret ----------------------------------------------------------------
 */

static void build_with_secret(struct request *q, const struct rows *r, struct builder *b) {
  const struct webhook_given *g = q->state;
  rows_object(r, 0, b);
  if (b->len) b->len--; /* its closing brace */
  build_str(b, ",\"secret\":");
  build_quoted(b, webhook_secret_show(&q->arena, g->secret));
  build_char(b, '}');
}

static struct step shown_new(struct request *q, const struct rows *r) {
  const struct webhook_given *g = q->state;
  struct builder b = {0};
  char path[64] = "/v1/webhooks/";
  if (refused(q, r)) return DONE;
  build_with_secret(q, r, &b);
  uuid_write(g->id, path + 13);
  reply_header(q, "Location", text_of(path));
  return reply_json(q, 201, &b);
}

static struct step created(struct request *q, const struct rows *r) {
  const struct webhook_given *g = q->state;
  return refused(q, r) ? DONE : ask_webhook_get(q, shown_new, .id = g->id);
}

struct step webhook_create(struct request *q) {
  struct webhook_given *g = q->state = NEW(&q->arena, struct webhook_given);
  struct builder topics = {0};
  g->id = uuid_new();
  webhook_read_url(q, g);
  webhook_read_secret(q, g);
  if (q->faults) return problem(q, BODY_INVALID);
  if (json_kind(json_get(body(q), "topics")) == JSON_LIST)
    json_write(&topics, json_get(body(q), "topics"));
  return ask_webhook_create(q, created, .id = g->id, .url = g->url, .plain = g->plain,
                            .description = body_text(q, "description"),
                            .topics = arena_built(&q->arena, &topics), .secret = g->sealed,
                            .actor = q->caller.member, .role = role(q), .audit_id = uuid_new(),
                            .request_id = q->id);
}

static struct step shown_turned(struct request *q, const struct rows *r) {
  struct builder b = {0};
  if (refused(q, r)) return DONE;
  build_with_secret(q, r, &b);
  return reply_json(q, 200, &b);
}

static struct step turned(struct request *q, const struct rows *r) {
  const struct webhook_given *g = q->state;
  return refused(q, r) ? DONE : ask_webhook_get(q, shown_turned, .id = g->id);
}

struct step webhook_rotate(struct request *q) {
  struct webhook_given *g = q->state = NEW(&q->arena, struct webhook_given);
  g->id = path_id(q, "id");
  webhook_read_secret(q, g);
  if (q->faults) return problem(q, BODY_INVALID);
  return ask_webhook_rotate(q, turned, .id = g->id, .secret = g->sealed,
                            .hours = body_int(q, "keep_hours", 24), .actor = q->caller.member,
                            .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

/* ---- changing ---------------------------------------------------------------------------------
 */

static struct step changed(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_webhook_get(q, answer_one, .id = path_id(q, "id"));
}

/* `expected` is the version that the caller saw; 0 when they did not say. */
static struct step change(struct request *q, int64_t expected) {
  const struct webhook_given *g = q->state;
  return ask_webhook_change(q, changed, .id = path_id(q, "id"), .body = body_json(q),
                            .plain = g->plain, .expected = expected, .actor = q->caller.member,
                            .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct webhook_get_row row;
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r) || !one_webhook_get(q, r, &row)) return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

struct step webhook_change(struct request *q) {
  struct webhook_given *g = q->state = NEW(&q->arena, struct webhook_given);
  webhook_read_url(q, g);
  if (q->faults) return problem(q, BODY_INVALID);
  if (!has_if_match(q)) return change(q, 0);
  return ask_webhook_get(q, compared, .id = path_id(q, "id"));
}

struct step webhook_remove(struct request *q) {
  return ask_webhook_remove(q, answer_done, .id = path_id(q, "id"), .actor = q->caller.member,
                            .role = role(q), .audit_id = uuid_new(), .request_id = q->id);
}
