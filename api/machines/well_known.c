/* /.well-known: where machines look first (RFC 8615). */
#include "api/api.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MOST = 64 << 10, SECURITY_DAYS = 180 };

/* RFC 9116. It never lies about being maintained longer than the server runs by half a year. */
struct step security_txt(struct request *q) {
  const struct config *c = api_of(q)->config;
  struct builder b = {0};
  build_printf(&b, "Contact: %s\nExpires: ", c->security_contact);
  build_time(&b, time_now() + (micros)SECURITY_DAYS * 86400 * 1000000);
  build_str(&b, "\nPreferred-Languages: zh, en\n");
  if (c->public_url[0]) build_printf(&b, "Canonical: %s/.well-known/security.txt\n", c->public_url);
  return reply(q, 200, "text/plain; charset=utf-8", &b);
}

/* Password managers ask here where a password is changed. */
struct step change_password(struct request *q) {
  const char *name = "";
  for (size_t i = 0; i < route_count; i++)
    if (strcmp(routes[i].path, "/v1/me/password") == 0) name = routes[i].name;
  reply_header(q, "Location", arena_printf(&q->arena, "/docs#%s", name));
  return reply_empty(q, 302);
}

/* Asked for a few times a day by the makers of phones, so it is read anew each time. */
static struct step answer_file(struct request *q, const char *path) {
  struct builder b = {.cap = FILE_MOST};
  char piece[4096];
  ssize_t n;
  int fd = path[0] ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (path[0] && fd < 0) log_write(LOG_ERROR, "cannot_read", "file=\"%s\"", path);
  if (fd < 0) return problem(q, NOT_FOUND);
  while ((n = read(fd, piece, sizeof piece)) > 0)
    build_bytes(&b, piece, (size_t)n);
  close(fd);
  if (n == 0 && !b.failed) return reply_json(q, 200, &b);
  builder_free(&b);
  return problem(q, NOT_FOUND);
}

struct step apple_app_site_association(struct request *q) {
  return answer_file(q, api_of(q)->config->app_association_file);
}

struct step asset_links(struct request *q) {
  return answer_file(q, api_of(q)->config->asset_links_file);
}
