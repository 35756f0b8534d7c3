/* SPDX-License-Identifier: Apache-2.0 */
/* test_history_judge.c: what the history's worker decides by looking back: replays, limits, pauses, permissions; with
 * clocks that are right, slow and wrong.
 */
#include "tests/unit/history_world.h"

#define HOUR 3600

/* ---- replays ---- */

static void a_signed_request_is_good_once(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 3; i++) {
                struct history_ask_texts *ask = world_asked(world);
                memset(ask->signed_request, '5', 64);
                strcpy(ask->organization, "Bank of Examples");
                memset(ask->organization_key, '7', 64);
                assert_int_equal(world_ask(world), i == 0 ? 0 : OUTCOME_POLICY);
        }
        assert_string_equal(world->reply.detail, "this signed request was used before");
        assert_int_equal(world->reply.wait_s, 0);
        struct history_ask_texts *other = world_asked(world);
        memset(other->signed_request, '6', 64);
        assert_int_equal(world_ask(world), 0);
        world_expect_whole(world, 4); /* created, asked, refused, asked */
}

/* ---- limits ---- */

static void so_many_requests_an_hour_and_no_more(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 5; i++) {
                world_asked(world)->app_per_hour = 3;
                assert_int_equal(world_ask(world), i < 3 ? 0 : OUTCOME_POLICY);
                world->now += 600;
        }
        assert_int_equal(
                world->reply.wait_s, HOUR - 4 * 600); /* the first of them is 40 minutes old */
        world->now = NOON + HOUR - 1;
        world_asked(world)->app_per_hour = 3;
        assert_int_equal(world_ask(world), OUTCOME_POLICY);
        assert_int_equal(world->reply.wait_s, 1);
        world->now++;
        world_asked(world)->app_per_hour = 3;
        assert_int_equal(world_ask(world), 0);
}

static void a_limit_is_each_apps_own_and_another_is_everybodys(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 6; i++) {
                struct history_ask_texts *ask = world_asked(world);
                snprintf(ask->app, sizeof ask->app, "program:/usr/bin/%d", i % 3);
                ask->app_per_hour = 1;
                ask->user_per_hour = 4;
                assert_int_equal(world_ask(world), i < 3 ? 0 : OUTCOME_POLICY);
        }
        for (int i = 0; i < 2; i++) {
                struct history_ask_texts *ask = world_asked(world);
                ask->user_per_hour = 4;
                assert_int_equal(world_ask(world), i < 1 ? 0 : OUTCOME_POLICY);
        }
}

static void a_clock_that_was_wrong_locks_nobody_out(void **state)
{
        struct world *world = *state;
        world->now = NOON + 10 * 365 * 86400LL;
        for (int i = 0; i < 2; i++) {
                world_asked(world)->app_per_hour = 2;
                assert_int_equal(world_ask(world), 0);
        }
        world->now = NOON; /* as it is again */
        world_asked(world)->app_per_hour = 2;
        assert_int_equal(world_ask(world), 0);

        world->now = NOON - 1800; /* half an hour back: it counts, and not for ever */
        world_asked(world)->app_per_hour = 1;
        assert_int_equal(world_ask(world), OUTCOME_POLICY);
        assert_int_equal(world->reply.wait_s, HOUR + 1800);
        world_expect_whole(world, 5);
}

static void a_flood_of_refusals_is_few_rows(void **state)
{
        struct world *world = *state;
        struct history_ask_texts *ask = world_asked(world);
        assert_int_equal(world_ask(world), 0);
        for (int i = 0; i < 200; i++) {
                ask = world_asked(world);
                ask->app_per_hour = 1;
                assert_int_equal(world_ask(world), OUTCOME_POLICY);
        }
        world_expect_whole(world, 3);
        for (int i = 0; i < 100; i++) { /* of as many programs as one likes */
                ask = world_asked(world);
                snprintf(ask->app, sizeof ask->app, "program:/tmp/%d", i);
                ask->user_per_hour = 1;
                assert_int_equal(world_ask(world), OUTCOME_POLICY);
        }
        world_expect_whole(world, 22); /* created, asked, and twenty */
        world->now += 60;
        world_asked(world)->app_per_hour = 1;
        assert_int_equal(world_ask(world), OUTCOME_POLICY);
        world_expect_whole(world, 23);
}

/* ---- wrong PINs ---- */

static int try_again(struct world *world)
{
        struct history_ask_texts *ask = world_asked(world);
        ask->wrong_pins = 3;
        ask->pause_s = 900;
        return world_ask(world);
}

