/* The built-in provider's payment page, for people: no scripts, one form, two languages. */
#include "api/api.h"
#include "db/sql.h"

#include <inttypes.h>
#include <string.h>

static const char style[] =
    "<style>body{font:16px/1.6 system-ui,sans-serif;max-width:30rem;margin:3rem auto;"
    "padding:0 1rem;color:#1c2733}h1{font-size:1.3rem}.sum{font-size:2rem;margin:.5rem 0}"
    "button{font:inherit;padding:.6rem 1.2rem;margin:.3rem .5rem .3rem 0;border-radius:.4rem;"
    "border:1px solid #345;background:#fff}button.main{background:#1d6f42;color:#fff}"
    "label{display:block}.soft{color:#5a6b7b;font-size:.9rem}</style>";

static const char *say(const struct request *q, const char *en, const char *zh) {
  return q->chinese ? zh : en;
}

/* Minor units as people write them. Most currencies have two decimals. */
static void put_money(struct builder *b, int64_t minor, struct text currency) {
  bool whole = text_is(currency, "JPY") || text_is(currency, "KRW") || text_is(currency, "VND");
  if (whole)
    build_printf(b, "%" PRId64, minor);
  else
    build_printf(b, "%" PRId64 ".%02" PRId64, minor / 100, minor % 100);
  build_char(b, ' ');
  build_html(b, currency);
}

static void put_state(struct request *q, struct builder *b, const struct test_charge_get_row *c) {
  static const struct {
    const char *state, *en, *zh;
  } words[] = {{"open", "Waiting to be paid", "等待付款"},
               {"paid", "Paid", "已付款"},
               {"failed", "The payment failed", "付款失败"},
               {"closed", "Closed", "已关闭"}};
  for (size_t i = 0; i < COUNT(words); i++)
    if (text_is(c->state, words[i].state))
      build_printf(b, "<p>%s", say(q, words[i].en, words[i].zh));
  if (c->expired && text_is(c->state, "open")) build_str(b, say(q, " – expired", "（已过期）"));
  if (c->refunded) {
    build_str(b, say(q, "; refunded ", "；已退款 "));
    put_money(b, c->refunded, c->currency);
  }
  if (text_is(c->dispute, "open")) build_str(b, say(q, "; in dispute", "；争议处理中"));
  if (text_is(c->dispute, "won")) build_str(b, say(q, "; the dispute was won", "；商户赢得争议"));
  if (text_is(c->dispute, "lost")) build_str(b, say(q, "; the dispute was lost", "；商户输掉争议"));
  build_str(b, "</p>");
}

static void put_button(struct builder *b, const char *act, const char *words, bool main) {
  build_printf(b, "<button name=\"act\" value=\"%s\"%s>%s</button>", act,
               main ? " class=\"main\"" : "", words);
}

static void put_form(struct request *q, struct builder *b, const struct test_charge_get_row *c) {
  bool open = text_is(c->state, "open") && !c->expired, paid = text_is(c->state, "paid");
  bool disputed = text_is(c->dispute, "open");
  if (!open && !disputed && !(paid && !c->dispute.at)) return;
  build_str(b, "<form method=\"post\"><p>");
  if (open) put_button(b, "pay", say(q, "Pay", "付款"), true);
  if (open) put_button(b, "fail", say(q, "Let it fail", "模拟失败"), false);
  if (paid && !c->dispute.at) put_button(b, "dispute", say(q, "Dispute it", "发起争议"), false);
  if (disputed) put_button(b, "win", say(q, "The merchant wins", "商户胜"), false);
  if (disputed) put_button(b, "lose", say(q, "The merchant loses", "商户败"), false);
  build_printf(b,
               "</p><p class=\"soft\">%s</p>"
               "<label><input type=\"checkbox\" name=\"twice\" value=\"1\"> %s</label>"
               "<label><input type=\"checkbox\" name=\"late\" value=\"1\"> %s</label>"
               "<label><input type=\"checkbox\" name=\"hold\" value=\"1\"> %s</label></form>",
               say(q, "Tell the merchant:", "通知商户的方式："), say(q, "twice", "重复通知"),
               say(q, "ten seconds late", "延迟十秒"),
               say(q, "after what comes next", "排在下一条通知之后"));
}

static struct step page(struct request *q, const struct rows *r) {
  struct test_charge_get_row c;
  struct builder b = {0};
  if (!one_test_charge_get(q, r, &c)) return problem(q, NOT_FOUND);
  build_printf(&b,
               "<!doctype html><html lang=\"%s\"><meta charset=\"utf-8\"><meta name=\"viewport\" "
               "content=\"width=device-width\"><title>%s</title>%s<h1>%s</h1><p>",
               say(q, "en", "zh-CN"), say(q, "Test payment", "测试支付"), style,
               say(q, "Test payment – no real money moves", "测试支付：不涉及真实资金"));
  build_html(&b, c.subject);
  build_str(&b, "</p><p class=\"sum\">");
  put_money(&b, c.amount, c.currency);
  build_str(&b, "</p>");
  put_state(q, &b, &c);
  put_form(q, &b, &c);
  build_str(&b, "</html>");
  return reply(q, 200, "text/html; charset=utf-8", &b);
}

struct step test_page(struct request *q) {
  return ask_test_charge_get(q, page, .id = path_id(q, "id"));
}

/* ---- what was pressed -------------------------------------------------------------------------
 */

/* Back to the page: reloading it does nothing again. */
static struct step acted(struct request *q, const struct rows *r) {
  char id[37];
  if (refused(q, r)) return DONE;
  uuid_write(path_id(q, "id"), id);
  reply_header(q, "Location",
               arena_printf(&q->arena, "/pay/test/%.*s/%s", TEXT_ARGS(path_text(q, "slug")), id));
  return reply_empty(q, 303);
}

/* Every value of this form is made of plain letters, so nothing needs decoding. */
static struct text value_of(struct text form, const char *name) {
  while (form.at) {
    struct text value = text_cut(&form, '&'), key = text_cut(&value, '=');
    if (text_is(key, name)) return value;
  }
  return NONE;
}

struct step test_page_act(struct request *q) {
  static const char *const hows[] = {"twice", "late", "hold"};
  struct text form = body_raw(q), act = value_of(form, "act");
  struct builder b = {0};
  if (!act.at || !text_is_utf8(act)) act = LIT("none");
  build_char(&b, '{');
  for (size_t i = 0; i < COUNT(hows); i++)
    build_printf(&b, "%s\"%s\":%s", i ? "," : "", hows[i],
                 value_of(form, hows[i]).len ? "true" : "false");
  build_char(&b, '}');
  return ask_test_act(q, acted, .id = path_id(q, "id"), .act = act,
                      .how = arena_built(&q->arena, &b));
}
