/* Units told, failed, halved, aborted and lost, on links that lead nowhere. */
#include "db/batch.c"

#include <setjmp.h>

#include <cmocka.h>

static const struct statement once = {.name = "once"}, look = {.name = "look", .flags = SQL_READ},
                              many = {.name = "many", .flags = SQL_MANY};
static struct pool pool;
static struct link *const writes = &pool.links[LINK_WRITE], *const reads = &pool.links[LINK_READ],
                          *const held = &pool.links[LINK_TRANSACTION];

/* ---- what fault.c would say; so its own is not linked ---- */

static int tries;
static bool waits;

enum problem fault_problem(const PGresult *failure, const char *where) {
  (void)failure, (void)where;
  return BODY_INVALID;
}

int fault_tries(const PGresult *failure, bool batch) {
  (void)failure, (void)batch;
  return tries;
}

bool fault_waited(const PGresult *failure) {
  (void)failure;
  return waits;
}

bool fault_ends_link(const PGresult *failure) {
  (void)failure;
  return false;
}

/* ---- requests ---- */

enum { MOST = 16 };
static struct request q[MOST];
static int finished[MOST], shown[MOST]; /* shown: the row's number, -1: none */

static void finish(struct request *r) {
  finished[r - q]++;
}

static struct step show_row(struct request *r, const struct rows *rows) {
  shown[r - q] = rows->count ? rows->first : -1;
  return DONE;
}

static int set_up(void **state) {
  (void)state;
  pool = (struct pool){.loop = loop_new(0)};
  assert_non_null(pool.loop);
  loop_keep(pool.loop, ROOM_DB, &pool);
  for (int i = 0; i < LINK_KINDS; i++) {
    struct link *k = &pool.links[i];
    k->pool = &pool;
    k->kind = (enum link_kind)i;
    k->state = LINK_UP;
    k->queue_end = &k->queue;
    k->beginners_end = &k->beginners;
  }
  tries = 0;
  waits = false;
  for (int i = 0; i < MOST; i++) {
    q[i] = (struct request){.loop = pool.loop, .community = 1, .finished = finish};
    finished[i] = 0;
    shown[i] = -2;
  }
  return 0;
}

static struct unit *shift(struct link *k) {
  struct unit *u = k->queue;
  if (!u) return NULL;
  k->queue = u->next;
  if (!k->queue) k->queue_end = &k->queue;
  k->queued--;
  u->flying = true;
  return u;
}

/* Turns that bring nothing more: what has gathered goes out. */
static void quiet_turns(void) {
  for (int i = 0; i <= TURNS_QUIET; i++)
    gather_flush(&pool);
}

static int tear_down(void **state) {
  (void)state;
  for (int i = 0; i < LINK_KINDS; i++)
    for (struct unit *u; (u = shift(&pool.links[i]));)
      unit_refuse(u, DATABASE_AWAY);
  quiet_turns();
  assert_null(pool.gathers); /* none leaks, whatever happened */
  for (int i = 0; i < MOST; i++)
    request_end(&q[i]);
  loop_free(pool.loop);
  return 0;
}

static void ask_all(const struct statement *s, int count) {
  for (int i = 0; i < count; i++)
    assert_false(ask(&q[i], s, show_row, NULL).done);
}

static void spoil(struct unit *u) {
  u->failure = PQmakeEmptyPGresult(NULL, PGRES_FATAL_ERROR);
}

static void answer(struct unit *u, const uint32_t *ordinals, int count) {
  char name[] = "ord";
  PGresAttDesc column = {.name = name, .format = 1};
  u->rows = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
  assert_true(PQsetResultAttrs(u->rows, 1, &column));
  for (int i = 0; i < count; i++) {
    uint32_t wire = htobe32(ordinals[i]);
    assert_true(PQsetvalue(u->rows, i, 0, (char *)&wire, sizeof wire));
  }
}

static void leave(struct request *r, bool nothing_happened) {
  assert_int_equal(r->abandon(r), nothing_happened);
  r->abandon = NULL;
}

/* ---- gathering and telling ---- */

static void a_batch_waits_while_more_come(void **state) {
  (void)state;
  for (int i = 0; i < 4; i++) {
    assert_false(ask(&q[i], &many, show_row, NULL).done);
    gather_flush(&pool);
    gather_flush(&pool);
    assert_null(writes->queue);
  }
  quiet_turns();
  assert_int_equal(writes->queue->count, 4);
}

static void a_batch_does_not_wait_for_ever(void **state) {
  (void)state;
  int turns = 0;
  for (; !writes->queue; turns++) {
    assert_false(ask(&q[turns], &many, show_row, NULL).done);
    gather_flush(&pool);
  }
  assert_int_equal(turns, TURNS_MOST);
}

