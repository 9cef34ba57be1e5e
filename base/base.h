/* What every room stands on: texts, arenas, the loop, the request and its steps, and the doors to
 * OpenSSL, Jansson, libcurl and argon2. Nothing here knows of HTTP routes or of SQL.
 *
 * A request is a unit of work (an HTTP exchange or a run of a job). It lives on one loop and is
 * touched by that loop's thread only. Its handler returns a step: either it waits for something
 * that names the function to continue with, or it is done. */
#ifndef LYCEUM_BASE_H
#define LYCEUM_BASE_H

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE                        __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a)               __attribute__((format(printf, f, a), nonnull(f)))
#define COUNT(array)                    (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* ---- text: bytes with a length, borrowed from somebody; at == NULL means "none" -------------- */

struct text {
  const char *at;
  size_t len;
};
#define LIT(s)       ((struct text){(s), sizeof(s) - 1})
#define NONE         ((struct text){NULL, 0})
#define TEXT_ARGS(t) (int)(t).len, (t).at /* for "%.*s" */

struct text text_of(const char *s); /* NULL gives NONE */
bool text_equal(struct text a, struct text b);
bool text_is(struct text a, const char *b);
bool text_starts(struct text a, const char *prefix);
struct text text_trim(struct text a); /* ASCII white space off both ends */
/* Cuts at the first `by`: returns what is before it and moves *rest behind it; without `by` returns
 * all and leaves *rest at NONE. */
struct text text_cut(struct text *rest, char by);
bool text_to_int(struct text a, int64_t *out); /* whole text, decimal, no overflow */
bool text_is_utf8(struct text a);
size_t text_codepoints(struct text a);
/* Control characters (C0, C1, DEL) and bidirectional controls: refused in names. Newline and tab
 * pass only where `multiline`. */
bool text_is_clean(struct text a, bool multiline);

/* ---- uuid and time --------------------------------------------------------------------------- */

struct uuid {
  uint8_t b[16];
};
struct uuid uuid_new(void); /* version 7 (RFC 9562), monotonic within a thread */
bool uuid_parse(struct text t, struct uuid *out);
void uuid_write(struct uuid u, char out[static 37]); /* 36 characters and NUL */
bool uuid_is_zero(struct uuid u);                    /* the zero UUID stands for NULL */
bool uuid_equal(struct uuid a, struct uuid b);

typedef int64_t micros;    /* since 1970-01-01T00:00:00Z */
micros time_now(void);     /* wall clock */
uint64_t time_ticks(void); /* monotonic, milliseconds */
uint64_t time_nanos(void); /* monotonic, nanoseconds */
/* RFC 3339 in UTC with milliseconds, `2026-11-22T08:30:00.000Z`: 24 characters and NUL. */
void time_write(micros t, char out[static 32]);
/* RFC 3339 with any offset; fractions beyond microseconds are cut. */
bool time_parse(struct text t, micros *out);

/* ---- arena: one request, one arena ------------------------------------------------------------
 */

/* Memory that is given back at once. It never returns NULL: when memory runs out it hands out of a
 * small reserve of its thread and sets `failed`, and whoever owns the arena answers "out of memory"
 * instead of the result, so that handlers need no check. What a failed arena handed out may
 * overlap: it is good for writing, and a list of unknown length is not to be linked out of it.
 * Above ARENA_LARGEST arena_alloc aborts (bound your counts first), and the texts below come out
 * empty with `failed` set: large bodies are written with a builder. */
struct arena {
  struct arena_chunk *chunks; /* newest first */
  struct arena_clean *cleans; /* run newest first by arena_free */
  char *at;                   /* next free byte of the newest chunk */
  size_t room;                /* bytes left there */
  size_t total;               /* taken from malloc so far */
  bool failed;                /* memory ran out or the cap was reached */
};
enum { ARENA_CHUNK = 8192, ARENA_LARGEST = 65536, ARENA_CAP = 8 << 20 };

void *arena_alloc(struct arena *a, size_t size);        /* zeroed, aligned for any type */
struct text arena_copy(struct arena *a, struct text t); /* NUL-terminated copy; NONE stays NONE */
struct text arena_printf(struct arena *a, const char *format, ...) PRINTF_LIKE(2, 3);
void arena_defer(struct arena *a, void (*clean)(void *), void *what);
void arena_free(struct arena *a); /* runs the clean-ups; the arena is empty and usable again */
#define NEW(arena, type) ((type *)arena_alloc((arena), sizeof(type)))

