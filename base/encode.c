/* Bytes as characters: base64url and base64 (RFC 4648 sections 5 and 4), and hexadecimal. */
#include "base/base.h"

#include <string.h>

static const char base64url_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

struct text base64url(struct arena *a, struct text t) {
  size_t len = t.len / 3 * 4 + (t.len % 3 ? t.len % 3 + 1 : 0);
  if (len >= ARENA_LARGEST) {
    a->failed = true;
    return LIT("");
  }
  char *out = arena_alloc(a, len + 1);
  uint32_t bits = 0;
  int held = 0; /* how many bits are not written yet */
  size_t n = 0;
  for (size_t i = 0; i < t.len; i++) {
    bits = bits << 8 | (uint8_t)t.at[i];
    for (held += 8; held >= 6; held -= 6)
      out[n++] = base64url_digits[bits >> (held - 6) & 63];
  }
  if (held) out[n++] = base64url_digits[bits << (6 - held) & 63];
  return (struct text){out, n};
}

/* A table, for comparing with five ranges is guessed wrong at every other letter. */
static int base64url_value(char c) {
  /* clang-format off */
  static const int8_t values[128] = {
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
    -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 62, -1, -1,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1,
    -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, -1, -1, -1, -1, 63,
    -1, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, -1, -1, -1, -1, -1,
  };
  /* clang-format on */
  return (uint8_t)c < 128 ? values[(uint8_t)c] : -1;
}

struct text base64url_decode(struct arena *a, struct text t) {
  if (t.len % 4 == 1 || t.len >= ARENA_LARGEST) return NONE;
  char *out = arena_alloc(a, t.len / 4 * 3 + 3);
  uint32_t bits = 0;
  int held = 0;
  size_t n = 0;
  for (size_t i = 0; i < t.len; i++) {
    int value = base64url_value(t.at[i]);
    if (value < 0) return NONE;
    bits = bits << 6 | (uint32_t)value;
    held += 6;
    if (held >= 8) {
      held -= 8;
      out[n++] = (char)(bits >> held & 255);
    }
  }
  /* Bits left over must be zero, or several spellings would mean the same bytes. */
  if (bits & ((1u << held) - 1)) return NONE;
  return (struct text){out, n};
}

/* The same with two other digits, and filled up to a multiple of four. */
struct text base64(struct arena *a, struct text t) {
  struct text url = base64url(a, t);
  size_t len = (url.len + 3) / 4 * 4;
  char *out = arena_alloc(a, len + 1);
  for (size_t i = 0; i < len; i++)
    out[i] = i >= url.len ? '=' : url.at[i] == '-' ? '+' : url.at[i] == '_' ? '/' : url.at[i];
  return (struct text){out, len};
}

struct text base64_decode(struct arena *a, struct text t) {
  if (t.len % 4 || t.len >= ARENA_LARGEST) return NONE;
  for (int pads = 0; pads < 2 && t.len && t.at[t.len - 1] == '='; pads++)
    t.len--;
  char *url = arena_alloc(a, t.len + 1);
  for (size_t i = 0; i < t.len; i++) {
    if (t.at[i] == '-' || t.at[i] == '_') return NONE;
    url[i] = t.at[i] == '+' ? '-' : t.at[i] == '/' ? '_' : t.at[i];
  }
  return base64url_decode(a, (struct text){url, t.len});
}

void hex_write(const void *bytes, size_t len, char *out) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *b = bytes;
  for (size_t i = 0; i < len; i++) {
    out[2 * i] = digits[b[i] >> 4];
    out[2 * i + 1] = digits[b[i] & 15];
  }
  out[2 * len] = '\0';
}

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool hex_parse(struct text t, void *out, size_t len) {
  uint8_t *bytes = out;
  if (t.len != 2 * len) return false;
  for (size_t i = 0; i < len; i++) {
    int high = hex_value(t.at[2 * i]), low = hex_value(t.at[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  return true;
}
