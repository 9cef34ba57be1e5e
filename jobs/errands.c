/* Asks providers what has to be asked, on a loop: payments whose notification did not come,
 * attempts to be closed, refunds, subscriptions to be stopped; and sends the built-in provider's
 * notifications. Each errand is taken by a committed lease. Killed between a provider's answer and
 * our commit, it is run again, and the call's idempotency key finds what was done. */
#include "db/sql.h"
#include "jobs/jobs.h"

#include <stdlib.h>

/* An errand is given up before its lease ends, so that nobody else has it by then. */
enum { LOOK_EVERY_MS = 1000, AT_ONCE = 16, ERRAND_MS = 25000, CALL_MS = 10000, TAKE_MS = 4000 };
enum { KINDS = 4 }; /* that lie apart: attempts, refunds, subscriptions, notifications */

struct errands {
  struct request take; /* asks what is due; used again and again */
  struct loop *loop;
  const struct gateways *gateways;
  const struct secrets *secrets;
  struct timer timer;
  struct errand *first; /* under way */
  int under_way;
  bool taking, again; /* again: woken while it was taking */
};

struct errand {
  struct request q;
  struct errands *all;
  struct errand *next, **link;
  struct errand_take_row row;
  struct pay pay;
};

static struct errand *errand_of(struct request *q) {
  return CONTAINER_OF(q, struct errand, q);
}

/* ---- the end of an errand ---------------------------------------------------------------------
 */

static void look(struct errands *all);

static void errand_free(struct errand *e) {
  request_end(&e->q);
  free(e);
}

static void errand_finished(struct request *q) {
  struct errand *e = errand_of(q);
  struct errands *all = e->all;
  if (q->problem)
    log_write(LOG_WARN, "errand_interrupted", "kind=%.*s provider=%.*s problem=%s",
              TEXT_ARGS(e->row.kind), TEXT_ARGS(e->row.provider), problem_kind(q->problem)->code);
  *e->link = e->next;
  if (e->next) e->next->link = e->link;
  all->under_way--;
  errand_free(e);
  if (all->again) look(all);
}

static struct step over(struct request *q, const struct rows *r) {
  (void)q, (void)r;
  return DONE;
}

/* ---- attempts: is it paid? close it ------------------------------------------------------------
 */

static struct step look_later(struct request *q) {
  return ask_attempt_looked(q, over, .id = errand_of(q)->row.id);
}

static struct step end_attempt(struct request *q, struct text state) {
  return ask_attempt_ended(q, over, .id = errand_of(q)->row.id, .state = state);
}

static struct step fact_came(struct request *q, const struct rows *r) {
  struct payment_fact_row row;
  const struct errand *e = errand_of(q);
  if (!one_payment_fact(q, r, &row)) return problem(q, INTERNAL);
  if (!text_is(row.outcome, "differs") && !text_is(row.outcome, "not_found")) return DONE;
  log_write(LOG_ERROR, "payment_differs", "provider=%.*s outcome=%.*s", TEXT_ARGS(e->row.provider),
            TEXT_ARGS(row.outcome));
  return look_later(q);
}

static struct step paid(struct request *q, const struct pay_result *r) {
  const struct errand *e = errand_of(q);
  struct builder b = {0};
  build_str(&b, "{\"kind\":\"paid\",\"ref\":");
  build_quoted(&b, r->ref);
  build_str(&b, ",\"attempt\":\"");
  build_uuid(&b, e->row.attempt);
  build_printf(&b, "\",\"amount\":%lld,\"fee\":%lld,\"currency\":", (long long)r->amount_minor,
               (long long)r->fee_minor);
  build_quoted(&b, r->currency.at ? r->currency : LIT(""));
  if (r->subscription.at) {
    build_str(&b, ",\"subscription\":");
    build_quoted(&b, r->subscription);
  }
  build_str(&b, ",\"at\":\"");
  build_time(&b, r->at ? r->at : time_now());
  build_str(&b, "\"}");
  return ask_payment_fact(q, fact_came, .provider = e->row.provider,
                          .facts = arena_built(&q->arena, &b));
}

