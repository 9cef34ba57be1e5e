/* Texts: pointer and length, borrowed. Nothing here allocates. */
#include "base/base.h"

#include <string.h>

struct text text_of(const char *s) {
  return s ? (struct text){s, strlen(s)} : NONE;
}

bool text_equal(struct text a, struct text b) {
  return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

bool text_is(struct text a, const char *b) {
  return text_equal(a, text_of(b));
}

bool text_starts(struct text a, const char *prefix) {
  size_t len = strlen(prefix);
  return a.len >= len && (len == 0 || memcmp(a.at, prefix, len) == 0);
}

/* Not isspace(): that one asks the locale, and bytes above 127 are not white space in UTF-8. */
static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_trim(struct text a) {
  while (a.len && is_space(a.at[0]))
    a.at++, a.len--;
  while (a.len && is_space(a.at[a.len - 1]))
    a.len--;
  return a;
}

struct text text_cut(struct text *rest, char by) {
  struct text all = *rest;
  const char *found = all.len ? memchr(all.at, by, all.len) : NULL;
  if (!found) {
    *rest = NONE;
    return all;
  }
  size_t len = (size_t)(found - all.at);
  *rest = (struct text){found + 1, all.len - len - 1};
  return (struct text){all.at, len};
}

bool text_to_int(struct text a, int64_t *out) {
  bool minus = a.len && a.at[0] == '-';
  /* Counted below zero, for there is one more negative number than positive ones. */
  int64_t n = 0;
  if (a.len == (minus ? 1u : 0u)) return false;
  for (size_t i = minus; i < a.len; i++) {
    int digit = a.at[i] - '0';
    if (digit < 0 || digit > 9 || __builtin_mul_overflow(n, 10, &n) ||
        __builtin_sub_overflow(n, digit, &n))
      return false;
  }
  if (!minus && n == INT64_MIN) return false;
  *out = minus ? n : -n;
  return true;
}

/* Reads one code point and returns its length in bytes; 0 for what RFC 3629 forbids: overlong
 * forms, surrogates, beyond U+10FFFF, cut-off sequences. */
static size_t decode(const uint8_t *s, size_t len, uint32_t *point) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  size_t n = s[0] < 0x80 ? 1 : s[0] < 0xC2 ? 0 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  if (n == 0 || n > len || s[0] > 0xF4) return 0;
  uint32_t c = n == 1 ? s[0] : s[0] & (0x7Fu >> n);
  for (size_t i = 1; i < n; i++) {
    if ((s[i] & 0xC0) != 0x80) return 0;
    c = c << 6 | (s[i] & 0x3Fu);
  }
  if (c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF)) return 0;
  *point = c;
  return n;
}

bool text_is_utf8(struct text a) {
  const uint8_t *s = (const uint8_t *)a.at;
  uint32_t point;
  for (size_t i = 0, n; i < a.len; i += n) {
    n = decode(s + i, a.len - i, &point);
    if (n == 0) return false;
  }
  return true;
}

size_t text_codepoints(struct text a) {
  size_t count = 0;
  for (size_t i = 0; i < a.len; i++)
    count += (a.at[i] & 0xC0) != 0x80; /* every byte that doesn't continue starts one */
  return count;
}

/* Line breaks and tabs let one line pose as two; U+2028 and U+2029 are line breaks as well. */
static bool breaks_line(uint32_t c) {
  return c == '\n' || c == '\t' || c == 0x2028 || c == 0x2029;
}

static bool is_control(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

/* The characters of Unicode's Bidi_Control: they make a name read as another one. */
static bool turns_direction(uint32_t c) {
  return c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069);
}

bool text_is_clean(struct text a, bool multiline) {
  const uint8_t *s = (const uint8_t *)a.at;
  uint32_t c;
  for (size_t i = 0, n; i < a.len; i += n) {
    n = decode(s + i, a.len - i, &c);
    if (n == 0 || turns_direction(c)) return false;
    if (breaks_line(c) ? !multiline : is_control(c)) return false;
  }
  return true;
}
