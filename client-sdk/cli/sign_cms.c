/* SPDX-License-Identifier: Apache-2.0 */
/* sign_cms.c: a SignedData in a file, with the document inside or not, and the question whose content a result is of.
 *
 * A document inside is never in memory: what stands before and behind it is read, and put around it again. Whether a result
 * belongs to a content is asked before a document is left out of a batch, or gets one more signature: of a detached signature OpenSSL checks it
 * over the file; of the others the content inside is compared, byte for byte. Who signed, and whether they are trusted, is the question
 * of mohr verify.
 */
#include "client-sdk/cli/sign.h"

#include "base/file.h"

#include "client-sdk/base64.h"
#include "client-sdk/jws_form.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <sys/stat.h>

#define START_MAX 4096
#define PIECE     49152 /* whole groups of base64 */

void sign_cms_clear(struct sign_cms *cms)
{
        free(cms->cms);
        *cms = (struct sign_cms){ 0 };
}

static int read_at(int fd, uint64_t offset, size_t len, uint8_t *dst)
{
        while (len > 0) {
                ssize_t n = pread(fd, dst, len, (off_t)offset);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : OUTCOME_DOCUMENT;
                dst += n;
                offset += (uint64_t)n;
                len -= (size_t)n;
        }
        return 0;
}

static int size_of(int fd, uint64_t *ret)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        *ret = (uint64_t)st.st_size;
        return 0;
}

int sign_read_file(int fd, size_t max, char **ret, size_t *ret_len)
{
        uint64_t size = 0;
        int r = size_of(fd, &size);
        if (r != 0 || size > max)
                return r != 0 ? r : -EFBIG;
        _cleanup_free_ char *text = malloc((size_t)size + 1);
        if (!text)
                return -ENOMEM;
        r = read_at(fd, 0, (size_t)size, (uint8_t *)text);
        if (r != 0)
                return r;
        text[size] = '\0';
        *ret = text;
        *ret_len = (size_t)size;
        text = NULL;
        return 0;
}

static int read_attached(int fd, uint64_t size, struct sign_cms *ret)
{
        uint64_t end = ret->content + ret->content_len;
        if (ret->content > CMS_SIGNED_MAX || size - end > CMS_SIGNED_MAX)
                return OUTCOME_DOCUMENT;
        size_t before_len = (size_t)ret->content, after_len = (size_t)(size - end);
        _cleanup_free_ uint8_t *before = malloc(before_len + 1), *after = malloc(after_len + 1);
        if (!before || !after)
                return -ENOMEM;
        int r = read_at(fd, 0, before_len, before);
        if (r == 0)
                r = read_at(fd, end, after_len, after);
        if (r == 0)
                r = cms_detach(before, before_len, after, after_len, &ret->cms, &ret->len);
        return r > 0 ? OUTCOME_DOCUMENT : r;
}

int sign_cms_read(int fd, struct sign_cms *ret)
{
        struct sign_cms made = { 0 };
        uint8_t start[START_MAX];
        uint64_t size = 0;
        int r = size_of(fd, &size);
        size_t first = size < sizeof start ? (size_t)size : sizeof start;
        if (r == 0)
                r = read_at(fd, 0, first, start);
        if (r != 0)
                return r;
        if (cms_content_at(start, first, size, &made.content, &made.content_len))
                r = read_attached(fd, size, &made);
        else
                r = sign_read_file(fd, CMS_SIGNED_MAX, (char **)&made.cms, &made.len);
        if (r == 0)
                *ret = made;
        return r == -EFBIG ? OUTCOME_DOCUMENT : r;
}

int sign_cms_write(int to, const uint8_t *cms, size_t len, int from, const struct sign_cms *content)
{
        uint8_t *before_made = NULL, *after_made = NULL;
        size_t before_len = 0, after_len = 0;
        if (content->content == 0)
                return file_write(to, cms, len);
        int r = cms_attach(
                cms, len, content->content_len, &before_made, &before_len, &after_made, &after_len);
        _cleanup_free_ uint8_t *before = before_made, *after = after_made;
        if (r == 0)
                r = file_write(to, before, before_len);
        if (r == 0)
                r = place_copy(from, content->content, content->content_len, to);
        return r == 0 ? file_write(to, after, after_len) : r > 0 ? OUTCOME_DOCUMENT : r;
}

