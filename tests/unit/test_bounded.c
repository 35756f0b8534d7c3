/* SPDX-License-Identifier: Apache-2.0 */
/* test_bounded.c: what verifying costs in memory, counted block by block: ours, OpenSSL's and jansson's. After
 * ten thousand different assertions no more is held than after a few hundred, and no input, however it is made,
 * needs more than a fixed amount while it is judged.
 *
 * The linker sends our own calls here (see the Makefile); the two libraries are given our allocator.
 */
#include "client-sdk/assertion.h"
#include "client-sdk/mohr.h"
#include "tests/support/sanitized.h"
#include "tests/support/testpki.h"
#include "tests/unit/document_talk.h"

#include "base/base.h"
#include "base/outcome.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <cmocka.h>

#define ASSERTIONS (SANITIZED ? 1000 : 10000)
#define SAME_LEAF  40
#define WARM       (ASSERTIONS / 10)
#define SLACK      (64 * 1024)   /* rows differ by the length of their certificates */
#define PEAK       (1024 * 1024) /* over what is held */

static struct {
        size_t live, peak;
} count;

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_realloc(void *old, size_t len);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t len);
void __real_free(void *old);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_realloc(void *old, size_t len);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t len);
void __wrap_free(void *old);

static void *counted(void *block)
{
        count.live += block ? malloc_usable_size(block) : 0;
        count.peak = count.live > count.peak ? count.live : count.peak;
        return block;
}

static void uncount(void *block)
{
        count.live -= block ? malloc_usable_size(block) : 0;
}

void *__wrap_malloc(size_t len)
{
        return counted(__real_malloc(len));
}

void *__wrap_calloc(size_t n, size_t len)
{
        return counted(__real_calloc(n, len));
}

void *__wrap_realloc(void *old, size_t len)
{
        uncount(old);
        return counted(__real_realloc(old, len));
}

char *__wrap_strdup(const char *text)
{
        return counted(__real_strdup(text));
}

char *__wrap_strndup(const char *text, size_t len)
{
        return counted(__real_strndup(text, len));
}

void __wrap_free(void *old)
{
        uncount(old);
        __real_free(old);
}

static void *ssl_malloc(size_t len, const char *file, int line)
{
        (void)file, (void)line;
        return __wrap_malloc(len);
}

static void *ssl_realloc(void *old, size_t len, const char *file, int line)
{
        (void)file, (void)line;
        return __wrap_realloc(old, len);
}

static void ssl_free(void *old, const char *file, int line)
{
        (void)file, (void)line;
        __wrap_free(old);
}

/* ---- many ---- */

static const struct mohr_verify_options strict = { .audience = "https://bank.example",
        .at = TESTPKI_NOW + 10 };

struct fixture {
        struct testpki *pki;
        struct mohr_trust *trust;
        struct mohr_replay *replay;
        X509 *ca;
        json_t *header, *payload;
        long held; /* what all calls together have kept; the rest of this program is not counted */
};

static void next_leaf(struct fixture *f)
{
        X509 *leaf = testpki_issue(f->pki,
                &(struct testpki_spec){
                        .key = f->pki->ec_key, .issuer = f->ca, .issuer_key = f->pki->ec_key });
        json_decref(f->header);
        f->header = testpki_header("ES256", leaf, f->ca, NULL);
        X509_free(leaf);
}

/* The peak over what was held before. */
static size_t verify(struct fixture *f, const char *jws, size_t len, int expected)
{
        struct mohr_verify_options options = strict;
        struct mohr_result *result = NULL;
        size_t before = count.live;
        options.replay = f->replay;
        count.peak = count.live;
        int r = mohr_verify(f->trust, jws, len, &options, &result);
        if (r != expected)
                fail_msg("%d, not %d: %s", r, expected,
                        result ? mohr_reason_name(mohr_result_reason(result)) : "");
        free(mohr_result_json(result));
        mohr_result_free(result);
        f->held += (long)count.live - (long)before;
        return count.peak - before;
}

