/* Ways to pay an order, and tries to do so. A try is one per order, provider and method: asking for
 * it again gives the same one, and the provider knows it by its id. */
#include "api/api.h"
#include "db/sql.h"

#include <string.h>

enum { CALL_MS = 2000 }; /* twice, within the request's deadline */

struct trying { /* q->state while a provider is asked is its first member: see pay_call() */
  struct pay pay;
  struct uuid id;
  bool created;
};

/* Operators see every order, others their own. */
static struct uuid whose(const struct request *q) {
  struct uuid anybody = {0};
  return q->caller.role >= ROLE_OPERATOR ? anybody : q->caller.member;
}

/* ---- ways -------------------------------------------------------------------------------------
 */

static struct step ways(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  struct text *names = arena_alloc(&q->arena, 2 * gateway_count * sizeof *names);
  struct text *methods = names + gateway_count;
  for (size_t i = 0; i < gateway_count; i++) {
    names[i] = text_of(gateway_all[i]->name);
    methods[i] = text_of(gateway_all[i]->methods);
  }
  return ask_way_list(q, answer_all, .order_id = path_id(q, "id"), .names = {gateway_count, names},
                      .methods = {gateway_count, methods});
}

struct step way_list(struct request *q) {
  return ask_order_seen(q, ways, .id = path_id(q, "id"), .member_id = whose(q));
}

/* ---- a try ------------------------------------------------------------------------------------
 */

static struct step shown(struct request *q, const struct rows *r) {
  const struct trying *t = q->state;
  struct builder b = {0};
  if (refused(q, r)) return DONE;
  rows_object(r, 0, &b);
  return reply_json(q, t->created ? 201 : 200, &b);
}

static struct step show(struct request *q) {
  const struct trying *t = q->state;
  return ask_attempt_get(q, shown, .order_id = path_id(q, "id"), .id = t->id);
}

static struct step kept(struct request *q, const struct rows *r) {
  return refused(q, r) ? DONE : show(q);
}

static struct step refuses(struct request *q, const struct rows *r) {
  (void)r;
  return problem(q, GATEWAY_REFUSES);
}

/* A page of this server's own gets its address in front. */
static struct text absolute(struct request *q, struct text url) {
  const struct api *api = api_of(q);
  const char *base = gateways_public_url(api->gateways);
  return text_starts(url, "/") ? arena_printf(&q->arena, "%s%.*s", base, TEXT_ARGS(url)) : url;
}

static struct step started(struct request *q, const struct pay_result *r) {
  const struct trying *t = q->state;
  switch (r->state) {
  case PAY_AWAY:
    q->retry_after = 5;
    return problem(q, GATEWAY_AWAY);
  case PAY_REFUSED:
  case PAY_FAILED:
  case PAY_CLOSED:
    return ask_attempt_ended(q, refuses, .id = t->id, .state = LIT("failed"));
  default:
    return ask_attempt_started(q, kept, .id = t->id, .ref = r->ref,
                               .pay_url = absolute(q, r->pay_url));
  }
}

static struct step opened(struct request *q, const struct rows *r) {
  struct trying *t = q->state;
  struct attempt_create_row row;
  if (refused(q, r)) return DONE;
  if (!one_attempt_create(q, r, &row)) return problem(q, INTERNAL);
  t->id = row.id;
  t->created = row.created;
  if (row.pay_url.at || !t->pay.gateway->start) return show(q);
  const struct digest *key = &house_secrets(api_of(q)->house)->sealing;
  t->pay.what = PAY_START;
  t->pay.house = api_of(q)->gateways;
  t->pay.slug = row.slug;
  t->pay.attempt = row.id;
  t->pay.method = body_text(q, "method");
  t->pay.subject = row.subject;
  t->pay.amount_minor = row.amount;
  t->pay.currency = row.currency;
  t->pay.expires_at = row.has_expires_at ? row.expires_at : 0;
  t->pay.timeout_ms = CALL_MS;
  t->pay.settings =
      settings_open(&q->arena, key, q->community, body_text(q, "provider"), row.sealed, row.shown);
  return pay_call(q, &t->pay, started);
}

struct step attempt_create(struct request *q) {
  struct trying *t = q->state = NEW(&q->arena, struct trying);
  struct text provider = body_text(q, "provider"), method = body_text(q, "method");
  t->pay.gateway = gateway_find(provider);
  if (!t->pay.gateway)
    fault_add(q, LIT("/provider"), "unknown", LIT("there is no such way to pay"),
              LIT("没有此支付方式"));
  else if (!gateway_has_method(t->pay.gateway, method))
    fault_add(q, LIT("/method"), "unknown", LIT("this way to pay has no such method"),
              LIT("该支付方式没有此方法"));
  if (q->faults) return problem(q, BODY_INVALID);
  return ask_attempt_create(q, opened, .order_id = path_id(q, "id"), .id = uuid_new(),
                            .member_id = whose(q), .provider = provider, .method = method,
                            .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                            .audit_id = uuid_new(), .request_id = q->id);
}
