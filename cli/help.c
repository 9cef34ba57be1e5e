/* Everything that explains the commands, made from the table. */
#include "cli/cli.h"

#include <string.h>

/* Columns are counted in bytes: names and options are ASCII. */
static void pad(struct builder *b, size_t from, size_t width) {
  for (size_t n = b->len - from; n < width; n++)
    build_char(b, ' ');
}

/* `  -n, --count N` */
static void write_option(struct builder *b, const struct cli_option *o) {
  if (o->letter) build_printf(b, "-%c, ", o->letter);
  build_printf(b, "--%s", o->name);
  if (o->value) build_printf(b, " %s", o->value);
}

/* Only what is needed is spelled out; the rest is one word, for the list below tells it. */
static void write_usage(struct builder *b, const struct command *command) {
  build_printf(b, "lyceum %s", command->name);
  for (const struct cli_option *o = command->options; o->name; o++) {
    if (!o->required) continue;
    build_printf(b, " --%s %s", o->name, o->value);
  }
  if (command->options[0].name) build_str(b, " [OPTIONS]");
  if (*command->operands) build_printf(b, " %s", command->operands);
}

/* For who types `lyceum` alone: every command in one screen. */
void help_overview(struct builder *b) {
  build_str(b, "Usage: lyceum COMMAND [OPTIONS]\n\n");
  for (size_t i = 0; i < command_count; i++) {
    size_t from = b->len;
    build_printf(b, "  %s", commands[i].name);
    pad(b, from, 20);
    build_printf(b, "%s\n", commands[i].says);
  }
  build_str(b, "\n`lyceum COMMAND --help` tells a command's options; --json goes with all.\n"
               "Settings come from the environment: `lyceum config` shows them.\n");
}

void help_command(struct builder *b, const struct command *command) {
  build_str(b, "Usage: ");
  write_usage(b, command);
  build_printf(b, "\n\n%s.\n\n", command->says);
  for (const struct cli_option *o = command->options; o->name; o++) {
    size_t from = b->len;
    build_str(b, "  ");
    write_option(b, o);
    pad(b, from, 26);
    if (b->len - from > 26) build_printf(b, "\n%26s", "");
    build_printf(b, "%s%s\n", o->says, o->required ? " (needed)" : "");
  }
  build_printf(b, "  --json%18swrite JSON, for programs\n  -h, --help%14sthis text\n", "", "");
}

void help_group(struct builder *b, const char *first) {
  for (size_t i = 0; i < command_count; i++) {
    struct text rest = text_of(commands[i].name);
    if (!text_is(text_cut(&rest, ' '), first)) continue;
    if (b->len) build_char(b, '\n');
    help_command(b, &commands[i]);
  }
}

void help_markdown(struct builder *b) {
  build_str(b, "# Commands\n\nMade by `lyceum help --markdown` from cli/commands.def. Each takes "
               "`--json` (results as JSON on\nstandard output) and `--help`. Exit status: 0 done, "
               "1 failed, 2 misused.\n");
  for (size_t i = 0; i < command_count; i++) {
    const struct command *command = &commands[i];
    build_printf(b, "\n## lyceum %s\n\n%s.\n\n    ", command->name, command->says);
    write_usage(b, command);
    build_char(b, '\n');
    if (command->options[0].name) build_str(b, "\n| option | |\n| --- | --- |\n");
    for (const struct cli_option *o = command->options; o->name; o++) {
      struct builder form = {0};
      write_option(&form, o);
      build_str(b, "| `");
      for (size_t n = 0; n < form.len; n++) /* a bar would end the cell */
        build_printf(b, "%s%c", form.at[n] == '|' ? "\\" : "", form.at[n]);
      build_printf(b, "` | %s%s |\n", o->says, o->required ? " (needed)" : "");
      builder_free(&form);
    }
  }
}

/* Text in roff: a backslash and a leading dot or quote would be commands, a dash a hyphen. */
static void write_roff(struct builder *b, const char *s) {
  if (*s == '.' || *s == '\'') build_str(b, "\\&");
  for (; *s; s++) {
    if (*s == '\\')
      build_str(b, "\\e");
    else if (*s == '-')
      build_str(b, "\\-");
    else
      build_char(b, *s);
  }
}

