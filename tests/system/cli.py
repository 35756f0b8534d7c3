#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cli.py BUILD: mohr as scripts and people meet it, against a scripted daemon.

What stands on stdout and what on stderr, the exit code of each answer in both languages, JSON, colour
only on a terminal, nothing from outside that a terminal would obey.
"""
import json
import os
import pty
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MOHR = os.path.join(BUILD, "mohr")
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ASK = ["assert", "--audience", "https://bank.example", "--nonce", "0123456789abcdef"]
PERSIAN = re.compile("[\u0600-\u06ff]")
status = 0


def check(good, what, why=""):
    global status
    if not good and why:
        print("    " + str(why).replace("\n", "\n    "))
    print(("ok - " if good else "not ok - ") + what, flush=True)
    status |= not good


class Daemon:
    """Accepts one connection after another; each call is kept and answered with the given frames."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "mohr.sock")
        self.calls, self.frames = [], []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(4)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            with peer:
                data = b""
                while not data.endswith(b"\0"):
                    part = peer.recv(65536)
                    if not part:
                        break
                    data += part
                if data:
                    self.calls.append(json.loads(data[:-1]))
                try:
                    for frame in self.frames:
                        peer.sendall(json.dumps(frame).encode() + b"\0")
                except OSError:
                    pass


