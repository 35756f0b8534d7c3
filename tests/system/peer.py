#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""peer.py BUILD: who is asking, as mohrd found it in the /proc of real processes: in the history and on the page.

Groups are made in the kernel's own hierarchy where no systemd reigns over it; Flatpak's sandbox is bubblewrap's, which is what
Flatpak runs.
"""
import contextlib
import json
import os
import shutil
import subprocess
import sys

import lib
from lib import PIN, PRIVATE, Daemon, main

READER = "Simulated reader (SIMULATED CARD)"
GROUPS = os.path.join(PRIVATE, "groups")
OF_USER = "user.slice/user-0.slice/user@0.service/app.slice/"
FLATPAK = OF_USER + "app-flatpak-org.example.Bank-{}.scope"
SNAP = OF_USER + "snap.bank.desk-1b4e28ba-2fa1-11d2-883f-{:012}.scope"
SCRIPT = """
import json, socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.sendall(json.dumps({"method": "mohr.Identity.Assert", "parameters": json.loads(sys.argv[2])}).encode() + b"\\0")
    data = s.recv(65536)
sys.exit(0 if b'"assertion"' in data else 1)
"""


def soft(rig):
    return Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": os.path.join(rig.dir, "soft")})


def last_asker(rig, daemon):
    """What the history calls whoever asked last."""
    code, out, err = rig.mohr(None, "history", "list", "--json", "--limit", "0", "--from", daemon.state)
    return json.loads(out)["entries"][-1]["asked"]["app"] if code == 0 else err


def asks(rig, daemon, argv, group=None, display=":mohr-test", **more):
    """Runs a program that asks, perhaps in a group. (exit code, how it is called, what the page said)"""
    def enter():
        if group:
            with open(os.path.join(group, "cgroup.procs"), "w", encoding="ascii") as procs:
                procs.write(str(os.getpid()))
    daemon.prompts()
    done = subprocess.run(argv, env={**rig.env, "DISPLAY": display, "MOHR_SOCKET": daemon.socket}, preexec_fn=enter,
                          capture_output=True, timeout=180, check=False, cwd=rig.dir, **more)
    return done.returncode, last_asker(rig, daemon), "\n".join(daemon.prompts()) + done.stderr.decode(errors="replace")


def mohr(rig):
    return [os.path.join(rig.build, "mohr"), "assert", "--audience", lib.AUDIENCE, "--nonce", lib.NONCE, "--reader", READER]


def programs(rig, daemon):
    code, app, said = asks(rig, daemon, mohr(rig))
    rig.check(code == 0 and app == "program:" + os.path.realpath(mohr(rig)[0]), "a program is called by its path", (app, said))
    script = os.path.join(rig.dir, "bank.py")
    with open(script, "w", encoding="utf-8") as file:
        file.write(SCRIPT)
    words = json.dumps({"audience": lib.AUDIENCE, "nonce": lib.NONCE, "reader": READER, "ui": {"display": ":mohr-test"}})
    code, app, said = asks(rig, daemon, [sys.executable, "-I", script, daemon.socket, words])
    expected = f"script:{os.path.realpath(sys.executable)} {script}"
    rig.check(code == 0 and app == expected, "a script by its interpreter and its own path", (app, expected))
    rig.check("bank.py" in said, "and the page names the script", said)
    code, app, said = asks(rig, daemon, [sys.executable, "-I", "-c", SCRIPT, daemon.socket, words])
    rig.check(code == 0 and app == f"script:{os.path.realpath(sys.executable)}", "an interpreter without a file is no program", app)


@contextlib.contextmanager
def hierarchy():
    """The kernel's groups, or None: not ours to make. They are one hierarchy for all: the same test of another build may make and take
    away those above its own at any moment."""
    if os.path.exists("/run/systemd/system") or not os.path.ismount(PRIVATE):
        yield None
        return
    os.makedirs(GROUPS, exist_ok=True)
    if subprocess.run(["mount", "-t", "cgroup2", "none", GROUPS], capture_output=True, check=False).returncode != 0:
        yield None
        return
    made = {}

    def make(path):
        parts = [os.path.join(GROUPS, *path.split("/")[:depth]) for depth in range(1, path.count("/") + 2)]
        made.update(dict.fromkeys(parts))
        lib.wait_for(lambda: made_all(parts))
        return parts[-1]
    try:
        yield make
    finally:
        for part in sorted(made, key=len, reverse=True):
            lib.wait_for(lambda path=part: removed(path))
        subprocess.run(["umount", GROUPS], check=False)


def made_all(parts):
    try:
        for part in parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part)
    except FileNotFoundError:  # the one above was taken away meanwhile
        return False
    return True


def removed(path):
    """Or has groups of somebody else's in it, who will do it, or has done so."""
    try:
        os.rmdir(path)
    except FileNotFoundError:
        return True
    except OSError:  # or the last process in it is still on its way out
        return any(entry.is_dir() for entry in os.scandir(path))
    return True


