/* Parameters in PostgreSQL's binary format: network byte order, arrays as their typsend wrote them
 * (src/backend/utils/adt/arrayfuncs.c, array_send). */
#include "db/internal.h"

#include <endian.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
  OID_BOOL = 16,
  OID_BYTEA = 17,
  OID_INT8 = 20,
  OID_INT4 = 23,
  OID_TEXT = 25,
  OID_JSON = 114,
  OID_JSON_LIST = 199,
  OID_BOOL_LIST = 1000,
  OID_BYTEA_LIST = 1001,
  OID_INT4_LIST = 1007,
  OID_TEXT_LIST = 1009,
  OID_INT8_LIST = 1016,
  OID_TIME = 1184,
  OID_TIME_LIST = 1185,
  OID_UUID = 2950,
  OID_UUID_LIST = 2951
};
static const struct {
  Oid one, list;
  enum sql_type item; /* of the array types: what their items are */
} types[] = {
    [SQL_UUID] = {OID_UUID, OID_UUID_LIST, SQL_UUID},
    [SQL_BIGINT] = {OID_INT8, OID_INT8_LIST, SQL_BIGINT},
    [SQL_INT] = {OID_INT4, OID_INT4_LIST, SQL_INT},
    [SQL_BOOL] = {OID_BOOL, OID_BOOL_LIST, SQL_BOOL},
    [SQL_TEXT] = {OID_TEXT, OID_TEXT_LIST, SQL_TEXT},
    [SQL_BYTEA] = {OID_BYTEA, OID_BYTEA_LIST, SQL_BYTEA},
    [SQL_TIME] = {OID_TIME, OID_TIME_LIST, SQL_TIME},
    [SQL_JSON] = {OID_JSON, OID_JSON_LIST, SQL_JSON},
    [SQL_UUIDS] = {OID_UUID_LIST, 0, SQL_UUID},
    [SQL_TEXTS] = {OID_TEXT_LIST, 0, SQL_TEXT},
    [SQL_BIGINTS] = {OID_INT8_LIST, 0, SQL_BIGINT},
};
/* PostgreSQL counts from 2000-01-01. */
static const micros EPOCH_2000 = INT64_C(946684800000000);

/* Encodes here; grows to the largest batch seen and stays. */
static _Thread_local struct builder scratch = {.cap = 64 << 20};

/* Given back when its thread ends: threads of jobs come and go. */
static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static void forget_scratch(void *which) {
  builder_free(which);
}
static void make_scratch_key(void) {
  if (pthread_key_create(&scratch_key, forget_scratch) != 0) abort();
}
static void begin_scratch(void) {
  pthread_once(&scratch_once, make_scratch_key);
  if (!scratch.at) (void)pthread_setspecific(scratch_key, &scratch);
  scratch.len = 0;
  scratch.failed = false;
}

static void put32(struct builder *b, uint32_t n) {
  n = htobe32(n);
  build_bytes(b, &n, sizeof n);
}

static void put64(struct builder *b, int64_t n) {
  uint64_t wire = htobe64((uint64_t)n);
  build_bytes(b, &wire, sizeof wire);
}

static void put_int(struct builder *b, enum sql_type type, int64_t n) {
  if (type == SQL_BOOL)
    build_char(b, n ? 1 : 0);
  else if (type == SQL_INT)
    put32(b, (uint32_t)n);
  else
    put64(b, type == SQL_TIME ? n - EPOCH_2000 : n);
}

static bool is_text(enum sql_type type) {
  return type == SQL_TEXT || type == SQL_BYTEA || type == SQL_JSON;
}

static bool is_list(enum sql_type type) {
  return type == SQL_UUIDS || type == SQL_TEXTS || type == SQL_BIGINTS;
}

/* The value of a slot, without a length; false when it is NULL. */
static bool put_value(struct builder *b, const struct sql_slot *slot, const char *in) {
  const char *at = in + slot->offset;
  if (is_text(slot->type)) {
    const struct text *t = (const void *)at;
    build_bytes(b, t->at ? t->at : "", t->len);
    return t->at || slot->required;
  }
  if (slot->type == SQL_UUID) {
    const struct uuid *u = (const void *)at;
    build_bytes(b, u->b, sizeof u->b);
    return slot->required || !uuid_is_zero(*u);
  }
  if (slot->has != SIZE_MAX && !*(const bool *)(in + slot->has)) return false;
  int64_t n;
  if (slot->type == SQL_BOOL) {
    n = *(const bool *)at;
  } else {
    memcpy(&n, at, sizeof n);
  }
  put_int(b, slot->type, n);
  return true;
}

