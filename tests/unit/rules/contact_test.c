/* E-mail addresses and phone numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/contact.c"

static void reads(const char *typed, enum contact_kind kind, const char *canonical,
                  const char *hint) {
  struct arena a = {0};
  struct text got;
  assert_int_equal(contact_read(&a, text_of(typed), &got), kind);
  assert_string_equal(got.at, canonical);
  assert_int_equal(got.len, strlen(canonical));
  assert_string_equal(contact_hint(&a, got).at, hint);
  arena_free(&a);
}

static void refuses(const char *typed) {
  struct arena a = {0};
  struct text got = LIT("before");
  if (contact_read(&a, text_of(typed), &got) != CONTACT_NONE) fail_msg("accepted %s", typed);
  assert_null(got.at);
  arena_free(&a);
}

static void addresses(void **state) {
  (void)state;
  reads("jo@example.org", CONTACT_EMAIL, "jo@example.org", "j…@example.org");
  reads("  J.Doe+News@EXAMPLE.Org\n", CONTACT_EMAIL, "j.doe+news@example.org", "j…@example.org");
  reads("a@b-c.xn--fiqs8s", CONTACT_EMAIL, "a@b-c.xn--fiqs8s", "a…@b-c.xn--fiqs8s");
  reads("o'neil/x=y@mail.example.co.uk", CONTACT_EMAIL, "o'neil/x=y@mail.example.co.uk",
        "o…@mail.example.co.uk");
}

static void not_addresses(void **state) {
  (void)state;
  static const char *const wrong[] = {
      "",
      "jo",
      "@example.org",
      "jo@",
      "jo@localhost",
      "jo@@a.org",
      "jo@a@b.org",
      ".jo@a.org",
      "jo.@a.org",
      "j..o@a.org",
      "jo@.org",
      "jo@a.",
      "jo@-a.org",
      "jo@a-.org",
      "jo@a_b.org",
      "jo doe@a.org",
      "\"jo\"@a.org",
      "jo@[127.0.0.1]",
      "jo@127.0.0.1",
      "jö@a.org",
      "jo@bücher.de",
      "jo@a.org, x@b.org",
      "jo\r\nBcc: x@b.org@a.org",
      "<jo@a.org>",
      "jo@a..org",
  };
  for (size_t i = 0; i < COUNT(wrong); i++)
    refuses(wrong[i]);
}

static void limits_of_rfc_5321(void **state) {
  (void)state;
  char typed[300];
  memset(typed, 'a', sizeof typed);
  memcpy(typed + 64, "@example.org", 13);
  reads(typed, CONTACT_EMAIL, typed, "a…@example.org");
  memset(typed, 'a', 65);
  memcpy(typed + 65, "@example.org", 13);
  refuses(typed);
  memset(typed, 'a', sizeof typed); /* a label of 63, then one of 64 */
  memcpy(typed, "jo@", 3);
  memcpy(typed + 3 + 63, ".org", 5);
  struct arena a = {0};
  struct text got;
  assert_int_equal(contact_read(&a, text_of(typed), &got), CONTACT_EMAIL);
  memset(typed + 3, 'a', 64);
  memcpy(typed + 3 + 64, ".org", 5);
  refuses(typed);
  memset(typed, 'a', sizeof typed); /* 254 in all, then 255 */
  memcpy(typed, "jo@", 3);
  for (int i = 3 + 60; i < 250; i += 60)
    typed[i] = '.';
  typed[254] = 0;
  assert_int_equal(contact_read(&a, text_of(typed), &got), CONTACT_EMAIL);
  typed[254] = 'a';
  typed[255] = 0;
  refuses(typed);
  arena_free(&a);
}

static void phones(void **state) {
  (void)state;
  reads("+8613800138000", CONTACT_PHONE, "+8613800138000", "+86…000");
  reads(" +86 138-0013-8000 ", CONTACT_PHONE, "+8613800138000", "+86…000");
  reads("+1234567", CONTACT_PHONE, "+1234567", "+12…567");
  reads("+123456789012345", CONTACT_PHONE, "+123456789012345", "+12…345");
  static const char *const wrong[] = {
      "13800138000",      "+",
      "+123456",          "+1234567890123456",
      "+0123456789",      "+86138001380x0",
      "++8613800138000",  "+86(138)00138000",
      "0086138001380000",
  };
  for (size_t i = 0; i < COUNT(wrong); i++)
    refuses(wrong[i]);
}

static void a_hint_never_tells_a_short_thing(void **state) {
  (void)state;
  struct arena a = {0};
  assert_true(text_is(contact_hint(&a, LIT("+12345")), "…"));
  assert_true(text_is(contact_hint(&a, NONE), "…"));
  assert_true(text_is(contact_hint(&a, LIT("@x")), "…@x"));
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses),
      cmocka_unit_test(not_addresses),
      cmocka_unit_test(limits_of_rfc_5321),
      cmocka_unit_test(phones),
      cmocka_unit_test(a_hint_never_tells_a_short_thing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
