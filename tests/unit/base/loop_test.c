/* The loop: which timer comes first, what an unwatched descriptor no longer hears, posts in their
 * order from many threads, and the order at the end of a turn. */
#include "base/loop.c"

#include <pthread.h>
#include <setjmp.h>

#include <cmocka.h>

static struct loop *loop;

static int set_up(void **state) {
  (void)state;
  loop = loop_new(3);
  return loop ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  loop_free(loop);
  return 0;
}

/* ---- timers ---- */

enum { TIMERS = 1000 };
static struct timer timers[TIMERS];
static uint64_t last_due;
static int fired;

static void fire(struct timer *t) {
  assert_true(t->due >= last_due);
  assert_int_equal(t->place, 0);
  last_due = t->due;
  fired++;
}

static void forget_timers(void) {
  memset(timers, 0, sizeof timers);
  last_due = 0;
  fired = 0;
  for (int i = 0; i < TIMERS; i++)
    timers[i].fire = fire;
}

static void heap_holds(void) {
  for (size_t i = 1; i <= loop->heap_len; i++) {
    assert_int_equal(loop->heap[i]->place, i);
    if (i > 1) assert_true(loop->heap[i / 2]->due <= loop->heap[i]->due);
  }
}

static uint32_t some(void) { /* the same each time: a failure can be looked at again */
  static uint32_t x = 2463534242u;
  x ^= x << 13;
  x ^= x >> 17;
  x ^= x << 5;
  return x;
}

static void timers_fire_by_due(void **state) {
  (void)state;
  forget_timers();
  for (int i = 0; i < TIMERS; i++)
    loop_timer(loop, &timers[i], 1 + some() % 500);
  heap_holds();
  loop->now = 250;
  fire_due(loop);
  heap_holds();
  assert_true(last_due <= 250);
  loop->now = 500;
  fire_due(loop);
  assert_int_equal(fired, TIMERS);
  assert_int_equal(loop->heap_len, 0);
}

static void timers_move_and_go(void **state) {
  (void)state;
  forget_timers();
  int set = 0;
  for (int round = 0; round < 20000; round++) {
    struct timer *t = &timers[some() % TIMERS];
    if (some() % 3)
      loop_timer(loop, t, 1 + some() % 500);
    else
      loop_untimer(loop, t);
    if (round % 500 == 0) heap_holds();
  }
  for (int i = 0; i < TIMERS; i++)
    set += timers[i].place != 0;
  assert_int_equal(set, loop->heap_len);
  loop->now = 500;
  fire_due(loop);
  assert_int_equal(fired, set);
}

static void fires_again(struct timer *t) {
  if (++fired < 3) loop_timer(loop, t, loop->now); /* due at once: in the same turn */
}

static void untimes_other(struct timer *t) {
  fired++;
  loop_untimer(loop, t + 1);
}

static void timers_change_timers(void **state) {
  (void)state;
  forget_timers();
  timers[0].fire = fires_again;
  loop_timer(loop, &timers[0], 10);
  loop->now = 10;
  fire_due(loop);
  assert_int_equal(fired, 3);
  timers[0].fire = untimes_other;
  loop_timer(loop, &timers[0], 10);
  loop_timer(loop, &timers[1], 10);
  fire_due(loop);
  assert_int_equal(fired, 4);
  loop_untimer(loop, &timers[1]); /* not set: nothing happens */
  assert_int_equal(loop->heap_len, 0);
}

/* ---- descriptors ---- */

static struct watch pair[2];
static int heard;

static void hears_once(struct watch *w, uint32_t events) {
  (void)w;
  assert_true(events & EPOLLIN);
  heard++;
  for (int i = 0; i < 2; i++)
    if (pair[i].fd >= 0) loop_unwatch(loop, &pair[i]);
}

static void unwatched_hears_nothing(void **state) {
  (void)state;
  uint64_t one = 1;
  heard = 0;
  for (int i = 0; i < 2; i++) {
    pair[i] = (struct watch){eventfd(0, EFD_NONBLOCK), hears_once};
    assert_true(loop_watch(loop, &pair[i], EPOLLIN));
    assert_int_equal(write(pair[i].fd, &one, sizeof one), sizeof one);
  }
  tell_events(loop, 0); /* both are ready; whoever hears first takes both away */
  assert_int_equal(heard, 1);
  tell_events(loop, 0);
  assert_int_equal(heard, 1);
  for (int i = 0; i < 2; i++)
    close(pair[i].fd);
}

static void watch_that_fails_says_so(void **state) {
  (void)state;
  struct watch w = {-1, hears_once};
  assert_false(loop_watch(loop, &w, EPOLLIN));
}

/* ---- posts and turns ---- */

enum { SENDERS = 4, POSTS = 2000 };
static struct numbered {
  struct post post;
  int sender, number;
} posts[SENDERS][POSTS];
static int next_number[SENDERS], arrived;

static void arrive(struct post *p) {
  const struct numbered *n = CONTAINER_OF(p, struct numbered, post);
  assert_int_equal(n->number, next_number[n->sender]);
  next_number[n->sender]++;
  if (++arrived == SENDERS * POSTS) loop_stop(loop);
}

static void *send_posts(void *arg) {
  struct numbered *mine = arg;
  for (int i = 0; i < POSTS; i++)
    loop_post(loop, &mine[i].post);
  return NULL;
}

static void posts_keep_each_senders_order(void **state) {
  (void)state;
  pthread_t threads[SENDERS];
  for (int s = 0; s < SENDERS; s++) {
    for (int i = 0; i < POSTS; i++)
      posts[s][i] = (struct numbered){{NULL, arrive}, s, i};
    assert_int_equal(pthread_create(&threads[s], NULL, send_posts, posts[s]), 0);
  }
  loop_run(loop);
  for (int s = 0; s < SENDERS; s++)
    pthread_join(threads[s], NULL);
  assert_int_equal(arrived, SENDERS * POSTS);
}

static char order[8];

static void first_added(struct turn *t) {
  (void)t;
  strncat(order, "a", 1);
  loop_stop(loop);
}

static void second_added(struct turn *t) {
  (void)t;
  strncat(order, "b", 1);
}

static int64_t at_once(struct turn *t) {
  (void)t;
  return 0;
}

/* What libmicrohttpd hands in must be flushed to PostgreSQL in the same turn. */
static void newest_turn_comes_first(void **state) {
  (void)state;
  struct turn a = {.run = first_added}, b = {.run = second_added, .wait = at_once};
  loop_each_turn(loop, &a);
  loop_each_turn(loop, &b);
  assert_int_equal(wait_time(loop), 0);
  loop_run(loop);
  assert_string_equal(order, "ba");
}

static void waits_for_the_soonest(void **state) {
  (void)state;
  struct timer t = {.fire = fire};
  assert_int_equal(wait_time(loop), -1);
  loop_timer(loop, &t, time_ticks() + 1000000);
  assert_int_equal(wait_time(loop), 60000);
  loop_timer(loop, &t, time_ticks() + 5000);
  assert_in_range(wait_time(loop), 4000, 5000);
  loop_timer(loop, &t, 1);
  assert_int_equal(wait_time(loop), 0);
  assert_int_equal(loop_number(loop), 3);
}

int main(void) {
#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      EACH(timers_fire_by_due),       EACH(timers_move_and_go),
      EACH(timers_change_timers),     EACH(unwatched_hears_nothing),
      EACH(watch_that_fails_says_so), EACH(posts_keep_each_senders_order),
      EACH(newest_turn_comes_first),  EACH(waits_for_the_soonest),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
