/* SPDX-License-Identifier: Apache-2.0 */
/* history.h: what the subcommands of mohr history share: where the history is, how it is checked on the way, and
 * the words for what is in it and for what is wrong with it.
 */
#ifndef MOHR_CLI_HISTORY_H
#define MOHR_CLI_HISTORY_H

#include "client-sdk/cli/cli.h"

#include "client-sdk/history/ledger.h"

/* How each is used, on stdout. */
void history_show_help(void);
/* The subcommands; argv[0] is the subcommand's name. They return an exit code. */
int history_list(struct cli *cli, int argc, char **argv);
int history_show(struct cli *cli, int argc, char **argv);
int history_verify(struct cli *cli, int argc, char **argv);
int history_export(struct cli *cli, int argc, char **argv);

/* history_words.c */
/* What kind of tampering it is and where, translated; false: no memory. */
void history_explain(
        const struct cli *cli, const struct ledger_finding *finding, char *dst, size_t cap);
/* The members of a body that people read, a line each, in a fixed order; `names` NULL: all that it has. */
void history_print_members(const struct cli *cli, const json_t *body, const char *const *names);
/* What became of a request: its `ended` or `interrupted`, or NULL. */
const char *history_result(const json_t *asked, const json_t *end);
enum cli_style history_style(const json_t *end);

/* ---- Reading it ---- */

struct history_source {
        char *folder;                  /* owned */
        struct ledger_anchors anchors; /* its own head, and others that were given */
        int head_read;                 /* ledger_head()'s answer */
        struct ledger_check *check;
};
void history_close(struct history_source *source);
#define _cleanup_source_ _cleanup_(history_close)

/* `folder` NULL: the user's own. Reads the head, which must come before the rows. 0, or an outcome that is reported
 * already. */
_must_check_ int history_open(
        const struct cli *cli, const char *folder, struct history_source *ret);
/* Tells each row to `each` (which may be NULL) and to the check, and ends the check. *ret_none: there is no history
 * here. As above. */
_must_check_ int history_read(const struct cli *cli, struct history_source *source,
        ledger_each each, void *user, bool *ret_none);
/* What was read is whole; and if there was nothing, nothing says that there should be. */
bool history_is_whole(const struct history_source *source, bool none);
/* A warning, if what was read is not whole. */
void history_doubt(const struct cli *cli, const struct history_source *source, bool none);
/* {"row": its number, "time": as in ISO 8601, MEMBER: the body}, or NULL. */
json_t *history_entry(int64_t row, const char *member, json_t *body);
/* A JSON value on stdout; the exit code. */
int history_print_json(const struct cli *cli, const json_t *json);

#endif
