/* From libmicrohttpd to a request: the raw gate, the body, the run, the end.
 *
 * libmicrohttpd calls intake_request first with the head, then with each piece of the body, then
 * with an upload size of 0, and once more after a resume. A response queued at the head closes the
 * connection, which is right only when a body may follow that nobody will read. */
#include "api/intake.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { HEADERS_MOST = 64, HEADER_BYTES_MOST = 8 << 10, DISCARD_MOST = 1 << 20 };
enum { HEAD_MS = 5000, BODY_MS = 10000 }; /* to send them in */

/* ---- reading what came ---- */

struct text header(struct request *q, const char *name) {
  const char *value = NULL;
  size_t len = 0;
  if (MHD_lookup_connection_value_n(exchange_of(q)->connection, MHD_HEADER_KIND, name, strlen(name),
                                    &value, &len) != MHD_YES ||
      !value)
    return NONE;
  return (struct text){value, len};
}

struct api *api_of(const struct request *q) {
  return exchange_of(q)->api;
}

static struct text peer_of(struct exchange *x) {
  char peer[INET6_ADDRSTRLEN] = "";
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *a = info ? info->client_addr : NULL;
  if (a && a->sa_family == AF_INET)
    inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, peer, sizeof peer);
  else if (a && a->sa_family == AF_INET6)
    inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, peer,
              sizeof peer);
  return arena_copy(&x->q.arena, text_of(peer));
}

struct text peer_address(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (x->address.at) return x->address;
  x->address = pace_address(&q->arena, x->api->config->trusted_proxies, peer_of(x),
                            header(q, "X-Forwarded-For"));
  return x->address;
}

/* TLS ends in front of us: our own address says so, or a proxy that we believe. */
bool came_by_tls(struct request *q) {
  struct exchange *x = exchange_of(q);
  const struct config *c = x->api->config;
  if (text_starts(text_of(c->public_url), "https://")) return true;
  return c->trusted_proxies[0] && text_is(header(q, "X-Forwarded-Proto"), "https") &&
         address_trusted(c->trusted_proxies, peer_of(x));
}

/* ---- the raw gate: what libmicrohttpd lets through and HTTP does not ---- */

struct head {
  size_t count, bytes;
  int hosts, lengths, codings, authorizations;
  bool bad_name, bad_coding, hides;
  const char *next; /* where the next name must stand; NULL: libmicrohttpd looks itself */
  int64_t length;
};

/* The line ends after this piece, with CR LF, which libmicrohttpd overwrites with two NUL. NUL and
 * another byte stand there when it was shown the line only as far as a NUL within. */
static void next_line(struct head *h, const char *piece) {
  const char *end = piece + strlen(piece);
  h->hides = h->hides || end[1];
  h->next = end + 2;
}

/* libmicrohttpd 0.9 takes heads apart where they lie and shows texts that end with NUL. What it
 * does not show are folded lines, bytes behind a NUL and that a line ended without CR: then a piece
 * does not begin where the one before it ended. (NUL LF
 * instead of CR LF leaves no trace, and does no harm: the line ends there for everybody.) 1.0
 * refuses such heads itself. */
static void follow(struct head *h, const char *name, const char *value) {
  const char *colon = name + strlen(name);
  if (!h->next || h->hides) return;
  if (name != h->next || value != colon + 1 + strspn(colon + 1, " \t"))
    h->hides = true;
  else
    next_line(h, value);
}

static bool is_token(const char *s) {
  if (!*s) return false;
  for (; *s; s++)
    if (*s <= ' ' || *s >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", *s)) return false;
  return true;
}

static enum MHD_Result count_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                    const char *value) {
  struct head *h = cls;
  (void)kind;
  const char *v = value ? value : "";
  h->count++;
  h->bytes += strlen(name) + strlen(v) + 4;
  follow(h, name, v);
  if (!is_token(name)) h->bad_name = true;
  for (const char *c = v; *c; c++)
    if (((unsigned char)*c < ' ' && *c != '\t') || *c == 0x7f) h->bad_name = true;
  if (strcasecmp(name, "Host") == 0) h->hosts++;
  if (strcasecmp(name, "Authorization") == 0) h->authorizations++;
  if (strcasecmp(name, "Content-Length") == 0) {
    h->lengths++;
    if (!text_to_int(text_of(v), &h->length) || *v == '-' || *v == '+') h->bad_name = true;
  }
  if (strcasecmp(name, "Transfer-Encoding") == 0) {
    h->codings++;
    h->bad_coding = strcasecmp(v, "chunked") != 0;
  }
  return MHD_YES;
}

static bool target_is_plain(struct text target) {
  for (size_t i = 0; i < target.len; i++)
    if ((unsigned char)target.at[i] <= ' ' || target.at[i] == 0x7f) return false;
  return target.len && target.at[0] == '/';
}

