/* SPDX-License-Identifier: Apache-2.0 */
/* ending.h: how a phone's helper comes to its end, and what that is called by mohrd and in the log. */
#ifndef MOHR_PHONE_ENDING_H
#define MOHR_PHONE_ENDING_H

#include "client-sdk/link/link.h"

enum ending {
        GO_ON,
        END_IN_ORDER,  /* mohrd closed its channel */
        END_AWAY,      /* not reached, or the connection broke */
        END_SILENT,    /* a question waits, and nothing comes from the phone */
        END_SUSPENDED, /* the phone stops serving */
        END_FORGOTTEN, /* the pairing is no more, on this side or on the other; or it is not that phone */
        END_EXPIRED,   /* our certificate for it */
        END_CROWDED,   /* the phone serves others */
        END_VERSION,   /* one of the two does not speak the other's */
        END_FORBIDDEN, /* says the phone: what was asked is not for links, or was not announced */
        END_NONSENSE,  /* what came from the phone is out of shape or place */
        END_MISUSED,   /* what came from mohrd is */
        END_BROKEN,    /* this process */
        ENDINGS
};

int ending_status(enum ending ending);        /* the exit status: an outcome, or 0 */
const char *ending_words(enum ending ending); /* for a log line; NULL: it needs none */
enum ending ending_of_error(int r);           /* of a call of client-sdk/link/link.h; r < 0 */
enum ending ending_of_reason(uint8_t reason); /* of a LINK_BYE */
/* What the phone is told, or LINK_REASON_NONE: it is gone, or knows. */
enum link_reason ending_reason(enum ending ending);

#endif
