/* Answers written straight from rows: a column's name is the JSON member's name. */
#include "api/internal.h"

#include <string.h>

static int column(const struct rows *r, const char *name) {
  for (size_t c = 0; r->statement && c < r->statement->out_count; c++)
    if (strcmp(r->statement->out[c].name, name) == 0) return (int)c;
  return -1;
}

static struct text cell(struct request *q, const struct rows *r, int i, const char *name) {
  int c = column(r, name);
  return c < 0 || i >= r->count ? NONE : rows_cell(q, r, i, (size_t)c);
}

/* The fault of the field that `_pointer` names: what `_fault` says, or that there is no such thing.
 */
static void point_out(struct request *q, struct text pointer, struct text code) {
  static const struct {
    const char *code, *en, *zh;
  } kinds[] = {
      {"unknown", "there is no such thing here", "没有对应的内容"},
      {"required", "this field is needed here", "此处必填"},
      {"superfluous", "this field does not go with the others", "该字段与其他字段不能同时填写"},
      {"too_early", "it must lie later", "时间过早"},
      {"too_late", "it must lie earlier", "时间过晚"},
      {"too_much", "it is more than is allowed here", "超出此处允许的上限"},
      {"too_little", "it is less than is in use", "低于已使用的数量"},
      {"differs", "it is not what stands there", "与已有内容不一致"},
      {"not_https", "it must be https", "必须使用 https"},
  };
  size_t k = 0;
  for (size_t i = 0; i < COUNT(kinds); i++)
    if (text_is(code, kinds[i].code)) k = i;
  fault_add(q, pointer, kinds[k].code, text_of(kinds[k].en), text_of(kinds[k].zh));
}

bool refused(struct request *q, const struct rows *r) {
  if (!r->count) {
    q->problem = NOT_FOUND;
    return true;
  }
  struct text code = cell(q, r, 0, "_refusal");
  if (!code.at) return false;
  q->problem = problem_by_code(code);
  q->detail = cell(q, r, 0, "_detail");
  struct text pointer = cell(q, r, 0, "_pointer");
  if (pointer.at) point_out(q, pointer, cell(q, r, 0, "_fault"));
  if (q->problem == NO_PROBLEM) {
    log_write(LOG_ERROR, "unknown_refusal", "statement=%s code=%.*s", r->statement->name,
              TEXT_ARGS(code));
    q->problem = INTERNAL;
  }
  return true;
}

/* ---- entity tags ---- */

struct text etag_of(struct arena *a, struct text content) {
  struct digest d = crypto_sha256(content);
  char hex[33];
  hex_write(d.b, 16, hex);
  return arena_printf(a, "\"%s\"", hex);
}

/* A list of entity tags as in If-Match; a gzip'ed representation carries `-gz` and counts as the
 * same state of the resource. */
bool etag_listed(struct text list, struct text etag) {
  if (text_is(text_trim(list), "*")) return true;
  while (list.at) {
    struct text item = text_trim(text_cut(&list, ','));
    if (text_starts(item, "W/")) item = (struct text){item.at + 2, item.len - 2};
    if (text_equal(item, etag)) return true;
    if (item.len == etag.len + 3 && memcmp(item.at, etag.at, etag.len - 1) == 0 &&
        memcmp(item.at + etag.len - 1, "-gz\"", 4) == 0)
      return true;
  }
  return false;
}

bool has_if_match(struct request *q) {
  return header(q, "If-Match").at != NULL;
}

bool if_match_holds_for(struct request *q, struct text representation) {
  struct text wanted = header(q, "If-Match");
  return !wanted.at || etag_listed(wanted, etag_of(&q->arena, representation));
}

bool if_match_holds(struct request *q, const struct rows *r) {
  if (!has_if_match(q)) return true;
  if (!r->count) return false;
  struct builder b = {0};
  rows_object(r, 0, &b);
  bool holds = if_match_holds_for(q, built(&b));
  builder_free(&b);
  return holds;
}

