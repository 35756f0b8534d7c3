/* SPDX-License-Identifier: Apache-2.0 */
/* verify_document.c: mohr verify on a signed document: what it is, by its content, and what it was a signature of.
 *
 * A detached signature is checked against --content, or against the file it is named after (contract.pdf.p7s: contract.pdf), and
 * which one that was is said. What has a meaning for assertions alone is refused, so that nobody takes it for checked.
 */
#include "client-sdk/cli/document.h"

#include "client-sdk/assertion.h"
#include "client-sdk/cms.h"
#include "client-sdk/jws.h"
#include "client-sdk/members.h"
#include "client-sdk/signed.h"

#include <fcntl.h>
#include <sys/stat.h>

#define START  4096
#define SUFFIX ".p7s"

/* ---- what it is ---- */

/* What mohr receipt embeds, under this name. */
static const char receipt_mark[] = "mohr-evidence.json";

static char *read_whole(int fd, uint64_t size, size_t *ret_len)
{
        char *text = malloc((size_t)size + 1);
        size_t len = 0;
        for (ssize_t got = 1; text && got > 0 && len < size;) {
                got = pread(fd, text + len, (size_t)size - len, (off_t)len);
                len += got > 0 ? (size_t)got : 0;
        }
        *ret_len = len;
        return text;
}

/* One of ours stays a receipt, also a damaged one, unless somebody signed it as a document. */
static bool is_receipt(int fd, uint64_t size)
{
        const char *bundle;
        size_t len, bundle_len;
        if (size > MOHR_RECEIPT_MAX)
                return false;
        _cleanup_free_ char *text = read_whole(fd, size, &len);
        if (!text)
                return false;
        if (mohr_receipt_extract(text, len, &bundle, &bundle_len) == 0)
                return true;
        return memmem(text, len, receipt_mark, strlen(receipt_mark)) &&
               !memmem(text, len, "/ByteRange", 10);
}

static bool is_pdf(int fd)
{
        char start[5];
        return pread(fd, start, sizeof start, 0) == sizeof start && memcmp(start, "%PDF-", 5) == 0;
}

static enum mohr_document_form form_of(int fd, uint64_t size)
{
        char start[START];
        size_t len = 0;
        ssize_t got = pread(fd, start, sizeof start, 0);
        if (got <= 0)
                return MOHR_DOCUMENT_NONE;
        if (start[0] == '0')
                return mohr_document_form_of(start, (size_t)got, size);
        if (size > JWS_MAX || !memchr("{e", start[0], 2)) /* "e": what base64url makes of '{' */
                return MOHR_DOCUMENT_NONE;
        _cleanup_free_ char *text = read_whole(fd, size, &len);
        while (text && len > 0 && memchr("\r\n", text[len - 1], 2))
                len--;
        return text ? mohr_document_form_of(text, len, len) : MOHR_DOCUMENT_NONE;
}

bool document_is_one(int fd, uint64_t size)
{
        if (is_pdf(fd))
                return !is_receipt(fd, size);
        return form_of(fd, size) != MOHR_DOCUMENT_NONE;
}

/* ---- what it was a signature of ---- */

static int open_file(const char *path)
{
        struct stat st;
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EINVAL;
        return base_take_fd(&fd);
}

/* The name without its end, to be freed; NULL: it has another end, or memory is missing. */
static char *named_after(const char *file)
{
        size_t len = strlen(file), end = strlen(SUFFIX);
        return len > end && strcmp(file + len - end, SUFFIX) == 0 ? strndup(file, len - end) : NULL;
}

static int open_content(const struct document_look *look)
{
        struct cli cli = *look->cli;
        char text[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 128];
        _cleanup_free_ char *guess = look->content ? NULL : named_after(look->file);
        const char *path = look->content ? look->content : guess;
        int fd = path ? open_file(path) : -ENOENT;
        if (fd < 0 && look->content) {
                cli_usage(&cli, "%s: %s", path, strerror(-fd));
        } else if (fd < 0) {
                cli_usage(&cli,
                        _("This is a signature without its document. Name that with --content."));
        } else if (guess) {
                snprintf(line, sizeof line, _("Checked as the signature of: %s"),
                        cli_text(look->cli, text, guess));
                fprintf(stderr, "%s\n", line);
        }
        return fd;
}

/* ---- judging ---- */

static int take_report(struct mohr_signed *result, int outcome, struct document_report *report)
{
        bool starved = false;
        _cleanup_free_ char *text = mohr_signed_json(result);
        report->outcome = outcome;
        report->reason = mohr_signed_reason(result);
        snprintf(report->detail, sizeof report->detail, "%s", mohr_signed_detail(result));
        report->all = text ? members_read(text, strlen(text), &starved) : NULL;
        mohr_signed_free(result);
        return report->all ? 0 : -ENOMEM;
}

