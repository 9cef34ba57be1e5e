/* What the server says of itself. Each text is made once per process, at the first request. */
#include "api/describe.h"

#include <stdlib.h>
#include <string.h>

struct kept {
  struct builder body;
  char etag[40];
};

static struct kept *make(struct request *q, void (*write)(struct builder *b)) {
  struct kept *k = calloc(1, sizeof *k);
  if (!k) return NULL;
  write(&k->body);
  struct text etag = etag_of(&q->arena, built(&k->body));
  if (k->body.failed || etag.len >= sizeof k->etag) {
    builder_free(&k->body);
    free(k);
    return NULL;
  }
  memcpy(k->etag, etag.at, etag.len);
  return k;
}

/* Two loops may make it at the same time; then the second throws its own away. */
static struct kept *keep(struct request *q, _Atomic(struct kept *) *slot,
                         void (*write)(struct builder *b)) {
  struct kept *there = atomic_load(slot);
  if (there) return there;
  struct kept *mine = make(q, write);
  if (!mine || atomic_compare_exchange_strong(slot, &there, mine)) return mine;
  builder_free(&mine->body);
  free(mine);
  return there;
}

static struct step answer_kept(struct request *q, const struct kept *k, const char *media) {
  struct builder b = {0};
  if (!k) return problem(q, OUT_OF_MEMORY);
  build_text(&b, built(&k->body));
  exchange_of(q)->etag = arena_copy(&q->arena, text_of(k->etag));
  return reply(q, 200, media, &b);
}

struct step openapi(struct request *q) {
  static _Atomic(struct kept *) document;
  return answer_kept(q, keep(q, &document, openapi_write), "application/json");
}

struct step docs(struct request *q) {
  static _Atomic(struct kept *) page;
  return answer_kept(q, keep(q, &page, reference_write), "text/html; charset=utf-8");
}

struct step docs_problems(struct request *q) {
  static _Atomic(struct kept *) page;
  return answer_kept(q, keep(q, &page, problems_write), "text/html; charset=utf-8");
}

struct step start_page(struct request *q) {
  struct builder b = {0};
  start_write(&b, api_of(q)->config->demo != 0);
  return reply(q, 200, "text/html; charset=utf-8", &b);
}
