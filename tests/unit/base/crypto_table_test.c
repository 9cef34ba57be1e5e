/* Verifying with a table beside OpenSSL's own verification: on every signature, good or not, both
 * say the same. */
#include "base/crypto_table.c"

#include <openssl/ecdsa.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define ORDER "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551"

static EC_GROUP *curve;
static BIGNUM *order;
static BN_CTX *ctx;

struct signature {
  uint8_t sig[64];
  struct digest d;
};

struct pair { /* one key, both ways */
  BIGNUM *secret;
  EC_KEY *slow;
  struct ec_table *fast;
};

static void put(uint8_t half[static HALF], const BIGNUM *n) {
  assert_int_equal(BN_bn2binpad(n, half, HALF), HALF);
}

static BIGNUM *number(const uint8_t half[static HALF]) {
  return BN_bin2bn(half, HALF, NULL);
}

static struct pair pair_of(const EC_POINT *key) {
  uint8_t point[65];
  struct pair p = {.slow = EC_KEY_new()};
  assert_int_equal(
      EC_POINT_point2oct(curve, key, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, ctx), 65);
  assert_true(EC_KEY_set_group(p.slow, curve) && EC_KEY_set_public_key(p.slow, key));
  p.fast = ec_table_new(point + 1);
  assert_non_null(p.fast);
  return p;
}

/* Takes over `secret`. */
static struct pair pair_with(BIGNUM *secret) {
  EC_POINT *key = EC_POINT_new(curve);
  assert_true(EC_POINT_mul(curve, key, secret, NULL, NULL, ctx));
  struct pair p = pair_of(key);
  assert_true(EC_KEY_set_private_key(p.slow, secret));
  p.secret = secret;
  EC_POINT_free(key);
  return p;
}

static struct pair any_pair(void) {
  BIGNUM *secret = BN_new();
  do
    assert_true(BN_rand_range(secret, order));
  while (BN_is_zero(secret));
  return pair_with(secret);
}

static void pair_free(struct pair *p) {
  BN_free(p->secret);
  EC_KEY_free(p->slow);
  ec_table_free(p->fast);
}

static bool slowly(const struct pair *p, const struct signature *s) {
  ECDSA_SIG *both = ECDSA_SIG_new();
  assert_true(ECDSA_SIG_set0(both, number(s->sig), number(s->sig + HALF)));
  bool good = ECDSA_do_verify(s->d.b, sizeof s->d.b, both, p->slow) == 1;
  ECDSA_SIG_free(both);
  ERR_clear_error();
  return good;
}

/* What both say. */
static bool holds(const struct pair *p, const struct signature *s) {
  enum ec_verdict v = ec_table_verify(p->fast, &s->d, s->sig);
  bool good = slowly(p, s);
  assert_int_equal(v, good ? EC_GOOD : EC_WRONG);
  return good;
}

static struct signature sign(const struct pair *p, struct digest d) {
  struct signature s = {.d = d};
  ECDSA_SIG *both = ECDSA_do_sign(d.b, sizeof d.b, p->slow);
  assert_non_null(both);
  put(s.sig, ECDSA_SIG_get0_r(both));
  put(s.sig + HALF, ECDSA_SIG_get0_s(both));
  ECDSA_SIG_free(both);
  return s;
}

static struct digest any_digest(void) {
  struct digest d;
  crypto_random(d.b, sizeof d.b);
  return d;
}

/* ---- against the library ---- */

static void negate(uint8_t half[static HALF]) {
  BIGNUM *n = number(half);
  assert_true(BN_sub(n, order, n));
  put(half, n);
  BN_free(n);
}

static void differs_nowhere(const struct pair *p, const struct signature *good) {
  struct signature s = *good;
  unsigned at;
  assert_true(holds(p, &s));
  negate(s.sig + HALF); /* the twin: -s holds as well */
  assert_true(holds(p, &s));
  negate(s.sig);
  assert_false(holds(p, &s));
  crypto_random(&at, sizeof at);
  s = *good;
  s.sig[at / 8 % 64] ^= (uint8_t)(1 << at % 8);
  assert_false(holds(p, &s));
  s = *good;
  s.d.b[at / 8 % 32] ^= (uint8_t)(1 << at % 8);
  assert_false(holds(p, &s));
}

