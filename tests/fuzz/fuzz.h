/* What every fuzzer has in common: one function that takes any bytes, and a way to say what does
 * not hold. Under clang libFuzzer calls it; replay.c calls it with the cases that are kept. */
#ifndef LYCEUM_FUZZ_H
#define LYCEUM_FUZZ_H

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(holds)                                                                               \
  do {                                                                                             \
    if (!(holds)) {                                                                                \
      fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                   \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

#endif
