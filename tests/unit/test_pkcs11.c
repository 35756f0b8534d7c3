/* SPDX-License-Identifier: Apache-2.0 */
/* test_pkcs11.c: the PKCS#11 module against a mohrd of the test's own: what programs are told, what has a holder asked and
 * what has not, and what becomes of answers that are wrong.
 */
#include "tests/unit/pkcs11_world.h"

#include <openssl/x509.h>

static struct testpki *pki;

static int begin(void **state)
{
        (void)state;
        world_start();
        world_readers(WORLD_A("card"));
        world_card(pki, "c1", ALL_HASH);
        world_signature(256);
        assert_int_equal(C_Initialize(NULL), CKR_OK);
        return 0;
}

static int end(void **state)
{
        (void)state;
        C_Finalize(NULL);
        world_stop();
        return 0;
}

static CK_SESSION_HANDLE open_session(void)
{
        CK_SESSION_HANDLE session = 0;
        assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_OK);
        return session;
}

/* How many there are; the last one in *ret. */
static CK_ULONG find(
        CK_SESSION_HANDLE session, CK_ATTRIBUTE *template, CK_ULONG count, CK_OBJECT_HANDLE *ret)
{
        CK_OBJECT_HANDLE found[16];
        CK_ULONG n = 0;
        assert_int_equal(C_FindObjectsInit(session, template, count), CKR_OK);
        assert_int_equal(C_FindObjects(session, found, ARRAY_LEN(found), &n), CKR_OK);
        assert_int_equal(C_FindObjectsFinal(session), CKR_OK);
        if (n > 0 && ret)
                *ret = found[n - 1];
        return n;
}

static CK_ULONG find_class(CK_SESSION_HANDLE session, CK_ULONG class, CK_OBJECT_HANDLE *ret)
{
        CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class } };
        return find(session, template, 1, ret);
}

static CK_OBJECT_HANDLE private_key(CK_SESSION_HANDLE session)
{
        CK_OBJECT_HANDLE key = 0;
        assert_int_equal(find_class(session, CKO_PRIVATE_KEY, &key), 1);
        return key;
}

/* ---- Lists ---- */

static void lists_need_no_initialize_and_everything_else_does(void **state)
{
        const CK_FUNCTION_LIST *list = NULL;
        CK_INFO info;
        CK_ULONG count = 0;
        CK_SLOT_ID slot;
        (void)state;
        assert_int_equal(C_GetFunctionList(&list), CKR_OK);
        assert_int_equal(list->version.major, 2);
        assert_int_equal(list->version.minor, 40);
        assert_int_equal(C_GetFunctionList(NULL), CKR_ARGUMENTS_BAD);
        const CK_RV answers[] = { C_Finalize(NULL), C_GetInfo(&info),
                C_GetSlotList(CK_FALSE, NULL, &count), C_GetSlotInfo(0, NULL),
                C_GetTokenInfo(0, NULL), C_GetMechanismList(0, NULL, &count),
                C_GetMechanismInfo(0, 0, NULL), C_OpenSession(0, 4, NULL, NULL, NULL),
                C_CloseSession(1), C_CloseAllSessions(0), C_GetSessionInfo(1, NULL),
                C_Login(1, CKU_USER, NULL, 0), C_Logout(1), C_GetAttributeValue(1, 1, NULL, 0),
                C_FindObjectsInit(1, NULL, 0), C_FindObjects(1, NULL, 0, &count),
                C_FindObjectsFinal(1), C_SignInit(1, NULL, 1), C_Sign(1, NULL, 0, NULL, &count),
                C_SignUpdate(1, NULL, 0), C_SignFinal(1, NULL, &count), C_SessionCancel(1, 0),
                C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL) };
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                assert_int_equal(answers[i], CKR_CRYPTOKI_NOT_INITIALIZED);
}

static void every_entry_of_both_lists_is_a_function(void **state)
{
        const CK_INTERFACE *interface = NULL;
        void (*entries[92])(void);
        (void)state;
        assert_int_equal(C_GetInterface(NULL, NULL, &interface, 0), CKR_OK);
        assert_int_equal(sizeof(CK_FUNCTION_LIST_3_0), sizeof entries + sizeof(void *));
        memcpy(entries, (const char *)interface->functions + sizeof(void *), sizeof entries);
        for (size_t i = 0; i < ARRAY_LEN(entries); i++)
                for (size_t j = 0; j <= i; j++)
                        assert_true(j == i ? entries[i] != NULL : entries[i] != entries[j]);
}

static void interfaces_are_chosen_by_name_and_version(void **state)
{
        static const CK_VERSION v2 = { 2, 40 }, v3 = { 3, 0 }, v1 = { 3, 1 };
        static const struct {
                const char *name;
                const CK_VERSION *version;
                CK_FLAGS flags;
                CK_BYTE major; /* 0: none */
        } rows[] = {
                { NULL, NULL, 0, 3 },
                { "PKCS 11", NULL, 0, 3 },
                { "PKCS 11", &v2, 0, 2 },
                { "PKCS 11", &v3, 0, 3 },
                { NULL, &v1, 0, 0 },
                { "Vendor", NULL, 0, 0 },
                { NULL, NULL, 1, 0 },
        };
        CK_INTERFACE all[2];
        CK_ULONG count = 1;
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                const CK_INTERFACE *found = NULL;
                CK_RV rv = C_GetInterface(
                        (const CK_UTF8CHAR *)rows[i].name, rows[i].version, &found, rows[i].flags);
                assert_int_equal(rv, rows[i].major ? CKR_OK : CKR_FUNCTION_FAILED);
                if (found)
                        assert_int_equal(*(const CK_BYTE *)found->functions, rows[i].major);
        }
        assert_int_equal(C_GetInterfaceList(all, &count), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(count, 2);
        assert_int_equal(C_GetInterfaceList(all, &count), CKR_OK);
        assert_int_equal(C_GetInterfaceList(NULL, NULL), CKR_ARGUMENTS_BAD);
}

