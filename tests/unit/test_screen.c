/* SPDX-License-Identifier: Apache-2.0 */
/* test_screen.c: the role of a screen: who holds it, what it is told, what becomes of its questions. */
#include "daemon/prompt/question.h"
#include "tests/unit/screen_world.h"

static void asked(const struct person_question *question)
{
        assert_int_equal(ask(question, world.pin), 0);
        assert_int_equal(world.dones, 0); /* never from inside */
        hear_question();
}

static void assert_ended(int outcome)
{
        char wanted[128];
        run_idle();
        assert_int_equal(world.dones, 1);
        assert_int_equal(world.answer.outcome, outcome);
        if (world.serving < 0)
                return;
        snprintf(wanted, sizeof wanted,
                "{'continues':true,'parameters':{'event':'end','ticket':'%s'}}", world.ticket);
        assert_hears(world.serving, wanted);
}

/* ---- the role ------------------------------------------------------------------------------ */

static void only_the_named_program_may_serve(void **state)
{
        (void)state;
        _cleanup_close_ int fd = dial();
        world.admitted = false;
        say(fd, SERVE, -1);
        assert_hears(fd, FAILED("PermissionDenied"));
        assert_false(screen_is_there(world.screen));
        assert_false(screen_is_there(NULL));
        world.admitted = true;
        say(fd, "{'method':'mohr.Person.Serve'}", -1);
        assert_hears(fd, FAILED("ExpectedMore"));
        say(fd, "{'method':'mohr.Person.Serve','more':true,'parameters':{'x':1}}", -1);
        assert_hears(fd, INVALID("x"));
        assert_false(screen_is_there(world.screen));
        say(fd, SERVE, -1);
        assert_hears(fd, SERVING);
}

static void one_at_a_time_holds_it(void **state)
{
        (void)state;
        take_role();
        _cleanup_close_ int other = dial();
        say(other, SERVE, -1);
        assert_hears(other, FAILED("RoleTaken"));
        assert_hears(world.serving, "");
        close(base_take_fd(&world.serving));
        run_idle();
        assert_false(screen_is_there(world.screen));
        say(other, SERVE, -1);
        assert_hears(other, SERVING);
}

static void without_it_nobody_is_asked(void **state)
{
        (void)state;
        const struct person_question question = plain();
        assert_int_equal(ask(&question, world.pin), OUTCOME_NOBODY_TO_ASK);
        take_role();
        struct person_question change = plain();
        change.work = PERSON_CHANGE_PIN;
        assert_int_equal(ask(&change, world.pin), OUTCOME_NOBODY_TO_ASK);
        assert_hears(world.serving, "");
        assert_null(world.question);
}

static void one_question_is_open_at_a_time(void **state)
{
        (void)state;
        const struct person_question question = plain();
        struct screen_question *second = NULL;
        take_role();
        asked(&question);
        assert_int_equal(screen_ask(&second, world.screen, &question, world.pin, done, &world),
                OUTCOME_BUSY);
        assert_null(second);
        assert_hears(world.serving, "");
}

static void a_screen_that_goes_refuses(void **state)
{
        (void)state;
        const struct person_question question = plain();
        take_role();
        asked(&question);
        close(base_take_fd(&world.serving));
        assert_ended(OUTCOME_REFUSED);
        assert_false(screen_is_there(world.screen));
        take_role(); /* and the next one is told of nothing old */
        assert_hears(world.serving, "");
}

/* What it has started holds the connection still. */
static void the_role_ends_with_its_process(void **state)
{
        (void)state;
        int go[2], stay[2];
        char byte;
        assert_int_equal(pipe2(go, O_CLOEXEC), 0);
        assert_int_equal(pipe2(stay, O_CLOEXEC), 0);
        pid_t child = fork();
        if (child == 0) {
                close(stay[1]);
                say(dial(), SERVE, -1);
                if (fork() == 0)
                        _exit((int)read(stay[0], &byte, 1));
                _exit((int)read(go[0], &byte, 1) - 1);
        }
        while (!screen_is_there(world.screen))
                assert_true(sd_event_run(world.event, 30000000) > 0);
        const struct person_question question = plain();
        assert_int_equal(ask(&question, world.pin), 0);
        assert_int_equal(write(go[1], "x", 1), 1);
        assert_int_equal(waitpid(child, NULL, 0), child);
        while (world.dones == 0)
                assert_true(sd_event_run(world.event, 30000000) > 0);
        assert_int_equal(world.answer.outcome, OUTCOME_REFUSED);
        assert_false(screen_is_there(world.screen));
        take_role();
        for (size_t i = 0; i < 2; i++) {
                close(go[i]);
                close(stay[i]);
        }
}

