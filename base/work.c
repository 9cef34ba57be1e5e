/* A few threads for what burns CPU, so that no loop stands still for it.
 *
 *   work() --> queued --> running --> posted to its loop --> next(q), freed
 *                 |          |            |
 *                 +----------+------------+--abandoned: freed at once if queued, else when posted
 *
 * A task's request is touched on the loop alone: an abandoned task has none, and its thread never
 * looks. */
#include "base/base.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { THREADS_MAX = 64 };

struct task {
  struct post post;
  struct task *next, *previous; /* of all tasks of the pool, oldest first */
  struct work_pool *pool;
  struct loop *loop;
  struct request *q; /* NULL once abandoned */
  void (*run)(void *);
  void *state;
  next_step then;
  bool started; /* a thread has it */
};

struct work_pool {
  pthread_mutex_t lock; /* guards all below */
  pthread_cond_t wanted;
  struct task *first, *last;
  int waiting; /* tasks that no thread has yet */
  int queue;   /* most of them */
  bool stopping;
  int count;
  pthread_t threads[THREADS_MAX];
};

/* ---- the list, under the lock ------------------------------------------------------------------
 */

static void enlist(struct work_pool *p, struct task *t) {
  t->previous = p->last;
  *(p->last ? &p->last->next : &p->first) = t;
  p->last = t;
  p->waiting++;
}

static void delist(struct work_pool *p, struct task *t) {
  *(t->previous ? &t->previous->next : &p->first) = t->next;
  *(t->next ? &t->next->previous : &p->last) = t->previous;
  if (!t->started) p->waiting--;
}

static struct task *oldest_waiting(struct work_pool *p) {
  struct task *t = p->first;
  while (t && t->started)
    t = t->next;
  return t;
}

/* ---- on the threads ----------------------------------------------------------------------------
 */

/* Waits for a task; NULL when the pool stops. */
static struct task *take_task(struct work_pool *p) {
  pthread_mutex_lock(&p->lock);
  while (!p->stopping && !p->waiting)
    pthread_cond_wait(&p->wanted, &p->lock);
  struct task *t = p->stopping ? NULL : oldest_waiting(p);
  if (t) {
    t->started = true;
    p->waiting--;
  }
  pthread_mutex_unlock(&p->lock);
  return t;
}

static void *serve(void *pool) {
  struct task *t;
  while ((t = take_task(pool)) != NULL) {
    t->run(t->state);
    loop_post(t->loop, &t->post);
  }
  return NULL;
}

/* ---- on the loops ------------------------------------------------------------------------------
 */

static void discard(struct task *t) {
  metric_add(lyceum_work_queued, -1);
  free(t->state);
  free(t);
}

static void came_back(struct post *post) {
  struct task *t = CONTAINER_OF(post, struct task, post);
  struct request *q = t->q;
  pthread_mutex_lock(&t->pool->lock);
  delist(t->pool, t);
  pthread_mutex_unlock(&t->pool->lock);
  if (!q) {
    discard(t);
    return;
  }
  q->abandon = NULL;
  q->waits_on = NULL;
  struct step s = t->then(q);
  discard(t);
  request_take(q, s);
}

/* Always "nothing happened": a task touches its own state only. */
static bool abandoned(struct request *q) {
  struct task *t = q->waits_on;
  t->q = NULL;
  pthread_mutex_lock(&t->pool->lock);
  bool mine = !t->started;
  if (mine) delist(t->pool, t);
  pthread_mutex_unlock(&t->pool->lock);
  if (mine) discard(t);
  return true;
}

static bool hand_over(struct work_pool *p, struct task *t) {
  pthread_mutex_lock(&p->lock);
  bool room = p->waiting < p->queue && !p->stopping;
  if (room) enlist(p, t);
  pthread_mutex_unlock(&p->lock);
  if (room) pthread_cond_signal(&p->wanted);
  return room;
}

struct step work(struct request *q, struct work_pool *p, void (*run)(void *), void *state,
                 next_step next) {
  struct task *t = malloc(sizeof *t);
  if (!t) {
    free(state);
    return problem(q, OUT_OF_MEMORY);
  }
  *t = (struct task){.post = {.run = came_back},
                     .pool = p,
                     .loop = q->loop,
                     .q = q,
                     .run = run,
                     .state = state,
                     .then = next};
  metric_add(lyceum_work_queued, 1);
  /* Before the hand-over: the result may be back before this function is. */
  q->abandon = abandoned;
  q->waits_on = t;
  if (hand_over(p, t)) return WAITS;
  q->abandon = NULL;
  q->waits_on = NULL;
  discard(t);
  return problem(q, BUSY);
}

/* ---- the pool ----------------------------------------------------------------------------------
 */

/* Signals are for the thread that waits for them, never for one that computes. */
static void start_threads(struct work_pool *p, int threads) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  while (p->count < threads && p->count < THREADS_MAX &&
         pthread_create(&p->threads[p->count], NULL, serve, p) == 0)
    p->count++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct work_pool *work_pool_new(int threads, int queue) {
  struct work_pool *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  p->queue = queue;
  pthread_mutex_init(&p->lock, NULL);
  pthread_cond_init(&p->wanted, NULL);
  start_threads(p, threads);
  if (p->count) return p; /* fewer threads than asked for still work */
  work_pool_free(p);
  return NULL;
}

void work_pool_free(struct work_pool *p) {
  if (!p) return;
  pthread_mutex_lock(&p->lock);
  p->stopping = true;
  pthread_mutex_unlock(&p->lock);
  pthread_cond_broadcast(&p->wanted);
  for (int i = 0; i < p->count; i++)
    pthread_join(p->threads[i], NULL);
  /* What was never begun, or has come back to a loop that had stopped */
  for (struct task *t = p->first, *next; t; t = next) {
    next = t->next;
    if (t->q) t->q->abandon = NULL, t->q->waits_on = NULL;
    discard(t);
  }
  pthread_cond_destroy(&p->wanted);
  pthread_mutex_destroy(&p->lock);
  free(p);
}
