/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc_peer: another PC/SC program on the same machine, as Mohr must be able to live with.
 *
 *      pcsc_peer stay READER        connects shared to every card that comes and stays connected, asks
 *                                   it nothing; so no card is ever powered down for lack of clients
 *      pcsc_peer exclusive READER   holds the reader exclusively
 *      pcsc_peer replay READER FILE sends the hex commands of FILE's lines inside one transaction that
 *                                   ends in a reset, printing each answer: a session with no care at all
 *
 * The first two say "ready" and go on until their input ends.
 */
#include "base/base.h"
#include "base/bytes.h"

#include <poll.h>
#include <stdio.h>
#include <winscard.h>

struct peer {
        SCARDCONTEXT context;
        SCARDHANDLE card;
        DWORD protocol;
        const char *reader;
        bool connected;
};

static bool peer_connect(struct peer *peer, DWORD mode)
{
        LONG r = SCardConnect(peer->context, peer->reader, mode,
                SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &peer->card, &peer->protocol);

        if (r != SCARD_S_SUCCESS && r != SCARD_E_NO_SMARTCARD && r != SCARD_W_REMOVED_CARD)
                fprintf(stderr, "connect: %s\n", pcsc_stringify_error(r));
        return r == SCARD_S_SUCCESS;
}

static bool input_ended(int wait_ms)
{
        struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
        char byte;

        return poll(&in, 1, wait_ms) > 0 && read(STDIN_FILENO, &byte, 1) <= 0;
}

/* Notices resets and removals the way a careless program does: by looking now and then. */
static void peer_look(struct peer *peer)
{
        DWORD state, protocol, active;
        LONG r;

        if (!peer->connected) {
                peer->connected = peer_connect(peer, SCARD_SHARE_SHARED);
                return;
        }
        r = SCardStatus(peer->card, NULL, &(DWORD){ 0 }, &state, &protocol, NULL, &(DWORD){ 0 });
        if (r == SCARD_W_RESET_CARD)
                r = SCardReconnect(peer->card, SCARD_SHARE_SHARED,
                        SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, SCARD_LEAVE_CARD, &active);
        if (r != SCARD_S_SUCCESS && r != SCARD_E_SHARING_VIOLATION) {
                SCardDisconnect(peer->card, SCARD_LEAVE_CARD);
                peer->connected = false;
        }
}

static int peer_stay(struct peer *peer)
{
        peer->connected = peer_connect(peer, SCARD_SHARE_SHARED);
        puts("ready");
        fflush(stdout);
        while (!input_ended(20))
                peer_look(peer);
        return 0;
}

static int peer_exclusive(struct peer *peer)
{
        if (!peer_connect(peer, SCARD_SHARE_EXCLUSIVE))
                return 1;
        puts("ready");
        fflush(stdout);
        while (!input_ended(1000))
                continue;
        return 0;
}

static int peer_send(struct peer *peer, const char *line)
{
        const SCARD_IO_REQUEST *pci =
                peer->protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
        uint8_t cmd[300], rsp[4098];
        char text[sizeof rsp * 2 + 1];
        DWORD len = sizeof rsp;
        ssize_t n = hex_decode(cmd, sizeof cmd, line);
        LONG r;

        if (n < 0)
                return 1;
        r = SCardTransmit(peer->card, pci, cmd, (DWORD)n, NULL, rsp, &len);
        if (r != SCARD_S_SUCCESS) {
                printf("! %s\n", pcsc_stringify_error(r));
                return 1;
        }
        hex_encode(text, rsp, len);
        puts(text);
        return 0;
}

static int peer_replay(struct peer *peer, const char *path)
{
        FILE *file = fopen(path, "re");
        char line[700];
        int r = 0;

        if (!file || !peer_connect(peer, SCARD_SHARE_SHARED) ||
                SCardBeginTransaction(peer->card) != SCARD_S_SUCCESS)
                return 1;
        while (r == 0 && fgets(line, sizeof line, file)) {
                line[strcspn(line, "\n")] = '\0';
                r = peer_send(peer, line);
        }
        fclose(file);
        SCardEndTransaction(peer->card, SCARD_RESET_CARD);
        return r;
}

int main(int argc, char **argv)
{
        struct peer peer = { .reader = argc > 2 ? argv[2] : "" };
        int r = 2;

        if (argc < 3 || SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &peer.context) !=
                                SCARD_S_SUCCESS)
                return r;
        if (strcmp(argv[1], "stay") == 0)
                r = peer_stay(&peer);
        else if (strcmp(argv[1], "exclusive") == 0)
                r = peer_exclusive(&peer);
        else if (strcmp(argv[1], "replay") == 0 && argc > 3)
                r = peer_replay(&peer, argv[3]);
        SCardReleaseContext(peer.context);
        return r;
}