static void what_comes_while_one_flies_gathers(void **state) {
  (void)state;
  ask_all(&many, 1);
  quiet_turns();
  struct unit *first = shift(writes);
  assert_int_equal(first->count, 1);
  for (int i = 1; i < 5; i++)
    assert_false(ask(&q[i], &many, show_row, NULL).done);
  q[5].community = 2; /* another's batch waits for nobody */
  assert_false(ask(&q[5], &many, show_row, NULL).done);
  quiet_turns();
  assert_int_equal(writes->queued, 1);
  leave(&q[2], true);
  answer(first, (const uint32_t[]){1}, 1);
  unit_told(writes, first);
  assert_int_equal(shown[0], 0);
  quiet_turns();
  struct unit *other = shift(writes), *second = shift(writes);
  assert_int_equal(other->community, 2);
  assert_int_equal(second->count, 3); /* without the one that left */
  unit_told(writes, other);
  unit_told(writes, second);
}

static void rows_find_their_elements(void **state) {
  (void)state;
  ask_all(&many, 4);
  quiet_turns();
  struct unit *u = shift(writes);
  leave(&q[1], false); /* in flight: nobody knows */
  answer(u, (const uint32_t[]){4, 2, 1, 9, 0}, 5);
  unit_told(writes, u);
  assert_int_equal(shown[0], 2);
  assert_int_equal(shown[1], -2);
  assert_int_equal(shown[2], -1); /* no row for it */
  assert_int_equal(shown[3], 0);
  assert_int_equal(finished[0] + finished[2] + finished[3], 3);
}

/* ---- failures ---- */

static void the_guilty_one_fails_alone(void **state) {
  (void)state;
  ask_all(&many, 7);
  quiet_turns();
  int rounds = 0;
  for (struct unit *u; (u = shift(writes)); rounds++) {
    bool guilty = false;
    for (size_t i = 0; i < u->count; i++)
      guilty |= u->asks[i] && u->asks[i]->q == &q[4];
    if (guilty) spoil(u);
    unit_told(writes, u);
  }
  for (int i = 0; i < 7; i++) {
    assert_int_equal(finished[i], 1);
    assert_int_equal(q[i].problem, i == 4 ? BODY_INVALID : NO_PROBLEM);
  }
  assert_in_range(rounds, 4, 7);
}

static void halves_keep_their_order_and_go_first(void **state) {
  (void)state;
  ask_all(&many, 4);
  quiet_turns();
  struct unit *u = shift(writes);
  assert_false(ask(&q[5], &once, show_row, NULL).done);
  spoil(u);
  unit_told(writes, u);
  assert_int_equal(writes->queued, 3);
  assert_ptr_equal(writes->queue->asks[0]->q, &q[0]);
  assert_ptr_equal(writes->queue->next->asks[0]->q, &q[2]);
  assert_int_equal(writes->queue->next->asks[1]->index, 1);
  leave(&q[3], true); /* it knows where it is now */
  assert_null(writes->queue->next->asks[1]);
}

static void what_waited_for_a_lock_waits_less(void **state) {
  (void)state;
  waits = true;
  ask_all(&many, 8);
  quiet_turns();
  struct unit *u = shift(writes);
  assert_false(unit_brackets(u));
  int rounds = 1;
  for (; u; u = shift(writes), rounds++) {
    assert_int_equal(u->hurried, rounds > 1);
    spoil(u);
    unit_told(writes, u);
  }
  assert_int_equal(rounds - 1, 15); /* each stood alone in the end */
  assert_int_equal(pool.gathers->waits, 7);
  ask_all(&many, 8); /* a batch of the same gather starts anew */
  quiet_turns();
  u = shift(writes);
  assert_false(u->hurried);
  assert_int_equal(pool.gathers->waits, 0);
  unit_told(writes, u);
}

static void tried_as_often_as_is_worth_it(void **state) {
  (void)state;
  tries = 3;
  ask_all(&once, 1);
  for (int i = 0; i < 4; i++) {
    assert_int_equal(finished[0], 0);
    struct unit *u = shift(writes);
    spoil(u);
    unit_told(writes, u);
  }
  assert_null(writes->queue);
  assert_int_equal(q[0].problem, BODY_INVALID);
}

static void who_asks_alone_waits_for_no_batch(void **state) {
  (void)state;
  ask_all(&many, 2);
  quiet_turns();
  q[2].alone = true;
  assert_false(ask(&q[2], &many, show_row, NULL).done);
  struct unit *crowd = shift(writes), *single = shift(writes);
  assert_int_equal(crowd->count, 2);
  assert_int_equal(single->count, 1);
  assert_ptr_equal(single->asks[0]->q, &q[2]);
  unit_told(writes, crowd);
  unit_told(writes, single);
}