/* ---- builder: a growing buffer with a maximum -------------------------------------------------
 */

struct builder {
  char *at;    /* malloc'ed; NULL when empty */
  size_t len;  /* bytes written */
  size_t room; /* bytes allocated */
  size_t cap;  /* never grows beyond; 0 means BUILDER_CAP */
  bool failed; /* a write did not fit or memory ran out: what is there is not to be used */
};
enum { BUILDER_CAP = 4 << 20 };

void build_bytes(struct builder *b, const void *bytes, size_t len);
void build_text(struct builder *b, struct text t);
void build_str(struct builder *b, const char *s);
void build_char(struct builder *b, char c);
void build_int(struct builder *b, int64_t n);
void build_uuid(struct builder *b, struct uuid u);
void build_time(struct builder *b, micros t);
void build_printf(struct builder *b, const char *format, ...) PRINTF_LIKE(2, 3);
void build_quoted(struct builder *b, struct text t); /* a JSON string with its quotes, RFC 8259 */
void build_html(struct builder *b, struct text t);   /* & < > " ' escaped */
struct text built(const struct builder *b);          /* NONE when it failed or is empty */
void builder_free(struct builder *b);
/* Copies what was built and frees the builder. One that failed takes the arena along. */
struct text arena_built(struct arena *a, struct builder *b);

/* ---- JSON in (Jansson) ------------------------------------------------------------------------
 */

struct json; /* a value; owned by the document, which the arena owns */
enum json_kind {
  JSON_NONE,
  JSON_NULL,
  JSON_BOOL,
  JSON_INT,
  JSON_REAL,
  JSON_TEXT,
  JSON_LIST,
  JSON_OBJECT
};

/* Libraries may tell unclearly that memory ran out: to OpenSSL a signature is then wrong, and what
 * was sealed forged. It allocates through memory.c, which knows. */
void *memory_take(size_t size);
void *memory_retake(void *p, size_t size);
void memory_missed(void);  /* where the library's own result says so */
bool memory_ran_out(void); /* on this thread, since this was asked last */

/* Parses strictly: duplicate keys, invalid UTF-8, NUL, depth over 32 and trailing bytes are
 * refused. On failure returns NULL and *why (in the arena) tells where, unless the arena failed. */
struct json *json_parse(struct arena *a, struct text t, struct text *why);
enum json_kind json_kind(const struct json *j);                    /* JSON_NONE for NULL */
struct json *json_get(const struct json *object, const char *key); /* NULL when absent */
struct text json_text(const struct json *j);                       /* NONE unless JSON_TEXT */
int64_t json_int(const struct json *j);                            /* 0 unless JSON_INT */
bool json_bool(const struct json *j);
size_t json_count(const struct json *list_or_object);
struct json *json_at(const struct json *list, size_t i);
/* Walks an object: start with *it NULL; returns false at the end. */
bool json_each(struct json *object, void **it, struct text *key, struct json **value);
void json_write(struct builder *b, const struct json *j); /* compact, keys in their order */

/* ---- cryptography (OpenSSL 3, argon2) ----------------------------------------------------------
 */

/* Digests report no failure: without memory, after some tries, they abort the process. */
struct digest {
  uint8_t b[32];
};
void crypto_random(void *out,
                   size_t len); /* aborts when the system has none: nothing is safe then */
bool crypto_equal(const void *a, const void *b, size_t len); /* constant time */
/* False when OpenSSL has no memory to begin with: later calls would follow a NULL or abort. */
bool crypto_start(void);
struct digest crypto_sha256(struct text t);
struct digest crypto_hmac(const struct digest *key, struct text t); /* HMAC-SHA256, RFC 2104 */
struct digest crypto_hmac_of(struct text key, struct text t);       /* the same, keys of any size */
/* A sub-key for one purpose out of the server's secret: HKDF-SHA256, RFC 5869. */
struct digest crypto_derive(struct text secret, const char *purpose);
/* AES-256-GCM with a random nonce: out = nonce(12) | ciphertext | tag(16), in the arena. `bound` is
 * authenticated, not stored: it ties a sealed text to its row. open returns NONE when forged. */
