/* ES256 signatures verified with a table of the key's multiples: a quarter of what EVP takes.
 *
 * A signature (r, s) of the digest e holds when the x of (e/s)G + (r/s)Q is r (SEC 1, 4.1.4).
 * OpenSSL keeps a table of multiples of the generator G, but multiplies a public key Q from
 * nothing, at five times the cost. A curve whose generator is Q gets a table for Q, and then both
 * products come out of tables. The rest is less: 1/s, which BN_mod_inverse takes as long for as
 * for both products, is found here, and x is compared without a division.
 *
 * All of it is public, the numbers and the key, so nothing here need take the same time always.
 * What can't be decided is left to EVP, and both must always agree. */

/* EC_GROUP_precompute_mult and the projective coordinates are deprecated since 3.0, for EVP has a
 * way to nearly all that EC_GROUP does; it has none to these. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/crypto_table.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <stdlib.h>
#include <string.h>

enum { LIMBS = 4, HALF = 32 };

struct ec_table {
  EC_GROUP *curve;     /* P-256 as it is */
  EC_GROUP *of_key;    /* the same, but its generator is the public key */
  const BIGNUM *order; /* n, the curve's own */
  BN_MONT_CTX *mont;   /* for products modulo n */
  BIGNUM *field;       /* p */
};

/* ---- one divided by s, modulo n ----------------------------------------------------------------
 */

struct limbs { /* the least significant first */
  uint64_t at[LIMBS];
};

static struct limbs limbs_of(const uint8_t half[static HALF]) {
  struct limbs l = {0};
  for (size_t i = 0; i < HALF; i++) {
    uint64_t *limb = &l.at[LIMBS - 1 - i / 8];
    *limb = *limb << 8 | half[i];
  }
  return l;
}

static void limbs_write(const struct limbs *l, uint8_t half[static HALF]) {
  for (size_t i = 0; i < HALF; i++)
    half[i] = (uint8_t)(l->at[LIMBS - 1 - i / 8] >> (56 - i % 8 * 8));
}

static void add(struct limbs *a, const struct limbs *b) {
  uint64_t carry = 0;
  for (int i = 0; i < LIMBS; i++) {
    uint64_t sum = a->at[i] + b->at[i];
    uint64_t carries = sum < a->at[i];
    a->at[i] = sum + carry;
    carry = carries | (a->at[i] < sum);
  }
}

static void subtract(struct limbs *a, const struct limbs *b) {
  uint64_t borrow = 0;
  for (int i = 0; i < LIMBS; i++) {
    uint64_t rest = a->at[i] - b->at[i];
    uint64_t borrows = rest > a->at[i];
    a->at[i] = rest - borrow;
    borrow = borrows | (a->at[i] > rest);
  }
}

static int compare(const struct limbs *a, const struct limbs *b) {
  for (int i = LIMBS - 1; i >= 0; i--)
    if (a->at[i] != b->at[i]) return a->at[i] < b->at[i] ? -1 : 1;
  return 0;
}

/* Halves `a`, which isn't zero, until it is odd, and doubles `b` as often: how often that was. */
static unsigned halve(struct limbs *a, struct limbs *b) {
  unsigned times = 0;
  while (!(a->at[0] & 1)) {
    unsigned n = a->at[0] ? (unsigned)__builtin_ctzll(a->at[0]) : 63;
    for (int i = 0; i < LIMBS - 1; i++)
      a->at[i] = a->at[i] >> n | a->at[i + 1] << (64 - n);
    a->at[LIMBS - 1] >>= n;
    for (int i = LIMBS - 1; i > 0; i--)
      b->at[i] = b->at[i] << n | b->at[i - 1] >> (64 - n);
    b->at[0] <<= n;
    times += n;
  }
  return times;
}

/* The first half of Kaliski's inversion, for 0 < s < n, n odd and prime to s. Modulo n,
 *     s * x = -u * 2^k    and    s * y = v * 2^k
 * hold throughout, and u * y + v * x = n, so x and y stay below n. In the end u = v = 1: the answer
 * is y, and 1/s is y / 2^k. Since u * v < n * n halves with each of k, k is less than 512. */
static struct limbs almost_inverse(struct limbs s, struct limbs n, unsigned *k) {
  struct limbs u = n, v = s, x = {{0}}, y = {{1}};
  *k = halve(&v, &x);
  for (int order; (order = compare(&u, &v)) != 0;) {
    if (order > 0) {
      subtract(&u, &v);
      add(&x, &y);
      *k += halve(&u, &y);
    } else {
      subtract(&v, &u);
      add(&y, &x);
      *k += halve(&v, &x);
    }
  }
  return y;
}

/* w = 2^256/s: a Montgomery reduction divides by 2^256, and it starts from y * 2^(512-k). */
static bool invert(const struct ec_table *t, BIGNUM *w, const uint8_t s[static HALF], BN_CTX *ctx) {
  uint8_t order[HALF], answer[HALF];
  unsigned k;
  if (BN_bn2binpad(t->order, order, HALF) != HALF) return false;
  struct limbs y = almost_inverse(limbs_of(s), limbs_of(order), &k);
  limbs_write(&y, answer);
  return BN_bin2bn(answer, HALF, w) && BN_lshift(w, w, (int)(512 - k)) &&
         BN_nnmod(w, w, t->order, ctx) && BN_from_montgomery(w, w, t->mont, ctx);
}

/* ---- verifying ---------------------------------------------------------------------------------
 */

