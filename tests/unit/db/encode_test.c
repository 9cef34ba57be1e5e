/* Parameters as PostgreSQL reads them: NULLs, empty texts, arrays, and batches with emptied slots.
 */
#include "db/encode.c"

#include <setjmp.h>

#include <cmocka.h>

struct all_in {
  struct uuid id;
  int64_t big;
  bool has_big;
  int64_t small;
  bool flag;
  struct text word;
  micros at;
  bool has_at;
  struct sql_list ids, words, numbers;
};
#define SLOT(name, type, required)                                                                 \
  { #name, type, required, offsetof(struct all_in, name), SIZE_MAX }
#define MAYBE(name, type)                                                                          \
  { #name, type, false, offsetof(struct all_in, name), offsetof(struct all_in, has_##name) }
static const struct sql_slot slots[] = {
    SLOT(id, SQL_UUID, false),   MAYBE(big, SQL_BIGINT),       SLOT(small, SQL_INT, true),
    SLOT(flag, SQL_BOOL, true),  SLOT(word, SQL_TEXT, false),  MAYBE(at, SQL_TIME),
    SLOT(ids, SQL_UUIDS, false), SLOT(words, SQL_TEXTS, true), SLOT(numbers, SQL_BIGINTS, true),
};
static const struct statement single = {.name = "single", .in = slots, .in_count = COUNT(slots)};
static const struct statement many = {
    .name = "many", .flags = SQL_MANY | SQL_GLOBAL, .in = slots, .in_count = 6};
static struct params p;

static uint32_t word_at(int i, size_t offset) {
  uint32_t n;
  memcpy(&n, p.values[i] + offset, sizeof n);
  return be32toh(n);
}

static int64_t long_at(int i, size_t offset) {
  uint64_t n;
  memcpy(&n, p.values[i] + offset, sizeof n);
  return (int64_t)be64toh(n);
}

static void make_single(const struct all_in *in) {
  struct asked a = {.s = &single, .in = in}, *one = &a;
  assert_true(params_make(&p, &single, 42, &one, 1));
  assert_int_equal(p.count, 10);
}

static void nothing_is_null_unless_required(void **state) {
  (void)state;
  struct all_in in = {0};
  make_single(&in);
  assert_int_equal(p.types[0], OID_INT8);
  assert_int_equal(long_at(0, 0), 42); /* the community comes first */
  assert_null(p.values[1]);
  assert_null(p.values[2]);
  assert_int_equal(p.lengths[3], 4);
  assert_int_equal(p.lengths[4], 1);
  assert_null(p.values[5]);
  assert_null(p.values[6]);
  assert_null(p.values[7]);
  assert_int_equal(word_at(8, 12), 0); /* required: an empty array */
  assert_int_equal(word_at(9, 12), 0);
  for (int i = 0; i < p.count; i++)
    assert_int_equal(p.formats[i], 1);
}

static void values_in_network_order(void **state) {
  (void)state;
  struct uuid ids[2] = {{{1}}, {{2}}};
  struct text words[3] = {LIT("a"), LIT(""), LIT("讲座")};
  int64_t numbers[1] = {-5};
  struct all_in in = {.id = {{7}},
                      .big = -2,
                      .has_big = true,
                      .small = 70000,
                      .flag = true,
                      .word = LIT(""),
                      .at = EPOCH_2000 + 3,
                      .has_at = true,
                      .ids = {2, ids},
                      .words = {3, words},
                      .numbers = {1, numbers}};
  make_single(&in);
  assert_int_equal(p.lengths[1], 16);
  assert_int_equal(long_at(2, 0), -2);
  assert_int_equal(word_at(3, 0), 70000);
  assert_int_equal(p.values[4][0], 1);
  assert_non_null(p.values[5]); /* empty is not NULL */
  assert_int_equal(p.lengths[5], 0);
  assert_int_equal(long_at(6, 0), 3);
  assert_int_equal(word_at(7, 8), OID_UUID);
  assert_int_equal(word_at(7, 12), 2);
  assert_int_equal(p.lengths[7], 20 + 2 * 20);
  assert_int_equal(word_at(8, 12), 3);
  assert_int_equal(word_at(8, 20), 1);
  assert_int_equal(word_at(8, 25), 0); /* the empty text: length 0, not -1 */
  assert_int_equal(word_at(8, 29), strlen("讲座"));
  assert_int_equal(long_at(9, 24), -5);
}

static void a_batch_is_arrays(void **state) {
  (void)state;
  struct all_in first = {.word = LIT("x"), .has_big = true, .big = 9}, third = {.small = 3};
  struct asked a = {.in = &first}, c = {.in = &third};
  struct asked *asks[] = {&a, NULL, &c}; /* the second's request is gone */
  assert_true(params_make(&p, &many, 42, asks, 3));
  assert_int_equal(p.count, 6); /* global: no community */
  assert_int_equal(p.types[0], OID_UUID_LIST);
  for (int i = 0; i < p.count; i++)
    assert_int_equal(word_at(i, 12), 3); /* it keeps its place, so that ordinals stay */
  assert_int_equal(p.lengths[2], 20 + 8 + 4 + 8);
  assert_int_equal(word_at(2, 28), UINT32_MAX); /* small: 0, NULL, 3 */
  assert_int_equal(word_at(2, 36), 3);
  assert_int_equal(word_at(4, 20), 1);
  assert_int_equal(word_at(4, 25), UINT32_MAX);
  assert_int_equal(word_at(4, 29), UINT32_MAX);
  assert_int_equal(p.lengths[4], 33);
  assert_int_equal(word_at(1, 20), 8);
}

static void too_much_is_refused_and_forgotten(void **state) {
  (void)state;
  static char large[1 << 20];
  struct all_in in = {.word = {large, sizeof large}}, *same = &in;
  struct asked a = {.in = same}, *asks[80];
  for (size_t i = 0; i < COUNT(asks); i++)
    asks[i] = &a;
  assert_false(params_make(&p, &many, 0, asks, COUNT(asks)));
  assert_true(params_make(&p, &many, 0, asks, 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_is_null_unless_required),
      cmocka_unit_test(values_in_network_order),
      cmocka_unit_test(a_batch_is_arrays),
      cmocka_unit_test(too_much_is_refused_and_forgotten),
  };
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  builder_free(&scratch);
  return failed;
}
