#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""doctor_machine.py BUILD: mohr doctor on computers that something is the matter with.

Each row of CASES is such a computer: files below a folder that stands for /, an environment, what mohrd answers, and what must be
found. Whatever is found is a sentence in both languages, and nothing below the folder is changed.
"""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOHR = os.path.join(BUILD, "mohr")
PERSIAN = re.compile("[\u0600-\u06ff]")
with open(os.path.join(TREE, "client-sdk/cli/doctor.c"), encoding="utf-8") as source:
    NAMES = re.findall(r'^        \{ "([\w-]+)", look_at', source.read(), re.M)
LIBEXEC = "/usr/libexec/mohr"
failures = 0


def check(good, what, why=""):
    global failures
    print(("ok - " if good else "not ok - ") + what, flush=True)
    if not good:
        failures += 1
        print("    " + repr(why)[:1500], flush=True)


class Daemon:
    """Answers every call with the picture it was given."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "mohr", "mohr.sock")
        os.makedirs(os.path.dirname(self.path), 0o700)
        self.picture = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        os.chmod(self.path, 0o600)
        self.listener.listen(8)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                data = b"x"
                while data and not data.endswith(b"\0"):
                    data = peer.recv(65536)
                if data:
                    peer.sendall(json.dumps({"parameters": self.picture}).encode() + b"\0")


def version():
    return subprocess.run([MOHR, "version"], capture_output=True, text=True, check=True).stdout.split()[-1]


def reader(state, why=None, name="R"):
    return {"name": name, "driver": "pcsc", "state": state, "simulated": False, **({"why": why} if why else {})}


def picture(readers=(), pcsc="running", **more):
    return {"version": version(), "readers": list(readers), "backends": [{"driver": "pcsc", "state": pcsc}], **more}


PROGRAM = {"proc/4242/comm": "scdaemon\n", "proc/4242/maps": "7f00 r-xp /usr/lib/x86_64-linux-gnu/libpcsclite.so.1.0.0\n",
           "proc/17/comm": "bash\n", "proc/17/maps": "7f00 r-xp /usr/lib/libc.so.6\n", "proc/5/comm": "mohrd\n", "proc/x/comm": "scdaemon\n"}
BOARD = {"proc/99/comm": "nfc-tool\n", "proc/99/fd/7": "->/dev/bus/usb/001/004", "proc/99/maps": ""}
GOOD_UNIT = {"usr/lib/systemd/user/mohrd.socket": "", "etc/systemd/user/sockets.target.wants/mohrd.socket": ""}
CARD = picture([reader("card")])
# What it is, its files, mohrd's picture, and of which check: state, and words in its sentence, advice or data.
CASES = (
    ("a unit that starts with the session", GOOD_UNIT, CARD, "unit", "ok", ""),
    ("no unit", {}, CARD, "unit", "advice", "apt install mohr"),
    ("a unit that nobody switched on", {"usr/lib/systemd/user/mohrd.socket": ""}, CARD, "unit", "advice", "enable --now mohrd.socket"),
    ("a masked unit", {**GOOD_UNIT, "etc/systemd/user/mohrd.socket": "->/dev/null"}, CARD, "unit", "advice", "unmask mohrd.socket"),
    ("a mohrd that runs with its configuration", {"etc/mohr/mohr.conf": "[x]"}, CARD, "config", "ok", "started with"),
    ("one version", {}, CARD, "version", "ok", ""),
    ("an older mohrd", {}, {**CARD, "version": "0.0.1"}, "version", "advice", "mohrd 0.0.1, mohr "),
    ("a pcscd that starts by itself", {"usr/lib/systemd/system/pcscd.socket": "", "etc/systemd/system/sockets.target.wants/pcscd.socket": ""},
     CARD, "pcscd-start", "ok", ""),
    ("one that does not", {"usr/lib/systemd/system/pcscd.socket": ""}, CARD, "pcscd-start", "advice", "enable --now pcscd.socket"),
    ("a session that polkit lets in", {}, CARD, "polkit", "ok", ""),
    ("one that it does not", {}, picture([], pcsc="denied"), "polkit", "problem", "Log in at the computer itself"),
    ("a reader nobody keeps", PROGRAM, CARD, "held", "ok", ""),
    ("one that scdaemon keeps", PROGRAM, picture([reader("busy")]), "held", "advice", "scdaemon (4242)"),
    ("one that is open as a device", BOARD, picture([reader("busy", "held")]), "held", "advice", "nfc-tool (99)"),
    ("one that another user keeps", {"proc/1/comm": "secret\n"}, picture([reader("busy")]), "held", "advice", "only root can see"),
    ("no NFC driver", {"proc/modules": "pn533x 1 0 - Live 0x0\nnfcsim 1 0 - Live 0x0\n"}, CARD, "kernel", "ok", ""),
    ("the kernel's NFC driver", {"proc/modules": "usbcore 1 0 - Live 0x0\npn533_usb 16384 0 - Live 0x0\n"}, CARD, "kernel", "advice",
     "modprobe -r pn533_usb"),
    ("room for documents", {"var/tmp/": ""}, CARD, "disk", "ok", ""),
    ("no room for documents", {"var/tmp": "a file"}, CARD, "disk", "advice", "install -d -m 1777 /var/tmp"),
    ("Mohr built in days to come", {LIBEXEC[1:] + "/mohrd": time.time() + 400000}, CARD, "time", "problem", "far behind"),
    ("no mohr-document", {}, CARD, "documents", "advice", "reinstall mohr"),
    ("mohr-document", {LIBEXEC[1:] + "/mohr-document": "#!"}, CARD, "documents", "ok", ""),
    ("no mohr-page", {}, CARD, "page", "advice", "apt install mohr-receipt"),
    ("no module", {}, CARD, "pkcs11", "advice", "apt install mohr-pkcs11"),
    ("a module that p11-kit does not know", {"usr/lib/pkcs11/mohr-pkcs11.so": ""}, CARD, "pkcs11", "advice", "reinstall mohr-pkcs11"),
    ("a module that it knows", {"usr/lib/pkcs11/mohr-pkcs11.so": "", "usr/share/p11-kit/modules/mohr.module": ""}, CARD, "pkcs11", "ok", ""),
    ("Firefox as a Snap", {"snap/firefox/": ""}, CARD, "browsers", "advice", "Firefox (Snap)"),
    ("Chrome as a Flatpak", {"var/lib/flatpak/app/com.google.Chrome/": ""}, CARD, "browsers", "advice", "Chrome (Flatpak)"),
    ("no shut-in browser", {"snap/other/": ""}, CARD, "browsers", "ok", ""),
    ("a program with a name that steers", {**PROGRAM, "proc/4242/comm": "\x1b[2Jx\u202e\n"}, picture([reader("busy")]), "held", "advice", "x"),
)


