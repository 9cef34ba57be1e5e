/* Who did what. The log is append-only and its key starts with the time, so a page is one stretch
 * of the index; with a target it is a stretch of that target's. */
#include "api/api.h"
#include "db/sql.h"

struct step audit_list(struct request *q) {
  struct page p;
  struct uuid actor = {0}, target = {0};
  micros since = 0, before = 0;
  if (!page_read(q, &p)) return DONE;
  (void)uuid_parse(query_text(q, "actor_id"), &actor);
  (void)uuid_parse(query_text(q, "target_id"), &target);
  bool has_since = query_time(q, "at[gte]", &since), has_before = query_time(q, "at[lt]", &before);
  return ask_audit_list(q, answer_page, .actor_id = actor, .action = query_text(q, "action"),
                        .target_kind = query_text(q, "target_kind"), .target_id = target,
                        .since = since, .has_since = has_since, .before = before,
                        .has_before = has_before, PAGE_IN(p));
}
