/* PostgreSQL, and the only room that knows libpq. Handlers ask a generated statement (db/sql.h) and
 * name the function that continues with its rows; failures never reach them: fault.c turns
 * SQLSTATEs and constraint names into problems.
 *
 * Each loop keeps three pipelined links: one reads, one writes, one holds explicit transactions.
 * What is asked while a batch of the same statement is in flight gathers into the next batch, so
 * that one commit pays for all of them. */
#ifndef LYCEUM_DB_H
#define LYCEUM_DB_H

#include "base/base.h"

/* ---- statements: what the generator makes of db/sql/NAME.sql -----------------------------------
 */

enum sql_type {
  SQL_UUID,
  SQL_BIGINT,
  SQL_INT,
  SQL_BOOL,
  SQL_TEXT,
  SQL_BYTEA,
  SQL_TIME, /* timestamptz, as micros */
  SQL_JSON, /* as text */
  SQL_UUIDS,
  SQL_TEXTS,
  SQL_BIGINTS
};

/* A parameter or a column, and where its value lies in the generated struct. NULL is: no text
 * (at == NULL), the zero UUID, has == false for scalars, items == NULL for arrays. */
struct sql_slot {
  const char *name; /* as in SQL; a leading _ keeps a column out of JSON */
  enum sql_type type;
  bool required; /* never NULL */
  size_t offset; /* of the value in the struct */
  size_t has;    /* of its has_ flag, for nullable scalars; else SIZE_MAX */
};

enum sql_flag {
  SQL_READ = 1,   /* over the read link; asked again after a lost link */
  SQL_AGAIN = 2,  /* a write that may be asked again */
  SQL_MANY = 4,   /* batched: parameters are arrays, `ord` tells the element */
  SQL_GLOBAL = 8, /* no community_id parameter */
  SQL_STATEMENT_MAX_SLOTS = 40
};

struct statement {
  const char *name; /* also the prepared statement's name */
  const char *text;
  const char *lock; /* NAME_lock.sql of a batch, or NULL */
  unsigned flags;
  unsigned number; /* index in statements[] */
  const struct sql_slot *in;
  size_t in_count, in_size; /* in_size: bytes of the generated struct */
  const struct sql_slot *out;
  size_t out_count, out_size;
};
extern const struct statement *const statements[];
extern const size_t statement_count;

struct sql_list { /* value of an array parameter or column */
  size_t count;
  const void *items; /* struct uuid, struct text or int64_t; NULL: SQL NULL */
};

/* ---- rows ---------------------------------------------------------------------------------------
 */

/* Rows of one ask. They live until the continuation returns: one_… copies texts to the arena. */
struct rows {
  const struct statement *statement;
  struct pg_result *result; /* NULL: no rows */
  int first;                /* of the result, for an element of a batch */
  int count;
};
typedef struct step (*rows_next)(struct request *q, const struct rows *r);

/* Reads row i into the generated struct; false when there is no such row. */
bool rows_read(struct request *q, const struct rows *r, int i, const struct statement *s,
               void *row);
/* Writes row i as a JSON object: every column whose name has no leading underscore. */
void rows_object(const struct rows *r, int i, struct builder *b);
/* A timestamptz column in full; false when NULL. */
bool rows_time(const struct rows *r, int i, size_t column, micros *out);
/* The value of one column as in rows_object, without quotes; NONE when NULL. For CSV. */
struct text rows_cell(struct request *q, const struct rows *r, int i, size_t column);

/* ---- asking -------------------------------------------------------------------------------------
 */

/* Asks statement s with the struct at `in` (copied; the texts it names must live in the request's
 * arena or longer) and continues with `next`. Called through the generated ask_NAME(). */
struct step ask(struct request *q, const struct statement *s, rows_next next,
                const void *in) MUST_USE;

/* Opens an explicit transaction: takes the loop's transaction link and continues. From here on
 * every ask of this request runs inside, one after the other, alone on the link. The owner of the
 * request ends it, before it answers; a continuation must not wait for anything else in between. */
struct step begin(struct request *q, next_step next) MUST_USE;
bool in_transaction(const struct request *q);
/* Commits, or rolls back. After a failed commit q->problem says so. */
struct step commit(struct request *q, next_step next) MUST_USE;
struct step rollback(struct request *q, next_step next) MUST_USE;

/* ---- the pool of a loop, the listener, migrations -----------------------------------------------
 */

