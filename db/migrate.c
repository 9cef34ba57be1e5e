/* The schema's versions: applied in order, once, and never changed afterwards.
 *
 * Every process that starts may migrate: an advisory lock lets one do it, and the others then find
 * nothing left to do. Each migration commits together with its line in lyceum_migration, so that a
 * crash leaves either both or neither. */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

static const char lock[] = "SELECT pg_advisory_lock(7813584916273)";
static const char unlock[] = "SELECT pg_advisory_unlock(7813584916273)";
static const char make_table[] = "CREATE TABLE IF NOT EXISTS lyceum_migration ("
                                 " name text CONSTRAINT lyceum_migration_pkey PRIMARY KEY,"
                                 " sha256 text NOT NULL,"
                                 " applied_at timestamptz NOT NULL DEFAULT now(),"
                                 " took_ms bigint NOT NULL)";
static const char has_table[] = "SELECT to_regclass('lyceum_migration') IS NOT NULL";
static const char list[] = "SELECT name, sha256 FROM lyceum_migration ORDER BY name";
static const char add[] = "INSERT INTO lyceum_migration (name, sha256, took_ms)"
                          " VALUES ($1, $2, $3::bigint)";
/* The server looks whether all are there before it serves. */
static const char show[] =
    "DO $$ BEGIN"
    " IF NOT has_table_privilege('lyceum_server', 'lyceum_migration', 'SELECT') THEN"
    "  GRANT SELECT ON lyceum_migration TO lyceum_server;"
    " END IF; END $$";

static int newer(const char *name, char **why) {
  session_fails(why,
                "the database has the migration %s, which this program does not know: a "
                "newer version was here. Run that version, or restore a backup made before",
                name);
  return -1;
}

static int changed(const char *name, char **why) {
  session_fails(why,
                "the migration %s was changed after the database had applied it. Put "
                "db/migrations/%s.sql back as it was, and write a new migration instead",
                name, name);
  return -1;
}

static int gap(const char *name, char **why) {
  session_fails(why,
                "the database lacks the migration %s but has later ones. Migrations are "
                "applied in order: give the new one a higher number",
                name);
  return -1;
}

/* What was applied must be the beginning of what is known. Returns how many, or -1. */
static int compare(const PGresult *applied, char **why) {
  int count = PQntuples(applied);
  for (int i = 0; i < count; i++) {
    const char *name = PQgetvalue(applied, i, 0);
    if ((size_t)i >= migration_count) return newer(name, why);
    int order = strcmp(migrations[i].name, name);
    if (order > 0) return newer(name, why);
    if (order < 0) return gap(migrations[i].name, why);
    if (strcmp(migrations[i].sha256, PQgetvalue(applied, i, 1)) != 0) return changed(name, why);
  }
  return count;
}

static int applied_so_far(struct session *s, char **why) {
  PGconn *conn = session_raw(s);
  PGresult *there = PQexec(conn, has_table);
  bool asked = PQresultStatus(there) == PGRES_TUPLES_OK;
  bool made = asked && PQgetvalue(there, 0, 0)[0] == 't';
  if (!asked) result_fails(there, conn, why);
  PQclear(there);
  if (!made) return asked ? 0 : -1;
  PGresult *r = PQexec(conn, list);
  int count = -1;
  if (PQresultStatus(r) == PGRES_TUPLES_OK)
    count = compare(r, why);
  else
    result_fails(r, conn, why);
  PQclear(r);
  return count;
}

/* PostgreSQL counts characters from the start of the file; people look for a line. */
static int line_at(const char *text, const PGresult *failure) {
  const char *position = PQresultErrorField(failure, PG_DIAG_STATEMENT_POSITION);
  int64_t left = 0;
  int line = 1;
  if (!position || !text_to_int(text_of(position), &left)) return 0;
  for (; *text && left > 1; text++) {
    line += *text == '\n';
    left -= ((unsigned char)*text & 0xC0) != 0x80;
  }
  return line;
}

static bool run_text(struct session *s, const struct migration *m, char **why) {
  PGresult *r = PQexec(session_raw(s), m->text);
  bool good = PQresultStatus(r) == PGRES_COMMAND_OK || PQresultStatus(r) == PGRES_TUPLES_OK;
  char *said = NULL;
  if (!good) {
    result_fails(r, session_raw(s), &said);
    session_fails(why, "db/migrations/%s.sql, line %d: %s (nothing of it was applied)", m->name,
                  line_at(m->text, r), said ? said : "out of memory");
  }
  free(said);
  PQclear(r);
  return good;
}

static bool note(struct session *s, const struct migration *m, int64_t took_ms, char **why) {
  struct builder ms = {0};
  build_int(&ms, took_ms);
  build_char(&ms, 0);
  const char *values[] = {m->name, m->sha256, ms.at};
  PGresult *r = PQexecParams(session_raw(s), add, 3, NULL, values, NULL, NULL, 0);
  bool good = PQresultStatus(r) == PGRES_COMMAND_OK;
  if (!good) result_fails(r, session_raw(s), why);
  PQclear(r);
  builder_free(&ms);
  return good;
}

static bool apply(struct session *s, const struct migration *m, int64_t *took_ms, char **why) {
  uint64_t from = time_ticks();
  bool good = session_run(s, "BEGIN", why) && run_text(s, m, why);
  *took_ms = (int64_t)(time_ticks() - from);
  if (good && note(s, m, *took_ms, why) && session_commit(s, why)) return true;
  char *ignored = NULL;
  session_run(s, "ROLLBACK", &ignored);
  free(ignored);
  return false;
}

static bool apply_missing(struct session *s, migrated *tell, void *who, int *applied, char **why) {
  int first = applied_so_far(s, why);
  if (first < 0) return false;
  for (size_t i = (size_t)first; i < migration_count; i++) {
    int64_t took_ms = 0;
    if (i == 0 && !session_run(s, make_table, why)) return false;
    if (!apply(s, &migrations[i], &took_ms, why)) return false;
    ++*applied;
    if (tell) tell(who, &migrations[i], took_ms);
  }
  return session_run(s, show, why);
}

bool migrate(struct session *s, migrated *tell, void *who, int *applied, char **why) {
  char *ignored = NULL;
  *applied = 0;
  if (!session_run(s, lock, why)) return false;
  bool good = apply_missing(s, tell, who, applied, why);
  session_run(s, unlock, &ignored);
  free(ignored);
  return good;
}

int migrations_missing(struct session *s, char **why) {
  int there = applied_so_far(s, why);
  return there < 0 ? -1 : (int)migration_count - there;
}
