/* Any bytes as JSON: refused with a reason, or read, written and read again as the same. Any text
 * written as a JSON string is that text when it is read; written as HTML it opens nothing. */
#include "tests/fuzz/fuzz.h"

static void try_document(struct arena *a, struct text t) {
  struct builder once = {0}, twice = {0};
  struct text why = NONE;
  const struct json *j = json_parse(a, t, &why);
  CHECK(j || why.at);
  if (!j) return;
  json_write(&once, j);
  const struct json *again = json_parse(a, built(&once), &why);
  CHECK(again);
  json_write(&twice, again);
  CHECK(text_equal(built(&once), built(&twice)));
  builder_free(&once);
  builder_free(&twice);
}

static void try_string(struct arena *a, struct text t) {
  struct builder b = {0};
  struct text why = NONE;
  if (!text_is_utf8(t) || memchr(t.at, 0, t.len)) return;
  build_quoted(&b, t);
  CHECK(text_equal(json_text(json_parse(a, built(&b), &why)), t));
  builder_free(&b);
}

static void try_html(struct text t) {
  struct builder b = {0};
  build_html(&b, t);
  for (size_t i = 0; i < b.len; i++)
    CHECK(!strchr("<>\"'", b.at[i]) || !b.at[i]);
  builder_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct text t = {(const char *)data, size};
  try_document(&a, t);
  if (size && size < ARENA_LARGEST) try_string(&a, t);
  try_html(t);
  arena_free(&a);
  return 0;
}
