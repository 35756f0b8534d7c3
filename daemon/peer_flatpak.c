/* SPDX-License-Identifier: Apache-2.0 */
/* peer_flatpak.c: the file .flatpak-info in a process's root folder, which Flatpak puts there and its program cannot
 * change. A program that is no Flatpak chooses its own root folder (user namespaces), so this is worth nothing alone:
 * peer.c wants the control group to say the same.
 *
 * That root folder may as well be a file system of the peer's own (FUSE) that answers never. So nothing is asked of it: what
 * is there is found in the kernel's cache of names or not at all (openat2(2), RESOLVE_CACHED), on a descriptor that
 * opens nothing (O_PATH), and read only if /proc/PID/mountinfo says that it lies on a file system of memory,
 * where Flatpak's sandbox has it.
 */
#include "daemon/peer_internal.h"

#include "base/portable.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>

#define INFO_MAX      16384
#define MOUNTINFO_MAX 131072
#define ID_LETTER     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."

/* Three parts or more between full stops, as on D-Bus. */
static bool is_id(const char *id)
{
        unsigned int stops = 0;
        size_t len = strlen(id);
        for (const char *c = id; *c; c++)
                stops += *c == '.';
        return len > 0 && len == strspn(id, ID_LETTER) && stops >= 2 && id[0] != '.' &&
               id[len - 1] != '.' && !strstr(id, "..");
}

struct info {
        unsigned int sections, names; /* [Application], and name= in it */
        bool inside, broken;
        char id[PEER_TEXT_MAX];
};

static void read_line(struct info *info, const char *line, size_t len)
{
        static const char section[] = "[Application]", name[] = "name=";
        if (len > 0 && line[0] == '[') {
                info->inside = len == strlen(section) && memcmp(line, section, len) == 0;
                info->sections += info->inside;
        }
        size_t rest = len > strlen(name) ? len - strlen(name) : 0;
        if (!info->inside || len < strlen(name) || memcmp(line, name, strlen(name)) != 0)
                return;
        info->names++;
        info->broken |= rest == 0 || rest >= sizeof info->id;
        if (info->broken)
                return;
        memcpy(info->id, line + strlen(name), rest);
        info->id[rest] = '\0';
}

void peer_read_flatpak(const char *text, size_t len, char dst[static PEER_TEXT_MAX])
{
        struct info info = { 0 };
        dst[0] = '\0';
        if (len > INFO_MAX || memchr(text, '\0', len))
                return;
        for (const char *end = text + len, *line = text; line < end;) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));
                size_t size = (size_t)((stop ? stop : end) - line);
                read_line(&info, line, size);
                line += size + 1;
        }
        if (info.sections == 1 && info.names == 1 && !info.broken && is_id(info.id))
                memcpy(dst, info.id, sizeof info.id);
}

/* "36 35 98:0 / /mnt rw,noatime master:1 - tmpfs tmpfs rw": nothing before the lone "-" can be one. */
static bool line_is_of_memory(const char *line, size_t len)
{
        static const char before[] = " - ", type[] = "tmpfs ";
        const char *dash = memmem(line, len, before, strlen(before));
        size_t left = dash ? len - (size_t)(dash - line) - strlen(before) : 0;
        return left >= strlen(type) && memcmp(dash + strlen(before), type, strlen(type)) == 0;
}

static bool mount_is_of_memory(int proc, uint64_t mount)
{
        char number[24];
        size_t digits = (size_t)snprintf(number, sizeof number, "%llu ", (unsigned long long)mount);
        _cleanup_free_ char *text = malloc(MOUNTINFO_MAX);
        ssize_t len = text ? peer_read_file(proc, "mountinfo", text, MOUNTINFO_MAX) : -1;
        if (len <= 0)
                return false;
        for (const char *line = text, *end = text + len; line < end;) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));
                size_t size = (size_t)((stop ? stop : end) - line);
                if (size > digits && memcmp(line, number, digits) == 0)
                        return line_is_of_memory(line, size);
                line += size + 1;
        }
        return false;
}

static int open_root(int proc)
{
        return openat(proc, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* A descriptor that names the file and has not opened it. Android has no Flatpaks, and kills who makes this call. */
static int find_info(int root)
{
        const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
                .resolve = RESOLVE_CACHED | RESOLVE_NO_SYMLINKS };
        return (int)portable_syscall(
                PORTABLE_CALL(SYS_openat2), root, (long)".flatpak-info", (long)&how, sizeof how, 0);
}

/* Flatpak's file is a mount, or in memory, and so in the cache; what is not in the cache is none of Flatpak's. */
enum peer_sandbox peer_sandbox_of_root(int proc)
{
        _cleanup_close_ int root = open_root(proc);
        _cleanup_close_ int info = root < 0 ? -1 : find_info(root);
        if (root < 0 || info >= 0)
                return root < 0 ? PEER_MAY_BE_CONFINED : PEER_IS_CONFINED;
        return errno == EAGAIN || errno == ENOENT ? PEER_IS_FREE : PEER_MAY_BE_CONFINED;
}

static bool may_be_read(int proc, int info)
{
        struct statx st;
        const unsigned int wanted = STATX_TYPE | STATX_MNT_ID;
        return portable_statx(info, wanted, &st) == 0 && (st.stx_mask & wanted) == wanted &&
               S_ISREG(st.stx_mode) && mount_is_of_memory(proc, st.stx_mnt_id);
}

void peer_flatpak_of_root(int proc, char dst[static PEER_TEXT_MAX])
{
        char text[INFO_MAX], path[40];
        _cleanup_close_ int root = open_root(proc);
        _cleanup_close_ int info = root < 0 ? -1 : find_info(root);
        if (info < 0 || !may_be_read(proc, info))
                return;
        snprintf(path, sizeof path, "/proc/self/fd/%d", info);
        ssize_t len = peer_read_file(AT_FDCWD, path, text, sizeof text);
        if (len > 0)
                peer_read_flatpak(text, (size_t)len, dst);
}
