/* The OpenAPI 3.1 document, written from routes[] and shapes[].
 *
 * Beside what the specification knows, an operation says `x-who` (the role it needs) and `x-fails`
 * (the problems of its own), and an answer says `x-problems` (the codes that come with its status);
 * the stories hold every reply against them. */
#include "api/describe.h"

#include <stdio.h>
#include <string.h>

/* Problems that the gates give are the same for many operations: their answers are components,
 * one set for each kind of operation. */
static const struct profile {
  const char *name;
  struct route route; /* of that kind, with nothing of its own */
} profiles[] = {
    {"anyone", {.method = GET, .path = "/", .who = ANYONE}},
    {"signed_in", {.method = GET, .path = "/", .who = SIGNED_IN, .pace = GENERAL}},
    {"list", {.method = GET, .path = "/", .who = SIGNED_IN, .pace = GENERAL, .pages = true}},
    {"write",
     {.method = POST,
      .path = "/",
      .who = SIGNED_IN,
      .pace = GENERAL,
      .body = (const struct field[]){{.kind = FIELD_END}}}},
    {"staff", {.method = GET, .path = "/", .who = OPERATORS, .pace = GENERAL}},
};

/* ---- answers ---- */

static void out_ref(struct builder *b, const char *name, const char *room, const char *what) {
  out_open(b, name, '{');
  build_printf(b, "\"$ref\":\"#/components/%s/%s\"", room, what);
  out_close(b, '}');
}

static void out_header(struct builder *b, const char *header) {
  out_ref(b, header, "headers", header);
}

/* The codes of this status, in the order of problem.def. */
static size_t codes_of(const struct route *r, int status, enum problem out[PROBLEM_COUNT]) {
  size_t n = 0;
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++)
    if (problem_kind(p)->status == status && route_fails_with(r, p)) out[n++] = p;
  return n;
}

static void problem_description(struct builder *b, const enum problem *codes, size_t n) {
  struct builder words = {0};
  for (size_t i = 0; i < n; i++)
    build_printf(&words, "%s`%s`: %s", i ? "; " : "", problem_kind(codes[i])->code,
                 problem_kind(codes[i])->en);
  out_text(b, "description", built(&words));
  builder_free(&words);
}

static void problem_headers(struct builder *b, int status) {
  out_open(b, "headers", '{');
  out_header(b, "X-Request-Id");
  out_header(b, "Content-Language");
  if (status == 401) out_header(b, "WWW-Authenticate");
  if (status == 429 || status >= 502) out_header(b, "Retry-After");
  if (status == 429) out_header(b, "RateLimit");
  out_close(b, '}');
}

static void problem_media(struct builder *b) {
  out_open(b, "application/problem+json", '{');
  out_ref(b, "schema", "schemas", "problem");
  out_close(b, '}');
}

static void problem_codes(struct builder *b, const enum problem *codes, size_t n) {
  out_open(b, "x-problems", '[');
  for (size_t i = 0; i < n; i++)
    out_str(b, NULL, problem_kind(codes[i])->code);
  out_close(b, ']');
}

static void problem_answer(struct builder *b, const char *name, int status,
                           const enum problem *codes, size_t n) {
  out_open(b, name, '{');
  problem_description(b, codes, n);
  problem_headers(b, status);
  out_open(b, "content", '{');
  problem_media(b);
  out_close(b, '}');
  problem_codes(b, codes, n);
  out_close(b, '}');
}

/* The profile whose answer of this status is exactly this one; NULL: none. */
static const struct profile *profile_with(int status, const enum problem *codes, size_t n) {
  enum problem theirs[PROBLEM_COUNT];
  for (size_t i = 0; i < COUNT(profiles); i++) {
    size_t count = codes_of(&profiles[i].route, status, theirs);
    if (count == n && memcmp(theirs, codes, n * sizeof *codes) == 0) return &profiles[i];
  }
  return NULL;
}

