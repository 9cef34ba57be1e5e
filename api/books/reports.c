/* Reports over months, each as JSON, CSV and XLSX: the same rows of one statement. */
#include "api/books/books.h"

#include <stdlib.h>
#include <string.h>

enum { MONTHS_MOST = 36, MONTHS_USUAL = 12, REPORT_BYTES = 4 << 20, BOOK_BYTES = 2 << 20 };

struct report {
  const char *name;
  struct text from, until, by;
};

/* ---- the range ---- */

/* `2026-11` as months since the year 0; -1 when it is none. */
static int64_t month_of(struct text t) {
  int64_t year, month;
  if (t.len != 7 || t.at[4] != '-') return -1;
  bool good = text_to_int((struct text){t.at, 4}, &year) &&
              text_to_int((struct text){t.at + 5, 2}, &month) && t.at[5] != '-' && t.at[5] != '+';
  return good && year >= 2000 && year <= 2299 && month >= 1 && month <= 12 ? year * 12 + month - 1
                                                                           : -1;
}

static struct text month_text(struct request *q, int64_t months) {
  return arena_printf(&q->arena, "%04lld-%02lld", (long long)(months / 12),
                      (long long)(months % 12 + 1));
}

/* The present month; a day later than anywhere on earth, for it is cut off at now anyway. */
static int64_t this_month(void) {
  char now[32];
  time_write(time_now() + (int64_t)14 * 3600 * 1000000, now);
  return month_of((struct text){now, 7});
}

static int64_t given(struct request *q, const char *name, int64_t otherwise) {
  struct text t = query_text(q, name);
  int64_t months = t.at ? month_of(t) : otherwise;
  if (months < 0)
    fault_add(q, text_of(name), "format", LIT("a month: 2026-11"), LIT("应为月份，如 2026-11"));
  return months;
}

static bool range_read(struct request *q, struct report *r) {
  int64_t until = given(q, "until", this_month());
  int64_t from = given(q, "from", until < 0 ? 0 : until - MONTHS_USUAL + 1);
  if (!q->faults && (from > until || until - from >= MONTHS_MOST))
    fault_add(q, LIT("from"), "out_of_range", LIT("1 to 36 months before `until`"),
              LIT("区间应为 1 至 36 个月"));
  if (q->faults) return false;
  r->from = month_text(q, from);
  r->until = month_text(q, until);
  r->by = query_text(q, "by");
  if (!r->by.at) r->by = LIT("month");
  return true;
}

/* ---- CSV ---- */

static bool is_number(const struct statement *s, size_t column) {
  return s->out[column].type == SQL_BIGINT || s->out[column].type == SQL_INT;
}

static void name_file(struct request *q, const char *ending) {
  const struct report *r = q->state;
  reply_download(q, arena_printf(&q->arena, "%s %.*s %.*s.%s", r->name, TEXT_ARGS(r->from),
                                 TEXT_ARGS(r->until), ending));
}

static void csv_row(struct request *q, struct csv *c, const struct rows *r, int i) {
  int64_t n;
  for (size_t k = 0; k < r->statement->out_count; k++) {
    struct text cell = rows_cell(q, r, i, k);
    if (is_number(r->statement, k) && text_to_int(cell, &n))
      csv_int(c, n);
    else
      csv_cell(c, cell);
  }
  csv_end_row(c);
}

static struct step answer_csv(struct request *q, const struct rows *r) {
  struct builder b = {.cap = REPORT_BYTES};
  struct csv c;
  csv_begin(&c, &b);
  for (size_t k = 0; k < r->statement->out_count; k++)
    csv_cell(&c, text_of(r->statement->out[k].name));
  csv_end_row(&c);
  for (int i = 0; i < r->count; i++)
    csv_row(q, &c, r, i);
  name_file(q, "csv");
  return reply(q, 200, "text/csv; charset=utf-8", &b);
}

/* ---- XLSX, on the pool ---- */

enum { COLUMNS_MOST = 16 };
struct book { /* one memory, as the pool wants it: cells and their texts lie behind it */
  struct grid grid;
  bool numbers[COLUMNS_MOST];
  struct text heads[COLUMNS_MOST];
  size_t len;
  char file[BOOK_BYTES];
  struct text cells[];
};

