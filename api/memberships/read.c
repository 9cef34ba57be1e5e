/* Memberships: the standing arrangements of a member, each as it is at this moment. */
#include "api/api.h"
#include "db/sql.h"

struct step my_membership_list(struct request *q) {
  return ask_membership_list(q, answer_all, .member_id = q->caller.member);
}

struct step my_membership_get(struct request *q) {
  return ask_membership_get(q, answer_one, .member_id = q->caller.member, .id = path_id(q, "id"));
}

static struct step list_of(struct request *q, const struct rows *r) {
  if (refused(q, r)) return DONE;
  return ask_membership_list(q, answer_all, .member_id = path_id(q, "id"));
}

struct step membership_list(struct request *q) {
  return ask_member_account(q, list_of, .id = path_id(q, "id"));
}

struct step membership_get(struct request *q) {
  return ask_membership_get(q, answer_one, .member_id = path_id(q, "id"),
                            .id = path_id(q, "membership_id"));
}
