/* A job's life: taken, worked on, and ended or given back.
 *
 *   queued --job_take--> running --job_end--> done, failed
 *      ^                    |
 *      '---- job_release ---'      a lease that ran out counts as given back */
#include "db/sql.h"
#include "jobs/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct kind {
  const char *name;
  bool (*run)(struct job *j, char **why);
  int tries;
} kinds[] = {
#define JOB(kind, tries, says) {#kind, job_##kind, tries},
#include "jobs/jobs.def"
#undef JOB
};

static const struct kind *kind_of(struct text name) {
  for (size_t i = 0; i < COUNT(kinds); i++)
    if (text_is(name, kinds[i].name)) return &kinds[i];
  return NULL;
}

enum { HOST_MAX = 24 };

static void name_host(char out[static HOST_MAX]) {
  memset(out, 0, HOST_MAX);
  (void)gethostname(out, HOST_MAX - 1);
}

/* host/pid/unique: says on the job's row who works on it, and is unlike any other worker. */
static void name_worker(char *out, size_t room) {
  char host[HOST_MAX], unique[37];
  name_host(host);
  uuid_write(uuid_new(), unique);
  (void)snprintf(out, room, "%s/%d/%s", host, (int)getpid(), unique);
}

/* Wrong where two machines have one name: then two work on the job, and job_advance lets only the
 * one who took it last commit. */
bool job_worker_is_dead(struct text worker) {
  char host[HOST_MAX];
  int64_t pid = 0;
  name_host(host);
  if (!text_is(text_cut(&worker, '/'), host)) return false;
  return text_to_int(text_cut(&worker, '/'), &pid) && pid > 0 && kill((pid_t)pid, 0) != 0 &&
         errno == ESRCH;
}

bool job_stopping(const struct job *j) {
  return j->host->stop && atomic_load(j->host->stop);
}

bool job_advance(const struct job *j, struct session *s, int64_t count, char **why) {
  struct job_advance_in in = {.id = j->id,
                              .worker = text_of(j->worker),
                              .count = count,
                              .lease_seconds = JOB_LEASE_SECONDS};
  struct rows r;
  if (!session_ask(s, j->community, &sql_job_advance, &in, &r, why)) return false;
  return r.count == 1 || session_fails(why, "the job was cancelled, or another worker took it");
}

static bool end(const struct job *j, const char *state, const char *error, char **why) {
  struct job_end_in in = {
      .id = j->id, .worker = text_of(j->worker), .state = text_of(state), .error = text_of(error)};
  struct rows r;
  return session_ask(j->session, j->community, &sql_job_end, &in, &r, why);
}

/* Soon after the first failure, later and later after more. */
static bool give_back(const struct job *j, int64_t tries, const char *error, char **why) {
  struct job_release_in in = {.id = j->id,
                              .worker = text_of(j->worker),
                              .after_seconds = error ? 1 << (tries < 8 ? tries : 8) : 0,
                              .error = text_of(error)};
  struct rows r;
  return session_ask(j->session, j->community, &sql_job_release, &in, &r, why);
}

static bool work_on(struct job *j, const struct kind *kind, int64_t tries, char **why) {
  char *error = NULL, uuid[37];
  uuid_write(j->id, uuid);
  bool good = kind->run(j, &error), ended;
  if (good) {
    ended = end(j, "done", NULL, why);
    log_write(LOG_INFO, "job_done", "kind=%s id=%s", kind->name, uuid);
  } else if (job_stopping(j)) {
    ended = give_back(j, tries, NULL, why);
  } else {
    log_write(LOG_WARN, "job_failed", "kind=%s id=%s try=%d message=\"%s\"", kind->name, uuid,
              (int)tries, error ? error : "out of memory");
    ended = tries < kind->tries ? give_back(j, tries, error, why) : end(j, "failed", error, why);
  }
  free(error);
  return ended;
}

