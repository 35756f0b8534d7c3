# SPDX-License-Identifier: Apache-2.0
"""forged_below.py: whoever starts a helper himself, beside mohrd, and has the card but not its PIN: no key signs, over any driver.

Every operation of drivers/ops.h is tried with a digest where its bytes would be, in order and ahead of it, after each thing that needs
no PIN. An operation that OPERATIONS does not know fails it. The judge is the card, which counts what it signed. Part of forged.py.
"""
import hashlib
import os
import re
import types

import flow
import mock
import nfc
import relayed
import usb
from channel import OK, OPS, PROGRAMS, Helper
from lib import PIN, TREE, Card, Pcscd, wait_for

DIGEST = hashlib.sha256(b"somebody else signs here").digest()
NAKED = b"\0\x20" + DIGEST  # as a national card's key takes it
PADDED = b"\1\0\0\1" + b"\xff" * 202 + b"\0" + bytes.fromhex("3031300d060960864801650304020105000420") + DIGEST  # as a staff card's
READS = {"BEGIN", "IDENTIFY", "READ", "TRANSCRIPT"}  # what the card shows anybody
NATIONAL = [b"\3\0" + NAKED]  # of SIGN: key, method, block
STAFF = [b"\x9c\3" + NAKED, b"\x9a\6" + PADDED]
UNASKED = b"\x9c\6" + PADDED  # with what a program padded itself
AHEAD, OP = 0x40, 0x3F
# What each is told where a signature is wanted of it; None: a helper says it unasked, and takes it from nobody.
OPERATIONS = {
    "READY": None, "READERS": None, "PRESENCE": None, "LINK": None,
    "BEGIN": DIGEST, "IDENTIFY": DIGEST, "READ": b"\0" + DIGEST, "CONFIRM": b"\1", "COUNTER": b"\0", "PROBE": b"", "METHOD": b"\3\0",
    "PIN": DIGEST[:8], "VERIFY": b"", "SIGN": b"\3\0" + NAKED, "CLEAR": DIGEST, "END": b"\1", "RESUME": bytes(4) + NAKED, "PINPAD": b"\x2d",
    "TRANSCRIPT": b"\1", "FOREIGN": NAKED, "NEW_PIN": PIN.encode(), "CHANGE_PIN": PIN.encode(), "UNBLOCK_PIN": PIN.encode(), "ANNOUNCE": NAKED + b"\0\0",
}
BEGUN, CONFIRMED = [("BEGIN",), ("IDENTIFY",)], [("BEGIN",), ("IDENTIFY",), ("CONFIRM",)]
COUNTED = [*CONFIRMED, ("COUNTER", b"\0")]
WRONG = [*COUNTED, ("PIN", b"00000000"), ("VERIFY",)]
WAYS = {
    "at once": [], "after BEGIN": BEGUN[:1], "of a known card": BEGUN, "of a card called confirmed": CONFIRMED,
    "of one that signs whatever it is given": [*BEGUN, ("CONFIRM", b"\1")], "after the counter": COUNTED, "after METHOD": [*COUNTED, ("METHOD", b"\3\0")],
    "with a PIN that was not verified": [*COUNTED, ("PIN", PIN.encode())], "after a wrong PIN": WRONG, "after a wrong PIN, and CLEAR": [*WRONG, ("CLEAR",)],
    "after a signature's transaction": [*COUNTED, ("PIN", PIN.encode()), ("VERIFY",), ("END", b"\0"), ("BEGIN",)],
}


class Soft:
    pin, signing = PIN, NATIONAL

    def __init__(self, rig, **switches):
        self.rig, self.card = types.SimpleNamespace(build=relayed.programs(rig), env=rig.env, helpers=rig.helpers), flow.Soft(rig, **switches)
        self.options = [word for name, value in self.card.options.items() for word in ("--option", f"{name}={value}")]

    def helper(self):
        return Helper(self.rig, "--reader", flow.READER, *self.options, driver="soft")


class Staff(Soft):
    pin, signing = "271828", STAFF

    def __init__(self, rig):
        super().__init__(rig, profile="piv", pin=self.pin)


class OverPcscd:
    pin, signing = PIN, NATIONAL

    def __init__(self, rig):
        self.rig, self.card = rig, Card(rig, Pcscd(rig), monitored=False)

    def helper(self):
        return Helper(self.rig, "--reader", self.card.reader)


class Board:
    pin, signing = PIN, NATIONAL

    def __init__(self, rig):
        rig.boards = {}
        self.card = nfc.Board(rig)
        self.helper = self.card.helper


