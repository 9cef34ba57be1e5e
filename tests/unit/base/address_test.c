/* Public addresses and all others, each in every dress. */
#include "base/address.c"

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include <cmocka.h>

static const char *const closed[] = {
    "0.0.0.0", "0.1.2.3", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.100.100.200",
    "100.127.255.255", "127.0.0.1", "127.255.255.255", "168.63.129.16", "169.254.0.0",
    "169.254.169.254", "172.16.0.0", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.0", "192.168.255.255", "198.18.0.0", "198.19.255.255", "198.51.100.1",
    "203.0.113.255", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    /* IPv6 */
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.1.2.3", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "64:ff9b:1::8.8.8.8",
    "100::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:1ff::1", "2001:db8::1",
    "2002:7f00:1::", "2002:a00:1::1", "2002:808:808::1", "3fff::1", "3fff:fff::1", "5f00::1",
    "fc00::1", "fd00:ec2::254", "fdff::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
    "4000::1", "1fff::1"};
static const char *const open_to_all[] = {"1.1.1.1",          "8.8.8.8",
                                          "9.255.255.255",    "11.0.0.0",
                                          "100.63.255.255",   "100.128.0.0",
                                          "126.255.255.255",  "128.0.0.0",
                                          "168.63.129.15",    "168.63.129.17",
                                          "169.253.255.255",  "169.255.0.0",
                                          "172.15.255.255",   "172.32.0.0",
                                          "192.0.1.0",        "192.0.3.0",
                                          "192.167.255.255",  "192.169.0.0",
                                          "198.17.255.255",   "198.20.0.0",
                                          "223.255.255.255",  "::ffff:8.8.8.8",
                                          "64:ff9b::8.8.8.8", "2000::1",
                                          "2001:200::1",      "2001:4860:4860::8888",
                                          "2001:db7:ffff::1", "2001:db9::1",
                                          "2003::1",          "2606:4700::1111",
                                          "3ffe::1",          "3fff:1000::1"};

static bool judged(const char *text) {
  const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  assert_int_equal(getaddrinfo(text, "443", &hints, &found), 0);
  bool is_public = address_is_public(found->ai_addr);
  freeaddrinfo(found);
  assert_int_equal(address_text_is_public(text), is_public); /* both ways agree */
  return is_public;
}

static void what_is_not_public_is_kept_out(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(closed); i++) {
    if (judged(closed[i])) print_error("%s\n", closed[i]);
    assert_false(judged(closed[i]));
  }
}

static void what_is_public_is_let_in(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(open_to_all); i++) {
    if (!judged(open_to_all[i])) print_error("%s\n", open_to_all[i]);
    assert_true(judged(open_to_all[i]));
  }
}

static void what_is_no_address_is_not_public(void **state) {
  (void)state;
  static const char *const none[] = {
      "",           "localhost",         "8.8.8",      "8.8.8.8.", "0x8.8.8.8",
      "fe80::1%lo", "2606:4700::1111%1", "example.org"};
  struct sockaddr_un local = {.sun_family = AF_UNIX, .sun_path = "/tmp/x"};
  for (size_t i = 0; i < COUNT(none); i++)
    assert_false(address_text_is_public(none[i]));
  assert_false(address_is_public((const struct sockaddr *)&local));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_not_public_is_kept_out),
                                     cmocka_unit_test(what_is_public_is_let_in),
                                     cmocka_unit_test(what_is_no_address_is_not_public)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
