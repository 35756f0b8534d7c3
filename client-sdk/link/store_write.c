/* SPDX-License-Identifier: Apache-2.0 */
/* store_write.c: see store.h: pairings that come, change and go.
 *
 * Whoever writes holds the folder, for a moment and never longer than others wait, so that nothing that another wrote is undone and nothing that was removed comes back; whoever
 * reads waits for nobody, as files are replaced whole. It promises that a file is the old one or the new one, and that a key
 * which is dropped has been overwritten, as far as a file system writes where it is told to.
 */
#include "client-sdk/link/internal.h"

#include "base/clock.h"
#include "base/file.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FOLDER_MODE 0700
#define FILE_MODE   0600

#define LOCK_PACE_MS 20

static int name_file(const char *folder, const char *id, char **ret)
{
        if (!link_id_valid(id))
                return -EINVAL;
        return asprintf(ret, "%s/%s" LINK_ENDING, folder, id) < 0 ? -ENOMEM : 0;
}

static int count_one(void *user, int at, const char *name, const char *id)
{
        (void)at, (void)name, (void)id;
        ++*(size_t *)user;
        return 0;
}

static int room_for_one(const char *folder)
{
        size_t count = 0;
        int r = link_each_file(folder, count_one, &count);
        return r == 0 && count >= LINK_PEERS_MAX ? -EUSERS : r;
}

/* Zeroes where the key was. The file may be out of shape or open to others by now: it is overwritten all the same. */
static int overwrite(int fd)
{
        static const uint8_t zeroes[512];
        struct stat st;
        int r = fstat(fd, &st) < 0 ? -errno : 0;
        off_t left = r == 0 && st.st_size <= LINK_FILE_MAX ? st.st_size : 0;
        for (; r == 0 && left > 0; left -= (off_t)base_min((size_t)left, sizeof zeroes))
                r = file_write(fd, zeroes, base_min((size_t)left, sizeof zeroes));
        return r == 0 && fsync(fd) < 0 ? -errno : r;
}

static int open_old(const char *path)
{
        struct stat st;
        int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink <= 1)
                return fd;
        if (fd >= 0)
                close(fd);
        return -1;
}

/* A lock cannot be waited for with a limit; who holds this one holds it for milliseconds, unless it was stopped. */
static int wait_for_lock(int fd)
{
        const int64_t until_ms = clock_ms() + LINK_STORE_WAIT_MS;
        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return -errno;
                if (clock_ms() >= until_ms)
                        return -EBUSY;
                (void)poll(NULL, 0, LOCK_PACE_MS);
        }
        return 0;
}

/* The folder, held: until the descriptor is closed nobody else writes. */
static int hold_folder(const char *folder, int *ret_fd)
{
        _cleanup_close_ int fd = -1;
        int r = link_open_folder(folder, &fd);
        if (r == 0)
                r = wait_for_lock(fd);
        if (r == 0)
                *ret_fd = base_take_fd(&fd);
        return r;
}

int link_store_try(const char *folder)
{
        static const uint8_t nothing[LINK_PEM_MAX];
        _cleanup_close_ int held = -1;
        _cleanup_free_ char *path = NULL;
        int r = file_make_folders(folder, FOLDER_MODE);
        if (r == 0)
                r = hold_folder(folder, &held);
        if (r == 0 && asprintf(&path, "%s/try", folder) < 0)
                r = -ENOMEM;
        if (r == 0)
                r = file_replace(path, nothing, sizeof nothing, FILE_MODE);
        return r == 0 ? file_remove(path) : r;
}

static int write_held(const char *folder, const struct link_peer *peer)
{
        _cleanup_(link_wipe_file) char text[LINK_FILE_MAX];
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int old = -1;
        size_t len = 0;
        int r = name_file(folder, peer->id, &path);
        if (r == 0)
                r = link_file_write(peer, text, &len);
        if (r == 0 && (old = open_old(path)) < 0)
                r = room_for_one(folder);
        if (r == 0)
                r = file_replace(path, text, len, FILE_MODE);
        if (r == 0 && old >= 0)
                (void)!overwrite(old); /* it has no name any more, and the new one is there */
        return r;
}

int link_store_put(const char *folder, const struct link_peer *peer)
{
        _cleanup_close_ int held = -1;
        int r = link_id_valid(peer->id) ? file_make_folders(folder, FOLDER_MODE) : -EINVAL;
        if (r == 0)
                r = hold_folder(folder, &held);
        return r == 0 ? write_held(folder, peer) : r;
}

int link_store_change(const char *folder, const char *id,
        int (*change)(void *user, struct link_peer *peer), void *user)
{
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        _cleanup_close_ int held = -1;
        int r = hold_folder(folder, &held);
        if (r == 0)
                r = link_store_get(folder, id, &peer);
        if (r == 0)
                r = change(user, &peer);
        return r == 0 ? write_held(folder, &peer) : r;
}

/* A folder that cannot be held does not keep a pairing alive. */
int link_store_remove(const char *folder, const char *id)
{
        _cleanup_free_ char *path = NULL;
        _cleanup_close_ int held = -1, old = -1;
        int r = name_file(folder, id, &path);
        if (r < 0)
                return r;
        const bool shared = hold_folder(folder, &held) == -EBUSY;
        old = open_old(path);
        if (old < 0 && access(path, F_OK) < 0 && errno == ENOENT)
                return -ENOENT;
        if (old >= 0)
                (void)!overwrite(old); /* whatever the disk says, the pairing ends */
        r = file_remove(path);
        return r == 0 && shared ? -EBUSY : r;
}
