/* Makes what the bench needs in numbers, with the server's own code and secret:
 *
 *   prepare SECRET_FILE tokens ISSUER KID SEALED_KEY_HEX    <
 * account,member,session,community,version prepare SECRET_FILE codes COUNT > code,digest in
 * hexadecimal
 */
#include "auth/auth.h"
#include "rules/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct secrets secrets;

static int die(const char *what) {
  fprintf(stderr, "prepare: %s\n", what);
  return 1;
}

static bool read_secret(const char *path) {
  char line[256];
  FILE *f = fopen(path, "r");
  bool got = f && fgets(line, sizeof line, f);
  if (f) (void)fclose(f);
  return got && secrets_from(text_of(line), &secrets);
}

static int codes(int64_t count) {
  uint8_t random[CODE_SYMBOLS];
  char code[CODE_LENGTH + 1], hex[65];
  while (count-- > 0) {
    crypto_random(random, sizeof random);
    code_make(random, code);
    hex_write(code_digest(&secrets, text_of(code)).b, 32, hex);
    printf("%s,%s\n", code, hex);
  }
  return 0;
}

static struct uuid id(struct text *line) {
  struct uuid u = {0};
  (void)uuid_parse(text_cut(line, ','), &u);
  return u;
}

static int tokens(struct house *h, enum role role) {
  char buffer[512];
  while (fgets(buffer, sizeof buffer, stdin)) {
    struct arena a = {0};
    struct text line = text_trim(text_of(buffer));
    struct claims c = {.caller = {.role = role}};
    c.caller.account = id(&line);
    c.caller.member = id(&line);
    c.caller.session = id(&line);
    (void)text_to_int(text_cut(&line, ','), &c.community);
    (void)text_to_int(line, &c.version);
    struct text token = token_issue(h, &a, &c).token;
    printf("%.*s\n", TEXT_ARGS(token));
    arena_free(&a);
  }
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4 || !read_secret(argv[1])) return die("usage: see the head of prepare.c");
  int64_t count;
  if (strcmp(argv[2], "codes") == 0 && text_to_int(text_of(argv[3]), &count)) return codes(count);
  if (argc < 7) return die("usage: see the head of prepare.c");
  struct house *h = house_new(&secrets, argv[3], 900, 1);
  size_t len = strlen(argv[5]) / 2;
  char *sealed = malloc(len + 1);
  if (!h || !sealed || !hex_parse(text_of(argv[5]), sealed, len)) return die("bad key");
  struct key_record key = {.kid = text_of(argv[4]), .sealed = {sealed, len}, .active_from = 1};
  if (!house_keys(h, &key, 1)) return die("the key can't be opened with this secret");
  return tokens(h, role_of(text_of(argv[6])));
}