static void three_wrong_pins_in_a_row_are_a_pause(void **state)
{
        static const char *const ends[] = { "WrongPin", "RefusedByPerson", "WrongPin", "TimedOut",
                "PinBlocked" };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
                assert_int_equal(try_again(world), 0);
                world_ended(world, ends[i]);
                assert_int_equal(world_ask(world), 0);
                world->now += 10;
        }
        assert_int_equal(try_again(world), OUTCOME_POLICY);
        assert_int_equal(world->reply.wait_s, 890);
        world->now += 889;
        assert_int_equal(try_again(world), OUTCOME_POLICY);
        world->now++;
        assert_int_equal(try_again(world), 0);
        world_ended(world, "WrongPin"); /* and still none was right */
        assert_int_equal(world_ask(world), 0);
        assert_int_equal(try_again(world), OUTCOME_POLICY);
}

static void a_right_pin_ends_the_row_and_another_app_has_its_own(void **state)
{
        static const char *const ends[] = { "WrongPin", "WrongPin", "Ok", "WrongPin", "WrongPin" };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
                world_request(world, ends[i]);
        assert_int_equal(try_again(world), 0);
        world_ended(world, "WrongPin");
        assert_int_equal(world_ask(world), 0);
        assert_int_equal(try_again(world), OUTCOME_POLICY);
        struct history_ask_texts *ask = world_asked(world);
        strcpy(ask->app, "unit:other.service");
        ask->wrong_pins = 3;
        ask->pause_s = 900;
        assert_int_equal(world_ask(world), 0);
}

/* Whoever hangs up, or kills a helper, between the entry and the card's word. */
static void a_try_that_nobody_heard_of_counts_as_wrong(void **state)
{
        static const struct {
                const char *outcome, *detail;
        } rows[] = {
                { "Cancelled", "" },
                { "Cancelled", DETAIL_TRY_AT_RISK },
                { "CardRemoved", DETAIL_TRY_AT_RISK },
                { "TimedOut", "the request's own time limit" },
                { "Cancelled", DETAIL_WHICH_PIN },
        };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(try_again(world), 0);
                strcpy(world_ended(world, rows[i].outcome)->detail, rows[i].detail);
                assert_int_equal(world_ask(world), 0);
        }
        assert_int_equal(try_again(world), OUTCOME_POLICY);
        assert_int_equal(world->reply.wait_s, 900);
}

/* ---- permissions ---- */

struct asker {
        const char *app, *key, *audience, *purpose;
        uint8_t required, optional;
};

static struct history_ask_texts *as(struct world *world, const struct asker *asker)
{
        struct history_ask_texts *ask = world_asked(world);
        snprintf(ask->app, sizeof ask->app, "%s", asker->app);
        snprintf(ask->audience, sizeof ask->audience, "%s", asker->audience);
        snprintf(ask->purpose, sizeof ask->purpose, "%s", asker->purpose);
        if (asker->key)
                memset(ask->organization_key, *asker->key, 64);
        ask->required = asker->required;
        ask->optional = asker->optional;
        ask->use_grant = true;
        return ask;
}

/* The request's number if it became a permission. */
static void remember(struct world *world, const struct asker *asker, uint8_t released)
{
        as(world, asker);
        assert_int_equal(world_ask(world), 0);
        struct history_end_texts *end = world_ended(world, "Ok");
        end->released = released;
        end->remember = true;
        assert_int_equal(world_ask(world), 0);
}

static bool is_granted(struct world *world, const struct asker *asker)
{
        as(world, asker);
        assert_int_equal(world_ask(world), 0);
        return world->reply.grant[0] != '\0';
}

static const struct asker app = { "flatpak:org.example.App", NULL, "https://a.example", "loan", 1,
        2 };

static void a_permission_is_for_the_very_same_asking(void **state)
{
        static const struct asker others[] = {
                { "flatpak:org.example.Other", NULL, "https://a.example", "loan", 1, 2 },
                { "flatpak:org.example.App", "7", "https://a.example", "loan", 1, 2 },
                { "flatpak:org.example.App", NULL, "https://b.example", "loan", 1, 2 },
                { "flatpak:org.example.App", NULL, "https://a.example", "", 1, 2 },
                { "flatpak:org.example.App", NULL, "https://a.example", "loan", 1 | 4, 2 },
                { "flatpak:org.example.App", NULL, "https://a.example", "loan", 2, 1 },
        };
        struct world *world = *state;
        remember(world, &app, 1);
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
                assert_false(is_granted(world, &others[i]));
        assert_true(is_granted(world, &app));
        assert_int_equal(world->reply.released, 1);
        as(world, &app)->use_grant = false;
        assert_int_equal(world_ask(world), 0);
        assert_string_equal(world->reply.grant, "");
}

