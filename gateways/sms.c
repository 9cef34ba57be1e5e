/* SMS by the operator's provider: one signed HTTP request each (gateways.h says how). */
#include "gateways/gateways.h"

enum { TIMEOUT_MS = 10000 };

struct text sms_signature(struct arena *a, const struct digest *key, struct text timestamp,
                          struct text body) {
  char hex[65];
  struct builder b = {0};
  build_text(&b, timestamp);
  build_char(&b, '.');
  build_text(&b, body);
  struct digest d = crypto_hmac(key, built(&b));
  builder_free(&b);
  hex_write(d.b, sizeof d.b, hex);
  return arena_printf(a, "v1=%s", hex);
}

static struct text body_of(struct arena *a, const struct message *m) {
  struct builder b = {0};
  build_str(&b, "{\"id\":\"");
  build_uuid(&b, m->id);
  build_str(&b, "\",\"to\":");
  build_quoted(&b, m->to);
  build_str(&b, ",\"text\":");
  build_quoted(&b, m->text);
  build_char(&b, '}');
  return arena_built(a, &b);
}

struct step sms_send(struct request *q, const struct gateways *g, const struct message *m,
                     fetch_next next) {
  static const struct fetched unset = {.error =
                                           "LYCEUM_SMS_URL or LYCEUM_SMS_SECRET_FILE is not set"};
  if (!g->config->sms_url[0] || !g->has_sms_key) return next(q, &unset);
  struct arena *a = &q->arena;
  char id[37];
  uuid_write(m->id, id);
  struct text body = body_of(a, m);
  struct text at = arena_printf(a, "%lld", (long long)(time_now() / 1000000));
  struct text signature = sms_signature(a, &g->sms_key, at, body);
  const char **headers = arena_alloc(a, 5 * sizeof *headers);
  headers[0] = "Content-Type: application/json";
  headers[1] = arena_printf(a, "Lyceum-Timestamp: %.*s", TEXT_ARGS(at)).at;
  headers[2] = arena_printf(a, "Lyceum-Signature: %.*s", TEXT_ARGS(signature)).at;
  headers[3] = arena_printf(a, "Idempotency-Key: %s", id).at;
  struct fetch_call call = {.url = g->config->sms_url,
                            .method = "POST",
                            .headers = headers,
                            .body = body,
                            .timeout_ms = TIMEOUT_MS};
  return fetch(q, &call, next);
}

/* A provider that refuses the number itself says so with 400 or 422. */
enum sent sms_sent(const struct fetched *f) {
  if (!f->error && f->status >= 200 && f->status < 300) return SENT;
  return !f->error && (f->status == 400 || f->status == 422) ? SENT_NEVER : SENT_LATER;
}
