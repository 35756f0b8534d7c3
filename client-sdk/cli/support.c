/* SPDX-License-Identifier: Apache-2.0 */
/* support.c: mohr support-bundle: what somebody who helps needs to know of this computer, in one file that its owner can look
 * into before giving it away.
 *
 * Without --out it only shows what would be in it. An old file is never replaced. What leaves out what is somebody's own
 * is said in support.h; here is one more look: the names of user and computer, and the user's folder.
 */
#include "client-sdk/cli/support.h"

#include "base/file.h"

#include <ctype.h>
#include <limits.h>
#include <pwd.h>
#include <time.h>
#include <unistd.h>

#define SHORTEST_NAME 3

static const struct row {
        const char *name, *what;
        support_fill fill;
} rows[] = {
        { "doctor.json", N_("what mohr doctor finds, without names of files"), support_doctor },
        { "versions.txt", N_("versions of Mohr, of the system and of packages that matter"),
                support_versions },
        { "readers.txt", N_("card readers and their states, without serial numbers"),
                support_readers },
        { "settings.txt", N_("settings, without what is somebody's own"), support_config },
        { "units.txt", N_("states of the services"), support_units },
        { "log.txt", N_("the last lines of mohrd's log, without values"), support_log },
};
#define ROWS ARRAY_LEN(rows)

struct bundle {
        struct support_part parts[ROWS];
};

static void bundle_free(struct bundle *bundle)
{
        for (size_t i = 0; i < ROWS; i++)
                free(bundle->parts[i].text);
}

/* ---- one more look ------------------------------------------------------------------------- */

static bool word_letter(char c)
{
        return isalnum((unsigned char)c) || c == '_' || c == '-';
}

/* Each whole word becomes x's, in place: nothing grows. */
static void cover(struct redacted *text, const char *word)
{
        size_t len = word ? strlen(word) : 0;
        if (len < SHORTEST_NAME)
                return;
        for (char *at = text->text; (at = strstr(at, word)); at += len) {
                bool whole = (at == text->text || !word_letter(at[-1])) && !word_letter(at[len]);
                if (whole)
                        memset(at, 'x', len);
        }
}

static void cover_names(struct redacted *text)
{
        char host[HOST_NAME_MAX + 1] = "";
        const struct passwd *who = getpwuid(geteuid());
        (void)!gethostname(host, sizeof host - 1);
        cover(text, getenv("HOME"));
        cover(text, host);
        if (who && strcmp(who->pw_name, "root") != 0)
                cover(text, who->pw_name);
}

/* ---- the command --------------------------------------------------------------------------- */

static int collect(struct bundle *bundle)
{
        for (size_t i = 0; i < ROWS; i++) {
                struct redacted text = { .text = calloc(1, SUPPORT_TEXT_MAX),
                        .cap = SUPPORT_TEXT_MAX };
                if (!text.text)
                        return -ENOMEM;
                rows[i].fill(&text);
                cover_names(&text);
                bundle->parts[i] = (struct support_part){ .name = rows[i].name,
                        .what = rows[i].what,
                        .text = text.text,
                        .len = text.len };
        }
        return 0;
}

static void show(const struct cli *cli, const struct bundle *bundle)
{
        char line[CLI_LINE_MAX], digits[CLI_LINE_MAX], name[CLI_TEXT_MAX];
        fprintf(stderr, "%s\n",
                _("In it are, and nothing of PINs, names, numbers, requests or the history:"));
        for (size_t i = 0; i < ROWS; i++) {
                const struct support_part *part = &bundle->parts[i];
                snprintf(line, sizeof line, "%zu", part->len);
                fprintf(stderr, "  %s (%s): %s\n", cli_text(cli, name, part->name),
                        cli_digits(cli, digits, line), _(part->what));
        }
}

static int report_unwritten(const struct cli *cli, const char *path, int r)
{
        char line[PATH_MAX + 64];
        snprintf(line, sizeof line, "%s: %s", path, strerror(-r));
        return cli_report_as(cli, OUTCOME_INTERNAL, _("The bundle was not written."),
                r == -EEXIST ? _("A file of that name is there already. Name another.") : "", line,
                NULL);
}

static int keep(const struct cli *cli, const struct bundle *bundle, const char *path)
{
        char name[CLI_TEXT_MAX];
        _cleanup_free_ unsigned char *data = NULL;
        size_t len = 0;
        int r = support_archive(bundle->parts, ROWS, time(NULL), &data, &len);
        if (r == 0)
                r = file_create(path, data, len, 0600);
        if (r < 0)
                return report_unwritten(cli, path, r);
        printf("%s\n", cli_text(cli, name, path));
        fprintf(stderr, "%s\n", _("Look into it before you give it away."));
        return cli_flushed() ? 0 : OUTCOME_INTERNAL;
}

static int parse(struct cli *cli, int argc, char **argv, const char **ret_out)
{
        static const struct option options[] = { { "out", required_argument, NULL, 'o' }, { 0 } };
        for (int option; (option = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
                if (option == '?')
                        return cli_usage(
                                cli, _("This option is not known here, or lacks its value."));
                *ret_out = optarg;
        }
        return optind < argc ? cli_usage(cli, _("This takes no arguments.")) : 0;
}

int command_support_bundle(struct cli *cli, int argc, char **argv)
{
        _cleanup_(bundle_free) struct bundle bundle = { 0 };
        const char *out = NULL;
        int r = parse(cli, argc, argv, &out);
        if (r != 0)
                return r;
        r = collect(&bundle);
        if (r < 0)
                return cli_result(cli, r, NULL);
        show(cli, &bundle);
        if (out)
                return keep(cli, &bundle, out);
        fprintf(stderr, "%s mohr support-bundle --out mohr-support.tar.gz\n",
                _("Nothing was written. To write it:"));
        return 0;
}
