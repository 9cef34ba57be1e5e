/* Validates bodies and query parameters against the route's fields; all faults at once. */
#include "api/internal.h"

#include <inttypes.h>
#include <string.h>

struct check {
  struct request *q;
  struct text pointer; /* of the value under the knife, RFC 6901 */
  bool query;          /* parameters have names instead of pointers */
};

static void bad(const struct check *c, const char *code, const char *en, const char *zh) {
  fault_add(c->q, c->pointer, code, text_of(en), text_of(zh));
}

/* A name may be anything that a client made up: `~` is written ~0 and `/` ~1. */
static struct text join(struct request *q, struct text pointer, const char *name) {
  struct builder b = {0};
  build_text(&b, pointer);
  build_char(&b, '/');
  for (const char *c = name; *c; c++) {
    if (*c == '~' || *c == '/')
      build_str(&b, *c == '~' ? "~0" : "~1");
    else
      build_char(&b, *c);
  }
  return arena_built(&q->arena, &b);
}

/* ---- single values ---- */

static void length(const struct check *c, struct text t, int64_t least, int64_t most) {
  int64_t n = (int64_t)text_codepoints(t);
  struct arena *a = &c->q->arena;
  if (n < least)
    fault_add(c->q, c->pointer, "too_short",
              arena_printf(a, "at least %" PRId64 " characters", least),
              arena_printf(a, "至少 %" PRId64 " 个字符", least));
  if (n > most)
    fault_add(c->q, c->pointer, "too_long", arena_printf(a, "at most %" PRId64 " characters", most),
              arena_printf(a, "最多 %" PRId64 " 个字符", most));
}

static void number(const struct check *c, int64_t n, int64_t least, int64_t most) {
  if (n >= least && n <= most) return;
  struct arena *a = &c->q->arena;
  fault_add(c->q, c->pointer, "out_of_range",
            arena_printf(a, "from %" PRId64 " to %" PRId64, least, most),
            arena_printf(a, "应在 %" PRId64 " 至 %" PRId64 " 之间", least, most));
}

static bool is_slug(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", t.at[i]) || !t.at[i]) return false;
  return t.len && t.at[0] != '-' && t.at[t.len - 1] != '-';
}

/* 2026-11-22T19:00[:00]: an RFC 3339 time once a Z stands behind it. */
static bool is_wall(struct arena *a, struct text t) {
  micros ignored;
  if (t.len != 16 && t.len != 19) return false;
  return time_parse(arena_printf(a, "%.*s%sZ", TEXT_ARGS(t), t.len == 16 ? ":00" : ""), &ignored);
}

static bool is_choice(struct text t, const char *choices) {
  for (struct text rest = text_of(choices); rest.at;)
    if (text_equal(text_cut(&rest, '|'), t)) return true;
  return false;
}

static void text_value(const struct check *c, const struct field *f, struct text t) {
  micros ignored_time;
  struct uuid ignored_id;
  struct arena *a = &c->q->arena;
  switch (f->kind) {
  case FIELD_TEXT:
  case FIELD_PROSE:
    length(c, t, f->least, f->most);
    if (f->least > 0 && t.len && !text_trim(t).len)
      bad(c, "too_short", "more than white space", "不能只有空白");
    if (!text_is_clean(t, f->kind == FIELD_PROSE))
      bad(c, "characters", "control and bidirectional characters are not allowed",
          "不允许控制字符或双向控制字符");
    break;
  case FIELD_SECRET:
    length(c, t, f->least, f->most);
    break;
  case FIELD_SLUG:
    length(c, t, f->least, f->most);
    if (!is_slug(t))
      bad(c, "format", "lower-case letters, digits and dashes", "仅限小写字母、数字和连字符");
    break;
  case FIELD_TIME:
    if (!time_parse(t, &ignored_time))
      bad(c, "format", "a time like 2026-11-22T19:00:00Z (RFC 3339)", "时间格式应为 RFC 3339");
    break;
  case FIELD_WALL:
    if (!is_wall(a, t))
      bad(c, "format", "a local time like 2026-11-22T19:00", "本地时间格式如 2026-11-22T19:00");
    break;
  case FIELD_UUID:
    if (!uuid_parse(t, &ignored_id)) bad(c, "format", "a UUID", "应为 UUID");
    break;
  case FIELD_CHOICE:
    if (!is_choice(t, f->choices))
      fault_add(c->q, c->pointer, "choice", arena_printf(a, "one of %s", f->choices),
                arena_printf(a, "应为 %s 之一", f->choices));
    break;
  default:
    break;
  }
}

