/* Paths to routes: every route is found by its own path, and nothing by another. */
#include "api/router.c"

#include <setjmp.h>

#include <cmocka.h>

static struct text params[PATH_PARAMS];
static unsigned allowed;

static const struct route *find(const char *path, enum method m) {
  memset(params, 0, sizeof params);
  return route_find(text_of(path), m, params, &allowed);
}

/* The path with something for each of its parameters. */
static struct text filled(struct arena *a, const char *path) {
  struct builder b = {0};
  for (struct text rest = text_of(path + 1); rest.at;) {
    struct text segment = text_cut(&rest, '/');
    build_char(&b, '/');
    if (text_starts(segment, "{"))
      build_str(&b, "~x~");
    else
      build_text(&b, segment);
  }
  struct text t = arena_copy(a, built(&b));
  builder_free(&b);
  return t;
}

static void every_route_is_found(void **state) {
  (void)state;
  struct arena a = {0};
  for (size_t i = 0; i < route_count; i++) {
    struct text path = filled(&a, routes[i].path);
    assert_ptr_equal(find(path.at, routes[i].method), &routes[i]);
    assert_true(allowed & 1u << routes[i].method);
    struct builder b = {0}; /* one segment more is another path */
    build_text(&b, path);
    build_str(&b, "/");
    build_char(&b, 0);
    assert_null(find(b.at, routes[i].method));
    builder_free(&b);
  }
  arena_free(&a);
}

static void parameters_by_name(void **state) {
  (void)state;
  struct exchange x = {.route = find("/v1/communities/some-slug/lectures", GET)};
  assert_non_null(x.route);
  memcpy(x.path_params, params, sizeof params);
  assert_true(text_is(path_param(&x, "slug"), "some-slug"));
  assert_null(path_param(&x, "id").at);
  assert_null(path_param(&x, "slu").at);
}

static void what_is_not_there(void **state) {
  (void)state;
  static const char *const paths[] = {"",
                                      "x",
                                      "/v1",
                                      "/v1/",
                                      "//",
                                      "/v1//",
                                      "/healthz/",
                                      "/HEALTHZ",
                                      "/{id}",
                                      "/v1/lectures/",
                                      "/v1/communities//lectures"};
  for (size_t i = 0; i < COUNT(paths); i++) {
    if (find(paths[i], GET)) fail_msg("%s", paths[i]);
    assert_int_equal(allowed, 0);
  }
  assert_null(find("/healthz", POST));
  assert_int_equal(allowed, 1u << GET);
  assert_null(find("/healthz", METHOD_COUNT));
}

static int set_up(void **state) {
  (void)state;
  return router_open() && router_open() ? 0 : -1; /* once per process, asked by each loop */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_route_is_found),
      cmocka_unit_test(parameters_by_name),
      cmocka_unit_test(what_is_not_there),
  };
  return cmocka_run_group_tests(tests, set_up, NULL);
}
