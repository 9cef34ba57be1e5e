/* The public face of a community, and the texts that its members agree to. */
#include "api/api.h"
#include "db/sql.h"

static struct step found(struct request *q, const struct rows *r) {
  struct community_read_row c;
  if (!one_community_read(q, r, &c)) return problem(q, NOT_FOUND);
  return ask_community_show(q, answer_one, .slug = c.slug, .name = c.name, .about = c.about,
                            .kind = c.kind, .zone = c.zone, .locale = c.locale,
                            .currency = c.currency, .icp_number = c.icp_number);
}

struct step community_get(struct request *q) {
  return ask_community_read(q, found, .id = q->community);
}

struct step rules_get(struct request *q) {
  return ask_community_text_current(q, answer_one, .kind = LIT("rules"));
}

struct step privacy_get(struct request *q) {
  return ask_community_text_current(q, answer_one, .kind = LIT("privacy"));
}
