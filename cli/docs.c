/* lyceum docs FOLDER: the reference pages that are made from tables in the source, so that they
 * can't differ from it. */
#include "api/api.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static void write_options(struct builder *b) {
  build_str(b, "# Options\n\nMade by `lyceum docs` from base/options.def. All are read from the "
               "environment when a command\nstarts; `lyceum config` shows those in effect.\n\n");
  config_document(b);
}

static void write_problems(struct builder *b) {
  build_str(b, "# Problems\n\nMade by `lyceum docs` from base/problem.def. Every failure is "
               "`application/problem+json`\n(RFC 9457); `code` is stable and never translated.\n\n"
               "| code | status | English | 中文 |\n| --- | --- | --- | --- |\n");
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++) {
    const struct problem_kind *k = problem_kind(p);
    build_printf(b, "| `%s` | %d | %s | %s |\n", k->code, k->status, k->en, k->zh);
  }
}

static void write_metrics(struct builder *b) {
  build_str(b, "# Metrics\n\nMade by `lyceum docs` from base/metrics.def. `GET /metrics` writes "
               "them as OpenMetrics text.\nHistograms are in seconds.\n\n"
               "| name | type | what it tells |\n| --- | --- | --- |\n");
#define METRIC(name, type, help) build_str(b, "| `" #name "` | " #type " | " help " |\n");
#include "base/metrics.def"
#undef METRIC
}

static const struct doc_page {
  const char *name;
  void (*write)(struct builder *b);
} pages[] = {{"COMMANDS.md", help_markdown},  {"OPTIONS.md", write_options},
             {"PROBLEMS.md", write_problems}, {"METRICS.md", write_metrics},
             {"openapi.json", openapi_lines}, {"lyceum.1", help_man}};

static int write_page(struct cli *c, const struct doc_page *page) {
  struct builder b = {0};
  page->write(&b);
  const char *path = arena_printf(&c->q.arena, "%s/%s", c->operands[0], page->name).at;
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  bool good = fd >= 0 && !b.failed && write(fd, b.at, b.len) == (ssize_t)b.len;
  int error = errno;
  if (fd >= 0 && close(fd) != 0) good = false;
  builder_free(&b);
  if (!good) return fails(c, "%s: %s", path, strerror(error));
  say(c, "wrote %s", path);
  return EXIT_DONE;
}

int command_docs(struct cli *c) {
  for (size_t i = 0; i < COUNT(pages); i++)
    if (write_page(c, &pages[i]) != EXIT_DONE) return EXIT_FAILED;
  return EXIT_DONE;
}
