/* Which address counts, behind which proxies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "auth/address.c"

static void counts(const char *trusted, const char *peer, const char *forwarded,
                   const char *expected) {
  struct arena a = {0};
  struct text got = pace_address(&a, trusted, text_of(peer), text_of(forwarded));
  assert_non_null(got.at);
  assert_string_equal(got.at, expected);
  arena_free(&a);
}

static void the_peer_counts(void **state) {
  (void)state;
  counts("", "203.0.113.9", NULL, "203.0.113.9");
  counts("", "203.0.113.9", "198.51.100.1", "203.0.113.9"); /* anybody can write that header */
  counts("10.0.0.0/8", "203.0.113.9", "198.51.100.1", "203.0.113.9");
  counts("", "not an address", NULL, "not an address");
}

static void ipv6_is_cut_to_64(void **state) {
  (void)state;
  counts("", "2001:db8:1:2:3:4:5:6", NULL, "2001:db8:1:2::/64");
  counts("", "2001:db8:1:2:ffff::1", NULL, "2001:db8:1:2::/64");
  counts("", "2001:db8:1:3::1", NULL, "2001:db8:1:3::/64");
  counts("", "fe80::1%eth0", NULL, "fe80::/64");
  counts("", "::ffff:203.0.113.9", NULL, "203.0.113.9"); /* IPv4 on an IPv6 socket */
  counts("", "::1", NULL, "::/64");
}

static void behind_a_proxy_the_rightmost_stranger_counts(void **state) {
  (void)state;
  const char *proxies = "127.0.0.1, 10.0.0.0/8,2001:db8::/32";
  counts(proxies, "127.0.0.1", "203.0.113.9", "203.0.113.9");
  counts(proxies, "127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"); /* the rest is told */
  counts(proxies, "127.0.0.1", "198.51.100.1, 203.0.113.9 , 10.1.2.3", "203.0.113.9");
  counts(proxies, "127.0.0.1", "203.0.113.9,10.1.2.3,10.9.9.9", "203.0.113.9");
  counts(proxies, "2001:db8::5", "2001:4860:1:2:3::4", "2001:4860:1:2::/64");
  counts(proxies, "::ffff:10.3.3.3", "203.0.113.9", "203.0.113.9");
  counts(proxies, "10.3.3.3", "10.4.4.4", "10.4.4.4"); /* all are ours: the farthest */
  counts(proxies, "10.3.3.3", NULL, "10.3.3.3");
  counts(proxies, "11.3.3.3", "203.0.113.9", "11.3.3.3");
}

static void what_is_unreadable_ends_the_chain(void **state) {
  (void)state;
  const char *proxies = "10.0.0.0/8";
  counts(proxies, "10.0.0.1", "203.0.113.9, unknown", "10.0.0.1");
  counts(proxies, "10.0.0.1", "203.0.113.9, unknown, 10.0.0.7", "10.0.0.7");
  counts(proxies, "10.0.0.1", "203.0.113.9,", "10.0.0.1");
  counts(proxies, "10.0.0.1", ",", "10.0.0.1");
  counts(proxies, "10.0.0.1", "203.0.113.999", "10.0.0.1");
}

static void ports_are_dropped(void **state) {
  (void)state;
  const char *proxies = "10.0.0.0/8";
  counts(proxies, "10.0.0.1", "203.0.113.9:5678", "203.0.113.9");
  counts(proxies, "10.0.0.1", "[2001:db8:1:2::9]:443", "2001:db8:1:2::/64");
  counts(proxies, "10.0.0.1", "[2001:db8:1:2::9]", "2001:db8:1:2::/64");
  counts(proxies, "10.0.0.1", "[2001:db8:1:2::9", "10.0.0.1");
}

static void blocks_end_where_they_say(void **state) {
  (void)state;
  counts("10.1.2.0/23", "10.1.3.255", "203.0.113.9", "203.0.113.9");
  counts("10.1.2.0/23", "10.1.4.0", "203.0.113.9", "10.1.4.0");
  counts("10.1.2.3", "10.1.2.4", "203.0.113.9", "10.1.2.4");
  counts("10.1.2.3/32", "10.1.2.3", "203.0.113.9", "203.0.113.9");
  counts("0.0.0.0/0", "10.1.2.3", "203.0.113.9", "203.0.113.9");
  counts("0.0.0.0/0", "2001:db8::1", "203.0.113.9", "2001:db8::/64");
  counts("::/0", "10.1.2.3", "203.0.113.9", "203.0.113.9");
  counts("::ffff:10.0.0.0/104", "10.1.2.3", "203.0.113.9", "203.0.113.9");
  counts("2001:db8:8000::/33", "2001:db8:ffff::1", "203.0.113.9", "203.0.113.9");
  counts("2001:db8:8000::/33", "2001:db8:7fff::1", "203.0.113.9", "2001:db8:7fff::/64");
}

static void what_is_no_block_trusts_nobody(void **state) {
  (void)state;
  static const char *const blocks[] = {"10.1.2.3/33", "10.1.2.3/-1", "10.1.2.3/",   "10.1.2.3/x",
                                       "10.1.2",      "*",           "all",         "/0",
                                       ",",           "::/129",      "10.1.2.3/0x8"};
  for (size_t i = 0; i < COUNT(blocks); i++)
    counts(blocks[i], "10.1.2.3", "203.0.113.9", "10.1.2.3");
}

static void long_chains_end(void **state) {
  (void)state;
  char chain[4096];
  size_t len = 0;
  for (int i = 0; i < 200; i++)
    len += (size_t)snprintf(chain + len, sizeof chain - len, "10.0.%d.1,", i);
  (void)snprintf(chain + len, sizeof chain - len, "10.0.200.1");
  counts("10.0.0.0/8", "10.9.9.9", chain, "10.0.185.1");
}

static void only_who_is_listed_is_believed(void **state) {
  (void)state;
  assert_true(address_trusted("10.0.0.0/8, ::1", LIT("10.1.2.3")));
  assert_true(address_trusted("10.0.0.0/8, ::1", LIT("::1")));
  assert_false(address_trusted("10.0.0.0/8", LIT("11.0.0.1")));
  assert_false(address_trusted("", LIT("127.0.0.1")));
  assert_false(address_trusted("0.0.0.0/0", LIT("nobody")));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_peer_counts),
      cmocka_unit_test(ipv6_is_cut_to_64),
      cmocka_unit_test(behind_a_proxy_the_rightmost_stranger_counts),
      cmocka_unit_test(what_is_unreadable_ends_the_chain),
      cmocka_unit_test(ports_are_dropped),
      cmocka_unit_test(blocks_end_where_they_say),
      cmocka_unit_test(what_is_no_block_trusts_nobody),
      cmocka_unit_test(long_chains_end),
      cmocka_unit_test(only_who_is_listed_is_believed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
