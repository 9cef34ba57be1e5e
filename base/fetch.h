/* Between fetch.c and fetch_mail.c only: the one header that shows libcurl. */
#ifndef LYCEUM_BASE_FETCH_H
#define LYCEUM_BASE_FETCH_H

#include "base/base.h"

#include <curl/curl.h>

struct transfer {          /* one call under way; malloc'ed, freed with its request's arena */
  struct fetcher *fetcher; /* NULL when it is not with libcurl (any more) */
  struct transfer *next, **link;
  struct request *q;
  fetch_next then;
  CURL *easy;
  struct curl_slist *headers, *recipients; /* libcurl borrows them until the end */
  curl_mime *mime;
  struct builder body;
  char error[CURL_ERROR_SIZE];
  struct fetched result;
};

/* Appends a header, its line breaks and controls taken out. False when memory runs out. */
bool fetch_header(struct transfer *t, struct text line);
bool fetch_has_header(const struct fetch_call *call, const char *name_and_colon);
/* Fills in all that is special to mail. False when memory runs out. */
bool fetch_mail(struct transfer *t, const struct fetch_call *call);

#endif
