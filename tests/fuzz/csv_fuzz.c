/* Cells that people wrote, as CSV: a reader of RFC 4180 gets each cell back, and none of them
 * starts a formula. The input is cells, ended by 0x1E, in rows, ended by 0x1D. */
#include "formats/formats.h"
#include "tests/fuzz/fuzz.h"

enum { CELL_END = 0x1E, ROW_END = 0x1D };

static const char *reader; /* what is left of the file */

/* Reads one cell into `b`; returns what ended it: ',' or '\n', or 0 at the end of the file. */
static char read_cell(struct builder *b, const char *end) {
  bool quoted = reader < end && *reader == '"';
  if (quoted) reader++;
  for (; reader < end; reader++) {
    bool pair = quoted && *reader == '"' && reader + 1 < end && reader[1] == '"';
    if (pair) {
      reader++;
    } else if (quoted && *reader == '"') {
      quoted = false;
      CHECK(reader + 1 < end && (reader[1] == ',' || reader[1] == '\r'));
      continue;
    } else if (!quoted && *reader == ',') {
      reader++;
      return ',';
    } else if (!quoted && *reader == '\r') {
      CHECK(reader + 1 < end && reader[1] == '\n');
      reader += 2;
      return '\n';
    }
    build_char(b, *reader);
  }
  return 0;
}

/* As it was written, but for the apostrophe in front of what would be a formula. */
static bool is_same(struct text cell, struct text wrote) {
  bool formula = wrote.len && strchr("=+-@\t\r", wrote.at[0]) && wrote.at[0];
  if (!formula) return cell.len == wrote.len && text_equal(cell, wrote);
  return cell.len == wrote.len + 1 && cell.at[0] == '\'' &&
         memcmp(cell.at + 1, wrote.at, wrote.len) == 0;
}

static void write_all(struct csv *c, struct text t) {
  for (struct text rest = t; rest.at;) {
    struct text row = text_cut(&rest, ROW_END);
    while (row.at)
      csv_cell(c, text_cut(&row, CELL_END));
    csv_end_row(c);
  }
}

static void read_all(struct text file, struct text t) {
  const char *end = file.at + file.len;
  CHECK(text_starts(file, "\xEF\xBB\xBF"));
  reader = file.at + 3;
  for (struct text rest = t; rest.at;) {
    struct text row = text_cut(&rest, ROW_END);
    while (row.at) {
      struct builder b = {0};
      struct text wrote = text_cut(&row, CELL_END);
      char ended = read_cell(&b, end);
      CHECK(ended == (row.at ? ',' : '\n'));
      CHECK(is_same((struct text){b.at, b.len}, wrote));
      CHECK(!b.len || !b.at[0] || !strchr("=+-@\t\r", b.at[0]));
      builder_free(&b);
    }
  }
  CHECK(reader == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct builder b = {0};
  struct csv c;
  struct text t = {(const char *)data, size};
  if (!size) return 0;
  csv_begin(&c, &b);
  write_all(&c, t);
  read_all(built(&b), t);
  builder_free(&b);
  return 0;
}
