/* Members, as operators see them. Contacts are shown as hints: enough to recognise, not to learn.
 */
#include "api/members/members.h"

#include "rules/rules.h"

/* ---- lists ------------------------------------------------------------------------------------
 */

static struct step list(struct request *q, struct uuid account) {
  struct page p;
  if (!page_read(q, &p)) return DONE;
  return ask_member_list(q, answer_page, .q = query_text(q, "q"), .account = account,
                         .role = query_text(q, "role"), .state = query_text(q, "state"),
                         PAGE_IN(p));
}

static struct step looked_up(struct request *q, const struct rows *r) {
  struct account_of_contact_row row;
  return list(q, one_account_of_contact(q, r, &row) ? row.account : (struct uuid){0});
}

/* What reads like a contact finds the member it belongs to. */
struct step member_list(struct request *q) {
  struct text contact, asked = query_text(q, "q");
  enum contact_kind kind = asked.at ? contact_read(&q->arena, asked, &contact) : CONTACT_NONE;
  if (kind == CONTACT_NONE) return list(q, (struct uuid){0});
  return ask_account_of_contact(q, looked_up,
                                .provider = kind == CONTACT_EMAIL ? LIT("email") : LIT("phone"),
                                .subject = contact);
}

/* ---- one --------------------------------------------------------------------------------------
 */

static struct text hints(struct request *q, const struct rows *r) {
  struct account_contacts_row row;
  struct builder b = {0};
  build_char(&b, '[');
  for (int i = 0; row_account_contacts(q, r, i, &row); i++) {
    bool shown = text_is(row.provider, "email") || text_is(row.provider, "phone");
    if (!shown) continue;
    build_str(&b, b.len > 1 ? ",{\"kind\":" : "{\"kind\":");
    build_quoted(&b, row.provider);
    build_str(&b, ",\"hint\":");
    build_quoted(&b, contact_hint(&q->arena, row.subject));
    build_char(&b, '}');
  }
  build_char(&b, ']');
  return arena_built(&q->arena, &b);
}

/* What a ban keeps out: all proven ways to be this person, as digests. */
static struct sql_list digests(struct request *q, const struct rows *r) {
  struct account_contacts_row row;
  struct text *all = arena_alloc(&q->arena, ((size_t)r->count + 1) * sizeof *all);
  size_t n = 0;
  for (int i = 0; row_account_contacts(q, r, i, &row); i++) {
    struct digest d =
        contact_digest(house_secrets(api_of(q)->house), row.provider, row.app_id, row.subject);
    char hex[2 * sizeof d.b + 1];
    hex_write(d.b, sizeof d.b, hex);
    all[n++] = arena_copy(&q->arena, text_of(hex));
  }
  return (struct sql_list){n, all};
}

static struct step contacts_known(struct request *q, const struct rows *r) {
  struct looking *l = q->state;
  l->digests = digests(q, r);
  return ask_member_read(q, l->next, .id = path_id(q, "id"), .contacts = hints(q, r));
}

static struct step account_known(struct request *q, const struct rows *r) {
  struct looking *l = q->state;
  if (!one_member_account(q, r, &l->seen)) return problem(q, NOT_FOUND);
  return ask_account_contacts(q, contacts_known, .id = l->seen.account);
}

struct step member_look(struct request *q, rows_next next) {
  struct looking *l = q->state = NEW(&q->arena, struct looking);
  l->next = next;
  return ask_member_account(q, account_known, .id = path_id(q, "id"));
}

struct step member_get(struct request *q) {
  return member_look(q, answer_one);
}
