/* The gates of a request, in order: route, pace by address, identity, pace by account, rights,
 * community, query, body. Each either passes on or ends with a problem. */
#include "api/internal.h"
#include "db/sql.h"

#include <string.h>
#include <strings.h>

/* ---- the last gates: query and body ---- */

static bool is_json(struct text type, bool patch) {
  struct text rest = type, media = text_trim(text_cut(&rest, ';'));
  static const char json[] = "application/json", merge[] = "application/merge-patch+json";
  if (media.len == sizeof json - 1 && strncasecmp(media.at, json, media.len) == 0) return true;
  return patch && media.len == sizeof merge - 1 && strncasecmp(media.at, merge, media.len) == 0;
}

static enum problem media_problem(struct request *q, bool patch) {
  struct text coding = header(q, "Content-Encoding");
  bool plain = !coding.at || text_is(coding, "identity");
  if (plain && is_json(header(q, "Content-Type"), patch)) return NO_PROBLEM;
  if (patch)
    reply_header(q, "Accept-Patch", LIT("application/merge-patch+json, application/json"));
  else
    reply_header(q, "Accept-Post", LIT("application/json"));
  return MEDIA_TYPE_UNSUPPORTED;
}

static struct step run_handler(struct request *q) {
  struct exchange *x = exchange_of(q);
  x->generation = house_generation(x->api->house, q->community);
  return idempotency_open(q, x->route->handler);
}

static struct step gate_body(struct request *q) {
  struct exchange *x = exchange_of(q);
  const struct route *r = x->route;
  if (r->raw && x->raw_body.failed) return problem(q, OUT_OF_MEMORY);
  if (!r->body) return run_handler(q);
  bool patch = r->method == PATCH;
  if (!x->raw_body.len && r->body_optional) return run_handler(q);
  enum problem media = media_problem(q, patch);
  if (media) return problem(q, media);
  struct text why = NONE;
  if (x->raw_body.failed) return problem(q, OUT_OF_MEMORY);
  x->body = json_parse(&q->arena, built(&x->raw_body), &why);
  if (!x->body) return problem_because(q, BODY_NOT_JSON, why);
  body_check(q, r->body, x->body, patch);
  if (q->faults) return problem(q, BODY_INVALID);
  return run_handler(q);
}

static struct step gate_query(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (!query_parse(x)) return problem(q, QUERY_INVALID);
  query_check(q, x->route);
  return q->faults ? problem(q, QUERY_INVALID) : gate_body(q);
}

/* ---- community: from the path's slug, or from the token ---- */

static struct step community_found(struct request *q, const struct rows *r) {
  struct community_by_slug_row row;
  struct exchange *x = exchange_of(q);
  if (!one_community_by_slug(q, r, &row)) return problem(q, NOT_FOUND);
  q->community = row.id;
  community_keep(cache_of(x), path_param(x, "slug"), row.id);
  return gate_query(q);
}

static struct step gate_community(struct request *q) {
  struct exchange *x = exchange_of(q);
  struct text slug = path_param(x, "slug");
  /* Of a signed-in route the slug is an argument: the token names the community. */
  if (!slug.at || x->route->who != ANYONE) return gate_query(q);
  if (community_known(cache_of(x), slug, &q->community)) return gate_query(q);
  if (slug.len > 64 || !text_is_utf8(slug)) return problem(q, NOT_FOUND);
  return ask_community_by_slug(q, community_found, .slug = slug);
}

/* ---- rights and pace ---- */

static bool may(enum who who, enum role role) {
  switch (who) {
  case LECTURERS:
    return role >= ROLE_LECTURER;
  case OPERATORS:
    return role >= ROLE_OPERATOR;
  case OWNERS:
    return role >= ROLE_OWNER;
  default:
    return true;
  }
}

static struct step too_fast(struct request *q, struct pace_state s) {
  metric_add(lyceum_rate_limited, 1);
  exchange_of(q)->pace = s;
  q->retry_after = s.reset ? s.reset : 1;
  return problem(q, RATE_LIMITED);
}

static struct step gate_may(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (!may(x->route->who, q->caller.role)) return problem(q, NOT_ALLOWED);
  if (q->caller.role == ROLE_NOBODY || !x->route->pace) return gate_community(q);
  struct text account = {(const char *)q->caller.account.b, sizeof q->caller.account.b};
  /* Where misses are what costs, a success spends nothing: see charge_miss. */
  x->pace = x->route->pace == GENERAL
                ? pace_take(x->api->house, GENERAL, PER_ACCOUNT, account)
                : pace_look(x->api->house, x->route->pace, PER_ACCOUNT, account);
  return x->pace.allowed ? gate_community(q) : too_fast(q, x->pace);
}

/* ---- identity ---- */

static struct step identified(struct request *q, const struct rows *r) {
  struct session_live_row row;
  if (!one_session_live(q, r, &row) || !row.live) return problem(q, SESSION_ENDED);
  return gate_may(q);
}