struct text crypto_seal(struct arena *a, const struct digest *key, struct text bound,
                        struct text t);
struct text crypto_open(struct arena *a, const struct digest *key, struct text bound,
                        struct text t);
/* Is at least one certificate (PEM) to be read from it, and nothing wrong with the others? */
bool crypto_has_certificates(const char *file);
struct text base64url(struct arena *a, struct text t); /* RFC 4648 section 5, no padding */
/* Strict: no padding, no white space, and only the canonical spelling (unused bits zero). */
struct text base64url_decode(struct arena *a, struct text t); /* NONE when malformed */
struct text base64(struct arena *a, struct text t);           /* RFC 4648 section 4, padded */
struct text base64_decode(struct arena *a, struct text t);    /* strict; NONE when malformed */
void hex_write(const void *bytes, size_t len, char *out);     /* 2 * len characters and NUL */
bool hex_parse(struct text t, void *out, size_t len);

struct ec_key; /* P-256; private, or public only */
struct ec_key *ec_key_new(void);
struct ec_key *ec_key_from_pkcs8(struct text der);
struct ec_key *ec_key_from_xy(const uint8_t xy[static 64]); /* public key, affine coordinates */
struct text ec_key_pkcs8(struct arena *a, const struct ec_key *k);
bool ec_key_xy(const struct ec_key *k, uint8_t xy[static 64]);
bool ec_sign(const struct ec_key *k, struct text t, uint8_t sig[static 64]); /* ES256, r | s */
bool ec_verify(const struct ec_key *k, struct text t, const uint8_t sig[static 64]);
/* Makes ec_verify three times as fast, where memory and OpenSSL allow. Takes some 40 ms, in which
 * the key serves others as before: so it is for a thread on which nobody waits. */
void ec_key_hasten(struct ec_key *k);
bool ec_key_is(const struct ec_key *k, struct text pkcs8); /* its own encoding, that is */
struct ec_key *ec_key_share(struct ec_key *k);             /* the same; each is freed for itself */
void ec_key_free(struct ec_key *k);

/* Argon2id (RFC 9106), 19 MiB, t=2, p=1 (OWASP): about 40 ms, so only ever on the work pool. `out`
 * receives the encoded string. */
enum { PASSWORD_HASH_MAX = 128 };
bool password_hash(struct text password, char out[static PASSWORD_HASH_MAX]);
bool password_verify(const char *encoded, struct text password);

struct request;
/* ---- problems: every failure, RFC 9457 ---------------------------------------------------------
 */

enum problem {
  NO_PROBLEM,
#define PROBLEM(name, code, status, en, zh) name,
#include "base/problem.def"
#undef PROBLEM
  PROBLEM_COUNT
};
struct problem_kind {
  const char *code; /* stable, never translated */
  int status;       /* HTTP status */
  const char *en, *zh;
};
const struct problem_kind *problem_kind(enum problem p);
enum problem problem_by_code(struct text code); /* NO_PROBLEM when unknown */

/* One fault of an input: where (RFC 6901 pointer, or the parameter's name), which, and in words. */
struct fault {
  struct fault *next;
  struct text pointer;
  const char *code; /* required, type, too_short, too_long, out_of_range, unknown, format, … */
  struct text detail_en, detail_zh;
};

/* ---- configuration: one option table -----------------------------------------------------------
 */

struct config {
#define OPTION(kind, name, fallback, env, help) kind name;
#include "base/options.def"
#undef OPTION
};
/* Reads the environment (LYCEUM_… and the few names of options.def). On a bad value returns false
 * after writing to `why` which option, what it was and what is accepted. */
bool config_load(struct config *c, struct builder *why);
void config_document(struct builder *b); /* Markdown table of all options */

/* ---- log and metrics ---------------------------------------------------------------------------
 */

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
void log_open(enum log_level least);
/* One line of logfmt on standard error: time, level, event and what `format` writes (already
 * `key=value`). Secrets have no place in a format; line breaks and controls are escaped. */
void log_write(enum log_level level, const char *event, const char *format, ...) PRINTF_LIKE(3, 4);