static void headers_of(struct builder *b, const struct route *r, const struct reply_kind *k) {
  out_open(b, "headers", '{');
  out_header(b, "X-Request-Id");
  if (k->status == 200 && route_has_etag(r)) out_header(b, "ETag");
  if (k->status == 201 || k->status == 202 || k->status == 302) out_header(b, "Location");
  if (k->page) out_header(b, "Link");
  if (r->pace && r->who != ANYONE) {
    out_header(b, "RateLimit-Policy");
    out_header(b, "RateLimit");
  }
  if (r->idempotent && k->status < 300) out_header(b, "Idempotent-Replayed");
  out_close(b, '}');
}

static bool media_first(const struct route *r, const struct reply_kind *k) {
  for (const struct reply_kind *e = r->replies; e < k; e++)
    if (e->status == k->status && media_of(e) && strcmp(media_of(e), media_of(k)) == 0)
      return false;
  return true;
}

/* Two forms of one media type under one status: either of them. */
static void media_schema(struct builder *b, const struct route *r, const struct reply_kind *k) {
  size_t forms = 0;
  for (const struct reply_kind *e = r->replies; e->status; e++)
    if (e->status == k->status && media_of(e) && strcmp(media_of(e), media_of(k)) == 0) forms++;
  if (forms == 1) {
    schema_reply(b, "schema", k);
    return;
  }
  out_open(b, "schema", '{');
  out_open(b, "oneOf", '[');
  for (const struct reply_kind *e = r->replies; e->status; e++)
    if (e->status == k->status && media_of(e) && strcmp(media_of(e), media_of(k)) == 0)
      schema_reply(b, NULL, e);
  out_close(b, ']');
  out_close(b, '}');
}

/* All that comes with one status: forms of the answer, and problems that share it. */
static void good_answer(struct builder *b, const struct route *r, const struct reply_kind *k) {
  char name[8];
  enum problem codes[PROBLEM_COUNT];
  size_t n = codes_of(r, k->status, codes);
  (void)snprintf(name, sizeof name, "%d", k->status);
  out_open(b, name, '{');
  out_str(b, "description", k->shape ? k->shape->says : status_phrase(k->status));
  headers_of(b, r, k);
  bool content = n > 0;
  for (const struct reply_kind *e = k; e->status; e++)
    content |= e->status == k->status && media_of(e);
  if (content) out_open(b, "content", '{');
  for (const struct reply_kind *e = k; e->status; e++) {
    if (e->status != k->status || !media_of(e) || !media_first(r, e)) continue;
    out_open(b, media_of(e), '{');
    media_schema(b, r, e);
    out_close(b, '}');
  }
  if (n) problem_media(b);
  if (content) out_close(b, '}');
  if (n) problem_codes(b, codes, n);
  out_close(b, '}');
}

static bool status_declared(const struct route *r, const struct reply_kind *before, int status) {
  for (const struct reply_kind *k = r->replies; k->status && k != before; k++)
    if (k->status == status) return true;
  return false;
}

static void problem_answers(struct builder *b, const struct route *r) {
  enum problem codes[PROBLEM_COUNT];
  char name[8], component[40];
  for (int status = 400; status < 600; status++) {
    size_t n = codes_of(r, status, codes);
    if (!n || status_declared(r, NULL, status)) continue;
    (void)snprintf(name, sizeof name, "%d", status);
    const struct profile *p = profile_with(status, codes, n);
    if (p) {
      (void)snprintf(component, sizeof component, "problem_%d_%s", status, p->name);
      out_ref(b, name, "responses", component);
    } else {
      problem_answer(b, name, status, codes, n);
    }
  }
}

static void answers(struct builder *b, const struct route *r) {
  out_open(b, "responses", '{');
  for (const struct reply_kind *k = r->replies; k->status; k++)
    if (!status_declared(r, k, k->status)) good_answer(b, r, k);
  if (route_has_etag(r) && !status_declared(r, NULL, 304)) out_ref(b, "304", "responses", "same");
  problem_answers(b, r);
  out_close(b, '}');
}

/* ---- parameters and bodies ---- */

