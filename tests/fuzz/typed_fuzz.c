/* What people type and clients send as single values: codes, contacts, times, ids, encodings. What
 * is accepted must come out the same when it is written and read once more. */
#include "base/base.h"
#include "rules/rules.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds) {
  if (!holds) abort();
}

static void try_code(struct arena *a, struct text t) {
  struct text code = code_normalise(a, t);
  if (!code.at) return;
  check(text_equal(code_normalise(a, code), code));
  (void)code_form(code);
}

static void try_contact(struct arena *a, struct text t) {
  struct text canonical, again;
  enum contact_kind kind = contact_read(a, t, &canonical);
  if (kind == CONTACT_NONE) return;
  check(contact_read(a, canonical, &again) == kind && text_equal(canonical, again));
  check(contact_hint(a, canonical).at != NULL);
}

static void try_time(struct text t) {
  char written[32];
  micros at, again;
  if (!time_parse(t, &at)) return;
  time_write(at, written);
  check(time_parse(text_of(written), &again) && again / 1000 == at / 1000);
}

static void try_bytes(struct arena *a, struct text t) {
  struct text decoded = base64url_decode(a, t);
  if (decoded.at) check(text_equal(base64url(a, decoded), t));
  check(text_equal(base64url_decode(a, base64url(a, t)), t));
  struct uuid id;
  (void)uuid_parse(t, &id);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > 4096) return 0;
  struct arena a = {0};
  struct text t = {(const char *)data, size};
  try_code(&a, t);
  try_contact(&a, t);
  try_time(t);
  try_bytes(&a, t);
  arena_free(&a);
  return 0;
}
