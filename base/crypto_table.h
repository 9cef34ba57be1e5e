/* Between crypto_ec.c and crypto_table.c only: a public key's table, and verifying with it. */
#ifndef LYCEUM_BASE_CRYPTO_TABLE_H
#define LYCEUM_BASE_CRYPTO_TABLE_H

#include "base/base.h"

/* For one public key; never changed after it was drawn, so all threads may use it at once. */
struct ec_table;

enum ec_verdict {
  EC_UNDECIDED, /* memory, or a library that can't: ask the library's own verification */
  EC_WRONG,
  EC_GOOD
};

/* The key as affine coordinates, which lie on the curve. Takes some 40 ms, and 150 KiB for as long
 * as it lives. NULL: no memory, or OpenSSL was built without such tables. */
struct ec_table *ec_table_new(const uint8_t xy[static 64]);
enum ec_verdict ec_table_verify(const struct ec_table *t, const struct digest *d,
                                const uint8_t sig[static 64]);
void ec_table_free(struct ec_table *t);

#endif
