/* The log: one write(2) a line, so that lines of several threads and processes never mix. */
#include "base/base.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 4000 }; /* below PIPE_BUF, so that a pipe takes a line as a whole */

static _Atomic int least_level = LOG_INFO;

void log_open(enum log_level least) {
  atomic_store(&least_level, (int)least);
}

/* C0, DEL, and C1 as it looks in UTF-8: what could break the line or steer a terminal. */
static size_t control_at(const char *s, size_t len) {
  unsigned char c = (unsigned char)s[0];
  if (c < 0x20 || c == 0x7F) return 1;
  if (c == 0xC2 && len > 1 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xA0) return 2;
  return 0;
}

static size_t escape_into(char *out, size_t room, const char *s, size_t len) {
  size_t used = 0;
  for (size_t i = 0; i < len && used + 10 < room;) {
    size_t control = control_at(s + i, len - i);
    if (!control)
      out[used++] = s[i++];
    else if (s[i] == '\n')
      out[used++] = '\\', out[used++] = 'n', i++;
    else
      for (; control; control--, i++)
        used += (size_t)snprintf(out + used, room - used, "\\x%02x", (unsigned char)s[i]);
  }
  return used;
}

/* Standard error that can't be written to (a full disk) is no reason to stop serving. */
static void write_line(const char *line, size_t len) {
  ssize_t written = write(STDERR_FILENO, line, len);
  (void)written;
}

void log_write(enum log_level level, const char *event, const char *format, ...) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  char said[LINE_MAX_BYTES], line[LINE_MAX_BYTES], now[32];
  if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed)) return;
  va_list args;
  va_start(args, format);
  int len = vsnprintf(said, sizeof said, format, args);
  va_end(args);
  size_t said_len = len < 0 ? 0 : (size_t)len < sizeof said ? (size_t)len : sizeof said - 1;
  time_write(time_now(), now);
  size_t used = (size_t)snprintf(line, sizeof line / 2, "time=%s level=%s event=%.100s", now,
                                 names[level], event);
  if (said_len) line[used++] = ' ';
  used += escape_into(line + used, sizeof line - used, said, said_len);
  line[used++] = '\n';
  write_line(line, used);
}
