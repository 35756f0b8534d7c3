/* SPDX-License-Identifier: Apache-2.0 */
/* test_pkcs11_threads.c: the PKCS#11 module under several threads, after a fork, and while it waits: for a card, for a
 * person, for another program.
 */
#include "tests/unit/pkcs11_world.h"

#include <fcntl.h>

static struct testpki *pki;

static int begin(void **state)
{
        (void)state;
        world_start();
        world_readers(WORLD_A("card"));
        world_card(pki, "c1", ALL_HASH);
        world_signature(256);
        return 0;
}

static int end(void **state)
{
        (void)state;
        C_Finalize(NULL);
        world_stop();
        return 0;
}

static void initialize(void)
{
        CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
        assert_int_equal(C_Initialize(&args), CKR_OK);
}

static CK_SESSION_HANDLE open_session(void)
{
        CK_SESSION_HANDLE session = 0;
        assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
        return session;
}

/* The last object there is, a private key's being the third. */
static CK_OBJECT_HANDLE private_key(CK_SESSION_HANDLE session)
{
        CK_ULONG class = CKO_PRIVATE_KEY, count = 0;
        CK_ATTRIBUTE template = { CKA_CLASS, &class, sizeof class };
        CK_OBJECT_HANDLE key = 0;
        assert_int_equal(C_FindObjectsInit(session, &template, 1), CKR_OK);
        assert_int_equal(C_FindObjects(session, &key, 1, &count), CKR_OK);
        assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
        assert_int_equal(count, 1);
        return key;
}

/* ---- C_Initialize ---- */

static unsigned int made, destroyed, locked, unlocked;
static CK_RV made_at_most = 9;

static CK_RV make(void **mutex)
{
        if (made == made_at_most)
                return CKR_HOST_MEMORY;
        made++;
        *mutex = malloc(1);
        return CKR_OK;
}

static CK_RV destroy(void *mutex)
{
        destroyed++;
        free(mutex);
        return CKR_OK;
}

static CK_RV lock(void *mutex)
{
        (void)mutex;
        locked++;
        return CKR_OK;
}

static CK_RV unlock(void *mutex)
{
        (void)mutex;
        unlocked++;
        return CKR_OK;
}

static void arguments_are_honoured_or_refused(void **state)
{
        static const struct {
                CK_C_INITIALIZE_ARGS args;
                CK_RV rv;
                unsigned int made;
        } rows[] = {
                { { .flags = CKF_OS_LOCKING_OK }, CKR_OK, 0 },
                { { .flags = 0 }, CKR_OK, 0 },
                { { make, destroy, lock, unlock, CKF_OS_LOCKING_OK, NULL }, CKR_OK, 0 },
                { { make, destroy, lock, unlock, 0, NULL }, CKR_OK, 2 },
                { { make, destroy, lock, NULL, 0, NULL }, CKR_ARGUMENTS_BAD, 0 },
                { { NULL, destroy, NULL, NULL, CKF_OS_LOCKING_OK, NULL }, CKR_ARGUMENTS_BAD, 0 },
                { { .reserved = &made }, CKR_ARGUMENTS_BAD, 0 },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CK_C_INITIALIZE_ARGS args = rows[i].args;
                made = destroyed = locked = unlocked = 0;
                assert_int_equal(C_Initialize(&args), rows[i].rv);
                if (rows[i].rv == CKR_OK) {
                        assert_int_equal(C_Initialize(&args), CKR_CRYPTOKI_ALREADY_INITIALIZED);
                        private_key(open_session());
                        assert_int_equal(C_Finalize(&made), CKR_ARGUMENTS_BAD);
                        assert_int_equal(C_Finalize(NULL), CKR_OK);
                }
                assert_int_equal(C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED);
                assert_int_equal(made, rows[i].made);
                assert_int_equal(destroyed, made);
                assert_int_equal(locked, unlocked);
                assert_true(!made == !locked);
        }
        CK_C_INITIALIZE_ARGS own = { make, destroy, lock, unlock, 0, NULL };
        for (made_at_most = 0; made_at_most < 2; made_at_most++) {
                made = destroyed = 0;
                assert_int_equal(C_Initialize(&own), CKR_HOST_MEMORY);
                assert_int_equal(destroyed, made);
        }
        made_at_most = 9;
        initialize();
}

