/* SPDX-License-Identifier: Apache-2.0 */
/* test_peer.c: who is asking, read from a /proc that is a folder of ours, and from the real one. Each word that
 * could flatter a caller must be missing as soon as anything about it does not agree.
 */
#include "daemon/peer_internal.h"

#include "base/text.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#define USER   "/user.slice/user-1000.slice/user@1000.service/"
#define OF(x)  "0::" x "\n"
#define UUID   "0a1b2c3d-0001-0002-0003-00112233aabb"
#define APP_ID "org.example.Bank"

/* ---- the control group ---- */

static const struct {
        const char *text, *unit, *flatpak, *snap;
        bool system;
} groups[] = {
        { OF("/system.slice/bank.service"), "bank.service", "", "", true },
        { OF("/system.slice/bank.service/own/part"), "bank.service", "", "", true },
        { OF("/system.slice/system-bank.slice/bank@1.service"), "bank@1.service", "", "", true },
        { OF("/system.slice/kiosk\\x2dscreen.service"), "kiosk\\x2dscreen.service", "", "", true },
        { "12:pids:/user.slice\n1:name=systemd:/system.slice/a.service\n" OF(
                  "/system.slice/b.service"),
                "b.service", "", "", true },
        { OF(USER "app.slice/bank.service"), "bank.service", "", "", false },
        { OF(USER "app.slice/bank.service/system.slice/b.service"), "bank.service", "", "", false },
        { OF(USER "app.slice/app-flatpak-org.example.Bank-4711.scope"), "", APP_ID, "", false },
        { OF(USER "app.slice/app-flatpak-org.example.My\\x2dBank-4711.scope"), "",
                "org.example.My-Bank", "", false },
        { OF(USER "app.slice/snap.bank.desk-" UUID ".scope"), "", "", "bank.desk", false },
        { OF(USER "app.slice/snap.my-bank_1.my-app." UUID ".scope"), "", "", "my-bank_1.my-app",
                false },
        { OF("/system.slice/snap.bank.desk.service"), "", "", "bank.desk", true },
        /* of nobody */
        { OF("/"), "", "", "", false },
        { OF("/user.slice/user-1000.slice/session-3.scope"), "", "", "", false },
        { OF(USER "init.scope"), "", "", "", false },
        { OF(USER "app.slice/app-gnome-org.example.Bank-4711.scope"), "", "", "", false },
        { OF(USER "app.slice/app-bank@autostart.service"), "", "", "", false },
        { OF(USER "app.slice/vte-spawn-" UUID ".scope"), "", "", "", false },
        { OF(USER "app.slice/run-r0a1b.scope"), "", "", "", false },
        { OF(USER "session.slice/dbus.service"), "", "", "", false },
        { OF("/system.slice/cron.service"), "", "", "", false },
        { OF("/system.slice/docker-0a1b.scope"), "", "", "", false },
        { OF("/user.slice/user-1000.slice/user@1000.service"), "", "", "", false },
        /* what could be taken for a system unit, a Flatpak or a Snap */
        { OF("/docker/bank.service"), "", "", "", false },
        { OF("/system.slice/../bank.service"), "", "", "", false },
        { OF("/../system.slice/bank.service"), "", "", "", false },
        { OF("/system.slice/bank.service (deleted)"), "", "", "", false },
        { OF("/system.slice/b\xC3\xA4nk.service"), "", "", "", false },
        { OF("/system.slice/.service"), "", "", "", false },
        { "1:name=systemd:/system.slice/bank.service\n", "", "", "", false },
        { OF("/system.slice/a.service") OF("/system.slice/b.service"), "", "", "", false },
        { "0::system.slice/bank.service\n", "", "", "", false },
        { OF("/system.slice/app-flatpak-org.example.Bank-4711.scope"), "", "", "", false },
        { OF(USER "app.slice/app-flatpak-org.example.Bank.scope"), "", "", "", false },
        { OF(USER "app.slice/app-flatpak-org.example.Bank-47x.scope"), "", "", "", false },
        { OF(USER "app.slice/app-flatpak-org.example.Bank-.scope"), "", "", "", false },
        { OF(USER "app.slice/snap.bank.scope"), "", "", "", false },
        { OF(USER "app.slice/snap.bank.desk.scope"), "", "", "", false },
        { OF(USER "app.slice/snap.bank.hook.install-" UUID ".scope"), "", "", "", false },
        { OF(USER "app.slice/snap..desk-" UUID ".scope"), "", "", "", false },
        { OF(USER "app.slice/snap.service"), "", "", "", false },
        { "", "", "", "", false },
};

