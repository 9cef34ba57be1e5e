/* lyceum serve: a loop on each core, a thread for jobs, two for passwords. The main thread waits
 * for a signal; then each loop answers what is under way, takes nothing new, and ends. */
#include "cli/serve.h"
#include "cli/demo.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum {
  LOOPS_MOST = 256,
  HASHERS = 2,
  HASH_QUEUE = 32,
  DRAW_QUEUE = 64,
  DRAIN_SECONDS = 15,
  JOB_THREADS = 1,
  LINKS_A_LOOP = 3 /* db/db.h */,
  LINKS_WAIT_MS = 3000
};

struct station { /* a loop and its thread */
  struct server *server;
  struct loop *loop;
  struct watchman watchman; /* both on the first loop */
  struct deliverer *deliverer;
  struct errands *errands;
  struct webhooks *webhooks;
  pthread_t thread;
  bool open, running;
};

struct server {
  struct cli *c;
  struct secrets secrets;
  char *conninfo; /* of the server's role */
  struct db_settings db;
  struct api api;
  struct gateways gateways;
  atomic_int running; /* loops */
  struct job_worker *jobs;
  struct station stations[LOOPS_MOST];
  int count;
};

int processors(void) {
  cpu_set_t set;
  int count = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
  return count > 0 ? count : 1;
}

/* Every connection is a file; the soft limit is low for the sake of select(2), which nothing here
 * uses. */
static void raise_file_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void set_log_level(const char *name) {
  static const char *const names[] = {"debug", "info", "warn", "error"};
  for (size_t i = 0; i < COUNT(names); i++)
    if (strcmp(name, names[i]) == 0) log_open((enum log_level)i);
}

/* ---- before anything is served -----------------------------------------------------------------
 */

/* Serving on a schema that does not fit would fail request by request; it fails here, once. */
static bool schema_fits(struct cli *c, struct session *s) {
  char *why = NULL;
  int missing = migrations_missing(s, &why);
  if (missing == 0) return true;
  if (missing < 0)
    fails_why(c, why);
  else
    fails(c, "the database lacks %d migrations: run `lyceum migrate` first", missing);
  return false;
}

/* So that the first request finds them; from then on the watchman keeps them fresh. */
static bool load_keys(struct server *v, struct session *s) {
  struct signing_key_list_in in = {.all = false};
  struct text kid;
  struct rows r;
  if (!ensure_key(v->c, s, &v->secrets, &kid) ||
      !ask_database(v->c, s, 0, &sql_signing_key_list, &in, &r))
    return false;
  if (keys_load(&v->c->q, v->api.house, &r)) return true;
  fails(v->c, "the signing keys were sealed with another secret than %s holds: use that one",
        v->c->config.secret_file);
  return false;
}

/* A database that is away is told once, and waited for; a wrong DATABASE_URL ends the server. */
static bool away(struct server *v, char *why) {
  const char *words = why ? why : "the connection was lost";
  bool first = !atomic_exchange(&v->api.waiting, true);
  log_write(LOG_WARN, "waiting_for_database", "port=%d message=\"%s\"", (int)v->c->config.port,
            words);
  if (first)
    fails(v->c, "the database is away (%s); it is looked for each second, and /readyz says 503",
          words);
  free(why);
  return true;
}

/* The one time that the server acts as the owner. Returns false when waiting is no use. */
static bool prepare_database(struct server *v) {
  const char *url = v->c->config.database_url;
  char *why = NULL;
  struct session *s = session_open(url, &why);
  if (!s && !session_refused(url)) return away(v, why);
  if (!s) return fails_why(v->c, why) == EXIT_DONE;
  bool good = schema_fits(v->c, s) && load_keys(v, s) && ensure_role(v->c, s, &v->secrets);
  bool lost = !good && !session_alive(s);
  session_close(s);
  if (lost) return away(v, NULL);
  if (good) atomic_store(&v->api.waiting, false);
  return good;
}

static bool find_database(struct server *v) {
  if (!names_database(v->c)) return false;
  v->conninfo = role_conninfo(v->c, &v->secrets);
  return v->conninfo && prepare_database(v);
}

/* ---- loops --------------------------------------------------------------------------------------
 */

/* Sockets of one port, one for each loop: the kernel spreads the connections (SO_REUSEPORT). */
static bool bind_all(struct server *v, int fds[static LOOPS_MOST]) {
  struct config *o = &v->c->config;
  for (int i = 0; i < v->count; i++) {
    int port = 0;
    fds[i] = api_bind(o, &port);
    if (fds[i] < 0) {
      fails(v->c, "can't listen on %s port %lld: %s", o->bind, (long long)o->port, strerror(errno));
      while (i-- > 0)
        close(fds[i]);
      return false;
    }
    o->port = port; /* PORT=0 was any */
  }
  return true;
}

