/* Two roles, one place: the server connects to where the owner's conninfo points, as a role that
 * owns nothing and whose password nobody types, for it is derived from the server's secret. */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

/* keyword='value', with backslash before quotes and backslashes (libpq, "Connection Strings"). */
void conninfo_put(struct builder *b, const char *keyword, struct text value) {
  if (b->len) build_char(b, ' ');
  build_str(b, keyword);
  build_str(b, "='");
  for (size_t i = 0; i < value.len; i++) {
    if (value.at[i] == '\'' || value.at[i] == '\\') build_char(b, '\\');
    build_char(b, value.at[i]);
  }
  build_char(b, '\'');
}

static const char *value_of(const PQconninfoOption *options, const char *keyword) {
  for (; options->keyword; options++)
    if (strcmp(options->keyword, keyword) == 0) return options->val ? options->val : "";
  return "";
}

/* What the owner proves itself with is nothing for the server's role. */
static bool is_owners(const char *keyword) {
  static const char *const own[] = {"user",    "password", "passfile",
                                    "sslcert", "sslkey",   "sslpassword"};
  for (size_t i = 0; i < COUNT(own); i++)
    if (strcmp(keyword, own[i]) == 0) return true;
  return false;
}

static char *rebuilt(const PQconninfoOption *options, const char *role, const char *password) {
  struct builder b = {0};
  for (const PQconninfoOption *o = options; o->keyword; o++)
    if (o->val && *o->val && !is_owners(o->keyword)) conninfo_put(&b, o->keyword, text_of(o->val));
  conninfo_put(&b, "user", text_of(role));
  conninfo_put(&b, "password", text_of(password));
  build_char(&b, 0);
  return b.at;
}

char *server_conninfo(const char *owner, const char *role, const char *password, char **why) {
  char *message = NULL, *made = NULL;
  PQconninfoOption *options = PQconninfoParse(owner, &message);
  if (!options) {
    struct text t = text_trim(text_of(message ? message : "out of memory"));
    session_fails(why, "DATABASE_URL can't be read: %.*s", TEXT_ARGS(t));
    PQfreemem(message);
    return NULL;
  }
  made = strcmp(value_of(options, "user"), role) == 0 ? strdup(owner)
                                                      : rebuilt(options, role, password);
  if (!made) session_fails(why, "out of memory");
  PQconninfoFree(options);
  return made;
}

/* Asks PostgreSQL itself: only it knows whether the role may log in, and with which password. */
static bool connects(PGconn *owner, const char *role, const char *password) {
  PQconninfoOption *options = PQconninfo(owner);
  char *conninfo = options ? rebuilt(options, role, password) : NULL;
  PGconn *conn = conninfo ? session_dial(conninfo) : NULL;
  bool good = conn && PQstatus(conn) == CONNECTION_OK;
  PQfinish(conn);
  free(conninfo);
  PQconninfoFree(options);
  return good;
}

/* ALTER ROLE takes no parameters: the one place where values become part of SQL. The password is
 * made a verifier here, so that no log of PostgreSQL's ever shows it. */
static char *role_sql(PGconn *conn, const char *role, const char *password) {
  char *verifier = PQencryptPasswordConn(conn, password, role, NULL);
  char *name = PQescapeIdentifier(conn, role, strlen(role));
  char *text = PQescapeLiteral(conn, role, strlen(role));
  char *secret = verifier ? PQescapeLiteral(conn, verifier, strlen(verifier)) : NULL;
  struct builder b = {0};
  bool good = name && text && secret;
  if (good)
    build_printf(&b,
                 "DO $role$ BEGIN"
                 " IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = %s) THEN"
                 "  CREATE ROLE %s NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION"
                 "   IN ROLE lyceum_server;"
                 "  ALTER ROLE %s SET lock_timeout = '300ms';"
                 "  ALTER ROLE %s SET statement_timeout = '4s';"
                 "  ALTER ROLE %s SET idle_in_transaction_session_timeout = '5s';"
                 " END IF;"
                 " ALTER ROLE %s LOGIN PASSWORD %s;"
                 " END $role$",
                 text, name, name, name, name, name, secret);
  build_char(&b, 0);
  PQfreemem(verifier);
  PQfreemem(name);
  PQfreemem(text);
  PQfreemem(secret);
  if (good && !b.failed) return b.at;
  builder_free(&b);
  return NULL;
}

/* Servers that start together: the first sets it, and the others then find that it works. */
static bool set_locked(struct session *s, const char *role, const char *password, char **why) {
  PGconn *conn = session_raw(s);
  char *sql, *said = NULL;
  if (connects(conn, role, password)) return true;
  if (!(sql = role_sql(conn, role, password)))
    return session_fails(why, "the role %s: %s", role, PQerrorMessage(conn));
  bool good = session_run(s, sql, &said);
  free(sql);
  if (!good)
    session_fails(why,
                  "the role %s can't connect, and %s may not change that (%s). Give the owner "
                  "CREATEROLE, or name its own role in LYCEUM_DATABASE_ROLE",
                  role, PQuser(conn), said ? said : "out of memory");
  free(said);
  if (!good || connects(conn, role, password)) return good;
  return session_fails(
      why, "the role %s has its password but still can't connect: look at pg_hba.conf", role);
}

bool server_role_set(struct session *s, const char *role, const char *password, char **why) {
  char *ignored = NULL;
  if (strcmp(PQuser(session_raw(s)), role) == 0) return true;
  if (!session_run(s, "SELECT pg_advisory_lock(7813584916274)", why)) return false;
  bool good = set_locked(s, role, password, why);
  session_run(s, "SELECT pg_advisory_unlock(7813584916274)", &ignored);
  free(ignored);
  return good;
}
