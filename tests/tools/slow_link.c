/* SPDX-License-Identifier: Apache-2.0 */
/* slow_link: a network of two computers with a slow, lossy, sleeping or broken line between them.
 *
 * It makes an interface `mohr0` (10.46.0.1) in the network namespace that it was started in, and another one (10.46.0.2) in a
 * new namespace, where others join it by `nsenter --net=/proc/PID/ns/net`; and it carries packets between the two. It
 * obeys lines on its input, answers each on its output, and ends with its input:
 *
 *      delay MS     there and back, half of it each way     -> ok
 *      loss N       of 1000 packets, chosen by a fixed seed -> ok
 *      hold         packets wait ...                        -> ok
 *      cut          packets are lost ...                    -> ok
 *      heal         ... until this                          -> ok
 *      there N      cut, from the N-th packet on that bears payload of TCP, as the first namespace sends them
 *      back N       the same, of those from the second one  -> ok
 *      stats        {"trips": n, "sent": [..], "bytes": [..], "words": [..], "lost": n}, since the last `stats`
 *
 * A trip begins when the first namespace sends payload of TCP after the second one did. Both numbers in a list are of what left
 * the first, and what left the second. It needs no more than a TUN device: the kernel's own netem is not everywhere.
 */
#include "base/base.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>

#define PACKET_MAX 2048
#define SIDES      2

struct packet {
        struct packet *next;
        int64_t due_us;
        size_t len;
        uint8_t data[];
};

struct side {
        int fd;
        struct packet *first, **last;     /* on their way from it */
        unsigned long sent, bytes, words; /* words: packets with payload of TCP */
        unsigned until_cut; /* packets with payload, that one included; 0: no such thing */
};

struct net {
        struct side side[SIDES];
        unsigned delay_ms; /* there and back */
        unsigned loss;     /* of 1000 */
        uint32_t seed;
        bool held, cut;
        int speaker; /* who sent payload last */
        unsigned long trips, lost;
};

/* ---- interfaces ------------------------------------------------------------------------------- */

