/* Outgoing HTTP and SMTP against small peers on loopback, each answering one connection. */
#include "base/fetch.c"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- peers -------------------------------------------------------------------------------------
 */

static struct peer {
  int fd, port;
  void (*speak)(int fd);
  pthread_t thread;
  char heard[16384]; /* everything that was sent to it */
  size_t heard_len;
  const char *reply; /* HTTP: the whole answer */
} peer;

static void say(int fd, const char *s) {
  ssize_t n = write(fd, s, strlen(s));
  (void)n;
}

/* Reads until `end` was heard at the end of what came; false when the connection ended first. */
static bool listen_until(int fd, const char *end) {
  size_t len = strlen(end);
  while (peer.heard_len < len || memcmp(peer.heard + peer.heard_len - len, end, len) != 0) {
    ssize_t n = read(fd, peer.heard + peer.heard_len, sizeof peer.heard - 1 - peer.heard_len);
    if (n <= 0) return false;
    peer.heard_len += (size_t)n;
  }
  return true;
}

static void *serve_one(void *unused) {
  (void)unused;
  int fd = accept(peer.fd, NULL, NULL);
  if (fd < 0) return NULL;
  peer.speak(fd);
  close(fd);
  return NULL;
}

static void start_peer(void (*speak)(int fd)) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof at;
  peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0), .speak = speak};
  assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, len), 0);
  assert_int_equal(listen(peer.fd, 4), 0);
  assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&at, &len), 0);
  peer.port = ntohs(at.sin_port);
  if (speak) assert_int_equal(pthread_create(&peer.thread, NULL, serve_one, NULL), 0);
}

static void stop_peer(void) {
  shutdown(peer.fd, SHUT_RDWR);
  if (peer.speak) pthread_join(peer.thread, NULL);
  close(peer.fd);
}

/* ---- a request that fetches --------------------------------------------------------------------
 */

static struct loop *loop;
static struct request q;
static struct fetched got;
static int finished;

static void finish(struct request *r) {
  (void)r;
  finished++;
  loop_stop(loop);
}

static struct step keep(struct request *r, const struct fetched *f) {
  (void)r;
  got = *f;
  return DONE;
}

static int set_up(void **state) {
  (void)state;
  loop = loop_new(0);
  q = (struct request){.loop = loop, .finished = finish};
  got = (struct fetched){.status = -1};
  finished = 0;
  return loop && fetch_open(loop) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  request_end(&q);
  fetch_close(loop);
  loop_free(loop);
  return 0;
}

static const char *url(const char *scheme, const char *path) {
  return arena_printf(&q.arena, "%s://127.0.0.1:%d%s", scheme, peer.port, path).at;
}

static void run(const struct fetch_call *call, uint64_t deadline) {
  request_start(&q, deadline);
  request_take(&q, fetch(&q, call, keep));
  if (!finished) loop_run(loop);
  assert_int_equal(finished, 1);
}

static void heard(const char *what) {
  peer.heard[peer.heard_len] = '\0';
  if (!strstr(peer.heard, what)) print_error("%s\n", peer.heard);
  assert_non_null(strstr(peer.heard, what));
}

static void not_heard(const char *what) {
  assert_null(strcasestr(peer.heard, what));
}

/* ---- HTTP --------------------------------------------------------------------------------------
 */

static void speak_http(int fd) {
  listen_until(fd, peer.reply ? "body" : "\r\n\r\n");
  say(fd,
      "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nLocation: http://127.0.0.1:1/\r\n\r\nhello");
}

static void http_get_brings_status_and_body(void **state) {
  (void)state;
  start_peer(speak_http);
  run(&(struct fetch_call){.url = url("http", "/a?b=c")}, 5000);
  stop_peer();
  assert_null(got.error);
  assert_int_equal(got.status, 404);
  assert_true(text_is(got.body, "hello"));
  heard("GET /a?b=c HTTP/1.1\r\n");
}

static void speak_post(int fd) {
  listen_until(fd, "the body");
  say(fd, "HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n");
}

