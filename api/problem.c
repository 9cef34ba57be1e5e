/* A problem as application/problem+json (RFC 9457), in the request's language. */
#include "api/internal.h"

#include <string.h>

static void member(struct builder *b, const char *name, struct text value) {
  build_char(b, ',');
  build_char(b, '"');
  build_str(b, name);
  build_str(b, "\":");
  build_quoted(b, value);
}

/* A URI reference (RFC 9457, 3.1.5): whatever bytes came, it is ASCII, and so the answer is JSON.
 */
static void instance(struct builder *b, struct text path) {
  build_str(b, ",\"instance\":\"");
  for (size_t i = 0; i < path.len; i++) {
    unsigned char c = (unsigned char)path.at[i];
    if (c > ' ' && c < 0x7f && !strchr("\"<>\\^`{|}", c))
      build_char(b, (char)c);
    else
      build_printf(b, "%%%02X", c);
  }
  build_char(b, '"');
}

static void faults(struct builder *b, const struct request *q) {
  build_str(b, ",\"errors\":[");
  for (const struct fault *f = q->faults; f; f = f->next) {
    build_str(b, "{\"pointer\":");
    build_quoted(b, f->pointer);
    member(b, "code", text_of(f->code));
    member(b, "detail", q->chinese ? f->detail_zh : f->detail_en);
    build_str(b, f->next ? "}," : "}");
  }
  build_char(b, ']');
}

/* Retry-After says in seconds what retry_at says as a moment (RFC 9110, 10.2.3). */
static void say_retry(struct request *q) {
  micros left = q->retry_at - time_now();
  if (q->retry_at) q->retry_after = left > 0 ? (uint32_t)((left + 999999) / 1000000) : 1;
}

void problem_write(struct exchange *x) {
  struct request *q = &x->q;
  const struct problem_kind *p = problem_kind(q->problem);
  struct text title = text_of(q->chinese ? p->zh : p->en);
  struct builder *b = &x->answer;
  builder_free(b);
  build_str(b, "{\"type\":\"/docs/problems#");
  build_str(b, p->code);
  build_str(b, "\",\"title\":");
  build_quoted(b, title);
  build_str(b, ",\"status\":");
  build_int(b, p->status);
  member(b, "detail", q->detail.at ? q->detail : title);
  instance(b, x->path.at ? x->path : LIT("/"));
  member(b, "code", text_of(p->code));
  if (q->faults) faults(b, q);
  if (q->retry_at) {
    build_str(b, ",\"retry_at\":\"");
    build_time(b, q->retry_at);
    build_char(b, '"');
  }
  member(b, "request_id", q->id);
  build_char(b, '}');
  say_retry(q);
  x->status = p->status;
  x->media = "application/problem+json";
  x->etag = NONE;
}
