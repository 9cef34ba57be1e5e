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
void csv_end_row(struct csv *c);

/* ---- QR codes (ISO/IEC 18004) ------------------------------------------------------------------
 */

/* An SVG picture of a QR code (error correction M, quiet zone of 4 modules) that scales to any
 * size. False when the text is too long for one or memory runs out. */
bool qr_svg(struct text content, struct builder *out);

#endif
