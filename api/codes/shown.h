/* A code as operators see it: with its text, opened. Of api/codes/ alone. */
#ifndef LYCEUM_API_CODES_SHOWN_H
#define LYCEUM_API_CODES_SHOWN_H

#include "api/api.h"

/* Writes row 0 and the opened code as one JSON object; `code` is null when its text was not kept.
 */
void code_write(struct request *q, const struct rows *r, struct uuid id, struct text sealed,
                struct builder *b);

#endif
