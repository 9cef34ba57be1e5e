/* The reference: every endpoint for people, from the same rows that route, guard and validate. */
#include "api/describe.h"

#include <inttypes.h>
#include <string.h>

/* ---- fields ---- */

static void shape_link(struct builder *b, const struct shape *s) {
  build_printf(b, "<a href=\"#shape-%s\">%s</a>", s->name, s->name);
}

static void choices(struct builder *b, const char *list) {
  bool first = true;
  for (struct text rest = text_of(list); rest.at; first = false) {
    if (!first) build_str(b, " | ");
    build_str(b, "<code>");
    build_html(b, text_cut(&rest, '|'));
    build_str(b, "</code>");
  }
}

static void bounds(struct builder *b, const struct field *f, const char *unit) {
  if (f->most <= 0 || f->most < f->least) return;
  if (f->least > 0 || f->kind == FIELD_INT || f->kind == FIELD_INTS)
    build_printf(b, ", %" PRId64 " to %" PRId64 "%s", f->least, f->most, unit);
  else
    build_printf(b, ", at most %" PRId64 "%s", f->most, unit);
}

static void field_type(struct builder *b, const struct field *f) {
  static const char *const words[] = {
      [FIELD_TEXT] = "text",           [FIELD_PROSE] = "text, several lines",
      [FIELD_SECRET] = "text",         [FIELD_SLUG] = "short name: a-z, 0-9, -",
      [FIELD_INT] = "integer",         [FIELD_BOOL] = "true or false",
      [FIELD_TIME] = "time, RFC 3339", [FIELD_WALL] = "local time, 2026-11-22T19:00",
      [FIELD_UUID] = "UUID",           [FIELD_WORDS] = "{\"zh-CN\": …, \"en\": …}, one or both",
      [FIELD_TEXTS] = "list of texts", [FIELD_IDS] = "list of UUIDs",
      [FIELD_ANY] = "any JSON",        [FIELD_INTS] = "list of integers",
  };
  if (f->kind == FIELD_CHOICE) {
    choices(b, f->choices);
  } else if (f->kind == FIELD_OBJECT || f->kind == FIELD_LIST) {
    if (f->kind == FIELD_LIST) build_str(b, "list of ");
    shape_link(b, f->shape);
  } else {
    build_html(b, text_of(words[f->kind]));
    if (f->kind == FIELD_TEXTS || f->kind == FIELD_IDS)
      bounds(b, f, " items");
    else
      bounds(b, f, f->kind == FIELD_INT || f->kind == FIELD_INTS ? "" : " characters");
    if (f->kind == FIELD_INTS) build_printf(b, ", 1 to %" PRId64 " of them", f->items);
  }
}

static void field_row(struct builder *b, const struct field *f, const char *note) {
  build_printf(b, "<tr><td><code>%s</code></td><td>", f->name);
  field_type(b, f);
  build_printf(b, "</td><td class=\"soft\">%s</td></tr>", note);
}

static void fields_table(struct builder *b, const struct field *fields, const char *may) {
  build_str(b, "<table>");
  for (const struct field *f = fields; f->kind != FIELD_END; f++)
    field_row(b, f, f->optional ? may : "");
  build_str(b, "</table>");
}

/* ---- one endpoint ---- */

static void badge(struct builder *b, const struct route *r) {
  build_printf(b, "<b class=\"m %s\">%s</b> ", method_name(r->method), method_name(r->method));
}

static void terms(struct builder *b, const struct route *r) {
  static const char *const who[] = {[ANYONE] = "anyone 任何人",
                                    [SIGNED_IN] = "signed in 已登录",
                                    [LECTURERS] = "lecturers and up 讲师及以上",
                                    [OPERATORS] = "operators and up 运营及以上",
                                    [OWNERS] = "owners 所有者"};
  build_printf(b, "<p class=\"tags\"><span>%s</span>", who[r->who]);
  if (r->pace) build_printf(b, "<span>rate limit: %s</span>", pace_name(r->pace));
  if (r->idempotent) build_str(b, "<span>Idempotency-Key</span>");
  if (route_has_etag(r)) build_str(b, "<span>ETag, If-None-Match</span>");
  if (route_has_if_match(r)) build_str(b, "<span>If-Match</span>");
  build_str(b, "</p>");
}

static void parameters(struct builder *b, const struct route *r) {
  bool any = r->pages || (r->query && r->query->kind != FIELD_END);
  if (!any) return;
  build_str(b, "<h4>Parameters 参数</h4><table>");
  for (const struct field *f = r->query; f && f->kind != FIELD_END; f++)
    field_row(b, f, f->optional ? "optional" : "");
  if (r->pages)
    build_str(b, "<tr><td><code>limit</code></td><td>integer, 1 to 100; 20 if not given</td><td "
                 "class=\"soft\">optional</td></tr><tr><td><code>cursor</code></td><td>"
                 "<code>next_cursor</code> of the page before</td><td class=\"soft\">optional</td>"
                 "</tr>");
  build_str(b, "</table>");
}

