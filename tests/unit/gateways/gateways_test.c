/* Secrets out of their files. */
#include "gateways/gateways.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char path[] = "/tmp/lyceum-gateways-XXXXXX";

static void write_file(const char *content) {
  FILE *f = fopen(path, "w");
  assert_non_null(f);
  assert_true(fputs(content, f) >= 0);
  assert_int_equal(fclose(f), 0);
}

static bool opens(const struct config *c, struct gateways *g) {
  struct builder why = {0};
  bool good = gateways_open(g, c, &why);
  assert_true(good == (why.len == 0)); /* a sentence exactly when it fails */
  builder_free(&why);
  return good;
}

static void nothing_set_is_fine(void **state) {
  (void)state;
  struct config c = {.bind = "", .ca_file = "", .smtp_password_file = "", .sms_secret_file = ""};
  struct gateways g;
  assert_true(opens(&c, &g));
  assert_false(g.has_sms_key);
  assert_string_equal(g.smtp_password, "");
}

static void a_password_is_read_without_its_line_end(void **state) {
  (void)state;
  struct config c = {.bind = "", .ca_file = "", .smtp_password_file = path, .sms_secret_file = ""};
  struct gateways g;
  write_file(" pass word \n");
  assert_true(opens(&c, &g));
  assert_string_equal(g.smtp_password, "pass word");
  c.smtp_password_file = "/nowhere/at/all";
  assert_false(opens(&c, &g));
}

static void a_key_is_64_digits(void **state) {
  (void)state;
  struct config c = {.bind = "", .ca_file = "", .smtp_password_file = "", .sms_secret_file = path};
  struct gateways g;
  write_file("000102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0eff\n");
  assert_true(opens(&c, &g));
  assert_true(g.has_sms_key);
  assert_int_equal(g.sms_key.b[31], 0xff);
  write_file("000102");
  assert_false(opens(&c, &g));
  write_file("zz0102030405060708090a0b0c0d0e0f000102030405060708090a0b0c0d0eff");
  assert_false(opens(&c, &g));
}

/* The file of the good case holds a certificate made for this test; its key is thrown away. */
static void authorities_are_read(void **state) {
  (void)state;
  struct config c = {.bind = "", .ca_file = path, .smtp_password_file = "", .sms_secret_file = ""};
  struct gateways g;
  write_file("no certificate\n");
  assert_false(opens(&c, &g));
  c.ca_file = "/nowhere/at/all";
  assert_false(opens(&c, &g));
  c.ca_file = "tests/unit/gateways/authority.crt";
  assert_true(opens(&c, &g));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_set_is_fine),
                                     cmocka_unit_test(a_password_is_read_without_its_line_end),
                                     cmocka_unit_test(a_key_is_64_digits),
                                     cmocka_unit_test(authorities_are_read)};
  int fd = mkstemp(path);
  if (fd < 0) return 1;
  close(fd);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
