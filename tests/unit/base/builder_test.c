/* Builders: what they write, and that the cap and a failing realloc leave nothing half-done. */
#include <stdlib.h>

static int realloc_left = 1 << 30;
static void *faked_realloc(void *p, size_t size) {
  return realloc_left-- > 0 ? realloc(p, size) : NULL;
}
#define realloc faked_realloc
#include "base/builder.c"
#undef realloc

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void wrote(struct builder *b, const char *what) {
  assert_true(text_is(built(b), what));
  builder_free(b);
}

static void writes_every_kind(void **state) {
  (void)state;
  struct builder b = {0};
  assert_null(built(&b).at);
  build_int(&b, INT64_MIN);
  build_char(&b, ' ');
  build_int(&b, 0);
  build_str(&b, " ");
  build_int(&b, INT64_MAX);
  build_text(&b, NONE);
  build_printf(&b, " %s %04d ", "x", 7);
  build_uuid(&b, (struct uuid){{1, 2}});
  build_char(&b, ' ');
  build_time(&b, 0);
  wrote(&b, "-9223372036854775808 0 9223372036854775807 x 0007 "
            "01020000-0000-0000-0000-000000000000 1970-01-01T00:00:00.000Z");
}

static void quotes_as_rfc_8259(void **state) {
  (void)state;
  struct builder b = {0};
  build_quoted(&b, LIT("a\"b\\c\n\r\t\b\x1f/中\x7f"));
  wrote(&b, "\"a\\\"b\\\\c\\n\\r\\t\\u0008\\u001f/中\x7f\"");
  build_quoted(&b, NONE);
  wrote(&b, "\"\"");
}

static void escapes_html(void **state) {
  (void)state;
  struct builder b = {0};
  build_html(&b, LIT("<a href='x'>&\"中\"</a>"));
  wrote(&b, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;中&quot;&lt;/a&gt;");
}

static void the_cap_is_exact(void **state) {
  (void)state;
  struct builder b = {.cap = 10};
  build_str(&b, "0123456789");
  assert_true(text_is(built(&b), "0123456789"));
  build_str(&b, "");
  assert_false(b.failed);
  build_char(&b, 'x');
  assert_true(b.failed && b.len == 10);
  assert_null(built(&b).at);
  builder_free(&b);
  assert_int_equal(b.cap, 10); /* kept */
}

static void after_a_failure_nothing_is_added(void **state) {
  (void)state;
  struct builder b = {.cap = 10};
  build_str(&b, "01234567");
  build_printf(&b, "%s", "too long");
  build_char(&b, 'x'); /* would fit */
  assert_true(b.failed && b.len == 8);
  builder_free(&b);
}

static void grows_to_its_own_limit(void **state) {
  (void)state;
  struct builder b = {0};
  char block[1000] = {0};
  while (!b.failed)
    build_bytes(&b, block, sizeof block);
  assert_true(b.len <= BUILDER_CAP && b.len > BUILDER_CAP - 1000);
  assert_true(b.room <= BUILDER_CAP + 1);
  builder_free(&b);
}

static void no_memory_is_a_failure(void **state) {
  (void)state;
  struct builder b = {0};
  build_str(&b, "kept");
  realloc_left = 0;
  for (int i = 0; i < 100; i++)
    build_str(&b, "0123456789");
  realloc_left = 1 << 30;
  assert_true(b.failed);
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_every_kind),
      cmocka_unit_test(quotes_as_rfc_8259),
      cmocka_unit_test(escapes_html),
      cmocka_unit_test(the_cap_is_exact),
      cmocka_unit_test(after_a_failure_nothing_is_added),
      cmocka_unit_test(grows_to_its_own_limit),
      cmocka_unit_test(no_memory_is_a_failure),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
