/* JSON: what strict means, and that what is written reads the same. */
#include "base/json.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct arena arena;

static struct json *parse(const char *s) {
  struct text why = NONE;
  struct json *j = json_parse(&arena, text_of(s), &why);
  assert_true((j == NULL) == (why.at != NULL));
  return j;
}

static void refuses(struct text t, const char *words) {
  struct text why = NONE;
  assert_null(json_parse(&arena, t, &why));
  assert_non_null(strstr(why.at, words));
}

static void is_strict(void **state) {
  (void)state;
  refuses(LIT("{\"a\":1,\"a\":2}"), "duplicate");
  refuses(LIT("{} x"), "end of file expected");
  refuses(LIT("\"\\u0000\""), "column");
  refuses(LIT("[\"a\0b\"]"), "column");
  refuses(LIT("[1]\0"), "column");
  refuses(LIT("\"\xff\""), "decode");
  refuses(LIT("\"\xed\xa0\x80\""), "decode");
  refuses(LIT("[01]"), "column");
  refuses(LIT("[1,]"), "column");
  refuses(LIT("[NaN]"), "column");
  refuses(LIT("{'a':1}"), "column");
  refuses(LIT("[99999999999999999999]"), "big");
  refuses(LIT("[1e999]"), "real number overflow");
  refuses(NONE, "line 1");
}

static void depth_ends_at_32(void **state) {
  (void)state;
  char deep[80] = {0};
  memset(deep, '[', 32);
  memset(deep + 32, ']', 32);
  assert_non_null(parse(deep));
  memset(deep, '[', 33);
  memset(deep + 33, ']', 33);
  refuses(text_of(deep), "deeper");
  assert_non_null(parse("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[\""));
}

static void faults_do_not_quote_the_body(void **state) {
  (void)state;
  struct text why;
  assert_null(json_parse(&arena, LIT("{\"password\": hunter2}"), &why));
  assert_null(strstr(why.at, "hunter2"));
  assert_true(text_starts(why, "line 1, column "));
}

static void kinds_are_told_apart(void **state) {
  (void)state;
  struct json *j = parse("[null,true,false,1,1.0,\"x\",[],{}]");
  static const enum json_kind kinds[] = {JSON_NULL, JSON_BOOL, JSON_BOOL, JSON_INT,
                                         JSON_REAL, JSON_TEXT, JSON_LIST, JSON_OBJECT};
  assert_int_equal(json_count(j), COUNT(kinds));
  for (size_t i = 0; i < COUNT(kinds); i++)
    assert_int_equal(json_kind(json_at(j, i)), kinds[i]);
  assert_int_equal(json_kind(NULL), JSON_NONE);
  assert_true(json_bool(json_at(j, 1)) && !json_bool(json_at(j, 2)) && !json_bool(NULL));
  assert_int_equal(json_int(json_at(j, 3)), 1);
  assert_int_equal(json_int(json_at(j, 4)), 0); /* a real is no integer */
  assert_null(json_text(json_at(j, 3)).at);
  assert_null(json_at(j, 8));
  assert_null(json_get(j, "x"));
}

static void objects_keep_their_order(void **state) {
  (void)state;
  const char *keys[] = {"z", "a", "m"};
  struct json *value, *j = parse("{\"z\":1,\"a\":2,\"m\":3}");
  struct text key;
  void *it = NULL;
  int64_t n = 0;
  while (json_each(j, &it, &key, &value)) {
    assert_true(text_is(key, keys[n]));
    assert_int_equal(json_int(value), ++n);
  }
  assert_int_equal(n, 3);
  assert_int_equal(json_int(json_get(j, "m")), 3);
  assert_null(json_get(j, "absent"));
}

static void writes_what_it_read(void **state) {
  (void)state;
  static const char *const same[] = {
      "{\"z\":[1,-2,{}],\"a\":null,\"t\":true,\"f\":false}",
      "\"\\u0001 \\\" \\\\ \\n 中文 😀\"",
      "[0.1,1.0,1e+300,-2.5,9223372036854775807,-9223372036854775808]",
      "[]",
  };
  for (size_t i = 0; i < COUNT(same); i++) {
    struct builder b = {0};
    json_write(&b, parse(same[i]));
    build_char(&b, '\0');
    assert_string_equal(b.at, same[i]);
    builder_free(&b);
  }
}

static int give_back(void **state) {
  (void)state;
  arena_free(&arena);
  return 0;
}

/* Whatever 64 KiB hold, the one piece of memory that Jansson gets is enough for it. */
static void test_costly_texts_fit(void **state) {
  static const char *const parts[] = {"{}", "[]", "\"\"", "1", "{\"a\":1}", "[[[1]]]", "1.5"};
  struct text why;
  (void)state;
  for (size_t i = 0; i < COUNT(parts); i++) {
    struct builder b = {0};
    build_char(&b, '[');
    while (b.len < 65000)
      build_printf(&b, "%s,", parts[i]);
    build_str(&b, "{\"last\":true}]");
    assert_non_null(json_parse(&arena, built(&b), &why));
    builder_free(&b);
  }
  struct builder b = {0};
  for (int i = 0; b.len < 65000; i++)
    build_printf(&b, "%c\"%x\":%d", i ? ',' : '{', (unsigned)i, i);
  build_char(&b, '}');
  assert_non_null(json_parse(&arena, built(&b), &why));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_costly_texts_fit), cmocka_unit_test(is_strict),
      cmocka_unit_test(depth_ends_at_32),      cmocka_unit_test(faults_do_not_quote_the_body),
      cmocka_unit_test(kinds_are_told_apart),  cmocka_unit_test(objects_keep_their_order),
      cmocka_unit_test(writes_what_it_read),
  };
  return cmocka_run_group_tests(tests, NULL, give_back);
}