static void http_post_sends_what_was_said_and_no_more(void **state) {
  (void)state;
  const char *const headers[] = {"X-One: 1\r\nX-Two: 2", NULL};
  start_peer(speak_post);
  run(&(struct fetch_call){.url = url("http", "/hook"),
                           .method = "PUT",
                           .headers = headers,
                           .body = LIT("the body"),
                           .user = "u",
                           .password = "p"},
      5000);
  stop_peer();
  assert_null(got.error);
  assert_int_equal(got.status, 302); /* not followed */
  heard("PUT /hook HTTP/1.1\r\n");
  heard("\r\nX-One: 1X-Two: 2\r\n");
  heard("\r\nAuthorization: Basic dTpw\r\n");
  heard("\r\nContent-Length: 8\r\n");
  not_heard("content-type");
  not_heard("expect");
}

static void speak_too_much(int fd) {
  char block[4096];
  memset(block, 'x', sizeof block);
  listen_until(fd, "\r\n\r\n");
  say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  for (int i = 0; i < 300; i++)
    if (send(fd, block, sizeof block, MSG_NOSIGNAL) < 0) return;
}

static void http_answers_have_a_limit(void **state) {
  (void)state;
  start_peer(speak_too_much);
  run(&(struct fetch_call){.url = url("http", "/")}, 5000);
  stop_peer();
  assert_string_equal(got.error, "the answer is larger than 1 MiB");
  assert_null(got.body.at);
}

static void speak_never(int fd) {
  listen_until(fd, "for ever");
}

static void a_deadline_after_sending_leaves_the_outcome_open(void **state) {
  (void)state;
  start_peer(speak_never);
  run(&(struct fetch_call){.url = url("http", "/")}, 100);
  assert_int_equal(q.problem, OUTCOME_UNKNOWN);
  assert_int_equal(got.status, -1); /* the continuation did not run */
  request_end(&q);                  /* closes the connection, which ends the peer */
  fetch_close(loop);
  stop_peer();
}

static void a_timeout_is_told(void **state) {
  (void)state;
  start_peer(speak_never);
  run(&(struct fetch_call){.url = url("http", "/"), .timeout_ms = 60}, 5000);
  assert_non_null(got.error);
  assert_int_equal(got.status, 0);
  request_end(&q);
  fetch_close(loop);
  stop_peer();
}

static void what_cannot_be_fetched_is_told(void **state) {
  (void)state;
  static const char *const bad[] = {"file:///etc/passwd", "gopher://127.0.0.1/", "nonsense://x",
                                    "http://127.0.0.1:1/", "http://a b/"};
  for (size_t i = 0; i < COUNT(bad); i++) {
    struct loop *l = loop;
    run(&(struct fetch_call){.url = bad[i]}, 5000);
    assert_non_null(got.error);
    assert_int_equal(got.status, 0);
    request_end(&q);
    fetch_close(l);
    loop_free(l);
    assert_int_equal(set_up(NULL), 0);
  }
}

/* ---- SMTP --------------------------------------------------------------------------------------
 */

static void speak_smtp(int fd) {
  say(fd, "220 peer\r\n");
  if (!listen_until(fd, "\r\n")) return;
  say(fd, "250-peer\r\n250 8BITMIME\r\n");
  if (!listen_until(fd, "\r\n")) return;
  say(fd, "250 sender\r\n");
  if (!listen_until(fd, "\r\n")) return;
  if (peer.reply) {
    say(fd, peer.reply);
    listen_until(fd, "QUIT\r\n");
    return;
  }
  say(fd, "250 recipient\r\n");
  if (!listen_until(fd, "DATA\r\n")) return;
  say(fd, "354 go on\r\n");
  if (!listen_until(fd, "\r\n.\r\n")) return;
  say(fd, "250 queued\r\n");
  listen_until(fd, "QUIT\r\n");
}

/* Greets, refuses the sender or takes the mail, and never speaks again. */
static void speak_and_fall_silent(int fd) {
  if (peer.reply) {
    say(fd, "220 peer\r\n");
    if (!listen_until(fd, "\r\n")) return;
    say(fd, peer.reply);
  } else {
    speak_smtp(fd);
  }
  listen_until(fd, "for ever");
}