static struct step attempt_answered(struct request *q, const struct pay_result *r) {
  const struct pay *p = q->state;
  bool closing = p->what == PAY_CLOSE;
  switch (r->state) {
  case PAY_PAID:
    return paid(q, r);
  case PAY_FAILED:
    return end_attempt(q, LIT("failed"));
  case PAY_CLOSED:
    return end_attempt(q, LIT("closed"));
  case PAY_REFUSED: /* it never got there, so nobody can pay it there */
    return closing ? end_attempt(q, LIT("closed")) : look_later(q);
  default:
    return look_later(q);
  }
}

static struct step run_attempt(struct request *q, enum pay_what what) {
  struct errand *e = errand_of(q);
  const struct gateway *g = e->pay.gateway;
  bool none = what == PAY_CLOSE ? !g->close : !g->query;
  if (none) return what == PAY_CLOSE ? end_attempt(q, LIT("closed")) : look_later(q);
  e->pay.what = what;
  return pay_call(q, &e->pay, attempt_answered);
}

/* ---- refunds ----------------------------------------------------------------------------------
 */

static struct step refund_recorded(struct request *q, const struct rows *r) {
  struct refund_done_row row;
  if (one_refund_done(q, r, &row) && text_is(row.outcome, "too_much"))
    log_write(LOG_ERROR, "refund_differs", "provider=%.*s", TEXT_ARGS(errand_of(q)->row.provider));
  return DONE;
}

static struct step refund_answered(struct request *q, const struct pay_result *r) {
  const struct errand *e = errand_of(q);
  int64_t tries = e->row.tries < 12 ? e->row.tries : 12;
  if (r->state == PAY_REFUNDED)
    return ask_refund_done(q, refund_recorded, .id = e->row.id, .ref = r->ref);
  if (r->state == PAY_REFUSED)
    return ask_refund_fail(q, over, .id = e->row.id,
                           .error = text_of(r->why ? r->why : "the provider refuses it"),
                           .audit_id = uuid_new());
  return ask_refund_later(q, over, .id = e->row.id, .pending = r->state == PAY_OPEN,
                          .seconds = tries < 1 ? 1 : INT64_C(1) << tries);
}

static struct step run_refund(struct request *q) {
  struct errand *e = errand_of(q);
  e->pay.what = PAY_REFUND;
  e->pay.request = e->row.id;
  return pay_call(q, &e->pay, refund_answered);
}

/* ---- subscriptions that nobody wants any more -------------------------------------------------
 */

static struct step stop_answered(struct request *q, const struct pay_result *r) {
  const struct errand *e = errand_of(q);
  bool refused = r->state == PAY_REFUSED;
  if (!refused && r->state != PAY_CLOSED) return DONE; /* its next time is set already */
  if (refused)
    log_write(LOG_ERROR, "subscription_goes_on", "provider=%.*s reason=%s",
              TEXT_ARGS(e->row.provider), r->why ? r->why : "the provider refuses it");
  return ask_renewal_stop_done(q, over, .id = e->row.id, .refused = refused);
}

static struct step run_stop(struct request *q) {
  struct errand *e = errand_of(q);
  e->pay.what = PAY_STOP;
  e->pay.request = e->row.id;
  return pay_call(q, &e->pay, stop_answered);
}

/* ---- the built-in provider's notifications ----------------------------------------------------
 */

static struct step sent(struct request *q, const struct fetched *f) {
  bool taken = !f->error && f->status >= 200 && f->status < 300;
  return ask_test_event_sent(q, over, .id = errand_of(q)->row.id, .taken = taken);
}

static struct step send(struct request *q) {
  struct errand *e = errand_of(q);
  struct arena *a = &q->arena;
  struct text signature = test_signature(a, e->pay.settings, time_now(), e->row.body);
  const char **headers = arena_alloc(a, 3 * sizeof *headers);
  headers[0] = "Content-Type: application/json";
  headers[1] = arena_printf(a, "Test-Signature: %.*s", TEXT_ARGS(signature)).at;
  struct fetch_call call = {.method = "POST",
                            .url = arena_printf(a, "%s/v1/gateways/test/%.*s/notifications",
                                                e->all->gateways->self, TEXT_ARGS(e->row.slug))
                                       .at,
                            .headers = headers,
                            .body = e->row.body,
                            .timeout_ms = CALL_MS};
  return fetch(q, &call, sent);
}

