/* Invite codes: how they are read, recognised and made.
 *
 * The two check symbols are those of a Reed-Solomon code over GF(32) with the generator
 * (x + 1)(x + a): two code words differ in three symbols at least, so any two wrong symbols show,
 * and with them every swap, of neighbours or not. The sum starts at one instead of zero, so that a
 * row of equal digits is no code. */
#include "rules/rules.h"

#include <string.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Reads one code point of valid UTF-8 and moves on. */
static uint32_t next_point(struct text *rest) {
  const uint8_t *s = (const uint8_t *)rest->at;
  size_t len = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
  uint32_t point = len == 1 ? s[0] : s[0] & (0x7Fu >> len);
  for (size_t i = 1; i < len; i++)
    point = point << 6 | (s[i] & 0x3Fu);
  rest->at += len;
  rest->len -= len;
  return point;
}

/* Spaces, dashes and what pasting leaves between letters: seen, but no part of the code. */
static bool is_gap(uint32_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r') || c == '-' || c == 0xA0 || c == 0xAD ||
         (c >= 0x2000 && c <= 0x200B) || (c >= 0x2010 && c <= 0x2015) || c == 0x202F ||
         c == 0x2212 || c == 0x3000 || c == 0xFE63 || c == 0xFEFF || c == 0xFF0D;
}

/* The canonical letter or digit; 0 for anything else. */
static char fold(uint32_t c) {
  if (c >= 0xFF01 && c <= 0xFF5E) c -= 0xFF01 - '!'; /* full-width forms of ASCII */
  if (c >= 'a' && c <= 'z') c -= 'a' - 'A';
  if (c == 'O') return '0';
  if (c == 'I' || c == 'L') return '1';
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ? (char)c : 0;
}

struct text code_normalise(struct arena *a, struct text typed) {
  char out[CODE_MAX];
  size_t len = 0;
  if (!text_is_utf8(typed)) return NONE;
  while (typed.len) {
    uint32_t c = next_point(&typed);
    if (is_gap(c)) continue;
    char symbol = fold(c);
    if (!symbol || len == sizeof out) return NONE;
    out[len++] = symbol;
  }
  return len < 4 ? NONE : arena_copy(a, (struct text){out, len});
}

/* ---- check symbols ------------------------------------------------------------------------ */

/* Times a, in GF(32) with x^5 + x^2 + 1. */
static unsigned times_a(unsigned v) {
  return (v << 1 ^ (v & 16 ? 0x25u : 0u)) & 31;
}

/* What is left of the 13 values after division by x^2 + (a + 1)x + a. */
static void remainder_of(const uint8_t *values, unsigned checks[2]) {
  unsigned high = 1, low = 1;
  for (int i = 0; i < CODE_SYMBOLS; i++) {
    unsigned f = (values[i] & 31u) ^ high;
    high = low ^ times_a(f) ^ f;
    low = times_a(f);
  }
  checks[0] = high;
  checks[1] = low;
}

enum code_form code_form(struct text normalised) {
  uint8_t values[CODE_LENGTH];
  if (normalised.len != CODE_LENGTH) return CODE_CHOSEN;
  for (size_t i = 0; i < CODE_LENGTH; i++) {
    const char *found = memchr(alphabet, normalised.at[i], sizeof alphabet - 1);
    if (!found) return CODE_CHOSEN;
    values[i] = (uint8_t)(found - alphabet);
  }
  unsigned checks[CODE_CHECKS];
  remainder_of(values, checks);
  bool holds = checks[0] == values[CODE_SYMBOLS] && checks[1] == values[CODE_SYMBOLS + 1];
  return holds ? CODE_MACHINE : CODE_SLIP;
}

void code_make(const uint8_t random[static CODE_SYMBOLS], char out[static CODE_LENGTH + 1]) {
  unsigned checks[CODE_CHECKS];
  remainder_of(random, checks);
  for (int i = 0; i < CODE_SYMBOLS; i++)
    out[i] = alphabet[random[i] & 31];
  for (int i = 0; i < CODE_CHECKS; i++)
    out[CODE_SYMBOLS + i] = alphabet[checks[i]];
  out[CODE_LENGTH] = 0;
}

void code_show(const char code[static CODE_LENGTH], char out[static CODE_SHOWN + 1]) {
  for (int from = 0; from < CODE_LENGTH; from++) {
    if (from && from % 5 == 0) *out++ = '-';
    *out++ = code[from];
  }
  *out = 0;
}