enum metric {
#define METRIC(name, type, help) name,
#include "base/metrics.def"
#undef METRIC
  METRIC_COUNT
};
void metric_add(enum metric m, int64_t n);       /* counters; gauges too, where n may be negative */
void metric_set(enum metric m, int64_t n);       /* gauges */
void metric_seconds(enum metric m, uint64_t ns); /* histograms, in nanoseconds */
int64_t metric_value(enum metric m);
void metrics_write(struct builder *b); /* OpenMetrics text without the closing # EOF */

/* ---- the loop ----------------------------------------------------------------------------------
 */

struct loop;
struct watch { /* a file descriptor that the loop watches; embed it, keep it in place */
  int fd;
  void (*ready)(struct watch *w, uint32_t events); /* EPOLLIN, EPOLLOUT, … */
};
struct timer {  /* fires once; embed it, zero it first */
  uint64_t due; /* time_ticks() */
  size_t place; /* 0: not set */
  void (*fire)(struct timer *t);
};
struct post { /* something handed to a loop by another thread; owned by the sender until run */
  struct post *next;
  void (*run)(struct post *p);
};
/* Called once at the end of every turn, the newest first: rooms open upwards, so what libmicrohttpd
 * hands in is asked of PostgreSQL by the flush that follows it, in the same turn. */
struct turn {
  struct turn *next;
  void (*run)(struct turn *t);
  int64_t (*wait)(struct turn *t); /* milliseconds it can wait, -1 for ever; may be NULL */
};

struct loop *loop_new(int number); /* NULL when the kernel refuses */
void loop_free(struct loop *l);
void loop_run(struct loop *l);  /* until loop_stop */
void loop_stop(struct loop *l); /* from any thread or a signal handler's thread */
int loop_number(const struct loop *l);
bool loop_watch(struct loop *l, struct watch *w, uint32_t events); /* adds or changes */
void loop_unwatch(struct loop *l, struct watch *w);
void loop_timer(struct loop *l, struct timer *t, uint64_t due); /* sets or moves */
void loop_untimer(struct loop *l, struct timer *t);
void loop_post(struct loop *l, struct post *p); /* from any thread */
void loop_each_turn(struct loop *l, struct turn *t);
uint64_t loop_now(const struct loop *l); /* time_ticks() at the start of this turn */
/* What a room keeps per loop (its pool, its daemon, its fetcher): one pointer a room. */
enum loop_room { ROOM_DB, ROOM_API, ROOM_FETCH, ROOM_JOBS, ROOM_AUTH, ROOM_COUNT };
void loop_keep(struct loop *l, enum loop_room room, void *what);
void *loop_kept(const struct loop *l, enum loop_room room);

/* ---- request and step --------------------------------------------------------------------------
 */

struct step {
  bool done;
};
typedef struct step (*next_step)(struct request *q);

enum role { ROLE_NOBODY, ROLE_GUEST, ROLE_MEMBER, ROLE_LECTURER, ROLE_OPERATOR, ROLE_OWNER };

struct caller { /* who asks: all zero when nobody signed in */
  struct uuid account, member, session;
  enum role role;
  int64_t issued_at; /* of the token, seconds */
};

struct request {
  struct loop *loop;
  struct arena arena;
  struct caller caller;
  int64_t community; /* 0: none */
  struct text id;    /* request id, for logs and problems */
  bool chinese;      /* the language of titles and details */
  /* What it waits for. abandon unlinks it and returns true when nothing can have happened, false
   * when the outcome is unknown. NULL: it waits for nothing. */
  bool (*abandon)(struct request *q);
  void *waits_on;
  struct timer deadline;
  enum problem problem;                /* set by problem() */
  struct text detail;                  /* more about it, in the request's language; or NONE */
  struct fault *faults;                /* newest last */
  bool done_something;                 /* committed already, whatever becomes of the answer */
  uint32_t retry_after;                /* seconds; 0: none */
  micros retry_at;                     /* of a problem: when the same will do; 0: unknown */
  void *state;                         /* the handler's own, between its steps; in the arena */
  void *held;                          /* db's: the link of an open transaction */
  bool alone;                          /* what it asks is not gathered with what others ask */
  void (*finished)(struct request *q); /* the owner's: answer, then free. Called exactly once */
};

