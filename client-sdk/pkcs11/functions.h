/* SPDX-License-Identifier: Apache-2.0 */
/* functions.h: the functions of PKCS#11 2.40 and what 3.0 adds, in the order of their lists.
 *
 * For cryptoki.h, which makes lists and prototypes of them. OFFERED are written out in this room; of the others, the REFUSED,
 * refused.c makes one function each. A list is both, in one order, so the rows say in which group they are by their macro.
 */
#ifndef MOHR_PKCS11_FUNCTIONS_H
#define MOHR_PKCS11_FUNCTIONS_H

#define CK_IN(name)  const CK_BYTE *name, CK_ULONG name##_len
#define CK_OUT(name) CK_BYTE *name, CK_ULONG *name##_len
#define CK_SESSION   CK_SESSION_HANDLE session
#define CK_WITH_KEY  CK_SESSION, const CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key
#define CK_TEMPLATE  CK_ATTRIBUTE *template, CK_ULONG count
#define CK_PARAMETER void *parameter, CK_ULONG parameter_len

/* YES(name, parameters): offered. NO: answered with one word. */
#define CK_ROWS_2_40(YES, NO)                                                                      \
        YES(C_Initialize, (void *args))                                                            \
        YES(C_Finalize, (void *reserved))                                                          \
        YES(C_GetInfo, (CK_INFO * ret))                                                            \
        YES(C_GetFunctionList, (const CK_FUNCTION_LIST **ret))                                     \
        YES(C_GetSlotList, (CK_BBOOL present, CK_SLOT_ID * ret, CK_ULONG * count))                 \
        YES(C_GetSlotInfo, (CK_SLOT_ID slot, CK_SLOT_INFO * ret))                                  \
        YES(C_GetTokenInfo, (CK_SLOT_ID slot, CK_TOKEN_INFO * ret))                                \
        YES(C_GetMechanismList, (CK_SLOT_ID slot, CK_MECHANISM_TYPE * ret, CK_ULONG * count))      \
        YES(C_GetMechanismInfo,                                                                    \
                (CK_SLOT_ID slot, CK_MECHANISM_TYPE mechanism, CK_MECHANISM_INFO * ret))           \
        NO(C_InitToken, (CK_SLOT_ID slot, CK_IN(pin), const CK_UTF8CHAR *label))                   \
        NO(C_InitPIN, (CK_SESSION, CK_IN(pin)))                                                    \
        NO(C_SetPIN, (CK_SESSION, CK_IN(old_pin), CK_IN(new_pin)))                                 \
        YES(C_OpenSession, (CK_SLOT_ID slot, CK_FLAGS flags, void *application, CK_NOTIFY *notify, \
                                   CK_SESSION_HANDLE *ret))                                        \
        YES(C_CloseSession, (CK_SESSION))                                                          \
        YES(C_CloseAllSessions, (CK_SLOT_ID slot))                                                 \
        YES(C_GetSessionInfo, (CK_SESSION, CK_SESSION_INFO * ret))                                 \
        NO(C_GetOperationState, (CK_SESSION, CK_OUT(state)))                                       \
        NO(C_SetOperationState, (CK_SESSION, CK_IN(state), CK_OBJECT_HANDLE encryption_key,        \
                                        CK_OBJECT_HANDLE authentication_key))                      \
        YES(C_Login, (CK_SESSION, CK_USER_TYPE user, CK_IN(pin)))                                  \
        YES(C_Logout, (CK_SESSION))                                                                \
        NO(C_CreateObject, (CK_SESSION, CK_TEMPLATE, CK_OBJECT_HANDLE * ret))                      \
        NO(C_CopyObject,                                                                           \
                (CK_SESSION, CK_OBJECT_HANDLE object, CK_TEMPLATE, CK_OBJECT_HANDLE * ret))        \
        NO(C_DestroyObject, (CK_SESSION, CK_OBJECT_HANDLE object))                                 \
        NO(C_GetObjectSize, (CK_SESSION, CK_OBJECT_HANDLE object, CK_ULONG * ret))                 \
        YES(C_GetAttributeValue, (CK_SESSION, CK_OBJECT_HANDLE object, CK_TEMPLATE))               \
        NO(C_SetAttributeValue, (CK_SESSION, CK_OBJECT_HANDLE object, CK_TEMPLATE))                \
        YES(C_FindObjectsInit, (CK_SESSION, CK_TEMPLATE))                                          \
        YES(C_FindObjects, (CK_SESSION, CK_OBJECT_HANDLE * ret, CK_ULONG max, CK_ULONG * count))   \
        YES(C_FindObjectsFinal, (CK_SESSION))                                                      \
        NO(C_EncryptInit, (CK_WITH_KEY))                                                           \
        NO(C_Encrypt, (CK_SESSION, CK_IN(data), CK_OUT(encrypted)))                                \
        NO(C_EncryptUpdate, (CK_SESSION, CK_IN(data), CK_OUT(encrypted)))                          \
        NO(C_EncryptFinal, (CK_SESSION, CK_OUT(encrypted)))                                        \
        NO(C_DecryptInit, (CK_WITH_KEY))                                                           \
        NO(C_Decrypt, (CK_SESSION, CK_IN(encrypted), CK_OUT(data)))                                \
        NO(C_DecryptUpdate, (CK_SESSION, CK_IN(encrypted), CK_OUT(data)))                          \
        NO(C_DecryptFinal, (CK_SESSION, CK_OUT(data)))                                             \
        NO(C_DigestInit, (CK_SESSION, const CK_MECHANISM *mechanism))                              \
        NO(C_Digest, (CK_SESSION, CK_IN(data), CK_OUT(digest)))                                    \
        NO(C_DigestUpdate, (CK_SESSION, CK_IN(data)))                                              \
        NO(C_DigestKey, (CK_SESSION, CK_OBJECT_HANDLE key))                                        \
        NO(C_DigestFinal, (CK_SESSION, CK_OUT(digest)))                                            \
        YES(C_SignInit, (CK_WITH_KEY))                                                             \
        YES(C_Sign, (CK_SESSION, CK_IN(data), CK_OUT(signature)))                                  \
        YES(C_SignUpdate, (CK_SESSION, CK_IN(data)))                                               \
        YES(C_SignFinal, (CK_SESSION, CK_OUT(signature)))                                          \
        NO(C_SignRecoverInit, (CK_WITH_KEY))                                                       \
        NO(C_SignRecover, (CK_SESSION, CK_IN(data), CK_OUT(signature)))                            \
        NO(C_VerifyInit, (CK_WITH_KEY))                                                            \
        NO(C_Verify, (CK_SESSION, CK_IN(data), CK_IN(signature)))                                  \
        NO(C_VerifyUpdate, (CK_SESSION, CK_IN(data)))                                              \
        NO(C_VerifyFinal, (CK_SESSION, CK_IN(signature)))                                          \
        NO(C_VerifyRecoverInit, (CK_WITH_KEY))                                                     \
        NO(C_VerifyRecover, (CK_SESSION, CK_IN(signature), CK_OUT(data)))                          \
        NO(C_DigestEncryptUpdate, (CK_SESSION, CK_IN(data), CK_OUT(encrypted)))                    \
        NO(C_DecryptDigestUpdate, (CK_SESSION, CK_IN(encrypted), CK_OUT(data)))                    \
        NO(C_SignEncryptUpdate, (CK_SESSION, CK_IN(data), CK_OUT(encrypted)))                      \
        NO(C_DecryptVerifyUpdate, (CK_SESSION, CK_IN(encrypted), CK_OUT(data)))                    \
        NO(C_GenerateKey,                                                                          \
                (CK_SESSION, const CK_MECHANISM *mechanism, CK_TEMPLATE, CK_OBJECT_HANDLE *ret))   \
        NO(C_GenerateKeyPair,                                                                      \
                (CK_SESSION, const CK_MECHANISM *mechanism, CK_ATTRIBUTE *public_template,         \
                        CK_ULONG public_count, CK_ATTRIBUTE *private_template,                     \
                        CK_ULONG private_count, CK_OBJECT_HANDLE *ret_public,                      \
                        CK_OBJECT_HANDLE *ret_private))                                            \
        NO(C_WrapKey, (CK_WITH_KEY, CK_OBJECT_HANDLE wrapped, CK_OUT(wrapped_key)))                \
        NO(C_UnwrapKey, (CK_WITH_KEY, CK_IN(wrapped), CK_TEMPLATE, CK_OBJECT_HANDLE * ret))        \
        NO(C_DeriveKey, (CK_WITH_KEY, CK_TEMPLATE, CK_OBJECT_HANDLE * ret))                        \
        NO(C_SeedRandom, (CK_SESSION, CK_IN(seed)))                                                \
        NO(C_GenerateRandom, (CK_SESSION, CK_BYTE * random, CK_ULONG len))                         \
        NO(C_GetFunctionStatus, (CK_SESSION))                                                      \
        NO(C_CancelFunction, (CK_SESSION))                                                         \
        YES(C_WaitForSlotEvent, (CK_FLAGS flags, CK_SLOT_ID * ret, void *reserved))

