/* One conninfo of many machines becomes many of one. */
#include "db/hosts.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void check_value(const char *conninfo, const char *keyword, const char *value) {
  PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
  assert_non_null(options);
  for (const PQconninfoOption *o = options; o->keyword; o++) {
    if (strcmp(o->keyword, keyword) != 0) continue;
    if (value)
      assert_string_equal(o->val, value);
    else
      assert_null(o->val);
  }
  PQconninfoFree(options);
}

static void each_has_its_own_port_and_address(void **state) {
  (void)state;
  struct hosts *h = hosts_new("host=a,b,c port=1,2,3 hostaddr=10.0.0.1,,10.0.0.3 user='o\\'x'");
  assert_non_null(h);
  assert_int_equal(h->count, 3);
  check_value(h->at[0], "host", "a");
  check_value(h->at[2], "host", "c");
  check_value(h->at[1], "port", "2");
  check_value(h->at[0], "hostaddr", "10.0.0.1");
  check_value(h->at[1], "hostaddr", NULL);
  check_value(h->at[1], "user", "o'x");
  hosts_free(h);
}

static void one_port_is_for_all(void **state) {
  (void)state;
  struct hosts *h = hosts_new("postgresql:///lyceum?host=/tmp/a,/tmp/b&port=5433");
  assert_non_null(h);
  assert_int_equal(h->count, 2);
  for (size_t i = 0; i < h->count; i++) {
    check_value(h->at[i], "port", "5433");
    check_value(h->at[i], "dbname", "lyceum");
  }
  check_value(h->at[1], "host", "/tmp/b");
  hosts_free(h);
}

static void nothing_named_is_one(void **state) {
  (void)state;
  struct hosts *h = hosts_new("dbname=x");
  assert_non_null(h);
  assert_int_equal(h->count, 1);
  hosts_free(h);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_has_its_own_port_and_address),
      cmocka_unit_test(one_port_is_for_all),
      cmocka_unit_test(nothing_named_is_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
