/* SPDX-License-Identifier: Apache-2.0 */
/* test_screen_answer.c: what may be answered to which question, by whom, and what is taken for a PIN. */
#include "daemon/descriptor.h"
#include "daemon/prompt/question.h"
#include "tests/unit/screen_world.h"

#include <signal.h>

#define PIN     "27182818"
#define SIGN    "'decision':'sign'"
#define NO_PIPE NULL

static bool staff(struct person_question *question)
{
        question->staff = true;
        return true;
}

static bool last_try(struct person_question *question)
{
        question->tries_left = 1;
        return true;
}

static bool unknown_tries(struct person_question *question)
{
        question->tries_left = -1;
        return true;
}

static bool may_remember(struct person_question *question)
{
        question->may_remember = true;
        return true;
}

static bool choice(struct person_question *question)
{
        question->choice = true;
        question->required = question->optional = CLAIMS_NONE;
        return false;
}

static bool search(struct person_question *question)
{
        question->search = true;
        question->required = question->optional = CLAIMS_NONE;
        return false;
}

static bool documents(struct person_question *question)
{
        static const struct question_document document = { .name = "a.pdf" };
        question->work = PERSON_DOCUMENTS;
        question->may_remember = true; /* not for documents */
        question->documents = &document;
        question->document_count = 1;
        return true;
}

static bool key(struct person_question *question)
{
        question->work = PERSON_KEY;
        return true;
}

static bool certificates(struct person_question *question)
{
        question->work = PERSON_CERTIFICATES;
        question->may_remember = true;
        question->tries_left = -1;
        return false;
}

static bool pinpad(struct person_question *question)
{
        (void)question;
        return false;
}

static bool pinpad_last_try(struct person_question *question)
{
        question->tries_left = 1;
        return false;
}

#define BAD(as, answer, pin, reply)                                                                \
        {                                                                                          \
                as, answer, pin, reply, 0, CLAIMS_NONE, false                                      \
        }
#define SAYS(as, answer, outcome)                                                                  \
        {                                                                                          \
                as, answer, NO_PIPE, TAKEN, outcome, CLAIMS_NONE, false                            \
        }

