/* The list of problems as a table; the enum is made from the same list in base.h. */
#include "base/base.h"

static const struct problem_kind kinds[PROBLEM_COUNT] = {
    [NO_PROBLEM] = {"none", 200, "", ""},
#define PROBLEM(name, code, status, en, zh) [name] = {code, status, en, zh},
#include "base/problem.def"
#undef PROBLEM
};

const struct problem_kind *problem_kind(enum problem p) {
  return &kinds[p < PROBLEM_COUNT ? p : INTERNAL];
}

enum problem problem_by_code(struct text code) {
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++)
    if (text_is(code, kinds[p].code)) return p;
  return NO_PROBLEM;
}
