/* What the demo community is called and who signs in there, for the command that loads it and for
 * the words that the server says when it serves it. */
#ifndef LYCEUM_CLI_DEMO_H
#define LYCEUM_CLI_DEMO_H

#define DEMO_SLUG     "kaiyou"
#define DEMO_DOMAIN   "@kaiyou.example"
#define DEMO_PASSWORD "kaiyou-demo-2026"
#define DEMO_CODE     "KAIYOU2026" /* so many uses that it never sells out */

/* Where to click, who to sign in as, and three lines to paste. */
void welcome(const char *url);

#endif
