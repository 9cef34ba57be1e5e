/* A table as a workbook. A text is written as a text, whatever it begins with: only what is called
 * a formula is one, and nothing here is. */
#include "formats/formats.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

static void heads(const struct grid *g, lxw_worksheet *sheet, lxw_format *strong) {
  for (size_t c = 0; c < g->columns; c++)
    worksheet_write_string(sheet, 0, (lxw_col_t)c, g->heads[c].at, strong);
  worksheet_set_column(sheet, 0, (lxw_col_t)(g->columns - 1), 18, NULL);
  worksheet_freeze_panes(sheet, 1, 0);
}

static void cell(const struct grid *g, size_t row, size_t c, lxw_worksheet *sheet) {
  struct text t = g->cells[row * g->columns + c];
  int64_t n;
  if (!t.at) return;
  if (g->is_number[c] && text_to_int(t, &n))
    worksheet_write_number(sheet, (lxw_row_t)(row + 1), (lxw_col_t)c, (double)n, NULL);
  else
    worksheet_write_string(sheet, (lxw_row_t)(row + 1), (lxw_col_t)c, t.at, NULL);
}

static bool write_book(const struct grid *g, const char *path) {
  lxw_workbook *book = workbook_new(path);
  if (!book) return false;
  lxw_worksheet *sheet = workbook_add_worksheet(book, g->name);
  lxw_format *strong = workbook_add_format(book);
  lxw_doc_properties about = {.created = (time_t)86400}; /* not when it was made: equal is equal */
  if (strong) format_set_bold(strong);
  workbook_set_properties(book, &about);
  if (sheet) heads(g, sheet, strong);
  for (size_t row = 0; sheet && row < g->rows; row++)
    for (size_t c = 0; c < g->columns; c++)
      cell(g, row, c, sheet);
  return workbook_close(book) == LXW_NO_ERROR && sheet;
}

static bool read_all(int fd, struct builder *out) {
  char part[16384];
  off_t at = 0;
  ssize_t n;
  while ((n = pread(fd, part, sizeof part, at)) > 0) {
    build_bytes(out, part, (size_t)n);
    at += n;
  }
  return n == 0 && at > 0 && !out->failed;
}

/* The library wants a file's name: this one is of memory, and nobody else's. */
bool xlsx_write(const struct grid *g, struct builder *out) {
  char path[32];
  int fd = memfd_create("workbook", MFD_CLOEXEC);
  if (fd < 0) return false;
  (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  bool good = g->columns && write_book(g, path) && read_all(fd, out);
  close(fd);
  return good;
}