/* ---- ready-made continuations ---- */

void answer_until(struct request *q, micros at) {
  struct exchange *x = exchange_of(q);
  if (!x->until || at < x->until) x->until = at;
}

/* Rows whose status follows from the clock say in `_until` when it will be another: the first of
 * them bounds how long the answer may be kept. */
static void note_until(struct request *q, const struct rows *r) {
  int c = column(r, "_until");
  micros at;
  for (int i = 0; c >= 0 && i < r->count; i++)
    if (rows_time(r, i, (size_t)c, &at)) answer_until(q, at);
}

static struct step answer_object(struct request *q, const struct rows *r, int status) {
  if (refused(q, r)) return DONE;
  note_until(q, r);
  struct builder b = {0};
  rows_object(r, 0, &b);
  return reply_json(q, status, &b);
}

struct step answer_one(struct request *q, const struct rows *r) {
  struct exchange *x = exchange_of(q);
  struct step s = answer_object(q, r, 200);
  if (q->problem == NO_PROBLEM) x->etag = etag_of(&q->arena, built(&x->answer));
  return s;
}

/* The new thing lies below the path it was posted to. */
static void locate(struct request *q, const struct rows *r) {
  struct text id = cell(q, r, 0, "id");
  if (!id.at) return;
  reply_header(
      q, "Location",
      arena_printf(&q->arena, "%.*s/%.*s", TEXT_ARGS(exchange_of(q)->path), TEXT_ARGS(id)));
}

struct step answer_created(struct request *q, const struct rows *r) {
  struct step s = answer_object(q, r, 201);
  if (q->problem == NO_PROBLEM) locate(q, r);
  return s;
}

struct step answer_made(struct request *q, const struct rows *r) {
  struct text created = cell(q, r, 0, "_created");
  return text_is(created, "true") ? answer_created(q, r) : answer_one(q, r);
}

struct step answer_accepted(struct request *q, const struct rows *r) {
  struct step s = answer_object(q, r, 202);
  struct text id = cell(q, r, 0, "id");
  if (q->problem == NO_PROBLEM && id.at)
    reply_header(q, "Location", arena_printf(&q->arena, "/v1/jobs/%.*s", TEXT_ARGS(id)));
  return s;
}

struct step answer_done(struct request *q, const struct rows *r) {
  return refused(q, r) ? DONE : reply_empty(q, 204);
}

static void list(struct request *q, struct builder *b, const struct rows *r, int count,
                 row_more *more) {
  build_str(b, "{\"data\":[");
  for (int i = 0; i < count; i++) {
    if (i) build_char(b, ',');
    rows_object(r, i, b);
    if (!more || !b->len) continue;
    b->len--; /* its closing brace */
    more(q, r, i, b);
    build_char(b, '}');
  }
  build_char(b, ']');
}

struct step answer_all(struct request *q, const struct rows *r) {
  struct builder b = {0};
  note_until(q, r);
  list(q, &b, r, r->count, NULL);
  build_char(&b, '}');
  struct step s = reply_json(q, 200, &b);
  exchange_of(q)->etag = etag_of(&q->arena, built(&exchange_of(q)->answer));
  return s;
}

/* The same target with another cursor, for Link (RFC 8288). */
static struct text next_link(struct exchange *x, struct text cursor) {
  struct builder b = {0};
  build_char(&b, '<');
  build_text(&b, x->path);
  build_char(&b, '?');
  for (struct text rest = x->query_string; rest.at;) {
    struct text p = text_cut(&rest, '&');
    if (!p.len || text_starts(p, "cursor=")) continue;
    build_text(&b, p);
    build_char(&b, '&');
  }
  build_str(&b, "cursor=");
  build_text(&b, cursor);
  build_str(&b, ">; rel=\"next\"");
  return arena_built(&x->q.arena, &b);
}

