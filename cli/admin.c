/* lyceum admin create: somebody to begin with. The shell vouches for the address, so there is no
 * challenge; whoever can run this can read the database anyway. */
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct admin {
  struct text email, name, password, role;
  int64_t community;
  struct uuid account;
  char hash[PASSWORD_HASH_MAX];
};

enum { PASSWORD_FILE_MOST = 1024 };

/* One line, without its end. */
static bool read_password(struct cli *c, struct text *out) {
  const char *path = option(c, "password-file");
  if (!path == !option(c, "password-stdin")) {
    misused(c, "give either --password-stdin or --password-file");
    return false;
  }
  char held[PASSWORD_FILE_MOST];
  int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
  ssize_t got, len = 0;
  while (fd >= 0 && (size_t)len < sizeof held &&
         (got = read(fd, held + len, sizeof held - (size_t)len)) > 0)
    len += got;
  if (path && fd >= 0) close(fd);
  if (fd < 0) {
    fails(c, "%s: %s", path, strerror(errno));
    return false;
  }
  struct text all = {held, (size_t)len};
  struct text line = text_cut(&all, '\n');
  if (line.len && line.at[line.len - 1] == '\r') line.len--;
  *out = arena_copy(&c->q.arena, line);
  explicit_bzero(held, sizeof held);
  return true;
}

/* Everything that can be wrong with the input is told before the database is asked. */
static bool read_admin(struct cli *c, struct admin *a) {
  const char *email = option(c, "email"), *name = option(c, "name"), *role = option(c, "role");
  if (contact_read(&c->q.arena, text_of(email), &a->email) != CONTACT_EMAIL) {
    misused(c, "--email %s: this is not an e-mail address", email);
    return false;
  }
  struct text rest = a->email;
  a->name = name ? text_trim(text_of(name)) : text_cut(&rest, '@');
  a->role = text_of(role ? role : "owner");
  if (!text_is_utf8(a->name) || !text_is_clean(a->name, false) || !a->name.len ||
      text_codepoints(a->name) > 64) {
    misused(c, "--name: 1 to 64 characters, no control characters");
    return false;
  }
  if (!read_password(c, &a->password)) return false;
  if (password_acceptable(a->password, a->email)) return true;
  fails(c, "choose another password: 10 to 128 characters, and none that many people use");
  return false;
}

/* An account that has this address proven is taken as it is; only its password changes. */
static bool find_account(struct cli *c, struct session *s, struct admin *a) {
  struct identity_by_contact_in in = {.provider = LIT("email"), .subject = a->email};
  struct identity_by_contact_row row;
  struct rows r;
  if (!ask_database(c, s, 0, &sql_identity_by_contact, &in, &r)) return false;
  if (one_identity_by_contact(&c->q, &r, &row)) {
    a->account = row.account_id;
    return true;
  }
  a->account = uuid_new();
  struct account_vouch_in made = {.id = a->account,
                                  .identity_id = uuid_new(),
                                  .provider = LIT("email"),
                                  .subject = a->email,
                                  .locale = LIT("zh-CN")};
  return ask_database(c, s, 0, &sql_account_vouch, &made, &r);
}

static bool appoint(struct cli *c, struct session *s, const struct admin *a, struct rows *r) {
  struct credential_put_in put = {.account_id = a->account, .password_hash = text_of(a->hash)};
  struct member_appoint_in in = {.id = uuid_new(),
                                 .account_id = a->account,
                                 .role = a->role,
                                 .display_name = a->name,
                                 .locale = LIT("zh-CN"),
                                 .revocation_id = uuid_new()};
  char *why = NULL;
  if (!ask_database(c, s, 0, &sql_credential_put, &put, r)) return false;
  if (session_ask(s, a->community, &sql_member_appoint, &in, r, &why)) return true;
  if (why && strstr(why, "community_keeper_owner"))
    session_fails(&why, "this is the owner who keeps the community: appoint another one first");
  fails_why(c, why);
  return false;
}

/* One transaction: there is no account without the role that it was made for. */
static int make(struct cli *c, struct session *s, struct admin *a) {
  struct member_appoint_row row;
  struct builder after = {0};
  struct rows r;
  a->community = find_community(c, s);
  if (!a->community || !run_sql(c, s, "BEGIN") || !find_account(c, s, a) || !appoint(c, s, a, &r) ||
      !one_member_appoint(&c->q, &r, &row))
    return EXIT_FAILED;
  rows_object(&r, 0, &after);
  bool good = audit(c, s, a->community, "member.appoint", "member", row.member_id, built(&after)) &&
              commit_sql(c, s);
  if (good && c->json)
    print_built(&after);
  else
    builder_free(&after);
  if (good)
    say(c, "%.*s is %.*s of %s, and signs in with this address and password", TEXT_ARGS(a->email),
        TEXT_ARGS(a->role), option(c, "community"));
  return good ? EXIT_DONE : EXIT_FAILED;
}

/* Hashing takes its time on purpose, and so comes before the transaction. */
int command_admin_create(struct cli *c) {
  struct admin a = {0};
  if (!read_admin(c, &a)) return EXIT_MISUSED;
  if (!password_hash(a.password, a.hash)) return fails(c, "out of memory");
  struct session *s = open_database(c);
  int status = s ? make(c, s, &a) : EXIT_FAILED;
  session_close(s);
  return status;
}
