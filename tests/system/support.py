#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""support.py BUILD: mohr support-bundle where everything that must not be in it is planted wherever it looks.

The settings, the log and the history hold a PIN, names, numbers, nonces and audiences, in their places and out of place. What
comes out is read by Python's tarfile and by tar; none of it may be in there, in any spelling that grep finds.
"""
import io
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import tarfile
import tempfile
import threading

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MOHR = os.path.join(BUILD, "mohr")
PARTS = ["doctor.json", "versions.txt", "readers.txt", "settings.txt", "units.txt", "log.txt"]
PLANTED = ["27182818", "2718", "0012345679", "0099900007", "Sara", "sara", "نمونه", "آزمایشی", "secret-nonce-0123456789abcdef", "5f4dcc3b5aa765d6",
           "https://bank.example", "bank.example", "opening an account", "org.example.App", "s3cret-serial", "4711998877"]
CONFIG = """# my PIN is 27182818, Sara
[pin]
pinentry = /home/sara/pinentry-27182818
timeout_s = 60
pad = yes
2718
[soft]
pin = 27182818
[limits]
wrong_pins = 27182818
app_per_hour = 30
[rule sara at https://bank.example]
who = flatpak:org.example.App
audience = https://bank.example
purpose = opening an account
consent = grant
claims = reader, Sara
[Sara]
sara = 0012345679
level = info
[log]
level = debug
driver Sara 27182818
[history]
keep_days = 0012345679
values = yes
"""
LINES = [
    'mohrd[5f4dcc3b5aa765d61d8327deb882cf99]: request ends outcome="refused" audience="https://bank.example" holder="Sara" detail="Sara 0012345679"',
    'mohrd: ready version="0.1.0" status="27182818" driver="pcsc" state="Sara"',
    'mohrd: helper ended status="9" step="verify \\" sara" driver="0012345679"',
    "mohrd: Sara 0012345679 said 27182818", "Sara: 27182818", "mohrd[27182818]: x", 'mohrd: نمونه آزمایشی why="2718"',
    'mohrd: a pair that never ends why="Sara 27182818', 'mohrd: nonce=secret-nonce-0123456789abcdef', "mohrd: pin is 2718",
]
STATES = "Id=mohrd.socket\nActiveState=active\nNRestarts=3\nResult=27182818\nDescription=Sara\nPath=/home/sara\n\nId=mohrd.service\nActiveState=failed\n"
PICTURE = {"version": "9", "backends": [{"driver": "pcsc", "state": "running"}],
           "readers": [{"name": "ACME Reader \x1b[2J(s3cret) 4711998877 00 01", "driver": "pcsc", "state": "card", "simulated": True}]}
failures = 0


def check(good, what, why=""):
    global failures
    print(("ok - " if good else "not ok - ") + what, flush=True)
    if not good:
        failures += 1
        print("    " + repr(why)[:1500], flush=True)


def put(path, text, mode=0o600):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def serve(listener):
    while True:
        peer, _ = listener.accept()
        with peer:
            data = b"x"
            while data and not data.endswith(b"\0"):
                data = peer.recv(65536)
            if data:
                peer.sendall(json.dumps({"parameters": PICTURE}).encode() + b"\0")


def plant(place):
    """A session with everything in its place; its environment."""
    journal = "\n".join(json.dumps({"MESSAGE": line, "__REALTIME_TIMESTAMP": "1700000000000000"}) for line in LINES)
    journal += '\n{"MESSAGE": [1, 2]}\nno json, Sara\n'
    put(f"{place}/sara/.config/mohr/mohr.conf", CONFIG)
    put(f"{place}/sara/.config/mohr/conf.d/sara.conf", CONFIG)
    put(f"{place}/sara/.local/state/mohr/history.db", "\n".join(PLANTED))
    put(f"{place}/out/journal", journal)
    put(f"{place}/out/states", STATES)
    put(f"{place}/bin/journalctl", f"#!/bin/sh\nexec cat {place}/out/journal\n", 0o755)
    put(f"{place}/bin/systemctl", f"#!/bin/sh\nexec cat {place}/out/states\n", 0o755)
    os.makedirs(f"{place}/run/mohr", 0o700)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(f"{place}/run/mohr/mohr.sock")
    listener.listen(8)
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    return {"PATH": f"{place}/bin:/usr/bin:/bin", "HOME": f"{place}/sara", "XDG_RUNTIME_DIR": f"{place}/run", "LC_ALL": "C.UTF-8"}


def run(env, *words):
    done = subprocess.run([MOHR, "support-bundle", *words], env=env, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr


def bundle(place, env):
    path = os.path.join(place, "bundle.tar.gz")
    code, out, err = run(env)
    check(code == 0 and out == "" and all(part in err for part in PARTS) and not os.path.exists(path), "without --out it only tells", (code, out, err))
    code, out, err = run(env, "--out", path)
    check(code == 0 and out == path + "\n" and all(part in err for part in PARTS), "with it a file is written, after the list", (code, out, err))
    state = os.stat(path)
    check(stat.S_IMODE(state.st_mode) == 0o600, "which is its owner's alone", oct(state.st_mode))
    with open(path, "rb") as file:
        packed = file.read()
    code, _, err = run(env, "--out", path)
    with open(path, "rb") as file:
        check(code == 70 and "there already" in err and file.read() == packed, "an old file is not replaced", (code, err))
    code, _, err = run({**env, "LANGUAGE": "fa"}, "--out", os.path.join(place, "nowhere", "x.tar.gz"))
    check(code == 70 and "No such file" in err, "and one that cannot be written is told", (code, err))
    return packed


def contents(place, packed):
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        members = archive.getmembers()
        texts = {os.path.basename(member.name): archive.extractfile(member).read().decode() for member in members}
    check(sorted(texts) == sorted(PARTS) and all(member.name.startswith("mohr-support/") and member.isfile() and
                                                 (member.uid, member.uname, member.mode) == (0, "", 0o600) for member in members),
          "an archive of just these files, of nobody", [(member.name, member.uname) for member in members])
    done = subprocess.run(["tar", "-tzf", os.path.join(place, "bundle.tar.gz")], capture_output=True, text=True, check=False)
    check(done.returncode == 0 and done.stderr == "" and done.stdout.count("\n") == len(PARTS), "as tar sees it, too", done)
    return texts


def nothing_of_it(texts):
    """In no part; a PIN of four digits is looked for where no version or date could be meant."""
    for name, text in texts.items():
        found = [word for word in PLANTED if word in text and not (word == "2718" and name in ("versions.txt", "doctor.json"))]
        check(not found, f"{name}: nothing that was planted", (found, text))


def what_is_told(texts):
    settings, log = texts["settings.txt"], texts["log.txt"]
    check(all(line in settings for line in ("timeout_s = 60\n", "pad = yes\n", "app_per_hour = 30\n", "consent = grant\n", "level = debug\n", "[rule]\n",
                                            "wrong_pins = ...\n", "audience = ...\n", "claims = ...\n", "pinentry = ...\n", "keep_days = ...\n")),
          "settings of ours are told, values of people's not", settings)
    check("2023-11-14T22:13:20Z 5f4dcc request ends outcome=refused\n" in log and "- ready status=... driver=pcsc state=...\n" in log and
          "helper ended status=9 step=... driver=...\n" in log, "the log is told by our own words", log)
    check("lines of another form were left out" in log, "and what has another form is counted", log)
    check("ActiveState=active\n" in texts["units.txt"] and "NRestarts=3\n" in texts["units.txt"], "units by their states", texts["units.txt"])
    check('reader "ACME Reader [2J(s3cret) ########## 00 01" by pcsc: card, -, simulated\n' in texts["readers.txt"],
          "readers without serial numbers and control characters", texts["readers.txt"])
    found = {row["check"] for row in json.loads(texts["doctor.json"])}
    check({"daemon", "reader", "browsers"} <= found, "and what mohr doctor finds", found)
    check(texts["versions.txt"].startswith("mohr "), "versions", texts["versions.txt"])


def without_others(place, env):
    """No journal and no systemd: said, and no reason to give up."""
    code, _, _ = run({**env, "PATH": "/nonexistent"}, "--out", os.path.join(place, "bare.tar.gz"))
    with tarfile.open(os.path.join(place, "bare.tar.gz")) as archive:
        text = archive.extractfile("mohr-support/log.txt").read().decode() + archive.extractfile("mohr-support/units.txt").read().decode()
    check(code == 0 and "could not be read" in text and "could not be asked" in text, "programs that are not there are told", text)


def main():
    place = tempfile.mkdtemp(prefix="mohr-support-")
    try:
        env = plant(place)
        packed = bundle(place, env)
        texts = contents(place, packed)
        nothing_of_it(texts)
        what_is_told(texts)
        without_others(place, env)
    finally:
        shutil.rmtree(place)
    return 1 if failures else 0


sys.exit(main())
