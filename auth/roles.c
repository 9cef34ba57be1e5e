/* Roles: their names, and who manages whom. */
#include "auth/auth.h"

static const char *const names[] = {"nobody", "guest", "member", "lecturer", "operator", "owner"};

enum role role_of(struct text name) {
  for (int r = ROLE_GUEST; r <= ROLE_OWNER; r++)
    if (text_is(name, names[r])) return (enum role)r;
  return ROLE_NOBODY;
}

const char *role_name(enum role r) {
  return names[r];
}

bool may_manage(enum role who, enum role whom, enum role role) {
  if (whom == ROLE_NOBODY || role == ROLE_NOBODY) return false;
  if (who == ROLE_OPERATOR) return whom <= ROLE_LECTURER && role <= ROLE_LECTURER;
  return who == ROLE_OWNER;
}
