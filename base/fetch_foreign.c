/* Calls to addresses that somebody else chose: no proxy, no name and password, and no connection to
 * a private network. What a name resolves to is looked at when a connection is made, for it may be
 * something else each time; and once more before anything is sent, for the connection may be an
 * older one that another call made. */
#include "base/fetch.h"

#include <sys/socket.h>
#include <unistd.h>

#define SET(easy, option, value) (curl_easy_setopt(easy, CURLOPT_##option, value) == CURLE_OK)

static curl_socket_t open_socket(void *transfer, curlsocktype purpose, struct curl_sockaddr *a) {
  struct transfer *t = transfer;
  (void)purpose;
  if (!address_is_public(&a->addr)) {
    t->kept_out = true;
    return CURL_SOCKET_BAD;
  }
  return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

static int before_sending(void *transfer, char *to, char *from, int to_port, int from_port) {
  struct transfer *t = transfer;
  (void)from, (void)to_port, (void)from_port;
  if (address_text_is_public(to)) return CURL_PREREQFUNC_OK;
  t->kept_out = true;
  return CURL_PREREQFUNC_ABORT;
}

bool fetch_foreign(struct transfer *t, const struct fetch_call *call) {
  CURL *e = t->easy;
  bool good = SET(e, PROXY, "") && SET(e, NOPROXY, "*") && SET(e, DISALLOW_USERNAME_IN_URL, 1L) &&
              SET(e, PROTOCOLS_STR, call->foreign == FOREIGN_TLS ? "https" : "http,https");
  if (call->private_too) return good;
  return good && SET(e, OPENSOCKETFUNCTION, open_socket) && SET(e, OPENSOCKETDATA, (void *)t) &&
         SET(e, PREREQFUNCTION, before_sending) && SET(e, PREREQDATA, (void *)t);
}
