/* SPDX-License-Identifier: Apache-2.0 */
/* uevent.c: udev's multicast as umockdev's preload makes it: each process that listens to udev has a
 * datagram socket DIR/eventFD, and gets what libudev would: a header with hashes for its filters, then
 * KEY=VALUE strings.
 *
 * umockdev's own sender is not used: it ends the program when one listener is slow. And FD alone does
 * not tell two processes apart: the second one to have it removes the first one's name, so each name
 * is changed into one of its own as soon as it appears.
 */
#include "tests/tools/mock/mock.h"

#include <arpa/inet.h>
#include <glob.h>
#include <sys/socket.h>
#include <sys/un.h>

#define MESSAGE_MAX 4096
#define MAGIC       0xfeedcafeu

struct header {
        char prefix[8];
        uint32_t magic, size, properties_off, properties_len;
        uint32_t subsystem, devtype, tags_high, tags_low;
};

static uint32_t word_at(const uint8_t *at)
{
        return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* MurmurHash2 with seed 0, which the filters of libudev are made of. */
static uint32_t hash(const char *text)
{
        const uint32_t factor = 0x5bd1e995u;
        const uint8_t *at = (const uint8_t *)text;
        size_t left = strlen(text);
        uint32_t sum = (uint32_t)left;
        for (; left >= 4; left -= 4, at += 4) {
                uint32_t word = word_at(at) * factor;
                sum = sum * factor ^ (word ^ word >> 24) * factor;
        }
        for (size_t i = 0; i < left; i++)
                sum ^= (uint32_t)at[i] << 8 * i;
        if (left > 0)
                sum *= factor;
        sum = (sum ^ sum >> 13) * factor;
        return sum ^ sum >> 15;
}

static size_t compose(char *out, size_t cap, const struct uevent *event)
{
        int len = snprintf(out, cap,
                "ACTION=%s\nDEVPATH=%s\nSUBSYSTEM=usb\nSEQNUM=%lld\nUSEC_INITIALIZED=%lld\n%s",
                event->action, event->devpath, (long long)mock_ms(), (long long)mock_ms() * 1000,
                event->properties);
        if (len < 0 || (size_t)len >= cap)
                return 0;
        for (int i = 0; i < len; i++)
                if (out[i] == '\n')
                        out[i] = '\0';
        return (size_t)len;
}

static void send_one(const char *path, const void *message, size_t len)
{
        struct sockaddr_un to = { .sun_family = AF_UNIX };
        _cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || strlen(path) >= sizeof to.sun_path)
                return;
        memcpy(to.sun_path, path, strlen(path) + 1);
        ssize_t n = sendto(fd, message, len, 0, (const struct sockaddr *)&to, sizeof to);
        if (n < 0 && errno == ECONNREFUSED) /* whoever listened is gone */
                unlink(path);
}

void uevent_send(const char *dir, const struct uevent *event)
{
        union {
                struct header header;
                char bytes[sizeof(struct header) + MESSAGE_MAX];
        } message = { .header = { .prefix = "libudev",
                              .magic = htonl(MAGIC),
                              .size = sizeof(struct header),
                              .properties_off = sizeof(struct header) } };
        char pattern[MOCK_LINE];
        glob_t found = { 0 };
        size_t len = compose(message.bytes + sizeof(struct header), MESSAGE_MAX, event);
        message.header.properties_len = (uint32_t)len;
        message.header.subsystem = htonl(hash("usb"));
        message.header.devtype = htonl(hash(event->devtype));
        message.header.tags_high = message.header.tags_low = UINT32_MAX; /* fits every filter */
        snprintf(pattern, sizeof pattern, "%s/event*", dir);
        if (glob(pattern, 0, NULL, &found) == 0)
                for (size_t i = 0; i < found.gl_pathc; i++)
                        send_one(found.gl_pathv[i], &message, sizeof(struct header) + len);
        globfree(&found);
}

void uevent_keep(const char *dir, const char *name)
{
        struct timespec now;
        char from[MOCK_LINE], to[MOCK_LINE];
        if (strncmp(name, "event", 5) != 0 || strchr(name, '.'))
                return;
        clock_gettime(CLOCK_MONOTONIC, &now);
        snprintf(from, sizeof from, "%s/%s", dir, name);
        snprintf(to, sizeof to, "%s/%s.%lld%09ld", dir, name, (long long)now.tv_sec, now.tv_nsec);
        (void)rename(from, to);
}
