/* The built-in provider's own interface: one signed call, answered by its tables. It stands in this
 * server, and is spoken to as if it did not. */
#include "api/api.h"
#include "db/sql.h"

static struct step answer(struct request *q, const struct rows *r) {
  struct test_serve_row row;
  struct builder b = {0};
  if (!one_test_serve(q, r, &row)) return problem(q, INTERNAL);
  build_text(&b, row.answer);
  return reply_json(q, 200, &b);
}

static struct step set_up(struct request *q, const struct rows *r) {
  struct gateway_read_row row;
  struct text asked = body_raw(q), why = NONE;
  if (!one_gateway_read(q, r, &row)) return problem(q, NOTIFICATION_REFUSED);
  struct json *settings = settings_open(&q->arena, &house_secrets(api_of(q)->house)->sealing,
                                        q->community, LIT("test"), row.sealed, row.shown);
  if (!test_signed(settings, header(q, "Test-Signature"), time_now(), asked) ||
      json_kind(json_parse(&q->arena, asked, &why)) != JSON_OBJECT)
    return problem(q, NOTIFICATION_REFUSED);
  return ask_test_serve(q, answer, .asked = asked);
}

struct step test_provider(struct request *q) {
  return ask_gateway_read(q, set_up, .provider = LIT("test"));
}
