/* Slow clients: a request line that drips in holds a connection for ever, for every byte starts
 * libmicrohttpd's clock anew. Nothing tells of it before the line is whole, so the kernel's count
 * of bytes is looked at now and then: who sends and sends and asks nothing is cut off. An idle
 * connection sends nothing, and is left to libmicrohttpd. */
#include "api/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { LOOK_MS = 4000, STRIKES = 2 };

struct line {
  struct timer timer;
  struct loop *loop;
  int fd;
  int strikes;    /* looks in a row that saw new bytes and no request */
  uint64_t bytes; /* received when looked at last */
};

static uint64_t received(int fd) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 ? info.tcpi_bytes_received : 0;
}

static void look(struct timer *t) {
  struct line *l = CONTAINER_OF(t, struct line, timer);
  uint64_t now = received(l->fd);
  l->strikes = now == l->bytes ? 0 : l->strikes + 1;
  l->bytes = now;
  if (l->strikes < STRIKES)
    loop_timer(l->loop, t, loop_now(l->loop) + LOOK_MS);
  else
    line_cut(l);
}

struct line *line_new(struct loop *loop, int fd) {
  struct line *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  *l = (struct line){.timer = {.fire = look}, .loop = loop, .fd = fd};
  line_rests(l);
  return l;
}

void line_rests(struct line *l) {
  if (!l) return;
  l->strikes = 0;
  loop_timer(l->loop, &l->timer, loop_now(l->loop) + LOOK_MS);
}

void line_works(struct line *l) {
  if (l) loop_untimer(l->loop, &l->timer);
}

/* libmicrohttpd sees the end of the stream, and closes. */
void line_cut(struct line *l) {
  if (l) (void)shutdown(l->fd, SHUT_RDWR);
}

void line_free(struct line *l) {
  line_works(l);
  free(l);
}
