/* A sheet of paper as PDF, by cairo and pango: A4, one column of facts, a table, sums. The same
 * sheet gives the same bytes each time: nothing in it tells when it was drawn. */
#include "formats/formats.h"

#include <cairo-pdf.h>
#include <pango/pangocairo.h>
#include <string.h>

/* In points: 595 by 842 is A4. */
enum { WIDE = 595, HIGH = 842, EDGE = 56, FOOT = 44, INNER = WIDE - 2 * EDGE };
enum { PLAIN = 0, STRONG = 1, FAINT = 2 };
/* One family that has Latin and Chinese of one weight; where it is missing, what there is. */
#define FAMILY "WenQuanYi Micro Hei, Noto Sans CJK SC, Droid Sans Fallback, Sans"

struct pen {
  cairo_t *cr;
  PangoLayout *layout;
  const struct sheet *sheet;
  double y;
  bool failed;
};

static cairo_status_t take(void *out, const unsigned char *bytes, unsigned int len) {
  build_bytes(out, bytes, len);
  return ((struct builder *)out)->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

static void ink(struct pen *p, int style) {
  double grey = style & FAINT ? 0.42 : 0.10;
  cairo_set_source_rgb(p->cr, grey, grey, grey + 0.02);
}

static void set(struct pen *p, struct text t, double size, int style, double width,
                PangoAlignment side) {
  PangoFontDescription *font = pango_font_description_from_string(FAMILY);
  pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
  if (style & STRONG) pango_font_description_set_weight(font, PANGO_WEIGHT_BOLD);
  pango_layout_set_font_description(p->layout, font);
  pango_font_description_free(font);
  pango_layout_set_width(p->layout, (int)(width * PANGO_SCALE));
  pango_layout_set_wrap(p->layout, PANGO_WRAP_WORD_CHAR);
  pango_layout_set_alignment(p->layout, side);
  pango_layout_set_spacing(p->layout, 2 * PANGO_SCALE);
  pango_layout_set_text(p->layout, t.at ? t.at : "", (int)t.len);
}

/* Sets a text into a box; tells how high it came out. */
static double put(struct pen *p, struct text t, double size, int style, double x, double width,
                  PangoAlignment side) {
  int w = 0, h = 0;
  set(p, t, size, style, width, side);
  pango_layout_get_size(p->layout, &w, &h);
  ink(p, style);
  cairo_move_to(p->cr, x, p->y);
  pango_cairo_show_layout(p->cr, p->layout);
  return (double)h / PANGO_SCALE;
}

static void line(struct pen *p, double from, double width, double grey) {
  cairo_set_source_rgb(p->cr, grey, grey, grey);
  cairo_set_line_width(p->cr, width);
  cairo_move_to(p->cr, from, p->y);
  cairo_line_to(p->cr, WIDE - EDGE, p->y);
  cairo_stroke(p->cr);
}

static void foot(struct pen *p) {
  double y = p->y;
  p->y = HIGH - FOOT;
  line(p, EDGE, 0.4, 0.8);
  p->y += 8;
  put(p, p->sheet->foot, 8, FAINT, EDGE, INNER, PANGO_ALIGN_LEFT);
  p->y = y;
}

/* Room for so much; a new page when there is none. */
static void need(struct pen *p, double height) {
  if (p->y + height < HIGH - FOOT - 12) return;
  foot(p);
  cairo_show_page(p->cr);
  p->y = EDGE;
}

static void head(struct pen *p) {
  const struct sheet *s = p->sheet;
  p->y = EDGE;
  double left = put(p, s->issuer, 12, STRONG, EDGE, INNER * 0.6, PANGO_ALIGN_LEFT);
  double right = put(p, s->number, 10, FAINT, EDGE + INNER * 0.6, INNER * 0.4, PANGO_ALIGN_RIGHT);
  p->y += (left > right ? left : right) + 26;
  p->y += put(p, s->title, 24, STRONG, EDGE, INNER, PANGO_ALIGN_LEFT) + 18;
}

static void facts(struct pen *p) {
  for (size_t i = 0; i < SHEET_FACTS && p->sheet->facts[i][0].at; i++) {
    double label = put(p, p->sheet->facts[i][0], 9.5, FAINT, EDGE, 120, PANGO_ALIGN_LEFT);
    double value =
        put(p, p->sheet->facts[i][1], 10, PLAIN, EDGE + 130, INNER - 130, PANGO_ALIGN_LEFT);
    p->y += (label > value ? label : value) + 6;
  }
  p->y += 18;
}

/* The first column takes what the others leave. */
static double column(size_t i, size_t columns, double *x) {
  double other = 88, first = INNER - other * (double)(columns - 1);
  *x = EDGE + (i ? first + other * (double)(i - 1) : 0);
  return i ? other : first;
}

static void row(struct pen *p, const struct text *cells, size_t columns, double size, int style) {
  double most = 0, x;
  for (size_t i = 0; i < columns; i++) {
    double width = column(i, columns, &x);
    double h = put(p, cells[i], size, style, x, width, i ? PANGO_ALIGN_RIGHT : PANGO_ALIGN_LEFT);
    if (h > most) most = h;
  }
  p->y += most;
}

static void table(struct pen *p, const struct sheet_table *t) {
  if (!t->rows) return;
  need(p, 60);
  row(p, t->heads, t->columns, 8.5, FAINT);
  p->y += 6;
  line(p, EDGE, 0.9, 0.15);
  for (size_t i = 0; i < t->rows; i++) {
    need(p, 50);
    p->y += 8;
    row(p, t->cells[i], t->columns, 10, PLAIN);
    p->y += 8;
    line(p, EDGE, 0.4, 0.8);
  }
  p->y += 16;
}

static void sums(struct pen *p) {
  enum { FROM = EDGE + INNER / 2 };
  for (size_t i = 0; i < SHEET_SUMS && p->sheet->sums[i][0].at; i++) {
    bool last = i + 1 == SHEET_SUMS || !p->sheet->sums[i + 1][0].at;
    need(p, 30);
    if (last) line(p, FROM, 0.9, 0.15), p->y += 8;
    int style = last ? STRONG : PLAIN;
    put(p, p->sheet->sums[i][0], last ? 11.5 : 10, last ? STRONG : FAINT, FROM, INNER / 4.0,
        PANGO_ALIGN_LEFT);
    p->y += put(p, p->sheet->sums[i][1], last ? 11.5 : 10, style, FROM + INNER / 4.0, INNER / 4.0,
                PANGO_ALIGN_RIGHT) +
            7;
  }
  p->y += 24;
}

static void draw(struct pen *p) {
  head(p);
  facts(p);
  table(p, &p->sheet->lines);
  sums(p);
  table(p, &p->sheet->payments);
  foot(p);
  cairo_show_page(p->cr);
}

/* A map of fonts of its own: a thread that ends leaves nothing behind. */
static bool with_fonts(struct pen *p) {
  PangoFontMap *map = pango_cairo_font_map_new();
  if (!map) return false;
  pango_cairo_font_map_set_resolution(PANGO_CAIRO_FONT_MAP(map), 72);
  PangoContext *context = pango_font_map_create_context(map);
  pango_context_set_language(context, pango_language_from_string(p->sheet->language));
  pango_cairo_update_context(p->cr, context);
  p->layout = pango_layout_new(context);
  draw(p);
  g_object_unref(p->layout);
  g_object_unref(context);
  g_object_unref(map);
  return cairo_status(p->cr) == CAIRO_STATUS_SUCCESS;
}

bool pdf_sheet(const struct sheet *s, struct builder *out) {
  char title[256];
  cairo_surface_t *page = cairo_pdf_surface_create_for_stream(take, out, WIDE, HIGH);
  struct pen p = {.cr = cairo_create(page), .sheet = s};
  size_t len = s->number.len < sizeof title ? s->number.len : 0;
  memcpy(title, s->number.at ? s->number.at : "", len);
  title[len] = '\0';
  cairo_pdf_surface_set_metadata(page, CAIRO_PDF_METADATA_TITLE, title);
  cairo_pdf_surface_set_metadata(page, CAIRO_PDF_METADATA_CREATOR, "Lyceum");
  cairo_pdf_surface_set_metadata(page, CAIRO_PDF_METADATA_CREATE_DATE, s->date);
  bool good = with_fonts(&p);
  cairo_destroy(p.cr);
  cairo_surface_finish(page);
  good = good && cairo_surface_status(page) == CAIRO_STATUS_SUCCESS && !out->failed;
  cairo_surface_destroy(page);
  return good;
}
