/* Sends webhooks, on a loop: what waits in table `webhook_delivery` is taken by a committed lease,
 * sent, and what came of it written down. Killed in between, it is sent again, with the same id.
 *
 *   pending --webhook_take--> leased --webhook_tried--> delivered, failed
 *      ^                        |
 *      '---- later, a step on --'      a lease that runs out does the same, on the same step */
#include "db/sql.h"
#include "jobs/jobs.h"
#include "rules/rules.h"

#include <stdlib.h>

/* A hook is given up before its lease ends, so that nobody else has it by then. */
enum { LOOK_EVERY_MS = 1000, HOOK_MS = 22000, TAKE_MS = 4000, ERROR_MOST = 300, REST_MOST = 3600 };
/* How many at once; libcurl has 64 connections for all, and 8 for one host. */
enum { AT_ONCE = 48, OF_ONE_ENDPOINT = 8, OF_ONE_COMMUNITY = 24 };

struct webhooks {
  struct request take; /* asks what is due; used again and again */
  struct loop *loop;
  const struct gateways *gateways;
  const struct secrets *secrets;
  struct timer timer;
  struct hook *first; /* under way */
  int under_way;
  bool taking, again; /* again: woken while it was taking */
};

struct hook { /* one try */
  struct request q;
  struct webhooks *all;
  struct hook *next, **link;
  struct webhook_take_row row;
  uint64_t began;
};

static struct hook *hook_of(struct request *q) {
  return CONTAINER_OF(q, struct hook, q);
}

/* ---- the end of a try -------------------------------------------------------------------------
 */

static void look(struct webhooks *all);

static void hook_free(struct hook *h) {
  request_end(&h->q);
  free(h);
}

static int of_same_endpoint(const struct hook *one) {
  int count = 0;
  for (const struct hook *h = one->all->first; h; h = h->next)
    count += h->q.community == one->q.community && uuid_equal(h->row.endpoint, one->row.endpoint);
  return count;
}

/* Where no more could be under way, the next may go now: several with one look, so not for each. */
static void hook_finished(struct request *q) {
  struct hook *h = hook_of(q);
  struct webhooks *all = h->all;
  bool next = all->again || of_same_endpoint(h) == OF_ONE_ENDPOINT / 2 + 1;
  if (q->problem)
    log_write(LOG_WARN, "webhook_interrupted", "problem=%s", problem_kind(q->problem)->code);
  *h->link = h->next;
  if (h->next) h->next->link = h->link;
  all->under_way--;
  hook_free(h);
  if (next) look(all);
}

static struct step noted(struct request *q, const struct rows *r) {
  struct webhook_tried_row row;
  if (!one_webhook_tried(q, r, &row) || !row.disabled.at) return DONE;
  log_write(LOG_WARN, "webhook_disabled", "reason=%.*s", TEXT_ARGS(row.disabled));
  return DONE;
}

static int64_t chance(void) {
  uint32_t n;
  crypto_random(&n, sizeof n);
  return n;
}

/* How long the whole endpoint is left alone, because it asked for it. */
static int64_t rest_of(const struct fetched *f) {
  if (f->retry_after <= 0 || (f->status != 429 && f->status != 503)) return 0;
  return f->retry_after < REST_MOST ? f->retry_after : REST_MOST;
}

static const char *words_of(const struct fetched *f) {
  return !f->error && f->status >= 300 && f->status < 400 ? "redirects are not followed" : f->error;
}

static struct step note(struct request *q, const struct fetched *f) {
  static const char *const outcomes[] = {
      [WEBHOOK_DELIVERED] = "delivered", [WEBHOOK_LATER] = "later", [WEBHOOK_GONE] = "gone"};
  const struct hook *h = hook_of(q);
  enum webhook_fate fate = webhook_fate(f);
  int64_t wait = webhook_wait(h->row.step + 1, f->retry_after, (uint32_t)chance());
  struct text error = text_of(words_of(f)), answer = NONE;
  metric_add(fate == WEBHOOK_DELIVERED ? lyceum_webhooks_sent : lyceum_webhooks_failed, 1);
  if (error.at) error = webhook_words(&q->arena, error, ERROR_MOST);
  if (f->body.at) answer = webhook_words(&q->arena, f->body, WEBHOOK_ANSWER_MOST);
  return ask_webhook_tried(
      q, noted, .endpoint = h->row.endpoint, .id = h->row.id, .attempt = h->row.attempt,
      .outcome = text_of(fate == WEBHOOK_LATER && wait < 0 ? "failed" : outcomes[fate]),
      .has_status = f->status >= 100 && f->status <= 999, .status = f->status, .error = error,
      .ms = (int64_t)(time_ticks() - h->began), .answer = answer, .wait = wait < 0 ? 0 : wait,
      .rest = rest_of(f), .audit_id = uuid_new());
}

