/* Giving a member another role or state. Operators manage up to lecturers, owners all; a community
 * keeps an owner. A ban ends the sessions at once and keeps the person's contacts out. */
#include "api/members/members.h"

static struct step changed(struct request *q, const struct rows *r) {
  struct member_change_row row;
  if (refused(q, r)) return DONE;
  if (!one_member_change(q, r, &row)) return problem(q, INTERNAL);
  house_member_changed(api_of(q)->house, q->community, path_id(q, "id"), row.token_version);
  return member_look(q, answer_one);
}

static struct step compared(struct request *q, const struct rows *r) {
  const struct looking *l = q->state;
  struct text wanted = body_text(q, "role");
  struct member_read_row member;
  micros until = 0;
  if (!one_member_read(q, r, &member)) return problem(q, NOT_FOUND);
  if (!if_match_holds(q, r)) return problem(q, VERSION_CHANGED);
  enum role now = role_of(member.role), role = wanted.at ? role_of(wanted) : now;
  if (!may_manage(q->caller.role, now, role)) return problem(q, NOT_ALLOWED);
  bool has_until = body_time(q, "until", &until);
  return ask_member_change(q, changed, .id = member.id, .role = wanted,
                           .state = body_text(q, "state"), .reason = body_text(q, "reason"),
                           .until = until, .has_until = has_until, .was = l->seen.version,
                           .actor = q->caller.member, .shut = l->digests, .audit = uuid_new(),
                           .revocation = uuid_new(), .request_id = q->id);
}

/* What a body can't say by its fields alone. */
static void check(struct request *q) {
  struct text state = body_text(q, "state"), reason = body_text(q, "reason");
  bool imposed = state.at && !text_is(state, "active"),
       ends = text_is(state, "muted") || text_is(state, "suspended");
  micros until;
  if (!state.at && !body_text(q, "role").at)
    fault_add(q, LIT("/role"), "required", LIT("a role or a state"), LIT("请提供角色或状态"));
  if (imposed && !reason.at)
    fault_add(q, LIT("/reason"), "required", LIT("say why"), LIT("请说明原因"));
  if (!body_time(q, "until", &until)) return;
  if (!ends)
    fault_add(q, LIT("/until"), "forbidden", LIT("only what is muted or suspended has an end"),
              LIT("仅禁言或暂停可设截止时间"));
  else if (until <= time_now())
    fault_add(q, LIT("/until"), "out_of_range", LIT("in the future"), LIT("应为将来的时间"));
}

struct step member_patch(struct request *q) {
  check(q);
  return q->faults ? problem(q, BODY_INVALID) : member_look(q, compared);
}
