/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_held.c: looks at who else is at the readers: programs that hold one, and drivers of the kernel that take them.
 *
 * Of this user's programs /proc tells which have a reader's device open, or the library of pcscd's clients loaded. Those of other
 * users it hides from everybody but root, and then that is said. Their names are their own words. mohrd's own
 * programs are nobody else's.
 */
#include "client-sdk/cli/doctor.h"

#include <ctype.h>
#include <dirent.h>
#include <unistd.h>

#define NAMED_MAX   4
#define MAPS_MAX    (256 * 1024)
#define FDS_MAX     1024
#define COMM_SIZE   32
#define MODULES_MAX (128 * 1024)

struct search {
        const struct examination *e;
        char *maps;   /* room for one program's */
        size_t found; /* programs that are named in `names` */
        char names[512];
};

static bool is_ours(const char *comm)
{
        return strncmp(comm, "mohr", 4) == 0 || strcmp(comm, "pcscd") == 0;
}

/* A USB device, or a serial line on which an NFC board may be. */
static bool is_device(const char *target)
{
        static const char *const devices[] = { "/dev/bus/usb/", "/dev/ttyUSB", "/dev/ttyACM",
                "/dev/ttyS" };
        for (size_t i = 0; i < ARRAY_LEN(devices); i++)
                if (strncmp(target, devices[i], strlen(devices[i])) == 0)
                        return true;
        return false;
}

static bool has_device(struct search *search, const char *pid)
{
        char path[64], whole[PATH_MAX];
        bool found = false;
        snprintf(path, sizeof path, "/proc/%.16s/fd", pid);
        DIR *folder = place_path(whole, search->e, path) ? opendir(whole) : NULL;
        if (!folder)
                return false;
        struct dirent *entry;
        for (int n = 0; !found && n < FDS_MAX && (entry = readdir(folder)); n++) {
                char target[64];
                ssize_t len = readlinkat(dirfd(folder), entry->d_name, target, sizeof target - 1);
                target[len > 0 ? len : 0] = '\0';
                found = is_device(target);
        }
        closedir(folder);
        return found;
}

static bool has_library(struct search *search, const char *pid)
{
        char path[64];
        snprintf(path, sizeof path, "/proc/%.16s/maps", pid);
        return place_read(search->e, path, search->maps, MAPS_MAX) &&
               strstr(search->maps, "/libpcsclite.so");
}

static void look_at_process(struct search *search, const char *pid)
{
        char path[64], comm[COMM_SIZE] = "";
        snprintf(path, sizeof path, "/proc/%.16s/comm", pid);
        if (!place_read(search->e, path, comm, sizeof comm))
                return;
        comm[strcspn(comm, "\n")] = '\0';
        if (is_ours(comm) || !(has_device(search, pid) || has_library(search, pid)))
                return;
        size_t used = strlen(search->names);
        if (search->found++ < NAMED_MAX)
                snprintf(search->names + used, sizeof search->names - used, "%s%s (%.16s)",
                        used > 0 ? ", " : "", comm, pid);
}

static void search_processes(struct search *search)
{
        char whole[PATH_MAX];
        DIR *folder = place_path(whole, search->e, "/proc") ? opendir(whole) : NULL;
        struct dirent *entry;
        while (folder && (entry = readdir(folder)))
                if (isdigit((unsigned char)entry->d_name[0]))
                        look_at_process(search, entry->d_name);
        if (folder)
                closedir(folder);
}

struct finding look_at_holder(struct examination *e)
{
        struct search search = { .e = e };
        if (!e->status)
                return doctor_unseen(OUTCOME_BUSY);
        if (!doctor_any_reader(e, "busy", NULL) && !doctor_any_reader(e, NULL, "held"))
                return (struct finding){ .text = N_("No other program keeps a reader to itself.") };
        _cleanup_free_ char *maps = malloc(MAPS_MAX);
        search.maps = maps;
        if (maps)
                search_processes(&search);
        snprintf(e->shown, sizeof e->shown, "%s", search.names);
        if (search.found > 0)
                return (struct finding){ .outcome = OUTCOME_BUSY,
                        .advice = true, /* `reader` or `card` counts */
                        .text = N_("Another program keeps a reader to itself. These of yours can "
                                   "reach readers:"),
                        .next = N_("Close the one that is meant. gpg lets go by:"),
                        .command = "gpgconf --kill scdaemon",
                        .data = e->shown };
        return (struct finding){ .outcome = OUTCOME_BUSY,
                .advice = true,
                .text = N_("Another program keeps a reader to itself, and it is none of yours that "
                           "can be "
                           "seen: what other users' programs have open only root can see."),
                .next = N_("See which:"),
                .command = "sudo lsof /run/pcscd/pcscd.comm /dev/bus/usb/*/*" };
}

/* ---- the kernel ---------------------------------------------------------------------------- */

/* The first words of the lines of /proc/modules. */
static bool is_loaded(const char *modules, const char *name)
{
        size_t len = strlen(name);
        for (const char *at = modules; at; at = strchr(at, '\n')) {
                at += *at == '\n';
                if (strncmp(at, name, len) == 0 && at[len] == ' ')
                        return true;
        }
        return false;
}

struct finding look_at_kernel(struct examination *e)
{
        static const char *const names[] = { "pn533_usb", "pn533_i2c", "pn532_uart", "pn533" };
        _cleanup_free_ char *modules = malloc(MODULES_MAX);
        bool read = modules && place_read(e, "/proc/modules", modules, MODULES_MAX);
        for (size_t i = 0; read && i < ARRAY_LEN(names); i++)
                if (is_loaded(modules, names[i]))
                        return (struct finding){ .outcome = OUTCOME_NO_READER,
                                .advice = true,
                                .text = N_("The kernel's own NFC driver is loaded. It takes boards "
                                           "with a PN532 "
                                           "or PN533 away from Mohr."),
                                .next = N_("If such a board is meant, take the driver out, and "
                                           "plug the "
                                           "board in again (the package mohr keeps it out after "
                                           "the next start):"),
                                .command =
                                        "sudo modprobe -r pn533_usb pn533_i2c pn532_uart pn533 nfc",
                                .data = names[i] };
        return (struct finding){ .text = N_("No driver of the kernel takes NFC boards.") };
}
