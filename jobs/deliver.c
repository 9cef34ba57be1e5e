/* Hands over mail and SMS, on a loop: what waits in table `delivery` is taken by a committed lease,
 * sent, and removed. A notification wakes it, a timer sees what no notification told of.
 *
 *   waiting --delivery_take--> leased --sent--> gone
 *      ^                         |
 *      '--later: delivery_later--'      a lease that runs out does the same */
#include "db/sql.h"
#include "jobs/jobs.h"

#include <stdlib.h>

/* A parcel is given up before its lease ends, so that nobody else has it by then. */
enum { LOOK_EVERY_MS = 2000, AT_ONCE = 16, TRIES_MOST = 6, PARCEL_MS = 25000, TAKE_MS = 5000 };

struct deliverer {
  struct request take; /* asks what is due; used again and again */
  struct loop *loop;
  const struct gateways *gateways;
  const struct secrets *secrets;
  struct timer timer;
  struct parcel *parcels; /* under way */
  int under_way;
  bool taking, again; /* again: woken while it was taking */
};

struct parcel { /* one message under way */
  struct request q;
  struct deliverer *deliverer;
  struct parcel *next, **link;
  struct delivery_take_row row;
  struct message message;
  struct text from, code;
};

static struct parcel *parcel_of(struct request *q) {
  return CONTAINER_OF(q, struct parcel, q);
}

/* ---- the end of a parcel ----------------------------------------------------------------------
 */

static void look(struct deliverer *d);

static void leave(struct parcel *p) {
  *p->link = p->next;
  if (p->next) p->next->link = p->link;
  p->deliverer->under_way--;
}

static void parcel_free(struct parcel *p) {
  request_end(&p->q);
  free(p);
}

static void parcel_finished(struct request *q) {
  struct parcel *p = parcel_of(q);
  struct deliverer *d = p->deliverer;
  if (q->problem)
    log_write(LOG_WARN, "delivery_interrupted", "channel=%.*s problem=%s",
              TEXT_ARGS(p->row.channel), problem_kind(q->problem)->code);
  leave(p);
  parcel_free(p);
  if (d->again) look(d);
}

static struct step over(struct request *q, const struct rows *r) {
  (void)q, (void)r;
  return DONE;
}

