/* SPDX-License-Identifier: Apache-2.0 */
/* phone.c: see phone.h. Everything that needs a file or a new socket happens in open(), before the sandbox: the pairing's
 * file is read, the phone is dialled, TLS is prepared. The handshake, which is the first that a stranger's bytes
 * reach, happens inside.
 *
 * A number for each pairing is all it knows of a person: the phone's name is for the list, and stays in the file.
 */
#include "drivers/phone/phone.h"

#include "base/log.h"
#include "base/text.h"
#include "drivers/phone/bridge.h"
#include "drivers/phone/carry.h"
#include "drivers/phone/dial.h"

#include <fcntl.h>
#include <time.h>

#define LINK_FD (OPS_FD + 1) /* the sandbox's rows name it */

struct phone {
        struct link *link;
        struct bridge bridge;
        char name[LINK_NAME_MAX]; /* of this computer */
};

static void close_phone(void *opaque)
{
        struct phone *phone = opaque;
        if (!phone)
                return;
        bridge_close(&phone->bridge);
        link_free(phone->link);
        free(phone);
}

static void phone_cleanup(struct phone **slot)
{
        close_phone(*slot);
}

static void say(enum log_level level, const char *what, const char *reader)
{
        const struct log log = {
                .program = "mohr-reader-phone", .max = LOG_LEVEL_INFO, .fd = STDERR_FILENO
        };
        if (what)
                log_kv(&log, level, NULL, what, "pairing", reader, NULL);
}

/* Where it was met last comes first, and costs a moment if it is not there any more: where it was heard of is what
 * anybody in the network can say, and who takes a connection there and does nothing with it would keep us from the phone. */
static void add_known(struct whereabouts *where, const char *known)
{
        struct link_place address;
        if (*known && link_place_read(known, strlen(known), 0, &address) == 0)
                whereabouts_prefer(where, &address);
}

static int read_pairing(const char *folder, const char *id, struct link_peer *ret)
{
        int r = link_store_get(folder, id, ret);
        enum ending ending = r == -ENOENT                              ? END_FORGOTTEN
                             : r == 0 && ret->expires_at <= time(NULL) ? END_EXPIRED
                                                                       : GO_ON;
        if (ending == GO_ON)
                return r;
        say(LOG_LEVEL_WARNING, ending_words(ending), id);
        return ending_status(ending);
}

static int reach(const struct whereabouts *where, int *ret_fd)
{
        _cleanup_close_ int fd = -1;
        int r = dial_phone(where, &fd);
        if (r != 0)
                return r;
        if (fd != LINK_FD && dup3(fd, LINK_FD, O_CLOEXEC) < 0)
                return -errno;
        if (fd == LINK_FD)
                (void)base_take_fd(&fd);
        *ret_fd = LINK_FD;
        return 0;
}

static void name_computer(struct phone *phone, const char *given)
{
        char host[LINK_NAME_MAX] = "";
        if (!given && gethostname(host, sizeof host - 1) < 0)
                host[0] = 0;
        text_sanitize(phone->name, sizeof phone->name, given ? given : host, LINK_NAME_MAX);
}

static int connect_phone(struct phone *phone, struct whereabouts *where, const char *folder)
{
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        int fd, r = read_pairing(folder, where->id, &peer);
        if (r != 0)
                return r;
        add_known(where, peer.address);
        r = reach(where, &fd);
        return r == 0 ? link_connect(&phone->link, fd, &peer) : r;
}

static int open_phone(void **ret_reader, const char *reader, const char *const *options)
{
        struct whereabouts where;
        const char *folder = phone_option(options, "folder");
        if (!folder || !phone_options_known(options) || whereabouts_read(reader, &where) < 0)
                return OUTCOME_USAGE;
        _cleanup_(phone_cleanup) struct phone *phone = calloc(1, sizeof *phone);
        if (!phone)
                return -ENOMEM;
        int r = connect_phone(phone, &where, folder);
        if (r == 0)
                r = bridge_open(&phone->bridge, phone->link);
        if (r != 0)
                return r;
        name_computer(phone, phone_option(options, "name"));
        *ret_reader = phone;
        phone = NULL;
        return 0;
}

static int serve_phone(void *reader, int channel)
{
        struct phone *phone = reader;
        phone->bridge.channel = channel;
        enum ending ending = carry(&phone->bridge, &driver_phone, phone->name);
        say(LOG_LEVEL_WARNING, ending_words(ending), link_id(phone->link));
        return ending_status(ending);
}

const struct driver driver_phone = {
        .name = "phone", .open = open_phone, .serve = serve_phone, .close = close_phone
};
