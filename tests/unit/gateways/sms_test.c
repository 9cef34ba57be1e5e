/* The signature of an SMS, and what the provider's answer means. */
#include "gateways/sms.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Computed by another implementation: printf '1763800000.{"to":"+86138"}' | openssl dgst -sha256
 * -mac HMAC -macopt hexkey:0102…1f20 */
static void signature_is_a_plain_hmac(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key;
  for (uint8_t i = 0; i < sizeof key.b; i++)
    key.b[i] = (uint8_t)(i + 1);
  struct text s = sms_signature(&a, &key, LIT("1763800000"), LIT("{\"to\":\"+86138\"}"));
  assert_string_equal(s.at, "v1=92bc716d2659178b3adde546b3fc7b848a0daad2ea8fb4c4b7a4cb61b66899ac");
  arena_free(&a);
}

static void body_is_json(void **state) {
  (void)state;
  struct arena a = {0};
  struct message m = {.to = LIT("+8613800138000"), .text = LIT("a \"b\"\n验")};
  struct json *j = json_parse(&a, body_of(&a, &m), NULL);
  assert_true(text_equal(json_text(json_get(j, "to")), m.to));
  assert_true(text_equal(json_text(json_get(j, "text")), m.text));
  assert_int_equal(json_text(json_get(j, "id")).len, 36);
  arena_free(&a);
}

static void answers_are_understood(void **state) {
  (void)state;
  assert_int_equal(sms_sent(&(struct fetched){.status = 200}), SENT);
  assert_int_equal(sms_sent(&(struct fetched){.status = 202}), SENT);
  assert_int_equal(sms_sent(&(struct fetched){.status = 422}), SENT_NEVER);
  assert_int_equal(sms_sent(&(struct fetched){.status = 401}), SENT_LATER);
  assert_int_equal(sms_sent(&(struct fetched){.status = 503}), SENT_LATER);
  assert_int_equal(sms_sent(&(struct fetched){.error = "no route"}), SENT_LATER);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(signature_is_a_plain_hmac),
                                     cmocka_unit_test(body_is_json),
                                     cmocka_unit_test(answers_are_understood)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
