/* lyceum community */
#include "cli/cli.h"

static const char *or_else(const struct cli *c, const char *name, const char *fallback) {
  const char *value = option(c, name);
  return value ? value : fallback;
}

/* {"zh-CN": …, "en": …} of what was given; NONE when neither was. */
static struct text bilingual_name(struct cli *c) {
  const char *zh = option(c, "name-zh"), *en = option(c, "name-en");
  struct builder b = {0};
  if (!zh && !en) return NONE;
  build_str(&b, zh ? "{\"zh-CN\":" : "{\"en\":");
  build_quoted(&b, text_of(zh ? zh : en));
  if (zh && en) {
    build_str(&b, ",\"en\":");
    build_quoted(&b, text_of(en));
  }
  build_char(&b, '}');
  return arena_built(&c->q.arena, &b);
}

/* As the constraint community_slug_form, but told before the database is asked. */
static bool is_slug(struct text t) {
  bool good = t.len >= 2 && t.len <= 63 && t.at[0] != '-';
  for (size_t i = 0; good && i < t.len; i++)
    good =
        (t.at[i] >= 'a' && t.at[i] <= 'z') || (t.at[i] >= '0' && t.at[i] <= '9') || t.at[i] == '-';
  return good;
}

static bool is_currency(struct text t) {
  bool good = t.len == 3;
  for (size_t i = 0; good && i < t.len; i++)
    good = t.at[i] >= 'A' && t.at[i] <= 'Z';
  return good;
}

/* The audit row is a statement of its own: global tables and a community's are never written by
 * one (docs/ARCHITECTURE.md). */
static int make(struct cli *c, struct session *s, const struct community_create_in *in) {
  struct community_create_row row;
  struct rows r;
  if (!run_sql(c, s, "BEGIN") || !ask_database(c, s, 0, &sql_community_create, in, &r))
    return EXIT_FAILED;
  one_community_create(&c->q, &r, &row);
  if (text_is(row.refusal, "zone_unknown"))
    return fails(c, "--zone %.*s: there is no such time zone", TEXT_ARGS(in->zone));
  if (row.refusal.at) return fails(c, "the slug %.*s is taken", TEXT_ARGS(in->slug));
  struct builder made = {0};
  rows_object(&r, 0, &made);
  bool good = audit(c, s, row.id, "community.create", NULL, (struct uuid){{0}}, built(&made)) &&
              commit_sql(c, s);
  if (good && c->json)
    print_built(&made);
  else
    builder_free(&made);
  if (good) say(c, "made the community %.*s (%lld)", TEXT_ARGS(in->slug), (long long)row.id);
  return good ? EXIT_DONE : EXIT_FAILED;
}

int command_community_create(struct cli *c) {
  struct community_create_in in = {.slug = text_of(option(c, "slug")),
                                   .kind = text_of(or_else(c, "kind", "interest")),
                                   .name = bilingual_name(c),
                                   .zone = text_of(or_else(c, "zone", "Asia/Shanghai")),
                                   .locale = text_of(or_else(c, "locale", "zh-CN")),
                                   .currency = text_of(or_else(c, "currency", "CNY")),
                                   .icp_number = text_of(option(c, "icp"))};
  if (!in.name.at) return misused(c, "give it a name: --name-zh, --name-en or both");
  if (!text_is_utf8(in.name) || !text_is_clean(in.name, false))
    return misused(c, "a name is plain UTF-8 without control characters");
  if (!is_slug(in.slug))
    return misused(c, "--slug: 2 to 63 of a-z, 0-9 and -, not beginning with -");
  if (!is_currency(in.currency)) return misused(c, "--currency: three capitals, as in ISO 4217");
  struct session *s = open_database(c);
  int status = s ? make(c, s, &in) : EXIT_FAILED;
  session_close(s);
  return status;
}

int command_community_list(struct cli *c) {
  struct session *s = open_database(c);
  struct rows r;
  bool good = s && ask_database(c, s, 0, &sql_community_list, NULL, &r);
  if (good) print_rows(c, &r);
  session_close(s);
  return good ? EXIT_DONE : EXIT_FAILED;
}