bool sign_is_stamped(const uint8_t *der, size_t len, unsigned int index)
{
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)len);
        STACK_OF(CMS_SignerInfo) *signers = cms ? CMS_get0_SignerInfos(cms) : NULL;
        CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, (int)index);
        bool stamped = signer && CMS_unsigned_get_attr_by_NID(
                                         signer, NID_id_smime_aa_timeStampToken, -1) >= 0;
        CMS_ContentInfo_free(cms);
        ERR_clear_error();
        return stamped;
}

/* ---- whose content ---- */

static int holds_over(const struct sign_cms *signature, int from, bool *ret)
{
        const uint8_t *at = signature->cms;
        CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)signature->len);
        BIO *content = BIO_new_fd(from, BIO_NOCLOSE);
        const unsigned int flags = CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY;
        *ret = cms && content && lseek(from, 0, SEEK_SET) == 0 &&
               CMS_verify(cms, NULL, NULL, content, NULL, flags) == 1;
        BIO_free(content);
        CMS_ContentInfo_free(cms);
        ERR_clear_error();
        return 0;
}

/* Are `len` bytes of the one, from `offset`, all of the other? */
static int same_bytes(int fd, uint64_t offset, uint64_t len, int from, bool *ret)
{
        uint8_t one[4096], other[4096];
        uint64_t size = 0;
        int r = size_of(from, &size);
        *ret = r == 0 && size == len;
        for (uint64_t at = 0; r == 0 && *ret && at < len;) {
                size_t n = len - at < sizeof one ? (size_t)(len - at) : sizeof one;
                r = read_at(fd, offset + at, n, one);
                if (r == 0)
                        r = read_at(from, at, n, other);
                *ret = r == 0 && memcmp(one, other, n) == 0;
                at += n;
        }
        return r;
}

/* A PDF that was signed begins with all of what it was before, and ends with a signature. */
static int continues_pdf(int fd, int from, bool *ret)
{
        struct sign_room room = { .cms = NULL };
        uint64_t size = 0, before = 0;
        int r = size_of(fd, &size);
        if (r == 0)
                r = size_of(from, &before);
        *ret = false;
        if (r == 0 && size > before)
                r = same_bytes(fd, 0, before, from, ret);
        if (r != 0 || !*ret)
                return r;
        r = sign_pdf_room(fd, &room);
        free(room.cms);
        *ret = r == 0 && room.offset > before;
        return r;
}

/* Is this base64url all of the file? */
static int is_payload(const struct compact_part *payload, int from, bool *ret)
{
        uint8_t piece[PIECE];
        char text[PIECE / 3 * 4 + 8];
        uint64_t size = 0, at = 0;
        size_t seen = 0;
        int r = size_of(from, &size);
        *ret = r == 0;
        while (r == 0 && *ret && at < size) {
                size_t len = size - at < PIECE ? (size_t)(size - at) : PIECE;
                size_t wide = base64_encoded_len(BASE64_URL, len);
                r = read_at(from, at, len, piece);
                base64_encode(BASE64_URL, text, piece, len);
                *ret = r == 0 && wide <= payload->len - seen &&
                       memcmp(payload->text + seen, text, wide) == 0;
                at += len;
                seen += wide;
        }
        *ret = *ret && seen == payload->len;
        return r;
}

static int carries(int fd, int from, bool *ret)
{
        _cleanup_free_ char *text = NULL;
        struct jws_form form;
        const char *why = NULL;
        size_t len = 0;
        int r = sign_read_file(fd, SIGN_JWS_MAX, &text, &len);
        if (r == 0)
                r = jws_read(text, len, &form, &why);
        if (r != 0)
                return r > 0 || r == -EFBIG ? OUTCOME_DOCUMENT : r;
        r = is_payload(&form.payload, from, ret);
        jws_form_clear(&form);
        return r;
}

int sign_belongs(enum sign_form form, int fd, int from, bool *ret)
{
        _cleanup_sign_cms_ struct sign_cms signature = { 0 };
        int r = 0;
        if (form == SIGN_PDF)
                r = continues_pdf(fd, from, ret);
        else if (form == SIGN_JWS)
                r = carries(fd, from, ret);
        else {
                r = sign_cms_read(fd, &signature);
                if (r == 0 && signature.content > 0)
                        r = same_bytes(fd, signature.content, signature.content_len, from, ret);
                else if (r == 0)
                        r = holds_over(&signature, from, ret);
        }
        if (r == OUTCOME_DOCUMENT)
                *ret = false;
        return r == OUTCOME_DOCUMENT ? 0 : r;
}
