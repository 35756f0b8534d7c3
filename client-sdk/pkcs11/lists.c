/* SPDX-License-Identifier: Apache-2.0 */
/* lists.c: what a program gets to know of the module: the function list of 2.40 and the interfaces of 3.0.
 *
 * These need no C_Initialize (2.40, 5.4; 3.0, 5.4.4). The list of 3.0 is that of 2.40 and more functions behind it.
 */
#include "client-sdk/pkcs11/p11.h"

#define EXPORTED                __attribute__((visibility("default")))
#define ENTRY(name, parameters) .name = name,

static const CK_FUNCTION_LIST list_2_40 = { .version = { 2, 40 }, CK_FUNCTIONS_2_40(ENTRY) };
static const CK_FUNCTION_LIST_3_0 list_3_0 = { .version = { 3, 0 },
        CK_FUNCTIONS_2_40(ENTRY) CK_FUNCTIONS_3_0(ENTRY) };

/* The first one is what a program gets that does not say which. */
static const CK_INTERFACE interfaces[] = {
        { "PKCS 11", &list_3_0, 0 },
        { "PKCS 11", &list_2_40, 0 },
};

EXPORTED CK_RV C_GetFunctionList(const CK_FUNCTION_LIST **ret)
{
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        *ret = &list_2_40;
        return CKR_OK;
}

EXPORTED CK_RV C_GetInterfaceList(CK_INTERFACE *ret, CK_ULONG *count)
{
        if (!count)
                return CKR_ARGUMENTS_BAD;
        CK_ULONG room = *count;
        *count = ARRAY_LEN(interfaces);
        if (ret && room < ARRAY_LEN(interfaces))
                return CKR_BUFFER_TOO_SMALL;
        if (ret)
                memcpy(ret, interfaces, sizeof interfaces);
        return CKR_OK;
}

/* Every list begins with its version. */
static bool is_wanted(const CK_INTERFACE *interface, const CK_UTF8CHAR *name,
        const CK_VERSION *version, CK_FLAGS flags)
{
        const CK_VERSION *has = interface->functions;
        return (!name || strcmp((const char *)name, interface->name) == 0) &&
               (!version || (version->major == has->major && version->minor == has->minor)) &&
               (interface->flags & flags) == flags;
}

EXPORTED CK_RV C_GetInterface(const CK_UTF8CHAR *name, const CK_VERSION *version,
        const CK_INTERFACE **ret, CK_FLAGS flags)
{
        if (!ret)
                return CKR_ARGUMENTS_BAD;
        for (size_t i = 0; i < ARRAY_LEN(interfaces); i++)
                if (is_wanted(&interfaces[i], name, version, flags)) {
                        *ret = &interfaces[i];
                        return CKR_OK;
                }
        return CKR_FUNCTION_FAILED;
}
