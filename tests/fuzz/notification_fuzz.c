/* Notifications of payments. The first byte chooses:
 *   S  any bytes as a body, signed with the right key: what is taken says all that its kind needs
 *   H  a header, a line break and a body: nothing is taken that we did not sign
 *   E  edits of a good notification's body, three bytes each (where, high and low; what): none is
 *      taken under the signature of the good one
 *   else: any bytes as settings, opened again after sealing as they were */
#include "tests/fuzz/fuzz.h"

#include "gateways/gateway.c"
#include "gateways/test.c"

#define NOW INT64_C(1800000000)

#define SECRET                                                                                     \
  LIT("{\"secret\":\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\"}")
#define GOOD                                                                                       \
  LIT("{\"id\":\"e1\",\"type\":\"paid\",\"charge\":\"c1\",\"reference\":"                          \
      "\"01900000-0000-7000-8000-000000000001\",\"amount_minor\":100,\"currency\":\"CNY\","        \
      "\"at\":\"2026-11-28T00:00:00.000Z\"}")

static struct text shown_header(void *who, const char *name) {
  CHECK(strcmp(name, "Test-Signature") == 0);
  return *(struct text *)who;
}

static enum notice_verdict verdict_of(struct arena *a, struct text signature, struct text body,
                                      struct pay_facts *out) {
  struct text why;
  struct notice n = {.body = body,
                     .settings = json_parse(a, SECRET, &why),
                     .header = shown_header,
                     .who = &signature,
                     .now = NOW * 1000000};
  return gateway_test.notice(a, &n, out);
}

static struct text signed_by_us(struct arena *a, struct text body) {
  struct text why;
  return test_signature(a, json_parse(a, SECRET, &why), NOW * 1000000, body);
}

static void try_signed(struct arena *a, struct text body) {
  struct pay_facts f = {0};
  enum notice_verdict v = verdict_of(a, signed_by_us(a, body), body, &f);
  CHECK(v != NOTICE_FORGED);
  if (v != NOTICE_GOOD) return;
  bool renewal = f.kind >= FACT_RENEWED && f.kind <= FACT_RENEWAL_STOPPED;
  CHECK(f.event.len && f.event.len <= 200 && f.ref.len <= 200 && f.subscription.len <= 200);
  CHECK(!renewal || (f.subscription.len && text_is_utf8(f.subscription)));
  if (f.kind == FACT_RENEWAL_FAILED || f.kind == FACT_RENEWAL_STOPPED) return;
  CHECK(f.ref.len);
  CHECK(text_is_utf8(f.event) && text_is_utf8(f.ref));
  if (f.kind == FACT_OTHER) return;
  CHECK(f.amount_minor > 0 && f.currency.len == 3 && f.at);
  CHECK(f.kind != FACT_PAID || !uuid_is_zero(f.attempt));
  CHECK(f.kind != FACT_REFUNDED || f.refund_ref.len);
  CHECK(f.kind < FACT_DISPUTED || f.dispute_ref.len);
}

/* Who has found a signature without the key has found it for a time that is near. */
static void try_header(struct arena *a, struct text t) {
  struct pay_facts f = {0};
  struct text body = t, header = text_cut(&body, '\n');
  if (!body.at) return;
  CHECK(verdict_of(a, header, body, &f) == NOTICE_FORGED);
  CHECK(verdict_of(a, NONE, body, &f) == NOTICE_FORGED);
}

static void try_edited(struct arena *a, struct text edits) {
  struct pay_facts f = {0};
  struct text good = GOOD;
  char *at = arena_alloc(a, good.len + 1);
  struct text signature = signed_by_us(a, good), other = {at, good.len};
  memcpy(at, good.at, good.len);
  for (size_t i = 0; i + 2 < edits.len; i += 3) {
    size_t where = (size_t)((uint8_t)edits.at[i] << 8 | (uint8_t)edits.at[i + 1]);
    at[where % good.len] = edits.at[i + 2];
  }
  CHECK(verdict_of(a, signature, good, &f) == NOTICE_GOOD && f.kind == FACT_PAID);
  CHECK(text_equal(other, good) || verdict_of(a, signature, other, &f) == NOTICE_FORGED);
}

static void try_settings(struct arena *a, struct text t) {
  struct text why;
  struct digest key = crypto_sha256(LIT("key")), wrong = crypto_sha256(LIT("other"));
  struct json *j = json_parse(a, t, &why);
  if (json_kind(j) != JSON_OBJECT) return;
  struct builder b = {0};
  json_write(&b, j);
  struct text plain = arena_built(a, &b);
  struct text sealed = settings_seal(a, &key, 7, LIT("test"), plain);
  struct json *again = settings_open(a, &key, 7, LIT("test"), sealed, LIT("{}"));
  CHECK(again && json_count(again) == json_count(j));
  CHECK(!settings_open(a, &wrong, 7, LIT("test"), sealed, LIT("{}")));
  CHECK(!settings_open(a, &key, 8, LIT("test"), sealed, LIT("{}")));
  CHECK(!settings_open(a, &key, 7, LIT("hand"), sealed, LIT("{}")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  if (!size || size > 16384) return 0;
  struct text t = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'S':
    try_signed(&a, t);
    break;
  case 'H':
    try_header(&a, t);
    break;
  case 'E':
    try_edited(&a, t);
    break;
  default:
    try_settings(&a, (struct text){(const char *)data, size});
  }
  arena_free(&a);
  return 0;
}
