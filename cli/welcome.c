/* What `make run` ends with: where to click, who to sign in as, and three lines that work as
 * pasted, whenever they are pasted: each signs in and fetches what it needs, with sh, curl and sed
 * alone. */
#include "cli/demo.h"

#include <stdio.h>

static const char links[] =
    "\n"
    "  开友大讲堂 · Kaiyou Lectures, a demonstration\n"
    "\n"
    "    %s/           start here\n"
    "    %s/docs       the API, readable, with samples\n"
    "    %s/mailbox    mail and SMS that would have been sent\n"
    "\n"
    "  Sign in at POST /v1/communities/" DEMO_SLUG "/sessions; the password of "
    "all is " DEMO_PASSWORD "\n"
    "\n";

#define SIGN_IN_AS(who)                                                                            \
  "$(curl -s $B/v1/communities/" DEMO_SLUG "/sessions --json '{\"login\":\"" who DEMO_DOMAIN       \
  "\",\"password\":\"" DEMO_PASSWORD "\",\"device_name\":\"curl\"}'"                               \
  " | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')"

static const char redeem[] =
    "# redeem a live code, as a member\n"
    "B=%s; T=" SIGN_IN_AS("member") "; curl -sS $B/v1/redemptions -H \"Authorization: Bearer $T\" "
                                    "--json '{\"code\":\"" DEMO_CODE "\"}'; echo\n\n";
static const char list[] =
    "# list lectures\n"
    "B=%s; curl -sS \"$B/v1/communities/" DEMO_SLUG "/lectures?limit=5\"; echo\n\n";
static const char check_in[] =
    "# check in to the lecture that is on now: the lecturer shows the code, the member types it\n"
    "B=%s; L=" SIGN_IN_AS("lecturer") "; T=" SIGN_IN_AS(
        "member") "; "
                  "ID=$(curl -s \"$B/v1/lectures?kind=meetup&status=scheduled&limit=1\" "
                  "-H \"Authorization: Bearer $T\" | sed 's/^{\"data\":\\[{\"id\":\"\\([^\"]*\\)"
                  "\".*/\\1/'); "
                  "C=$(curl -s $B/v1/lectures/$ID/check-in-code -H \"Authorization: Bearer $L\" | "
                  "sed 's/.*\"code\":\"\\([^\"]*\\)\".*/\\1/'); "
                  "curl -sS $B/v1/lectures/$ID/check-ins -H \"Authorization: Bearer $T\" "
                  "--json \"{\\\"code\\\":\\\"$C\\\",\\\"device_id\\\":\\\"curl\\\"}\"; echo\n\n";

void welcome(const char *url) {
  printf(links, url, url, url);
#define SIGN_IN(local, role, name, standing, days)                                                 \
  printf("    %-26s %-10s %s\n", local DEMO_DOMAIN, role, name);
#define PERSON(local, role, name, standing, days)
#include "cli/demo.def"
#undef PERSON
#undef SIGN_IN
  printf("\n  Paste any of these:\n\n");
  printf(redeem, url);
  printf(list, url);
  printf(check_in, url);
}