class Usb:
    pin, signing = PIN, NATIONAL

    def __init__(self, rig):
        self.card = usb.Slot(rig, reader={"rates": "pps"})
        bus = rig.slot.bus
        self.rig = types.SimpleNamespace(build=os.path.join(rig.build, "usb"), env=bus.env(), helpers=rig.helpers)

    def helper(self):
        return Helper(self.rig, "--reader", f"/dev/bus/usb/001/{self.card.mock.address:03}", driver="usb")


class Phone:
    pin, signing = PIN, NATIONAL

    def __init__(self, rig):
        self.card = flow.Soft(rig)
        self.phone = relayed.Phone(rig, "--pin", "computer", card=self.card)

    def helper(self):
        return self.phone.computer()


def lacking(rig, kind):
    return (mock.possible() or mock.Bus(rig).lacking()) if kind is Usb else None


def started(place):
    """A helper that meets the card; a phone lets one in when the last one has gone."""
    helper = wait_for(place.helper)
    if isinstance(place, Phone):
        return helper
    return helper if helper.ready() else None


def answered(helper, op, payload, ahead):
    """(outcome, fields) of one frame; (None, b"") when the helper has gone over it."""
    try:
        helper.channel.send(bytes([1, OPS.index(op) | (AHEAD if ahead else 0), 0, 99]) + len(payload).to_bytes(4, "big") + payload)
        data = helper.channel.recv(32768)
        while data and OPS[data[1] & OP] in ("PRESENCE", "LINK"):
            data = helper.channel.recv(32768)
    except OSError:
        return None, b""
    return (data[8], data[11:]) if data else (None, b"")


def offered(place, steps, op, payload, ahead=False):
    """What comes of it: "" nothing that could be a signature."""
    helper = started(place)
    if not helper:
        return "no helper"
    for step in steps:
        if helper.ask(*step)[0] is None:
            break
    outcome, fields = answered(helper, op, payload, ahead)
    helper.end()
    return fields.hex() if outcome == OK and len(fields) > len(DIGEST) and op not in READS else ""


def tried(rig, place):
    """[(what, what came of it)] of all ways to a signature, and of all operations besides."""
    everything = isinstance(place, (Soft, Phone))  # the others have the same table of states behind another way to the card
    for number, (when, steps) in enumerate(WAYS.items()):
        for ahead in (False, True) if everything else (bool(number % 2),):
            yield f"SIGN {when}{', ahead' if ahead else ''}", offered(place, steps, "SIGN", place.signing[number % len(place.signing)], ahead)
    for op, payload in rig.few(OPERATIONS.items() if everything else [], 4):
        yield f"{op} after the counter", offered(place, COUNTED, op, payload or DIGEST)


def below(kind):
    def part(rig):
        rig.helpers = []
        if why := lacking(rig, kind):
            rig.skip(f"a helper of one's own: {kind.__name__}", why)
            return
        place = kind(rig)
        if kind is not Phone:  # which wants a request besides: relay.py
            steps = [*COUNTED, ("PIN", place.pin.encode()), ("VERIFY",)]
            held = [bool(offered(place, steps, "SIGN", words)) for words in (*place.signing, UNASKED)]
            rig.check(held == [True] * len(place.signing) + [False], f"a helper of one's own: {kind.__name__}: who has the PIN has the key", held)
        before = place.card.stats().get("signatures", 0)
        made = [found for found in tried(rig, place) if found[1]]
        rig.check(not made, f"a helper of one's own: {kind.__name__}: nothing signs without the PIN", made)
        signed, heard = place.card.stats()["signatures"] - before, len(place.card.commands())
        rig.check(signed == 0 and heard > len(WAYS), f"a helper of one's own: {kind.__name__}: the card, which heard of it, signed nothing", (signed, heard))
    return part


def tables(rig):
    unknown = (set(OPS) - {"", "COUNT"}) ^ set(OPERATIONS)
    rig.check(not unknown, "every operation of drivers/ops.h is tried here", unknown)
    with open(os.path.join(TREE, "daemon/programs.c"), encoding="utf-8") as source:
        programs = set(re.findall(r'"(mohr-reader[\w-]*)"', source.read()))
    rig.check(programs == {PROGRAMS[driver] for driver in DRIVERS}, "so is every helper program", programs)


DRIVERS = {"soft": Soft, "pcsc": OverPcscd, "nfc": Board, "usb": Usb, "phone": Phone}
PARTS = [*map(below, DRIVERS.values()), below(Staff)]
