/* Arenas. A chunk is malloc'ed, cut up from the front and given back with all others at once.
 *
 * When malloc fails, the caller still gets memory it may write to: a piece of its thread's reserve.
 * Pieces of the reserve are reused in a ring, so what a failed arena handed out is good for writing
 * only, and is never shown to anybody: the owner sees `failed` and answers "out of memory". */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_chunk {
  struct arena_chunk *next;
  _Alignas(max_align_t) char bytes[];
};

struct arena_clean {
  struct arena_clean *next;
  void (*clean)(void *);
  void *what;
};

/* With AddressSanitizer, and for `make valgrind`, every piece is a malloc of its own that is not
 * rounded up, so that each overrun is seen. */
#if defined(__SANITIZE_ADDRESS__)
#define PIECE_PER_CHUNK true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PIECE_PER_CHUNK true
#endif
#endif
#ifndef PIECE_PER_CHUNK
#define PIECE_PER_CHUNK false
#endif

enum { ALIGN = _Alignof(max_align_t), RESERVE = 2 * ARENA_LARGEST, SPARE_CLEANS = 32 };

static void *reserve_alloc(size_t size) {
  static _Thread_local _Alignas(max_align_t) char reserve[RESERVE];
  static _Thread_local size_t used;
  if (size > RESERVE - used) used = 0;
  void *p = reserve + used;
  used += size;
  return memset(p, 0, size);
}

/* Makes room for at least `size` bytes. A large piece gets a chunk of its own size. */
static bool grow(struct arena *a, size_t size) {
  size_t room = size;
  if (!PIECE_PER_CHUNK && room < ARENA_CHUNK - sizeof(struct arena_chunk))
    room = ARENA_CHUNK - sizeof(struct arena_chunk);
  size_t bytes = sizeof(struct arena_chunk) + room;
  if (bytes > ARENA_CAP - a->total) return false;
  struct arena_chunk *chunk = malloc(bytes);
  if (!chunk) return false;
  chunk->next = a->chunks;
  a->chunks = chunk;
  a->total += bytes;
  a->at = chunk->bytes;
  a->room = room;
  return true;
}

static void *take(struct arena *a, size_t size) {
  if (size > a->room && !grow(a, size)) return NULL;
  void *p = a->at;
  a->at += size;
  a->room -= size;
  return p;
}

void *arena_alloc(struct arena *a, size_t size) {
  /* No reserve is as large as that, and less than was asked for would be overrun. */
  if (size > ARENA_LARGEST) {
    log_write(LOG_ERROR, "arena_misused", "size=%zu", size);
    abort();
  }
  if (size == 0) size = ALIGN;
  size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
  void *p = take(a, PIECE_PER_CHUNK ? size : rounded);
  if (p) return memset(p, 0, size);
  a->failed = true;
  return reserve_alloc(rounded);
}

struct text arena_copy(struct arena *a, struct text t) {
  if (!t.at) return NONE;
  if (t.len >= ARENA_LARGEST) {
    a->failed = true;
    return LIT("");
  }
  char *copy = arena_alloc(a, t.len + 1);
  if (t.len) memcpy(copy, t.at, t.len);
  return (struct text){copy, t.len};
}

struct text arena_printf(struct arena *a, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0 || len >= ARENA_LARGEST) {
    a->failed = true;
    return LIT("");
  }
  char *out = arena_alloc(a, (size_t)len + 1);
  va_start(args, format);
  vsnprintf(out, (size_t)len + 1, format, args);
  va_end(args);
  return (struct text){out, (size_t)len};
}

/* What must be cleaned up can't be noted in the reserve, which is reused. These are for that; a
 * note whose clean is NULL is free. An arena is freed by the thread that filled it. */
static _Thread_local struct arena_clean spare[SPARE_CLEANS];

static struct arena_clean *spare_take(void) {
  for (size_t i = 0; i < SPARE_CLEANS; i++)
    if (!spare[i].clean) return &spare[i];
  return NULL;
}

void arena_defer(struct arena *a, void (*clean)(void *), void *what) {
  struct arena_clean *note = take(a, (sizeof *note + ALIGN - 1) / ALIGN * ALIGN);
  if (!note) {
    a->failed = true;
    note = spare_take();
  }
  if (!note) return; /* a leak, which is better than freeing what the handler still uses */
  *note = (struct arena_clean){a->cleans, clean, what};
  a->cleans = note;
}

void arena_free(struct arena *a) {
  while (a->cleans) {
    struct arena_clean note = *a->cleans;
    a->cleans->clean = NULL; /* gives a spare one back */
    a->cleans = note.next;
    note.clean(note.what);
  }
  while (a->chunks) {
    struct arena_chunk *chunk = a->chunks;
    a->chunks = chunk->next;
    free(chunk);
  }
  *a = (struct arena){0};
}