static void a_screen_that_hangs_is_out_of_time(void **state)
{
        (void)state;
        struct person_question question = plain();
        question.timeout_s = 1;
        take_role();
        asked(&question);
        while (world.dones == 0)
                assert_true(sd_event_run(world.event, 30000000) > 0);
        assert_ended(OUTCOME_TIMED_OUT);
        assert_true(screen_is_there(world.screen));
}

static void a_drain_ends_role_and_question(void **state)
{
        (void)state;
        const struct person_question question = plain();
        take_role();
        asked(&question);
        screen_drain(world.screen);
        assert_int_equal(server_pending(world.server), 0);
        assert_ended(OUTCOME_REFUSED);
        assert_hears(world.serving, "{'parameters':{'event':'end'}}");
        screen_drain(world.screen);
        assert_hears(world.serving, "");
        assert_false(screen_is_there(world.screen));
}

static void a_server_that_ends_hangs_up_on_the_screen_first(void **state)
{
        (void)state;
        const struct person_question question = plain();
        take_role();
        asked(&question);
        world.server = server_free(world.server);
        assert_false(screen_is_there(world.screen));
        assert_int_equal(world.dones, 0);
        world.question = screen_take_down(world.question);
        run_idle();
        assert_int_equal(world.dones, 0);
}

/* ---- the question -------------------------------------------------------------------------- */

static void assert_told(
        const struct person_question *question, struct secret *pin, const char *wanted)
{
        char event[4096];
        assert_int_equal(ask(question, pin), 0);
        const char *heard = hear_question();
        snprintf(event, sizeof event,
                "{'continues':true,'parameters':{'event':'ask','ticket':'%s','question':%s}}",
                world.ticket, wanted);
        if (!same_json(heard, event))
                fail_msg("heard %s instead of %s", heard, event);
        world.question = screen_take_down(world.question);
        assert_true(strstr(hear(world.serving), "'event':'end'"));
}

static void it_is_told_whole(void **state)
{
        (void)state;
        struct person_question question = plain();
        take_role();
        assert_told(&question, world.pin,
                "{'kind':'sign','request':'0123456789abcdef','asker':{'program':'/usr/bin/office',"
                "'system_unit':false},'audience':'https://office.example','given_name':'نمونه',"
                "'family_name':'آزمایشی','card_number':'0099900007','reader':'Test A 00 00',"
                "'tries_left':3,'simulated':false,'unproven':false,'expired':false,'staff':false,"
                "'pinpad':false,'phone':false,'required':['card_expiry'],'optional':['reader','"
                "station'],"
                "'granted':false,'may_remember':false,'recorded':false,'pin_min':4,'pin_max':8,"
                "'timeout_ms':60000}");
        const struct peer peer = { .script = "/home/u/x.py",
                .flatpak = "org.example.App",
                .snap = "a.b",
                .unit = "backup.service",
                .system_unit = true };
        question.peer = &peer;
        question.organization = "Example Bank";
        question.purpose = "Opening an account";
        question.ui.language = "fa";
        question.tries_left = -1;
        question.simulated = question.tell_unproven = question.expired = question.staff = true;
        question.granted = question.may_remember = question.recorded = question.on_phone = true;
        assert_told(&question, NULL,
                "{'kind':'sign','request':'0123456789abcdef','asker':{'program':'/usr/bin/office',"
                "'script':'/home/u/x.py','flatpak':'org.example.App','snap':'a.b',"
                "'unit':'backup.service','system_unit':true},'organization':'Example Bank',"
                "'audience':'https://office.example','purpose':'Opening an "
                "account','language':'fa',"
                "'given_name':'نمونه','family_name':'آزمایشی','card_number':'0099900007',"
                "'reader':'Test A 00 00','simulated':true,'unproven':true,'expired':true,"
                "'staff':true,'pinpad':true,'phone':true,'required':['card_expiry'],"
                "'optional':['reader','station'],'granted':true,'may_remember':true,"
                "'recorded':true,'record':'history','pin_min':6,'pin_max':8,'timeout_ms':60000}");
}

