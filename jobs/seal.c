/* Seals what versions of before wrote down in clear: to whom invoices are made out. A server of
 * before may run beside this one, so it is looked for now and then, not once. Several processes
 * may do it at once: a row is sealed once. */
#include "db/sql.h"
#include "jobs/jobs.h"

#include <stdlib.h>

enum { PORTION = 100, PORTIONS_MOST = 1000 };

static bool seal(const struct secrets *secrets, struct session *s, struct request *q,
                 const struct invoice_request_in_clear_row *row, char **why) {
  struct invoice_request_seal_in in = {
      .id = row->id,
      .sealed = invoice_seal(secrets, &q->arena, row->community, row->id, row->whom)};
  struct rows r;
  if (!in.sealed.at) return session_fails(why, "out of memory");
  return session_ask(s, row->community, &sql_invoice_request_seal, &in, &r, why);
}

static bool seal_some(const struct secrets *secrets, struct session *s, int *count, char **why) {
  struct invoice_request_in_clear_row some[PORTION];
  struct invoice_request_in_clear_in in = {PORTION};
  struct request q = {0};
  struct rows r;
  bool good = session_ask(s, 0, &sql_invoice_request_in_clear, &in, &r, why);
  *count = good ? r.count : 0;
  for (int i = 0; i < *count; i++) /* the rows go with the next ask */
    row_invoice_request_in_clear(&q, &r, i, &some[i]);
  for (int i = 0; good && i < *count; i++)
    good = seal(secrets, s, &q, &some[i], why);
  arena_free(&q.arena);
  return good;
}

bool jobs_seal(const struct secrets *secrets, struct session *s, const atomic_bool *stop,
               char **why) {
  int count = PORTION;
  for (int i = 0; count == PORTION && i < PORTIONS_MOST && !atomic_load(stop); i++)
    if (!seal_some(secrets, s, &count, why)) return false;
  return true;
}
