/* lyceum doctor: everything that serving needs, each with what to do when it is not so. */
#include "cli/cli.h"
#include "gateways/gateways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum finding { OK, NOTE, BAD };
enum { SKEW_MOST_MS = 2000, FREE_LEAST_PERCENT = 10, POSTGRES_LEAST = 150000 };

struct doctor {
  struct cli *c;
  struct session *s; /* NULL: no database */
  struct secrets secrets;
  bool has_secrets, migrated;
  struct database_state_row state;
  struct builder json;
  int bad;
};

static void find(struct doctor *d, enum finding f, const char *what, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* Every finding is told at once for people, and gathered for programs. */
static void find(struct doctor *d, enum finding f, const char *what, const char *format, ...) {
  static const char *const names[] = {"ok", "note", "bad"};
  char *said = NULL;
  va_list args;
  va_start(args, format);
  if (vasprintf(&said, format, args) < 0) said = NULL;
  va_end(args);
  d->bad += f == BAD;
  say(d->c, "%-5s %-12s %s", names[f], what, said ? said : "out of memory");
  build_printf(&d->json,
               "%s{\"check\":\"%s\",\"finding\":\"%s\",\"detail\":", d->json.len ? "," : "", what,
               names[f]);
  build_quoted(&d->json, text_of(said ? said : "out of memory"));
  build_char(&d->json, '}');
  free(said);
}

static void find_why(struct doctor *d, const char *what, char *why) {
  find(d, BAD, what, "%s", why ? why : "out of memory");
  free(why);
}

/* ---- this machine ------------------------------------------------------------------------------
 */

/* Who reads this file can connect to the database, open all codes and sign as the server. */
static void look_at_secret(struct doctor *d) {
  const char *path = d->c->config.secret_file;
  char *why = NULL;
  struct stat st;
  d->has_secrets = secrets_load(&d->c->config, &d->secrets, &why);
  if (!d->has_secrets)
    find_why(d, "secret", why);
  else if (stat(path, &st) == 0 && st.st_mode & (S_IRWXG | S_IRWXO))
    find(d, BAD, "secret", "%s can be read by others: chmod 600 %s", path, path);
  else
    find(d, OK, "secret", "%s holds one, and only its owner can read it", path);
}

/* The soft limit is raised at start; the hard one is for whoever runs the server to raise. */
static void look_at_limits(struct doctor *d) {
  int64_t wanted = d->c->config.connections + 200;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  if (limit.rlim_max < (rlim_t)wanted)
    find(d, BAD, "open files",
         "the hard limit is %llu, and LYCEUM_CONNECTIONS=%lld needs %lld: raise it (ulimit -Hn, "
         "LimitNOFILE= in systemd) or lower LYCEUM_CONNECTIONS",
         (unsigned long long)limit.rlim_max, (long long)d->c->config.connections,
         (long long)wanted);
  else
    find(d, OK, "open files", "the hard limit is enough for %lld connections",
         (long long)d->c->config.connections);
}

static bool is_loopback(const char *url) {
  return strstr(url, "://127.") || strstr(url, "://localhost") || strstr(url, "://[::1]");
}

/* What options name must be there when it serves: secrets of mail and SMS, other authorities. */
static void look_at_files(struct doctor *d) {
  struct gateways g;
  struct builder why = {0};
  if (!gateways_open(&g, &d->c->config, &why))
    find(d, BAD, "files", "%.*s", TEXT_ARGS(built(&why)));
  explicit_bzero(&g, sizeof g);
  builder_free(&why);
}

/* Without mail nobody proves a contact, and without TLS tokens can be read on the way. */
static void look_at_options(struct doctor *d) {
  const struct config *o = &d->c->config;
  if (*o->smtp_url)
    find(d, OK, "mail", "goes through %s", o->smtp_url);
  else if (o->demo)
    find(d, NOTE, "mail", "stays in the mailbox page, for LYCEUM_DEMO=1");
  else
    find(d, BAD, "mail", "LYCEUM_SMTP_URL is not set: nobody can sign up or reset a password");
  look_at_files(d);
  if (*o->sms_url)
    find(d, OK, "SMS", "go to %s", o->sms_url);
  else
    find(d, NOTE, "SMS", "LYCEUM_SMS_URL is not set: people can use e-mail only");
  if (!*o->public_url)
    find(d, NOTE, "public URL", "LYCEUM_PUBLIC_URL is not set: good for this machine only");
  else if (text_starts(text_of(o->public_url), "https://") || is_loopback(o->public_url))
    find(d, OK, "public URL", "%s", o->public_url);
  else
    find(d, BAD, "public URL", "%s: tokens must not travel unencrypted, put TLS in front",
         o->public_url);
}

/* ---- the database ------------------------------------------------------------------------------
 */

static void look_at_database(struct doctor *d) {
  struct database_state_in in = {.role = text_of(d->c->config.database_role)};
  struct rows r;
  char *why = NULL;
  uint64_t from = time_nanos();
  if (!*d->c->config.database_url) {
    find(d, BAD, "database", "DATABASE_URL is not set");
    return;
  }
  d->s = session_open(d->c->config.database_url, &why);
  if (!d->s || !session_ask(d->s, 0, &sql_database_state, &in, &r, &why)) {
    find_why(d, "database", why);
    session_close(d->s);
    d->s = NULL;
    return;
  }
  uint64_t took = time_nanos() - from;
  one_database_state(&d->c->q, &r, &d->state);
  int major = (int)(d->state.version / 10000), minor = (int)(d->state.version % 10000);
  if (d->state.version < POSTGRES_LEAST)
    find(d, BAD, "database", "PostgreSQL %d.%d is too old: 15 or newer is needed", major, minor);
  else if (!text_is(d->state.encoding, "UTF8"))
    find(d, BAD, "database", "its encoding is %.*s: make one with UTF8",
         TEXT_ARGS(d->state.encoding));
  else
    find(d, OK, "database", "PostgreSQL %d.%d answers (%.1f ms to connect and ask)", major, minor,
         (double)took / 1e6);
}

/* Tokens carry times, and check-in codes change every 15 s. */
static void look_at_clock(struct doctor *d) {
  int64_t skew = (time_now() - d->state.now) / 1000;
  if (skew > SKEW_MOST_MS || skew < -SKEW_MOST_MS)
    find(d, BAD, "clock", "this machine is %+lld ms off the database's clock: run NTP on both",
         (long long)skew);
  else
    find(d, OK, "clock", "agrees with the database's");
}

static void look_at_migrations(struct doctor *d) {
  char *why = NULL;
  int missing = migrations_missing(d->s, &why);
  d->migrated = missing == 0;
  if (missing < 0)
    find_why(d, "migrations", why);
  else if (missing)
    find(d, BAD, "migrations", "%d are missing: run `lyceum migrate`", missing);
  else
    find(d, OK, "migrations", "all %zu are there", migration_count);
}

/* A write is acknowledged once it is on disk; with one of these off it would only be in memory. */
static void look_at_durability(struct doctor *d) {
  if (d->state.durable)
    find(d, OK, "durability", "fsync, full_page_writes and synchronous_commit are on");
  else
    find(d, BAD, "durability",
         "a crash would lose acknowledged writes: turn fsync, "
         "full_page_writes and synchronous_commit on");
}

/* Three links a loop, the listener, the jobs, and some for whoever runs a command. */
static void look_at_connections(struct doctor *d) {
  int64_t loops = d->c->config.loops ? d->c->config.loops : processors();
  int64_t wanted = loops * 3 + 4;
  if (d->state.connections_left < wanted)
    find(d, BAD, "connections",
         "the server needs %lld to the database and %lld are free: raise max_connections",
         (long long)wanted, (long long)d->state.connections_left);
  else
    find(d, OK, "connections", "the server needs %lld of %lld free ones", (long long)wanted,
         (long long)d->state.connections_left);
}

/* A full disk stops writes (53100) long before anybody looks. */
static void look_at_disk(struct doctor *d) {
  struct text folder = d->state.folder;
  struct statvfs fs;
  if (!folder.at || statvfs(folder.at, &fs) != 0 || !fs.f_blocks) {
    find(d, NOTE, "disk", "the database's folder can't be looked at from here");
    return;
  }
  int free_percent = (int)((double)fs.f_bavail * 100 / (double)fs.f_blocks);
  double free_gb = (double)fs.f_bavail * (double)fs.f_frsize / 1e9;
  if (free_percent < FREE_LEAST_PERCENT)
    find(d, BAD, "disk", "only %d%% (%.1f GB) are free under %s", free_percent, free_gb, folder.at);
  else
    find(d, OK, "disk", "%.1f GB are free for the database", free_gb);
}

/* It must be able to connect, and unable to do what the promises say that it can't. */
static void look_at_role(struct doctor *d) {
  const char *role = d->c->config.database_role;
  char password[65], *why = NULL;
  if (!d->state.role_there) {
    find(d, BAD, "role", "%s is not there: run `lyceum migrate`", role);
    return;
  }
  if (d->state.role_super || d->state.role_owns || d->state.role_may_forge)
    find(d, BAD, "role",
         "%s has more rights than a server should: it must own nothing, and not "
         "change the audit log",
         role);
  if (!d->has_secrets) return;
  hex_write(d->secrets.role.b, sizeof d->secrets.role.b, password);
  char *conninfo = server_conninfo(d->c->config.database_url, role, password, &why);
  struct session *s = conninfo ? session_open(conninfo, &why) : NULL;
  if (s)
    find(d, OK, "role", "%s connects, and owns nothing", role);
  else
    find(d, BAD, "role", "%s can't connect (%s): run `lyceum migrate` with this secret", role,
         why ? why : "out of memory");
  session_close(s);
  free(conninfo);
  free(why);
}

/* A house of its own tries to open them, as the server will. */
static void look_at_keys(struct doctor *d) {
  struct signing_key_list_in in = {.all = false};
  struct signing_key_list_row row;
  struct rows r;
  char *why = NULL;
  int signing = 0;
  if (!d->migrated || !d->has_secrets) return;
  if (!session_ask(d->s, 0, &sql_signing_key_list, &in, &r, &why)) {
    find_why(d, "signing key", why);
    return;
  }
  struct house *h = house_new(&d->secrets, "doctor", 60, 1);
  bool opens = h && keys_load(&d->c->q, h, &r);
  for (int i = 0; row_signing_key_list(&d->c->q, &r, i, &row); i++)
    signing += row.active_from <= time_now();
  house_free(h);
  if (!signing)
    find(d, BAD, "signing key", "there is none: run `lyceum migrate` or `lyceum keys make`");
  else if (!opens)
    find(d, BAD, "signing key",
         "one was sealed with another secret: use that one, or run "
         "`lyceum keys make`");
  else
    find(d, OK, "signing key", "%d of %d sign now", signing, r.count);
}

/* Notices follow transaction ids, and those begin anew in another PostgreSQL. */
static void look_at_notices(struct doctor *d) {
  struct notices_ahead_row row;
  struct rows r;
  char *why = NULL;
  if (!d->migrated) return;
  if (!session_ask(d->s, 0, &sql_notices_ahead, NULL, &r, &why))
    find_why(d, "notices", why);
  else if (one_notices_ahead(&d->c->q, &r, &row) && row.ahead)
    find(d, BAD, "notices",
         "this database was dumped from another PostgreSQL, and nobody is told of anything: do "
         "what docs/NOTICES.md says of restoring");
  else
    find(d, OK, "notices", "are read up to where this PostgreSQL has come to");
}

/* ---- all of it ---------------------------------------------------------------------------------
 */

static void look_into_database(struct doctor *d) {
  look_at_clock(d);
  look_at_migrations(d);
  look_at_durability(d);
  look_at_connections(d);
  look_at_disk(d);
  look_at_role(d);
  look_at_keys(d);
  look_at_notices(d);
}

int command_doctor(struct cli *c) {
  struct doctor d = {.c = c};
  if (option(c, "books")) return doctor_books(c);
  look_at_secret(&d);
  look_at_limits(&d);
  look_at_options(&d);
  look_at_database(&d);
  if (d.s) look_into_database(&d);
  session_close(d.s);
  explicit_bzero(&d.secrets, sizeof d.secrets);
  if (c->json) {
    struct builder b = {0};
    build_printf(&b, "{\"ok\":%s,\"checks\":[%.*s]}", d.bad ? "false" : "true",
                 TEXT_ARGS(built(&d.json)));
    print_built(&b);
  }
  builder_free(&d.json);
  if (d.bad) say(c, "\n%d of these need you before it can serve well", d.bad);
  return d.bad ? EXIT_FAILED : EXIT_DONE;
}
