/* How a community sets up its ways to pay. Secrets are sealed before they reach the database, and
 * are never shown again: a hint tells which one it is. */
#include "api/api.h"
#include "db/sql.h"

#include <string.h>

enum { SECRET_BYTES = 32 };

struct setting_up {
  const struct gateway *gateway;
  struct text name;
};

static struct step list(struct request *q, const struct gateway *const *all, size_t count,
                        rows_next next) {
  struct text *names = arena_alloc(&q->arena, 3 * count * sizeof *names);
  struct text *methods = names + count, *demo = methods + count;
  size_t demos = 0;
  for (size_t i = 0; i < count; i++) {
    names[i] = text_of(all[i]->name);
    methods[i] = text_of(all[i]->methods);
    if (all[i]->demo) demo[demos++] = names[i];
  }
  return ask_gateway_list(q, next, .names = {count, names}, .methods = {count, methods},
                          .demo_only = {demos, demo});
}

struct step gateway_list(struct request *q) {
  return list(q, gateway_all, gateway_count, answer_all);
}

/* ---- what is set ------------------------------------------------------------------------------
 */

static void fault(struct request *q, const char *name, const char *code, struct text en,
                  struct text zh) {
  fault_add(q, arena_printf(&q->arena, "/settings/%s", name), code, en, zh);
}

static const struct gateway_field *field_of(const struct gateway *g, struct text name) {
  for (const struct gateway_field *f = g->fields; f->name; f++)
    if (text_is(name, f->name)) return f;
  return NULL;
}

static bool is_words(struct json *j, size_t most) {
  void *it = NULL;
  struct text key;
  struct json *value;
  if (json_kind(j) != JSON_OBJECT || !json_count(j)) return false;
  while (json_each(j, &it, &key, &value)) {
    struct text t = json_text(value);
    if (!text_is(key, "zh-CN") && !text_is(key, "en")) return false;
    if (!t.len || !text_is_clean(t, true) || text_codepoints(t) > most) return false;
  }
  return true;
}

static bool is_value(struct json *j, const struct gateway_field *f) {
  uint8_t bytes[SECRET_BYTES];
  struct text t = json_text(j);
  if (f->words) return is_words(j, f->most);
  bool good = t.len && text_is_clean(t, false) && text_codepoints(t) <= f->most;
  if (good && f->hex) good = t.len == 64 && hex_parse(t, bytes, sizeof bytes);
  return good;
}

static void check(struct request *q, const struct gateway *g, struct json *given) {
  void *it = NULL;
  struct text key;
  struct json *value;
  while (json_kind(given) == JSON_OBJECT && json_each(given, &it, &key, &value)) {
    const struct gateway_field *f = field_of(g, key);
    if (!f)
      fault(q, arena_copy(&q->arena, key).at, "unknown", LIT("there is no such setting"),
            LIT("没有此设置"));
    else if (!is_value(value, f))
      fault(q, f->name, "format", LIT("it does not have the form of this setting"),
            LIT("格式不符"));
  }
  if (json_kind(given) > JSON_NULL && json_kind(given) != JSON_OBJECT)
    fault_add(q, LIT("/settings"), "type", LIT("an object is expected"), LIT("应为对象"));
}

static void put_made(struct builder *b) {
  uint8_t bytes[SECRET_BYTES];
  char hex[2 * SECRET_BYTES + 1];
  crypto_random(bytes, sizeof bytes);
  hex_write(bytes, sizeof bytes, hex);
  build_printf(b, "\"%s\"", hex);
  explicit_bzero(bytes, sizeof bytes);
  explicit_bzero(hex, sizeof hex);
}

/* The secret settings, or the shown ones: what is given, else what is there, else made. */
static struct text merged(struct request *q, const struct gateway *g, struct json *given,
                          struct json *there, bool secret) {
  struct builder b = {0};
  build_char(&b, '{');
  for (const struct gateway_field *f = g->fields; f->name; f++) {
    const struct json *value = json_get(given, f->name);
    if (f->secret != secret) continue;
    if (!value) value = json_get(there, f->name);
    if (!value && f->required)
      fault(q, f->name, "required", LIT("this setting is needed"), LIT("此设置必填"));
    if (!value && !f->made) continue;
    build_printf(&b, "%s\"%s\":", b.len > 1 ? "," : "", f->name);
    if (value)
      json_write(&b, value);
    else
      put_made(&b);
  }
  build_char(&b, '}');
  return arena_built(&q->arena, &b);
}

/* The last four characters of the first secret: enough to tell two apart. */
static struct text hint_of(struct request *q, const struct gateway *g, struct text secrets) {
  struct json *j = json_parse(&q->arena, secrets, NULL);
  for (const struct gateway_field *f = g->fields; f->name; f++) {
    struct text t = f->secret ? json_text(json_get(j, f->name)) : NONE;
    if (t.len >= 16) return arena_printf(&q->arena, "…%.*s", 4, t.at + t.len - 4);
  }
  return NONE;
}

/* ---- putting it there -------------------------------------------------------------------------
 */

static struct step put(struct request *q, const struct rows *r) {
  const struct setting_up *s = q->state;
  if (refused(q, r)) return DONE;
  return list(q, &s->gateway, 1, answer_one);
}

static struct step seen(struct request *q, const struct rows *r) {
  const struct setting_up *s = q->state;
  const struct gateway *g = s->gateway;
  struct gateway_allowed_row row;
  struct json *given = json_get(body(q), "settings"), *there = NULL;
  if (refused(q, r)) return DONE;
  if (!one_gateway_allowed(q, r, &row)) return problem(q, INTERNAL);
  const struct digest *key = &house_secrets(api_of(q)->house)->sealing;
  if (row.has_version)
    there = settings_open(&q->arena, key, q->community, s->name, row.sealed, row.shown);
  check(q, g, given);
  struct text shown = merged(q, g, given, there, false), secrets = merged(q, g, given, there, true),
              sealed = NONE;
  if (q->faults) return problem(q, BODY_INVALID);
  if (secrets.len > 2) sealed = settings_seal(&q->arena, key, q->community, s->name, secrets);
  return ask_gateway_put(q, put, .provider = s->name, .enabled = body_bool(q, "enabled", true),
                         .shown = shown, .sealed = sealed, .hint = hint_of(q, g, secrets),
                         .was = row.has_version ? row.version : 0, .secret = sealed.at != NULL,
                         .actor = q->caller.member, .role = text_of(role_name(q->caller.role)),
                         .audit_id = uuid_new(), .request_id = q->id);
}

struct step gateway_change(struct request *q) {
  struct setting_up *s = q->state = NEW(&q->arena, struct setting_up);
  s->name = body_text(q, "provider");
  s->gateway = gateway_find(s->name);
  if (!s->gateway) {
    fault_add(q, LIT("/provider"), "unknown", LIT("there is no such way to pay"),
              LIT("没有此支付方式"));
    return problem(q, BODY_INVALID);
  }
  return ask_gateway_allowed(q, seen, .provider = s->name, .demo_only = s->gateway->demo);
}