/* ---- Threads ---- */

struct thread {
        pthread_t id;
        CK_SESSION_HANDLE session;
        CK_OBJECT_HANDLE key;
        CK_SLOT_ID slot;
        CK_RV rv;
        _Atomic unsigned int running;
};

static void run(struct thread *thread, void *(*body)(void *))
{
        assert_int_equal(pthread_create(&thread->id, NULL, body, thread), 0);
        assert_true(world_reaches(&thread->running, 1));
}

static CK_RV ended(struct thread *thread)
{
        assert_int_equal(pthread_join(thread->id, NULL), 0);
        return thread->rv;
}

static void *search(void *of)
{
        struct thread *thread = of;
        thread->running = 1;
        thread->rv = C_FindObjectsInit(thread->session, NULL, 0);
        return NULL;
}

static void *sign(void *of)
{
        struct thread *thread = of;
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        thread->running = 1;
        thread->rv = C_SignInit(thread->session, &mechanism, thread->key);
        if (thread->rv == CKR_OK)
                thread->rv = C_Sign(thread->session, signature, 0, signature, &len);
        return NULL;
}

static void *wait_for_event(void *of)
{
        struct thread *thread = of;
        thread->running = 1;
        thread->rv = C_WaitForSlotEvent(0, &thread->slot, NULL);
        return NULL;
}

static void two_threads_that_search_ask_once(void **state)
{
        struct thread threads[8] = { 0 };
        CK_ULONG count;
        (void)state;
        initialize();
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
                threads[i].session = open_session();
        world->answers[WORLD_LIST].hold = true;
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
                run(&threads[i], search);
        assert_true(world_reaches(&world->answers[WORLD_LIST].count, 1));
        /* What needs no card is answered meanwhile. */
        assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(count, 1);
        world->answers[WORLD_LIST].hold = false;
        world_order('l');
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
                assert_int_equal(ended(&threads[i]), CKR_OK);
        assert_int_equal(world->answers[WORLD_LIST].count, 1);
}

static void threads_that_sign_do_so_one_after_the_other(void **state)
{
        struct thread threads[6] = { 0 };
        (void)state;
        initialize();
        for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
                threads[i].session = open_session();
                threads[i].key = private_key(threads[i].session);
        }
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
                run(&threads[i], sign);
        for (size_t i = 0; i < ARRAY_LEN(threads); i++)
                assert_int_equal(ended(&threads[i]), CKR_OK);
        assert_int_equal(world->answers[WORLD_SIGN].count, ARRAY_LEN(threads));
}

static void a_session_may_go_while_its_holder_thinks(void **state)
{
        struct thread thread = { 0 };
        (void)state;
        initialize();
        thread.session = open_session();
        thread.key = private_key(thread.session);
        world->answers[WORLD_SIGN].hold = true;
        run(&thread, sign);
        assert_true(world_reaches(&world->answers[WORLD_SIGN].count, 1));
        assert_int_equal(C_CloseAllSessions(0), CKR_OK);
        world->answers[WORLD_SIGN].hold = false;
        world_order('s');
        assert_int_equal(ended(&thread), CKR_OK);
}

/* ---- C_Finalize ---- */

