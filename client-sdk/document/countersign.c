/* SPDX-License-Identifier: Apache-2.0 */
/* countersign.c: what somebody signs who signs a signature: the digest of its value (RFC 5652 11.4), and whose it is. The name is told to
 * the holder, so it is that of the certificate whose key made that value, and of no other. */
#include "client-sdk/cms.h"
#include "client-sdk/document/attached.h"
#include "client-sdk/document/works.h"

static int say_signature(
        struct task *task, const struct cms_signature *signature, unsigned int count)
{
        _cleanup_digest_ EVP_MD_CTX *digest = NULL;
        const EVP_MD *hash = NULL;
        int r = asked_hash(task, &hash);
        if (r == 0)
                r = digest_new(&digest, hash);
        if (r == 0)
                r = digest_add(digest, signature->value, signature->value_len);
        if (r == 0)
                r = digest_say(digest, task->answer, "digest");
        if (r == 0)
                r = task_say(task->answer, "signer", json_string(signature->signer));
        return r == 0 ? task_say(task->answer, "signers", json_integer((json_int_t)count)) : r;
}

int task_countersign(struct task *task)
{
        _cleanup_attached_ struct attached file = { 0 };
        struct cms_signature signature;
        unsigned int count = 0;
        int64_t signer = 0;
        const char *why = NULL;
        int r = asked_int(task, "signer", 0, CMS_SIGNERS_MAX - 1, &signer);
        if (r == 0)
                r = attached_read(&file, &task->source, &task->verdict);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        if (r != 0)
                return r;
        r = cms_signature_at(file.cms, file.len, 0, &signature, &count, &why);
        if (r > 0)
                return verdict_no(&task->verdict, "not-a-signature", why);
        if (r == 0 && signer >= count)
                return task_no(task, "signer");
        if (r == 0)
                r = cms_signature_at(
                        file.cms, file.len, (unsigned int)signer, &signature, &count, &why);
        if (r > 0)
                return verdict_no(&task->verdict, "signer", why);
        if (r == 0)
                r = cms_signature_holds(file.cms, file.len, (unsigned int)signer, &why);
        if (r > 0)
                return task_no(task, "not-its-signer");
        return r == 0 ? say_signature(task, &signature, count) : r;
}
