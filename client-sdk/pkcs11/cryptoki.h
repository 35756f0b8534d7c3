/* SPDX-License-Identifier: Apache-2.0 */
/* cryptoki.h: of PKCS#11 3.0 (OASIS) what this module needs: types, numbers, and the two function lists.
 *
 * Written from the specification. Debian 12's p11-kit has no header of 3.0 and Debian 13's has another one than
 * Debian 12's, so that whoever builds with them builds two modules. Names are the specification's, but for the Hungarian prefixes.
 * Numbers that nobody here compares are not here.
 */
#ifndef MOHR_CRYPTOKI_H
#define MOHR_CRYPTOKI_H

typedef unsigned char CK_BYTE;
typedef CK_BYTE CK_BBOOL;
typedef CK_BYTE CK_UTF8CHAR;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef CK_ULONG CK_FLAGS;
typedef CK_ULONG CK_SLOT_ID;
typedef CK_ULONG CK_SESSION_HANDLE;
typedef CK_ULONG CK_OBJECT_HANDLE;
typedef CK_ULONG CK_USER_TYPE;
typedef CK_ULONG CK_ATTRIBUTE_TYPE;
typedef CK_ULONG CK_MECHANISM_TYPE;

#define CK_TRUE                    1
#define CK_FALSE                   0
#define CK_UNAVAILABLE_INFORMATION (~0UL)

typedef struct {
        CK_BYTE major, minor;
} CK_VERSION;

typedef struct {
        CK_VERSION cryptoki_version;
        CK_UTF8CHAR manufacturer[32];
        CK_FLAGS flags;
        CK_UTF8CHAR library_description[32];
        CK_VERSION library_version;
} CK_INFO;

typedef struct {
        CK_UTF8CHAR description[64];
        CK_UTF8CHAR manufacturer[32];
        CK_FLAGS flags;
        CK_VERSION hardware_version, firmware_version;
} CK_SLOT_INFO;

#define CKF_TOKEN_PRESENT    (1UL << 0)
#define CKF_REMOVABLE_DEVICE (1UL << 1)

typedef struct {
        CK_UTF8CHAR label[32];
        CK_UTF8CHAR manufacturer[32];
        CK_UTF8CHAR model[16];
        CK_BYTE serial_number[16];
        CK_FLAGS flags;
        CK_ULONG max_session_count, session_count, max_rw_session_count, rw_session_count;
        CK_ULONG max_pin_len, min_pin_len;
        CK_ULONG total_public_memory, free_public_memory, total_private_memory, free_private_memory;
        CK_VERSION hardware_version, firmware_version;
        CK_BYTE utc_time[16];
} CK_TOKEN_INFO;

#define CKF_WRITE_PROTECTED               (1UL << 1)
#define CKF_USER_PIN_INITIALIZED          (1UL << 3)
#define CKF_PROTECTED_AUTHENTICATION_PATH (1UL << 8)
#define CKF_TOKEN_INITIALIZED             (1UL << 10)

typedef struct {
        CK_SLOT_ID slot;
        CK_ULONG state;
        CK_FLAGS flags;
        CK_ULONG device_error;
} CK_SESSION_INFO;

#define CKF_RW_SESSION        (1UL << 1)
#define CKF_SERIAL_SESSION    (1UL << 2)
#define CKS_RO_PUBLIC_SESSION 0UL
#define CKS_RO_USER_FUNCTIONS 1UL
#define CKS_RW_PUBLIC_SESSION 2UL
#define CKS_RW_USER_FUNCTIONS 3UL
#define CKU_SO                0UL
#define CKU_USER              1UL
#define CKU_CONTEXT_SPECIFIC  2UL

typedef struct {
        CK_ATTRIBUTE_TYPE type;
        void *value;
        CK_ULONG len;
} CK_ATTRIBUTE;

#define CKO_CERTIFICATE                    0x1UL
#define CKO_PUBLIC_KEY                     0x2UL
#define CKO_PRIVATE_KEY                    0x3UL
#define CKC_X_509                          0x0UL
#define CK_CERTIFICATE_CATEGORY_TOKEN_USER 1UL
#define CK_CERTIFICATE_CATEGORY_AUTHORITY  2UL
#define CKK_RSA                            0x0UL
#define CKK_EC                             0x3UL