/* ---- taking -----------------------------------------------------------------------------------
 */

static struct step run(struct request *q) {
  struct errand *e = errand_of(q);
  const struct errand_take_row *r = &e->row;
  e->pay = (struct pay){.gateway = gateway_find(r->provider),
                        .house = e->all->gateways,
                        .slug = r->slug,
                        .attempt = r->attempt,
                        .ref = r->ref,
                        .amount_minor = r->amount,
                        .currency = r->currency,
                        .timeout_ms = CALL_MS};
  if (r->shown.at)
    e->pay.settings = settings_open(&q->arena, &e->all->secrets->sealing, q->community, r->provider,
                                    r->sealed, r->shown);
  if (!e->pay.gateway) return DONE; /* of a newer version; that one will see to it */
  if (text_is(r->kind, "send")) return send(q);
  if (text_is(r->kind, "refund")) return run_refund(q);
  if (text_is(r->kind, "stop")) return run_stop(q);
  return run_attempt(q, text_is(r->kind, "close") ? PAY_CLOSE : PAY_QUERY);
}

static struct errand *errand_new(struct errands *all) {
  struct errand *e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->q.loop = all->loop;
  e->q.finished = errand_finished;
  e->all = all;
  e->next = all->first;
  e->link = &all->first;
  if (e->next) e->next->link = &e->next;
  all->first = e;
  all->under_way++;
  return e;
}

static struct step taken(struct request *q, const struct rows *r) {
  struct errands *all = CONTAINER_OF(q, struct errands, take);
  for (int i = 0; i < r->count; i++) {
    struct errand *e = errand_new(all);
    if (!e) break; /* its lease runs out, and it is taken again */
    row_errand_take(&e->q, r, i, &e->row);
    e->q.community = e->row.community;
    request_start(&e->q, ERRAND_MS);
    request_take(&e->q, run(&e->q));
  }
  all->again = all->again || r->count > 0; /* there may be more */
  return DONE;
}

static void taken_all(struct request *q) {
  struct errands *all = CONTAINER_OF(q, struct errands, take);
  request_end(q);
  *q = (struct request){0};
  all->taking = false;
  if (all->again) look(all);
}

static void look(struct errands *all) {
  int room = AT_ONCE - all->under_way;
  all->again = true;
  if (all->taking || room < KINDS) return; /* whoever ends next looks again */
  all->again = false;
  all->taking = true;
  all->take = (struct request){.loop = all->loop, .finished = taken_all};
  request_start(&all->take, TAKE_MS);
  request_take(&all->take, ask_errand_take(&all->take, taken, .most = room / KINDS));
}

static void look_again(struct timer *t) {
  struct errands *all = CONTAINER_OF(t, struct errands, timer);
  loop_timer(all->loop, &all->timer, loop_now(all->loop) + LOOK_EVERY_MS);
  look(all);
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

struct errands *errands_open(struct loop *l, const struct gateways *g, const struct secrets *s) {
  struct errands *all = calloc(1, sizeof *all);
  if (!all) return NULL;
  *all = (struct errands){.loop = l, .gateways = g, .secrets = s};
  all->timer.fire = look_again;
  loop_timer(l, &all->timer, loop_now(l) + LOOK_EVERY_MS / 4);
  return all;
}

void errands_soon(struct errands *all) {
  look(all);
}

void errands_close(struct errands *all) {
  if (!all) return;
  loop_untimer(all->loop, &all->timer);
  all->again = false;
  for (struct errand *e = all->first, *next; e; e = next) {
    next = e->next;
    if (e->q.abandon) (void)e->q.abandon(&e->q);
    errand_free(e);
  }
  if (all->taking) {
    if (all->take.abandon) (void)all->take.abandon(&all->take);
    request_end(&all->take);
  }
  free(all);
}
