/* The built-in provider: its signature, its calls, its answers, its notifications. */
#include "gateways/test.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const micros now = INT64_C(1800000000) * 1000000;

static struct json *settings(struct arena *a) {
  return json_parse(
      a, LIT("{\"secret\":\"0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20\"}"),
      NULL);
}

/* Computed by another implementation: printf '1763800000.{"to":"+86138"}' | openssl dgst -sha256
 * -mac HMAC -macopt hexkey:0102…1f20 */
static void signature_is_a_plain_hmac(void **state) {
  (void)state;
  struct arena a = {0};
  const micros then = INT64_C(1763800000) * 1000000;
  struct text body = LIT("{\"to\":\"+86138\"}");
  struct text s = test_signature(&a, settings(&a), then, body);
  assert_string_equal(
      s.at, "t=1763800000,v1=92bc716d2659178b3adde546b3fc7b848a0daad2ea8fb4c4b7a4cb61b66899ac");
  assert_true(test_signed(settings(&a), s, then, body));
  assert_true(test_signed(settings(&a), s, then + INT64_C(300) * 1000000, body));
  assert_false(test_signed(settings(&a), s, then + INT64_C(301) * 1000000, body));
  assert_false(test_signed(settings(&a), s, then, LIT("{}")));
  assert_false(test_signed(NULL, s, then, body));
  assert_false(test_signed(settings(&a), NONE, then, body));
  assert_false(test_signed(settings(&a), LIT("t=1763800000,v1="), then, body));
  arena_free(&a);
}

static void a_call_carries_its_key(void **state) {
  (void)state;
  struct arena a = {0};
  struct config c = {.test_gateway_url = ""};
  struct gateways g = {.config = &c, .self = "http://127.0.0.1:1"};
  struct pay p = {.gateway = &gateway_test,
                  .house = &g,
                  .settings = settings(&a),
                  .slug = LIT("kaiyou"),
                  .attempt = {{1}},
                  .request = {{2}},
                  .amount_minor = 100,
                  .currency = LIT("CNY")};
  struct fetch_call call = {0};
  assert_true(gateway_test.start(&a, &p, &call));
  assert_string_equal(call.url, "http://127.0.0.1:1/pay/test/kaiyou/api");
  struct json *j = json_parse(&a, call.body, NULL);
  struct text charge = json_text(json_get(j, "charge_key"));
  assert_true(text_equal(json_text(json_get(j, "key")), charge));
  assert_true(gateway_test.refund(&a, &p, &call));
  j = json_parse(&a, call.body, NULL);
  assert_true(text_equal(json_text(json_get(j, "charge_key")), charge));
  assert_false(text_equal(json_text(json_get(j, "key")), charge));
  c.test_gateway_url = "http://elsewhere";
  assert_true(gateway_test.query(&a, &p, &call));
  assert_string_equal(call.url, "http://elsewhere/pay/test/kaiyou/api");
  p.settings = json_parse(&a, LIT("{\"secret\":\"short\"}"), NULL);
  assert_false(gateway_test.close(&a, &p, &call));
  arena_free(&a);
}

static enum pay_state answer(struct arena *a, int status, const char *body, enum pay_what what) {
  struct pay p = {.what = what, .slug = LIT("kaiyou")};
  struct fetched f = {.status = status, .body = text_of(body)};
  struct pay_result r;
  gateway_test.read(a, &p, &f, &r);
  return r.state;
}

static void answers_are_understood(void **state) {
  (void)state;
  struct arena a = {0};
  assert_int_equal(answer(&a, 200, "{\"state\":\"open\",\"id\":\"c\"}", PAY_START), PAY_OPEN);
  assert_int_equal(answer(&a, 200, "{\"state\":\"paid\",\"id\":\"c\"}", PAY_QUERY), PAY_PAID);
  assert_int_equal(answer(&a, 200, "{\"state\":\"closed\",\"id\":\"c\"}", PAY_CLOSE), PAY_CLOSED);
  assert_int_equal(answer(&a, 200, "{\"state\":\"refunded\",\"refund\":\"r\"}", PAY_REFUND),
                   PAY_REFUNDED);
  assert_int_equal(answer(&a, 200, "{\"state\":\"refunded\"}", PAY_REFUND), PAY_REFUSED);
  assert_int_equal(answer(&a, 200, "{\"error\":\"no\"}", PAY_REFUND), PAY_REFUSED);
  assert_int_equal(answer(&a, 400, "{\"code\":\"x\"}", PAY_START), PAY_REFUSED);
  assert_int_equal(answer(&a, 200, "<html>", PAY_START), PAY_AWAY);
  arena_free(&a);
}

static struct text signature_of_it(void *who, const char *name) {
  (void)name;
  return *(struct text *)who;
}

static enum notice_verdict hear(struct arena *a, const char *body, struct pay_facts *out) {
  struct text signature = test_signature(a, settings(a), now, text_of(body));
  struct notice n = {.body = text_of(body),
                     .settings = settings(a),
                     .header = signature_of_it,
                     .who = &signature,
                     .now = now};
  return gateway_test.notice(a, &n, out);
}

static void notifications_are_read_when_they_are_whole(void **state) {
  (void)state;
  struct arena a = {0};
  struct pay_facts f;
  assert_int_equal(hear(&a,
                        "{\"id\":\"e\",\"type\":\"paid\",\"charge\":\"c\",\"reference\":"
                        "\"01900000-0000-7000-8000-000000000001\",\"amount_minor\":5,"
                        "\"currency\":\"CNY\",\"at\":\"2026-11-28T00:00:00Z\"}",
                        &f),
                   NOTICE_GOOD);
  assert_int_equal(f.kind, FACT_PAID);
  assert_int_equal(f.amount_minor, 5);
  assert_int_equal(hear(&a, "{\"id\":\"e\",\"type\":\"new\",\"charge\":\"c\"}", &f), NOTICE_GOOD);
  assert_int_equal(f.kind, FACT_OTHER);
  assert_int_equal(hear(&a, "{\"id\":\"e\",\"type\":\"paid\",\"charge\":\"c\"}", &f),
                   NOTICE_MALFORMED);
  assert_int_equal(hear(&a, "{\"id\":7}", &f), NOTICE_MALFORMED);
  assert_int_equal(hear(&a, "[]", &f), NOTICE_MALFORMED);
  assert_int_equal(hear(&a, "", &f), NOTICE_MALFORMED);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(signature_is_a_plain_hmac),
      cmocka_unit_test(a_call_carries_its_key),
      cmocka_unit_test(answers_are_understood),
      cmocka_unit_test(notifications_are_read_when_they_are_whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