#define CK_ROWS_3_0(YES, NO)                                                                       \
        YES(C_GetInterfaceList, (CK_INTERFACE * ret, CK_ULONG * count))                            \
        YES(C_GetInterface, (const CK_UTF8CHAR *name, const CK_VERSION *version,                   \
                                    const CK_INTERFACE **ret, CK_FLAGS flags))                     \
        NO(C_LoginUser, (CK_SESSION, CK_USER_TYPE user, CK_IN(pin), CK_IN(name)))                  \
        YES(C_SessionCancel, (CK_SESSION, CK_FLAGS flags))                                         \
        NO(C_MessageEncryptInit, (CK_WITH_KEY))                                                    \
        NO(C_EncryptMessage,                                                                       \
                (CK_SESSION, CK_PARAMETER, CK_IN(associated), CK_IN(data), CK_OUT(encrypted)))     \
        NO(C_EncryptMessageBegin, (CK_SESSION, CK_PARAMETER, CK_IN(associated)))                   \
        NO(C_EncryptMessageNext,                                                                   \
                (CK_SESSION, CK_PARAMETER, CK_IN(data), CK_OUT(encrypted), CK_FLAGS flags))        \
        NO(C_MessageEncryptFinal, (CK_SESSION))                                                    \
        NO(C_MessageDecryptInit, (CK_WITH_KEY))                                                    \
        NO(C_DecryptMessage,                                                                       \
                (CK_SESSION, CK_PARAMETER, CK_IN(associated), CK_IN(encrypted), CK_OUT(data)))     \
        NO(C_DecryptMessageBegin, (CK_SESSION, CK_PARAMETER, CK_IN(associated)))                   \
        NO(C_DecryptMessageNext,                                                                   \
                (CK_SESSION, CK_PARAMETER, CK_IN(encrypted), CK_OUT(data), CK_FLAGS flags))        \
        NO(C_MessageDecryptFinal, (CK_SESSION))                                                    \
        NO(C_MessageSignInit, (CK_WITH_KEY))                                                       \
        NO(C_SignMessage, (CK_SESSION, CK_PARAMETER, CK_IN(data), CK_OUT(signature)))              \
        NO(C_SignMessageBegin, (CK_SESSION, CK_PARAMETER))                                         \
        NO(C_SignMessageNext, (CK_SESSION, CK_PARAMETER, CK_IN(data), CK_OUT(signature)))          \
        NO(C_MessageSignFinal, (CK_SESSION))                                                       \
        NO(C_MessageVerifyInit, (CK_WITH_KEY))                                                     \
        NO(C_VerifyMessage, (CK_SESSION, CK_PARAMETER, CK_IN(data), CK_IN(signature)))             \
        NO(C_VerifyMessageBegin, (CK_SESSION, CK_PARAMETER))                                       \
        NO(C_VerifyMessageNext, (CK_SESSION, CK_PARAMETER, CK_IN(data), CK_IN(signature)))         \
        NO(C_MessageVerifyFinal, (CK_SESSION))

#define CK_FUNCTIONS_2_40(X) CK_ROWS_2_40(X, X)
#define CK_FUNCTIONS_3_0(X)  CK_ROWS_3_0(X, X)

#endif