static struct step challenge(struct request *q, enum problem p) {
  reply_header(q, "WWW-Authenticate",
               p == NOT_SIGNED_IN ? LIT("Bearer") : LIT("Bearer error=\"invalid_token\""));
  return problem(q, p);
}

/* Scheme names are case-insensitive (RFC 9110, 11.1). */
static struct text bearer(struct request *q) {
  struct text t = header(q, "Authorization");
  if (t.len < 8 || strncasecmp(t.at, "Bearer ", 7) != 0) return NONE;
  return (struct text){t.at + 7, t.len - 7};
}

static struct step gate_identity(struct request *q) {
  struct exchange *x = exchange_of(q);
  struct claims claims;
  if (x->route->who == ANYONE) return gate_may(q);
  struct text token = bearer(q);
  if (!token.at) return challenge(q, NOT_SIGNED_IN);
  bool trusted = house_trusted(x->api->house); /* before memory says that nothing was revoked */
  enum verdict v = token_recall(x->api->house, token, &claims);
  if (v == TOKEN_UNMET) {
    if (!stranger_enters(x->intake)) return stranger_waits(q, gate_identity);
    v = token_verify(x->api->house, token, &claims);
  }
  switch (v) {
  case TOKEN_GOOD:
    break;
  case TOKEN_OLD:
    return challenge(q, TOKEN_EXPIRED);
  case TOKEN_REVOKED:
    return challenge(q, SESSION_ENDED);
  case TOKEN_UNKNOWN:
    return problem(q, OUT_OF_MEMORY);
  default:
    return challenge(q, TOKEN_INVALID);
  }
  q->caller = claims.caller;
  q->community = claims.community;
  if (trusted) return gate_may(q);
  return ask_session_live(q, identified, .session = q->caller.session, .member = q->caller.member,
                          .version = claims.version);
}

/* ---- the first gates ---- */

void charge_miss(struct request *q) {
  struct exchange *x = exchange_of(q);
  struct text account = {(const char *)q->caller.account.b, sizeof q->caller.account.b};
  if (q->caller.role != ROLE_NOBODY)
    x->pace = pace_take(x->api->house, x->route->pace, PER_ACCOUNT, account);
  (void)pace_take(x->api->house, x->route->pace, PER_ADDRESS, peer_address(q));
  (void)pace_take(x->api->house, x->route->pace, OVERALL, NONE);
}

bool charge_general(struct request *q) {
  struct text account = {(const char *)q->caller.account.b, sizeof q->caller.account.b};
  struct pace_state s = pace_take(api_of(q)->house, GENERAL, PER_ACCOUNT, account);
  if (s.allowed) return true;
  struct step refused = too_fast(q, s);
  (void)refused;
  return false;
}

static struct step gate_pace(struct request *q) {
  struct exchange *x = exchange_of(q);
  enum pace_class c = x->route->pace;
  if (!c) return gate_identity(q);
  struct pace_state s = pace_look(x->api->house, c, PER_ADDRESS, peer_address(q));
  if (s.allowed) s = pace_look(x->api->house, c, OVERALL, NONE);
  return s.allowed ? gate_identity(q) : too_fast(q, s);
}

static bool media_acceptable(struct request *q) {
  struct text accept = header(q, "Accept");
  const struct route *r = exchange_of(q)->route;
  if (accepts(accept, "application/json") || accepts(accept, "application/problem+json"))
    return true;
  for (const struct reply_kind *k = r->replies; k->status; k++)
    if (!k->shape && (!k->media || accepts(accept, k->media))) return true;
  return false;
}

static bool app_is_current(struct request *q);

struct step gates_pass(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (q->problem != NO_PROBLEM) return DONE;
  if (x->intake->refuses && !x->route->no_log) return problem(q, STOPPING);
  if (line_is_surplus(x->line) && !x->route->no_log) return problem(q, BUSY);
  if (atomic_load(&x->api->waiting) && !x->route->no_log) return problem(q, DATABASE_AWAY);
  if (!media_acceptable(q)) return problem(q, NOT_ACCEPTABLE);
  if (!app_is_current(q)) return problem(q, APP_TOO_OLD);
  return cache_answer(x) ? DONE : gate_pace(q);
}

/* ---- app versions: 426 tells an old app to update ---- */

static bool version_read(struct text t, int64_t v[3]) {
  for (int i = 0; i < 3; i++)
    if (!t.at || !text_to_int(text_cut(&t, '.'), &v[i])) return false;
  return !t.at;
}

static bool app_is_current(struct request *q) {
  int64_t has[3], wants[3];
  struct text app = header(q, "X-App-Version");
  const char *least = exchange_of(q)->api->config->app_min_version;
  if (!app.at || !version_read(text_of(least), wants) || !version_read(app, has)) return true;
  for (int i = 0; i < 3; i++)
    if (has[i] != wants[i]) return has[i] > wants[i];
  return true;
}
