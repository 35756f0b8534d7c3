/* SPDX-License-Identifier: Apache-2.0 */
/* peer_group.c: the control group of a process, read as systemd lays it out: slices, then the unit, then whatever
 * the unit made for itself. The unit of the system manager comes first; if that is a user's own manager
 * (user@UID.service), the next one is that manager's.
 *
 * Behind user@UID.service all names are the user's to choose. Before it none is: a process gets into the group of a
 * system unit only by being started there. Units that stand for nobody in particular (a session, a terminal's
 * child, whatever runs what people tell it to) are rows of a table, and are no identity.
 *
 * Which names Flatpak and snapd give their groups is theirs and may change; one that is not known here is none.
 */
#include "daemon/peer_internal.h"

#include "base/text.h"

#include <fnmatch.h>
#include <stdio.h>

#define GROUP_MAX   2048
#define UNIT_LETTER "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789:-_.\\@"
#define UUID_LEN    36

static const char *const nobody[] = {
        /* sessions, and what every program of a session ends up in */
        "session-*.scope",
        "init.scope",
        "user@*.service",
        "run-*.scope",
        "run-*.service",
        "dbus.service",
        "dbus-*.service",
        "dbus-:*.service",
        "gnome-session*",
        "gnome-launched-*",
        "org.gnome.Shell@*",
        "gnome-shell*",
        "plasma-*",
        "xdg-desktop-*",
        "app-*",
        /* children of terminals */
        "vte-spawn-*",
        "tmux-spawn-*",
        "gnome-terminal-server.service",
        "konsole*",
        /* system services that start what a user tells them to, or a login */
        "cron.service",
        "crond.service",
        "cronie.service",
        "anacron.service",
        "fcron.service",
        "atd.service",
        "ssh.service",
        "sshd.service",
        "ssh@*",
        "sshd@*",
        "dropbear*",
        "getty@*",
        "autovt@*",
        "serial-getty@*",
        "console-getty.service",
        "container-getty@*",
        "display-manager.service",
        "gdm*.service",
        "lightdm.service",
        "sddm.service",
        "lxdm.service",
        "xdm.service",
        "nodm.service",
        "greetd.service",
        "ly*.service",
        "xrdp*",
        "vncserver*",
        "x11vnc*",
        "flatpak-session-helper.service",
        /* containers: what is in them is told by nothing here */
        "docker*",
        "containerd*",
        "podman*",
        "libpod-*",
        "machine-*.scope",
        "lxc*",
        "systemd-nspawn@*",
};

static bool stands_for_nobody(const char *unit)
{
        for (size_t i = 0; i < ARRAY_LEN(nobody); i++)
                if (fnmatch(nobody[i], unit, FNM_NOESCAPE) == 0)
                        return true;
        return false;
}

static bool ends_in(const char *text, const char *end)
{
        size_t len = strlen(text), tail = strlen(end);
        return len > tail && strcmp(text + len - tail, end) == 0;
}

static bool is_unit(const char *name)
{
        return strlen(name) < PEER_TEXT_MAX &&
               (ends_in(name, ".service") || ends_in(name, ".scope"));
}

/* The path behind the one line "0::"; false if there is none, or another, or if it holds what no unit's does, such as
 * the " (deleted)" of a group that is gone. */
static bool unified_path(const char *text, size_t len, char dst[static GROUP_MAX])
{
        bool found = false;
        for (const char *end = text + len, *line = text; line < end;) {
                const char *stop = memchr(line, '\n', (size_t)(end - line));
                size_t size = (size_t)((stop ? stop : end) - line);
                if (size > 3 && memcmp(line, "0::", 3) == 0) {
                        if (found || size - 3 >= GROUP_MAX)
                                return false;
                        memcpy(dst, line + 3, size - 3);
                        dst[size - 3] = '\0';
                        found = strlen(dst) == size - 3;
                        if (!found)
                                return false;
                }
                line += size + 1;
        }
        return found && dst[0] == '/' && dst[strspn(dst, UNIT_LETTER "/")] == '\0';
}

/* Skips slices; false unless a unit comes next. What leads out of our own part of the tree ("..") is neither. */
static bool next_unit(char **rest, const char **ret)
{
        for (char *part; (part = strsep(rest, "/"));) {
                if (part[0] == '\0' || ends_in(part, ".slice"))
                        continue;
                *ret = part;
                return is_unit(part);
        }
        return false;
}

