/* A receipt as people read it, in one of two languages. */
#include "api/books/books.h"

#include <stdlib.h>
#include <string.h>

struct setting {
  struct request *q;
  struct paper *p;
  struct text currency;
  bool chinese;
};

/* ---- texts that outlive the request ---- */

static struct text keep(struct paper *p, struct text t) {
  if (!t.at) return NONE;
  if (p->used + t.len + 1 > sizeof p->texts) {
    p->full = true;
    return NONE;
  }
  char *at = p->texts + p->used;
  memcpy(at, t.at, t.len);
  at[t.len] = '\0';
  p->used += t.len + 1;
  return (struct text){at, t.len};
}

static struct text say(const struct setting *s, const char *zh, const char *en) {
  return text_of(s->chinese ? zh : en); /* literals: they need no keeping */
}

static struct text words(const struct setting *s, const struct json *names) {
  struct text t = json_text(json_get(names, s->chinese ? "zh-CN" : "en"));
  return t.at ? t : json_text(json_get(names, s->chinese ? "en" : "zh-CN"));
}

/* ISO 4217: most currencies have a hundred of the smaller unit, some have none or a thousand. */
static int decimals(struct text currency) {
  static const char none[] = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF",
                    three[] = "BHD IQD JOD KWD LYD OMR TND";
  char code[4] = {0};
  memcpy(code, currency.at, currency.len < 3 ? currency.len : 3);
  return strstr(none, code) ? 0 : strstr(three, code) ? 3 : 2;
}

/* `CNY 1,234.50` */
static struct text money(const struct setting *s, int64_t minor) {
  int places = decimals(s->currency);
  int64_t unit = places == 3 ? 1000 : places ? 100 : 1, whole = minor / unit;
  char digits[64], *at = digits + sizeof digits;
  int count = 0;
  *--at = '\0';
  for (; whole > 0 || !count; whole /= 10, count++) {
    if (count && count % 3 == 0) *--at = ',';
    *--at = (char)('0' + whole % 10);
  }
  struct text t = places ? arena_printf(&s->q->arena, "%.*s %s.%0*lld", TEXT_ARGS(s->currency), at,
                                        places, (long long)(minor % unit))
                         : arena_printf(&s->q->arena, "%.*s %s", TEXT_ARGS(s->currency), at);
  return keep(s->p, t);
}

static struct text less(const struct setting *s, int64_t minor) {
  struct text t = money(s, minor);
  return keep(s->p, arena_printf(&s->q->arena, "\u2212%.*s", TEXT_ARGS(t)));
}

/* ---- its parts ---- */

static struct text period(const struct setting *s, const struct json *paper) {
  struct text from = json_text(json_get(paper, "starts")), to = json_text(json_get(paper, "ends"));
  if (!from.at || !to.at) return NONE;
  if (text_starts(to, "2299") || text_starts(to, "2300"))
    return keep(s->p, arena_printf(&s->q->arena, s->chinese ? "%.*s 起，终身" : "%.*s, for life",
                                   TEXT_ARGS(from)));
  return keep(s->p, arena_printf(&s->q->arena, "%.*s \u2013 %.*s", TEXT_ARGS(from), TEXT_ARGS(to)));
}

static void facts(const struct setting *s, const struct receipt_read_row *r,
                  const struct json *paper) {
  char order[37];
  size_t n = 0;
  uuid_write(r->order_id, order);
  const struct {
    struct text label, value;
  } all[] = {
      {say(s, "收据编号", "Receipt number"), keep(s->p, r->number)},
      {say(s, "开具日期", "Issued on"), keep(s->p, json_text(json_get(paper, "issued")))},
      {say(s, "付款人", "Received from"), keep(s->p, r->member_name)},
      {say(s, "订单", "Order"), keep(s->p, text_of(order))},
      {say(s, "有效期", "Access"), period(s, paper)},
  };
  for (size_t i = 0; i < COUNT(all) && n < SHEET_FACTS; i++) {
    if (!all[i].value.at) continue;
    s->p->sheet.facts[n][0] = all[i].label;
    s->p->sheet.facts[n++][1] = all[i].value;
  }
}

static void lines(const struct setting *s, const struct json *list) {
  struct sheet_table *t = &s->p->sheet.lines;
  const struct text heads[] = {say(s, "项目", "Item"), say(s, "数量", "Quantity"),
                               say(s, "单价", "Price"), say(s, "金额", "Amount")};
  memcpy(t->heads, heads, sizeof heads);
  t->columns = COUNT(heads);
  for (size_t i = 0; i < json_count(list) && t->rows < SHEET_ROWS; i++) {
    const struct json *line = json_at(list, i);
    struct text product = words(s, json_get(line, "product_name")),
                plan = words(s, json_get(line, "plan_name"));
    struct text *cells = t->cells[t->rows++];
    cells[0] = keep(
        s->p, arena_printf(&s->q->arena, "%.*s \u00b7 %.*s", TEXT_ARGS(product), TEXT_ARGS(plan)));
    cells[1] = keep(
        s->p, arena_printf(&s->q->arena, "%lld", (long long)json_int(json_get(line, "quantity"))));
    cells[2] = money(s, json_int(json_get(line, "unit_minor")));
    cells[3] = money(s, json_int(json_get(line, "amount_minor")));
  }
}

