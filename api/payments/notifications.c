/* What providers tell us. Anybody can knock here, so nothing is believed before the signature over
 * the raw body holds; then it is kept and done in one transaction, within a second. */
#include "api/api.h"
#include "db/sql.h"

static const char *const kinds[] = {[FACT_OTHER] = "other",
                                    [FACT_PAID] = "paid",
                                    [FACT_FAILED] = "failed",
                                    [FACT_CLOSED] = "closed",
                                    [FACT_REFUNDED] = "refunded",
                                    [FACT_DISPUTED] = "disputed",
                                    [FACT_WON] = "won",
                                    [FACT_LOST] = "lost",
                                    [FACT_RENEWED] = "renewed",
                                    [FACT_RENEWAL_FAILED] = "renewal_failed",
                                    [FACT_RENEWAL_STOPPED] = "renewal_stopped"};

static struct text header_of(void *who, const char *name) {
  return header(who, name);
}

static struct step refuse(struct request *q, const struct gateway *g, const char *why) {
  metric_add(lyceum_notifications_refused, 1);
  log_write(LOG_WARN, "notification_refused", "provider=%s community=%lld reason=%s", g->name,
            (long long)q->community, why);
  return problem(q, NOTIFICATION_REFUSED);
}

/* ---- once it is believed ----------------------------------------------------------------------
 */

static struct step taken(struct request *q, const struct rows *r) {
  const struct gateway *g = q->state;
  struct payment_event_take_row row;
  struct builder b = {0};
  if (!one_payment_event_take(q, r, &row)) return problem(q, INTERNAL);
  if (text_is(row.outcome, "differs") || text_is(row.outcome, "not_found"))
    log_write(LOG_WARN, "notification_differs", "provider=%s community=%lld outcome=%.*s", g->name,
              (long long)q->community, TEXT_ARGS(row.outcome));
  if (!g->thanks) return reply_empty(q, 204);
  build_str(&b, g->thanks);
  return reply(q, 200, "text/plain; charset=utf-8", &b);
}

static void put(struct builder *b, const char *name, struct text value) {
  if (!value.at) return;
  build_printf(b, ",\"%s\":", name);
  build_quoted(b, value);
}

static void put_id(struct builder *b, const char *name, struct uuid id) {
  char text[37];
  uuid_write(id, text);
  if (!uuid_is_zero(id)) put(b, name, text_of(text));
}

static struct text facts_json(struct request *q, const struct pay_facts *f) {
  char at[32];
  struct builder b = {0};
  build_printf(&b, "{\"kind\":\"%s\",\"amount\":%lld,\"fee\":%lld", kinds[f->kind],
               (long long)f->amount_minor, (long long)f->fee_minor);
  time_write(f->at ? f->at : time_now(), at);
  put(&b, "at", text_of(at));
  put(&b, "ref", f->ref);
  put(&b, "subscription", f->subscription);
  put(&b, "currency", f->currency);
  put(&b, "refund_ref", f->refund_ref);
  put(&b, "dispute_ref", f->dispute_ref);
  put(&b, "reason", f->reason);
  put_id(&b, "attempt", f->attempt);
  put_id(&b, "request", f->request);
  build_char(&b, '}');
  return arena_built(&q->arena, &b);
}

/* ---- before -----------------------------------------------------------------------------------
 */

static struct step set_up(struct request *q, const struct rows *r) {
  const struct gateway *g = q->state;
  struct gateway_read_row row;
  struct pay_facts facts = {0};
  if (!one_gateway_read(q, r, &row)) return problem(q, NOT_FOUND);
  const struct digest *key = &house_secrets(api_of(q)->house)->sealing;
  struct text provider = text_of(g->name);
  struct notice n = {
      .body = body_raw(q),
      .header = header_of,
      .who = q,
      .now = time_now(),
      .settings = settings_open(&q->arena, key, q->community, provider, row.sealed, row.shown)};
  if (!n.settings) return problem(q, INTERNAL);
  enum notice_verdict v = g->notice(&q->arena, &n, &facts);
  if (q->arena.failed) return problem(q, OUT_OF_MEMORY);
  if (v != NOTICE_GOOD) return refuse(q, g, v == NOTICE_FORGED ? "forged" : "malformed");
  struct text bound = arena_printf(&q->arena, "event %s %.*s", g->name, TEXT_ARGS(facts.event));
  return ask_payment_event_take(q, taken, .provider = provider, .event = facts.event,
                                .facts = facts_json(q, &facts),
                                .sealed = crypto_seal(&q->arena, key, bound, n.body));
}

struct step gateway_notification(struct request *q) {
  const struct gateway *g = gateway_find(path_text(q, "provider"));
  if (!g || !g->notice) return problem(q, NOT_FOUND);
  q->state = (void *)(uintptr_t)g;
  return ask_gateway_read(q, set_up, .provider = text_of(g->name));
}