def build(root, files):
    for name, content in files.items():
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if name.endswith("/"):
            continue
        if isinstance(content, str) and content.startswith("->"):
            os.symlink(content[2:], path)
            continue
        with open(path, "w", encoding="utf-8") as file:
            file.write(content if isinstance(content, str) else "")
        os.chmod(path, 0o755)
        if not isinstance(content, str):
            os.utime(path, (content, content))


def everything(root):
    return sorted((folder, tuple(sorted(folders)), tuple(sorted(files)), os.stat(folder).st_mtime_ns) for folder, folders, files in os.walk(root))


def run(*words, **environment):
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": "/nonexistent", **environment}
    done = subprocess.run([MOHR, "doctor", *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def examine(*words, **environment):
    code, out, _ = run("--json", *words, **environment)
    return code, {row["check"]: row for row in json.loads(out)}


def cases(place, daemon):
    for number, (what, files, told, name, state, words) in enumerate(CASES):
        root = os.path.join(place, f"root-{number}")
        os.makedirs(root)
        build(root, files)
        daemon.picture = told
        before = everything(root)
        code, found = examine("--root", root, XDG_RUNTIME_DIR=place)
        row = found[name]
        said = " ".join(str(row.get(part, "")) for part in ("text", "next", "data"))
        check(row["state"] == state and words in said, f"{what}: {name} is {state}", row)
        check((state == "ok") == (row["exit"] == 0) and (state != "problem" or code == row["exit"]) and list(found) == NAMES,
              f"{what}: its number, and all checks in their order", (code, list(found)))
        check("command" not in row or row["command"] in row["next"], f"{what}: the command is in the sentence", row)
        check(everything(root) == before, f"{what}: nothing is changed")
        shutil.rmtree(root)


def languages(place, daemon):
    """Each line is words that people read, in both languages; what comes from outside steers no terminal."""
    root = os.path.join(place, "words")
    build(root, {**PROGRAM, "proc/4242/comm": "\x1b[2Jx\u202e\n", "snap/firefox/": ""})
    daemon.picture = picture([reader("busy")])
    _, english, _ = run("--root", root, XDG_RUNTIME_DIR=place)
    _, persian, _ = run("--root", root, XDG_RUNTIME_DIR=place, LANGUAGE="fa")
    lines = [line for line in persian.splitlines() if line[:1] in "+-?"]
    check(len(lines) == len(NAMES) and all(PERSIAN.search(line) for line in lines), "every finding is said in Persian", persian)
    check(not PERSIAN.search(english) and "\x1b" not in english + persian and "\u202e" not in english + persian,
          "and in English, with nothing that steers a terminal", english)


def sessions(place, daemon):
    """Where a session should have its own, and has not."""
    daemon.picture = CARD
    code, found = examine(XDG_RUNTIME_DIR="/nonexistent")
    check(code == 20 and found["session"]["state"] == found["socket"]["state"] == "problem", "no session is a problem", found)
    root = os.path.join(place, "no-daemon")
    for files, state, words in (({"etc/x": ""}, "ok", "no configuration"), ({"etc/mohr/conf.d/a.conf": "[x]"}, "advice", "/mohrd --check")):
        build(root, files)
        row = examine("--root", root, XDG_RUNTIME_DIR="/nonexistent", XDG_CONFIG_HOME="/nonexistent")[1]["config"]
        check(row["state"] == state and words in str(row), f"without a mohrd: its configuration is {state}", row)
        shutil.rmtree(root)
    code, found = examine(XDG_RUNTIME_DIR=place)
    check(found["daemon"]["state"] == found["socket"]["state"] == found["session"]["state"] == "ok", "a session of one's own is none", found)
    os.chmod(place, 0o755)
    code, found = examine(XDG_RUNTIME_DIR=place)
    check(found["session"]["state"] in ("advice", "problem") and "others can look" in found["session"]["text"], "one others look into is told", found)
    os.chmod(place, 0o700)
    os.chmod(daemon.path, 0o666)
    code, found = examine(XDG_RUNTIME_DIR=place)
    check("open to others" in found["socket"]["text"], "as is a socket that is open to others", found["socket"])
    os.chmod(daemon.path, 0o600)
    bus = socket.socket(socket.AF_UNIX)
    bus.bind(os.path.join(place, "bus"))
    states = [examine(XDG_RUNTIME_DIR=place)[1]["bus"]["state"]]
    bus.listen(1)
    states.append(examine(XDG_RUNTIME_DIR=place)[1]["bus"]["state"])
    check(states == ["advice", "ok"], "a bus that nobody serves is none", states)


def self_signed(place, path, start, end):
    def at(name):
        return os.path.join(place, name)
    with open(at("ca.cnf"), "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=c\n[c]\ndatabase={at('index')}\nserial={at('serial')}\nnew_certs_dir={place}\ndefault_md=sha256\n"
                   "policy=p\nx509_extensions=e\n[p]\ncommonName=supplied\n[e]\nbasicConstraints=critical,CA:TRUE\n[req]\n"
                   "distinguished_name=d\n[d]\n")
    open(at("index"), "w", encoding="ascii").close()
    with open(at("serial"), "w", encoding="ascii") as file:
        file.write("01\n")
    for words in (("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", at("key"), "-subj", "/CN=A root",
                   "-out", at("csr")),
                  ("ca", "-batch", "-selfsign", "-notext", "-keyfile", at("key"), "-in", at("csr"), "-out", path, "-startdate", start,
                   "-enddate", end)):
        subprocess.run(["openssl", words[0], "-config", at("ca.cnf"), *words[1:]], check=True, capture_output=True)
    os.chmod(path, 0o644)


def anchors(place, daemon):
    """What is trusted: nothing, something in date, something that has expired, a folder that others can write to."""
    config = os.path.join(place, "config")
    folder = os.path.join(config, "mohr", "anchors")
    os.makedirs(folder, 0o700)
    daemon.picture = CARD
    found = [examine(XDG_RUNTIME_DIR=place, XDG_CONFIG_HOME=config)[1]["anchors"]]
    for name, start, end in (("a.pem", "20200101000000Z", "20900101000000Z"), ("b.pem", "20200101000000Z", "20210101000000Z")):
        self_signed(place, os.path.join(folder, name), start, end)
        found.append(examine(XDG_RUNTIME_DIR=place, XDG_CONFIG_HOME=config)[1]["anchors"])
    os.chmod(folder, 0o777)
    found.append(examine(XDG_RUNTIME_DIR=place, XDG_CONFIG_HOME=config)[1]["anchors"])
    check([row["state"] for row in found] == ["advice", "ok", "advice", "advice"], "anchors: none, good, expired, not to be relied on", found)
    check("b.pem" in found[2]["data"] and "cannot be relied on" in found[3]["text"], "and which one it is", found[2:])


def main():
    place = tempfile.mkdtemp(prefix="mohr-doctor-")
    try:
        daemon = Daemon(place)
        for part in (cases, languages, sessions, anchors):
            part(place, daemon)
    finally:
        shutil.rmtree(place)
    return 1 if failures else 0


sys.exit(main())
