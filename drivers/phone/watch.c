/* SPDX-License-Identifier: Apache-2.0 */
/* watch.c: the watcher of paired phones (phone.h). Each pairing is a reader, wherever the phone is; what is heard of it in the
 * network is where it may be met.
 *
 * The folder is watched by the kernel, so that a phone which is forgotten is no reader any more at once. Where no pairing is
 * left, the watcher ends: mohrd starts it again when there is one (daemon/readers_doze.c). It reads the
 * pairings' files, keys and all, and keeps nothing of the keys.
 *
 * News comes at most once a second, however often strangers announce things: each report may make mohrd start a helper.
 */
#include "drivers/phone/avahi.h"
#include "drivers/phone/listing.h"
#include "drivers/phone/phone.h"

#include "base/clock.h"

#include <sys/inotify.h>

#define NEWS    (IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_ONLYDIR)
#define GONE    (IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB)
#define PACE_MS 1000

struct watch {
        sd_event *event;
        sd_event_source *files;
        struct avahi *avahi;
        struct heard heard;
        const char *folder;
        struct link_peer peers[LINK_PEERS_MAX];
        size_t count;
        bool stale; /* the folder changed since it was read */
        bool hurry; /* it was read, and what it says is not told yet */
        struct driver_reader last[DRIVER_READERS_MAX];
        int64_t reported_ms; /* 0: never */
};

static void forget_peers(struct watch *watch)
{
        for (size_t i = 0; i < watch->count; i++)
                link_peer_clear(&watch->peers[i]);
        watch->count = 0;
}

static void close_watch(struct watch **slot)
{
        struct watch *watch = *slot;
        if (!watch)
                return;
        forget_peers(watch);
        avahi_free(watch->avahi);
        sd_event_source_disable_unref(watch->files);
        sd_event_unref(watch->event);
        free(watch);
}

static int on_files(
        sd_event_source *source _unused_, const struct inotify_event *event _unused_, void *user)
{
        struct watch *watch = user;
        watch->stale = true;
        return 0;
}

/* The keys are given up as soon as they are read; what cannot be read is for mohr doctor to say. */
static int read_folder(struct watch *watch)
{
        _cleanup_free_ char *bad = NULL;
        forget_peers(watch);
        watch->stale = false;
        watch->hurry = true;
        ssize_t count = link_store_list(watch->folder, watch->peers, &bad);
        if (count < 0)
                return (int)count;
        watch->count = (size_t)count;
        for (size_t i = 0; i < watch->count; i++) {
                struct link_peer *peer = &watch->peers[i], kept = *peer;
                kept.key = kept.certificate = NULL;
                link_peer_clear(peer);
                *peer = kept;
        }
        return 0;
}

static int open_phones(void **ret_watch, const char *const *options)
{
        _cleanup_(close_watch) struct watch *watch = calloc(1, sizeof *watch);
        const char *discover = phone_option(options, "discover");
        if (!watch)
                return -ENOMEM;
        watch->folder = phone_option(options, "folder");
        if (!watch->folder || !phone_options_known(options))
                return OUTCOME_USAGE;
        watch->stale = true;
        /* The first tag makes libcrypto look for its own configuration; there it still may. */
        char tag[LINK_TAG_LEN + 1];
        int r = link_tag_make("0000000000000000", tag);
        if (r >= 0)
                r = sd_event_new(&watch->event);
        if (r >= 0)
                r = sd_event_add_inotify(
                        watch->event, &watch->files, watch->folder, NEWS | GONE, on_files, watch);
        if (r == -ENOENT || r == -ENOTDIR)
                return OUTCOME_READER_SERVICE;
        if (r >= 0 && (!discover || strcmp(discover, "yes") == 0))
                r = avahi_new(&watch->avahi, watch->event, &watch->heard);
        if (r < 0)
                return r;
        *ret_watch = watch;
        watch = NULL;
        return 0;
}

/* How long what is new has to wait: not at all the first time, nor for a folder that changed. */
static int64_t pause_ms(const struct watch *watch)
{
        int64_t left_ms = watch->reported_ms + PACE_MS - clock_ms();
        return watch->reported_ms && !watch->hurry && left_ms > 0 ? left_ms : 0;
}

static void remember(struct watch *watch, const struct driver_reader *reported)
{
        memcpy(watch->last, reported, sizeof watch->last);
        watch->reported_ms = clock_ms();
        watch->hurry = false;
}

static int wait_for_phones(void *opaque, struct driver_reader *ret, size_t *ret_count)
{
        struct watch *watch = opaque;
        for (;;) {
                int r = watch->stale ? read_folder(watch) : 0;
                if (r < 0)
                        return r;
                if (watch->count == 0)
                        return OUTCOME_READER_SERVICE;
                listing_make(watch->peers, watch->count, &watch->heard, ret);
                bool news =
                        !watch->reported_ms || memcmp(watch->last, ret, sizeof watch->last) != 0;
                int64_t left_ms = news ? pause_ms(watch) : 0;
                if (news && left_ms == 0) {
                        remember(watch, ret);
                        *ret_count = watch->count;
                        return 0;
                }
                r = sd_event_run(watch->event, news ? (uint64_t)left_ms * 1000 : UINT64_MAX);
                if (r < 0)
                        return r;
        }
}

const struct driver watch_phone = { .name = "phone",
        .watch_open = open_phones,
        .watch = wait_for_phones,
        .confined_as = "watch-phone" };