struct sum { /* what one verification works with */
  BN_CTX *ctx;
  EC_POINT *point, *other;
  BIGNUM *r, *s, *e, *w, *x, *z; /* of ctx */
};

static bool is_below_order(const struct ec_table *t, const BIGNUM *n) {
  return !BN_is_zero(n) && BN_cmp(n, t->order) < 0;
}

/* point = (e/s)G + (r/s)Q. Each Montgomery product takes the 2^256 away that w came with. */
static bool add_up(const struct ec_table *t, struct sum *m, const uint8_t s[static HALF]) {
  return invert(t, m->w, s, m->ctx) && BN_nnmod(m->e, m->e, t->order, m->ctx) &&
         BN_mod_mul_montgomery(m->e, m->e, m->w, t->mont, m->ctx) &&
         BN_mod_mul_montgomery(m->w, m->r, m->w, t->mont, m->ctx) &&
         EC_POINT_mul(t->curve, m->point, m->e, NULL, NULL, m->ctx) &&
         EC_POINT_mul(t->of_key, m->other, m->w, NULL, NULL, m->ctx) &&
         EC_POINT_add(t->curve, m->point, m->point, m->other, m->ctx);
}

/* Is the point's x, which is X / Z^2 modulo p, r modulo n? As n < p < 2n, it may be r or r + n. */
static enum ec_verdict compare_x(const struct ec_table *t, struct sum *m) {
  if (EC_POINT_is_at_infinity(t->curve, m->point)) return EC_WRONG;
  if (!EC_POINT_get_Jprojective_coordinates_GFp(t->curve, m->point, m->x, NULL, m->z, m->ctx) ||
      !BN_mod_sqr(m->z, m->z, t->field, m->ctx))
    return EC_UNDECIDED;
  while (BN_cmp(m->r, t->field) < 0) {
    if (!BN_mod_mul(m->w, m->r, m->z, t->field, m->ctx)) return EC_UNDECIDED;
    if (BN_cmp(m->w, m->x) == 0) return EC_GOOD;
    if (!BN_add(m->r, m->r, t->order)) return EC_UNDECIDED;
  }
  return EC_WRONG;
}

static enum ec_verdict judge(const struct ec_table *t, struct sum *m, const struct digest *d,
                             const uint8_t sig[static 64]) {
  if (!BN_bin2bn(sig, HALF, m->r) || !BN_bin2bn(sig + HALF, HALF, m->s) ||
      !BN_bin2bn(d->b, sizeof d->b, m->e))
    return EC_UNDECIDED;
  if (!is_below_order(t, m->r) || !is_below_order(t, m->s)) return EC_WRONG;
  return add_up(t, m, sig + HALF) ? compare_x(t, m) : EC_UNDECIDED;
}

enum ec_verdict ec_table_verify(const struct ec_table *t, const struct digest *d,
                                const uint8_t sig[static 64]) {
  struct sum m = {
      .ctx = BN_CTX_new(), .point = EC_POINT_new(t->curve), .other = EC_POINT_new(t->of_key)};
  enum ec_verdict v = EC_UNDECIDED;
  if (m.ctx && m.point && m.other) {
    BIGNUM **each[] = {&m.r, &m.s, &m.e, &m.w, &m.x, &m.z};
    BN_CTX_start(m.ctx);
    for (size_t i = 0; i < sizeof each / sizeof *each; i++)
      *each[i] = BN_CTX_get(m.ctx);
    if (m.z) v = judge(t, &m, d, sig); /* after one that failed, all fail */
    BN_CTX_end(m.ctx);
  }
  EC_POINT_free(m.point);
  EC_POINT_free(m.other);
  BN_CTX_free(m.ctx);
  return v;
}

/* ---- drawing -----------------------------------------------------------------------------------
 */

static bool draw(struct ec_table *t, const uint8_t xy[static 64], BN_CTX *ctx, EC_POINT *key) {
  uint8_t encoded[1 + 2 * HALF] = {4}; /* SEC 1: uncompressed */
  memcpy(encoded + 1, xy, 2 * HALF);
  return EC_POINT_oct2point(t->curve, key, encoded, sizeof encoded, ctx) &&
         EC_GROUP_get_curve(t->curve, t->field, NULL, NULL, ctx) &&
         BN_MONT_CTX_set(t->mont, t->order, ctx) &&
         EC_GROUP_set_generator(t->of_key, key, t->order, BN_value_one()) &&
         EC_GROUP_precompute_mult(t->of_key, ctx) && EC_GROUP_have_precompute_mult(t->of_key);
}

struct ec_table *ec_table_new(const uint8_t xy[static 64]) {
  struct ec_table *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  BN_CTX *ctx = BN_CTX_new();
  t->curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  t->of_key = t->curve ? EC_GROUP_dup(t->curve) : NULL;
  t->order = t->curve ? EC_GROUP_get0_order(t->curve) : NULL;
  t->mont = BN_MONT_CTX_new();
  t->field = BN_new();
  EC_POINT *key = t->curve ? EC_POINT_new(t->curve) : NULL;
  bool good = ctx && t->of_key && t->mont && t->field && key && draw(t, xy, ctx, key);
  EC_POINT_free(key);
  BN_CTX_free(ctx);
  ERR_clear_error();
  if (good) return t;
  ec_table_free(t);
  return NULL;
}

void ec_table_free(struct ec_table *t) {
  if (!t) return;
  EC_GROUP_free(t->curve);
  EC_GROUP_free(t->of_key);
  BN_MONT_CTX_free(t->mont);
  BN_free(t->field);
  free(t);
}
