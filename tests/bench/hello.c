/* libmicrohttpd answering nothing, the way a server with a database must: the connection is
 * suspended when the request is there and resumed in the next turn. What `make bench` puts our
 * reads beside.
 *
 *   hello PORT THREADS        (each thread its own daemon on a SO_REUSEPORT socket) */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { WAITING_MOST = 4096 };

struct worker {
  struct MHD_Daemon *daemon;
  struct MHD_Connection *waiting[WAITING_MOST];
  int count;
};

static enum MHD_Result request(void *cls, struct MHD_Connection *c, const char *url,
                               const char *method, const char *version, const char *data,
                               size_t *size, void **state) {
  static char body[] = "hello\n";
  static int seen, suspended;
  struct worker *w = cls;
  (void)url, (void)method, (void)version, (void)data, (void)size;
  if (!*state) {
    *state = &seen;
    return MHD_YES;
  }
  if (*state == &seen) {
    *state = &suspended;
    MHD_suspend_connection(c);
    w->waiting[w->count++] = c;
    return MHD_YES;
  }
  struct MHD_Response *r =
      MHD_create_response_from_buffer(sizeof body - 1, body, MHD_RESPMEM_PERSISTENT);
  enum MHD_Result queued = MHD_queue_response(c, 200, r);
  MHD_destroy_response(r);
  return queued;
}

static int listen_on(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  (void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, 1024) != 0) exit(1);
  return fd;
}

static void *work(void *port) {
  struct worker *w = calloc(1, sizeof *w);
  if (!w) exit(1);
  w->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, request, w,
                               MHD_OPTION_LISTEN_SOCKET, listen_on(*(int *)port), MHD_OPTION_END);
  if (!w->daemon) exit(1);
  int epoll = MHD_get_daemon_info(w->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
  int mine = epoll_create1(0);
  struct epoll_event e = {.events = EPOLLIN};
  epoll_ctl(mine, EPOLL_CTL_ADD, epoll, &e);
  for (;;) {
    MHD_UNSIGNED_LONG_LONG ms;
    int wait = MHD_get_timeout(w->daemon, &ms) == MHD_YES ? (int)ms : -1;
    epoll_wait(mine, &e, 1, w->count ? 0 : wait);
    for (int i = 0; i < w->count; i++)
      MHD_resume_connection(w->waiting[i]);
    w->count = 0;
    MHD_run(w->daemon);
  }
  return NULL;
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  int port = (int)strtol(argv[1], NULL, 10), threads = (int)strtol(argv[2], NULL, 10);
  for (int i = 1; i < threads; i++) {
    pthread_t t;
    pthread_create(&t, NULL, work, &port);
  }
  work(&port);
}
