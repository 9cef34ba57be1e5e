/* A load generator: keep-alive connections that send prepared requests and count what comes back.
 * One thread on one epoll, so that it takes as little of the machine as it can.
 *
 *   load [-c CONNECTIONS] [-w WARM_UP_S] [-d SECONDS] [-r RATE] [-f FIRST] [-e EXPECTED,…] [-a]
 * [-i] HOST:PORT FILE[*WEIGHT]…
 *
 * A file holds requests, each as a decimal length, a newline and the bytes. They are used in order,
 * from number FIRST on, and again from the start when they run out, unless the file's name ends
 * with
 * `.once`. Several files are mixed by their weights. Without -r each connection asks again as soon
 * as it is answered; with -r requests are due at a steady rate whatever the server does, and their
 * time counts from when they were due, waiting for a free connection included. With -a all
 * connections are open before the first is asked, and it lasts until every request has been
 * answered once. With -i each connection asks once and stays open and idle until standard input
 * ends. Prints one JSON object; ends with 1 when a status outside EXPECTED (200,201) came. */
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
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CONNECTIONS_MOST = 16384, FILES_MOST = 8, ROOM = 64 << 10 };
enum { BUCKETS = 20000000 }; /* of 1 µs: up to 20 s */

struct request {
  const char *at;
  size_t len;
};
struct source {
  struct request *all;
  size_t count, next;
  bool once;
  int64_t weight, credit;
};
struct connection {
  int fd;
  uint64_t sent_at;
  size_t have, body_end; /* bytes read; where this answer ends, 0: not known yet */
  struct connection *next_free;
  char in[ROOM];
};
static struct {
  struct source sources[FILES_MOST];
  size_t source_count, total, used;
  int64_t weights;
  bool dry, all, idle;
  int epoll, connections;
  double warm, seconds, rate;
  struct sockaddr_in to;
  uint64_t begin, start, end; /* of the run; counting from, to */
  uint64_t answers, answered, statuses[600], first_error, due_sent;
  struct connection *free_first, *free_last; /* with -r: the longest idle first */
  uint32_t *histogram;
  bool expected[600];
} load = {.connections = 64, .warm = 1, .seconds = 2};

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

static void read_requests(const char *path, int64_t weight, size_t first) {
  struct source *s = &load.sources[load.source_count++];
  int fd = open(path, O_RDONLY);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0 || st.st_size == 0) die(path);
  const char *at = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  const char *end = at + st.st_size;
  if (at == MAP_FAILED) die(path);
  size_t room = 0;
  while (at < end) {
    char *body;
    size_t len = strtoul(at, &body, 10);
    if (s->count == room) {
      room = room ? room * 2 : 1024;
      s->all = realloc(s->all, room * sizeof *s->all);
      if (!s->all) die("memory");
    }
    s->all[s->count++] = (struct request){body + 1, len};
    at = body + 1 + len;
  }
  s->once = strlen(path) > 5 && strcmp(path + strlen(path) - 5, ".once") == 0;
  s->weight = weight;
  s->next = first;
  load.weights += weight;
  load.total += s->count;
}

/* Each source earns its weight; the richest pays for all: an even mix, and the same in each run. */
static struct source *choose(void) {
  struct source *best = &load.sources[0];
  for (size_t i = 0; i < load.source_count; i++) {
    struct source *s = &load.sources[i];
    s->credit += s->weight;
    if (s->credit > best->credit) best = s;
  }
  best->credit -= load.weights;
  return best;
}

static const struct request *take(void) {
  struct source *s = choose();
  if (s->once && s->next >= s->count) {
    load.dry = true;
    return NULL;
  }
  load.used++;
  return &s->all[s->next++ % s->count];
}

/* ---- connections ---- */

static bool send_next(struct connection *c, uint64_t at) {
  const struct request *r = take();
  if (!r) return false;
  c->have = c->body_end = 0;
  c->sent_at = at;
  ssize_t n = send(c->fd, r->at, r->len, MSG_NOSIGNAL);
  if (n != (ssize_t)r->len) die("a request did not fit the socket");
  return true;
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
  load.answered++;
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

static void rest(struct connection *c) {
  c->next_free = NULL;
  if (load.free_last)
    load.free_last->next_free = c;
  else
    load.free_first = c;
  load.free_last = c;
}

static void readable(struct connection *c) {
  ssize_t n = recv(c->fd, c->in + c->have, ROOM - 1 - c->have, 0);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0) die("the server closed a connection");
  c->have += (size_t)n;
  if (!c->body_end) c->body_end = answer_end(c);
  if (!c->body_end || c->have < c->body_end) return;
  uint64_t now = now_ns();
  count(c, (int)strtol(c->in + 9, NULL, 10), now);
  if (load.rate > 0)
    rest(c);
  else if (!load.idle)
    (void)send_next(c, now);
}

/* With -r: sends what is due by now, as far as there are connections; answers how long until the
 * next is due. */
static uint64_t send_due(void) {
  double each = 1e9 / load.rate;
  uint64_t now = now_ns(), due = 0;
  while (load.free_first && !load.dry) {
    due = load.begin + (uint64_t)((double)load.due_sent * each);
    if (due > now) return due - now;
    struct connection *c = load.free_first;
    load.free_first = c->next_free;
    if (!load.free_first) load.free_last = NULL;
    if (send_next(c, due)) load.due_sent++;
  }
  return 100000000;
}

