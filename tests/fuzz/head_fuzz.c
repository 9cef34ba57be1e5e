/* Any bytes on a connection, through libmicrohttpd and the raw gate. What passes the gate is, byte
 * for byte, what a strict reader of RFC 9112 sees: no second Host, no folded line, no body that
 * begins elsewhere. What is answered is HTTP, and a problem is JSON. */
#include "tests/fuzz/fuzz.h"

/* Instead of the handlers: what passed the gate is looked at, and answered. */
#define gates_pass look_at
#include "api/intake.c"
#undef gates_pass

#include <sys/socket.h>

enum { TURNS = 12, CLOSING_TURNS = 1000, ANSWER_MOST = 1 << 18 };

static struct text sent; /* by the client */
static int64_t answered; /* before this connection */
static struct config config = {.bind = "127.0.0.1",
                               .public_url = "http://a.example",
                               .trusted_proxies = "127.0.0.1",
                               .cors_origins = "https://b.example",
                               .app_min_version = "1.2.3",
                               .loops = 1,
                               .connections = 16,
                               .deadline_ms = 5000};
static struct api api = {.config = &config};
static struct intake *intake;

static void open_api(void) {
  int port;
  if (intake) return;
  log_open(LOG_ERROR);
  struct loop *l = loop_new(0);
  int fd = l ? api_bind(&config, &port) : -1;
  CHECK(fd >= 0 && api_open(l, &api, fd));
  intake = loop_kept(l, ROOM_API);
}

/* ---- the strict reader, which knows nothing of libmicrohttpd ---- */

struct strict {
  struct text target, body; /* body: all that follows the head */
  int hosts, lengths, codings, authorizations;
  int64_t length;
};

static bool name_is(struct text name, const char *what) {
  return name.len == strlen(what) && strncasecmp(name.at, what, name.len) == 0;
}

static void note_header(struct strict *s, struct text line) {
  struct text value = line, name = text_cut(&value, ':');
  CHECK(value.at && name.len); /* a line without a colon, or folded */
  for (size_t i = 0; i < name.len; i++)
    CHECK(name.at[i] > ' ' && name.at[i] < 0x7f);
  for (size_t i = 0; i < value.len; i++)
    CHECK((unsigned char)value.at[i] >= ' ' || value.at[i] == '\t');
  s->hosts += name_is(name, "Host");
  s->codings += name_is(name, "Transfer-Encoding");
  s->authorizations += name_is(name, "Authorization");
  if (!name_is(name, "Content-Length")) return;
  s->lengths++;
  CHECK(text_to_int(text_trim(value), &s->length) && s->length >= 0);
}

/* What libmicrohttpd 0.9 overwrites with NUL leaves nothing to tell it by, and does no harm:
 * whoever looks for LF sees the same lines. So NUL may stand for CR, lines that begin with NUL may
 * come before the first, and one that begins with NUL or a colon may end the head. */
#if MHD_VERSION < 0x01000000
enum { LENIENT = 1 };
#else
enum { LENIENT = 0 };
#endif

/* Up to a line feed and what must stand before it. whole: it does. */
static struct text take_line(struct text *rest, bool *whole) {
  CHECK(rest->len && memchr(rest->at, '\n', rest->len));
  struct text line = text_cut(rest, '\n');
  char last = line.len ? line.at[line.len - 1] : 'x';
  *whole = last == '\r' || (LENIENT && last == 0);
  if (*whole) line.len--;
  while (LENIENT && line.len > 1 && !line.at[line.len - 1])
    line.len--;
  return line;
}

static bool skipped(struct text line) {
  return !line.len || (LENIENT && !line.at[0]);
}

static bool ends_head(struct text line) {
  return skipped(line) || (LENIENT && line.at[0] == ':');
}

static void read_strictly(struct strict *s, struct text rest) {
  bool whole, next_whole;
  struct text line;
  do
    line = take_line(&rest, &whole);
  while (skipped(line)); /* empty lines that nobody counts */
  (void)text_cut(&line, ' ');
  s->target = text_cut(&line, ' ');
  CHECK(text_is(line, "HTTP/1.1") || text_is(line, "HTTP/1.0"));
  for (;; whole = next_whole) {
    line = take_line(&rest, &next_whole);
    if (ends_head(line)) break;
    CHECK(whole); /* the one before it */
    note_header(s, line);
  }
  CHECK(LENIENT || (whole && next_whole));
  s->body = rest;
}

