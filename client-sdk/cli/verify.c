/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c: mohr verify: an assertion, an evidence bundle, a receipt or a signed document, told apart by what they
 * hold, from a file or standard input; a verdict as the exit code.
 */
#include "client-sdk/cli/document.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

static const struct option options[] = {
        CHECKING_OPTIONS,
        { "content", required_argument, NULL, 'c' },
        { 0 },
};

struct given {
        const char *file, *content;
};

static int parse(
        struct cli *cli, int argc, char **argv, struct checking *checking, struct given *ret)
{
        int r = 0;
        for (int option; r == 0 && (option = getopt_long(argc, argv, "", options, NULL)) >= 0;)
                if (option == 'c')
                        ret->content = optarg;
                else
                        r = checking_option(cli, option, checking);
        if (r == 0)
                r = checking_complete(cli, checking);
        if (r != 0)
                return r;
        if (argc - optind > 1)
                return cli_usage(cli, _("This takes one file, or - for standard input."));
        ret->file = optind < argc ? argv[optind] : "-";
        return 0;
}

/* ---- documents ---- */

static int nameless(const struct checking_input *input)
{
        _cleanup_close_ int fd = memfd_create("input", MFD_CLOEXEC);
        size_t done = 0;
        for (ssize_t put = 0; fd >= 0 && done < input->len && put >= 0;) {
                put = write(fd, input->text + done, input->len - done);
                done += put > 0 ? (size_t)put : 0;
        }
        return done == input->len ? base_take_fd(&fd) : -1;
}

/* One on the disk as it is; what came through a pipe, by whatever name, as it was read. */
static int open_given(const char *file, const struct checking_input *input, uint64_t *ret_size)
{
        struct stat st;
        bool is_stdin = strcmp(file, "-") == 0;
        _cleanup_close_ int named =
                is_stdin ? -1 : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (named >= 0 && fstat(named, &st) == 0 && S_ISREG(st.st_mode)) {
                *ret_size = (uint64_t)st.st_size;
                return base_take_fd(&named);
        }
        *ret_size = input->len;
        return nameless(input);
}

/* -1: it is none. */
static int verify_document(struct cli *cli, const struct checking *checking,
        const struct given *given, const struct checking_input *input)
{
        uint64_t size = 0;
        _cleanup_close_ int fd = open_given(given->file, input, &size);
        if (fd < 0 || !document_is_one(fd, size))
                return -1;
        if (size == MOHR_RECEIPT_MAX + 1 && size == input->len) /* it may have been cut there */
                return cli_usage(cli, _("A document of this size is given as a file."));
        return document_verify(cli, checking, fd, size, given->file, given->content);
}

/* ---- assertions ---- */

static int print_result(const struct cli *cli, const struct mohr_trust *trust,
        const struct checking *checking, const struct mohr_result *result, int outcome)
{
        _cleanup_free_ char *json = mohr_result_json(result);
        if (!json)
                return cli_result(cli, -ENOMEM, NULL);
        bool tells = mohr_result_claim(result, "sub") != NULL;
        if (cli->json)
                printf("%s\n", json);
        else if (tells)
                show_result(cli, result);
        if (outcome != 0)
                checking_explain(cli, checking, trust, result, outcome);
        if (tells)
                checking_warn(cli, json);
        return cli_flushed() ? outcome : cli_result(cli, -EIO, NULL);
}

static int check(const struct cli *cli, struct mohr_trust *trust, const struct checking *checking,
        const struct checking_input *input, struct mohr_result **ret)
{
        _cleanup_trust_ struct mohr_trust *authorities = NULL;
        int r = checking_authorities(cli, checking, &authorities);
        if (r != 0)
                return r;
        if (mohr_form_of(input->text, input->len) == MOHR_FORM_ASSERTION)
                return mohr_verify(trust, input->text, input->len, &checking->options, ret);
        return mohr_evidence_verify(
                trust, input->text, input->len, &checking->options, authorities, ret);
}

int command_verify(struct cli *cli, int argc, char **argv)
{
        _cleanup_trust_ struct mohr_trust *trust = NULL;
        _cleanup_result_ struct mohr_result *result = NULL;
        _cleanup_input_ struct checking_input input = { 0 };
        struct checking checking = { 0 };
        struct given given = { .file = "-" };
        int r = parse(cli, argc, argv, &checking, &given);
        if (r != 0)
                return r;
        r = checking_read(given.file, &input);
        if (r < 0)
                return cli_usage(cli, "%s: %s", given.file, strerror(-r));
        r = verify_document(cli, &checking, &given, &input);
        if (r >= 0)
                return r;
        if (given.content)
                return cli_usage(cli, _("--content goes with a signature without its document."));
        r = checking_trust(cli, &checking, &trust);
        if (r != 0)
                return r;
        r = check(cli, trust, &checking, &input, &result);
        if (r < 0)
                return cli_result(cli, r, NULL);
        return result ? print_result(cli, trust, &checking, result, r) : r;
}
