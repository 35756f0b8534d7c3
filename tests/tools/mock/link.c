/* SPDX-License-Identifier: Apache-2.0 */
/* link.c: see reader.h. vpcd's frames: two bytes of length, big-endian, then a command, or one byte that
 * is 0 power off, 1 power on, 4 what is your ATR. A one-byte answer is a card that stayed silent.
 */
#include "tests/tools/mock/reader.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static bool put_frame(struct card_link *link, const uint8_t *bytes, size_t len)
{
        uint8_t frame[2 + 4096];
        if (link->fd < 0 || len > 4096)
                return false;
        frame[0] = (uint8_t)(len >> 8);
        frame[1] = (uint8_t)len;
        memcpy(frame + 2, bytes, len);
        return send(link->fd, frame, len + 2, MSG_NOSIGNAL) == (ssize_t)len + 2;
}

static bool get_frame(struct card_link *link, uint8_t *out, size_t cap, size_t *ret_len)
{
        uint8_t header[2];
        int one = 1;
        (void)setsockopt(link->fd, IPPROTO_TCP, TCP_QUICKACK, &one, sizeof one);
        if (recv(link->fd, header, 2, MSG_WAITALL) != 2)
                return false;
        size_t len = (size_t)header[0] << 8 | header[1];
        if (len > cap || recv(link->fd, out, len, MSG_WAITALL) != (ssize_t)len)
                return false;
        *ret_len = len;
        return true;
}

void link_close(struct card_link *link)
{
        if (link->fd >= 0)
                close(link->fd);
        link->fd = -1;
        link->expecting = link->discard = false;
}

void link_accept(struct card_link *link)
{
        int one = 1, fd = accept4(link->listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && link->fd >= 0) {
                close(fd);
                return;
        }
        link->fd = fd;
        if (fd >= 0)
                (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

/* What the card still owes comes before anything else. */
static bool drain(struct card_link *link)
{
        uint8_t bytes[4096];
        size_t len;
        if (link->expecting && !get_frame(link, bytes, sizeof bytes, &len))
                return false;
        link->expecting = link->discard = false;
        return true;
}

bool link_power(struct card_link *link, bool on)
{
        if (link->fd < 0)
                return false;
        if (!on) {
                link->discard = link->expecting;
                return put_frame(link, (const uint8_t[]){ 0 }, 1);
        }
        return put_frame(link, (const uint8_t[]){ 1 }, 1) && drain(link) &&
               put_frame(link, (const uint8_t[]){ 4 }, 1) &&
               get_frame(link, link->atr, sizeof link->atr, &link->atr_len);
}

bool link_send(struct card_link *link, const uint8_t *apdu, size_t len)
{
        if (!drain(link) || !put_frame(link, apdu, len))
                return false;
        link->expecting = true;
        return true;
}

int link_receive(struct card_link *link, uint8_t *out, size_t cap, size_t *ret_len)
{
        if (!get_frame(link, out, cap, ret_len))
                return -1;
        bool wanted = link->expecting && !link->discard;
        link->expecting = link->discard = false;
        return wanted;
}