static size_t verify_number(struct fixture *f, int number)
{
        char nonce[32];
        if (number % SAME_LEAF == 0)
                next_leaf(f);
        snprintf(nonce, sizeof nonce, "question-%d", number);
        json_object_set_new(f->payload, "nonce", json_string(nonce));
        char *jws = testpki_sign_json(f->header, f->payload, f->pki->ec_key, "ES256");
        size_t peak = verify(f, jws, strlen(jws), 0);
        free(jws);
        return peak;
}

static void what_is_held_does_not_grow_with_what_was_judged(void **state)
{
        struct fixture *f = *state;
        size_t most = 0;
        long warm = 0;
        for (int i = 0; i < 70; i++) { /* every row of the memory is taken once */
                next_leaf(f);
                verify_number(f, ASSERTIONS + i + 1);
        }
        for (int i = 0; i < ASSERTIONS; i++) {
                size_t peak = verify_number(f, i);
                most = peak > most ? peak : most;
                if (i == WARM)
                        warm = f->held;
        }
        assert_true(warm > 0); /* it is remembered, and counted */
        if (f->held > warm + SLACK)
                fail_msg("%ld bytes more are held", f->held - warm);
        assert_true(most < PEAK);
}

/* ---- the worst that fits ---- */

static char *filled(const char *begin, const char *unit, const char *end)
{
        enum { ROOM = 4100 };
        char *text = calloc(1, ROOM + 64);
        assert_non_null(text);
        strncat(text, begin, 32);
        for (size_t i = 0; strlen(text) + strlen(unit) + strlen(end) < ROOM; i++)
                snprintf(text + strlen(text), ROOM + 64 - strlen(text), unit, i);
        strncat(text, end, 16);
        return text;
}

static void nothing_that_fits_needs_more_than_a_fixed_amount(void **state)
{
        static const struct {
                const char *begin, *unit, *end;
        } rows[] = {
                { "{\"a\":", "[", "" },
                { "[", "{},", "0]" },
                { "[", "[],", "0]" },
                { "{", "\"%zu\":0,", "\"z\":0}" },
                { "{", "\"\":{},", "\"z\":0}" },
                { "[", "1e9,", "0]" },
                { "[\"", "\\u0644", "\"]" },
                { "{\"x5c\":[", "\"AAAA\",", "\"\"]}" },
                { "", "[[[[", "" },
        };
        struct fixture *f = *state;
        next_leaf(f);
        char *head = json_dumps(f->header, JSON_COMPACT);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char *text = filled(rows[i].begin, rows[i].unit, rows[i].end);
                char *forged[] = { testpki_sign(head, text, f->pki->ec_key, "ES256"),
                        testpki_sign(text, "{}", f->pki->ec_key, "ES256") };
                for (size_t k = 0; k < ARRAY_LEN(forged); k++) {
                        long held = f->held;
                        assert_true(
                                verify(f, forged[k], strlen(forged[k]), OUTCOME_INVALID) < PEAK);
                        assert_true(f->held <= held + SLACK);
                        free(forged[k]);
                }
                free(text);
        }
        free(head);
}

static void what_is_too_long_is_not_even_looked_at(void **state)
{
        struct fixture *f = *state;
        size_t len = 16 * 1024 * 1024;
        char *text = malloc(len);
        assert_non_null(text);
        memset(text, '.', len);
        assert_true(verify(f, text, len, OUTCOME_INVALID) < 16 * 1024);
        assert_true(verify(f, text, ASSERTION_MAX + 1, OUTCOME_INVALID) < 16 * 1024);
        free(text);
}

/* ---- documents ---- */

