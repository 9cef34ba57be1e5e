/* The REST API: how a handler reads its request and answers it, and what a route says of itself.
 *
 * One endpoint is one row of routes.def, one handler, one statement and one story. A handler is
 *     struct step code_redeem(struct request *q)
 * It reads validated input with the calls below, asks a statement, and names what continues: often
 * answer_one or another ready-made continuation that writes the reply straight from the row. */
#ifndef LYCEUM_API_H
#define LYCEUM_API_H

#include "auth/auth.h"
#include "base/base.h"
#include "db/db.h"
#include "gateways/gateways.h"

/* ---- opening ---- */

/* Shared by all loops of the process. */
struct api {
  const struct config *config;
  struct house *house;
  const struct gateways *gateways;
  struct work_pool *hashing; /* passwords: two at once */
  struct work_pool *drawing; /* paper and workbooks: one at a time */
  atomic_bool waiting;       /* started without a database: only probes are answered so far */
  atomic_bool stopping;      /* readyz says 503, connections close after their answer */
  atomic_int busy;           /* requests under way, all loops */
  micros started_at;
};
bool api_open(struct loop *l, struct api *api, int port_fd_or_minus_one);
void api_close(struct loop *l); /* every request must have ended */
/* A socket (SO_REUSEPORT) that holds config's address; -1 and a log line when it can't. It listens
 * from api_open() on. *port receives the port in use (config's may be 0). */
int api_bind(const struct config *c, int *port);

/* ---- what came ---- */

struct api *api_of(const struct request *q);
struct uuid path_id(struct request *q,
                    const char *name); /* zero when it is no UUID: matches nothing */
struct text path_text(struct request *q, const char *name);
/* Query parameters, validated against the route's QUERY(…). */
struct text query_text(struct request *q, const char *name); /* NONE when absent */
bool query_time(struct request *q, const char *name, micros *out);
int64_t query_int(struct request *q, const char *name, int64_t fallback);
/* The validated body. */
struct json *body(struct request *q);
struct text body_text(struct request *q, const char *name);
int64_t body_int(struct request *q, const char *name, int64_t fallback);
bool body_time(struct request *q, const char *name, micros *out);
bool body_bool(struct request *q, const char *name, bool fallback);
struct uuid body_id(struct request *q, const char *name); /* zero when absent */
struct text body_json(struct request *q); /* the whole body again as JSON text, for a statement */
struct text body_raw(struct request *q);  /* as it came, of a route that is `raw` */
struct text header(struct request *q, const char *name); /* NONE when absent */
struct text peer_address(struct request *q);             /* as it counts for rate limits */
bool came_by_tls(struct request *q);                     /* as far as the client can see */

/* A page of a list: what the statement takes. */
struct page {
  bool has_after_key;
  micros after_key;
  struct uuid after_id;
  int64_t limit; /* ask for limit + 1 */
};
bool page_read(struct request *q, struct page *out); /* false: problem is set, return DONE */
#define PAGE_IN(p)                                                                                 \
  .has_after_key = (p).has_after_key, .after_key = (p).after_key, .after_id = (p).after_id,        \
  .page = (p).limit + 1

/* ---- answers ---- */

/* Ready-made continuations. All of them: no row is not_found; a column `_refusal` with a problem's
 * code is that problem (with `_detail` as its detail, and the field that `_pointer` names as its
 * fault, of the kind `_fault`, when there are such columns); a column `_until` bounds how long a
 * cached list is kept; else: */
struct step answer_one(struct request *q, const struct rows *r) MUST_USE;     /* 200, with ETag */
struct step answer_created(struct request *q, const struct rows *r) MUST_USE; /* 201, Location */
struct step answer_done(struct request *q, const struct rows *r) MUST_USE;    /* 204 */
struct step answer_page(struct request *q, const struct rows *r) MUST_USE;    /* list with cursor */
struct step answer_all(struct request *q, const struct rows *r) MUST_USE;     /* {"data": […]} */
/* answer_page whose objects `more` goes on writing, with members that no column holds. */
typedef void row_more(struct request *q, const struct rows *r, int i, struct builder *b);
struct step answer_page_with(struct request *q, const struct rows *r, row_more *more) MUST_USE;
/* 200 or 201 by a column `_created bool`. */
struct step answer_made(struct request *q, const struct rows *r) MUST_USE;
struct step answer_accepted(struct request *q,
                            const struct rows *r) MUST_USE; /* 202, job's Location */

/* A cached answer that is about to be given will be another at this moment. */
void answer_until(struct request *q, micros at);

/* Did the statement refuse, or find nothing? Then the problem is set: return DONE. */
bool refused(struct request *q, const struct rows *r);
/* Is the representation in row 0 the one that If-Match names? True without the header. */
bool if_match_holds(struct request *q, const struct rows *r);
bool if_match_holds_for(struct request *q, struct text representation); /* the same by its JSON */
bool has_if_match(struct request *q);

