/* Arenas, with and without memory: malloc fails from the moment that malloc_left reaches 0. */
#include <stdlib.h>

static int malloc_left = 1 << 30;
static void *faked_malloc(size_t size) {
  return malloc_left-- > 0 ? malloc(size) : NULL;
}
#define malloc faked_malloc
#include "base/arena.c"
#undef malloc

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void gives_zeroed_aligned_memory(void **state) {
  (void)state;
  struct arena a = {0};
  for (size_t size = 0; size < 3000; size++) {
    unsigned char *p = arena_alloc(&a, size);
    assert_int_equal((uintptr_t)p % ALIGN, 0);
    for (size_t i = 0; i < size; i++)
      assert_int_equal(p[i], 0);
    memset(p, 0xaa, size);
  }
  assert_false(a.failed);
  arena_free(&a);
  assert_true(a.chunks == NULL && a.total == 0);
  assert_non_null(arena_alloc(&a, 8)); /* usable again */
  arena_free(&a);
}

static void copies_end_in_nul(void **state) {
  (void)state;
  struct arena a = {0};
  struct text t = arena_copy(&a, (struct text){"abcdef", 3});
  assert_string_equal(t.at, "abc");
  assert_null(arena_copy(&a, NONE).at);
  assert_non_null(arena_copy(&a, LIT("")).at);
  t = arena_printf(&a, "%d-%s", 7, "x");
  assert_string_equal(t.at, "7-x");
  assert_int_equal(t.len, 3);
  arena_free(&a);
}

static void too_long_texts_fail_softly(void **state) {
  (void)state;
  struct arena a = {0};
  assert_int_equal(arena_copy(&a, (struct text){"", ARENA_LARGEST}).len, 0);
  assert_true(a.failed);
  arena_free(&a);
  assert_false(a.failed);
  assert_int_equal(arena_printf(&a, "%*d", ARENA_LARGEST, 1).len, 0);
  assert_true(a.failed);
  arena_free(&a);
}

static void the_cap_holds(void **state) {
  (void)state;
  struct arena a = {0};
  for (int i = 0; i < 300; i++)
    memset(arena_alloc(&a, ARENA_LARGEST), 0xaa, ARENA_LARGEST);
  assert_true(a.failed && a.total <= ARENA_CAP);
  arena_free(&a);
}

static void without_memory_it_still_gives_something(void **state) {
  (void)state;
  struct arena a = {0};
  malloc_left = 0;
  for (size_t size = 1; size <= ARENA_LARGEST; size *= 2) {
    unsigned char *p = arena_alloc(&a, size);
    assert_true(p && p[0] == 0 && p[size - 1] == 0);
    memset(p, 0xaa, size);
  }
  assert_string_equal(arena_copy(&a, LIT("x")).at, "x");
  malloc_left = 1 << 30;
  assert_true(a.failed && a.total == 0);
  arena_free(&a);
}

static char order[64];
static void note(void *what) {
  size_t len = strlen(order);
  order[len] = *(char *)what;
  order[len + 1] = '\0';
}

static void cleans_newest_first(void **state) {
  (void)state;
  struct arena a = {0};
  order[0] = '\0';
  arena_defer(&a, note, (void *)"a");
  arena_defer(&a, note, (void *)"b");
  arena_free(&a);
  arena_free(&a); /* once only */
  assert_string_equal(order, "ba");
}

/* Also when there was no memory to note them in, and again after the spare notes came back. */
static void cleans_without_memory(void **state) {
  (void)state;
  for (int round = 0; round < 3; round++) {
    struct arena a = {0}, b = {0};
    order[0] = '\0';
    malloc_left = 0;
    for (int i = 0; i < SPARE_CLEANS / 2; i++)
      arena_defer(i % 2 ? &a : &b, note, (void *)"x");
    malloc_left = 1 << 30;
    assert_true(a.failed && b.failed);
    arena_free(&a);
    arena_free(&b);
    assert_int_equal(strlen(order), SPARE_CLEANS / 2);
  }
}

static void runs_out_of_spare_notes_safely(void **state) {
  (void)state;
  struct arena a = {0};
  order[0] = '\0';
  malloc_left = 0;
  for (int i = 0; i < SPARE_CLEANS + 5; i++)
    arena_defer(&a, note, (void *)"x");
  malloc_left = 1 << 30;
  arena_free(&a);
  assert_int_equal(strlen(order), SPARE_CLEANS);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(gives_zeroed_aligned_memory),
      cmocka_unit_test(copies_end_in_nul),
      cmocka_unit_test(too_long_texts_fail_softly),
      cmocka_unit_test(the_cap_holds),
      cmocka_unit_test(without_memory_it_still_gives_something),
      cmocka_unit_test(cleans_newest_first),
      cmocka_unit_test(cleans_without_memory),
      cmocka_unit_test(runs_out_of_spare_notes_safely),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
