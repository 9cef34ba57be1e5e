/* The rotating check-in code, for the screen in the hall: as JSON, and as a QR code to point a
 * camera at. Nothing is stored; a code is shown for one step and accepted for two. */
#include "api/api.h"
#include "db/sql.h"
#include "formats/formats.h"

struct showing {
  char code[CHECK_IN_DIGITS + 1];
  micros until;
};

/* False: the problem is set. */
static bool show(struct request *q, const struct rows *r, struct showing *out) {
  static const micros step = CHECK_IN_STEP_SECONDS * INT64_C(1000000);
  struct lecture_managed_row row;
  micros now = time_now();
  if (refused(q, r)) return false;
  if (!one_lecture_managed(q, r, &row)) return false;
  if (!text_is(row.status, "scheduled")) {
    q->problem = text_is(row.status, "ended") ? TOO_LATE : STATE_FORBIDS;
    return false;
  }
  check_in_code(house_secrets(api_of(q)->house), q->community, path_id(q, "id"), now, out->code);
  out->until = now - now % step + step;
  return true;
}

static struct step code_shown(struct request *q, const struct rows *r) {
  struct showing s;
  struct builder b = {0};
  if (!show(q, r, &s)) return DONE;
  build_printf(&b, "{\"code\":\"%s\",\"valid_until\":\"", s.code);
  build_time(&b, s.until);
  build_printf(&b, "\",\"step_seconds\":%d}", CHECK_IN_STEP_SECONDS);
  return reply_json(q, 200, &b);
}

/* What the camera reads leads into the app; the code stands behind the #, which no browser sends
 * to a server and no log holds. */
static struct step picture_shown(struct request *q, const struct rows *r) {
  struct showing s;
  struct builder b = {0};
  char id[37];
  if (!show(q, r, &s)) return DONE;
  uuid_write(path_id(q, "id"), id);
  const char *url = api_of(q)->config->public_url;
  struct text link =
      arena_printf(&q->arena, "%s/check-in#lecture=%s&code=%s", *url ? url : "lyceum:", id, s.code);
  if (!qr_svg(link, &b)) {
    builder_free(&b);
    return problem(q, OUT_OF_MEMORY);
  }
  return reply(q, 200, "image/svg+xml", &b);
}

static struct step ask_managed(struct request *q, rows_next next) {
  return ask_lecture_managed(q, next, .id = path_id(q, "id"),
                             .everything = q->caller.role >= ROLE_OPERATOR,
                             .own_as = q->caller.member);
}

struct step check_in_code_get(struct request *q) {
  return ask_managed(q, code_shown);
}

struct step check_in_code_picture(struct request *q) {
  return ask_managed(q, picture_shown);
}