static void what_is_not_offered_says_so(void **state)
{
        CK_BYTE byte = 0;
        CK_ULONG len = 1;
        (void)state;
        assert_int_equal(C_VerifyInit(1, NULL, 1), CKR_FUNCTION_NOT_SUPPORTED);
        assert_int_equal(C_SetPIN(1, &byte, 1, &byte, 1), CKR_FUNCTION_NOT_SUPPORTED);
        assert_int_equal(C_DecryptInit(1, NULL, 1), CKR_FUNCTION_NOT_SUPPORTED);
        assert_int_equal(
                C_SignMessage(1, NULL, 0, &byte, 1, &byte, &len), CKR_FUNCTION_NOT_SUPPORTED);
        assert_int_equal(C_GenerateRandom(1, &byte, 1), CKR_RANDOM_NO_RNG);
        assert_int_equal(C_CancelFunction(1), CKR_FUNCTION_NOT_PARALLEL);
}

/* ---- Slots and tokens ---- */

static void a_slot_is_a_name_for_ever(void **state)
{
        CK_SLOT_ID slots[4];
        CK_ULONG count = ARRAY_LEN(slots);
        CK_SLOT_INFO info;
        (void)state;
        world_readers(WORLD_A("empty") "," WORLD_B("card"));
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 2);
        world_readers(WORLD_B("card"));
        assert_int_equal(C_GetSlotList(CK_FALSE, slots, &count), CKR_OK);
        assert_int_equal(count, 2); /* nothing changes between the two questions */
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 1);
        count = 0;
        assert_int_equal(C_GetSlotList(CK_FALSE, slots, &count), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(count, 1);
        assert_int_equal(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
        assert_int_equal(slots[0], 1);
        world_readers(WORLD_READER("Test C", "unusable") "," WORLD_A("busy") "," WORLD_B("in_use"));
        count = ARRAY_LEN(slots);
        assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
        assert_int_equal(count, 2);
        assert_int_equal(slots[0], 0);
        assert_int_equal(C_GetSlotInfo(2, &info), CKR_OK);
        assert_int_equal(info.flags, CKF_REMOVABLE_DEVICE);
        assert_memory_equal(info.description, "Test C  ", 8);
        assert_int_equal(C_GetSlotInfo(3, &info), CKR_SLOT_ID_INVALID);
}

static void without_mohrd_there_are_no_readers(void **state)
{
        CK_ULONG count = 7;
        CK_SESSION_HANDLE session;
        (void)state;
        setenv("MOHR_SOCKET", "/tmp/mohr-nobody.sock", 1);
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 0);
        assert_int_equal(
                C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
        setenv("MOHR_SOCKET", world->path, 1);
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 1);
}

static void a_token_tells_of_itself_and_nobody_is_asked(void **state)
{
        CK_TOKEN_INFO a, b;
        CK_ULONG count;
        (void)state;
        world_readers(WORLD_A("card") "," WORLD_READER(
                "B: long \xD9\x86 name of a reader of cards", "card"));
        assert_int_equal(C_GetSlotList(CK_TRUE, NULL, &count), CKR_OK);
        assert_int_equal(C_GetTokenInfo(0, &a), CKR_OK);
        assert_int_equal(C_GetTokenInfo(1, &b), CKR_OK);
        assert_int_equal(a.flags, CKF_TOKEN_INITIALIZED | CKF_PROTECTED_AUTHENTICATION_PATH |
                                          CKF_WRITE_PROTECTED | CKF_USER_PIN_INITIALIZED);
        assert_memory_equal(a.label, "Mohr Test A                     ", 32);
        assert_memory_equal(b.label, "Mohr B- long \xD9\x86 name of a reader ", 32);
        assert_memory_equal(a.manufacturer, "Mohr ", 5);
        assert_memory_not_equal(a.serial_number, b.serial_number, 16);
        world_readers(WORLD_A("empty"));
        assert_int_equal(C_GetTokenInfo(0, &a), CKR_TOKEN_NOT_PRESENT);
        assert_int_equal(world->answers[WORLD_LIST].count, 0);
}

static void pictures_may_say_anything(void **state)
{
        static const char *const readers[] = { "1", "null", "{}", "{\"name\":1,\"state\":\"card\"}",
                "{\"name\":\"\",\"state\":\"card\"}", "{\"name\":\"x\"}",
                "{\"name\":\"x\",\"state\":[]}" };
        CK_ULONG count;
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(readers); i++) {
                world_readers(readers[i]);
                assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
                assert_int_equal(count, 0);
        }
        world_says(WORLD_STATUS, "{\"parameters\":{\"readers\":7}}");
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 0);
        world_says(WORLD_STATUS, "{\"parameters\":");
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_DEVICE_ERROR);
        world_fails(WORLD_STATUS, "org.varlink.service.MethodNotFound");
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        world->answers[WORLD_STATUS].hang_up = true;
        world->answers[WORLD_STATUS].len = 0;
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, 0);
}

static void more_readers_than_there_is_room_for_are_left_out(void **state)
{
        char all[80 * (P11_SLOTS_MAX + 8)] = "";
        CK_ULONG count;
        (void)state;
        for (size_t i = 0; i < P11_SLOTS_MAX + 8; i++)
                snprintf(all + strlen(all), sizeof all - strlen(all),
                        "%s" WORLD_READER("R%zu", "card"), i ? "," : "", i);
        world_readers(all);
        assert_int_equal(C_GetSlotList(CK_FALSE, NULL, &count), CKR_OK);
        assert_int_equal(count, P11_SLOTS_MAX);
}

/* ---- Sessions and login ---- */

