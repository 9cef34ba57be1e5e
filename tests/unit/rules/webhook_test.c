/* Where webhooks may go, and when they are tried again. */
#include "rules/webhook.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void addresses_are_read(void **state) {
  (void)state;
  static const struct {
    const char *url;
    enum webhook_url what;
    bool plain;
    const char *host;
  } cases[] = {
      {"https://example.org", WEBHOOK_URL_GOOD, false, "example.org"},
      {"https://example.org/hooks?a=b&c=%20", WEBHOOK_URL_GOOD, false, "example.org"},
      {"https://example.org?x", WEBHOOK_URL_GOOD, false, "example.org"},
      {"https://example.org:443/", WEBHOOK_URL_GOOD, false, "example.org"},
      {"https://example.org:8443/", WEBHOOK_URL_GOOD, false, "example.org"},
      {"http://xn--fiq228c.example:80/", WEBHOOK_URL_GOOD, true, "xn--fiq228c.example"},
      {"https://[2606:4700::1111]:1024/", WEBHOOK_URL_GOOD, false, "2606:4700::1111"},
      {"https://[::ffff:10.0.0.1]/", WEBHOOK_URL_GOOD, false, "::ffff:10.0.0.1"},
      {"ftp://example.org/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"HTTPS://example.org/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https:example.org", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https:///path", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://", WEBHOOK_URL_MALFORMED, false, NULL},
      {"", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://exam ple.org/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://example.org\\@evil.org/", WEBHOOK_URL_USER, false, NULL},
      {"https://example.org\\evil.org/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://ex%61mple.org/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://例.example/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://example.org/a b", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://example.org/\"", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://example.org/\n", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://[::1/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://[12]/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://[fe80::1%25lo]/", WEBHOOK_URL_MALFORMED, false, NULL},
      {"https://u:p@example.org/", WEBHOOK_URL_USER, false, NULL},
      {"https://u@example.org/", WEBHOOK_URL_USER, false, NULL},
      {"https://example.org/#x", WEBHOOK_URL_FRAGMENT, false, NULL},
      {"https://example.org:22/", WEBHOOK_URL_PORT, false, NULL},
      {"https://example.org:25", WEBHOOK_URL_PORT, false, NULL},
      {"https://example.org:65536/", WEBHOOK_URL_PORT, false, NULL},
      {"https://example.org:0/", WEBHOOK_URL_PORT, false, NULL},
      {"https://example.org:/", WEBHOOK_URL_PORT, false, NULL},
      {"https://example.org:+443/", WEBHOOK_URL_PORT, false, NULL},
      {"https://[2606::1]8443/", WEBHOOK_URL_PORT, false, NULL},
  };
  for (size_t i = 0; i < COUNT(cases); i++) {
    bool plain;
    struct text host;
    enum webhook_url what = webhook_url_read(text_of(cases[i].url), &plain, &host);
    if (what != cases[i].what) print_error("%s: %d\n", cases[i].url, (int)what);
    assert_int_equal(what, cases[i].what);
    if (what != WEBHOOK_URL_GOOD) continue;
    assert_int_equal(plain, cases[i].plain);
    assert_true(text_is(host, cases[i].host));
  }
}

static void the_ladder_is_climbed(void **state) {
  (void)state;
  static const int64_t steps[] = {5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400};
  for (int64_t n = 1; n < WEBHOOK_STEPS; n++) {
    assert_int_equal(webhook_wait(n, 0, 0), steps[n - 1]);
    for (uint32_t r = 0; r < 1000; r++) {
      int64_t wait = webhook_wait(n, 0, r * 4294967u);
      assert_in_range(wait, steps[n - 1], steps[n - 1] + steps[n - 1] / 5);
    }
  }
  assert_int_equal(webhook_wait(WEBHOOK_STEPS, 0, 0), -1);
  assert_int_equal(webhook_wait(WEBHOOK_STEPS + 5, 60, 0), -1);
}

static void who_asks_for_time_gets_it(void **state) {
  (void)state;
  assert_int_equal(webhook_wait(1, 120, 0), 120);
  assert_int_equal(webhook_wait(1, 2, 0), 5);
  assert_int_equal(webhook_wait(1, 86400, 0), 86400);
  assert_int_equal(webhook_wait(1, 86401, 0), 5); /* more than a day is not meant */
  assert_int_equal(webhook_wait(1, -3, 0), 5);
  assert_int_equal(webhook_wait(0, 0, 0), 5);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(addresses_are_read),
                                     cmocka_unit_test(the_ladder_is_climbed),
                                     cmocka_unit_test(who_asks_for_time_gets_it)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
