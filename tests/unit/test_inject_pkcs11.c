/* SPDX-License-Identifier: Apache-2.0 */
/* test_inject_pkcs11.c: a conversation with the PKCS#11 module while memory and system calls fail, one by one and all
 * at once. Whatever fails: the answer is an error or all of what was asked, the holder is asked at most once for each, and
 * the same module serves the next conversation.
 */
#include "tests/support/inject.h"
#include "tests/unit/pkcs11_world.h"

static struct testpki *pki;

static const struct inject sweeps[] = { INJECT(INJECT_MEMORY), INJECT(INJECT_SYSTEM) };

struct heard {
        CK_RV rv;
        const char *at; /* the function that failed */
        CK_ULONG objects, modulus_len, len;
        CK_BYTE modulus[512], signature[256];
};

#define SAY(call)                                                                                  \
        if ((heard->rv = (call)) != CKR_OK) {                                                      \
                heard->at = #call;                                                                 \
                return;                                                                            \
        }

static void read_key(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE key, struct heard *heard)
{
        CK_MECHANISM mechanism = { CKM_SHA256_RSA_PKCS, NULL, 0 };
        CK_ATTRIBUTE modulus = { CKA_MODULUS, heard->modulus, sizeof heard->modulus };
        SAY(C_GetAttributeValue(session, key, &modulus, 1));
        heard->modulus_len = modulus.len;
        SAY(C_SignInit(session, &mechanism, key));
        heard->len = sizeof heard->signature;
        SAY(C_Sign(session, heard->modulus, 9, heard->signature, &heard->len));
}

static void converse(struct heard *heard)
{
        CK_OBJECT_HANDLE found[8];
        CK_SESSION_HANDLE session;
        CK_SLOT_ID slot;
        CK_ULONG count;
        SAY(C_GetSlotList(CK_TRUE, NULL, &count));
        count = 1;
        SAY(C_GetSlotList(CK_TRUE, &slot, &count));
        if (count == 0) { /* mohrd could not be reached */
                heard->rv = CKR_TOKEN_NOT_PRESENT;
                return;
        }
        SAY(C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL, &session));
        SAY(C_FindObjectsInit(session, NULL, 0));
        SAY(C_FindObjects(session, found, ARRAY_LEN(found), &heard->objects));
        SAY(C_FindObjectsFinal(session));
        if (heard->objects == 4)
                read_key(session, found[2], heard);
}

static bool is_whole(const struct heard *heard)
{
        return heard->rv == CKR_OK && heard->objects == 4 && heard->modulus_len == 256 &&
               heard->len == 256 && heard->signature[0] == 0x5A && heard->signature[255] == 0x5A;
}

static void what_fails_is_said_and_the_next_one_is_served(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                struct heard heard = { 0 }, calm = { 0 };
                world->answers[WORLD_LIST].count = world->answers[WORLD_SIGN].count = 0;
                assert_int_equal(C_Initialize(NULL), CKR_OK);
                inject_arm(&in);
                converse(&heard);
                inject_disarm(&in);
                EXPECT(in, in.failed || is_whole(&heard));
                EXPECT_TELLING(in, heard.at, heard.rv != CKR_OK || is_whole(&heard));
                EXPECT(in, world->answers[WORLD_LIST].count <= 1);
                EXPECT(in, world->answers[WORLD_SIGN].count <= 1);
                converse(&calm);
                EXPECT_TELLING(in, calm.at ? calm.at : "", is_whole(&calm));
                assert_int_equal(C_Finalize(NULL), CKR_OK);
        }
}

static void waiting_for_events_fails_as_it_should(void **state)
{
        (void)state;
        FOR_EACH_FAILURE(in, sweeps)
        {
                CK_SLOT_ID slot = 9;
                CK_ULONG count;
                assert_int_equal(C_Initialize(NULL), CKR_OK);
                world_readers(WORLD_A("empty"));
                assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
                world_readers(WORLD_A("card"));
                inject_arm(&in);
                CK_RV rv = C_WaitForSlotEvent(0, &slot, NULL);
                inject_disarm(&in);
                EXPECT(in, rv == CKR_OK ? slot == 0 : in.failed);
                assert_int_equal(C_Finalize(NULL), CKR_OK);
        }
}

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
        world_stop();
        return 0;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(
                        what_fails_is_said_and_the_next_one_is_served, begin, end),
                cmocka_unit_test_setup_teardown(waiting_for_events_fails_as_it_should, begin, end),
        };
        inject_init();
        pki = testpki_new();
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        testpki_free(pki);
        return failed;
}
