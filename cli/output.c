/* What commands say: lines and tables for people, JSON for programs. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void say(const struct cli *c, const char *format, ...) {
  va_list args;
  if (c->json) return;
  va_start(args, format);
  vprintf(format, args);
  va_end(args);
  putchar('\n');
}

/* Programs read one stream: with --json failures are there, too. */
static void tell_error(const struct cli *c, const char *message) {
  if (!c->json) {
    fprintf(stderr, "lyceum: %s\n", message);
    return;
  }
  struct builder b = {0};
  build_str(&b, "{\"error\":");
  build_quoted(&b, text_of(message));
  build_char(&b, '}');
  print_built(&b);
}

static void tell_args(const struct cli *c, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void tell_args(const struct cli *c, const char *format, va_list args) {
  char *message = NULL;
  if (vasprintf(&message, format, args) < 0) message = NULL;
  tell_error(c, message ? message : "out of memory");
  free(message);
}

int fails(const struct cli *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  tell_args(c, format, args);
  va_end(args);
  return EXIT_FAILED;
}

int fails_why(const struct cli *c, char *why) {
  tell_error(c, why ? why : "out of memory");
  free(why);
  return EXIT_FAILED;
}

/* With a pointer to the help, for people only. */
int misused(const struct cli *c, const char *format, ...) {
  va_list args;
  va_start(args, format);
  tell_args(c, format, args);
  va_end(args);
  if (c->command && !c->json) fprintf(stderr, "See: lyceum %s --help\n", c->command->name);
  return EXIT_MISUSED;
}

void print_built(struct builder *b) {
  if (b->failed)
    fputs("lyceum: out of memory\n", stderr);
  else
    printf("%.*s%s", TEXT_ARGS(built(b)), b->len && b->at[b->len - 1] == '\n' ? "" : "\n");
  builder_free(b);
}

/* ---- tables ------------------------------------------------------------------------------------
 */

/* How many columns of a terminal a text takes: Chinese, Japanese and Korean characters and
 * full-width forms take two (Unicode UAX #11, by and large). */
static size_t width_of(struct text t) {
  size_t width = 0;
  for (size_t i = 0; i < t.len; i++) {
    unsigned char c = (unsigned char)t.at[i];
    if ((c & 0xC0) == 0x80) continue;
    bool wide = c >= 0xE3 && c <= 0xED; /* U+3000 to U+DFFF */
    wide |= c == 0xEF && i + 1 < t.len && (unsigned char)t.at[i + 1] >= 0xBC;
    width += c >= 0xF0 || wide ? 2 : 1;
  }
  return width;
}

/* Row -1 is the head of the table. */
static struct text cell(struct cli *c, const struct rows *r, int i, size_t column) {
  if (i < 0) return text_of(r->statement->out[column].name);
  struct text t = rows_cell(&c->q, r, i, column);
  return t.at ? t : LIT("-");
}

/* Columns that begin with an underscore are for handlers (db/db.h). */
static bool is_shown(const struct rows *r, size_t column) {
  return r->statement->out[column].name[0] != '_';
}

/* Twice over the rows: the widths must be known before the first line. */
static void print_table(struct cli *c, const struct rows *r) {
  size_t widths[SQL_STATEMENT_MAX_SLOTS] = {0};
  for (int i = -1; i < r->count; i++)
    for (size_t k = 0; k < r->statement->out_count; k++) {
      size_t width = is_shown(r, k) ? width_of(cell(c, r, i, k)) : 0;
      if (width > widths[k]) widths[k] = width;
    }
  for (int i = -1; i < r->count; i++) {
    struct builder line = {0};
    size_t gap = 0;
    for (size_t k = 0; k < r->statement->out_count; k++) {
      if (!is_shown(r, k)) continue;
      struct text t = cell(c, r, i, k);
      build_printf(&line, "%*s%.*s", (int)gap, "", TEXT_ARGS(t));
      gap = widths[k] - width_of(t) + 2;
    }
    print_built(&line);
  }
}

void print_rows(struct cli *c, const struct rows *r) {
  if (!c->json) {
    print_table(c, r);
    return;
  }
  struct builder b = {0};
  build_str(&b, "{\"data\":[");
  for (int i = 0; i < r->count; i++) {
    if (i) build_char(&b, ',');
    rows_object(r, i, &b);
  }
  build_str(&b, "]}");
  print_built(&b);
}
