/* Readers and writers of file formats: text in, text out; no files, no network, no database. */
#ifndef LYCEUM_FORMATS_H
#define LYCEUM_FORMATS_H

#include "base/base.h"

/* ---- CSV (RFC 4180) ---------------------------------------------------------------------------
 */

/* Rows end with CR LF. The file starts with a byte order mark, else a spreadsheet takes UTF-8 for
 * something else. */
struct csv {
  struct builder *out;
  bool inside; /* a row is under way: the next cell needs a comma in front */
};
void csv_begin(struct csv *c, struct builder *out);
/* One cell; NONE is an empty one. What a spreadsheet would take for a formula (it starts with
 * = + - @ TAB or CR) gets an apostrophe in front, so that somebody's name is never run. */
void csv_cell(struct csv *c, struct text t);
void csv_int(struct csv *c, int64_t n); /* a number, which may well begin with a minus */
void csv_end_row(struct csv *c);

/* ---- QR codes (ISO/IEC 18004) ------------------------------------------------------------------
 */

/* An SVG picture of a QR code (error correction M, quiet zone of 4 modules) that scales to any
 * size. False when the text is too long for one or memory runs out. */
bool qr_svg(struct text content, struct builder *out);

/* ---- PDF --------------------------------------------------------------------------------------
 */

enum { SHEET_FACTS = 8, SHEET_SUMS = 6, SHEET_ROWS = 24, SHEET_COLUMNS = 4 };
struct sheet_table {
  struct text heads[SHEET_COLUMNS];
  struct text cells[SHEET_ROWS][SHEET_COLUMNS];
  size_t columns, rows; /* without rows it is left out */
};
/* What stands on a sheet of A4, from the top; lists end where the first text is NONE. */
struct sheet {
  struct text issuer, number, title, foot;
  struct text facts[SHEET_FACTS][2]; /* label, value */
  struct sheet_table lines;
  struct text sums[SHEET_SUMS][2]; /* the last one is the total */
  struct sheet_table payments;
  const char *language; /* `zh-CN`: picks the forms of letters that languages share */
  const char *date;     /* RFC 3339, of what it tells, not of the drawing */
};
/* False when memory runs out. It takes milliseconds: on a pool of threads only. */
bool pdf_sheet(const struct sheet *s, struct builder *out);

/* ---- XLSX (ECMA-376) ---------------------------------------------------------------------------
 */

struct grid {
  const char *name; /* of the sheet */
  size_t columns, rows;
  const struct text *heads, *cells; /* row after row; NUL-terminated; NONE is an empty cell */
  const bool *is_number;            /* by column: whole numbers; else texts, never formulas */
};
/* False when memory runs out. It takes milliseconds: on a pool of threads only. */
bool xlsx_write(const struct grid *g, struct builder *out);

#endif
