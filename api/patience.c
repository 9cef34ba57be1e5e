/* Slow clients: a request line that drips in holds a connection for ever, for every byte starts
 * libmicrohttpd's clock anew. Nothing tells of it before the line is whole, so the kernel's count
 * of bytes is looked at now and then: who sends and sends and asks nothing is cut off. An idle
 * connection sends nothing, and is left to libmicrohttpd.
 *
 * Who asks for much and takes little of the answer holds its memory, and a server that wants to
 * stop: so what was acknowledged is looked at, too, until the answer is out. */
#include "api/internal.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

enum { LOOK_MS = 4000, STRIKES = 2 };
enum { TAKE_LOOK_MS = 1000, TAKE_LEAST = 256, TAKE_STRIKES = 10, TAKE_STRIKES_LAST = 2 };

struct line {
  struct exchange *asks; /* what has begun on it and not ended */
  struct timer timer;
  struct loop *loop;
  const atomic_bool *stopping;
  int fd;
  bool surplus;   /* beyond the limit: one answer, and no time between requests */
  int strikes;    /* looks in a row that saw what should not be */
  uint64_t bytes; /* received, or taken, when looked at last */
};

static struct tcp_info info_of(int fd) {
  struct tcp_info info = {0};
  socklen_t len = sizeof info;
  (void)getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
  return info;
}

static void again_or_cut(struct line *l, int strikes_most, uint64_t look_ms) {
  if (l->strikes < strikes_most)
    loop_timer(l->loop, &l->timer, loop_now(l->loop) + look_ms);
  else
    line_cut(l);
}

/* Between requests: new bytes, and still no request. */
static void look(struct timer *t) {
  struct line *l = CONTAINER_OF(t, struct line, timer);
  uint64_t now = info_of(l->fd).tcpi_bytes_received;
  l->strikes = now == l->bytes ? 0 : l->strikes + 1;
  l->bytes = now;
  again_or_cut(l, l->surplus ? 0 : STRIKES, LOOK_MS);
}

/* While an answer is on its way: next to nothing of it was taken. */
static void look_taken(struct timer *t) {
  struct line *l = CONTAINER_OF(t, struct line, timer);
  uint64_t now = info_of(l->fd).tcpi_bytes_acked;
  l->strikes = now - l->bytes >= TAKE_LEAST ? 0 : l->strikes + 1;
  l->bytes = now;
  again_or_cut(l, atomic_load(l->stopping) ? TAKE_STRIKES_LAST : TAKE_STRIKES, TAKE_LOOK_MS);
}

struct line *line_new(struct intake *in, int fd) {
  struct line *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  *l = (struct line){.loop = in->loop,
                     .fd = fd,
                     .stopping = &in->api->stopping,
                     .surplus = in->lines > in->lines_most};
  line_rests(l);
  return l;
}

struct exchange **line_asks(struct line *l) {
  return &l->asks;
}

void line_rests(struct line *l) {
  if (!l) return;
  l->strikes = 0;
  l->timer.fire = look;
  loop_timer(l->loop, &l->timer, loop_now(l->loop) + LOOK_MS);
}

void line_answers(struct line *l) {
  if (!l) return;
  l->strikes = 0;
  l->bytes = 0; /* the first look only sees where it stands */
  l->timer.fire = look_taken;
  loop_timer(l->loop, &l->timer, loop_now(l->loop) + TAKE_LOOK_MS);
}

bool line_is_surplus(const struct line *l) {
  return l && l->surplus;
}

void line_works(struct line *l) {
  if (l) loop_untimer(l->loop, &l->timer);
}

/* libmicrohttpd sees the end of the stream, and closes. What was not taken would stay in the
 * kernel's memory for minutes: it is dropped. */
void line_cut(struct line *l) {
  struct linger none = {.l_onoff = 1};
  if (!l) return;
  (void)setsockopt(l->fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
  (void)shutdown(l->fd, SHUT_RDWR);
}

void line_free(struct line *l) {
  line_works(l);
  free(l);
}
