/* Fields and shapes as JSON Schema (2020-12, the dialect of OpenAPI 3.1), and samples of them. */
#include "api/describe.h"

#include <string.h>

/* ---- JSON out ---- */

static void out_name(struct builder *b, const char *name) {
  char last = b->len ? b->at[b->len - 1] : '{';
  if (last != '{' && last != '[' && last != ':') build_char(b, ',');
  if (!name) return;
  build_quoted(b, text_of(name));
  build_char(b, ':');
}

void out_open(struct builder *b, const char *name, char bracket) {
  out_name(b, name);
  build_char(b, bracket);
}

void out_close(struct builder *b, char bracket) {
  build_char(b, bracket);
}

void out_text(struct builder *b, const char *name, struct text value) {
  out_name(b, name);
  build_quoted(b, value);
}

void out_str(struct builder *b, const char *name, const char *value) {
  out_text(b, name, text_of(value));
}

void out_int(struct builder *b, const char *name, int64_t value) {
  out_name(b, name);
  build_int(b, value);
}

void out_bool(struct builder *b, const char *name, bool value) {
  out_name(b, name);
  build_str(b, value ? "true" : "false");
}

/* A step through JSON that is known to be well formed: is this byte inside a string? */
static bool steps_inside(char c, bool inside, bool *escaped) {
  if (*escaped) {
    *escaped = false;
    return inside;
  }
  *escaped = inside && c == '\\';
  return c == '"' ? !inside : inside;
}

void json_lines(struct builder *b, struct text json) {
  bool inside = false, escaped = false;
  int depth = 0;
  for (size_t i = 0; i < json.len; i++) {
    char c = json.at[i], next = i + 1 < json.len ? json.at[i + 1] : 0;
    inside = steps_inside(c, inside, &escaped);
    bool opens = !inside && (c == '{' || c == '['), closes = !inside && (c == '}' || c == ']');
    depth += opens - closes;
    if (closes && json.at[i - 1] != '{' && json.at[i - 1] != '[')
      build_printf(b, "\n%*s", depth * 2, "");
    build_char(b, c);
    if ((opens && next != '}' && next != ']') || (!inside && c == ','))
      build_printf(b, "\n%*s", depth * 2, "");
    if (!inside && c == ':') build_char(b, ' ');
  }
}

/* ---- schemas ---- */

/* What is optional may be null in answers and bodies; a parameter is absent instead. */
static bool may_be_null(const struct field *f, enum schema_use use) {
  return f->optional && use != IN_QUERY;
}

static void out_type(struct builder *b, const char *type, bool null) {
  if (!null) {
    out_str(b, "type", type);
    return;
  }
  out_open(b, "type", '[');
  out_str(b, NULL, type);
  out_str(b, NULL, "null");
  out_close(b, ']');
}

static void out_choices(struct builder *b, const struct field *f, bool null) {
  out_open(b, "enum", '[');
  for (struct text rest = text_of(f->choices); rest.at;)
    out_text(b, NULL, text_cut(&rest, '|'));
  if (null) {
    out_name(b, NULL);
    build_str(b, "null");
  }
  out_close(b, ']');
}

static void out_length(struct builder *b, const struct field *f) {
  if (f->least > 0) out_int(b, "minLength", f->least);
  if (f->most > 0) out_int(b, "maxLength", f->most);
}

static void schema_text(struct builder *b, const struct field *f, bool null) {
  static const char *const formats[] = {
      [FIELD_SECRET] = "password", [FIELD_TIME] = "date-time", [FIELD_UUID] = "uuid"};
  out_type(b, "string", null);
  if (f->kind < COUNT(formats) && formats[f->kind]) out_str(b, "format", formats[f->kind]);
  if (f->kind == FIELD_SLUG) out_str(b, "pattern", "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$");
  if (f->kind == FIELD_WALL)
    out_str(b, "pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?$");
  if (f->kind == FIELD_CHOICE)
    out_choices(b, f, null);
  else if (f->kind <= FIELD_SLUG)
    out_length(b, f);
}

static void schema_int(struct builder *b, const struct field *f, bool null) {
  out_type(b, "integer", null);
  out_str(b, "format", "int64");
  if (f->most <= f->least) return; /* without bounds */
  out_int(b, "minimum", f->least);
  out_int(b, "maximum", f->most);
}

