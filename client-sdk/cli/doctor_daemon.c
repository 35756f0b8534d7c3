/* SPDX-License-Identifier: Apache-2.0 */
/* doctor_daemon.c: looks at mohrd and at what it stands on: the session's folder, its socket, its unit, the bus.
 *
 * What systemd knows is read from the links that it keeps; no manager is asked. Where mohrd answers, what is odd
 * here is advice: it works.
 */
#include "client-sdk/cli/doctor.h"

#include <unistd.h>

static struct finding of_session(const struct examination *e, struct finding finding)
{
        finding.outcome = OUTCOME_UNREACHABLE;
        finding.advice = e->status != NULL;
        return finding;
}

struct finding look_at_daemon(struct examination *e)
{
        if (e->status)
                return (struct finding){ .text = N_("The Mohr service is running.") };
        return (struct finding){ .outcome = e->status_outcome,
                .text = mohr_outcome_text(e->status_outcome),
                .next = e->status_outcome == OUTCOME_UNREACHABLE
                                ? cli_unreachable_next()
                                : mohr_outcome_next(e->status_outcome),
                .data = e->unreached };
}

struct finding look_at_runtime(struct examination *e)
{
        const char *runtime = place_runtime();
        struct stat st;
        if (place_named_socket())
                return (struct finding){
                        .text = N_("MOHR_SOCKET says where mohrd is; the session's folder "
                                   "is not needed.")
                };
        if (!runtime || runtime[0] != '/' || stat(runtime, &st) < 0 || !S_ISDIR(st.st_mode))
                return of_session(e,
                        (struct finding){
                                .text = N_(
                                        "This session has no folder of its own (XDG_RUNTIME_DIR)."),
                                .next = N_("Log in to a session of your own, at the computer or by "
                                           "ssh, without su or sudo. For a user who is never "
                                           "logged in:"),
                                .command = "sudo loginctl enable-linger $USER",
                                .data = runtime });
        if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
                return of_session(
                        e, (struct finding){ .text = N_("The session's folder (XDG_RUNTIME_DIR) "
                                                        "belongs to somebody "
                                                        "else, or others can look into it."),
                                   .next = N_("Log in anew, without su or sudo."),
                                   .data = runtime });
        return (struct finding){ .text = N_("The session has a folder of its own.") };
}

static bool socket_path(char dst[static PATH_MAX])
{
        const char *named = place_named_socket(), *runtime = place_runtime();
        int len = named     ? snprintf(dst, PATH_MAX, "%s", named)
                  : runtime ? snprintf(dst, PATH_MAX, "%s/mohr/mohr.sock", runtime)
                            : 0;
        return len > 0 && len < PATH_MAX;
}

