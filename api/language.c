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

bool prefers_chinese(struct text accept_language) {
  int best_zh = 0, best_en = 0;
  for (struct text rest = accept_language; rest.at;) {
    struct text item = text_cut(&rest, ',');
    int w = weight(&item);
    if (range_is(item, "zh") && w > best_zh) best_zh = w;
    if (range_is(item, "en") && w > best_en) best_en = w;
  }
  return best_zh > best_en;
}

static bool media_matches(struct text range, const char *media) {
  const char *slash = strchr(media, '/');
  size_t type = (size_t)(slash - media) + 1;
  if (text_is(range, "*/*")) return true;
  if (range.len == type + 1 && range.at[type] == '*')
    return strncasecmp(range.at, media, type) == 0;
  return range.len == strlen(media) && strncasecmp(range.at, media, range.len) == 0;
}

bool accepts(struct text accept, const char *media) {
  if (!accept.at) return true;
  for (struct text rest = accept; rest.at;) {
    struct text item = text_cut(&rest, ',');
    if (weight(&item) > 0 && media_matches(item, media)) return true;
  }
  return false;
}

bool accepts_gzip(struct text accept_encoding) {
  for (struct text rest = accept_encoding; rest.at;) {
    struct text item = text_cut(&rest, ',');
    int w = weight(&item);
    if (w > 0 && (range_is(item, "gzip") || text_is(item, "*"))) return true;
  }
  return false;
}
