/* Calls to providers: a deadline, one more try at once, and a circuit breaker. */
#include "gateways/gateways.h"

enum { BREAK_AFTER = 5, BREAK_MS = 5000, TRIES = 2, GATEWAYS_MOST = 16 };

/* ---- the circuit breaker: one a provider, shared by all loops ----------------------------------
 */

static struct breaker {
  atomic_int failures;        /* in a row */
  atomic_uint_fast64_t until; /* in ticks: left alone until then; 0: it is closed */
} breakers[GATEWAYS_MOST];

static struct breaker *breaker_of(const struct gateway *g) {
  for (size_t i = 0; i < gateway_count && i < GATEWAYS_MOST; i++)
    if (gateway_all[i] == g) return &breakers[i];
  return &breakers[GATEWAYS_MOST - 1];
}

/* When its time has passed, one call goes through to see; all others wait for what becomes of it.
 */
static bool may_call(struct breaker *b) {
  uint_fast64_t until = atomic_load(&b->until);
  if (!until) return true;
  if (time_ticks() < until) return false;
  return atomic_compare_exchange_strong(&b->until, &until, time_ticks() + BREAK_MS);
}

static void note(struct breaker *b, const struct gateway *g, bool good) {
  metric_add(lyceum_gateway_calls, 1);
  if (good) {
    atomic_store(&b->failures, 0);
    atomic_store(&b->until, 0);
    return;
  }
  metric_add(lyceum_gateway_failures, 1);
  if (atomic_fetch_add(&b->failures, 1) + 1 < BREAK_AFTER) return;
  if (!atomic_exchange(&b->until, time_ticks() + BREAK_MS))
    log_write(LOG_WARN, "gateway_left_alone", "provider=%s ms=%d", g->name, BREAK_MS);
}

/* ---- one call ---------------------------------------------------------------------------------
 */

static const char *const names[] = {[PAY_START] = "start",
                                    [PAY_QUERY] = "query",
                                    [PAY_CLOSE] = "close",
                                    [PAY_REFUND] = "refund",
                                    [PAY_STOP] = "stop"};

static struct step try_it(struct request *q);

static struct step away(struct request *q, struct pay *p, const char *why) {
  struct pay_result r = {.state = PAY_AWAY, .why = why};
  return p->next(q, &r);
}

/* The provider stumbled, or the connection broke: whether it acted is not known. */
static bool stumbled(const struct fetched *f) {
  return f->error || f->status >= 500 || f->status == 429 || f->status < 200;
}

static struct step came(struct request *q, const struct fetched *f) {
  struct pay *p = q->state;
  struct pay_result r = {.state = PAY_AWAY};
  bool bad = stumbled(f);
  note(breaker_of(p->gateway), p->gateway, !bad);
  if (bad)
    log_write(LOG_WARN, "gateway_away", "provider=%s call=%s status=%d try=%d", p->gateway->name,
              names[p->what], f->status, p->tries);
  if (bad) return p->tries < TRIES ? try_it(q) : away(q, p, "no good answer");
  p->gateway->read(&q->arena, p, f, &r);
  if (r.state == PAY_REFUSED)
    log_write(LOG_WARN, "gateway_refuses", "provider=%s call=%s status=%d", p->gateway->name,
              names[p->what], f->status);
  return p->next(q, &r);
}

static bool (*teller(const struct pay *p))(struct arena *, const struct pay *,
                                           struct fetch_call *) {
  switch (p->what) {
  case PAY_START:
    return p->gateway->start;
  case PAY_QUERY:
    return p->gateway->query;
  case PAY_CLOSE:
    return p->gateway->close;
  case PAY_STOP:
    return p->gateway->stop;
  default:
    return p->gateway->refund;
  }
}

static struct step try_it(struct request *q) {
  struct pay *p = q->state;
  struct fetch_call call = {.method = "POST", .timeout_ms = p->timeout_ms};
  struct pay_result r = {.state = PAY_REFUSED,
                         .why = "there is no such call, or no setting for it"};
  bool (*tell)(struct arena *, const struct pay *, struct fetch_call *) = teller(p);
  if (!tell || !p->settings || !tell(&q->arena, p, &call)) return p->next(q, &r);
  if (!may_call(breaker_of(p->gateway))) return away(q, p, "left alone for a while");
  p->tries++;
  return fetch(q, &call, came);
}

struct step pay_call(struct request *q, struct pay *p, pay_next next) {
  q->state = p;
  p->next = next;
  p->tries = 0;
  return try_it(q);
}
