/* The life of a request: started with a deadline, taken from step to step, finished once.
 *
 *   running --step waits--> waiting --event--> running --step done--> finished
 *                              |
 *                              +--deadline--> abandoned --> finished (DEADLINE or OUTCOME_UNKNOWN)
 */
#include "base/base.h"

static void deadline_passed(struct timer *t) {
  struct request *q = CONTAINER_OF(t, struct request, deadline);
  bool nothing_happened = !q->abandon || q->abandon(q);
  q->abandon = NULL;
  q->waits_on = NULL;
  q->retry_after = 1;
  request_take(q, problem(q, nothing_happened ? DEADLINE : OUTCOME_UNKNOWN));
}

void request_start(struct request *q, uint64_t deadline_ms) {
  q->deadline.fire = deadline_passed;
  loop_timer(q->loop, &q->deadline, loop_now(q->loop) + deadline_ms);
}

/* Without memory no other finding holds: a text may have been cut short. And who has committed
 * something already can't say that nothing was done. */
static void honestly(struct request *q) {
  enum problem was = q->problem;
  if (q->arena.failed && problem_kind(was)->status != 503) q->problem = OUT_OF_MEMORY;
  if (q->done_something && problem_kind(q->problem)->status == 503) q->problem = OUTCOME_UNKNOWN;
  if (q->problem == was) return;
  q->detail = NONE;
  q->faults = NULL;
  q->retry_after = 1;
}

void request_take(struct request *q, struct step s) {
  if (!s.done && !q->arena.failed) return;
  /* What waits holds memory from the thread's reserve, which others may need: give it up. */
  if (!s.done && q->abandon) (void)q->abandon(q);
  q->abandon = NULL;
  q->waits_on = NULL;
  honestly(q);
  q->finished(q);
}

void request_end(struct request *q) {
  loop_untimer(q->loop, &q->deadline);
  arena_free(&q->arena);
}

struct step problem(struct request *q, enum problem p) {
  return problem_because(q, p, NONE);
}

struct step problem_because(struct request *q, enum problem p, struct text detail) {
  q->problem = p;
  q->detail = detail;
  if (problem_kind(p)->status == 503 && !q->retry_after) q->retry_after = 1;
  return DONE;
}

void fault_add(struct request *q, struct text pointer, const char *code, struct text en,
               struct text zh) {
  if (q->arena.failed) return; /* pieces may overlap by now; the answer is "out of memory" */
  struct fault **end = &q->faults;
  for (size_t n = 0; *end; end = &(*end)->next)
    if (++n == FAULTS_MOST) return;
  struct fault *f = NEW(&q->arena, struct fault);
  *f = (struct fault){NULL, arena_copy(&q->arena, pointer), code, en, zh};
  if (q->arena.failed) return; /* such memory may overlap: a list of it could have no end */
  *end = f;
}
