/* The tables made from shapes.def and routes.def. */
#include "api/api.h"
#include "api/macros.h"

#include <string.h>

#define SHAPE(n, text, ...)                                                                        \
  static const struct field fields_##n[] = {__VA_ARGS__, {.kind = FIELD_END}};                     \
  static const struct shape shape_##n = {#n, text, fields_##n};
#include "api/shapes.def"
#undef SHAPE

const struct shape *const shapes[] = {
#define SHAPE(n, text, ...) &shape_##n,
#include "api/shapes.def"
#undef SHAPE
};
const size_t shape_count = COUNT(shapes);

#define ROUTE(m, p, h, ...) struct step h(struct request *q);
#include "api/routes.def"
#undef ROUTE

const struct route routes[] = {
#define ROUTE(m, p, h, ...) {.method = m, .path = p, .handler = h, .name = #h, __VA_ARGS__},
#include "api/routes.def"
#undef ROUTE
};
const size_t route_count = COUNT(routes);

size_t route_gate_problems(const struct route *r, enum problem *out, size_t room) {
  static const enum problem always[] = {
      MALFORMED, NOT_ACCEPTABLE, HEADERS_TOO_LARGE, TARGET_TOO_LONG, APP_TOO_OLD, BUSY,
      DEADLINE,  DATABASE_AWAY,  OUT_OF_MEMORY,     STOPPING,        INTERNAL,    QUERY_INVALID};
  static const enum problem signed_in[] = {NOT_SIGNED_IN, TOKEN_INVALID, TOKEN_EXPIRED,
                                           SESSION_ENDED};
  static const enum problem with_body[] = {BODY_NOT_JSON,   BODY_INVALID,
                                           BODY_TOO_LARGE,  MEDIA_TYPE_UNSUPPORTED,
                                           NOT_IMPLEMENTED, OUTCOME_UNKNOWN};
  size_t n = 0;
#define ADD(list)                                                                                  \
  for (size_t i = 0; i < COUNT(list) && n < room; i++)                                             \
  out[n++] = (list)[i]
  ADD(always);
  if (r->who > ANYONE) {
    ADD(signed_in);
  }
  static const enum problem raw[] = {BODY_TOO_LARGE, NOT_IMPLEMENTED};
  if (r->body) {
    ADD(with_body);
  }
  if (r->raw) {
    ADD(raw);
  }
#undef ADD
  if (r->method != GET && !r->body && n < room) out[n++] = OUTCOME_UNKNOWN;
  if (r->who > SIGNED_IN && n < room) out[n++] = NOT_ALLOWED;
  if (r->pace && n < room) out[n++] = RATE_LIMITED;
  if (r->pages && n < room) out[n++] = CURSOR_INVALID;
  /* An unknown community; with a token the slug is an argument like others. */
  if (r->who == ANYONE && strstr(r->path, "{slug}") && n < room) out[n++] = NOT_FOUND;
  if (r->idempotent && n + 1 < room) {
    out[n++] = IDEMPOTENCY_MISMATCH;
    out[n++] = IDEMPOTENCY_IN_FLIGHT;
  }
  return n;
}