def run(*words, env=None, text=None):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TERM": "xterm", **(env or {})}
    done = subprocess.run([MOHR, *words], env=environment, capture_output=True, text=True, input=text or "",
                          timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def outcomes():
    source = open(os.path.join(TREE, "base/outcome.h"), encoding="utf-8").read()
    return [(int(n), name) for n, name in re.findall(r"X\((\d+), \w+, (\w+)\)", source)]


def answers(daemon, env):
    daemon.frames = [{"parameters": {"request": "r1", "phase": "pin"}, "continues": True},
                     {"parameters": {"request": "r1", "assertion": "a.b.c"}}]
    code, out, err = run(*ASK, env=env)
    check((code, out, err) == (0, "a.b.c\n", ""), "the assertion stands alone on stdout", (code, out, err))
    code, out, err = run(*ASK, "--json", env=env)
    check(code == 0 and json.loads(out)["assertion"] == "a.b.c", "with --json in an object", (code, out, err))
    sent = daemon.calls[-1]
    check(sent["method"] == "mohr.Identity.Assert" and sent["more"] is True and
          sent["parameters"]["ui"]["language"] == "en" and "tty" not in sent["parameters"]["ui"],
          "no terminal is named where there is none", sent)
    run(*ASK, "--purpose", "خرید", "--timeout", "9", "--operator", "op", "--photo-checked", "yes", "--reader", "R",
        "--expect-national-number", "0012345679", env={**env, "DISPLAY": ":7", "LANGUAGE": "fa"})
    sent = daemon.calls[-1]["parameters"]
    check(sent["purpose"] == "خرید" and sent["timeout_ms"] == 9000 and sent["reader"] == "R" and
          sent["station"] == {"operator": "op", "photo_checked": True} and
          sent["expect_national_number"] == "0012345679" and sent["ui"] == {"display": ":7", "language": "fa"},
          "every option arrives", sent)


def errors(daemon, env):
    silent = []
    for number, name in outcomes():
        daemon.frames = [{"error": "mohr.Identity." + name, "parameters": {"request": "r7", "tries_left": 2}}]
        code, out, err = run(*ASK, env=env)
        if code != number or out or f"[{number}]" not in err or "r7" not in err:
            silent.append((name, code, out, err))
        code, out, err = run(*ASK, env={**env, "LANGUAGE": "fa"})
        lines = [line for line in err.splitlines() if line.strip()]
        if code != number or out or f"[{number}]" not in err or not all(PERSIAN.search(line) for line in lines[:2]):
            silent.append((name, "fa", code, out, err))
        code, out, err = run(*ASK, "--json", env=env)
        told = json.loads(out)
        if code != number or (told["outcome"], told["exit"], told["request"]) != (name, number, "r7") or not told["message"]:
            silent.append((name, "json", code, out))
    check(not silent, "each error has its code and its words, in English, Persian and JSON", silent[:2])
    daemon.frames = [{"error": "mohr.Identity.WrongPin", "parameters": {"tries_left": 1}}]
    _, _, err = run(*ASK, env=env)
    check("1 try is left" in err and "One more wrong PIN blocks it" in err, "the tries left are told", err)
    _, _, err = run(*ASK, env={**env, "LANG": "fa_IR.UTF-8", "LC_ALL": ""})
    check("۱ بار دیگر" in err, "in Persian digits in Persian, without a Persian locale", err)
    daemon.frames = []
    check(run(*ASK, env=env)[0] == 20, "a daemon that hangs up is 20")
    daemon.frames = [{"parameters": {"assertion": "no JWS"}}]
    check(run(*ASK, env=env)[0] == 70, "an answer that is none is 70")
    daemon.frames = [{"error": "org.varlink.service.InvalidParameter", "parameters": {"parameter": "ui.tty"}}]
    check(run(*ASK, env=env)[0] == 2, "a parameter the daemon refuses is 2")


def which_reader(daemon, env):
    """One outcome, several things to do: mohrd's detail tells them apart."""
    rows = (
        ("NoReader", "no reader has this name: mohr status shows the names", 10, "no card reader of this name", "mohr status", "Connect"),
        ("NoReader", None, 10, "No card reader was found", "Connect the card reader", "of this name"),
        ("Busy", "cards on several readers: name the reader", 23, "cards on several readers", "--reader", "Wait a moment"),
        ("Busy", "more than one card lies on this reader: leave only one there", 23, "More than one card", "Leave only one", "Wait a moment"),
        ("Busy", "another program holds this reader", 23, "in use by another", "Wait a moment", "--reader"))
    for name, detail, exit_code, text, advice, never in rows:
        daemon.frames = [{"error": f"mohr.Identity.{name}", "parameters": {"request": "r9", **({"detail": detail} if detail else {})}}]
        code, _, err = run(*ASK, "--reader", "A", env=env)
        told = bool(detail and f"({detail})" in err)
        check(code == exit_code and text in err and advice in err and never not in err and "r9" in err and told == (detail == rows[-1][1]),
              f"{name} because of {detail or 'nothing more'} is told with what to do about it", err)


def usage(env):
    rows = [[], ["nonsense"], ["assert"], ["assert", "--audience", "a:b"], ["assert", "--audience", "bank", "--nonce", "12345678"],
            [*ASK, "--timeout", "0"], [*ASK, "--timeout", "601"], [*ASK, "--timeout", "x"], [*ASK, "more"], [*ASK, "--what"],
            [*ASK, "--photo-checked", "maybe"], [*ASK, "--purpose", "a\x1bb"], [*ASK, "--expect-national-number", "12"],
            ["status", "x"], ["status", "--what"], ["verify"], ["verify", "--trust"], ["verify", "--trust", "x", "a", "b"],
            ["verify", "--trust", "x", "--at", "yesterday"], ["verify", "--trust", "x", "--at", "999999999999"], ["verify", "--trust", "x", "--at", "2026-02-31"], ["verify", "--trust", "x", "--expired-cert", "maybe"],
            ["verify", "--trust", "x", "/nonexistent/assertion"], ["version", "x"], ["help", "nonsense"], ["doctor", "x"]]
    wrong = [words for words in rows if run(*words, env=env)[0] != 2 or run(*words, env=env)[1]]
    check(not wrong, "wrong usage is 2 and says nothing on stdout", wrong)
    told = [run(*words)[2] for words in (["frob"], ["help", "frob"])]
    check(all("no such command: frob [2]" in err for err in told), "a command that is not known is named", told)
    _, _, err = run("\x1b[31m\u202efrob", env={"LANGUAGE": "fa"})
    check("\x1b" not in err and "\u202e" not in err and "frob\u2069" in err, "and cannot steer a terminal", err)
    right = [["help"], ["--help"], ["help", "assert"], ["assert", "--help"], ["version"], ["--version"]]
    check(all(run(*words)[0] == 0 and run(*words)[1] for words in right), "help and version are 0")


def unreachable(folder):
    listener = os.path.join(folder, "gone.sock")
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(listener)
    rows = [({"MOHR_SOCKET": "relative"}, "(relative: No such file", "unset"),
            ({"MOHR_SOCKET": listener}, f"({listener}: Connection refused", "MOHR_SOCKET"),
            ({"MOHR_SOCKET": "/" + 200 * "x"}, "File name too long", "MOHR_SOCKET"),
            ({}, "(XDG_RUNTIME_DIR is not set)", "Log in"),
            ({"XDG_RUNTIME_DIR": "run"}, "(XDG_RUNTIME_DIR is no absolute path: run)", "Log in"),
            ({"XDG_RUNTIME_DIR": folder}, f"({folder}/mohr/mohr.sock: No such file", "Start mohrd")]
    silent = []
    for env, why, advice in rows:
        code, out, err = run("status", env=env)
        lines = err.splitlines()
        if code != 20 or out or len(lines) != 3 or advice not in lines[1] or why not in lines[2]:
            silent.append((env, err))
    check(not silent, "no daemon is 20, and it is told where it was looked for, why not, and what is true advice", silent)


def other_user(folder):
    if os.geteuid() != 0:
        print("skip - the daemon of another user: needs root")
        return
    place = os.path.join(folder, "foreign")
    os.makedirs(place + "/mohr")
    with socket.socket(socket.AF_UNIX) as foreign:
        foreign.bind(place + "/mohr/mohr.sock")
        os.seteuid(65534)  # the listener is whoever calls listen()
        foreign.listen(4)
        os.seteuid(0)
        os.chown(place, 65534, 65534)
        code, _, err = run("status", env={"XDG_RUNTIME_DIR": place})
    check(code == 20 and "mohr.sock: the listener belongs to another user" in err and "without su or sudo" in err,
          "the daemon of another user is 20, and nobody is told to start one", err)


def doctor_without_pcscd(daemon, env):
    """Readers of other drivers: nobody is sent for pcscd, and a reader that cannot be used is no good finding."""
    rows = [([], None, 10, "reader", "Connect the card reader"), ([("card", None)], None, 0, "reader", ""),
            ([("busy", "held")], None, 23, "reader", "through pcscd"), ([("unusable", "no-access")], None, 25, "reader", "udev rules"),
            ([("unusable", "no-answer")], None, 10, "reader", "does not answer"), ([("unusable", "failed")], None, 70, "reader", "log of mohrd"),
            ([("unusable", "no-answer"), ("empty", None)], None, 11, "card", "Put the card"),
            ([("unusable", "settings")], None, 25, "reader", "[soft] in mohr.conf"),
            ([], "denied", 25, "pcscd", "adduser"), ([], "unavailable", 25, "pcscd", "apt install pcscd"),
            ([("unusable", "no-access")], "unavailable", 25, "pcscd", "apt install pcscd"),
            ([("card", None)], "unavailable", 0, "pcscd", "apt install pcscd"), ([("empty", None)], "denied", 11, "card", "Put the card")]
    for readers, pcsc, want, which, advice in rows:
        daemon.frames = [{"parameters": {
            "version": "1", "backends": [{"driver": "usb", "state": "running"}] + [{"driver": "pcsc", "state": pcsc}] * bool(pcsc),
            "readers": [{"name": "R", "driver": "usb", "state": state, "simulated": False, **({"why": why} if why else {})}
                        for state, why in readers]}}]
        code, out, _ = run("doctor", "--json", env={**env, "PCSCLITE_CSOCK_NAME": "/nonexistent"})
        found = {finding["check"]: finding for finding in json.loads(out)}
        check(code == want and advice in found[which].get("next", "") and (pcsc or found["pcscd"]["state"] == "ok"),
              f"doctor of readers {readers}, pcsc {pcsc}: {want}, and what to do", out)


def readers(daemon, env):
    row = {"name": "Reader \x1b[31m\u202e1", "driver": "soft", "state": "card", "simulated": True}
    daemon.frames = [{"parameters": {"version": "1", "readers": [row], "backends": [{"driver": "pcsc", "state": "unavailable"}]}}]
    code, out, err = run("status", env=env)
    check(code == 0 and "\x1b" not in out and "\u202e" not in out and "simulated" in out and "pcsc" in out,
          "what a reader is called cannot steer a terminal", (out, err))
    code, out, _ = run("status", "--json", env=env)
    check(code == 0 and json.loads(out)["readers"] == [row], "status --json is the daemon's picture")
    _, out, _ = run("status", env={**env, "LANGUAGE": "fa"})
    check(PERSIAN.search(out) and "\u2068Reader" in out, "Latin names are isolated in Persian", out)
    code, out, _ = run("watch", "--json", env=env)
    check(code == 0 and json.loads(out)["readers"] == [row] and out.count("\n") == 1,
          "watch ends when the daemon says no more, and a picture is one line", out)
    _, out, _ = run("watch", env=env)
    check(re.match(r"\d{4}/\d\d/\d\d \d\d:\d\d \(\S+Z\)\nReader", out) and out.endswith("\n\n"),
          "watch says when, and where a picture ends", out)
    whole = daemon.frames
    for state, why, english in (("busy", "held", "through pcscd"), ("unusable", "no-access", "udev rules"),
                                ("unusable", "no-answer", "does not answer"), ("unusable", "failed", "log of mohrd"),
                                ("unusable", "sandbox", "shut itself in"), ("unusable", "settings", "[soft] in mohr.conf"), ("card", None, "card is there")):
        row_why = {"name": "R", "driver": "usb", "state": state, "simulated": False, **({"why": why} if why else {})}
        daemon.frames = [{"parameters": {"version": "1", "readers": [row_why], "backends": []}}]
        _, out, _ = run("status", env=env)
        _, fa, _ = run("status", env={**env, "LANGUAGE": "fa"})
        check(out.startswith("R (usb): ") and english in out and out.count("\n") == (2 if why else 1) and english not in fa,
              f"status says of a reader that is {why or state} what to do, in two languages", (out, fa))
    daemon.frames = [{"parameters": {"version": "1", "readers": [], "backends": [{"driver": "pcsc", "state": "unavailable"}]}}]
    _, out, _ = run("status", env=env)
    check(out.startswith("pcsc: not available") and "no card reader" not in out.lower(),
          "status without pcscd says what is missing, not that there is no reader", out)
    doctor_without_pcscd(daemon, env)
    daemon.frames = whole
    code, out, _ = run("doctor", "--json", env={**env, "PCSCLITE_CSOCK_NAME": daemon.path})
    found = {finding["check"]: finding for finding in json.loads(out)}
    check(code == 0 and found["daemon"]["exit"] == found["pcscd"]["exit"] == found["card"]["exit"] == 0 and
          "42:21:4C:87" in found["root"]["data"], "doctor finds what is there, and names the root's fingerprint", out)
    code, out, _ = run("doctor", env={**env, "PCSCLITE_CSOCK_NAME": "/nonexistent"})
    check(code == 0 and "? pcscd: " in out and "apt install pcscd" in out,
          "doctor says how to get a missing pcscd, which is advice beside a reader that works", (code, out))
    good = {**env, "PCSCLITE_CSOCK_NAME": daemon.path}
    tools = os.path.join(os.path.dirname(daemon.path), "tools")
    os.mkdir(tools)
    code, out, _ = run("doctor", env={**good, "PATH": tools})
    check(code == 0 and "? pinentry: " in out and "apt install pinentry-curses" in out, "doctor says how to get a missing pinentry", out)
    os.symlink("/bin/true", os.path.join(tools, "pinentry"))
    states = []
    for path in (tools, "/nonexistent:" + tools, os.path.relpath(tools), ""):
        _, out, _ = run("doctor", "--json", env={**good, "PATH": path})
        states += [finding["state"] for finding in json.loads(out) if finding["check"] == "pinentry"]
    check(states == ["ok", "ok", "advice", "advice"], "pinentry is looked for in the absolute folders of PATH", states)
    code, out, _ = run("doctor", "--json", env={"XDG_RUNTIME_DIR": "/nonexistent", "PCSCLITE_CSOCK_NAME": daemon.path})
    found = json.loads(out)[0]
    check(code == 20 and "systemctl" in found["next"] and "/nonexistent/mohr/mohr.sock: " in found["data"],
          "doctor says where the daemon was looked for and how to start it, and is 20", found)


def verify(folder):
    made = subprocess.run([os.path.join(BUILD, "tests/sample_assertion"), folder], check=False).returncode
    root, good = os.path.join(folder, "root.pem"), os.path.join(folder, "good")
    strict = ["verify", "--trust", root, "--audience", "https://bank.example", "--nonce", "0123456789abcdef"]
    code, out, err = run(*strict, good)
    check(made == 0 and code == 0 and "0099900007" in out and "SIMULATED" in err and "Not checked" in out,
          "verify prints the holder and warns of a simulated card", (code, out, err))
    text = open(good, encoding="ascii").read()
    code, out, _ = run(*strict, "--json", "-", text="\n " + text)
    claims = json.loads(out)
    check(code == 0 and claims["card_number"] == "0099900007" and claims["verification"]["not_checked"] == ["revocation", "replay"],
          "standard input with white space around it", out)
    code, out, _ = run("verify", "--trust", root, "--json", good)
    check(code == 0 and set(json.loads(out)["verification"]["not_checked"]) == {"revocation", "audience", "nonce", "replay"},
          "what was not asked for is told as not checked")
    code, out, err = run(*strict, os.path.join(folder, "forged"))
    check(code == 21 and not out and "name-mismatch: given_name" in err, "another's name is refused and not printed", (out, err))
    code, out, err = run(*strict, "--json", os.path.join(folder, "forged"))
    check(code == 21 and json.loads(out)["verification"]["reason"] == "name-mismatch" and "Somebody" not in out, "in JSON, too", out)
    code, out, err = run(*strict, os.path.join(folder, "expired"))
    check(code == 22 and not out and "expired" in err, "an expired certificate tells nothing and is 22", (code, out, err))
    code, out, err = run(*strict, "--expired-cert", "report", "--json", os.path.join(folder, "expired"))
    check(code == 22 and json.loads(out)["certificate"]["expired"] is True and "expired" in err, "with report it tells, and is 22")
    code, out, err = run(*strict, "--expired-cert", "accept", "--json", os.path.join(folder, "expired"))
    check(code == 0 and json.loads(out)["verification"]["accepted"] == ["certificate-expiry"] and "accepted" in err,
          "with accept it holds, and that is said", (code, out, err))
    verify_late_clock(strict, folder)
    code, _, _ = run(*strict, "--at", "2001-01-01", good)
    check(code == 21, "at another time it does not hold")
    for trust, what in (("/nonexistent", "a missing root"), (folder + "/empty", "an empty folder")):
        os.makedirs(folder + "/empty", exist_ok=True)
        code, out, err = run("verify", "--trust", trust, good)
        check(code == 21 and not out and "42:21:4C:87" in err, f"{what} is 21 and names the fingerprint to expect", (code, err))
        check("nothing was checked" in err and "new one" not in err, f"{what} is not blamed on the assertion", err)
    other = os.path.join(folder, "other.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "9",
                    "-subj", "/CN=Other", "-keyout", other + ".key", "-out", other], capture_output=True, check=True)
    hints = [run("verify", "--trust", other, *more, good) for more in ((), ("--staff-anchors", other))]
    check([hint[0] for hint in hints] == [21, 21] and ["give --staff-anchors" in hint[2] for hint in hints] == [True, False],
          "an untrusted certificate may be that of a staff card: how to check that is told", hints)
    code, out, err = run(*strict, good, env={"LANGUAGE": "fa"})
    check(code == 0 and "نام خانوادگی" in out and "۱۴" in out, "in Persian with a Jalali date", (out, err))
    code, _, _ = run(*strict, "-", text="A" * 300000)
    check(code == 21, "300 kB are too large")