static void finalize_ends_whatever_is_waited_for(void **state)
{
        struct thread signer = { 0 }, waiter = { 0 }, second = { 0 };
        (void)state;
        initialize();
        signer.session = second.session = open_session();
        signer.key = private_key(signer.session);
        second.session = open_session();
        second.key = signer.key;
        world->answers[WORLD_SIGN].hold = true;
        run(&signer, sign);
        assert_true(world_reaches(&world->answers[WORLD_SIGN].count, 1));
        run(&second, sign); /* waits for its turn */
        unsigned int watches = world->answers[WORLD_WATCH].count;
        run(&waiter, wait_for_event);
        assert_true(world_reaches(&world->answers[WORLD_WATCH].count, watches + 1));
        unsigned int gone = world->gone;
        assert_int_equal(C_Finalize(NULL), CKR_OK);
        assert_int_equal(ended(&signer), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_int_equal(ended(&second), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_int_equal(ended(&waiter), CKR_CRYPTOKI_NOT_INITIALIZED);
        assert_true(world_reaches(&world->gone, gone + 3)); /* mohrd sees the cancel */
        assert_int_equal(world->answers[WORLD_SIGN].count, 1);
        initialize();
}

/* ---- Events ---- */

static void events_are_told_once(void **state)
{
        CK_SLOT_ID slot = 99;
        CK_ULONG count;
        (void)state;
        initialize();
        assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, NULL, NULL), CKR_ARGUMENTS_BAD);
        assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
        world_readers(WORLD_A("in_use"));
        assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
        world_readers(WORLD_A("empty") "," WORLD_B("card"));
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_OK);
        assert_int_equal(slot, 0);
        assert_int_equal(C_WaitForSlotEvent(0, &slot, NULL), CKR_OK);
        assert_int_equal(slot, 1);
        assert_int_equal(C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL), CKR_NO_EVENT);
}

static void who_waits_is_woken_by_a_card(void **state)
{
        struct thread thread = { .slot = 99 };
        (void)state;
        initialize();
        world_readers(WORLD_A("empty"));
        run(&thread, wait_for_event);
        assert_true(world_reaches(&world->answers[WORLD_WATCH].count, 1));
        world_order('p'); /* a picture of nothing new */
        world_readers(WORLD_A("card"));
        world_order('p');
        assert_int_equal(ended(&thread), CKR_OK);
        assert_int_equal(thread.slot, 0);
}

static void waiting_without_mohrd_fails_and_does_not_spin(void **state)
{
        struct thread thread = { 0 };
        CK_SLOT_ID slot;
        (void)state;
        initialize();
        run(&thread, wait_for_event);
        assert_true(world_reaches(&world->answers[WORLD_WATCH].count, 1));
        world_order('c');
        assert_int_equal(ended(&thread), CKR_FUNCTION_FAILED);
        setenv("MOHR_SOCKET", "/tmp/mohr-nobody.sock", 1);
        assert_int_equal(C_WaitForSlotEvent(0, &slot, NULL), CKR_FUNCTION_FAILED);
}

/* ---- Another program's request ---- */

static void a_reader_in_use_is_waited_for(void **state)
{
        struct thread thread = { 0 };
        (void)state;
        initialize();
        thread.session = open_session();
        thread.key = private_key(thread.session);
        world_readers(WORLD_A("in_use"));
        world_order('p');
        world_fails(WORLD_SIGN, "mohr.Keys.Busy");
        run(&thread, sign);
        assert_true(world_reaches(&world->answers[WORLD_SIGN].count, 1));
        world_signature(256);
        world_readers(WORLD_A("card"));
        world_order('p');
        assert_int_equal(ended(&thread), CKR_OK);
        assert_int_equal(world->answers[WORLD_SIGN].count, 2);
}

static void a_card_that_goes_meanwhile_ends_the_waiting(void **state)
{
        struct thread thread = { 0 };
        (void)state;
        initialize();
        thread.session = open_session();
        thread.key = private_key(thread.session);
        world_readers(WORLD_A("in_use"));
        world_order('p');
        world_fails(WORLD_SIGN, "mohr.Keys.Busy");
        run(&thread, sign);
        assert_true(world_reaches(&world->answers[WORLD_SIGN].count, 1));
        world_readers(WORLD_A("empty"));
        world_order('p');
        assert_int_equal(ended(&thread), CKR_DEVICE_ERROR);
        assert_int_equal(world->answers[WORLD_SIGN].count, 1);
}