static void request_body(struct builder *b, const struct route *r) {
  if (!r->body) return;
  build_str(b, "<h4>Body 请求体</h4>");
  if (r->method == PATCH)
    build_str(b, "<p class=\"soft\">JSON Merge Patch (RFC 7396): what is absent stays, null "
                 "clears.</p>");
  else if (r->body_optional)
    build_str(b, "<p class=\"soft\">May be left out.</p>");
  fields_table(b, r->body, "optional");
}

/* In single quotes for a shell: an apostrophe ends them, stands escaped, and opens them again. */
static void shell_quoted(struct builder *b, struct text t) {
  for (size_t i = 0; i < t.len; i++) {
    if (t.at[i] == '\'')
      build_str(b, "&#39;\\&#39;&#39;");
    else
      build_html(b, (struct text){t.at + i, 1});
  }
}

static void sample_path(struct builder *b, const struct route *r) {
  for (struct text rest = text_of(r->path + 1); rest.at;) {
    struct text segment = text_cut(&rest, '/');
    build_char(b, '/');
    if (text_is(segment, "{slug}"))
      build_str(b, "kaiyou");
    else if (text_starts(segment, "{"))
      build_printf(b, "$%.*s", (int)segment.len - 2, segment.at + 1);
    else
      build_text(b, segment);
  }
  char mark = '?';
  for (const struct field *f = r->query; f && f->kind != FIELD_END; f++) {
    if (f->optional) continue;
    build_printf(b, "%c%s=", mark, f->name);
    sample_text(b, f);
    mark = '&';
  }
}

static void curl_sample(struct builder *b, const struct route *r) {
  struct builder path = {0}, json = {0};
  sample_path(&path, r);
  build_str(b, "<h4>Sample 示例</h4><pre>curl -sS");
  if (r->method != GET) build_printf(b, " -X %s", method_name(r->method));
  build_str(b, " \"$LYCEUM");
  build_html(b, built(&path));
  build_char(b, '"');
  if (r->who != ANYONE) build_str(b, " \\\n  -H \"Authorization: Bearer $TOKEN\"");
  if (r->idempotent) build_str(b, " \\\n  -H \"Idempotency-Key: $(uuidgen)\"");
  if (r->body) {
    sample_object(&json, NULL, r->body);
    build_printf(b, " \\\n  -H 'Content-Type: application/%sjson' \\\n  -d '",
                 r->method == PATCH ? "merge-patch+" : "");
    shell_quoted(b, built(&json));
    build_char(b, '\'');
  }
  build_str(b, "</pre>");
  builder_free(&path);
  builder_free(&json);
}

static void one_reply(struct builder *b, const struct reply_kind *k) {
  build_printf(b, "<tr><td><b>%d</b> <span class=\"soft\">%s</span></td><td>", k->status,
               status_phrase(k->status));
  if (k->media) build_printf(b, "<code>%s</code>", k->media);
  if (k->shape) {
    build_str(b, k->page ? "page of " : k->list ? "list of " : "");
    shape_link(b, k->shape);
  }
  build_str(b, "</td></tr>");
}

static void replies(struct builder *b, const struct route *r) {
  build_str(b, "<h4>Answers 响应</h4><table>");
  for (const struct reply_kind *k = r->replies; k->status; k++)
    one_reply(b, k);
  build_str(b, "</table>");
  const struct reply_kind *first = r->replies;
  if (!first->shape) return;
  struct builder json = {0}, lines = {0};
  sample_reply(&json, NULL, first);
  json_lines(&lines, built(&json));
  build_str(b, "<details><summary>A sample answer 响应示例</summary><pre>");
  build_html(b, built(&lines));
  build_str(b, "</pre></details>");
  builder_free(&json);
  builder_free(&lines);
}

static void problem_link(struct builder *b, enum problem p) {
  const struct problem_kind *k = problem_kind(p);
  build_printf(b, "<a href=\"/docs/problems#%s\" title=\"", k->code);
  build_html(b, text_of(k->en));
  build_printf(b, "\"><code>%s</code></a> <span class=\"soft\">%d</span> ", k->code, k->status);
}

static void fails(struct builder *b, const struct route *r) {
  enum problem gate[PROBLEM_COUNT];
  size_t n = route_gate_problems(r, gate, COUNT(gate));
  if (r->fails && *r->fails) {
    build_str(b, "<h4>Problems 错误</h4><p>");
    for (const enum problem *p = r->fails; *p; p++)
      problem_link(b, *p);
    build_str(b, "</p>");
  }
  build_str(b, "<details><summary>Problems of every such endpoint 通用错误</summary><p>");
  for (size_t i = 0; i < n; i++)
    problem_link(b, gate[i]);
  build_str(b, "</p></details>");
}