static void sessions_open_where_a_card_lies(void **state)
{
        CK_SESSION_HANDLE session, first;
        CK_SESSION_INFO info;
        (void)state;
        assert_int_equal(
                C_OpenSession(0, 0, NULL, NULL, &session), CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        assert_int_equal(
                C_OpenSession(9, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SLOT_ID_INVALID);
        assert_int_equal(C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, NULL), CKR_ARGUMENTS_BAD);
        first = open_session();
        /* OpenSSH opens no other kind. */
        assert_int_equal(
                C_OpenSession(0, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
                CKR_OK);
        assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
        assert_int_equal(info.state, CKS_RW_PUBLIC_SESSION);
        assert_int_equal(C_CloseSession(first), CKR_OK);
        assert_int_equal(C_CloseSession(first), CKR_SESSION_HANDLE_INVALID);
        assert_int_equal(C_CloseAllSessions(0), CKR_OK);
        assert_int_equal(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
        for (size_t i = 0; i < P11_SESSIONS_MAX; i++)
                open_session();
        assert_int_equal(
                C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_SESSION_COUNT);
        world_readers(WORLD_A("empty"));
        assert_int_equal(
                C_OpenSession(0, CKF_SERIAL_SESSION, NULL, NULL, &session), CKR_TOKEN_NOT_PRESENT);
}

static void a_login_is_for_form_and_takes_no_pin(void **state)
{
        static const CK_UTF8CHAR pin[] = "27182818";
        CK_SESSION_HANDLE session = open_session(), other = open_session();
        CK_SESSION_INFO info;
        (void)state;
        assert_int_equal(C_Logout(session), CKR_USER_NOT_LOGGED_IN);
        assert_int_equal(C_Login(session, CKU_USER, pin, 8), CKR_ARGUMENTS_BAD);
        assert_int_equal(C_Login(session, CKU_SO, NULL, 0), CKR_USER_TYPE_INVALID);
        assert_int_equal(C_Login(session, CKU_USER, NULL, 0), CKR_OK);
        assert_int_equal(C_Login(other, CKU_USER, pin, 0), CKR_USER_ALREADY_LOGGED_IN);
        assert_int_equal(C_Login(other, CKU_CONTEXT_SPECIFIC, NULL, 0), CKR_OK);
        assert_int_equal(C_GetSessionInfo(other, &info), CKR_OK);
        assert_int_equal(info.state, CKS_RO_USER_FUNCTIONS);
        assert_int_equal(C_Logout(other), CKR_OK);
        assert_int_equal(C_Login(session, CKU_USER, NULL, 0), CKR_OK);
        C_CloseSession(session);
        C_CloseSession(other);
        session = open_session();
        assert_int_equal(C_GetSessionInfo(session, &info), CKR_OK);
        assert_int_equal(info.state, CKS_RO_PUBLIC_SESSION); /* the last one took it along */
}

/* ---- Objects ---- */

/* Reads one attribute; its length. */
static CK_ULONG value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
        void *dst, CK_ULONG cap)
{
        CK_ATTRIBUTE asked = { type, NULL, 0 };
        assert_int_equal(C_GetAttributeValue(session, object, &asked, 1), CKR_OK);
        assert_true(asked.len <= cap);
        asked.value = dst;
        assert_int_equal(C_GetAttributeValue(session, object, &asked, 1), CKR_OK);
        return asked.len;
}

static void one_key_is_three_objects_and_its_issuer(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session), object = 0;
        uint8_t bytes[4096];
        CK_ULONG number = 0;
        (void)state;
        assert_int_equal(find(session, NULL, 0, NULL), 4);
        assert_int_equal(find_class(session, CKO_CERTIFICATE, &object), 2);
        assert_int_equal(value(session, object, CKA_CERTIFICATE_CATEGORY, &number, sizeof number),
                sizeof number);
        assert_int_equal(number, CK_CERTIFICATE_CATEGORY_AUTHORITY);
        assert_int_equal(value(session, object, CKA_ID, bytes, sizeof bytes), 0);
        assert_int_equal(value(session, key, CKA_ID, bytes, sizeof bytes), 1);
        assert_int_equal(bytes[0], 1);
        assert_int_equal(value(session, key, CKA_MODULUS, bytes, sizeof bytes), 256);
        assert_true(bytes[0] & 0x80);
        assert_int_equal(value(session, key, CKA_PUBLIC_EXPONENT, bytes, sizeof bytes), 3);
        assert_memory_equal(bytes, "\1\0\1", 3);
        assert_int_equal(value(session, key, CKA_ALLOWED_MECHANISMS, bytes, sizeof bytes),
                8 * sizeof(CK_ULONG));
        assert_int_equal(value(session, key, CKA_SIGN, bytes, sizeof bytes), 1);
        assert_int_equal(bytes[0], CK_TRUE);
        assert_int_equal(value(session, key, CKA_ALWAYS_AUTHENTICATE, bytes, sizeof bytes), 1);
        assert_int_equal(bytes[0], CK_FALSE);
        assert_int_equal(find_class(session, CKO_PUBLIC_KEY, &object), 1);
        assert_int_equal(
                value(session, object, CKA_MODULUS_BITS, &number, sizeof number), sizeof number);
        assert_int_equal(number, 2048);
        assert_int_equal(world->answers[WORLD_LIST].count, 1);
}

/* Frees *der. */
static void is_value(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type,
        unsigned char **der, size_t len)
{
        uint8_t bytes[4096];
        assert_int_equal(value(session, object, type, bytes, sizeof bytes), len);
        assert_memory_equal(bytes, *der, len);
        OPENSSL_free(*der);
        *der = NULL;
}

static void what_stands_in_the_certificate_is_told_byte_for_byte(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_BYTE id = 1;
        CK_ULONG class = CKO_CERTIFICATE;
        CK_ATTRIBUTE template[] = { { CKA_CLASS, &class, sizeof class }, { CKA_ID, &id, 1 } };
        CK_OBJECT_HANDLE object = 0;
        unsigned char *der = NULL;
        (void)state;
        assert_int_equal(find(session, template, 2, &object), 1);
        size_t len = (size_t)i2d_X509(pki->leaf, &der);
        is_value(session, object, CKA_VALUE, &der, len);
        len = (size_t)i2d_X509_NAME(X509_get_subject_name(pki->leaf), &der);
        is_value(session, object, CKA_SUBJECT, &der, len);
        len = (size_t)i2d_X509_NAME(X509_get_issuer_name(pki->leaf), &der);
        is_value(session, object, CKA_ISSUER, &der, len);
        len = (size_t)i2d_ASN1_INTEGER(X509_get_serialNumber(pki->leaf), &der);
        is_value(session, object, CKA_SERIAL_NUMBER, &der, len);
}

static void attributes_that_cannot_be_told_say_why(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE small[8];
        CK_ULONG class = 0;
        CK_ATTRIBUTE asked[] = { { CKA_PRIVATE_EXPONENT, small, sizeof small },
                { CKA_CLASS, &class, sizeof class }, { CKA_EC_POINT, NULL, 0 } };
        CK_ATTRIBUTE modulus = { CKA_MODULUS, small, sizeof small };
        (void)state;
        assert_int_equal(C_GetAttributeValue(session, key, asked, 3), CKR_ATTRIBUTE_SENSITIVE);
        assert_int_equal(asked[0].len, CK_UNAVAILABLE_INFORMATION);
        assert_int_equal(class, CKO_PRIVATE_KEY); /* the others are told all the same */
        assert_int_equal(asked[2].len, CK_UNAVAILABLE_INFORMATION);
        assert_int_equal(
                C_GetAttributeValue(session, key, &asked[2], 1), CKR_ATTRIBUTE_TYPE_INVALID);
        assert_int_equal(C_GetAttributeValue(session, key, &modulus, 1), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(
                C_GetAttributeValue(session, key + 99, &modulus, 1), CKR_OBJECT_HANDLE_INVALID);
        assert_int_equal(C_GetAttributeValue(session, key, NULL, 1), CKR_ARGUMENTS_BAD);
        assert_int_equal(C_GetAttributeValue(99, key, &modulus, 1), CKR_SESSION_HANDLE_INVALID);
}

static void an_ec_key_has_its_curve_and_its_point(void **state)
{
        X509 *leaf = testpki_issue(pki, &(struct testpki_spec){ .key = pki->ec_key });
        _cleanup_free_ char *text = world_base64(leaf);
        CK_SESSION_HANDLE session = open_session();
        uint8_t bytes[256];
        (void)state;
        world_says(WORLD_LIST,
                "{\"parameters\":{\"card\":\"c\",\"keys\":[{\"id\":\"0a0b\",\"label\":\"x\","
                "\"certificate\":\"%s\","
                "\"key_type\":\"ec\",\"bits\":256,\"data_mechanisms\":[\"ECDSA-SHA256\"],\"hash_"
                "mechanisms\":[\"ECDSA\"]}]}}",
                text);
        CK_OBJECT_HANDLE key = private_key(session);
        assert_int_equal(value(session, key, CKA_EC_POINT, bytes, sizeof bytes), 67);
        assert_memory_equal(bytes, "\x04\x41\x04", 3);
        assert_int_equal(value(session, key, CKA_EC_PARAMS, bytes, sizeof bytes), 10);
        assert_memory_equal(bytes, "\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07", 10);
        const CK_MECHANISM ecdsa = { CKM_ECDSA_SHA256, NULL, 0 }, rsa = { CKM_RSA_PKCS, NULL, 0 };
        CK_ULONG len = 0;
        assert_int_equal(C_SignInit(session, &rsa, key), CKR_KEY_TYPE_INCONSISTENT);
        assert_int_equal(C_SignInit(session, &ecdsa, key), CKR_OK);
        assert_int_equal(C_Sign(session, bytes, 5, NULL, &len), CKR_OK);
        assert_int_equal(len, 64);
        X509_free(leaf);
}

/* ---- Who has the holder asked ---- */

static void searches_for_what_is_not_a_cards_ask_nobody(void **state)
{
        CK_ULONG certificate = CKO_CERTIFICATE, trust = 0xCE534353, secret = 4, data = 0,
                 rsa = CKK_RSA, aes = 0x1F, category = CK_CERTIFICATE_CATEGORY_AUTHORITY,
                 private = CKO_PRIVATE_KEY;
        CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
        CK_BYTE subject[] = { 0x30, 0 };
        struct {
                const char *what;
                CK_ATTRIBUTE template[3];
                CK_ULONG count;
                bool asks;
        } rows[] = {
                { "NSS: trust", { { CKA_CLASS, &trust, 8 }, { CKA_TOKEN, &yes, 1 } }, 2, false },
                { "NSS: an issuer", { { CKA_CLASS, &certificate, 8 }, { CKA_SUBJECT, subject, 2 } },
                        2, false },
                { "NSS: a certificate that it has",
                        { { CKA_CLASS, &certificate, 8 }, { CKA_VALUE, subject, 2 } }, 2, false },
                { "anchors", { { CKA_CLASS, &certificate, 8 }, { CKA_TRUSTED, &yes, 1 } }, 2,
                        false },
                { "authorities",
                        { { CKA_CLASS, &certificate, 8 },
                                { CKA_CERTIFICATE_CATEGORY, &category, 8 } },
                        2, false },
                { "by issuer and serial",
                        { { CKA_ISSUER, subject, 2 }, { CKA_SERIAL_NUMBER, subject, 2 } }, 2,
                        false },
                { "a secret key", { { CKA_CLASS, &secret, 8 } }, 1, false },
                { "data", { { CKA_CLASS, &data, 8 } }, 1, false },
                { "session objects", { { CKA_TOKEN, &no, 1 } }, 1, false },
                { "a key of another kind",
                        { { CKA_CLASS, &private, 8 }, { CKA_KEY_TYPE, &aes, 8 } }, 2, false },
                { "a key that decrypts", { { CKA_CLASS, &private, 8 }, { CKA_DECRYPT, &yes, 1 } },
                        2, false },
                { "a class that is too short", { { CKA_CLASS, &certificate, 4 } }, 1, false },
                { "an attribute of a vendor's", { { 0x80000001, subject, 2 } }, 1, false },
                { "everything", { { 0, NULL, 0 } }, 0, true },
                { "certificates", { { CKA_CLASS, &certificate, 8 }, { CKA_TOKEN, &yes, 1 } }, 2,
                        true },
                { "a certificate of this name",
                        { { CKA_CLASS, &certificate, 8 }, { CKA_LABEL, subject, 2 } }, 2, true },
                { "keys that sign", { { CKA_CLASS, &private, 8 }, { CKA_SIGN, &yes, 1 } }, 2,
                        true },
                { "the key of a certificate",
                        { { CKA_CLASS, &private, 8 }, { CKA_SUBJECT, subject, 2 } }, 2, true },
                { "an RSA key", { { CKA_CLASS, &private, 8 }, { CKA_KEY_TYPE, &rsa, 8 } }, 2,
                        true },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                unsigned int before = world->answers[WORLD_LIST].count;
                CK_SESSION_HANDLE session = open_session();
                CK_ULONG found = find(session, rows[i].template, rows[i].count, NULL);
                if ((world->answers[WORLD_LIST].count == before + 1) != rows[i].asks)
                        fail_msg("%s", rows[i].what);
                if (found > 0 && !rows[i].asks)
                        fail_msg("%s: %lu", rows[i].what, found);
                C_Finalize(NULL);
                assert_int_equal(C_Initialize(NULL), CKR_OK);
        }
}

static void a_no_holds_while_the_card_lies_there(void **state)
{
        static const char *const answers[] = { "mohr.Keys.RefusedByPerson",
                "mohr.Keys.RefusedByPolicy", "mohr.Keys.CardNotSupported", "mohr.Keys.TimedOut",
                "mohr.Keys.NobodyToAsk" };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
                CK_SESSION_HANDLE session = open_session();
                unsigned int before = world->answers[WORLD_LIST].count;
                world_fails(WORLD_LIST, answers[i]);
                assert_int_equal(find(session, NULL, 0, NULL), 0);
                assert_int_equal(find(session, NULL, 0, NULL), 0);
                assert_int_equal(world->answers[WORLD_LIST].count, before + 1);
                world_card(pki, "c2", ALL_HASH);
                assert_int_equal(find(session, NULL, 0, NULL), 0);
                world_readers(WORLD_A("empty"));
                world_order('p');
                assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_SESSION_HANDLE_INVALID);
                world_readers(WORLD_A("card"));
                world_order('p');
                session = open_session();
                assert_int_equal(find(session, NULL, 0, NULL), 4);
                assert_int_equal(world->answers[WORLD_LIST].count, before + 2);
                C_Finalize(NULL);
                assert_int_equal(C_Initialize(NULL), CKR_OK);
        }
}

