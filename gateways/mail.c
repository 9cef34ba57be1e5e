/* Mail by SMTP. */
#include "gateways/gateways.h"

enum { TIMEOUT_MS = 15000 };

struct step mail_send(struct request *q, const struct gateways *g, const struct message *m,
                      struct text from, fetch_next next) {
  static const struct fetched unset = {.error = "LYCEUM_SMTP_URL is not set"};
  const struct config *c = g->config;
  if (!c->smtp_url[0]) return next(q, &unset);
  struct arena *a = &q->arena;
  char id[37];
  uuid_write(m->id, id);
  const char **headers = arena_alloc(a, 6 * sizeof *headers);
  headers[0] = arena_printf(a, "From: %.*s <%s>", TEXT_ARGS(from), c->mail_from).at;
  headers[1] = arena_printf(a, "To: %.*s", TEXT_ARGS(m->to)).at;
  headers[2] = arena_printf(a, "Subject: %.*s", TEXT_ARGS(m->subject)).at;
  headers[3] = arena_printf(a, "Message-ID: <%s@lyceum>", id).at;
  headers[4] = "Auto-Submitted: auto-generated"; /* RFC 3834: no holiday notes, please */
  struct fetch_call call = {.url = c->smtp_url,
                            .headers = headers,
                            .user = c->smtp_user[0] ? c->smtp_user : NULL,
                            .password = c->smtp_user[0] ? g->smtp_password : NULL,
                            .mail_from = c->mail_from,
                            .mail_to = arena_copy(a, m->to).at,
                            .mail_text = m->text,
                            .mail_html = m->html,
                            .timeout_ms = TIMEOUT_MS,
                            .start_tls = c->smtp_tls != 0};
  return fetch(q, &call, next);
}

/* 5yz is final (RFC 5321, 4.2.1), except that the server's own troubles with us (530, 535: sign in
 * first) are no fault of this message. */
enum sent mail_sent(const struct fetched *f) {
  if (!f->error && f->status >= 200 && f->status < 300) return SENT;
  return f->status >= 550 && f->status < 560 ? SENT_NEVER : SENT_LATER;
}