static int digit(char c)
{
        const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;
        return at ? (int)(at - digits) : -1;
}

/* systemd.unit(5): "\x2d". What is no escape stays. Never longer. */
static void unescape(char *text)
{
        char *to = text;
        for (const char *from = text; *from; to++) {
                int high = from[0] == '\\' && from[1] == 'x' ? digit(from[2]) : -1;
                int low = high >= 0 ? digit(from[3]) : -1;
                bool escape = low >= 0 && (high | low) != 0;
                *to = *from;
                if (escape)
                        *to = (char)(high << 4 | low);
                from += escape ? 4 : 1;
        }
        *to = '\0';
}

/* "app-flatpak-ID-NUMBER.scope" */
static void find_flatpak(const char *unit, char dst[static PEER_TEXT_MAX])
{
        static const char before[] = "app-flatpak-", after[] = ".scope";
        char id[PEER_TEXT_MAX];
        if (strncmp(unit, before, strlen(before)) != 0 || !ends_in(unit, after))
                return;
        snprintf(id, sizeof id, "%s", unit + strlen(before));
        char *number = strrchr(id, '-');
        if (!number || strspn(number + 1, "0123456789") == 0 ||
                strcmp(number + 1 + strspn(number + 1, "0123456789"), after) != 0)
                return;
        *number = '\0';
        unescape(id);
        memcpy(dst, id, sizeof id);
}

static bool is_uuid(const char *text)
{
        return strlen(text) == UUID_LEN && strspn(text, "0123456789abcdef-") == UUID_LEN;
}

/* "NAME.APP", both of snapd's letters. */
static bool is_snap(const char *text)
{
        static const char letters[] =
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        size_t name = strspn(text, letters);
        size_t app = text[name] == '.' ? strspn(text + name + 1, letters) : 0;
        return name > 0 && app > 0 && text[name + 1 + app] == '\0';
}

/* "snap.NAME.APP.service", or a scope of one start: "snap.NAME.APP-UUID.scope", before with '.' for '-'. */
static void find_snap(const char *unit, char dst[static PEER_TEXT_MAX])
{
        char name[PEER_TEXT_MAX] = "";
        if (strncmp(unit, "snap.", 5) != 0)
                return;
        snprintf(name, sizeof name, "%s", unit + 5);
        char *ending = strrchr(name, '.');
        if (!ending)
                return;
        *ending = '\0';
        unescape(name);
        size_t len = strlen(name);
        if (ends_in(unit, ".scope")) {
                if (len <= UUID_LEN + 1 || !is_uuid(name + len - UUID_LEN))
                        return;
                name[len - UUID_LEN - 1] = '\0';
        }
        if (is_snap(name))
                memcpy(dst, name, sizeof name);
}

void peer_read_group(const char *text, size_t len, struct peer_group *ret)
{
        char path[GROUP_MAX], *rest = path;
        const char *unit = "";
        *ret = (struct peer_group){ 0 };
        if (!unified_path(text, len, path) || !next_unit(&rest, &unit))
                return;
        bool of_user = fnmatch("user@*.service", unit, FNM_NOESCAPE) == 0;
        if (of_user && !next_unit(&rest, &unit))
                return;
        if (of_user)
                find_flatpak(unit, ret->flatpak);
        find_snap(unit, ret->snap);
        if (stands_for_nobody(unit) || strncmp(unit, "snap.", 5) == 0)
                return;
        snprintf(ret->unit, sizeof ret->unit, "%s", unit);
        ret->system_unit = !of_user;
}

/* "snap.NAME.APP (enforce)" */
void peer_read_label(const char *text, size_t len, char dst[static PEER_TEXT_MAX])
{
        char name[PEER_TEXT_MAX] = "";
        dst[0] = '\0';
        if (len <= 5 || len >= sizeof name || memcmp(text, "snap.", 5) != 0)
                return;
        memcpy(name, text + 5, len - 5);
        name[strcspn(name, " \n")] = '\0';
        if (is_snap(name))
                memcpy(dst, name, sizeof name);
}

void peer_unit_shown(const struct peer *peer, char dst[static 256])
{
        char name[PEER_TEXT_MAX];
        memcpy(name, peer->unit, sizeof name);
        unescape(name);
        text_sanitize(dst, 256, name, sizeof name);
}