static void put_list_head(struct builder *b, Oid item, size_t count) {
  put32(b, 1);    /* dimensions */
  put32(b, 1);    /* may hold NULLs */
  put32(b, item); /* type of the items */
  put32(b, (uint32_t)count);
  put32(b, 1); /* lower bound */
}

/* One array parameter of a batch: the slot of every ask in turn. */
static void put_batch(struct builder *b, const struct sql_slot *slot, struct asked *const *asks,
                      size_t count) {
  put_list_head(b, types[slot->type].one, count);
  for (size_t i = 0; i < count; i++) {
    size_t length_at = b->len;
    put32(b, UINT32_MAX);
    size_t start = b->len;
    /* An emptied slot keeps its place, so that ordinals stay; as NULLs it matches nothing. */
    bool there = asks[i] && put_value(b, slot, asks[i]->in);
    if (!there) b->len = start;
    if (!there || b->failed) continue;
    uint32_t length = htobe32((uint32_t)(b->len - start));
    memcpy(b->at + length_at, &length, sizeof length);
  }
}

static bool put_list(struct builder *b, const struct sql_slot *slot, const char *in) {
  const struct sql_list *list = (const void *)(in + slot->offset);
  if (!list->items && !slot->required) return false;
  enum sql_type item = types[slot->type].item;
  size_t count = list->items ? list->count : 0;
  put_list_head(b, types[item].one, count);
  for (size_t i = 0; i < count; i++) {
    if (item == SQL_UUID) {
      put32(b, sizeof(struct uuid));
      build_bytes(b, ((const struct uuid *)list->items)[i].b, sizeof(struct uuid));
    } else if (item == SQL_TEXT) {
      struct text t = ((const struct text *)list->items)[i];
      put32(b, (uint32_t)t.len);
      build_text(b, t);
    } else {
      put32(b, sizeof(int64_t));
      put64(b, ((const int64_t *)list->items)[i]);
    }
  }
  return true;
}

static void take(struct params *p, bool there, size_t start) {
  p->values[p->count] = there ? (const char *)start : NULL; /* an offset until all is written */
  p->lengths[p->count] = (int)(scratch.len - start);
  p->formats[p->count] = 1;
  p->count++;
}

static bool settle(struct params *p, const bool *there) {
  for (int i = 0; i < p->count; i++)
    p->values[i] = there[i] ? scratch.at + (size_t)p->values[i] : NULL;
  return !scratch.failed;
}

bool params_make(struct params *p, const struct statement *s, int64_t community,
                 struct asked *const *asks, size_t count) {
  bool there[PARAMS_MAX];
  p->count = 0;
  begin_scratch();
  if (!(s->flags & SQL_GLOBAL)) {
    put64(&scratch, community);
    there[0] = true;
    take(p, true, 0);
  }
  for (size_t i = 0; i < s->in_count; i++) {
    const struct sql_slot *slot = &s->in[i];
    size_t start = scratch.len;
    bool value = true;
    if (s->flags & SQL_MANY)
      put_batch(&scratch, slot, asks, count);
    else if (is_list(slot->type))
      value = put_list(&scratch, slot, asks[0]->in);
    else
      value = put_value(&scratch, slot, asks[0]->in);
    there[p->count] = value;
    take(p, value, start);
  }
  params_types(p, s);
  build_char(&scratch, 0); /* so that a pointer behind the last value is still inside */
  return settle(p, there);
}

void params_types(struct params *p, const struct statement *s) {
  int n = 0;
  if (!(s->flags & SQL_GLOBAL)) p->types[n++] = OID_INT8;
  for (size_t i = 0; i < s->in_count; i++) {
    enum sql_type t = s->in[i].type;
    p->types[n++] = s->flags & SQL_MANY ? types[t].list : types[t].one;
  }
  p->count = n;
}

const struct params *params_of(const struct statement *s, int64_t community, const void *in) {
  static _Thread_local struct params p;
  struct asked a = {.s = s, .in = in}, *one = &a;
  return params_make(&p, s, community, &one, 1) ? &p : NULL;
}
