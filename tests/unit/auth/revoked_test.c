/* Ended sessions and changed members: remembered for as long as a token lives, or trusted no more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/revoked.c"

static struct revoked *table;

static int set_up(void **state) {
  (void)state;
  table = revoked_new();
  return table ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  revoked_free(table);
  return 0;
}

static struct claims token_of(struct uuid session, int64_t community, struct uuid member,
                              int64_t version) {
  return (struct claims){
      .caller = {.session = session, .member = member}, .community = community, .version = version};
}

static void a_session_ends_for_a_time(void **state) {
  (void)state;
  struct uuid s = uuid_new(), other = uuid_new();
  struct claims mine = token_of(s, 1, s, 5), theirs = token_of(other, 1, other, 5);
  assert_false(is_revoked(table, &mine, 0));
  revoke_session(table, s, 10, 20);
  assert_true(is_revoked(table, &mine, 19));
  assert_false(is_revoked(table, &mine, 20));
  assert_false(is_revoked(table, &theirs, 19));
  revoke_session(table, s, 15, 30);
  assert_true(is_revoked(table, &mine, 29));
  revoke_session(table, s, 15, 25); /* news that come late shorten nothing */
  assert_true(is_revoked(table, &mine, 29));
}

static void a_version_voids_those_below(void **state) {
  (void)state;
  struct uuid m = uuid_new(), s = uuid_new();
  revoke_member(table, 7, m, 4, 0, 100);
  for (int64_t version = 0; version < 8; version++) {
    struct claims c = token_of(s, 7, m, version), elsewhere = token_of(s, 8, m, version);
    assert_int_equal(is_revoked(table, &c, 50), version < 4);
    assert_false(is_revoked(table, &elsewhere, 50));
  }
  revoke_member(table, 7, m, 2, 0, 100);
  struct claims c = token_of(s, 7, m, 3);
  assert_true(is_revoked(table, &c, 50));
}

/* A session that is a member's id, too, ends nothing but the session. */
static void kinds_are_kept_apart(void **state) {
  (void)state;
  struct uuid id = uuid_new(), other = uuid_new();
  struct claims c = token_of(other, 0, id, 1);
  revoke_session(table, id, 0, 100);
  assert_false(is_revoked(table, &c, 50));
}

static void many_find_room(void **state) {
  (void)state;
  static struct uuid ids[SLOTS / 2];
  for (size_t i = 0; i < COUNT(ids); i++) {
    ids[i] = uuid_new();
    revoke_session(table, ids[i], 0, 100);
  }
  assert_true(revoked_is_whole(table, 0));
  for (size_t i = 0; i < COUNT(ids); i++) {
    struct claims c = token_of(ids[i], 1, ids[i], 1);
    assert_true(is_revoked(table, &c, 50));
  }
}

static void what_does_not_fit_ends_the_trust(void **state) {
  (void)state;
  for (uint64_t i = 0; i < REACH; i++)
    revoke(table, 1000 + i * SLOTS, 5, 0, 100);
  assert_true(revoked_is_whole(table, 0));
  revoke(table, 1000 + REACH * SLOTS, 5, 0, 150);
  assert_false(revoked_is_whole(table, 149));
  assert_true(revoked_is_whole(table, 150));
  for (uint64_t i = 0; i < REACH; i++)
    assert_int_equal(least_version(table, 1000 + i * SLOTS, 99), 5);
}

static void lapsed_places_are_used_again(void **state) {
  (void)state;
  for (uint64_t i = 0; i < REACH; i++)
    revoke(table, 1000 + i * SLOTS, 9, 0, i == 40 ? 50 : 100);
  uint64_t late = 1000 + REACH * SLOTS;
  revoke(table, late, 5, 60, 160);
  assert_true(revoked_is_whole(table, 60));
  assert_int_equal(least_version(table, late, 60), 5); /* not the 9 of who was there before */
  assert_int_equal(least_version(table, 1000 + 40 * SLOTS, 60), 0);
  assert_int_equal(least_version(table, 1000 + 41 * SLOTS, 60), 9);
}

static atomic_bool stop;

static void *churn(void *what) {
  (void)what;
  for (micros now = 1; !atomic_load(&stop); now++)
    revoke(table, 5000 + (uint64_t)(now % 200) * SLOTS, now % 200 + 1, now * 2, now * 2 + 2);
  return NULL;
}

/* While slots change hands, a reader sees its own version or nothing, and what stays is seen. */
static void readers_need_no_lock(void **state) {
  (void)state;
  pthread_t writer;
  revoke(table, 5000 + 777 * (uint64_t)SLOTS, 42, 0, INT64_MAX);
  assert_int_equal(pthread_create(&writer, NULL, churn, NULL), 0);
  for (uint64_t i = 0; i < 300000; i++) {
    int64_t seen = least_version(table, 5000 + i % 200 * SLOTS, 0);
    if (seen) assert_int_equal(seen, i % 200 + 1);
    assert_int_equal(least_version(table, 5000 + 777 * (uint64_t)SLOTS, 0), 42);
  }
  atomic_store(&stop, true);
  pthread_join(writer, NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_session_ends_for_a_time),
      TEST(a_version_voids_those_below),
      TEST(kinds_are_kept_apart),
      TEST(many_find_room),
      TEST(what_does_not_fit_ends_the_trust),
      TEST(lapsed_places_are_used_again),
      TEST(readers_need_no_lock),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
