/* Where libraries get their memory, for those that do not tell clearly when there was none. */
#include "base/base.h"

#include <stdlib.h>

static _Thread_local bool ran_out;

void *memory_take(size_t size) {
  void *p = malloc(size);
  if (!p && size) ran_out = true;
  return p;
}

void *memory_retake(void *p, size_t size) {
  void *larger = realloc(p, size);
  if (!larger && size) ran_out = true;
  return larger;
}

void memory_missed(void) {
  ran_out = true;
}

bool memory_ran_out(void) {
  bool did = ran_out;
  ran_out = false;
  return did;
}
