/* Digests of codes, and the codes that rotate. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "auth/codes.c"

static const struct secrets secrets = {.pepper = {{1}}, .check_in = {{2}}};
static const struct secrets others = {.pepper = {{3}}, .check_in = {{4}}};
static const struct uuid lecture = {{0x01, 0x98, 0xC0, 0xDE}}, another = {{0x01, 0x98, 0xC0, 0xDF}};
static const micros second = 1000000;

static bool same(struct digest a, struct digest b) {
  return memcmp(&a, &b, sizeof a) == 0;
}

static void digests_depend_on_everything(void **state) {
  (void)state;
  struct digest d = code_digest(&secrets, LIT("WE1C0ME2026"));
  assert_true(same(d, code_digest(&secrets, LIT("WE1C0ME2026"))));
  assert_false(same(d, code_digest(&secrets, LIT("WE1C0ME2027"))));
  assert_false(same(d, code_digest(&others, LIT("WE1C0ME2026"))));
  d = challenge_digest(&secrets, lecture, LIT("123456"));
  assert_true(same(d, challenge_digest(&secrets, lecture, LIT("123456"))));
  assert_false(same(d, challenge_digest(&secrets, another, LIT("123456"))));
  assert_false(same(d, challenge_digest(&secrets, lecture, LIT("123457"))));
  assert_false(same(d, challenge_digest(&secrets, lecture, LIT("12345"))));
  assert_false(same(d, challenge_digest(&others, lecture, LIT("123456"))));
}

static void what_a_client_sends_is_cut(void **state) {
  (void)state;
  char large[4096];
  memset(large, '1', sizeof large);
  struct digest d = challenge_digest(&secrets, lecture, (struct text){large, sizeof large});
  assert_false(same(d, challenge_digest(&secrets, lecture, LIT("111111"))));
  (void)challenge_digest(&secrets, lecture, NONE);
}

static bool valid(micros at, const char *code) {
  return check_in_valid(&secrets, 7, lecture, at, text_of(code));
}

static void a_code_holds_for_its_step_and_the_next(void **state) {
  (void)state;
  char code[CHECK_IN_DIGITS + 1], later[CHECK_IN_DIGITS + 1];
  const micros start = 15 * second * 118000000; /* a step begins */
  check_in_code(&secrets, 7, lecture, start, code);
  check_in_code(&secrets, 7, lecture, start + 15 * second - 1, later);
  assert_string_equal(code, later);
  check_in_code(&secrets, 7, lecture, start + 15 * second, later);
  assert_string_not_equal(code, later);
  assert_false(valid(start - 1, code)); /* shown too early by nobody */
  assert_true(valid(start, code));
  assert_true(valid(start + 15 * second - 1, code));
  assert_true(valid(start + 30 * second - 1, code));
  assert_false(valid(start + 30 * second, code));
}

static void a_code_is_one_lectures(void **state) {
  (void)state;
  char code[CHECK_IN_DIGITS + 1];
  const micros now = 1800000000 * second;
  check_in_code(&secrets, 7, lecture, now, code);
  struct text t = text_of(code);
  assert_true(check_in_valid(&secrets, 7, lecture, now, t));
  assert_false(check_in_valid(&secrets, 8, lecture, now, t));
  assert_false(check_in_valid(&secrets, 7, another, now, t));
  assert_false(check_in_valid(&others, 7, lecture, now, t));
}

/* A code that holds a zero and a one, so that folding has something to fold. */
static micros moment_of_folding(char code[static CHECK_IN_DIGITS + 1]) {
  micros at = 1800000000 * second;
  do {
    at += 15 * second;
    check_in_code(&secrets, 7, lecture, at, code);
  } while (!strchr(code, '0') || !strchr(code, '1') || strspn(code, "0123456789") == 8);
  return at;
}

static void reading_is_forgiving(void **state) {
  (void)state;
  char code[CHECK_IN_DIGITS + 1], typed[32];
  micros at = moment_of_folding(code);
  assert_true(valid(at, code));
  (void)snprintf(typed, sizeof typed, " %.4s-%s ", code, code + 4);
  assert_true(valid(at, typed));
  for (int i = 0; i <= CHECK_IN_DIGITS; i++) {
    char c = code[i];
    typed[i] = (char)(c == '0' ? 'o' : c == '1' ? 'l' : c >= 'A' ? c | 32 : c);
  }
  assert_true(valid(at, typed));
  for (int i = 0; i < CHECK_IN_DIGITS; i++)
    typed[i] = (char)(code[i] == '0' ? 'O' : code[i] == '1' ? 'I' : code[i]);
  assert_true(valid(at, typed));
}

static void other_texts_are_no_code(void **state) {
  (void)state;
  char code[CHECK_IN_DIGITS + 1], typed[32];
  const micros now = 1800000000 * second;
  check_in_code(&secrets, 7, lecture, now, code);
  assert_false(valid(now, ""));
  assert_false(valid(now, NULL));
  (void)snprintf(typed, sizeof typed, "%s0", code);
  assert_false(valid(now, typed));
  (void)snprintf(typed, sizeof typed, "%.7s", code);
  assert_false(valid(now, typed));
  for (int i = 0; i < CHECK_IN_DIGITS; i++) {
    (void)snprintf(typed, sizeof typed, "%s", code);
    typed[i] = typed[i] == '7' ? '8' : '7';
    assert_false(valid(now, typed));
  }
}

/* No two contacts may share a digest by where one member ends and the next begins. */
static void contacts_are_told_apart(void **state) {
  (void)state;
  struct secrets s = {.pepper = {{1}}}, other = {.pepper = {{2}}};
  struct digest a = contact_digest(&s, LIT("email"), NONE, LIT("ann@example.org"));
  struct digest same = contact_digest(&s, LIT("email"), LIT(""), LIT("ann@example.org"));
  struct digest b = contact_digest(&s, LIT("phone"), NONE, LIT("ann@example.org"));
  struct digest c = contact_digest(&s, LIT("email"), LIT("ann@example.org"), NONE);
  struct digest d = contact_digest(&other, LIT("email"), NONE, LIT("ann@example.org"));
  assert_memory_equal(a.b, same.b, sizeof a.b);
  assert_memory_not_equal(a.b, b.b, sizeof a.b);
  assert_memory_not_equal(a.b, c.b, sizeof a.b);
  assert_memory_not_equal(a.b, d.b, sizeof a.b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(contacts_are_told_apart),
      cmocka_unit_test(digests_depend_on_everything),
      cmocka_unit_test(what_a_client_sends_is_cut),
      cmocka_unit_test(a_code_holds_for_its_step_and_the_next),
      cmocka_unit_test(a_code_is_one_lectures),
      cmocka_unit_test(reading_is_forgiving),
      cmocka_unit_test(other_texts_are_no_code),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
