/* One epoll loop: descriptors, timers, posts from other threads, and what wants to run at the end
 * of each turn (libmicrohttpd, then the flush of the PostgreSQL links). */
#include "base/base.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_A_TURN = 256 };

struct loop {
  int number;
  int epoll;
  struct watch wake;            /* eventfd: somebody posted or stopped */
  _Atomic(struct post *) posts; /* newest first */
  atomic_bool stopping;
  uint64_t now;        /* time_ticks() at the start of the turn */
  struct timer **heap; /* binary heap by due; heap[0] is unused */
  size_t heap_len, heap_room;
  struct turn *turns; /* newest first */
  struct epoll_event events[EVENTS_A_TURN];
  int event_at, event_count; /* what of this turn is still to be told */
  void *kept[ROOM_COUNT];
};

static void woken(struct watch *w, uint32_t events) {
  (void)events;
  uint64_t count;
  while (read(w->fd, &count, sizeof count) > 0) {
  }
}

struct loop *loop_new(int number) {
  struct loop *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->number = number;
  l->now = time_ticks();
  l->epoll = epoll_create1(EPOLL_CLOEXEC);
  l->wake = (struct watch){eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), woken};
  if (l->epoll < 0 || l->wake.fd < 0 || !loop_watch(l, &l->wake, EPOLLIN)) {
    loop_free(l);
    return NULL;
  }
  return l;
}

void loop_free(struct loop *l) {
  if (!l) return;
  if (l->wake.fd >= 0) close(l->wake.fd);
  if (l->epoll >= 0) close(l->epoll);
  free(l->heap);
  free(l);
}

int loop_number(const struct loop *l) {
  return l->number;
}

uint64_t loop_now(const struct loop *l) {
  return l->now;
}

void loop_keep(struct loop *l, enum loop_room room, void *what) {
  l->kept[room] = what;
}

void *loop_kept(const struct loop *l, enum loop_room room) {
  return l->kept[room];
}

bool loop_watch(struct loop *l, struct watch *w, uint32_t events) {
  struct epoll_event e = {.events = events, .data = {.ptr = w}};
  if (epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, &e) == 0) return true;
  return errno == ENOENT && epoll_ctl(l->epoll, EPOLL_CTL_ADD, w->fd, &e) == 0;
}

/* Events of this turn that were already fetched for the watch must not be told any more: it may be
 * freed by now. A descriptor of -1 was closed by somebody, and so is not watched any more. */
void loop_unwatch(struct loop *l, struct watch *w) {
  if (w->fd >= 0) (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, NULL);
  for (int i = l->event_at; i < l->event_count; i++)
    if (l->events[i].data.ptr == w) l->events[i].data.ptr = NULL;
}

/* ---- timers ------------------------------------------------------------------------------------
 */

static void heap_put(struct loop *l, size_t place, struct timer *t) {
  l->heap[place] = t;
  t->place = place;
}

static void heap_up(struct loop *l, size_t place) {
  struct timer *t = l->heap[place];
  for (; place > 1 && l->heap[place / 2]->due > t->due; place /= 2)
    heap_put(l, place, l->heap[place / 2]);
  heap_put(l, place, t);
}

static void heap_down(struct loop *l, size_t place) {
  struct timer *t = l->heap[place];
  for (size_t child; (child = place * 2) <= l->heap_len; place = child) {
    if (child < l->heap_len && l->heap[child + 1]->due < l->heap[child]->due) child++;
    if (l->heap[child]->due >= t->due) break;
    heap_put(l, place, l->heap[child]);
  }
  heap_put(l, place, t);
}

/* A timer that can't be stored would be a deadline that never comes: better to stop at once. */
static void heap_grow(struct loop *l) {
  if (l->heap_len + 1 < l->heap_room) return;
  size_t room = l->heap_room ? l->heap_room * 2 : 256;
  struct timer **heap = realloc(l->heap, room * sizeof(struct timer *));
  if (!heap) {
    log_write(LOG_ERROR, "no_memory_for_timers", "count=%zu", l->heap_len);
    abort();
  }
  l->heap = heap;
  l->heap_room = room;
}

void loop_timer(struct loop *l, struct timer *t, uint64_t due) {
  t->due = due;
  if (!t->place) {
    heap_grow(l);
    heap_put(l, ++l->heap_len, t);
  }
  heap_up(l, t->place);
  heap_down(l, t->place);
}

void loop_untimer(struct loop *l, struct timer *t) {
  size_t place = t->place;
  if (!place) return;
  t->place = 0;
  struct timer *last = l->heap[l->heap_len--];
  if (last == t) return;
  heap_put(l, place, last);
  heap_up(l, place);
  heap_down(l, last->place);
}

static void fire_due(struct loop *l) {
  while (l->heap_len && l->heap[1]->due <= l->now) {
    struct timer *t = l->heap[1];
    loop_untimer(l, t);
    t->fire(t);
  }
}

/* ---- posts and turns ---------------------------------------------------------------------------
 */

static void wake(struct loop *l) {
  uint64_t one = 1;
  ssize_t n = write(l->wake.fd, &one, sizeof one); /* a full counter wakes it as well */
  (void)n;
}

void loop_post(struct loop *l, struct post *p) {
  p->next = atomic_load(&l->posts);
  while (!atomic_compare_exchange_weak(&l->posts, &p->next, p)) {
  }
  wake(l);
}

void loop_stop(struct loop *l) {
  atomic_store(&l->stopping, true);
  wake(l);
}

static void run_posts(struct loop *l) {
  struct post *newest = atomic_exchange(&l->posts, NULL), *oldest = NULL;
  while (newest) {
    struct post *next = newest->next;
    newest->next = oldest;
    oldest = newest;
    newest = next;
  }
  while (oldest) {
    struct post *next = oldest->next; /* run may free it */
    oldest->run(oldest);
    oldest = next;
  }
}

void loop_each_turn(struct loop *l, struct turn *t) {
  t->next = l->turns;
  l->turns = t;
}

static int64_t soonest(int64_t a, int64_t b) {
  if (a < 0) return b;
  return b < 0 || a < b ? a : b;
}

static int wait_time(struct loop *l) {
  int64_t wait = -1;
  if (l->heap_len) {
    uint64_t due = l->heap[1]->due, now = time_ticks();
    wait = due > now ? (int64_t)(due - now) : 0;
  }
  for (struct turn *t = l->turns; t; t = t->next)
    if (t->wait) wait = soonest(wait, t->wait(t));
  return wait > 60000 ? 60000 : (int)wait;
}

static void tell_events(struct loop *l, int wait) {
  l->event_count = epoll_wait(l->epoll, l->events, EVENTS_A_TURN, wait);
  l->now = time_ticks();
  for (l->event_at = 0; l->event_at < l->event_count;) {
    struct epoll_event *e = &l->events[l->event_at++];
    struct watch *w = e->data.ptr;
    if (w) w->ready(w, e->events);
  }
  l->event_count = 0;
}

void loop_run(struct loop *l) {
  while (!atomic_load(&l->stopping)) {
    tell_events(l, wait_time(l));
    run_posts(l);
    fire_due(l);
    for (struct turn *t = l->turns; t; t = t->next)
      t->run(t);
  }
}
