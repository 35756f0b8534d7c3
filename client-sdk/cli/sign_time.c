/* SPDX-License-Identifier: Apache-2.0 */
/* sign_time.c: the timestamp of a signature (CAdES-B-T, PAdES-B-T, JAdES-B-T): the word of a third party that it was there by then.
 *
 * Only this goes online, only to the address that was given, and only when the signed files lie in their places: a service that
 * fails costs nobody a signature. It is sent the digest of the signature's value and nothing of the document. Its answer is judged by the
 * anchors that were named before it goes in; the file is then replaced in one step.
 */
#include "client-sdk/cli/sign.h"

#include "base/bytes.h"
#include "base/file.h"
#include "client-sdk/cli/checking.h"
#include "client-sdk/http.h"
#include "client-sdk/jws_form.h"
#include "client-sdk/timestamp.h"
#include "client-sdk/trust.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#define QUERY "application/timestamp-query"
#define REPLY "application/timestamp-reply"

int sign_authorities(struct sign *sign)
{
        const struct checking named = { .tsa = sign->tsa };
        return sign->url ? checking_authorities(sign->cli, &named, &sign->authorities) : 0;
}

/* ---- the service --------------------------------------------------------------------------- */

/* A token over this value that holds. 21 with `why`. */
static int fetch(const struct sign *sign, const uint8_t *value, size_t len, uint8_t **ret,
        size_t *ret_len, char *why, size_t why_cap)
{
        unsigned char *asked = NULL, *token = NULL;
        uint8_t *came = NULL;
        size_t asked_len = 0, came_len = 0, token_len = 0;
        struct timestamp found;
        char word[TIMESTAMP_WHY_MAX] = "";
        const struct timestamp_terms terms = { .data = value,
                .len = len,
                .anchors = sign->authorities->scopes[TRUST_CITIZENS].store,
                .at = (int64_t)time(NULL) };
        int r = timestamp_request(value, len, false, &asked, &asked_len);
        const struct http_request request = { .url = sign->url,
                .content_type = QUERY,
                .body = asked,
                .body_len = asked_len,
                .expect = REPLY,
                .cap = TIMESTAMP_MAX };
        if (r == 0)
                r = http_fetch(&request, &came, &came_len, why, why_cap);
        if (r == 0) {
                r = timestamp_response(asked, asked_len, came, came_len, &token, &token_len, word);
                if (r == 0)
                        r = timestamp_judge(token, token_len, &terms, &found, word);
                if (r > 0)
                        snprintf(why, why_cap, "%s", word);
        }
        free(asked);
        free(came);
        if (r == 0) {
                *ret = token;
                *ret_len = token_len;
                return 0;
        }
        free(token);
        return r;
}

/* `cms` with the timestamp of its signer number `index`. -EALREADY: it has one. */
static int stamp(const struct sign *sign, const uint8_t *cms, size_t len, unsigned int index,
        uint8_t **ret, size_t *ret_len, char *why, size_t why_cap)
{
        struct cms_signature signature;
        unsigned int count;
        const char *word = NULL;
        uint8_t *made = NULL;
        size_t token_len = 0;
        int r = sign_is_stamped(cms, len, index) ? -EALREADY : 0;
        if (r == 0)
                r = cms_signature_at(cms, len, index, &signature, &count, &word);
        if (r == 0)
                r = fetch(sign, signature.value, signature.value_len, &made, &token_len, why,
                        why_cap);
        _cleanup_free_ uint8_t *token = made;
        if (r == 0)
                r = cms_add_timestamp(cms, len, index, token, token_len, ret, ret_len, &word);
        if (r > 0 && word)
                snprintf(why, why_cap, "%s", word);
        return r;
}

/* ---- each form ----------------------------------------------------------------------------- */

/* Which signer that value is. Without one, of a file that was there before, the only one. */
static int find_signer(const struct sign_item *item, const struct sign_cms *cms, unsigned int *ret)
{
        struct cms_signature signature;
        unsigned int count = 1;
        const char *why = NULL;
        for (unsigned int i = 0; i < count; i++) {
                int r = cms_signature_at(cms->cms, cms->len, i, &signature, &count, &why);
                if (r != 0)
                        return r;
                *ret = i;
                if (signature.value_len == item->value_len &&
                        memcmp(signature.value, item->value, item->value_len) == 0)
                        return 0;
        }
        return count == 1 && item->value_len == 0 ? 0 : OUTCOME_DOCUMENT;
}

static int stamp_cms(const struct sign *sign, struct sign_item *item, int from, int to, char *why,
        size_t why_cap)
{
        _cleanup_sign_cms_ struct sign_cms cms = { 0 };
        unsigned int index = 0;
        uint8_t *made = NULL;
        size_t len = 0;
        int r = sign_cms_read(from, &cms);
        if (r == 0)
                r = find_signer(item, &cms, &index);
        if (r == 0)
                r = stamp(sign, cms.cms, cms.len, index, &made, &len, why, why_cap);
        _cleanup_free_ uint8_t *stamped = made;
        return r == 0 ? sign_cms_write(to, stamped, len, from, &cms) : r;
}

