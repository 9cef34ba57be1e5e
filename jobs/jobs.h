/* Work that outlives a request: rows of `job`, worked off on threads of their own with plain
 * sessions. A worker takes a job by a lease that it commits, and commits its progress together with
 * what it did. So kill -9 at any moment loses nothing and does nothing twice: when the lease has
 * run out, whoever comes next goes on from what is done. */
#ifndef LYCEUM_JOBS_H
#define LYCEUM_JOBS_H

#include "auth/auth.h"
#include "base/base.h"
#include "db/db.h"
#include "gateways/gateways.h"

enum { JOB_LEASE_SECONDS = 15 }; /* renewed by progress: longer than any step of a job takes */

/* What jobs are worked off with; outlives them. */
struct job_host {
  const char *conninfo;
  const struct secrets *secrets;
  int threads;             /* that one job may keep busy */
  const atomic_bool *stop; /* set from outside: finish the step, give the job back; may be NULL */
  void (*tell)(void *who, int64_t done); /* of progress, on any thread but one at a time; or NULL */
  void *who;
};

struct job { /* one that is taken */
  const struct job_host *host;
  struct session *session;
  struct request *q; /* its arena lives as long as the job is held */
  int64_t community;
  struct uuid id;
  char worker[80];
  int64_t total, done;
};

/* Did this worker (job.taken_by) run on this machine, and does it no more? Then nobody needs to
 * wait for its lease. */
bool job_worker_is_dead(struct text worker);
/* Runs one job if it can be had now, also from the worker `dead` (NONE: from none). *taken tells
 * whether it could; then it has been ended or given back. False when the database failed. */
bool job_run(const struct job_host *h, struct session *s, int64_t community, struct uuid id,
             struct text dead, bool *taken, char **why);
/* Within a transaction on `s`: so many more are done. False: not ours any more, roll back. */
bool job_advance(const struct job *j, struct session *s, int64_t count, char **why);
bool job_stopping(const struct job *j);

/* A thread that looks for jobs of all communities twice a second. */
struct job_worker;
struct job_worker *jobs_start(const struct job_host *h); /* NULL: no thread could be started */
void jobs_stop(struct job_worker *w); /* sets `stop` for it; waits for the step under way */

/* ---- messages: handed over by a loop, for they wait for others most of the time -----------------
 */

struct deliverer;
/* On the loop whose thread calls; everything named must outlive it. NULL: out of memory. */
struct deliverer *deliver_open(struct loop *l, const struct gateways *g, const struct secrets *s);
void deliver_soon(struct deliverer *d);  /* `delivery` was heard */
void deliver_close(struct deliverer *d); /* what is under way is left to its lease */

/* ---- errands: what providers of payments are asked, on a loop for the same reason ---------------
 */

struct errands;
struct errands *errands_open(struct loop *l, const struct gateways *g, const struct secrets *s);
void errands_soon(struct errands *all);  /* `errands` was heard */
void errands_close(struct errands *all); /* what is under way is left to its lease */

/* ---- webhooks: other systems that are told, on a loop for the same reason ----------------------
 */

struct webhooks;
struct webhooks *webhooks_open(struct loop *l, const struct gateways *g, const struct secrets *s);
void webhooks_soon(struct webhooks *all);  /* `webhooks` was heard */
void webhooks_close(struct webhooks *all); /* what is under way is left to its lease */

/* Removes what has had its time; the thread of jobs_start does it at its start and now and then. */
bool jobs_tidy(struct session *s, const atomic_bool *stop, char **why);

/* Does what is due (sweeps.def); the thread of jobs_start does it twice a second. */
bool jobs_sweep(struct session *s, const atomic_bool *stop, char **why);

#define JOB(kind, tries, says) bool job_##kind(struct job *j, char **why);
#include "jobs/jobs.def"
#undef JOB

#endif
