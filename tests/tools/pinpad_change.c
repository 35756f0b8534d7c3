/* SPDX-License-Identifier: Apache-2.0 */
/* pinpad_change.c: run with READER CARD, has a reader with keys change a PIN, which no operation of Mohr does, through
 * the pcsc driver and nothing else. CARD is the shape of the command: "nid" (16 bytes each, zeros behind
 * the digits), "piv" (8 bytes, FF) or "new" (no old PIN). Prints what the reader has and what it answered.
 */
#include "drivers/driver.h"

#include <stdio.h>

static const struct {
        const char *name;
        struct apdu_pinpad how;
} shapes[] = {
        { "nid", { 0x00, 0x24, 0x00, 0x81, 16, 0x00, 4, 8, 16, true, 0x0409, 0 } },
        { "piv", { 0x00, 0x24, 0x00, 0x80, 8, 0xFF, 6, 8, 8, true, 0x0409, 0 } },
        { "new", { 0x00, 0x24, 0x01, 0x80, 8, 0xFF, 6, 8, 0, false, 0x0409, 0 } },
};

static const struct apdu_pinpad *shape_of(const char *name)
{
        for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
                if (strcmp(shapes[i].name, name) == 0)
                        return &shapes[i].how;
        return NULL;
}

static void print_answer(int outcome, const uint8_t *rsp, size_t len)
{
        char hex[2 * 256 + 1] = "";
        hex_encode(hex, rsp, base_min(len, 256));
        printf("outcome=%d answer=%s\n", outcome, hex);
}

static int change(void *reader, const struct apdu_pinpad *how)
{
        struct driver_card card;
        uint8_t rsp[256];
        size_t len = 0;
        int r = driver_pcsc.begin(reader, &card);
        if (r != 0)
                return r;
        printf("pinpad=%d ", card.pinpad);
        r = driver_pcsc.modify_pinpad(reader, how, rsp, sizeof rsp, &len);
        print_answer(r, rsp, len);
        return driver_pcsc.end(reader, DRIVER_RESET);
}

int main(int argc, char **argv)
{
        void *reader = NULL;
        const struct apdu_pinpad *how = argc == 3 ? shape_of(argv[2]) : NULL;
        if (!how || driver_pcsc.open(&reader, argv[1], NULL) != 0)
                return 2;
        int r = change(reader, how);
        driver_pcsc.close(reader);
        return r == 0 ? 0 : 1;
}