static void sums(const struct setting *s, const struct receipt_read_row *r) {
  struct text(*sum)[2] = s->p->sheet.sums;
  size_t n = 0;
  if (r->subtotal_minor != r->total_minor) {
    sum[n][0] = say(s, "小计", "Subtotal");
    sum[n++][1] = money(s, r->subtotal_minor);
  }
  if (r->discount_minor) {
    sum[n][0] = say(s, "优惠", "Discount");
    sum[n++][1] = less(s, r->discount_minor);
  }
  if (r->credit_minor) {
    sum[n][0] = say(s, "旧方案抵扣", "Credit");
    sum[n++][1] = less(s, r->credit_minor);
  }
  sum[n][0] = say(s, "合计", "Total");
  sum[n][1] = money(s, r->total_minor);
}

static struct text provider(const struct setting *s, struct text name) {
  static const struct {
    const char *name, *zh, *en;
  } known[] = {
      {"hand", "转账或现金", "Transfer or cash"},
      {"wechat_pay", "微信支付", "WeChat Pay"},
      {"alipay", "支付宝", "Alipay"},
      {"stripe", "银行卡", "Card (Stripe)"},
      {"apple", "Apple 支付", "Apple"},
      {"test", "测试支付", "Test payment"},
  };
  for (size_t i = 0; i < COUNT(known); i++)
    if (text_is(name, known[i].name)) return say(s, known[i].zh, known[i].en);
  return keep(s->p, name);
}

static void payments(const struct setting *s, const struct json *list, const struct json *days) {
  struct sheet_table *t = &s->p->sheet.payments;
  const struct text heads[] = {say(s, "付款", "Payment"), say(s, "时间", "Paid at"),
                               say(s, "金额", "Amount")};
  memcpy(t->heads, heads, sizeof heads);
  t->columns = COUNT(heads);
  for (size_t i = 0; i < json_count(list) && t->rows < SHEET_ROWS; i++) {
    const struct json *one = json_at(list, i);
    struct text how = provider(s, json_text(json_get(one, "provider"))),
                reference = json_text(json_get(one, "reference"));
    struct text *cells = t->cells[t->rows++];
    cells[0] = keep(
        s->p, arena_printf(&s->q->arena, "%.*s \u00b7 %.*s", TEXT_ARGS(how), TEXT_ARGS(reference)));
    cells[1] = keep(s->p, json_text(json_at(days, i)));
    cells[2] = money(s, json_int(json_get(one, "amount_minor")));
  }
}

/* Pages may be many; what a receipt says of refunds is on a line of its own at the foot. */
static struct text foot(const struct setting *s, const struct receipt_read_row *r) {
  if (!r->refunded_minor)
    return say(s, "本收据由系统开具，非税务发票。", "Made by the system; not an invoice for tax.");
  struct text back = money(s, r->refunded_minor);
  return keep(s->p, arena_printf(&s->q->arena,
                                 s->chinese ? "已退款 %.*s。本收据由系统开具，非税务发票。"
                                            : "%.*s of it was refunded. Made by the system; not an "
                                              "invoice for tax.",
                                 TEXT_ARGS(back)));
}

struct paper *receipt_paper(struct request *q, const struct receipt_read_row *r, bool chinese) {
  struct text why = NONE;
  char issued[32];
  struct paper *p = calloc(1, sizeof *p);
  if (!p) return NULL;
  struct setting s = {.q = q, .p = p, .currency = r->currency, .chinese = chinese};
  struct json *paper = json_parse(&q->arena, r->paper, &why);
  time_write(r->issued_at, issued);
  p->sheet.language = chinese ? "zh-CN" : "en";
  p->sheet.date = keep(p, text_of(issued)).at;
  p->sheet.title = say(&s, "收据", "Receipt");
  p->sheet.number =
      keep(p, arena_printf(&q->arena, chinese ? "编号 %.*s" : "No. %.*s", TEXT_ARGS(r->number)));
  p->sheet.issuer = keep(p, words(&s, json_parse(&q->arena, r->community_name, &why)));
  facts(&s, r, paper);
  lines(&s, json_parse(&q->arena, r->lines, &why));
  sums(&s, r);
  payments(&s, json_parse(&q->arena, r->payments, &why), json_get(paper, "payments"));
  p->sheet.foot = foot(&s, r);
  if (!p->full && !q->arena.failed) return p;
  free(p);
  return NULL;
}

void paper_draw(void *paper) {
  struct paper *p = paper;
  struct builder b = {.cap = PAPER_PDF};
  if (pdf_sheet(&p->sheet, &b)) {
    memcpy(p->pdf, b.at, b.len);
    p->len = b.len;
  }
  builder_free(&b);
}
