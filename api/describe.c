/* Words about routes that the OpenAPI document and the reference share. */
#include "api/describe.h"

#include <string.h>

const char *method_name(enum method m) {
  static const char *const names[] = {
      [GET] = "GET", [POST] = "POST", [PUT] = "PUT", [PATCH] = "PATCH", [DELETE] = "DELETE"};
  return names[m];
}

const char *who_name(enum who w) {
  static const char *const names[] = {[ANYONE] = "anyone",
                                      [SIGNED_IN] = "signed_in",
                                      [LECTURERS] = "lecturers",
                                      [OPERATORS] = "operators",
                                      [OWNERS] = "owners"};
  return names[w];
}

const char *media_of(const struct reply_kind *k) {
  return k->media ? k->media : k->shape ? "application/json" : NULL;
}

const char *status_phrase(int status) {
  static const struct {
    int status;
    const char *phrase;
  } phrases[] = {{200, "OK"},
                 {201, "Created"},
                 {202, "Accepted"},
                 {204, "No Content"},
                 {302, "Found"},
                 {303, "See Other"},
                 {304, "Not Modified"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {406, "Not Acceptable"},
                 {409, "Conflict"},
                 {410, "Gone"},
                 {412, "Precondition Failed"},
                 {413, "Content Too Large"},
                 {414, "URI Too Long"},
                 {415, "Unsupported Media Type"},
                 {422, "Unprocessable Content"},
                 {426, "Upgrade Required"},
                 {429, "Too Many Requests"},
                 {431, "Request Header Fields Too Large"},
                 {500, "Internal Server Error"},
                 {501, "Not Implemented"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"}};
  for (size_t i = 0; i < COUNT(phrases); i++)
    if (phrases[i].status == status) return phrases[i].phrase;
  return "Answer";
}

/* Single resources and lists have entity tags, probes have none. */
bool route_has_etag(const struct route *r) {
  if (r->method != GET || r->no_log) return false;
  for (const struct reply_kind *k = r->replies; k->status; k++)
    if (k->status == 304 || (k->status == 200 && k->shape)) return true;
  return false;
}

bool route_has_if_match(const struct route *r) {
  for (const enum problem *p = r->fails; p && *p; p++)
    if (*p == VERSION_CHANGED) return true;
  return false;
}

bool route_fails_with(const struct route *r, enum problem p) {
  enum problem gate[PROBLEM_COUNT];
  size_t n = route_gate_problems(r, gate, COUNT(gate));
  for (size_t i = 0; i < n; i++)
    if (gate[i] == p) return true;
  for (const enum problem *f = r->fails; f && *f; f++)
    if (*f == p) return true;
  return false;
}

struct text route_parameter(const struct route *r, size_t i) {
  for (struct text rest = text_of(r->path); rest.at;) {
    struct text segment = text_cut(&rest, '/');
    if (text_starts(segment, "{") && i-- == 0)
      return (struct text){segment.at + 1, segment.len - 2};
  }
  return NONE;
}

/* ---- tags ---- */

/* What people look for comes before what machines ask. */
static const char last_tag[] = "Machines";

static bool told_before(size_t i) {
  for (size_t k = 0; k < i; k++)
    if (strcmp(routes[k].tag, routes[i].tag) == 0) return true;
  return strcmp(routes[i].tag, last_tag) == 0;
}

const char *tag_at(size_t n) {
  for (size_t i = 0; i < route_count; i++)
    if (!told_before(i) && n-- == 0) return routes[i].tag;
  return n == 0 ? last_tag : NULL;
}

const char *tag_chinese(const char *tag) {
  static const struct {
    const char *tag, *chinese;
  } tags[] = {{"Machines", "机器接口"}, {"Communities", "社区"}, {"Identity", "身份"},
              {"Me", "我的"},           {"Members", "成员"},     {"Membership", "会员资格"},
              {"Payments", "支付"},     {"Plans", "会员方案"},   {"Codes", "邀请码"},
              {"Lectures", "讲座"},     {"Lecturers", "讲师"},   {"Venues", "场地"},
              {"Attendance", "签到"},   {"Operation", "运营"},   {"Orders", "订单"},
              {"Books", "账务"},        {"Notices", "通知"},     {"Webhooks", "网络钩子"}};
  for (size_t i = 0; i < COUNT(tags); i++)
    if (strcmp(tags[i].tag, tag) == 0) return tags[i].chinese;
  return NULL;
}
