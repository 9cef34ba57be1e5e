/* Entity tags, and the names of downloads. */
#include "api/answer.c"

#include <setjmp.h>

#include <cmocka.h>

static void tags_in_lists(void **state) {
  (void)state;
  static const struct {
    const char *list;
    bool there;
  } cases[] = {
      {"\"abc\"", true},
      {"*", true},
      {" * ", true},
      {"W/\"abc\"", true},
      {"\"abc-gz\"", true},
      {"\"x\", \"abc\"", true},
      {"\"x\",W/\"abc-gz\"", true},
      {"", false},
      {"abc", false},
      {"\"ab\"", false},
      {"\"abcd\"", false},
      {"\"abc-gzx\"", false},
      {"\"x\" \"abc\"", false},
      {",,", false},
      {"\"abc", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (etag_listed(text_of(cases[i].list), LIT("\"abc\"")) != cases[i].there)
      fail_msg("%s", cases[i].list);
  assert_false(etag_listed(NONE, LIT("\"abc\"")));
}

static void tags_follow_the_bytes(void **state) {
  (void)state;
  struct arena a = {0};
  struct text one = etag_of(&a, LIT("{}")), same = etag_of(&a, LIT("{}")),
              other = etag_of(&a, LIT("{ }"));
  assert_true(text_equal(one, same) && !text_equal(one, other));
  assert_int_equal(one.len, 34);
  assert_true(one.at[0] == '"' && one.at[33] == '"');
  arena_free(&a);
}

static void names_of_downloads(void **state) {
  (void)state;
  struct exchange x = {0};
  reply_download(&x.q, LIT("签到 \"1\"\r\n.csv"));
  assert_true(text_is(x.headers[0].value, "attachment; filename=\"________1___.csv\"; "
                                          "filename*=UTF-8''%E7%AD%BE%E5%88%B0%20_1___.csv"));
  for (int i = 0; i < REPLY_HEADERS + 3; i++)
    reply_header(&x.q, "X", LIT("y"));
  assert_int_equal(x.header_count, REPLY_HEADERS);
  arena_free(&x.q.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tags_in_lists),
      cmocka_unit_test(tags_follow_the_bytes),
      cmocka_unit_test(names_of_downloads),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
