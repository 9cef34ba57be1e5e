/* Outgoing HTTP: libcurl's multi interface, driven by the loop. Mail goes to fetch_mailer.c.
 *
 * libcurl tells which sockets to watch (watch_socket) and when to call it again (set_timer); we
 * tell it what happened (act), and then look which transfers have ended. Continuations run from
 * there, never out of one of libcurl's callbacks, so they may start or abandon transfers. */
#include "base/fetch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

enum { ANSWER_CAP = 1 << 20, TIMEOUT_MS = 10000, CONNECT_MS = 5000 };

/* Each option can be refused, be it for want of memory. */
#define SET(easy, option, value) (curl_easy_setopt(easy, CURLOPT_##option, value) == CURLE_OK)

/* Authorities besides those in the system's folder; written once, before there are loops. */
static const char *trusted;

struct fetcher { /* a loop's */
  struct loop *loop;
  CURLM *multi; /* NULL: none could be had */
  bool broken;  /* it was told that a socket can't be watched, and does little from then on */
  struct timer timer;
  struct transfer *transfers;
  struct mailer *mailer;
};

struct socket {
  struct watch watch;
  struct fetcher *fetcher;
};

/* ---- what libcurl asks of the loop -------------------------------------------------------------
 */

static void act(struct fetcher *f, curl_socket_t fd, int what);

static void socket_ready(struct watch *w, uint32_t events) {
  struct socket *s = CONTAINER_OF(w, struct socket, watch);
  int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) | (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
             (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
  act(s->fetcher, w->fd, what); /* may have freed s */
}

static void timer_fired(struct timer *t) {
  act(CONTAINER_OF(t, struct fetcher, timer), CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *fetcher) {
  struct fetcher *f = fetcher;
  (void)multi;
  if (ms < 0)
    loop_untimer(f->loop, &f->timer);
  else
    loop_timer(f->loop, &f->timer, time_ticks() + (uint64_t)ms);
  return 0;
}

static int forget_socket(struct fetcher *f, curl_socket_t fd, struct socket *s) {
  if (s) {
    loop_unwatch(f->loop, &s->watch);
    free(s);
  }
  curl_multi_assign(f->multi, fd, NULL);
  return 0;
}

static struct socket *new_socket(struct fetcher *f, curl_socket_t fd) {
  struct socket *s = calloc(1, sizeof *s);
  if (!s) return NULL;
  *s = (struct socket){{.fd = fd, .ready = socket_ready}, f};
  if (curl_multi_assign(f->multi, fd, s) == CURLM_OK) return s;
  free(s);
  return NULL;
}

/* -1 makes libcurl fail all its transfers, but not always say so to who called it. */
static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *fetcher, void *known) {
  struct fetcher *f = fetcher;
  struct socket *s = known;
  (void)easy;
  if (what == CURL_POLL_REMOVE) return forget_socket(f, fd, s);
  if (!s) s = new_socket(f, fd);
  uint32_t events = (what & CURL_POLL_IN ? (uint32_t)EPOLLIN : 0) |
                    (what & CURL_POLL_OUT ? (uint32_t)EPOLLOUT : 0);
  if (s && loop_watch(f->loop, &s->watch, events)) return 0;
  f->broken = true;
  return -1;
}

/* ---- the life of a transfer --------------------------------------------------------------------
 */

static size_t take_answer(char *bytes, size_t size, size_t count, void *transfer) {
  struct transfer *t = transfer;
  size_t len = size * count, room = t->answer_most - t->body.len;
  t->cut = t->answer_most && len > room;
  build_bytes(&t->body, bytes, t->cut ? room : len);
  return t->body.failed || t->cut ? 0 : len; /* 0 ends it with CURLE_WRITE_ERROR */
}

/* Out of libcurl's hands; its connection is kept for the next one if it is whole. */
static void leave(struct transfer *t) {
  if (!t->fetcher) return;
  if (!t->orphan) curl_multi_remove_handle(t->fetcher->multi, t->easy);
  t->fetcher = NULL;
  *t->link = t->next;
  if (t->next) t->next->link = t->link;
}

void fetch_free(struct transfer *t) {
  leave(t);
  curl_easy_cleanup(t->easy);
  curl_slist_free_all(t->headers);
  curl_slist_free_all(t->recipients);
  curl_mime_free(t->mime);
  builder_free(&t->body);
  free(t);
}

/* The request's arena is freed. A mail that a thread still has is freed when it comes back. */
static void arena_freed(void *transfer) {
  struct transfer *t = transfer;
  t->in_arena = false;
  t->q = NULL;
  if (!t->mailer) fetch_free(t);
}

/* Nothing has happened as long as nothing was sent: a name being resolved, a connection made. */
static bool abandoned(struct request *q) {
  struct transfer *t = q->waits_on;
  long request = 1;
  curl_off_t upload = 1;
  curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &request);
  curl_easy_getinfo(t->easy, CURLINFO_SIZE_UPLOAD_T, &upload);
  leave(t);
  return request == 0 && upload == 0;
}

