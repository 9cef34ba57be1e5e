/* The table of providers, their settings, and how far clocks may be apart. */
#include "gateways/gateway.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void providers_and_methods_are_found_by_name(void **state) {
  (void)state;
  assert_ptr_equal(gateway_find(LIT("hand")), &gateway_hand);
  assert_ptr_equal(gateway_find(LIT("test")), &gateway_test);
  assert_null(gateway_find(LIT("tes")));
  assert_null(gateway_find(LIT("")));
  assert_true(gateway_has_method(&gateway_hand, LIT("cash")));
  assert_false(gateway_has_method(&gateway_hand, LIT("cas")));
  assert_false(gateway_has_method(&gateway_hand, LIT("transfer|cash")));
  assert_false(gateway_has_method(&gateway_hand, LIT("")));
}

static void clocks_are_300_seconds_apart_at_most(void **state) {
  (void)state;
  const micros now = INT64_C(1800000000999999);
  assert_true(notice_in_time(LIT("1800000000"), now));
  assert_true(notice_in_time(LIT("1799999700"), now));
  assert_false(notice_in_time(LIT("1799999699"), now));
  assert_true(notice_in_time(LIT("1800000300"), now));
  assert_false(notice_in_time(LIT("1800000301"), now));
  assert_false(notice_in_time(LIT(""), now));
  assert_false(notice_in_time(NONE, now));
  assert_false(notice_in_time(LIT("1800000000x"), now));
  assert_false(notice_in_time(LIT("-9223372036854775808"), now));
  assert_false(notice_in_time(LIT("9223372036854775807"), now));
}

static void settings_come_back_as_one_object(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = crypto_sha256(LIT("key"));
  struct text provider = LIT("test");
  struct text sealed = settings_seal(&a, &key, 7, provider, LIT("{\"secret\":\"s\"}"));
  struct json *j = settings_open(&a, &key, 7, provider, sealed, LIT("{\"account\":\"a\"}"));
  assert_true(text_is(json_text(json_get(j, "secret")), "s"));
  assert_true(text_is(json_text(json_get(j, "account")), "a"));
  j = settings_open(&a, &key, 7, provider, sealed, LIT("{}"));
  assert_true(text_is(json_text(json_get(j, "secret")), "s"));
  j = settings_open(&a, &key, 7, provider, NONE, LIT("{\"account\":\"a\"}"));
  assert_true(text_is(json_text(json_get(j, "account")), "a"));
  assert_non_null(settings_open(&a, &key, 7, provider, NONE, LIT("{}")));
  arena_free(&a);
}

static void settings_are_bound_to_their_place(void **state) {
  (void)state;
  struct arena a = {0};
  struct digest key = crypto_sha256(LIT("key")), other = crypto_sha256(LIT("another"));
  struct text sealed = settings_seal(&a, &key, 7, LIT("test"), LIT("{\"secret\":\"s\"}"));
  assert_null(settings_open(&a, &key, 8, LIT("test"), sealed, LIT("{}")));
  assert_null(settings_open(&a, &key, 7, LIT("hand"), sealed, LIT("{}")));
  assert_null(settings_open(&a, &other, 7, LIT("test"), sealed, LIT("{}")));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(providers_and_methods_are_found_by_name),
      cmocka_unit_test(clocks_are_300_seconds_apart_at_most),
      cmocka_unit_test(settings_come_back_as_one_object),
      cmocka_unit_test(settings_are_bound_to_their_place),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
