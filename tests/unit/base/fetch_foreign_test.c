/* Calls to addresses that somebody else chose, against a peer on loopback: which is no place to go
 * for them. */
#include "base/fetch_foreign.c"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a peer that answers whatever comes, on connections that it keeps --------------------------
 */

static struct peer {
  int fd, port;
  atomic_int connections, requests;
  const char *answer;
  pthread_t thread;
} peer;

static void *talk(void *arg) {
  int fd = (int)(intptr_t)arg;
  char block[4096];
  for (ssize_t n; (n = read(fd, block, sizeof block - 1)) > 0;) {
    block[n] = '\0';
    atomic_fetch_add(&peer.requests, 1);
    if (send(fd, peer.answer, strlen(peer.answer), MSG_NOSIGNAL) < 0) break;
  }
  close(fd);
  return NULL;
}

static void *serve(void *unused) {
  (void)unused;
  for (int fd; (fd = accept(peer.fd, NULL, NULL)) >= 0;) {
    pthread_t thread;
    atomic_fetch_add(&peer.connections, 1);
    assert_int_equal(pthread_create(&thread, NULL, talk, (void *)(intptr_t)fd), 0);
    pthread_detach(thread);
  }
  return NULL;
}

static struct loop *loop;
static struct request q;
static struct fetched got;
static const struct fetch_call *second;

static void finish(struct request *r) {
  (void)r;
  loop_stop(loop);
}

static struct step keep(struct request *r, const struct fetched *f) {
  (void)r;
  got = *f;
  return DONE;
}

static struct step go_on(struct request *r, const struct fetched *f) {
  assert_null(f->error);
  return fetch(r, second, keep);
}

static int set_up(void **state) {
  struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t len = sizeof at;
  (void)state;
  peer = (struct peer){.fd = socket(AF_INET, SOCK_STREAM, 0),
                       .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"};
  assert_int_equal(bind(peer.fd, (struct sockaddr *)&at, len), 0);
  assert_int_equal(listen(peer.fd, 4), 0);
  assert_int_equal(getsockname(peer.fd, (struct sockaddr *)&at, &len), 0);
  peer.port = ntohs(at.sin_port);
  assert_int_equal(pthread_create(&peer.thread, NULL, serve, NULL), 0);
  loop = loop_new(0);
  q = (struct request){.loop = loop, .finished = finish};
  got = (struct fetched){.status = -1};
  return loop && fetch_open(loop) ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  request_end(&q);
  fetch_close(loop);
  loop_free(loop);
  shutdown(peer.fd, SHUT_RDWR);
  pthread_join(peer.thread, NULL);
  close(peer.fd);
  return 0;
}

static const char *url(const char *host) {
  return arena_printf(&q.arena, "http://%s:%d/", host, peer.port).at;
}

static void run(const struct fetch_call *call, fetch_next next) {
  request_start(&q, 5000);
  request_take(&q, fetch(&q, call, next));
  loop_run(loop);
}

static void refused_as_private(void) {
  assert_non_null(got.error);
  assert_string_equal(got.error, "it leads to an address that is not public");
  assert_int_equal(got.status, 0);
}

/* ---- the promises ------------------------------------------------------------------------------
 */

static void a_private_address_is_not_even_connected_to(void **state) {
  static const char *const hosts[] = {"127.0.0.1", "localhost",          "0x7f.1", "2130706433",
                                      "[::1]",     "[::ffff:127.0.0.1]", "0"};
  for (size_t i = 0; i < COUNT(hosts); i++) {
    run(&(struct fetch_call){.url = url(hosts[i]), .foreign = FOREIGN_ANY}, keep);
    refused_as_private();
    assert_int_equal(peer.connections, 0);
    tear_down(state);
    assert_int_equal(set_up(state), 0);
  }
}

static void nor_reached_by_a_connection_that_another_made(void **state) {
  (void)state;
  const struct fetch_call ours = {.url = url("127.0.0.1")},
                          theirs = {.url = url("127.0.0.1"), .foreign = FOREIGN_ANY};
  second = &theirs;
  run(&ours, go_on);
  refused_as_private();
  assert_int_equal(peer.requests, 1);
}

static void nor_by_a_proxy(void **state) {
  (void)state;
  setenv("http_proxy", url("127.0.0.1"), 1);
  run(&(struct fetch_call){.url = "http://192.0.2.1/", .foreign = FOREIGN_ANY}, keep);
  unsetenv("http_proxy");
  refused_as_private();
  assert_int_equal(peer.connections, 0);
}

static void where_private_networks_are_no_taboo_it_goes(void **state) {
  (void)state;
  run(&(struct fetch_call){.url = url("localhost"), .foreign = FOREIGN_ANY, .private_too = true},
      keep);
  assert_null(got.error);
  assert_int_equal(got.status, 200);
}

static void https_is_demanded(void **state) {
  (void)state;
  run(&(struct fetch_call){.url = url("127.0.0.1"), .foreign = FOREIGN_TLS, .private_too = true},
      keep);
  assert_non_null(got.error);
  assert_int_equal(peer.connections, 0);
}

static void names_and_passwords_are_not_sent(void **state) {
  (void)state;
  run(&(struct fetch_call){.url = url("u:p@127.0.0.1"),
                           .foreign = FOREIGN_ANY,
                           .private_too = true},
      keep);
  assert_non_null(got.error);
  assert_int_equal(peer.requests, 0);
}

static void a_long_answer_is_cut_off(void **state) {
  (void)state;
  peer.answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nRetry-After: 7\r\n\r\n0123456789";
  run(
      &(struct fetch_call){
          .url = url("127.0.0.1"), .foreign = FOREIGN_ANY, .private_too = true, .answer_most = 4},
      keep);
  assert_null(got.error);
  assert_int_equal(got.status, 200);
  assert_int_equal(got.retry_after, 7);
  assert_true(text_is(got.body, "0123"));
}

int main(void) {
#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
  const struct CMUnitTest tests[] = {CASE(a_private_address_is_not_even_connected_to),
                                     CASE(nor_reached_by_a_connection_that_another_made),
                                     CASE(nor_by_a_proxy),
                                     CASE(where_private_networks_are_no_taboo_it_goes),
                                     CASE(https_is_demanded),
                                     CASE(names_and_passwords_are_not_sent),
                                     CASE(a_long_answer_is_cut_off)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