/* ---- taking -----------------------------------------------------------------------------------
 */

static struct step run(struct request *q) {
  static const struct fetched unreadable = {
      .error = "its secret was sealed with another server secret: rotate it"};
  struct hook *h = hook_of(q);
  const struct webhook_take_row *r = &h->row;
  const struct digest *key = &h->all->secrets->sealing;
  bool freely = h->all->gateways->config->webhook_private != 0;
  struct webhook w = {.id = r->id,
                      .url = r->url,
                      .payload = r->payload,
                      .at = time_now(),
                      .plain_too = r->plain || freely,
                      .private_too = freely};
  w.secrets[0] = webhook_secret_open(&q->arena, key, q->community, r->endpoint, r->secret);
  w.secrets[1] = webhook_secret_open(&q->arena, key, q->community, r->endpoint, r->previous);
  h->began = time_ticks();
  return w.secrets[0].at ? webhook_send(q, &w, note) : note(q, &unreadable);
}

static struct hook *hook_new(struct webhooks *all) {
  struct hook *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->q.loop = all->loop;
  h->q.finished = hook_finished;
  h->all = all;
  h->next = all->first;
  h->link = &all->first;
  if (h->next) h->next->link = &h->next;
  all->first = h;
  all->under_way++;
  return h;
}

static struct step taken(struct request *q, const struct rows *r) {
  struct webhooks *all = CONTAINER_OF(q, struct webhooks, take);
  for (int i = 0; i < r->count; i++) {
    struct hook *h = hook_new(all);
    if (!h) break; /* its lease runs out, and it is taken again */
    row_webhook_take(&h->q, r, i, &h->row);
    h->q.community = h->row.community;
    request_start(&h->q, HOOK_MS);
    request_take(&h->q, run(&h->q));
  }
  all->again = all->again || r->count > 0; /* there may be more */
  return DONE;
}

static void taken_all(struct request *q) {
  struct webhooks *all = CONTAINER_OF(q, struct webhooks, take);
  request_end(q);
  *q = (struct request){0};
  all->taking = false;
  if (all->again) look(all);
}

static void look(struct webhooks *all) {
  int room = AT_ONCE - all->under_way;
  all->again = true;
  if (all->taking || room <= 0) return; /* whoever ends next looks again */
  all->again = false;
  all->taking = true;
  all->take = (struct request){.loop = all->loop, .finished = taken_all};
  request_start(&all->take, TAKE_MS);
  request_take(&all->take, ask_webhook_take(&all->take, taken, .most = room,
                                            .each = OF_ONE_ENDPOINT, .whole = OF_ONE_COMMUNITY));
}

static void look_again(struct timer *t) {
  struct webhooks *all = CONTAINER_OF(t, struct webhooks, timer);
  loop_timer(all->loop, &all->timer, loop_now(all->loop) + LOOK_EVERY_MS);
  look(all);
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

struct webhooks *webhooks_open(struct loop *l, const struct gateways *g, const struct secrets *s) {
  struct webhooks *all = calloc(1, sizeof *all);
  if (!all) return NULL;
  *all = (struct webhooks){.loop = l, .gateways = g, .secrets = s};
  all->timer.fire = look_again;
  loop_timer(l, &all->timer, loop_now(l) + LOOK_EVERY_MS / 4);
  return all;
}

void webhooks_soon(struct webhooks *all) {
  look(all);
}

void webhooks_close(struct webhooks *all) {
  if (!all) return;
  loop_untimer(all->loop, &all->timer);
  all->again = false;
  for (struct hook *h = all->first, *next; h; h = next) {
    next = h->next;
    if (h->q.abandon) (void)h->q.abandon(&h->q);
    hook_free(h);
  }
  if (all->taking) {
    if (all->take.abandon) (void)all->take.abandon(&all->take);
    request_end(&all->take);
  }
  free(all);
}
