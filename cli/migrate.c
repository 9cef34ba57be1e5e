/* lyceum migrate: schema, the server's role, a signing key. Safe to run at any time, by many. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

static void tell(void *who, const struct migration *m, int64_t took_ms) {
  struct cli *c = who;
  say(c, "applied %s in %lld ms", m->name, (long long)took_ms);
}

/* For deployment scripts: is it safe to start the new version? */
static int check(struct cli *c, struct session *s) {
  char *why = NULL;
  int missing = migrations_missing(s, &why);
  if (missing < 0) return fails_why(c, why);
  if (missing) return fails(c, "%d migrations are missing: run `lyceum migrate`", missing);
  say(c, "nothing is missing");
  return EXIT_DONE;
}

static int tell_result(struct cli *c, int applied, struct text kid) {
  if (c->json) {
    struct builder b = {0};
    build_printf(&b, "{\"applied\":%d,\"signing_key\":", applied);
    if (kid.at)
      build_quoted(&b, kid);
    else
      build_str(&b, "null");
    build_char(&b, '}');
    print_built(&b);
  }
  if (!applied) say(c, "the schema is up to date");
  if (kid.at) say(c, "made the signing key %.*s", TEXT_ARGS(kid));
  return EXIT_DONE;
}

/* Without a secret the schema still comes; the rest is made when there is one. */
static int bring_up(struct cli *c, struct session *s) {
  struct secrets secrets;
  struct text kid = NONE;
  char *why = NULL;
  int applied = 0;
  if (!migrate(s, tell, c, &applied, &why)) return fails_why(c, why);
  if (!*c->config.secret_file) {
    say(c, "LYCEUM_SECRET_FILE is not set: the server's role and the signing key come later");
    return tell_result(c, applied, kid);
  }
  bool good =
      read_secrets(c, &secrets) && ensure_role(c, s, &secrets) && ensure_key(c, s, &secrets, &kid);
  explicit_bzero(&secrets, sizeof secrets);
  return good ? tell_result(c, applied, kid) : EXIT_FAILED;
}

int command_migrate(struct cli *c) {
  struct session *s = open_database(c);
  if (!s) return EXIT_FAILED;
  int status = option(c, "check") ? check(c, s) : bring_up(c, s);
  session_close(s);
  return status;
}
