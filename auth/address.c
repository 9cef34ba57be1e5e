/* Whose request is it? The peer's, unless the peer is a proxy that we were told to believe. */
#include "auth/auth.h"

#include <arpa/inet.h>
#include <string.h>

/* IPv4 is kept as IPv6 has it, ::ffff:a.b.c.d, so that both spellings of one address are one. */
struct address {
  uint8_t b[16];
};

enum { HOPS_MAX = 16 }; /* a chain that is longer was made up by somebody */

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static bool is_v4(const struct address *a) {
  return memcmp(a->b, mapped, sizeof mapped) == 0;
}

static bool parse_plain(struct text t, struct address *out) {
  char name[INET6_ADDRSTRLEN];
  if (t.len == 0 || t.len >= sizeof name) return false;
  memcpy(name, t.at, t.len);
  name[t.len] = 0;
  memcpy(out->b, mapped, sizeof mapped);
  return inet_pton(AF_INET, name, out->b + 12) == 1 || inet_pton(AF_INET6, name, out->b) == 1;
}

/* Some proxies write a port, a.b.c.d:port or [v6]:port, and some a zone, v6%eth0. */
static bool parse(struct text t, struct address *out) {
  t = text_trim(t);
  if (t.len && t.at[0] == '[') {
    struct text rest = {t.at + 1, t.len - 1};
    t = text_cut(&rest, ']');
    if (!rest.at) return false;
  } else if (t.len && memchr(t.at, '.', t.len)) {
    struct text rest = t, host = text_cut(&rest, ':');
    if (memchr(host.at, '.', host.len)) t = host;
  }
  return parse_plain(text_cut(&t, '%'), out);
}

static bool same_prefix(const struct address *a, const struct address *b, int64_t bits) {
  size_t bytes = (size_t)bits / 8;
  unsigned rest = (unsigned)bits % 8;
  if (memcmp(a->b, b->b, bytes) != 0) return false;
  return rest == 0 || ((a->b[bytes] ^ b->b[bytes]) & (0xFF00u >> rest) & 0xFF) == 0;
}

/* One `address` or `address/bits`. */
static bool in_block(struct text block, const struct address *a) {
  struct text bits = text_trim(block), base = text_cut(&bits, '/');
  struct address b;
  int64_t wanted = 128;
  if (!parse_plain(base, &b)) return false;
  int64_t offset = memchr(base.at, ':', base.len) ? 0 : 96;
  if (bits.at && (!text_to_int(bits, &wanted) || wanted < 0)) return false;
  if (bits.at) wanted += offset;
  return wanted <= 128 && same_prefix(&b, a, wanted);
}

static bool is_trusted(const char *trusted, const struct address *a) {
  for (struct text rest = text_of(trusted); rest.at;)
    if (in_block(text_cut(&rest, ','), a)) return true;
  return false;
}

/* Takes what stands behind the last comma off the list. */
static struct text take_last(struct text *list) {
  const char *comma = memrchr(list->at, ',', list->len);
  struct text last = *list;
  *list = NONE;
  if (comma) {
    *list = (struct text){last.at, (size_t)(comma - last.at)};
    last = (struct text){comma + 1, last.len - list->len - 1};
  }
  return last;
}

static struct text write(struct arena *a, struct address *who) {
  char name[INET6_ADDRSTRLEN];
  bool v4 = is_v4(who);
  if (!v4) memset(who->b + 8, 0, 8);
  if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? who->b + 12 : who->b, name, sizeof name))
    return NONE;
  return arena_printf(a, v4 ? "%s" : "%s/64", name);
}

bool address_trusted(const char *trusted, struct text peer) {
  struct address who;
  return parse(peer, &who) && is_trusted(trusted, &who);
}

struct text pace_address(struct arena *a, const char *trusted, struct text peer,
                         struct text forwarded_for) {
  struct address who, before;
  if (!parse(peer, &who)) return arena_copy(a, peer);
  struct text list = forwarded_for;
  /* What is unreadable was not written by a proxy of ours: then its sender counts. */
  for (int hop = 0; hop < HOPS_MAX && list.len && is_trusted(trusted, &who); hop++) {
    if (!parse(take_last(&list), &before)) break;
    who = before;
  }
  return write(a, &who);
}
