/* SPDX-License-Identifier: Apache-2.0 */
/* vpcd.h: the software card in the virtual reader of a real pcscd.
 *
 * Hooks see every command before the card does and every answer before the reader does, so that a
 * test can watch or judge a conversation without being part of it.
 */
#ifndef MOHR_SOFTCARD_VPCD_H
#define MOHR_SOFTCARD_VPCD_H

#include "drivers/softcard/softcard.h"

enum softcard_power { SOFTCARD_OFF, SOFTCARD_ON, SOFTCARD_RESET, SOFTCARD_GONE };

struct softcard_hooks {
        /* Any may be NULL. Bytes are borrowed for the call. */
        void (*before)(void *user, const uint8_t *cmd, size_t len);
        /* `result` is softcard_transmit's; rsp is empty when nothing came back. */
        void (*after)(void *user, const uint8_t *cmd, size_t len, const uint8_t *rsp,
                size_t rsp_len, int result);
        void (*power)(void *user, enum softcard_power what); /* GONE: the reader lost the card */
        /* wake_fd is readable (the callee drains it); true ends the run. */
        bool (*wake)(void *user);
};

/* Delays inside softcard_transmit end early while this descriptor is readable; -1: none. */
void softcard_wake_fd(struct softcard *card, int fd);

/* Serves the card until `wake` says stop: 0. A lifted card closes the connection, a card laid back
 * connects again. While pcscd is away it tries again for patience_ms, then -ETIMEDOUT. `wake_fd` may
 * be -1. Result of a malformed frame: -EBADMSG. */
_must_check_ int softcard_vpcd_run(struct softcard *card, const char *host, const char *port,
        int patience_ms, int wake_fd, const struct softcard_hooks *hooks, void *user);

#endif
