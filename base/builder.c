/* Builders: they double until the cap. A write that doesn't fit writes nothing and sets `failed`;
 * all later writes are dropped, so that nothing half-written can look whole. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Room for `len` more bytes and a NUL that vsnprintf wants. */
static bool make_room(struct builder *b, size_t len) {
  size_t cap = b->cap ? b->cap : BUILDER_CAP;
  if (b->failed || b->len > cap || len > cap - b->len) {
    b->failed = true;
    return false;
  }
  size_t need = b->len + len + 1;
  if (need <= b->room) return true;
  size_t room = b->room ? b->room : 256;
  while (room < need)
    room *= 2;
  if (room > cap + 1) room = cap + 1;
  char *at = realloc(b->at, room);
  if (!at) {
    b->failed = true;
    return false;
  }
  b->at = at;
  b->room = room;
  return true;
}

void build_bytes(struct builder *b, const void *bytes, size_t len) {
  if (len && make_room(b, len)) {
    memcpy(b->at + b->len, bytes, len);
    b->len += len;
  }
}

void build_text(struct builder *b, struct text t) {
  build_bytes(b, t.at, t.len);
}

void build_str(struct builder *b, const char *s) {
  build_bytes(b, s, strlen(s));
}

void build_char(struct builder *b, char c) {
  build_bytes(b, &c, 1);
}

/* By hand: numbers are written often, and printf is many times slower. */
void build_int(struct builder *b, int64_t n) {
  char digits[20];
  size_t at = sizeof digits;
  uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (n < 0) digits[--at] = '-';
  build_bytes(b, digits + at, sizeof digits - at);
}

void build_uuid(struct builder *b, struct uuid u) {
  char s[37];
  uuid_write(u, s);
  build_bytes(b, s, 36);
}

void build_time(struct builder *b, micros t) {
  char s[32];
  time_write(t, s);
  build_str(b, s);
}

void build_printf(struct builder *b, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0) b->failed = true;
  if (len < 0 || !make_room(b, (size_t)len)) return;
  va_start(args, format);
  vsnprintf(b->at + b->len, (size_t)len + 1, format, args);
  va_end(args);
  b->len += (size_t)len;
}

/* The escape of one byte, or NULL for a byte that stands for itself. */
static const char *json_escape(unsigned char c, char hex[static 7]) {
  switch (c) {
  case '"':
    return "\\\"";
  case '\\':
    return "\\\\";
  case '\n':
    return "\\n";
  case '\r':
    return "\\r";
  case '\t':
    return "\\t";
  default:
    if (c >= 0x20) return NULL;
    snprintf(hex, 7, "\\u%04x", c);
    return hex;
  }
}

static const char *html_escape(unsigned char c, char unused[static 7]) {
  (void)unused;
  switch (c) {
  case '&':
    return "&amp;";
  case '<':
    return "&lt;";
  case '>':
    return "&gt;";
  case '"':
    return "&quot;";
  case '\'':
    return "&#39;";
  default:
    return NULL;
  }
}

/* Copies runs of harmless bytes at once; only the others are looked at singly. */
static void escaped(struct builder *b, struct text t,
                    const char *(*escape)(unsigned char, char[static 7])) {
  char hex[7];
  size_t from = 0;
  for (size_t i = 0; i < t.len; i++) {
    const char *instead = escape((unsigned char)t.at[i], hex);
    if (!instead) continue;
    build_bytes(b, t.at + from, i - from);
    build_str(b, instead);
    from = i + 1;
  }
  if (from < t.len) build_bytes(b, t.at + from, t.len - from);
}

void build_quoted(struct builder *b, struct text t) {
  build_char(b, '"');
  escaped(b, t, json_escape);
  build_char(b, '"');
}

void build_html(struct builder *b, struct text t) {
  escaped(b, t, html_escape);
}

struct text built(const struct builder *b) {
  return b->failed ? NONE : (struct text){b->at, b->len};
}

struct text arena_built(struct arena *a, struct builder *b) {
  if (b->failed) a->failed = true;
  struct text t = arena_copy(a, built(b));
  builder_free(b);
  return t;
}

void builder_free(struct builder *b) {
  free(b->at);
  *b = (struct builder){.cap = b->cap};
}