/* A text in one or both of our languages. */
static void schema_words(struct builder *b, const struct field *f, bool null) {
  static const char *const languages[] = {"zh-CN", "en"};
  out_type(b, "object", null);
  out_open(b, "properties", '{');
  for (size_t i = 0; i < COUNT(languages); i++) {
    out_open(b, languages[i], '{');
    out_str(b, "type", "string");
    out_int(b, "minLength", 1);
    if (f->most > 0) out_int(b, "maxLength", f->most);
    out_close(b, '}');
  }
  out_close(b, '}');
  out_int(b, "minProperties", 1);
  out_bool(b, "additionalProperties", false);
}

static void schema_ref(struct builder *b, const struct shape *s) {
  build_str(b, "\"$ref\":\"#/components/schemas/");
  build_str(b, s->name);
  build_char(b, '"');
}

static void object_inside(struct builder *b, const struct field *fields, enum schema_use use,
                          bool null);

/* $ref can't be null itself, so a shape that may be absent is one of two. */
static void schema_shape(struct builder *b, const struct field *f, enum schema_use use, bool null) {
  if (use != IN_ANSWER) {
    object_inside(b, f->shape->fields, IN_BODY, null);
  } else if (null) {
    out_open(b, "oneOf", '[');
    out_open(b, NULL, '{');
    schema_ref(b, f->shape);
    out_close(b, '}');
    out_open(b, NULL, '{');
    out_str(b, "type", "null");
    out_close(b, '}');
    out_close(b, ']');
  } else {
    schema_ref(b, f->shape);
  }
}

static void schema_list(struct builder *b, const struct field *f, enum schema_use use, bool null) {
  struct field item = list_item(f);
  int64_t most = list_most(f);
  out_type(b, "array", null);
  schema_field(b, "items", &item, use);
  if (f->kind == FIELD_INTS) out_int(b, "minItems", 1);
  if (most > 0) out_int(b, "maxItems", most);
}

void schema_field(struct builder *b, const char *name, const struct field *f, enum schema_use use) {
  bool null = may_be_null(f, use);
  out_open(b, name, '{');
  switch (f->kind) {
  case FIELD_INT:
    schema_int(b, f, null);
    break;
  case FIELD_BOOL:
    out_type(b, "boolean", null);
    break;
  case FIELD_WORDS:
    schema_words(b, f, null);
    break;
  case FIELD_OBJECT:
    schema_shape(b, f, use, null);
    break;
  case FIELD_TEXTS:
  case FIELD_IDS:
  case FIELD_INTS:
  case FIELD_LIST:
    schema_list(b, f, use, null);
    break;
  case FIELD_ANY:
    out_str(b, "description", "Any JSON");
    break;
  default:
    schema_text(b, f, null);
  }
  out_close(b, '}');
}

static bool is_required(const struct field *f, enum schema_use use) {
  return use == IN_ANSWER || (use == IN_BODY && !f->optional);
}

static void object_inside(struct builder *b, const struct field *fields, enum schema_use use,
                          bool null) {
  bool any = false;
  out_type(b, "object", null);
  out_open(b, "properties", '{');
  for (const struct field *f = fields; f->kind != FIELD_END; f++) {
    schema_field(b, f->name, f, use);
    any |= is_required(f, use);
  }
  out_close(b, '}');
  if (any) {
    out_open(b, "required", '[');
    for (const struct field *f = fields; f->kind != FIELD_END; f++)
      if (is_required(f, use)) out_str(b, NULL, f->name);
    out_close(b, ']');
  }
  if (use != IN_ANSWER) out_bool(b, "additionalProperties", false);
}

void schema_object(struct builder *b, const char *name, const struct field *fields,
                   enum schema_use use) {
  out_open(b, name, '{');
  object_inside(b, fields, use, false);
  out_close(b, '}');
}

static void schema_envelope(struct builder *b, const struct reply_kind *k) {
  static const struct field more = {.name = "has_more", .kind = FIELD_BOOL};
  static const struct field next = {.name = "next_cursor", .kind = FIELD_TEXT, .optional = true};
  out_str(b, "type", "object");
  out_open(b, "properties", '{');
  schema_field(b, "data", &(struct field){.kind = FIELD_LIST, .shape = k->shape}, IN_ANSWER);
  if (k->page) {
    schema_field(b, more.name, &more, IN_ANSWER);
    schema_field(b, next.name, &next, IN_ANSWER);
  }
  out_close(b, '}');
  out_open(b, "required", '[');
  out_str(b, NULL, "data");
  if (k->page) {
    out_str(b, NULL, more.name);
    out_str(b, NULL, next.name);
  }
  out_close(b, ']');
}

void schema_reply(struct builder *b, const char *name, const struct reply_kind *k) {
  out_open(b, name, '{');
  if (k->page || k->list)
    schema_envelope(b, k);
  else if (k->shape)
    schema_ref(b, k->shape);
  else if (!strstr(k->media, "json"))
    out_str(b, "type", "string");
  out_close(b, '}');
}

