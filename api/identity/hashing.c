/* Passwords on the pool: hashing one costs some 40 ms, which no loop has. */
#include "api/identity/identity.h"

#include <stdlib.h>
#include <string.h>

/* Of a random password nobody knows, with base's figures: for logins that don't exist. */
static const char nobodys[] = "$argon2id$v=19$m=19456,t=2,p=1$2zssFGv/gJuS8iBOAz3u3g$"
                              "D2Rc1aYPlLmTesPZaRAzdPsNPdfO5YO9xufVC5rS1fE";
enum { PASSWORD_BYTES = 4 * 128 };

struct hashing { /* the pool's: it must outlive the request */
  char password[PASSWORD_BYTES];
  size_t len;
  char hash[PASSWORD_HASH_MAX];
  bool good;
  bool starved; /* not found wrong: there was no memory to look */
};

static void run_verify(void *state) {
  struct hashing *h = state;
  (void)memory_ran_out();
  h->good = password_verify(h->hash, (struct text){h->password, h->len});
  h->starved = memory_ran_out();
  explicit_bzero(h->password, sizeof h->password);
}

static void run_hash(void *state) {
  struct hashing *h = state;
  h->good = password_hash((struct text){h->password, h->len}, h->hash);
  explicit_bzero(h->password, sizeof h->password);
}

static struct hashing *hashing_new(struct text password) {
  struct hashing *h = calloc(1, sizeof *h);
  if (!h) return NULL;
  h->len = password.len < sizeof h->password ? password.len : sizeof h->password;
  memcpy(h->password, password.at, h->len);
  return h;
}

static struct step start(struct request *q, struct hashing *h, void (*run)(void *),
                         next_step next) {
  struct step s = work(q, api_of(q)->hashing, run, h, next);
  if (q->problem != BUSY) return s;
  q->retry_after = 1; /* a queue of passwords is guessing, or as good as that */
  return problem(q, RATE_LIMITED);
}

static struct step verified(struct request *q) {
  struct visit *v = visit_of(q);
  struct hashing *h = v->hashing;
  v->verified = h->good && v->hash_known;
  v->hashing = NULL;
  if (h->starved) return problem(q, OUT_OF_MEMORY);
  return v->next(q);
}

struct step verify_password(struct request *q, struct text hash, struct text password,
                            next_step next) {
  struct visit *v = visit_of(q);
  struct hashing *h = v->hashing = hashing_new(password);
  if (!h) return problem(q, OUT_OF_MEMORY);
  v->hash_known = hash.at && hash.len < sizeof h->hash;
  struct text used = v->hash_known ? hash : text_of(nobodys);
  memcpy(h->hash, used.at, used.len);
  v->next = next;
  return start(q, h, run_verify, verified);
}

static struct step hashed(struct request *q) {
  struct visit *v = visit_of(q);
  struct hashing *h = v->hashing;
  v->hashing = NULL;
  if (!h->good) return problem(q, OUT_OF_MEMORY); /* Argon2 fails for want of memory alone */
  v->password_hash = arena_copy(&q->arena, text_of(h->hash));
  return v->next(q);
}

struct step hash_password(struct request *q, struct text password, next_step next) {
  struct visit *v = visit_of(q);
  v->hashing = hashing_new(password);
  if (!v->hashing) return problem(q, OUT_OF_MEMORY);
  v->next = next;
  return start(q, v->hashing, run_hash, hashed);
}
