/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_phone.c: looks at paired phones (docs/phone.md): the pairings' files, what mohrd says of them, and whether a phone is
 * found that has another address than yesterday.
 *
 * None of it counts for the exit code as long as there is another way to a card; a computer without a phone is as good as one
 * with. Whether a phone is reached is mohrd's word: nobody is dialled here.
 */
#include "client-sdk/cli/doctor.h"

#include "client-sdk/link/store.h"

#include <time.h>

#define AVAHI     "/run/avahi-daemon/socket"
#define SOON_DAYS 30
#define DAY_S     86400

struct phones {
        struct link_peer list[LINK_PEERS_MAX];
        ssize_t count; /* or a negative errno */
        char *bad;
};

static void phones_clear(struct phones *phones)
{
        for (ssize_t i = 0; i < phones->count; i++)
                link_peer_clear(&phones->list[i]);
        free(phones->bad);
}

static void phones_read(const struct examination *e, struct phones *ret)
{
        _cleanup_free_ char *folder = NULL;
        char path[PATH_MAX];
        ret->count = link_store_folder("phones", &folder);
        if (ret->count == 0)
                ret->count = place_path(path, e, folder)
                                     ? link_store_list(path, ret->list, &ret->bad)
                                     : -ENAMETOOLONG;
        if (ret->count == -ENOENT)
                ret->count = 0;
}

/* ---- what mohrd says ------------------------------------------------------------------------- */

static bool is_phone(const json_t *row)
{
        const char *driver = json_string_value(json_object_get(row, "driver"));
        return driver && strcmp(driver, "phone") == 0;
}

static bool daemon_serves_phones(const struct examination *e)
{
        size_t index;
        json_t *row;
        json_array_foreach (json_object_get(e->status, "backends"), index, row)
                if (is_phone(row))
                        return true;
        return false;
}

/* A phone's word for what keeps it from being used; NULL: one can be, or there is none. */
static const char *why_no_phone(const struct examination *e)
{
        size_t index;
        json_t *row;
        const char *first = NULL;
        json_array_foreach (json_object_get(e->status, "readers"), index, row) {
                const char *why = json_string_value(json_object_get(row, "why"));
                if (is_phone(row) && !why)
                        return NULL;
                if (is_phone(row) && !first)
                        first = why;
        }
        return first;
}

static struct finding unreached(const struct examination *e, const char *why)
{
        struct stat st;
        bool lost = strcmp(why, "not-reached") == 0 && !place_is(e, AVAHI, &st);
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_NO_READER,
                .text = N_("A phone is paired, but it cannot be used as a reader now."),
                .next = show_why(why),
                .data = lost ? _("Avahi does not run here: a phone that has a new address is not "
                                 "found by itself (mohr phone add-address).")
                             : NULL };
}

/* ---- the pairings ---------------------------------------------------------------------------- */

static bool ends_soon(const struct phones *phones)
{
        for (ssize_t i = 0; i < phones->count; i++)
                if (phones->list[i].expires_at < time(NULL) + (int64_t)SOON_DAYS * DAY_S)
                        return true;
        return false;
}

/* Is there one that makes a clock look wrong, or is over? */
static enum link_age worst_age(const struct phones *phones)
{
        enum link_age worst = LINK_AGE_GOOD;
        for (ssize_t i = 0; i < phones->count; i++) {
                enum link_age one = link_peer_age(&phones->list[i], (int64_t)time(NULL));
                if (one > worst)
                        worst = one;
        }
        return worst;
}

static struct finding aged(enum link_age how)
{
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_NO_READER,
                .text = how == LINK_AGE_EARLY
                                ? N_("A pairing with a phone was made on a day that has not come "
                                     "yet: this computer's clock is wrong, or was then.")
                                : N_("A pairing with a phone has ended, or this computer's clock "
                                     "is wrong."),
                .next = how == LINK_AGE_EARLY
                                ? N_("Set date and time. Which pairing it is:")
                                : N_("Set date and time. If they are right, pair anew. Which "
                                     "pairing it is:"),
                .command = "mohr phone list" };
}

static struct finding broken(struct examination *e, const struct phones *phones)
{
        snprintf(e->shown, sizeof e->shown, "%s",
                phones->bad ? phones->bad : strerror((int)-phones->count));
        return (struct finding){ .advice = true,
                .outcome = OUTCOME_NO_READER,
                .text = N_("A pairing with a phone cannot be used."),
                .next = N_("Its file and its folder must be yours, and nobody else's to read. To "
                           "pair anew:"),
                .command = "mohr phone pair",
                .data = e->shown };
}

static struct finding judge(struct examination *e, const struct phones *phones)
{
        if (phones->count < 0 || phones->bad)
                return broken(e, phones);
        if (phones->count == 0)
                return (struct finding){ .text = N_("No phone is paired with this computer.") };
        if (worst_age(phones) != LINK_AGE_GOOD)
                return aged(worst_age(phones));
        if (ends_soon(phones))
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_NO_READER,
                        .text = N_("The pairing with a phone ends within 30 days."),
                        .next = N_("While both are in the same network, run, with its name:"),
                        .command = "mohr phone renew" };
        if (!e->status)
                return doctor_unseen(OUTCOME_NO_READER);
        if (!daemon_serves_phones(e))
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_NO_READER,
                        .text = N_("A phone is paired, but mohrd is told to use other drivers."),
                        .next = N_("Add phone to drivers in [readers] of mohr.conf.") };
        const char *why = why_no_phone(e);
        return why ? unreached(e, why)
                   : (struct finding){ .text = N_("A paired phone can be used as a reader.") };
}

struct finding look_at_phones(struct examination *e)
{
        _cleanup_(phones_clear) struct phones phones = { 0 };
        phones_read(e, &phones);
        return judge(e, &phones);
}