/* Key and id of the last row shown. */
static struct text cursor_of(struct request *q, const struct rows *r, int last) {
  micros key = 0;
  struct uuid id = {0};
  int at = column(r, "_key"), c = column(r, "id");
  if (at >= 0) (void)rows_time(r, last, (size_t)at, &key);
  if (c < 0) c = column(r, "_id");
  if (c >= 0) (void)uuid_parse(rows_cell(q, r, last, (size_t)c), &id);
  return cursor_make(&q->arena, key, id);
}

struct step answer_page_with(struct request *q, const struct rows *r, row_more *more) {
  int64_t limit = query_int(q, "limit", 20);
  bool has_more = r->count > limit;
  int count = has_more ? (int)limit : r->count;
  struct builder b = {0};
  note_until(q, r);
  list(q, &b, r, count, more);
  build_str(&b, has_more ? ",\"has_more\":true,\"next_cursor\":"
                         : ",\"has_more\":false,\"next_cursor\":");
  if (has_more) {
    struct text cursor = cursor_of(q, r, count - 1);
    build_quoted(&b, cursor);
    reply_header(q, "Link", next_link(exchange_of(q), cursor));
  } else {
    build_str(&b, "null");
  }
  build_char(&b, '}');
  struct step s = reply_json(q, 200, &b);
  exchange_of(q)->etag = etag_of(&q->arena, built(&exchange_of(q)->answer));
  return s;
}

struct step answer_page(struct request *q, const struct rows *r) {
  return answer_page_with(q, r, NULL);
}

/* ---- answers by hand ---- */

struct step reply(struct request *q, int status, const char *media, struct builder *b) {
  struct exchange *x = exchange_of(q);
  builder_free(&x->answer);
  x->answer = *b;
  *b = (struct builder){0};
  x->status = status;
  x->media = media;
  if (x->answer.failed) {
    q->problem = OUT_OF_MEMORY;
    q->retry_after = 1;
  }
  return DONE;
}

struct step reply_json(struct request *q, int status, struct builder *b) {
  return reply(q, status, "application/json", b);
}

struct step reply_json_tagged(struct request *q, int status, struct builder *b) {
  struct text tag = etag_of(&q->arena, built(b));
  struct step s = reply_json(q, status, b);
  if (q->problem == NO_PROBLEM) exchange_of(q)->etag = tag;
  return s;
}

struct step reply_empty(struct request *q, int status) {
  struct exchange *x = exchange_of(q);
  x->status = status;
  x->media = NULL;
  return DONE;
}

void reply_header(struct request *q, const char *name, struct text value) {
  struct exchange *x = exchange_of(q);
  if (x->header_count == REPLY_HEADERS) return;
  x->headers[x->header_count++] = (struct name_value){text_of(name), arena_copy(&q->arena, value)};
}

static bool is_plain(unsigned char c) { /* unreserved in RFC 3986 */
  return c && c < 0x80 &&
         (strchr("-._~", c) || (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'));
}

/* What some system takes for a folder, a stream or a pattern: people write these names. */
static bool is_path(unsigned char c) {
  return c < ' ' || c == 0x7f || strchr("/\\:<>|?*\"", c);
}

/* filename* carries any name in UTF-8 (RFC 8187); filename is the plain fallback. */
void reply_download(struct request *q, struct text filename) {
  struct builder b = {0};
  build_str(&b, "attachment; filename=\"");
  for (size_t i = 0; i < filename.len; i++) {
    char c = filename.at[i];
    build_char(&b, is_plain((unsigned char)c) && (i || c != '.') ? c : '_');
  }
  build_str(&b, "\"; filename*=UTF-8''");
  for (size_t i = 0; i < filename.len; i++) {
    unsigned char c = (unsigned char)filename.at[i];
    if (is_path(c) || (i == 0 && c == '.'))
      build_char(&b, '_');
    else if (is_plain(c))
      build_char(&b, (char)c);
    else
      build_printf(&b, "%%%02X", c);
  }
  reply_header(q, "Content-Disposition", built(&b));
  builder_free(&b);
}