static const char *words_for(struct transfer *t, CURLcode code) {
  if (code == CURLE_OK || (t->cut && !t->body.failed)) return NULL;
  if (t->kept_out) return "it leads to an address that is not public";
  if (t->body.failed) return "the answer is larger than 1 MiB";
  return t->error[0] ? t->error : curl_easy_strerror(code);
}

void fetch_ended(struct transfer *t, CURLcode code) {
  struct request *q = t->q;
  long status = 0;
  curl_off_t wait = 0;
  curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
  curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &wait);
  t->result = (struct fetched){(int)status, built(&t->body), words_for(t, code), wait};
  leave(t);
  q->abandon = NULL;
  q->waits_on = NULL;
  request_take(q, t->then(q, &t->result));
}

static bool open_multi(struct fetcher *f);

/* A multi handle that had no memory is not whole: libcurl 7.88 then keeps a hash without slots for
 * a socket, and divides by them when the next transfer has it. So all that it had has failed, and
 * another takes its place, now or when somebody calls. */
static void renew(struct fetcher *f) {
  for (struct transfer *t = f->transfers; t; t = t->next) {
    curl_multi_remove_handle(f->multi, t->easy);
    t->orphan = true;
  }
  curl_multi_cleanup(f->multi);
  loop_untimer(f->loop, &f->timer);
  f->multi = NULL;
  f->broken = false;
  (void)open_multi(f);
  for (struct transfer *t = f->transfers; t;) {
    struct transfer *lost = t->orphan ? t : NULL;
    t = t->next;
    if (!lost) continue;
    fetch_ended(lost, CURLE_OUT_OF_MEMORY);
    t = f->transfers; /* whoever was told may have started and abandoned some */
  }
}

static void tell_ended(struct fetcher *f) {
  int left;
  CURLMsg *m;
  while (f->multi && (m = curl_multi_info_read(f->multi, &left)) != NULL) {
    char *transfer = NULL;
    CURLcode code = m->data.result; /* m dies with the transfer's leaving */
    if (m->msg != CURLMSG_DONE) continue;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &transfer);
    fetch_ended((struct transfer *)(void *)transfer, code);
  }
}

static void act(struct fetcher *f, curl_socket_t fd, int what) {
  int running;
  if (!f->multi) return;
  bool whole = curl_multi_socket_action(f->multi, fd, what, &running) == CURLM_OK;
  tell_ended(f);
  if (!whole || f->broken) renew(f);
}

/* ---- a call becomes a transfer -----------------------------------------------------------------
 */

bool fetch_header(struct transfer *t, struct text line) {
  char *clean = malloc(line.len + 1);
  size_t n = 0;
  if (!clean) return false;
  for (size_t i = 0; i < line.len; i++) {
    unsigned char c = (unsigned char)line.at[i];
    if ((c >= 0x20 && c != 0x7F) || c == '\t') clean[n++] = line.at[i];
  }
  clean[n] = '\0';
  struct curl_slist *longer = curl_slist_append(t->headers, clean);
  free(clean);
  if (longer) t->headers = longer;
  return longer != NULL;
}

bool fetch_has_header(const struct fetch_call *call, const char *name_and_colon) {
  for (size_t i = 0; call->headers && call->headers[i]; i++)
    if (strncasecmp(call->headers[i], name_and_colon, strlen(name_and_colon)) == 0) return true;
  return false;
}

static bool is_mail(const struct fetch_call *call) {
  return strncasecmp(call->url, "smtp://", 7) == 0 || strncasecmp(call->url, "smtps://", 8) == 0;
}

static bool set_http(struct transfer *t, const struct fetch_call *call) {
  bool good = true, has_body = call->body.at != NULL;
  for (size_t i = 0; call->headers && call->headers[i]; i++)
    good = good && fetch_header(t, text_of(call->headers[i]));
  /* A name without a value keeps libcurl from adding its own: no form nobody spoke of, and no
   * waiting for "100 Continue". */
  if (!fetch_has_header(call, "content-type:"))
    good = good && fetch_header(t, LIT("Content-Type:"));
  good = good && fetch_header(t, LIT("Expect:"));
  if (has_body)
    good = good && SET(t->easy, POSTFIELDSIZE_LARGE, (curl_off_t)call->body.len) &&
           SET(t->easy, POSTFIELDS, call->body.at);
  if (call->method && strcmp(call->method, "HEAD") == 0)
    good = good && SET(t->easy, NOBODY, 1L);
  else if (call->method)
    good = good && SET(t->easy, CUSTOMREQUEST, call->method);
  return good && SET(t->easy, HTTPHEADER, t->headers);
}