static void agrees_on_signatures_of_many_keys(void **state) {
  (void)state;
  for (int k = 0; k < 5; k++) {
    struct pair p = any_pair(), other = any_pair();
    for (int i = 0; i < 200; i++) {
      struct signature s = sign(&p, any_digest());
      differs_nowhere(&p, &s);
      assert_false(holds(&other, &s));
    }
    pair_free(&other);
    pair_free(&p);
  }
}

static void agrees_on_every_single_bit(void **state) {
  (void)state;
  struct pair p = any_pair();
  struct signature s = sign(&p, any_digest());
  for (int i = 0; i < 512; i++) {
    s.sig[i / 8] ^= (uint8_t)(1 << i % 8);
    assert_false(holds(&p, &s));
    s.sig[i / 8] ^= (uint8_t)(1 << i % 8);
  }
  assert_true(holds(&p, &s));
  pair_free(&p);
}

/* 0, 1, 2, n - 2 to n + 2, 2^256 - 1: in hexadecimal. */
static const char *const edges[] = {
    "0",
    "1",
    "2",
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC63254F",
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632550",
    ORDER,
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632552",
    "FFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632553",
    "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF",
};
enum { EDGES = sizeof edges / sizeof *edges };

static void edge(uint8_t half[static HALF], size_t i) {
  BIGNUM *n = NULL;
  assert_true(BN_hex2bn(&n, edges[i]));
  put(half, n);
  BN_free(n);
}

static void agrees_on_edges(void **state) {
  (void)state;
  struct pair p = any_pair();
  for (size_t i = 0; i < EDGES; i++) {
    struct signature good = {.d = any_digest()}, s;
    edge(good.d.b, i);
    good = sign(&p, good.d);
    differs_nowhere(&p, &good);
    s = good;
    edge(s.sig, i);
    assert_false(holds(&p, &s));
    for (size_t j = 0; j < EDGES; j++) {
      edge(s.sig + HALF, j);
      assert_false(holds(&p, &s));
      for (size_t d = 0; d < EDGES; d++) {
        edge(s.d.b, d);
        (void)holds(&p, &s);
      }
    }
    s = good;
    edge(s.sig + HALF, i);
    assert_false(holds(&p, &s));
  }
  pair_free(&p);
}

/* A number is spelled in one way only: n more of it is refused, where 32 bytes can hold that. */
static void add_order(uint8_t half[static HALF]) {
  BIGNUM *n = number(half);
  assert_true(BN_add(n, n, order));
  put(half, n);
  BN_free(n);
}

/* s is chosen, and the digest found for which (r, s) holds: e = s * k - r * secret. */
static struct signature with_s(const struct pair *p, unsigned long s, unsigned long k) {
  struct signature made = {0};
  BIGNUM *r = BN_new(), *e = BN_new(), *n = BN_new();
  EC_POINT *point = EC_POINT_new(curve);
  assert_true(BN_set_word(n, k) && EC_POINT_mul(curve, point, n, NULL, NULL, ctx) &&
              EC_POINT_get_affine_coordinates(curve, point, r, NULL, ctx) &&
              BN_nnmod(r, r, order, ctx) && BN_set_word(e, s) && BN_mul(n, n, e, ctx) &&
              BN_mul(e, r, p->secret, ctx) && BN_mod_sub(n, n, e, order, ctx) && BN_set_word(e, s));
  put(made.sig, r);
  put(made.sig + HALF, e);
  put(made.d.b, n);
  EC_POINT_free(point);
  BN_free(n);
  BN_free(e);
  BN_free(r);
  return made;
}

static void refuses_a_second_spelling(void **state) {
  (void)state;
  struct pair p = any_pair();
  for (unsigned long i = 1; i < 50; i++) {
    struct signature s = with_s(&p, i, i + 1);
    assert_true(holds(&p, &s));
    add_order(s.sig + HALF);
    assert_false(holds(&p, &s));
  }
  pair_free(&p);
}

/* ---- where the points meet ---- */

/* The secrets 1 and n - 1 are the generator and its opposite. With the first and e = r both
 * products are the same point; with the second they cancel each other out. */
