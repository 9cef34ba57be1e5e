/* The log's lines, read back through a pipe in place of standard error. */
#include "base/log.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char line[3 * LINE_MAX_BYTES];

static int capture_from, stderr_copy;

static void begin(void) {
  int ends[2];
  fflush(stderr);
  assert_int_equal(pipe(ends), 0);
  stderr_copy = dup(STDERR_FILENO);
  dup2(ends[1], STDERR_FILENO);
  close(ends[1]);
  capture_from = ends[0];
}

static void end(void) {
  dup2(stderr_copy, STDERR_FILENO); /* closes the pipe's writing end */
  close(stderr_copy);
  ssize_t n = read(capture_from, line, sizeof line - 1);
  line[n > 0 ? n : 0] = '\0';
  close(capture_from);
}

static void is_logfmt(void **state) {
  (void)state;
  micros t;
  begin();
  log_write(LOG_WARN, "started", "port=%d", 8080);
  end();
  assert_string_equal(line + 29, " level=warn event=started port=8080\n");
  assert_true(text_starts(text_of(line), "time=") && time_parse((struct text){line + 5, 24}, &t));
}

static void escapes_what_could_deceive(void **state) {
  (void)state;
  begin();
  log_write(LOG_ERROR, "x", "a=%s", "1\ntime=2 \x1b[31m\x7f\xc2\x9b 中文");
  end();
  assert_string_equal(line + 29,
                      " level=error event=x a=1\\ntime=2 \\x1b[31m\\x7f\\xc2\\x9b 中文\n");
}

static void long_lines_are_cut(void **state) {
  (void)state;
  begin();
  log_write(LOG_INFO, "x", "a=%*s", 100000, "\n");
  log_write(LOG_INFO, "x", "a=%0*d", 3990, 0);
  end();
  char *first = strchr(line, '\n'), *second = strchr(first + 1, '\n');
  assert_true(first - line < LINE_MAX_BYTES && second - first <= LINE_MAX_BYTES);
  assert_int_equal(second[1], '\0');
}

static void levels_below_are_left_out(void **state) {
  (void)state;
  log_open(LOG_WARN);
  begin();
  log_write(LOG_INFO, "quiet", "a=1");
  log_write(LOG_WARN, "loud", "%s", "");
  end();
  log_open(LOG_INFO);
  assert_null(strstr(line, "quiet"));
  assert_non_null(strstr(line, "level=warn event=loud\n"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(is_logfmt),
      cmocka_unit_test(escapes_what_could_deceive),
      cmocka_unit_test(long_lines_are_cut),
      cmocka_unit_test(levels_below_are_left_out),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
