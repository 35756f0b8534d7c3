/* SPDX-License-Identifier: Apache-2.0 */
/* bench_pcsc: the shortest possible signature, as the bench's baseline.
 *
 *      bench_pcsc READER PIN ROUNDS
 *
 * Knows everything beforehand (applet, key reference, algorithm) and checks nothing: SELECT, VERIFY, MSE,
 * HASH, CDS in one transaction that ends in a reset. What Mohr costs beyond this is what its care costs.
 * Prints `name value` lines: medians of wall time, the mean of CPU time.
 */
#include "base/base.h"
#include "base/bytes.h"

#include <stdio.h>
#include <time.h>
#include <winscard.h>

#define ROUNDS_MAX 2000

static const char *const commands[] = {
        "00A4040C0CA0000000180C000001634200",
        NULL, /* VERIFY, made of the PIN */
        "002241B606800142840103",
        "002A90A0229020000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
        "002A9E9A00",
};

static double now_us(clockid_t clock)
{
        struct timespec t;

        clock_gettime(clock, &t);
        return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
        double x, y;

        memcpy(&x, a, sizeof x);
        memcpy(&y, b, sizeof y);
        return (x > y) - (x < y);
}

static double median(double *values, size_t count)
{
        qsort(values, count, sizeof *values, compare);
        return values[count / 2];
}

static int send(SCARDHANDLE card, DWORD protocol, const uint8_t *cmd, size_t len)
{
        const SCARD_IO_REQUEST *pci = protocol == SCARD_PROTOCOL_T0 ? SCARD_PCI_T0 : SCARD_PCI_T1;
        uint8_t rsp[300], fetch[] = { 0x00, 0xC0, 0x00, 0x00, 0x00 };
        DWORD n = sizeof rsp;

        if (SCardTransmit(card, pci, cmd, (DWORD)len, NULL, rsp, &n) != SCARD_S_SUCCESS || n < 2)
                return -EIO;
        if (rsp[n - 2] == 0x61) {
                fetch[4] = rsp[n - 1];
                n = sizeof rsp;
                if (SCardTransmit(card, pci, fetch, sizeof fetch, NULL, rsp, &n) != SCARD_S_SUCCESS)
                        return -EIO;
        }
        return n >= 2 && rsp[n - 2] == 0x90 ? 0 : -EPROTO;
}

static int send_verify(SCARDHANDLE card, DWORD protocol, const char *pin)
{
        uint8_t cmd[21] = { 0x00, 0x20, 0x00, 0x81, 0x10 };

        memcpy(cmd + 5, pin, base_min(strlen(pin), 16));
        return send(card, protocol, cmd, sizeof cmd);
}

static int sign_once(SCARDHANDLE card, DWORD protocol, const char *pin)
{
        int r = 0;

        for (size_t i = 0; r == 0 && i < ARRAY_LEN(commands); i++) {
                uint8_t cmd[64];
                ssize_t n = commands[i] ? hex_decode(cmd, sizeof cmd, commands[i]) : 0;

                r = commands[i] ? send(card, protocol, cmd, (size_t)n)
                                : send_verify(card, protocol, pin);
        }
        return r;
}

struct times {
        double connect[ROUNDS_MAX], exchange[ROUNDS_MAX], sign[ROUNDS_MAX], cpu;
};

static int round_trip(const char *reader, const char *pin, struct times *times, size_t i)
{
        static const uint8_t select[] = { 0x00, 0xA4, 0x00, 0x0C, 0x02, 0x3F, 0x00 };
        double began = now_us(CLOCK_MONOTONIC), cpu = now_us(CLOCK_PROCESS_CPUTIME_ID);
        SCARDCONTEXT context;
        SCARDHANDLE card;
        DWORD protocol;

        if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &context) != SCARD_S_SUCCESS ||
                SCardConnect(context, reader, SCARD_SHARE_SHARED,
                        SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1, &card,
                        &protocol) != SCARD_S_SUCCESS ||
                SCardBeginTransaction(card) != SCARD_S_SUCCESS)
                return -EIO;
        double connected = now_us(CLOCK_MONOTONIC);
        int r = sign_once(card, protocol, pin);
        double signed_at = now_us(CLOCK_MONOTONIC);
        times->cpu += now_us(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        if (r == 0)
                r = send(card, protocol, select, sizeof select);
        times->connect[i] = connected - began;
        times->sign[i] = signed_at - connected;
        times->exchange[i] = now_us(CLOCK_MONOTONIC) - signed_at;
        SCardEndTransaction(card, SCARD_RESET_CARD);
        SCardDisconnect(card, SCARD_LEAVE_CARD);
        SCardReleaseContext(context);
        return r;
}

int main(int argc, char **argv)
{
        static struct times times;
        size_t rounds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

        if (rounds == 0 || rounds > ROUNDS_MAX)
                return 2;
        for (size_t i = 0; i < rounds; i++)
                if (round_trip(argv[1], argv[2], &times, i) < 0)
                        return 1;
        printf("connect_us %.0f\n", median(times.connect, rounds));
        printf("exchange_us %.0f\n", median(times.exchange, rounds));
        printf("sign_us %.0f\n", median(times.sign, rounds));
        printf("cpu_us %.0f\n", times.cpu / (double)rounds);
        return 0;
}