#define CKA_CLASS                0x000UL
#define CKA_TOKEN                0x001UL
#define CKA_PRIVATE              0x002UL
#define CKA_LABEL                0x003UL
#define CKA_VALUE                0x011UL
#define CKA_CERTIFICATE_TYPE     0x080UL
#define CKA_ISSUER               0x081UL
#define CKA_SERIAL_NUMBER        0x082UL
#define CKA_TRUSTED              0x086UL
#define CKA_CERTIFICATE_CATEGORY 0x087UL
#define CKA_KEY_TYPE             0x100UL
#define CKA_SUBJECT              0x101UL
#define CKA_ID                   0x102UL
#define CKA_SENSITIVE            0x103UL
#define CKA_ENCRYPT              0x104UL
#define CKA_DECRYPT              0x105UL
#define CKA_WRAP                 0x106UL
#define CKA_UNWRAP               0x107UL
#define CKA_SIGN                 0x108UL
#define CKA_SIGN_RECOVER         0x109UL
#define CKA_VERIFY               0x10AUL
#define CKA_VERIFY_RECOVER       0x10BUL
#define CKA_DERIVE               0x10CUL
#define CKA_START_DATE           0x110UL
#define CKA_END_DATE             0x111UL
#define CKA_MODULUS              0x120UL
#define CKA_MODULUS_BITS         0x121UL
#define CKA_PUBLIC_EXPONENT      0x122UL
#define CKA_PRIVATE_EXPONENT     0x123UL
#define CKA_COEFFICIENT          0x128UL
#define CKA_PUBLIC_KEY_INFO      0x129UL
#define CKA_EXTRACTABLE          0x162UL
#define CKA_LOCAL                0x163UL
#define CKA_NEVER_EXTRACTABLE    0x164UL
#define CKA_ALWAYS_SENSITIVE     0x165UL
#define CKA_KEY_GEN_MECHANISM    0x166UL
#define CKA_MODIFIABLE           0x170UL
#define CKA_COPYABLE             0x171UL
#define CKA_DESTROYABLE          0x172UL
#define CKA_EC_PARAMS            0x180UL
#define CKA_EC_POINT             0x181UL
#define CKA_ALWAYS_AUTHENTICATE  0x202UL
#define CKA_WRAP_WITH_TRUSTED    0x210UL
#define CKA_ALLOWED_MECHANISMS   0x40000600UL

typedef struct {
        CK_MECHANISM_TYPE type;
        const void *parameter;
        CK_ULONG parameter_len;
} CK_MECHANISM;

typedef struct {
        CK_ULONG min_key_size, max_key_size;
        CK_FLAGS flags;
} CK_MECHANISM_INFO;

typedef struct {
        CK_MECHANISM_TYPE hash;
        CK_ULONG mgf, salt_len;
} CK_RSA_PKCS_PSS_PARAMS;

#define CKF_HW            (1UL << 0)
#define CKF_SIGN          (1UL << 11)
#define CKF_EC_F_P        (1UL << 20)
#define CKF_EC_NAMEDCURVE (1UL << 23)
#define CKF_EC_UNCOMPRESS (1UL << 24)

#define CKM_RSA_PKCS            0x0001UL
#define CKM_RSA_PKCS_PSS        0x000DUL
#define CKM_SHA256_RSA_PKCS     0x0040UL
#define CKM_SHA384_RSA_PKCS     0x0041UL
#define CKM_SHA512_RSA_PKCS     0x0042UL
#define CKM_SHA256_RSA_PKCS_PSS 0x0043UL
#define CKM_SHA384_RSA_PKCS_PSS 0x0044UL
#define CKM_SHA512_RSA_PKCS_PSS 0x0045UL
#define CKM_SHA256              0x0250UL
#define CKM_SHA384              0x0260UL
#define CKM_SHA512              0x0270UL
#define CKM_ECDSA               0x1041UL
#define CKM_ECDSA_SHA256        0x1044UL
#define CKM_ECDSA_SHA384        0x1045UL
#define CKG_MGF1_SHA256         2UL
#define CKG_MGF1_SHA384         3UL
#define CKG_MGF1_SHA512         4UL

#define CKF_DONT_BLOCK 1UL

