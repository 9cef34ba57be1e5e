/* A code that a member types, to redeem it or for a discount: read, and what may be said of it. Of
 * api/redemptions/ and api/quotes/. */
#ifndef LYCEUM_API_TYPED_CODE_H
#define LYCEUM_API_TYPED_CODE_H

#include "api/api.h"

struct typed_code {     /* the first member of what q->state points to */
  struct digest digest; /* of the normalised code */
  struct text contact;  /* proven and reserved for; NONE until looked up */
  bool machine_made;    /* by its form */
  bool looked_up;
  struct step (*again)(struct request *q); /* asks once more, with what was looked up */
};

/* False: a typing slip, told without the database. */
bool code_read(struct request *q, struct text typed, struct typed_code *out);

struct text code_bytes(const struct typed_code *c); /* its digest's */

/* Who holds a machine-made code can't have guessed it and learns the true reason. A chosen code
 * that doesn't work and one that never was answer alike, after the same work: the contact that it
 * is reserved for is looked up whatever the reason, so time tells nothing either. True: *out is
 * what goes on; false: the refusal (if any) may be told. */
bool code_hides(struct request *q, struct text refusal, struct text reserved, struct step *out);

#endif
