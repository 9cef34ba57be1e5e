/* The outside systems: one file for each. They say what is to be sent, base's fetch() sends it. */
#ifndef LYCEUM_GATEWAYS_H
#define LYCEUM_GATEWAYS_H

#include "base/base.h"
#include "gateways/gateway.h"
#include "gateways/webhook.h"

/* What gateways need beside the options: the secrets out of their files. Lives as long as the
 * process. */
struct gateways {
  const struct config *config;
  char smtp_password[256]; /* empty: none */
  struct digest sms_key;
  bool has_sms_key;
  char self[160]; /* how this server reaches itself: http://127.0.0.1:8080 */
};
/* Reads the files that config names. False, and a sentence in *why, when one can't be read. */
bool gateways_open(struct gateways *g, const struct config *c, struct builder *why);
/* Where clients are led: LYCEUM_PUBLIC_URL, or how the server reaches itself. */
const char *gateways_public_url(const struct gateways *g);

/* ---- messages ---------------------------------------------------------------------------------
 */

enum message_kind { MESSAGE_CODE, MESSAGE_PASSWORD_CHANGED };
struct message {
  struct uuid id; /* the same each time one message is tried: receivers can tell repeats */
  struct text to; /* canonical e-mail address or phone number */
  struct text subject, text, html;
};
/* Writes a message's words: `from` is the community's name, `code` the six digits, if any. */
void message_write(struct arena *a, struct message *m, enum message_kind kind, bool chinese,
                   struct text from, struct text code);
/* Writes a notice's words out of notices.def: `facts` is a JSON object of texts, `link` leads to
 * the community. False when there is no notice of that name. */
bool message_notice(struct arena *a, struct message *m, struct text name, bool chinese,
                    struct text from, struct text facts, struct text link);

/* What a message on its way says, sealed for table `delivery`; bound to its id. */
struct text message_seal(struct arena *a, const struct digest *key, struct uuid id, struct text to,
                         struct text code);
/* Into m->id and m->to, and *code; false when it is forged. */
bool message_open(struct arena *a, const struct digest *key, struct uuid id, struct text sealed,
                  struct message *m, struct text *code);

/* Sends by the mail server (SMTP, RFC 5321). No mail server set is an error like any other. */
struct step mail_send(struct request *q, const struct gateways *g, const struct message *m,
                      struct text from, fetch_next next) MUST_USE;

/* Sends by the operator's SMS provider: POST of {"id", "to", "text"} as JSON with
 *   Lyceum-Timestamp: seconds since 1970
 *   Lyceum-Signature: v1=HMAC-SHA256(key, timestamp "." body) in hexadecimal
 *   Idempotency-Key:  the message's id
 * The key is the 32 bytes that LYCEUM_SMS_SECRET_FILE spells in hexadecimal. The provider refuses
 * what is older than five minutes. */
struct step sms_send(struct request *q, const struct gateways *g, const struct message *m,
                     fetch_next next) MUST_USE;
/* The value of Lyceum-Signature. */
struct text sms_signature(struct arena *a, const struct digest *key, struct text timestamp,
                          struct text body);

/* Was it taken? And if not, is trying again of any use? */
enum sent { SENT, SENT_LATER, SENT_NEVER };
enum sent mail_sent(const struct fetched *f);
enum sent sms_sent(const struct fetched *f);

#endif
