/* The target: escapes, parameters, cursors. */
#include "api/target.c"

#include <setjmp.h>

#include <cmocka.h>

static struct exchange x;

static bool parse(const char *query) {
  arena_free(&x.q.arena);
  x = (struct exchange){.query_string = text_of(query)};
  return query_parse(&x);
}

static bool has(const char *name, const char *value) {
  return text_is(query_text(&x.q, name), value);
}

static void parameters(void **state) {
  (void)state;
  assert_true(parse(NULL) && x.query_count == 0);
  assert_true(parse("") && x.query_count == 0);
  assert_true(parse("&&a=1&") && x.query_count == 1 && has("a", "1"));
  assert_true(parse("a=b=c&d") && has("a", "b=c") && has("d", ""));
  assert_true(parse("n%61me=x+y%20z") && has("name", "x y z"));
  assert_true(parse("q=%E8%AE%B2%e5%ba%a7") && has("q", "讲座"));
  assert_true(parse("created_at%5Bgte%5D=1") && has("created_at[gte]", "1"));
  assert_null(query_text(&x.q, "absent").at);
}

static void what_is_refused(void **state) {
  (void)state;
  static const char *const bad[] = {"a=%",   "a=%4",  "a=%4g",    "a=%00",       "a=%0a",   "a=%7f",
                                    "%zz=1", "a=%ff", "a=%c0%80", "a=%ed%a0%80", "a=%E8%AE"};
  for (size_t i = 0; i < COUNT(bad); i++)
    if (parse(bad[i])) fail_msg("%s", bad[i]);
  assert_true(parse("a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a"));
  assert_false(parse("a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a&a")); /* one more than there is room for */
}

static void numbers_and_times(void **state) {
  (void)state;
  micros at = 0;
  assert_true(parse("n=7&m=x&t=1970-01-01T00:00:01Z"));
  assert_int_equal(query_int(&x.q, "n", 3), 7);
  assert_int_equal(query_int(&x.q, "m", 3), 3);
  assert_int_equal(query_int(&x.q, "absent", 3), 3);
  assert_true(query_time(&x.q, "t", &at) && at == 1000000);
  assert_false(query_time(&x.q, "n", &at));
}

static void cursors_lead_back(void **state) {
  (void)state;
  struct page page;
  struct arena a = {0};
  struct uuid id = {{1, 2, 3}};
  struct builder b = {0};
  build_str(&b, "limit=5&cursor=");
  build_text(&b, cursor_make(&a, -77, id));
  build_char(&b, 0);
  assert_true(parse(b.at) && page_read(&x.q, &page));
  assert_true(page.has_after_key && page.after_key == -77 && uuid_equal(page.after_id, id));
  assert_int_equal(page.limit, 5);
  builder_free(&b);
  arena_free(&a);
  static const char *const bad[] = {"cursor=", "cursor=a", "cursor=AAAA", "cursor=***"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    assert_true(parse(bad[i]));
    assert_false(page_read(&x.q, &page));
    assert_int_equal(x.q.problem, CURSOR_INVALID);
  }
  assert_true(parse("limit=9") && page_read(&x.q, &page) && !page.has_after_key);
  arena_free(&x.q.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parameters),
      cmocka_unit_test(what_is_refused),
      cmocka_unit_test(numbers_and_times),
      cmocka_unit_test(cursors_lead_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