struct db_settings {
  const char *conninfo; /* of the server's role */
  bool prepared;        /* false: unnamed statements only (poolers) */
  int batch_max;        /* elements of one batch; 0: 512 */
  int queue_max;        /* asks waiting on one link; 0: 8,192 */
};
bool db_open(struct loop *l,
             const struct db_settings *s); /* dials; a lost link redials by itself */
void db_close(struct loop *l);
bool db_ready(struct loop *l); /* all links up */

/* Notifications (LISTEN lyceum) on a link of their own: payloads arrive on the loop that listens.
 * Until the moment (in ticks) of `proven_until` memory may be trusted: it is less than a second
 * after what the link has brought; 0: nothing is proven. `back` is called on every connect, the
 * first one too, for what may have been missed. */
struct listener;
struct listener *listener_open(struct loop *l, const struct db_settings *s,
                               void (*heard)(void *who, struct text payload),
                               void (*back)(void *who), void *who);
uint64_t listener_proven_until(const struct listener *n);
void listener_close(struct listener *n);

struct migration {
  const char *name; /* 0001_people */
  const char *text;
  const char *sha256; /* hexadecimal */
};
extern const struct migration migrations[];
extern const size_t migration_count;

/* ---- blocking: for the command line, and for jobs on threads of their own -----------------------
 *
 * A plain connection outside the loops. Where a function fails, it returns false (or NULL) and
 * leaves a sentence in *why: malloc'ed, the caller's to free; what was there before is freed. */

struct session;
struct session *session_open(const char *conninfo, char **why);
/* PostgreSQL is there and won't have us: a password, a database or a right is wrong. */
bool session_refused(const char *conninfo);
void session_close(struct session *s); /* NULL is fine */
/* Ends what all sessions of the process wait for, from any thread: their calls fail. */
void sessions_cut(void);
bool session_alive(const struct session *s);        /* as far as the last call told */
bool session_writes(struct session *s, char **why); /* the same: false when it only reads */
/* Runs SQL that may hold several statements, without parameters. */
bool session_run(struct session *s, const char *sql, char **why);
bool session_commit(struct session *s, char **why); /* false too when it came to a rollback */
/* Runs one generated statement (a batched one with one element); rows live until the next call. A
 * struct request of which only the arena is used serves to read them. */
bool session_ask(struct session *s, int64_t community, const struct statement *st, const void *in,
                 struct rows *r, char **why);
struct pg_conn *session_raw(struct session *s);                            /* for db/ only */
bool session_fails(char **why, const char *format, ...) PRINTF_LIKE(2, 3); /* false, always */

/* Applies what is missing, in order, each in its own transaction, under an advisory lock. Refuses
 * when an applied migration's checksum differs or the database knows newer ones. *applied counts;
 * `tell`, unless NULL, hears of each. Run by the owner. */
typedef void migrated(void *who, const struct migration *m, int64_t took_ms);
bool migrate(struct session *s, migrated *tell, void *who, int *applied, char **why);
/* Migrations the database still lacks: -1 when it can't be asked, has some that this binary does
 * not know, or has other ones of the same name. */
int migrations_missing(struct session *s, char **why);

/* The conninfo of the server's own role, from the owner's: other user and password. The owner's own
 * comes back when it names that role already. malloc'ed; NULL when it can't be parsed. */
char *server_conninfo(const char *owner, const char *role, const char *password, char **why);
/* Gives the role its login and password, and makes it a member of lyceum_server when it is another
 * one. Changes nothing when the role can connect already. Run by the owner. */
bool server_role_set(struct session *s, const char *role, const char *password, char **why);

/* COPY … FROM STDIN (FORMAT binary), one value after the other. A failure sticks until copy_end. */
struct copy {
  struct session *session;
  struct builder rows; /* not yet sent */
  bool failed;
};
bool copy_begin(struct copy *c, struct session *s, const char *sql, char **why);
void copy_row(struct copy *c, int fields); /* how many values follow */
void copy_uuid(struct copy *c, struct uuid u);
void copy_text(struct copy *c, struct text t);  /* NONE is NULL */
void copy_bytea(struct copy *c, struct text t); /* the same */
void copy_int8(struct copy *c, int64_t n);
void copy_int4(struct copy *c, int64_t n);
void copy_int2(struct copy *c, int64_t n);
void copy_bool(struct copy *c, bool b);
void copy_time(struct copy *c, micros t);
void copy_null(struct copy *c);
bool copy_end(struct copy *c, char **why); /* frees what copy_begin took, whatever comes */

#endif