struct finding look_at_socket(struct examination *e)
{
        char path[PATH_MAX];
        struct stat st;
        bool known = socket_path(path);
        snprintf(e->shown, sizeof e->shown, "%.1000s", known ? path : "");
        if (!known || lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
                return of_session(
                        e, (struct finding){ .text = N_("The socket of mohrd is not there."),
                                   .next = N_("Start it:"),
                                   .command = "systemctl --user start mohrd.socket",
                                   .data = e->shown });
        if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
                return of_session(
                        e, (struct finding){
                                   .text = N_("The socket of mohrd belongs to somebody else, or "
                                              "is open to others."),
                                   .next = N_("Have it made anew:"),
                                   .command = "systemctl --user restart mohrd.socket",
                                   .data = e->shown });
        return (struct finding){ .text = N_("The socket of mohrd is there, and yours alone.") };
}

/* ---- the unit ------------------------------------------------------------------------------ */

static bool in_any(const struct examination *e, const char *const *folders, size_t count,
        const char *name, struct stat *ret)
{
        char path[PATH_MAX];
        for (size_t i = 0; i < count; i++) {
                int len = snprintf(path, sizeof path, "%s/%s", folders[i], name);
                if (len > 0 && len < PATH_MAX && place_is(e, path, ret))
                        return true;
        }
        return false;
}

static bool is_masked(const struct examination *e, const char *const *folders, size_t count)
{
        char path[PATH_MAX], whole[PATH_MAX], target[32];
        for (size_t i = 0; i < count; i++) {
                int len = snprintf(path, sizeof path, "%s/mohrd.socket", folders[i]);
                ssize_t n = len > 0 && len < PATH_MAX && place_path(whole, e, path)
                                    ? readlink(whole, target, sizeof target)
                                    : -1;
                if (n == (ssize_t)strlen("/dev/null") &&
                        memcmp(target, "/dev/null", (size_t)n) == 0)
                        return true;
        }
        return false;
}

static struct finding judge_unit(
        const struct examination *e, const char *const *folders, size_t count)
{
        struct stat st;
        if (is_masked(e, folders, count))
                return (struct finding){ .text = N_(
                                                 "The unit of mohrd is masked: it never starts."),
                        .next = N_("Allow it again:"),
                        .command =
                                "systemctl --user unmask mohrd.socket && systemctl --user enable "
                                "--now mohrd.socket" };
        if (!in_any(e, folders, count, "mohrd.socket", &st))
                return (struct finding){ .text = N_("The unit of mohrd is not installed."),
                        .next = N_("Install Mohr:"),
                        .command = "sudo apt install mohr" };
        if (!in_any(e, folders, count, "sockets.target.wants/mohrd.socket", &st))
                return (struct finding){ .text = N_("mohrd does not start with your session."),
                        .next = N_("Switch it on:"),
                        .command = "systemctl --user enable --now mohrd.socket" };
        return (struct finding){ 0 };
}

/* Of this user's settings; false: too long. */
static bool own_path(char dst[static PATH_MAX], const char *name)
{
        const char *home = getenv("HOME"), *config = getenv("XDG_CONFIG_HOME");
        int len = config && config[0]
                          ? snprintf(dst, PATH_MAX, "%s/%s", config, name)
                          : snprintf(dst, PATH_MAX, "%s/.config/%s", home ? home : "", name);
        return len > 0 && len < PATH_MAX;
}

struct finding look_at_unit(struct examination *e)
{
        char own[PATH_MAX];
        const char *const folders[] = { own_path(own, "systemd/user") ? own : "/nowhere",
                "/etc/systemd/user", "/usr/local/lib/systemd/user", "/usr/lib/systemd/user",
                "/lib/systemd/user" };
        struct finding finding = judge_unit(e, folders, ARRAY_LEN(folders));
        if (finding.text)
                return of_session(e, finding);
        return (struct finding){ .text = N_("mohrd starts with your session.") };
}

/* ---- configuration ------------------------------------------------------------------------- */

/* What is written there mohrd alone can read, and it is not asked to: it says itself what is wrong. */
struct finding look_at_config(struct examination *e)
{
        char file[PATH_MAX], folder[PATH_MAX];
        struct stat st;
        const char *const paths[] = { "/etc/mohr/mohr.conf", "/etc/mohr/conf.d",
                own_path(file, "mohr/mohr.conf") ? file : "/nowhere",
                own_path(folder, "mohr/conf.d") ? folder : "/nowhere" };
        if (e->status)
                return (struct finding){ .text = N_("mohrd started with its configuration.") };
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
                if (!place_is(e, paths[i], &st))
                        continue;
                snprintf(e->shown, sizeof e->shown, "%.1000s", paths[i]);
                return (struct finding){ .outcome = OUTCOME_USAGE,
                        .advice = true,
                        .text = N_("mohrd does not start if there is a mistake in its "
                                   "configuration."),
                        .next = N_("Look whether there is one:"),
                        .command = MOHR_LIBEXECDIR "/mohrd --check",
                        .data = e->shown };
        }
        return (struct finding){ .text = N_("There is no configuration to be wrong.") };
}

/* ---- version and bus ----------------------------------------------------------------------- */

struct finding look_at_version(struct examination *e)
{
        if (!e->status)
                return doctor_unseen(OUTCOME_UNREACHABLE);
        const char *version = json_string_value(json_object_get(e->status, "version"));
        if (version && strcmp(version, MOHR_VERSION) == 0)
                return (struct finding){ .text = N_("mohrd and this program are of one version.") };
        snprintf(e->shown, sizeof e->shown, "mohrd %.200s, mohr %s", version ? version : "?",
                MOHR_VERSION);
        return (struct finding){ .outcome = OUTCOME_INTERNAL,
                .advice = true,
                .text = N_("mohrd is of another version than this program: perhaps it was started "
                           "before an upgrade."),
                .next = N_("Start it anew:"),
                .command = "systemctl --user restart mohrd.service",
                .data = e->shown };
}

static bool bus_path(char dst[static PATH_MAX])
{
        const char *address = getenv("DBUS_SESSION_BUS_ADDRESS"), *runtime = place_runtime();
        int len = 0;
        if (address && strncmp(address, "unix:path=", 10) == 0)
                len = snprintf(
                        dst, PATH_MAX, "%.*s", (int)strcspn(address + 10, ",;"), address + 10);
        else if (!address && runtime)
                len = snprintf(dst, PATH_MAX, "%s/bus", runtime);
        return len > 0 && len < PATH_MAX;
}

struct finding look_at_bus(struct examination *e)
{
        char path[PATH_MAX];
        const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
        bool other = address && address[0] && strncmp(address, "unix:path=", 10) != 0;
        if (other || (bus_path(path) && place_connect(path) == 0))
                return (struct finding){ .text = N_("The session has a message bus.") };
        (void)e;
        return (struct finding){ .outcome = OUTCOME_NOBODY_TO_ASK,
                .advice = true,
                .text = N_("The session has no message bus. GNOME's way to ask for the PIN "
                           "needs one; others do not."),
                .next = N_("On a desktop, install it and log in anew:"),
                .command = "sudo apt install dbus-user-session" };
}
