/* Between fetch.c and fetch_*.c only: the one header that shows libcurl. */
#ifndef LYCEUM_BASE_FETCH_H
#define LYCEUM_BASE_FETCH_H

#include "base/base.h"

#include <curl/curl.h>

struct transfer {    /* one call under way; malloc'ed */
  struct request *q; /* NULL when it has gone */
  fetch_next then;
  CURL *easy;
  struct curl_slist *headers, *recipients; /* libcurl borrows them until the end */
  curl_mime *mime;
  struct builder body;
  char error[CURL_ERROR_SIZE];
  struct fetched result;
  size_t answer_most;            /* 0: no cutting */
  bool cut;                      /* the answer was longer than that */
  bool kept_out;                 /* it led to an address that is not public */
  struct transfer *next, **link; /* of those under way; the loop alone touches it */
  bool in_arena;                 /* the request's arena has a claim on it */

  struct fetcher *fetcher; /* HTTP: NULL when it is not with libcurl (any more) */
  bool orphan;             /* HTTP: the multi handle that it was with is gone */

  struct post post; /* mail: brings it back from its thread */
  struct mailer *mailer;
  struct transfer *queued; /* mail: the next that waits for a thread */
  bool taken;              /* mail: a thread has it, or it is on its way back */
  CURLcode code;
};

/* fetch.c */
void fetch_ended(struct transfer *t, CURLcode code); /* tells the request; may free t */
void fetch_free(struct transfer *t);
/* Appends a header, its line breaks and controls taken out. False when memory runs out. */
bool fetch_header(struct transfer *t, struct text line);
bool fetch_has_header(const struct fetch_call *call, const char *name_and_colon);
long fetch_timeout(const struct fetch_call *call); /* milliseconds */

/* fetch_foreign.c: fills in what keeps a foreign URL in its bounds. False when memory runs out. */
bool fetch_foreign(struct transfer *t, const struct fetch_call *call);

/* address.c */
struct sockaddr;
bool address_is_public(const struct sockaddr *a);

/* fetch_mail.c: fills in all that is special to mail. False when memory runs out. */
bool fetch_mail(struct transfer *t, const struct fetch_call *call);

/* fetch_mailer.c: the threads that talk to mail servers, per loop. */
struct mailer *mailer_new(struct loop *l);
void mailer_free(struct mailer *m);
/* Sets what the request waits for. False when no thread can be started, or without memory. */
bool mailer_take(struct mailer *m, struct transfer *t);

#endif
