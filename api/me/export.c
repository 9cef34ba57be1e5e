/* One's own data, all of it, as JSON: what the account holds and what this community holds. */
#include "api/api.h"
#include "db/sql.h"

static struct step answer(struct request *q, const struct rows *r) {
  reply_download(q, q->chinese ? LIT("我的数据.json") : LIT("my-data.json"));
  return answer_one(q, r);
}

static struct step account_known(struct request *q, const struct rows *r) {
  struct account_read_row a;
  if (!one_account_read(q, r, &a)) return problem(q, NOT_FOUND);
  return ask_me_export(q, answer, .member = q->caller.member, .account = q->caller.account,
                       .has_birth_year = a.has_birth_year, .birth_year = a.birth_year,
                       .has_erase_after = a.has_erase_after, .erase_after = a.erase_after,
                       .has_password = a.has_password, .contacts = a.contacts);
}

struct step export_post(struct request *q) {
  return ask_account_read(q, account_known, .id = q->caller.account);
}
