/* SPDX-License-Identifier: Apache-2.0 */
/* document_world.h: a small PDF, files without names, and pieces of work done in this process. */
#ifndef MOHR_TESTS_DOCUMENT_WORLD_H
#define MOHR_TESTS_DOCUMENT_WORLD_H

#include "client-sdk/document/works.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>

#define WORLD_PDF_MAX 4096

/* One page, and a table of cross-references. */
static inline size_t world_pdf(char pdf[static WORLD_PDF_MAX])
{
        static const char *const objects[] = { "<< /Type /Catalog /Pages 2 0 R >>",
                "<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 300 300] >>",
                "<< /Type /Page /Parent 2 0 R >>" };
        size_t at[3], len = (size_t)snprintf(pdf, WORLD_PDF_MAX, "%%PDF-1.5\n");
        for (size_t i = 0; i < 3; i++) {
                at[i] = len;
                len += (size_t)snprintf(pdf + len, WORLD_PDF_MAX - len, "%zu 0 obj\n%s\nendobj\n",
                        i + 1, objects[i]);
        }
        return len + (size_t)snprintf(pdf + len, WORLD_PDF_MAX - len,
                             "xref\n0 4\n0000000000 65535 f \n%010zu 00000 n \n%010zu 00000 n \n"
                             "%010zu 00000 n \ntrailer\n<< /Size 4 /Root 1 0 R >>\n"
                             "startxref\n%zu\n%%%%EOF\n",
                             at[0], at[1], at[2], len);
}

static inline int world_file(const void *data, size_t len)
{
        int fd = memfd_create("document", MFD_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), len);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

static inline size_t world_size(int fd)
{
        struct stat seen;
        assert_int_equal(fstat(fd, &seen), 0);
        return (size_t)seen.st_size;
}

/* What was told before the last answer is dropped. */
static inline int world_tell(void *user, json_t *answer)
{
        size_t *told = user;
        *told += answer != NULL;
        json_decref(answer);
        return answer ? 0 : -ENOMEM;
}

/* The answer or, after a refusal, NULL with the word in *ret_why. */
static inline int world_do(int (*work)(struct task *task), const json_t *asked, int from, int to,
        json_t **ret, const char **ret_why)
{
        size_t told = 0;
        struct task task = { .asked = asked,
                .answer = json_object(),
                .output = to,
                .verdict = { "none", NULL },
                .tell = world_tell,
                .user = &told };
        int r = task.answer ? source_open(&task.source, from, &task.verdict) : -ENOMEM;
        if (r == 0)
                r = work(&task);
        if (r != 0) {
                json_decref(task.answer);
                task.answer = NULL;
        }
        *ret = task.answer;
        *ret_why = task.verdict.why;
        return r;
}

#endif
