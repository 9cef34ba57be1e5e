/* lyceum codes generate: orders a batch, and mints it here. A running server may have taken the
 * job first; then this only watches. */
#include "cli/cli.h"
#include "jobs/jobs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT_MOST = 10000000, DAYS_BY_DEFAULT = 365, MINT_THREADS = 2, WATCH_MS = 250 };

/* Ctrl-C finishes the chunk under way and gives the job back. */
static atomic_bool interrupted;
static void interrupt_minting(int signal_number) {
  (void)signal_number;
  atomic_store(&interrupted, true);
}

struct minting {
  struct cli *c;
  struct session *s;
  struct secrets secrets;
  int64_t community;
  struct uuid id; /* of the batch, and of its job */
  struct progress progress;
};

/* ---- ordering ----------------------------------------------------------------------------------
 */

static void put_text(struct builder *b, const char *key, const char *value) {
  if (!value) return;
  build_printf(b, ",\"%s\":", key);
  build_quoted(b, text_of(value));
}

/* PostgreSQL would read more forms than the API takes; the command line takes the same. */
static bool time_option(struct cli *c, const char *name) {
  const char *value = option(c, name);
  micros t;
  if (!value || time_parse(text_of(value), &t)) return true;
  misused(c, "--%s %s: a time like 2026-11-22T00:00:00Z is accepted", name, value);
  return false;
}

/* The body that POST /v1/code-batches takes. */
static bool write_order(struct cli *c, struct builder *b) {
  const char *campaign = option(c, "campaign");
  int64_t count, days, uses;
  struct uuid id;
  if (!option_int(c, "count", 1, COUNT_MOST, 0, &count) ||
      !option_int(c, "days", 1, 36600, DAYS_BY_DEFAULT, &days) ||
      !option_int(c, "max-uses", 1, 100000000, 1, &uses) || !time_option(c, "valid-from") ||
      !time_option(c, "valid-until"))
    return false;
  if (!count || !option(c, "plan")) {
    misused(c, "say how many and of which plan: -n 1000 --plan SLUG (or --resume)");
    return false;
  }
  if (campaign && !uuid_parse(text_of(campaign), &id)) {
    misused(c, "--campaign %s: this is not an id", campaign);
    return false;
  }
  build_printf(b, "{\"count\":%lld,\"days\":%lld,\"max_uses\":%lld", (long long)count,
               (long long)days, (long long)uses);
  put_text(b, "plan", option(c, "plan"));
  put_text(b, "campaign_id", campaign);
  put_text(b, "valid_from", option(c, "valid-from"));
  put_text(b, "valid_until", option(c, "valid-until"));
  build_char(b, '}');
  return true;
}

/* The statement's refusals are the API's problem codes; here they become words about options. */
static bool tell_refusal(struct cli *c, const struct code_batch_create_row *row) {
  if (!row->refusal.len) return true;
  if (text_is(row->refusal, "plan_retired"))
    fails(c, "the plan %s is no longer on sale", option(c, "plan"));
  else if (text_is(row->pointer, "/valid_until"))
    fails(c, "--valid-until: it must come after --valid-from, and after now");
  else if (text_is(row->refusal, "body_invalid"))
    fails(c, "there is no such %s here", text_is(row->pointer, "/plan_id") ? "plan" : "campaign");
  else
    fails(c, "the campaign has ended, or its quota is given out");
  return false;
}

/* From here on the batch exists, whatever happens to this process. */
static bool order(struct minting *m, struct text body) {
  struct code_batch_create_row row;
  struct rows r;
  struct code_batch_create_in in = {
      .id = uuid_new(), .audit_id = uuid_new(), .via = LIT("cli"), .body = body};
  bool good = ask_database(m->c, m->s, m->community, &sql_code_batch_create, &in, &r) &&
              one_code_batch_create(&m->c->q, &r, &row) && tell_refusal(m->c, &row);
  m->id = in.id;
  return good;
}

/* ---- minting, or watching who mints -----------------------------------------------------------
 */

static void tell_progress(void *who, int64_t done) {
  struct minting *m = who;
  progress_show(&m->progress, done);
}

