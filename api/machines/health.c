/* What machines ask: alive, ready, metrics, keys. */
#include "api/api.h"

struct step health(struct request *q) {
  struct builder b = {0};
  build_str(&b, "ok\n");
  return reply(q, 200, "text/plain; charset=utf-8", &b);
}

struct step ready(struct request *q) {
  struct api *api = api_of(q);
  bool database = db_ready(q->loop) && !atomic_load(&api->waiting),
       listener = house_trusted(api->house);
  bool stopping = atomic_load(&api->stopping), good = database && !stopping;
  struct builder b = {0};
  build_printf(&b, "{\"status\":\"%s\",\"database\":%s,\"listener\":%s}",
               stopping ? "draining"
               : good   ? "ready"
                        : "not_ready",
               database ? "true" : "false", listener ? "true" : "false");
  if (!good) q->retry_after = 1;
  return reply_json(q, good ? 200 : 503, &b);
}

struct step metrics(struct request *q) {
  struct builder b = {0};
  metrics_write(&b);
  build_str(&b, "# EOF\n");
  return reply(q, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8", &b);
}

struct step jwks(struct request *q) {
  struct builder b = {0};
  house_jwks(api_of(q)->house, &b);
  return reply(q, 200, "application/jwk-set+json", &b);
}
