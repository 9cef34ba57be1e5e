/* A load generator: keep-alive connections that send prepared requests one after the other and
 * count what comes back. One thread on one epoll, so that it takes as little of the machine as it
 * can.
 *
 *   load HOST_PORT CONNECTIONS WARM_UP_S SECONDS REQUESTS_FILE [FIRST [EXPECTED,…]]
 *
 * REQUESTS_FILE holds requests, each as a decimal length, a newline and the bytes. They are used in
 * order, from number FIRST on, and again from the start when they run out, unless the file's name
 * ends with `.once`. Prints one JSON object; ends with 1 when a status outside EXPECTED (200,201)
 * came. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 4096, ROOM = 64 << 10, BUCKETS = 2000000 }; /* a bucket is 1 µs */

struct request {
  const char *at;
  size_t len;
};
struct connection {
  int fd;
  uint64_t sent_at;
  size_t have, body_end; /* bytes read; where this answer ends, 0: not known yet */
  size_t unsent;         /* of the request under way */
  const struct request *request;
  char in[ROOM];
};
static struct {
  struct request *all;
  size_t count, next, used;
  bool once, dry;
  int epoll;
  struct sockaddr_in to;
  uint64_t start, end; /* counting from, to */
  uint64_t answers, statuses[600], first_error;
  uint32_t *histogram;
  bool expected[600];
} load;

static uint64_t now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void die(const char *what) {
  fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
  exit(2);
}

/* ---- requests ---- */

static void read_requests(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) die(path);
  const char *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  const char *end = at + st.st_size;
  if (at == MAP_FAILED) die(path);
  size_t room = 0;
  while (at < end) {
    char *body;
    size_t len = strtoul(at, &body, 10);
    if (load.count == room) {
      room = room ? room * 2 : 1024;
      load.all = realloc(load.all, room * sizeof *load.all);
      if (!load.all) die("memory");
    }
    load.all[load.count++] = (struct request){body + 1, len};
    at = body + 1 + len;
  }
  load.once = strlen(path) > 5 && strcmp(path + strlen(path) - 5, ".once") == 0;
  if (!load.count) die("no requests");
}

static const struct request *take(void) {
  if (load.once && load.next >= load.count) {
    load.dry = true;
    return NULL;
  }
  load.used++;
  return &load.all[load.next++ % load.count];
}

/* ---- connections ---- */

static void send_next(struct connection *c) {
  const struct request *r = take();
  if (!r) return;
  c->request = r;
  c->have = c->body_end = 0;
  c->sent_at = now_ns();
  ssize_t n = send(c->fd, r->at, r->len, MSG_NOSIGNAL);
  if (n != (ssize_t)r->len) die("a request did not fit the socket");
}

static void dial(struct connection *c) {
  int on = 1;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&load.to, sizeof load.to) != 0) die("connect");
  (void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  (void)fcntl(c->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event e = {.events = EPOLLIN, .data = {.ptr = c}};
  if (epoll_ctl(load.epoll, EPOLL_CTL_ADD, c->fd, &e) != 0) die("epoll");
}

static void count(struct connection *c, int status, uint64_t at) {
  if (status < 100 || status > 599) status = 0;
  if (!load.expected[status]) {
    if (!load.first_error) fprintf(stderr, "load: %.*s\n", (int)c->have, c->in);
    load.first_error = 1;
  }
  if (at < load.start || at > load.end) return;
  uint64_t us = (at - c->sent_at) / 1000;
  load.histogram[us < BUCKETS ? us : BUCKETS - 1]++;
  load.statuses[status]++;
  load.answers++;
}

/* Length of the whole answer once its head is there; 0: not yet. */
static size_t answer_end(struct connection *c) {
  c->in[c->have] = 0;
  char *head = strstr(c->in, "\r\n\r\n");
  if (!head) return 0;
  char *length = strcasestr(c->in, "\r\nContent-Length:");
  size_t body = length && length < head ? strtoul(length + 17, NULL, 10) : 0;
  return (size_t)(head - c->in) + 4 + body;
}

static void readable(struct connection *c) {
  ssize_t n = recv(c->fd, c->in + c->have, ROOM - 1 - c->have, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) die("the server closed a connection");
  c->have += (size_t)n;
  if (!c->body_end) c->body_end = answer_end(c);
  if (!c->body_end || c->have < c->body_end) return;
  count(c, (int)strtol(c->in + 9, NULL, 10), now_ns());
  send_next(c);
}

/* ---- the run ---- */

static uint64_t percentile(double p) {
  uint64_t seen = 0, wanted = (uint64_t)((double)load.answers * p);
  for (size_t i = 0; i < BUCKETS; i++)
    if ((seen += load.histogram[i]) > wanted) return i;
  return BUCKETS;
}

static void report(double seconds) {
  printf("{\"rate\":%.1f,\"answers\":%" PRIu64 ",\"used\":%zu,\"p50_us\":%" PRIu64
         ",\"p99_us\":%" PRIu64 ",\"p999_us\":%" PRIu64 ",\"dry\":%s,\"statuses\":{",
         (double)load.answers / seconds, load.answers, load.used, percentile(0.5), percentile(0.99),
         percentile(0.999), load.dry ? "true" : "false");
  for (int i = 0, n = 0; i < 600; i++)
    if (load.statuses[i]) printf("%s\"%d\":%" PRIu64, n++ ? "," : "", i, load.statuses[i]);
  puts("}}");
}

static void run(struct connection *all, int connections) {
  for (int i = 0; i < connections; i++) {
    dial(&all[i]);
    send_next(&all[i]);
  }
  struct epoll_event events[256];
  while (now_ns() < load.end && !load.dry) {
    int n = epoll_wait(load.epoll, events, 256, 100);
    for (int i = 0; i < n; i++)
      readable(events[i].data.ptr);
  }
}

int main(int argc, char **argv) {
  if (argc < 6) {
    fputs("usage: load HOST:PORT CONNECTIONS WARM_UP_S SECONDS REQUESTS [FIRST [EXPECTED,…]]\n",
          stderr);
    return 2;
  }
  char host[64];
  char *colon = strchr(argv[1], ':');
  int connections = (int)strtol(argv[2], NULL, 10);
  double warm = strtod(argv[3], NULL), seconds = strtod(argv[4], NULL);
  if (!colon || connections < 1 || connections > CONNECTIONS_MOST) die("arguments");
  (void)snprintf(host, sizeof host, "%.*s", (int)(colon - argv[1]), argv[1]);
  load.to = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
  if (inet_pton(AF_INET, host, &load.to.sin_addr) != 1) die("host");
  read_requests(argv[5]);
  if (argc > 6) load.next = strtoul(argv[6], NULL, 10);
  for (char *e = argc > 7 ? argv[7] : (char[]){"200,201"}; *e; e += *e == ',')
    load.expected[strtol(e, &e, 10) % 600] = true;
  load.epoll = epoll_create1(0);
  load.histogram = calloc(BUCKETS, sizeof *load.histogram);
  struct connection *all = calloc((size_t)connections, sizeof *all);
  if (!all || !load.histogram || load.epoll < 0) die("memory");
  load.start = now_ns() + (uint64_t)(warm * 1e9);
  load.end = load.start + (uint64_t)(seconds * 1e9);
  run(all, connections);
  uint64_t stopped = now_ns();
  report((double)((stopped < load.end ? stopped : load.end) - load.start) / 1e9);
  return load.first_error ? 1 : 0;
}
