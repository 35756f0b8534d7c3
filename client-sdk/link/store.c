/* SPDX-License-Identifier: Apache-2.0 */
/* store.c: see store.h. One folder, a file for each pairing: where it is, and what may be believed of it.
 *
 * What lies there decides who may use a reader and holds the keys that prove it, so that it is believed only as long as
 * nobody but its owner could read or change it: folder and files are opened without following a link, and their
 * owner and mode are asked of what was opened. store_file.c has the form, store_write.c what changes.
 */
#include "client-sdk/link/internal.h"

#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#define NAME_LEN (LINK_ID_LEN + sizeof LINK_ENDING - 1)
#define DAY_S    86400
#define NOT_OURS "others than its owner can read or change it"

enum link_age link_peer_age(const struct link_peer *peer, int64_t now)
{
        return peer->expires_at <= now         ? LINK_AGE_OVER
               : peer->paired_at > now + DAY_S ? LINK_AGE_EARLY
                                               : LINK_AGE_GOOD;
}

static void close_folder(DIR **folder)
{
        if (*folder)
                closedir(*folder);
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

int link_open_folder(const char *folder, int *ret_fd)
{
        return open_own(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, S_IFDIR, ret_fd);
}

/* ID.json to ID; false: another file. */
static bool file_is_pairing(const char *name, char id[static LINK_ID_LEN + 1])
{
        if (strlen(name) != NAME_LEN || strcmp(name + LINK_ID_LEN, LINK_ENDING) != 0)
                return false;
        memcpy(id, name, LINK_ID_LEN);
        id[LINK_ID_LEN] = '\0';
        return link_id_valid(id);
}

/* ---- reading ---- */

static int read_file(int at, const char *name, struct link_peer *ret)
{
        _cleanup_(link_wipe_file) char text[LINK_FILE_MAX];
        _cleanup_close_ int fd = -1;
        _cleanup_(link_peer_clear) struct link_peer peer = { 0 };
        int r = open_own(at, name, O_RDONLY, S_IFREG, &fd);
        if (r < 0)
                return r;
        ssize_t len = file_read_upto(fd, text, sizeof text);
        r = len < 0 ? (int)len : (size_t)len == sizeof text ? -EBADMSG : 0;
        if (r == 0)
                r = link_file_parse(text, (size_t)len, &peer);
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
        snprintf(name, sizeof name, "%s" LINK_ENDING, id);
        int r = link_open_folder(folder, &at);
        return r == 0 ? read_file(at, name, ret) : r;
}

/* ---- all of a folder ---- */

int link_each_file(const char *folder,
        int (*each)(void *user, int at, const char *name, const char *id), void *user)
{
        _cleanup_close_ int fd = -1;
        char id[LINK_ID_LEN + 1];
        int r = link_open_folder(folder, &fd);
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
        case -EUSERS: return "there are more pairings than can be kept";
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
                        : -EUSERS;
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
        int r = link_each_file(folder, list_one, &listing);
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
        if (!link_call_is(finding->tag, id))
                return 0;
        memcpy(finding->id, id, LINK_ID_LEN + 1);
        return 1;
}

int link_store_find(const char *folder, const char *tag, char ret[static LINK_ID_LEN + 1])
{
        struct finding finding = { tag, ret };
        int r = link_each_file(folder, find_one, &finding);
        return r > 0 ? 0 : r < 0 ? r : -ENOENT;
}
