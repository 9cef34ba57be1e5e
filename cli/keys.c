/* lyceum keys: what signs access tokens. A new key is published before it signs and an old one
 * after, so that nobody who holds a token notices (RFC 7517, RFC 8725). */
#include "cli/cli.h"

#include <string.h>

/* Longest life of an access token, its leeway, and the time until every process has heard. */
enum { KEEP_SECONDS = 900 + 60 + 60, ROTATE_AFTER_SECONDS = 600 };

/* Retired ones too: they tell when somebody was signed out, and why. */
int command_keys_list(struct cli *c) {
  struct session *s = open_database(c);
  struct signing_key_list_in in = {.all = true};
  struct rows r;
  bool good = s && ask_database(c, s, 0, &sql_signing_key_list, &in, &r);
  if (good) print_rows(c, &r);
  session_close(s);
  return good ? EXIT_DONE : EXIT_FAILED;
}

/* Whoever listens hears `keys` from the statement and loads them within a second. */
static int add(struct cli *c, int64_t after_seconds) {
  struct signing_key_add_in in = {.after_seconds = after_seconds, .keep_seconds = KEEP_SECONDS};
  struct secrets secrets;
  struct rows r;
  if (!read_secrets(c, &secrets)) return EXIT_FAILED;
  bool good = key_make(&secrets, &c->q.arena, &in.kid, &in.sealed, &in.jwk);
  explicit_bzero(&secrets, sizeof secrets);
  if (!good) return fails(c, "no signing key could be made");
  struct session *s = open_database(c);
  good = s && ask_database(c, s, 0, &sql_signing_key_add, &in, &r);
  if (good) print_rows(c, &r);
  session_close(s);
  return good ? EXIT_DONE : EXIT_FAILED;
}

/* At once: other processes may see tokens of a key that they load only a moment later, and ask for
 * them again; `rotate` avoids even that. */
int command_keys_make(struct cli *c) {
  return add(c, 0);
}

int command_keys_rotate(struct cli *c) {
  const char *at = option(c, "at");
  int64_t after = ROTATE_AFTER_SECONDS;
  if (at && !duration_read(text_of(at), &after))
    return misused(c, "--at %s: a time like 90s, 10m, 2h or 1d is accepted", at);
  return add(c, after);
}

static int tell_retired(struct cli *c, const struct rows *r) {
  struct signing_key_retire_row row;
  const char *kid = c->operands[0];
  if (!one_signing_key_retire(&c->q, r, &row)) return fails(c, "there is no key %s", kid);
  if (text_is(row.refusal, "already_void")) return fails(c, "%s is retired already", kid);
  if (row.refusal.at)
    return fails(c, "%s is the only key that signs: `lyceum keys make` first", kid);
  print_rows(c, r);
  return EXIT_DONE;
}

int command_keys_retire(struct cli *c) {
  struct session *s = open_database(c);
  struct signing_key_retire_in in = {.kid = text_of(c->operands[0])};
  struct rows r;
  int status = EXIT_FAILED;
  if (s && ask_database(c, s, 0, &sql_signing_key_retire, &in, &r)) status = tell_retired(c, &r);
  session_close(s);
  return status;
}