bool job_run(const struct job_host *h, struct session *s, int64_t community, struct uuid id,
             struct text dead, bool *taken, char **why) {
  struct request q = {0};
  struct job j = {.host = h, .session = s, .q = &q, .community = community, .id = id};
  name_worker(j.worker, sizeof j.worker);
  struct job_take_in in = {
      .id = id, .worker = text_of(j.worker), .lease_seconds = JOB_LEASE_SECONDS, .dead = dead};
  struct job_take_row row;
  struct rows r;
  *taken = false;
  if (!session_ask(s, community, &sql_job_take, &in, &r, why)) return false;
  if (!one_job_take(&q, &r, &row)) return true;
  const struct kind *kind = kind_of(row.kind);
  *taken = true;
  j.total = row.total;
  j.done = row.done;
  bool good = kind ? work_on(&j, kind, row.tries, why) : end(&j, "failed", "unknown kind", why);
  arena_free(&q.arena);
  return good;
}

/* ---- the worker of a server -------------------------------------------------------------------
 */

enum { LOOK_EVERY_MS = 500, REDIAL_MS = 2000, TIDY_EVERY_MS = 600000, STOP_S = 5 };

struct job_worker {
  struct job_host host;
  pthread_t thread;
  atomic_bool stop;
  uint64_t tidy_at; /* time_ticks() */
};

static struct sql_list all_kinds(void) {
  static struct text names[COUNT(kinds)];
  for (size_t i = 0; i < COUNT(kinds); i++)
    names[i] = text_of(kinds[i].name);
  return (struct sql_list){COUNT(kinds), names};
}

static bool look(struct job_worker *w, struct session *s, char **why) {
  struct request q = {0};
  struct job_next_in in = {.kinds = all_kinds()};
  struct rows r;
  bool good = session_ask(s, 0, &sql_job_next, &in, &r, why), taken;
  struct job_next_row *rows = good ? calloc((size_t)r.count + 1, sizeof *rows) : NULL;
  int count = rows ? r.count : 0;
  for (int i = 0; i < count; i++) /* the rows go with the next ask */
    row_job_next(&q, &r, i, &rows[i]);
  for (int i = 0; good && i < count && !atomic_load(&w->stop); i++)
    good = job_run(&w->host, s, rows[i].community_id, rows[i].id, NONE, &taken, why);
  free(rows);
  arena_free(&q.arena);
  return good;
}

static bool tidy(struct job_worker *w, struct session *s, char **why) {
  if (time_ticks() < w->tidy_at) return true;
  w->tidy_at = time_ticks() + TIDY_EVERY_MS;
  return jobs_tidy(s, &w->stop, why);
}

static void doze(struct job_worker *w, int ms) {
  for (; ms > 0 && !atomic_load(&w->stop); ms -= 50)
    usleep(50000);
}

/* The server's role has limits that suit requests; a job's step may take longer. */
static struct session *dial(struct job_worker *w, char **why) {
  struct session *s = session_open(w->host.conninfo, why);
  if (!s || session_run(s, "SET statement_timeout = '60s'; SET lock_timeout = '5s'", why)) return s;
  session_close(s);
  return NULL;
}

static void *worker_main(void *arg) {
  struct job_worker *w = arg;
  struct session *s = NULL;
  while (!atomic_load(&w->stop)) {
    char *why = NULL;
    if (!s) s = dial(w, &why);
    bool good = s && look(w, s, &why) && session_writes(s, &why) && jobs_sweep(s, &w->stop, &why) &&
                tidy(w, s, &why);
    if (!good) {
      log_write(LOG_WARN, "jobs_away", "message=\"%s\"", why ? why : "out of memory");
      session_close(s);
      s = NULL;
    }
    free(why);
    doze(w, good ? LOOK_EVERY_MS : REDIAL_MS);
  }
  session_close(s);
  return NULL;
}

struct job_worker *jobs_start(const struct job_host *h) {
  struct job_worker *w = calloc(1, sizeof *w);
  if (!w) return NULL;
  w->host = *h;
  w->host.stop = &w->stop;
  if (pthread_create(&w->thread, NULL, worker_main, w) == 0) return w;
  free(w);
  return NULL;
}

void jobs_stop(struct job_worker *w) {
  if (!w) return;
  struct timespec until;
  atomic_store(&w->stop, true);
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += STOP_S;
  for (; pthread_timedjoin_np(w->thread, NULL, &until) != 0; until.tv_sec++) {
    log_write(LOG_WARN, "jobs_cut", "because=\"PostgreSQL does not answer\"");
    sessions_cut();
  }
  free(w);
}
