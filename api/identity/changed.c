/* What a password that has been changed brings about: sessions end, and its owner is told, who may
 * not be the one who changed it. */
#include "api/identity/identity.h"
#include "gateways/gateways.h"

static struct step told(struct request *q, const struct rows *r) {
  (void)r;
  return reply_empty(q, 204);
}

static struct step ended(struct request *q, const struct rows *r) {
  const struct visit *v = visit_of(q);
  const struct secrets *s = house_secrets(api_of(q)->house);
  struct uuid id = uuid_new();
  end_sessions(q, r);
  if (!v->subject.at) return reply_empty(q, 204);
  return ask_delivery_add(q, told, .id = id, .provider = v->provider,
                          .kind = LIT("password_changed"),
                          .locale = q->chinese ? LIT("zh-CN") : LIT("en"),
                          .sealed = message_seal(&q->arena, &s->sealing, id, v->subject, NONE));
}

struct step password_changed(struct request *q, struct uuid account, struct uuid except) {
  return ask_account_sessions_end(q, ended, .account = account, .except = except,
                                  .reason = LIT("password"));
}
