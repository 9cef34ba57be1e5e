/* Who may do what: tokens and their keys, sessions, digests of codes, roles, rate limits.
 * Everything that loops share lives in one `struct house`: bounded, sharded, and no lock is held
 * across I/O. */
#ifndef LYCEUM_AUTH_H
#define LYCEUM_AUTH_H

#include "base/base.h"

struct house;

/* The server's secret and what is derived from it. */
struct secrets {
  struct digest pepper;   /* HMAC of invite codes and of challenge codes */
  struct digest sealing;  /* AES-256-GCM of what must be read again (codes, keys) */
  struct digest refresh;  /* refresh tokens */
  struct digest check_in; /* rotating check-in codes */
  struct digest gift;     /* links to gifts */
  struct digest role;     /* the database role's password */
};
/* From 64 hexadecimal digits (white space around them is fine); false when it is not that. */
bool secrets_from(struct text hex, struct secrets *out);

/* NULL when memory runs out. `issuer` is the public URL; token_seconds the life of a token;
 * pace_scale multiplies every rate limit. */
struct house *house_new(const struct secrets *s, const char *issuer, int64_t token_seconds,
                        int64_t pace_scale);
void house_free(struct house *h);
const struct secrets *house_secrets(const struct house *h);

/* ---- access tokens: JWT, ES256 (RFC 7519, RFC 8725, RFC 9068) ----------------------------- */

struct claims {
  struct caller caller; /* account, member, session, role; issued_at is set by token_issue */
  int64_t community;
  int64_t version; /* of the member: raised when role or state change */
};
struct issued {
  struct text token;
  micros expires_at;
};
/* Signs and fills the cache of verified tokens. `token` is NONE when there is no signing key. */
struct issued token_issue(struct house *h, struct arena *a, const struct claims *c);

enum verdict {
  TOKEN_GOOD,
  TOKEN_BAD,
  TOKEN_OLD,
  TOKEN_REVOKED,
  TOKEN_UNMET,
  TOKEN_UNKNOWN /* memory ran out in looking at it */
};
/* *out is all zero unless the verdict is TOKEN_GOOD. Checks form, algorithm, key, signature, typ,
 * iss, aud, times (60 s leeway on iat/nbf, none on exp) and revocation. A token seen before costs
 * one SHA-256. */
enum verdict token_verify(struct house *h, struct text token, struct claims *out);
/* The same for a token seen before; of any other it says TOKEN_UNMET, at the same small cost. */
enum verdict token_recall(struct house *h, struct text token, struct claims *out);

/* Keys are in the database, sealed; loaded at start and when told. Old ones are kept for
 * verification until they retire. */
struct key_record {
  struct text kid, sealed;        /* sealed PKCS #8 */
  micros active_from, retired_at; /* signs from; verifies until (0: no end is set) */
};
/* Takes the place of all keys loaded before. The newest active key signs. A rotation therefore adds
 * a key and gives the one before a retired_at that lies a token's life in the future; to void all
 * that a leaked key signed, its retired_at is the present. False, and nothing changed, when one
 * can't be opened. */
bool house_keys(struct house *h, const struct key_record *keys, size_t count);
bool key_make(const struct secrets *s, struct arena *a, struct text *kid, struct text *sealed,
              struct text *jwk); /* a fresh P-256 key; kid is its RFC 7638 thumbprint */
void house_jwks(struct house *h, struct builder *b); /* RFC 7517 */

/* ---- revocation, as told by NOTIFY and by this process's own writes ----------------------- */

void house_end_session(struct house *h, struct uuid session);
void house_member_changed(struct house *h, int64_t community, struct uuid member, int64_t version);
/* Payloads: `session UUID`, `member COMMUNITY UUID VERSION`, `keys`, `public COMMUNITY`. */
void house_hear(struct house *h, struct text payload);
/* Shared generations, raised by writers before they answer and by `public COMMUNITY`: what was
 * cached at another generation is not used. */
uint64_t house_generation(struct house *h, int64_t community);
void house_raise(struct house *h, int64_t community);
void house_raise_all(struct house *h);   /* after the listener was away */
bool house_keys_wanted(struct house *h); /* `keys` was heard since the last call */
/* Until when memory is trusted, in ticks; 0, as at start: not. Then sessions are asked of
 * PostgreSQL. One thread says it, which has first told what was missed (table revocation) and
 * raised all. Not trusted either while the table of revocations overflows. Ask before you look into
 * memory: what you saw before trust came back may be from before what was missed was told. */
void house_trust(struct house *h, uint64_t until);
bool house_trusted(const struct house *h);

/* ---- refresh tokens ----------------------------------------------------------------------- */

