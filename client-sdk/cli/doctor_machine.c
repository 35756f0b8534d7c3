/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_machine.c: looks at what mohrd needs of the computer: the time, a program that asks, memory, a disk, its own parts.
 *
 * What mohrd may see otherwise (its PATH, its limits, its configuration) is advice.
 */
#include "client-sdk/cli/doctor.h"

#include "base/program.h"

#include <linux/magic.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define LOCKED_LEAST (64 * 1024) /* bytes that mohrd and its programs lock for PINs, and to spare */
#define DISK_LEAST   (64ULL * 1024 * 1024)
#define DAY          (24 * 60 * 60)

static struct finding good(const char *text)
{
        return (struct finding){ .text = text };
}

static struct finding advice(int outcome, const char *text, const char *next, const char *command)
{
        return (struct finding){
                .outcome = outcome, .advice = true, .text = text, .next = next, .command = command
        };
}

struct finding look_at_pinentry(struct examination *e)
{
        char file[PATH_MAX], real[PATH_MAX];
        if (!program_find("pinentry", file, sizeof file)) /* as mohrd looks */
                return advice(OUTCOME_NOBODY_TO_ASK,
                        N_("The program that asks for the PIN (pinentry) is not in PATH."),
                        N_("It is not needed if mohr.conf names another program. Else install it "
                           "(on a "
                           "desktop: pinentry-gtk2):"),
                        "sudo apt install pinentry-curses");
        snprintf(e->shown, sizeof e->shown, "%.1000s", realpath(file, real) ? real : file);
        struct finding finding = good(N_("The program that asks for the PIN (pinentry) is there."));
        finding.data = e->shown;
        return finding;
}

struct finding look_at_clock(struct examination *e)
{
        struct timex state = { 0 };
        (void)e;
        if (adjtimex(&state) >= 0 && !(state.status & STA_UNSYNC))
                return good(N_("The clock is synchronised."));
        return advice(OUTCOME_INVALID,
                N_("The clock is not synchronised: assertions may look too old or too new."),
                N_("Switch it on:"), "sudo timedatectl set-ntp true");
}

/* Nothing here is younger than the clock, or the clock is behind. */
struct finding look_at_time(struct examination *e)
{
        struct stat st;
        bool found = place_is(e, MOHR_LIBEXECDIR "/mohrd", &st) ||
                     (!e->root[0] && stat("/proc/self/exe", &st) == 0);
        if (!found || st.st_mtime <= time(NULL) + DAY)
                return good(N_("The clock is not behind the day on which Mohr was built."));
        return (struct finding){ .outcome = OUTCOME_INVALID,
                .text = N_("The clock is far behind: Mohr was built at a later time than it shows. "
                           "Certificates look as if they were not valid yet."),
                .next = N_("Set it:"),
                .command = "sudo timedatectl set-ntp true" };
}

struct finding look_at_memory(struct examination *e)
{
        struct rlimit limit;
        (void)e;
        if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur >= LOCKED_LEAST)
                return good(N_("PINs can be kept in memory that is never written to a disk."));
        return advice(OUTCOME_INTERNAL,
                N_("This session may lock too little memory for a PIN, and then mohrd does not "
                   "take "
                   "one."),
                N_("Give mohrd more, then start it anew; write LimitMEMLOCK=8M below [Service] "
                   "with:"),
                "systemctl --user edit mohrd.service");
}

struct finding look_at_disk(struct examination *e)
{
        char path[PATH_MAX];
        struct statvfs room;
        struct statfs kind;
        struct stat st;
        if (!place_path(path, e, "/var/tmp") || stat(path, &st) < 0 || !S_ISDIR(st.st_mode) ||
                access(path, W_OK | X_OK) < 0)
                return advice(OUTCOME_INTERNAL,
                        N_("Copies of documents that are signed cannot be kept in /var/tmp "
                           "meanwhile."),
                        N_("Give it its usual permissions:"), "sudo install -d -m 1777 /var/tmp");
        if (statfs(path, &kind) == 0 && (kind.f_type == TMPFS_MAGIC || kind.f_type == RAMFS_MAGIC))
                return advice(OUTCOME_INTERNAL,
                        N_("/var/tmp is in memory, so large documents cannot be signed."),
                        N_("Set TMPDIR of mohrd to a folder on a disk; write "
                           "Environment=TMPDIR=... below "
                           "[Service] with:"),
                        "systemctl --user edit mohrd.service");
        if (statvfs(path, &room) == 0 && room.f_bavail * room.f_frsize < DISK_LEAST)
                return advice(OUTCOME_INTERNAL,
                        N_("The disk of /var/tmp is almost full: large documents cannot be "
                           "signed."),
                        N_("See what takes the room:"), "du -xh --max-depth=1 /var | sort -h");
        return good(N_("There is room in /var/tmp for documents while they are signed."));
}

/* ---- parts of Mohr ------------------------------------------------------------------------- */

struct finding look_at_documents(struct examination *e)
{
        if (place_program(e, "mohr-document"))
                return good(N_("The program that looks into documents (mohr-document) is there."));
        return advice(OUTCOME_INTERNAL,
                N_("The program that looks into documents (mohr-document) is missing: no document "
                   "can be "
                   "signed or checked."),
                N_("Install Mohr anew:"), "sudo apt install --reinstall mohr");
}

struct finding look_at_page(struct examination *e)
{
        if (place_program(e, "mohr-page"))
                return good(N_("The program that draws pages and stamps (mohr-page) is there."));
        return advice(OUTCOME_INTERNAL,
                N_("The program that draws pages and stamps (mohr-page) is missing: there are no "
                   "receipts and no "
                   "visible stamps."),
                N_("Install it:"), "sudo apt install mohr-receipt");
}