def labelled():
    """Whether the kernel confines programs by name: then a Snap's group is not enough."""
    try:
        with open("/proc/self/attr/current", "rb") as label:
            return bool(label.read())
    except OSError:
        return False


def groups(rig, daemon, make):
    own = f"mohr-test-{os.getpid()}"
    rows = (
        ("a system unit", f"system.slice/{own}.service", f"unit:{own}.service", own),
        ("a unit of the user's manager", f"{OF_USER}{own}.service", f"unit:{own}.service", own),
        ("a session", f"user.slice/user-0.slice/session-{os.getpid()}.scope", None, None),
        ("a Snap's scope", SNAP.format(os.getpid()), "snap:bank.desk", "bank.desk") if not labelled() else
        ("a scope that only says Snap", SNAP.format(os.getpid()), None, None),
        ("a scope that only says Flatpak", FLATPAK.format(os.getpid()), None, None),
    )
    for what, group, expected, shown in rows:
        code, app, said = asks(rig, daemon, mohr(rig), make(group))
        expected = expected or "program:" + os.path.realpath(mohr(rig)[0])
        rig.check(code == 0 and app == expected and (not shown or shown in said), f"{what}: {expected.split(':')[0]}", (app, said))


def flatpak(rig, daemon, make):
    if not shutil.which("bwrap"):
        rig.skip("a Flatpak's sandbox", "no bubblewrap")
        return
    info = os.path.join(rig.dir, "flatpak-info")
    with open(info, "w", encoding="ascii") as file:
        file.write("[Application]\nname=org.example.Bank\nruntime=runtime/org.example.Platform/x86_64/1\n")
    sandbox = ["bwrap", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64", "--ro-bind",
               rig.build, rig.build, "--bind", rig.dir, rig.dir, "--proc", "/proc", "--dev", "/dev", "--ro-bind-data"]
    for what, group, expected in (
            ("sandbox and group agree", FLATPAK.format(os.getpid()), "flatpak:org.example.Bank"),
            ("the group is another's", FLATPAK.replace("Bank", "Other").format(os.getpid()), "program:" + os.path.realpath(mohr(rig)[0]))):
        with open(info, "rb") as file:
            code, app, said = asks(rig, daemon, [*sandbox, str(file.fileno()), "/.flatpak-info", *mohr(rig)], make(group),
                                   pass_fds=[file.fileno()])
        if code != 0 and "bwrap" in said:
            rig.skip("a Flatpak's sandbox", "bubblewrap cannot make one here")
            return
        rig.check(code == 0 and app == expected, f"{what}: {expected.split(':')[0]}", (app, said))
        with open(info, "rb") as file:
            code, _, said = asks(rig, daemon, [*sandbox, str(file.fileno()), "/.flatpak-info", *mohr(rig)], make(group), display="evil.example:7",
                                 pass_fds=[file.fileno()])
        own = "OPTION display=evil.example:7" in said
        rig.check(code == 0 and not own, "an app in a sandbox opens no page on a display of its own, whichever it is", said)
        with open(info, "rb") as file:
            code, _, said = asks(rig, daemon, [*sandbox, str(file.fileno()), "/.flatpak-info", mohr(rig)[0], "grants"], make(group),
                                 pass_fds=[file.fileno()])
        rig.check(code == 16, "and it is told of nobody's permissions", said)


def body(rig):
    rig.env["DISPLAY"] = ":mohr-test"  # mohrd's own, of the session
    daemon = soft(rig)
    programs(rig, daemon)
    with hierarchy() as make:
        if not make:
            rig.skip("units, Flatpaks", "the groups of this machine are not ours to make")
            return
        groups(rig, daemon, make)
        flatpak(rig, daemon, make)


if __name__ == "__main__":
    main(body)