/* Answers written by hand. The builder's memory is taken over. */
struct step reply(struct request *q, int status, const char *media, struct builder *b) MUST_USE;
struct step reply_json(struct request *q, int status, struct builder *b) MUST_USE;
struct step reply_json_tagged(struct request *q, int status,
                              struct builder *b) MUST_USE; /* with ETag */
struct step reply_empty(struct request *q, int status) MUST_USE;
void reply_header(struct request *q, const char *name, struct text value);
void reply_download(struct request *q, struct text filename); /* Content-Disposition, RFC 8187 */
/* A guess that missed: charges the route's budget per account, per address and overall. */
void charge_miss(struct request *q);
/* Where only misses are charged, but each call leaves a row behind: charges the account's general
 * budget, too. False: the problem is set, return DONE. */
bool charge_general(struct request *q);
/* For a signed-in GET whose answer can be the same for everybody in the community. from_memory: it
 * was answered already and still holds, return DONE. same_for_all: this answer is such a one; it is
 * kept until the generation changes, or its `_until` passes. */
bool from_memory(struct request *q);
void same_for_all(struct request *q);
/* Is the code known to be sold out, and not redeemed by the caller? */
bool sold_out_for(struct request *q, const struct digest *code);
/* To be called at each such refusal: true when so many came that the answer to code_sold_out is
 * wanted by sold_out_keep. */
bool sold_out_wanted(struct request *q, const struct digest *code);
enum { SOLD_OUT_HOLDERS_MOST = 4096 };
void sold_out_keep(struct request *q, const struct digest *code, const struct rows *r);
/* Tells every loop and process that what the public sees of this community has changed. Statements
 * of writers also notify `public COMMUNITY`. */
void raise_generation(struct request *q);
/* Of account_sessions_end: these sessions are over, for this process at once, if it commits. */
void end_sessions(struct request *q, const struct rows *r);

/* ---- routes ---- */

enum method { GET = 1, POST, PUT, PATCH, DELETE, METHOD_COUNT };
enum who { WHO_UNSET, ANYONE, SIGNED_IN, LECTURERS, OPERATORS, OWNERS };

enum field_kind {
  FIELD_END,
  FIELD_TEXT,   /* one line, least to most characters, no control or bidirectional characters */
  FIELD_PROSE,  /* as text, with line breaks */
  FIELD_SECRET, /* any characters; never logged, never shown */
  FIELD_SLUG,   /* a-z 0-9 -, 2 to 64 */
  FIELD_INT,    /* least to most */
  FIELD_BOOL,
  FIELD_TIME, /* RFC 3339 */
  FIELD_WALL, /* 2026-11-22T19:00, a wall clock's time without an offset */
  FIELD_UUID,
  FIELD_CHOICE, /* one of `choices`, separated by | */
  FIELD_WORDS,  /* {"zh-CN": …, "en": …}, at least one; each at most `most` characters */
  FIELD_TEXTS,  /* list of at most `most` texts of at most 200 characters */
  FIELD_IDS,    /* list of at most `most` UUIDs */
  FIELD_INTS,   /* list of 1 to `items` whole numbers, each from least to most */
  FIELD_OBJECT, /* of `shape` */
  FIELD_LIST,   /* of `shape` */
  FIELD_ANY     /* any JSON */
};
struct field {
  const char *name;
  enum field_kind kind;
  bool optional; /* in bodies: may be absent, and null in a merge patch; in replies: may be null */
  int64_t least, most, items;
  const char *choices;
  const struct shape *shape;
};
struct shape {
  const char *name, *says;
  const struct field *fields; /* ends with FIELD_END */
};
struct reply_kind {
  int status;
  const struct shape *shape; /* NULL: no body, or `media` */
  bool list, page;
  const char *media; /* other than JSON */
};
struct route {
  enum method method;
  const char *path;
  struct step (*handler)(struct request *q);
  const char *name; /* of the handler: operationId */
  enum who who;
  enum pace_class pace;
  const struct field *body; /* NULL: none */
  bool body_optional;
  bool raw; /* POST whose body is no JSON of ours: the handler reads body_raw() itself */
  const struct field *query; /* beside limit and cursor, which `pages` brings */
  bool pages;
  bool idempotent; /* POST that creates or pays: Idempotency-Key is stored with the effect */
  bool cached;     /* a public GET answered from memory while its generation holds */
  bool no_log;     /* probes */
  const struct reply_kind *replies;
  const enum problem *fails; /* beside those that the gates can give */
  const char *tag, *says;
};
extern const struct route routes[];
extern const size_t route_count;
extern const struct shape *const shapes[];
extern const size_t shape_count;
/* The OpenAPI 3.1 document of all routes, as JSON. */
void openapi_write(struct builder *b);
void openapi_lines(struct builder *b); /* the same, for reading: a member on each line */
/* The reference and the list of problems as HTML pages, for people. */
void reference_write(struct builder *b);
void problems_write(struct builder *b);
/* Problems that the gates may answer on this route, besides `fails`: into `out`, at most `room`. */
size_t route_gate_problems(const struct route *r, enum problem *out, size_t room);

#endif
