/* The roster of a lecture: who was to come, who came, how many, the same as CSV, and the mark that
 * a person makes. For the lecture's own lecturer and for operators. */
#include "api/api.h"
#include "db/sql.h"
#include "formats/formats.h"

#include <string.h>

enum { CSV_ROWS = 20000, CSV_BYTES = 16 << 20 };

static struct step managed(struct request *q, rows_next next) {
  return ask_lecture_managed(q, next, .id = path_id(q, "id"),
                             .everything = q->caller.role >= ROLE_OPERATOR,
                             .own_as = q->caller.member);
}

/* ---- list and summary ------------------------------------------------------------------------ */

static struct step list(struct request *q, const struct rows *r) {
  const struct page *p = q->state;
  if (refused(q, r)) return DONE;
  return ask_attendance_list(q, answer_page, .lecture_id = path_id(q, "id"), PAGE_IN(*p));
}

struct step attendance_list(struct request *q) {
  struct page *p = q->state = NEW(&q->arena, struct page);
  return page_read(q, p) ? managed(q, list) : DONE;
}

static struct step summary(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_attendance_summary(q, answer_one, .lecture_id = path_id(q, "id"));
}

struct step attendance_summary(struct request *q) {
  return managed(q, summary);
}

/* ---- CSV ------------------------------------------------------------------------------------- */

static void cell_bool(struct csv *c, bool b) {
  csv_cell(c, b ? LIT("true") : LIT("false"));
}

static void csv_row(struct request *q, struct csv *c, const struct rows *r, int i) {
  struct attendance_list_row row;
  if (!row_attendance_list(q, r, i, &row)) return;
  for (size_t column = 0; column < 8; column++) /* member_id … excuse */
    csv_cell(c, rows_cell(q, r, i, column));
  cell_bool(c, row.on_roster);
  cell_bool(c, row.device_shared);
  csv_end_row(c);
}

static struct step written(struct request *q, const struct rows *r) {
  static const char *const heads[] = {"member_id",  "display_name", "state",   "via",
                                      "arrived_at", "left_at",      "minutes", "excuse",
                                      "on_roster",  "device_shared"};
  struct builder b = {.cap = CSV_BYTES};
  struct csv c;
  csv_begin(&c, &b);
  for (size_t i = 0; i < COUNT(heads); i++)
    csv_cell(&c, text_of(heads[i]));
  csv_end_row(&c);
  for (int i = 0; i < r->count; i++)
    csv_row(q, &c, r, i);
  return reply(q, 200, "text/csv; charset=utf-8", &b);
}

static struct step export(struct request *q, const struct rows *r) {
  struct lecture_managed_row row;
  struct text why = NONE;
  if (refused(q, r) || !one_lecture_managed(q, r, &row)) return DONE;
  struct json *title = json_parse(&q->arena, row.title, &why);
  struct text name = json_text(json_get(title, q->chinese ? "zh-CN" : "en"));
  if (!name.at) name = json_text(json_get(title, q->chinese ? "en" : "zh-CN"));
  reply_download(q, arena_printf(&q->arena, "%.*s %.10s.csv", TEXT_ARGS(name), row.local_start.at));
  return ask_attendance_list(q, written, .lecture_id = path_id(q, "id"), .page = CSV_ROWS);
}

struct step attendance_export(struct request *q) {
  return managed(q, export);
}

/* ---- a mark by hand -------------------------------------------------------------------------- */

static struct step put(struct request *q, const struct rows *r) {
  struct attendance_put_row row;
  if (!refused(q, r)) return answer_one(q, r);
  if (q->problem == TOO_EARLY && one_attendance_put(q, r, &row)) q->retry_at = row.opens_at;
  return DONE;
}

static struct step mark(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_attendance_put(q, put, .lecture_id = path_id(q, "id"),
                            .member_id = path_id(q, "member_id"), .body = body_json(q),
                            .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                            .history_id = uuid_new(), .audit_id = uuid_new(), .request_id = q->id);
}

struct step attendance_put(struct request *q) {
  return managed(q, mark);
}
