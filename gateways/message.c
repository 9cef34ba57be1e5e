/* The words of messages. An SMS opens with its sender in lenticular brackets, as carriers in China
 * demand; a mail is one text and the same as HTML. */
#include "gateways/gateways.h"

enum { CODE_MINUTES = 10 };

struct words {
  struct text subject, first, rest;
};

static struct words words_of(struct arena *a, enum message_kind kind, bool chinese,
                             struct text code) {
  if (kind == MESSAGE_CODE && chinese)
    return (struct words){
        arena_printf(a, "验证码 %.*s", TEXT_ARGS(code)),
        arena_printf(a, "您的验证码是 %.*s，%d 分钟内有效。", TEXT_ARGS(code), CODE_MINUTES),
        LIT("请勿将验证码告诉任何人。如非本人操作，请忽略此消息。")};
  if (kind == MESSAGE_CODE)
    return (struct words){
        arena_printf(a, "Your code is %.*s", TEXT_ARGS(code)),
        arena_printf(a, "Your code is %.*s. It is good for %d minutes.", TEXT_ARGS(code),
                     CODE_MINUTES),
        LIT("Tell it to nobody. If you didn't ask for it, there is nothing you need to do.")};
  if (chinese)
    return (struct words){LIT("密码已更改"), LIT("您的密码刚刚被更改，其他设备已退出登录。"),
                          LIT("如非本人操作，请立即通过验证码登录并重设密码。")};
  return (struct words){
      LIT("Your password was changed"),
      LIT("Your password was just changed, and your other devices were signed out."),
      LIT("If it wasn't you, sign in with a code at once and set a new password.")};
}

static struct text html_of(struct arena *a, struct text from, const struct words *w) {
  struct builder b = {0};
  build_str(&b, "<!doctype html><meta charset=\"utf-8\"><p style=\"font-size:120%\">");
  build_html(&b, w->first);
  build_str(&b, "</p><p>");
  build_html(&b, w->rest);
  build_str(&b, "</p><p>");
  build_html(&b, from);
  build_str(&b, "</p>");
  return arena_built(a, &b);
}

static void lay_out(struct arena *a, struct message *m, bool chinese, struct text from,
                    struct words w) {
  bool phone = text_starts(m->to, "+");
  if (phone) {
    m->text = arena_printf(a, "【%.*s】%.*s%s%.*s", TEXT_ARGS(from), TEXT_ARGS(w.first),
                           chinese ? "" : " ", TEXT_ARGS(w.rest));
    return;
  }
  m->subject = w.subject;
  m->text = arena_printf(a, "%.*s\n\n%.*s\n\n%.*s\n", TEXT_ARGS(w.first), TEXT_ARGS(w.rest),
                         TEXT_ARGS(from));
  m->html = html_of(a, from, &w);
}

void message_write(struct arena *a, struct message *m, enum message_kind kind, bool chinese,
                   struct text from, struct text code) {
  lay_out(a, m, chinese, from, words_of(a, kind, chinese, code));
}

/* ---- notices: their words stand in notices.def, with {plan} and the like for what differs -----
 */

static const struct notice_words {
  const char *name, *en[3], *zh[3];
} notices[] = {
#define NOTICE(name, en1, en2, en3, zh1, zh2, zh3) {#name, {en1, en2, en3}, {zh1, zh2, zh3}},
#include "gateways/notices.def"
#undef NOTICE
};

/* What is filled in stands on one line: in a subject, a line break would begin another header. */
static void build_line(struct builder *b, struct text t) {
  for (size_t i = 0; i < t.len; i++) {
    unsigned char c = (unsigned char)t.at[i];
    build_char(b, c < 0x20 || c == 0x7F ? ' ' : t.at[i]);
  }
}

static struct text fill(struct arena *a, const char *template, struct json *facts,
                        struct text link) {
  struct builder b = {0};
  struct text words = text_of(template);
  while (words.len) {
    build_text(&b, text_cut(&words, '{'));
    struct text name = text_cut(&words, '}');
    if (text_is(name, "link"))
      build_text(&b, link);
    else if (name.len)
      build_line(&b, json_text(json_get(facts, arena_printf(a, "%.*s", TEXT_ARGS(name)).at)));
  }
  return arena_built(a, &b);
}

bool message_notice(struct arena *a, struct message *m, struct text name, bool chinese,
                    struct text from, struct text facts, struct text link) {
  struct json *j = json_parse(a, facts, NULL);
  for (size_t i = 0; i < COUNT(notices); i++) {
    const char *const *t = chinese ? notices[i].zh : notices[i].en;
    if (!text_is(name, notices[i].name)) continue;
    lay_out(a, m, chinese, from,
            (struct words){fill(a, t[0], j, link), fill(a, t[1], j, link), fill(a, t[2], j, link)});
    return true;
  }
  return false;
}

/* ---- on the way: a code must not lie readable in the database ---------------------------------
 */

static struct text bound_to(const struct uuid *id) {
  return (struct text){(const char *)id->b, sizeof id->b};
}

struct text message_seal(struct arena *a, const struct digest *key, struct uuid id, struct text to,
                         struct text code) {
  if (!code.at) code = LIT("");
  return crypto_seal(a, key, bound_to(&id),
                     arena_printf(a, "%.*s\n%.*s", TEXT_ARGS(to), TEXT_ARGS(code)));
}

bool message_open(struct arena *a, const struct digest *key, struct uuid id, struct text sealed,
                  struct message *m, struct text *code) {
  *code = crypto_open(a, key, bound_to(&id), sealed);
  *m = (struct message){.id = id, .to = text_cut(code, '\n')};
  return m->to.at != NULL;
}
