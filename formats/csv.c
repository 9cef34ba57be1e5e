/* CSV as spreadsheets read it. */
#include "formats/formats.h"

#include <string.h>

void csv_begin(struct csv *c, struct builder *out) {
  *c = (struct csv){.out = out};
  build_str(out, "\xEF\xBB\xBF");
}

static bool contains_any(struct text t, const char *set) {
  for (size_t i = 0; i < t.len; i++)
    if (t.at[i] && strchr(set, t.at[i])) return true;
  return false;
}

/* OWASP, "CSV Injection": these first characters make a spreadsheet calculate. */
static bool is_formula(struct text t) {
  return t.len && t.at[0] && strchr("=+-@\t\r", t.at[0]);
}

void csv_cell(struct csv *c, struct text t) {
  if (c->inside) build_char(c->out, ',');
  c->inside = true;
  bool guarded = is_formula(t);
  bool quoted = contains_any(t, ",\"\r\n") || (t.len && (t.at[0] == ' ' || t.at[t.len - 1] == ' '));
  if (quoted) build_char(c->out, '"');
  if (guarded) build_char(c->out, '\'');
  for (size_t i = 0; i < t.len; i++) {
    if (t.at[i] == '"') build_char(c->out, '"');
    build_char(c->out, t.at[i]);
  }
  if (quoted) build_char(c->out, '"');
}

void csv_int(struct csv *c, int64_t n) {
  if (c->inside) build_char(c->out, ',');
  c->inside = true;
  build_int(c->out, n);
}

void csv_end_row(struct csv *c) {
  build_str(c->out, "\r\n");
  c->inside = false;
}
