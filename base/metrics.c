/* Counters and histograms. Each thread adds to a shard of its own, so that loops don't fight for a
 * cache line; reading sums the shards. A gauge can be set, so it lives in the first shard alone. */
#include "base/base.h"

#include <string.h>

enum { SHARDS = 16 };
enum type { COUNTER, GAUGE, HISTOGRAM };

static const struct {
  const char *name, *help;
  enum type type;
} metrics[METRIC_COUNT] = {
#define METRIC(name, type, help) [name] = {#name, help, type},
#include "base/metrics.def"
#undef METRIC
};

/* Upper bounds of the buckets: from a request answered from memory up to a hopeless one. */
static const struct {
  uint64_t nanos;
  const char *le;
} buckets[] = {
    {500000, "0.0005"},  {1000000, "0.001"},    {2500000, "0.0025"},  {5000000, "0.005"},
    {10000000, "0.01"},  {25000000, "0.025"},   {50000000, "0.05"},   {100000000, "0.1"},
    {250000000, "0.25"}, {500000000, "0.5"},    {1000000000, "1.0"},  {2500000000, "2.5"},
    {5000000000, "5.0"}, {10000000000, "10.0"}, {UINT64_MAX, "+Inf"},
};
enum { BUCKETS = COUNT(buckets) };

struct cell {
  _Atomic int64_t value;          /* counters, gauges; of a histogram the sum in nanoseconds */
  _Atomic int64_t count[BUCKETS]; /* histograms: observations that fell into each */
};

static struct shard { _Alignas(64) struct cell cells[METRIC_COUNT]; } shards[SHARDS];

static struct cell *my_cell(enum metric m) {
  static atomic_uint threads;
  static _Thread_local unsigned mine; /* 0: not chosen yet */
  if (!mine) mine = 1 + atomic_fetch_add(&threads, 1) % SHARDS;
  return &shards[metrics[m].type == GAUGE ? 0 : mine - 1].cells[m];
}

static void add(_Atomic int64_t *to, int64_t n) {
  atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

static int64_t get(_Atomic int64_t *from) {
  return atomic_load_explicit(from, memory_order_relaxed);
}

void metric_add(enum metric m, int64_t n) {
  add(&my_cell(m)->value, n);
}

void metric_set(enum metric m, int64_t n) {
  atomic_store_explicit(&shards[0].cells[m].value, n, memory_order_relaxed);
}

void metric_seconds(enum metric m, uint64_t ns) {
  struct cell *cell = my_cell(m);
  size_t i = 0;
  while (ns > buckets[i].nanos)
    i++;
  add(&cell->value, (int64_t)ns);
  add(&cell->count[i], 1);
}

static int64_t sum_values(enum metric m) {
  int64_t sum = 0;
  for (size_t i = 0; i < SHARDS; i++)
    sum += get(&shards[i].cells[m].value);
  return sum;
}

static int64_t sum_bucket(enum metric m, size_t bucket) {
  int64_t sum = 0;
  for (size_t i = 0; i < SHARDS; i++)
    sum += get(&shards[i].cells[m].count[bucket]);
  return sum;
}

int64_t metric_value(enum metric m) {
  int64_t count = 0;
  if (metrics[m].type != HISTOGRAM) return sum_values(m);
  for (size_t i = 0; i < BUCKETS; i++)
    count += sum_bucket(m, i);
  return count;
}

/* Buckets are cumulative in the text, and _count is the last of them, so that the two agree even
 * while other threads observe. */
static void write_histogram(struct builder *b, enum metric m) {
  const char *name = metrics[m].name;
  int64_t count = 0, nanos = sum_values(m);
  for (size_t i = 0; i < BUCKETS; i++) {
    count += sum_bucket(m, i);
    build_printf(b, "%s_bucket{le=\"%s\"} %lld\n", name, buckets[i].le, (long long)count);
  }
  build_printf(b, "%s_sum %lld.%09lld\n%s_count %lld\n", name, (long long)(nanos / 1000000000),
               (long long)(nanos % 1000000000), name, (long long)count);
}

static void write_metric(struct builder *b, enum metric m) {
  static const char *const types[] = {"counter", "gauge", "histogram"};
  const char *name = metrics[m].name;
  enum type type = metrics[m].type;
  build_printf(b, "# TYPE %s %s\n", name, types[type]);
  if (type == HISTOGRAM) build_printf(b, "# UNIT %s seconds\n", name);
  build_printf(b, "# HELP %s %s\n", name, metrics[m].help);
  if (type == HISTOGRAM)
    write_histogram(b, m);
  else
    build_printf(b, "%s%s %lld\n", name, type == COUNTER ? "_total" : "", (long long)sum_values(m));
}

void metrics_write(struct builder *b) {
  for (enum metric m = 0; m < METRIC_COUNT; m++)
    write_metric(b, m);
}