typedef struct {
        CK_RV (*create)(void **mutex);
        CK_RV (*destroy)(void *mutex);
        CK_RV (*lock)(void *mutex);
        CK_RV (*unlock)(void *mutex);
        CK_FLAGS flags;
        void *reserved;
} CK_C_INITIALIZE_ARGS;

#define CKF_OS_LOCKING_OK (1UL << 1)

#define CKR_OK                             0x000UL
#define CKR_HOST_MEMORY                    0x002UL
#define CKR_SLOT_ID_INVALID                0x003UL
#define CKR_GENERAL_ERROR                  0x005UL
#define CKR_FUNCTION_FAILED                0x006UL
#define CKR_ARGUMENTS_BAD                  0x007UL
#define CKR_NO_EVENT                       0x008UL
#define CKR_CANT_LOCK                      0x00AUL
#define CKR_ATTRIBUTE_SENSITIVE            0x011UL
#define CKR_ATTRIBUTE_TYPE_INVALID         0x012UL
#define CKR_DATA_INVALID                   0x020UL
#define CKR_DATA_LEN_RANGE                 0x021UL
#define CKR_DEVICE_ERROR                   0x030UL
#define CKR_DEVICE_REMOVED                 0x032UL
#define CKR_FUNCTION_CANCELED              0x050UL
#define CKR_FUNCTION_NOT_PARALLEL          0x051UL
#define CKR_FUNCTION_NOT_SUPPORTED         0x054UL
#define CKR_KEY_HANDLE_INVALID             0x060UL
#define CKR_KEY_TYPE_INCONSISTENT          0x063UL
#define CKR_KEY_FUNCTION_NOT_PERMITTED     0x068UL
#define CKR_MECHANISM_INVALID              0x070UL
#define CKR_MECHANISM_PARAM_INVALID        0x071UL
#define CKR_OBJECT_HANDLE_INVALID          0x082UL
#define CKR_OPERATION_ACTIVE               0x090UL
#define CKR_OPERATION_NOT_INITIALIZED      0x091UL
#define CKR_PIN_INCORRECT                  0x0A0UL
#define CKR_PIN_LOCKED                     0x0A4UL
#define CKR_SESSION_COUNT                  0x0B1UL
#define CKR_SESSION_HANDLE_INVALID         0x0B3UL
#define CKR_SESSION_PARALLEL_NOT_SUPPORTED 0x0B4UL
#define CKR_TOKEN_NOT_PRESENT              0x0E0UL
#define CKR_TOKEN_NOT_RECOGNIZED           0x0E1UL
#define CKR_USER_ALREADY_LOGGED_IN         0x100UL
#define CKR_USER_NOT_LOGGED_IN             0x101UL
#define CKR_USER_TYPE_INVALID              0x103UL
#define CKR_RANDOM_NO_RNG                  0x121UL
#define CKR_BUFFER_TOO_SMALL               0x150UL
#define CKR_CRYPTOKI_NOT_INITIALIZED       0x190UL
#define CKR_CRYPTOKI_ALREADY_INITIALIZED   0x191UL
#define CKR_FUNCTION_REJECTED              0x200UL

typedef CK_RV CK_NOTIFY(CK_SESSION_HANDLE session, CK_ULONG event, void *application);

typedef struct {
        const char *name;
        const void *functions;
        CK_FLAGS flags;
} CK_INTERFACE;

typedef struct CK_FUNCTION_LIST CK_FUNCTION_LIST;
typedef struct CK_FUNCTION_LIST_3_0 CK_FUNCTION_LIST_3_0;

#include "client-sdk/pkcs11/functions.h"

#define CK_MEMBER(name, parameters) CK_RV(*name) parameters;

struct CK_FUNCTION_LIST {
        CK_VERSION version;
        CK_FUNCTIONS_2_40(CK_MEMBER)
};

struct CK_FUNCTION_LIST_3_0 {
        CK_VERSION version;
        CK_FUNCTIONS_2_40(CK_MEMBER)
        CK_FUNCTIONS_3_0(CK_MEMBER)
};

#define CK_DECLARE(name, parameters) CK_RV name parameters;
CK_FUNCTIONS_2_40(CK_DECLARE)
CK_FUNCTIONS_3_0(CK_DECLARE)

#endif