static void questions_about_readers_tell_nothing_of_a_card(void **state)
{
        (void)state;
        static const char *const readers[] = { "A", "B", "C", "D" };
        const struct person_question bare = { .request = "r",
                .app = "",
                .audience = "https://o.example",
                .tries_left = -1,
                .timeout_s = 5 };
        struct person_question choice = bare, search = bare;
        take_role();
        choice.choice = true;
        choice.reader = "A";
        assert_told(&choice, NULL,
                "{'kind':'choice','request':'r','asker':{'system_unit':false},"
                "'audience':'https://o.example','reader':'A','simulated':false,'unproven':false,"
                "'expired':false,'staff':false,'pinpad':false,'phone':false,'required':[],'"
                "optional':[],"
                "'granted':false,'may_remember':false,'recorded':false,'pin_min':4,'pin_max':8,"
                "'timeout_ms':5000}");
        search.search = true;
        search.readers = readers;
        search.reader_count = 4;
        search.expected_number = "0099900007";
        assert_told(&search, NULL,
                "{'kind':'search','request':'r','asker':{'system_unit':false},"
                "'audience':'https://o.example','card_number':'0099900007',"
                "'readers':['A','B','C'],'reader_count':4,'simulated':false,'unproven':false,"
                "'expired':false,'staff':false,'pinpad':false,'phone':false,'required':[],'"
                "optional':[],"
                "'granted':false,'may_remember':false,'recorded':false,'pin_min':4,'pin_max':8,"
                "'timeout_ms':5000}");
}

#define BARE_FACTS                                                                                 \
        "'simulated':false,'unproven':false,'expired':false,'staff':false,'pinpad':false,'phone':" \
        "false,"                                                                                   \
        "'required':[],'optional':[],'granted':false,'may_remember':false,'recorded':false,"       \
        "'pin_min':4,'pin_max':8,'timeout_ms':5000}"

static void documents_certificates_and_keys_are_told_as_such(void **state)
{
        (void)state;
        const struct question_document documents[] = {
                { .name = "a\n\u202e.pdf",
                        .kind = DOCUMENT_PDF,
                        .form = FORM_PDF,
                        .size = 1423456,
                        .location = "Shiraz\n",
                        .policy = "1.2.3",
                        .commitment = COMMITMENT_ORIGIN,
                        .stamp_page = 2,
                        .pages = 12 },
                { .name = "\n",
                        .countersigned = "Sara",
                        .kind = DOCUMENT_CMS,
                        .form = FORM_COUNTERSIGNATURE,
                        .size = UINT64_MAX },
        };
        struct person_question question = { .request = "r",
                .app = "",
                .tries_left = 2,
                .timeout_s = 5,
                .work = PERSON_DOCUMENTS,
                .may_remember = true,
                .documents = documents,
                .document_count = 2,
                .document_at = 1 };
        take_role();
        assert_told(&question, world.pin,
                "{'kind':'documents','request':'r','asker':{'system_unit':false},'tries_left':2,"
                "'documents':[{'name':'a.pdf','kind':'pdf','form':'pdf','size':1423456,'pages':12,"
                "'commitment':'origin','policy':'1.2.3','location':'Shiraz','stamp_page':2,"
                "'digest':'00000000000000000000000000000000"
                "00000000000000000000000000000000'},"
                "{'name':'','countersigned':'Sara','kind':'cms','form':'countersignature',"
                "'size':9223372036854775807,'digest':'00000000000000000000000000000000"
                "00000000000000000000000000000000'}],'document_at':1," BARE_FACTS);
        question.work = PERSON_KEY;
        question.content = CONTENT_SSH;
        question.content_text = "root\n";
        assert_told(&question, world.pin,
                "{'kind':'key','request':'r','asker':{'system_unit':false},'tries_left':2,"
                "'key':'signature','content':'ssh','content_text':'root'," BARE_FACTS);
        question.content_host = "SHA256:\n0123";
        assert_told(&question, world.pin,
                "{'kind':'key','request':'r','asker':{'system_unit':false},'tries_left':2,"
                "'key':'signature','content':'ssh','content_text':'root',"
                "'content_host':'SHA256:0123'," BARE_FACTS);
        question.work = PERSON_CERTIFICATES;
        question.may_remember = false;
        question.tries_left = -1;
        assert_told(&question, NULL,
                "{'kind':'certificates','request':'r','asker':{'system_unit':false}," BARE_FACTS);
}

