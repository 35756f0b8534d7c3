/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_reader.c: looks at the way to a card: the reader service and its permissions, the readers, the card.
 *
 * Mostly mohrd's own picture in words. Connecting to pcscd is what every program of its kind does first; it also wakes one that
 * systemd starts when it is needed.
 */
#include "client-sdk/cli/doctor.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#define PCSCD_SOCKET "/run/pcscd/pcscd.comm"
#define POLKIT_RULE  "/usr/share/polkit-1/rules.d/50-mohr.rules"
#define GROUPS_MAX   256

/* ---- mohrd's picture ----------------------------------------------------------------------- */

static const char *text_of(const json_t *row, const char *name)
{
        const char *text = json_string_value(json_object_get(row, name));
        return text ? text : "";
}

const char *doctor_pcsc_state(const struct examination *e)
{
        size_t index;
        json_t *backend;
        json_array_foreach (json_object_get(e->status, "backends"), index, backend)
                if (strcmp(text_of(backend, "driver"), "pcsc") == 0)
                        return text_of(backend, "state");
        return e->status ? "" : NULL;
}

bool doctor_any_reader(const struct examination *e, const char *state, const char *why)
{
        size_t index;
        json_t *reader;
        json_array_foreach (json_object_get(e->status, "readers"), index, reader)
                if ((!state || strcmp(text_of(reader, "state"), state) == 0) &&
                        (!why || strcmp(text_of(reader, "why"), why) == 0))
                        return true;
        return false;
}

/* The first reader that something keeps from being used; NULL: there is one that can be, or none at all. */
static const char *why_no_reader(const struct examination *e)
{
        size_t index;
        json_t *reader;
        const char *first = NULL;
        json_array_foreach (json_object_get(e->status, "readers"), index, reader) {
                const char *why = json_string_value(json_object_get(reader, "why"));
                if (!why)
                        return NULL;
                first = first ? first : why;
        }
        return first;
}

static bool usable_reader(const struct examination *e)
{
        return doctor_any_reader(e, NULL, NULL) && !why_no_reader(e);
}

struct finding doctor_unseen(int outcome)
{
        return (struct finding){ .advice = true,
                .outcome = outcome,
                .text = N_("This cannot be seen while the Mohr service cannot be reached.") };
}

/* ---- the reader service -------------------------------------------------------------------- */

static int connect_pcscd(void)
{
        const char *named = getenv("PCSCLITE_CSOCK_NAME");
        return place_connect(named && named[0] ? named : PCSCD_SOCKET);
}

struct finding look_at_pcscd(struct examination *e)
{
        static const struct {
                int error;
                struct finding finding;
        } rows[] = {
                { 0, { .text = N_(
                               "The smart card service (pcscd) is running and can be reached.") } },
                { ENOENT, { .outcome = OUTCOME_READER_SERVICE,
                                  .text = N_("The smart card service (pcscd) is not there."),
                                  .next = N_("Install and start it:"),
                                  .command = "sudo apt install pcscd && sudo systemctl start "
                                             "pcscd.socket" } },
                { ECONNREFUSED, { .outcome = OUTCOME_READER_SERVICE,
                                        .text = N_("The smart card service (pcscd) does not run."),
                                        .next = N_("Start it:"),
                                        .command = "sudo systemctl restart pcscd.socket" } },
                { EACCES, { .outcome = OUTCOME_READER_SERVICE,
                                  .text = N_("The smart card service (pcscd) denies access."),
                                  .next = N_("Log in at the computer itself, or ask the person who "
                                             "looks after it:"),
                                  .command = "sudo adduser $USER mohr" } },
        };
        const char *state = doctor_pcsc_state(e);
        if (state && !*state)
                return (struct finding){ .text = N_("The smart card service (pcscd) is not needed: "
                                                    "mohrd is told to use other drivers.") };
        /* A pcscd that asks polkit lets everybody connect and denies afterwards. */
        int error = state && strcmp(state, "denied") == 0 ? EACCES : connect_pcscd();
        struct finding finding = { .outcome = OUTCOME_READER_SERVICE,
                .data = strerror(error),
                .text = N_("The smart card service (pcscd) cannot be reached."),
                .next = N_("Start it:"),
                .command = "sudo systemctl restart pcscd.socket" };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].error == error)
                        finding = rows[i].finding;
        finding.advice = finding.outcome != 0 && usable_reader(e); /* of another driver */
        return finding;
}