static void what_went_wrong_is_said_and_asked_again(void **state)
{
        static const struct {
                const char *error;
                CK_RV rv;
        } rows[] = {
                { "mohr.Keys.CardRemoved", CKR_DEVICE_REMOVED },
                { "mohr.Keys.ReaderServiceUnavailable", CKR_DEVICE_ERROR },
                { "mohr.Keys.CannotRecord", CKR_FUNCTION_FAILED },
                { "mohr.Keys.Internal", CKR_GENERAL_ERROR },
                { "org.varlink.service.InterfaceNotFound", CKR_GENERAL_ERROR },
                { "mohr.Keys.Busy", CKR_DEVICE_ERROR },
        };
        CK_SESSION_HANDLE session = open_session();
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                world_fails(WORLD_LIST, rows[i].error);
                if (C_FindObjectsInit(session, NULL, 0) != rows[i].rv)
                        fail_msg("%s", rows[i].error);
        }
        world_card(pki, "c1", "");
        assert_int_equal(find(session, NULL, 0, NULL), 4);
}

#define KEYS(text) "{\"parameters\":{\"card\":\"c\",\"keys\":" text "}}"

static void lists_of_keys_may_say_anything(void **state)
{
        static const struct {
                const char *reply;
                CK_RV rv;
        } rows[] = {
                { "{\"parameters\":{\"keys\":[]}}", CKR_DEVICE_ERROR },
                { "{\"parameters\":{\"card\":\"\",\"keys\":[]}}", CKR_DEVICE_ERROR },
                { "{\"parameters\":{\"card\":7,\"keys\":[]}}", CKR_DEVICE_ERROR },
                { "{\"parameters\":{\"card\":\"c\",\"keys\":{}}}", CKR_DEVICE_ERROR },
                { "{\"parameters\":{\"card\":"
                  "\"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\",\"keys\":"
                  "[]}}",
                        CKR_DEVICE_ERROR },
                { "{\"parameters\":", CKR_DEVICE_ERROR },
                { KEYS("[1,null,[],{}]"), CKR_OK },
                { KEYS("[{\"id\":\"01\",\"certificate\":\"MAA=\",\"key_type\":\"rsa\",\"bits\":"
                       "2048}]"),
                        CKR_OK },
                { KEYS("[{\"id\":\"01\",\"certificate\":\"!\",\"key_type\":\"rsa\",\"bits\":2048}"
                       "]"),
                        CKR_OK },
                { KEYS("[{\"id\":\"01\",\"certificate\":7,\"key_type\":\"rsa\",\"bits\":2048}]"),
                        CKR_OK },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CK_SESSION_HANDLE session = open_session();
                CK_ULONG count = 9;
                world_says(WORLD_LIST, "%s", rows[i].reply);
                if (C_FindObjectsInit(session, NULL, 0) != rows[i].rv)
                        fail_msg("%s", rows[i].reply);
                if (rows[i].rv == CKR_OK) {
                        assert_int_equal(C_FindObjects(session, NULL, 0, &count), CKR_OK);
                        assert_int_equal(count, 0);
                }
                C_Finalize(NULL);
                assert_int_equal(C_Initialize(NULL), CKR_OK);
        }
}

