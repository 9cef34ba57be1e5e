/* HTML pages for people: their frame, the start page and the list of problems. A page fetches
 * nothing, runs no script, and reads well on a phone and in the dark. */
#include "api/describe.h"

#include <string.h>

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d2430;--soft:#5c6675;--line:#dfe3ea;--paper:#fff;"
    "--tint:#f5f7fa;--link:#1556b0}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e8ef;--soft:#9aa5b5;--line:#2d3542;"
    "--paper:#12161d;--tint:#1a202a;--link:#7db2ff}}"
    "*{box-sizing:border-box}html{scroll-padding-top:1rem}"
    "body{margin:0;color:var(--ink);background:var(--paper);font:16px/1.6 system-ui,-apple-system,"
    "'Segoe UI','Noto Sans','PingFang SC','Noto Sans CJK SC','Microsoft YaHei',sans-serif}"
    "a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}"
    "code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.875em}"
    "pre{background:var(--tint);border:1px solid var(--line);border-radius:6px;padding:.75rem 1rem;"
    "overflow-x:auto;margin:.75rem 0}"
    "main{max-width:56rem;padding:1.5rem 1.25rem 6rem;margin:0 auto}"
    ".two{display:grid;grid-template-columns:17rem minmax(0,1fr);max-width:84rem;margin:0 auto}"
    ".two main{margin:0;width:100%}"
    "nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow-y:auto;"
    "padding:1.5rem 1rem;border-right:1px solid var(--line);font-size:.875rem}"
    "nav h2{font-size:.8rem;color:var(--soft);margin:1.25rem 0 .25rem;border:0;padding:0}"
    "nav ul{list-style:none;margin:0;padding:0}nav li{padding:.1rem 0;overflow-wrap:anywhere}"
    "nav .ops a{display:grid;grid-template-columns:3.4rem minmax(0,1fr);align-items:baseline}"
    "nav b{font-size:.7rem;display:inline-block;min-width:3.4rem}"
    "h1{font-size:1.9rem;line-height:1.25;margin:.25rem 0 .75rem}"
    "h2{font-size:1.35rem;margin:3rem 0 .5rem;padding-bottom:.3rem;"
    "border-bottom:1px solid var(--line)}"
    "h3{font-size:1.05rem;margin:2.5rem 0 .25rem;overflow-wrap:anywhere}"
    "h4{font-size:.85rem;color:var(--soft);margin:1.1rem 0 .25rem;font-weight:600}"
    "table{border-collapse:collapse;width:100%;font-size:.9rem;display:block;overflow-x:auto}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .9rem .3rem 0;"
    "border-bottom:1px solid var(--line)}"
    "th{color:var(--soft);font-weight:600}"
    "tr:target td,section:target h3{background:color-mix(in srgb,var(--link) 14%,transparent)}"
    ".m{font-family:ui-monospace,monospace;font-weight:700;font-size:.8em}"
    ".GET{color:#17803d}.POST{color:#1556b0}.PUT{color:#9a5b00}.PATCH{color:#9a5b00}"
    ".DELETE{color:#b3261e}"
    "@media(prefers-color-scheme:dark){.GET{color:#5dd08a}.POST{color:#7db2ff}"
    ".PUT,.PATCH{color:#f0b35a}.DELETE{color:#ff8a80}}"
    ".soft{color:var(--soft)}.tags span{display:inline-block;border:1px solid var(--line);"
    "border-radius:99px;padding:0 .6rem;margin:.15rem .35rem .15rem 0;font-size:.8rem}"
    "details{margin:.4rem 0}summary{cursor:pointer;color:var(--soft);font-size:.9rem}"
    "@media(max-width:60rem){.two{display:block}nav{position:static;max-height:40vh;"
    "border:0;border-bottom:1px solid var(--line)}}";

void page_open(struct builder *b, const char *title) {
  build_str(b, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>");
  build_str(b, title);
  build_str(b, "</title><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
               "<style>");
  build_str(b, style);
  build_str(b, "</style></head><body>\n");
}

void page_close(struct builder *b) {
  build_str(b, "</body></html>\n");
}

/* ---- the start page ---- */

void start_write(struct builder *b, bool demo) {
  page_open(b, "Lyceum");
  build_str(b,
            "<main><h1>Lyceum</h1><p>This is the REST server of a paid community: members, "
            "memberships, invite codes, lectures and attendance.<br><span lang=\"zh\">付费社区的 "
            "REST 服务器：成员、会员资格、邀请码、讲座与签到。</span></p><ul>"
            "<li><a href=\"/docs\">Reference <span lang=\"zh\">接口文档</span></a>: every "
            "endpoint, with samples</li>"
            "<li><a href=\"/docs/problems\">Problems <span lang=\"zh\">错误代码</span></a>: what "
            "can go wrong</li>"
            "<li><a href=\"/openapi.json\">/openapi.json</a>: the same for machines, OpenAPI "
            "3.1</li>");
  if (demo)
    build_str(b, "<li><a href=\"/mailbox\">Mailbox <span lang=\"zh\">收件箱</span></a>: mail and "
                 "SMS that this demo would have sent</li>");
  build_str(b, "<li><a href=\"/readyz\">/readyz</a>: can it answer?</li></ul></main>");
  page_close(b);
}

/* ---- problems ---- */

static void raised_by(struct builder *b, enum problem p) {
  size_t n = 0, gates = 0;
  for (size_t i = 0; i < route_count; i++) {
    bool own = false;
    for (const enum problem *f = routes[i].fails; f && *f; f++)
      own |= *f == p;
    if (own)
      build_printf(b, "%s<a href=\"/docs#%s\">%s</a>", n++ ? ", " : "", routes[i].name,
                   routes[i].name);
    else if (route_fails_with(&routes[i], p))
      gates++;
  }
  if (gates) build_printf(b, "%s%zu endpoints in common", n ? ", " : "", gates);
}

void problems_write(struct builder *b) {
  page_open(b, "Problems - Lyceum");
  build_str(b,
            "<main><p><a href=\"/docs\">Reference</a></p><h1>Problems <span lang=\"zh\">错误代码"
            "</span></h1><p>Every failure is <code>application/problem+json</code> (RFC 9457). "
            "<code>code</code> is stable and never translated; <code>title</code> and "
            "<code>detail</code> are in the language that <code>Accept-Language</code> asks for: "
            "<code>en</code> or <code>zh-CN</code>. <code>errors</code> lists all faults of an "
            "input at once.</p><table><tr><th>Code</th><th>Status</th><th>Title</th>"
            "<th lang=\"zh\">标题</th><th>Comes from</th></tr>");
  for (enum problem p = NO_PROBLEM + 1; p < PROBLEM_COUNT; p++) {
    const struct problem_kind *k = problem_kind(p);
    build_printf(b, "<tr id=\"%s\"><td><a href=\"#%s\"><code>%s</code></a></td><td>%d</td><td>",
                 k->code, k->code, k->code, k->status);
    build_html(b, text_of(k->en));
    build_str(b, "</td><td lang=\"zh\">");
    build_html(b, text_of(k->zh));
    build_str(b, "</td><td>");
    raised_by(b, p);
    build_str(b, "</td></tr>\n");
  }
  build_str(b, "</table></main>");
  page_close(b);
}