static void write_book(void *state) {
  struct book *k = state;
  struct builder b = {.cap = BOOK_BYTES};
  if (xlsx_write(&k->grid, &b)) {
    memcpy(k->file, b.at, b.len);
    k->len = b.len;
  }
  builder_free(&b);
}

static struct step written(struct request *q) {
  const struct book *k = q->state;
  struct builder b = {.cap = BOOK_BYTES};
  if (!k->len) return problem(q, OUT_OF_MEMORY);
  build_bytes(&b, k->file, k->len);
  return reply(q, 200, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &b);
}

static size_t bytes_of(struct request *q, const struct rows *r) {
  size_t sum = 0;
  for (int i = 0; i < r->count; i++)
    for (size_t c = 0; c < r->statement->out_count; c++)
      sum += rows_cell(q, r, i, c).len + 1;
  return sum;
}

static void fill(struct request *q, const struct rows *r, struct book *k) {
  size_t columns = r->statement->out_count, rows = (size_t)r->count;
  char *at = (char *)&k->cells[columns * rows];
  for (size_t c = 0; c < columns; c++) {
    k->heads[c] = text_of(r->statement->out[c].name);
    k->numbers[c] = is_number(r->statement, c);
  }
  for (size_t n = 0; n < columns * rows; n++) {
    struct text t = rows_cell(q, r, (int)(n / columns), n % columns);
    if (!t.at) continue;
    memcpy(at, t.at, t.len);
    k->cells[n] = (struct text){at, t.len};
    at += t.len + 1; /* zeroed: it ends with NUL */
  }
  k->grid = (struct grid){.name = ((struct report *)q->state)->name,
                          .columns = columns,
                          .rows = rows,
                          .heads = k->heads,
                          .cells = k->cells,
                          .is_number = k->numbers};
}

static struct step answer_xlsx(struct request *q, const struct rows *r) {
  size_t cells = r->statement->out_count * (size_t)r->count;
  if (r->statement->out_count > COLUMNS_MOST) return problem(q, INTERNAL);
  struct book *k = calloc(1, sizeof *k + cells * sizeof k->cells[0] + bytes_of(q, r));
  if (!k) return problem(q, OUT_OF_MEMORY);
  fill(q, r, k);
  name_file(q, "xlsx");
  q->state = k;
  return work(q, api_of(q)->drawing, write_book, k, written);
}

/* ---- the reports ---- */

static struct report *report_new(struct request *q, const char *name) {
  struct report *r = q->state = NEW(&q->arena, struct report);
  r->name = name;
  return range_read(q, r) ? r : NULL;
}

static struct step revenue(struct request *q, rows_next next) {
  const struct report *r = report_new(q, "revenue");
  if (!r) return problem(q, QUERY_INVALID);
  return ask_report_revenue(q, next, .by = r->by, .from_month = r->from, .until_month = r->until);
}

static struct step mrr(struct request *q, rows_next next) {
  const struct report *r = report_new(q, "mrr");
  if (!r) return problem(q, QUERY_INVALID);
  return ask_report_mrr(q, next, .from_month = r->from, .until_month = r->until);
}

static struct step churn(struct request *q, rows_next next) {
  const struct report *r = report_new(q, "churn");
  if (!r) return problem(q, QUERY_INVALID);
  return ask_report_churn(q, next, .from_month = r->from, .until_month = r->until);
}

struct step report_revenue(struct request *q) {
  return revenue(q, answer_all);
}
struct step report_revenue_csv(struct request *q) {
  return revenue(q, answer_csv);
}
struct step report_revenue_xlsx(struct request *q) {
  return revenue(q, answer_xlsx);
}
struct step report_mrr(struct request *q) {
  return mrr(q, answer_all);
}
struct step report_mrr_csv(struct request *q) {
  return mrr(q, answer_csv);
}
struct step report_mrr_xlsx(struct request *q) {
  return mrr(q, answer_xlsx);
}
struct step report_churn(struct request *q) {
  return churn(q, answer_all);
}
struct step report_churn_csv(struct request *q) {
  return churn(q, answer_csv);
}
struct step report_churn_xlsx(struct request *q) {
  return churn(q, answer_xlsx);
}
