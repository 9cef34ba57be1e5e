/* A webhook's secret and signature, and what the answer means. */
#include "gateways/webhook.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SIGNED_ONE "v1,KLntU3NvnX3G6BeLLsh4X/vUTsOl95BQOwFG88zl0Ns="
#define SIGNED_TWO "v1,8ECssjmtcY7YV/C5XUfcuWysHRc/1KJEsQorQZadpuI="
/* Computed by another implementation: in Python, base64(hmac(bytes(range(32)),
 * b"0190…-….1763800000.
 * {\"type\":\"webhook.ping\"}", sha256)), and with bytes 1 to 24 the same. */
static void it_signs_as_others_do(void **state) {
  (void)state;
  struct arena a = {0};
  char one[32], two[24];
  for (size_t i = 0; i < sizeof one; i++)
    one[i] = (char)i;
  for (size_t i = 0; i < sizeof two; i++)
    two[i] = (char)(i + 1);
  struct webhook w = {.payload = LIT("{\"type\":\"webhook.ping\"}"),
                      .secrets = {{one, sizeof one}},
                      .at = INT64_C(1763800000) * 1000000 + 999999};
  assert_true(uuid_parse(LIT("01900000-0000-7000-8000-000000000001"), &w.id));
  assert_true(text_is(webhook_signature(&a, &w), SIGNED_ONE));
  w.secrets[1] = (struct text){two, sizeof two};
  assert_true(text_is(webhook_signature(&a, &w), SIGNED_ONE " " SIGNED_TWO));
  arena_free(&a);
}

static void secrets_go_both_ways(void **state) {
  (void)state;
  struct arena a = {0};
  struct text made = webhook_secret_new(&a), shown = webhook_secret_show(&a, made);
  assert_int_equal(made.len, 32);
  assert_int_equal(shown.len, 6 + 44);
  assert_true(text_equal(webhook_secret_read(&a, shown), made));
  assert_false(text_equal(webhook_secret_new(&a), made));
  arena_free(&a);
}

static void secrets_have_a_size(void **state) {
  (void)state;
  struct arena a = {0};
  char bytes[70] = "";
  for (size_t n = 0; n < sizeof bytes; n++) {
    struct text shown = webhook_secret_show(&a, (struct text){bytes, n});
    assert_int_equal(webhook_secret_read(&a, shown).at != NULL, n >= 24 && n <= 64);
  }
  assert_null(webhook_secret_read(&a, LIT("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")).at);
  assert_null(webhook_secret_read(&a, LIT("whsec_"
                                          "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"))
                  .at);
  assert_null(webhook_secret_read(&a, LIT("whsec_"
                                          "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS_"))
                  .at);
  assert_non_null(webhook_secret_read(&a, LIT("whsec_"
                                              "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
                      .at);
  arena_free(&a);
}

static void a_seal_holds_for_one_endpoint(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = {{7}};
  struct uuid one = {{1}}, other = {{2}};
  struct text sealed = webhook_secret_seal(&a, &key, 5, one, LIT("secret"));
  assert_true(text_is(webhook_secret_open(&a, &key, 5, one, sealed), "secret"));
  assert_null(webhook_secret_open(&a, &key, 5, other, sealed).at);
  assert_null(webhook_secret_open(&a, &key, 6, one, sealed).at);
  assert_null(webhook_secret_open(&a, &key, 5, one, NONE).at);
  arena_free(&a);
}

static void answers_are_understood(void **state) {
  (void)state;
  assert_int_equal(webhook_fate(&(struct fetched){.status = 200}), WEBHOOK_DELIVERED);
  assert_int_equal(webhook_fate(&(struct fetched){.status = 204}), WEBHOOK_DELIVERED);
  assert_int_equal(webhook_fate(&(struct fetched){.status = 410}), WEBHOOK_GONE);
  static const int others[] = {0, 199, 300, 301, 307, 400, 401, 404, 429, 500, 503};
  for (size_t i = 0; i < COUNT(others); i++)
    assert_int_equal(webhook_fate(&(struct fetched){.status = others[i]}), WEBHOOK_LATER);
  assert_int_equal(webhook_fate(&(struct fetched){.status = 200, .error = "it broke off"}),
                   WEBHOOK_LATER);
}

static void what_others_say_becomes_clean_text(void **state) {
  (void)state;
  struct arena a = {0};
  assert_true(text_is(webhook_words(&a, LIT("fine 好\n"), 100), "fine 好\n"));
  assert_true(text_is(webhook_words(&a, LIT("a\0b\x1b[1m\xff\xe5\xa5"), 100), "a?b?[1m???"));
  assert_true(text_is(webhook_words(&a, LIT("\xe2\x80\xae"), 100), "???"));
  assert_true(text_is(webhook_words(&a, LIT("12好"), 4), "12"));
  assert_true(text_is(webhook_words(&a, LIT(""), 4), ""));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(it_signs_as_others_do),
                                     cmocka_unit_test(secrets_go_both_ways),
                                     cmocka_unit_test(secrets_have_a_size),
                                     cmocka_unit_test(a_seal_holds_for_one_endpoint),
                                     cmocka_unit_test(answers_are_understood),
                                     cmocka_unit_test(what_others_say_becomes_clean_text)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
