/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: see store.h. One folder, a file for each pairing.
 *
 * What lies there decides who may use a reader and holds the keys that prove it, so that it is believed only as long as
 * nobody but its owner could read or change it: folder and files are opened without following a link, and their
 * owner and mode are asked of what was opened. It promises that a file is the old one or the new one; that a key
 * which is dropped has been overwritten (as far as a file system writes where it is told to). Who writes holds the folder;
 * who reads does not wait for anybody.
 */
#include "client-sdk/link/internal.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#define FOLDER_MODE 0700
#define FILE_MODE   0600
#define ENDING      ".json"
#define NAME_LEN    (LINK_ID_LEN + sizeof ENDING - 1)
#define NOT_OURS    "others than its owner can read or change it"

static void close_folder(DIR **folder)
{
        if (*folder)
                closedir(*folder);
}

static void wipe_text(char (*text)[LINK_FILE_MAX])
{
        explicit_bzero(*text, sizeof *text);
}

/* ---- folder and files as nobody else can touch them ---- */

int link_store_folder(const char *which, char **ret)
{
        const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
        const bool own = data && data[0] == '/';
        char *path = NULL;
        if (!own && (!home || home[0] != '/'))
                return -ENOENT;
        if (asprintf(&path, "%s%s/mohr/%s", own ? data : home, own ? "" : "/.local/share", which) <
                0)
                return -ENOMEM;
        *ret = path;
        return 0;
}

static int check_owner(int fd, mode_t type)
{
        struct stat st;
        if (fstat(fd, &st) < 0)
                return -errno;
        return (st.st_mode & S_IFMT) == type && st.st_uid == geteuid() &&
                               (st.st_mode & (S_IRWXG | S_IRWXO)) == 0
                       ? 0
                       : -EPERM;
}

