/* Metrics: sums over threads, buckets, and the text of OpenMetrics. */
#include "base/metrics.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>

static void *count_up(void *unused) {
  (void)unused;
  for (int i = 0; i < 10000; i++)
    metric_add(lyceum_requests, 1);
  metric_add(lyceum_connections, 5);
  return NULL;
}

static void threads_add_up(void **state) {
  (void)state;
  pthread_t threads[4];
  for (size_t i = 0; i < COUNT(threads); i++)
    assert_int_equal(pthread_create(&threads[i], NULL, count_up, NULL), 0);
  for (size_t i = 0; i < COUNT(threads); i++)
    pthread_join(threads[i], NULL);
  assert_int_equal(metric_value(lyceum_requests), 40000);
  assert_int_equal(metric_value(lyceum_connections), 20);
  metric_set(lyceum_connections, 3);
  metric_add(lyceum_connections, -1);
  assert_int_equal(metric_value(lyceum_connections), 2);
}

static void histograms_have_inclusive_bounds(void **state) {
  (void)state;
  metric_seconds(lyceum_sql_seconds, 0);
  metric_seconds(lyceum_sql_seconds, 500000);
  metric_seconds(lyceum_sql_seconds, 500001);
  metric_seconds(lyceum_sql_seconds, 60000000000);
  assert_int_equal(metric_value(lyceum_sql_seconds), 4);
  assert_int_equal(sum_bucket(lyceum_sql_seconds, 0), 2);
  assert_int_equal(sum_bucket(lyceum_sql_seconds, 1), 1);
  assert_int_equal(sum_bucket(lyceum_sql_seconds, BUCKETS - 1), 1);
}

static void writes_openmetrics(void **state) {
  (void)state;
  struct builder b = {0};
  metrics_write(&b);
  build_char(&b, '\0');
  static const char *const lines[] = {
      "# TYPE lyceum_requests counter\n# HELP lyceum_requests Requests answered\n"
      "lyceum_requests_total 40000\n",
      "# TYPE lyceum_connections gauge\n",
      "\nlyceum_connections 2\n",
      "# TYPE lyceum_sql_seconds histogram\n# UNIT lyceum_sql_seconds seconds\n",
      "\nlyceum_sql_seconds_bucket{le=\"0.0005\"} 2\n",
      "\nlyceum_sql_seconds_bucket{le=\"0.001\"} 3\n",
      "\nlyceum_sql_seconds_bucket{le=\"10.0\"} 3\n",
      "\nlyceum_sql_seconds_bucket{le=\"+Inf\"} 4\n"
      "lyceum_sql_seconds_sum 60.001000001\nlyceum_sql_seconds_count 4\n"};
  for (size_t i = 0; i < COUNT(lines); i++)
    assert_non_null(strstr(b.at, lines[i]));
  assert_null(strstr(b.at, "# EOF"));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(threads_add_up),
      cmocka_unit_test(histograms_have_inclusive_bounds),
      cmocka_unit_test(writes_openmetrics),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
