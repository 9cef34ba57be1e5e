/* Where webhooks may go, and when they are tried again. */
#include "rules/rules.h"

#include <string.h>

/* ---- the address ------------------------------------------------------------------------------
 */

static bool has(const char *set, char c) {
  return c && strchr(set, c) != NULL;
}

static bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_made_of(struct text t, const char *more) {
  for (size_t i = 0; i < t.len; i++)
    if (!is_letter_or_digit(t.at[i]) && !has(more, t.at[i])) return false;
  return true;
}

static struct text skip(struct text t, size_t n) {
  return (struct text){t.at + n, t.len - n};
}

/* How long the host and port are: up to the path or the query. */
static size_t authority_length(struct text t) {
  size_t n = 0;
  while (n < t.len && !has("/?", t.at[n]))
    n++;
  return n;
}

/* Takes the host off; false when it is none. What is left is a port with its colon, or nothing. */
static bool take_host(struct text *t, struct text *host) {
  size_t n = 0;
  if (t->len && t->at[0] == '[') {
    const char *end = memchr(t->at, ']', t->len);
    if (!end) return false;
    *host = (struct text){t->at + 1, (size_t)(end - t->at) - 1};
    *t = skip(*t, host->len + 2);
    return host->len >= 2 && is_made_of(*host, ":.") && memchr(host->at, ':', host->len);
  }
  while (n < t->len && t->at[n] != ':')
    n++;
  *host = (struct text){t->at, n};
  *t = skip(*t, n);
  return n >= 1 && n <= 253 && is_made_of(*host, "-.");
}

static bool good_port(struct text t) {
  int64_t port;
  if (!t.len) return true;
  if (t.at[0] != ':' || t.len < 2 || t.len > 6 || !text_to_int(skip(t, 1), &port)) return false;
  return port == 443 || port == 80 || (port >= 1024 && port <= 65535);
}

enum webhook_url webhook_url_read(struct text url, bool *plain, struct text *host) {
  *plain = text_starts(url, "http://");
  *host = NONE;
  if (!*plain && !text_starts(url, "https://")) return WEBHOOK_URL_MALFORMED;
  struct text rest = skip(url, *plain ? 7 : 8);
  struct text authority = {rest.at, authority_length(rest)};
  rest = skip(rest, authority.len);
  if (memchr(authority.at, '@', authority.len)) return WEBHOOK_URL_USER;
  if (memchr(url.at, '#', url.len)) return WEBHOOK_URL_FRAGMENT;
  if (!take_host(&authority, host)) return WEBHOOK_URL_MALFORMED;
  if (!is_made_of(rest, "-._~:/?[]@!$&'()*+,;=%")) return WEBHOOK_URL_MALFORMED;
  return good_port(authority) ? WEBHOOK_URL_GOOD : WEBHOOK_URL_PORT;
}

/* ---- the ladder -------------------------------------------------------------------------------
 */

int64_t webhook_wait(int64_t tries, int64_t asked, uint32_t random) {
  static const int64_t ladder[WEBHOOK_STEPS - 1] = {
      5, 300, 1800, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600};
  if (tries >= WEBHOOK_STEPS) return -1;
  int64_t wait = ladder[tries < 1 ? 0 : tries - 1];
  if (asked > wait && asked <= 24 * 3600) wait = asked;
  return wait + (int64_t)(random % (uint32_t)(wait / 5 + 1));
}
