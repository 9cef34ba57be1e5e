/* What people type and clients send as single values: contacts, times, ids, encodings, passwords,
 * addresses. What is accepted must come out the same when it is written and read once more. */
#include "auth/auth.h"
#include "rules/rules.h"
#include "tests/fuzz/fuzz.h"

static void try_contact(struct arena *a, struct text t) {
  struct text canonical, again;
  enum contact_kind kind = contact_read(a, t, &canonical);
  if (kind == CONTACT_NONE) return;
  CHECK(contact_read(a, canonical, &again) == kind && text_equal(canonical, again));
  struct text hint = contact_hint(a, canonical);
  CHECK(hint.at && !text_equal(hint, canonical) && text_is_clean(canonical, false));
}

static void try_time(struct text t) {
  char written[32];
  micros at, again;
  if (!time_parse(t, &at)) return;
  time_write(at, written);
  CHECK(time_parse(text_of(written), &again));
  CHECK(at - again >= 0 && at - again < 1000); /* down, before 1970 too */
}

static void try_bytes(struct arena *a, struct text t) {
  char written[37];
  struct uuid id, again;
  struct text decoded = base64url_decode(a, t);
  if (decoded.at) CHECK(text_equal(base64url(a, decoded), t));
  CHECK(text_equal(base64url_decode(a, base64url(a, t)), t));
  if (!uuid_parse(t, &id)) return;
  uuid_write(id, written);
  CHECK(uuid_parse(text_of(written), &again) && uuid_equal(id, again));
}

static void try_number(struct text t) {
  int64_t n, again;
  struct builder b = {0};
  if (!text_to_int(t, &n)) return;
  build_int(&b, n);
  CHECK(text_to_int(built(&b), &again) && again == n);
  builder_free(&b);
}

/* Nobody behind a peer that is not believed can choose the address that counts; behind one that is,
 * what the proxy wrote last counts, whatever stands before it. */
static void try_forwarded(struct arena *a, struct text t) {
  static const char proxies[] = "10.0.0.0/8, ::1, 192.168.7.0/24";
  struct text plain = pace_address(a, proxies, LIT("203.0.113.9"), t);
  CHECK(text_is(plain, "203.0.113.9"));
  struct text chosen = arena_printf(a, "%.*s, 198.51.100.7", TEXT_ARGS(t));
  CHECK(text_is(pace_address(a, proxies, LIT("10.1.2.3"), chosen), "198.51.100.7"));
  struct text counts = pace_address(a, proxies, LIT("::1"), t);
  CHECK(counts.len && counts.len < 64 && text_is_clean(counts, false));
  (void)address_trusted(proxies, t);
}

/* A login in the password adds nothing to it, and a password is not worse for being longer. */
static void try_password(struct text t) {
  size_t half = t.len / 2;
  struct text login = {t.at, half}, password = {t.at + half, t.len - half};
  if (!password_acceptable(password, login)) return;
  size_t n = text_codepoints(password);
  CHECK(n >= 10 && n <= 128 && !text_equal(password, login));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (!size || size > 4096) return 0;
  struct arena a = {0};
  struct text t = {(const char *)data, size};
  try_contact(&a, t);
  try_time(t);
  try_bytes(&a, t);
  try_number(t);
  try_forwarded(&a, t);
  try_password(t);
  arena_free(&a);
  return 0;
}
