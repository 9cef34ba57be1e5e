/* What the files of this noun share: the paper that a receipt is printed on. */
#ifndef LYCEUM_API_BOOKS_H
#define LYCEUM_API_BOOKS_H

#include "api/api.h"
#include "db/sql.h"
#include "formats/formats.h"

/* One memory for all of it, for a pool's thread reads and fills it (see work): what the sheet tells
 * lies in `texts`, and what was drawn in `pdf`. */
enum { PAPER_TEXTS = 24 << 10, PAPER_PDF = 1 << 20 };
struct paper {
  struct sheet sheet;
  size_t used, len; /* of texts and of pdf */
  bool full;        /* a text did not fit: the sheet is not to be drawn */
  char texts[PAPER_TEXTS];
  char pdf[PAPER_PDF];
};
/* Sets a receipt in the request's language; NULL when memory ran out. malloc'ed. */
struct paper *receipt_paper(struct request *q, const struct receipt_read_row *r, bool chinese);
void paper_draw(void *paper); /* len stays 0 when it fails */

#endif
