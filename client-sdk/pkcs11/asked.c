/* SPDX-License-Identifier: Apache-2.0 */
/* asked.c: what goes along with every question about a card, and what mohrd's answers are in PKCS#11's words.
 *
 * Programs do not say where their user sits, so it is taken from their environment as mohr(1) takes it from its own. Answers are
 * chosen by what programs do with them: CKR_PIN_INCORRECT is said of a PIN that the card refused and of nothing else,
 * since some ask again then.
 */
#include "client-sdk/pkcs11/p11.h"

#include "base/outcome.h"
#include "client-sdk/asking.h"
#include "client-sdk/members.h"

#include <sys/stat.h>

/* ---- What is asked ---- */

static const char *from_environment(const char *name)
{
        const char *value = getenv(name);
        return value && value[0] ? value : NULL;
}

/* Persian if gettext would speak it; else mohrd decides. */
static const char *language(void)
{
        static const char *const variables[] = { "LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG" };
        const char *value = NULL;
        for (size_t i = 0; !value && i < ARRAY_LEN(variables); i++)
                value = from_environment(variables[i]);
        if (!value)
                return NULL;
        bool persian = strncmp(value, "fa", 2) == 0 && (!value[2] || strchr("_:.@", value[2]));
        return persian ? "fa" : "en";
}

/* A terminal that the program has open and that is this user's; mohrd takes no other. */
static const char *terminal(char *dst, size_t cap)
{
        static const int streams[] = { STDIN_FILENO, STDERR_FILENO };
        for (size_t i = 0; i < ARRAY_LEN(streams); i++) {
                struct stat st;
                if (isatty(streams[i]) && ttyname_r(streams[i], dst, cap) == 0 &&
                        fstat(streams[i], &st) == 0 && st.st_uid == getuid())
                        return dst;
        }
        return NULL;
}

static json_t *where_to_ask(void)
{
        char tty[64];
        const struct mohr_ui ui = {
                .tty = terminal(tty, sizeof tty),
                .term = from_environment("TERM"),
                .display = from_environment("DISPLAY"),
                .wayland_display = from_environment("WAYLAND_DISPLAY"),
                .xauthority = from_environment("XAUTHORITY"),
                .language = language(),
        };
        return asking_ui(&ui);
}

json_t *p11_card_parameters(const struct p11_slot *slot)
{
        const struct member rows[] = { { "reader", slot->name } };
        json_t *made = members_of(json_object(), rows, ARRAY_LEN(rows));
        if (made && json_object_set_new(made, "ui", where_to_ask()) == 0)
                return made;
        json_decref(made);
        return NULL;
}

/* ---- What is answered ---- */

/* settled: it is the answer for this card as it lies there, and nobody is asked a second time for the same. */
static const struct {
        const char *name; /* of an error of mohr.Keys, or of an outcome */
        CK_RV rv;
        bool settled;
} answers[] = {
        { "NotRecognised", CKR_DATA_INVALID, false },
        { "MechanismInvalid", CKR_MECHANISM_INVALID, false },
        { "CardChanged", CKR_DEVICE_REMOVED, false },
        { "CardRemoved", CKR_DEVICE_REMOVED, false },
        { "NoReader", CKR_DEVICE_REMOVED, false },
        { "NoCard", CKR_DEVICE_REMOVED, false },
        { "DaemonUnreachable", CKR_DEVICE_REMOVED, false },
        { "ReaderServiceUnavailable", CKR_DEVICE_ERROR, false },
        { "Busy", CKR_DEVICE_ERROR, false },
        { "NoStandardSignature", CKR_DEVICE_ERROR, false },
        { "CardNotSupported", CKR_TOKEN_NOT_RECOGNIZED, true },
        { "CardNeedsIssuerKeys", CKR_KEY_FUNCTION_NOT_PERMITTED, true },
        { "WrongPin", CKR_PIN_INCORRECT, false },
        { "PinBlocked", CKR_PIN_LOCKED, true },
        { "RefusedByPerson", CKR_FUNCTION_REJECTED, true },
        { "RefusedByPolicy", CKR_FUNCTION_REJECTED, true },
        { "LastTryDeclined", CKR_FUNCTION_REJECTED, true },
        { "TimedOut", CKR_FUNCTION_CANCELED, true },
        { "NobodyToAsk", CKR_FUNCTION_CANCELED, true },
        { "CannotRecord", CKR_FUNCTION_FAILED, false },
};

static CK_RV broken(int r)
{
        return r == -ENOMEM      ? CKR_HOST_MEMORY
               : r == -ECANCELED ? CKR_CRYPTOKI_NOT_INITIALIZED
               : r == -EBADMSG   ? CKR_DEVICE_ERROR
                                 : CKR_GENERAL_ERROR;
}

CK_RV p11_result(int r, const struct mohr_client *client, bool *ret_settled)
{
        const char *error = client ? client_error(client) : "", *dot = strrchr(error, '.');
        const char *name = dot ? dot + 1 : outcome_name(r);
        *ret_settled = false;
        if (r <= 0)
                return r == 0 ? CKR_OK : broken(r);
        for (size_t i = 0; i < ARRAY_LEN(answers); i++)
                if (strcmp(answers[i].name, name) == 0) {
                        *ret_settled = answers[i].settled;
                        return answers[i].rv;
                }
        return CKR_GENERAL_ERROR;
}
