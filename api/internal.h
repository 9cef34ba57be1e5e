/* What the files of api/ share: the exchange, one HTTP request and its answer. */
#ifndef LYCEUM_API_INTERNAL_H
#define LYCEUM_API_INTERNAL_H

#include "api/api.h"

enum { PATH_PARAMS = 4, REPLY_HEADERS = 12, QUERY_PARAMS = 16, BODY_MOST = 60 << 10 };
enum { TARGET_MOST = 4096, SEGMENTS_MOST = 12 };

struct name_value {
  struct text name, value;
};

enum stage {
  STAGE_HEAD,     /* the request line came */
  STAGE_BODY,     /* reading the body */
  STAGE_RUNNING,  /* in the handler, called by libmicrohttpd */
  STAGE_WAITING,  /* suspended until something continues it */
  STAGE_ANSWERED, /* the response is ready to be queued */
};

struct exchange {
  struct request q; /* first: a request of the API is an exchange */
  struct api *api;
  struct intake *intake; /* of its loop */
  struct MHD_Connection *connection;
  struct exchange *after, *before; /* in the line of strangers */
  next_step admitted;              /* what the stranger goes on with */
  struct line *line;
  enum stage stage;
  bool suspended;
  bool closes;      /* the connection, with the answer */
  uint64_t came_at; /* time_nanos() */
  struct text method_text, target, path, query_string;
  enum method method;
  bool head;
  const struct route *route; /* NULL: none */
  struct text path_params[PATH_PARAMS];
  struct name_value query[QUERY_PARAMS];
  size_t query_count;
  struct builder raw_body;
  size_t body_came; /* bytes, kept or not */
  struct json *body;
  struct text address;
  struct pace_state pace;
  uint64_t generation; /* of the community when the request began; for the cache */
  /* The answer */
  int status;
  const char *media;
  struct builder answer;
  struct text etag;
  micros until;       /* the answer holds no longer than this; 0: until something changes */
  bool raises;        /* what the public sees has changed */
  struct ended *ends; /* sessions */
  bool shared;        /* the same for everybody signed in: may be kept */
  bool from_memory;
  struct name_value headers[REPLY_HEADERS];
  size_t header_count;
  /* Idempotency-Key */
  struct text idempotency_key;
  struct digest idempotency_hash;
  bool idempotency_open;
};
static inline struct exchange *exchange_of(const struct request *q) {
  return (struct exchange *)(uintptr_t)q;
}

/* strangers.c: who comes with a token not met before, which costs some 75 us to examine. A turn of
 * the loop examines a few of them; the others wait in line, so that links, timers and whoever is
 * known already never stand still for a crowd. */
struct strangers {
  struct exchange *first, *last; /* who waits */
  int examined;                  /* in this turn */
};
bool stranger_enters(struct intake *in); /* false: this turn has had enough */
struct step stranger_waits(struct request *q, next_step next) MUST_USE; /* next(q), in its turn */
void strangers_turn(struct intake *in);                                 /* a turn begins */

/* One loop's side of libmicrohttpd. */
struct intake {
  struct loop *loop;
  struct api *api;
  struct MHD_Daemon *daemon;
  struct watch watch; /* of the daemon's epoll */
  struct turn turn;
  struct timer drain; /* after SIGTERM: looks whether all is done */
  struct cache *cache;
  struct strangers strangers;
  struct sold_out *sold_out;
  uint64_t requests;     /* counted for request ids */
  int lines, lines_most; /* connections */
  bool quiet;            /* no longer accepts */
  bool refuses;          /* who comes now comes too late */
  uint64_t lingers_until;
};

/* patience.c */
struct line; /* a client's connection */
struct line *line_new(struct intake *in, int fd);
struct exchange **line_asks(struct line *l); /* where the request under way on it is kept */
bool line_is_surplus(const struct line *l);  /* came when there were enough: it is told so */
void line_rests(struct line *l);             /* between requests; NULL is fine for all of these */
void line_works(struct line *l);             /* a request has begun: its deadlines hold now */
void line_answers(struct line *l); /* until it rests again: who takes nothing is cut off */
void line_cut(struct line *l);
void line_free(struct line *l);

/* intake.c */
void exchange_finished(struct request *q);

/* reply.c */
void deliver(struct exchange *x); /* fills the answer and hands it to libmicrohttpd */
int queue_answer(struct exchange *x);

/* gates.c */
struct step gates_pass(struct request *q) MUST_USE; /* all gates, then the handler */

/* router.c */
bool router_open(void); /* once per process; false when routes.def contradicts itself */
/* Finds the route; NULL with *allowed set to the methods' mask when the path exists. */
const struct route *route_find(struct text path, enum method m, struct text params[PATH_PARAMS],
                               unsigned *allowed);
struct text path_param(const struct exchange *x, const char *name);

/* target.c */
bool query_parse(struct exchange *x); /* false: malformed */
struct text cursor_make(struct arena *a, micros key, struct uuid id);

/* shape.c */
/* What a list of this kind holds, and how many at most (0: any number). */
struct field list_item(const struct field *f);
int64_t list_most(const struct field *f);
void body_check(struct request *q, const struct field *fields, const struct json *j, bool patch);
void query_check(struct request *q, const struct route *r);

/* language.c */
bool prefers_chinese(struct text accept_language);
bool accepts(struct text accept, const char *media);
bool accepts_gzip(struct text accept_encoding);

/* problem.c */
void problem_write(struct exchange *x);

/* cache.c */
struct cache;
struct cache *cache_new(void);
void cache_free(struct cache *c);
bool cache_answer(struct exchange *x); /* fills the answer from memory */
void cache_keep(struct exchange *x);
void cache_raise(
    struct exchange *x); /* what raise_generation() and end_sessions() have asked for */
bool community_known(struct cache *c, struct text slug, int64_t *community);
void community_keep(struct cache *c, struct text slug, int64_t community);
static inline struct cache *cache_of(struct exchange *x) {
  return x->intake->cache;
}

/* sold_out.c */
struct sold_out;
struct sold_out *sold_out_new(void);
void sold_out_free(struct sold_out *all);

/* answer.c */
struct text etag_of(struct arena *a, struct text body);
bool etag_listed(struct text list, struct text etag);

/* idempotency.c */
struct step idempotency_open(struct request *q, next_step next) MUST_USE;
struct step idempotency_end(struct request *q) MUST_USE; /* stores and commits, or rolls back */

#endif
