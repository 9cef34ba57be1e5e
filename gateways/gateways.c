/* The secrets of gateways, out of their files. */
#include "gateways/gateways.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The file's text without the white space around it; false when it can't be read or is too long. */
static bool read_secret(const char *path, char *out, size_t room, struct builder *why) {
  FILE *f = fopen(path, "re");
  size_t len = f ? fread(out, 1, room, f) : 0;
  bool good = f && !ferror(f) && len < room;
  if (!good) build_printf(why, "%s: %s", path, f ? "too long or unreadable" : strerror(errno));
  if (f) (void)fclose(f);
  if (!good) return false;
  struct text t = text_trim((struct text){out, len});
  memmove(out, t.at, t.len);
  out[t.len] = '\0';
  return true;
}

/* An address that listens to all is reached by the loop-back one. */
static void find_self(struct gateways *g, const struct config *c) {
  bool six = strchr(c->bind, ':') != NULL;
  bool all = strcmp(c->bind, "0.0.0.0") == 0 || strcmp(c->bind, "::") == 0;
  const char *host = !all ? c->bind : six ? "::1" : "127.0.0.1";
  (void)snprintf(g->self, sizeof g->self, six ? "http://[%s]:%lld" : "http://%s:%lld", host,
                 (long long)c->port);
}

/* Looked at before OpenSSL does, which does not tell why it can't read a file. */
static bool trust(const char *path, struct builder *why) {
  FILE *f = fopen(path, "re");
  const char *fault = f ? "certificates in PEM are expected" : strerror(errno);
  if (f) (void)fclose(f);
  if (f && fetch_trust(path)) return true;
  build_printf(why, "LYCEUM_CA_FILE: %s: %s", path, fault);
  return false;
}

const char *gateways_public_url(const struct gateways *g) {
  return *g->config->public_url ? g->config->public_url : g->self;
}

bool gateways_open(struct gateways *g, const struct config *c, struct builder *why) {
  char hex[128] = "";
  *g = (struct gateways){.config = c};
  find_self(g, c);
  if (c->ca_file[0] && !trust(c->ca_file, why)) return false;
  if (c->smtp_password_file[0] &&
      !read_secret(c->smtp_password_file, g->smtp_password, sizeof g->smtp_password, why))
    return false;
  if (!c->sms_secret_file[0]) return true;
  if (!read_secret(c->sms_secret_file, hex, sizeof hex, why)) return false;
  g->has_sms_key = strlen(hex) == 64 && hex_parse(text_of(hex), g->sms_key.b, sizeof g->sms_key.b);
  if (!g->has_sms_key)
    build_printf(why, "%s: 64 hexadecimal digits are expected", c->sms_secret_file);
  explicit_bzero(hex, sizeof hex);
  return g->has_sms_key;
}
