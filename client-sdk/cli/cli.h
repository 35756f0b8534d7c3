/* SPDX-License-Identifier: Apache-2.0 */
/* cli.h: what the subcommands of mohr share: language, colour, the one way to report an outcome.
 *
 * stdout carries what was asked for and nothing else; progress, warnings and errors for people go to
 * stderr. With --json an error is one object on stdout as well, so that a script reads one stream.
 */
#ifndef MOHR_CLI_H
#define MOHR_CLI_H

#include "client-sdk/i18n.h"
#include "client-sdk/mohr.h"

#include "base/base.h"
#include "base/outcome.h"

#include <getopt.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>

struct cli {
        const char *program; /* NULL: mohr */
        const char *command; /* the subcommand's name */
        bool persian;        /* the language of messages */
        bool json;           /* --json */
};

enum cli_style { STYLE_PLAIN, STYLE_GOOD, STYLE_BAD, STYLE_DIM };

/* locale.c: picks language and catalogue; true if messages are Persian. */
bool cli_set_language(void);

/* A text from outside, for a terminal: sanitised, and in Persian isolated so that it cannot turn the
 * sentence around it. The result is dst. */
#define CLI_TEXT_MAX 1100
const char *cli_text(const struct cli *cli, char dst[static CLI_TEXT_MAX], const char *text);
/* "1405/08/30 22:47 (2026-11-21T19:17:36Z)"; in Persian with Persian digits and without the ISO form. */
const char *cli_time(const struct cli *cli, char dst[static 96], int64_t when);
/* A line of ours, never one from outside, with the digits of the language. */
#define CLI_LINE_MAX 256
const char *cli_digits(const struct cli *cli, char dst[static CLI_LINE_MAX], const char *line);
/* "2 tries are left."; the same. */
const char *cli_tries(const struct cli *cli, char dst[static CLI_LINE_MAX], int tries);
/* Escape sequences, or "" where the stream is no terminal or NO_COLOR is set. */
const char *cli_style(FILE *stream, enum cli_style style);

/* Reports an outcome and returns it. `detail`: a line for operators or NULL. `client` may be NULL. */
int cli_report(
        const struct cli *cli, int outcome, const char *detail, const struct mohr_client *client);
/* The same in other words than those of messages.c. `next` may be "". */
int cli_report_as(const struct cli *cli, int outcome, const char *message, const char *next,
        const char *detail, const struct mohr_client *client);
/* Its first line: what happened, and the code. */
void cli_headline(const struct cli *cli, const char *text, int outcome);
/* What is told of a request besides its outcome. */
struct cli_told {
        const char *detail, *request; /* or NULL */
        int tries_left;               /* -1 not known */
};
/* `r`: an outcome or a negative errno, which becomes 70 with its text. Returns what was reported. */
int cli_tell(const struct cli *cli, int r, const struct cli_told *told);
/* `r` of a library call: an outcome, or a negative errno, which becomes 70 with its text. */
int cli_result(const struct cli *cli, int r, const struct mohr_client *client);
/* One specific line and exit code 2. */
_printf_(2, 3) int cli_usage(const struct cli *cli, const char *format, ...);
/* For a command whose one option is --json: 0, or what cli_usage() returned. Arguments are the caller's to judge. */
_must_check_ int cli_only_json(struct cli *cli, int argc, char **argv);
/* A warning on stderr. */
void cli_warn(const struct cli *cli, const char *text);
/* False if stdout did not take it all (a full disk, a closed pipe). */
_must_check_ bool cli_flushed(void);

/* ask.c: asks on the terminal, where only "yes" is yes; false with the outcome: refused, or nobody to ask. */
bool cli_ask(const char *question, int *ret_outcome);
/* Whether a line that somebody typed says so, in either language. */
_must_check_ bool cli_is_yes(const char *line);

/* program.c: another program of ours: beside this one in a build tree, else where it is installed. False: it is not there. */
bool cli_program(const char *name, char dst[static PATH_MAX]);

/* What to do when mohrd is not reached, as far as the environment tells. */
const char *cli_unreachable_next(void);
/* 0, or the outcome already reported. */
_must_check_ int cli_connect(const struct cli *cli, struct mohr_client **ret);

/* The subcommands; argv[0] is the subcommand's name. They return an exit code. */
int command_status(struct cli *cli, int argc, char **argv);
int command_watch(struct cli *cli, int argc, char **argv);
int command_assert(struct cli *cli, int argc, char **argv);
int command_verify(struct cli *cli, int argc, char **argv);
int command_sign(struct cli *cli, int argc, char **argv);
int command_receipt(struct cli *cli, int argc, char **argv);
int command_trust(struct cli *cli, int argc, char **argv);
int command_history(struct cli *cli, int argc, char **argv);
int command_grants(struct cli *cli, int argc, char **argv);
int command_policy(struct cli *cli, int argc, char **argv);
int command_pin(struct cli *cli, int argc, char **argv);
int command_doctor(struct cli *cli, int argc, char **argv);
int command_version(struct cli *cli, int argc, char **argv);
int command_help(struct cli *cli, int argc, char **argv);

/* assert.c: asks the holder for an assertion where this command runs, and says how far it is. */
_must_check_ int cli_ask_holder(const struct cli *cli, struct mohr_client *client,
        const struct mohr_request *request, char **ret);
/* doctor_card.c: doctor --card. */
int doctor_card(struct cli *cli, const char *reader, const char *transcript);
/* The same file: one translated sentence for a card whose member "generation" this is. */
const char *show_card_kind(const char *generation);
/* asked.c: where the holder is asked, into `ui` and tty[cap], and what is going on meanwhile, on stderr. */
void cli_describe_ui(const struct cli *cli, struct mohr_ui *ui, char *tty, size_t cap);
void cli_show_phase(void *user, const char *phase);

/* show.c: what status and watch show of the readers, what verify shows of a result. */
void show_readers(const struct cli *cli, const char *json);
/* What to do about a reader whose member "why" this is, translated; NULL: not known here. */
const char *show_why(const char *why);
void show_result(const struct cli *cli, const struct mohr_result *result);
/* Whose certificate it is: the names among `names`, then "certificate" of `all`. */
void show_person(const struct cli *cli, const json_t *names, const json_t *all, bool staff);
/* show_document.c: what was found of a signed document, as mohr_signed_json() tells it, and of a PDF besides. */
void show_document(const struct cli *cli, const json_t *all);
/* show_revocation.c: the member "revocation" of `all`, in words: not revoked as of when, or why unchecked. */
void show_revocation(const struct cli *cli, const json_t *all);
/* show_evidence.c: the member "evidence", if there is one: when it was received and who says so. */
void show_evidence(const struct cli *cli, const json_t *all);

#endif
