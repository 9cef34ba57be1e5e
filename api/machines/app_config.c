/* Which versions of the app are served, and where newer ones are. Of a community's own app when
 * `community` and `platform` name one, else of any app. Older ones get 426 (api/gates.c). */
#include "api/api.h"
#include "db/sql.h"

static void member(struct builder *b, const char *name, struct text value) {
  build_printf(b, "\"%s\":", name);
  if (value.len)
    build_quoted(b, value);
  else
    build_str(b, "null");
  build_char(b, ',');
}

static struct step answer(struct request *q, struct app_config_get_row row) {
  struct text least = text_of(api_of(q)->config->app_min_version);
  struct builder b = {0};
  build_char(&b, '{');
  member(&b, "min_version", row.min_version.len ? row.min_version : least);
  member(&b, "latest_version", row.latest_version);
  member(&b, "store_url", row.store_url);
  build_str(&b, "\"languages\":[\"zh-CN\",\"en\"]}");
  return reply_json(q, 200, &b);
}

static struct step of_community(struct request *q, const struct rows *r) {
  struct app_config_get_row row = {0};
  (void)one_app_config_get(q, r, &row);
  return answer(q, row);
}

static struct step community_known(struct request *q, const struct rows *r) {
  struct community_by_slug_row row;
  if (!one_community_by_slug(q, r, &row)) return problem(q, NOT_FOUND);
  q->community = row.id;
  struct text platform = query_text(q, "platform");
  if (!platform.at) return answer(q, (struct app_config_get_row){0});
  return ask_app_config_get(q, of_community, .platform = platform);
}

struct step app_config(struct request *q) {
  struct text slug = query_text(q, "community");
  if (!slug.at) return answer(q, (struct app_config_get_row){0});
  return ask_community_by_slug(q, community_known, .slug = slug);
}