/* Into the room that was left for it. */
static int stamp_pdf(const struct sign *sign, int from, int to, char *why, size_t why_cap)
{
        struct sign_room room = { 0 };
        struct stat st;
        uint8_t *made = NULL;
        size_t len = 0;
        int r = sign_pdf_room(from, &room);
        _cleanup_free_ uint8_t *cms = room.cms;
        if (r == 0)
                r = stamp(sign, cms, room.len, 0, &made, &len, why, why_cap);
        _cleanup_free_ uint8_t *stamped = made;
        if (r == 0 && len > room.room) {
                snprintf(why, why_cap, "no-room");
                r = OUTCOME_INVALID;
        }
        _cleanup_free_ char *hex = r == 0 ? malloc(2 * len + 1) : NULL;
        if (r != 0 || !hex || fstat(from, &st) < 0)
                return r != 0 ? r : -ENOMEM;
        hex_encode(hex, stamped, len);
        uint64_t begin = room.offset + 1, end = begin + 2 * len;
        r = place_copy(from, 0, begin, to);
        if (r == 0)
                r = file_write(to, hex, 2 * len);
        return r == 0 ? place_copy(from, end, (uint64_t)st.st_size - end, to) : r;
}

/* Of the last signer, whom this card has just added; of a file that was there before, the only one. */
static int stamp_last(const struct sign *sign, const struct sign_item *item, const char *jws,
        size_t len, char **ret, char *why, size_t why_cap)
{
        _cleanup_jws_ struct jws_form form = { .count = 0 };
        const char *word = NULL;
        uint8_t *made = NULL;
        size_t token_len = 0;
        int r = jws_read(jws, len, &form, &word);
        const struct jws_signature *last = r == 0 ? &form.rows[form.count - 1] : NULL;
        if (r == 0 && !item->is_signed && form.count > 1)
                r = OUTCOME_DOCUMENT;
        if (r == 0 && last->stamp_count > 0)
                r = -EALREADY;
        if (r == 0)
                r = fetch(sign, (const uint8_t *)last->signature.text, last->signature.len, &made,
                        &token_len, why, why_cap);
        _cleanup_free_ uint8_t *token = made;
        if (r == 0)
                r = jws_add_timestamp(
                        jws, len, (unsigned int)form.count - 1, token, token_len, ret, &word);
        if (r > 0 && word)
                snprintf(why, why_cap, "%s", word);
        return r;
}

static int stamp_jws(const struct sign *sign, const struct sign_item *item, int from, int to,
        char *why, size_t why_cap)
{
        _cleanup_free_ char *jws = NULL;
        char *made = NULL;
        size_t len = 0;
        int r = sign_read_file(from, SIGN_JWS_MAX, &jws, &len);
        if (r == 0)
                r = stamp_last(sign, item, jws, len, &made, why, why_cap);
        _cleanup_free_ char *stamped = made;
        return r == 0 ? file_write(to, stamped, strlen(stamped)) : r;
}

/* ---- all of them --------------------------------------------------------------------------- */

static int stamp_one(const struct sign *sign, struct sign_item *item, char *why, size_t why_cap)
{
        char *beside = NULL;
        int fd = -1;
        _cleanup_close_ int from = open(item->out, O_RDONLY | O_CLOEXEC);
        struct stat st;
        if (from < 0 || fstat(from, &st) < 0)
                return -errno;
        item->mode = st.st_mode & 0777;
        int r = place_anew(item, &beside, &fd);
        if (r != 0)
                return r;
        r = item->form == SIGN_PDF   ? stamp_pdf(sign, from, fd, why, why_cap)
            : item->form == SIGN_JWS ? stamp_jws(sign, item, from, fd, why, why_cap)
                                     : stamp_cms(sign, item, from, fd, why, why_cap);
        place_swap(item, fd, beside);
        item->replace = true; /* by the very same file with a timestamp */
        return r == 0 ? place_put(item) : r;
}

static int not_stamped(
        const struct sign *sign, const struct sign_item *item, int r, const char *why)
{
        char name[CLI_TEXT_MAX], line[CLI_TEXT_MAX + 600];
        const char *said = why[0] ? why : _("it is not known which of its signatures is meant");
        snprintf(line, sizeof line, "%s: %s", cli_text(sign->cli, name, item->out),
                r < 0 ? strerror(-r) : said);
        return cli_report(sign->cli, OUTCOME_NOT_TIMESTAMPED, line, NULL);
}

int sign_timestamps(struct sign *sign)
{
        for (size_t i = 0; sign->url && i < sign->count; i++) {
                struct sign_item *item = &sign->items[i];
                char why[512] = "";
                if (!item->is_signed && !item->present)
                        continue;
                int r = stamp_one(sign, item, why, sizeof why);
                if (r != 0 && r != -EALREADY)
                        return not_stamped(sign, item, r, why);
                item->stamped = true;
        }
        return 0;
}
