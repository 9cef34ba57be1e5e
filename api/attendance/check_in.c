/* Check-in by the rotating code that the hall shows. The code is verified here, without the
 * database; what the lecture and the membership say to it is decided by the batched statement. */
#include "api/api.h"
#include "db/sql.h"

enum { TRIES = 3 };

static struct step marked(struct request *q, const struct rows *r);

static struct step mark(struct request *q) {
  return ask_check_in(q, marked, .lecture_id = path_id(q, "id"), .member_id = q->caller.member,
                      .device_id = body_text(q, "device_id"));
}

/* Too early burns nothing: the answer says from when on the same request will do. */
static void say_when(struct request *q, micros opens_at) {
  char at[32];
  time_write(opens_at, at);
  q->retry_at = opens_at;
  q->detail = q->chinese ? arena_printf(&q->arena, "签到将于 %s 开放", at)
                         : arena_printf(&q->arena, "Check-in opens at %s", at);
}

static struct step marked(struct request *q, const struct rows *r) {
  struct check_in_row row;
  int *tries = q->state;
  if (refused(q, r)) {
    if (q->problem == TOO_EARLY && one_check_in(q, r, &row)) say_when(q, row.opens_at);
    return DONE;
  }
  if (!one_check_in(q, r, &row)) return problem(q, INTERNAL);
  if (row.twice) return ++*tries < TRIES ? mark(q) : problem(q, BUSY);
  if (row.created) reply_header(q, "Location", LIT("/v1/me/attendance"));
  return answer_made(q, r);
}

struct step check_in(struct request *q) {
  struct api *api = api_of(q);
  if (!check_in_valid(house_secrets(api->house), q->community, path_id(q, "id"), time_now(),
                      body_text(q, "code"))) {
    charge_miss(q);
    return problem(q, CHECK_IN_REFUSED);
  }
  q->state = NEW(&q->arena, int);
  return mark(q);
}
