/* Finds a route by its path: a tree of segments, literal before {parameter}. */
#include "api/internal.h"

#include <stdlib.h>
#include <string.h>

struct node {
  struct text segment; /* `{name}` for a parameter */
  struct node *literals, *parameter, *sibling;
  const struct route *by_method[METHOD_COUNT];
};
static struct node root;

static struct node *child(struct node *parent, struct text segment, bool make) {
  bool parameter = text_starts(segment, "{");
  struct node **first = parameter ? &parent->parameter : &parent->literals;
  for (struct node *n = *first; n; n = n->sibling)
    if (parameter || text_equal(n->segment, segment)) return n;
  struct node *n = make ? calloc(1, sizeof *n) : NULL;
  if (!n) return NULL;
  n->segment = segment;
  n->sibling = *first;
  *first = n;
  return n;
}

static bool add(const struct route *r) {
  struct text rest = text_of(r->path + 1);
  struct node *n = &root;
  while (n && rest.at)
    n = child(n, text_cut(&rest, '/'), true);
  if (!n) return false;
  if (n->by_method[r->method]) {
    log_write(LOG_ERROR, "route_twice", "path=%s", r->path);
    return false;
  }
  n->by_method[r->method] = r;
  return true;
}

bool router_open(void) {
  if (root.literals) return true;
  for (size_t i = 0; i < route_count; i++) {
    const struct route *r = &routes[i];
    bool open = r->pages && r->idempotent;
    if (r->who == WHO_UNSET || !r->says || !r->tag || !r->replies || open) {
      log_write(LOG_ERROR, "route_incomplete", "path=%s needs=who,says,tag,replies", r->path);
      return false;
    }
    if (!add(r)) return false;
  }
  return true;
}

static const struct node *step_down(const struct node *n, struct text segment,
                                    struct text params[PATH_PARAMS], size_t *count) {
  for (const struct node *c = n->literals; c; c = c->sibling)
    if (text_equal(c->segment, segment)) return c;
  if (!n->parameter || !segment.len || *count == PATH_PARAMS) return NULL;
  params[(*count)++] = segment;
  return n->parameter;
}

const struct route *route_find(struct text path, enum method m, struct text params[PATH_PARAMS],
                               unsigned *allowed) {
  *allowed = 0;
  if (!path.len || path.at[0] != '/') return NULL;
  struct text rest = {path.at + 1, path.len - 1};
  const struct node *n = &root;
  size_t count = 0;
  while (n && rest.at)
    n = step_down(n, text_cut(&rest, '/'), params, &count);
  if (!n) return NULL;
  for (unsigned i = 1; i < METHOD_COUNT; i++)
    if (n->by_method[i]) *allowed |= 1u << i;
  return m < METHOD_COUNT ? n->by_method[m] : NULL;
}

struct text path_param(const struct exchange *x, const char *name) {
  struct text rest = text_of(x->route->path);
  for (size_t i = 0; rest.at;) {
    struct text segment = text_cut(&rest, '/');
    if (!text_starts(segment, "{")) continue;
    if (text_is((struct text){segment.at + 1, segment.len - 2}, name)) return x->path_params[i];
    i++;
  }
  return NONE;
}
