/* To whom an invoice is made out: readable by who has the secret, of that row only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "auth/invoices.c"

static const struct secrets secrets = {.sealing = {{1}}}, others = {.sealing = {{2}}};
static const struct uuid id = {{0x01, 0x98, 0xC0, 0xDE, 0xFF}}, another = {{0x01, 0x98}};

static void what_is_sealed_is_bound_to_its_row(void **state) {
  (void)state;
  struct arena a = {0};
  struct text whom = LIT("{\"title\":\"Ann\"}"), sealed = invoice_seal(&secrets, &a, 7, id, whom);
  assert_null(memmem(sealed.at, sealed.len, "Ann", 3));
  assert_true(text_equal(invoice_open(&secrets, &a, 7, id, sealed), whom));
  assert_null(invoice_open(&secrets, &a, 8, id, sealed).at);
  assert_null(invoice_open(&secrets, &a, 7, another, sealed).at);
  assert_null(invoice_open(&others, &a, 7, id, sealed).at);
  assert_null(invoice_open(&secrets, &a, 7, id, NONE).at);
  assert_null(invoice_open(&secrets, &a, 7, id, whom).at);
  arena_free(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_sealed_is_bound_to_its_row)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