/* A good certificate with a key that is described wrongly: left out, and nothing else is. */
static void keys_that_are_described_wrongly_are_left_out(void **state)
{
        static const char *const rest[] = { "\"id\":\"01\",\"key_type\":\"ec\",\"bits\":256",
                "\"id\":\"01\",\"key_type\":\"rsa\",\"bits\":1024",
                "\"id\":\"01\",\"key_type\":\"rsa\",\"bits\":-1",
                "\"id\":\"01\",\"key_type\":\"rsa\",\"bits\":99999999999",
                "\"id\":\"\",\"key_type\":\"rsa\",\"bits\":2048",
                "\"id\":\"0\",\"key_type\":\"rsa\",\"bits\":2048",
                "\"id\":\"xx\",\"key_type\":\"rsa\",\"bits\":2048",
                "\"id\":\"01\",\"key_type\":\"dsa\",\"bits\":2048",
                "\"id\":7,\"key_type\":\"rsa\",\"bits\":2048" };
        _cleanup_free_ char *leaf = world_base64(pki->leaf);
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
                CK_SESSION_HANDLE session = open_session();
                world_says(WORLD_LIST,
                        KEYS("[{\"label\":\"x\",\"certificate\":\"%s\",\"issuer\":\"MAA=\",%s},"
                             "{\"label\":7,\"certificate\":\"%s\",\"id\":\"02\",\"key_type\":"
                             "\"rsa\",\"bits\":2048}]"),
                        leaf, rest[i], leaf);
                if (find(session, NULL, 0, NULL) != 3)
                        fail_msg("%s", rest[i]);
                C_Finalize(NULL);
                assert_int_equal(C_Initialize(NULL), CKR_OK);
        }
}