/* Transfer-Encoding came with 1.1: somebody older on the way would see another end of the body. */
static bool line_is_plain(const char *method, const char *version, const struct head *h) {
  bool older = strcmp(version, "HTTP/1.0") == 0;
  if (!older && strcmp(version, "HTTP/1.1") != 0) return false;
  return is_token(method) && !(older && h->codings);
}

static enum problem head_problem(const struct exchange *x, const struct head *h) {
  if (x->target.len > TARGET_MOST) return TARGET_TOO_LONG;
  if (h->count > HEADERS_MOST || h->bytes > HEADER_BYTES_MOST) return HEADERS_TOO_LARGE;
  if (!target_is_plain(x->target) || h->bad_name || h->hosts > 1 || h->lengths > 1 ||
      h->codings > 1 || h->authorizations > 1 || (h->lengths && h->codings))
    return MALFORMED;
  if (h->bad_coding) return NOT_IMPLEMENTED;
  return h->length > BODY_MOST ? BODY_TOO_LARGE : NO_PROBLEM;
}

/* ---- the head ---- */

static bool id_is_good(struct text id) {
  if (id.len < 8 || id.len > 64) return false;
  for (size_t i = 0; i < id.len; i++) /* strchr finds NUL in any text */
    if (!id.at[i] ||
        !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.", id.at[i]))
      return false;
  return true;
}

static enum method method_of(struct text m) {
  static const char *const names[] = {
      [GET] = "GET", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH", [DELETE] = "DELETE"};
  for (unsigned i = 1; i < METHOD_COUNT; i++)
    if (text_is(m, names[i])) return (enum method)i;
  return text_is(m, "HEAD") ? GET : METHOD_COUNT;
}

static void allow_header(struct exchange *x, unsigned allowed) {
  static const char *const names[] = {
      [GET] = "GET, HEAD", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH", [DELETE] = "DELETE"};
  struct builder b = {0};
  for (unsigned i = 1; i < METHOD_COUNT; i++)
    if (allowed & 1u << i) build_printf(&b, "%s%s", b.len ? ", " : "", names[i]);
  build_str(&b, ", OPTIONS");
  reply_header(&x->q, "Allow", built(&b));
  builder_free(&b);
}

static void find_route(struct exchange *x) {
  unsigned allowed;
  x->route = route_find(x->path, x->method, x->path_params, &allowed);
  if (x->route) return;
  if (!allowed) {
    x->q.problem = NOT_FOUND;
    return;
  }
  allow_header(x, allowed);
  if (text_is(x->method_text, "OPTIONS"))
    x->status = 204;
  else
    x->q.problem = METHOD_NOT_ALLOWED;
}

/* Before the headers are walked, and after. */
static void begin_head(struct head *h, const struct exchange *x, const char *method,
                       const char *version) {
#if MHD_VERSION < 0x01000000
  h->hides = version != method + strlen(method) + 1 + x->target.len + 1;
  next_line(h, version);
#else
  (void)h, (void)x, (void)method, (void)version;
#endif
}

static bool hides_bytes(const struct head *h, const struct exchange *x, const char *method) {
  const union MHD_ConnectionInfo *info =
      h->next ? MHD_get_connection_info(x->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE)
              : NULL;
  /* LF NUL x LF is as long as the end of a head, and shows its third byte. */
  return h->hides ||
         (info && (method + info->header_size != h->next + 2 || h->next[0] || h->next[1]));
}

static void read_head(struct exchange *x, const char *method, const char *version) {
  struct request *q = &x->q;
  struct head h = {0};
  begin_head(&h, x, method, version);
  MHD_get_connection_values(x->connection, MHD_HEADER_KIND, count_header, &h);
  x->method_text = arena_copy(&q->arena, text_of(method));
  x->method = method_of(x->method_text);
  x->head = text_is(x->method_text, "HEAD");
  struct text id = header(q, "X-Request-Id");
  q->id = id_is_good(id) ? arena_copy(&q->arena, id)
                         : arena_printf(&q->arena, "%x-%x-%08" PRIx64, (unsigned)getpid(),
                                        (unsigned)loop_number(q->loop), ++x->intake->requests);
  q->chinese = prefers_chinese(header(q, "Accept-Language"));
  bool plain = line_is_plain(method, version, &h) && !hides_bytes(&h, x, method);
  q->problem = plain ? head_problem(x, &h) : MALFORMED;
  if (q->problem == NO_PROBLEM)
    find_route(x);
  else
    x->closes = true; /* what follows may be no request */
}

/* ---- running ---- */

void exchange_finished(struct request *q) {
  struct exchange *x = exchange_of(q);
  if (in_transaction(q))
    request_take(q, idempotency_end(q));
  else
    deliver(x);
}

static enum MHD_Result run(struct exchange *x) {
  struct request *q = &x->q;
  x->stage = STAGE_RUNNING;
  request_start(q, (uint64_t)x->api->config->deadline_ms);
  bool answered = q->problem != NO_PROBLEM || x->status;
  request_take(q, answered ? DONE : gates_pass(q));
  if (x->stage == STAGE_ANSWERED) return answer_queue(x);
  x->stage = STAGE_WAITING;
  x->suspended = true;
  MHD_suspend_connection(x->connection);
  return MHD_YES;
}

static enum MHD_Result take_head(struct exchange *x, const char *method, const char *version) {
  x->stage = STAGE_BODY;
  loop_timer(x->q.loop, &x->q.deadline, loop_now(x->q.loop) + BODY_MS);
  read_head(x, method, version);
  bool body_follows =
      header(&x->q, "Content-Length").len > 1 || header(&x->q, "Transfer-Encoding").at;
  bool refuse_now = x->q.problem == BODY_TOO_LARGE || x->q.problem == MALFORMED ||
                    x->q.problem == NOT_IMPLEMENTED || x->q.problem == HEADERS_TOO_LARGE;
  return body_follows && refuse_now ? run(x) : MHD_YES;
}

/* In the middle of a body libmicrohttpd takes no answer: it comes at the end, and who does not find
 * an end is cut off. */
static enum MHD_Result take_body(struct exchange *x, const char *upload, size_t *size) {
  x->body_came += *size;
  if (x->body_came > DISCARD_MOST) return MHD_NO;
  if (x->raw_body.len + *size > BODY_MOST) {
    x->q.problem = BODY_TOO_LARGE;
    builder_free(&x->raw_body);
  } else if (x->q.problem == NO_PROBLEM) {
    build_bytes(&x->raw_body, upload, *size);
  }
  *size = 0;
  return MHD_YES;
}

static struct line *line_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static void too_slow(struct timer *t) {
  line_cut(exchange_of(CONTAINER_OF(t, struct request, deadline))->line);
}

static void end_exchange(struct exchange *x) {
  struct intake *in = x->intake;
  if (x->q.abandon) (void)x->q.abandon(&x->q); /* only when the daemon stops under it */
  builder_free(&x->raw_body);
  builder_free(&x->answer);
  request_end(&x->q);
  *line_asks(x->line) = NULL;
  line_rests(x->line);
  free(x);
  atomic_fetch_sub(&in->api->busy, 1);
}

/* libmicrohttpd 0.9 tells the target and then, when its memory does not hold the query (each `&`
 * costs some), ends the connection without another word. */
static void end_unheard(struct line *l) {
  if (l && *line_asks(l)) end_exchange(*line_asks(l));
}

void *intake_target(void *cls, const char *target, struct MHD_Connection *connection) {
  struct intake *in = cls;
  struct line *line = line_of(connection); /* NULL: memory ran out when it came */
  end_unheard(line);
  struct exchange *x = line ? calloc(1, sizeof *x) : NULL;
  if (!x) return NULL;
  x->connection = connection;
  x->line = line;
  *line_asks(line) = x;
  x->closes = line_is_surplus(x->line);
  line_works(x->line);
  x->q.deadline.fire = too_slow;
  loop_timer(in->loop, &x->q.deadline, loop_now(in->loop) + HEAD_MS);
  x->intake = in;
  x->api = in->api;
  x->came_at = time_nanos();
  x->q.loop = in->loop;
  x->q.finished = exchange_finished;
  x->target = arena_copy(&x->q.arena, text_of(target));
  x->query_string = x->target;
  x->path = text_cut(&x->query_string, '?');
  atomic_fetch_add(&in->api->busy, 1);
  return x;
}

enum MHD_Result intake_request(void *cls, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload,
                               size_t *upload_size, void **state) {
  struct exchange *x = *state;
  (void)cls, (void)connection, (void)url;
  if (!x) return MHD_NO; /* no memory when the target came */
  switch (x->stage) {
  case STAGE_HEAD:
    return take_head(x, method, version);
  case STAGE_BODY:
    return *upload_size ? take_body(x, upload, upload_size) : run(x);
  case STAGE_ANSWERED:
    return answer_queue(x);
  default: /* a spurious call while suspended */
    return MHD_YES;
  }
}

void intake_completed(void *cls, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode why) {
  struct exchange *x = *state;
  (void)cls, (void)connection, (void)why;
  *state = NULL;
  if (x) end_exchange(x);
}

void intake_connection(void *cls, struct MHD_Connection *connection, void **state,
                       enum MHD_ConnectionNotificationCode what) {
  struct intake *in = cls;
  bool started = what == MHD_CONNECTION_NOTIFY_STARTED;
  metric_add(lyceum_connections, started ? 1 : -1);
  in->lines += started ? 1 : -1;
  if (!started) {
    end_unheard(*state);
    line_free(*state);
    *state = NULL;
    return;
  }
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  *state = info ? line_new(in, info->connect_fd) : NULL;
}
