/* What a server must hear from the database: notifications, keys, and what was revoked while it did
 * not listen.
 *
 * Trust comes last: the link listens, then everything revoked of late is read, then memory counts.
 * One loop listens, and it alone gives trust, as a moment until which it lasts: no other thread can
 * bring back what has ended, and when this one is stuck it ends by itself. */
#include "cli/serve.h"

enum { LOOK_MS = 100, AGAIN_MS = 1000, ASK_MS = 4000, REVOCATIONS_MOST = 50000 };
/* As old as a token can be that is still good, and some more for clocks and late commits. */
static const micros look_back = 1200 * INT64_C(1000000);

/* ---- reading what was missed -------------------------------------------------------------------
 */

/* Heard as if a notification had told it: what is known already changes nothing. */
static struct step revocations_came(struct request *q, const struct rows *r) {
  struct watchman *w = CONTAINER_OF(q, struct watchman, q);
  struct revocation_since_row row;
  for (int i = 0; row_revocation_since(q, r, i, &row); i++) {
    if (text_is(row.kind, "session"))
      house_end_session(w->api->house, row.subject);
    else
      house_member_changed(w->api->house, row.community, row.subject, row.version);
  }
  /* A full page may not be all: then memory is not trusted, and sessions are asked for. */
  w->loaded = r->count < REVOCATIONS_MOST;
  return DONE;
}

static struct step keys_came(struct request *q, const struct rows *r) {
  struct watchman *w = CONTAINER_OF(q, struct watchman, q);
  if (!keys_load(q, w->api->house, r))
    log_write(LOG_ERROR, "keys_refused",
              "message=\"a signing key can't be opened: other secret?\"");
  return ask_revocation_since(q, revocations_came, .since = time_now() - look_back,
                              .most = REVOCATIONS_MOST);
}

/* Connected anew while it asked? Then what it read may be from before, and it asks again. */
static void reading_ended(struct request *q) {
  struct watchman *w = CONTAINER_OF(q, struct watchman, q);
  bool good = w->loaded && q->problem == NO_PROBLEM;
  request_end(q);
  w->asking = false;
  if (good && w->asked_for == w->wanted) w->caught_up = true;
  if (good) w->had = w->asked_for;
  w->again_at = good ? 0 : time_ticks() + AGAIN_MS;
}

/* Keys first, then revocations: both must be there before memory is trusted. */
static void start(struct watchman *w) {
  w->q = (struct request){.loop = w->loop, .finished = reading_ended};
  w->asking = true;
  w->loaded = false;
  w->asked_for = w->wanted;
  request_start(&w->q, ASK_MS);
  request_take(&w->q, ask_signing_key_list(&w->q, keys_came, .all = false));
}

/* ---- listening ---------------------------------------------------------------------------------
 */

static void heard(void *who, struct text payload) {
  struct watchman *w = who;
  if (text_is(payload, "delivery"))
    deliver_soon(w->deliverer);
  else if (text_is(payload, "errands"))
    errands_soon(w->errands);
  else if (text_is(payload, "webhooks"))
    webhooks_soon(w->webhooks);
  else
    house_hear(w->api->house, payload);
}

/* What is cached of public bodies may be old by now, too. */
static void back(void *who) {
  struct watchman *w = who;
  w->caught_up = false;
  house_trust(w->api->house, 0);
  w->wanted++;
  house_raise_all(w->api->house);
}

static void look(struct timer *t) {
  struct watchman *w = CONTAINER_OF(t, struct watchman, timer);
  house_trust(w->api->house, w->caught_up ? listener_proven_until(w->listener) : 0);
  if (house_keys_wanted(w->api->house)) w->wanted++;
  if (w->wanted != w->had && !w->asking && time_ticks() >= w->again_at) start(w);
  loop_timer(w->loop, t, loop_now(w->loop) + LOOK_MS);
}

bool watch_open(struct watchman *w, struct loop *l, struct api *api, const struct db_settings *s) {
  *w = (struct watchman){.loop = l, .api = api};
  if (!(w->listener = listener_open(l, s, heard, back, w))) return false;
  w->timer.fire = look;
  loop_timer(l, &w->timer, time_ticks() + LOOK_MS);
  return true;
}

void watch_close(struct watchman *w) {
  loop_untimer(w->loop, &w->timer);
  if (w->asking) {
    if (w->q.abandon) (void)w->q.abandon(&w->q);
    request_end(&w->q);
  }
  listener_close(w->listener);
  w->listener = NULL;
}
