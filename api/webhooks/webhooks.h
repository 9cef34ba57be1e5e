/* What the files of webhooks share. */
#ifndef LYCEUM_API_WEBHOOKS_H
#define LYCEUM_API_WEBHOOKS_H

#include "api/api.h"

struct webhook_given { /* what came in, judged and sealed */
  struct uuid id;
  struct text url, secret, sealed;
  bool plain; /* it is http, and this server does not take that everywhere */
};

/* Judges `url` if it is there; faults are added to the request. */
void webhook_read_url(struct request *q, struct webhook_given *g);
/* The secret that came, or a new one; sealed for g->id. Faults are added to the request. */
void webhook_read_secret(struct request *q, struct webhook_given *g);

#endif
