/* SPDX-License-Identifier: Apache-2.0 */
/* write.c: the signature exists; the result goes into the app's file, whole or not at all. Each form is a row with its function,
 * and none of them looks at what was signed: that was done when it was composed.
 *
 * Room in a PDF is taken only where "prepare" left it: a hole of zeros of that very size, between "<" and ">". So a wrong
 * offset changes no byte of a document.
 */
#include "client-sdk/cms.h"
#include "client-sdk/document/attached.h"
#include "client-sdk/document/text.h"
#include "client-sdk/document/works.h"
#include "client-sdk/jws.h"

#define SIGNATURE_MAX 1024 /* letters of base64url */

struct form {
        const char *name;
        int (*write)(struct task *task, struct sink *sink);
};

static int put(struct task *task, struct sink *sink, const void *data, size_t len)
{
        return sink_put(sink, data, len, &task->verdict);
}

static int write_cms(struct task *task, struct sink *sink)
{
        _cleanup_free_ uint8_t *cms = NULL;
        size_t len = 0;
        int r = asked_base64(task, "cms", CMS_SIGNED_MAX, &cms, &len);
        return r == 0 ? put(task, sink, cms, len) : r;
}

/* Bytes of the document between what stands before and after them in a SignedData. */
static int put_around(struct task *task, struct sink *sink, const uint8_t *cms, size_t len,
        uint64_t from, uint64_t content_len)
{
        uint8_t *before_made = NULL, *after_made = NULL;
        size_t before_len = 0, after_len = 0;
        int r = cms_attach(
                cms, len, content_len, &before_made, &before_len, &after_made, &after_len);
        if (r != 0)
                return r > 0 ? task_no(task, "not-a-signature") : r;
        _cleanup_free_ uint8_t *before = before_made, *after = after_made;
        r = put(task, sink, before, before_len);
        if (r == 0)
                r = source_copy(&task->source, from, from + content_len, sink, &task->verdict);
        return r == 0 ? put(task, sink, after, after_len) : r;
}

static int write_attached(struct task *task, struct sink *sink)
{
        _cleanup_free_ uint8_t *cms = NULL;
        size_t len = 0;
        int r = asked_base64(task, "cms", CMS_SIGNED_MAX, &cms, &len);
        return r == 0 ? put_around(task, sink, cms, len, 0, task->source.size) : r;
}

static int write_countersigned(struct task *task, struct sink *sink)
{
        _cleanup_attached_ struct attached file = { 0 };
        _cleanup_free_ uint8_t *counter = NULL;
        uint8_t *made = NULL;
        size_t counter_len = 0, made_len = 0;
        int64_t signer = 0;
        const char *why = NULL;
        int r = asked_base64(task, "cms", CMS_SIGNED_MAX, &counter, &counter_len);
        if (r == 0)
                r = asked_int(task, "signer", 0, CMS_SIGNERS_MAX - 1, &signer);
        if (r == 0)
                r = attached_read(&file, &task->source, &task->verdict);
        if (r != 0)
                return r;
        r = cms_countersign(file.cms, file.len, (unsigned int)signer, counter, counter_len, &made,
                &made_len, &why);
        if (r != 0)
                return r > 0 ? verdict_no(&task->verdict, "signer", why) : r;
        _cleanup_free_ uint8_t *cms = made;
        return file.content > 0
                       ? put_around(task, sink, cms, made_len, file.content, file.content_len)
                       : put(task, sink, cms, made_len);
}

static int write_jws(struct task *task, struct sink *sink)
{
        struct text text = { .put = NULL };
        const char *header = NULL, *signature = NULL;
        int r = asked_text(task, "header", JWS_HEADER_MAX, true, &header);
        if (r == 0)
                r = asked_text(task, "signature", SIGNATURE_MAX, true, &signature);
        if (r != 0)
                return r;
        text = (struct text){ .put = sink_piece, .user = sink };
        r = text_of_file(&text, header, &task->source, &task->verdict);
        if (r == 0)
                r = put(task, sink, ".", 1);
        return r == 0 ? put(task, sink, signature, strlen(signature)) : r;
}

/* ---- PDF ---- */

static int check_hole(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        (void)user;
        for (size_t i = 0; i < len; i++)
                if (data[i] != '0')
                        return verdict_no(verdict, "question", "There is no room at this place.");
        return 0;
}

static int is_hole(struct task *task, uint64_t offset, uint64_t room)
{
        const struct source *source = &task->source;
        _cleanup_free_ uint8_t *open = NULL, *close = NULL;
        size_t len;
        int r = source_read(source, offset, offset + 1, 1, &open, &len, &task->verdict);
        if (r == 0)
                r = source_pass(source, offset + 1, offset + 1 + 2 * room, check_hole, NULL,
                        &task->verdict);
        if (r == 0)
                r = source_read(source, offset + 1 + 2 * room, offset + 2 + 2 * room, 1, &close,
                        &len, &task->verdict);
        return r == 0 && (*open != '<' || *close != '>') ? task_no(task, "question") : r;
}

static int put_hex(struct task *task, struct sink *sink, const uint8_t *cms, size_t len)
{
        _cleanup_free_ char *hex = malloc(2 * len + 1);
        if (!hex)
                return -ENOMEM;
        hex_encode(hex, cms, len);
        return put(task, sink, hex, 2 * len);
}

static int write_pdf(struct task *task, struct sink *sink)
{
        const struct source *source = &task->source;
        _cleanup_free_ uint8_t *cms = NULL;
        size_t len = 0;
        int64_t offset = 0, room = 0;
        int r = asked_base64(task, "cms", DOCUMENT_ROOM_MAX, &cms, &len);
        if (r == 0)
                r = asked_int(task, "room", 1, DOCUMENT_ROOM_MAX, &room);
        if (r == 0)
                r = asked_int(task, "offset", 1, (int64_t)source->size - 2 * room - 2, &offset);
        if (r == 0 && len > (size_t)room)
                r = task_no(task, "no-room");
        if (r == 0)
                r = is_hole(task, (uint64_t)offset, (uint64_t)room);
        if (r == 0)
                r = source_copy(source, 0, (uint64_t)offset + 1, sink, &task->verdict);
        if (r == 0)
                r = put_hex(task, sink, cms, len);
        return r == 0 ? source_copy(source, sink->size, source->size, sink, &task->verdict) : r;
}

/* ---- all of them ---- */

static const struct form forms[] = {
        { "cms", write_cms },
        { "cms-attached", write_attached },
        { "countersignature", write_countersigned },
        { "jws", write_jws },
        { "pdf", write_pdf },
};

static int write_form(struct task *task, struct sink *sink)
{
        const char *name = json_string_value(json_object_get(task->asked, "form"));
        for (size_t i = 0; name && i < ARRAY_LEN(forms); i++)
                if (strcmp(name, forms[i].name) == 0)
                        return forms[i].write(task, sink);
        return task_no(task, "question");
}

int task_write(struct task *task)
{
        struct sink sink;
        int r = sink_open(&sink, task->output, &task->source, false, &task->verdict);
        if (r != 0)
                return r;
        r = write_form(task, &sink);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        if (r == 0)
                r = sink_settle(&sink, &task->verdict);
        if (r == 0)
                r = task_say(task->answer, "size", json_integer((json_int_t)sink.size));
        if (r != 0)
                sink_empty(&sink);
        return r;
}
