/* SPDX-License-Identifier: Apache-2.0 */
/* screen_question.c: a question as it goes out to a screen: facts, never wording. Each text passes
 * text_sanitize() with the bounds that mohr-prompt has (daemon/prompt/question.h); a screen is told no more than a
 * prompt is.
 */
#include "daemon/screen_internal.h"

#include "base/bytes.h"
#include "base/text.h"
#include "client-sdk/members.h"
#include "daemon/prompt/question.h"
#include "daemon/varlink.h"

#define FIELD(name) sizeof(((const struct question *)NULL)->name)

enum screen_kind screen_kind_of(const struct person_question *question)
{
        static const enum screen_kind kinds[] = { [PERSON_SIGN] = SCREEN_SIGN,
                [PERSON_CHANGE_PIN] = SCREEN_SIGN,
                [PERSON_UNBLOCK_PIN] = SCREEN_SIGN,
                [PERSON_DOCUMENTS] = SCREEN_DOCUMENTS,
                [PERSON_CERTIFICATES] = SCREEN_CERTIFICATES,
                [PERSON_KEY] = SCREEN_KEY };
        return question->choice   ? SCREEN_CHOICE
               : question->search ? SCREEN_SEARCH
                                  : kinds[question->work];
}

/* Documents and a key's use are agreed to each time. */
bool screen_may_remember(const struct person_question *question)
{
        return question->may_remember &&
               (screen_kind_of(question) & (SCREEN_SIGN | SCREEN_CERTIFICATES));
}

size_t screen_pin_min(bool staff)
{
        return staff ? QUESTION_PIN_MIN_STAFF : QUESTION_PIN_MIN;
}

static const char *name_of_kind(enum screen_kind kind)
{
        static const struct {
                enum screen_kind kind;
                const char *name;
        } names[] = { { SCREEN_CHOICE, "choice" }, { SCREEN_SEARCH, "search" },
                { SCREEN_DOCUMENTS, "documents" }, { SCREEN_CERTIFICATES, "certificates" },
                { SCREEN_KEY, "key" } };
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (names[i].kind == kind)
                        return names[i].name;
        return "sign";
}

struct text {
        const char *name, *text; /* NULL or "": no member */
        size_t size;
};

static bool add_texts(json_t *to, const struct text *rows, size_t count)
{
        char clean[QUESTION_FRAME_MAX];
        for (size_t i = 0; i < count; i++) {
                if (!rows[i].text || !*rows[i].text)
                        continue;
                text_sanitize(clean, base_min(rows[i].size, sizeof clean), rows[i].text, SIZE_MAX);
                if (json_object_set_new(to, rows[i].name, json_string(clean)) < 0)
                        return false;
        }
        return to != NULL;
}

static json_t *asker_json(const struct person_question *question)
{
        static const struct peer nobody;
        const struct peer *peer = question->peer ? question->peer : &nobody;
        const struct text rows[] = {
                { "program", question->app, FIELD(app) },
                { "script", peer->script, sizeof peer->script },
                { "flatpak", peer->flatpak, sizeof peer->flatpak },
                { "snap", peer->snap, sizeof peer->snap },
                { "unit", peer->unit, sizeof peer->unit },
        };
        _cleanup_message_ json_t *asker = json_pack("{s:b}", "system_unit", peer->system_unit);
        return add_texts(asker, rows, ARRAY_LEN(rows)) ? json_incref(asker) : NULL;
}

static bool add_readers(json_t *to, const struct person_question *question)
{
        char clean[QUESTION_READER_MAX];
        _cleanup_message_ json_t *list = json_array();
        if (!question->search)
                return true;
        for (size_t i = 0; i < base_min(question->reader_count, QUESTION_READERS_SHOWN); i++) {
                text_sanitize(clean, sizeof clean, question->readers[i], SIZE_MAX);
                if (json_array_append_new(list, json_string(clean)) < 0)
                        return false;
        }
        return json_object_set(to, "readers", list) == 0 &&
               json_object_set_new(
                       to, "reader_count", json_integer((json_int_t)question->reader_count)) == 0;
}

/* ---- documents and keys -------------------------------------------------------------------- */

static json_t *document_json(const struct question_document *document)
{
        static const char *const kinds[DOCUMENT_KINDS] = { "other", "pdf", "cms", "json" };
        static const char *const forms[FORMS] = { "cms", "cms-attached", "pdf", "jws",
                "countersignature" };
        static const char *const commitments[COMMITMENTS] = { NULL, "origin", "receipt", "delivery",
                "sender", "approval", "creation" };
        char digest[2 * sizeof document->digest + 1];
        hex_encode(digest, document->digest, sizeof document->digest);
        const struct text texts[] = {
                { "name", document->name, sizeof document->name },
                { "countersigned", document->countersigned, sizeof document->countersigned },
                { "digest", digest, sizeof digest },
                { "kind", kinds[document->kind], 16 },
                { "form", forms[document->form], 32 },
                { "commitment", commitments[document->commitment], 16 },
                { "policy", document->policy, sizeof document->policy },
                { "location", document->location, sizeof document->location },
        };
        json_int_t size = (json_int_t)base_min(document->size, INT64_MAX);
        _cleanup_message_ json_t *body = json_pack("{s:s, s:I}", "name", "", "size", size);
        if (document->pages > 0 &&
                json_object_set_new(body, "pages", json_integer((json_int_t)document->pages)) < 0)
                return NULL;
        if (document->stamp_page > 0 && json_object_set_new(body, "stamp_page",
                                                json_integer((json_int_t)document->stamp_page)) < 0)
                return NULL;
        return add_texts(body, texts, ARRAY_LEN(texts)) ? json_incref(body) : NULL;
}

