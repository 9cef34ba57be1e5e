/* What owners write about a webhook: its address, and perhaps a secret of their own. */
#include "api/webhooks/webhooks.h"
#include "rules/rules.h"

#include <string.h>

static void url_fault(struct request *q, enum webhook_url what) {
  static const struct {
    const char *code, *en, *zh;
  } faults[] = {
      [WEBHOOK_URL_MALFORMED] = {"format", "an address like https://example.org/hooks",
                                 "应为 https://example.org/hooks 这样的地址"},
      [WEBHOOK_URL_USER] = {"user", "no name and password in it: what comes is signed",
                            "地址中不能含用户名和密码：请求已签名"},
      [WEBHOOK_URL_FRAGMENT] = {"fragment", "no # in it: it would not be sent",
                                "不能含 #：它不会被发送"},
      [WEBHOOK_URL_PORT] = {"port", "port 443, 80, or one from 1024 on",
                            "端口应为 443、80 或不小于 1024"},
  };
  fault_add(q, LIT("/url"), faults[what].code, text_of(faults[what].en), text_of(faults[what].zh));
}

/* An address in digits can be judged at once; a name is judged each time it is called. */
static bool is_private(struct request *q, struct text host) {
  bool digits = memchr(host.at, ':', host.len) != NULL;
  if (!digits) digits = strspn(arena_copy(&q->arena, host).at, "0123456789.") == host.len;
  return digits && !address_text_is_public(arena_copy(&q->arena, host).at);
}

void webhook_read_url(struct request *q, struct webhook_given *g) {
  bool freely = api_of(q)->config->webhook_private != 0;
  struct text host;
  g->url = body_text(q, "url");
  if (!g->url.at) return;
  enum webhook_url what = webhook_url_read(g->url, &g->plain, &host);
  g->plain = g->plain && !freely;
  if (what != WEBHOOK_URL_GOOD)
    url_fault(q, what);
  else if (!freely && is_private(q, host))
    fault_add(q, LIT("/url"), "private", LIT("it must be a public address"), LIT("必须是公网地址"));
}

void webhook_read_secret(struct request *q, struct webhook_given *g) {
  struct text own = body_text(q, "secret");
  g->secret = own.at ? webhook_secret_read(&q->arena, own) : webhook_secret_new(&q->arena);
  if (!g->secret.at) {
    fault_add(q, LIT("/secret"), "format", LIT("whsec_ and the base64 of 24 to 64 bytes"),
              LIT("应为 whsec_ 加 24 至 64 字节的 base64"));
    return;
  }
  g->sealed = webhook_secret_seal(&q->arena, &house_secrets(api_of(q)->house)->sealing,
                                  q->community, g->id, g->secret);
}
