/* The answer that hands out a session: an access token, signed here, and a refresh token. */
#include "api/identity/identity.h"

#include <string.h>

struct text digest_text(struct request *q, struct digest d) {
  return arena_copy(&q->arena, (struct text){(const char *)d.b, sizeof d.b});
}

struct text refresh_digest_of(struct request *q, struct text refresh) {
  return digest_text(q, refresh_digest(refresh));
}

void session_new(struct request *q, struct visit *v) {
  v->session = uuid_new();
  v->refresh = refresh_make(house_secrets(api_of(q)->house), &q->arena,
                            (struct refresh){q->community, v->session, 0});
}

static void member_text(struct builder *b, const char *name, struct text value) {
  build_printf(b, ",\"%s\":", name);
  build_quoted(b, value);
}

static void member_time(struct builder *b, const char *name, micros at) {
  build_printf(b, ",\"%s\":\"", name);
  build_time(b, at);
  build_char(b, '"');
}

struct text row_json(struct request *q, const struct rows *r) {
  struct builder b = {0};
  rows_object(r, 0, &b);
  return arena_built(&q->arena, &b);
}

struct step reply_signed_in(struct request *q, int status, const struct signed_in *s,
                            struct text member, struct text more) {
  struct claims claims = {.caller = {.account = s->account,
                                     .member = s->member,
                                     .session = s->session,
                                     .role = role_of(s->role)},
                          .community = q->community,
                          .version = s->version};
  struct issued token = token_issue(api_of(q)->house, &q->arena, &claims);
  if (!token.token.at) {
    log_write(LOG_ERROR, "no_signing_key", "hint=\"lyceum keys make\"");
    return problem(q, INTERNAL);
  }
  struct builder b = {0};
  build_str(&b, "{\"session_id\":\"");
  build_uuid(&b, s->session);
  build_str(&b, "\",\"token_type\":\"Bearer\"");
  member_text(&b, "access_token", token.token);
  member_time(&b, "expires_at", token.expires_at);
  member_text(&b, "refresh_token", s->refresh);
  member_time(&b, "refresh_expires_at", s->expires_at);
  build_str(&b, ",\"member\":");
  build_text(&b, member);
  if (more.at) build_char(&b, ',');
  build_text(&b, more);
  build_char(&b, '}');
  return reply_json(q, status, &b);
}

struct step reply_opened(struct request *q, const struct rows *r, struct uuid account) {
  const struct visit *v = visit_of(q);
  struct session_open_row row;
  if (!one_session_open(q, r, &row)) return problem(q, INTERNAL);
  struct signed_in s = {.account = account,
                        .member = row.id,
                        .session = v->session,
                        .role = row.role,
                        .refresh = v->refresh,
                        .version = row.version,
                        .expires_at = row.session_expires_at};
  char id[37];
  uuid_write(v->session, id);
  reply_header(q, "Location", arena_printf(&q->arena, "/v1/me/sessions/%s", id));
  return reply_signed_in(q, 201, &s, row_json(q, r), NONE);
}
