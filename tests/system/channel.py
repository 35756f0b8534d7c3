# SPDX-License-Identifier: Apache-2.0
"""channel.py: mohrd's end of a helper's channel, for tests that talk to a helper or watcher directly."""
import os
import re
import socket
import struct
import subprocess

import lib

with open(os.path.join(lib.TREE, "drivers/ops.h"), encoding="ascii") as header:
    OPS = ["", *re.findall(r"^ +OP_(\w+)\b.*[,/]", header.read().split("enum op {")[1].split("};")[0], re.M)]
OK, NO_READER, NO_CARD, POLICY, REMOVED, TIMED_OUT, BUSY, SERVICE, MALFORMED = 0, 10, 11, 16, 17, 19, 23, 25, 70
LEAVE, RESET, IAS = b"\0", b"\1", b"\0"
SAME, WAS_RESET, IS_NEW = 0, 1, 2
PROGRAMS = {"pcsc": "mohr-reader", "soft": "mohr-reader-soft", "nfc": "mohr-reader-nfc", "usb": "mohr-reader-usb"}


class Helper:
    """One helper or watcher with the test at the other end of its channel."""

    def __init__(self, rig, *words, driver="pcsc", user=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        leak = os.open("/dev/null", os.O_RDONLY)

        def arrange():
            lib.die_with_parent()
            os.dup2(theirs.fileno(), 100)
            os.dup2(100, 3)
            os.dup2(leak, 200)  # what a careless parent forgets

        argv = [os.path.join(rig.build, PROGRAMS[driver]), "--driver", driver, *words]
        self.child = subprocess.Popen(argv, close_fds=False, preexec_fn=arrange, stdin=subprocess.DEVNULL,
                                      env=rig.env, user=user)
        theirs.close()
        os.close(leak)
        self.channel, self.last_id = ours, 0
        ours.settimeout(lib.PATIENCE)
        rig.helpers.append(self)

    def frame(self):
        """(op, payload), or None when the other end is closed."""
        try:
            data = self.channel.recv(32768)
        except ConnectionResetError:
            return None
        if not data:
            return None
        _, op, _, length = struct.unpack(">BBHI", data[:8])
        assert length == len(data) - 8
        return OPS[op & 127], data[8:]

    def ready(self):
        frame = self.frame()
        return frame if frame and frame[0] == "READY" else None

    def report(self):
        """What a watcher says next: (outcome, {reader: (present, busy, events)})."""
        frame = self.frame()
        if not frame or frame[0] != "READERS":
            return None
        data, readers = frame[1], {}
        outcome, count, at = data[0], data[1], 2
        for _ in range(count):
            size = struct.unpack(">H", data[at:at + 2])[0]
            name, at = data[at + 2:at + 2 + size].decode(), at + 2 + size
            at += 2 + struct.unpack(">H", data[at:at + 2])[0]  # the address
            present, busy, events, atr = struct.unpack(">BBIH", data[at:at + 8])
            readers[name], at = (present, busy, events), at + 8 + atr
        return outcome, readers

    def presence(self):
        """What the helper of a direct reader says unasked: (present, events), or None."""
        frame = self.frame()
        return struct.unpack(">BI", frame[1][:5]) if frame and frame[0] == "PRESENCE" else None

    def ask(self, op, payload=None):
        """(outcome, fields), or (None, b"") when the helper has gone."""
        self.last_id += 1
        if payload is None:
            payload = b"\0" if op == "CONFIRM" else b""  # no right for the key that makes assertions
        try:
            self.channel.send(struct.pack(">BBHI", 1, OPS.index(op), self.last_id, len(payload)) + payload)
        except BrokenPipeError:
            return None, b""
        frame = self.frame()
        while frame and frame[0] in ("PRESENCE", "LINK"):
            frame = self.frame()
        return (frame[1][0], frame[1][3:]) if frame else (None, b"")

    def outcomes(self, *steps):
        return [self.ask(*step)[0] for step in steps]

    def begin(self):
        """(outcome, event)"""
        outcome, fields = self.ask("BEGIN")
        return outcome, fields[1] if fields else None

    def confirm(self):
        return self.outcomes(("BEGIN",), ("IDENTIFY",), ("CONFIRM",)) == [OK] * 3

    def verify(self, pin):
        return self.outcomes(("COUNTER", IAS), ("PIN", pin.encode()), ("VERIFY",))

    def status(self, name):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as status:
            return next(line.split(":")[1].strip() for line in status if line.startswith(name + ":"))

    def descriptors(self):
        folder = f"/proc/{self.child.pid}/fd"
        return {int(fd): os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)}

    def end(self):
        """Closes the channel; the exit status, negative for a signal."""
        self.channel.close()
        return self.child.wait(lib.PATIENCE)

    def kill(self):
        self.child.kill()
        self.channel.close()
        return self.child.wait(lib.PATIENCE)
