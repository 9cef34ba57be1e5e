/* Contacts: an e-mail address or a phone number, in the one spelling that is stored and compared.
 */
#include "rules/rules.h"

#include <string.h>

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

static bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* RFC 5322 atext: quoted local parts are legal and used by nobody. */
static bool is_atext(char c) {
  return is_letter(c) || is_digit(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_local_part(struct text t) {
  if (t.len == 0 || t.len > 64) return false;
  for (size_t i = 0; i < t.len; i++) {
    bool dot = t.at[i] == '.';
    if (!dot && !is_atext(t.at[i])) return false;
    if (dot && (i == 0 || i == t.len - 1 || t.at[i - 1] == '.')) return false;
  }
  return true;
}

static bool is_label(struct text t) {
  if (t.len == 0 || t.len > 63 || t.at[0] == '-' || t.at[t.len - 1] == '-') return false;
  for (size_t i = 0; i < t.len; i++)
    if (!is_letter(t.at[i]) && !is_digit(t.at[i]) && t.at[i] != '-') return false;
  return true;
}

/* Two labels or more; the last one is not all digits, which would be an IPv4 address. */
static bool is_domain(struct text t) {
  int labels = 0;
  bool letter = false, more = true;
  while (more) {
    const char *dot = memchr(t.at, '.', t.len);
    struct text label = {t.at, dot ? (size_t)(dot - t.at) : t.len};
    if (!is_label(label)) return false;
    labels++;
    letter = is_letter(label.at[0]);
    more = dot != NULL;
    if (more) t = (struct text){dot + 1, t.len - label.len - 1};
  }
  return labels >= 2 && letter;
}

static enum contact_kind read_email(struct arena *a, struct text typed, struct text *canonical) {
  const char *at = memchr(typed.at, '@', typed.len);
  struct text local = {typed.at, (size_t)(at - typed.at)};
  struct text domain = {at + 1, typed.len - local.len - 1};
  if (typed.len > 254 || domain.len == 0 || !is_local_part(local) || !is_domain(domain))
    return CONTACT_NONE;
  char out[254];
  for (size_t i = 0; i < typed.len; i++)
    out[i] = (char)(typed.at[i] >= 'A' && typed.at[i] <= 'Z' ? typed.at[i] | 32 : typed.at[i]);
  *canonical = arena_copy(a, (struct text){out, typed.len});
  return CONTACT_EMAIL;
}

static enum contact_kind read_phone(struct arena *a, struct text typed, struct text *canonical) {
  char out[16] = "+";
  size_t len = 1;
  for (size_t i = 1; i < typed.len; i++) {
    char c = typed.at[i];
    if (c == ' ' || c == '-') continue;
    if (!is_digit(c) || len == sizeof out) return CONTACT_NONE;
    out[len++] = c;
  }
  if (len < 8 || out[1] == '0') return CONTACT_NONE;
  *canonical = arena_copy(a, (struct text){out, len});
  return CONTACT_PHONE;
}

enum contact_kind contact_read(struct arena *a, struct text typed, struct text *canonical) {
  typed = text_trim(typed);
  *canonical = NONE;
  if (typed.len == 0) return CONTACT_NONE;
  if (memchr(typed.at, '@', typed.len)) return read_email(a, typed, canonical);
  return typed.at[0] == '+' ? read_phone(a, typed, canonical) : CONTACT_NONE;
}

struct text contact_hint(struct arena *a, struct text canonical) {
  struct text domain = canonical, local = text_cut(&domain, '@');
  if (domain.at)
    return arena_printf(a, "%.*s…@%.*s", local.len ? 1 : 0, local.at, TEXT_ARGS(domain));
  if (canonical.len < 7) return LIT("…");
  return arena_printf(a, "%.3s…%.3s", canonical.at, canonical.at + canonical.len - 3);
}
