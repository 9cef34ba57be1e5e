/* The house: secrets, what it hears, generations, trust. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "auth/house.c"

static const char hex[] = "000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static struct house *house;

static int set_up(void **state) {
  (void)state;
  struct secrets s;
  assert_true(secrets_from(text_of(hex), &s));
  house = house_new(&s, "https://a.example/\"x", 900, 0);
  return house ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  house_free(house);
  return 0;
}

static void secrets_are_64_digits(void **state) {
  (void)state;
  struct secrets s, again;
  char spaced[80];
  assert_true(secrets_from(text_of(hex), &s));
  (void)snprintf(spaced, sizeof spaced, " %s\n", hex);
  assert_true(secrets_from(text_of(spaced), &again));
  assert_memory_equal(&s, &again, sizeof s);
  assert_false(secrets_from((struct text){hex, 63}, &s));
  assert_false(secrets_from(NONE, &s));
  (void)snprintf(spaced, sizeof spaced, "%s0", hex);
  assert_false(secrets_from(text_of(spaced), &s));
  (void)snprintf(spaced, sizeof spaced, "g%s", hex + 1);
  assert_false(secrets_from(text_of(spaced), &s));
}

static void each_purpose_has_its_own(void **state) {
  (void)state;
  const struct secrets *s = house_secrets(house);
  const struct digest *all[] = {&s->pepper, &s->sealing, &s->refresh, &s->check_in, &s->role};
  for (size_t i = 0; i < COUNT(all); i++)
    for (size_t k = 0; k < i; k++)
      assert_memory_not_equal(all[i], all[k], sizeof *all[i]);
}

/* Derived keys are in people's databases: they must never change. */
static void purposes_never_change(void **state) {
  (void)state;
  char shown[65];
  hex_write(house_secrets(house)->pepper.b, 32, shown);
  assert_string_equal(shown, "bcae021a7aa6700f26afcfe58b5dd17533c160af3510f4dbe355aaac62b586df");
  hex_write(house_secrets(house)->sealing.b, 32, shown);
  assert_string_equal(shown, "9f4c9731144c98ee90fe39c3912b23b4e1a7fa5c5b3d491832846c8ebe8b8f83");
}

static void names_are_kept_as_json_too(void **state) {
  (void)state;
  assert_string_equal(house->audience, "https://a.example/\"x/v1");
  assert_string_equal(house->issuer_json, "\"https://a.example/\\\"x\"");
  assert_int_equal(house->pace_scale, 1);
  assert_null(house_new(house_secrets(house), "", 900, 1));
}

static struct claims claims_of(const char *session, const char *member) {
  struct claims c = {.community = 7, .version = 3};
  assert_true(uuid_parse(text_of(session), &c.caller.session));
  assert_true(uuid_parse(text_of(member), &c.caller.member));
  return c;
}

#define S "0198c0de-0000-7000-8000-000000000001"
#define M "0198c0de-0000-7000-8000-000000000002"

static void it_hears_of_sessions_and_members(void **state) {
  (void)state;
  struct claims c = claims_of(S, M), other = claims_of(M, S);
  house_hear(house, LIT("session " M));
  assert_false(is_revoked(house->revoked, &c, time_now()));
  assert_true(is_revoked(house->revoked, &other, time_now()));
  house_hear(house, LIT("member 7 " M " 3"));
  house_hear(house, LIT("member 8 " M " 4"));
  assert_false(is_revoked(house->revoked, &c, time_now()));
  house_hear(house, LIT("member 7 " M " 4"));
  assert_true(is_revoked(house->revoked, &c, time_now()));
  micros life = 900 * INT64_C(1000000);
  assert_true(is_revoked(house->revoked, &c, time_now() + life));
  assert_false(is_revoked(house->revoked, &c, time_now() + 2 * life));
}

static void malformed_notices_change_nothing(void **state) {
  (void)state;
  static const char *const notices[] = {"",
                                        "session",
                                        "session x",
                                        "member",
                                        "member 7",
                                        "member x " M " 4",
                                        "member 7 x 4",
                                        "member 7 " M,
                                        "public",
                                        "public x",
                                        "weather 7",
                                        "keysx",
                                        "session " M " "};
  struct claims c = claims_of(M, M);
  uint64_t before = house_generation(house, 7);
  for (size_t i = 0; i < COUNT(notices); i++)
    house_hear(house, text_of(notices[i]));
  house_hear(house, NONE);
  assert_false(is_revoked(house->revoked, &c, time_now()));
  assert_int_equal(house_generation(house, 7), before);
  assert_false(house_keys_wanted(house));
}

static void keys_are_wanted_once(void **state) {
  (void)state;
  assert_false(house_keys_wanted(house));
  house_hear(house, LIT("keys"));
  assert_true(house_keys_wanted(house));
  assert_false(house_keys_wanted(house));
}

static void generations_only_grow(void **state) {
  (void)state;
  uint64_t seven = house_generation(house, 7), eight = house_generation(house, 8);
  house_raise(house, 7);
  assert_true(house_generation(house, 7) > seven);
  assert_int_equal(house_generation(house, 8), eight);
  house_hear(house, LIT("public 8"));
  assert_true(house_generation(house, 8) > eight);
  eight = house_generation(house, 8);
  house_raise_all(house);
  assert_true(house_generation(house, 8) > eight);
  eight = house_generation(house, 8);
  house_raise(house, -1); /* no community: it touches nobody */
  assert_int_equal(house_generation(house, 8), eight);
}

static void trust_must_be_given(void **state) {
  (void)state;
  assert_false(house_trusted(house));
  house_trust(house, time_ticks() + 60000);
  assert_true(house_trusted(house));
  house_trust(house, time_ticks());
  assert_false(house_trusted(house)); /* it ends by itself */
  house_trust(house, 0);
  assert_false(house_trusted(house));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(secrets_are_64_digits),
      TEST(each_purpose_has_its_own),
      TEST(purposes_never_change),
      TEST(names_are_kept_as_json_too),
      TEST(it_hears_of_sessions_and_members),
      TEST(malformed_notices_change_nothing),
      TEST(keys_are_wanted_once),
      TEST(generations_only_grow),
      TEST(trust_must_be_given),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