static void parameter(struct builder *b, const struct field *f, const char *in, bool required) {
  out_open(b, NULL, '{');
  out_str(b, "name", f->name);
  out_str(b, "in", in);
  if (required) out_bool(b, "required", true);
  schema_field(b, "schema", f, IN_QUERY);
  out_close(b, '}');
}

static void path_parameters(struct builder *b, const struct route *r) {
  for (size_t i = 0; i < PATH_PARAMS; i++) {
    struct text name = route_parameter(r, i);
    char copy[40];
    if (!name.at) return;
    (void)snprintf(copy, sizeof copy, "%.*s", TEXT_ARGS(name));
    struct field f = {.name = copy, .kind = FIELD_UUID};
    if (text_is(name, "slug"))
      f = (struct field){.name = copy, .kind = FIELD_SLUG, .least = 2, .most = 64};
    parameter(b, &f, "path", true);
  }
}

static void parameters(struct builder *b, const struct route *r) {
  out_open(b, "parameters", '[');
  path_parameters(b, r);
  for (const struct field *f = r->query; f && f->kind != FIELD_END; f++)
    parameter(b, f, "query", !f->optional);
  if (r->pages) {
    out_ref(b, NULL, "parameters", "limit");
    out_ref(b, NULL, "parameters", "cursor");
  }
  if (r->idempotent) out_ref(b, NULL, "parameters", "idempotency_key");
  if (route_has_if_match(r)) out_ref(b, NULL, "parameters", "if_match");
  if (route_has_etag(r)) out_ref(b, NULL, "parameters", "if_none_match");
  if (!r->no_log) out_ref(b, NULL, "parameters", "accept_language");
  out_close(b, ']');
}

static void body_media(struct builder *b, const struct route *r, const char *media) {
  out_open(b, media, '{');
  schema_object(b, "schema", r->body, r->method == PATCH ? IN_PATCH : IN_BODY);
  sample_object(b, "example", r->body);
  out_close(b, '}');
}

/* Of any form: what its handler takes is said in words. */
static void raw_body(struct builder *b) {
  out_open(b, "requestBody", '{');
  out_open(b, "content", '{');
  out_open(b, "*/*", '{');
  out_close(b, '}');
  out_close(b, '}');
  out_close(b, '}');
}

static void request_body(struct builder *b, const struct route *r) {
  if (r->raw) raw_body(b);
  if (!r->body) return;
  out_open(b, "requestBody", '{');
  out_bool(b, "required", !r->body_optional);
  out_open(b, "content", '{');
  if (r->method == PATCH) body_media(b, r, "application/merge-patch+json");
  body_media(b, r, "application/json");
  out_close(b, '}');
  out_close(b, '}');
}

/* ---- operations ---- */

static void description(struct builder *b, const struct route *r) {
  static const char *const who[] = {[ANYONE] = "Anyone may call this.",
                                    [SIGNED_IN] = "For whoever is signed in.",
                                    [LECTURERS] = "For lecturers, operators and owners.",
                                    [OPERATORS] = "For operators and owners.",
                                    [OWNERS] = "For owners."};
  struct builder words = {0};
  bool ends = strchr(".?!", r->says[strlen(r->says) - 1]) != NULL;
  build_printf(&words, "%s%s %s", r->says, ends ? "" : ".", who[r->who]);
  if (r->pace) build_printf(&words, " Rate limit: `%s`.", pace_name(r->pace));
  out_text(b, "description", built(&words));
  builder_free(&words);
}

static void security(struct builder *b, const struct route *r) {
  out_open(b, "security", '[');
  if (r->who != ANYONE) {
    out_open(b, NULL, '{');
    out_open(b, "bearer", '[');
    out_close(b, ']');
    out_close(b, '}');
  }
  out_close(b, ']');
}