static void a_group_is_the_unit_that_stands_for_somebody(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
                struct peer_group group;
                peer_read_group(groups[i].text, strlen(groups[i].text), &group);
                if (strcmp(group.unit, groups[i].unit) != 0 ||
                        strcmp(group.flatpak, groups[i].flatpak) != 0 ||
                        strcmp(group.snap, groups[i].snap) != 0)
                        fail_msg("%s: unit '%s', flatpak '%s', snap '%s'", groups[i].text,
                                group.unit, group.flatpak, group.snap);
                if (group.unit[0])
                        assert_int_equal(group.system_unit, groups[i].system);
        }
}

static void what_does_not_fit_is_no_unit(void **state)
{
        char text[4096] = "0::/system.slice/";
        struct peer_group group;
        (void)state;
        memset(text + strlen(text), 'a', 300);
        strcat(text, ".service\n");
        peer_read_group(text, strlen(text), &group);
        assert_string_equal(group.unit, "");
        memset(text + 3, '/', sizeof text - 4);
        peer_read_group(text, sizeof text, &group);
        assert_string_equal(group.unit, "");
        peer_read_group("0::/a.service\0b.service\n", 24, &group);
        assert_string_equal(group.unit, "");
}

static void a_units_name_is_written_out_for_people_only(void **state)
{
        static const struct {
                const char *unit, *shown;
        } rows[] = {
                { "kiosk\\x2dscreen@a.service", "kiosk-screen@a.service" },
                { "a\\x0ab.service", "ab.service" },
                { "a\\xe2\\x80\\xaeb.service", "ab.service" },
                { "a\\x00b.service", "a\\x00b.service" },
                { "a\\x2", "a\\x2" },
                { "a\\", "a\\" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct peer peer = { 0 };
                char shown[256];
                snprintf(peer.unit, sizeof peer.unit, "%s", rows[i].unit);
                peer_unit_shown(&peer, shown);
                assert_string_equal(shown, rows[i].shown);
        }
}

/* ---- Flatpak, Snap ---- */

static void a_flatpaks_file_names_one_application(void **state)
{
        static const struct {
                const char *text, *id;
        } rows[] = {
                { "[Application]\nname=org.example.Bank\nruntime=x\n\n[Context]\nname=a.b.c\n",
                        APP_ID },
                { "[Context]\nname=a.b.c\n[Application]\nname=org.example.Bank", APP_ID },
                { "[Runtime]\nname=org.example.Bank\n", "" },
                { "name=org.example.Bank\n", "" },
                { "[Application]\nname=org.example.Bank\nname=org.example.Evil\n", "" },
                { "[Application]\nname=org.example.Bank\n[Application]\n", "" },
                { "[Application]\n[Context]\nname=org.example.Bank\n", "" },
                { "[Application] \nname=org.example.Bank\n", "" },
                { "[Application]\nname= org.example.Bank\n", "" },
                { "[Application]\r\nname=org.example.Bank\r\n", "" },
                { "[Application]\nname=\n", "" },
                { "[Application]\nname=example.Bank\n", "" },
                { "[Application]\nname=org..Bank.a\n", "" },
                { "[Application]\nname=.org.example.Bank\n", "" },
                { "[Application]\nname=org.example.Bank.\n", "" },
                { "[Application]\nname=org.example/../Bank\n", "" },
                { "[Application]\nname=org.example.B\xE2\x80\xAEnk\n", "" },
                { "", "" },
        };
        char id[PEER_TEXT_MAX], large[600] = "[Application]\nname=org.example.";
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                peer_read_flatpak(rows[i].text, strlen(rows[i].text), id);
                assert_string_equal(id, rows[i].id);
        }
        memset(large + strlen(large), 'a', 400);
        peer_read_flatpak(large, strlen(large), id);
        assert_string_equal(id, "");
}

