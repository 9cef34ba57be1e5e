/* The cache of verified tokens: bounded, first in first out, and emptied for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/token_cache.c"

static struct token_cache *cache;

static int set_up(void **state) {
  (void)state;
  cache = token_cache_new();
  return cache ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  token_cache_free(cache);
  return 0;
}

/* Number i of shard 0, in one of `chains` chains. */
static struct digest digest_of(uint32_t i, uint32_t chains) {
  struct digest d = {{0}};
  d.b[1] = (uint8_t)(i % chains);
  d.b[2] = (uint8_t)(i % chains >> 8);
  memcpy(d.b + 8, &i, sizeof i);
  return d;
}

static void put_number(uint32_t i, uint32_t chains) {
  struct digest d = digest_of(i, chains);
  struct claims c = {.community = i};
  token_cache_put(cache, &d, &c, 100, token_cache_epoch(cache));
}

static bool has_number(uint32_t i, uint32_t chains) {
  struct digest d = digest_of(i, chains);
  struct claims c;
  if (!token_cache_find(cache, &d, 99, &c)) return false;
  assert_int_equal(c.community, i);
  return true;
}

static void what_was_put_is_found_until_its_end(void **state) {
  (void)state;
  struct digest d = digest_of(5, 1), other = digest_of(6, 1);
  struct claims c = {.community = 9}, got;
  assert_false(token_cache_find(cache, &d, 0, &got));
  token_cache_put(cache, &d, &c, 100, token_cache_epoch(cache));
  assert_true(token_cache_find(cache, &d, 99, &got));
  assert_int_equal(got.community, 9);
  assert_false(token_cache_find(cache, &d, 100, &got));
  assert_false(token_cache_find(cache, &other, 99, &got));
}

static void fills_and_forgets_the_oldest(uint32_t chains) {
  const uint32_t many = ENTRIES * 3 + 17;
  for (uint32_t i = 1; i <= many; i++) {
    put_number(i, chains);
    assert_true(has_number(i, chains));
  }
  for (uint32_t i = 1; i <= many; i++)
    assert_int_equal(has_number(i, chains), i > many - ENTRIES);
}

static void it_is_bounded(void **state) {
  (void)state;
  fills_and_forgets_the_oldest(ENTRIES);
}

static void chains_stay_whole(void **state) {
  (void)state;
  fills_and_forgets_the_oldest(37);
}

static void the_same_twice_takes_one_place(void **state) {
  (void)state;
  put_number(1, 1);
  for (int i = 0; i < ENTRIES; i++)
    put_number(2, 1);
  assert_true(has_number(1, 1));
  assert_true(has_number(2, 1));
}

static void emptied_is_empty(void **state) {
  (void)state;
  for (uint32_t i = 0; i < ENTRIES + 5; i++)
    put_number(i, 64);
  uint64_t before = token_cache_epoch(cache);
  token_cache_empty(cache);
  for (uint32_t i = 0; i < ENTRIES + 5; i++)
    assert_false(has_number(i, 64));
  struct digest late = digest_of(3, 64);
  struct claims c = {.community = 3};
  token_cache_put(cache, &late, &c, 100, before); /* verified before, put after */
  assert_false(has_number(3, 64));
  fills_and_forgets_the_oldest(64);
}

static void every_shard_is_used(void **state) {
  (void)state;
  struct claims c = {.community = 1}, got;
  struct digest d = {{0}};
  for (int i = 0; i < 256; i++) {
    d.b[0] = (uint8_t)i;
    token_cache_put(cache, &d, &c, 100, 0);
  }
  for (int i = 0; i < 256; i++) {
    d.b[0] = (uint8_t)i;
    assert_true(token_cache_find(cache, &d, 0, &got));
  }
  for (size_t i = 0; i < SHARDS; i++)
    assert_int_equal(cache->shards[i].newest, 256 / SHARDS);
}

static void *hammer(void *what) {
  uint32_t seed = (uint32_t)(uintptr_t)what;
  for (int i = 0; i < 20000; i++) {
    seed = seed * 1664525 + 1013904223;
    if (seed >> 31)
      put_number(seed >> 8 & 0x1FFF, 64);
    else
      (void)has_number(seed >> 8 & 0x1FFF, 64); /* what is found is what was put */
    if (i % 5000 == 4999) token_cache_empty(cache);
  }
  return NULL;
}

static void loops_share_it(void **state) {
  (void)state;
  pthread_t threads[4];
  for (uintptr_t i = 0; i < COUNT(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(i + 1)), 0);
  for (size_t i = 0; i < COUNT(threads); i++)
    pthread_join(threads[i], NULL);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(what_was_put_is_found_until_its_end),
      TEST(it_is_bounded),
      TEST(chains_stay_whole),
      TEST(the_same_twice_takes_one_place),
      TEST(emptied_is_empty),
      TEST(every_shard_is_used),
      TEST(loops_share_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
