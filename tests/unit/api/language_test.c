/* What a client accepts: language, media types, codings; q of zero means no. */
#include "api/language.c"

#include <setjmp.h>

#include <cmocka.h>

static void languages(void **state) {
  (void)state;
  static const struct {
    const char *header;
    bool chinese;
  } cases[] = {
      {NULL, false},        {"", false},          {"zh", true},
      {"zh-CN", true},      {"ZH-hans-cn", true}, {"zha", false},
      {"en", false},        {"fr, de", false},    {"zh-CN,zh;q=0.9,en;q=0.8", true},
      {"en, zh", false},    {"zh, en", true},     {"zh;q=0.5, en;q=0.5", true},
      {"zh;q=0.1", true},   {"zh;q=0", false},    {"en;q=0.9, zh-TW;q=0.91", true},
      {"zh;q=0.999", true}, {",,zh", true},       {"fr, zh;q=0.2, en;q=0.3", false},
      {"zh ; q=1", true},   {"en;q=0, zh", true},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (prefers_chinese(text_of(cases[i].header)) != cases[i].chinese)
      fail_msg("%s", cases[i].header);
}

static void media_types(void **state) {
  (void)state;
  static const struct {
    const char *header;
    bool json;
  } cases[] = {
      {NULL, true},
      {"application/json", true},
      {"APPLICATION/JSON;charset=utf-8", true},
      {"application/*", true},
      {"*/*", true},
      {"text/html", false},
      {"text/*", false},
      {"application/jso", false},
      {"text/html, application/json;q=0.1", true},
      {"application/json;q=0", false},
      {"application/json;q=0, */*", false}, /* the more specific range decides */
      {"*/*, application/json; q=0.0", false},
      {"application/*;q=0, */*", false},
      {"application/*;q=0, application/json", true},
      {"*/*;q=0", false},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (accepts(text_of(cases[i].header), "application/json") != cases[i].json)
      fail_msg("%s", cases[i].header);
}

static void codings(void **state) {
  (void)state;
  static const struct {
    const char *header;
    bool gzip;
  } cases[] = {
      {NULL, false},         {"gzip", true},      {"br, gzip;q=0.5", true}, {"GZIP", true},
      {"*", true},           {"gzip;q=0", false}, {"gzip;q=0, *", false},   {"*;q=0", false},
      {"gzip, *;q=0", true}, {"gzip-ed", false},  {"identity", false},      {"x-gzip", true},
  };
  for (size_t i = 0; i < COUNT(cases); i++)
    if (accepts_gzip(text_of(cases[i].header)) != cases[i].gzip) fail_msg("%s", cases[i].header);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(languages),
      cmocka_unit_test(media_types),
      cmocka_unit_test(codings),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
