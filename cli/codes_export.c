/* lyceum codes export: the one way to see a batch's codes as a whole. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 5000 };

struct export {
  struct cli *c;
  struct session *s;
  struct secrets secrets;
  int64_t community, written;
  struct uuid batch, after;
  FILE *out;
};

/* Codes and times hold nothing that CSV would have to quote, nor a spreadsheet take for a formula
 * (RFC 4180). */
static void write_row(struct export *e, const struct code_batch_codes_row *row) {
  char shown[CODE_SHOWN + 1] = "", from[32] = "", until[32] = "";
  struct text code = code_open(&e->secrets, &e->c->q.arena, row->id, row->sealed);
  if (code.len == CODE_LENGTH) code_show(code.at, shown);
  if (row->has_valid_from) time_write(row->valid_from, from);
  if (row->has_valid_until) time_write(row->valid_until, until);
  fprintf(e->out, "%s,%.*s,%lld,%lld,%s,%s\r\n", shown, TEXT_ARGS(row->status),
          (long long)row->max_uses, (long long)row->used, from, until);
  e->written++;
  e->after = row->id;
}

/* By the key of the last row: a page costs the same wherever it lies, and codes that are redeemed
 * meanwhile are neither skipped nor seen twice. */
static bool write_page(struct export *e, int *count) {
  struct code_batch_codes_in in = {.batch = e->batch, .after_id = e->after, .page = PAGE};
  struct code_batch_codes_row row;
  struct rows r;
  if (!ask_database(e->c, e->s, e->community, &sql_code_batch_codes, &in, &r)) return false;
  for (int i = 0; row_code_batch_codes(&e->c->q, &r, i, &row); i++) {
    write_row(e, &row);
    if (i % 500 == 0) arena_free(&e->c->q.arena);
  }
  *count = r.count;
  arena_free(&e->c->q.arena);
  return true;
}

/* A byte order mark, for spreadsheets take UTF-8 without one for something else. */
static int write_all(struct export *e) {
  int count = PAGE;
  fputs("\xEF\xBB\xBF"
        "code,status,max_uses,used,valid_from,valid_until\r\n",
        e->out);
  while (count == PAGE && !ferror(e->out))
    if (!write_page(e, &count)) return EXIT_FAILED;
  if (fflush(e->out) != 0 || ferror(e->out))
    return fails(e->c, "the file could not be written: %s", strerror(errno));
  return EXIT_DONE;
}

/* Written down before the first code leaves: whoever stops it midway has seen some. */
static bool note(struct export *e) {
  struct code_batch_get_in in = {.id = e->batch};
  struct code_batch_get_row row;
  struct builder after = {0};
  struct rows r;
  if (!ask_database(e->c, e->s, e->community, &sql_code_batch_get, &in, &r)) return false;
  if (!one_code_batch_get(&e->c->q, &r, &row)) {
    fails(e->c, "there is no such batch here");
    return false;
  }
  rows_object(&r, 0, &after);
  bool good =
      audit(e->c, e->s, e->community, "code_batch.export", "code_batch", e->batch, built(&after));
  builder_free(&after);
  return good;
}

/* Nobody else reads a file of codes. */
static FILE *open_output(struct cli *c, const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  FILE *out = fd < 0 ? NULL : fdopen(fd, "w");
  if (!out) fails(c, "%s: %s", path, strerror(errno));
  return out;
}

static int export(struct export *e) {
  const char *path = option(e->c, "output");
  e->community = find_community(e->c, e->s);
  if (!e->community || !note(e)) return EXIT_FAILED;
  e->out = path ? open_output(e->c, path) : stdout;
  int status = e->out ? write_all(e) : EXIT_FAILED;
  if (path && e->out && fclose(e->out) != 0 && status == EXIT_DONE)
    status = fails(e->c, "%s: %s", path, strerror(errno));
  if (status != EXIT_DONE || !path) return status;
  if (e->c->json) {
    printf("{\"written\":%lld}\n", (long long)e->written);
  }
  say(e->c, "wrote %lld codes to %s", (long long)e->written, path);
  return EXIT_DONE;
}

int command_codes_export(struct cli *c) {
  struct export e = {.c = c};
  if (!uuid_parse(text_of(option(c, "batch")), &e.batch))
    return misused(c, "--batch %s: this is not an id", option(c, "batch"));
  if (!read_secrets(c, &e.secrets) || !(e.s = open_database(c))) return EXIT_FAILED;
  int status = export(&e);
  session_close(e.s);
  explicit_bzero(&e.secrets, sizeof e.secrets);
  return status;
}