static void operation(struct builder *b, const struct route *r) {
  static const char *const verbs[] = {
      [GET] = "get", [POST] = "post", [PUT] = "put", [PATCH] = "patch", [DELETE] = "delete"};
  out_open(b, verbs[r->method], '{');
  out_str(b, "operationId", r->name);
  out_open(b, "tags", '[');
  out_str(b, NULL, r->tag);
  out_close(b, ']');
  out_str(b, "summary", r->says);
  description(b, r);
  security(b, r);
  out_str(b, "x-who", who_name(r->who));
  out_open(b, "x-fails", '[');
  for (const enum problem *p = r->fails; p && *p; p++)
    out_str(b, NULL, problem_kind(*p)->code);
  out_close(b, ']');
  parameters(b, r);
  request_body(b, r);
  answers(b, r);
  out_close(b, '}');
}

static bool path_first(size_t i) {
  for (size_t k = 0; k < i; k++)
    if (strcmp(routes[k].path, routes[i].path) == 0) return false;
  return true;
}

static void paths(struct builder *b) {
  out_open(b, "paths", '{');
  for (size_t i = 0; i < route_count; i++) {
    if (!path_first(i)) continue;
    out_open(b, routes[i].path, '{');
    for (size_t k = i; k < route_count; k++)
      if (strcmp(routes[k].path, routes[i].path) == 0) operation(b, &routes[k]);
    out_close(b, '}');
  }
  out_close(b, '}');
}

/* ---- the whole ---- */

static void tags(struct builder *b) {
  out_open(b, "tags", '[');
  for (size_t i = 0; tag_at(i); i++) {
    out_open(b, NULL, '{');
    out_str(b, "name", tag_at(i));
    out_str(b, "description", tag_chinese(tag_at(i)) ? tag_chinese(tag_at(i)) : tag_at(i));
    out_close(b, '}');
  }
  out_close(b, ']');
}

/* Components that no table tells of. */
static const char fixed_head[] =
    "\"info\":{\"title\":\"Lyceum\",\"summary\":\"Paid communities: members, codes, lectures, "
    "attendance\",\"description\":\"Failures are `application/problem+json` (RFC 9457) with a "
    "stable `code`; all of them are listed at /docs/problems. Times are RFC 3339 in UTC.\","
    "\"contact\":{\"name\":\"See /.well-known/security.txt\"},"
    "\"license\":{\"name\":\"Apache-2.0\","
    "\"url\":\"https://www.apache.org/licenses/LICENSE-2.0.html\"},\"version\":\"1.0.0\"},"
    "\"servers\":[{\"url\":\"/\",\"description\":\"This server\"}]";
static const char fixed_security[] =
    "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
    "\"bearerFormat\":\"JWT\",\"description\":\"The access token that signing in gives; RFC 9068, "
    "ES256, keys at /.well-known/jwks.json\"}}";
static const char fixed_parameters[] =
    "\"parameters\":{"
    "\"limit\":{\"name\":\"limit\",\"in\":\"query\",\"description\":\"Most items of the page\","
    "\"schema\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":20}},"
    "\"cursor\":{\"name\":\"cursor\",\"in\":\"query\",\"description\":\"`next_cursor` of the page "
    "before\",\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100}},"
    "\"idempotency_key\":{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"description\":\"The "
    "same key and body within 7 days give the first answer again\","
    "\"schema\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}},"
    "\"if_match\":{\"name\":\"If-Match\",\"in\":\"header\",\"description\":\"Change it only if it "
    "still is what this ETag names\",\"schema\":{\"type\":\"string\"}},"
    "\"if_none_match\":{\"name\":\"If-None-Match\",\"in\":\"header\",\"description\":\"304 if it "
    "still is what this ETag names\",\"schema\":{\"type\":\"string\"}},"
    "\"accept_language\":{\"name\":\"Accept-Language\",\"in\":\"header\",\"description\":\"zh-CN "
    "or "
    "en, for titles and details of problems\",\"schema\":{\"type\":\"string\"}}}";
