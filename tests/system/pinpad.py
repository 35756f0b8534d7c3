#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A reader with keys of its own behind the real pcscd (tests/ifd/pinpad.c), and everything people and
readers do there.

The reader's own record tells what it was asked and how often a command went to the card; the card tells how
many PIN commands it saw. Neither number is ever above one for a request.
"""
import base64
import json
import os
import signal
import time

from lib import AUDIENCE, NONCE, PIN, Card, Connection, Daemon, Pcscd, Process, free_ports, main, wait_for

OK, UNSUPPORTED, WRONG, BLOCKED, REFUSED, REMOVED, TIMED_OUT, BUSY, LAST = 0, 12, 13, 14, 15, 17, 19, 23, 24


class PadPcscd(Pcscd):
    """Debian's pcscd with one reader that has keys; its folder is where the person is scripted."""

    def __init__(self, rig):
        self.rig, self.readers, self.base = rig, 1, free_ports(1)
        self.conf = os.path.join(rig.dir, "reader.conf.d")
        self.folder = os.path.join(rig.dir, "pad")
        os.makedirs(self.conf)
        os.makedirs(self.folder)
        self.write("port", str(self.base))
        with open(os.path.join(self.conf, "pad"), "w", encoding="ascii") as conf:
            conf.write(f'FRIENDLYNAME "Pad"\nDEVICENAME {self.folder}\n'
                       f"LIBPATH {os.path.join(rig.build, 'tests/ifd_pinpad.so')}\n")
        self.start()

    def listening(self):
        with open("/proc/net/tcp", encoding="ascii") as rows:
            return any(int(row.split()[1].rsplit(":", 1)[1], 16) == self.base for row in rows.readlines()[1:])

    def name(self, slot=0):
        return "Pad 00 00"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(path + ".new", path)

    def person(self, does, after_ms=0):
        self.write("person", f"{after_ms} {does}")

    def record(self):
        """[(what, hex), ...] since the last forget()."""
        try:
            with open(os.path.join(self.folder, "log"), encoding="ascii") as log:
                return [tuple((line.rstrip("\n") + " ").split(" ", 1)) for line in log]
        except OSError:
            return []

    def count(self, what):
        return sum(entry[0] == what for entry in self.record())

    def forget(self):
        for name in ("log", "features", "properties", "person"):
            self.write(name, None)


class Scene:
    """One card behind the keys, one daemon; ends itself."""

    def __init__(self, rig, pad, profile="mav2-t0", daemon=None, **switches):
        pad.forget()
        self.rig, self.pad = rig, pad
        self.card = Card(rig, pad, profile, **switches)
        self.daemon = Daemon(rig, **(daemon or {}))
        self.daemon.script(getpin=["hang"])  # whoever asks for digits on this computer waits for ever
        self.daemon.wait_state(self.card.reader, "card")

    def __enter__(self):
        return self

    def __exit__(self, *broken):
        self.daemon.stop()
        self.card.remove()

    def answers(self, expected, what, sent=1, pin_commands=None):
        """One request, and what reader and card say of it."""
        before, seen = self.pad.count("sent"), self.card.stats().get("verify_commands", 0)
        code, reply = self.daemon.request()
        detail = reply if isinstance(reply, str) else reply.get("detail")
        self.rig.check(code == expected, f"{what}: {expected}", f"{code} {reply}")
        self.rig.check(self.pad.count("sent") - before == sent, f"{what}: the reader sent {sent} command(s)",
                       self.pad.record())
        seen_now = self.card.stats().get("verify_commands", 0) - seen
        self.rig.check(seen_now == (sent if pin_commands is None else pin_commands),
                       f"{what}: so many PIN commands reached the card", self.card.stats())
        return code, reply, detail or ""

    def begin(self):
        parameters = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}
        return Connection(self.daemon.socket).send("mohr.Identity.Assert", parameters, more=True)

    def typing(self):
        """Waits until the reader waits for the person."""
        return wait_for(lambda: self.pad.count("verify"), 6)


def claims(assertion):
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def good_ways(rig, pad):
    for profile in ("mav2-t0", "mav2-cl", "mav4"):
        with Scene(rig, pad, profile) as scene:
            pad.person(f"type {PIN}")
            code, reply, _ = scene.answers(OK, f"{profile}: the PIN typed on the reader's keys")
            if code != OK:
                print(scene.daemon.process.said()[-3000:])
                continue
            rig.check(rig.verify(reply)[0] == OK, f"{profile}: the assertion holds")
            rig.check(claims(reply)["station"]["pin_entry"] == "pinpad", f"{profile}: and says where it was typed")
            rig.check(not [line for line in scene.daemon.prompts() if line.startswith("GETPIN")],
                      f"{profile}: nobody was asked for digits on this computer")
            rig.check(scene.card.locked(), f"{profile}: the card is locked again", scene.card.stats())
            order = dict(pad.record())["verify"].strip()
            rig.check(order == "2d148208000804020109040000000015000000" "00200081100000000000000000000000000000" "0000",
                      f"{profile}: the reader was told what part 10 says", order)


SCENES = [good_ways]


def body(rig):
    pad = PadPcscd(rig)
    for scene in rig.mine(SCENES):
        scene(rig, pad)


main(body)