static bool look(struct minting *m, struct job_get_row *row) {
  struct job_get_in in = {.id = m->id};
  struct rows r;
  return ask_database(m->c, m->s, m->community, &sql_job_get, &in, &r) &&
         one_job_get(&m->c->q, &r, row);
}

/* The row tells the truth whoever mints: this process, another one, or a server. */
static bool mint_or_watch(struct minting *m, struct job_get_row *row) {
  struct job_host host = {.conninfo = m->c->config.database_url,
                          .secrets = &m->secrets,
                          .threads = MINT_THREADS,
                          .stop = &interrupted,
                          .tell = tell_progress,
                          .who = m};
  char *why = NULL;
  bool taken = false;
  while (look(m, row)) {
    progress_show(&m->progress, row->done);
    if (row->has_finished_at || atomic_load(&interrupted)) return true;
    struct text dead = job_worker_is_dead(row->taken_by) ? row->taken_by : NONE;
    if (!job_run(&host, m->s, m->community, m->id, dead, &taken, &why)) {
      fails_why(m->c, why);
      return false;
    }
    if (!taken) usleep(WATCH_MS * 1000);
  }
  return false;
}

static int tell_end(struct minting *m, const struct job_get_row *row) {
  char id[37];
  uuid_write(m->id, id);
  progress_end(&m->progress, row->done);
  if (!row->has_finished_at) {
    return fails(m->c,
                 "stopped at %lld of %lld; `lyceum codes generate --community %s --resume` "
                 "goes on, and so does a running server",
                 (long long)row->done, (long long)row->total, option(m->c, "community"));
  }
  if (!text_is(row->state, "done"))
    return fails(m->c, "batch %s: %.*s %.*s", id, TEXT_ARGS(row->state), TEXT_ARGS(row->error));
  if (m->c->json) {
    struct builder b = {0};
    build_printf(&b, "{\"batch\":\"%s\",\"count\":%lld}", id, (long long)row->done);
    print_built(&b);
  }
  say(m->c, "batch %s is complete; `lyceum codes export --community %s --batch %s` shows it", id,
      option(m->c, "community"), id);
  return EXIT_DONE;
}

/* Bars begin where the job is, so that a resumed one shows its own speed. */
static int mint(struct minting *m) {
  struct job_get_row row;
  if (!look(m, &row)) return EXIT_FAILED;
  progress_begin(&m->progress, m->c, "codes", row.total, row.done);
  return mint_or_watch(m, &row) ? tell_end(m, &row) : EXIT_FAILED;
}

/* ---- the command -------------------------------------------------------------------------------
 */

/* All that is open in this community, the oldest first: it has waited longest. */
static int resume(struct minting *m) {
  struct job_open_in in = {.kind = LIT("mint_codes")};
  struct rows r;
  if (!ask_database(m->c, m->s, m->community, &sql_job_open, &in, &r)) return EXIT_FAILED;
  struct job_open_row *rows = calloc((size_t)r.count + 1, sizeof *rows);
  int count = rows ? r.count : 0, status = EXIT_DONE;
  for (int i = 0; i < count; i++) /* the rows go with the next ask */
    row_job_open(&m->c->q, &r, i, &rows[i]);
  if (!count) say(m->c, "nothing was interrupted");
  for (int i = 0; i < count && status == EXIT_DONE; i++) {
    m->id = rows[i].id;
    status = mint(m);
  }
  free(rows);
  return status;
}

int command_codes_generate(struct cli *c) {
  struct minting m = {.c = c};
  struct sigaction action = {.sa_handler = interrupt_minting};
  struct builder body = {0};
  int status = EXIT_FAILED;
  if (!option(c, "resume") && !write_order(c, &body)) return EXIT_MISUSED;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  if (!read_secrets(c, &m.secrets) || !(m.s = open_database(c))) return EXIT_FAILED;
  m.community = find_community(c, m.s);
  if (m.community && option(c, "resume"))
    status = resume(&m);
  else if (m.community && order(&m, built(&body)))
    status = mint(&m);
  builder_free(&body);
  session_close(m.s);
  explicit_bzero(&m.secrets, sizeof m.secrets);
  return status;
}
