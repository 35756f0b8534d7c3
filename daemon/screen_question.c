/* SPDX-License-Identifier: Apache-2.0 */
/* screen_question.c: a question as it goes out to a screen: facts, never wording. Each text passes
 * text_sanitize() with the bounds that mohr-prompt has (daemon/prompt/question.h); a screen is told no more than a
 * prompt is.
 */
#include "daemon/screen_internal.h"

#include "base/text.h"
#include "client-sdk/members.h"
#include "daemon/prompt/question.h"
#include "daemon/varlink.h"

#define FIELD(name) sizeof(((const struct question *)NULL)->name)

enum screen_kind screen_kind_of(const struct person_question *question)
{
        return question->choice ? SCREEN_CHOICE : question->search ? SCREEN_SEARCH : SCREEN_SIGN;
}

size_t screen_pin_min(bool staff)
{
        return staff ? QUESTION_PIN_MIN_STAFF : QUESTION_PIN_MIN;
}

static const char *name_of_kind(enum screen_kind kind)
{
        return kind == SCREEN_SIGN ? "sign" : kind == SCREEN_CHOICE ? "choice" : "search";
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
                { "granted", question->granted },
                { "may_remember", question->may_remember },
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
        };
        return add_texts(to, rows, ARRAY_LEN(rows)) && add_readers(to, question) &&
               add_numbers(to, question) && add_facts(to, question, pinpad) &&
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