static void a_snaps_label_names_one_app(void **state)
{
        static const struct {
                const char *text, *name;
        } rows[] = {
                { "snap.bank.desk (enforce)\n", "bank.desk" },
                { "snap.bank.desk (complain)", "bank.desk" },
                { "snap.bank.desk", "bank.desk" },
                { "unconfined\n", "" },
                { "snap.bank\n", "" },
                { "snap.bank.hook.install (enforce)\n", "" },
                { "snap. (enforce)", "" },
                { "firefox//snap.bank.desk (enforce)", "" },
                { "", "" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char name[PEER_TEXT_MAX];
                peer_read_label(rows[i].text, strlen(rows[i].text), name);
                assert_string_equal(name, rows[i].name);
        }
}

/* ---- interpreters ---- */

#define LINE(text) text, sizeof(text)

static void of_an_interpreter_the_file_it_runs_is_told(void **state)
{
        static const struct {
                const char *executable, *line;
                size_t len;
                const char *script;
        } rows[] = {
                { "/usr/bin/python3.11", LINE("python3\0/opt/a.py\0--b\0c"), "/opt/a.py" },
                { "/usr/bin/python3.11", LINE("python3\0-u\0-X\0dev\0-Wd\0a.py"), "a.py" },
                { "/usr/bin/python3.11", LINE("python3\0-m\0http.server\0-b"), "http.server" },
                { "/usr/bin/python3.11", LINE("python3\0-c\0import x\0a.py"), "" },
                { "/usr/bin/python3.11", LINE("python3\0-Ic\0import x\0a.py"), "" },
                { "/usr/bin/python3.11", LINE("python3\0-\0a.py"), "" },
                { "/usr/bin/python3.11", LINE("python3"), "" },
                { "/usr/bin/python3.11 (deleted)", LINE("python3\0a.py"), "a.py" },
                { "/usr/bin/perl", LINE("perl\0-w\0-I\0/lib\0--\0-a.pl"), "-a.pl" },
                { "/usr/bin/perl", LINE("perl\0-i\0a.pl"), "a.pl" },
                { "/usr/bin/perl", LINE("perl\0-ne\0print\0a.pl"), "" },
                { "/usr/bin/bash", LINE("bash\0-o\0pipefail\0./a.sh"), "./a.sh" },
                { "/usr/bin/bash", LINE("bash\0--norc\0-lc\0id\0a.sh"), "" },
                { "/bin/dash", LINE("sh\0/etc/a b.sh"), "/etc/a b.sh" },
                { "/usr/bin/node", LINE("node\0--require\0x\0--inspect=1\0app.js"), "app.js" },
                { "/usr/bin/node", LINE("node\0--eval\0x\0app.js"), "" },
                { "/usr/lib/jvm/java-17-openjdk-amd64/bin/java",
                        LINE("java\0-Xmx1g\0-cp\0/a:/b\0ir.example.Main\0x"), "ir.example.Main" },
                { "/usr/lib/jvm/bin/java", LINE("java\0-jar\0/opt/bank.jar"), "/opt/bank.jar" },
                { "/usr/bin/php8.2", LINE("php\0-d\0a=b\0-f\0a.php"), "a.php" },
                { "/usr/bin/php8.2", LINE("php\0-r\0x"), "" },
                { "/usr/bin/deno", LINE("deno\0run\0--allow-all\0a.ts"), "a.ts" },
                { "/usr/lib/wine/wine64-preloader", LINE("C:\\Bank\\bank.exe\0-x"),
                        "C:\\Bank\\bank.exe" },
                { "/usr/lib/wine/wine64", LINE("wine64\0bank.exe"), "bank.exe" },
                { "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                        LINE("ld.so\0--library-path\0/x\0/usr/bin/bank"), "/usr/bin/bank" },
                { "/usr/bin/python3", LINE("python3\0a\x1B[2Jb\xE2\x80\xAE.py"),
                        "a[2Jb.py\xE2\x80\xA6" },
                /* cut within a word, or nothing at all: nothing */
                { "/usr/bin/python3", "python3\0a.p", 11, "" },
                { "/usr/bin/python3", "", 0, "" },
                { "/usr/bin/python3", "python3", 7, "" },
                /* no interpreter */
                { "/usr/bin/bank", LINE("python3\0a.py"), "" },
                { "/usr/bin/bashtop", LINE("bash\0a.sh"), "" },
                { "/usr/bin/python3-config", LINE("x\0a.py"), "" },
                { "", LINE("python3\0a.py"), "" },
        };
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                char script[PEER_TEXT_MAX];
                peer_read_script(rows[i].executable, rows[i].line, rows[i].len, script);
                if (strcmp(script, rows[i].script) != 0)
                        fail_msg("row %zu: '%s' and not '%s'", i, script, rows[i].script);
        }
}

static void a_path_that_cannot_be_shown_whole_says_so(void **state)
{
        char shown[PEER_TEXT_MAX], path[1000] = "/";
        (void)state;
        peer_put_path(shown, "/usr/bin/bank");
        assert_string_equal(shown, "/usr/bin/bank");
        peer_put_path(shown, "/usr/bin/ba\xE2\x80\x8Bnk\n");
        assert_true(strcmp(shown, "/usr/bin/bank") != 0 && strstr(shown, "\xE2\x80\xA6"));
        memset(path + 1, 'a', sizeof path - 2);
        peer_put_path(shown, path);
        assert_true(strlen(shown) >= 250 && strstr(shown, "\xE2\x80\xA6"));
        peer_put_path(shown, "");
        assert_string_equal(shown, "");
}

/* ---- a folder as /proc/PID ---- */

struct proc {
        char path[64];
        int fd;
};

static void put(const struct proc *proc, const char *name, const char *text)
{
        int fd = openat(proc->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void put_uid(const struct proc *proc, uid_t real, uid_t effective)
{
        char text[200];
        snprintf(text, sizeof text,
                "Name:\tx\\nUid:\t0\t0\t0\t0\nState:\tS\nUid:\t%u\t%u\t0\t0\nGid:\t0\t0\n", real,
                effective);
        put(proc, "status", text);
}

/* mountinfo, by which the folder's file system is one of memory, or is not. */
static void put_mount(const struct proc *proc, const char *type)
{
        struct statx st;
        char text[200];
        assert_int_equal(statx(proc->fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st), 0);
        snprintf(text, sizeof text,
                "1 0 0:1 / / rw - ext4 a rw\n%llu 1 0:2 / / rw,x - %s tmpfs rw\n",
                (unsigned long long)st.stx_mnt_id, type);
        put(proc, "mountinfo", text);
}

static int set_up(void **state)
{
        static struct proc proc;
        proc = (struct proc){ .path = "/tmp/mohr-peer-XXXXXX" };
        assert_non_null(mkdtemp(proc.path));
        proc.fd = open(proc.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        put(&proc, "stat", "77 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
        put_uid(&proc, 1, 1000);
        put(&proc, "cgroup", OF("/system.slice/bank.service"));
        put(&proc, "cmdline", "x");
        put_mount(&proc, "tmpfs");
        assert_int_equal(symlinkat("/usr/bin/bank", proc.fd, "exe"), 0);
        assert_int_equal(mkdirat(proc.fd, "root", 0700), 0);
        assert_int_equal(mkdirat(proc.fd, "attr", 0700), 0);
        put(&proc, "root/.flatpak-info", "[Application]\nname=" APP_ID "\n");
        *state = &proc;
        return 0;
}

static int tear_down(void **state)
{
        const struct proc *proc = *state;
        static const char *const files[] = { "stat", "status", "cgroup", "cmdline", "mountinfo",
                "exe", "attr/current", "root/.flatpak-info", "root/real" };
        for (size_t i = 0; i < ARRAY_LEN(files); i++)
                (void)unlinkat(proc->fd, files[i], 0);
        (void)unlinkat(proc->fd, "root", AT_REMOVEDIR);
        (void)unlinkat(proc->fd, "attr", AT_REMOVEDIR);
        close(proc->fd);
        return rmdir(proc->path);
}

static struct peer look(const struct proc *proc)
{
        struct peer peer = { .uid = 1000, .pid = 77 };
        peer_look(proc->fd, 1000, &peer);
        return peer;
}

static void expect_key(const struct peer *peer, const char *expected)
{
        char key[PEER_KEY_MAX];
        peer_key(peer, key);
        assert_string_equal(key, expected);
}

static void replace_executable(const struct proc *proc, const char *with)
{
        assert_int_equal(unlinkat(proc->fd, "exe", 0), 0);
        assert_int_equal(symlinkat(with, proc->fd, "exe"), 0);
}

static void everything_of_one_process_is_told(void **state)
{
        const struct proc *proc = *state;
        struct peer peer = look(proc);
        assert_string_equal(peer.executable, "/usr/bin/bank");
        assert_string_equal(peer.unit, "bank.service");
        assert_true(peer.system_unit);
        expect_key(&peer, "unit:bank.service");
        put(proc, "cgroup", OF("/user.slice/user-1000.slice/session-1.scope"));
        peer = look(proc);
        expect_key(&peer, "program:/usr/bin/bank");
        replace_executable(proc, "/usr/bin/bash");
        int fd = openat(proc->fd, "cmdline", O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_int_equal(write(fd, "bash\0a.sh", 10), 10);
        close(fd);
        peer = look(proc);
        expect_key(&peer, "script:/usr/bin/bash a.sh");
        put(proc, "cmdline", "");
        peer = look(proc);
        expect_key(&peer, "script:/usr/bin/bash");
}

static void somebody_elses_process_is_not_looked_at(void **state)
{
        static const char *const texts[] = { "", "Uid:\t1000\t1000\t1000\t1000\n",
                "Name:\tx\nUid:\t1000\n", "Name:\tx\nUid:\t1000\t10001\t1\t1\n",
                "Name:\tx\nUid:\t1000\t1000" };
        const struct proc *proc = *state;
        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
                put(proc, "status", texts[i]);
                struct peer peer = look(proc);
                expect_key(&peer, "unknown");
        }
        put_uid(proc, 1000, 0);
        struct peer peer = look(proc);
        expect_key(&peer, "unknown");
        put_uid(proc, 1000, 1000);
        put(proc, "stat", "77 (a) S 1\n");
        peer = look(proc);
        expect_key(&peer, "unknown");
        assert_int_equal(unlinkat(proc->fd, "stat", 0), 0);
        peer = look(proc);
        expect_key(&peer, "unknown");
}

/* While its group is read it ends, or its number is another's: what was read before is told of nobody. */
static void a_process_that_is_another_at_the_end_is_nobody(void **state)
{
        static const char *const stats[] = {
                "77 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n", /* the same */
                "77 (a) b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4712 0 0\n", ""
        };
        const struct proc *proc = *state;
        int status;
        assert_int_equal(unlinkat(proc->fd, "cgroup", 0), 0);
        assert_int_equal(mkfifoat(proc->fd, "cgroup", 0600), 0);
        for (size_t i = 0; i < ARRAY_LEN(stats); i++) {
                pid_t child = fork();
                if (child == 0) {
                        int fd = openat(proc->fd, "cgroup", O_WRONLY); /* when it is being read */
                        put(proc, "stat", stats[i]);
                        dprintf(fd, "%s", OF("/system.slice/bank.service"));
                        _exit(0);
                }
                struct peer peer = look(proc);
                expect_key(&peer, i == 0 ? "unit:bank.service" : "unknown");
                assert_string_equal(peer.executable, i == 0 ? "/usr/bin/bank" : "");
                assert_int_equal(waitpid(child, &status, 0), child);
                assert_int_equal(status, 0);
        }
}

static void a_flatpak_is_one_if_group_and_root_agree(void **state)
{
        const struct proc *proc = *state;
        put(proc, "cgroup", OF(USER "app.slice/app-flatpak-org.example.Bank-4711.scope"));
        struct peer peer = look(proc);
        assert_string_equal(peer.flatpak, APP_ID);
        assert_int_equal(peer.sandbox, PEER_IS_CONFINED);
        expect_key(&peer, "flatpak:" APP_ID);
        put(proc, "cgroup", OF(USER "app.slice/app-flatpak-org.example.Other-4711.scope"));
        peer = look(proc);
        expect_key(&peer, "program:/usr/bin/bank");
        put(proc, "cgroup", OF(USER "app.slice/bank.service")); /* the root folder alone */
        peer = look(proc);
        expect_key(&peer, "unit:bank.service");
        assert_int_equal(peer.sandbox, PEER_IS_CONFINED); /* whichever app it is */
}

static void whether_somebody_is_in_a_sandbox_is_known_or_not(void **state)
{
        const struct proc *proc = *state;
        assert_int_equal(look(proc).sandbox, PEER_IS_CONFINED);
        put_mount(proc, "fuse.sshfs"); /* nothing is read of it */
        assert_int_equal(look(proc).sandbox, PEER_IS_CONFINED);
        assert_int_equal(unlinkat(proc->fd, "root/.flatpak-info", 0), 0);
        assert_int_equal(look(proc).sandbox, PEER_IS_FREE);
        assert_int_equal(symlinkat("real", proc->fd, "root/.flatpak-info"), 0);
        assert_int_equal(look(proc).sandbox, PEER_MAY_BE_CONFINED);
        assert_int_equal(unlinkat(proc->fd, "root/.flatpak-info", 0), 0);
        assert_int_equal(unlinkat(proc->fd, "root", AT_REMOVEDIR), 0);
        assert_int_equal(
                look(proc).sandbox, PEER_MAY_BE_CONFINED); /* as of one that ends just now */
        put_uid(proc, 1, 1001);
        assert_int_equal(look(proc).sandbox, PEER_MAY_BE_CONFINED);
}

static void a_root_folder_is_read_only_where_nobody_can_make_us_wait(void **state)
{
        const struct proc *proc = *state;
        put(proc, "cgroup", OF(USER "app.slice/app-flatpak-org.example.Bank-4711.scope"));
        put_mount(proc, "fuse.sshfs");
        assert_string_equal(look(proc).flatpak, "");
        put(proc, "mountinfo", "");
        assert_string_equal(look(proc).flatpak, "");
        put_mount(proc, "tmpfs");
        assert_string_equal(look(proc).flatpak, APP_ID);
        assert_int_equal(unlinkat(proc->fd, "root/.flatpak-info", 0), 0);
        assert_string_equal(look(proc).flatpak, "");
        assert_int_equal(mkfifoat(proc->fd, "root/.flatpak-info", 0600), 0);
        assert_string_equal(look(proc).flatpak, "");
        assert_int_equal(unlinkat(proc->fd, "root/.flatpak-info", 0), 0);
        put(proc, "root/real", "[Application]\nname=" APP_ID "\n");
        assert_int_equal(symlinkat("real", proc->fd, "root/.flatpak-info"), 0);
        assert_string_equal(look(proc).flatpak, "");
}

static void a_snap_is_one_unless_its_label_says_otherwise(void **state)
{
        const struct proc *proc = *state;
        put(proc, "cgroup", OF(USER "app.slice/snap.bank.desk-" UUID ".scope"));
        struct peer peer = look(proc);
        expect_key(&peer, "snap:bank.desk"); /* no AppArmor here */
        assert_int_equal(peer.sandbox, PEER_IS_CONFINED);
        put(proc, "attr/current", "snap.bank.desk (enforce)\n");
        peer = look(proc);
        expect_key(&peer, "snap:bank.desk");
        put(proc, "attr/current", "unconfined\n");
        peer = look(proc);
        expect_key(&peer, "program:/usr/bin/bank");
}

/* ---- the real one ---- */

static void a_process_that_shows_nothing_of_itself_is_still_looked_for(void **state)
{
        int pipes[2], status;
        struct peer peer;
        char c;
        (void)state;
        assert_int_equal(pipe(pipes), 0);
        pid_t pid = fork();
        if (pid == 0) {
                prctl(PR_SET_DUMPABLE, 0);
                (void)!write(pipes[1], "x", 1);
                pause();
                _exit(0);
        }
        assert_int_equal(read(pipes[0], &c, 1), 1);
        peer_of_process(pid, geteuid(), &peer);
        assert_int_equal(peer.pid, pid);
        if (geteuid() == 0) /* root may look all the same */
                assert_true(peer.executable[0] == '/');
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        close(pipes[0]);
        close(pipes[1]);
        peer_of_process(pid, geteuid(), &peer);
        expect_key(&peer, "unknown");
}

static void this_very_program_is_known_by_its_path(void **state)
{
        char own[256] = "";
        struct peer peer;
        (void)state;
        assert_true(readlink("/proc/self/exe", own, sizeof own - 1) > 0);
        peer_of_process(getpid(), geteuid(), &peer);
        assert_string_equal(peer.executable, own);
        assert_string_equal(peer.script, "");
}

#define WITH_PROC(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_group_is_the_unit_that_stands_for_somebody),
                cmocka_unit_test(what_does_not_fit_is_no_unit),
                cmocka_unit_test(a_units_name_is_written_out_for_people_only),
                cmocka_unit_test(a_flatpaks_file_names_one_application),
                cmocka_unit_test(a_snaps_label_names_one_app),
                cmocka_unit_test(of_an_interpreter_the_file_it_runs_is_told),
                cmocka_unit_test(a_path_that_cannot_be_shown_whole_says_so),
                WITH_PROC(everything_of_one_process_is_told),
                WITH_PROC(somebody_elses_process_is_not_looked_at),
                WITH_PROC(a_process_that_is_another_at_the_end_is_nobody),
                WITH_PROC(a_flatpak_is_one_if_group_and_root_agree),
                WITH_PROC(whether_somebody_is_in_a_sandbox_is_known_or_not),
                WITH_PROC(a_root_folder_is_read_only_where_nobody_can_make_us_wait),
                WITH_PROC(a_snap_is_one_unless_its_label_says_otherwise),
                cmocka_unit_test(a_process_that_shows_nothing_of_itself_is_still_looked_for),
                cmocka_unit_test(this_very_program_is_known_by_its_path),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
