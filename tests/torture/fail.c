/* Preloaded into the server: makes the n-th call of a kind fail, and those after it if so told.
 *
 * TORTURE names a file with a `struct control`, which the stories write and read while the server
 * runs. Kinds: allocations (whoever asks, libraries too), calls of libpq, and calls of
 * libcurl. A failing call does what its library documents for it. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kind { ALLOCATION = 1, LIBPQ = 2, LIBCURL = 4 };
enum { FRAMES = 24, PLACE = 4000, EARLY = 1 << 16 };

struct control {
  _Atomic int64_t kinds; /* what counts; 0: nothing does */
  int64_t first, last;   /* the calls that fail; 0: none */
  _Atomic int64_t count; /* calls so far */
  _Atomic int64_t failed;
  char place[PLACE]; /* where the first one failed, innermost first: file+offset lines */
};

static struct control *control;
static __attribute__((tls_model("initial-exec"))) _Thread_local bool inside;

/* ---- counting ---- */

static void note_place(void) {
  void *frames[FRAMES];
  int n = backtrace(frames, FRAMES);
  size_t used = 0;
  for (int i = 2; i < n && used < PLACE - 200; i++) {
    Dl_info info;
    if (!dladdr(frames[i], &info) || !info.dli_fname) continue;
    const char *name = strrchr(info.dli_fname, '/');
    int len = snprintf(control->place + used, PLACE - used, "%s+0x%zx %s\n",
                       name ? name + 1 : info.dli_fname,
                       (size_t)((char *)frames[i] - (char *)info.dli_fbase) - 1,
                       info.dli_sname ? info.dli_sname : "");
    if (len > 0) used += (size_t)len < PLACE - used ? (size_t)len : 0;
  }
}

static bool fails(enum kind kind) {
  if (!control || inside || !(atomic_load(&control->kinds) & kind)) return false;
  int64_t n = atomic_fetch_add(&control->count, 1) + 1;
  if (n < control->first || n > control->last) return false;
  inside = true;
  int saved = errno;
  if (atomic_fetch_add(&control->failed, 1) == 0) note_place();
  errno = saved;
  inside = false;
  return true;
}

static void *next_of(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort(); /* the program calls what its libraries do not have */
  return found;
}