static int up(int control, const char *name)
{
        struct ifreq request = { 0 };
        snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
        if (ioctl(control, SIOCGIFFLAGS, &request) < 0)
                return -errno;
        request.ifr_flags = (short)(request.ifr_flags | IFF_UP | IFF_RUNNING);
        return ioctl(control, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}

static int give_address(int control, unsigned long what, const char *address)
{
        struct ifreq request = { .ifr_name = "mohr0" };
        struct sockaddr_in *in = (struct sockaddr_in *)(void *)&request.ifr_addr;
        in->sin_family = AF_INET;
        if (inet_pton(AF_INET, address, &in->sin_addr) != 1)
                return -EINVAL;
        return ioctl(control, what, &request) < 0 ? -errno : 0;
}

/* In the namespace of the moment. The descriptor, or a negative errno. */
static int make_interface(const char *address)
{
        struct ifreq request = { .ifr_name = "mohr0" };
        _cleanup_close_ int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
        _cleanup_close_ int control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        request.ifr_flags = IFF_TUN | IFF_NO_PI;
        if (fd < 0 || control < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
                return -errno;
        int r = give_address(control, SIOCSIFADDR, address);
        if (r == 0)
                r = give_address(control, SIOCSIFNETMASK, "255.255.255.0");
        if (r == 0)
                r = up(control, "mohr0");
        if (r == 0)
                r = up(control, "lo");
        return r < 0 ? r : base_take_fd(&fd);
}

static int open_net(struct net *net)
{
        static const char *const addresses[SIDES] = { "10.46.0.1", "10.46.0.2" };
        for (int i = 0; i < SIDES; i++) {
                if (i == 1 && unshare(CLONE_NEWNET) < 0)
                        return -errno;
                net->side[i].last = &net->side[i].first;
                net->side[i].fd = make_interface(addresses[i]);
                if (net->side[i].fd < 0)
                        return net->side[i].fd;
        }
        return 0;
}

/* ---- packets ---------------------------------------------------------------------------------- */

static int64_t now_us(void)
{
        struct timespec now = { 0 };
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static size_t tcp_payload(const uint8_t *data, size_t len)
{
        struct iphdr ip;
        struct tcphdr tcp;
        if (len < sizeof ip)
                return 0;
        memcpy(&ip, data, sizeof ip);
        size_t head = ip.ihl * 4U, all = base_min(ntohs(ip.tot_len), len);
        if (ip.version != 4 || ip.protocol != IPPROTO_TCP || all < head + sizeof tcp)
                return 0;
        memcpy(&tcp, data + head, sizeof tcp);
        head += tcp.doff * 4U;
        return all > head ? all - head : 0;
}

/* A small generator of its own: the same losses in each run, whatever else is started. */
static bool unlucky(struct net *net)
{
        net->seed ^= net->seed << 13;
        net->seed ^= net->seed >> 17;
        net->seed ^= net->seed << 5;
        return net->seed % 1000 < net->loss;
}

static void count(struct net *net, int from, const uint8_t *data, size_t len)
{
        net->side[from].sent++;
        net->side[from].bytes += len;
        if (tcp_payload(data, len) == 0)
                return;
        net->side[from].words++;
        net->trips += from == 0 && net->speaker != 0;
        net->speaker = from;
        if (net->side[from].until_cut > 0 && --net->side[from].until_cut == 0)
                net->cut = true;
}

static void take(struct net *net, int from)
{
        uint8_t data[PACKET_MAX];
        for (ssize_t len; (len = read(net->side[from].fd, data, sizeof data)) > 0;) {
                struct packet *packet = malloc(sizeof *packet + (size_t)len);
                count(net, from, data, (size_t)len);
                if (!packet || net->cut || unlucky(net)) {
                        net->lost++;
                        free(packet);
                        continue;
                }
                *packet = (struct packet){ .due_us = now_us() + (int64_t)net->delay_ms * 500,
                        .len = (size_t)len };
                memcpy(packet->data, data, (size_t)len);
                *net->side[from].last = packet;
                net->side[from].last = &packet->next;
        }
}

/* Those whose time has come; how long until the next one's, or -1. */
static int64_t give(struct net *net, int from)
{
        struct side *side = &net->side[from];
        for (struct packet *packet; !net->held && (packet = side->first);) {
                int64_t left = packet->due_us - now_us();
                if (left > 0 && !net->cut)
                        return left;
                if (net->cut || write(net->side[1 - from].fd, packet->data, packet->len) < 0)
                        net->lost++;
                side->first = packet->next;
                if (!side->first)
                        side->last = &side->first;
                free(packet);
        }
        return -1;
}

/* ---- what a test says ------------------------------------------------------------------------- */

static void tell(struct net *net)
{
        struct side *a = &net->side[0], *b = &net->side[1];
        printf("{\"trips\": %lu, \"sent\": [%lu, %lu], \"bytes\": [%lu, %lu], \"words\": [%lu, "
               "%lu], \"lost\": %lu}\n",
                net->trips, a->sent, b->sent, a->bytes, b->bytes, a->words, b->words, net->lost);
        a->sent = a->bytes = a->words = b->words = b->sent = b->bytes = net->trips = net->lost = 0;
        net->speaker = 1;
}

static bool set_state(struct net *net, const char *word)
{
        bool heal = strcmp(word, "heal") == 0, hold = strcmp(word, "hold") == 0,
             cut = strcmp(word, "cut") == 0;
        if (!heal && !hold && !cut)
                return false;
        net->held = hold;
        net->cut = cut;
        net->side[0].until_cut = net->side[1].until_cut = 0;
        return true;
}

static bool set_number(struct net *net, const char *line)
{
        struct {
                const char *word;
                unsigned *number;
        } numbers[] = {
                { "delay ", &net->delay_ms },
                { "loss ", &net->loss },
                { "there ", &net->side[0].until_cut },
                { "back ", &net->side[1].until_cut },
        };
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                if (strncmp(line, numbers[i].word, strlen(numbers[i].word)) == 0) {
                        *numbers[i].number =
                                (unsigned)strtoul(line + strlen(numbers[i].word), NULL, 10);
                        return true;
                }
        return false;
}

static void obey(struct net *net, const char *line)
{
        if (strcmp(line, "stats") == 0)
                tell(net);
        else
                puts(set_number(net, line) || set_state(net, line) ? "ok" : "error");
        fflush(stdout);
}

/* False at the end of the input. */
static bool listen_to_test(struct net *net)
{
        char lines[256], *rest = NULL;
        ssize_t len = read(STDIN_FILENO, lines, sizeof lines - 1);
        if (len <= 0)
                return false;
        lines[len] = '\0';
        for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                obey(net, line);
        return true;
}

static void carry(struct net *net)
{
        for (;;) {
                int64_t there = give(net, 0), back = give(net, 1);
                int64_t next = there < 0 ? back : back < 0 || there < back ? there : back;
                struct timespec wait = { next / 1000000, next % 1000000 * 1000 };
                struct pollfd wakers[] = { { net->side[0].fd, POLLIN, 0 },
                        { net->side[1].fd, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
                if (ppoll(wakers, ARRAY_LEN(wakers), next < 0 ? NULL : &wait, NULL) < 0 &&
                        errno != EINTR)
                        return;
                take(net, 0);
                take(net, 1);
                if (wakers[2].revents && !listen_to_test(net))
                        return;
        }
}

int main(void)
{
        static struct net net = { .seed = 20261122, .speaker = 1 };
        int r = open_net(&net);
        puts(r < 0 ? strerror(-r) : "ready");
        fflush(stdout);
        if (r < 0)
                return 1;
        carry(&net);
        return 0;
}
