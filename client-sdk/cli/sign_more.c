/* SPDX-License-Identifier: Apache-2.0 */
/* sign_more.c: one more signature beside those that are there (--add): parallel signatures, each of the content and none of another.
 * What is there is kept as it is, byte for byte of each signature; a content inside stays where it was.
 */
#include "client-sdk/cli/sign.h"

#include "base/file.h"

#include "client-sdk/jws.h"

#include <fcntl.h>

static int open_others(const struct sign *sign)
{
        int fd = open(sign->add, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        return fd < 0 ? -errno : fd;
}

/* Others make signatures that OpenSSL reads and that nothing can be put beside here: nobody types a PIN for that. */
static int takes_one_more(enum sign_form form, int fd)
{
        _cleanup_sign_cms_ struct sign_cms cms = { 0 };
        struct cms_signature signature;
        unsigned int count = 0;
        const char *why = NULL;
        if (form == SIGN_JWS)
                return 0;
        int r = sign_cms_read(fd, &cms);
        if (r == 0)
                r = cms_signature_at(cms.cms, cms.len, 0, &signature, &count, &why);
        return r == 0 && count >= CMS_SIGNERS_MAX ? OUTCOME_DOCUMENT : r;
}

int sign_check_others(const struct sign *sign, struct sign_item *item)
{
        bool belongs = false;
        _cleanup_close_ int fd = open_others(sign);
        if (fd < 0)
                return cli_usage(sign->cli, "%s: %s", sign->add, strerror(-fd));
        int r = sign_belongs(item->form, fd, item->from, &belongs);
        if (r == 0 && !belongs)
                return cli_usage(sign->cli,
                        _("%s is no signature of this form over this document."), sign->add);
        if (r == 0)
                r = takes_one_more(item->form, fd);
        if (r <= 0)
                return cli_result(sign->cli, r, NULL);
        return cli_usage(
                sign->cli, _("%s takes no further signature of the kind made here."), sign->add);
}

/* ---- putting the two together -------------------------------------------------------------- */

static int end_anew(struct sign_item *item, int r, int fd, char *beside)
{
        if (r == 0) {
                place_swap(item, fd, beside);
                return 0;
        }
        if (beside)
                unlink(beside);
        free(beside);
        close(fd);
        return r;
}

static int merge_cms(struct sign_item *item, int others)
{
        _cleanup_sign_cms_ struct sign_cms mine = { 0 };
        _cleanup_sign_cms_ struct sign_cms theirs = { 0 };
        uint8_t *made = NULL;
        char *beside = NULL;
        size_t len = 0;
        int fd = -1;
        int r = sign_cms_read(item->to, &mine);
        if (r == 0)
                r = sign_cms_read(others, &theirs);
        if (r == 0)
                r = cms_merge(
                        theirs.cms, theirs.len, mine.cms, mine.len, &made, &len, &item->failed_why);
        _cleanup_free_ uint8_t *cms = made;
        if (r == 0)
                r = place_anew(item, &beside, &fd);
        if (r != 0)
                return r > 0 ? OUTCOME_DOCUMENT : r;
        return end_anew(item, sign_cms_write(fd, cms, len, item->to, &mine), fd, beside);
}

static int merge_jws(struct sign_item *item, int others)
{
        _cleanup_free_ char *mine = NULL, *theirs = NULL;
        char *made = NULL, *beside = NULL;
        size_t mine_len = 0, theirs_len = 0;
        int fd = -1;
        int r = sign_read_file(item->to, SIGN_JWS_MAX, &mine, &mine_len);
        if (r == 0)
                r = sign_read_file(others, SIGN_JWS_MAX, &theirs, &theirs_len);
        if (r == 0)
                r = jws_merge(theirs, theirs_len, mine, mine_len, &made, &item->failed_why);
        _cleanup_free_ char *text = made;
        if (r == 0)
                r = place_anew(item, &beside, &fd);
        if (r != 0)
                return r > 0 ? OUTCOME_DOCUMENT : r;
        return end_anew(item, file_write(fd, text, strlen(text)), fd, beside);
}

int sign_add_others(struct sign *sign, struct sign_item *item)
{
        _cleanup_close_ int fd = open_others(sign);
        if (fd < 0)
                return fd;
        item->failed_why = _("the signature that was there could not be read");
        return item->form == SIGN_JWS ? merge_jws(item, fd) : merge_cms(item, fd);
}
