/* SPDX-License-Identifier: Apache-2.0 */
/* command.h: reading what passes between driver and card, for the rule monitor alone: what kind of command
 * it is, which application an AID names, who issued a certificate. Written from ISO 7816-4 and card-facts
 * 1.5, 2.1 and 4.5, with nothing of apdu/: a mistake there must not be repeated here.
 */
#ifndef TEST_MONITOR_COMMAND_H
#define TEST_MONITOR_COMMAND_H

#include "base/base.h"

enum app { APP_NONE, APP_IAS, APP_MPCOS, APP_MANAGER, APP_PARDIS, APP_OMID, APP_PIV, APP_OTHER };

struct command {
        uint8_t cla, ins, p1, p2;
        const uint8_t *data;
        size_t data_len;
        size_t asked; /* Le; 0: nothing asked for */
};

/* At least the four bytes of a header. The data stay where they are. */
struct command command_parse(const uint8_t *cmd, size_t len);
bool command_is_verify(const struct command *command);
bool command_is_clear(const struct command *command);
/* CHANGE REFERENCE DATA or RESET RETRY COUNTER: a proof, then a new PIN. */
bool command_renews_pin(const struct command *command);
bool command_carries_pin(const struct command *command);
bool command_is_mpcos_counter(const struct command *command); /* GET INFO on a secret code, 4.5 */
bool command_is_pin_family(const struct command *command);

bool sw_succeeded(uint16_t sw);
enum app app_of(const uint8_t *aid, size_t len);

/* 1.5 step 5, on as much of a certificate as was read so far. */
bool issuer_is_iranian(const uint8_t *file, size_t len);

#endif
