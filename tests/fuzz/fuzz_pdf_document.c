/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_pdf_document.c: what strangers hand to mohr-document. The first byte chooses: 'T' the end of a PDF, 'I' the content of a stamp,
 * 'V' a signature's value, 'D' any document: what it is, the signatures it has, what a counter signature of it would sign, and room for
 * one more. Whatever is told of a signature lies inside the file, and a document with room begins with the document.
 */
#include "client-sdk/document/ink.h"
#include "client-sdk/document/range.h"
#include "client-sdk/document/tail.h"
#include "client-sdk/document/works.h"
#include "tests/fuzz/require.h"

#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void look_at_end(const uint8_t *data, size_t len)
{
        struct tail tail;
        require(!tail_find(data, len, &tail) || tail.at < len);
}

static void look_at_stamp(const uint8_t *data, size_t len)
{
        if (!ink_is_plain(data, len))
                return;
        for (size_t i = 0; i < len; i++)
                require(data[i] == '\n' || (data[i] >= ' ' && data[i] < 0x7f && data[i] != '/' &&
                                                   data[i] != '(' && data[i] != '<'));
}

static void look_at_value(const uint8_t *data, size_t len)
{
        char hex[2 * 256 + 3] = "<";
        size_t der = range_der(data, len), some = base_min(len, 256);
        require(der <= len && (der == 0 || data[0] == 0x30));
        hex_encode(hex + 1, data, some);
        hex[2 * some + 1] = '>';
        require(range_gap_is((const uint8_t *)hex, 2 * some + 2, data, some));
        require(!range_gap_is((const uint8_t *)hex, 2 * some + 1, data, some));
}

/* ---- whole documents ---- */

struct told {
        size_t len, rows;
};

static int64_t at(const json_t *row, const char *list, size_t index)
{
        return json_integer_value(json_array_get(json_object_get(row, list), index));
}

static int hear(void *user, json_t *row)
{
        struct told *told = user;
        told->rows++;
        require(json_is_string(json_object_get(row, "field")));
        if (json_object_get(row, "cms")) {
                int64_t covers = json_integer_value(json_object_get(row, "covers"));
                require(at(row, "range", 0) == 0 && at(row, "range", 1) < at(row, "range", 2));
                require(covers == at(row, "range", 2) + at(row, "range", 3));
                require(covers > 0 && (size_t)covers <= told->len);
        } else
                require(json_is_string(json_object_get(row, "why")));
        json_decref(row);
        return 0;
}

static json_t *work_with(
        int (*work)(struct task *task), const char *asked, int from, int to, struct told *told)
{
        json_t *question = json_loads(asked, 0, NULL);
        struct task task = {
                .asked = question, .answer = json_object(), .output = to, .tell = hear, .user = told
        };
        require(source_open(&task.source, from, &task.verdict) == 0);
        int r = work(&task);
        require(r == 0 || (r == OUTCOME_INVALID && task.verdict.why));
        if (r != 0) {
                json_decref(task.answer);
                task.answer = NULL;
        }
        json_decref(question);
        return task.answer;
}

static void begins_with(int fd, const uint8_t *data, size_t len)
{
        uint8_t *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
        require(map != MAP_FAILED && memcmp(map, data, len) == 0);
        munmap(map, len);
}

static void make_room(int from, const uint8_t *data, size_t len)
{
        int to = memfd_create("room", MFD_CLOEXEC);
        json_t *answer = work_with(task_prepare,
                "{\"hash\":\"sha256\",\"name\":\"n\",\"at\":0,\"room\":16,\"stamp\":{\"page\":1,"
                "\"x\":0,\"y\":0,\"width\":1,\"height\":1,\"content\":\"Zgo=\"}}",
                from, to, NULL);
        if (answer)
                begins_with(to, data, len);
        else
                require(lseek(to, 0, SEEK_END) == 0);
        json_decref(answer);
        close(to);
}

static void look_into(const uint8_t *data, size_t len)
{
        int from = memfd_create("document", MFD_CLOEXEC);
        struct told told = { .len = len };
        require(from >= 0 && write(from, data, len) == (ssize_t)len);
        json_t *answer = work_with(task_inspect, "{\"copy\":false}", from, -1, NULL);
        require(json_integer_value(json_object_get(answer, "size")) == (json_int_t)len);
        json_decref(answer);
        answer = work_with(task_signatures, "{}", from, -1, &told);
        require(told.rows <= DOCUMENT_SIGNATURES_MAX);
        json_decref(answer);
        json_decref(
                work_with(task_countersign, "{\"hash\":\"sha256\",\"signer\":0}", from, -1, NULL));
        make_room(from, data, len);
        close(from);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static const struct {
                char name;
                void (*look)(const uint8_t *data, size_t len);
        } rows[] = { { 'T', look_at_end }, { 'I', look_at_stamp }, { 'V', look_at_value },
                { 'D', look_into } };
        for (size_t i = 0; len > 0 && i < ARRAY_LEN(rows); i++)
                if (data[0] == rows[i].name)
                        rows[i].look(data + 1, len - 1);
        return 0;
}
