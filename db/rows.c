/* Rows read: into the generated structs, into JSON, into cells of a table. Results are binary. */
#include "db/internal.h"

#include <endian.h>
#include <string.h>

static const micros EPOCH_2000 = INT64_C(946684800000000);

static struct text raw(const struct rows *r, int i, size_t column) {
  int row = r->first + i, c = (int)column;
  if (PQgetisnull(r->result, row, c)) return NONE;
  return (struct text){PQgetvalue(r->result, row, c), (size_t)PQgetlength(r->result, row, c)};
}

static int64_t number(enum sql_type type, struct text t) {
  uint32_t n32;
  uint64_t n64;
  if (type == SQL_BOOL) return t.at[0] != 0;
  if (type == SQL_INT) {
    memcpy(&n32, t.at, sizeof n32);
    return (int32_t)be32toh(n32);
  }
  memcpy(&n64, t.at, sizeof n64);
  int64_t n = (int64_t)be64toh(n64);
  return type == SQL_TIME ? n + EPOCH_2000 : n;
}

/* Arrays of one dimension; a NULL in one reads as zero or NONE. What an arena can't hold at once
 * comes out empty, with `failed` set. */
static struct sql_list list(struct arena *a, enum sql_type type, struct text t) {
  uint32_t head[5];
  if (!t.at || t.len < sizeof head) return (struct sql_list){0, t.at ? "" : NULL};
  memcpy(head, t.at, sizeof head);
  size_t count = be32toh(head[3]),
         item = type == SQL_TEXTS ? sizeof(struct text) : sizeof(struct uuid);
  if (type == SQL_BIGINTS) item = sizeof(int64_t);
  if (count > ARENA_LARGEST / item) {
    a->failed = true;
    return (struct sql_list){0, ""};
  }
  char *items = arena_alloc(a, count * item);
  const char *at = t.at + sizeof head;
  for (size_t i = 0; i < count; i++) {
    uint32_t len;
    memcpy(&len, at, sizeof len);
    len = be32toh(len);
    if (len == UINT32_MAX) {
      at += sizeof len;
      continue;
    }
    struct text value = {at + sizeof len, len};
    if (type == SQL_TEXTS)
      ((struct text *)(void *)items)[i] = arena_copy(a, value);
    else if (type == SQL_BIGINTS)
      ((int64_t *)(void *)items)[i] = number(SQL_BIGINT, value);
    else
      memcpy(items + i * item, value.at, item);
    at = value.at + len;
  }
  return (struct sql_list){count, items};
}

static void read_slot(struct request *q, const struct sql_slot *slot, struct text t, char *row) {
  char *at = row + slot->offset;
  switch (slot->type) {
  case SQL_UUID:
    if (t.at) memcpy(at, t.at, sizeof(struct uuid));
    break;
  case SQL_TEXT:
  case SQL_BYTEA:
  case SQL_JSON:
    *(struct text *)(void *)at = arena_copy(&q->arena, t);
    break;
  case SQL_UUIDS:
  case SQL_TEXTS:
  case SQL_BIGINTS:
    *(struct sql_list *)(void *)at = list(&q->arena, slot->type, t);
    break;
  case SQL_BOOL:
    if (t.at) *(bool *)at = t.at[0] != 0;
    break;
  default:
    if (t.at) *(int64_t *)(void *)at = number(slot->type, t);
  }
  if (slot->has != SIZE_MAX) *(bool *)(row + slot->has) = t.at != NULL;
}

bool rows_read(struct request *q, const struct rows *r, int i, const struct statement *s,
               void *row) {
  memset(row, 0, s->out_size);
  if (i >= r->count) return false;
  for (size_t c = 0; c < s->out_count; c++)
    read_slot(q, &s->out[c], raw(r, i, c), row);
  return true;
}

static void write_hex(struct builder *b, struct text t) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < t.len; i++) {
    build_char(b, digits[(unsigned char)t.at[i] >> 4]);
    build_char(b, digits[(unsigned char)t.at[i] & 15]);
  }
}

static void write_list(struct builder *b, enum sql_type type, struct text t) {
  struct arena a = {0};
  struct sql_list l = list(&a, type, t);
  for (size_t i = 0; i < l.count; i++) {
    build_char(b, i ? ',' : '[');
    if (type == SQL_TEXTS)
      build_quoted(b, ((const struct text *)l.items)[i]);
    else if (type == SQL_BIGINTS)
      build_int(b, ((const int64_t *)l.items)[i]);
    else {
      build_char(b, '"');
      build_uuid(b, ((const struct uuid *)l.items)[i]);
      build_char(b, '"');
    }
  }
  build_str(b, l.count ? "]" : "[]");
  if (a.failed) b->failed = true;
  arena_free(&a);
}

/* The value without quotes; is it one that JSON quotes? */
static bool write_value(struct builder *b, enum sql_type type, struct text t) {
  struct uuid u;
  switch (type) {
  case SQL_UUID:
    memcpy(&u, t.at, sizeof u);
    build_uuid(b, u);
    return true;
  case SQL_TIME:
    build_time(b, number(type, t));
    return true;
  case SQL_BOOL:
    build_str(b, t.at[0] ? "true" : "false");
    return false;
  case SQL_BYTEA:
    write_hex(b, t);
    return true;
  case SQL_TEXT:
  case SQL_JSON:
    build_text(b, t);
    return type == SQL_TEXT;
  case SQL_UUIDS:
  case SQL_TEXTS:
  case SQL_BIGINTS:
    write_list(b, type, t);
    return false;
  default:
    build_int(b, number(type, t));
    return false;
  }
}

static void write_json(struct builder *b, enum sql_type type, struct text t) {
  if (!t.at) {
    build_str(b, "null");
  } else if (type == SQL_TEXT) {
    build_quoted(b, t);
  } else {
    bool quotes = type == SQL_UUID || type == SQL_TIME || type == SQL_BYTEA;
    if (quotes) build_char(b, '"');
    (void)write_value(b, type, t);
    if (quotes) build_char(b, '"');
  }
}

void rows_object(const struct rows *r, int i, struct builder *b) {
  bool first = true;
  build_char(b, '{');
  for (size_t c = 0; c < r->statement->out_count; c++) {
    const struct sql_slot *slot = &r->statement->out[c];
    if (slot->name[0] == '_' || (c == 0 && r->statement->flags & SQL_MANY)) continue;
    if (!first) build_char(b, ',');
    first = false;
    build_char(b, '"');
    build_str(b, slot->name);
    build_str(b, "\":");
    write_json(b, slot->type, raw(r, i, c));
  }
  build_char(b, '}');
}

bool rows_time(const struct rows *r, int i, size_t column, micros *out) {
  struct text t = raw(r, i, column);
  if (t.at) *out = number(SQL_TIME, t);
  return t.at != NULL;
}

struct text rows_cell(struct request *q, const struct rows *r, int i, size_t column) {
  struct text t = raw(r, i, column);
  if (!t.at) return NONE;
  struct builder b = {0};
  (void)write_value(&b, r->statement->out[column].type, t);
  return arena_built(&q->arena, &b);
}