/* ---- the run ---- */

static uint64_t percentile(double p) {
  uint64_t seen = 0, wanted = (uint64_t)((double)load.answers * p);
  for (size_t i = 0; i < BUCKETS; i++)
    if ((seen += load.histogram[i]) > wanted) return i;
  return BUCKETS;
}

static void report(double seconds) {
  printf("{\"rate\":%.1f,\"answers\":%" PRIu64 ",\"used\":%zu,\"seconds\":%.3f,\"p50_us\":%" PRIu64
         ",\"p99_us\":%" PRIu64 ",\"p999_us\":%" PRIu64 ",\"dry\":%s,\"statuses\":{",
         (double)load.answers / seconds, load.answers, load.used, seconds, percentile(0.5),
         percentile(0.99), percentile(0.999), load.dry && !load.all ? "true" : "false");
  for (int i = 0, n = 0; i < 600; i++)
    if (load.statuses[i]) printf("%s\"%d\":%" PRIu64, n++ ? "," : "", i, load.statuses[i]);
  puts("}}");
}

static void poll_answers(uint64_t ns) {
  struct epoll_event events[256];
  struct timespec wait = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
  int n = epoll_pwait2(load.epoll, events, 256, &wait, NULL);
  for (int i = 0; i < n; i++)
    readable(events[i].data.ptr);
}

static bool done(void) {
  if (load.all) return load.answered == load.total;
  if (load.idle) return load.answered == (uint64_t)load.connections;
  return now_ns() >= load.end || load.dry;
}

static void begin(void) {
  load.begin = now_ns();
  load.start = load.begin + (uint64_t)(load.all || load.idle ? 0 : load.warm * 1e9);
  load.end = load.all || load.idle ? UINT64_MAX : load.start + (uint64_t)(load.seconds * 1e9);
}

static void run(struct connection *all) {
  begin();
  for (int i = 0; i < load.connections; i++) {
    dial(&all[i]);
    if (load.rate > 0)
      rest(&all[i]);
    else if (!load.all)
      (void)send_next(&all[i], now_ns());
  }
  if (load.all) begin();
  for (int i = 0; load.all && load.rate <= 0 && i < load.connections; i++)
    (void)send_next(&all[i], now_ns());
  while (!done())
    poll_answers(load.rate > 0 ? send_due() : 100000000);
}

static void stay_idle(void) {
  char c;
  puts("idle");
  (void)fflush(stdout);
  while (read(STDIN_FILENO, &c, 1) > 0)
    ;
}

/* ---- the arguments ---- */

static void usage(void) {
  fputs("usage: load [-c CONNECTIONS] [-w WARM_UP_S] [-d SECONDS] [-r RATE] [-f FIRST]\n"
        "            [-e EXPECTED,…] [-a] [-i] HOST:PORT FILE[*WEIGHT]…\n",
        stderr);
  exit(2);
}

static void expect(char *e) {
  memset(load.expected, 0, sizeof load.expected);
  for (; *e; e += *e == ',')
    load.expected[strtol(e, &e, 10) % 600] = true;
}

static size_t read_options(int argc, char **argv) {
  size_t first = 0;
  int option;
  load.expected[200] = load.expected[201] = true;
  while ((option = getopt(argc, argv, "c:w:d:r:f:e:ai")) != -1) {
    if (option == 'c')
      load.connections = (int)strtol(optarg, NULL, 10);
    else if (option == 'w')
      load.warm = strtod(optarg, NULL);
    else if (option == 'd')
      load.seconds = strtod(optarg, NULL);
    else if (option == 'r')
      load.rate = strtod(optarg, NULL);
    else if (option == 'f')
      first = strtoul(optarg, NULL, 10);
    else if (option == 'e')
      expect(optarg);
    else if (option == 'a')
      load.all = true;
    else if (option == 'i')
      load.idle = true;
    else
      usage();
  }
  if (argc - optind < 2 || argc - optind > 1 + FILES_MOST) usage();
  if (load.connections < 1 || load.connections > CONNECTIONS_MOST) usage();
  return first;
}

static void read_address(char *address) {
  char *colon = strchr(address, ':');
  if (!colon) usage();
  *colon = 0;
  load.to = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)strtol(colon + 1, NULL, 10))};
  if (inet_pton(AF_INET, address, &load.to.sin_addr) != 1) usage();
}

static void read_files(char **files, size_t first) {
  for (; *files; files++) {
    char *star = strchr(*files, '*');
    if (star) *star = 0;
    read_requests(*files, star ? strtol(star + 1, NULL, 10) : 1, first);
  }
}

int main(int argc, char **argv) {
  size_t first = read_options(argc, argv);
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    files.rlim_cur = files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  read_address(argv[optind]);
  read_files(argv + optind + 1, first);
  load.epoll = epoll_create1(0);
  load.histogram = calloc(BUCKETS, sizeof *load.histogram);
  struct connection *all = calloc((size_t)load.connections, sizeof *all);
  if (!all || !load.histogram || load.epoll < 0) die("memory");
  run(all);
  uint64_t stopped = now_ns();
  if (load.idle) stay_idle();
  report((double)((stopped < load.end ? stopped : load.end) - load.start) / 1e9);
  return load.first_error ? 1 : 0;
}