#define WAITS ((struct step){false})
#define DONE  ((struct step){true})

/* Starts the deadline: when it passes, what is waited for is abandoned and the problem is DEADLINE
 * (nothing happened) or OUTCOME_UNKNOWN. */
void request_start(struct request *q, uint64_t deadline_ms);
/* Hands a step's result to the request: finishes it when done. Every event that continues a request
 * ends in this call. */
void request_take(struct request *q, struct step s);
void request_end(struct request *q); /* the owner's last call: timer off, arena freed */

struct step problem(struct request *q, enum problem p) MUST_USE;
struct step problem_because(struct request *q, enum problem p, struct text detail) MUST_USE;
/* The first FAULTS_MOST are told: a body of 60 KiB can hold thousands, and nobody reads them. */
enum { FAULTS_MOST = 100 };
void fault_add(struct request *q, struct text pointer, const char *code, struct text en,
               struct text zh);

/* ---- work: a bounded pool of threads for what burns CPU (password hashing) ----------------------
 */

struct work_pool;
struct work_pool *work_pool_new(int threads, int queue); /* NULL when no thread can start */
/* Waits for what runs and drops what is queued. Call it when the loops have stopped and before they
 * are freed. */
void work_pool_free(struct work_pool *p);
/* Runs `run(state)` on the pool, then `next(q)` on the loop. `state` must outlive an abandoned
 * request, so it is malloc'ed memory that the pool frees with free() after `next` or abandonment;
 * `run` touches nothing else. A full queue is the problem BUSY. */
struct step work(struct request *q, struct work_pool *p, void (*run)(void *), void *state,
                 next_step next) MUST_USE;

/* ---- fetch: outgoing HTTP and SMTP (libcurl) --------------------------------------------------
 */

/* Is the URL somebody else's? Then no proxy is used, and no connection made to a private network;
 * with FOREIGN_TLS it must be https, too. */
enum fetch_foreign { FOREIGN_NOT, FOREIGN_ANY, FOREIGN_TLS };
struct fetch_call {
  const char *url;            /* http(s):// or smtp(s):// */
  const char *method;         /* HTTP only */
  const char *const *headers; /* "Name: value", NULL-terminated; for SMTP the mail's headers */
  struct text body;
  const char *user, *password; /* NULL: none */
  const char *mail_from, *mail_to;
  struct text mail_text, mail_html; /* SMTP: alternative parts */
  uint32_t timeout_ms;              /* 0: 10,000 */
  bool start_tls;                   /* SMTP: demand STARTTLS */
  enum fetch_foreign foreign;
  bool private_too; /* foreign: private networks are no taboo */
  size_t
      answer_most; /* HTTP: what is longer is cut off, and no error; 0: 1 MiB, and longer is one */
};
struct fetched {
  int status;          /* HTTP status, or SMTP's last; 0 when none came */
  struct text body;    /* at most 1 MiB; lives as long as the request */
  const char *error;   /* libcurl's words; NULL when HTTP answered in full or the mail was taken */
  int64_t retry_after; /* seconds that the answer asks to wait; 0: none */
};
/* Is this IPv4 or IPv6 address one that anybody may be sent to? What is none is not. */
bool address_text_is_public(const char *text);
typedef struct step (*fetch_next)(struct request *q, const struct fetched *f);
/* All strings must live in the request's arena or longer. Line breaks are taken out of headers.
 * Mail gets Date and Message-ID unless they are given, and non-ASCII header values are encoded (RFC
 * 2047). Redirects are not followed. HTTP is done on the loop; mail by a few threads of the loop,
 * for libcurl blocks on a mail server's verdict. Abandoned once a thread has it, a mail is still
 * sent. */
struct step fetch(struct request *q, const struct fetch_call *call, fetch_next next) MUST_USE;
/* From now on the authorities in this PEM file are trusted besides the system's. Before the first
 * loop; the name must live as long as the process. False when no certificate can be read from it.
 */
bool fetch_trust(const char *file) MUST_USE;
bool fetch_open(struct loop *l);  /* once per loop */
void fetch_close(struct loop *l); /* when the loop has stopped: ends all talk, waits for nobody */

#endif
