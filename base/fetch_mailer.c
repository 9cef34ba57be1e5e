/* The threads that talk to mail servers.
 *
 * libcurl's multi interface is no help with SMTP: when the mail is sent it waits for the server's
 * verdict without going back to us (smtp_done), and for the answer to QUIT before it closes a
 * connection. A server that scans mail for ten seconds would stop a loop for as long. So each loop
 * has a few threads for it, each started when a mail comes and all others are busy. Each keeps its
 * connections, so that a thousand mails don't sign in a thousand times.
 *
 *   waiting --a thread takes it--> taken --post--> back on the loop: fetch_ended
 *      |                             |
 *      +--abandoned: nothing done    +--abandoned: outcome unknown; freed when it is back
 */
#include "base/fetch.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { THREADS = 4, POLL_MS = 1000, NAP_US = 10000 };

struct open_socket { /* known also while it idles */
  struct open_socket *next;
  curl_socket_t fd;
};

struct mailer {
  struct loop *loop;
  struct transfer *out; /* not back yet; the loop's thread alone touches it, count and threads */
  int count;
  pthread_t threads[THREADS];
  pthread_mutex_t lock; /* guards what is below, and `taken` of each transfer */
  pthread_cond_t wanted;
  struct transfer *waiting, **end;
  int load; /* mails waiting or on a thread */
  struct open_socket *sockets;
  bool stopping;
};

/* ---- sockets: opened and closed by us only so that mailer_free can cut them ---------------------
 */

static curl_socket_t open_socket(void *mailer, curlsocktype use, struct curl_sockaddr *to) {
  struct mailer *m = mailer;
  struct open_socket *s = malloc(sizeof *s);
  (void)use;
  if (!s) return CURL_SOCKET_BAD;
  pthread_mutex_lock(&m->lock);
  s->fd =
      m->stopping ? CURL_SOCKET_BAD : socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
  curl_socket_t fd = s->fd;
  if (fd != CURL_SOCKET_BAD) {
    s->next = m->sockets;
    m->sockets = s;
  }
  pthread_mutex_unlock(&m->lock);
  if (fd == CURL_SOCKET_BAD) free(s);
  return fd;
}

static int close_socket(void *mailer, curl_socket_t fd) {
  struct mailer *m = mailer;
  pthread_mutex_lock(&m->lock);
  struct open_socket **at = &m->sockets;
  while (*at && (*at)->fd != fd)
    at = &(*at)->next;
  struct open_socket *s = *at;
  if (s) *at = s->next;
  int closed = close(fd); /* under the lock: no other thread may get this number first */
  pthread_mutex_unlock(&m->lock);
  free(s);
  return closed;
}

/* ---- on the threads ----------------------------------------------------------------------------
 */

/* Waits for a mail; NULL when the mailer stops. */
static struct transfer *take_mail(struct mailer *m) {
  pthread_mutex_lock(&m->lock);
  while (!m->stopping && !m->waiting)
    pthread_cond_wait(&m->wanted, &m->lock);
  struct transfer *t = m->stopping ? NULL : m->waiting;
  if (t) {
    m->waiting = t->queued;
    if (!m->waiting) m->end = &m->waiting;
    t->taken = true;
  }
  pthread_mutex_unlock(&m->lock);
  return t;
}

static bool is_stopping(struct mailer *m) {
  pthread_mutex_lock(&m->lock);
  bool stopping = m->stopping;
  pthread_mutex_unlock(&m->lock);
  return stopping;
}