static bool add_documents(json_t *to, const struct person_question *question)
{
        _cleanup_message_ json_t *list = json_array();
        for (size_t i = 0; i < question->document_count; i++)
                if (json_array_append_new(list, document_json(&question->documents[i])) < 0)
                        return false;
        return json_object_set(to, "documents", list) == 0 &&
               json_object_set_new(
                       to, "document_at", json_integer((json_int_t)question->document_at)) == 0;
}

static bool add_key(json_t *to, const struct person_question *question)
{
        static const char *const contents[CONTENTS] = { "raw", "tls", "ssh", "cms" };
        const struct text rows[] = {
                { "key", question->authentication_key ? "authentication" : "signature", 32 },
                { "content", contents[question->content], 16 },
                { "content_text", question->content_text, FIELD(content_text) },
                { "content_host", question->content_host, FIELD(content_host) },
        };
        return add_texts(to, rows, ARRAY_LEN(rows));
}

static bool add_matter(json_t *to, const struct person_question *question)
{
        enum screen_kind kind = screen_kind_of(question);
        if (kind == SCREEN_DOCUMENTS)
                return add_documents(to, question);
        return kind != SCREEN_KEY || add_key(to, question);
}

/* ---- all of it ----------------------------------------------------------------------------- */

static bool add_facts(json_t *to, const struct person_question *question, bool pinpad)
{
        const struct {
                const char *name;
                bool is;
        } rows[] = {
                { "simulated", question->simulated },
                { "unproven", question->tell_unproven },
                { "expired", question->expired },
                { "staff", question->staff },
                { "pinpad", pinpad },
                { "phone", pinpad && question->on_phone },
                { "granted", question->granted },
                { "may_remember", screen_may_remember(question) },
                { "recorded", question->recorded },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (json_object_set_new(to, rows[i].name, json_boolean(rows[i].is)) < 0)
                        return false;
        return true;
}

static bool add_numbers(json_t *to, const struct person_question *question)
{
        const struct {
                const char *name;
                json_int_t value;
        } rows[] = {
                { "tries_left", question->tries_left },
                { "pin_min", (json_int_t)screen_pin_min(question->staff) },
                { "pin_max", QUESTION_PIN_MAX },
                { "timeout_ms", (json_int_t)question->timeout_s * 1000 },
        };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].value >= 0 &&
                        json_object_set_new(to, rows[i].name, json_integer(rows[i].value)) < 0)
                        return false;
        return true;
}

static const char *name_of_record(const struct person_question *question)
{
        return !question->recorded             ? NULL
               : question->recorded_by_station ? "station"
               : question->recorded_identity   ? "identity"
                                               : "history";
}

static bool add_question(json_t *to, const struct person_question *question, bool pinpad)
{
        const char *number = question->search ? question->expected_number : question->card_number;
        const struct text rows[] = {
                { "kind", name_of_kind(screen_kind_of(question)), 16 },
                { "request", question->request, FIELD(request) },
                { "organization", question->organization, 512 },
                { "purpose", question->purpose, FIELD(purpose) },
                { "language", question->ui.language, FIELD(language) },
                { "given_name", question->given_name, FIELD(given_name) },
                { "family_name", question->family_name, FIELD(family_name) },
                { "card_number", number, FIELD(card_number) },
                { "reader", question->reader, QUESTION_READER_MAX },
                { "audience", question->audience, FIELD(audience) },
                { "record", name_of_record(question), 16 },
        };
        return add_texts(to, rows, ARRAY_LEN(rows)) && add_readers(to, question) &&
               add_numbers(to, question) && add_matter(to, question) &&
               add_facts(to, question, pinpad) &&
               json_object_set_new(to, "asker", asker_json(question)) == 0 &&
               json_object_set_new(to, "required", claimset_json(question->required)) == 0 &&
               json_object_set_new(to, "optional", claimset_json(question->optional)) == 0;
}

json_t *screen_question_json(
        const struct person_question *question, const char *ticket, bool pinpad)
{
        _cleanup_message_ json_t *body = json_object();
        if (!add_question(body, question, pinpad))
                return NULL;
        return json_pack("{s:s, s:s, s:O}", "event", "ask", "ticket", ticket, "question", body);
}
