/* Pausing a membership, giving notice, coming back: one statement makes every change and tells what
 * a change would make of it. Members change their own; operators anybody's, with a reason. */
#include "api/api.h"
#include "db/sql.h"

struct change {
  struct uuid member, id;
  struct text wish;
  bool preview;
};

static struct step told(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  struct builder b = {0};
  rows_object(r, 0, &b);
  return reply_json(q, 200, &b);
}

/* `expected` is the version that the caller saw; 0 when they did not say. */
static struct step change(struct request *q, int64_t expected) {
  const struct change *c = q->state;
  return ask_membership_change(
      q, told, .member_id = c->member, .id = c->id, .wish = c->wish, .body = body_json(q),
      .preview = c->preview, .expected = expected, .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  struct membership_get_row row;
  if (refused(q, r)) return DONE;
  if (!if_match_holds(q, r) || !one_membership_get(q, r, &row)) return problem(q, VERSION_CHANGED);
  return change(q, row.version);
}

static struct step start(struct request *q, struct change c) {
  struct change *kept = q->state = NEW(&q->arena, struct change);
  *kept = c;
  if (!has_if_match(q) || c.preview || !text_is(c.wish, "change")) return change(q, 0);
  return ask_membership_get(q, compared, .member_id = c.member, .id = c.id);
}

static struct step mine(struct request *q, struct text wish, bool preview) {
  return start(q, (struct change){q->caller.member, path_id(q, "id"), wish, preview});
}

static struct step theirs(struct request *q, struct text wish, bool preview) {
  return start(q, (struct change){path_id(q, "id"), path_id(q, "membership_id"), wish, preview});
}

/* A preview takes what the change itself takes, and nothing else. */
static bool whole(struct request *q) {
  static const struct {
    const char *field, *wish;
    bool wanted;
  } fields[] = {{"resume_at", "pause", true},
                {"now", "cancel", false},
                {"auto_renew", "change", false},
                {"next_plan_id", "change", false}};
  for (size_t i = 0; i < COUNT(fields); i++) {
    bool there = json_get(body(q), fields[i].field) != NULL;
    bool goes = text_is(body_text(q, "wish"), fields[i].wish);
    struct text pointer = arena_printf(&q->arena, "/%s", fields[i].field);
    if (there && !goes)
      fault_add(q, pointer, "superfluous", LIT("this change has no such field"),
                LIT("此变更没有该字段"));
    else if (!there && goes && fields[i].wanted)
      fault_add(q, pointer, "required", LIT("a pause has an end"), LIT("暂停须有结束时间"));
  }
  return !q->faults;
}

/* ---- one's own ---- */

struct step my_membership_change(struct request *q) {
  return mine(q, LIT("change"), false);
}

struct step my_membership_cancel(struct request *q) {
  return mine(q, LIT("cancel"), false);
}

struct step my_membership_return(struct request *q) {
  return mine(q, LIT("return"), false);
}

struct step my_membership_pause(struct request *q) {
  return mine(q, LIT("pause"), false);
}

struct step my_membership_resume(struct request *q) {
  return mine(q, LIT("resume"), false);
}

struct step my_membership_preview(struct request *q) {
  return whole(q) ? mine(q, body_text(q, "wish"), true) : problem(q, BODY_INVALID);
}

/* ---- a member's ---- */

/* A merge patch needs none of its members; this one has to be there all the same. */
struct step membership_change(struct request *q) {
  if (!body_text(q, "reason").at) {
    fault_add(q, LIT("/reason"), "required", LIT("say why"), LIT("请说明原因"));
    return problem(q, BODY_INVALID);
  }
  return theirs(q, LIT("change"), false);
}

struct step membership_cancel(struct request *q) {
  return theirs(q, LIT("cancel"), false);
}

struct step membership_return(struct request *q) {
  return theirs(q, LIT("return"), false);
}

struct step membership_pause(struct request *q) {
  return theirs(q, LIT("pause"), false);
}

struct step membership_resume(struct request *q) {
  return theirs(q, LIT("resume"), false);
}

struct step membership_preview(struct request *q) {
  return whole(q) ? theirs(q, body_text(q, "wish"), true) : problem(q, BODY_INVALID);
}