static void an_organization_is_itself_through_whichever_program(void **state)
{
        static const struct asker first = { "program:/usr/bin/a", "7", "https://a.example", "", 0,
                3 },
                                  same = { "script:/usr/bin/python3 b", "7", "https://a.example",
                                          "", 0, 1 },
                                  other = { "program:/usr/bin/a", "8", "https://a.example", "", 0,
                                          3 };
        struct world *world = *state;
        remember(world, &first, 3);
        assert_true(is_granted(world, &same));
        assert_int_equal(world->reply.released, 1); /* never more than this one asks for */
        assert_false(is_granted(world, &other));
}

static void what_any_program_can_pass_for_gets_no_permission(void **state)
{
        static const char *const apps[] = { "program:/usr/bin/python3",
                "script:/usr/bin/python3 /x", "unknown", "flatpak", "xunit:a" };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(apps); i++) {
                const struct asker asker = { apps[i], NULL, "https://a.example", "", 0, 0 };
                remember(world, &asker, 0);
                assert_false(is_granted(world, &asker));
        }
        world->frame = (struct history_frame){ .op = HISTORY_GRANTS };
        assert_int_equal(world_ask(world), 0);
        assert_string_equal(world->reply.list, "{\"grants\":[]}");
}

static void what_is_taken_back_is_gone_for_good(void **state)
{
        struct world *world = *state;
        char grant[33];
        remember(world, &app, 1);
        snprintf(grant, sizeof grant, "%032x", world->requests);
        assert_true(is_granted(world, &app));
        world_restart(world);
        world->frame = (struct history_frame){ .op = HISTORY_REVOKE };
        memcpy(world->frame.grant, grant, sizeof grant);
        assert_int_equal(world_ask(world), 0);
        assert_true(world->reply.history[0] != '\0'); /* and it is anchored */
        assert_false(is_granted(world, &app));
        world->frame = (struct history_frame){ .op = HISTORY_REVOKE };
        memcpy(world->frame.grant, grant, sizeof grant);
        assert_int_equal(world_ask(world), OUTCOME_USAGE);
        assert_int_equal(world_read(world).findings, 0);
}

/* ---- documents and keys ---- */

static struct history_ask_texts *ask_for(struct world *world, const char *method)
{
        struct history_ask_texts *ask = world_asked(world);
        strcpy(ask->method, method);
        ask->audience[0] = '\0';
        return ask;
}

static int ends_with(struct world *world, bool assertion, bool signature)
{
        struct history_end_texts *end = world_ended(world, "Ok");
        memset(end->assertion, assertion ? 'a' : 0, 64);
        memset(end->signature, signature ? 'b' : 0, 64);
        return world_ask(world);
}

static void an_end_has_what_its_method_gives_and_nothing_else(void **state)
{
        static const struct {
                const char *method;
                bool assertion, signature;
        } rows[] = {
                { "Assert", true, false },
                { "SignDocument", false, true },
                { "UseKey", false, true },
                { "ShowCertificates", false, false },
        };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                strcpy(ask_for(world, rows[i].method)->document, "contract.pdf");
                assert_int_equal(world_ask(world), 0);
                assert_int_equal(ends_with(world, !rows[i].assertion, rows[i].signature),
                        OUTCOME_CANNOT_RECORD);
                assert_int_equal(ends_with(world, rows[i].assertion, !rows[i].signature),
                        OUTCOME_CANNOT_RECORD);
                assert_int_equal(ends_with(world, rows[i].assertion, rows[i].signature), 0);
        }
        world_expect_whole(world, 1 + 2 * ARRAY_LEN(rows));
}

static void what_was_agreed_to_before_is_no_new_question(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 5; i++) {
                struct history_ask_texts *ask = ask_for(world, "SignDocument");
                ask->app_per_hour = ask->user_per_hour = 2;
                if (i > 0)
                        snprintf(ask->consent, sizeof ask->consent, "%032x", 1);
                assert_int_equal(world_ask(world), 0);
        }
        for (int i = 0; i < 3; i++) { /* a second batch, then a third */
                struct history_ask_texts *ask = ask_for(world, "SignDocument");
                ask->app_per_hour = 2;
                if (i == 1)
                        snprintf(ask->consent, sizeof ask->consent, "%032x", 6);
                assert_int_equal(world_ask(world), i < 2 ? 0 : OUTCOME_POLICY);
        }
}

