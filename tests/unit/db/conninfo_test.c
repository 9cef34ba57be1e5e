/* Where the server connects to: the owner's conninfo with another user. */
#include "db/conninfo.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* What libpq reads out of what was made. */
static void expect(const char *owner, const char *role, const char *password,
                   const char *const pairs[][2], size_t count) {
  char *why = NULL, *made = server_conninfo(owner, role, password, &why);
  assert_non_null(made);
  PQconninfoOption *options = PQconninfoParse(made, NULL);
  assert_non_null(options);
  for (size_t i = 0; i < count; i++)
    assert_string_equal(value_of(options, pairs[i][0]), pairs[i][1]);
  PQconninfoFree(options);
  free(made);
  free(why);
}

static void takes_another_user(void **state) {
  static const char *const wanted[][2] = {{"user", "lyceum_server"}, {"password", "secret"},
                                          {"host", "/tmp/a b"},      {"port", "5433"},
                                          {"dbname", "lyceum"},      {"sslcert", ""}};
  (void)state;
  expect("postgresql:///lyceum?host=/tmp/a%20b&port=5433&user=owner&password=own&sslcert=/x",
         "lyceum_server", "secret", wanted, COUNT(wanted));
  expect("host='/tmp/a b' port=5433 dbname=lyceum user=owner passfile=/y", "lyceum_server",
         "secret", wanted, COUNT(wanted));
}

static void quotes(void **state) {
  static const char *const wanted[][2] = {
      {"user", "it's \\ 'role'"}, {"password", "a' user='postgres"}, {"dbname", "o'db"}};
  (void)state;
  expect("dbname='o\\'db'", "it's \\ 'role'", "a' user='postgres", wanted, COUNT(wanted));
}

static void keeps_several_hosts(void **state) {
  static const char *const wanted[][2] = {
      {"host", "a,b"}, {"port", "1,2"}, {"target_session_attrs", "read-write"}, {"user", "r"}};
  (void)state;
  expect("postgresql://o:p@a:1,b:2/l?target_session_attrs=read-write", "r", "s", wanted,
         COUNT(wanted));
}

static void leaves_the_servers_own_alone(void **state) {
  char *why = NULL;
  const char *own = "postgresql://lyceum_server:x@h/l";
  (void)state;
  char *made = server_conninfo(own, "lyceum_server", "secret", &why);
  assert_string_equal(made, own);
  free(made);
}

static void tells_what_it_cannot_read(void **state) {
  char *why = NULL;
  (void)state;
  assert_null(server_conninfo("host=a nonsense", "r", "s", &why));
  assert_non_null(strstr(why, "DATABASE_URL can't be read"));
  free(why);
}

#define TEST(name) cmocka_unit_test(name)
int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(takes_another_user),        TEST(quotes),
      TEST(keeps_several_hosts),       TEST(leaves_the_servers_own_alone),
      TEST(tells_what_it_cannot_read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
