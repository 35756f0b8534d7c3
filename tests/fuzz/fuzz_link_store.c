/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_link_store.c: files of pairings. What is taken is within its bounds, and it is the same when it is written and
 * read again.
 */
#include "client-sdk/link/internal.h"
#include "tests/fuzz/require.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require_same(const struct link_peer *a, const struct link_peer *b)
{
        require(strcmp(a->id, b->id) == 0 && strcmp(a->name, b->name) == 0 &&
                strcmp(a->address, b->address) == 0 && strcmp(a->key, b->key) == 0 &&
                strcmp(a->certificate, b->certificate) == 0);
        require(memcmp(a->peer_print, b->peer_print, LINK_PRINT) == 0 &&
                memcmp(a->next_print, b->next_print, LINK_PRINT) == 0);
        require(a->paired_at == b->paired_at && a->expires_at == b->expires_at);
}

static void require_bounds(const struct link_peer *peer)
{
        require(link_id_valid(peer->id) && peer->paired_at >= 0 && peer->expires_at >= 0);
        require_text(peer->name, sizeof peer->name);
        require_text(peer->address, sizeof peer->address);
        require_text(peer->certificate, LINK_PEM_MAX);
        require(strlen(peer->key) < LINK_PEM_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        static char text[LINK_FILE_MAX + 16], again[LINK_FILE_MAX];
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 }, same = { 0 };
        size_t written = 0;
        if (len > sizeof text)
                return 0;
        memcpy(text, data, len);
        if (link_file_parse(text, len, &peer) < 0) {
                require(!peer.key && !peer.certificate);
                return 0;
        }
        require_bounds(&peer);
        if (link_file_write(&peer, again, &written) <
                0) /* it takes more room when written our way */
                return 0;
        require(link_file_parse(again, written, &same) == 0);
        require_same(&peer, &same);
        return 0;
}
