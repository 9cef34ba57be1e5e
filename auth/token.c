/* Access tokens: JWT signed with ES256, as RFC 7519 and RFC 9068 have them and RFC 8725 wants them
 * checked.
 *
 * The header must be exactly {alg: ES256, typ: at+jwt, kid}: a token doesn't choose its algorithm,
 * and what we don't write (crit, b64, jku, jwk, x5u) we don't read. No claim is looked at before
 * the signature holds. One token can be spelled in several ways that verify (r, s and r, -s), so
 * revocation goes by session and member, never by the token's bytes. */
#include "auth/internal.h"

#include <inttypes.h>
#include <string.h>

enum { TOKEN_MAX = 2048, LEEWAY = 60 }; /* bytes; seconds */

/* ---- issuing ----------------------------------------------------------------------------------
 */

static struct text payload_of(const struct house *h, struct arena *a, const struct claims *c,
                              int64_t expires) {
  char account[37], member[37], session[37], id[37];
  uuid_write(c->caller.account, account);
  uuid_write(c->caller.member, member);
  uuid_write(c->caller.session, session);
  uuid_write(uuid_new(), id);
  return arena_printf(a,
                      "{\"iss\":%s,\"aud\":%s,\"sub\":\"%s\",\"client_id\":\"lyceum\","
                      "\"iat\":%" PRId64 ",\"exp\":%" PRId64 ",\"jti\":\"%s\",\"sid\":\"%s\","
                      "\"community\":%" PRId64 ",\"member\":\"%s\",\"role\":\"%s\","
                      "\"ver\":%" PRId64 "}",
                      h->issuer_json, h->audience_json, account, c->caller.issued_at, expires, id,
                      session, c->community, member, role_name(c->caller.role), c->version);
}

static struct text sign(const struct house *h, struct arena *a, const struct signing_key *k,
                        const struct claims *c, int64_t expires) {
  uint8_t raw[64];
  struct text header =
      arena_printf(a, "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", k->kid);
  struct text front = base64url(a, header), middle = base64url(a, payload_of(h, a, c, expires));
  struct text body = arena_printf(a, "%.*s.%.*s", TEXT_ARGS(front), TEXT_ARGS(middle));
  (void)memory_ran_out();
  if (a->failed || !ec_sign(k->key, body, raw)) {
    if (memory_ran_out()) a->failed = true;
    return NONE;
  }
  struct text end = base64url(a, (struct text){(const char *)raw, sizeof raw});
  struct text token = arena_printf(a, "%.*s.%.*s", TEXT_ARGS(body), TEXT_ARGS(end));
  return a->failed ? NONE : token;
}

/* The first second in which the token isn't good any more. */
static int64_t last_of(int64_t expires, const struct signing_key *k) {
  int64_t retired = k->retired_at / 1000000;
  return k->retired_at && retired < expires ? retired : expires;
}

struct issued token_issue(struct house *h, struct arena *a, const struct claims *c) {
  micros now = time_now();
  uint64_t epoch = token_cache_epoch(h->tokens);
  struct claims full = *c;
  full.caller.issued_at = now / 1000000;
  int64_t expires = full.caller.issued_at + h->token_seconds;
  struct issued out = {NONE, expires * 1000000};
  struct key_set *set = key_set_take(h->keys);
  const struct signing_key *k = set ? key_for_signing(set, now) : NULL;
  if (k) out.token = sign(h, a, k, &full, expires);
  if (out.token.at) {
    struct digest d = crypto_sha256(out.token);
    token_cache_put(h->tokens, &d, &full, last_of(expires, k), epoch);
  }
  key_set_drop(set);
  return out;
}

/* ---- verifying --------------------------------------------------------------------------------
 */

struct parts {
  struct text header, payload; /* decoded */
  struct text body;            /* what is signed: header.payload as sent */
  struct text signature;       /* decoded: 64 bytes */
};

static bool split(struct arena *a, struct text token, struct parts *p) {
  struct text rest = token;
  struct text header = text_cut(&rest, '.'), payload = text_cut(&rest, '.');
  if (!payload.len || !rest.len) return false;
  p->body = (struct text){token.at, header.len + 1 + payload.len};
  p->header = base64url_decode(a, header);
  p->payload = base64url_decode(a, payload);
  p->signature = base64url_decode(a, rest); /* a fourth part would hold a dot: malformed */
  return p->header.at && p->payload.at && p->signature.len == 64 && !a->failed;
}

/* The kid, or NONE when the header is any other than ours. */
static struct text read_header(struct arena *a, struct text header) {
  struct text why;
  const struct json *j = json_parse(a, header, &why);
  if (json_kind(j) != JSON_OBJECT || json_count(j) != 3) return NONE;
  if (!text_is(json_text(json_get(j, "alg")), "ES256")) return NONE;
  if (!text_is(json_text(json_get(j, "typ")), "at+jwt")) return NONE;
  return json_text(json_get(j, "kid"));
}

