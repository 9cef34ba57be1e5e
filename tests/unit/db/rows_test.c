/* Rows into structs, JSON and cells: NULLs, arrays, and what an arena can't hold. */
#include "db/rows.c"

#include <setjmp.h>

#include <cmocka.h>

struct thing {
  int64_t ord;
  struct uuid id;
  struct text word, bytes, json;
  micros at;
  bool has_at;
  bool good;
  int64_t n;
  bool has_n;
  struct sql_list words, ids, numbers;
};
#define SLOT(name, type)                                                                           \
  { #name, type, false, offsetof(struct thing, name), SIZE_MAX }
#define MAYBE(name, type)                                                                          \
  { #name, type, false, offsetof(struct thing, name), offsetof(struct thing, has_##name) }
static const struct sql_slot slots[] = {
    SLOT(ord, SQL_INT),
    SLOT(id, SQL_UUID),
    SLOT(word, SQL_TEXT),
    SLOT(bytes, SQL_BYTEA),
    SLOT(json, SQL_JSON),
    MAYBE(at, SQL_TIME),
    SLOT(good, SQL_BOOL),
    MAYBE(n, SQL_BIGINT),
    SLOT(words, SQL_TEXTS),
    SLOT(ids, SQL_UUIDS),
    SLOT(numbers, SQL_BIGINTS),
    {"_hidden", SQL_TEXT, false, offsetof(struct thing, word), SIZE_MAX},
};
static const struct statement statement = {.name = "thing",
                                           .flags = SQL_MANY,
                                           .out = slots,
                                           .out_count = COUNT(slots) - 1,
                                           .out_size = sizeof(struct thing)};
static struct request q;
static PGresult *result;
static struct rows rows;

static int set_up(void **state) {
  (void)state;
  PGresAttDesc columns[COUNT(slots)] = {{0}};
  char name[] = "column";
  for (size_t i = 0; i < COUNT(slots); i++) {
    columns[i].name = name;
    columns[i].format = 1;
  }
  result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
  assert_true(PQsetResultAttrs(result, COUNT(slots), columns));
  for (int c = 0; c < (int)COUNT(slots); c++)
    assert_true(PQsetvalue(result, 0, c, NULL, -1));
  rows = (struct rows){&statement, result, 0, 1};
  q = (struct request){0};
  return 0;
}

static int tear_down(void **state) {
  (void)state;
  PQclear(result);
  arena_free(&q.arena);
  return 0;
}

static void put(int column, const void *bytes, size_t len) {
  assert_true(PQsetvalue(result, 0, column, (char *)(uintptr_t)bytes, (int)len));
}

static void put_number(int column, int64_t n) {
  uint64_t wire = htobe64((uint64_t)n);
  put(column, &wire, sizeof wire);
}

/* An array of texts, "?" being NULL. */
static void put_words(int column, const char *const *words, uint32_t count) {
  struct builder b = {0};
  uint32_t head[5] = {htobe32(1), htobe32(1), htobe32(25), htobe32(count), htobe32(1)};
  build_bytes(&b, head, sizeof head);
  for (uint32_t i = 0; i < count; i++) {
    bool null = strcmp(words[i], "?") == 0;
    uint32_t len = htobe32(null ? UINT32_MAX : (uint32_t)strlen(words[i]));
    build_bytes(&b, &len, sizeof len);
    if (!null) build_str(&b, words[i]);
  }
  put(column, b.at, b.len);
  builder_free(&b);
}

static void nulls_read_as_nothing(void **state) {
  (void)state;
  struct thing t;
  assert_true(rows_read(&q, &rows, 0, &statement, &t));
  assert_true(uuid_is_zero(t.id));
  assert_null(t.word.at);
  assert_false(t.has_at || t.has_n || t.good);
  assert_null(t.words.items);
  struct builder b = {0};
  rows_object(&rows, 0, &b);
  build_char(&b, 0);
  assert_string_equal(b.at, "{\"id\":null,\"word\":null,\"bytes\":null,\"json\":null,\"at\":null,"
                            "\"good\":null,\"n\":null,\"words\":null,\"ids\":null,"
                            "\"numbers\":null}");
  builder_free(&b);
  micros at;
  assert_false(rows_time(&rows, 0, 5, &at));
  assert_null(rows_cell(&q, &rows, 0, 2).at);
}

static void no_row_is_no_row(void **state) {
  (void)state;
  struct thing t;
  rows.count = 0;
  assert_false(rows_read(&q, &rows, 0, &statement, &t));
  assert_int_equal(t.n, 0);
}

static void values_as_json(void **state) {
  (void)state;
  static const char *const words[] = {"a\"b", "", "?", "讲座"};
  put(2, "", 0);
  put(3, "\x01\xfe", 2);
  put(4, "{\"a\":1}", 7);
  put_number(5, 0);
  put(6, "\1", 1);
  put_number(7, INT64_MIN);
  put_words(8, words, 4);
  put(9, "\0\0\0\0\0\0\0\0\0\0\0\0", 12); /* the empty array has no dimension */
  struct builder b = {0};
  rows_object(&rows, 0, &b);
  build_char(&b, 0);
  assert_string_equal(b.at, "{\"id\":null,\"word\":\"\",\"bytes\":\"01fe\",\"json\":{\"a\":1},"
                            "\"at\":\"2000-01-01T00:00:00.000Z\",\"good\":true,"
                            "\"n\":-9223372036854775808,\"words\":[\"a\\\"b\",\"\",\"\",\"讲座\"],"
                            "\"ids\":[],\"numbers\":null}");
  builder_free(&b);
  struct thing t;
  assert_true(rows_read(&q, &rows, 0, &statement, &t));
  assert_int_equal(t.words.count, 4);
  assert_null(((const struct text *)t.words.items)[2].at);
  assert_true(text_is(((const struct text *)t.words.items)[3], "讲座"));
  assert_non_null(t.ids.items); /* empty is not NULL */
  assert_int_equal(t.ids.count, 0);
  assert_true(text_is(rows_cell(&q, &rows, 0, 5), "2000-01-01T00:00:00.000Z"));
  assert_true(text_is(rows_cell(&q, &rows, 0, 6), "true"));
}

static void a_list_too_long_for_the_arena_fails_it(void **state) {
  (void)state;
  static const char *words[ARENA_LARGEST / sizeof(struct text) + 1];
  struct thing t;
  struct builder b = {0};
  for (size_t i = 0; i < COUNT(words); i++)
    words[i] = "w";
  put_words(8, words, COUNT(words));
  assert_true(rows_read(&q, &rows, 0, &statement, &t));
  assert_true(q.arena.failed);
  assert_int_equal(t.words.count, 0);
  rows_object(&rows, 0, &b);
  assert_true(b.failed); /* and is never shown as an empty one */
  builder_free(&b);
}

int main(void) {
#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      EACH(nulls_read_as_nothing),
      EACH(no_row_is_no_row),
      EACH(values_as_json),
      EACH(a_list_too_long_for_the_arena_fails_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
