/* QR codes as SVG: one path of horizontal runs, so that the picture is small and sharp. */
#include "formats/formats.h"

#include <qrencode.h>

enum { QUIET = 4 };

static void draw_row(struct builder *b, const unsigned char *row, int width, int y) {
  for (int x = 0; x < width; x++) {
    int from = x;
    while (x < width && row[x] & 1)
      x++;
    if (x > from) build_printf(b, "M%d %dh%dv1h-%dz", from + QUIET, y + QUIET, x - from, x - from);
  }
}

bool qr_svg(struct text content, struct builder *out) {
  QRcode *qr =
      QRcode_encodeData((int)content.len, (const unsigned char *)content.at, 0, QR_ECLEVEL_M);
  if (!qr) return false;
  int side = qr->width + 2 * QUIET;
  build_printf(out,
               "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" "
               "shape-rendering=\"crispEdges\" role=\"img\"><rect width=\"%d\" height=\"%d\" "
               "fill=\"#fff\"/><path fill=\"#000\" d=\"",
               side, side, side, side);
  for (int y = 0; y < qr->width; y++)
    draw_row(out, qr->data + (size_t)y * (size_t)qr->width, qr->width, y);
  build_str(out, "\"/></svg>\n");
  QRcode_free(qr);
  return !out->failed;
}
