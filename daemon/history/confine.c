/* SPDX-License-Identifier: Apache-2.0 */
/* confine.c: see confine.h. Landlock and not a filter of system calls: which calls SQLite makes differs with its
 * version and the disk, which files it needs does not. Files only: what Landlock can do besides needs newer kernels.
 */
#include "daemon/history/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#define READ LANDLOCK_ACCESS_FS_READ_FILE
#define ALL                                                                                        \
        (READ | LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |                       \
                LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR |                      \
                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                    \
                LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                        \
                LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |                      \
                LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define OURS                                                                                       \
        (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR |                      \
                LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG)

static const struct {
        const char *path;
        uint64_t access;
} places[] = { { ".", OURS }, { "/proc", READ | LANDLOCK_ACCESS_FS_READ_DIR } };

int confine_process(void)
{
        const struct rlimit none = { 0, 0 };
        umask(077);
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
                setrlimit(RLIMIT_CORE, &none) < 0)
                return -errno;
        return 0;
}

static int allow(int rules, const char *path, uint64_t access)
{
        _cleanup_close_ int fd = open(path, O_PATH | O_CLOEXEC);
        struct landlock_path_beneath_attr place = { .allowed_access = access, .parent_fd = fd };
        if (fd < 0)
                return -errno;
        return syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &place, 0) < 0
                       ? -errno
                       : 0;
}

void confine_to_folder(void)
{
        const struct landlock_ruleset_attr handled = { .handled_access_fs = ALL };
        _cleanup_close_ int rules =
                (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
        for (size_t i = 0; i < ARRAY_LEN(places); i++)
                if (rules < 0 || allow(rules, places[i].path, places[i].access) < 0)
                        return;
        (void)syscall(SYS_landlock_restrict_self, rules, 0);
}