static struct fetch_call a_mail(void) {
  static const char *const headers[] = {"From: 开友大讲堂 <hall@example.org>",
                                        "To: <z@example.com>",
                                        "Subject: 您的验证码\r\nBcc: everybody@example.com", NULL};
  return (struct fetch_call){.url = url("smtp", ""),
                             .headers = headers,
                             .mail_from = "hall@example.org",
                             .mail_to = "z@example.com",
                             .mail_text = LIT("Your code is 123456.\n.\nBye"),
                             .mail_html = LIT("<p>Your code is <b>123456</b></p>")};
}

static void mail_has_two_parts(void **state) {
  (void)state;
  struct fetch_call mail = a_mail();
  start_peer(speak_smtp);
  mail.url = url("smtp", "");
  run(&mail, 5000);
  request_end(&q);
  fetch_close(loop);
  stop_peer();
  if (got.error) print_error("%s\n", got.error);
  assert_int_equal(got.status, 250);
  heard("MAIL FROM:<hall@example.org>");
  heard("RCPT TO:<z@example.com>");
  heard("\r\nFrom: =?utf-8?B?5byA5Y+L5aSn6K6y5aCC?= <hall@example.org>\r\n");
  heard("\r\nTo: <z@example.com>\r\n");
  heard("\r\nSubject: =?utf-8?B?");
  not_heard("\r\nBcc:");
  heard("\r\nDate: ");
  heard("@example.org>\r\n");
  heard("Content-Type: multipart/alternative; boundary=");
  heard("Content-Type: text/plain; charset=utf-8\r\n");
  heard("\r\nYour code is 123456.\r\n..\r\nBye\r\n");
  heard("Content-Type: text/html; charset=utf-8\r\n");
}

static void a_refused_recipient_is_told(void **state) {
  (void)state;
  struct fetch_call mail = a_mail();
  start_peer(speak_smtp);
  peer.reply = "550 no such user\r\n";
  mail.url = url("smtp", "");
  run(&mail, 5000);
  request_end(&q);
  fetch_close(loop);
  stop_peer();
  assert_int_equal(got.status, 550);
  assert_true(finished == 1);
}

static void mail_to_one_that_falls_silent(const char *reply, int status) {
  struct fetch_call mail = a_mail();
  start_peer(speak_and_fall_silent);
  peer.reply = reply;
  mail.url = url("smtp", "");
  mail.timeout_ms = 1000;
  uint64_t since = time_ticks();
  run(&mail, 5000);
  assert_int_equal(got.status, status);
  request_end(&q);
  fetch_close(loop);
  assert_true(time_ticks() - since < 2500);
  stop_peer();
}

/* libcurl says QUIT at the end and waits for the answer: no longer than the call's timeout, and not
 * at all when the fetcher is closed. */
static void a_silent_server_holds_up_nothing(void **state) {
  (void)state;
  mail_to_one_that_falls_silent(NULL, 250);
}

static void nor_does_one_that_refused(void **state) {
  (void)state;
  mail_to_one_that_falls_silent("250 peer\r\n550 no\r\n", 550);
}

static void nor_does_one_that_knows_nobody(void **state) {
  (void)state;
  mail_to_one_that_falls_silent("554 no\r\n554 no\r\n", 554);
}

/* The second mail goes over the first one's connection (the peer takes only one), and is refused
 * by a server that then falls silent. */
static void speak_two(int fd) {
  static const char *const script[][2] = {
      {"\r\n", "250 peer\r\n"},         {"\r\n", "250 sender\r\n"},
      {"\r\n", "250 recipient\r\n"},    {"\r\n", "354 go on\r\n"},
      {"\r\n.\r\n", "250 queued\r\n"},  {"\r\n", "250 sender\r\n"},
      {"\r\n", "550 no such user\r\n"}, {"for ever", ""}};
  say(fd, "220 peer\r\n");
  for (size_t i = 0; i < COUNT(script); i++) {
    if (!listen_until(fd, script[i][0])) return;
    say(fd, script[i][1]);
  }
}

