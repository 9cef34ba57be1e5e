/* Erasing a person who asked for it seven days ago and did not come back: first in each community,
 * then the account with its contacts and its key. Each step can be done again, so a kill in between
 * harms nobody; the account goes last, for it says what is left to do. */
#include "db/sql.h"
#include "jobs/jobs.h"

struct erasure {
  struct job *j;
  struct uuid account;
  struct sql_list contacts; /* texts */
};

static bool erase_member(const struct erasure *e, int64_t community, char **why) {
  struct member_erase_in in = {.account = e->account, .contacts = e->contacts};
  struct rows r;
  return session_ask(e->j->session, community, &sql_member_erase, &in, &r, why);
}

static bool erase_members(const struct erasure *e, char **why) {
  struct account_communities_in in = {.account = e->account};
  struct account_communities_row row;
  struct rows r;
  if (!session_ask(e->j->session, 0, &sql_account_communities, &in, &r, why) ||
      !one_account_communities(e->j->q, &r, &row))
    return false;
  const int64_t *communities = row.communities.items;
  for (size_t i = 0; i < row.communities.count; i++)
    if (!erase_member(e, communities[i], why)) return false;
  return true;
}

static bool erase_account(const struct erasure *e, char **why) {
  struct account_erase_now_in in = {.id = e->account};
  struct rows r;
  return session_ask(e->j->session, 0, &sql_account_erase_now, &in, &r, why);
}

/* False in *due: taken back, or done already. */
static bool look(struct erasure *e, bool *due, char **why) {
  struct account_erase_due_in in = {.id = e->account};
  struct account_erase_due_row row;
  struct rows r;
  if (!session_ask(e->j->session, 0, &sql_account_erase_due, &in, &r, why)) return false;
  *due = one_account_erase_due(e->j->q, &r, &row) && row.due;
  e->contacts = row.contacts;
  return true;
}

bool job_erase_account(struct job *j, char **why) {
  struct job_account_in in = {.id = j->id};
  struct job_account_row row;
  struct erasure e = {.j = j};
  struct rows r;
  bool due = false;
  if (!session_ask(j->session, j->community, &sql_job_account, &in, &r, why)) return false;
  if (!one_job_account(j->q, &r, &row)) return true;
  e.account = row.account;
  if (!look(&e, &due, why)) return false;
  return !due || (erase_members(&e, why) && erase_account(&e, why));
}
