/* The request's target: path, query parameters, cursor. */
#include "api/internal.h"

#include <string.h>

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* application/x-www-form-urlencoded, strictly: a broken escape or a control character is refused.
 */
static bool decode(struct arena *a, struct text t, struct text *out) {
  char *at = arena_alloc(a, t.len + 1);
  size_t n = 0;
  for (size_t i = 0; i < t.len; i++) {
    char c = t.at[i] == '+' ? ' ' : t.at[i];
    if (c == '%') {
      int high = i + 2 < t.len ? hex_digit(t.at[i + 1]) : -1;
      int low = i + 2 < t.len ? hex_digit(t.at[i + 2]) : -1;
      if (high < 0 || low < 0) return false;
      c = (char)(high * 16 + low);
      i += 2;
    }
    if ((unsigned char)c < ' ' || c == 0x7f) return false;
    at[n++] = c;
  }
  *out = (struct text){at, n};
  return text_is_utf8(*out);
}

bool query_parse(struct exchange *x) {
  struct text rest = x->query_string;
  while (rest.at && rest.len) {
    struct text value = text_cut(&rest, '&');
    if (!value.len) continue;
    struct text name = text_cut(&value, '=');
    if (x->query_count == QUERY_PARAMS) return false;
    struct name_value *p = &x->query[x->query_count++];
    if (!value.at) value = LIT("");
    if (!decode(&x->q.arena, name, &p->name) || !decode(&x->q.arena, value, &p->value))
      return false;
  }
  return true;
}

struct text query_text(struct request *q, const char *name) {
  const struct exchange *x = exchange_of(q);
  for (size_t i = 0; i < x->query_count; i++)
    if (text_is(x->query[i].name, name)) return x->query[i].value;
  return NONE;
}

bool query_time(struct request *q, const char *name, micros *out) {
  struct text t = query_text(q, name);
  return t.at && time_parse(t, out);
}

int64_t query_int(struct request *q, const char *name, int64_t fallback) {
  int64_t n;
  struct text t = query_text(q, name);
  return t.at && text_to_int(t, &n) ? n : fallback;
}

struct text path_text(struct request *q, const char *name) {
  return path_param(exchange_of(q), name);
}

struct uuid path_id(struct request *q, const char *name) {
  struct uuid id;
  return uuid_parse(path_text(q, name), &id) ? id : (struct uuid){0};
}

/* ---- cursors: where a list goes on, opaque to clients ---- */

bool page_read(struct request *q, struct page *out) {
  *out = (struct page){.limit = query_int(q, "limit", 20)};
  struct text t = query_text(q, "cursor");
  if (!t.at) return true;
  struct text raw = base64url_decode(&q->arena, t);
  if (raw.len != sizeof(micros) + sizeof(struct uuid)) {
    q->problem = CURSOR_INVALID;
    return false;
  }
  memcpy(&out->after_key, raw.at, sizeof out->after_key);
  memcpy(&out->after_id, raw.at + sizeof out->after_key, sizeof out->after_id);
  out->has_after_key = true;
  return true;
}

struct text cursor_make(struct arena *a, micros key, struct uuid id) {
  char raw[sizeof key + sizeof id];
  memcpy(raw, &key, sizeof key);
  memcpy(raw + sizeof key, &id, sizeof id);
  return base64url(a, (struct text){raw, sizeof raw});
}
