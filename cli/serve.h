/* The files that make `lyceum serve`. */
#ifndef LYCEUM_CLI_SERVE_H
#define LYCEUM_CLI_SERVE_H

#include "api/api.h"
#include "cli/cli.h"
#include "jobs/jobs.h"

struct watchman { /* of the loop that listens */
  struct loop *loop;
  struct api *api;
  struct deliverer *deliverer; /* on the same loop */
  struct errands *errands;     /* the same */
  struct webhooks *webhooks;   /* the same */
  struct listener *listener;
  struct timer timer;
  struct request q;                /* reads what was missed */
  bool caught_up;                  /* nothing is missing since the last connect */
  bool asking, loaded;             /* q is under way; its rows came */
  uint64_t again_at;               /* not asked before, after a failure */
  unsigned wanted, asked_for, had; /* connects and new keys heard of; at q's start; read */
};
bool watch_open(struct watchman *w, struct loop *l, struct api *api, const struct db_settings *s);
void watch_close(struct watchman *w); /* the loop runs no more; before db_close */

#endif