static bool holds_text(enum field_kind k) {
  return k == FIELD_TEXT || k == FIELD_PROSE || k == FIELD_SECRET || k == FIELD_SLUG ||
         k == FIELD_TIME || k == FIELD_WALL || k == FIELD_UUID || k == FIELD_CHOICE;
}

/* ---- JSON values ---- */

static void value(const struct check *c, const struct field *f, struct json *j);

static struct check inside(const struct check *c, const char *name) {
  return (struct check){c->q, join(c->q, c->pointer, name), c->query};
}

static void words(const struct check *c, const struct field *f, struct json *j) {
  struct text key;
  struct json *v;
  if (!json_count(j))
    bad(c, "required", "at least one of zh-CN and en", "至少填写 zh-CN 或 en 之一");
  for (void *it = NULL; json_each(j, &it, &key, &v);) {
    struct check in = inside(c, arena_copy(&c->q->arena, key).at);
    struct field text = {.kind = FIELD_PROSE, .least = 1, .most = f->most};
    if (!text_is(key, "zh-CN") && !text_is(key, "en"))
      bad(&in, "unknown", "only zh-CN and en", "仅限 zh-CN 与 en");
    else
      value(&in, &text, v);
  }
}

struct field list_item(const struct field *f) {
  if (f->kind == FIELD_IDS) return (struct field){.kind = FIELD_UUID};
  if (f->kind == FIELD_LIST) return (struct field){.kind = FIELD_OBJECT, .shape = f->shape};
  if (f->kind == FIELD_INTS)
    return (struct field){.kind = FIELD_INT, .least = f->least, .most = f->most};
  return (struct field){.kind = FIELD_TEXT, .least = 1, .most = 200};
}

int64_t list_most(const struct field *f) {
  return f->kind == FIELD_INTS ? f->items : f->most;
}

static void items(const struct check *c, const struct field *f, struct json *j) {
  struct field item = list_item(f);
  size_t n = json_count(j);
  int64_t most = list_most(f);
  if (most && (int64_t)n > most) bad(c, "too_many", "too many items", "项目过多");
  if (f->kind == FIELD_INTS && !n) bad(c, "too_few", "at least one item", "至少需要一项");
  for (size_t i = 0; i < n && (!most || (int64_t)i < most); i++) {
    struct check in = inside(c, arena_printf(&c->q->arena, "%zu", i).at);
    value(&in, &item, json_at(j, i));
  }
}

static void object(const struct check *c, const struct field *fields, struct json *j, bool patch);

static enum json_kind kind_of(enum field_kind k) {
  if (holds_text(k)) return JSON_TEXT;
  if (k == FIELD_INT) return JSON_INT;
  if (k == FIELD_BOOL) return JSON_BOOL;
  return k == FIELD_WORDS || k == FIELD_OBJECT ? JSON_OBJECT : JSON_LIST;
}

static void wrong_type(const struct check *c, enum json_kind wanted) {
  static const char *const en[] = {[JSON_TEXT] = "a string",
                                   [JSON_INT] = "an integer",
                                   [JSON_BOOL] = "true or false",
                                   [JSON_OBJECT] = "an object",
                                   [JSON_LIST] = "a list"};
  static const char *const zh[] = {[JSON_TEXT] = "应为字符串",
                                   [JSON_INT] = "应为整数",
                                   [JSON_BOOL] = "应为 true 或 false",
                                   [JSON_OBJECT] = "应为对象",
                                   [JSON_LIST] = "应为列表"};
  bad(c, "type", en[wanted], zh[wanted]);
}

static void value(const struct check *c, const struct field *f, struct json *j) {
  if (f->kind == FIELD_ANY) return;
  enum json_kind wanted = kind_of(f->kind);
  if (json_kind(j) != wanted) {
    wrong_type(c, wanted);
  } else if (holds_text(f->kind)) {
    text_value(c, f, json_text(j));
  } else if (f->kind == FIELD_INT) {
    number(c, json_int(j), f->least, f->most);
  } else if (f->kind == FIELD_WORDS) {
    words(c, f, j);
  } else if (f->kind == FIELD_OBJECT) {
    object(c, f->shape->fields, j, false);
  } else if (f->kind != FIELD_BOOL) {
    items(c, f, j);
  }
}

