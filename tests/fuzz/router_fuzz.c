/* Any target: the path a route is found by is the one that the route and its parameters spell, what
 * a query holds is what it holds when it is written again, and a cursor is the page it came from.
 */
#include "api/internal.h"
#include "tests/fuzz/fuzz.h"

static struct text spelled(struct arena *a, const struct exchange *x) {
  struct builder b = {0};
  size_t i = 0;
  for (struct text rest = text_of(x->route->path + 1); rest.at;) {
    struct text segment = text_cut(&rest, '/');
    build_char(&b, '/');
    build_text(&b, text_starts(segment, "{") ? x->path_params[i++] : segment);
  }
  struct text t = arena_copy(a, built(&b));
  builder_free(&b);
  return t;
}

static void try_path(struct exchange *x, enum method m) {
  unsigned allowed = 0, ignored;
  struct text none[PATH_PARAMS];
  x->route = route_find(x->path, m, x->path_params, &allowed);
  if (x->route) {
    CHECK(x->route->method == m && allowed & 1u << m);
    CHECK(text_equal(spelled(&x->q.arena, x), x->path));
    struct text slug = path_param(x, "slug");
    CHECK(!slug.at || (slug.len && !memchr(slug.at, '/', slug.len)));
    CHECK(!path_param(x, "no such").at);
    (void)path_id(&x->q, "id");
  }
  /* Whoever asks for it with another method is told the same ones. */
  CHECK(!route_find(x->path, METHOD_COUNT, none, &ignored) && ignored == allowed);
}

static void encode(struct builder *b, struct text t) {
  for (size_t i = 0; i < t.len; i++)
    build_printf(b, "%%%02X", (unsigned char)t.at[i]);
}

static void try_query(struct exchange *x) {
  struct exchange again = {0};
  struct builder b = {0};
  bool good = query_parse(x);
  for (size_t i = 0; good && i < x->query_count; i++) {
    CHECK(text_is_utf8(x->query[i].value) &&
          !memchr(x->query[i].value.at, '\n', x->query[i].value.len));
    if (i) build_char(&b, '&');
    encode(&b, x->query[i].name);
    build_char(&b, '=');
    encode(&b, x->query[i].value);
  }
  again.query_string = built(&b);
  CHECK(!good || query_parse(&again));
  CHECK(!good || again.query_count == x->query_count);
  for (size_t i = 0; good && i < x->query_count; i++)
    CHECK(text_equal(again.query[i].name, x->query[i].name) &&
          text_equal(again.query[i].value, x->query[i].value));
  builder_free(&b);
  arena_free(&again.q.arena);
}

static void try_cursor(struct exchange *x) {
  struct page p;
  struct text cursor = query_text(&x->q, "cursor");
  if (page_read(&x->q, &p) && cursor.at)
    CHECK(text_equal(cursor_make(&x->q.arena, p.after_key, p.after_id), cursor));
  else
    CHECK(!cursor.at || x->q.problem == CURSOR_INVALID);
}

/* What passes the gate of the query holds no name twice and nothing that the route doesn't know. */
static void try_gate(struct exchange *x) {
  x->q.problem = NO_PROBLEM;
  query_check(&x->q, x->route);
  if (x->q.faults) return;
  for (size_t i = 0; i < x->query_count; i++)
    for (size_t k = 0; k < i; k++)
      CHECK(!text_equal(x->query[i].name, x->query[k].name));
  CHECK(query_int(&x->q, "limit", 20) >= 1 || !x->route->pages);
  CHECK(query_int(&x->q, "limit", 20) <= 100 || !x->route->pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct exchange x = {0};
  if (!size || size > TARGET_MOST || !router_open()) return 0;
  enum method m = (enum method)(GET + data[0] % DELETE);
  x.target = (struct text){(const char *)data + 1, size - 1};
  x.query_string = x.target;
  x.path = text_cut(&x.query_string, '?');
  try_path(&x, m);
  try_query(&x);
  try_cursor(&x);
  if (x.route) try_gate(&x);
  arena_free(&x.q.arena);
  return 0;
}
