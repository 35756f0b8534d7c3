/* SPDX-License-Identifier: Apache-2.0 */
/* text.c: a file's base64url as it passes by, for a JWS with the file inside (RFC 7515 5.1): hashed, or written. */
#include "client-sdk/document/text.h"
#include "client-sdk/base64.h"
#include "client-sdk/jws.h"

#define GROUP 3 /* bytes that become letters of their own */

static int put_letters(struct text *text, const uint8_t *data, size_t len, struct verdict *verdict)
{
        char letters[4096 + 1];
        const size_t most = (sizeof letters - 1) / 4 * GROUP;
        int r = 0;
        while (r == 0 && len > 0) {
                size_t now = base_min(len, most);
                base64_encode(BASE64_URL, letters, data, now);
                r = text->put(text->user, (const uint8_t *)letters, strlen(letters), verdict);
                data += now;
                len -= now;
        }
        return r;
}

/* Pieces end anywhere: what does not fill a group waits for the next. */
static int put_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        struct text *text = user;
        int r = 0;
        while (len > 0 && text->waiting > 0 && text->waiting < GROUP) {
                text->wait[text->waiting++] = *data++;
                len--;
        }
        if (text->waiting == GROUP) {
                r = put_letters(text, text->wait, GROUP, verdict);
                text->waiting = 0;
        }
        size_t rest = text->waiting == 0 ? len % GROUP : 0;
        if (r == 0 && text->waiting == 0)
                r = put_letters(text, data, len - rest, verdict);
        if (text->waiting == 0 && rest > 0) {
                memcpy(text->wait, data + len - rest, rest);
                text->waiting = rest;
        }
        return r;
}

int text_of_file(
        struct text *text, const char *header, const struct source *source, struct verdict *verdict)
{
        int r = text->put(text->user, (const uint8_t *)header, strlen(header), verdict);
        if (r == 0)
                r = text->put(text->user, (const uint8_t *)".", 1, verdict);
        if (r == 0)
                r = source_pass(source, 0, source->size, put_piece, text, verdict);
        if (r == 0)
                r = put_letters(text, text->wait, text->waiting, verdict);
        return r == 0 ? source_unchanged(source, verdict) : r;
}

static int hash_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        (void)verdict;
        return digest_add(user, data, len);
}

int task_text(struct task *task)
{
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        const EVP_MD *hash = NULL;
        const char *header = NULL;
        int r = asked_hash(task, &hash);
        if (r == 0)
                r = asked_text(task, "header", JWS_HEADER_MAX, true, &header);
        if (r == 0)
                r = digest_new(&digest, hash);
        if (r != 0)
                return r;
        struct text text = { .put = hash_piece, .user = digest };
        r = text_of_file(&text, header, &task->source, &task->verdict);
        return r == 0 ? digest_say(digest, task->answer, "digest") : r;
}