static void showing_certificates_gives_no_tries_back(void **state)
{
        struct world *world = *state;
        for (int i = 0; i < 3; i++) {
                world_request(world, "WrongPin");
                ask_for(world, "ShowCertificates");
                assert_int_equal(world_ask(world), 0);
                assert_int_equal(ends_with(world, false, false), 0);
        }
        assert_int_equal(try_again(world), OUTCOME_POLICY);
}

static void a_list_is_as_long_as_it_can_be(void **state)
{
        struct world *world = *state;
        struct asker asker = app;
        char purpose[1200];
        memset(purpose, 'p', sizeof purpose);
        purpose[sizeof purpose - 1] = '\0';
        asker.purpose = purpose;
        for (int i = 0; i < 30; i++) {
                snprintf(purpose, sizeof purpose, "%1190d", i);
                remember(world, &asker, 1);
        }
        world->frame = (struct history_frame){ .op = HISTORY_GRANTS };
        assert_int_equal(world_ask(world), 0);
        json_t *list = json_loads(world->reply.list, 0, NULL);
        assert_in_range(json_array_size(json_object_get(list, "grants")), 15, 29);
        json_decref(list);
}

static void what_a_rule_refused_is_written_once_a_minute(void **state)
{
        static const char *const whys[] = { "rule", "bad_request", "rule", "bad_request" };
        struct world *world = *state;
        for (size_t i = 0; i < ARRAY_LEN(whys); i++) {
                world_asked(world)->app_per_hour = 1;
                world->frame.op = HISTORY_REFUSE;
                strcpy(world->frame.why, whys[i]);
                assert_int_equal(world_ask(world), 0);
        }
        world_expect_whole(world, 3); /* created and one of each */
        world->now += 60;
        assert_int_equal(world_ask(world), 0);
        world_expect_whole(world, 4);
        assert_int_equal(count(world, "SELECT count(*) FROM open"), 0);
        world_asked(world)->app_per_hour = 1; /* and it counts for no limit */
        assert_int_equal(world_ask(world), 0);
}

static void a_station_keeps_no_name_and_gives_no_permission(void **state)
{
        struct world *world = *state;
        char command[256];
        world->setting.station = true;
        strcpy(world_asked(world)->document, "contract of Zahra Rezaei.pdf");
        strcpy(world->frame.ask.method, "SignDocument");
        memset(world->frame.ask.document_digest, 'b', 64);
        assert_int_equal(world_ask(world), 0);
        struct history_end_texts *end = world_ended(world, "Ok");
        end->remember = true;
        memcpy(end->signature, end->assertion, sizeof end->signature);
        end->assertion[0] = '\0';
        assert_int_equal(world_ask(world), 0);
        assert_int_equal(world_read(world).rows, 3);
        assert_int_equal(
                count(world,
                        "SELECT count(*) FROM entry WHERE body ->> 'document_digest' IS NOT NULL "
                        "OR body ->> 'signature' IS NOT NULL"),
                2);
        snprintf(command, sizeof command, "grep -rq Zahra %s", world->dir);
        assert_int_not_equal(system(command), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(a_signed_request_is_good_once),
                CASE(so_many_requests_an_hour_and_no_more),
                CASE(a_limit_is_each_apps_own_and_another_is_everybodys),
                CASE(a_clock_that_was_wrong_locks_nobody_out),
                CASE(a_flood_of_refusals_is_few_rows),
                CASE(three_wrong_pins_in_a_row_are_a_pause),
                CASE(a_right_pin_ends_the_row_and_another_app_has_its_own),
                CASE(a_try_that_nobody_heard_of_counts_as_wrong),
                CASE(a_permission_is_for_the_very_same_asking),
                CASE(an_organization_is_itself_through_whichever_program),
                CASE(what_any_program_can_pass_for_gets_no_permission),
                CASE(what_is_taken_back_is_gone_for_good),
                CASE(a_list_is_as_long_as_it_can_be),
                CASE(an_end_has_what_its_method_gives_and_nothing_else),
                CASE(what_was_agreed_to_before_is_no_new_question),
                CASE(showing_certificates_gives_no_tries_back),
                CASE(what_a_rule_refused_is_written_once_a_minute),
                CASE(a_station_keeps_no_name_and_gives_no_permission),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
