/* Webhooks out, as Standard Webhooks 1.0.0 has them: shown to the other rooms by gateways.h. */
#ifndef LYCEUM_WEBHOOK_H
#define LYCEUM_WEBHOOK_H

#include "base/base.h"

/* A secret is 24 to 64 bytes; people see `whsec_` and its base64. */
enum { WEBHOOK_SECRET_LEAST = 24, WEBHOOK_SECRET_MADE = 32, WEBHOOK_SECRET_MOST = 64 };
struct text webhook_secret_new(struct arena *a);
/* The bytes of one that somebody chose; NONE when it has another form or size. */
struct text webhook_secret_read(struct arena *a, struct text shown);
struct text webhook_secret_show(struct arena *a, struct text secret);

/* Sealed for one endpoint of one community; open gives NONE when it was forged. */
struct text webhook_secret_seal(struct arena *a, const struct digest *key, int64_t community,
                                struct uuid endpoint, struct text secret);
struct text webhook_secret_open(struct arena *a, const struct digest *key, int64_t community,
                                struct uuid endpoint, struct text sealed);

struct webhook {  /* one try to send */
  struct uuid id; /* the event's: the same at each try */
  struct text url, payload;
  struct text secrets[2]; /* the present one; the one before it, or NONE */
  micros at;              /* of this try */
  bool plain_too;         /* http is good */
  bool private_too;       /* private networks are, too */
};
/* The value of webhook-signature: one for each secret. */
struct text webhook_signature(struct arena *a, const struct webhook *w);
/* Sends it. No redirects; 15 s; of the answer the first WEBHOOK_ANSWER_MOST bytes. */
enum { WEBHOOK_ANSWER_MOST = 1024 };
struct step webhook_send(struct request *q, const struct webhook *w, fetch_next next) MUST_USE;

/* What came of it. */
enum webhook_fate { WEBHOOK_DELIVERED, WEBHOOK_LATER, WEBHOOK_GONE };
enum webhook_fate webhook_fate(const struct fetched *f);
/* Bytes that another system sent, as clean text of at most so many bytes. */
struct text webhook_words(struct arena *a, struct text t, size_t most);

#endif
