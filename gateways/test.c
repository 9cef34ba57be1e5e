/* The provider that is built into the server, for demonstrations: its page is api/test_provider/,
 * its state the tables test_…. It is spoken to as an outside one is: by signed HTTP. */
#include "gateways/gateways.h"

#include <string.h>

static const struct gateway_field fields[] = {
    {.name = "secret", .secret = true, .made = true, .hex = true, .most = 64}, {.name = NULL}};

/* ---- signatures -------------------------------------------------------------------------------
 */

static bool sign(const struct json *settings, struct text seconds, struct text body,
                 struct digest *out) {
  struct digest key;
  struct builder b = {.cap = 1 << 20};
  struct text hex = json_text(json_get(settings, "secret"));
  if (hex.len != 64 || !hex_parse(hex, key.b, sizeof key.b)) return false;
  build_text(&b, seconds);
  build_char(&b, '.');
  build_text(&b, body);
  bool good = !b.failed;
  if (good) *out = crypto_hmac(&key, built(&b));
  builder_free(&b);
  explicit_bzero(&key, sizeof key);
  return good;
}

struct text test_signature(struct arena *a, const struct json *settings, micros at,
                           struct text body) {
  struct text seconds = arena_printf(a, "%lld", (long long)(at / 1000000));
  struct digest d;
  char hex[65];
  if (!sign(settings, seconds, body, &d)) return NONE;
  hex_write(d.b, sizeof d.b, hex);
  return arena_printf(a, "t=%.*s,v1=%s", TEXT_ARGS(seconds), hex);
}

bool test_signed(const struct json *settings, struct text signature, micros now, struct text body) {
  struct text seconds = NONE, v1 = NONE;
  struct digest given, right;
  while (signature.at) {
    struct text value = text_cut(&signature, ','), name = text_cut(&value, '=');
    if (text_is(name, "t")) seconds = value;
    if (text_is(name, "v1")) v1 = value;
  }
  if (v1.len != 64 || !hex_parse(v1, given.b, sizeof given.b)) return false;
  return sign(settings, seconds, body, &right) && crypto_equal(given.b, right.b, sizeof right.b) &&
         notice_in_time(seconds, now);
}

/* ---- calls ------------------------------------------------------------------------------------
 */

static void put(struct builder *b, const char *name, struct text value) {
  build_printf(b, ",\"%s\":", name);
  build_quoted(b, value);
}

static void put_id(struct builder *b, const char *name, struct uuid id) {
  char text[37];
  uuid_write(id, text);
  put(b, name, text_of(text));
}

/* Signed anew each time; that it has one effect is what `key` is for. */
static bool tell(struct arena *a, const struct pay *p, const char *what, struct uuid key,
                 struct fetch_call *c) {
  char time[32];
  struct builder b = {0};
  build_printf(&b, "{\"do\":\"%s\"", what);
  put_id(&b, "charge_key", p->attempt);
  put_id(&b, "key", key);
  build_printf(&b, ",\"amount_minor\":%lld", (long long)p->amount_minor);
  put(&b, "currency", p->currency.at ? p->currency : LIT(""));
  put(&b, "subject", p->subject.at ? p->subject : LIT(""));
  if (p->what == PAY_STOP) put(&b, "subscription", p->ref);
  if (p->expires_at) time_write(p->expires_at, time);
  if (p->expires_at) put(&b, "expires_at", text_of(time));
  build_char(&b, '}');
  c->body = arena_built(a, &b);
  struct text signature = test_signature(a, p->settings, time_now(), c->body);
  if (!signature.at) return false;
  const char **headers = arena_alloc(a, 3 * sizeof *headers);
  headers[0] = "Content-Type: application/json";
  headers[1] = arena_printf(a, "Test-Signature: %.*s", TEXT_ARGS(signature)).at;
  c->headers = headers;
  const char *base = p->house->config->test_gateway_url;
  c->url =
      arena_printf(a, "%s/pay/test/%.*s/api", base[0] ? base : p->house->self, TEXT_ARGS(p->slug))
          .at;
  return true;
}

static bool start(struct arena *a, const struct pay *p, struct fetch_call *c) {
  return tell(a, p, "start", p->attempt, c);
}

static bool query(struct arena *a, const struct pay *p, struct fetch_call *c) {
  return tell(a, p, "query", p->attempt, c);
}

static bool close_it(struct arena *a, const struct pay *p, struct fetch_call *c) {
  return tell(a, p, "close", p->attempt, c);
}

static bool refund(struct arena *a, const struct pay *p, struct fetch_call *c) {
  return tell(a, p, "refund", p->request, c);
}

static bool stop(struct arena *a, const struct pay *p, struct fetch_call *c) {
  return tell(a, p, "stop", p->request, c);
}

