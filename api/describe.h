/* How the API describes itself: the OpenAPI document and the reference page are both made from
 * routes[] and shapes[], with the pieces below. */
#ifndef LYCEUM_API_DESCRIBE_H
#define LYCEUM_API_DESCRIBE_H

#include "api/internal.h"

/* ---- JSON out: a comma comes by itself before whatever is not first ------------------------- */

/* `name` is NULL for an item of a list. */
void out_open(struct builder *b, const char *name, char bracket); /* { or [ */
void out_close(struct builder *b, char bracket);                  /* } or ] */
void out_str(struct builder *b, const char *name, const char *value);
void out_text(struct builder *b, const char *name, struct text value);
void out_int(struct builder *b, const char *name, int64_t value);
void out_bool(struct builder *b, const char *name, bool value);

/* Well-formed JSON with each member on a line of its own. */
void json_lines(struct builder *b, struct text json);

/* ---- schema.c: fields as JSON Schema 2020-12, and samples of them -----------------------------
 */

/* Answers name shapes by $ref and have every member; bodies are written out, since there an
 * optional member may be absent, and refuse what they don't know. */
enum schema_use { IN_ANSWER, IN_BODY, IN_PATCH, IN_QUERY };
void schema_field(struct builder *b, const char *name, const struct field *f, enum schema_use use);
void schema_object(struct builder *b, const char *name, const struct field *fields,
                   enum schema_use use);
/* The whole answer: the shape, {data} or {data, has_more, next_cursor}. */
void schema_reply(struct builder *b, const char *name, const struct reply_kind *k);
void sample_object(struct builder *b, const char *name, const struct field *fields);
void sample_reply(struct builder *b, const char *name, const struct reply_kind *k);
void sample_text(struct builder *b, const struct field *f); /* without quotes */

/* ---- page.c: the frame of HTML pages ------------------------------------------------------------
 */

void page_open(struct builder *b, const char *title);
void page_close(struct builder *b);
void start_write(struct builder *b, bool demo); /* GET / */

/* ---- what is told of a route in both forms ----------------------------------------------------
 */

const char *method_name(enum method m);
const char *who_name(enum who w);                 /* `signed_in` */
const char *media_of(const struct reply_kind *k); /* NULL: no body */
const char *status_phrase(int status);            /* `Not Found` */
bool route_has_etag(const struct route *r);       /* answers If-None-Match */
bool route_has_if_match(const struct route *r);
bool route_fails_with(const struct route *r, enum problem p); /* gates or handler */
/* `name` of the i-th {parameter} of the path; NONE behind the last. */
struct text route_parameter(const struct route *r, size_t i);
/* Tags in the order of the routes, each once: the n-th, or NULL; and what they hold, in Chinese. */
const char *tag_at(size_t n);
const char *tag_chinese(const char *tag);

#endif
