/* SPDX-License-Identifier: Apache-2.0 */
/* inspect.c: what a document is, by its content alone: no name and no word of the app has a part in it.
 *
 * It is read once, hashed twice and copied at the same time: to our own file, or as much of it as is looked at to memory, since the app's
 * may be another one by the next reading. What is said of it besides is for the eye of the
 * holder, and a PDF that cannot be read to its end is still a file that a detached signature can be made over; so only a
 * document that changes is refused here, and of a PDF it is said why it could not be signed as one.
 */
#include "client-sdk/document/works.h"

#include "client-sdk/document/paper.h"
#include "client-sdk/members.h"

#define JSON_MAX  (1024 * 1024)
#define START_MAX 4096
#define KEPT_MAX                                                                                   \
        (64U * 1024 *                                                                              \
                1024) /* of a document without a copy; of a larger one the kind alone is told */

struct passing {
        EVP_MD_CTX *sha256, *sha384;
        struct sink *copy; /* NULL: it is kept instead */
        struct out *kept;
};

static int pass_piece(void *user, const uint8_t *data, size_t len, struct verdict *verdict)
{
        const struct passing *passing = user;
        int r = digest_add(passing->sha256, data, len);
        if (r == 0)
                r = digest_add(passing->sha384, data, len);
        if (r == 0 && passing->copy)
                r = sink_put(passing->copy, data, len, verdict);
        else if (r == 0)
                out_bytes(passing->kept, data,
                        base_min(len, passing->kept->cap - passing->kept->len));
        return r;
}

static int hash_and_copy(struct task *task, struct sink *copy, struct out *kept)
{
        _cleanup_digest_ EVP_MD_CTX *sha256 = NULL;
        _cleanup_digest_ EVP_MD_CTX *sha384 = NULL;
        int r = digest_new(&sha256, EVP_sha256());
        if (r == 0)
                r = digest_new(&sha384, EVP_sha384());
        if (r != 0)
                return r;
        struct passing passing = { sha256, sha384, copy, kept };
        r = source_pass(&task->source, 0, task->source.size, pass_piece, &passing, &task->verdict);
        if (r == 0)
                r = source_unchanged(&task->source, &task->verdict);
        if (r == 0)
                r = task_say(task->answer, "size", json_integer((json_int_t)task->source.size));
        if (r == 0)
                r = digest_say(sha256, task->answer, "sha256");
        return r == 0 ? digest_say(sha384, task->answer, "sha384") : r;
}

/* ---- what is it? ---- */

/* The beginning of a ContentInfo with SignedData (RFC 5652 3), of whatever form of length. */
static bool begins_signed_data(const uint8_t *data, size_t len)
{
        static const uint8_t oid[] = { 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
                0x02 };
        size_t more = len > 1 && data[1] > 0x80 ? data[1] & 0x7fU : 0;
        return len > 2 && data[0] == 0x30 && more <= 8 && len >= 2 + more + sizeof oid &&
               memcmp(data + 2 + more, oid, sizeof oid) == 0;
}

static bool is_json(const struct map *map)
{
        bool starved = false;
        if (map->len > JSON_MAX)
                return false;
        json_t *json = members_read((const char *)map->data, map->len, &starved);
        json_decref(json);
        return json != NULL;
}

static const char *kind_of(const struct map *map)
{
        size_t at;
        if (map->len == 0)
                return "other";
        if (paper_begins(map->data, map->len, &at))
                return "pdf";
        if (begins_signed_data(map->data, base_min(map->len, START_MAX)))
                return "cms";
        return is_json(map) ? "json" : "other";
}

/* ---- of a PDF ---- */

static int say_counts(struct task *task, const struct paper *paper, size_t *ret_signed,
        struct paper_signature *signatures)
{
        size_t pages = 0;
        int r = paper_pages(paper, 0, NULL, &pages, &task->verdict);
        if (r == 0)
                r = paper_signatures(
                        paper, signatures, DOCUMENT_SIGNATURES_MAX, ret_signed, &task->verdict);
        if (r == 0)
                r = task_say(task->answer, "pages", json_integer((json_int_t)pages));
        return r == 0 ? task_say(task->answer, "signatures", json_integer((json_int_t)*ret_signed))
                      : r;
}

static int look_into(struct task *task, const struct map *map)
{
        _cleanup_paper_ struct paper paper = { 0 };
        _cleanup_free_ struct paper_signature *signatures =
                calloc(DOCUMENT_SIGNATURES_MAX, sizeof *signatures);
        size_t count = 0;
        if (!signatures)
                return -ENOMEM;
        int r = paper_open(&paper, map->data, map->len, &task->verdict);
        if (r == 0)
                r = say_counts(task, &paper, &count, signatures);
        if (r == 0 &&
                paper_is_certified(&paper, signatures, base_min(count, DOCUMENT_SIGNATURES_MAX)))
                r = task_no(task, "certified");
        if (r == OUTCOME_INVALID)
                r = task_say(task->answer, "unfit", json_string(task->verdict.why));
        return r;
}

static int describe(struct task *task, const struct map *map)
{
        const char *kind = kind_of(map);
        bool whole = map->len == task->source.size;
        int r = task_say(task->answer, "kind", json_string(kind));
        return r == 0 && whole && strcmp(kind, "pdf") == 0 ? look_into(task, map) : r;
}

static int inspect_copying(struct task *task)
{
        _cleanup_map_ struct map map = { 0 };
        struct sink copy;
        uint64_t size = task->source.size;
        int r = sink_open(&copy, task->output, &task->source, true, &task->verdict);
        if (r != 0)
                return r;
        r = hash_and_copy(task, &copy, NULL);
        if (r == 0 && size > 0)
                r = map_file(&map, copy.fd, size, &task->verdict);
        if (r == 0)
                r = describe(task, &map);
        if (r != 0)
                sink_empty(&copy);
        return r;
}

static int inspect_passing(struct task *task)
{
        size_t cap = (size_t)base_min(task->source.size, KEPT_MAX);
        _cleanup_free_ uint8_t *bytes = malloc(cap + 1);
        struct out kept = out_new(bytes, cap);
        if (!bytes)
                return -ENOMEM;
        int r = hash_and_copy(task, NULL, &kept);
        return r == 0 ? describe(task, &(struct map){ bytes, kept.len }) : r;
}

int task_inspect(struct task *task)
{
        const json_t *wanted = json_object_get(task->asked, "copy");
        if (!json_is_boolean(wanted))
                return task_no(task, "question");
        return json_is_true(wanted) ? inspect_copying(task) : inspect_passing(task);
}