static void compare(struct exchange *x) {
  struct strict s = {0};
  read_strictly(&s, sent);
  CHECK(text_equal(s.target, x->target));
  CHECK(s.hosts <= 1 && s.lengths <= 1 && s.codings <= 1 && s.authorizations <= 1);
  CHECK(!s.lengths || !s.codings);
  if (s.codings) return;
  CHECK((int64_t)x->raw_body.len == s.length && s.body.len >= x->raw_body.len);
  CHECK(!x->raw_body.len || memcmp(s.body.at, x->raw_body.at, x->raw_body.len) == 0);
}

struct step look_at(struct request *q) {
  struct exchange *x = exchange_of(q);
  CHECK(q->id.len && !memchr(q->id.at, 0, q->id.len) && text_is_clean(q->id, false));
  CHECK(x->route && x->target.len <= TARGET_MOST && x->raw_body.len <= BODY_MOST);
  if (metric_value(lyceum_requests) == answered) compare(x); /* the first on its connection */
  (void)query_parse(x);
  struct text address = peer_address(q);
  CHECK(address.len && text_is_clean(address, false));
  CHECK(!came_by_tls(q) || text_is(header(q, "X-Forwarded-Proto"), "https"));
  reply_download(q, x->target);
  return reply_empty(q, 204);
}

/* ---- the answers ---- */

static void try_answer(struct text t) {
  struct arena a = {0};
  struct text why = NONE;
  CHECK(text_starts(t, "HTTP/1.1 ") || text_starts(t, "HTTP/1.0 "));
  const char *end = memmem(t.at, t.len, "\r\n\r\n", 4);
  CHECK(end);
  struct text head = {t.at, (size_t)(end - t.at) + 2};
  struct text body = {end + 4, t.len - head.len - 2};
  bool problem = memmem(head.at, head.len, "application/problem+json", 24) != NULL;
  const char *length = memmem(head.at, head.len, "Content-Length: ", 16);
  for (struct text rest = head; rest.len;) {
    struct text line = text_cut(&rest, '\n');
    CHECK(line.len && line.at[line.len - 1] == '\r' &&
          text_is_clean((struct text){line.at, line.len - 1}, true));
  }
  if (problem && length && body.len && !text_starts(body, "HTTP/1.")) {
    struct text rest = {length + 16, (size_t)(end - length) - 16};
    int64_t n = 0;
    CHECK(text_to_int(text_cut(&rest, '\r'), &n) && n >= 0);
    if ((size_t)n <= body.len) CHECK(json_parse(&a, (struct text){body.at, (size_t)n}, &why));
  }
  arena_free(&a);
}

static void talk(int ours) {
  static char answer[ANSWER_MOST];
  size_t came = 0, gone = 0;
  for (int i = 0; i < TURNS; i++) {
    ssize_t n = gone < sent.len ? send(ours, sent.at + gone, sent.len - gone, MSG_NOSIGNAL) : 0;
    if (n > 0) gone += (size_t)n;
    if (gone == sent.len && i > TURNS / 2) (void)shutdown(ours, SHUT_WR);
    MHD_run(intake->daemon);
    n = recv(ours, answer + came, sizeof answer - came, 0);
    if (n > 0) came += (size_t)n;
  }
  if (came) try_answer((struct text){answer, came});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int pair[2];
  if (!size || size > 32768) return 0;
  open_api();
  sent = (struct text){(const char *)data, size};
  answered = metric_value(lyceum_requests);
  CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) == 0);
  if (MHD_add_connection(intake->daemon, pair[1], (struct sockaddr *)&peer, sizeof peer) == MHD_YES)
    talk(pair[0]);
  close(pair[0]);
  for (int i = 0; i < CLOSING_TURNS && (i < 3 || atomic_load(&api.busy)); i++)
    MHD_run(intake->daemon);
  CHECK(atomic_load(&api.busy) == 0);
  return 0;
}
