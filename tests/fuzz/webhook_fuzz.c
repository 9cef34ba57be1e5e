/* Webhooks out. The first byte chooses:
 *   U  an address: libcurl reads of a good one the same host and port, and no user and no fragment,
 *      for what was judged must be what is called
 *   S  a secret: one that is taken is shown as it came, and sealed opens for its endpoint alone
 *   else: any bytes as an answer: what is kept of them is clean, and no longer than it may be */
#include "tests/fuzz/fuzz.h"

#include "gateways/webhook.c"
#include "rules/rules.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <strings.h>

static char *part(CURLU *u, CURLUPart which) {
  char *said = NULL;
  return curl_url_get(u, which, &said, 0) == CURLUE_OK ? said : NULL;
}

static bool absent(CURLU *u, CURLUPart which) {
  char *said = part(u, which);
  bool none = !said;
  curl_free(said);
  return none;
}

static bool in_digits(const char *host) {
  struct in_addr four;
  return strchr(host, ':') || inet_aton(host, &four);
}

/* Names are the same but for case. Digits may be written in many ways ("0x7f.1"), which libcurl
 * writes anew: what they mean is looked at when the connection is made. */
static void try_host(struct arena *a, CURLU *u, struct text host) {
  char *theirs = part(u, CURLUPART_HOST);
  CHECK(theirs);
  struct text t = text_of(theirs);
  if (t.len && t.at[0] == '[') t = (struct text){t.at + 1, t.len - 2};
  const char *ours = arena_copy(a, host).at;
  bool same = t.len == host.len && strncasecmp(ours, t.at, t.len) == 0;
  CHECK(same || (in_digits(ours) && in_digits(arena_copy(a, t).at)));
  curl_free(theirs);
}

static void try_port(CURLU *u, bool plain) {
  char *said = NULL;
  CHECK(curl_url_get(u, CURLUPART_PORT, &said, CURLU_DEFAULT_PORT) == CURLUE_OK);
  long port = strtol(said, NULL, 10);
  CHECK(port == 443 || port == 80 || (port >= 1024 && port <= 65535));
  curl_free(said);
  said = part(u, CURLUPART_SCHEME);
  CHECK(said && strcmp(said, plain ? "http" : "https") == 0);
  curl_free(said);
}

static void try_url(struct arena *a, struct text url) {
  bool plain;
  struct text host;
  if (memchr(url.at, 0, url.len)) return; /* PostgreSQL's text has none, and the body's check */
  if (webhook_url_read(url, &plain, &host) != WEBHOOK_URL_GOOD) return;
  CURLU *u = curl_url();
  if (curl_url_set(u, CURLUPART_URL, arena_copy(a, url).at, 0) == CURLUE_OK) {
    CHECK(absent(u, CURLUPART_USER) && absent(u, CURLUPART_PASSWORD));
    CHECK(absent(u, CURLUPART_FRAGMENT));
    try_host(a, u, host);
    try_port(u, plain);
  }
  curl_url_cleanup(u);
}

static void try_secret(struct arena *a, struct text shown) {
  struct digest key = crypto_sha256(LIT("key")), wrong = crypto_sha256(LIT("other"));
  struct uuid one = {{1}}, other = {{2}};
  struct text secret = webhook_secret_read(a, shown);
  if (!secret.at) return;
  CHECK(secret.len >= WEBHOOK_SECRET_LEAST && secret.len <= WEBHOOK_SECRET_MOST);
  CHECK(text_equal(webhook_secret_show(a, secret), shown));
  struct text sealed = webhook_secret_seal(a, &key, 7, one, secret);
  CHECK(text_equal(webhook_secret_open(a, &key, 7, one, sealed), secret));
  CHECK(!webhook_secret_open(a, &key, 7, other, sealed).at);
  CHECK(!webhook_secret_open(a, &key, 8, one, sealed).at);
  CHECK(!webhook_secret_open(a, &wrong, 7, one, sealed).at);
}

static void try_words(struct arena *a, struct text t) {
  size_t most = t.len ? (uint8_t)t.at[0] : 0;
  struct text kept = webhook_words(a, t, most);
  CHECK(kept.len <= most && text_is_utf8(kept) && text_is_clean(kept, true));
  CHECK(text_equal(webhook_words(a, kept, most), kept));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct arena a = {0};
  if (!size || size > 4096) return 0;
  struct text t = {(const char *)data + 1, size - 1};
  switch (data[0]) {
  case 'U':
    try_url(&a, t);
    break;
  case 'S':
    try_secret(&a, t);
    break;
  default:
    try_words(&a, (struct text){(const char *)data, size});
  }
  arena_free(&a);
  return 0;
}
