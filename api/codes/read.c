/* Codes as operators see them. One code is shown with its text, and that is written down. */
#include "api/codes/shown.h"
#include "db/sql.h"
#include "rules/rules.h"

void code_write(struct request *q, const struct rows *r, struct uuid id, struct text sealed,
                struct builder *b) {
  struct text code = code_open(house_secrets(api_of(q)->house), &q->arena, id, sealed);
  char shown[CODE_SHOWN + 1];
  rows_object(r, 0, b);
  if (b->len) b->len--; /* its closing brace: the code becomes the last member */
  build_str(b, ",\"code\":");
  if (code.len == CODE_LENGTH && code_form(code) == CODE_MACHINE) {
    code_show(code.at, shown);
    build_quoted(b, text_of(shown));
  } else if (code.at) {
    build_quoted(b, code);
  } else {
    build_str(b, "null");
  }
  build_char(b, '}');
}

/* code_get writes the audit entry in the statement that reads: there is no seeing without it. */
static struct step revealed(struct request *q, const struct rows *r) {
  struct code_get_row row;
  struct builder b = {0};
  if (refused(q, r)) return DONE;
  if (!one_code_get(q, r, &row)) return problem(q, INTERNAL);
  code_write(q, r, row.id, row.sealed, &b);
  return reply_json_tagged(q, 200, &b);
}

struct step code_get(struct request *q) {
  return ask_code_get(q, revealed, .id = path_id(q, "id"), .actor = q->caller.member,
                      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(),
                      .request_id = q->id);
}

/* A code typed into the search is looked up as if it were redeemed: by its digest. */
struct step code_list(struct request *q) {
  struct page p;
  struct uuid campaign = {0}, batch = {0};
  struct digest *digest = NEW(&q->arena, struct digest);
  if (!page_read(q, &p)) return DONE;
  struct text typed = query_text(q, "q"), sought = NONE;
  if (typed.at) {
    struct text code = code_normalise(&q->arena, typed);
    if (code.at) *digest = code_digest(house_secrets(api_of(q)->house), code);
    sought = (struct text){(const char *)digest->b, sizeof digest->b};
  }
  (void)uuid_parse(query_text(q, "campaign_id"), &campaign);
  (void)uuid_parse(query_text(q, "batch_id"), &batch);
  return ask_code_list(q, answer_page, .digest = sought, .status = query_text(q, "status"),
                       .campaign_id = campaign, .batch_id = batch, PAGE_IN(p));
}

/* Counted from the rows each time; nothing that could have gone wrong before is trusted. */
struct step code_proof(struct request *q) {
  return ask_code_proof(q, answer_one, .id = path_id(q, "id"));
}

static struct step redemptions_of(struct request *q, const struct rows *r) {
  const struct page *p = q->state;
  struct code_known_row row;
  if (!one_code_known(q, r, &row)) return problem(q, NOT_FOUND);
  return ask_code_redemption_list(q, answer_page, .code_id = row.id, PAGE_IN(*p));
}

struct step code_redemption_list(struct request *q) {
  struct page *p = q->state = NEW(&q->arena, struct page);
  return page_read(q, p) ? ask_code_known(q, redemptions_of, .id = path_id(q, "id")) : DONE;
}
