/* What commands need of the database and of the secret, with words for when it is not there. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the owner: commands may change what the server may not. */
bool names_database(struct cli *c) {
  if (*c->config.database_url) return true;
  fails(c, "DATABASE_URL is not set; with the private PostgreSQL: "
           "export DATABASE_URL=$(db/private.sh start)");
  return false;
}

struct session *open_database(struct cli *c) {
  char *why = NULL;
  if (!names_database(c)) return NULL;
  struct session *s = session_open(c->config.database_url, &why);
  if (!s) fails_why(c, why);
  return s;
}

/* A file rather than a variable: the environment of a process can be read by more than one thinks,
 * and is inherited. What was read is wiped, for a core dump would hold it. */
bool secrets_load(const struct config *c, struct secrets *out, char **why) {
  char held[257];
  if (!crypto_start()) return session_fails(why, "OpenSSL does not start: out of memory");
  if (!*c->secret_file)
    return session_fails(why, "LYCEUM_SECRET_FILE is not set; make one: "
                              "(umask 077; openssl rand -hex 32 >secret)");
  int fd = open(c->secret_file, O_RDONLY | O_CLOEXEC);
  ssize_t len = fd < 0 ? -1 : read(fd, held, sizeof held);
  int error = errno;
  if (fd >= 0) close(fd);
  if (len < 0) return session_fails(why, "%s: %s", c->secret_file, strerror(error));
  bool good = (size_t)len < sizeof held && secrets_from((struct text){held, (size_t)len}, out);
  explicit_bzero(held, sizeof held);
  if (good) return true;
  return session_fails(why,
                       "%s does not hold 64 hexadecimal digits; openssl rand -hex 32 makes "
                       "such a secret",
                       c->secret_file);
}

bool read_secrets(struct cli *c, struct secrets *out) {
  char *why = NULL;
  bool good = secrets_load(&c->config, out, &why);
  if (!good) fails_why(c, why);
  return good;
}

bool ask_database(struct cli *c, struct session *s, int64_t community, const struct statement *st,
                  const void *in, struct rows *r) {
  char *why = NULL;
  bool good = session_ask(s, community, st, in, r, &why);
  if (!good) fails_why(c, why);
  return good;
}

bool run_sql(struct cli *c, struct session *s, const char *sql) {
  char *why = NULL;
  bool good = session_run(s, sql, &why);
  if (!good) fails_why(c, why);
  return good;
}

bool commit_sql(struct cli *c, struct session *s) {
  char *why = NULL;
  bool good = session_commit(s, &why);
  if (!good) fails_why(c, why);
  return good;
}

/* Slugs are what people know; ids stay inside. */
int64_t find_community(struct cli *c, struct session *s) {
  const char *slug = option(c, "community");
  struct community_by_slug_in in = {.slug = text_of(slug)};
  struct community_by_slug_row row;
  struct rows r;
  if (!ask_database(c, s, 0, &sql_community_by_slug, &in, &r)) return 0;
  if (one_community_by_slug(&c->q, &r, &row)) return row.id;
  fails(c, "there is no community %s; `lyceum community list` tells which there are", slug);
  return 0;
}

/* A key is made before it is known whether one is wanted: that costs a millisecond, and the
 * statement decides under the lock. */
bool ensure_key(struct cli *c, struct session *s, const struct secrets *secrets, struct text *kid) {
  struct signing_key_ensure_in in = {0};
  struct signing_key_ensure_row row;
  struct rows r;
  *kid = NONE;
  if (!key_make(secrets, &c->q.arena, &in.kid, &in.sealed, &in.jwk)) {
    fails(c, "no signing key could be made");
    return false;
  }
  if (!run_sql(c, s, "BEGIN; SELECT pg_advisory_xact_lock(7813584916275)") ||
      !ask_database(c, s, 0, &sql_signing_key_ensure, &in, &r))
    return false;
  if (one_signing_key_ensure(&c->q, &r, &row)) *kid = row.kid;
  return commit_sql(c, s);
}

/* The role's password is derived from the secret: whoever has the secret file can connect. */
char *role_conninfo(struct cli *c, const struct secrets *secrets) {
  char password[65], *why = NULL;
  hex_write(secrets->role.b, sizeof secrets->role.b, password);
  char *made = server_conninfo(c->config.database_url, c->config.database_role, password, &why);
  explicit_bzero(password, sizeof password);
  if (!made) fails_why(c, why);
  return made;
}

bool ensure_role(struct cli *c, struct session *s, const struct secrets *secrets) {
  char password[65], *why = NULL;
  hex_write(secrets->role.b, sizeof secrets->role.b, password);
  bool good = server_role_set(s, c->config.database_role, password, &why);
  explicit_bzero(password, sizeof password);
  if (!good) fails_why(c, why);
  return good;
}

/* All or none: a house with half of its keys would sign people out at random. */
bool keys_load(struct request *q, struct house *h, const struct rows *r) {
  struct key_record *keys = calloc((size_t)r->count + 1, sizeof *keys);
  struct signing_key_list_row row;
  if (!keys) return false;
  for (int i = 0; row_signing_key_list(q, r, i, &row); i++)
    keys[i] = (struct key_record){row.kid, row.sealed, row.active_from, row.retired_at};
  bool good = house_keys(h, keys, (size_t)r->count);
  free(keys);
  return good;
}

/* Commands have no member who acts: via tells that it was the shell. */
bool audit(struct cli *c, struct session *s, int64_t community, const char *action,
           const char *target_kind, struct uuid target, struct text after) {
  struct audit_add_in in = {.id = uuid_new(),
                            .via = LIT("cli"),
                            .action = text_of(action),
                            .target_kind = text_of(target_kind),
                            .target_id = target,
                            .after = after};
  struct rows r;
  return ask_database(c, s, community, &sql_audit_add, &in, &r);
}
