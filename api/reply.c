/* The answer: finished, logged, and handed to libmicrohttpd with its headers. */
#include "api/intake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_FROM = 1400 }; /* below one network packet compression gains nothing */

/* ---- coding and conditions ---- */

static bool gzip(struct builder *b) {
  z_stream z = {0};
  if (deflateInit2(&z, 4, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) return false;
  uLong room = deflateBound(&z, (uLong)b->len);
  char *out = malloc(room);
  z.next_in = (Bytef *)b->at;
  z.avail_in = (uInt)b->len;
  z.next_out = (Bytef *)out;
  z.avail_out = (uInt)room;
  bool done = out && deflate(&z, Z_FINISH) == Z_STREAM_END;
  size_t len = room - z.avail_out;
  deflateEnd(&z);
  if (!done) {
    free(out);
    return false;
  }
  free(b->at);
  *b = (struct builder){.at = out, .len = len, .room = room, .cap = b->cap};
  return true;
}

static void compress_answer(struct exchange *x) {
  if (x->answer.len < GZIP_FROM || !x->media || x->head) return;
  if (!accepts_gzip(header(&x->q, "Accept-Encoding")) || !gzip(&x->answer)) return;
  reply_header(&x->q, "Content-Encoding", LIT("gzip"));
  if (x->etag.at) /* another representation: another strong tag */
    x->etag = arena_printf(&x->q.arena, "%.*s-gz\"", (int)x->etag.len - 1, x->etag.at);
}

static void not_modified(struct exchange *x) {
  struct text known = header(&x->q, "If-None-Match");
  if (x->status != 200 || x->method != GET || !x->etag.at || !known.at) return;
  if (!etag_listed(known, x->etag)) return;
  builder_free(&x->answer);
  x->status = 304;
  x->media = NULL;
}

/* ---- delivering ---- */

static void count(const struct exchange *x, uint64_t took) {
  metric_add(lyceum_requests, 1);
  if (x->status >= 500)
    metric_add(lyceum_requests_failed, 1);
  else if (x->status >= 400)
    metric_add(lyceum_requests_refused, 1);
  metric_seconds(lyceum_request_seconds, took);
}

/* The route, not the target: paths hold ids only, but queries may hold names. */
static void log_answer(const struct exchange *x, uint64_t took) {
  if (x->route && x->route->no_log) return;
  struct text parent = header((struct request *)(uintptr_t)&x->q, "traceparent");
  log_write(x->status >= 500 ? LOG_WARN : LOG_INFO, "request",
            "id=%.*s method=%.*s route=%s status=%d problem=%s us=%" PRIu64 " bytes=%zu "
            "community=%" PRId64 " trace=%.*s",
            TEXT_ARGS(x->q.id), TEXT_ARGS(x->method_text), x->route ? x->route->path : "-",
            x->status, x->q.problem ? problem_kind(x->q.problem)->code : "-", took / 1000,
            x->answer.len, x->q.community, parent.len < 64 ? (int)parent.len : 0,
            parent.at ? parent.at : "");
}

void deliver(struct exchange *x) {
  struct request *q = &x->q;
  loop_untimer(q->loop, &q->deadline);
  cache_raise(x);
  if (q->problem != NO_PROBLEM) problem_write(x);
  if (!x->status) { /* a handler that ended without an answer */
    q->problem = INTERNAL;
    problem_write(x);
  }
  cache_keep(x);
  not_modified(x);
  compress_answer(x);
  uint64_t took = time_nanos() - x->came_at;
  count(x, took);
  log_answer(x, took);
  x->stage = STAGE_ANSWERED;
  if (!x->suspended) return;
  x->suspended = false;
  MHD_resume_connection(x->connection);
}

/* ---- headers ---- */

struct headed {
  struct MHD_Response *response;
  bool failed; /* out of memory: an answer that lacks a header is not sent */
};

static void put(struct headed *r, const char *name, const char *value) {
  if (strpbrk(value, "\t\r\n")) return; /* libmicrohttpd takes none of these */
  if (MHD_add_response_header(r->response, name, value) != MHD_YES) r->failed = true;
}

static void add(struct headed *r, const char *name, struct text value) {
  char buffer[2048];
  if (!value.at || value.len >= sizeof buffer) return;
  memcpy(buffer, value.at, value.len);
  buffer[value.len] = 0;
  put(r, name, buffer);
}

static void add_pace(struct exchange *x, struct headed *r) {
  if (!x->pace.limit || !x->route) return;
  char line[128];
  const char *name = pace_name(x->route->pace);
  (void)snprintf(line, sizeof line, "\"%s\";q=%" PRId64 ";w=%u", name, x->pace.limit,
                 x->pace.window);
  put(r, "RateLimit-Policy", line);
  (void)snprintf(line, sizeof line, "\"%s\";r=%" PRId64 ";t=%u", name, x->pace.remaining,
                 x->pace.reset);
  put(r, "RateLimit", line);
}

static bool origin_allowed(struct exchange *x, struct text origin) {
  for (struct text rest = text_of(x->api->config->cors_origins); rest.at;)
    if (text_equal(text_trim(text_cut(&rest, ',')), origin)) return origin.len > 0;
  return false;
}

static void add_cors(struct exchange *x, struct headed *r) {
  if (!x->api->config->cors_origins[0]) return;
  struct text origin = header(&x->q, "Origin");
  put(r, "Vary", "Origin");
  if (!origin.at || !origin_allowed(x, origin)) return;
  add(r, "Access-Control-Allow-Origin", origin);
  put(r, "Access-Control-Expose-Headers",
      "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, "
      "X-Request-Id, Idempotent-Replayed, Content-Language");
  if (!text_is(x->method_text, "OPTIONS")) return;
  put(r, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE");
  put(r, "Access-Control-Allow-Headers",
      "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, "
      "Accept-Language, X-App-Version, X-Request-Id, traceparent");
  put(r, "Access-Control-Max-Age", "600");
}

static void add_kind(struct exchange *x, struct headed *r) {
  bool problem = x->q.problem != NO_PROBLEM;
  if (x->media) put(r, "Content-Type", x->media);
  if (x->media && strncmp(x->media, "text/html", 9) == 0) {
    put(r, "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'");
    put(r, "Referrer-Policy", "no-referrer");
  } else if (x->media && strncmp(x->media, "image/svg", 9) == 0) {
    put(r, "Content-Security-Policy", "default-src 'none'; sandbox");
  }
  if (problem) put(r, "Content-Language", x->q.chinese ? "zh-CN" : "en");
  bool shared = x->route && x->route->cached && !problem;
  put(r, "Cache-Control", shared ? "public, no-cache" : "no-store");
  put(r, "Vary", problem ? "Accept-Language" : "Accept-Encoding");
}

static void add_headers(struct exchange *x, struct headed *r) {
  char retry[16];
  add_kind(x, r);
  put(r, "X-Content-Type-Options", "nosniff");
  if (came_by_tls(&x->q)) /* a year (RFC 6797) */
    put(r, "Strict-Transport-Security", "max-age=31536000");
  add(r, "X-Request-Id", x->q.id);
  add(r, "ETag", x->etag);
  for (size_t i = 0; i < x->header_count; i++) {
    struct text name = x->headers[i].name; /* of a literal: NUL-terminated */
    add(r, name.at, x->headers[i].value);
  }
  if (x->q.retry_after && (x->status >= 502 || x->status == 429 || x->q.retry_at)) {
    (void)snprintf(retry, sizeof retry, "%u", x->q.retry_after);
    put(r, "Retry-After", retry);
  }
  add_pace(x, r);
  add_cors(x, r);
  bool close = x->closes || atomic_load(&x->api->stopping);
  if (close) put(r, "Connection", "close");
}

enum MHD_Result answer_queue(struct exchange *x) {
  char *body = x->answer.at;
  struct MHD_Response *r =
      MHD_create_response_from_buffer(x->answer.len, body ? body : (char *)(uintptr_t) "",
                                      body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
  if (!r) return MHD_NO;
  x->answer = (struct builder){0}; /* libmicrohttpd frees it */
  struct headed headed = {r, false};
  add_headers(x, &headed);
  enum MHD_Result queued =
      headed.failed ? MHD_NO : MHD_queue_response(x->connection, (unsigned)x->status, r);
  MHD_destroy_response(r);
  line_answers(x->line);
  return queued;
}
