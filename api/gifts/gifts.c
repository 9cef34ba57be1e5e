/* Gifts: their links for who bought them, and claiming for who has such a link. A forged link, one
 * of another community and one that was never sent answer alike, and are charged as guesses. */
#include "api/api.h"
#include "db/sql.h"

/* ---- what I bought ---- */

static void write_token(struct request *q, const struct rows *r, int i, struct builder *b) {
  struct gift_list_row row;
  if (!rows_read(q, r, i, r->statement, &row)) return;
  build_str(b, ",\"claim_token\":");
  if (text_is(row.status, "open"))
    build_quoted(b, gift_token(house_secrets(api_of(q)->house), &q->arena, q->community, row.id));
  else
    build_str(b, "null");
}

static struct step listed(struct request *q, const struct rows *r) {
  return answer_page_with(q, r, write_token);
}

struct step gift_list(struct request *q) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_gift_list(q, listed, .member_id = q->caller.member, PAGE_IN(p));
}

/* ---- claiming ---- */

static struct step taken(struct request *q, const struct rows *r) {
  if (refused(q, r)) {
    if (q->problem == GIFT_UNKNOWN) charge_miss(q);
    return DONE;
  }
  return ask_gift_get(q, answer_one, .id = *(struct uuid *)q->state, .member_id = q->caller.member);
}

struct step gift_claim(struct request *q) {
  struct uuid *gift = q->state = NEW(&q->arena, struct uuid);
  if (!gift_token_read(house_secrets(api_of(q)->house), &q->arena, q->community,
                       body_text(q, "token"), gift)) {
    charge_miss(q);
    return problem(q, GIFT_UNKNOWN);
  }
  return ask_gift_take(q, taken, .id = *gift, .member_id = q->caller.member,
                       .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(),
                       .request_id = q->id);
}
