/* What makes a transfer a mail: headers (RFC 5322, non-ASCII by RFC 2047), envelope, two parts. */
#include "base/fetch.h"

#include <string.h>
#include <time.h>

/* 45 bytes give 60 characters of base64; with `=?utf-8?B?` and `?=` that is below the 75 that
 * RFC 2047 allows, and a first one still fits behind `Subject: `. */
enum { WORD_BYTES = 45, LINE_ROOM = 2048 };

static bool is_ascii(struct text t) {
  for (size_t i = 0; i < t.len; i++)
    if ((unsigned char)t.at[i] >= 0x80) return false;
  return true;
}

static void build_base64(struct builder *b, struct text t) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < t.len; i += 3) {
    size_t n = t.len - i < 3 ? t.len - i : 3;
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; k++)
      bits = bits << 8 | (k < n ? (uint8_t)t.at[i + k] : 0);
    for (size_t k = 0; k < 4; k++)
      build_char(b, k <= n ? digits[bits >> (18 - 6 * k) & 63] : '=');
  }
}

/* As many bytes as fit a word without cutting a character in two. */
static size_t word_length(struct text t) {
  size_t n = t.len < WORD_BYTES ? t.len : WORD_BYTES;
  while (n < t.len && n > 1 && (t.at[n] & 0xC0) == 0x80)
    n--;
  return n;
}

/* The white space between two encoded words is not shown by those who read them. */
static void encoded_words(struct builder *b, struct text t) {
  while (t.len) {
    size_t n = word_length(t);
    build_str(b, "=?utf-8?B?");
    build_base64(b, (struct text){t.at, n});
    build_str(b, "?=");
    t = (struct text){t.at + n, t.len - n};
    if (t.len) build_char(b, ' ');
  }
}

/* `张三 <z@example.com>`: the name is encoded, the address never. */
static void encoded_value(struct builder *b, struct text value) {
  struct text address = NONE;
  if (value.len && value.at[value.len - 1] == '>')
    for (size_t i = value.len; i-- > 0 && !address.at;)
      if (value.at[i] == '<') address = (struct text){value.at + i, value.len - i};
  struct text name = text_trim((struct text){value.at, value.len - address.len});
  if (is_ascii(name)) {
    build_text(b, value);
    return;
  }
  if (name.len > 1 && name.at[0] == '"' && name.at[name.len - 1] == '"')
    name = (struct text){name.at + 1, name.len - 2};
  encoded_words(b, name);
  if (address.at) build_char(b, ' ');
  build_text(b, address);
}

static bool add_header(struct transfer *t, struct text line) {
  struct builder b = {.cap = LINE_ROOM};
  struct text value = line, name = text_cut(&value, ':');
  build_text(&b, name);
  build_str(&b, ": ");
  encoded_value(&b, text_trim(value));
  bool good = !b.failed && fetch_header(t, built(&b));
  builder_free(&b);
  return good;
}

/* RFC 5322 section 3.3; by hand, for strftime() asks the locale for its names. */
static bool add_date(struct transfer *t) {
  static const char days[] = "SunMonTueWedThuFriSat",
                    months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t now = (time_t)(time_now() / 1000000);
  struct tm c;
  gmtime_r(&now, &c);
  return fetch_header(t, arena_printf(&t->q->arena, "Date: %.3s, %d %.3s %d %02d:%02d:%02d +0000",
                                      days + 3 * c.tm_wday, c.tm_mday, months + 3 * c.tm_mon,
                                      c.tm_year + 1900, c.tm_hour, c.tm_min, c.tm_sec));
}

static bool add_message_id(struct transfer *t, const struct fetch_call *call) {
  const char *at = call->mail_from ? strrchr(call->mail_from, '@') : NULL;
  char id[37];
  uuid_write(uuid_new(), id);
  return fetch_header(t, arena_printf(&t->q->arena, "Message-ID: <%s%s>", id, at ? at : "@lyceum"));
}

static bool add_headers(struct transfer *t, const struct fetch_call *call) {
  for (size_t i = 0; call->headers && call->headers[i]; i++)
    if (!add_header(t, text_of(call->headers[i]))) return false;
  return (fetch_has_header(call, "date:") || add_date(t)) &&
         (fetch_has_header(call, "message-id:") || add_message_id(t, call)) &&
         fetch_header(t, LIT("Content-Type: multipart/alternative")) &&
         curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK;
}

/* Lines of mail end in CR LF; a bare LF would be spelled out by quoted-printable. */
static void with_crlf(struct builder *b, struct text t) {
  for (size_t i = 0; i < t.len; i++) {
    if (t.at[i] == '\n' && (i == 0 || t.at[i - 1] != '\r')) build_char(b, '\r');
    build_char(b, t.at[i]);
  }
}

static bool add_part(struct transfer *t, struct text content, const char *type) {
  struct builder b = {0};
  if (!content.at) return true;
  with_crlf(&b, content);
  curl_mimepart *part = b.failed ? NULL : curl_mime_addpart(t->mime);
  bool good = part && curl_mime_data(part, b.at ? b.at : "", b.len) == CURLE_OK &&
              curl_mime_type(part, type) == CURLE_OK &&
              curl_mime_encoder(part, "quoted-printable") == CURLE_OK;
  builder_free(&b);
  return good;
}

/* An address goes into a command of SMTP: a line break in it would be another command. */
static const char *address(struct transfer *t, const char *from) {
  struct text copy = arena_copy(&t->q->arena, text_of(from ? from : ""));
  for (size_t i = 0; i < copy.len; i++)
    if ((unsigned char)copy.at[i] < 0x20 || copy.at[i] == 0x7F) ((char *)copy.at)[i] = '?';
  return copy.at;
}

/* Where libcurl waits for one answer, CURLOPT_TIMEOUT_MS does not always count; 120 s would. */
bool fetch_mail(struct transfer *t, const struct fetch_call *call) {
  long seconds = (fetch_timeout(call) + 999) / 1000;
  t->recipients = curl_slist_append(NULL, address(t, call->mail_to));
  t->mime = curl_mime_init(t->easy);
  return t->recipients && t->mime && add_headers(t, call) &&
         add_part(t, call->mail_text, "text/plain; charset=utf-8") &&
         add_part(t, call->mail_html, "text/html; charset=utf-8") &&
         curl_easy_setopt(t->easy, CURLOPT_SERVER_RESPONSE_TIMEOUT, seconds) == CURLE_OK &&
         curl_easy_setopt(t->easy, CURLOPT_MAIL_FROM, address(t, call->mail_from)) == CURLE_OK &&
         curl_easy_setopt(t->easy, CURLOPT_MAIL_RCPT, t->recipients) == CURLE_OK &&
         curl_easy_setopt(t->easy, CURLOPT_MIMEPOST, t->mime) == CURLE_OK;
}