/* ---- Cards that change ---- */

static void a_card_that_goes_takes_its_sessions_along(void **state)
{
        CK_SESSION_HANDLE session = open_session(), other;
        CK_OBJECT_HANDLE key = private_key(session);
        CK_SESSION_INFO info;
        (void)state;
        world_readers(WORLD_A("empty"));
        world_order('p');
        world_readers(WORLD_A("card"));
        world_order('p');
        assert_int_equal(C_GetSessionInfo(session, &info), CKR_SESSION_HANDLE_INVALID);
        other = open_session();
        assert_int_equal(C_SignInit(other, &(CK_MECHANISM){ CKM_RSA_PKCS, NULL, 0 }, key),
                CKR_KEY_HANDLE_INVALID);
        world_card(pki, "c2", ALL_HASH);
        assert_true(private_key(other) != key);
        assert_int_equal(world->answers[WORLD_LIST].count, 2);
}

static void a_watch_that_ends_is_made_good_by_another_question(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        (void)state;
        world_order('w');
        assert_int_equal(private_key(session), key); /* the same card */
        assert_int_equal(world->answers[WORLD_LIST].count, 2);
        world_order('w');
        world_card(pki, "c2", ALL_HASH);
        assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_DEVICE_REMOVED);
        assert_int_equal(C_FindObjectsInit(session, NULL, 0), CKR_SESSION_HANDLE_INVALID);
        assert_true(private_key(open_session()) != key);
        world_order('c');
        assert_int_equal(find(open_session(), NULL, 0, NULL), 4);
}

static void signing_with_another_card_ends_everything_of_the_first(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        (void)state;
        world_fails(WORLD_SIGN, "mohr.Keys.CardChanged");
        assert_int_equal(
                C_SignInit(session, &(CK_MECHANISM){ CKM_RSA_PKCS, NULL, 0 }, key), CKR_OK);
        assert_int_equal(C_Sign(session, signature, 32, signature, &len), CKR_DEVICE_REMOVED);
        assert_int_equal(
                C_Sign(session, signature, 32, signature, &len), CKR_SESSION_HANDLE_INVALID);
        world_card(pki, "c2", ALL_HASH);
        session = open_session();
        assert_int_equal(find(session, NULL, 0, NULL), 4);
}

/* ---- Mechanisms ---- */

