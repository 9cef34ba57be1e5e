/* Receipts: as data, and as a sheet of paper that is drawn on a pool of threads. */
#include "api/books/books.h"

static struct step read_receipt(struct request *q, rows_next next) {
  return ask_receipt_read(q, next, .order_id = path_id(q, "id"), .member_id = q->caller.member,
                          .all = q->caller.role >= ROLE_OPERATOR);
}

struct step receipt_get(struct request *q) {
  return read_receipt(q, answer_one);
}

static struct step drawn(struct request *q) {
  const struct paper *p = q->state;
  struct builder b = {.cap = PAPER_PDF};
  if (!p->len) return problem(q, OUT_OF_MEMORY);
  build_bytes(&b, p->pdf, p->len);
  return reply(q, 200, "application/pdf", &b);
}

static struct step draw(struct request *q, const struct rows *r) {
  struct receipt_read_row row;
  struct text language = query_text(q, "language");
  if (refused(q, r) || !one_receipt_read(q, r, &row)) return DONE;
  bool chinese = language.at ? text_is(language, "zh-CN") : q->chinese;
  struct paper *p = receipt_paper(q, &row, chinese);
  if (!p) return problem(q, OUT_OF_MEMORY);
  q->state = p;
  reply_download(q, arena_printf(&q->arena, "receipt-%.*s.pdf", TEXT_ARGS(row.number)));
  return work(q, api_of(q)->drawing, paper_draw, p, drawn);
}

struct step receipt_pdf(struct request *q) {
  return read_receipt(q, draw);
}
