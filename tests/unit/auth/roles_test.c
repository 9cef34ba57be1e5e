/* Roles: names, and who manages whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/roles.c"

static void names_go_both_ways(void **state) {
  (void)state;
  for (int r = ROLE_GUEST; r <= ROLE_OWNER; r++)
    assert_int_equal(role_of(text_of(role_name((enum role)r))), r);
  assert_int_equal(role_of(LIT("lecturer")), ROLE_LECTURER);
  assert_int_equal(role_of(LIT("nobody")), ROLE_NOBODY);
  assert_int_equal(role_of(LIT("Owner")), ROLE_NOBODY);
  assert_int_equal(role_of(NONE), ROLE_NOBODY);
}

/* Every combination, against the sentence in auth.h. */
static void operators_manage_up_to_lecturers(void **state) {
  (void)state;
  for (int who = ROLE_NOBODY; who <= ROLE_OWNER; who++)
    for (int whom = ROLE_NOBODY; whom <= ROLE_OWNER; whom++)
      for (int role = ROLE_NOBODY; role <= ROLE_OWNER; role++) {
        bool somebody = whom != ROLE_NOBODY && role != ROLE_NOBODY;
        bool small = whom <= ROLE_LECTURER && role <= ROLE_LECTURER;
        bool expected = somebody && (who == ROLE_OWNER || (who == ROLE_OPERATOR && small));
        assert_int_equal(may_manage((enum role)who, (enum role)whom, (enum role)role), expected);
      }
  assert_true(may_manage(ROLE_OPERATOR, ROLE_MEMBER, ROLE_LECTURER));
  assert_false(may_manage(ROLE_OPERATOR, ROLE_MEMBER, ROLE_OPERATOR));
  assert_false(may_manage(ROLE_OPERATOR, ROLE_OWNER, ROLE_OWNER));
  assert_false(may_manage(ROLE_LECTURER, ROLE_GUEST, ROLE_GUEST));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_go_both_ways),
      cmocka_unit_test(operators_manage_up_to_lecturers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
