/* What reading and changing a member share. */
#ifndef LYCEUM_API_MEMBERS_H
#define LYCEUM_API_MEMBERS_H

#include "api/api.h"
#include "db/sql.h"

struct looking { /* at a member; the request's state */
  rows_next next;
  struct member_account_row seen;
  struct sql_list digests; /* of the contacts, as text in hexadecimal */
};
/* Reads the member that the path names, and continues with the rows of member_read. */
struct step member_look(struct request *q, rows_next next) MUST_USE;

#endif