static struct step remove_it(struct request *q) {
  return ask_delivery_done(q, over, .id = parcel_of(q)->row.id);
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static struct step try_later(struct request *q) {
  struct parcel *p = parcel_of(q);
  return ask_delivery_later(q, over, .id = p->row.id, .seconds = INT64_C(2) << p->row.tries);
}

static struct step sent(struct request *q, const struct fetched *f) {
  struct parcel *p = parcel_of(q);
  enum sent how = text_is(p->row.channel, "mail") ? mail_sent(f) : sms_sent(f);
  if (how == SENT) {
    metric_add(lyceum_messages_sent, 1);
    return remove_it(q);
  }
  bool ends = how == SENT_NEVER || p->row.tries >= TRIES_MOST;
  if (ends) metric_add(lyceum_messages_failed, 1);
  /* The peer's words may hold the address: they are kept out of the log. */
  log_write(LOG_WARN, ends ? "delivery_failed" : "delivery_delayed",
            "channel=%.*s status=%d try=%d", TEXT_ARGS(p->row.channel), f->status,
            (int)p->row.tries);
  if (f->error) log_write(LOG_DEBUG, "delivery_error", "message=\"%s\"", f->error);
  return ends ? remove_it(q) : try_later(q);
}

static struct step into_mailbox(struct request *q) {
  struct parcel *p = parcel_of(q);
  metric_add(lyceum_messages_sent, 1);
  return ask_mailbox_add(q, over, .id = p->row.id, .channel = p->row.channel,
                         .recipient = p->message.to, .subject = p->message.subject,
                         .body = p->message.text);
}

/* The community's name in the message's language, or in the one it has. */
static struct text name_of(struct request *q, struct text words, bool chinese) {
  struct json *j = json_parse(&q->arena, words, NULL);
  struct text zh = json_text(json_get(j, "zh-CN")), en = json_text(json_get(j, "en"));
  if (chinese) return zh.at ? zh : en;
  return en.at ? en : zh;
}

static struct step named(struct request *q, const struct rows *r) {
  struct parcel *p = parcel_of(q);
  struct community_read_row community;
  bool chinese = text_is(p->row.locale, "zh-CN");
  if (!one_community_read(q, r, &community)) return problem(q, INTERNAL);
  p->from = name_of(q, community.name, chinese);
  const struct gateways *g = p->deliverer->gateways;
  if (p->row.notice.at) {
    if (!message_notice(&q->arena, &p->message, p->row.notice, chinese, p->from, p->row.facts,
                        text_of(gateways_public_url(g))))
      return remove_it(q);
  } else
    message_write(&q->arena, &p->message,
                  text_is(p->row.kind, "code") ? MESSAGE_CODE : MESSAGE_PASSWORD_CHANGED, chinese,
                  p->from, p->code);
  if (g->config->demo) return into_mailbox(q);
  return text_is(p->row.channel, "mail") ? mail_send(q, g, &p->message, p->from, sent)
                                         : sms_send(q, g, &p->message, sent);
}

/* A proven e-mail first; a phone when the notice may go there. With neither, nobody is told. */
static struct step contacts_known(struct request *q, const struct rows *r) {
  struct parcel *p = parcel_of(q);
  bool mails = !text_is(p->row.channel, "sms"), texts = !text_is(p->row.channel, "mail");
  bool mail = false;
  struct account_contacts_row row;
  for (int i = 0; !mail && row_account_contacts(q, r, i, &row); i++) {
    mail = mails && text_is(row.provider, "email");
    if (!mail && !(texts && text_is(row.provider, "phone"))) continue;
    p->message = (struct message){.id = p->row.id, .to = row.subject};
    p->row.channel = mail ? LIT("mail") : LIT("sms");
  }
  if (!p->message.to.at) return remove_it(q);
  return ask_community_read(q, named, .id = q->community);
}

static struct step member_known(struct request *q, const struct rows *r) {
  struct member_account_row row;
  if (!one_member_account(q, r, &row)) return remove_it(q);
  return ask_account_contacts(q, contacts_known, .id = row.account);
}

static struct step deliver(struct request *q) {
  struct parcel *p = parcel_of(q);
  if (p->row.expired) return remove_it(q);
  if (p->row.notice.at) return ask_member_account(q, member_known, .id = p->row.member);
  if (!message_open(&q->arena, &p->deliverer->secrets->sealing, p->row.id, p->row.sealed,
                    &p->message, &p->code)) {
    log_write(LOG_ERROR, "delivery_unreadable", "channel=%.*s", TEXT_ARGS(p->row.channel));
    return remove_it(q);
  }
  return ask_community_read(q, named, .id = q->community);
}

/* ---- taking -----------------------------------------------------------------------------------
 */

static struct parcel *parcel_new(struct deliverer *d) {
  struct parcel *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->q.loop = d->loop;
  p->q.finished = parcel_finished;
  p->deliverer = d;
  p->next = d->parcels;
  p->link = &d->parcels;
  if (p->next) p->next->link = &p->next;
  d->parcels = p;
  d->under_way++;
  return p;
}

static struct step taken(struct request *q, const struct rows *r) {
  struct deliverer *d = CONTAINER_OF(q, struct deliverer, take);
  for (int i = 0; i < r->count; i++) {
    struct parcel *p = parcel_new(d);
    if (!p) break; /* its lease runs out, and it is taken again */
    row_delivery_take(&p->q, r, i, &p->row);
    p->q.community = p->row.community;
    request_start(&p->q, PARCEL_MS);
    request_take(&p->q, deliver(&p->q));
  }
  d->again = d->again || r->count > 0; /* there may be more */
  return DONE;
}

static void taken_all(struct request *q) {
  struct deliverer *d = CONTAINER_OF(q, struct deliverer, take);
  request_end(q);
  *q = (struct request){0};
  d->taking = false;
  if (d->again) look(d);
}

static void look(struct deliverer *d) {
  int room = AT_ONCE - d->under_way;
  d->again = true;
  if (d->taking || room <= 0) return; /* whoever ends next looks again */
  d->again = false;
  d->taking = true;
  d->take = (struct request){.loop = d->loop, .finished = taken_all};
  request_start(&d->take, TAKE_MS);
  request_take(&d->take, ask_delivery_take(&d->take, taken, .most = room));
}

static void look_again(struct timer *t) {
  struct deliverer *d = CONTAINER_OF(t, struct deliverer, timer);
  loop_timer(d->loop, &d->timer, loop_now(d->loop) + LOOK_EVERY_MS);
  look(d);
}

/* ---- opening and closing ----------------------------------------------------------------------
 */

struct deliverer *deliver_open(struct loop *l, const struct gateways *g, const struct secrets *s) {
  struct deliverer *d = calloc(1, sizeof *d);
  if (!d) return NULL;
  *d = (struct deliverer){.loop = l, .gateways = g, .secrets = s};
  d->timer.fire = look_again;
  loop_timer(l, &d->timer, loop_now(l) + LOOK_EVERY_MS / 4);
  return d;
}

void deliver_soon(struct deliverer *d) {
  look(d);
}

/* What is under way is left to its lease: whoever comes next sends it. */
void deliver_close(struct deliverer *d) {
  if (!d) return;
  loop_untimer(d->loop, &d->timer);
  d->again = false;
  for (struct parcel *p = d->parcels, *next; p; p = next) {
    next = p->next;
    if (p->q.abandon) (void)p->q.abandon(&p->q);
    parcel_free(p);
  }
  if (d->taking) {
    if (d->take.abandon) (void)d->take.abandon(&d->take);
    request_end(&d->take);
  }
  free(d);
}
