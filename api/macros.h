/* How shapes.def and routes.def are written; included by routes.c only.
 *
 * A field is NAME(…) when it must be there and NAME_OPT(…) when it may be absent (bodies) or null
 * (replies). */
#define FIELDS(...) ((const struct field[]){__VA_ARGS__, {.kind = FIELD_END}})
#define QUERY(...)  FIELDS(__VA_ARGS__)

#define TEXT(n, lo, hi)                                                                            \
  { .name = (n), .kind = FIELD_TEXT, .least = (lo), .most = (hi) }
#define TEXT_OPT(n, lo, hi)                                                                        \
  { .name = (n), .kind = FIELD_TEXT, .least = (lo), .most = (hi), .optional = true }
#define PROSE(n, hi)                                                                               \
  { .name = (n), .kind = FIELD_PROSE, .least = 1, .most = (hi) }
#define PROSE_OPT(n, hi)                                                                           \
  { .name = (n), .kind = FIELD_PROSE, .most = (hi), .optional = true }
#define SECRET(n, lo, hi)                                                                          \
  { .name = (n), .kind = FIELD_SECRET, .least = (lo), .most = (hi) }
#define SECRET_OPT(n, lo, hi)                                                                      \
  { .name = (n), .kind = FIELD_SECRET, .least = (lo), .most = (hi), .optional = true }
#define SLUG(n)                                                                                    \
  { .name = (n), .kind = FIELD_SLUG, .least = 2, .most = 64 }
#define SLUG_OPT(n)                                                                                \
  { .name = (n), .kind = FIELD_SLUG, .least = 2, .most = 64, .optional = true }
#define INT(n, lo, hi)                                                                             \
  { .name = (n), .kind = FIELD_INT, .least = (lo), .most = (hi) }
#define INT_OPT(n, lo, hi)                                                                         \
  { .name = (n), .kind = FIELD_INT, .least = (lo), .most = (hi), .optional = true }
#define BOOL(n)                                                                                    \
  { .name = (n), .kind = FIELD_BOOL }
#define BOOL_OPT(n)                                                                                \
  { .name = (n), .kind = FIELD_BOOL, .optional = true }
#define TIME(n)                                                                                    \
  { .name = (n), .kind = FIELD_TIME }
#define TIME_OPT(n)                                                                                \
  { .name = (n), .kind = FIELD_TIME, .optional = true }
#define WALL(n)                                                                                    \
  { .name = (n), .kind = FIELD_WALL }
#define WALL_OPT(n)                                                                                \
  { .name = (n), .kind = FIELD_WALL, .optional = true }
#define ID(n)                                                                                      \
  { .name = (n), .kind = FIELD_UUID }
#define ID_OPT(n)                                                                                  \
  { .name = (n), .kind = FIELD_UUID, .optional = true }
#define CHOICE(n, c)                                                                               \
  { .name = (n), .kind = FIELD_CHOICE, .choices = (c) }
#define CHOICE_OPT(n, c)                                                                           \
  { .name = (n), .kind = FIELD_CHOICE, .choices = (c), .optional = true }
#define WORDS(n, hi)                                                                               \
  { .name = (n), .kind = FIELD_WORDS, .most = (hi) }
#define WORDS_OPT(n, hi)                                                                           \
  { .name = (n), .kind = FIELD_WORDS, .most = (hi), .optional = true }
#define TEXTS(n, hi)                                                                               \
  { .name = (n), .kind = FIELD_TEXTS, .most = (hi) }
#define TEXTS_OPT(n, hi)                                                                           \
  { .name = (n), .kind = FIELD_TEXTS, .most = (hi), .optional = true }
#define IDS(n, hi)                                                                                 \
  { .name = (n), .kind = FIELD_IDS, .most = (hi) }
#define IDS_OPT(n, hi)                                                                             \
  { .name = (n), .kind = FIELD_IDS, .most = (hi), .optional = true }
#define INTS(n, lo, hi, count)                                                                     \
  { .name = (n), .kind = FIELD_INTS, .least = (lo), .most = (hi), .items = (count) }
#define OBJECT(n, s)                                                                               \
  { .name = (n), .kind = FIELD_OBJECT, .shape = &shape_##s }
#define OBJECT_OPT(n, s)                                                                           \
  { .name = (n), .kind = FIELD_OBJECT, .shape = &shape_##s, .optional = true }
#define LIST(n, s)                                                                                 \
  { .name = (n), .kind = FIELD_LIST, .shape = &shape_##s }
#define LIST_OPT(n, s)                                                                             \
  { .name = (n), .kind = FIELD_LIST, .shape = &shape_##s, .optional = true }
#define ANY_JSON(n)                                                                                \
  { .name = (n), .kind = FIELD_ANY }
#define ANY_JSON_OPT(n)                                                                            \
  { .name = (n), .kind = FIELD_ANY, .optional = true }

#define REPLIES(...) ((const struct reply_kind[]){__VA_ARGS__, {.status = 0}})
#define OK(s)                                                                                      \
  { .status = 200, .shape = &shape_##s }
#define CREATED(s)                                                                                 \
  { .status = 201, .shape = &shape_##s }
#define ACCEPTED(s)                                                                                \
  { .status = 202, .shape = &shape_##s }
#define PAGE(s)                                                                                    \
  { .status = 200, .shape = &shape_##s, .page = true }
#define ALL(s)                                                                                     \
  { .status = 200, .shape = &shape_##s, .list = true } /* {"data": […]} */
#define NO_BODY(c)                                                                                 \
  { .status = (c) }
#define MEDIA(c, m)                                                                                \
  { .status = (c), .media = (m) }

#define FAILS(...) ((const enum problem[]){__VA_ARGS__, NO_PROBLEM})