static void agrees_where_points_meet(void **state) {
  (void)state;
  BIGNUM *last = BN_dup(order);
  assert_true(BN_sub_word(last, 1));
  struct pair same = pair_with(BN_dup(BN_value_one())), opposite = pair_with(last);
  struct pair *each[] = {&same, &opposite};
  for (int i = 0; i < 50; i++) {
    for (int j = 0; j < 2; j++) {
      struct signature s = sign(each[j], any_digest());
      differs_nowhere(each[j], &s);
      memcpy(s.d.b, s.sig, HALF);
      assert_false(holds(each[j], &s));
    }
  }
  pair_free(&opposite);
  pair_free(&same);
}

/* With the key G, the digest r and s = 2r / k, both products are (k/2)G. */
static void agrees_on_a_doubled_point(void **state) {
  (void)state;
  struct pair p = pair_with(BN_dup(BN_value_one()));
  struct signature s = {0};
  BIGNUM *k = BN_new(), *r = BN_new();
  EC_POINT *point = EC_POINT_new(curve);
  for (unsigned long i = 2; i < 50; i++) {
    assert_true(BN_set_word(k, i) && EC_POINT_mul(curve, point, k, NULL, NULL, ctx) &&
                EC_POINT_get_affine_coordinates(curve, point, r, NULL, ctx) &&
                BN_nnmod(r, r, order, ctx));
    put(s.sig, r);
    put(s.d.b, r);
    assert_true(BN_mod_inverse(k, k, order, ctx) && BN_mod_mul(k, k, r, order, ctx) &&
                BN_mod_lshift1(k, k, order, ctx));
    put(s.sig + HALF, k);
    assert_true(holds(&p, &s));
  }
  EC_POINT_free(point);
  BN_free(r);
  BN_free(k);
  pair_free(&p);
}

/* A point whose x is n + r, which a key can be made for: Q = (s/r)R - (e/r)G. */
static struct pair key_for(const EC_POINT *point, const BIGNUM *r, const struct signature *s) {
  BIGNUM *a = number(s->sig + HALF), *b = number(s->d.b), *w = BN_new();
  EC_POINT *key = EC_POINT_new(curve);
  assert_true(BN_mod_inverse(w, r, order, ctx) && BN_mod_mul(a, a, w, order, ctx) &&
              BN_mod_mul(b, b, w, order, ctx) && BN_mod_sub(b, order, b, order, ctx) &&
              EC_POINT_mul(curve, key, b, point, a, ctx));
  struct pair p = pair_of(key);
  EC_POINT_free(key);
  BN_free(w);
  BN_free(b);
  BN_free(a);
  return p;
}

static void accepts_an_x_beyond_the_order(void **state) {
  (void)state;
  int found = 0;
  for (BN_ULONG i = 1; found < 3; i++) {
    struct signature s = {.d = any_digest()};
    BIGNUM *r = BN_new(), *x = BN_dup(order);
    EC_POINT *point = EC_POINT_new(curve);
    assert_true(BN_set_word(r, i) && BN_add_word(x, i));
    if (EC_POINT_set_compressed_coordinates(curve, point, x, 0, ctx)) {
      found++;
      put(s.sig, r);
      s.sig[HALF] = 5;
      struct pair p = key_for(point, r, &s);
      assert_true(holds(&p, &s));
      put(s.sig, x); /* n + r fits here, and is none the better for it */
      assert_false(holds(&p, &s));
      pair_free(&p);
    }
    ERR_clear_error();
    EC_POINT_free(point);
    BN_free(x);
    BN_free(r);
  }
}

/* ---- one divided by s ---- */

static void inverts(const struct ec_table *t, const BIGNUM *s) {
  uint8_t half[HALF];
  BIGNUM *w = BN_new(), *expected = BN_new();
  put(half, s);
  assert_true(invert(t, w, half, ctx) && BN_from_montgomery(w, w, t->mont, ctx));
  assert_non_null(BN_mod_inverse(expected, s, order, ctx));
  assert_int_equal(BN_cmp(w, expected), 0);
  BN_free(expected);
  BN_free(w);
}

