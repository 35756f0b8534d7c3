/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_peer.c: what a caller can make /proc say of it. The first byte chooses the file:
 *   'G' cgroup,  'F' .flatpak-info,  'L' attr/current,  'S' exe, a zero byte, cmdline.
 * Whatever comes out is a text that may be shown, and a unit is one that a manager can have.
 */
#include "daemon/peer_internal.h"
#include "tests/fuzz/require.h"

#include <fnmatch.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static void require_of(const char *text, const char *letters)
{
        require_text(text, PEER_TEXT_MAX);
        require(text[strspn(text, letters)] == '\0');
}

static void group(const char *text, size_t len)
{
        struct peer_group found;
        struct peer peer = { 0 };
        char shown[256], key[PEER_KEY_MAX];
        peer_read_group(text, len, &found);
        require_of(found.unit, LETTERS ":-_.\\@");
        require_of(found.snap, LETTERS "-_.");
        require(strnlen(found.flatpak, PEER_TEXT_MAX) < PEER_TEXT_MAX); /* compared, never shown */
        require(found.unit[0] || !found.system_unit);
        require(!found.unit[0] || strstr(found.unit, ".service") || strstr(found.unit, ".scope"));
        require(fnmatch("session-*.scope", found.unit, 0) != 0);
        require(fnmatch("user@*.service", found.unit, 0) != 0);
        memcpy(peer.unit, found.unit, sizeof peer.unit);
        peer_unit_shown(&peer, shown);
        require_text(shown, sizeof shown);
        peer_key(&peer, key);
        require_text(key, sizeof key);
}

static void script(const char *text, size_t len)
{
        const char *stop = memchr(text, '\0', len);
        char found[PEER_TEXT_MAX];
        if (!stop)
                return;
        size_t rest = len - (size_t)(stop + 1 - text);
        peer_read_script(text, stop + 1, rest, found);
        require_text(found, sizeof found);
        require(!found[0] || peer_is_interpreter(text));
        peer_put_path(found, text);
        require_text(found, sizeof found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        char found[PEER_TEXT_MAX];
        const char *text = (const char *)data + 1;
        if (len < 1)
                return 0;
        if (data[0] == 'G')
                group(text, len - 1);
        if (data[0] == 'S')
                script(text, len - 1);
        if (data[0] == 'F') {
                peer_read_flatpak(text, len - 1, found);
                require_of(found, LETTERS "-_.");
        }
        if (data[0] == 'L') {
                peer_read_label(text, len - 1, found);
                require_of(found, LETTERS "-_.");
        }
        return 0;
}
