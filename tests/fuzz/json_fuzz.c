/* Any bytes as JSON: refused with a reason, or read, written and read again as the same. */
#include "base/base.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  struct builder once = {0}, twice = {0};
  struct text why = NONE;
  const struct json *j = json_parse(&a, (struct text){(const char *)data, size}, &why);
  if (j) {
    json_write(&once, j);
    const struct json *again = json_parse(&a, built(&once), &why);
    if (!again) abort();
    json_write(&twice, again);
    if (!text_equal(built(&once), built(&twice))) abort();
  } else if (!why.at) {
    abort();
  }
  builder_free(&once);
  builder_free(&twice);
  arena_free(&a);
  return 0;
}