/* required is card_expiry, optional are reader and station (plain()). */
static const struct row {
        bool (*as)(struct person_question *question); /* false: no digits are wanted; NULL: plain */
        const char *answer, *pin, *reply;
        int outcome; /* of an answer that was taken */
        claimset released;
        bool remember;
} rows[] = {
        /* a yes, and what goes along */
        { NULL, SIGN, PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        { NULL, SIGN ",'released':null,'remember':null,'last_try':null", PIN, TAKEN, 0,
                CLAIM_CARD_EXPIRY, false },
        { NULL, SIGN ",'released':['card_expiry']", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        { NULL, SIGN ",'released':['station','card_expiry']", PIN, TAKEN, 0,
                CLAIM_CARD_EXPIRY | CLAIM_STATION, false },
        { NULL, SIGN ",'released':['reader','station','card_expiry']", PIN, TAKEN, 0,
                CLAIM_CARD_EXPIRY | CLAIM_READER | CLAIM_STATION, false },
        BAD(NULL, SIGN ",'released':[]", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':['station']", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':['card_expiry','card_generation']", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':['card_expiry','card_expiry']", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':['card_expiry','name']", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':['card_expiry',7]", PIN, INVALID("released")),
        BAD(NULL, SIGN ",'released':'card_expiry'", PIN, INVALID("released")),
        { may_remember, SIGN ",'remember':true", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, true },
        { may_remember, SIGN ",'remember':false", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        { NULL, SIGN ",'remember':false", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(NULL, SIGN ",'remember':true", PIN, INVALID("remember")),
        /* the last try */
        BAD(last_try, SIGN, PIN, FAILED("LastTryNotConfirmed")),
        BAD(last_try, SIGN ",'last_try':false", PIN, FAILED("LastTryNotConfirmed")),
        { last_try, SIGN ",'last_try':true", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        SAYS(last_try, "'decision':'decline_last_try'", OUTCOME_LAST_TRY_DECLINED),
        BAD(pinpad_last_try, SIGN, NO_PIPE, FAILED("LastTryNotConfirmed")),
        { pinpad_last_try, SIGN ",'last_try':true", NO_PIPE, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(NULL, SIGN ",'last_try':true", PIN, INVALID("last_try")),
        BAD(unknown_tries, SIGN, PIN, FAILED("LastTryNotConfirmed")),
        { unknown_tries, SIGN ",'last_try':true", PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        SAYS(unknown_tries, "'decision':'decline_last_try'", OUTCOME_LAST_TRY_DECLINED),
        BAD(NULL, "'decision':'decline_last_try'", NO_PIPE, INVALID("decision")),
        /* a no says nothing else */
        SAYS(NULL, "'decision':'refuse'", OUTCOME_REFUSED),
        SAYS(NULL, "'decision':'cannot'", OUTCOME_NOBODY_TO_ASK),
        BAD(NULL, "'decision':'refuse','released':['card_expiry']", NO_PIPE, INVALID("released")),
        BAD(may_remember, "'decision':'refuse','remember':true", NO_PIPE, INVALID("remember")),
        BAD(last_try, "'decision':'refuse','last_try':true", NO_PIPE, INVALID("last_try")),
        BAD(NULL, "'decision':'refuse'", PIN, FAILED("PinNotPassed")),
        /* about readers */
        SAYS(choice, "'decision':'yes'", 0),
        SAYS(choice, "'decision':'another'", OUTCOME_NO_CARD),
        SAYS(choice, "'decision':'refuse'", OUTCOME_REFUSED),
        BAD(choice, SIGN, NO_PIPE, INVALID("decision")),
        BAD(choice, "'decision':'yes'", PIN, FAILED("PinNotPassed")),
        BAD(choice, "'decision':'yes','released':[]", NO_PIPE, INVALID("released")),
        SAYS(search, "'decision':'yes'", 0),
        SAYS(search, "'decision':'cannot'", OUTCOME_NOBODY_TO_ASK),
        BAD(search, "'decision':'another'", NO_PIPE, INVALID("decision")),
        BAD(NULL, "'decision':'yes'", PIN, INVALID("decision")),
        BAD(NULL, "'decision':'another'", NO_PIPE, INVALID("decision")),
        /* documents and a key are signed with, certificates are only shown */
        { documents, SIGN, PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(documents, SIGN ",'remember':true", PIN, INVALID("remember")),
        BAD(documents, "'decision':'yes'", NO_PIPE, INVALID("decision")),
        SAYS(documents, "'decision':'refuse'", OUTCOME_REFUSED),
        { key, SIGN, PIN, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(key, SIGN, NO_PIPE, FAILED("PinNotPassed")),
        SAYS(certificates, "'decision':'yes'", 0),
        SAYS(certificates, "'decision':'refuse'", OUTCOME_REFUSED),
        { certificates, "'decision':'yes','remember':true", NO_PIPE, TAKEN, 0, CLAIMS_NONE, true },
        BAD(certificates, "'decision':'refuse','remember':true", NO_PIPE, INVALID("remember")),
        BAD(certificates, "'decision':'yes'", PIN, FAILED("PinNotPassed")),
        BAD(certificates, "'decision':'yes','last_try':true", NO_PIPE, INVALID("last_try")),
        BAD(certificates, SIGN, NO_PIPE, INVALID("decision")),
        BAD(certificates, "'decision':'decline_last_try'", NO_PIPE, INVALID("decision")),
        /* forms */
        BAD(NULL, "'decision':'SIGN'", PIN, INVALID("decision")),
        BAD(NULL, "'decision':''", PIN, INVALID("decision")),
        BAD(NULL, "'decision':7", PIN, INVALID("decision")),
        BAD(NULL, "'decision':'sign','pin':'27182818'", PIN, INVALID("pin")),
        BAD(NULL, SIGN ",'last_try':1", PIN, INVALID("last_try")),
        /* digits, ASCII, 4 to 8, of a staff card 6 to 8, and nothing else */
        BAD(NULL, SIGN, NO_PIPE, FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "123", FAILED("PinNotPassed")),
        { NULL, SIGN, "1234", TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(NULL, SIGN, "123456789", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "1234567890123456789012345678901234567890", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "1234\n", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, " 1234", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "12a4", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "-123", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "۱۲۳۴", FAILED("PinNotPassed")),
        BAD(NULL, SIGN, "١٢٣٤", FAILED("PinNotPassed")),
        BAD(staff, SIGN, "12345", FAILED("PinNotPassed")),
        { staff, SIGN, "123456", TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        { pinpad, SIGN, NO_PIPE, TAKEN, 0, CLAIM_CARD_EXPIRY, false },
        BAD(pinpad, SIGN, PIN, FAILED("PinNotPassed")),
};

static void assert_row(const struct row *row, bool digits)
{
        bool taken = strcmp(row->reply, TAKEN) == 0;
        run_idle();
        assert_int_equal(world.dones, taken);
        if (!taken) {
                assert_true(wiped());
                return;
        }
        assert_int_equal(world.answer.outcome, row->outcome);
        assert_int_equal(world.answer.released, row->released);
        assert_int_equal(world.answer.remember, row->remember);
        if (digits && row->outcome == 0) {
                assert_int_equal(world.pin->len, strlen(row->pin));
                assert_memory_equal(world.pin->data, row->pin, world.pin->len);
        } else {
                assert_true(wiped());
        }
}

static void try_row(const struct row *row)
{
        struct person_question question = plain();
        bool digits = row->as ? row->as(&question) : true;
        print_message("# %s\n", row->answer);
        take_role();
        assert_int_equal(ask(&question, digits ? world.pin : NULL), 0);
        hear_question();
        _cleanup_close_ int pipe = row->pin ? pipe_with(row->pin, strlen(row->pin), NULL) : -1;
        const char *reply = answer(row->answer, pipe);
        if (!same_json(reply, row->reply))
                fail_msg("%s with %s: %s", row->answer, row->pin ? row->pin : "no pipe", reply);
        assert_row(row, digits);
}

static void each_answer_is_taken_or_refused_as_its_row_says(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                assert_int_equal(world_up(state), 0);
                try_row(&rows[i]);
                world_down(state);
        }
}

/* ---- whose answer -------------------------------------------------------------------------- */

static void ask_plainly(void)
{
        const struct person_question question = plain();
        take_role();
        assert_int_equal(ask(&question, world.pin), 0);
        hear_question();
}

static void after_an_error_the_question_is_open_still(void **state)
{
        (void)state;
        ask_plainly();
        _cleanup_close_ int bad = pipe_with("12", 2, NULL), good = pipe_with("1234", 4, NULL);
        _cleanup_close_ int fd = dial();
        assert_true(same_json(answer_on(fd, SIGN, bad), FAILED("PinNotPassed")));
        assert_int_equal(world.dones, 0);
        assert_true(same_json(answer_on(fd, SIGN, good), TAKEN));
        run_idle();
        assert_int_equal(world.answer.outcome, 0);
        assert_int_equal(world.pin->len, 4);
}

static void the_second_answer_finds_no_question(void **state)
{
        (void)state;
        ask_plainly();
        assert_true(same_json(answer("'decision':'refuse'", -1), TAKEN));
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
        assert_int_equal(world.dones, 1);
}

static void a_wrong_ticket_answers_nothing(void **state)
{
        (void)state;
        ask_plainly();
        world.ticket[31] ^= 1;
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
        world.ticket[31] = '\0';
        assert_true(same_json(answer("'decision':'refuse'", -1), INVALID("ticket")));
        assert_int_equal(world.dones, 0);
}

static void where_nobody_serves_nobody_answers(void **state)
{
        (void)state;
        memset(world.ticket, '0', SCREEN_TICKET_LEN);
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("PermissionDenied")));
        take_role();
        assert_true(same_json(answer("'decision':'refuse'", -1), FAILED("NoSuchQuestion")));
}

/* With the right ticket, by whichever way it came to know it. */
static void another_process_may_not_answer(void **state)
{
        (void)state;
        ask_plainly();
        int told[2];
        assert_int_equal(pipe(told), 0);
        pid_t child = fork();
        if (child == 0) {
                int fd = dial();
                char text[256];
                snprintf(text, sizeof text,
                        "{'method':'mohr.Person.Answer','parameters':{'ticket':'%s',"
                        "'decision':'refuse'}}",
                        world.ticket);
                say(fd, text, -1);
                (void)!write(told[1], "x", 1);
                char heard[512];
                ssize_t n = recv(fd, heard, sizeof heard, 0);
                _exit(n > 0 && memmem(heard, (size_t)n, "PermissionDenied", 16) ? 0 : 1);
        }
        char byte;
        int status = -1;
        assert_int_equal(read(told[0], &byte, 1), 1);
        run_idle();
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(world.dones, 0);
        close(told[0]);
        close(told[1]);
}

/* The one that was sent when the close was over already, and would end this process. */
static void a_late_alarm_of_a_close_is_dropped(void **state)
{
        (void)state;
        sigset_t alarms, pending;
        sigemptyset(&alarms);
        sigaddset(&alarms, SIGALRM);
        assert_int_equal(sigprocmask(SIG_BLOCK, &alarms, NULL), 0);
        assert_int_equal(kill(getpid(), SIGALRM), 0);
        descriptor_close(eventfd(0, EFD_CLOEXEC));
        assert_int_equal(sigpending(&pending), 0);
        assert_int_equal(sigismember(&pending, SIGALRM), 0);
        assert_int_equal(sigprocmask(SIG_UNBLOCK, &alarms, NULL), 0);
}

/* ---- what is no pipe with a PIN ------------------------------------------------------------ */

static void only_a_pipe_without_a_name_is_read(void **state)
{
        (void)state;
        char folder[] = "/tmp/mohr-screen-XXXXXX", fifo[64], file[64];
        assert_non_null(mkdtemp(folder));
        snprintf(fifo, sizeof fifo, "%s/fifo", folder);
        snprintf(file, sizeof file, "%s/file", folder);
        assert_int_equal(mkfifo(fifo, 0600), 0);
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(write(pair[1], PIN, 8), 8);
        int kinds[] = {
                open("/dev/null", O_RDWR | O_CLOEXEC),
                open("/dev/zero", O_RDONLY | O_CLOEXEC),
                open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
                open(folder, O_PATH | O_CLOEXEC),
                open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
                open(fifo, O_RDWR | O_CLOEXEC),
                pair[0],
                dup(world.listen_fd),
        };
        assert_int_equal(write(kinds[5], PIN, 8), 8);
        ask_plainly();
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
                assert_true(kinds[i] >= 0);
                const char *reply = answer(SIGN, kinds[i]);
                if (!same_json(reply, FAILED("PinNotPassed")))
                        fail_msg("kind %zu: %s", i, reply);
                close(kinds[i]);
        }
        assert_true(wiped());
        assert_int_equal(world.dones, 0);
        close(pair[1]);
        unlink(fifo);
        unlink(file);
        rmdir(folder);
}

static void a_nul_behind_the_digits_is_no_digit(void **state)
{
        (void)state;
        ask_plainly();
        _cleanup_close_ int fd = pipe_with("1234", 5, NULL);
        assert_true(same_json(answer(SIGN, fd), FAILED("PinNotPassed")));
        assert_true(wiped());
}

static void digits_may_come_one_by_one(void **state)
{
        (void)state;
        int writer;
        ask_plainly();
        _cleanup_close_ int client = dial(), pipe = pipe_with("", 0, &writer);
        assert_string_equal(answer_on(client, SIGN, pipe), "");
        for (size_t i = 0; i < strlen(PIN); i++) {
                assert_int_equal(write(writer, &PIN[i], 1), 1);
                run_idle();
                assert_int_equal(world.dones, 0); /* nothing is a PIN before its end */
        }
        close(writer);
        assert_hears(client, TAKEN);
        assert_int_equal(world.dones, 1);
        assert_memory_equal(world.pin->data, PIN, 8);
}

/* The flags of a passed descriptor are its sender's too: they do not make the daemon wait. */
static void a_pipe_that_stays_open_ends_by_time_and_holds_up_nobody(void **state)
{
        (void)state;
        int writer;
        ask_plainly();
        _cleanup_close_ int client = dial(), other = dial(), pipe = pipe_with("1234", 4, &writer);
        assert_string_equal(answer_on(client, SIGN, pipe), "");
        assert_int_equal(fcntl(pipe, F_GETFL) & O_NONBLOCK, 0);
        assert_true(same_json(answer_on(other, SIGN, -1), FAILED("NoSuchQuestion")));
        while (recv(client, world.frame, 1, MSG_DONTWAIT | MSG_PEEK) < 0)
                assert_true(sd_event_run(world.event, 30000000) > 0);
        assert_hears(client, FAILED("PinNotPassed"));
        assert_true(wiped());
        assert_int_equal(world.dones, 0);
        close(writer);
}

/* What somebody else has read from it first is not here; then what is left is no PIN, or no more than it seems. */
static void an_emptied_pipe_holds_no_pin(void **state)
{
        (void)state;
        char stolen[8];
        ask_plainly();
        _cleanup_close_ int pipe = pipe_with(PIN, 8, NULL);
        assert_int_equal(read(pipe, stolen, 6), 6);
        assert_true(same_json(answer(SIGN, pipe), FAILED("PinNotPassed")));
        assert_true(wiped());
}

static void whoever_hangs_up_while_digits_come_has_not_answered(void **state)
{
        (void)state;
        int writer;
        ask_plainly();
        int client = dial();
        _cleanup_close_ int pipe = pipe_with("1234", 4, &writer);
        assert_string_equal(answer_on(client, SIGN, pipe), "");
        assert_int_equal(world.pin->len, 4);
        close(client);
        run_idle();
        assert_true(wiped());
        assert_int_equal(world.dones, 0);
        close(writer);
        _cleanup_close_ int again = pipe_with(PIN, 8, NULL);
        assert_true(same_json(answer(SIGN, again), TAKEN));
        assert_int_equal(world.dones, 1);
}

static void a_question_that_ends_while_digits_come_forgets_them(void **state)
{
        (void)state;
        int writer;
        ask_plainly();
        _cleanup_close_ int client = dial(), pipe = pipe_with("1234", 4, &writer);
        assert_string_equal(answer_on(client, SIGN, pipe), "");
        world.question = screen_take_down(world.question);
        assert_hears(client, FAILED("NoSuchQuestion"));
        assert_true(wiped());
        assert_int_equal(world.dones, 0);
        close(writer);
        run_idle();
}

static void a_screen_that_goes_while_digits_come_refuses(void **state)
{
        (void)state;
        int writer;
        ask_plainly();
        _cleanup_close_ int client = dial(), pipe = pipe_with("1234", 4, &writer);
        assert_string_equal(answer_on(client, SIGN, pipe), "");
        close(base_take_fd(&world.serving));
        assert_hears(client, FAILED("NoSuchQuestion"));
        assert_int_equal(world.dones, 1);
        assert_int_equal(world.answer.outcome, OUTCOME_REFUSED);
        assert_true(wiped());
        close(writer);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, world_up, world_down)
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_answer_is_taken_or_refused_as_its_row_says),
                TEST(after_an_error_the_question_is_open_still),
                TEST(the_second_answer_finds_no_question),
                TEST(a_wrong_ticket_answers_nothing),
                TEST(where_nobody_serves_nobody_answers),
                TEST(another_process_may_not_answer),
                cmocka_unit_test(a_late_alarm_of_a_close_is_dropped),
                TEST(only_a_pipe_without_a_name_is_read),
                TEST(a_nul_behind_the_digits_is_no_digit),
                TEST(digits_may_come_one_by_one),
                TEST(a_pipe_that_stays_open_ends_by_time_and_holds_up_nobody),
                TEST(an_emptied_pipe_holds_no_pin),
                TEST(whoever_hangs_up_while_digits_come_has_not_answered),
                TEST(a_question_that_ends_while_digits_come_forgets_them),
                TEST(a_screen_that_goes_while_digits_come_refuses),
        };
        return cmocka_run_group_tests_name("screen_answer", tests, NULL, NULL);
}
