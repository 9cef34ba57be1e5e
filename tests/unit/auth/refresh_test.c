/* Refresh tokens carry what tells a forgery, a successor and a reuse apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/refresh.c"

static const struct secrets ours = {.refresh = {{1, 2, 3}}}, others = {.refresh = {{4, 5, 6}}};
static const struct refresh some = {
    .community = 7, .session = {{0xAB, 1, [15] = 0xCD}}, .count = 41};

static void what_was_made_is_read(void **state) {
  (void)state;
  struct arena a = {0};
  struct refresh got = {0};
  struct text token = refresh_make(&ours, &a, some);
  assert_int_equal(token.len, 86);
  assert_true(refresh_parse(&ours, &a, token, &got));
  assert_int_equal(got.community, 7);
  assert_int_equal(got.count, 41);
  assert_memory_equal(&got.session, &some.session, sizeof got.session);
  struct refresh far = {INT64_MAX, some.session, INT64_MAX};
  assert_true(refresh_parse(&ours, &a, refresh_make(&ours, &a, far), &got));
  assert_int_equal(got.community, INT64_MAX);
  assert_int_equal(got.count, INT64_MAX);
  arena_free(&a);
}

static void a_lost_answer_is_given_again(void **state) {
  (void)state;
  struct arena a = {0};
  struct refresh next = some;
  next.count++;
  struct text one = refresh_make(&ours, &a, next), again = refresh_make(&ours, &a, next);
  assert_true(text_equal(one, again));
  struct digest d = refresh_digest(one), e = refresh_digest(again);
  assert_memory_equal(&d, &e, sizeof d);
  e = refresh_digest(refresh_make(&ours, &a, some));
  assert_memory_not_equal(&d, &e, sizeof d);
  arena_free(&a);
}

/* What the statement needs to call it reuse: whose it was, and that its count is behind. */
static void an_old_one_tells_whose_it_was(void **state) {
  (void)state;
  struct arena a = {0};
  struct refresh old;
  struct text token = refresh_make(&ours, &a, some);
  assert_true(refresh_parse(&ours, &a, token, &old));
  assert_true(old.count < some.count + 2 && uuid_equal(old.session, some.session));
  arena_free(&a);
}

static void forgeries_are_told_without_a_look(void **state) {
  (void)state;
  struct arena a = {0};
  struct refresh got;
  struct text token = refresh_make(&ours, &a, some);
  assert_false(refresh_parse(&others, &a, token, &got));
  for (size_t i = 0; i < token.len; i++) {
    struct text bent = arena_copy(&a, token);
    char *at = (char *)bent.at + i;
    *at = *at == 'A' ? 'B' : 'A';
    assert_false(refresh_parse(&ours, &a, bent, &got));
  }
  assert_false(refresh_parse(&ours, &a, (struct text){token.at, 85}, &got));
  assert_false(refresh_parse(&ours, &a, arena_printf(&a, "%s=", token.at), &got));
  assert_false(refresh_parse(&ours, &a, NONE, &got));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_was_made_is_read),
      cmocka_unit_test(a_lost_answer_is_given_again),
      cmocka_unit_test(an_old_one_tells_whose_it_was),
      cmocka_unit_test(forgeries_are_told_without_a_look),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