static void inverts_as_the_library_does(void **state) {
  (void)state;
  struct pair p = any_pair();
  BIGNUM *s = BN_new();
  for (int i = 0; i < 256; i++) { /* powers of two and their neighbours, and both negated */
    for (int add = -1; add <= 1; add++) {
      assert_true(BN_set_word(s, 0) && BN_set_bit(s, i));
      assert_true(add < 0 ? BN_sub_word(s, 1) : BN_add_word(s, (BN_ULONG)add));
      if (BN_is_zero(s) || BN_cmp(s, order) >= 0) continue;
      inverts(p.fast, s);
      assert_true(BN_sub(s, order, s));
      inverts(p.fast, s);
    }
  }
  for (int i = 0; i < 3000; i++) {
    assert_true(BN_rand_range(s, order));
    if (!BN_is_zero(s)) inverts(p.fast, s);
  }
  BN_free(s);
  pair_free(&p);
}

/* ---- without memory ---- */

static int allocations, failing; /* the last so far, and the one that gets nothing; 0: none */

static void *take(size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return ++allocations == failing ? NULL : malloc(size);
}

static void *retake(void *at, size_t size, const char *file, int line) {
  (void)file;
  (void)line;
  return ++allocations == failing ? NULL : realloc(at, size);
}

static void give(void *at, const char *file, int line) {
  (void)file;
  (void)line;
  free(at);
}

static void starve(int which) {
  allocations = 0;
  failing = which;
}

/* Whatever allocation fails, a good signature is never wrong, and a wrong one never good. */
static void missing_memory_decides_nothing(void **state) {
  (void)state;
  struct pair p = any_pair();
  struct signature good = sign(&p, any_digest()), bad = good;
  int undecided = 0;
  bad.sig[5] ^= 1;
  for (int i = 1, reached = i; reached >= i; i++) {
    starve(i);
    enum ec_verdict v = ec_table_verify(p.fast, &good.d, good.sig);
    reached = allocations;
    starve(i);
    enum ec_verdict w = ec_table_verify(p.fast, &bad.d, bad.sig);
    starve(0);
    ERR_clear_error();
    assert_int_not_equal(v, EC_WRONG);
    assert_int_not_equal(w, EC_GOOD);
    undecided += v == EC_UNDECIDED && w == EC_UNDECIDED;
  }
  assert_true(undecided > 10);
  pair_free(&p);
}

static void missing_memory_draws_no_table(void **state) {
  (void)state;
  struct pair p = any_pair();
  struct signature s = sign(&p, any_digest());
  uint8_t point[65];
  assert_int_equal(EC_POINT_point2oct(curve, EC_KEY_get0_public_key(p.slow),
                                      POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, ctx),
                   65);
  int refused = 0;
  for (int i = 1, reached = i; reached >= i; i++) {
    starve(i);
    struct ec_table *t = ec_table_new(point + 1);
    reached = allocations;
    starve(0);
    if (t)
      assert_int_equal(ec_table_verify(t, &s.d, s.sig), EC_GOOD);
    else
      refused++;
    ec_table_free(t);
  }
  assert_true(refused > 10);
  pair_free(&p);
}

/* ---- what is no key ---- */

static void no_table_for_what_is_not_on_the_curve(void **state) {
  (void)state;
  uint8_t xy[64] = {1};
  assert_null(ec_table_new(xy));
  assert_int_equal(ERR_peek_error(), 0);
  ec_table_free(NULL);
}

/* Before the library has taken any memory, for later it lets nobody change where that is from. */
static int open_curve(void **state) {
  (void)state;
  if (!CRYPTO_set_mem_functions(take, retake, give)) return -1;
  curve = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  ctx = BN_CTX_new();
  return curve && ctx && BN_hex2bn(&order, ORDER) ? 0 : -1;
}

static int close_curve(void **state) {
  (void)state;
  BN_free(order);
  BN_CTX_free(ctx);
  EC_GROUP_free(curve);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(agrees_on_signatures_of_many_keys),
      cmocka_unit_test(agrees_on_every_single_bit),
      cmocka_unit_test(agrees_on_edges),
      cmocka_unit_test(refuses_a_second_spelling),
      cmocka_unit_test(agrees_where_points_meet),
      cmocka_unit_test(agrees_on_a_doubled_point),
      cmocka_unit_test(accepts_an_x_beyond_the_order),
      cmocka_unit_test(inverts_as_the_library_does),
      cmocka_unit_test(missing_memory_decides_nothing),
      cmocka_unit_test(missing_memory_draws_no_table),
      cmocka_unit_test(no_table_for_what_is_not_on_the_curve),
  };
  return cmocka_run_group_tests(tests, open_curve, close_curve);
}
