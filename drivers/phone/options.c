/* SPDX-License-Identifier: Apache-2.0 */
/* options.c: "key=value", as the configuration gave them to the helper and to the watcher. */
#include "drivers/phone/phone.h"

const char *phone_option(const char *const *options, const char *key)
{
        size_t len = strlen(key);
        for (; *options; options++)
                if (strncmp(*options, key, len) == 0 && (*options)[len] == '=')
                        return *options + len + 1;
        return NULL;
}

bool phone_options_known(const char *const *options)
{
        static const char *const known[] = { "folder", "name", "discover" };
        for (; *options; options++) {
                size_t i = 0, len = strcspn(*options, "=");
                while (i < ARRAY_LEN(known) &&
                        (strlen(known[i]) != len || memcmp(known[i], *options, len) != 0))
                        i++;
                if (i == ARRAY_LEN(known))
                        return false;
        }
        return true;
}