/* Sets `next` to the function that this one stands before. */
#define NEXT(name)                                                                                 \
  static __typeof__(&name) next;                                                                   \
  if (!next) *(void **)&next = next_of(#name)

/* A function that fails with `value`: its type, name, parameters as declared and as passed. */
#define FAILS(kind, type, name, value, declared, ...)                                              \
  type name declared {                                                                             \
    NEXT(name);                                                                                    \
    return fails(kind) ? (value) : next(__VA_ARGS__);                                              \
  }

__attribute__((constructor)) static void open_control(void) {
  const char *path = getenv("TORTURE");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void *frames[1];
  (void)backtrace(frames, 1); /* loads its library now, and not in the middle of a malloc */
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (mapped != MAP_FAILED) control = mapped;
}

/* ---- allocations. Looking up the real ones allocates, too: from `early`, which is never freed. */

static _Alignas(16) char early[EARLY];
static size_t early_used;

static void *early_alloc(size_t size) {
  size = (size + 15) / 16 * 16;
  if (size > EARLY - early_used) abort();
  void *p = early + early_used;
  early_used += size;
  return p;
}

static bool is_early(const void *p) {
  return (uintptr_t)p >= (uintptr_t)early && (uintptr_t)p < (uintptr_t)early + EARLY;
}

static struct {
  void *(*malloc)(size_t);
  void *(*calloc)(size_t, size_t);
  void *(*realloc)(void *, size_t);
  void (*free)(void *);
} real;

static bool looking;

static bool look_up(void) {
  if (real.free) return true;
  if (looking) return false;
  looking = true;
  *(void **)&real.malloc = next_of("malloc");
  *(void **)&real.calloc = next_of("calloc");
  *(void **)&real.realloc = next_of("realloc");
  *(void **)&real.free = next_of("free");
  return true;
}

static bool no_memory(void) {
  if (!fails(ALLOCATION)) return false;
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) {
  if (!look_up()) return early_alloc(size);
  return no_memory() ? NULL : real.malloc(size);
}

void *calloc(size_t count, size_t size) {
  if (!look_up()) return early_alloc(count * size);
  return no_memory() ? NULL : real.calloc(count, size);
}

void *realloc(void *p, size_t size) {
  if (!look_up() || is_early(p)) abort();
  return no_memory() ? NULL : real.realloc(p, size);
}

void free(void *p) {
  if (p && !is_early(p) && look_up()) real.free(p);
}

FAILS(ALLOCATION, int, posix_memalign, ENOMEM, (void **p, size_t align, size_t size), p, align,
      size)
FAILS(ALLOCATION, void *, aligned_alloc, NULL, (size_t align, size_t size), align, size)

/* ---- libpq ---- */

FAILS(LIBPQ, PGconn *, PQconnectStart, NULL, (const char *conninfo), conninfo)
FAILS(LIBPQ, PGconn *, PQconnectdbParams, NULL,
      (const char *const *names, const char *const *values, int expand), names, values, expand)
FAILS(LIBPQ, PostgresPollingStatusType, PQconnectPoll, PGRES_POLLING_FAILED, (PGconn * c), c)
FAILS(LIBPQ, PQconninfoOption *, PQconninfo, NULL, (PGconn * c), c)
FAILS(LIBPQ, PQconninfoOption *, PQconninfoParse, NULL, (const char *text, char **error), text,
      error)
FAILS(LIBPQ, int, PQsetnonblocking, -1, (PGconn * c, int on), c, on)
FAILS(LIBPQ, int, PQenterPipelineMode, 0, (PGconn * c), c)
FAILS(LIBPQ, int, PQpipelineSync, 0, (PGconn * c), c)
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
FAILS(LIBPQ, int, PQsendPipelineSync, 0, (PGconn * c), c)
#endif
FAILS(LIBPQ, int, PQflush, -1, (PGconn * c), c)
FAILS(LIBPQ, int, PQconsumeInput, 0, (PGconn * c), c)
FAILS(LIBPQ, int, PQsendQuery, 0, (PGconn * c, const char *sql), c, sql)
FAILS(LIBPQ, int, PQsendQueryParams, 0,
      (PGconn * c, const char *sql, int n, const Oid *types, const char *const *values,
       const int *lengths, const int *formats, int format),
      c, sql, n, types, values, lengths, formats, format)
FAILS(LIBPQ, int, PQsendPrepare, 0,
      (PGconn * c, const char *name, const char *sql, int n, const Oid *types), c, name, sql, n,
      types)
FAILS(LIBPQ, int, PQsendQueryPrepared, 0,
      (PGconn * c, const char *name, int n, const char *const *values, const int *lengths,
       const int *formats, int format),
      c, name, n, values, lengths, formats, format)
FAILS(LIBPQ, PGresult *, PQexec, NULL, (PGconn * c, const char *sql), c, sql)
FAILS(LIBPQ, PGresult *, PQexecParams, NULL,
      (PGconn * c, const char *sql, int n, const Oid *types, const char *const *values,
       const int *lengths, const int *formats, int format),
      c, sql, n, types, values, lengths, formats, format)
FAILS(LIBPQ, int, PQputCopyData, -1, (PGconn * c, const char *bytes, int len), c, bytes, len)
FAILS(LIBPQ, int, PQputCopyEnd, -1, (PGconn * c, const char *error), c, error)
FAILS(LIBPQ, char *, PQescapeLiteral, NULL, (PGconn * c, const char *text, size_t len), c, text,
      len)
FAILS(LIBPQ, char *, PQescapeIdentifier, NULL, (PGconn * c, const char *text, size_t len), c, text,
      len)
FAILS(LIBPQ, char *, PQencryptPasswordConn, NULL,
      (PGconn * c, const char *password, const char *user, const char *algorithm), c, password,
      user, algorithm)

/* As when libpq has no memory for what came: a failure of its own stands in its place. */
PGresult *PQgetResult(PGconn *c) {
  NEXT(PQgetResult);
  PGresult *r = next(c);
  if (!r || !fails(LIBPQ)) return r;
  PQclear(r);
  return PQmakeEmptyPGresult(c, PGRES_FATAL_ERROR);
}

/* ---- libcurl ---- */

#undef curl_easy_setopt
#undef curl_multi_setopt

FAILS(LIBCURL, CURLcode, curl_global_init, CURLE_FAILED_INIT, (long flags), flags)
FAILS(LIBCURL, CURL *, curl_easy_init, NULL, (void), )
FAILS(LIBCURL, CURLM *, curl_multi_init, NULL, (void), )
FAILS(LIBCURL, CURLMcode, curl_multi_add_handle, CURLM_OUT_OF_MEMORY, (CURLM * m, CURL *e), m, e)
FAILS(LIBCURL, CURLMcode, curl_multi_perform, CURLM_OUT_OF_MEMORY, (CURLM * m, int *running), m,
      running)
FAILS(LIBCURL, CURLMcode, curl_multi_poll, CURLM_OUT_OF_MEMORY,
      (CURLM * m, struct curl_waitfd *more, unsigned int n, int ms, int *ready), m, more, n, ms,
      ready)
FAILS(LIBCURL, CURLMcode, curl_multi_socket_action, CURLM_OUT_OF_MEMORY,
      (CURLM * m, curl_socket_t fd, int what, int *running), m, fd, what, running)
FAILS(LIBCURL, struct curl_slist *, curl_slist_append, NULL,
      (struct curl_slist * list, const char *text), list, text)
FAILS(LIBCURL, curl_mime *, curl_mime_init, NULL, (CURL * e), e)
FAILS(LIBCURL, curl_mimepart *, curl_mime_addpart, NULL, (curl_mime * m), m)
FAILS(LIBCURL, CURLcode, curl_mime_data, CURLE_OUT_OF_MEMORY,
      (curl_mimepart * p, const char *bytes, size_t len), p, bytes, len)
FAILS(LIBCURL, CURLcode, curl_mime_type, CURLE_OUT_OF_MEMORY, (curl_mimepart * p, const char *type),
      p, type)
FAILS(LIBCURL, CURLcode, curl_mime_encoder, CURLE_OUT_OF_MEMORY,
      (curl_mimepart * p, const char *name), p, name)

/* One value follows, a long, a pointer or an offset: each as large as a pointer here. */
CURLcode curl_easy_setopt(CURL *e, CURLoption option, ...) {
  NEXT(curl_easy_setopt);
  va_list args;
  va_start(args, option);
  void *value = va_arg(args, void *);
  va_end(args);
  return fails(LIBCURL) ? CURLE_OUT_OF_MEMORY : next(e, option, value);
}

CURLMcode curl_multi_setopt(CURLM *m, CURLMoption option, ...) {
  NEXT(curl_multi_setopt);
  va_list args;
  va_start(args, option);
  void *value = va_arg(args, void *);
  va_end(args);
  return fails(LIBCURL) ? CURLM_OUT_OF_MEMORY : next(m, option, value);
}