struct finding look_at_pcscd_start(struct examination *e)
{
        static const char *const wants[] = {
                "/etc/systemd/system/sockets.target.wants/pcscd.socket",
                "/usr/lib/systemd/system/sockets.target.wants/pcscd.socket"
        };
        static const char *const units[] = { "/usr/lib/systemd/system/pcscd.socket",
                "/lib/systemd/system/pcscd.socket" };
        const char *state = doctor_pcsc_state(e);
        struct stat st;
        bool installed = place_is(e, units[0], &st) || place_is(e, units[1], &st);
        if (!installed || (state && !*state) || place_is(e, wants[0], &st) ||
                place_is(e, wants[1], &st))
                return (struct finding){
                        .text = N_("Nothing keeps the smart card service (pcscd) from starting "
                                   "when it is needed.")
                };
        return (struct finding){ .outcome = OUTCOME_READER_SERVICE,
                .advice = true,
                .text = N_("The smart card service (pcscd) does not start by itself."),
                .next = N_("Switch it on:"),
                .command = "sudo systemctl enable --now pcscd.socket" };
}

/* ---- polkit -------------------------------------------------------------------------------- */

static bool in_group_now(gid_t group)
{
        gid_t groups[GROUPS_MAX];
        int count = getgroups(GROUPS_MAX, groups);
        for (int i = 0; i < count; i++)
                if (groups[i] == group)
                        return true;
        return getegid() == group;
}

/* What /etc/group says, which a session that began before does not know. */
static bool named_in_group(const struct group *group)
{
        const struct passwd *who = getpwuid(geteuid());
        for (char **name = group->gr_mem; who && *name; name++)
                if (strcmp(*name, who->pw_name) == 0)
                        return true;
        return false;
}

struct finding look_at_polkit(struct examination *e)
{
        const char *state = doctor_pcsc_state(e);
        const struct group *group = getgrnam("mohr");
        struct stat st;
        struct finding finding = { .outcome = OUTCOME_READER_SERVICE,
                .text = N_(
                        "polkit lets only the person at this computer use cards, and this session "
                        "is none at it."),
                .next = N_("Log in at the computer itself, or be put into the group, and log in "
                           "anew:"),
                .command = "sudo adduser $USER mohr" };
        if (!state)
                return doctor_unseen(OUTCOME_READER_SERVICE);
        if (strcmp(state, "denied") != 0)
                return (struct finding){ .text = N_("Nothing denies you the smart card service.") };
        finding.advice = usable_reader(e);
        if (!group || !place_is(e, POLKIT_RULE, &st)) {
                finding.next = N_(
                        "Log in at the computer itself. Mohr's rule for others is not installed:");
                finding.command = "sudo apt install --reinstall mohr";
        } else if (named_in_group(group) && !in_group_now(group->gr_gid)) {
                finding.next =
                        N_("You are in the group mohr since after this session began: log out "
                           "and in again.");
                finding.command = NULL;
        }
        return finding;
}

/* ---- reader and card ----------------------------------------------------------------------- */

/* What a request would end with. */
static int outcome_why(const char *why)
{
        static const struct {
                const char *why;
                int outcome;
        } rows[] = { { "held", OUTCOME_BUSY }, { "no-access", OUTCOME_READER_SERVICE },
                { "no-answer", OUTCOME_NO_READER }, { "settings", OUTCOME_READER_SERVICE },
                { "not-reached", OUTCOME_NO_READER }, { "unpaired", OUTCOME_NO_READER },
                { "expired", OUTCOME_NO_READER }, { "elsewhere", OUTCOME_BUSY },
                { "version", OUTCOME_READER_SERVICE } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (strcmp(rows[i].why, why) == 0)
                        return rows[i].outcome;
        return OUTCOME_INTERNAL;
}

struct finding look_at_reader(struct examination *e)
{
        if (!e->status)
                return doctor_unseen(OUTCOME_NO_READER);
        const char *why = why_no_reader(e);
        if (why)
                return (struct finding){ .outcome = outcome_why(why),
                        .text = N_("A card reader was found, but it cannot be used."),
                        .next = show_why(why) };
        if (usable_reader(e))
                return (struct finding){ .text = N_("A card reader was found.") };
        return (struct finding){ .outcome = OUTCOME_NO_READER,
                .text = N_("No card reader was found."),
                .next = N_("Connect the card reader to this computer, then try again.") };
}

struct finding look_at_card(struct examination *e)
{
        if (!e->status)
                return doctor_unseen(OUTCOME_NO_CARD);
        if (!usable_reader(e))
                return (struct finding){ .advice = true,
                        .outcome = OUTCOME_NO_CARD,
                        .text = N_("This cannot be seen while there is no reader to use.") };
        if (doctor_any_reader(e, "card", NULL) || doctor_any_reader(e, "in_use", NULL))
                return (struct finding){ .text = N_("There is a card in the reader.") };
        if (doctor_any_reader(e, "busy", NULL))
                return (struct finding){ .outcome = OUTCOME_BUSY,
                        .text = N_("The card reader is in use by another request or program."),
                        .next = N_("Wait a moment or close the other program, then try again.") };
        return (struct finding){ .outcome = OUTCOME_NO_CARD,
                .text = N_("There is no card in the reader."),
                .next = N_("Put the card into the reader, or hold it on the reader, then try "
                           "again.") };
}
