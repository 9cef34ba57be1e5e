/* Writing lectures: drafts, changes by merge patch, publishing, cancelling. A lecturer writes their
 * own, operators all. Changes run in a transaction that first locks the lecture, its lecturers and
 * venues (lecture_hold.sql): so If-Match holds until the change is made, and of two who book one
 * lecturer at once the second is told whose lecture stands in the way. */
#include "api/api.h"
#include "db/sql.h"

static bool everything(const struct request *q) {
  return q->caller.role >= ROLE_OPERATOR;
}

static struct text role(const struct request *q) {
  return text_of(role_name(q->caller.role));
}

static struct step show(struct request *q, rows_next next) {
  return ask_lecture_get(q, next, .id = *(struct uuid *)q->state, .member_id = q->caller.member,
                         .everything = everything(q), .own_as = q->caller.member);
}

/* ---- drafts ---------------------------------------------------------------------------------- */

static struct step created(struct request *q, const struct rows *r) {
  return refused(q, r) ? DONE : show(q, answer_created);
}

struct step lecture_create(struct request *q) {
  struct uuid *id = q->state = NEW(&q->arena, struct uuid);
  *id = uuid_new();
  return ask_lecture_create(q, created, .id = *id, .body = body_json(q), .actor = q->caller.member,
                            .role = role(q), .everything = everything(q), .audit_id = uuid_new(),
                            .request_id = q->id);
}

/* ---- changes --------------------------------------------------------------------------------- */

struct change {
  struct uuid id; /* first: show() reads it */
  bool publish;
};

/* Names the lecture that stands in the way, as a fault of the field to change. */
static void name_blocking(struct request *q, const struct lecture_change_row *row) {
  struct text why = NONE;
  struct json *b = row->blocking.at ? json_parse(&q->arena, row->blocking, &why) : NULL;
  if (!b) return;
  struct json *title = json_get(b, "title");
  struct text zh = json_text(json_get(title, "zh-CN")), en = json_text(json_get(title, "en"));
  struct text id = json_text(json_get(b, "id")), from = json_text(json_get(b, "start_at"));
  struct text to = json_text(json_get(b, "end_at")), *other = q->chinese ? &en : &zh;
  struct text name = q->chinese ? zh : en;
  if (!name.at) name = *other;
  struct text says = arena_printf(&q->arena, "%.*s (%.*s), %.*s – %.*s", TEXT_ARGS(name),
                                  TEXT_ARGS(id), TEXT_ARGS(from), TEXT_ARGS(to));
  q->detail = q->chinese ? arena_printf(&q->arena, "已有讲座：%.*s", TEXT_ARGS(says))
                         : arena_printf(&q->arena, "In the way: %.*s", TEXT_ARGS(says));
  fault_add(q, q->problem == VENUE_BUSY ? LIT("/venue_id") : LIT("/lecturer_id"), "busy", says,
            says);
}

static struct step changed(struct request *q, const struct rows *r) {
  struct lecture_change_row row;
  if (refused(q, r)) {
    if (one_lecture_change(q, r, &row)) name_blocking(q, &row);
    return DONE;
  }
  raise_generation(q);
  return show(q, answer_one);
}

static struct step change(struct request *q) {
  const struct change *c = q->state;
  return ask_lecture_change(q, changed, .id = c->id, .body = body_json(q), .publish = c->publish,
                            .actor = q->caller.member, .role = role(q), .everything = everything(q),
                            .audit_id = uuid_new(), .outbox_id = uuid_new(), .job_id = uuid_new(),
                            .request_id = q->id);
}

static struct step compared(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return if_match_holds(q, r) ? change(q) : problem(q, VERSION_CHANGED);
}

static struct step held(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return has_if_match(q) ? show(q, compared) : change(q);
}

static struct step hold(struct request *q) {
  const struct change *c = q->state;
  return ask_lecture_hold(q, held, .id = c->id, .lecturer_id = body_id(q, "lecturer_id"),
                          .venue_id = body_id(q, "venue_id"));
}

static struct step begin_change(struct request *q, bool publish) {
  struct change *c = q->state = NEW(&q->arena, struct change);
  *c = (struct change){path_id(q, "id"), publish};
  return in_transaction(q) ? hold(q) : begin(q, hold);
}

struct step lecture_change(struct request *q) {
  return begin_change(q, false);
}

struct step lecture_publish(struct request *q) {
  return begin_change(q, true);
}

/* ---- cancelling ------------------------------------------------------------------------------ */

static struct step cancelled(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  raise_generation(q);
  return show(q, answer_one);
}

struct step lecture_cancel(struct request *q) {
  struct uuid *id = q->state = NEW(&q->arena, struct uuid);
  *id = path_id(q, "id");
  return ask_lecture_cancel(q, cancelled, .id = *id, .reason = body_text(q, "reason"),
                            .actor = q->caller.member, .role = role(q), .everything = everything(q),
                            .audit_id = uuid_new(), .outbox_id = uuid_new(), .request_id = q->id);
}
