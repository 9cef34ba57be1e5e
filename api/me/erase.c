/* Asking to be erased: in seven days, in all communities. All sessions end at once; signing in
 * takes it back. Who is a community's only owner hands it over first. */
#include "api/api.h"
#include "db/sql.h"

static struct step signed_out(struct request *q, const struct rows *r) {
  const micros *at = q->state;
  struct builder b = {0};
  end_sessions(q, r);
  build_str(&b, "{\"erase_after\":\"");
  build_time(&b, *at);
  build_str(&b, "\"}");
  return reply_json(q, 202, &b);
}

static struct step planned(struct request *q, const struct rows *r) {
  (void)r;
  return ask_account_sessions_end(q, signed_out, .account = q->caller.account,
                                  .reason = LIT("erased"));
}

static struct step asked(struct request *q, const struct rows *r) {
  micros *at = q->state = NEW(&q->arena, micros);
  struct account_erase_row row;
  if (!one_account_erase(q, r, &row)) return problem(q, NOT_FOUND);
  *at = row.erase_after;
  return ask_account_erase_job(q, planned, .id = uuid_new(), .account = q->caller.account,
                               .run_at = row.erase_after, .created_by = q->caller.member);
}

static struct step erase(struct request *q) {
  return ask_account_erase(q, asked, .id = q->caller.account);
}

static struct step counted(struct request *q, const struct rows *r) {
  struct account_sole_owner_row row;
  if (!one_account_sole_owner(q, r, &row)) return problem(q, INTERNAL);
  return row.communities ? problem(q, LAST_OWNER) : begin(q, erase);
}

struct step me_delete(struct request *q) {
  return ask_account_sole_owner(q, counted, .account = q->caller.account);
}
