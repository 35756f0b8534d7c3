/* SPDX-License-Identifier: Apache-2.0 */
/* ending.c: see ending.h. Whether a phone is not there, does not know us, or is in use by somebody else is a person's
 * matter, and each has a status of its own (daemon/readers_linked.c); what only a broken or hostile phone does has one
 * for all.
 */
#include "drivers/phone/ending.h"

#include "base/outcome.h"

static const struct {
        int status;
        enum link_reason tell;
        const char *words;
} endings[ENDINGS] = {
        [END_IN_ORDER] = { OUTCOME_OK, LINK_REASON_CLOSING, NULL },
        [END_AWAY] = { OUTCOME_NO_READER, LINK_REASON_NONE, NULL },
        [END_SILENT] = { OUTCOME_NO_READER, LINK_REASON_SILENT, "the phone fell silent" },
        [END_SUSPENDED] = { OUTCOME_NO_READER, LINK_REASON_NONE, NULL },
        [END_FORGOTTEN] = { OUTCOME_POLICY, LINK_REASON_UNPAIRED,
                "the phone and this computer are not paired any more" },
        [END_EXPIRED] = { OUTCOME_CERTIFICATE_EXPIRED, LINK_REASON_NONE,
                "the pairing with the phone has expired" },
        [END_CROWDED] = { OUTCOME_BUSY, LINK_REASON_NONE, NULL },
        [END_VERSION] = { OUTCOME_READER_SERVICE, LINK_REASON_VERSION,
                "the phone speaks another version" },
        [END_FORBIDDEN] = { OUTCOME_INTERNAL, LINK_REASON_NONE,
                "the phone says that this was not to be asked" },
        [END_NONSENSE] = { OUTCOME_INTERNAL, LINK_REASON_PROTOCOL, "the phone spoke nonsense" },
        [END_MISUSED] = { OUTCOME_INTERNAL, LINK_REASON_CLOSING, "mohrd spoke nonsense" },
        [END_BROKEN] = { OUTCOME_INTERNAL, LINK_REASON_CLOSING, "the helper is broken" },
};

int ending_status(enum ending ending)
{
        return endings[ending].status;
}

const char *ending_words(enum ending ending)
{
        return endings[ending].words;
}

enum link_reason ending_reason(enum ending ending)
{
        return endings[ending].tell;
}

enum ending ending_of_error(int r)
{
        static const struct {
                int error;
                enum ending ending;
        } errors[] = {
                { -EACCES, END_FORGOTTEN },
                { -ECONNRESET, END_AWAY },
                { -EPIPE, END_AWAY },
                { -ETIMEDOUT, END_AWAY },
                { -EHOSTUNREACH, END_AWAY },
                { -ENETUNREACH, END_AWAY },
                { -ENETDOWN, END_AWAY },
                { -ENOBUFS, END_SILENT }, /* it does not read what we say */
                { -EPROTO, END_NONSENSE },
                { -EBADMSG, END_NONSENSE },
        };
        for (size_t i = 0; i < ARRAY_LEN(errors); i++)
                if (errors[i].error == r)
                        return errors[i].ending;
        return END_BROKEN;
}

enum ending ending_of_reason(uint8_t reason)
{
        static const enum ending reasons[LINK_REASONS] = {
                [LINK_REASON_NONE] = END_AWAY,
                [LINK_REASON_CLOSING] = END_SUSPENDED,
                [LINK_REASON_VERSION] = END_VERSION,
                [LINK_REASON_PROTOCOL] = END_FORBIDDEN,
                [LINK_REASON_UNPAIRED] = END_FORGOTTEN,
                [LINK_REASON_TOO_MANY] = END_CROWDED,
                [LINK_REASON_SILENT] = END_AWAY,
                [LINK_REASON_FORBIDDEN] = END_FORBIDDEN,
        };
        return reason < LINK_REASONS ? reasons[reason] : END_NONSENSE;
}
