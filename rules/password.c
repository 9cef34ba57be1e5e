/* Passwords: long enough, and not among those that a guesser tries first (NIST SP 800-63B). No
 * rules of composition: they make people choose `Password1!`. */
#include "rules/rules.h"

#include <string.h>

/* The commonest of ten characters or more in public lists of leaked passwords, in lower case, with
 * those that are common in China. One character repeated is refused by rule. */
/* clang-format off */
static const char *const commonest[] = {
    "0123456789", "01234567890", "0987654321", "1029384756", "1122334455", "112233445566",
    "1231231231", "123123123123", "1234512345", "1234554321", "123456123456", "1234567890",
    "1234567890-=", "12345678900", "12345678901", "1234567890123", "1234567890a", "1234567890q",
    "1234567890qwertyuiop", "1234567891", "12345678910", "123456789123", "123456789a",
    "123456789abc", "123456789q", "123456789qq", "123456abcdef", "123456qwerty", "12345qwert",
    "12345qwerty", "1234qwerasdf", "1234qwerasdfzxcv", "123qweasdzxc", "1357924680", "1472583690",
    "147258369123", "147258369a", "1q2w3e4r5t", "1q2w3e4r5t6y", "1q2w3e4r5t6y7u8i9o0p",
    "1qa2ws3ed4rf", "1qaz2wsx3edc", "1qaz2wsx3edc4rfv", "1qazxsw23edc", "3.1415926535",
    "3141592653", "31415926535", "5201314520", "5201314521", "5845201314", "741852963a",
    "7894561230", "789456123a", "9876543210", "98765432100", "987654321a", "a123456789",
    "a1234567890", "a1b2c3d4e5", "a1s2d3f4g5", "aa12345678", "aa123456789", "aaa123456789",
    "abc1234567", "abc123456789", "abcd123456", "abcd12345678", "abcde12345", "abcdef1234",
    "abcdef123456", "abcdefghij", "abcdefghijk", "abcdefghijklmnopqrstuvwxyz", "admin12345",
    "admin123456", "admin@12345", "adminadmin", "administrator", "asd123456789", "asdasdasd123",
    "asdf123456", "asdf1234567", "asdfasdfasdf", "asdfg12345", "asdfghjkl1", "asdfghjkl123",
    "asdfghjkl;", "asdfghjkl;'", "asdfghjklzxcvbnm", "awdrgyjilp", "baseball123", "basketball",
    "changeme123", "charlie123", "chinachina", "computer123", "correcthorsebatterystaple",
    "dragon1234", "football123", "iloveyou12", "iloveyou123", "iloveyou1234", "iloveyou1314",
    "iloveyou520", "iloveyouforever", "internet123", "letmein123", "letmein1234", "liverpool1",
    "liverpool123", "manchester", "manchester1", "michael123", "mypassword", "mypassword1",
    "nihao123456", "p@ssw0rd12", "p@ssw0rd123", "p@ssw0rd1234", "p@ssword123", "pass123456",
    "passw0rd12", "passw0rd123", "password00", "password01", "password10", "password11",
    "password12", "password123!", "password123", "password1234", "password12345", "password123456",
    "password2024", "password2025", "password2026", "password@1", "password@123",
    "passwordpassword", "pokemon123", "princess123", "q1w2e3r4t5", "q1w2e3r4t5y6", "qazwsx123456",
    "qazwsxedc123", "qazwsxedcrfv", "qazxswedcvfr", "qq123456789", "qwe123456789", "qweasdzxc123",
    "qwer123456", "qwer12345678", "qwerasdfzxcv", "qwert12345", "qwerty123!", "qwerty1234",
    "qwerty12345", "qwerty123456", "qwerty1234567890", "qwertyuiop", "qwertyuiop1", "qwertyuiop123",
    "qwertyuiop[]", "qwertyuiopasdfghjklzxcvbnm", "secret1234", "sunshine123", "superman123",
    "thisisapassword", "trustno1trustno1", "wang123456", "wang123456789", "welcome123!",
    "welcome123", "welcome1234", "woaini123456", "woaini1314", "woaini1314520",
    "woaini5201314", "wodemima123", "zaq12wsxcde3", "zhang123456", "zhang123456789", "zxc123456789",
    "zxcvbnm,./", "zxcvbnm123", "zxcvbnm123456", "zxcvbnmasdfghjkl", "zxcvbnmzxcvbnm",
};
/* clang-format on */

static char lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool same_letters(struct text a, struct text b) {
  if (a.len != b.len) return false;
  for (size_t i = 0; i < a.len; i++)
    if (lower(a.at[i]) != lower(b.at[i])) return false;
  return true;
}

static bool is_common(struct text password) {
  for (size_t i = 0; i < COUNT(commonest); i++)
    if (same_letters(password, text_of(commonest[i]))) return true;
  return false;
}

/* Is it `unit` written once or more, and nothing else? */
static bool repeats(struct text password, struct text unit) {
  if (unit.len == 0 || password.len % unit.len != 0) return false;
  for (size_t at = 0; at < password.len; at += unit.len)
    if (!same_letters((struct text){password.at + at, unit.len}, unit)) return false;
  return true;
}

/* The login, what stands before its @, and a phone number without its plus. */
static bool is_login(struct text password, struct text login) {
  struct text rest = login, name = text_cut(&rest, '@');
  if (repeats(password, login) || repeats(password, name)) return true;
  return text_starts(login, "+") && repeats(password, (struct text){login.at + 1, login.len - 1});
}

/* One character over and over: as many continuation bytes as its first byte tells. */
static bool is_one_character(struct text password) {
  size_t len = 1;
  while (len < password.len && (password.at[len] & 0xC0) == 0x80)
    len++;
  return repeats(password, (struct text){password.at, len});
}

bool password_acceptable(struct text password, struct text login) {
  if (!text_is_utf8(password)) return false;
  size_t characters = text_codepoints(password);
  if (characters < 10 || characters > 128) return false;
  return !is_one_character(password) && !is_common(password) &&
         !is_login(text_trim(password), text_trim(login));
}
