/* JSON in, by Jansson; no other file includes it. A struct json is a json_t under another name: it
 * is never defined, so nobody can look inside. */
#include <stddef.h>

/* Jansson's names of types are ours as well (base.h); its own are moved out of the way. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_REAL   JANSSON_REAL
#define JSON_NULL   JANSSON_NULL
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_REAL
#undef JSON_NULL

#include "base/base.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32 };

static const json_t *inside(const struct json *j) {
  return (const json_t *)j;
}

static struct json *outside(json_t *j) {
  return (struct json *)j;
}

/* Counted before Jansson sees the text, whose own limit is 2,048 levels of recursion. Whether the
 * brackets match is Jansson's affair. */
static bool too_deep(struct text t) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < t.len; i++) {
    char c = t.at[i];
    if (in_string && c == '\\')
      i++;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{') && ++depth > DEPTH)
      return true;
    else if (!in_string && (c == ']' || c == '}'))
      depth--;
  }
  return false;
}

/* Jansson's words end with what stood there, ` near '…'`. That is left out: it may be a password,
 * and the place says as much. */
static struct text explain(struct arena *a, const json_error_t *error) {
  const char *near = strstr(error->text, " near ");
  int len = near ? (int)(near - error->text) : (int)strlen(error->text);
  return arena_printf(a, "line %d, column %d: %.*s", error->line, error->column, len, error->text);
}

/* Jansson's memory is one piece, got beforehand and given back with the arena: Jansson does not
 * notice when its buffer for a string can't grow, and then writes beyond it (2.14). An empty object
 * costs most, 216 bytes for `{},`. */
enum { PER_BYTE = 96, AT_LEAST = 2048 };

static _Thread_local struct piece {
  char *at;
  size_t room;
} piece;

static void *take(size_t size) {
  size = (size + _Alignof(max_align_t) - 1) / _Alignof(max_align_t) * _Alignof(max_align_t);
  if (size > piece.room) return NULL;
  void *p = piece.at;
  piece.at += size;
  piece.room -= size;
  return p;
}

static void leave(void *p) {
  (void)p;
}

static void set_memory(void) {
  json_set_alloc_funcs(take, leave);
}

static json_t *load(struct arena *a, struct text t, json_error_t *error) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  size_t size = PER_BYTE * t.len + AT_LEAST;
  (void)pthread_once(&once, set_memory);
  piece = (struct piece){malloc(size), size};
  if (!piece.at) {
    a->failed = true;
    return NULL;
  }
  arena_defer(a, free, piece.at);
  return json_loadb(t.at ? t.at : "", t.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, error);
}

struct json *json_parse(struct arena *a, struct text t, struct text *why) {
  json_error_t error;
  if (too_deep(t)) {
    if (why) *why = arena_printf(a, "nested deeper than %d", DEPTH);
    return NULL;
  }
  json_t *root = load(a, t, &error);
  piece = (struct piece){0};
  if (!root && !a->failed && json_error_code(&error) == json_error_out_of_memory) a->failed = true;
  if (!root && why) *why = a->failed ? NONE : explain(a, &error);
  return outside(root);
}

enum json_kind json_kind(const struct json *j) {
  if (!j) return JSON_NONE;
  switch (json_typeof(inside(j))) {
  case JANSSON_OBJECT:
    return JSON_OBJECT;
  case JSON_ARRAY:
    return JSON_LIST;
  case JSON_STRING:
    return JSON_TEXT;
  case JSON_INTEGER:
    return JSON_INT;
  case JANSSON_REAL:
    return JSON_REAL;
  case JSON_TRUE:
  case JSON_FALSE:
    return JSON_BOOL;
  default:
    return JSON_NULL;
  }
}

/* Jansson answers NULL, 0 or false where the value is of another kind or NULL, as we promise. */
struct json *json_get(const struct json *object, const char *key) {
  return outside(json_object_get(inside(object), key));
}

struct text json_text(const struct json *j) {
  if (json_kind(j) != JSON_TEXT) return NONE;
  return (struct text){json_string_value(inside(j)), json_string_length(inside(j))};
}

int64_t json_int(const struct json *j) {
  return json_integer_value(inside(j));
}

bool json_bool(const struct json *j) {
  return j && json_typeof(inside(j)) == JSON_TRUE;
}

size_t json_count(const struct json *list_or_object) {
  const json_t *j = inside(list_or_object);
  return json_kind(list_or_object) == JSON_LIST ? json_array_size(j) : json_object_size(j);
}

struct json *json_at(const struct json *list, size_t i) {
  return outside(json_array_get(inside(list), i));
}

bool json_each(struct json *object, void **it, struct text *key, struct json **value) {
  json_t *o = (json_t *)object;
  *it = *it ? json_object_iter_next(o, *it) : json_object_iter(o);
  if (!*it) return false;
  *key = text_of(json_object_iter_key(*it)); /* keys hold no NUL: it is refused in parsing */
  *value = outside(json_object_iter_value(*it));
  return true;
}

/* ---- writing: recursion is bounded by DEPTH ----------------------------------------------------
 */

static void write_list(struct builder *b, const struct json *list) {
  build_char(b, '[');
  for (size_t i = 0; i < json_count(list); i++) {
    if (i) build_char(b, ',');
    json_write(b, json_at(list, i));
  }
  build_char(b, ']');
}

static void write_object(struct builder *b, const struct json *object) {
  void *it = NULL;
  struct text key;
  struct json *value;
  build_char(b, '{');
  for (bool first = true; json_each((struct json *)object, &it, &key, &value); first = false) {
    if (!first) build_char(b, ',');
    build_quoted(b, key);
    build_char(b, ':');
    json_write(b, value);
  }
  build_char(b, '}');
}

/* The shortest spelling that reads back as the same number, with the point that makes it a real. */
static void write_real(struct builder *b, double d) {
  char s[40];
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(s, sizeof s, "%.*g", digits, d);
    if (!(strtod(s, NULL) < d) && !(strtod(s, NULL) > d)) break;
  }
  build_str(b, s);
  if (!strpbrk(s, ".e")) build_str(b, ".0");
}

void json_write(struct builder *b, const struct json *j) {
  switch (json_kind(j)) {
  case JSON_NONE:
  case JSON_NULL:
    build_str(b, "null");
    break;
  case JSON_BOOL:
    build_str(b, json_bool(j) ? "true" : "false");
    break;
  case JSON_INT:
    build_int(b, json_int(j));
    break;
  case JSON_REAL:
    write_real(b, json_real_value(inside(j)));
    break;
  case JSON_TEXT:
    build_quoted(b, json_text(j));
    break;
  case JSON_LIST:
    write_list(b, j);
    break;
  case JSON_OBJECT:
    write_object(b, j);
    break;
  }
}
