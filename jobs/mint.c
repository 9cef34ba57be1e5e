/* Minting: so many random codes, sealed and as digests, by COPY. Which codes are still to come is
 * not known beforehand and needs not be: only how many, and that is the job's `done`. Each chunk
 * commits together with the progress that counts it. */
#include "db/sql.h"
#include "jobs/jobs.h"
#include "rules/rules.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 10000, THREADS_MOST = 4, FIELDS = 19 };

static const char copy_codes[] =
    "COPY invite_code (community_id, id, digest, sealed, hint, batch_id, campaign_id, effect,"
    " product_id, plan_id, days, percent, discount_minor, max_uses, valid_from, valid_until,"
    " created_by, forever, minimum_minor) FROM STDIN (FORMAT binary)";

struct minting {
  struct job *job;
  struct code_batch_terms_row terms;
  pthread_mutex_t lock; /* over all below */
  int64_t left;         /* to be begun */
  int64_t done;         /* committed, of the whole job */
  bool failed;
  char *why;
};

static int64_t claim(struct minting *m) {
  pthread_mutex_lock(&m->lock);
  int64_t n = m->left < CHUNK ? m->left : CHUNK;
  if (m->failed || job_stopping(m->job)) n = 0;
  m->left -= n;
  pthread_mutex_unlock(&m->lock);
  return n;
}

static void committed(struct minting *m, int64_t n) {
  const struct job_host *h = m->job->host;
  pthread_mutex_lock(&m->lock);
  m->done += n;
  if (h->tell) h->tell(h->who, m->done);
  pthread_mutex_unlock(&m->lock);
}

static void give_up(struct minting *m, char *why) {
  pthread_mutex_lock(&m->lock);
  m->failed = true;
  if (m->why)
    free(why);
  else
    m->why = why;
  pthread_mutex_unlock(&m->lock);
}

/* ---- one chunk ---------------------------------------------------------------------------------
 */

static void copy_maybe_uuid(struct copy *c, struct uuid u) {
  if (uuid_is_zero(u))
    copy_null(c);
  else
    copy_uuid(c, u);
}

static void put_terms(struct copy *c, const struct code_batch_terms_row *t) {
  copy_text(c, t->effect);
  copy_uuid(c, t->product_id);
  copy_uuid(c, t->plan_id);
  t->has_days ? copy_int4(c, t->days) : copy_null(c);
  t->has_percent ? copy_int2(c, t->percent) : copy_null(c);
  t->has_discount_minor ? copy_int8(c, t->discount_minor) : copy_null(c);
  copy_int4(c, t->max_uses);
  t->has_valid_from ? copy_time(c, t->valid_from) : copy_null(c);
  t->has_valid_until ? copy_time(c, t->valid_until) : copy_null(c);
  copy_maybe_uuid(c, t->created_by);
  copy_bool(c, t->forever);
  t->has_minimum_minor ? copy_int8(c, t->minimum_minor) : copy_null(c);
}

static void put_code(struct copy *c, struct arena *a, const struct minting *m,
                     const uint8_t random[static CODE_SYMBOLS]) {
  const struct secrets *s = m->job->host->secrets;
  char code[CODE_LENGTH + 1], hint[CODE_HINT_MAX];
  struct uuid id = uuid_new();
  code_make(random, code);
  struct text t = {code, CODE_LENGTH};
  struct digest digest = code_digest(s, t);
  code_hint(t, hint);
  copy_row(c, FIELDS);
  copy_int8(c, m->job->community);
  copy_uuid(c, id);
  copy_bytea(c, (struct text){(const char *)digest.b, sizeof digest.b});
  copy_bytea(c, code_seal(s, a, id, t));
  copy_text(c, text_of(hint));
  copy_uuid(c, m->job->id);
  copy_maybe_uuid(c, m->terms.campaign_id);
  put_terms(c, &m->terms);
}

static void put_codes(struct copy *c, const struct minting *m, int64_t count) {
  uint8_t random[64][CODE_SYMBOLS];
  struct arena a = {0};
  for (int64_t i = 0; i < count; i++) {
    if ((size_t)i % COUNT(random) == 0) {
      arena_free(&a);
      crypto_random(random, sizeof random);
    }
    put_code(c, &a, m, random[(size_t)i % COUNT(random)]);
  }
  explicit_bzero(random, sizeof random);
  if (a.failed) c->failed = true;
  arena_free(&a);
}

static bool mint_chunk(struct minting *m, struct session *s, int64_t count, char **why) {
  struct copy c;
  if (!session_run(s, "BEGIN", why) || !copy_begin(&c, s, copy_codes, why)) return false;
  put_codes(&c, m, count);
  return copy_end(&c, why) && job_advance(m->job, s, count, why) && session_commit(s, why);
}

/* ---- the job -----------------------------------------------------------------------------------
 */

static void mint_on(struct minting *m, struct session *s) {
  char *why = NULL, *ignored = NULL;
  for (int64_t n; (n = claim(m)) > 0;) {
    if (mint_chunk(m, s, n, &why)) {
      committed(m, n);
      continue;
    }
    session_run(s, "ROLLBACK", &ignored);
    free(ignored);
    give_up(m, why);
    return;
  }
  free(why);
}

/* A second connection, so that PostgreSQL works with two processes. One that can't be had only
 * makes it slower. */
static void *helper(void *arg) {
  struct minting *m = arg;
  char *why = NULL;
  struct session *s = session_open(m->job->host->conninfo, &why);
  if (s && session_run(s, "SET statement_timeout = '60s'; SET lock_timeout = '5s'", &why))
    mint_on(m, s);
  session_close(s);
  free(why);
  return NULL;
}

static void mint_all(struct minting *m) {
  pthread_t helpers[THREADS_MOST];
  int started = 0, wanted = m->job->host->threads - 1;
  if (m->left <= CHUNK) wanted = 0;
  while (started < wanted && started < THREADS_MOST &&
         pthread_create(&helpers[started], NULL, helper, m) == 0)
    started++;
  mint_on(m, m->job->session);
  for (int i = 0; i < started; i++)
    pthread_join(helpers[i], NULL);
}

bool job_mint_codes(struct job *j, char **why) {
  struct minting m = {.job = j, .left = j->total - j->done, .done = j->done};
  struct code_batch_terms_in in = {.id = j->id};
  struct rows r;
  if (!session_ask(j->session, j->community, &sql_code_batch_terms, &in, &r, why)) return false;
  if (!one_code_batch_terms(j->q, &r, &m.terms))
    return session_fails(why, "the batch is not there");
  pthread_mutex_init(&m.lock, NULL);
  mint_all(&m);
  pthread_mutex_destroy(&m.lock);
  if (m.why) session_fails(why, "%s", m.why);
  free(m.why);
  if (m.failed) return false;
  return m.done == j->total || session_fails(why, "stopped");
}