/* ---- Fork ---- */

/* What the child does, as an exit status; 0: all as it should be. */
static int in_the_child(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key)
{
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_SESSION_INFO info;
        CK_SESSION_HANDLE own;
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        if (C_GetSessionInfo(session, &info) != CKR_CRYPTOKI_NOT_INITIALIZED ||
                C_SignInit(session, &mechanism, key) != CKR_CRYPTOKI_NOT_INITIALIZED ||
                C_Finalize(NULL) != CKR_CRYPTOKI_NOT_INITIALIZED)
                return 1;
        if (C_Initialize(NULL) != CKR_OK || C_Initialize(NULL) != CKR_CRYPTOKI_ALREADY_INITIALIZED)
                return 2;
        if (C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &own) != CKR_OK ||
                C_FindObjectsInit(own, NULL, 0) != CKR_OK)
                return 3;
        if (C_SignInit(own, &mechanism, key) != CKR_OK ||
                C_Sign(own, signature, 0, signature, &len) != CKR_OK)
                return 4;
        return C_Finalize(NULL) == CKR_OK ? 0 : 5;
}

static void a_forked_process_begins_anew_and_disturbs_nobody(void **state)
{
        struct thread signer = { 0 };
        int status;
        (void)state;
        initialize();
        signer.session = open_session();
        signer.key = private_key(signer.session);
        pid_t child = fork();
        if (child == 0)
                _exit(in_the_child(signer.session, signer.key));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(private_key(signer.session), signer.key);
        world->answers[WORLD_SIGN].hold = true;
        run(&signer, sign);
        assert_true(world_reaches(&world->answers[WORLD_SIGN].count, 2));
        child = fork(); /* in the middle of the parent's signature */
        if (child == 0) {
                world->answers[WORLD_SIGN].hold = false;
                _exit(in_the_child(signer.session, signer.key));
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        world_order('s');
        assert_int_equal(ended(&signer), CKR_OK);
        assert_int_equal(world->answers[WORLD_LIST].count, 3);
}

/* As daemons do: every descriptor is closed, and their numbers are other files' when the module is initialised again. */
static int with_other_files(void)
{
        for (int fd = 3; fd < 64; fd++)
                close(fd);
        for (int fd = 3; fd < 64; fd++)
                if (dup(STDERR_FILENO) != fd)
                        return 1;
        if (C_Initialize(NULL) != CKR_OK)
                return 2;
        for (int fd = 3; fd < 64; fd++)
                if (fcntl(fd, F_GETFD) < 0)
                        return 3;
        return 0;
}

static void a_forked_process_closes_nobody_elses_files(void **state)
{
        int status;
        (void)state;
        initialize();
        private_key(open_session());
        pid_t child = fork();
        if (child == 0)
                _exit(with_other_files());
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(arguments_are_honoured_or_refused),
                CASE(two_threads_that_search_ask_once),
                CASE(threads_that_sign_do_so_one_after_the_other),
                CASE(a_session_may_go_while_its_holder_thinks),
                CASE(finalize_ends_whatever_is_waited_for),
                CASE(events_are_told_once),
                CASE(who_waits_is_woken_by_a_card),
                CASE(waiting_without_mohrd_fails_and_does_not_spin),
                CASE(a_reader_in_use_is_waited_for),
                CASE(a_card_that_goes_meanwhile_ends_the_waiting),
                CASE(a_forked_process_begins_anew_and_disturbs_nobody),
                CASE(a_forked_process_closes_nobody_elses_files),
        };
        pki = testpki_new();
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        testpki_free(pki);
        return failed;
}
