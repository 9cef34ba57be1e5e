/* The mailbox of a demonstration: what would have been sent, as a small page. Anywhere else there
 * is no such page. */
#include "api/api.h"
#include "db/sql.h"

enum { SHOWN = 50 };

static const char head[] =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">"
    "<meta name=\"viewport\" content=\"width=device-width\">"
    "<meta http-equiv=\"refresh\" content=\"5\"><title>Mailbox 邮箱</title><style>"
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}"
    "article{border:1px solid #ccc;border-radius:.5rem;padding:.5rem 1rem;margin:1rem 0}"
    "header{color:#666;font-size:.875em}pre{white-space:pre-wrap;font:inherit}"
    "@media(prefers-color-scheme:dark){body{background:#111;color:#eee}header{color:#aaa}}"
    "</style><h1>Mailbox 邮箱</h1><p>This demonstration sends nothing: here is what it would have "
    "sent, newest first. 演示模式不会发送消息，以下为本应发送的内容。</p>";

static void message(struct builder *b, const struct mailbox_list_row *m) {
  build_str(b, "<article><header><time>");
  build_time(b, m->at);
  build_str(b, "</time> · ");
  build_html(b, m->channel);
  build_str(b, " · ");
  build_html(b, m->recipient);
  build_str(b, "</header>");
  if (m->subject.at) {
    build_str(b, "<strong>");
    build_html(b, m->subject);
    build_str(b, "</strong>");
  }
  build_str(b, "<pre>");
  build_html(b, m->body);
  build_str(b, "</pre></article>");
}

static struct step page(struct request *q, const struct rows *r) {
  struct mailbox_list_row m;
  struct builder b = {0};
  build_str(&b, head);
  for (int i = 0; row_mailbox_list(q, r, i, &m); i++)
    message(&b, &m);
  if (!r->count) build_str(&b, "<p>Nothing yet. 暂无消息。</p>");
  build_str(&b, "</html>");
  return reply(q, 200, "text/html; charset=utf-8", &b);
}

struct step mailbox_show(struct request *q) {
  if (!api_of(q)->config->demo) return problem(q, NOT_FOUND);
  return ask_mailbox_list(q, page, .recipient = query_text(q, "to"), .most = SHOWN);
}
