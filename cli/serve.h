/* The files that make `lyceum serve`. */
#ifndef LYCEUM_CLI_SERVE_H
#define LYCEUM_CLI_SERVE_H

#include "api/api.h"
#include "cli/cli.h"
#include "jobs/jobs.h"

struct watchman { /* of one loop */
  struct loop *loop;
  struct api *api;
  struct deliverer *deliverer; /* of the loop that listens */
  struct timer timer;
  struct request q;                /* reads what was missed */
  atomic_bool *caught_up;          /* shared by all: nothing is missing since the last connect */
  bool listens;                    /* the one loop that has the listener */
  bool asking, loaded;             /* q is under way; its rows came */
  uint64_t again_at;               /* not asked before, after a failure */
  unsigned wanted, asked_for, had; /* connects and new keys heard of; at q's start; read */
};
/* `listen` is NULL on all loops but one. */
bool watch_open(struct watchman *w, struct loop *l, struct api *api, atomic_bool *caught_up,
                const struct db_settings *listen);
void watch_close(struct watchman *w); /* the loop runs no more; before db_close */

#endif