static void an_abort_is_no_try(void **state) {
  (void)state;
  ask_all(&look, 2);
  for (int i = 0; i < 20; i++) {
    struct unit *u = shift(reads);
    u->aborted = true;
    unit_told(reads, u);
  }
  assert_int_equal(finished[0] + finished[1], 0);
  leave(&q[0], true);
  queue_prune(reads);
  assert_int_equal(reads->queued, 1); /* what nobody waits for is not sent */
  unit_told(reads, shift(reads));
  assert_int_equal(finished[1], 1);
}

/* ---- lost links ---- */

static void a_lost_link_repeats_reads_only(void **state) {
  (void)state;
  assert_false(ask(&q[0], &look, show_row, NULL).done);
  assert_false(ask(&q[1], &once, show_row, NULL).done);
  assert_false(ask(&q[2], &once, show_row, NULL).done);
  unit_lost(reads, shift(reads), false);
  unit_lost(writes, shift(writes), false);
  unit_lost(writes, shift(writes), true);
  assert_int_equal(reads->queued, 1);
  assert_int_equal(finished[0], 0);
  assert_int_equal(q[1].problem, OUTCOME_UNKNOWN);
  assert_int_equal(q[2].problem, DATABASE_AWAY);
  assert_int_equal(q[2].retry_after, 1);
}

/* ---- transactions ---- */

static struct step asks_inside(struct request *r) {
  return ask(r, &once, show_row, NULL);
}

static struct step ends(struct request *r) {
  (void)r;
  return DONE;
}

static void one_holds_the_link_and_others_wait(void **state) {
  (void)state;
  for (int i = 0; i < 3; i++)
    assert_false(begin(&q[i], asks_inside).done);
  assert_int_equal(held->queued, 2); /* BEGIN, and the first one's ask */
  assert_ptr_equal(held->holder, &q[0]);
  leave(&q[1], true);
  unit_told(held, shift(held));
  unit_told(held, shift(held));
  assert_int_equal(finished[0], 1);
  assert_true(in_transaction(&q[0]));
  assert_false(commit(&q[0], ends).done);
  begin_next(held);
  assert_ptr_equal(held->holder, &q[2]);
  assert_int_equal(held->queue->kind, UNIT_COMMIT); /* units go in order */
  assert_int_equal(held->queue->next->kind, UNIT_BEGIN);
  unit_told(held, shift(held));
  assert_int_equal(finished[0], 2);
  assert_true(rollback(&q[2], ends).done);
}

static void a_commit_given_up_in_time_rolls_back(void **state) {
  (void)state;
  assert_false(begin(&q[0], asks_inside).done);
  unit_told(held, shift(held));
  unit_told(held, shift(held));
  assert_false(commit(&q[0], ends).done);
  leave(&q[0], true);
  queue_prune(held);
  assert_int_equal(held->queue->kind, UNIT_ROLLBACK); /* nobody waits for it, and it must go */
  unit_told(held, shift(held));
  assert_int_equal(finished[0], 1);
}

static void a_commit_in_flight_is_unknown(void **state) {
  (void)state;
  assert_false(begin(&q[0], asks_inside).done);
  unit_told(held, shift(held));
  unit_told(held, shift(held));
  assert_false(commit(&q[0], ends).done);
  struct unit *u = shift(held);
  leave(&q[0], false);
  unit_told(held, u);
  assert_int_equal(finished[0], 1);
}

static void a_lost_transaction_does_nothing_elsewhere(void **state) {
  (void)state;
  assert_false(begin(&q[0], asks_inside).done);
  unit_told(held, shift(held));
  struct unit *u = shift(held);
  holder_lost(held);
  unit_lost(held, u, false);
  assert_int_equal(q[0].problem, DATABASE_AWAY);
  assert_true(in_transaction(&q[0]));
  assert_true(ask(&q[0], &once, show_row, NULL).done); /* refused, not sent over another link */
  q[0].problem = NO_PROBLEM;
  assert_true(commit(&q[0], ends).done);
  assert_int_equal(q[0].problem, DATABASE_AWAY);
  assert_false(in_transaction(&q[0]));
  assert_null(held->queue);
  assert_null(writes->queue);
}

int main(void) {
#define EACH(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {
      EACH(a_batch_waits_while_more_come),
      EACH(a_batch_does_not_wait_for_ever),
      EACH(what_comes_while_one_flies_gathers),
      EACH(rows_find_their_elements),
      EACH(the_guilty_one_fails_alone),
      EACH(halves_keep_their_order_and_go_first),
      EACH(what_waited_for_a_lock_waits_less),
      EACH(tried_as_often_as_is_worth_it),
      EACH(who_asks_alone_waits_for_no_batch),
      EACH(an_abort_is_no_try),
      EACH(a_lost_link_repeats_reads_only),
      EACH(one_holds_the_link_and_others_wait),
      EACH(a_commit_given_up_in_time_rolls_back),
      EACH(a_commit_in_flight_is_unknown),
      EACH(a_lost_transaction_does_nothing_elsewhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