static void mechanisms_are_all_until_the_card_is_known_and_then_its_own(void **state)
{
        CK_MECHANISM_TYPE told[16];
        CK_MECHANISM_INFO info;
        CK_ULONG count = 3;
        (void)state;
        assert_int_equal(C_GetMechanismList(0, told, &count), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(count, 11);
        assert_int_equal(C_GetMechanismInfo(0, CKM_ECDSA, &info), CKR_OK);
        world_card(pki, "c1", "");
        find(open_session(), NULL, 0, NULL);
        assert_int_equal(C_GetMechanismList(0, told, &count), CKR_OK);
        assert_int_equal(count, 6);
        for (size_t i = 0; i < count; i++)
                assert_true(told[i] >= CKM_SHA256_RSA_PKCS && told[i] <= CKM_SHA512_RSA_PKCS_PSS);
        assert_int_equal(C_GetMechanismInfo(0, CKM_RSA_PKCS, &info), CKR_MECHANISM_INVALID);
        assert_int_equal(C_GetMechanismInfo(0, 0x12345, &info), CKR_MECHANISM_INVALID);
        assert_int_equal(C_GetMechanismInfo(0, CKM_SHA256_RSA_PKCS, &info), CKR_OK);
        assert_int_equal(info.flags, CKF_HW | CKF_SIGN);
        assert_int_equal(info.min_key_size, 2048);
        assert_int_equal(info.max_key_size, 2048);
        assert_int_equal(C_GetMechanismInfo(7, CKM_ECDSA, &info), CKR_SLOT_ID_INVALID);
}

static void a_key_that_makes_assertions_takes_no_hash(void **state)
{
        static const CK_MECHANISM_TYPE hashes[] = { CKM_RSA_PKCS, CKM_RSA_PKCS_PSS };
        _cleanup_free_ char *leaf = world_base64(pki->leaf);
        (void)state;
        world_card(pki, "c1", "");
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
                assert_int_equal(C_SignInit(session, &(CK_MECHANISM){ hashes[i], NULL, 0 }, key),
                        CKR_MECHANISM_INVALID);
        C_Finalize(NULL);
        assert_int_equal(C_Initialize(NULL), CKR_OK);
        world_says(WORLD_LIST,
                KEYS("[{\"label\":\"a\",\"certificate\":\"%s\",\"id\":\"9a\",\"key_type\":\"rsa\","
                     "\"bits\":2048,"
                     "\"hash_mechanisms\":[" ALL_HASH "]},{\"label\":\"c\",\"certificate\":\"%s\","
                     "\"id\":\"9c\",\"key_type\":\"rsa\","
                     "\"bits\":2048,\"data_mechanisms\":[" ALL_DATA "]}]"),
                leaf, leaf);
        session = open_session();
        assert_int_equal(find_class(session, CKO_PRIVATE_KEY, &key), 2);
        for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
                assert_int_equal(C_SignInit(session, &(CK_MECHANISM){ hashes[i], NULL, 0 }, key),
                        CKR_KEY_FUNCTION_NOT_PERMITTED);
        assert_int_equal(C_SignInit(session, &(CK_MECHANISM){ 0x1, NULL, 0 }, key - 1),
                CKR_KEY_TYPE_INCONSISTENT);
}

/* ---- Signing ---- */

static const CK_MECHANISM pkcs1 = { CKM_RSA_PKCS, NULL, 0 },
                          sha256 = { CKM_SHA256_RSA_PKCS, NULL, 0 };

static void a_length_or_a_small_buffer_asks_nobody(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[300];
        CK_ULONG len = 0;
        (void)state;
        assert_int_equal(
                C_Sign(session, signature, 5, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OPERATION_ACTIVE);
        assert_int_equal(C_Sign(session, signature, 5, NULL, &len), CKR_OK);
        assert_int_equal(len, 256);
        len = 255;
        assert_int_equal(C_Sign(session, signature, 5, signature, &len), CKR_BUFFER_TOO_SMALL);
        assert_int_equal(len, 256);
        assert_int_equal(world->answers[WORLD_SIGN].count, 0);
        len = sizeof signature;
        memcpy(signature, "hello", 5);
        assert_int_equal(C_Sign(session, signature, 5, signature, &len), CKR_OK);
        assert_int_equal(len, 256);
        assert_int_equal(signature[0], 0x5A);
        assert_int_equal(world->answers[WORLD_SIGN].count, 1);
        assert_non_null(strstr(world->answers[WORLD_SIGN].call, "\"data\":\"aGVsbG8=\""));
        assert_non_null(
                strstr(world->answers[WORLD_SIGN].call, "\"mechanism\":\"SHA256-RSA-PKCS\""));
        assert_non_null(strstr(world->answers[WORLD_SIGN].call, "\"card\":\"c1\",\"key\":\"01\""));
        assert_null(strstr(world->answers[WORLD_SIGN].call, "salt"));
        assert_int_equal(
                C_Sign(session, signature, 5, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void parts_are_sent_as_one(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[300];
        CK_ULONG len = 0;
        (void)state;
        assert_int_equal(C_SignUpdate(session, signature, 1), CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_SignUpdate(session, (const CK_BYTE *)"hel", 3), CKR_OK);
        assert_int_equal(C_SignUpdate(session, NULL, 0), CKR_OK);
        assert_int_equal(C_SignUpdate(session, (const CK_BYTE *)"lo", 2), CKR_OK);
        assert_int_equal(C_Sign(session, NULL, 0, signature, &len), CKR_OPERATION_ACTIVE);
        assert_int_equal(C_SignFinal(session, NULL, &len), CKR_OK);
        assert_int_equal(len, 256);
        assert_int_equal(C_SignFinal(session, signature, &len), CKR_OK);
        assert_non_null(strstr(world->answers[WORLD_SIGN].call, "\"data\":\"aGVsbG8=\""));
        assert_int_equal(C_SignFinal(session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_SessionCancel(session, CKF_SIGN), CKR_OK);
        assert_int_equal(C_SignFinal(session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
}

static void data_has_its_bounds(void **state)
{
        static const struct {
                CK_MECHANISM_TYPE type;
                CK_ULONG len;
                bool good;
        } rows[] = {
                { CKM_SHA256_RSA_PKCS, 0, true },
                { CKM_SHA256_RSA_PKCS, P11_DATA_MAX, true },
                { CKM_SHA256_RSA_PKCS, P11_DATA_MAX + 1, false },
                { CKM_RSA_PKCS, 0, false },
                { CKM_RSA_PKCS, 245, true },
                { CKM_RSA_PKCS, 246, false },
        };
        static CK_BYTE data[P11_DATA_MAX + 1];
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CK_BYTE signature[256];
                CK_ULONG len = sizeof signature;
                assert_int_equal(
                        C_SignInit(session, &(CK_MECHANISM){ rows[i].type, NULL, 0 }, key), CKR_OK);
                assert_int_equal(C_Sign(session, data, rows[i].len, signature, &len),
                        rows[i].good ? CKR_OK : CKR_DATA_LEN_RANGE);
                assert_int_equal(
                        C_Sign(session, data, 1, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
        }
        assert_int_equal(world->answers[WORLD_SIGN].count, 3);
}

static void parameters_of_pss_are_checked(void **state)
{
        static const struct {
                CK_MECHANISM_TYPE type;
                CK_RSA_PKCS_PSS_PARAMS params;
                CK_ULONG cut;
                const char *told; /* NULL: refused */
        } rows[] = {
                { CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 0,
                        "\"hash\":\"sha256\",\"salt\":32" },
                { CKM_RSA_PKCS_PSS, { CKM_SHA512, CKG_MGF1_SHA512, 0 }, 0,
                        "\"hash\":\"sha512\",\"salt\":0" },
                { CKM_SHA384_RSA_PKCS_PSS, { CKM_SHA384, CKG_MGF1_SHA384, 48 }, 0, "\"salt\":48" },
                { CKM_SHA384_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 0, NULL },
                { CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA384, 32 }, 0, NULL },
                { CKM_RSA_PKCS_PSS, { 0x220, 1, 20 }, 0, NULL },
                { CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 223 }, 0, NULL },
                { CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, ~0UL }, 0, NULL },
                { CKM_RSA_PKCS_PSS, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 1, NULL },
                { CKM_RSA_PKCS, { CKM_SHA256, CKG_MGF1_SHA256, 32 }, 0, NULL },
        };
        static const CK_BYTE digest[64];
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CK_BYTE signature[256];
                CK_ULONG len = sizeof signature;
                CK_MECHANISM mechanism = { rows[i].type, &rows[i].params,
                        sizeof rows[i].params - rows[i].cut };
                CK_ULONG digest_len = rows[i].params.hash == CKM_SHA256 ? 32 : 64;
                assert_int_equal(C_SignInit(session, &mechanism, key),
                        rows[i].told ? CKR_OK : CKR_MECHANISM_PARAM_INVALID);
                if (!rows[i].told)
                        continue;
                assert_int_equal(C_Sign(session, digest, digest_len, signature, &len), CKR_OK);
                if (!strstr(world->answers[WORLD_SIGN].call, rows[i].told))
                        fail_msg("%s", world->answers[WORLD_SIGN].call);
        }
        CK_MECHANISM none = { CKM_RSA_PKCS_PSS, NULL, 0 },
                     pss = { CKM_RSA_PKCS_PSS, &rows[0].params, sizeof rows[0].params };
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        assert_int_equal(C_SignInit(session, &none, key), CKR_MECHANISM_PARAM_INVALID);
        assert_int_equal(C_SignInit(session, &pss, key), CKR_OK);
        assert_int_equal(C_Sign(session, digest, 31, signature, &len), CKR_DATA_LEN_RANGE);
}

static void answers_to_a_signature_are_told_in_programs_words(void **state)
{
        static const struct {
                const char *error;
                CK_RV rv;
        } rows[] = {
                { "mohr.Keys.NotRecognised", CKR_DATA_INVALID },
                { "mohr.Keys.MechanismInvalid", CKR_MECHANISM_INVALID },
                { "mohr.Keys.WrongPin", CKR_PIN_INCORRECT },
                { "mohr.Keys.PinBlocked", CKR_PIN_LOCKED },
                { "mohr.Keys.RefusedByPerson", CKR_FUNCTION_REJECTED },
                { "mohr.Keys.RefusedByPolicy", CKR_FUNCTION_REJECTED },
                { "mohr.Keys.LastTryDeclined", CKR_FUNCTION_REJECTED },
                { "mohr.Keys.TimedOut", CKR_FUNCTION_CANCELED },
                { "mohr.Keys.NobodyToAsk", CKR_FUNCTION_CANCELED },
                { "mohr.Keys.Busy", CKR_DEVICE_ERROR },
                { "mohr.Keys.NoStandardSignature", CKR_DEVICE_ERROR },
                { "mohr.Keys.CardNeedsIssuerKeys", CKR_KEY_FUNCTION_NOT_PERMITTED },
                { "mohr.Keys.CannotRecord", CKR_FUNCTION_FAILED },
                { "mohr.Keys.Internal", CKR_GENERAL_ERROR },
                { "mohr.Keys.Unheard", CKR_GENERAL_ERROR },
                { "org.varlink.service.InvalidParameter", CKR_GENERAL_ERROR },
        };
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CK_BYTE signature[256];
                CK_ULONG len = sizeof signature;
                world_fails(WORLD_SIGN, rows[i].error);
                assert_int_equal(C_SignInit(session, &pkcs1, key), CKR_OK);
                if (C_Sign(session, signature, 32, signature, &len) != rows[i].rv)
                        fail_msg("%s", rows[i].error);
                assert_int_equal(
                        C_SignFinal(session, signature, &len), CKR_OPERATION_NOT_INITIALIZED);
        }
}

static void signatures_may_be_anything(void **state)
{
        static const char *const replies[] = { "{\"parameters\":{}}",
                "{\"parameters\":{\"signature\":7}}", "{\"parameters\":{\"signature\":\"\"}}",
                "{\"parameters\":{\"signature\":\"!!!!\"}}",
                "{\"parameters\":{\"signature\":\"WlpaWg==\"}}", "[]", "{" };
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[256] = { 7 };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(replies) + 3; i++) {
                CK_ULONG len = sizeof signature;
                if (i < ARRAY_LEN(replies))
                        world_says(WORLD_SIGN, "%s", replies[i]);
                else
                        world_signature((size_t[]){ 255, 257, 600 }[i - ARRAY_LEN(replies)]);
                assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
                assert_int_equal(C_Sign(session, signature, 0, signature, &len), CKR_DEVICE_ERROR);
                assert_int_equal(signature[0], 7);
        }
        memset(world->answers[WORLD_SIGN].bytes, ' ', sizeof world->answers[WORLD_SIGN].bytes);
        world->answers[WORLD_SIGN].len = sizeof world->answers[WORLD_SIGN].bytes;
        CK_ULONG len = sizeof signature;
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_Sign(session, signature, 0, signature, &len), CKR_DEVICE_ERROR);
}

/* One that hangs up has perhaps asked somebody: it is not asked again by itself. */
static void a_call_that_broke_off_is_not_made_again(void **state)
{
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        (void)state;
        world->answers[WORLD_SIGN].hang_up = true;
        world->answers[WORLD_SIGN].len = 7;
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_Sign(session, signature, 0, signature, &len), CKR_DEVICE_REMOVED);
        assert_int_equal(world->answers[WORLD_SIGN].count, 1);
}

static void nothing_of_a_pin_is_ever_sent(void **state)
{
        static const CK_UTF8CHAR pin[] = "27182818";
        CK_SESSION_HANDLE session = open_session();
        CK_OBJECT_HANDLE key = private_key(session);
        CK_BYTE signature[256];
        CK_ULONG len = sizeof signature;
        (void)state;
        assert_int_equal(C_Login(session, CKU_USER, pin, 8), CKR_ARGUMENTS_BAD);
        assert_int_equal(C_SignInit(session, &sha256, key), CKR_OK);
        assert_int_equal(C_Sign(session, signature, 0, signature, &len), CKR_OK);
        for (size_t i = 0; i < WORLD_METHODS; i++)
                assert_null(strstr(world->answers[i].call, "2718"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lists_need_no_initialize_and_everything_else_does),
                cmocka_unit_test(every_entry_of_both_lists_is_a_function),
                cmocka_unit_test(interfaces_are_chosen_by_name_and_version),
                cmocka_unit_test(what_is_not_offered_says_so),
                CASE(a_slot_is_a_name_for_ever),
                CASE(without_mohrd_there_are_no_readers),
                CASE(a_token_tells_of_itself_and_nobody_is_asked),
                CASE(pictures_may_say_anything),
                CASE(more_readers_than_there_is_room_for_are_left_out),
                CASE(sessions_open_where_a_card_lies),
                CASE(a_login_is_for_form_and_takes_no_pin),
                CASE(one_key_is_three_objects_and_its_issuer),
                CASE(what_stands_in_the_certificate_is_told_byte_for_byte),
                CASE(attributes_that_cannot_be_told_say_why),
                CASE(an_ec_key_has_its_curve_and_its_point),
                CASE(searches_for_what_is_not_a_cards_ask_nobody),
                CASE(a_no_holds_while_the_card_lies_there),
                CASE(what_went_wrong_is_said_and_asked_again),
                CASE(lists_of_keys_may_say_anything),
                CASE(keys_that_are_described_wrongly_are_left_out),
                CASE(a_card_that_goes_takes_its_sessions_along),
                CASE(a_watch_that_ends_is_made_good_by_another_question),
                CASE(signing_with_another_card_ends_everything_of_the_first),
                CASE(mechanisms_are_all_until_the_card_is_known_and_then_its_own),
                CASE(a_key_that_makes_assertions_takes_no_hash),
                CASE(a_length_or_a_small_buffer_asks_nobody),
                CASE(parts_are_sent_as_one),
                CASE(data_has_its_bounds),
                CASE(parameters_of_pss_are_checked),
                CASE(answers_to_a_signature_are_told_in_programs_words),
                CASE(signatures_may_be_anything),
                CASE(a_call_that_broke_off_is_not_made_again),
                CASE(nothing_of_a_pin_is_ever_sent),
        };
        pki = testpki_new();
        int failed = cmocka_run_group_tests(tests, NULL, NULL);
        testpki_free(pki);
        return failed;
}