static const char fixed_headers[] =
    "\"headers\":{"
    "\"X-Request-Id\":{\"description\":\"Names this request in the server's log\","
    "\"schema\":{\"type\":\"string\"}},"
    "\"ETag\":{\"description\":\"Strong entity tag\",\"schema\":{\"type\":\"string\"}},"
    "\"Location\":{\"description\":\"Where the new thing is\","
    "\"schema\":{\"type\":\"string\",\"format\":\"uri-reference\"}},"
    "\"Link\":{\"description\":\"The next page (RFC 8288)\",\"schema\":{\"type\":\"string\"}},"
    "\"RateLimit-Policy\":{\"description\":\"Quota and window\","
    "\"schema\":{\"type\":\"string\"}},"
    "\"RateLimit\":{\"description\":\"What is left of it\",\"schema\":{\"type\":\"string\"}},"
    "\"Retry-After\":{\"description\":\"Seconds\",\"schema\":{\"type\":\"integer\"}},"
    "\"WWW-Authenticate\":{\"description\":\"RFC 6750\",\"schema\":{\"type\":\"string\"}},"
    "\"Content-Language\":{\"description\":\"zh-CN or en\",\"schema\":{\"type\":\"string\"}},"
    "\"Idempotent-Replayed\":{\"description\":\"true: this is the stored answer\","
    "\"schema\":{\"type\":\"string\"}}}";
static const char fixed_problem[] =
    "\"problem\":{\"type\":\"object\",\"description\":\"What went wrong (RFC 9457)\","
    "\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"uri-reference\"},\"title\":{\"type\":\"string\"},"
    "\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"instance\":{\"type\":\"string\"},\"code\":{\"type\":\"string\",\"enum\":[";

static void problem_schema(struct builder *b) {
  build_char(b, ',');
  build_str(b, fixed_problem);
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++)
    out_str(b, NULL, problem_kind(p)->code);
  build_str(b, "]},\"errors\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/"
               "fault\"}},\"retry_at\":{\"type\":\"string\",\"format\":\"date-time\"},"
               "\"request_id\":{\"type\":\"string\"}},\"required\":[\"type\",\"title\","
               "\"status\",\"detail\",\"instance\",\"code\",\"request_id\"]}");
}

static void schemas(struct builder *b) {
  out_open(b, "schemas", '{');
  for (size_t i = 0; i < shape_count; i++) {
    out_open(b, shapes[i]->name, '{');
    out_str(b, "description", shapes[i]->says);
    struct builder inner = {0};
    schema_object(&inner, NULL, shapes[i]->fields, IN_ANSWER);
    build_char(b, ',');
    build_text(b, (struct text){inner.at + 1, inner.len - 1}); /* without its own brace */
    builder_free(&inner);
  }
  problem_schema(b);
  out_close(b, '}');
}

static void responses(struct builder *b) {
  enum problem codes[PROBLEM_COUNT];
  char name[40];
  out_open(b, "responses", '{');
  out_open(b, "same", '{');
  out_str(b, "description", "It has not changed");
  out_close(b, '}');
  for (size_t i = 0; i < COUNT(profiles); i++)
    for (int status = 400; status < 600; status++) {
      size_t n = codes_of(&profiles[i].route, status, codes);
      if (!n || profile_with(status, codes, n) != &profiles[i]) continue;
      (void)snprintf(name, sizeof name, "problem_%d_%s", status, profiles[i].name);
      problem_answer(b, name, status, codes, n);
    }
  out_close(b, '}');
}

void openapi_write(struct builder *b) {
  out_open(b, NULL, '{');
  out_str(b, "openapi", "3.1.0");
  build_char(b, ',');
  build_str(b, fixed_head);
  tags(b);
  paths(b);
  out_open(b, "components", '{');
  build_str(b, fixed_security);
  build_char(b, ',');
  build_str(b, fixed_parameters);
  build_char(b, ',');
  build_str(b, fixed_headers);
  responses(b);
  schemas(b);
  out_close(b, '}');
  out_close(b, '}');
}

void openapi_lines(struct builder *b) {
  struct builder compact = {0};
  openapi_write(&compact);
  json_lines(b, built(&compact));
  build_char(b, '\n');
  b->failed |= compact.failed;
  builder_free(&compact);
}