/* A link where there should be a file or folder is somebody's trick as well. */
static int open_own(int at, const char *name, int flags, mode_t type, int *ret_fd)
{
        _cleanup_close_ int fd =
                openat(at, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
        int r = check_owner(fd, type);
        if (r == 0)
                *ret_fd = base_take_fd(&fd);
        return r;
}

static int open_folder(const char *folder, int *ret_fd)
{
        return open_own(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, S_IFDIR, ret_fd);
}

/* ID.json to ID; false: another file. */
static bool file_is_pairing(const char *name, char id[static LINK_ID_LEN + 1])
{
        if (strlen(name) != NAME_LEN || strcmp(name + LINK_ID_LEN, ENDING) != 0)
                return false;
        memcpy(id, name, LINK_ID_LEN);
        id[LINK_ID_LEN] = '\0';
        return link_id_valid(id);
}

static int name_file(const char *folder, const char *id, char **ret)
{
        if (!link_id_valid(id))
                return -EINVAL;
        return asprintf(ret, "%s/%s" ENDING, folder, id) < 0 ? -ENOMEM : 0;
}

/* ---- reading ---- */

static int read_all(int fd, char text[static LINK_FILE_MAX], size_t *ret_len)
{
        size_t len = 0;
        for (ssize_t n = 1; n != 0 && len < LINK_FILE_MAX;) {
                n = read(fd, text + len, LINK_FILE_MAX - len);
                if (n < 0 && errno != EINTR)
                        return -errno;
                len += n > 0 ? (size_t)n : 0;
        }
        *ret_len = len;
        return len < LINK_FILE_MAX ? 0 : -EBADMSG;
}

static int read_file(int at, const char *name, struct link_peer *ret)
{
        _cleanup_(wipe_text) char text[LINK_FILE_MAX];
        _cleanup_close_ int fd = -1;
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        size_t len = 0;
        int r = open_own(at, name, O_RDONLY, S_IFREG, &fd);
        if (r == 0)
                r = read_all(fd, text, &len);
        if (r == 0)
                r = link_file_parse(text, len, &peer);
        if (r == 0 && strncmp(peer.id, name, LINK_ID_LEN) != 0)
                r = -EBADMSG;
        if (r < 0)
                return r;
        *ret = peer;
        peer = (struct link_peer){ 0 };
        return 0;
}

int link_store_get(const char *folder, const char *id, struct link_peer *ret)
{
        char name[NAME_LEN + 1];
        _cleanup_close_ int at = -1;
        if (!link_id_valid(id))
                return -EINVAL;
        snprintf(name, sizeof name, "%s" ENDING, id);
        int r = open_folder(folder, &at);
        return r == 0 ? read_file(at, name, ret) : r;
}

/* ---- all of a folder ---- */

/* Calls for each pairing's file name; other than 0 ends it. A folder that is not there has none. */
static int each_file(const char *folder,
        int (*each)(void *user, int at, const char *name, const char *id), void *user)
{
        _cleanup_close_ int fd = -1;
        char id[LINK_ID_LEN + 1];
        int r = open_folder(folder, &fd);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        _cleanup_(close_folder) DIR *dir = fdopendir(fd);
        if (!dir)
                return -errno;
        int at = base_take_fd(&fd); /* the stream's */
        errno = 0;
        for (struct dirent *entry; r == 0 && (entry = readdir(dir)) != NULL;) {
                if (file_is_pairing(entry->d_name, id))
                        r = each(user, at, entry->d_name, id);
                errno = 0;
        }
        return r == 0 && errno != 0 ? -errno : r;
}

struct listing {
        const char *folder;
        struct link_peer *peers;
        size_t count;
        char *bad;
};

static const char *words_of(int error)
{
        switch (error) {
        case -EPERM: return NOT_OURS;
        case -EBADMSG: return "it is not the file of a pairing";
        case -ENOSPC: return "there are more pairings than can be kept";
        default: return strerror(-error);
        }
}

/* The first that cannot be read is named; that is enough to look there. */
static int complain(struct listing *listing, const char *name, int error)
{
        if (error == -ENOMEM)
                return error;
        if (!listing->bad && asprintf(&listing->bad, "%s%s%s: %s", listing->folder,
                                     *name ? "/" : "", name, words_of(error)) < 0) {
                listing->bad = NULL;
                return -ENOMEM;
        }
        return 0;
}

static int list_one(void *user, int at, const char *name, const char *id)
{
        struct listing *listing = user;
        (void)id;
        int r = listing->count < LINK_PEERS_MAX
                        ? read_file(at, name, &listing->peers[listing->count])
                        : -ENOSPC;
        if (r == -ENOENT)
                return 0; /* it went meanwhile */
        if (r < 0)
                return complain(listing, name, r);
        listing->count++;
        return 0;
}

static int by_name(const void *a, const void *b)
{
        const struct link_peer *x = a, *y = b;
        int order = strcmp(x->name, y->name);
        return order ? order : strcmp(x->id, y->id);
}

ssize_t link_store_list(
        const char *folder, struct link_peer ret[static LINK_PEERS_MAX], char **ret_bad)
{
        struct listing listing = { .folder = folder, .peers = ret };
        int r = each_file(folder, list_one, &listing);
        if (r == -EPERM)
                r = complain(&listing, "", r);
        if (r < 0) {
                for (size_t i = 0; i < listing.count; i++)
                        link_peer_clear(&ret[i]);
                free(listing.bad);
                return r;
        }
        qsort(ret, listing.count, sizeof *ret, by_name);
        *ret_bad = listing.bad;
        return (ssize_t)listing.count;
}

struct finding {
        const char *tag;
        char *id;
};

static int find_one(void *user, int at, const char *name, const char *id)
{
        struct finding *finding = user;
        (void)at, (void)name;
        if (!link_tag_is(finding->tag, id))
                return 0;
        memcpy(finding->id, id, LINK_ID_LEN + 1);
        return 1;
}

int link_store_find(const char *folder, const char *tag, char ret[static LINK_ID_LEN + 1])
{
        struct finding finding = { tag, ret };
        int r = each_file(folder, find_one, &finding);
        return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}

/* ---- writing ---- */

static int count_one(void *user, int at, const char *name, const char *id)
{
        (void)at, (void)name, (void)id;
        ++*(size_t *)user;
        return 0;
}

static int room_for_one(const char *folder)
{
        size_t count = 0;
        int r = each_file(folder, count_one, &count);
        return r == 0 && count >= LINK_PEERS_MAX ? -ENOSPC : r;
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

/* The folder, held: until the descriptor is closed nobody else writes. */
static int hold_folder(const char *folder, int *ret_fd)
{
        _cleanup_close_ int fd = -1;
        int r = open_folder(folder, &fd);
        while (r == 0 && flock(fd, LOCK_EX) < 0)
                r = errno == EINTR ? 0 : -errno;
        if (r == 0)
                *ret_fd = base_take_fd(&fd);
        return r;
}

static int write_held(const char *folder, const struct link_peer *peer)
{
        _cleanup_(wipe_text) char text[LINK_FILE_MAX];
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
        (void)!hold_folder(folder, &held);
        old = open_old(path);
        if (old < 0 && access(path, F_OK) < 0 && errno == ENOENT)
                return -ENOENT;
        if (old >= 0)
                (void)!overwrite(old); /* whatever the disk says, the pairing ends */
        return file_remove(path);
}
