/* Rate limits, by a clock that the test turns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/base.h"

static uint64_t clock_nanos;

static uint64_t fake_nanos(void) {
  return clock_nanos;
}
#define time_nanos fake_nanos
#include "auth/pace.c"
#undef time_nanos

static const uint64_t second = 1000000000;
static struct house *house;

static int set_up(void **state) {
  (void)state;
  const struct secrets s = {.pepper = {{1}}};
  clock_nanos = 5000 * second;
  house = house_new(&s, "https://lyceum.example", 900, 1);
  return house ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  house_free(house);
  return 0;
}

static const struct text who = {"somebody", 8}, other = {"somebodx", 8};

static void spend(enum pace_class c, enum pace_scope s, int64_t times) {
  for (int64_t i = 0; i < times; i++)
    assert_true(pace_take(house, c, s, who).allowed);
}

static void a_budget_is_spent_and_comes_back(void **state) {
  (void)state;
  struct pace_state p = pace_look(house, GUESSES, PER_ACCOUNT, who);
  assert_true(p.allowed && p.limit == 10 && p.remaining == 10 && p.window == 600 && p.reset == 0);
  for (int left = 9; left >= 0; left--) {
    p = pace_take(house, GUESSES, PER_ACCOUNT, who);
    assert_true(p.allowed);
    assert_int_equal(p.remaining, left);
  }
  p = pace_take(house, GUESSES, PER_ACCOUNT, who);
  assert_true(!p.allowed && p.remaining == 0);
  assert_int_equal(p.reset, 60);
  clock_nanos += second / 2;
  assert_int_equal(pace_look(house, GUESSES, PER_ACCOUNT, who).reset, 60); /* 59.5 s */
  clock_nanos += 59 * second - second / 2;
  p = pace_take(house, GUESSES, PER_ACCOUNT, who);
  assert_true(!p.allowed && p.reset == 1);
  clock_nanos += second;
  assert_true(pace_take(house, GUESSES, PER_ACCOUNT, who).allowed);
  assert_false(pace_take(house, GUESSES, PER_ACCOUNT, who).allowed);
  clock_nanos += 600 * second;
  assert_int_equal(pace_look(house, GUESSES, PER_ACCOUNT, who).remaining, 10);
}

static void a_refusal_costs_nothing(void **state) {
  (void)state;
  spend(GUESSES, PER_ACCOUNT, 10);
  for (int i = 0; i < 1000; i++)
    assert_false(pace_take(house, GUESSES, PER_ACCOUNT, who).allowed);
  clock_nanos += 60 * second;
  assert_true(pace_take(house, GUESSES, PER_ACCOUNT, who).allowed);
}

static void looking_costs_nothing(void **state) {
  (void)state;
  for (int i = 0; i < 1000; i++)
    assert_int_equal(pace_look(house, SIGN_INS, PER_ADDRESS, who).remaining, 100);
  spend(SIGN_INS, PER_ADDRESS, 100);
  struct pace_state p = pace_look(house, SIGN_INS, PER_ADDRESS, who);
  assert_true(!p.allowed && p.reset == 9);
}

static void budgets_are_apart(void **state) {
  (void)state;
  spend(GUESSES, PER_ACCOUNT, 10);
  assert_int_equal(pace_look(house, GUESSES, PER_ACCOUNT, other).remaining, 10);
  assert_int_equal(pace_look(house, SIGN_INS, PER_ACCOUNT, who).remaining, 10);
  assert_int_equal(pace_look(house, GUESSES, PER_ADDRESS, who).remaining, 300);
}

static void all_together_have_one(void **state) {
  (void)state;
  spend(GUESSES, OVERALL, 5000);
  assert_false(pace_take(house, GUESSES, OVERALL, other).allowed);
  assert_false(pace_look(house, GUESSES, OVERALL, NONE).allowed);
}

static void without_a_budget_all_may(void **state) {
  (void)state;
  for (int i = 0; i < 100000; i++)
    assert_true(pace_take(house, GENERAL, OVERALL, NONE).allowed);
  struct pace_state p = pace_take(house, PACE_NONE, PER_ACCOUNT, who);
  assert_true(p.allowed && p.limit == 0);
}

static void the_scale_multiplies(void **state) {
  (void)state;
  house->pace_scale = 100;
  spend(GENERAL, PER_ACCOUNT, 60000);
  struct pace_state p = pace_take(house, GENERAL, PER_ACCOUNT, who);
  assert_true(!p.allowed && p.limit == 60000);
  house->pace_scale = INT64_C(1000000000);
  assert_true(pace_take(house, GENERAL, PER_ACCOUNT, who).allowed);
}

/* A thousand accounts behind one address sign up, redeem and check in within a minute; one in ten
 * slips each time. */
static void a_full_hall_is_let_in(void **state) {
  (void)state;
  static const enum pace_class steps[] = {CHALLENGES, SIGN_UPS, GUESSES, GUESSES, GENERAL};
  const struct text hall = LIT("203.0.113.9");
  for (uint32_t i = 0; i < 1000; i++) {
    struct text account = {(const char *)&i, sizeof i};
    for (size_t k = 0; k < COUNT(steps); k++) {
      clock_nanos += 12 * second / 1000;
      assert_true(pace_look(house, steps[k], PER_ADDRESS, hall).allowed);
      assert_true(pace_look(house, steps[k], OVERALL, NONE).allowed);
      assert_true(pace_take(house, steps[k], PER_ACCOUNT, account).allowed);
      if ((i + k) % 10) continue;
      assert_true(pace_take(house, steps[k], PER_ADDRESS, hall).allowed);
      assert_true(pace_take(house, steps[k], OVERALL, NONE).allowed);
    }
  }
}

/* A flood of names takes the places of those who are charged least. */
static void a_flood_clears_nobodys_record(void **state) {
  (void)state;
  spend(GUESSES, PER_ACCOUNT, 10);
  for (uint32_t i = 0; i < SETS * WAYS * 4; i++)
    assert_int_equal(
        pace_take(house, GUESSES, PER_ACCOUNT, (struct text){(const char *)&i, sizeof i}).remaining,
        9); /* and inherits nothing from them */
  assert_false(pace_look(house, GUESSES, PER_ACCOUNT, who).allowed);
}

static void sip_hash_is_sip_hash(void **state) {
  (void)state;
  uint8_t bytes[16]; /* the vectors of its authors: key 00…0f, message 00, 01, … */
  for (uint8_t i = 0; i < 16; i++)
    bytes[i] = i;
  const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
  const char *m = (const char *)bytes;
  assert_true(sip(key, (struct text){m, 0}) == 0x726fdb47dd0e0e31);
  assert_true(sip(key, (struct text){m, 1}) == 0x74f839c593dc67fd);
  assert_true(sip(key, (struct text){m, 8}) == 0x93f5f5799a932462);
  assert_true(sip(key, (struct text){m, 15}) == 0xa129ca6149be45e5);
}

static void classes_have_names(void **state) {
  (void)state;
  for (int c = GENERAL; c < PACE_COUNT; c++)
    assert_non_null(pace_name((enum pace_class)c));
  assert_string_equal(pace_name(SIGN_INS), "sign-ins");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(a_budget_is_spent_and_comes_back),
      TEST(a_refusal_costs_nothing),
      TEST(looking_costs_nothing),
      TEST(budgets_are_apart),
      TEST(all_together_have_one),
      TEST(without_a_budget_all_may),
      TEST(the_scale_multiplies),
      TEST(a_full_hall_is_let_in),
      TEST(a_flood_clears_nobodys_record),
      TEST(sip_hash_is_sip_hash),
      TEST(classes_have_names),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
