/* What the endpoints share by which a visitor becomes somebody: proving a contact, hashing a
 * password, what a changed one brings about, and the answer that hands out a session's tokens. */
#ifndef LYCEUM_API_IDENTITY_H
#define LYCEUM_API_IDENTITY_H

#include "api/api.h"
#include "db/sql.h"

/* A visitor on the way to a session; the request's state. What a request has not got to is zero. */
struct visit {
  next_step next;                        /* after what is under way */
  struct uuid challenge;                 /* whose code was right; zero: signed in by password */
  struct text provider, subject;         /* the contact */
  bool known;                            /* it is somebody's */
  struct account_of_contact_row account; /* whose; a newcomer's has only an id */
  struct hashing *hashing;               /* under way; the pool's */
  bool hash_known;                       /* there was a hash to compare with */
  bool verified;                         /* the password was right */
  struct text password_hash;             /* of a new password; NONE: none */
  struct uuid session;
  struct text refresh;
};
static inline struct visit *visit_of(struct request *q) {
  return q->state;
}
struct visit *visit_new(struct request *q);

/* proof.c */
/* Spends a try of body's `challenge` on body's `code`; when it is right, the contact is proven and
 * looked up. Else the answer is challenge_failed. `purposes` live as long as the request. */
struct step prove(struct request *q, const struct text *purposes, size_t count,
                  next_step next) MUST_USE;
/* The six digits of a challenge as they were typed: spaces and full-width digits forgiven. */
struct text code_typed(struct request *q);
/* Looks visit's provider and subject up. */
struct step find_account(struct request *q, next_step next) MUST_USE;

/* hashing.c: on the pool; when its queue is full, the answer is rate_limited. */
/* Sets visit's `verified`. A `hash` of NONE costs the same work, and is never right. */
struct step verify_password(struct request *q, struct text hash, struct text password,
                            next_step next) MUST_USE;
/* Sets visit's `password_hash`. */
struct step hash_password(struct request *q, struct text password, next_step next) MUST_USE;

/* changed.c */
/* Ends the sessions of an account whose password has just been changed, but `except` (zero: none is
 * kept), and writes so to visit's subject, if there is one. Answers 204. */
struct step password_changed(struct request *q, struct uuid account, struct uuid except) MUST_USE;

/* tokens.c */
/* A new session's id and first refresh token, for the community of the request. */
void session_new(struct request *q, struct visit *v);
struct text digest_text(struct request *q, struct digest d);
struct text refresh_digest_of(struct request *q, struct text refresh);
struct text row_json(struct request *q, const struct rows *r); /* the first row, as an object */
struct signed_in { /* what an answer with tokens is made of */
  struct uuid account, member, session;
  struct text role, refresh;
  int64_t version;
  micros expires_at; /* of the session */
};
/* `member` is JSON; `more` is a JSON member to add (`"name":value`), or NONE. */
struct step reply_signed_in(struct request *q, int status, const struct signed_in *s,
                            struct text member, struct text more) MUST_USE;
/* 201 with the session of the visit, as session_open's row has it. */
struct step reply_opened(struct request *q, const struct rows *r, struct uuid account) MUST_USE;

#endif
