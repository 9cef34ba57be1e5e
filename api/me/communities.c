/* The communities of a person. */
#include "api/api.h"
#include "db/sql.h"

static struct step found(struct request *q, const struct rows *r) {
  struct account_memberships_row row;
  if (!one_account_memberships(q, r, &row)) return problem(q, INTERNAL);
  return ask_community_list_mine(q, answer_all, .ids = row.communities,
                                 .memberships = row.memberships, .current = q->community);
}

struct step my_communities(struct request *q) {
  return ask_account_memberships(q, found, .account = q->caller.account);
}
