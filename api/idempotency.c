/* Idempotency-Key: key and effect commit together, in one explicit transaction. The stored answer
 * is replayed byte for byte; what failed, was rate limited or conflicted is not stored. */
#include "api/internal.h"
#include "db/sql.h"

enum { KEY_MOST = 255 };

/* Answers may hold what is sealed everywhere else (a new code's text), so they are sealed, too,
 * and tied to the request that they answer. */
static const struct digest *sealing(struct exchange *x) {
  return &house_secrets(x->api->house)->sealing;
}

static struct text request_hash(const struct exchange *x) {
  return (struct text){(const char *)x->idempotency_hash.b, sizeof x->idempotency_hash.b};
}

/* What the answer led to is not there when it came to nothing. */
static struct step ended(struct request *q) {
  struct exchange *x = exchange_of(q);
  size_t kept = 0;
  for (size_t i = 0; i < x->header_count; i++)
    if (!q->problem || !text_is(x->headers[i].name, "Location")) x->headers[kept++] = x->headers[i];
  x->header_count = kept;
  return DONE;
}

static struct step replay(struct exchange *x, const struct idempotency_claim_row *row) {
  struct request *q = &x->q;
  struct text answer = NONE;
  if (row->body.len) {
    answer = crypto_open(&q->arena, sealing(x), request_hash(x), row->body);
    if (!answer.at) return problem(q, INTERNAL);
  }
  builder_free(&x->answer);
  build_text(&x->answer, answer);
  x->status = (int)row->status;
  x->media = answer.len ? "application/json" : NULL;
  for (struct text rest = row->headers; rest.at && rest.len;) {
    struct text value = text_cut(&rest, '\n'), name = text_cut(&value, ':');
    if (text_is(name, "Location")) reply_header(q, "Location", value);
  }
  reply_header(q, "Idempotent-Replayed", LIT("true"));
  return DONE;
}

static struct step claimed(struct request *q, const struct rows *r) {
  struct exchange *x = exchange_of(q);
  struct idempotency_claim_row row;
  if (!one_idempotency_claim(q, r, &row)) return problem(q, INTERNAL);
  if (!row.got) return problem(q, IDEMPOTENCY_IN_FLIGHT);
  if (!row.has_status) return ((next_step)x->route->handler)(q);
  x->idempotency_open = false; /* nothing new to store */
  if (!text_equal(row.hash, request_hash(x))) return problem(q, IDEMPOTENCY_MISMATCH);
  return replay(x, &row);
}

static struct step claim(struct request *q) {
  return ask_idempotency_claim(q, claimed, .caller = q->caller.member,
                               .key = exchange_of(q)->idempotency_key);
}

struct step idempotency_open(struct request *q, next_step next) {
  struct exchange *x = exchange_of(q);
  struct text key = header(q, "Idempotency-Key");
  if (!key.at || !x->route->idempotent) return next(q);
  if (key.len < 1 || key.len > KEY_MOST || !text_is_clean(key, false)) {
    fault_add(q, LIT("Idempotency-Key"), "format", LIT("1 to 255 printable characters"),
              LIT("应为 1 至 255 个可打印字符"));
    return problem(q, MALFORMED);
  }
  struct builder b = {0};
  build_text(&b, x->path);
  build_char(&b, '\n');
  build_text(&b, body_json(q));
  x->idempotency_hash = crypto_sha256(arena_built(&q->arena, &b));
  x->idempotency_key = key;
  x->idempotency_open = true;
  return begin(q, claim);
}

static struct step stored(struct request *q, const struct rows *r) {
  return r->count ? commit(q, ended) : problem(q, IDEMPOTENCY_IN_FLIGHT);
}

static bool storable(const struct exchange *x) {
  return x->idempotency_open && x->status < 500 && x->status != 409 && x->status != 429;
}

/* The handler is done: a good answer commits (after storing it under its key), a problem rolls
 * back. Called with the answer already written, and called again by whatever ends the transaction.
 */
struct step idempotency_end(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (q->problem != NO_PROBLEM) return rollback(q, ended);
  if (!storable(x)) return commit(q, ended);
  x->idempotency_open = false;
  struct text location = LIT("");
  for (size_t i = 0; i < x->header_count; i++)
    if (text_is(x->headers[i].name, "Location"))
      location = arena_printf(&q->arena, "Location:%.*s", TEXT_ARGS(x->headers[i].value));
  struct text answer = LIT("");
  if (x->answer.len)
    answer = crypto_seal(&q->arena, sealing(x), request_hash(x), built(&x->answer));
  return ask_idempotency_store(q, stored, .caller = q->caller.member, .key = x->idempotency_key,
                               .hash = request_hash(x), .status = x->status, .headers = location,
                               .body = answer);
}