/* One subsection a command: man can then be searched for its name. */
static void write_man_command(struct builder *b, const struct command *command) {
  build_str(b, ".SS ");
  write_roff(b, command->name);
  build_char(b, '\n');
  write_roff(b, command->says);
  build_str(b, ".\n");
  for (const struct cli_option *o = command->options; o->name; o++) {
    struct builder form = {0};
    write_option(&form, o);
    build_char(&form, 0);
    build_str(b, ".TP\n.B ");
    if (!form.failed) write_roff(b, form.at);
    build_char(b, '\n');
    write_roff(b, o->says);
    build_char(b, '\n');
    builder_free(&form);
  }
}

void help_man(struct builder *b) {
  build_str(b, ".TH LYCEUM 1 \"\" \"lyceum " LYCEUM_VERSION "\" \"User Commands\"\n"
               ".SH NAME\nlyceum \\- server for communities with lectures and paid membership\n"
               ".SH SYNOPSIS\n.B lyceum\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH COMMANDS\n"
               "Each takes \\fB\\-\\-json\\fR and \\fB\\-\\-help\\fR.\n");
  for (size_t i = 0; i < command_count; i++)
    write_man_command(b, &commands[i]);
  build_str(b, ".SH ENVIRONMENT\n");
#define OPTION(kind, name, fallback, env, help)                                                    \
  build_str(b, ".TP\n.B " env "\n");                                                               \
  write_roff(b, help);                                                                             \
  build_char(b, '\n');
#include "base/options.def"
#undef OPTION
  build_str(b, ".SH EXIT STATUS\n0 done, 1 failed, 2 misused.\n");
}

/* One case a command: its options, offered wherever a word may stand. */
static void complete_options(struct builder *b, const struct command *command) {
  build_printf(b, "    '%s') words='--json --help", command->name);
  for (const struct cli_option *o = command->options; o->name; o++)
    build_printf(b, " --%s", o->name);
  build_str(b, "' ;;\n");
}

/* Values that the table knows are offered right after their option. */
static void complete_choices(struct builder *b, const struct command *command) {
  for (const struct cli_option *o = command->options; o->name; o++) {
    if (!o->choices) continue;
    build_printf(b, "    '%s --%s') words='", command->name, o->name);
    for (const char *s = o->choices; *s; s++)
      build_char(b, *s == '|' ? ' ' : *s);
    build_str(b, "' ;;\n");
  }
}

/* The first word of every command, and the second ones behind it. */
static void complete_names(struct builder *b) {
  build_str(b, "    '') words='");
  for (size_t i = 0; i < command_count; i++) {
    size_t len = strcspn(commands[i].name, " ");
    bool again = i && strncmp(commands[i - 1].name, commands[i].name, len) == 0;
    if (!again) build_printf(b, "%s%.*s", i ? " " : "", (int)len, commands[i].name);
  }
  build_str(b, "' ;;\n");
  for (size_t i = 0; i < command_count; i++) {
    size_t len = strcspn(commands[i].name, " ");
    if (!commands[i].name[len]) continue;
    bool again = i && strncmp(commands[i - 1].name, commands[i].name, len + 1) == 0;
    if (!again) build_printf(b, "    '%.*s') words='", (int)len, commands[i].name);
    build_printf(b, "%s ", commands[i].name + len + 1);
    bool last =
        i + 1 == command_count || strncmp(commands[i + 1].name, commands[i].name, len + 1) != 0;
    if (last) build_str(b, "' ;;\n");
  }
}

void help_completion(struct builder *b) {
  build_str(b, "_lyceum() {\n"
               "  local words= name=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
               "  local last=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
               "  name=\"${name%% -*}\"\n"
               "  case $name in\n");
  complete_names(b);
  for (size_t i = 0; i < command_count; i++)
    complete_options(b, &commands[i]);
  build_str(b, "  esac\n  case \"$name $last\" in\n");
  for (size_t i = 0; i < command_count; i++)
    complete_choices(b, &commands[i]);
  build_str(b,
            "    *' --output' | *' --password-file')\n"
            "      mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
            "      return ;;\n"
            "  esac\n"
            "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
            "}\ncomplete -F _lyceum lyceum\n");
}
