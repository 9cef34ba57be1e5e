/* The line of strangers: requests whose token has not been met before, when a turn has examined
 * enough of them. Those who wait are taken first, so nobody overtakes. */
#include "api/internal.h"

enum { EXAMINED_A_TURN = 24 }; /* some 1.2 ms; twice that until a new key is fast */

bool stranger_enters(struct intake *in) {
  if (in->strangers.examined == EXAMINED_A_TURN) return false;
  in->strangers.examined++;
  return true;
}

static void leave_line(struct exchange *x) {
  struct strangers *s = &x->intake->strangers;
  *(x->before ? &x->before->after : &s->first) = x->after;
  *(x->after ? &x->after->before : &s->last) = x->before;
  x->q.abandon = NULL;
}

/* Nothing has happened yet. */
static bool abandoned(struct request *q) {
  leave_line(exchange_of(q));
  return true;
}

struct step stranger_waits(struct request *q, next_step next) {
  struct exchange *x = exchange_of(q);
  struct strangers *s = &x->intake->strangers;
  x->admitted = next;
  x->after = NULL;
  x->before = s->last;
  *(s->last ? &s->last->after : &s->first) = x;
  s->last = x;
  q->abandon = abandoned;
  return WAITS;
}

void strangers_turn(struct intake *in) {
  struct strangers *s = &in->strangers;
  s->examined = 0;
  while (s->first && s->examined < EXAMINED_A_TURN) {
    struct exchange *x = s->first;
    leave_line(x);
    request_take(&x->q, x->admitted(&x->q));
  }
}