static void hostile_texts_are_harmless_and_bounded(void **state)
{
        (void)state;
        static char endless[100000];
        struct person_question question = plain();
        take_role();
        memset(endless, 'x', sizeof endless - 1);
        question.purpose = "a\xE2\x80\xAE b\n\x1B[31m\xFF c";
        question.organization = endless;
        question.given_name = question.family_name = question.card_number = endless;
        question.app = question.reader = question.audience = question.request = endless;
        assert_int_equal(ask(&question, world.pin), 0);
        const char *heard = hear_question();
        assert_non_null(strstr(heard, "'purpose':'a b[31m c'"));
        assert_true(strlen(heard) < 8192);
}

static void taken_down_it_cannot_be_answered(void **state)
{
        (void)state;
        const struct person_question question = plain();
        take_role();
        asked(&question);
        world.question = screen_take_down(world.question);
        assert_true(strstr(hear(world.serving), "'event':'end'"));
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
        assert_int_equal(world.dones, 0);
        world.dones = 0;
        asked(&question);
        assert_true(same_json(answer("'decision':'refuse'", -1), TAKEN));
        assert_ended(OUTCOME_REFUSED);
}

static void tickets_differ(void **state)
{
        (void)state;
        const struct person_question question = plain();
        char first[SCREEN_TICKET_LEN + 1];
        take_role();
        asked(&question);
        memcpy(first, world.ticket, sizeof first);
        world.question = screen_take_down(world.question);
        hear(world.serving);
        asked(&question);
        assert_string_not_equal(first, world.ticket);
        memcpy(world.ticket, first, sizeof first);
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
        assert_int_equal(world.dones, 0);
}

static void a_question_kept_after_its_end_is_over_all_the_same(void **state)
{
        (void)state;
        const struct person_question question = plain();
        take_role();
        world.keep = true;
        asked(&question);
        assert_true(same_json(answer("'decision':'refuse'", -1), TAKEN));
        assert_ended(OUTCOME_REFUSED);
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
        world.question = screen_take_down(world.question);
        run_idle();
        assert_int_equal(world.dones, 1);
        assert_hears(world.serving, "");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
        const struct CMUnitTest tests[] = {
                TEST(only_the_named_program_may_serve),
                TEST(one_at_a_time_holds_it),
                TEST(without_it_nobody_is_asked),
                TEST(one_question_is_open_at_a_time),
                TEST(a_screen_that_goes_refuses),
                TEST(the_role_ends_with_its_process),
                TEST(a_screen_that_hangs_is_out_of_time),
                TEST(a_drain_ends_role_and_question),
                TEST(a_server_that_ends_hangs_up_on_the_screen_first),
                TEST(it_is_told_whole),
                TEST(documents_certificates_and_keys_are_told_as_such),
                TEST(questions_about_readers_tell_nothing_of_a_card),
                TEST(hostile_texts_are_harmless_and_bounded),
                TEST(taken_down_it_cannot_be_answered),
                TEST(tickets_differ),
                TEST(a_question_kept_after_its_end_is_over_all_the_same),
        };
        return cmocka_run_group_tests_name("screen", tests, NULL, NULL);
}