static enum pay_state state_of(struct text name) {
  static const struct {
    const char *name;
    enum pay_state state;
  } states[] = {{"open", PAY_OPEN},     {"paid", PAY_PAID},         {"failed", PAY_FAILED},
                {"closed", PAY_CLOSED}, {"refunded", PAY_REFUNDED}, {"pending", PAY_OPEN}};
  for (size_t i = 0; i < COUNT(states); i++)
    if (text_is(name, states[i].name)) return states[i].state;
  return PAY_REFUSED;
}

static void read_answer(struct arena *a, const struct pay *p, const struct fetched *f,
                        struct pay_result *out) {
  struct text why = NONE;
  struct json *j = json_parse(a, f->body, &why);
  *out = (struct pay_result){.state = j ? PAY_REFUSED : PAY_AWAY, .why = "not understood"};
  if (f->status != 200 || !j) return;
  out->state = state_of(json_text(json_get(j, "state")));
  out->ref = json_text(json_get(j, p->what == PAY_REFUND ? "refund" : "id"));
  out->amount_minor = json_int(json_get(j, "amount_minor"));
  out->currency = json_text(json_get(j, "currency"));
  (void)time_parse(json_text(json_get(j, "at")), &out->at);
  if (out->state != PAY_REFUSED && !out->ref.at) out->state = PAY_REFUSED;
  if (out->ref.at)
    out->pay_url = arena_printf(a, "/pay/test/%.*s/%.*s", TEXT_ARGS(p->slug), TEXT_ARGS(out->ref));
}

/* ---- notifications ----------------------------------------------------------------------------
 */

static enum pay_fact fact_of(struct text type) {
  static const struct {
    const char *name;
    enum pay_fact fact;
  } facts[] = {{"paid", FACT_PAID},
               {"failed", FACT_FAILED},
               {"closed", FACT_CLOSED},
               {"refunded", FACT_REFUNDED},
               {"disputed", FACT_DISPUTED},
               {"won", FACT_WON},
               {"lost", FACT_LOST},
               {"renewed", FACT_RENEWED},
               {"renewal_failed", FACT_RENEWAL_FAILED},
               {"renewal_stopped", FACT_RENEWAL_STOPPED}};
  for (size_t i = 0; i < COUNT(facts); i++)
    if (text_is(type, facts[i].name)) return facts[i].fact;
  return FACT_OTHER;
}

static bool is_ref(struct text t) {
  return t.len >= 1 && t.len <= 200 && text_is_clean(t, false);
}

/* What each kind must say; other kinds are heard and left at that. */
static bool is_whole(const struct pay_facts *f) {
  bool renewal = f->kind >= FACT_RENEWED && f->kind <= FACT_RENEWAL_STOPPED;
  if (!is_ref(f->event)) return false;
  if (renewal ? !is_ref(f->subscription) : f->subscription.at && !is_ref(f->subscription))
    return false;
  if (f->kind == FACT_RENEWAL_FAILED || f->kind == FACT_RENEWAL_STOPPED) return true;
  if (!is_ref(f->ref)) return false;
  if (f->kind == FACT_OTHER) return true;
  if (f->amount_minor <= 0 || f->currency.len != 3 || !f->at) return false;
  if (f->kind == FACT_REFUNDED) return is_ref(f->refund_ref);
  if (f->kind >= FACT_DISPUTED) return is_ref(f->dispute_ref);
  if (f->kind == FACT_RENEWED) return true;
  return !uuid_is_zero(f->attempt);
}

static enum notice_verdict notice(struct arena *a, const struct notice *n, struct pay_facts *out) {
  struct text why = NONE;
  if (!test_signed(n->settings, n->header(n->who, "Test-Signature"), n->now, n->body))
    return NOTICE_FORGED;
  struct json *j = json_parse(a, n->body, &why);
  if (json_kind(j) != JSON_OBJECT) return NOTICE_MALFORMED;
  *out = (struct pay_facts){.kind = fact_of(json_text(json_get(j, "type"))),
                            .event = json_text(json_get(j, "id")),
                            .ref = json_text(json_get(j, "charge")),
                            .subscription = json_text(json_get(j, "subscription")),
                            .refund_ref = json_text(json_get(j, "refund")),
                            .dispute_ref = json_text(json_get(j, "dispute")),
                            .amount_minor = json_int(json_get(j, "amount_minor")),
                            .currency = json_text(json_get(j, "currency"))};
  (void)uuid_parse(json_text(json_get(j, "reference")), &out->attempt);
  (void)uuid_parse(json_text(json_get(j, "request")), &out->request);
  (void)time_parse(json_text(json_get(j, "at")), &out->at);
  return is_whole(out) ? NOTICE_GOOD : NOTICE_MALFORMED;
}

const struct gateway gateway_test = {.name = "test",
                                     .methods = "page|qr",
                                     .demo = true,
                                     .fields = fields,
                                     .start = start,
                                     .query = query,
                                     .close = close_it,
                                     .refund = refund,
                                     .stop = stop,
                                     .read = read_answer,
                                     .notice = notice};
