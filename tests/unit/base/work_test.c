/* The pool: results come back to the loop, a full queue is BUSY, abandonment leaks nothing. */
#include "base/work.c"

#include <setjmp.h>
#include <unistd.h>

#include <cmocka.h>

static struct loop *loop;
static struct work_pool *pool;
static struct request q[3];
static int left; /* requests not finished */
static pthread_t worker;

static void finish(struct request *r) {
  (void)r;
  if (--left == 0) loop_stop(loop);
}

static void set_up(int threads, int queue, int requests) {
  loop = loop_new(0);
  pool = work_pool_new(threads, queue);
  assert_true(loop && pool);
  left = requests;
  for (size_t i = 0; i < COUNT(q); i++)
    q[i] = (struct request){.loop = loop, .finished = finish};
}

static void tear_down(void) {
  work_pool_free(pool);
  for (size_t i = 0; i < COUNT(q); i++)
    request_end(&q[i]);
  loop_free(loop);
}

static void double_it(void *state) {
  worker = pthread_self();
  *(int *)state *= 2;
}

static void sleep_long(void *state) {
  (void)state;
  usleep(200 * 1000);
}

static int *new_int(int n) {
  int *i = malloc(sizeof *i);
  assert_non_null(i);
  *i = n;
  return i;
}

static struct step read_result(struct request *r) {
  assert_null(r->abandon);
  assert_int_equal(*(int *)r->state, 42);
  r->retry_after = 7;
  return DONE;
}

static struct step must_not_run(struct request *r) {
  (void)r;
  fail();
  return DONE;
}

static struct step just_done(struct request *r) {
  (void)r;
  return DONE;
}

static void a_result_comes_back(void **state) {
  (void)state;
  set_up(1, 1, 1);
  q->state = new_int(21);
  request_take(q, work(q, pool, double_it, q->state, read_result));
  loop_run(loop);
  assert_int_equal(q->retry_after, 7);
  assert_false(pthread_equal(worker, pthread_self()));
  assert_int_equal(metric_value(lyceum_work_queued), 0);
  tear_down();
}

static bool some_wait(void) {
  pthread_mutex_lock(&pool->lock);
  bool some = pool->waiting > 0;
  pthread_mutex_unlock(&pool->lock);
  return some;
}

static void a_full_queue_is_busy(void **state) {
  (void)state;
  set_up(1, 1, 3);
  request_take(&q[0], work(&q[0], pool, sleep_long, new_int(0), just_done));
  while (some_wait())
    usleep(1000); /* until the thread has it */
  request_take(&q[1], work(&q[1], pool, sleep_long, new_int(0), just_done));
  request_take(&q[2], work(&q[2], pool, sleep_long, new_int(0), must_not_run));
  assert_int_equal(q[2].problem, BUSY);
  loop_run(loop);
  assert_int_equal(q[1].problem, NO_PROBLEM);
  tear_down();
}

/* The first is running when its deadline comes, the second still queued. */
static void deadlines_abandon(void **state) {
  (void)state;
  set_up(1, 2, 2);
  for (int i = 0; i < 2; i++) {
    request_start(&q[i], 50);
    request_take(&q[i], work(&q[i], pool, sleep_long, new_int(0), must_not_run));
  }
  loop_run(loop);
  assert_int_equal(q[0].problem, DEADLINE);
  assert_int_equal(q[1].problem, DEADLINE);
  tear_down();
  assert_int_equal(metric_value(lyceum_work_queued), 0);
}

static void a_pool_that_ends_takes_everything_along(void **state) {
  (void)state;
  set_up(1, 2, 2);
  for (int i = 0; i < 2; i++)
    request_take(&q[i], work(&q[i], pool, sleep_long, new_int(0), must_not_run));
  usleep(20 * 1000);
  tear_down();
  assert_int_equal(metric_value(lyceum_work_queued), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_result_comes_back),
      cmocka_unit_test(a_full_queue_is_busy),
      cmocka_unit_test(deadlines_abandon),
      cmocka_unit_test(a_pool_that_ends_takes_everything_along),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
