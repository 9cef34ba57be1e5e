/* One libmicrohttpd daemon per loop, driven from outside: its epoll descriptor is watched by ours,
 * and each turn ends with one MHD_run, which answers what was resumed and parses what came. */
#include "api/intake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  POOL_BYTES = 16 << 10,
  IDLE_SECONDS = 75,
  BACKLOG = 1024,
  DRAIN_LOOK_MS = 20,
  SURPLUS = 64, /* connections of a loop beyond its limit, to be told so */
  LINGER_MS = 1000
};

/* ---- the listening socket ---- */

static socklen_t read_address(const struct config *c, struct sockaddr_storage *a) {
  struct sockaddr_in *v4 = (void *)a;
  struct sockaddr_in6 *v6 = (void *)a;
  if (inet_pton(AF_INET, c->bind, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)c->port);
    return sizeof *v4;
  }
  if (inet_pton(AF_INET6, c->bind, &v6->sin6_addr) != 1) return 0;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons((uint16_t)c->port);
  return sizeof *v6;
}

static int port_of(int fd) {
  union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
  } a = {.v6 = {0}};
  socklen_t len = sizeof a;
  if (getsockname(fd, &a.any, &len) != 0) return 0;
  return ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
}

/* Who listens gets a share of the connections at once, beside other servers on the same port; so
 * that comes last, when it is known that they will be answered. */
int api_bind(const struct config *c, int *port) {
  struct sockaddr_storage a = {0};
  socklen_t len = read_address(c, &a);
  int on = 1;
  int fd = len ? socket(a.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
  if (fd >= 0) {
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&a, len) == 0) {
      *port = port_of(fd);
      return fd;
    }
  }
  log_write(LOG_ERROR, "cannot_listen", "bind=%s port=%d message=\"%s\"", c->bind, (int)c->port,
            len ? strerror(errno) : "not an IP address");
  if (fd >= 0) close(fd);
  return -1;
}

/* ---- the daemon on the loop ---- */

static void daemon_ready(struct watch *w, uint32_t events) {
  (void)w, (void)events; /* MHD_run at the end of the turn takes it */
}

static void run_daemon(struct turn *t) {
  struct intake *in = CONTAINER_OF(t, struct intake, turn);
  strangers_turn(in);
  MHD_run(in->daemon);
}

static int64_t daemon_wait(struct turn *t) {
  struct intake *in = CONTAINER_OF(t, struct intake, turn);
  MHD_UNSIGNED_LONG_LONG ms;
  if (in->strangers.first) return 0;
  return MHD_get_timeout(in->daemon, &ms) == MHD_YES ? (int64_t)ms : -1;
}

static size_t keep_escapes(void *cls, struct MHD_Connection *c, char *s) {
  (void)cls, (void)c;
  return strlen(s);
}

/* libmicrohttpd's own words go to the debug log: at most they tell of broken clients. */
static void daemon_says(void *cls, const char *format, va_list args) PRINTF_LIKE(2, 0);
static void daemon_says(void *cls, const char *format, va_list args) {
  char line[256];
  (void)cls;
  (void)vsnprintf(line, sizeof line, format, args);
  log_write(LOG_DEBUG, "microhttpd", "message=\"%s\"", line);
}

static struct MHD_Daemon *start_daemon(struct intake *in, int fd) {
  unsigned loops = (unsigned)(in->api->config->loops > 0 ? in->api->config->loops : 1);
  unsigned limit = (unsigned)in->api->config->connections / loops;
  in->lines_most = limit ? (int)limit : 1;
  return MHD_start_daemon(
      MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, intake_request,
      in, MHD_OPTION_EXTERNAL_LOGGER, daemon_says, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
      MHD_OPTION_URI_LOG_CALLBACK, intake_target, in, MHD_OPTION_NOTIFY_COMPLETED, intake_completed,
      in, MHD_OPTION_NOTIFY_CONNECTION, intake_connection, in, MHD_OPTION_UNESCAPE_CALLBACK,
      keep_escapes, NULL, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES,
      MHD_OPTION_CONNECTION_LIMIT, (unsigned)(in->lines_most + SURPLUS),
      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS, MHD_OPTION_STRICT_FOR_CLIENT, 1,
#if MHD_VERSION >= 0x01000000
      MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
      MHD_OPTION_END);
}

/* Who was let in by the kernel already would be thrown out by a bare close. */
static void stop_listening(struct intake *in) {
  int fd = MHD_quiesce_daemon(in->daemon), client;
  struct sockaddr_storage from;
  socklen_t len = sizeof from;
  if (fd < 0) return;
  while ((client = accept4(fd, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) >=
         0) {
    (void)MHD_add_connection(in->daemon, client, (struct sockaddr *)&from, len);
    len = sizeof from;
  }
  close(fd);
}

/* After SIGTERM: no new connections. Those that are open may ask once more, and are closed with the
 * answer: so nobody who keeps asking meets a connection that ends under their request. Who has not
 * asked for a second is left behind. Then, when nothing is under way any more, the loop stops. */
static void look_drained(struct timer *t) {
  struct intake *in = CONTAINER_OF(t, struct intake, drain);
  uint64_t now = loop_now(in->loop);
  if (atomic_load(&in->api->stopping) && !in->quiet) {
    in->quiet = true;
    in->lingers_until = now + LINGER_MS;
    stop_listening(in);
  }
  in->refuses = in->quiet && now >= in->lingers_until;
  if (in->quiet && atomic_load(&in->api->busy) == 0 &&
      (in->refuses || metric_value(lyceum_connections) == 0)) {
    loop_stop(in->loop);
    return;
  }
  loop_timer(in->loop, t, now + DRAIN_LOOK_MS);
}

bool api_open(struct loop *l, struct api *api, int fd) {
  struct intake *in = calloc(1, sizeof *in);
  if (!in || !router_open()) {
    free(in);
    return false;
  }
  in->loop = l;
  in->api = api;
  in->cache = cache_new();
  in->sold_out = sold_out_new();
  in->daemon = in->cache && in->sold_out && listen(fd, BACKLOG) == 0 ? start_daemon(in, fd) : NULL;
  loop_keep(l, ROOM_API, in);
  if (!in->daemon) return false;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(in->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  in->watch = (struct watch){info->epoll_fd, daemon_ready};
  in->turn = (struct turn){NULL, run_daemon, daemon_wait};
  in->drain.fire = look_drained;
  loop_each_turn(l, &in->turn);
  loop_timer(l, &in->drain, loop_now(l) + DRAIN_LOOK_MS);
  return loop_watch(l, &in->watch, EPOLLIN);
}

void api_close(struct loop *l) {
  struct intake *in = loop_kept(l, ROOM_API);
  if (!in) return;
  if (in->daemon) MHD_stop_daemon(in->daemon);
  cache_free(in->cache);
  sold_out_free(in->sold_out);
  loop_keep(l, ROOM_API, NULL);
  free(in);
}
