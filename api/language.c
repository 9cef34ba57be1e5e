/* Content negotiation: language (RFC 4647 lookup), media type and coding (RFC 9110, section 12). */
#include "api/internal.h"

#include <string.h>
#include <strings.h>

/* Weight of an item like `zh-CN;q=0.8` in thousandths; the item loses its parameters. */
static int weight(struct text *item) {
  struct text rest = *item;
  *item = text_trim(text_cut(&rest, ';'));
  while (rest.at) {
    struct text p = text_trim(text_cut(&rest, ';'));
    if (p.len < 3 || (p.at[0] != 'q' && p.at[0] != 'Q') || p.at[1] != '=') continue;
    int w = p.at[2] == '1' ? 1000 : 0;
    for (size_t i = 4, unit = 100; i < p.len && unit; i++, unit /= 10)
      w += (p.at[i] >= '0' && p.at[i] <= '9' ? p.at[i] - '0' : 0) * (int)unit;
    return w > 1000 ? 1000 : w;
  }
  return 1000;
}

static bool range_is(struct text range, const char *language) {
  size_t n = strlen(language);
  if (range.len < n || strncasecmp(range.at, language, n) != 0) return false;
  return range.len == n || range.at[n] == '-';
}

/* Of two with one weight the first is meant. */
bool prefers_chinese(struct text accept_language) {
  int best = 0;
  bool chinese = false;
  for (struct text rest = accept_language; rest.at;) {
    struct text item = text_cut(&rest, ',');
    int w = weight(&item);
    bool zh = range_is(item, "zh");
    if (w <= best || (!zh && !range_is(item, "en"))) continue;
    best = w;
    chinese = zh;
  }
  return chinese;
}

/* How precisely a range means the media type: 3 exactly, 2 by its type, 1 as anything; 0: not. */
static int media_match(struct text range, const char *media) {
  const char *slash = strchr(media, '/');
  size_t type = (size_t)(slash - media) + 1;
  if (text_is(range, "*/*")) return 1;
  if (range.len == type + 1 && range.at[type] == '*')
    return strncasecmp(range.at, media, type) == 0 ? 2 : 0;
  return range.len == strlen(media) && strncasecmp(range.at, media, range.len) == 0 ? 3 : 0;
}

static int coding_match(struct text range, const char *coding) {
  if (text_is(range, "*")) return 1;
  if (range.len > 2 && strncasecmp(range.at, "x-", 2) == 0) /* RFC 9110, 8.4.1.3 */
    range = (struct text){range.at + 2, range.len - 2};
  return range.len == strlen(coding) && strncasecmp(range.at, coding, range.len) == 0 ? 2 : 0;
}

/* The most precise of the ranges that match decides, be its weight zero. */
static bool wanted(struct text header, const char *what, int (*match)(struct text, const char *)) {
  int best = 0, best_weight = 0;
  for (struct text rest = header; rest.at;) {
    struct text item = text_cut(&rest, ',');
    int w = weight(&item), m = match(item, what);
    if (m <= best) continue;
    best = m;
    best_weight = w;
  }
  return best_weight > 0;
}

bool accepts(struct text accept, const char *media) {
  return !accept.at || wanted(accept, media, media_match);
}

bool accepts_gzip(struct text accept_encoding) {
  return wanted(accept_encoding, "gzip", coding_match);
}
