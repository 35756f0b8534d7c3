/* SPDX-License-Identifier: Apache-2.0 */
/* test_prompt_tries.c: the last try's page on every way through the prompt: each work that takes a PIN, digits or keys, the
 * phone's own prompt, with a permission or without, each kind of pinentry, every number of tries.
 *
 * Each way is gone twice: once by whoever presses the first button of every page, to see where the last try's page stands; and
 * once by whoever does so but for that page.
 */
#include "tests/unit/prompt_rig.h"

#include <fcntl.h>

enum entry { ENTRY_DIGITS, ENTRY_KEYS, ENTRY_PHONE, ENTRY_ON_PHONE, ENTRIES };

struct way {
        enum question_work work;
        enum entry entry;
        bool granted;
        const char *flavour, *tty;
        int tries;
};

static bool exists(const struct way *way)
{
        bool renewal = way->work == WORK_CHANGE_PIN;
        return (!renewal || (way->entry == ENTRY_DIGITS && !way->granted)) &&
               !(way->granted && way->entry == ENTRY_ON_PHONE);
}

static struct question question_of(const struct way *way)
{
        struct question question = plain();
        SET(question.tty, way->tty);
        question.work = way->work;
        question.staff = true;
        question.tries_left = way->tries;
        question.granted = way->granted;
        question.pinpad = way->entry == ENTRY_KEYS || way->entry == ENTRY_PHONE;
        question.on_phone = way->entry == ENTRY_PHONE;
        if (way->entry == ENTRY_ON_PHONE)
                SET(question.computer, "Counter 3");
        if (way->work == WORK_DOCUMENTS) {
                question.document_count = 1;
                SET(question.documents[0].name, "contract.pdf");
        }
        if (way->work == WORK_KEY)
                question.content = CONTENT_TLS;
        return question;
}

/* One conversation: `pages` first buttons, then `answer`, then first buttons again. */
static int walk(const struct rig *rig, const struct way *way, int pages, const char *answer)
{
        const struct question question = question_of(way);
        char answers[256] = "", pin[16];
        size_t used = 0;
        for (int i = 0; i < pages; i++)
                used += (size_t)snprintf(answers + used, sizeof answers - used, "\"ok\", ");
        snprintf(answers + used, sizeof answers - used, "\"%s\", \"ok\"", answer);
        char text[512];
        snprintf(text, sizeof text,
                "\"flavor\": \"%s\", \"confirm\": [%s], \"getpin\": [\"271828\", \"314159\"]",
                way->flavour, answers);
        script(rig, text);
        return converse(rig, &question, pin);
}

/* How many pages were answered before the one of the last try; -1: it was not shown. */
static int pages_before(const char *said)
{
        const char *page = strstr(said, "_Use the last try");
        int pages = 0;
        for (const char *at = said; page && (at = strstr(at, "\nCONFIRM")) && at < page; at++)
                pages++;
        return page ? pages : -1;
}

/* What would let a PIN be typed, here or elsewhere. */
static bool leads_to_a_pin(const char *said)
{
        return strstr(said, "\nGETPIN") || strstr(said, "not here");
}

static bool one_answer_each(const char *flavour)
{
        return strcmp(flavour, "gnome3") == 0; /* no third button: a yes, or whatever else */
}

/* Where Enter is the first button, that one keeps the try. */
static const char *first_button(const char *flavour)
{
        return strcmp(flavour, "curses") == 0 ? "keeps" : "uses";
}

static void expect_kept(const struct rig *rig, const struct way *way, int before)
{
        static const char *const noes[] = { "no", "cancel", "close", "timeout", "die" };
        bool keeps = strcmp(first_button(way->flavour), "keeps") == 0;
        for (size_t i = 0; i < ARRAY_LEN(noes); i++) {
                if (keeps && i == 0)
                        continue; /* there it is the yes */
                int outcome = walk(rig, way, before, noes[i]);
                int expected = i == 3   ? OUTCOME_TIMED_OUT
                               : i == 4 ? OUTCOME_NOBODY_TO_ASK
                                        : OUTCOME_LAST_TRY_DECLINED;
                assert_int_equal(outcome, expected);
                assert_false(leads_to_a_pin(recorded(rig)));
        }
}

static void check(const struct rig *rig, const struct way *way)
{
        bool last = way->tries <= 1, keeps = strcmp(first_button(way->flavour), "keeps") == 0;
        int outcome = walk(rig, way, 0, "ok");
        const char *said = recorded(rig);
        int before = pages_before(said);
        if ((before >= 0) != last || count(said, "_Use the last try") > 1)
                print_error("work %d, entry %d, granted %d, %s, %d tries\n", way->work, way->entry,
                        way->granted, way->flavour, way->tries);
        assert_int_equal(before >= 0, last);
        assert_true(count(said, "_Use the last try") <= 1);
        assert_int_equal(outcome, last && keeps ? OUTCOME_LAST_TRY_DECLINED : 0);
        assert_int_equal(leads_to_a_pin(said), outcome == 0);
        if (!last)
                return;
        if (outcome == 0)
                assert_true(strstr(said, "_Use the last try") <
                            (strstr(said, "\nGETPIN") ? strstr(said, "\nGETPIN")
                                                      : strstr(said, "not here")));
        if (way->tries == 1 && !one_answer_each(way->flavour))
                expect_kept(rig, way, before);
        if (keeps)
                assert_int_equal(walk(rig, way, before, "no"), 0);
}

static void the_last_try_has_a_page_of_its_own_on_every_way(void **state)
{
        static const enum question_work works[] = { WORK_SIGN, WORK_DOCUMENTS, WORK_KEY,
                WORK_CHANGE_PIN };
        static const char *const flavours[] = { "gtk2", "curses", "gnome3" };
        static const int tries[] = { 3, 2, 1, 0, -1 };
        _cleanup_close_ int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
        assert_true(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0);
        for (size_t i = 0; i < ARRAY_LEN(works) * ENTRIES * 2 * ARRAY_LEN(tries); i++) {
                struct way way = {
                        .work = works[i % ARRAY_LEN(works)],
                        .entry = i / ARRAY_LEN(works) % ENTRIES,
                        .granted = i / ARRAY_LEN(works) / ENTRIES % 2,
                        .tries = tries[i / ARRAY_LEN(works) / ENTRIES / 2],
                        .flavour = flavours[i % ARRAY_LEN(flavours)],
                        .tty = ptsname(terminal),
                };
                if (exists(&way))
                        check(*state, &way);
        }
}

#define TALK(name) cmocka_unit_test_setup_teardown(name, rig_up, rig_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                TALK(the_last_try_has_a_page_of_its_own_on_every_way),
        };
        bind_catalogue();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
