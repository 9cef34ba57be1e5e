/* Codes of which nothing is left, as a loop remembers them. When a crowd keeps asking for one,
 * whoever has not redeemed it is told so from memory, without a statement and without suspending
 * the connection. Who did redeem it is remembered with it, read in one snapshot; it holds for a
 * second at most, and only while its community's generation does. */
#include "api/internal.h"
#include "db/sql.h"

#include <stdlib.h>
#include <string.h>

enum { PLACES = 64, ASKED = 8, FRESH_MS = 1000 };

struct sold_out {
  struct digest code;
  int64_t community;
  uint64_t until; /* time_ticks(); of the counting, or of what is known */
  int asked;      /* refusals since the counting began */
  bool known;     /* it is sold out for everybody but */
  size_t count;   /* these, in order of their ids */
  struct uuid *holders;
  uint64_t generation;
};

struct sold_out *sold_out_new(void) {
  return calloc(PLACES, sizeof(struct sold_out));
}

void sold_out_free(struct sold_out *all) {
  for (size_t i = 0; all && i < PLACES; i++)
    free(all[i].holders);
  free(all);
}

static struct sold_out *place_of(struct request *q, const struct digest *code) {
  return &exchange_of(q)->intake->sold_out[code->b[0] % PLACES];
}

static bool is_of(const struct sold_out *s, const struct request *q, const struct digest *code) {
  return s->community == q->community && memcmp(&s->code, code, sizeof *code) == 0;
}

static int by_bytes(const void *a, const void *b) {
  return memcmp(a, b, sizeof(struct uuid));
}

bool sold_out_for(struct request *q, const struct digest *code) {
  struct house *h = api_of(q)->house;
  const struct sold_out *s = place_of(q, code);
  if (!s->known || !is_of(s, q, code) || loop_now(q->loop) > s->until) return false;
  if (!house_trusted(h) || s->generation != house_generation(h, q->community)) return false;
  if (s->count && bsearch(&q->caller.member, s->holders, s->count, sizeof *s->holders, by_bytes))
    return false;
  metric_add(lyceum_answers_from_memory, 1);
  return true;
}

/* A place belongs to its code until a second has passed: then to whoever asks next. */
bool sold_out_wanted(struct request *q, const struct digest *code) {
  struct sold_out *s = place_of(q, code);
  if (loop_now(q->loop) > s->until) {
    free(s->holders);
    *s = (struct sold_out){
        .code = *code, .community = q->community, .until = loop_now(q->loop) + FRESH_MS};
  }
  return is_of(s, q, code) && ++s->asked == ASKED;
}

/* Good in the generation in which the request began, so from before the question was asked. */
static void keep(struct request *q, const struct digest *code,
                 const struct code_sold_out_row *row) {
  struct sold_out *s = place_of(q, code);
  micros left = row->has_until ? row->until - time_now() : INT64_MAX;
  if (!is_of(s, q, code) || s->known || left < FRESH_MS * INT64_C(1000)) return;
  s->count = row->holders.count;
  s->holders = s->count ? calloc(s->count, sizeof *s->holders) : NULL;
  if (s->count && !s->holders) return;
  if (s->count) memcpy(s->holders, row->holders.items, s->count * sizeof *s->holders);
  s->generation = exchange_of(q)->generation;
  s->until = loop_now(q->loop) + FRESH_MS;
  s->known = true;
}

void sold_out_keep(struct request *q, const struct digest *code, const struct rows *r) {
  struct code_sold_out_row row;
  if (one_code_sold_out(q, r, &row)) keep(q, code, &row);
}
