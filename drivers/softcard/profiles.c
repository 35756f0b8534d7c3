/* SPDX-License-Identifier: Apache-2.0 */
/* profiles.c: the cards of card-facts 8.1 as rows.
 *
 * ATRs are those of 1.4. The foreign rows carry an ATR that Iranian cards share with other countries'
 * cards: a driver that trusts an ATR meets them here. The PIV rows' ATRs are made up, since the
 * standard leaves them to the card; their historical bytes announce chaining and extended length.
 * Pardis and Omid are as much of a card as is published of them: names, and one way to a certificate.
 */
#include "drivers/softcard/card.h"

#define PIV (HAS(APP_DOMAIN) | HAS(APP_PIV))
/* A PIV card's PIN has six digits at least. Tools for such cards send no Le and expect data. */
#define PIV_SETTINGS "pin=314159", "fci-without-le=data"
#define MAV          (HAS(APP_MANAGER) | HAS(APP_IAS) | HAS(APP_MPCOS))

#define PARDIS (HAS(APP_ISD) | HAS(APP_PARDIS) | HAS(APP_MATIRAN_1) | HAS(APP_MATIRAN_2))
#define OMID   (HAS(APP_OMID) | HAS(APP_OMID_DATA))

static const struct profile profiles[] = {
        { "mav2-cl", "3B8F800180318065B0850202ED120FFF82900072", false, MAV, { "label=v2" } },
        { "mav2-t0", "3B7F94000080318065B0850202ED120FFF829000", true, MAV, { "label=v2" } },
        { "mav3", "3B7F96000080318065B0850300EF120FFF829000", true, MAV, { "label=v3" } },
        { "mav4", "3BFF9600008131FE4380318065B085040011120FFF829000E0", false, MAV, { NULL } },
        { "pardis", "3B781800000073C84013009000", true, PARDIS, { NULL } },
        { "omid", "3BDB97008131FE85801349524E7396715B91302F", false, OMID, { NULL } },
        { "foreign-ias", "3B7F96000080318065B0850300EF120FFF829000", true, HAS(APP_IAS),
                { "leaf=foreign", "label=v3" } },
        { "foreign-mpcos", "3BFF9600008131FE4380318065B085040011120FFF829000E0", false,
                HAS(APP_MANAGER) | HAS(APP_MPCOS), { NULL } },
        { "piv", "3B98968131FE458073C001C0829000E5", false, PIV,
                { PIV_SETTINGS, "extended-length=on" } },
        { "piv-t0", "3B789600008073C001C0829000", true, PIV,
                { PIV_SETTINGS, "t0-unfetched=info" } },
        { "piv-cl", "3B8880018073C001C0829000E9", false, PIV,
                { PIV_SETTINGS, "extended-length=on", "piv-contactless=on" } },
};

const char *const softcard_profiles[] = {
        "mav2-cl",
        "mav2-t0",
        "mav3",
        "mav4",
        "pardis",
        "omid",
        "foreign-ias",
        "foreign-mpcos",
        "piv",
        "piv-t0",
        "piv-cl",
        NULL,
};

const struct profile *profile_find(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(profiles); i++)
                if (strcmp(profiles[i].name, name) == 0)
                        return &profiles[i];
        return NULL;
}