/* A sentence in which `this` is code. */
static void sentence(struct builder *b, const char *says) {
  bool code = false;
  for (struct text rest = text_of(says); rest.at; code = !code) {
    struct text piece = text_cut(&rest, '`');
    build_str(b, code ? "<code>" : "");
    build_html(b, piece);
    build_str(b, code ? "</code>" : "");
  }
}

static void endpoint(struct builder *b, const struct route *r) {
  build_printf(b, "<section id=\"%s\"><h3>", r->name);
  badge(b, r);
  build_printf(b, "<a href=\"#%s\"><code>", r->name);
  build_html(b, text_of(r->path));
  build_str(b, "</code></a></h3><p>");
  sentence(b, r->says);
  build_str(b, "</p>");
  terms(b, r);
  parameters(b, r);
  request_body(b, r);
  curl_sample(b, r);
  replies(b, r);
  fails(b, r);
  build_str(b, "</section>\n");
}

/* ---- the page ---- */

static void tag_heading(struct builder *b, const char *tag, bool anchor) {
  const char *chinese = tag_chinese(tag);
  build_str(b, "<h2");
  for (const char *c = anchor ? tag : ""; *c; c++) {
    if (c == tag) build_str(b, " id=\"tag-");
    build_char(b, *c == ' ' ? '-' : *c);
  }
  if (anchor) build_char(b, '"');
  build_char(b, '>');
  build_html(b, text_of(tag));
  if (chinese) build_printf(b, " <span lang=\"zh\">%s</span>", chinese);
  build_str(b, "</h2>\n");
}

static void contents(struct builder *b) {
  build_str(b, "<nav><a href=\"/\"><b>Lyceum</b></a><ul><li><a href=\"/docs/problems\">Problems "
               "错误代码</a></li><li><a href=\"/openapi.json\">openapi.json</a></li></ul>");
  for (size_t t = 0; tag_at(t); t++) {
    tag_heading(b, tag_at(t), false);
    build_str(b, "<ul class=\"ops\">");
    for (size_t i = 0; i < route_count; i++) {
      if (strcmp(routes[i].tag, tag_at(t)) != 0) continue;
      build_printf(b, "<li><a href=\"#%s\">", routes[i].name);
      badge(b, &routes[i]);
      build_str(b, "<span>");
      build_html(b, text_of(routes[i].path));
      build_str(b, "</span></a></li>");
    }
    build_str(b, "</ul>\n");
  }
  build_str(b, "</nav>\n");
}

static const char basics[] =
    "<h1>Reference <span lang=\"zh\">接口文档</span></h1>"
    "<p>Samples are for a shell in which <code>LYCEUM</code> is this server's address, such as "
    "<code>http://127.0.0.1:8080</code>, and <code>TOKEN</code> an access token that signing in "
    "gave.</p><ul>"
    "<li>Bodies are JSON in UTF-8, times RFC 3339 in UTC, money integer minor units with an ISO "
    "4217 currency, ids UUIDs made by the server. Answers may get new members; please ignore "
    "those you don't know.</li>"
    "<li>Every failure is a <a href=\"/docs/problems\">problem</a> with a stable "
    "<code>code</code>; an input's faults are all told at once. Language by "
    "<code>Accept-Language</code>: <code>en</code>, <code>zh-CN</code>.</li>"
    "<li>Lists come in pages: <code>limit</code> 1 to 100, then <code>cursor</code>; the next "
    "page is also in <code>Link</code>. An unknown parameter is refused.</li>"
    "<li>A POST that creates or pays takes <code>Idempotency-Key</code>: sent again with the same "
    "key and body within 7 days, it gives the first answer again.</li>"
    "<li><code>ETag</code> with <code>If-None-Match</code> saves a download (304), with "
    "<code>If-Match</code> it guards a change (412).</li>"
    "<li>Rate limits are told in <code>RateLimit</code> and <code>RateLimit-Policy</code>; 429 "
    "says when to come again in <code>Retry-After</code>.</li></ul>";

static void shapes_section(struct builder *b) {
  build_str(b, "<h2 id=\"shapes\">Shapes <span lang=\"zh\">数据结构</span></h2>");
  for (size_t i = 0; i < shape_count; i++) {
    build_printf(b, "<section id=\"shape-%s\"><h3><code>%s</code></h3><p>", shapes[i]->name,
                 shapes[i]->name);
    build_html(b, text_of(shapes[i]->says));
    build_str(b, "</p>");
    fields_table(b, shapes[i]->fields, "or null");
    build_str(b, "</section>\n");
  }
}

void reference_write(struct builder *b) {
  page_open(b, "Reference - Lyceum");
  build_str(b, "<div class=\"two\">");
  contents(b);
  build_str(b, "<main>");
  build_str(b, basics);
  for (size_t t = 0; tag_at(t); t++) {
    tag_heading(b, tag_at(t), true);
    for (size_t i = 0; i < route_count; i++)
      if (strcmp(routes[i].tag, tag_at(t)) == 0) endpoint(b, &routes[i]);
  }
  shapes_section(b);
  build_str(b, "</main></div>");
  page_close(b);
}