static const struct field *field_named(const struct field *fields, struct text name) {
  for (const struct field *f = fields; f->kind != FIELD_END; f++)
    if (text_is(name, f->name)) return f;
  return NULL;
}

static void object(const struct check *c, const struct field *fields, struct json *j, bool patch) {
  struct text key;
  struct json *v;
  for (const struct field *f = fields; f->kind != FIELD_END; f++) {
    struct json *there = json_get(j, f->name);
    struct check in = inside(c, f->name);
    if (!there && !f->optional && !patch)
      bad(&in, "required", "this field is needed", "此字段必填");
    if (there && json_kind(there) == JSON_NULL && f->optional) continue;
    if (there) value(&in, f, there);
  }
  for (void *it = NULL; json_each(j, &it, &key, &v);) {
    struct check in = inside(c, arena_copy(&c->q->arena, key).at);
    if (!field_named(fields, key)) bad(&in, "unknown", "there is no such field", "没有此字段");
  }
}

void body_check(struct request *q, const struct field *fields, const struct json *j, bool patch) {
  struct check c = {q, LIT(""), false};
  if (json_kind(j) != JSON_OBJECT)
    wrong_type(&c, JSON_OBJECT);
  else
    object(&c, fields, exchange_of(q)->body, patch);
}

/* ---- query parameters ---- */

static void parameter(const struct check *c, const struct field *f, struct text t) {
  int64_t n;
  if (f->kind == FIELD_INT && !text_to_int(t, &n))
    wrong_type(c, JSON_INT);
  else if (f->kind == FIELD_INT)
    number(c, n, f->least, f->most);
  else if (f->kind == FIELD_BOOL && !text_is(t, "true") && !text_is(t, "false"))
    wrong_type(c, JSON_BOOL);
  else
    text_value(c, f, t);
}

void query_check(struct request *q, const struct route *r) {
  static const struct field paging[] = {
      {.name = "limit", .kind = FIELD_INT, .least = 1, .most = 100, .optional = true},
      {.name = "cursor", .kind = FIELD_TEXT, .least = 1, .most = 100, .optional = true},
      {.kind = FIELD_END}};
  const struct exchange *x = exchange_of(q);
  for (size_t i = 0; i < x->query_count; i++) {
    struct text name = x->query[i].name;
    struct check c = {q, name, true};
    const struct field *f = r->query ? field_named(r->query, name) : NULL;
    if (!f && r->pages) f = field_named(paging, name);
    if (!f)
      bad(&c, "unknown", "there is no such parameter", "没有此参数");
    else
      parameter(&c, f, x->query[i].value);
    for (size_t k = 0; k < i; k++)
      if (text_equal(x->query[k].name, name)) bad(&c, "twice", "given twice", "重复给出");
  }
  for (const struct field *f = r->query; f && f->kind != FIELD_END; f++)
    if (!f->optional && !query_text(q, f->name).at)
      fault_add(q, text_of(f->name), "required", LIT("this parameter is needed"),
                LIT("此参数必填"));
}

/* ---- the validated body ---- */

struct json *body(struct request *q) {
  return exchange_of(q)->body;
}

struct text body_text(struct request *q, const char *name) {
  return json_text(json_get(body(q), name));
}

int64_t body_int(struct request *q, const char *name, int64_t fallback) {
  struct json *j = json_get(body(q), name);
  return json_kind(j) == JSON_INT ? json_int(j) : fallback;
}

bool body_bool(struct request *q, const char *name, bool fallback) {
  struct json *j = json_get(body(q), name);
  return json_kind(j) == JSON_BOOL ? json_bool(j) : fallback;
}

bool body_time(struct request *q, const char *name, micros *out) {
  struct text t = body_text(q, name);
  return t.at && time_parse(t, out);
}

struct uuid body_id(struct request *q, const char *name) {
  struct uuid id;
  return uuid_parse(body_text(q, name), &id) ? id : (struct uuid){0};
}

struct text body_raw(struct request *q) {
  struct text t = built(&exchange_of(q)->raw_body);
  return t.at ? t : LIT("");
}

struct text body_json(struct request *q) {
  struct builder b = {0};
  if (body(q))
    json_write(&b, body(q));
  else
    build_str(&b, "{}");
  return arena_built(&q->arena, &b);
}