static bool read_id(const struct json *j, const char *name, struct uuid *out) {
  return uuid_parse(json_text(json_get(j, name)), out) && !uuid_is_zero(*out);
}

static bool read_number(const struct json *j, const char *name, int64_t least, int64_t *out) {
  const struct json *value = json_get(j, name);
  *out = json_int(value);
  return json_kind(value) == JSON_INT && *out >= least && *out < INT64_C(1) << 53;
}

/* Whom the token is from, whom it is for, and whom it speaks of. */
static bool read_claims(const struct house *h, const struct json *j, struct claims *c) {
  struct uuid token_id;
  if (!text_is(json_text(json_get(j, "iss")), h->issuer)) return false;
  if (!text_is(json_text(json_get(j, "aud")), h->audience)) return false;
  if (!text_is(json_text(json_get(j, "client_id")), "lyceum")) return false;
  c->caller.role = role_of(json_text(json_get(j, "role")));
  return c->caller.role != ROLE_NOBODY && read_id(j, "jti", &token_id) &&
         read_id(j, "sub", &c->caller.account) && read_id(j, "sid", &c->caller.session) &&
         read_id(j, "member", &c->caller.member) && read_number(j, "community", 1, &c->community) &&
         read_number(j, "ver", 0, &c->version);
}

static enum verdict read_times(const struct json *j, int64_t now, int64_t *issued,
                               int64_t *expires) {
  int64_t from;
  if (!read_number(j, "iat", 1, issued) || !read_number(j, "exp", 1, expires)) return TOKEN_BAD;
  if (*issued > now + LEEWAY || *expires <= *issued) return TOKEN_BAD;
  if (json_get(j, "nbf") && (!read_number(j, "nbf", 0, &from) || from > now + LEEWAY))
    return TOKEN_BAD;
  return *expires <= now ? TOKEN_OLD : TOKEN_GOOD;
}

/* A token that is not in the cache. *until is the first second in which it isn't good any more. */
static enum verdict examine(const struct house *h, const struct key_set *set, struct arena *a,
                            struct text token, micros now, struct claims *c, int64_t *until) {
  struct parts p;
  struct text why;
  if (!split(a, token, &p)) return TOKEN_BAD;
  struct text kid = read_header(a, p.header);
  const struct signing_key *k = kid.at ? key_by_kid(set, kid, now) : NULL;
  if (!k) return TOKEN_BAD;
  metric_add(lyceum_tokens_verified, 1);
  if (!ec_verify(k->key, p.body, (const uint8_t *)p.signature.at)) return TOKEN_BAD;
  const struct json *j = json_parse(a, p.payload, &why);
  int64_t expires = 0;
  if (json_kind(j) != JSON_OBJECT || !read_claims(h, j, c)) return TOKEN_BAD;
  enum verdict v = read_times(j, now / 1000000, &c->caller.issued_at, &expires);
  *until = last_of(expires, k);
  return v;
}

static enum verdict examine_and_keep(struct house *h, struct text token, const struct digest *d,
                                     micros now, struct claims *c) {
  struct arena a = {0};
  int64_t until = 0;
  uint64_t epoch = token_cache_epoch(h->tokens);
  struct key_set *set = key_set_take(h->keys);
  (void)memory_ran_out();
  enum verdict v = set ? examine(h, set, &a, token, now, c, &until) : TOKEN_BAD;
  if (v != TOKEN_GOOD && (memory_ran_out() || a.failed)) v = TOKEN_UNKNOWN;
  key_set_drop(set);
  arena_free(&a);
  if (v == TOKEN_GOOD) token_cache_put(h->tokens, d, c, until, epoch);
  return v;
}

static enum verdict unless_revoked(struct house *h, const struct claims *c, micros now,
                                   struct claims *out) {
  if (is_revoked(h->revoked, c, now)) return TOKEN_REVOKED;
  *out = *c;
  return TOKEN_GOOD;
}

enum verdict token_recall(struct house *h, struct text token, struct claims *out) {
  micros now = time_now();
  struct claims c = {0};
  *out = c;
  if (token.len == 0 || token.len > TOKEN_MAX) return TOKEN_BAD;
  struct digest d = crypto_sha256(token);
  if (!token_cache_find(h->tokens, &d, now / 1000000, &c)) return TOKEN_UNMET;
  metric_add(lyceum_tokens_cached, 1);
  return unless_revoked(h, &c, now, out);
}

enum verdict token_verify(struct house *h, struct text token, struct claims *out) {
  enum verdict v = token_recall(h, token, out);
  if (v != TOKEN_UNMET) return v;
  micros now = time_now();
  struct claims c = {0};
  struct digest d = crypto_sha256(token);
  v = examine_and_keep(h, token, &d, now, &c);
  return v == TOKEN_GOOD ? unless_revoked(h, &c, now, out) : v;
}