static int judge_as(const struct document_look *look, const struct mohr_document *document,
        struct document_report *report)
{
        struct mohr_signed *result = NULL;
        int r = mohr_document_verify(
                look->trust, document, &look->checking->options, look->authorities, &result);
        if (r >= 0)
                r = take_report(result, r, report);
        return r < 0 ? cli_result(look->cli, r, NULL) : 0;
}

static int judge_detached(const struct document_look *look, struct document_report *report)
{
        size_t len = 0;
        _cleanup_close_ int content = open_content(look);
        if (content < 0)
                return OUTCOME_USAGE;
        uint64_t size = look->size <= CMS_SIGNED_MAX ? look->size : CMS_SIGNED_MAX + 1;
        _cleanup_free_ char *signature = read_whole(look->fd, size, &len);
        if (!signature)
                return cli_result(look->cli, -ENOMEM, NULL);
        const struct mohr_document document = { .form = MOHR_DOCUMENT_CMS,
                .content = content,
                .signature = signature,
                .signature_len = len };
        return judge_as(look, &document, report);
}

static int judge(const struct document_look *look, struct document_report *report)
{
        struct cli cli = *look->cli;
        bool pdf = is_pdf(look->fd);
        const struct mohr_document document = { .form = pdf ? MOHR_DOCUMENT_NONE
                                                            : form_of(look->fd, look->size),
                .content = look->fd };
        if (document.form == MOHR_DOCUMENT_CMS)
                return judge_detached(look, report);
        if (look->content)
                return cli_usage(&cli, _("This file has its document inside, so --content does not "
                                         "go with it."));
        return pdf ? document_verify_pdf(look, report) : judge_as(look, &document, report);
}

/* ---- telling ---- */

/* What to do now, where it can be said of all; NULL: an explanation of its own follows, or the holder's renewal is all. */
static const char *next_step(const struct document_report *report)
{
        switch (report->reason) {
        case MOHR_REASON_UNTRUSTED: return NULL;
        case MOHR_REASON_DOCUMENT_UNSIGNED: return _("To sign it: mohr sign FILE");
        case MOHR_REASON_DOCUMENT_CHANGED:
        case MOHR_REASON_DOCUMENT_EXTENDED:
                return _("Do not rely on it. Ask its signer for the file as it was signed.");
        default:
                return report->outcome == OUTCOME_INVALID
                               ? _("Do not rely on it. Ask for a new one.")
                               : NULL;
        }
}

static void explain(const struct document_look *look, const struct document_report *report)
{
        char text[CLI_TEXT_MAX], name[160];
        const struct cli *cli = look->cli;
        bool expired = report->outcome == OUTCOME_CERTIFICATE_EXPIRED;
        snprintf(name, sizeof name, "%s%s%s", mohr_reason_name(report->reason),
                report->detail[0] ? ": " : "", report->detail);
        cli_headline(cli,
                expired ? _("All signatures hold, but a certificate is expired.")
                        : _("Not every signature of this document holds."),
                report->outcome);
        fprintf(stderr, "      %s (%s)\n", mohr_reason_text(report->reason),
                cli_text(cli, text, name));
        if (next_step(report))
                fprintf(stderr, "      %s\n", next_step(report));
        if (report->reason == MOHR_REASON_UNTRUSTED)
                checking_explain_untrusted(cli, look->checking, look->trust);
}

static int tell(const struct document_look *look, const struct document_report *report)
{
        const struct cli *cli = look->cli;
        _cleanup_free_ char *json = members_text(report->all, JSON_INDENT(2));
        if (!json)
                return cli_result(cli, -ENOMEM, NULL);
        if (cli->json)
                printf("%s\n", json);
        else
                show_document(cli, report->all);
        if (report->outcome != 0)
                explain(look, report);
        return cli_flushed() ? report->outcome : cli_result(cli, -EIO, NULL);
}

static const char *foreign_option(const struct checking *checking)
{
        const struct mohr_verify_options *options = &checking->options;
        return options->audience   ? "--audience"
               : options->nonce    ? "--nonce"
               : options->asked_at ? "--asked-at"
                                   : NULL;
}

int document_verify(const struct cli *cli, const struct checking *checking, int fd, uint64_t size,
        const char *file, const char *content)
{
        _cleanup_trust_ struct mohr_trust *trust = NULL, *authorities = NULL;
        _cleanup_report_ struct document_report report = { .outcome = 0 };
        struct cli usage = *cli;
        const char *foreign = foreign_option(checking);
        if (foreign)
                return cli_usage(&usage,
                        _("%s is about assertions, and this is a signed document."), foreign);
        int r = checking_trust(cli, checking, &trust);
        if (r == 0)
                r = checking_authorities(cli, checking, &authorities);
        if (r != 0)
                return r;
        const struct document_look look = { .cli = cli,
                .checking = checking,
                .authorities = authorities,
                .trust = trust,
                .fd = fd,
                .size = size,
                .file = file,
                .content = content };
        r = judge(&look, &report);
        return r == 0 ? tell(&look, &report) : r;
}