/* The tokens' issuer, too: processes that serve together must name the same. */
static const char *public_url(struct server *v) {
  const struct config *o = &v->c->config;
  if (*o->public_url) return o->public_url;
  const char *form = strchr(o->bind, ':') ? "http://[%s]:%lld" : "http://%s:%lld";
  char url[128];
  (void)snprintf(url, sizeof url, form, o->bind, (long long)o->port);
  return arena_copy(&v->c->q.arena, text_of(url)).at;
}

/* In order of need: what answers requests comes last, when all that it asks is there. */
static bool open_station(struct server *v, int i, int fd) {
  struct station *t = &v->stations[i];
  t->server = v;
  t->loop = loop_new(i);
  if (!t->loop) {
    close(fd);
    return false;
  }
  t->open = true;
  if (!fetch_open(t->loop) || !db_open(t->loop, &v->db)) return false;
  if (i == 0 && !(t->deliverer = deliver_open(t->loop, &v->gateways, &v->secrets))) return false;
  if (i == 0 && !(t->errands = errands_open(t->loop, &v->gateways, &v->secrets))) return false;
  if (i == 0 && !(t->webhooks = webhooks_open(t->loop, &v->gateways, &v->secrets))) return false;
  if (i == 0 && !watch_open(&t->watchman, t->loop, &v->api, &v->db)) return false;
  t->watchman.deliverer = t->deliverer;
  t->watchman.errands = t->errands;
  t->watchman.webhooks = t->webhooks;
  return api_open(t->loop, &v->api, fd);
}

/* The other way round; each takes what was never opened. */
static void close_station(struct station *t) {
  if (!t->open) return;
  api_close(t->loop);
  if (t->watchman.loop) watch_close(&t->watchman);
  webhooks_close(t->webhooks);
  errands_close(t->errands);
  deliver_close(t->deliverer);
  db_close(t->loop);
  fetch_close(t->loop);
  loop_free(t->loop);
}

static void *run_station(void *arg) {
  struct station *t = arg;
  loop_run(t->loop);
  atomic_fetch_sub(&t->server->running, 1);
  return NULL;
}

static bool run_stations(struct server *v) {
  for (int i = 0; i < v->count; i++) {
    struct station *t = &v->stations[i];
    atomic_fetch_add(&v->running, 1);
    t->running = pthread_create(&t->thread, NULL, run_station, t) == 0;
    if (!t->running) {
      atomic_fetch_sub(&v->running, 1);
      return false;
    }
  }
  return true;
}

/* ---- until a signal, and after it ---------------------------------------------------------------
 */

/* On standard output for who started it, in the log for who reads that. */
static void announce(struct server *v) {
  const char *url = public_url(v);
  log_write(LOG_INFO, "serving", "url=%s port=%d loops=%d", url, (int)v->c->config.port, v->count);
  if (v->c->json)
    printf("{\"url\":\"%s\",\"port\":%lld,\"pid\":%d}\n", url, (long long)v->c->config.port,
           (int)getpid());
  if (option(v->c, "demo") && !v->c->json) welcome(url);
  say(v->c, "Lyceum serves on %s", url);
  fflush(stdout);
}

/* A second signal, or a request that does not end in spite of its deadline, ends it at once. */
static void drain(struct server *v, const sigset_t *signals) {
  uint64_t until = time_ticks() + DRAIN_SECONDS * 1000;
  struct timespec pause = {.tv_nsec = 20000000};
  atomic_store(&v->api.stopping, true);
  while (atomic_load(&v->running) > 0 && time_ticks() < until) {
    if (sigtimedwait(signals, NULL, &pause) < 0) continue;
    log_write(LOG_WARN, "stopped_at_once", "reason=second_signal");
    _exit(EXIT_FAILED);
  }
  if (atomic_load(&v->running) == 0) return;
  log_write(LOG_ERROR, "stopped_at_once", "reason=requests_do_not_end busy=%d",
            atomic_load(&v->api.busy));
  _exit(EXIT_FAILED);
}

/* Who is told the address may use it at once: all loops have their links by then. A database that
 * is away for longer is no reason to keep silent; /readyz tells. Returns a signal that came. */
static int wait_for_links(struct server *v, const sigset_t *signals) {
  struct timespec pause = {.tv_nsec = 2000000};
  uint64_t until = time_ticks() + LINKS_WAIT_MS;
  while (metric_value(lyceum_links_up) < (int64_t)v->count * LINKS_A_LOOP && time_ticks() < until) {
    int signal_number = sigtimedwait(signals, NULL, &pause);
    if (signal_number > 0) return signal_number;
  }
  return 0;
}