/* A refresh token is community | session | count | HMAC of all three, so a forged one is told
 * without a look-up, the shard is known before asking, its successor can be given twice when an
 * answer was lost, and an old one is recognised as reuse. */
struct refresh {
  int64_t community;
  struct uuid session;
  int64_t count;
};
struct text refresh_make(const struct secrets *s, struct arena *a, struct refresh r);
/* False also when `a` has no memory for it: look at a->failed before anybody is refused. */
bool refresh_parse(const struct secrets *s, struct arena *a, struct text token,
                   struct refresh *out);
struct digest refresh_digest(struct text token);

/* ---- invite codes, challenge codes, check-in codes ---------------------------------------- */

struct digest code_digest(const struct secrets *s, struct text normalised);
/* What operators may see again, bound to the row's id. open returns NONE when forged. */
struct text code_seal(const struct secrets *s, struct arena *a, struct uuid id, struct text code);
struct text code_open(const struct secrets *s, struct arena *a, struct uuid id, struct text sealed);
/* To whom an invoice is made out, as JSON; bound to the row. open returns NONE when forged. */
struct text invoice_seal(const struct secrets *s, struct arena *a, int64_t community,
                         struct uuid id, struct text whom);
struct text invoice_open(const struct secrets *s, struct arena *a, int64_t community,
                         struct uuid id, struct text sealed);
enum { CODE_HINT_MAX = 8 };
/* The first few symbols and an ellipsis: enough to tell codes apart, of no use to a guesser. */
void code_hint(struct text normalised, char out[static CODE_HINT_MAX]);
/* Of a way to be a person (`email`, …; its subject; the app's id or NONE), where it must be
 * recognised but not kept: budgets of strangers, and whom a ban keeps out. */
struct digest contact_digest(const struct secrets *s, struct text provider, struct text app,
                             struct text subject);
/* Of a 6-digit code for one challenge; of more than 38 bytes the rest is ignored. */
struct digest challenge_digest(const struct secrets *s, struct uuid challenge, struct text code);
enum { CHECK_IN_STEP_SECONDS = 15, CHECK_IN_DIGITS = 8 };
/* The code of a lecture in the 15 s step that holds `at`: base32 symbols, NUL-terminated. */
void check_in_code(const struct secrets *s, int64_t community, struct uuid lecture, micros at,
                   char out[static CHECK_IN_DIGITS + 1]);
/* Of the present or the previous step; read forgivingly (case, spaces, dashes, O as 0, I and L as
 * 1). */
bool check_in_valid(const struct secrets *s, int64_t community, struct uuid lecture, micros at,
                    struct text code);

/* ---- links to gifts -----------------------------------------------------------------------

 * Nothing is stored: a link's token is the gift's id and what only this server can make of it. It
 * is good in one community. */
struct text gift_token(const struct secrets *s, struct arena *a, int64_t community,
                       struct uuid gift);
bool gift_token_read(const struct secrets *s, struct arena *a, int64_t community, struct text token,
                     struct uuid *out);

/* ---- roles -------------------------------------------------------------------------------- */

enum role role_of(struct text name); /* ROLE_NOBODY when unknown */
const char *role_name(enum role r);
/* May `who` give `role` to somebody who is `whom`? Operators manage up to lecturers; owners manage
 * all. To change a member's state, `role` is `whom`. */
bool may_manage(enum role who, enum role whom, enum role role);

/* ---- pace: rate limits -------------------------------------------------------------------- */

enum pace_class { PACE_NONE, GENERAL, SIGN_INS, SIGN_UPS, GUESSES, CHALLENGES, PACE_COUNT };
enum pace_scope { PER_ACCOUNT, PER_ADDRESS, OVERALL };
struct pace_state {
  bool allowed;
  int64_t limit, remaining; /* in the window; limit 0: there is no budget */
  uint32_t window;          /* seconds */
  uint32_t reset;           /* seconds until the budget is whole, or, refused, until one more try */
};
const char *pace_name(enum pace_class c);
/* GCRA over a bounded table. take counts one request, unless it is refused; look only looks;
 * PER_ADDRESS and OVERALL budgets are charged by failures only, for one hall is one address. `who`
 * is the account (of a sign-in the login, of a challenge the contact) or pace_address(); OVERALL
 * ignores it. */
struct pace_state pace_take(struct house *h, enum pace_class c, enum pace_scope s, struct text who);
struct pace_state pace_look(struct house *h, enum pace_class c, enum pace_scope s, struct text who);
/* The address that counts: the peer, or, when the peer is a trusted proxy, the right-most address
 * of X-Forwarded-For that is not one. IPv6 is cut to its /64. */
struct text pace_address(struct arena *a, const char *trusted, struct text peer,
                         struct text forwarded_for);
bool address_trusted(const char *trusted, struct text peer); /* a proxy that we believe? */

#endif