/* ---- samples ---- */

/* Names that say what their value looks like. */
static const struct {
  const char *name, *value;
} known[] = {{"code", "K7Q2M-9XWTF-3HJ8N"},
             {"login", "ann@example.org"},
             {"email", "ann@example.org"},
             {"contact", "ann@example.org"},
             {"to", "ann@example.org"},
             {"phone", "+8613800138000"},
             {"display_name", "Ann"},
             {"device_name", "Ann's phone"},
             {"device_id", "a1b2c3d4e5f6"},
             {"time_zone", "Asia/Shanghai"},
             {"zone", "Asia/Shanghai"},
             {"currency", "CNY"},
             {"slug", "kaiyou"},
             {"cursor", "AAZPvJ3oYABpAZPvJ3oYAHqq"},
             {"pointer", "/title"},
             {"request_id", "2f1a-0-1c"},
             {"reason", "By agreement"}};

static const char *sample_word(const struct field *f) {
  size_t n = f->name ? strlen(f->name) : 0;
  if (f->kind == FIELD_TIME) return "2026-11-22T11:00:00.000Z";
  if (f->kind == FIELD_WALL) return "2026-11-22T19:00";
  if (f->kind == FIELD_UUID) return "019aab5e-0c80-7a3c-9d5e-5f1c2b3a4d6e";
  if (f->kind == FIELD_SECRET) return "a long enough password";
  for (size_t i = 0; n && i < COUNT(known); i++)
    if (strcmp(f->name, known[i].name) == 0) return known[i].value;
  if (n > 4 && strcmp(f->name + n - 4, "_url") == 0) return "https://example.org/";
  return f->kind == FIELD_SLUG ? "kaiyou" : n ? f->name : "one";
}

/* A word that keeps to the field's lengths. */
void sample_text(struct builder *b, const struct field *f) {
  struct text t = text_of(sample_word(f));
  if (f->kind == FIELD_CHOICE) {
    struct text rest = text_of(f->choices);
    t = text_cut(&rest, '|');
  } else if (f->kind == FIELD_INT) {
    build_int(b, f->most > f->least ? f->least : 1);
    return;
  } else if (f->kind == FIELD_BOOL) {
    t = LIT("true");
  } else if (f->kind <= FIELD_SLUG && f->most > 0 && t.len > (size_t)f->most) {
    t.len = (size_t)f->most;
  }
  build_text(b, t);
  if (f->kind <= FIELD_SLUG)
    for (int64_t n = (int64_t)t.len; n < f->least; n++)
      build_char(b, '7');
}

static void sample_value(struct builder *b, const char *name, const struct field *f) {
  struct builder word = {0};
  struct field item = list_item(f);
  switch (f->kind) {
  case FIELD_WORDS:
    out_open(b, name, '{');
    out_str(b, "zh-CN", "开友大讲堂");
    out_str(b, "en", "Kaiyou");
    out_close(b, '}');
    break;
  case FIELD_OBJECT:
    sample_object(b, name, f->shape->fields);
    break;
  case FIELD_TEXTS:
  case FIELD_IDS:
  case FIELD_INTS:
  case FIELD_LIST:
    out_open(b, name, '[');
    sample_value(b, NULL, &item);
    out_close(b, ']');
    break;
  case FIELD_ANY:
    out_open(b, name, '{');
    out_close(b, '}');
    break;
  default:
    sample_text(&word, f);
    if (f->kind == FIELD_INT || f->kind == FIELD_BOOL) {
      out_name(b, name);
      build_text(b, built(&word));
    } else {
      out_text(b, name, built(&word));
    }
    builder_free(&word);
  }
}

void sample_object(struct builder *b, const char *name, const struct field *fields) {
  out_open(b, name, '{');
  for (const struct field *f = fields; f->kind != FIELD_END; f++)
    sample_value(b, f->name, f);
  out_close(b, '}');
}

void sample_reply(struct builder *b, const char *name, const struct reply_kind *k) {
  if (!k->page && !k->list) {
    sample_object(b, name, k->shape->fields);
    return;
  }
  out_open(b, name, '{');
  out_open(b, "data", '[');
  sample_object(b, NULL, k->shape->fields);
  out_close(b, ']');
  if (k->page) {
    out_bool(b, "has_more", true);
    out_str(b, "next_cursor", "AAZPvJ3oYABpAZPvJ3oYAHqq");
  }
  out_close(b, '}');
}