/* Returns a signal that came; *good is false when it came to nothing. */
static int wait_for_database(struct server *v, const sigset_t *signals, bool *good) {
  struct timespec pause = {.tv_sec = 1};
  int signal_number = 0;
  while (*good && atomic_load(&v->api.waiting) && signal_number <= 0) {
    signal_number = sigtimedwait(signals, NULL, &pause);
    if (signal_number <= 0) *good = prepare_database(v);
  }
  return signal_number > 0 ? signal_number : 0;
}

static bool wait_and_drain(struct server *v) {
  sigset_t signals;
  bool good = true;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  int signal_number = wait_for_database(v, &signals, &good);
  if (good && !signal_number) signal_number = wait_for_links(v, &signals);
  if (good && !signal_number) {
    announce(v);
    sigwait(&signals, &signal_number);
  }
  log_write(LOG_INFO, "stopping", "signal=%d", signal_number);
  drain(v, &signals);
  return good;
}

/* Before the first thread: all inherit it, and only the main thread's sigwait takes them. */
static void block_signals(void) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

/* ---- putting it together ------------------------------------------------------------------------
 */

static bool open_gateways(struct server *v) {
  struct builder why = {0};
  bool good = gateways_open(&v->gateways, &v->c->config, &why);
  v->api.gateways = &v->gateways;
  if (!good) fails(v->c, "%.*s", TEXT_ARGS(built(&why)));
  builder_free(&why);
  return good;
}

static bool open_house(struct server *v) {
  const struct config *o = &v->c->config;
  v->api.config = o;
  v->api.started_at = time_now();
  v->api.house = house_new(&v->secrets, public_url(v), o->token_seconds, o->pace_scale);
  v->api.hashing = work_pool_new(HASHERS, HASH_QUEUE);
  v->api.drawing = work_pool_new(1, DRAW_QUEUE);
  if (v->api.house && v->api.hashing && v->api.drawing) return true;
  fails(v->c, "out of memory");
  return false;
}

static bool open_all(struct server *v, const int fds[static LOOPS_MOST]) {
  bool good = true;
  v->db = (struct db_settings){.conninfo = v->conninfo, .prepared = v->c->config.prepared != 0};
  for (int i = 0; i < v->count; i++) {
    if (good)
      good = open_station(v, i, fds[i]);
    else
      close(fds[i]);
  }
  if (!good) fails(v->c, "the loops can't be opened: too few file descriptors or memory?");
  return good;
}

static void start_jobs(struct server *v) {
  struct job_host host = {.conninfo = v->conninfo, .secrets = &v->secrets, .threads = JOB_THREADS};
  v->jobs = jobs_start(&host);
  if (!v->jobs) log_write(LOG_ERROR, "jobs_off", "message=\"no thread for jobs\"");
}

/* Everything is given back, so that a leak checker has something to say only about leaks. */
static void close_all(struct server *v) {
  jobs_stop(v->jobs);
  for (int i = 0; i < v->count; i++)
    if (v->stations[i].running) pthread_join(v->stations[i].thread, NULL);
  work_pool_free(v->api.hashing); /* what they run is handed to loops, so before them */
  work_pool_free(v->api.drawing);
  for (int i = v->count; i-- > 0;)
    close_station(&v->stations[i]);
  house_free(v->api.house);
  free(v->conninfo);
  explicit_bzero(&v->secrets, sizeof v->secrets);
  explicit_bzero(&v->gateways, sizeof v->gateways);
}

static int run_server(struct server *v) {
  int fds[LOOPS_MOST] = {0};
  if (!bind_all(v, fds)) return EXIT_FAILED;
  if (!open_house(v) || !open_gateways(v) || !find_database(v)) {
    for (int i = 0; i < v->count; i++)
      close(fds[i]);
    return EXIT_FAILED;
  }
  if (!open_all(v, fds)) return EXIT_FAILED;
  start_jobs(v);
  if (!run_stations(v)) {
    fails(v->c, "the threads can't be started");
    _exit(EXIT_FAILED); /* some of them run already */
  }
  return wait_and_drain(v) ? EXIT_DONE : EXIT_FAILED;
}

/* The server is too large for a stack, and outlives none of its threads. */
int command_serve(struct cli *c) {
  struct config *o = &c->config;
  if (option(c, "demo")) o->demo = 1;
  if (!o->loops) o->loops = processors();
  set_log_level(o->log_level);
  raise_file_limit();
  block_signals();
  struct server *v = calloc(1, sizeof *v);
  if (!v) return fails(c, "out of memory");
  v->c = c;
  v->count = (int)(o->loops < LOOPS_MOST ? o->loops : LOOPS_MOST);
  int status = read_secrets(c, &v->secrets) ? run_server(v) : EXIT_FAILED;
  close_all(v);
  free(v);
  return status;
}
