/* SPDX-License-Identifier: Apache-2.0 */
/* programs.c: see programs.h.
 *
 * A replaced program is started by /proc/self/fd/N: the link leads to the file that was opened, whatever its name
 * leads to now. As long as the name still leads there it is used, because the kernel names a process after it. A script cannot
 * be started by a descriptor that closes itself, and none is shipped: one (of a test) is started by its name alone.
 *
 * The folder is watched by inotify: nothing wakes but at an upgrade. A package puts its files in place in the order of
 * their names, mohrd's after those of all helpers (mohr-*), and so when mohrd is new, all are.
 */
#include "daemon/programs.h"

#include "daemon/config.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#define FIRST_HIGH 10 /* child.c gives the lower ones a meaning */

static const char *const names[] = { "mohrd", "mohr-document", "mohr-history", "mohr-page",
        "mohr-prompt", "mohr-reader", "mohr-reader-nfc", "mohr-reader-phone", "mohr-reader-soft",
        "mohr-reader-usb", "mohr-watch", "mohr-watch-phone" };

enum { MOHRD, NAMES = ARRAY_LEN(names) };

struct programs {
        char *folder;
        int held[NAMES]; /* -1: not held */
        sd_event_source *watch;
        bool told;
        void (*replaced)(void *user);
        void *user;
};

static int hold(const char *folder, const char *name, int *ret)
{
        _cleanup_free_ char *path = NULL;
        char first[2] = "";
        if (asprintf(&path, "%s/%s", folder, name) < 0) {
                path = NULL;
                return -ENOMEM;
        }
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return errno == ENFILE || errno == EMFILE ? -errno : 0;
        if (pread(fd, first, sizeof first, 0) == sizeof first && memcmp(first, "#!", 2) == 0)
                return 0;
        int high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_HIGH);
        if (high < 0)
                return -errno;
        *ret = high;
        return 0;
}

int programs_new(struct programs **ret, const char *folder)
{
        struct programs *programs = calloc(1, sizeof *programs);
        if (!programs)
                return -ENOMEM;
        for (size_t i = 0; i < NAMES; i++)
                programs->held[i] = -1;
        programs->folder = strdup(folder);
        int r = programs->folder ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < NAMES; i++)
                r = hold(folder, names[i], &programs->held[i]);
        if (r < 0) {
                programs_free(programs);
                return r;
        }
        *ret = programs;
        return 0;
}

struct programs *programs_free(struct programs *programs)
{
        if (!programs)
                return NULL;
        sd_event_source_disable_unref(programs->watch);
        for (size_t i = 0; i < NAMES; i++)
                if (programs->held[i] >= 0)
                        close(programs->held[i]);
        free(programs->folder);
        free(programs);
        return NULL;
}

static int held(const struct programs *programs, const char *name)
{
        for (size_t i = 0; programs && i < NAMES; i++)
                if (strcmp(names[i], name) == 0)
                        return programs->held[i];
        return -1;
}

static bool leads_to(const char *path, int fd)
{
        struct stat named, opened;
        return stat(path, &named) == 0 && fstat(fd, &opened) == 0 &&
               named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

int programs_path(const struct config *config, const char *name, char *ret, size_t ret_cap)
{
        int fd = held(config->programs, name);
        int len = snprintf(ret, ret_cap, "%s/%s", config->libexecdir, name);
        if (len >= 0 && (size_t)len < ret_cap && fd >= 0 && !leads_to(ret, fd))
                len = snprintf(ret, ret_cap, "/proc/self/fd/%d", fd);
        return len < 0 || (size_t)len >= ret_cap ? -ENAMETOOLONG : 0;
}

/* The source stays enabled: libsystemd 252 turns for ever over one that is disabled while more has been read for it. */
static int on_change(sd_event_source *source, const struct inotify_event *event, void *user)
{
        struct programs *programs = user;
        char path[PATH_MAX];
        (void)source, (void)event;
        int len = snprintf(path, sizeof path, "%s/%s", programs->folder, names[MOHRD]);
        if (programs->told || len < 0 || (size_t)len >= sizeof path ||
                leads_to(path, programs->held[MOHRD]))
                return 0;
        programs->told = true;
        programs->replaced(programs->user);
        return 0;
}

int programs_watch(
        struct programs *programs, sd_event *event, void (*replaced)(void *user), void *user)
{
        if (programs->held[MOHRD] < 0)
                return 0;
        programs->replaced = replaced;
        programs->user = user;
        int r = sd_event_add_inotify(event, &programs->watch, programs->folder,
                IN_MOVED_TO | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_ONLYDIR, on_change,
                programs);
        return r < 0 ? r : 0;
}
