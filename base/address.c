/* Which network addresses are public: those that somebody else's URL may lead us to. */
#include "base/fetch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct block {
  uint8_t from[16];
  int bits;
};

/* IANA's special-purpose registry (RFC 6890 and its updates), and what clouds answer on. */
static const struct block closed4[] = {
    {{0}, 8},                 /* this network */
    {{10}, 8},                /* private */
    {{100, 64}, 10},          /* shared by a carrier (RFC 6598); a cloud's metadata */
    {{127}, 8},               /* loop-back */
    {{168, 63, 129, 16}, 32}, /* a cloud's own, though it looks public */
    {{169, 254}, 16},         /* link-local, metadata */
    {{172, 16}, 12},          /* private */
    {{192, 0, 0}, 24},        /* protocol assignments */
    {{192, 0, 2}, 24},        /* documentation */
    {{192, 88, 99}, 24},      /* 6to4 relays */
    {{192, 168}, 16},         /* private */
    {{198, 18}, 15},          /* benchmarks */
    {{198, 51, 100}, 24},     /* documentation */
    {{203, 0, 113}, 24},      /* documentation */
    {{224}, 4},               /* multicast */
    {{240}, 4},               /* reserved, broadcast */
};
/* Of 2000::/3, in which all public IPv6 addresses are. */
static const struct block closed6[] = {
    {{0x20, 0x01}, 23},             /* protocol assignments: Teredo, benchmarks, ORCHID */
    {{0x20, 0x01, 0x0D, 0xB8}, 32}, /* documentation */
    {{0x20, 0x02}, 16},             /* 6to4: an IPv4 address, and whose, is not known */
    {{0x3F, 0xFF}, 20},             /* documentation */
};
static const struct block public6 = {{0x20}, 3};
/* An IPv4 address in other clothes: its last four bytes are looked at. */
static const struct block mapped[] = {
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF}, 96}, /* ::ffff:0:0/96 */
    {{0, 0x64, 0xFF, 0x9B}, 96},                      /* NAT64, RFC 6052 */
};

static bool lies_in(const uint8_t *address, const struct block *b) {
  int whole = b->bits / 8, rest = b->bits % 8;
  if (memcmp(address, b->from, (size_t)whole) != 0) return false;
  return !rest || ((address[whole] ^ b->from[whole]) >> (8 - rest)) == 0;
}

static bool lies_in_any(const uint8_t *address, const struct block *blocks, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (lies_in(address, &blocks[i])) return true;
  return false;
}

static bool public_bytes(const uint8_t *b, int family) {
  if (family == AF_INET) return !lies_in_any(b, closed4, COUNT(closed4));
  if (lies_in_any(b, mapped, COUNT(mapped))) return public_bytes(b + 12, AF_INET);
  return lies_in(b, &public6) && !lies_in_any(b, closed6, COUNT(closed6));
}

bool address_is_public(const struct sockaddr *a) {
  struct sockaddr_in four;
  struct sockaddr_in6 six;
  if (a->sa_family == AF_INET) {
    memcpy(&four, a, sizeof four);
    return public_bytes((const uint8_t *)&four.sin_addr, AF_INET);
  }
  if (a->sa_family != AF_INET6) return false;
  memcpy(&six, a, sizeof six);
  return public_bytes(six.sin6_addr.s6_addr, AF_INET6);
}

bool address_text_is_public(const char *text) {
  uint8_t b[16];
  if (inet_pton(AF_INET, text, b) == 1) return public_bytes(b, AF_INET);
  return inet_pton(AF_INET6, text, b) == 1 && public_bytes(b, AF_INET6);
}
