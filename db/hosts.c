/* The machines that a conninfo names, one at a time. libpq goes through such a list by itself, but
 * when it is polled it waits for a machine that is silent for as long as the kernel does: so each
 * becomes a conninfo of its own, and whoever dials has a timer.
 *
 * Only one of them is the primary. A former one may live on, and answer reads and LISTEN as if
 * nothing had happened; PostgreSQL reports it to every session that asks something. Who sees it
 * first, which is the listener with its heartbeat, tells all links. */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

static _Atomic unsigned moves; /* how often a primary was seen that is none any more */

static size_t parts_of(const char *list) {
  size_t n = 1;
  for (; *list; list++)
    n += *list == ',';
  return n;
}

/* Of a list: its part; of one for all: that. */
static struct text part_of(const char *list, size_t i) {
  struct text rest = text_of(list), part = rest;
  if (parts_of(list) == 1) return part;
  for (size_t k = 0; k <= i; k++)
    part = text_cut(&rest, ',');
  return part;
}

static bool is_list(const char *keyword) {
  return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
         strcmp(keyword, "port") == 0;
}

static char *one_of(const PQconninfoOption *options, size_t i) {
  struct builder b = {0};
  for (const PQconninfoOption *o = options; o->keyword; o++) {
    if (!o->val || !*o->val) continue;
    struct text value = is_list(o->keyword) ? part_of(o->val, i) : text_of(o->val);
    if (value.len) conninfo_put(&b, o->keyword, value);
  }
  build_char(&b, 0);
  if (!b.failed) return b.at;
  builder_free(&b);
  return NULL;
}

struct hosts *hosts_new(const char *conninfo) {
  struct hosts *h = calloc(1, sizeof *h);
  PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
  bool good = h && options;
  if (good) h->count = 1;
  for (const PQconninfoOption *o = options; good && o->keyword; o++)
    if (o->val && is_list(o->keyword) && parts_of(o->val) > h->count) h->count = parts_of(o->val);
  if (good) good = (h->at = calloc(h->count, sizeof *h->at));
  for (size_t i = 0; good && i < h->count; i++)
    good = (h->at[i] = one_of(options, i));
  PQconninfoFree(options);
  if (good) return h;
  hosts_free(h);
  return NULL;
}

void hosts_free(struct hosts *h) {
  if (!h) return;
  for (size_t i = 0; h->at && i < h->count; i++)
    free(h->at[i]);
  free(h->at);
  free(h);
}

/* What the conninfo says of target_session_attrs itself comes later, and wins. */
PGconn *hosts_dial(const struct hosts *h, size_t i) {
  static const char *const keys[] = {"target_session_attrs", "dbname", NULL};
  const char *values[] = {"read-write", h->at[i % h->count], NULL};
  return PQconnectStartParams(keys, values, 1);
}

/* Reported by itself since PostgreSQL 14; what a pooler keeps to itself is taken for well. */
bool is_read_only(PGconn *conn) {
  const char *set = PQparameterStatus(conn, "default_transaction_read_only");
  const char *standby = PQparameterStatus(conn, "in_hot_standby");
  return (set && strcmp(set, "on") == 0) || (standby && strcmp(standby, "on") == 0);
}

void primary_moved(void) {
  atomic_fetch_add(&moves, 1);
}

unsigned primary_moves(void) {
  return atomic_load(&moves);
}
