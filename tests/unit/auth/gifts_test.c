/* Links to gifts: what is made is read again, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "auth/gifts.c"

static const struct secrets secrets = {.gift = {{1}}}, others = {.gift = {{2}}};
static const struct uuid gift = {{0x01, 0x98, 0xC0, 0xDE, 0xFF}};

static void a_link_leads_to_its_gift(void **state) {
  (void)state;
  struct arena a = {0};
  struct uuid found = {0};
  struct text token = gift_token(&secrets, &a, 7, gift);
  assert_int_equal(token.len, 43);
  assert_true(gift_token_read(&secrets, &a, 7, token, &found));
  assert_true(uuid_equal(found, gift));
  assert_false(gift_token_read(&secrets, &a, 8, token, &found)); /* another community's */
  assert_false(gift_token_read(&others, &a, 7, token, &found));
  arena_free(&a);
}

static void what_is_no_link_leads_nowhere(void **state) {
  (void)state;
  struct arena a = {0};
  struct uuid found;
  struct text token = gift_token(&secrets, &a, 7, gift);
  assert_false(gift_token_read(&secrets, &a, 7, NONE, &found));
  assert_false(gift_token_read(&secrets, &a, 7, LIT("not base64!"), &found));
  for (size_t len = 0; len < token.len; len++)
    assert_false(gift_token_read(&secrets, &a, 7, (struct text){token.at, len}, &found));
  for (size_t i = 0; i < 42; i++) { /* the last character holds two bits that say nothing */
    char *other = strndup(token.at, token.len);
    assert_non_null(other);
    other[i] = other[i] == 'A' ? 'B' : 'A';
    assert_false(gift_token_read(&secrets, &a, 7, (struct text){other, token.len}, &found));
    free(other);
  }
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_link_leads_to_its_gift),
      cmocka_unit_test(what_is_no_link_leads_nowhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