/* The peak of judging it as a document, over what was held before. */
static size_t judge(struct fixture *f, int fd, enum mohr_document_form form, int expected)
{
        const struct mohr_document document = { .form = form, .content = fd };
        const struct mohr_verify_options then = { .at = TESTPKI_NOW + 10 };
        struct mohr_signed *result = NULL;
        size_t before = count.live;
        count.peak = count.live;
        int r = mohr_document_verify(f->trust, &document, &then, NULL, &result);
        if (r != expected)
                fail_msg("%d, not %d: %s", r, expected,
                        result ? mohr_reason_name(mohr_signed_reason(result)) : "");
        free(mohr_signed_json(result));
        mohr_signed_free(result);
        return count.peak - before;
}

static void a_document_of_any_size_is_read_in_pieces(void **state)
{
        struct fixture *f = *state;
        const size_t size = 8u << 20;
        const struct person who = { f->pki->leaf, f->pki->leaf_key };
        void *nothing = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        struct bytes cms = sign_cms(&who, f->pki->ca, (struct cms_asked){ 0 }, nothing, size),
                     before, after;
        munmap(nothing, size);
        assert_int_equal(cms_attach(cms.data, cms.len, size, &before.data, &before.len, &after.data,
                                 &after.len),
                0);
        int fd = memfd_create("attached", MFD_CLOEXEC);
        assert_int_equal(pwrite(fd, before.data, before.len, 0), before.len);
        assert_int_equal(pwrite(fd, after.data, after.len, (off_t)(before.len + size)), after.len);
        assert_true(judge(f, fd, MOHR_DOCUMENT_CMS_ATTACHED, 0) < PEAK);
        close(fd);
        free(cms.data);
        free(before.data);
        free(after.data);
}

/* A megabyte of JSON that is nothing but parts. */
static void json_that_is_no_jws_takes_up_no_more_than_its_size(void **state)
{
        struct fixture *f = *state;
        static const char *const units[] = { "[],", "{},", "[[", "\"a\":0,", "0," };
        for (size_t i = 0; i < ARRAY_LEN(units); i++) {
                const size_t len = 1024 * 1024, unit = strlen(units[i]);
                int fd = memfd_create("parts", MFD_CLOEXEC);
                char *text = malloc(len);
                memcpy(text, "{\"payload\":[", 12);
                for (size_t at = 12; at + unit < len; at += unit)
                        memcpy(text + at, units[i], unit);
                assert_int_equal(write(fd, text, len), len);
                assert_int_equal(mohr_document_form_of(text, len, len), MOHR_DOCUMENT_NONE);
                free(text);
                assert_true(judge(f, fd, MOHR_DOCUMENT_JWS, OUTCOME_INVALID) < 2 * len);
                close(fd);
        }
}

static int set_up(void **state)
{
        static struct fixture f;
        f.pki = testpki_new();
        f.ca = testpki_issue_ca(f.pki, "IRAN Digital Citizen CA 2016 17", TESTPKI_NOW - 1000,
                TESTPKI_NOW + 99999, f.pki->root, f.pki->root_key, f.pki->ec_key,
                "critical,CA:TRUE");
        f.trust = testpki_trust((X509 *[]){ f.pki->root, NULL });
        f.payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        *state = &f;
        return mohr_replay_memory_new(&f.replay, 2 * ASSERTIONS);
}

static int tear_down(void **state)
{
        struct fixture *f = *state;
        json_decref(f->header);
        json_decref(f->payload);
        X509_free(f->ca);
        mohr_replay_memory_free(f->replay);
        mohr_trust_free(f->trust);
        testpki_free(f->pki);
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_held_does_not_grow_with_what_was_judged),
                cmocka_unit_test(nothing_that_fits_needs_more_than_a_fixed_amount),
                cmocka_unit_test(what_is_too_long_is_not_even_looked_at),
                cmocka_unit_test(a_document_of_any_size_is_read_in_pieces),
                cmocka_unit_test(json_that_is_no_jws_takes_up_no_more_than_its_size),
        };
        if (CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) != 1)
                return 1;
        json_set_alloc_funcs(__wrap_malloc, __wrap_free);
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
