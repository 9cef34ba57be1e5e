/* Refreshing a session: the token is exchanged for its successor, which follows from it, so that
 * the same exchange gives the same answer for ten seconds. */
#include "api/identity/identity.h"

static struct step rotated(struct request *q, const struct rows *r) {
  struct visit *v = visit_of(q);
  struct session_rotate_row row;
  if (!one_session_rotate(q, r, &row)) return problem(q, INTERNAL);
  if (row.ended) house_end_session(api_of(q)->house, v->session);
  if (refused(q, r)) return DONE;
  struct signed_in s = {.account = row.account,
                        .member = row.id,
                        .session = v->session,
                        .role = row.role,
                        .refresh = v->refresh,
                        .version = row.version,
                        .expires_at = row.session_expires_at};
  return reply_signed_in(q, 200, &s, row_json(q, r), NONE);
}

struct step session_refresh(struct request *q) {
  struct api *api = api_of(q);
  const struct secrets *secrets = house_secrets(api->house);
  struct text token = body_text(q, "refresh_token");
  struct visit *v = visit_new(q);
  struct refresh was;
  if (!refresh_parse(secrets, &q->arena, token, &was)) { /* none of ours: told without a look-up */
    if (q->arena.failed) return problem(q, OUT_OF_MEMORY); /* or not even looked at */
    charge_miss(q);
    return problem(q, TOKEN_INVALID);
  }
  q->community = was.community;
  v->session = was.session;
  was.count++;
  v->refresh = refresh_make(secrets, &q->arena, was);
  return ask_session_rotate(
      q, rotated, .session = v->session, .digest = refresh_digest_of(q, token),
      .next_digest = refresh_digest_of(q, v->refresh), .days = api->config->session_days);
}
