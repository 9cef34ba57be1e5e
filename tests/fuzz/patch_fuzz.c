/* Bodies and merge patches against the routes that take them. The first byte chooses the route, the
 * rest is the body. A body that may stand may stand as a patch, written again it says the same, and
 * each fault points at what is there, or at what should be. */
#include "api/internal.h"
#include "tests/fuzz/fuzz.h"

static size_t faults_of(struct exchange *x, const struct json *j, bool patch) {
  size_t n = 0;
  x->q.faults = NULL;
  x->body = (struct json *)(uintptr_t)j;
  body_check(&x->q, x->route->body, j, patch);
  for (const struct fault *f = x->q.faults; f; f = f->next, n++)
    CHECK(f->code && f->detail_en.len && f->detail_zh.len && text_is_utf8(f->pointer));
  CHECK(n <= FAULTS_MOST);
  return n;
}

/* What one step of a pointer names, RFC 6901. */
static const struct json *below(struct arena *a, const struct json *j, struct text name) {
  int64_t at;
  struct builder b = {0};
  if (json_kind(j) == JSON_LIST)
    return text_to_int(name, &at) && at >= 0 ? json_at(j, (size_t)at) : NULL;
  for (size_t i = 0; i < name.len; i++)
    if (name.at[i] == '~')
      build_char(&b, name.at[++i] == '0' ? '~' : '/');
    else
      build_char(&b, name.at[i]);
  struct text key = b.len ? arena_copy(a, built(&b)) : LIT("");
  builder_free(&b);
  return json_get(j, key.at);
}

static void try_pointers(struct exchange *x, const struct json *root) {
  for (const struct fault *f = x->q.faults; f; f = f->next) {
    const struct json *j = root;
    struct text rest = f->pointer;
    CHECK(!rest.len || rest.at[0] == '/');
    (void)text_cut(&rest, '/');
    while (rest.at && j)
      j = below(&x->q.arena, j, text_cut(&rest, '/'));
    CHECK(j || strcmp(f->code, "required") == 0);
  }
}

/* All that a handler reads is of the kind that its field promises. */
static void try_reading(struct exchange *x) {
  micros at;
  for (const struct field *f = x->route->body; f->kind != FIELD_END; f++) {
    const struct json *j = json_get(x->body, f->name);
    if (!j || json_kind(j) == JSON_NULL) continue;
    if (f->kind == FIELD_INT)
      CHECK(body_int(&x->q, f->name, -1) >= f->least && body_int(&x->q, f->name, -1) <= f->most);
    if (f->kind == FIELD_TIME) CHECK(body_time(&x->q, f->name, &at));
    if (f->kind == FIELD_TEXT || f->kind == FIELD_PROSE)
      CHECK(text_is_clean(body_text(&x->q, f->name), f->kind == FIELD_PROSE));
    if (f->kind == FIELD_UUID) (void)body_id(&x->q, f->name);
  }
}

static void try_body(struct exchange *x, struct text t) {
  struct text why = NONE;
  const struct json *j = json_parse(&x->q.arena, t, &why);
  if (!j) return;
  size_t as_patch = faults_of(x, j, true);
  try_pointers(x, j);
  size_t faults = faults_of(x, j, false);
  try_pointers(x, j);
  CHECK(as_patch <= faults); /* a patch asks for no more than the whole does */
  if (!x->q.arena.failed && !faults) try_reading(x);
  if (json_kind(j) != JSON_OBJECT) return;
  struct text written = body_json(&x->q);
  if (x->q.arena.failed) return;
  const struct json *again = json_parse(&x->q.arena, written, &why);
  CHECK(again && faults_of(x, again, false) == faults);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct exchange x = {0};
  if (size < 2 || size > BODY_MOST) return 0;
  size_t chosen = (data[0] - ' ') & 0xFF, taking = 0;
  for (size_t i = 0; i < route_count; i++)
    taking += routes[i].body != NULL;
  chosen %= taking;
  for (size_t i = 0; i < route_count && !x.route; i++)
    if (routes[i].body && chosen-- == 0) x.route = &routes[i];
  try_body(&x, (struct text){(const char *)data + 1, size - 1});
  arena_free(&x.q.arena);
  return 0;
}
