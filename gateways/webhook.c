/* Webhooks out (webhook.h says what they are). */
#include "gateways/gateways.h"

#include <string.h>

enum { TIMEOUT_MS = 15000 };

/* ---- secrets ----------------------------------------------------------------------------------
 */

struct text webhook_secret_new(struct arena *a) {
  char *bytes = arena_alloc(a, WEBHOOK_SECRET_MADE);
  crypto_random(bytes, WEBHOOK_SECRET_MADE);
  return (struct text){bytes, WEBHOOK_SECRET_MADE};
}

struct text webhook_secret_read(struct arena *a, struct text shown) {
  if (!text_starts(shown, "whsec_")) return NONE;
  struct text bytes = base64_decode(a, (struct text){shown.at + 6, shown.len - 6});
  bool good = bytes.len >= WEBHOOK_SECRET_LEAST && bytes.len <= WEBHOOK_SECRET_MOST;
  return good ? bytes : NONE;
}

struct text webhook_secret_show(struct arena *a, struct text secret) {
  struct text t = base64(a, secret);
  return arena_printf(a, "whsec_%.*s", TEXT_ARGS(t));
}

static struct text bound_to(struct arena *a, int64_t community, struct uuid endpoint) {
  char id[37];
  uuid_write(endpoint, id);
  return arena_printf(a, "webhook %lld %s", (long long)community, id);
}

struct text webhook_secret_seal(struct arena *a, const struct digest *key, int64_t community,
                                struct uuid endpoint, struct text secret) {
  return crypto_seal(a, key, bound_to(a, community, endpoint), secret);
}

struct text webhook_secret_open(struct arena *a, const struct digest *key, int64_t community,
                                struct uuid endpoint, struct text sealed) {
  return sealed.at ? crypto_open(a, key, bound_to(a, community, endpoint), sealed) : NONE;
}

/* ---- sending ----------------------------------------------------------------------------------
 */

static struct text seconds(struct arena *a, micros at) {
  return arena_printf(a, "%lld", (long long)(at / 1000000));
}

struct text webhook_signature(struct arena *a, const struct webhook *w) {
  struct builder signed_text = {0}, out = {0};
  build_uuid(&signed_text, w->id);
  build_char(&signed_text, '.');
  build_text(&signed_text, seconds(a, w->at));
  build_char(&signed_text, '.');
  build_text(&signed_text, w->payload);
  for (size_t i = 0; i < COUNT(w->secrets) && !signed_text.failed; i++) {
    if (!w->secrets[i].at) continue;
    struct digest d = crypto_hmac_of(w->secrets[i], built(&signed_text));
    build_str(&out, out.len ? " v1," : "v1,");
    build_text(&out, base64(a, (struct text){(const char *)d.b, sizeof d.b}));
  }
  if (signed_text.failed) a->failed = true;
  builder_free(&signed_text);
  return arena_built(a, &out);
}

struct step webhook_send(struct request *q, const struct webhook *w, fetch_next next) {
  struct arena *a = &q->arena;
  char id[37];
  uuid_write(w->id, id);
  struct text signature = webhook_signature(a, w), at = seconds(a, w->at);
  const char **headers = arena_alloc(a, 5 * sizeof *headers);
  headers[0] = "Content-Type: application/json";
  headers[1] = arena_printf(a, "webhook-id: %s", id).at;
  headers[2] = arena_printf(a, "webhook-timestamp: %.*s", TEXT_ARGS(at)).at;
  headers[3] = arena_printf(a, "webhook-signature: %.*s", TEXT_ARGS(signature)).at;
  struct fetch_call call = {.url = arena_copy(a, w->url).at,
                            .method = "POST",
                            .headers = headers,
                            .body = w->payload,
                            .timeout_ms = TIMEOUT_MS,
                            .foreign = w->plain_too ? FOREIGN_ANY : FOREIGN_TLS,
                            .private_too = w->private_too,
                            .answer_most = WEBHOOK_ANSWER_MOST};
  return fetch(q, &call, next);
}

enum webhook_fate webhook_fate(const struct fetched *f) {
  if (f->error) return WEBHOOK_LATER;
  if (f->status >= 200 && f->status < 300) return WEBHOOK_DELIVERED;
  return f->status == 410 ? WEBHOOK_GONE : WEBHOOK_LATER;
}

/* How long a character of UTF-8 is that begins here and is good; 0: none is. */
static size_t character(struct text t) {
  for (size_t n = 1; n <= 4 && n <= t.len; n++)
    if (text_is_utf8((struct text){t.at, n}))
      return text_is_clean((struct text){t.at, n}, true) ? n : 0;
  return 0;
}

struct text webhook_words(struct arena *a, struct text t, size_t most) {
  char *out = arena_alloc(a, most + 1);
  size_t len = 0;
  while (t.len) {
    size_t n = character(t), taken = n ? n : 1;
    if (len + taken > most) break;
    if (n)
      memcpy(out + len, t.at, n);
    else
      out[len] = '?';
    len += taken;
    t = (struct text){t.at + taken, t.len - taken};
  }
  return (struct text){out, len};
}