long fetch_timeout(const struct fetch_call *call) {
  return call->timeout_ms ? (long)call->timeout_ms : TIMEOUT_MS;
}

/* QUICK_EXIT: else abandoning a transfer waits for its name to be resolved. */
static bool set_common(struct transfer *t, const struct fetch_call *call) {
  CURL *e = t->easy;
  long timeout = fetch_timeout(call);
  return SET(e, PRIVATE, (void *)t) && SET(e, ERRORBUFFER, t->error) &&
         SET(e, WRITEFUNCTION, take_answer) && SET(e, WRITEDATA, (void *)t) &&
         SET(e, NOSIGNAL, 1L) && SET(e, QUICK_EXIT, 1L) && SET(e, TIMEOUT_MS, timeout) &&
         SET(e, CONNECTTIMEOUT_MS, timeout < CONNECT_MS ? timeout : (long)CONNECT_MS) &&
         SET(e, FOLLOWLOCATION, 0L) && SET(e, USERAGENT, "Lyceum") &&
         SET(e, USE_SSL, (long)(call->start_tls ? CURLUSESSL_ALL : CURLUSESSL_NONE));
}

static bool set_texts(struct transfer *t, const struct fetch_call *call) {
  CURL *e = t->easy;
  return SET(e, URL, call->url) && SET(e, PROTOCOLS_STR, "http,https,smtp,smtps") &&
         (!trusted || SET(e, CAINFO, trusted)) && (!call->user || SET(e, USERNAME, call->user)) &&
         (!call->password || SET(e, PASSWORD, call->password));
}

static struct transfer *transfer_new(struct request *q, const struct fetch_call *call) {
  struct transfer *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  *t = (struct transfer){.q = q,
                         .easy = curl_easy_init(),
                         .body = {.cap = ANSWER_CAP},
                         .answer_most = call->answer_most};
  if (t->easy && set_common(t, call) && set_texts(t, call) &&
      (!call->foreign || fetch_foreign(t, call)) &&
      (is_mail(call) ? fetch_mail(t, call) : set_http(t, call)))
    return t;
  fetch_free(t);
  return NULL;
}

static bool enter(struct fetcher *f, struct transfer *t) {
  if (!f->multi && !open_multi(f)) return false;
  if (curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) return false;
  t->fetcher = f;
  t->next = f->transfers;
  t->link = &f->transfers;
  if (t->next) t->next->link = &t->next;
  f->transfers = t;
  t->q->abandon = abandoned;
  t->q->waits_on = t;
  return true;
}

struct step fetch(struct request *q, const struct fetch_call *call, fetch_next next) {
  struct fetcher *f = loop_kept(q->loop, ROOM_FETCH);
  struct transfer *t = f ? transfer_new(q, call) : NULL;
  if (!t) return problem(q, f ? OUT_OF_MEMORY : INTERNAL);
  arena_defer(&q->arena, arena_freed, t);
  t->in_arena = true;
  t->then = next;
  if (is_mail(call)) return mailer_take(f->mailer, t) ? WAITS : problem(q, BUSY);
  return enter(f, t) ? WAITS : problem(q, OUT_OF_MEMORY);
}

/* ---- once per loop -----------------------------------------------------------------------------
 */

bool fetch_trust(const char *file) {
  bool good = crypto_has_certificates(file);
  if (good) trusted = file;
  return good;
}

static bool global_good;

static void start_libcurl(void) {
  global_good = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool set_multi(CURLM *m, struct fetcher *f) {
  return curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, watch_socket) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_SOCKETDATA, f) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, set_timer) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_TIMERDATA, f) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_MAX_TOTAL_CONNECTIONS, 64L) == CURLM_OK &&
         curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, 8L) == CURLM_OK;
}

static bool open_multi(struct fetcher *f) {
  CURLM *m = curl_multi_init();
  if (m && set_multi(m, f)) {
    f->multi = m;
    return true;
  }
  curl_multi_cleanup(m);
  return false;
}

bool fetch_open(struct loop *l) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  struct fetcher *f = calloc(1, sizeof *f);
  if (!f) return false;
  f->loop = l;
  f->timer.fire = timer_fired;
  if (pthread_once(&once, start_libcurl) != 0 || !global_good || !(f->mailer = mailer_new(l)) ||
      !open_multi(f)) {
    mailer_free(f->mailer);
    free(f);
    return false;
  }
  loop_keep(l, ROOM_FETCH, f);
  return true;
}

void fetch_close(struct loop *l) {
  struct fetcher *f = loop_kept(l, ROOM_FETCH);
  if (!f) return;
  mailer_free(f->mailer);
  while (f->transfers)
    leave(f->transfers);
  curl_multi_cleanup(f->multi); /* may still tell which sockets to forget */
  loop_untimer(l, &f->timer);
  loop_keep(l, ROOM_FETCH, NULL);
  free(f);
}
