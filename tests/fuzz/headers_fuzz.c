/* The values of headers that choose the answer: languages, media types, codings, entity tags, and
 * names of downloads on the way out. What comes first with full weight decides; case and white
 * space around it change nothing. */
#include "api/internal.h"
#include "tests/fuzz/fuzz.h"

static struct text other_case(struct arena *a, struct text t) {
  char *out = arena_alloc(a, t.len + 1);
  for (size_t i = 0; i < t.len; i++) {
    char c = t.at[i];
    out[i] = (char)((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? c ^ 0x20 : c);
  }
  return (struct text){out, t.len};
}

static void try_language(struct arena *a, struct text t) {
  bool chinese = prefers_chinese(t);
  CHECK(prefers_chinese(other_case(a, t)) == chinese);
  CHECK(prefers_chinese(arena_printf(a, "\t %.*s ", TEXT_ARGS(t))) == chinese);
  CHECK(prefers_chinese(arena_printf(a, "%.*s,fr,zh;q=0,en;q=0", TEXT_ARGS(t))) == chinese);
  CHECK(prefers_chinese(arena_printf(a, "zh-Hans-CN,%.*s", TEXT_ARGS(t))));
  CHECK(!prefers_chinese(arena_printf(a, "en-GB,%.*s", TEXT_ARGS(t))));
}

static void try_media(struct arena *a, struct text t) {
  static const char *const kinds[] = {"application/json", "text/csv", "application/problem+json"};
  for (size_t i = 0; i < COUNT(kinds); i++) {
    bool takes = accepts(t, kinds[i]);
    CHECK(accepts(other_case(a, t), kinds[i]) == takes);
    CHECK(accepts(arena_printf(a, "%s,%.*s", kinds[i], TEXT_ARGS(t)), kinds[i]));
    CHECK(!accepts(arena_printf(a, "%s;q=0,%.*s", kinds[i], TEXT_ARGS(t)), kinds[i]));
    CHECK(accepts(arena_printf(a, "%.*s, image/png", TEXT_ARGS(t)), kinds[i]) == takes);
  }
  CHECK(accepts_gzip(other_case(a, t)) == accepts_gzip(t));
  CHECK(accepts_gzip(arena_printf(a, "gzip , %.*s", TEXT_ARGS(t))));
  CHECK(!accepts_gzip(arena_printf(a, "x-gzip;q=0.000,%.*s", TEXT_ARGS(t))));
}

static void try_tags(struct arena *a, struct text t) {
  struct text tag = etag_of(a, t), other = etag_of(a, LIT("something else"));
  CHECK(etag_listed(tag, tag) && etag_listed(arena_printf(a, " %.*s ", TEXT_ARGS(tag)), tag));
  CHECK(etag_listed(arena_printf(a, "%.*s, W/%.*s", TEXT_ARGS(t), TEXT_ARGS(tag)), tag));
  CHECK(
      etag_listed(arena_printf(a, "%.*s-gz\",%.*s", (int)tag.len - 1, tag.at, TEXT_ARGS(t)), tag));
  /* By chance nobody names what it has not seen. */
  bool star = memchr(t.at, '*', t.len);
  CHECK(star || !etag_listed(t, tag) || t.len >= tag.len);
  CHECK(star || !etag_listed(tag, other));
}

/* One header, two names: nothing ends the first early, and no name leads anywhere. */
static void try_download(struct text t) {
  struct exchange x = {0};
  reply_download(&x.q, t);
  struct text v = x.headers[0].value;
  for (size_t i = 0, quotes = 0; i < v.len; i++) {
    unsigned char c = (unsigned char)v.at[i];
    quotes += c == '"';
    CHECK(c >= ' ' && c < 0x7f && quotes <= 2 && !strchr("/\\", c));
  }
  CHECK(!memmem(v.at, v.len, "%2F", 3) && !memmem(v.at, v.len, "%00", 3));
  arena_free(&x.q.arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > 2048 || memchr(data, 0, size)) return 0;
  struct arena a = {0};
  struct text t = {(const char *)data, size};
  try_language(&a, t);
  try_media(&a, t);
  try_tags(&a, t);
  try_download(t);
  arena_free(&a);
  return 0;
}