static struct step send_another(struct request *r, const struct fetched *f) {
  struct fetch_call mail = a_mail();
  mail.timeout_ms = 1000;
  assert_int_equal(f->status, 250);
  return fetch(r, &mail, keep);
}

static void connections_to_mail_servers_are_kept(void **state) {
  (void)state;
  start_peer(speak_two);
  struct fetch_call mail = a_mail();
  uint64_t since = time_ticks();
  request_start(&q, 5000);
  request_take(&q, fetch(&q, &mail, send_another));
  loop_run(loop);
  assert_int_equal(got.status, 550);
  assert_non_null(got.error);
  request_end(&q);
  fetch_close(loop);
  assert_true(time_ticks() - since < 2500);
  stop_peer();
}

static void addresses_cannot_carry_commands(void **state) {
  (void)state;
  struct fetch_call mail = a_mail();
  start_peer(speak_smtp);
  mail.url = url("smtp", "");
  mail.mail_to = "z@example.com>\r\nRCPT TO:<all@example.com";
  run(&mail, 5000);
  request_end(&q);
  fetch_close(loop);
  stop_peer();
  not_heard("\r\nRCPT TO:<all@");
}

static void starttls_is_demanded(void **state) {
  (void)state;
  struct fetch_call mail = a_mail();
  start_peer(speak_smtp);
  mail.url = url("smtp", "");
  mail.start_tls = true;
  run(&mail, 5000);
  request_end(&q);
  fetch_close(loop);
  stop_peer();
  assert_non_null(got.error);
  not_heard("MAIL FROM");
}

/* The kernel takes the connection, but nobody greets. */
static void a_deadline_leaves_the_mail_open(void **state) {
  (void)state;
  struct fetch_call mail = a_mail();
  start_peer(NULL);
  mail.url = url("smtp", "");
  run(&mail, 100);
  assert_int_equal(q.problem, OUTCOME_UNKNOWN);
  stop_peer();
}

/* A fifth mail waits for a thread, and is withdrawn before one comes to it. */
static void a_mail_that_waits_can_be_withdrawn(void **state) {
  (void)state;
  struct request others[4];
  start_peer(NULL);
  struct fetch_call mail = a_mail();
  for (size_t i = 0; i < COUNT(others); i++) {
    others[i] = (struct request){.loop = loop, .finished = finish};
    request_take(&others[i], fetch(&others[i], &mail, keep));
  }
  usleep(50 * 1000);
  run(&mail, 50);
  assert_int_equal(q.problem, DEADLINE);
  fetch_close(loop);
  for (size_t i = 0; i < COUNT(others); i++)
    request_end(&others[i]);
  stop_peer();
}

static void without_a_fetcher_it_is_our_fault(void **state) {
  (void)state;
  fetch_close(loop);
  run(&(struct fetch_call){.url = "http://127.0.0.1:1/"}, 100);
  assert_int_equal(q.problem, INTERNAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(http_get_brings_status_and_body),
      TEST(http_post_sends_what_was_said_and_no_more),
      TEST(http_answers_have_a_limit),
      TEST(a_deadline_after_sending_leaves_the_outcome_open),
      TEST(a_timeout_is_told),
      TEST(what_cannot_be_fetched_is_told),
      TEST(mail_has_two_parts),
      TEST(a_refused_recipient_is_told),
      TEST(a_silent_server_holds_up_nothing),
      TEST(nor_does_one_that_refused),
      TEST(nor_does_one_that_knows_nobody),
      TEST(connections_to_mail_servers_are_kept),
      TEST(addresses_cannot_carry_commands),
      TEST(starttls_is_demanded),
      TEST(a_deadline_leaves_the_mail_open),
      TEST(a_mail_that_waits_can_be_withdrawn),
      TEST(without_a_fetcher_it_is_our_fault),
  };
  signal(SIGPIPE, SIG_IGN); /* as cli/main.c: a peer may be gone when it is written to */
  return cmocka_run_group_tests(tests, NULL, NULL);
}
