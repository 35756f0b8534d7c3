/* SPDX-License-Identifier: Apache-2.0 */
/* task.c: see works.h. What was asked comes from mohrd or `mohr verify`, but it is read as a stranger's: both hand on what others
 * told them.
 */
#include "client-sdk/base64.h"
#include "client-sdk/document/works.h"

#include <openssl/err.h>

int task_say(json_t *answer, const char *name, json_t *value)
{
        return json_object_set_new(answer, name, value) < 0 ? -ENOMEM : 0;
}

int task_say_hex(json_t *answer, const char *name, const uint8_t *data, size_t len)
{
        char hex[2 * EVP_MAX_MD_SIZE + 1];
        if (len > EVP_MAX_MD_SIZE)
                return -EINVAL;
        hex_encode(hex, data, len);
        return task_say(answer, name, json_string(hex));
}

int asked_int(struct task *task, const char *name, int64_t min, int64_t max, int64_t *ret)
{
        const json_t *value = json_object_get(task->asked, name);
        if (!json_is_integer(value) || json_integer_value(value) < min ||
                json_integer_value(value) > max)
                return task_no(task, "question");
        *ret = json_integer_value(value);
        return 0;
}

int asked_text(struct task *task, const char *name, size_t max, bool needed, const char **ret)
{
        const json_t *value = json_object_get(task->asked, name);
        const char *text = json_string_value(value);
        if (!value && !needed) {
                *ret = NULL;
                return 0;
        }
        if (!text || json_string_length(value) > max || strlen(text) != json_string_length(value))
                return task_no(task, "question");
        *ret = text;
        return 0;
}

int asked_base64(struct task *task, const char *name, size_t max, uint8_t **ret, size_t *ret_len)
{
        const char *text;
        int r = asked_text(task, name, DOCUMENT_FRAME_MAX, true, &text);
        if (r != 0)
                return r;
        _cleanup_free_ uint8_t *data = malloc(max + 1);
        if (!data)
                return -ENOMEM;
        ssize_t len = base64_decode(BASE64_STANDARD, data, max, text, strlen(text));
        if (len <= 0)
                return task_no(task, len == -ENOSPC ? "too-large" : "question");
        *ret = data;
        *ret_len = (size_t)len;
        data = NULL;
        return 0;
}

int asked_hash(struct task *task, const EVP_MD **ret)
{
        const char *name;
        int r = asked_text(task, "hash", 16, true, &name);
        if (r != 0)
                return r;
        *ret = files_hash(name);
        return *ret ? 0 : task_no(task, "question");
}

/* ---- digests ---- */

void digest_free(EVP_MD_CTX **digest)
{
        EVP_MD_CTX_free(*digest);
        ERR_clear_error();
}

int digest_new(EVP_MD_CTX **ret, const EVP_MD *hash)
{
        EVP_MD_CTX *digest = EVP_MD_CTX_new();
        if (!digest || EVP_DigestInit_ex(digest, hash, NULL) != 1) {
                digest_free(&digest);
                return -ENOMEM;
        }
        *ret = digest;
        return 0;
}

int digest_add(EVP_MD_CTX *digest, const void *data, size_t len)
{
        return EVP_DigestUpdate(digest, data, len) == 1 ? 0 : -EIO;
}

int digest_say(EVP_MD_CTX *digest, json_t *answer, const char *name)
{
        uint8_t value[EVP_MAX_MD_SIZE];
        unsigned int len = 0;
        if (EVP_DigestFinal_ex(digest, value, &len) != 1)
                return -EIO;
        return task_say_hex(answer, name, value, len);
}
