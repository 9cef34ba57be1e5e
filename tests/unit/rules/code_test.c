/* Invite codes: folding, form, and that the check symbols catch what hands do wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/code.c"

static uint32_t seed = 20261122;

static uint32_t chance(uint32_t below) {
  seed ^= seed << 13;
  seed ^= seed >> 17;
  seed ^= seed << 5;
  return seed % below;
}

static void some_code(char out[static CODE_LENGTH + 1]) {
  uint8_t random[CODE_SYMBOLS];
  for (int i = 0; i < CODE_SYMBOLS; i++)
    random[i] = (uint8_t)chance(256);
  code_make(random, out);
}

static struct text form_text(const char code[static CODE_LENGTH]) {
  return (struct text){code, CODE_LENGTH};
}

static void reads_to(const char *typed, const char *expected) {
  struct arena a = {0};
  struct text got = code_normalise(&a, text_of(typed));
  if (expected) {
    assert_non_null(got.at);
    assert_string_equal(got.at, expected);
  } else {
    assert_null(got.at);
  }
  arena_free(&a);
}

static void reading_is_forgiving(void **state) {
  (void)state;
  reads_to("welcome2026", "WE1C0ME2026");
  reads_to("WE1C0ME-2026", "WE1C0ME2026");
  reads_to("  abcde fghjk\tmnpqr\r\n", "ABCDEFGHJKMNPQR");
  reads_to("iLoO", "1100");
  reads_to("u-u-u-u", "UUUU");
  reads_to("ＷｅＬ０—９　９", "WE1099");
  reads_to("AB−CD‐EF–GH\xc2\xa0"
           "12\xe2\x80\x8b",
           "ABCDEFGH12");
}

static void other_characters_are_no_code(void **state) {
  (void)state;
  reads_to("", NULL);
  reads_to("ABC", NULL);
  reads_to("A-B-C-", NULL);
  reads_to("ABCD!", NULL);
  reads_to("ABCDé", NULL);
  reads_to("欢迎光临", NULL);
  reads_to("\xc1\x81\xc1\x82\xc1\x83\xc1\x84", NULL); /* ABCD, overlong */
  reads_to("ABCD\xe3\x80", NULL);
  char longest[CODE_MAX + 2];
  memset(longest, 'A', sizeof longest);
  longest[CODE_MAX] = 0;
  reads_to(longest, longest);
  longest[CODE_MAX] = 'A';
  longest[CODE_MAX + 1] = 0;
  reads_to(longest, NULL);
}

static void made_codes_are_recognised(void **state) {
  (void)state;
  char code[CODE_LENGTH + 1], shown[CODE_SHOWN + 1];
  for (int i = 0; i < 1000; i++) {
    some_code(code);
    assert_int_equal(strlen(code), CODE_LENGTH);
    assert_int_equal(code_form(form_text(code)), CODE_MACHINE);
    code_show(code, shown);
    assert_int_equal(strlen(shown), CODE_SHOWN);
    assert_true(shown[5] == '-' && shown[11] == '-');
    reads_to(shown, code);
  }
}

static void other_forms_are_chosen(void **state) {
  (void)state;
  assert_int_equal(code_form(LIT("WE1C0ME2026")), CODE_CHOSEN);
  assert_int_equal(code_form(LIT("0000000000000")), CODE_CHOSEN);
  assert_int_equal(code_form(LIT("UUUUUUUUUUUUUUU")), CODE_CHOSEN);
  assert_int_equal(code_form(NONE), CODE_CHOSEN);
}

static void equal_digits_are_no_code(void **state) {
  (void)state;
  char row[CODE_LENGTH];
  for (size_t i = 0; i < 32; i++) {
    memset(row, alphabet[i], sizeof row);
    assert_int_equal(code_form(form_text(row)), CODE_SLIP);
  }
}

static void every_wrong_symbol_shows(void **state) {
  (void)state;
  char code[CODE_LENGTH + 1];
  for (int round = 0; round < 300; round++) {
    some_code(code);
    for (int at = 0; at < CODE_LENGTH; at++) {
      char right = code[at];
      for (size_t i = 0; i < 32; i++) {
        code[at] = alphabet[i];
        assert_int_equal(code_form(form_text(code)),
                         alphabet[i] == right ? CODE_MACHINE : CODE_SLIP);
      }
      code[at] = right;
    }
  }
}

static void every_swap_shows(void **state) {
  (void)state;
  char code[CODE_LENGTH + 1];
  for (int round = 0; round < 2000; round++) {
    some_code(code);
    for (int i = 0; i < CODE_LENGTH; i++)
      for (int j = i + 1; j < CODE_LENGTH; j++) {
        char one = code[i], other = code[j];
        code[i] = other;
        code[j] = one;
        assert_int_equal(code_form(form_text(code)), one == other ? CODE_MACHINE : CODE_SLIP);
        code[i] = one;
        code[j] = other;
      }
  }
}

static void any_two_wrong_symbols_show(void **state) {
  (void)state;
  char code[CODE_LENGTH + 1];
  for (int round = 0; round < 20000; round++) {
    some_code(code);
    uint32_t i = chance(CODE_LENGTH), j = (i + 1 + chance(CODE_LENGTH - 1)) % CODE_LENGTH;
    char before[2] = {code[i], code[j]};
    code[i] = alphabet[chance(32)];
    code[j] = alphabet[chance(32)];
    bool same = code[i] == before[0] && code[j] == before[1];
    assert_int_equal(code_form(form_text(code)), same ? CODE_MACHINE : CODE_SLIP);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reading_is_forgiving),      cmocka_unit_test(other_characters_are_no_code),
      cmocka_unit_test(made_codes_are_recognised), cmocka_unit_test(other_forms_are_chosen),
      cmocka_unit_test(equal_digits_are_no_code),  cmocka_unit_test(every_wrong_symbol_shows),
      cmocka_unit_test(every_swap_shows),          cmocka_unit_test(any_two_wrong_symbols_show),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
