/* Days for a lecture that was cancelled: each member who was to come gets them once. Of one plan
 * for all, or of what each holds of a product. */
#include "api/api.h"
#include "db/sql.h"

static void check(struct request *q) {
  bool plan = body_text(q, "plan_id").at, product = body_text(q, "product_id").at;
  if (!plan && !product)
    fault_add(q, LIT("/plan_id"), "required", LIT("a plan or a product"), LIT("请提供方案或产品"));
  if (plan && product)
    fault_add(q, LIT("/product_id"), "superfluous", LIT("a plan or a product, not both"),
              LIT("方案与产品只能二选一"));
}

struct step lecture_compensate(struct request *q) {
  check(q);
  if (q->faults) return problem(q, BODY_INVALID);
  return ask_lecture_compensate(
      q, answer_one, .lecture_id = path_id(q, "id"), .plan_id = body_id(q, "plan_id"),
      .product_id = body_id(q, "product_id"), .days = body_int(q, "days", 0),
      .reason = body_text(q, "reason"), .actor = q->caller.member,
      .role = text_of(role_name(q->caller.role)), .audit_id = uuid_new(), .request_id = q->id);
}
