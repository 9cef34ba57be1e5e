/* The domain's pure logic: no I/O, no database, no clock. */
#ifndef LYCEUM_RULES_H
#define LYCEUM_RULES_H

#include "base/base.h"

/* ---- invite codes (K-codes) --------------------------------------------------------------- */

/* A machine-made code is 13 random symbols of Crockford's base32 (no I, L, O, U) and 2 check
 * symbols over GF(32) that catch every single wrong symbol and every swap of neighbours:
 * XXXXX-XXXXX-XXXXX. */
enum { CODE_SYMBOLS = 13, CODE_CHECKS = 2, CODE_LENGTH = 15, CODE_SHOWN = 17, CODE_MAX = 64 };

/* Reads forgivingly: case, spaces, dashes, full-width forms; writes the canonical form. Letters
 * that look alike (O as 0, I and L as 1) are folded too: `WELCOME` and `WE1C0ME` are one code. NONE
 * when it holds anything else than letters and digits, or is shorter than 4 or longer than
 * CODE_MAX. */
struct text code_normalise(struct arena *a, struct text typed);
enum code_form {
  CODE_CHOSEN,  /* not of the machine-made form */
  CODE_MACHINE, /* 15 symbols, checks hold */
  CODE_SLIP     /* 15 symbols of the alphabet, checks don't hold */
};
/* Whoever lets people choose a code refuses one that is a CODE_SLIP: nobody could redeem it. */
enum code_form code_form(struct text normalised);
/* From 13 values of 5 bits (the low bits of each byte): 15 symbols and NUL. */
void code_make(const uint8_t random[static CODE_SYMBOLS], char out[static CODE_LENGTH + 1]);
/* In groups of five, as shown to people: 17 characters and NUL. */
void code_show(const char code[static CODE_LENGTH], char out[static CODE_SHOWN + 1]);

/* ---- attendance --------------------------------------------------------------------------- */

enum mark {
  MARK_NONE,
  MARK_PRESENT,
  MARK_LATE,
  MARK_LEFT_EARLY,
  MARK_ABSENT,
  MARK_EXCUSED,
  MARK_MADE_UP
};
enum mark mark_of(struct text name); /* MARK_NONE when unknown */
const char *mark_name(enum mark m);

/* When check-in opens and closes around a lecture, and from when it counts as late. */
struct check_in_policy {
  int64_t opens_before_minutes; /* 30 */
  int64_t late_after_minutes;   /* 10 */
  int64_t closes_after_minutes; /* after the end; 0 */
};
enum check_in_time { CHECK_IN_EARLY, CHECK_IN_ON_TIME, CHECK_IN_LATE, CHECK_IN_CLOSED };
/* The bounds themselves belong to the better side: exactly at the late moment is on time, exactly
 * at the close is not closed. */
enum check_in_time check_in_time(struct check_in_policy p, micros start, micros end, micros at);

/* The attendance rate in hundredths of a percent, rounded half up, with what explains it. Present,
 * late, left early and made up count as attended; absent counts against; excused and unmarked
 * don't count. */
struct rate {
  int64_t numerator, denominator; /* lectures counted as attended; lectures that count */
  int64_t basis_points;           /* -1: nothing counts yet */
  int64_t best_basis_points;      /* if all that are still to come are attended */
};
struct rate attendance_rate(const int64_t counts[static MARK_MADE_UP + 1], int64_t still_to_come);

/* ---- passwords and names ------------------------------------------------------------------ */

/* 10 to 128 characters, none of the commonest, not one character repeated, not made of the login
 * alone (NIST SP 800-63B). */
bool password_acceptable(struct text password, struct text login);

/* ---- contacts ----------------------------------------------------------------------------- */

enum contact_kind { CONTACT_NONE, CONTACT_EMAIL, CONTACT_PHONE };
/* E-mail: RFC 5321 limits, unquoted, in lower case throughout, for no provider tells `Jo@` from
 * `jo@` and telephones capitalise what is typed first; phone: E.164 (`+8613800138000`; 7 to 15
 * digits, spaces and dashes are dropped). *canonical is in the arena; NONE when it is neither. */
enum contact_kind contact_read(struct arena *a, struct text typed, struct text *canonical);
/* `j…@example.org`, `+86…000`: enough to recognise, not to learn. */
struct text contact_hint(struct arena *a, struct text canonical);

/* ---- webhooks ----------------------------------------------------------------------------- */

enum webhook_url {
  WEBHOOK_URL_GOOD,
  WEBHOOK_URL_MALFORMED, /* or of another scheme */
  WEBHOOK_URL_USER,      /* name and password */
  WEBHOOK_URL_FRAGMENT,
  WEBHOOK_URL_PORT /* 443, 80, and 1024 and above are good */
};
/* Is it an address that webhooks may be sent to, by its form? Few characters are taken, so that no
 * two readers of URLs see two hosts in it. *plain: it is http; *host: its host, an IPv6 address
 * without its brackets. */
enum webhook_url webhook_url_read(struct text url, bool *plain, struct text *host);

enum { WEBHOOK_STEPS = 10 };
/* How many seconds to wait after so many tries that failed (1 is the first), at least as long as
 * the other side `asked` for, if that is within a day, and up to a fifth more by chance; -1: no
 * more tries. */
int64_t webhook_wait(int64_t tries, int64_t asked, uint32_t random);

#endif
