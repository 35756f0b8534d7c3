/* SPDX-License-Identifier: Apache-2.0 */
/* owner.c: see owner.h. A process's number may be used again, but not with the same time of its beginning; and
 * across a start of the machine (or into another container) `boot` differs: it names both.
 */
#include "daemon/history/owner.h"

#include "base/outcome.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#define BOOT_MAX 80

struct owner {
        char boot[BOOT_MAX];
        pid_t pid;
        uint64_t start; /* 0: cannot be seen */
};

static ssize_t read_file(const char *path, char *dst, size_t cap)
{
        _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = fd < 0 ? -1 : read(fd, dst, cap - 1);
        dst[len > 0 ? len : 0] = '\0';
        return len;
}

/* Field 22 of /proc/PID/stat; the name in field 2 may hold anything, so it is counted from its last bracket. */
static uint64_t start_of(pid_t pid)
{
        char path[32], text[1024];
        unsigned long long start = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        const char *rest = read_file(path, text, sizeof text) > 0 ? strrchr(text, ')') : NULL;
        if (!rest || sscanf(rest,
                             ") %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                             "%*s %*s %*s %llu",
                             &start) != 1)
                return 0;
        return start;
}

/* This start of the machine, and the space that our process numbers are of. */
static void read_boot(char dst[static BOOT_MAX])
{
        char space[32] = "";
        ssize_t len = read_file("/proc/sys/kernel/random/boot_id", dst, 37);
        if (len < 36)
                dst[0] = '\0';
        ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);
        space[n > 0 ? n : 0] = '\0';
        size_t used = strlen(dst);
        snprintf(dst + used, BOOT_MAX - used, " %s", space);
}

static struct owner owner_now(void)
{
        struct owner owner = { .pid = getppid() };
        read_boot(owner.boot);
        owner.start = start_of(owner.pid);
        return owner;
}

int owner_claims(struct book *book, const char *request)
{
        _cleanup_statement_ sqlite3_stmt *statement = NULL;
        struct owner owner = owner_now();
        int r = book_prepare(book,
                &BOOK_QUERY("INSERT INTO open (request, boot, pid, start) VALUES (?, ?, ?, ?)",
                        request, owner.boot),
                &statement);
        if (r != 0)
                return r;
        if (sqlite3_bind_int64(statement, 3, owner.pid) != SQLITE_OK ||
                sqlite3_bind_int64(statement, 4, (int64_t)owner.start) != SQLITE_OK)
                return book_failed(book);
        return book_step(book, statement);
}

int owner_is_open(struct book *book, const char *request, bool *ret)
{
        int64_t one;
        return book_number(
                book, &BOOK_QUERY("SELECT 1 FROM open WHERE request = ?", request), &one, ret);
}

int owner_lets_go(struct book *book, const char *request)
{
        return book_run(book, &BOOK_QUERY("DELETE FROM open WHERE request = ?", request));
}

/* Of another start of the machine every process is gone; of another space of numbers none can be seen. */
static bool is_gone(const struct owner *owner, const struct owner *now)
{
        if (strncmp(owner->boot, now->boot, 36) != 0)
                return true;
        if (strcmp(owner->boot, now->boot) != 0)
                return false;
        if (owner->pid <= 0 || (kill(owner->pid, 0) < 0 && errno == ESRCH))
                return true;
        uint64_t start = start_of(owner->pid);
        return start != 0 && owner->start != 0 && start != owner->start;
}

static struct owner owner_of_row(sqlite3_stmt *row)
{
        struct owner owner = { .pid = (pid_t)sqlite3_column_int(row, 2),
                .start = (uint64_t)sqlite3_column_int64(row, 3) };
        const char *boot = (const char *)sqlite3_column_text(row, 1);
        snprintf(owner.boot, sizeof owner.boot, "%s", boot ? boot : "");
        return owner;
}

int owner_find_orphan(struct book *book, char ret[static 33])
{
        _cleanup_statement_ sqlite3_stmt *row = NULL;
        struct owner now = owner_now();
        int r = book_prepare(book,
                &BOOK_QUERY("SELECT request, boot, pid, start FROM open GROUP BY boot, pid, start",
                        NULL),
                &row);
        while (r == 0 && (r = book_step(book, row)) == 1) {
                struct owner owner = owner_of_row(row);
                const char *request = (const char *)sqlite3_column_text(row, 0);
                /* all of it: what stands behind a NUL would be another name to SQLite, and stay */
                bool whole = request && sqlite3_column_bytes(row, 0) == 32;
                if (whole && history_is_hex(request, 32) && is_gone(&owner, &now)) {
                        memcpy(ret, request, 33);
                        return 1;
                }
                r = 0;
        }
        return r;
}
