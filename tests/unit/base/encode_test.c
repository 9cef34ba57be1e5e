/* base64url and hexadecimal: the vectors of RFC 4648, and every spelling that must be refused. */
#include "base/encode.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static void base64url_is_rfc_4648(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};
  for (size_t i = 0; i < COUNT(pairs); i++) {
    assert_true(text_is(base64url(&arena, text_of(pairs[i][0])), pairs[i][1]));
    struct text back = base64url_decode(&arena, text_of(pairs[i][1]));
    assert_non_null(back.at);
    assert_true(text_is(back, pairs[i][0]));
  }
}

static void base64url_is_strict(void **state) {
  (void)state;
  static const char *const bad[] = {"Z",     "Zg==",   "Zh",  "Zm9=",     "Zm9",  "+/+/",
                                    "Zm 9v", "Zm9v\n", "Zg.", "Zm8A\xc3", "ZZZZZ"};
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_null(base64url_decode(&arena, text_of(bad[i])).at);
}

static void base64url_has_a_limit(void **state) {
  (void)state;
  struct arena a = {0};
  struct text much = {"", ARENA_LARGEST};
  assert_int_equal(base64url(&a, much).len, 0);
  assert_true(a.failed);
  assert_null(base64url_decode(&a, much).at);
  arena_free(&a);
}

static void base64_is_rfc_4648(void **state) {
  (void)state;
  static const char *const pairs[][2] = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xfb\xff\xbf", "+/+/"}};
  static const char *const bad[] = {
      "Z", "Zg", "Zg=", "Zh==", "Zg===", "Z===", "====", "-_-_", "Zm9v\n", "Z=g=", "=Zm9"};
  for (size_t i = 0; i < COUNT(pairs); i++) {
    assert_true(text_is(base64(&arena, text_of(pairs[i][0])), pairs[i][1]));
    assert_true(text_is(base64_decode(&arena, text_of(pairs[i][1])), pairs[i][0]));
  }
  for (size_t i = 0; i < COUNT(bad); i++)
    assert_null(base64_decode(&arena, text_of(bad[i])).at);
}

static void hex_goes_both_ways(void **state) {
  (void)state;
  uint8_t bytes[3];
  char hex[7];
  assert_true(hex_parse(LIT("00aBfF"), bytes, sizeof bytes));
  hex_write(bytes, sizeof bytes, hex);
  assert_string_equal(hex, "00abff");
  assert_false(hex_parse(LIT("00abf"), bytes, sizeof bytes));
  assert_false(hex_parse(LIT("00abfg"), bytes, sizeof bytes));
  assert_false(hex_parse(LIT("0x00ab"), bytes, sizeof bytes));
  assert_false(hex_parse(NONE, bytes, sizeof bytes));
}

static int give_back(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* Each byte on its own: sixty-four are digits, in the order in which they are counted. */
static void every_letter_has_its_value(void **state) {
  (void)state;
  const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  for (int c = 0; c < 256; c++) {
    const char four[4] = {'A', 'A', 'A', (char)c};
    struct text t = base64url_decode(&arena, (struct text){four, sizeof four});
    const char *digit = c ? strchr(digits, c) : NULL;
    if (digit)
      assert_true(t.len == 3 && t.at[2] == digit - digits);
    else
      assert_null(t.at);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(base64url_is_rfc_4648), cmocka_unit_test(base64url_is_strict),
      cmocka_unit_test(base64url_has_a_limit), cmocka_unit_test(every_letter_has_its_value),
      cmocka_unit_test(base64_is_rfc_4648),    cmocka_unit_test(hex_goes_both_ways),
  };
  return cmocka_run_group_tests(tests, NULL, give_back);
}
