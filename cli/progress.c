/* How far a long run is. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, BAR_EVERY_MS = 100, LINE_EVERY_MS = 2000 };

/* 1,234,567 */
static const char *grouped(int64_t n, char out[static 32]) {
  char digits[24];
  int len = snprintf(digits, sizeof digits, "%lld", (long long)n), at = 0;
  for (int i = 0; i < len; i++) {
    if (i && (len - i) % 3 == 0) out[at++] = ',';
    out[at++] = digits[i];
  }
  out[at] = '\0';
  return out;
}

/* Drawn over itself: a carriage return, no line break. */
static void draw_bar(int64_t done, int64_t total) {
  int full = (int)(done * BAR_WIDTH / total);
  fputs("\r[", stdout);
  for (int i = 0; i < BAR_WIDTH; i++)
    putchar(i < full ? '#' : '.');
  printf("] %3d%%  ", (int)(done * 100 / total));
}

/* What was done before this run says nothing about its speed. */
static void show(const struct progress *p, int64_t done) {
  uint64_t ms = time_ticks() - p->begun_at;
  int64_t total = p->total > 0 ? p->total : 1;
  int64_t rate = (done - p->begun_with) * 1000 / (int64_t)(ms ? ms : 1);
  int64_t left = rate > 0 ? (p->total - done + rate - 1) / rate : -1;
  char a[32], b[32], r[32];
  if (p->cli->json) {
    printf("{\"done\":%lld,\"total\":%lld,\"per_second\":%lld,\"seconds_left\":", (long long)done,
           (long long)p->total, (long long)rate);
    printf(left < 0 ? "null}\n" : "%lld}\n", (long long)left);
    return;
  }
  if (p->bar) draw_bar(done, total);
  printf("%s of %s %s, %s/s", grouped(done, a), grouped(p->total, b), p->what, grouped(rate, r));
  if (done < p->total && left >= 0) printf(", %s s left", grouped(left, a));
  fputs(p->bar ? "\033[K" : "\n", stdout); /* what a longer line before left behind */
}

void progress_begin(struct progress *p, const struct cli *c, const char *what, int64_t total,
                    int64_t done) {
  bool terminal = isatty(STDOUT_FILENO) && !c->json;
  uint64_t now = time_ticks();
  *p = (struct progress){c, what, total, done, now, now, terminal};
}

/* Called for every step of the work; shows a few of them. */
void progress_show(struct progress *p, int64_t done) {
  uint64_t now = time_ticks();
  if (now - p->shown_at < (p->bar ? BAR_EVERY_MS : LINE_EVERY_MS)) return;
  p->shown_at = now;
  show(p, done);
  fflush(stdout);
}

/* Always shown, so that the last thing seen is the whole. */
void progress_end(struct progress *p, int64_t done) {
  show(p, done);
  if (p->bar) putchar('\n');
  fflush(stdout);
}
