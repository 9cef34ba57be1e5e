/* lyceum doctor --books: every community's books are added up again from their rows. A check is one
 * statement that answers what does not add up, each row with what to do about it. */
#include "cli/cli.h"

#include <stdlib.h>

struct check {
  const char *name;
  const struct statement *statement;
  const char *holds; /* what is so when it finds nothing */
};

static const struct check checks[] = {
    {"orders", &sql_books_paid, "paid, refunded and total are the sums of what counted"},
    {"refunds", &sql_books_refunds, "no more went back than came in, and surplus is going back"},
    {"ledger", &sql_books_ledger, "every account of every order comes to what its rows say"},
    {"given", &sql_books_given, "what was paid for was given, and for as long"},
    {"roots", &sql_books_roots, "what lets somebody in was paid, given or redeemed"},
    {"overlaps", &sql_books_overlaps, "no day was given twice"},
    {"receipts", &sql_books_receipts, "numbered without a gap, one for each settled order"},
    {"codes", &sql_books_codes, "uses are live redemptions, and what is held is open"},
};

struct books {
  struct cli *c;
  struct session *s;
  struct builder json;
  int64_t bad;
};

static void tell(struct books *b, struct text community, const struct check *k, const char *finding,
                 const struct text said[static 3]) {
  static const char *const names[] = {"row", "detail", "todo"};
  build_printf(&b->json, "%s{\"community\":", b->json.len ? "," : "");
  build_quoted(&b->json, community);
  build_printf(&b->json, ",\"check\":\"%s\",\"finding\":\"%s\"", k->name, finding);
  for (size_t i = 0; i < COUNT(names); i++) {
    if (!said[i].at) continue;
    build_printf(&b->json, ",\"%s\":", names[i]);
    build_quoted(&b->json, said[i]);
  }
  build_char(&b->json, '}');
}

static void tell_bad(struct books *b, struct text community, const struct check *k,
                     const struct rows *r, int i) {
  struct request *q = &b->c->q;
  struct text said[3];
  for (size_t n = 0; n < COUNT(said); n++)
    said[n] = rows_cell(q, r, i, n);
  say(b->c, "%-5s %-12s %-9s %.*s: %.*s; %.*s", "bad", community.at, k->name, TEXT_ARGS(said[0]),
      TEXT_ARGS(said[1]), TEXT_ARGS(said[2]));
  tell(b, community, k, "bad", said);
  b->bad++;
}

static bool look(struct books *b, int64_t id, struct text community, const struct check *k) {
  struct rows r;
  if (!ask_database(b->c, b->s, id, k->statement, NULL, &r)) return false;
  for (int i = 0; i < r.count; i++)
    tell_bad(b, community, k, &r, i);
  if (r.count) return true;
  say(b->c, "%-5s %-12s %-9s %s", "ok", community.at, k->name, k->holds);
  tell(b, community, k, "ok", (struct text[3]){NONE, text_of(k->holds), NONE});
  return true;
}

static bool look_at_all(struct books *b) {
  struct community_list_row *found;
  struct rows r;
  if (!ask_database(b->c, b->s, 0, &sql_community_list, NULL, &r)) return false;
  int count = r.count; /* rows live until the next ask */
  found = calloc((size_t)count + 1, sizeof *found);
  if (!found) return fails(b->c, "out of memory"), false;
  for (int i = 0; i < count; i++)
    row_community_list(&b->c->q, &r, i, &found[i]);
  bool good = true;
  for (int i = 0; good && i < count; i++)
    for (size_t k = 0; good && k < COUNT(checks); k++)
      good = look(b, found[i].id, found[i].slug, &checks[k]);
  free(found);
  return good;
}

/* One moment for all checks: what is paid meanwhile is in all of them or in none. */
static bool freeze(struct books *b) {
  return run_sql(b->c, b->s, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
}

int doctor_books(struct cli *c) {
  struct books b = {.c = c};
  if (!names_database(c)) return EXIT_FAILED;
  b.s = open_database(c);
  if (!b.s) return EXIT_FAILED;
  bool looked = freeze(&b) && look_at_all(&b);
  session_close(b.s);
  if (looked && c->json) {
    struct builder out = {0};
    build_printf(&out, "{\"ok\":%s,\"checks\":[", b.bad ? "false" : "true");
    build_text(&out, built(&b.json));
    build_str(&out, "]}");
    print_built(&out);
  }
  builder_free(&b.json);
  if (!looked) return EXIT_FAILED;
  if (b.bad) say(c, "\n%lld rows of these books don't add up", (long long)b.bad);
  return b.bad ? EXIT_FAILED : EXIT_DONE;
}
