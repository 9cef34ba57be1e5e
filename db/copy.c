/* COPY IN, binary: https://www.postgresql.org/docs/current/sql-copy.html, "Binary Format". On a
 * plain connection only: in libpq 15 a COPY inside a pipeline never ends. */
#include "db/internal.h"

#include <endian.h>

enum { SEND_AT = 64 << 10, ROWS_CAP = 1 << 20 };
static const micros EPOCH_2000 = INT64_C(946684800000000);

static void put16(struct copy *c, int64_t n) {
  uint16_t wire = htobe16((uint16_t)n);
  build_bytes(&c->rows, &wire, sizeof wire);
}

static void put32(struct copy *c, uint32_t n) {
  n = htobe32(n);
  build_bytes(&c->rows, &n, sizeof n);
}

static void put64(struct copy *c, int64_t n) {
  uint64_t wire = htobe64((uint64_t)n);
  put32(c, sizeof wire);
  build_bytes(&c->rows, &wire, sizeof wire);
}

static void send(struct copy *c) {
  if (c->rows.failed || PQputCopyData(session_raw(c->session), c->rows.at, (int)c->rows.len) != 1)
    c->failed = true;
  c->rows.len = 0;
}

bool copy_begin(struct copy *c, struct session *s, const char *sql, char **why) {
  PGconn *conn = session_raw(s);
  *c = (struct copy){.session = s, .rows = {.cap = ROWS_CAP}};
  PGresult *r = PQexec(conn, sql);
  bool good = PQresultStatus(r) == PGRES_COPY_IN;
  if (!good) result_fails(r, conn, why);
  PQclear(r);
  if (!good) return false;
  build_bytes(&c->rows, "PGCOPY\n\377\r\n", 11); /* with the NUL that ends the literal */
  put32(c, 0);                                   /* flags */
  put32(c, 0);                                   /* length of the header's extension */
  return true;
}

void copy_row(struct copy *c, int fields) {
  if (c->rows.len >= SEND_AT) send(c);
  put16(c, fields);
}

void copy_uuid(struct copy *c, struct uuid u) {
  put32(c, sizeof u.b);
  build_bytes(&c->rows, u.b, sizeof u.b);
}

void copy_text(struct copy *c, struct text t) {
  if (!t.at) {
    copy_null(c);
    return;
  }
  put32(c, (uint32_t)t.len);
  build_text(&c->rows, t);
}

void copy_bytea(struct copy *c, struct text t) {
  copy_text(c, t);
}

void copy_int8(struct copy *c, int64_t n) {
  put64(c, n);
}

void copy_int4(struct copy *c, int64_t n) {
  put32(c, sizeof(uint32_t));
  put32(c, (uint32_t)n);
}

void copy_int2(struct copy *c, int64_t n) {
  put32(c, sizeof(uint16_t));
  put16(c, n);
}

void copy_bool(struct copy *c, bool b) {
  put32(c, 1);
  build_char(&c->rows, b);
}

void copy_time(struct copy *c, micros t) {
  put64(c, t - EPOCH_2000);
}

void copy_null(struct copy *c) {
  put32(c, UINT32_MAX);
}

/* The server speaks only after the end: its refusal of a row comes with the result. */
bool copy_end(struct copy *c, char **why) {
  PGconn *conn = session_raw(c->session);
  put16(c, -1);
  send(c);
  bool ended = PQputCopyEnd(conn, c->failed ? "the rows could not be made" : NULL) == 1;
  bool good = ended && !c->failed;
  for (PGresult *r; (r = PQgetResult(conn)); PQclear(r)) {
    if (PQresultStatus(r) == PGRES_COMMAND_OK) continue;
    result_fails(r, conn, why);
    good = false;
  }
  if (!ended) session_fails(why, "%s", PQerrorMessage(conn));
  builder_free(&c->rows);
  return good;
}
