/* A batch's codes as CSV. Who takes them away is written down first; then they are read page by
 * page, so that no answer of the database is large. One file holds so many codes at most, and the
 * Link header says where the next begins; `lyceum codes export` has no such bound. */
#include "api/api.h"
#include "db/sql.h"
#include "formats/formats.h"
#include "rules/rules.h"

enum { PAGE = 5000, FILE_MOST = 50000, FILE_BYTES = 8 << 20 };

struct exporting {
  struct uuid batch, last; /* last: of the codes written so far */
  struct builder out;
  struct csv csv;
  int64_t written;
};

static struct step read_page(struct request *q);

/* However the request ends, the file goes with its arena. */
static void forget(void *what) {
  builder_free(&((struct exporting *)what)->out);
}

static void begin_file(struct exporting *e) {
  static const char *const heads[] = {"code", "status",     "max_uses",
                                      "used", "valid_from", "valid_until"};
  e->out.cap = FILE_BYTES;
  csv_begin(&e->csv, &e->out);
  for (size_t i = 0; i < COUNT(heads); i++)
    csv_cell(&e->csv, text_of(heads[i]));
  csv_end_row(&e->csv);
}

/* In an arena of its own: the request's holds one page, not all. */
static void write_code(struct request *q, struct csv *c, const struct code_batch_codes_row *row) {
  struct arena scratch = {0};
  char shown[CODE_SHOWN + 1];
  struct text code = code_open(house_secrets(api_of(q)->house), &scratch, row->id, row->sealed);
  if (code.len == CODE_LENGTH) {
    code_show(code.at, shown);
    code = text_of(shown);
  }
  csv_cell(c, code);
  arena_free(&scratch);
}

static void write_row(struct request *q, struct exporting *e, const struct rows *r, int i) {
  static const size_t columns[] = {3, 4, 5, 6, 7}; /* status, max_uses, used, from, until */
  struct code_batch_codes_row row;
  if (!row_code_batch_codes(q, r, i, &row)) return;
  write_code(q, &e->csv, &row);
  for (size_t k = 0; k < COUNT(columns); k++)
    csv_cell(&e->csv, rows_cell(q, r, i, columns[k]));
  csv_end_row(&e->csv);
  e->last = row.id;
  e->written++;
}

static struct step send(struct request *q, struct exporting *e, bool more) {
  char batch[37], last[37];
  uuid_write(e->batch, batch);
  uuid_write(e->last, last);
  if (more)
    reply_header(q, "Link",
                 arena_printf(&q->arena, "</v1/code-batches/%s/codes.csv?after=%s>; rel=\"next\"",
                              batch, last));
  reply_download(q, arena_printf(&q->arena, "codes-%s.csv", batch));
  return reply(q, 200, "text/csv; charset=utf-8", &e->out);
}

/* One row more than a page was asked for: it is not written, it only tells that there are more. */
static struct step page_came(struct request *q, const struct rows *r) {
  struct exporting *e = q->state;
  int count = r->count < PAGE ? r->count : PAGE;
  for (int i = 0; i < count; i++)
    write_row(q, e, r, i);
  bool more = r->count > PAGE;
  return more && e->written < FILE_MOST ? read_page(q) : send(q, e, more);
}

static struct step read_page(struct request *q) {
  struct exporting *e = q->state;
  return ask_code_batch_codes(q, page_came, .batch = e->batch, .after_id = e->last,
                              .page = PAGE + 1);
}

static struct step noted(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  begin_file(q->state);
  return read_page(q);
}

struct step code_batch_export(struct request *q) {
  struct exporting *e = q->state = NEW(&q->arena, struct exporting);
  arena_defer(&q->arena, forget, e);
  e->batch = path_id(q, "id");
  (void)uuid_parse(query_text(q, "after"), &e->last);
  return ask_code_batch_export(
      q, noted, .id = e->batch, .after_id = e->last, .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}