static CURLcode deliver(struct mailer *m, CURLM *multi, struct transfer *t) {
  CURLcode code = CURLE_ABORTED_BY_CALLBACK;
  int running = 1, left;
  CURLMsg *message;
  if (!multi || curl_multi_add_handle(multi, t->easy) != CURLM_OK) return CURLE_OUT_OF_MEMORY;
  while (curl_multi_perform(multi, &running) == CURLM_OK && running && !is_stopping(m))
    if (curl_multi_poll(multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
      (void)usleep(NAP_US); /* it did not wait: no spinning until it can */
  while ((message = curl_multi_info_read(multi, &left)) != NULL)
    if (message->msg == CURLMSG_DONE) code = message->data.result;
  curl_multi_remove_handle(multi, t->easy);
  return code;
}

/* Free again before anybody hears of it, or the answer's next mail would get another thread, which
 * has no connection. */
static void hand_back(struct mailer *m, struct transfer *t) {
  pthread_mutex_lock(&m->lock);
  m->load--;
  pthread_mutex_unlock(&m->lock);
  loop_post(m->loop, &t->post);
}

static void *serve(void *mailer) {
  struct mailer *m = mailer;
  CURLM *multi = NULL;
  struct transfer *t;
  while ((t = take_mail(m)) != NULL) {
    if (!multi) multi = curl_multi_init(); /* if there is no memory now, there may be next time */
    t->code = deliver(m, multi, t);
    hand_back(m, t);
  }
  curl_multi_cleanup(multi); /* its connections are cut by now, so nothing is waited for */
  return NULL;
}

/* ---- on the loop -------------------------------------------------------------------------------
 */

static void enlist(struct mailer *m, struct transfer *t) {
  t->mailer = m;
  t->next = m->out;
  t->link = &m->out;
  if (t->next) t->next->link = &t->next;
  m->out = t;
}

static void delist(struct transfer *t) {
  t->mailer = NULL;
  *t->link = t->next;
  if (t->next) t->next->link = t->link;
}

static void came_back(struct post *post) {
  struct transfer *t = CONTAINER_OF(post, struct transfer, post);
  delist(t);
  if (t->q)
    fetch_ended(t, t->code);
  else if (!t->in_arena)
    fetch_free(t);
}

/* Takes a mail that no thread has yet out of the queue. */
static bool withdraw(struct mailer *m, struct transfer *t) {
  pthread_mutex_lock(&m->lock);
  bool mine = !t->taken;
  struct transfer **at = &m->waiting;
  while (mine && *at != t)
    at = &(*at)->queued;
  if (mine) {
    *at = t->queued;
    if (!*at) m->end = at;
    m->load--;
  }
  pthread_mutex_unlock(&m->lock);
  return mine;
}

static bool abandoned(struct request *q) {
  struct transfer *t = q->waits_on;
  t->q = NULL;
  if (!withdraw(t->mailer, t)) return false;
  delist(t);
  return true;
}

/* One more when all are busy. Signals are for the thread that waits for them. */
static void start_thread(struct mailer *m) {
  sigset_t all, before;
  pthread_mutex_lock(&m->lock);
  bool busy = m->load >= m->count;
  pthread_mutex_unlock(&m->lock);
  if (!busy || m->count == THREADS) return;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  if (pthread_create(&m->threads[m->count], NULL, serve, m) == 0) m->count++;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* All or none: a socket that only one of the two knows would be cut by its number alone. */
static bool set_sockets(struct mailer *m, CURL *e) {
  return curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, close_socket) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, (void *)m) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
         curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, (void *)m) == CURLE_OK;
}

bool mailer_take(struct mailer *m, struct transfer *t) {
  start_thread(m);
  if (!m->count || !set_sockets(m, t->easy)) return false;
  t->post.run = came_back;
  t->q->abandon = abandoned;
  t->q->waits_on = t;
  enlist(m, t);
  pthread_mutex_lock(&m->lock);
  *m->end = t;
  m->end = &t->queued;
  m->load++;
  pthread_mutex_unlock(&m->lock);
  pthread_cond_signal(&m->wanted);
  return true;
}

struct mailer *mailer_new(struct loop *l) {
  struct mailer *m = calloc(1, sizeof *m);
  if (!m) return NULL;
  m->loop = l;
  m->end = &m->waiting;
  pthread_mutex_init(&m->lock, NULL);
  pthread_cond_init(&m->wanted, NULL);
  return m;
}

/* Ends every talk at once: a server that says nothing must not hold up the end of ours. */
static void stop_threads(struct mailer *m) {
  pthread_mutex_lock(&m->lock);
  m->stopping = true;
  for (struct open_socket *s = m->sockets; s; s = s->next)
    shutdown(s->fd, SHUT_RDWR);
  pthread_mutex_unlock(&m->lock);
  pthread_cond_broadcast(&m->wanted);
  for (int i = 0; i < m->count; i++)
    pthread_join(m->threads[i], NULL);
}

void mailer_free(struct mailer *m) {
  if (!m) return;
  stop_threads(m);
  for (struct transfer *t = m->out, *next; t; t = next) {
    next = t->next;
    delist(t);
    if (t->q) t->q->abandon = NULL, t->q->waits_on = NULL;
    if (!t->in_arena) fetch_free(t);
  }
  pthread_cond_destroy(&m->wanted);
  pthread_mutex_destroy(&m->lock);
  free(m);
}
