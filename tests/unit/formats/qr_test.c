/* The picture shows exactly the modules that the code has. */
#include "formats/qr.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SIDE_MOST = 200 };

/* Fills what the path's runs, `M5 4h7v1h-7z`, cover. */
static void paint(struct text svg, char grid[SIDE_MOST][SIDE_MOST]) {
  const char *at = memmem(svg.at, svg.len, " d=\"", 4);
  int x, y, width, used;
  assert_non_null(at);
  for (at += 4; sscanf(at, "M%d %dh%dv1h-%*dz%n", &x, &y, &width, &used) == 3; at += used)
    for (int i = 0; i < width; i++)
      grid[y][x + i] = 1;
  assert_int_equal(*at, '"');
}

static void every_module_is_drawn(void **state) {
  (void)state;
  static char grid[SIDE_MOST][SIDE_MOST];
  struct text content = LIT("https://kaiyou.example/check-in#lecture=01a2&code=7QK3MX9P");
  struct builder b = {0};
  assert_true(qr_svg(content, &b));
  build_char(&b, '\0');
  paint((struct text){b.at, b.len}, grid);
  QRcode *qr =
      QRcode_encodeData((int)content.len, (const unsigned char *)content.at, 0, QR_ECLEVEL_M);
  assert_non_null(qr);
  for (int y = 0; y < qr->width + 2 * QUIET; y++)
    for (int x = 0; x < qr->width + 2 * QUIET; x++) {
      int ix = x - QUIET, iy = y - QUIET;
      bool inside = ix >= 0 && iy >= 0 && ix < qr->width && iy < qr->width;
      assert_int_equal(grid[y][x], inside ? qr->data[iy * qr->width + ix] & 1 : 0);
    }
  QRcode_free(qr);
  builder_free(&b);
}

static void too_much_is_refused(void **state) {
  (void)state;
  static char much[4000];
  struct builder b = {0};
  memset(much, 'x', sizeof much);
  assert_false(qr_svg((struct text){much, sizeof much}, &b));
  builder_free(&b);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_module_is_drawn),
      cmocka_unit_test(too_much_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