def verify_late_clock(strict, folder):
    late, issuers, now = os.path.join(folder, "clock"), ("--issuers", os.path.join(folder, "ca.pem")), str(int(time.time()))
    code, _, err = run(*strict, late)
    check(code == 21 and "untrusted" in err, "an assertion without its CA has no root", (code, err))
    code, _, err = run(*strict, *issuers, late)
    check(code == 21 and "expired" in err, "with --issuers it has; its clock is a year late", (code, err))
    code, out, err = run(*strict, *issuers, "--asked-at", now, "--json", late)
    check(code == 0 and json.loads(out)["verification"]["times_by"] == "verifier-clock", "who knows when it asked is not misled", err)
    code, _, err = run(*strict, *issuers, "--asked-at", "2020-01-01", late)
    check(code == 21 and "(clock" in err, "and does not wait for ever", (code, err))
    code, _, err = run("verify", "--trust", os.path.join(folder, "ca.pem"), "--issuers", os.path.join(folder, "root.pem"), late)
    check("1 left out" in err and code == 21, "an issuer that leads to no root is left out, aloud", (code, err))


def colour(env):
    def on_terminal(extra):
        leader, follower = pty.openpty()
        subprocess.run([MOHR, "status"], env={"MOHR_SOCKET": "/nonexistent", "TERM": "xterm", "LC_ALL": "C.UTF-8", **extra},
                       stdin=follower, stdout=follower, stderr=follower, timeout=60, check=False)
        os.close(follower)
        text = os.read(leader, 65536).decode()
        os.close(leader)
        return text
    check("\x1b[31m" in on_terminal({}), "errors are red on a terminal")
    check("\x1b" not in on_terminal({"NO_COLOR": "1"}), "not with NO_COLOR")
    check("\x1b" not in on_terminal({"TERM": "dumb"}), "not on a dumb terminal")
    check("\x1b" not in run("status", env=env)[2], "not in a pipe")
    full = open("/dev/full", "w")
    done = subprocess.run([MOHR, "version"], stdout=full, stderr=subprocess.DEVNULL, env={"LC_ALL": "C.UTF-8"}, check=False)
    check(done.returncode == 70, "a full disk is not success")


def main():
    with tempfile.TemporaryDirectory(prefix="mohr-cli-") as folder:
        daemon = Daemon(folder)
        env = {"MOHR_SOCKET": daemon.path}
        answers(daemon, env)
        errors(daemon, env)
        which_reader(daemon, env)
        usage(env)
        unreachable(folder)
        other_user(folder)
        readers(daemon, env)
        verify(folder)
        colour({"MOHR_SOCKET": "/nonexistent"})
    return status


sys.exit(main())
