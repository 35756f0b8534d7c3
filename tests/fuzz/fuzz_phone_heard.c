/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_phone_heard.c: what strangers announce, and addresses as text. The first byte chooses: an address and what stands before it,
 * or an announcement: a byte for its interface, two for its port, then lines: a number and strings of its TXT record.
 * What is taken must be readable again, all of it, by who dials.
 */
#include "drivers/phone/heard.h"
#include "drivers/phone/listing.h"
#include "tests/fuzz/require.h"

#include <stdio.h>

#define ID "00112233445566ff"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void addresses(const char *text)
{
        struct whereabouts where;
        if (whereabouts_read(text, &where) == 0)
                require(strlen(where.id) == LINK_ID_LEN && where.count <= ADDRESSES_MAX);
}

static void announcements(const char *text, size_t len)
{
        struct announcement one = { 0 };
        struct heard heard = { 0 };
        struct driver_reader readers[DRIVER_READERS_MAX];
        struct link_peer peer = { .id = ID, .name = "x" };
        struct whereabouts where;
        if (len < 3)
                return;
        one.key.interface = text[0];
        uint16_t port = (uint16_t)((uint8_t)text[1] << 8 | (uint8_t)text[2]);
        char line[128];
        const char *rest = text + 3;
        for (bool first = true; *rest; first = false) {
                size_t n = strcspn(rest, "\n");
                snprintf(line, sizeof line, "%.*s", (int)n, rest);
                if (first && announcement_address(&one, line, port) < 0)
                        return;
                if (!first)
                        announcement_txt(&one, rest, n);
                rest += n + (rest[n] == '\n');
        }
        require(one.tag_count <= LINK_PEERS_MAX);
        require(heard_put(&heard, &one) == (one.tag_count > 0));
        listing_make(&peer, 1, &heard, readers);
        require(whereabouts_read(readers[0].address, &where) == 0);
        require(where.count == 0 || strcmp(where.list[0].host, one.address.host) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len == 0)
                return 0;
        char *text = calloc(1, len); /* without the first byte, with a NUL */
        require(text != NULL);
        memcpy(text, data + 1, len - 1);
        if (data[0] % 2)
                announcements(text, len - 1);
        else
                addresses(text);
        free(text);
        return 0;
}
