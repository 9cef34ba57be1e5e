/* Ways to pay: one file for each provider, one row for each in gateway.c. docs/GATEWAYS.md says how
 * one is written.
 *
 * A gateway does no I/O: it says what is to be sent, and reads what came back. Who sends it, how
 * often, and what follows from it is the same for all: pay_call() here, jobs/errands.c, and
 * payment_fact_apply() in the database. */
#ifndef LYCEUM_GATEWAY_H
#define LYCEUM_GATEWAY_H

#include "base/base.h"

struct gateways; /* gateways.h, which shows this header to the other rooms */

/* ---- a call: start, query, close, refund, stop ------------------------------------------------
 */

enum pay_what { PAY_START, PAY_QUERY, PAY_CLOSE, PAY_REFUND, PAY_STOP };

enum pay_state {
  PAY_AWAY,    /* no answer, or one that says "later": asking again may go better */
  PAY_REFUSED, /* the provider won't, however often it is asked; `why` says so */
  PAY_OPEN,    /* started, and not paid yet; of a refund: under way */
  PAY_PAID,
  PAY_FAILED,
  PAY_CLOSED,
  PAY_REFUNDED
};
struct pay_result {
  enum pay_state state;
  struct text ref;          /* the provider's name of the payment; of a refund, of that */
  struct text subscription; /* what a payment began, if it will be renewed by the provider */
  struct text pay_url;      /* where the payer goes; of a start */
  int64_t amount_minor;     /* of what was paid, to be compared */
  struct text currency;     /* the same */
  int64_t fee_minor;        /* what the provider kept, if it says so */
  micros at;                /* when it was paid; 0: now */
  const char *why;          /* for the log: no secrets, no names */
};
typedef struct step (*pay_next)(struct request *q, const struct pay_result *r);

struct pay { /* one call, and all that a gateway may need to make it */
  const struct gateway *gateway;
  const struct gateways *house;
  enum pay_what what;
  const struct json *settings; /* shown and secret ones, in one object */
  struct text slug;            /* of the community */
  struct uuid attempt;         /* ours: the idempotency key of a start, and our name of it */
  struct uuid request;         /* of a refund: its idempotency key */
  struct text ref;             /* the provider's name of the payment; NONE: not known yet; of a
                                * stop: its name of the subscription */
  struct text method, subject, reason;
  int64_t amount_minor;
  struct text currency;
  micros expires_at; /* 0: never */
  uint32_t timeout_ms;
  /* pay_call's own */
  pay_next next;
  int tries;
};

/* ---- notifications ----------------------------------------------------------------------------
 */

enum pay_fact {
  FACT_OTHER, /* good, and of no meaning for us */
  FACT_PAID,
  FACT_FAILED,
  FACT_CLOSED,
  FACT_REFUNDED,
  FACT_RENEWED,         /* a subscription was charged for its next period */
  FACT_RENEWAL_FAILED,  /* it could not be; the provider may try again */
  FACT_RENEWAL_STOPPED, /* it will not be charged any more */
  FACT_DISPUTED,
  FACT_WON,
  FACT_LOST
};
struct pay_facts { /* what a notification says; texts live as long as the arena */
  enum pay_fact kind;
  struct text event; /* the provider's id of the notification */
  struct text ref;   /* of the payment; NONE where there is none yet: a renewal failed or stopped */
  struct text subscription; /* of FACT_RENEW…; of FACT_PAID, when the provider renews from now on */
  struct uuid attempt, request;
  struct text refund_ref, dispute_ref, reason;
  int64_t amount_minor, fee_minor;
  struct text currency;
  micros at;
};
struct notice { /* as it came */
  struct text body;
  const struct json *settings;
  struct text (*header)(void *who, const char *name); /* NONE when absent */
  void *who;
  micros now;
};
/* Forged also when it is too old or too new, or when its body is not what was signed. */
enum notice_verdict { NOTICE_GOOD, NOTICE_FORGED, NOTICE_MALFORMED };
enum { NOTICE_SECONDS = 300 }; /* how far clocks may be apart, both ways */
/* Seconds since 1970 as a provider writes them: near enough to `now`? */
bool notice_in_time(struct text seconds, micros now);

/* ---- the providers ----------------------------------------------------------------------------
 */

struct gateway_field {
  const char *name;
  bool secret; /* sealed, never shown again but for a hint */
  bool words;  /* {"zh-CN": …, "en": …} instead of a text */
  bool made;   /* when it is not given, 64 random hexadecimal digits */
  bool hex;    /* 64 hexadecimal digits */
  bool required;
  size_t most; /* characters */
};
struct gateway {
  const char *name;                   /* as in the database and the API */
  const char *methods;                /* separated by | */
  bool demo;                          /* only in communities that are marked as a demonstration */
  const struct gateway_field *fields; /* ends with a NULL name */
  /* What is to be sent. False: it can't be said, a setting is missing. NULL: there is no such
   * thing with this provider. */
  bool (*start)(struct arena *a, const struct pay *p, struct fetch_call *c);
  bool (*query)(struct arena *a, const struct pay *p, struct fetch_call *c);
  bool (*close)(struct arena *a, const struct pay *p, struct fetch_call *c);
  bool (*refund)(struct arena *a, const struct pay *p, struct fetch_call *c);
  /* Ends a subscription, at once and without money. */
  bool (*stop)(struct arena *a, const struct pay *p, struct fetch_call *c);
  /* What an answer with a status below 500 means. */
  void (*read)(struct arena *a, const struct pay *p, const struct fetched *f,
               struct pay_result *out);
  /* Verifies a notification and reads it. NULL: there are none. */
  enum notice_verdict (*notice)(struct arena *a, const struct notice *n, struct pay_facts *out);
  const char *thanks; /* the body that it wants to hear; NULL: none (204) */
};
extern const struct gateway *const gateway_all[];
extern const size_t gateway_count;
const struct gateway *gateway_find(struct text name); /* NULL when unknown */
bool gateway_has_method(const struct gateway *g, struct text method);

extern const struct gateway gateway_hand, gateway_test;

/* Makes the call that p->what names, and continues with what came of it. While it runs q->state is
 * p. Once more at once when the connection broke or the provider stumbled: the call carries its
 * idempotency key, so it has one effect. A provider that fails five times in a row is left alone
 * for some seconds, and all calls to it are PAY_AWAY at once. */
struct step pay_call(struct request *q, struct pay *p, pay_next next) MUST_USE;

/* ---- settings ---------------------------------------------------------------------------------
 */

/* Secret settings as JSON, sealed for one provider of one community. */
struct text settings_seal(struct arena *a, const struct digest *key, int64_t community,
                          struct text provider, struct text json);
/* The settings as one object; NULL when they were forged, or sealed under another key. */
struct json *settings_open(struct arena *a, const struct digest *key, int64_t community,
                           struct text provider, struct text sealed, struct text shown);

/* ---- the built-in provider's side of it -------------------------------------------------------
 */

/* The value of Test-Signature: t=SECONDS,v1=HMAC-SHA256(secret, SECONDS "." body). */
struct text test_signature(struct arena *a, const struct json *settings, micros at,
                           struct text body);
/* Constant time, and within NOTICE_SECONDS of `now`. */
bool test_signed(const struct json *settings, struct text signature, micros now, struct text body);

#endif
