#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where are the PIN's digits? Root looks into every writable mapping of daemon and helper.

Over each way to a card, and with each family of cards: two looks, while the card is busy with the signature
command (it was told to be slow), and after the answer. No four consecutive digits of the PIN may be found in
daemon, helper or watcher at either. That the look can see is shown each time: a text known to be in the
daemon is found there, digits in locked pages left out of core dumps are found in this process, and the PIN is
found in the helper while the card is busy with VERIFY. Digits also occur by chance: a find counts when there is one
with three PINs, of which the later ones have nothing of what was found before.
"""
import ctypes
import mmap
import os
import time

import mock
import nfc
import usb
from digits import a_pin, family, find, look, may_look
from lib import Card, Connection, Daemon, Pcscd, main, wait_for

MADV_DONTDUMP = 16
CANARY = "https://canary.example/64927183"


def sees_locked_pages(rig):
    area = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    address = ctypes.addressof(ctypes.c_char.from_buffer(area))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise(ctypes.c_void_p(address), 4096, MADV_DONTDUMP)
    libc.mlock(ctypes.c_void_p(address), 4096)
    digits = "".join(chr(0x30 + (byte % 10)) for byte in os.urandom(8))
    for at, digit in enumerate(digits):
        area[at] = ord(digit)
    rig.check(find(os.getpid(), [digits[:4].encode()]), "the look sees locked pages that dumps leave out")


# ---- the ways to a card: each a function that makes card and daemon ---------------------------------

def over_pcsc(rig, **switches):
    rig.pcscd = getattr(rig, "pcscd", None) or Pcscd(rig)
    return Card(rig, rig.pcscd, **switches), Daemon


def over_nfc(rig, **switches):
    rig.boards = {}
    return nfc.Board(rig, **switches), nfc.daemon_of


def over_usb(rig, **switches):
    return usb.Slot(rig, reader={"rates": "pps"}, **switches), usb.daemon_of


def staff(rig, **switches):
    card, _ = over_pcsc(rig, profile="piv", **switches)
    return card, lambda rig: Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})


# way, how it is made, the PIN's length
WAYS = [("pcsc", over_pcsc, 8), ("nfc", over_nfc, 8), ("usb", over_usb, 8), ("a staff card", staff, 6)]


class Scene:
    def __init__(self, rig, way, pin, **switches):
        self.rig, self.pin = rig, pin
        self.card, daemon = way(rig, pin=pin, **switches)
        self.daemon = daemon(rig)
        self.daemon.script(getpin=[pin])
        self.daemon.wait_state(self.card.reader, "card")
        self.running = Connection(self.daemon.socket).send(
            "mohr.Identity.Assert", {"audience": CANARY, "nonce": "0123456789abcdef", "ui": {"display": ":mohr-test"}})

    def end(self):
        self.daemon.stop()
        self.card.remove()


def during_signature(rig, name, way, pin):
    """Finds while the card signs, and after the answer."""
    scene = Scene(rig, way, pin, sign_ms=2500)
    rig.check(wait_for(lambda: scene.card.stats().get("pin_verified"), 10, 0.005), f"{name}: the PIN was accepted")
    time.sleep(0.4)
    signing = look(scene.daemon, pin)
    names = set(family(scene.daemon).values())
    canary = find(scene.daemon.process.pid, [CANARY.encode()])
    still_signing = scene.card.stats().get("signatures") == 0
    error, reply, _ = scene.running.receive()
    after = look(scene.daemon, pin)
    scene.end()
    rig.check(still_signing, f"{name}: the look was before the signature was made")
    rig.check(canary, f"{name}: a text known to be in the daemon is found there")
    rig.check(not error and reply.get("assertion"), f"{name}: the request was served", error)
    rig.check(not {each for each in names if "prompt" in each or "pinentry" in each},
              f"{name}: whoever asked for the PIN is gone before the card signs", names)
    return signing, after


def during_verify(rig, name, way, pin):
    """The helper must hold the digits while the card has them, or the look is blind."""
    scene = Scene(rig, way, pin, fault="mute:2500@verify:before")
    found = wait_for(lambda: any(finds for each, finds in look(scene.daemon, pin).items() if "reader" in each), 6, 0.05)
    rig.check(found, f"{name}: the look finds the PIN in the helper while the card has it")
    error, _, _ = scene.running.receive()
    time.sleep(0.2)
    after = look(scene.daemon, pin)
    scene.end()
    return error, after


def clean(finds):
    """Each of the two looks found nothing, in one of the runs at least: what is left behind is left each time."""
    return all(any(not any(looks[at].values()) for looks in finds) for at in (0, 1))


def one_way(rig, name, way, length):
    finds, seen = [], set()
    while len(finds) < 3 and not (finds and clean(finds)):
        finds.append(during_signature(rig, name, way, a_pin(length, seen)))
        seen |= {needle for looks in finds[-1] for found in looks.values() for needle, _ in found}
    rig.note(f"{name}: finds in {len(finds)} runs, by chance or not: {finds}")
    for at, when in enumerate(("just before the signature", "afterwards")):
        rig.check(not all(any(looks[at].values()) for looks in finds), f"{name}: no PIN digits in daemon or helpers {when}", finds)
    rig.check(all(any("reader" in each for each in signing) for signing, _ in finds), f"{name}: the helper was looked at", finds)
    error, left = during_verify(rig, name, way, a_pin(length))
    if any(left.values()):  # four digits in a row lie in a time or a number, too, but not those of two PINs
        rig.note(f"{name}: a find, by chance or not: {left}")
        error, left = during_verify(rig, name, way, a_pin(length))
    rig.check(not any(left.values()), f"{name}: nothing is left after that request either ({error})", left)


def body(rig):
    if not may_look():
        if rig.shard[0] == 0:
            rig.skip("where the PIN's digits are", "only root may look into processes that are not dumpable")
        return
    if rig.shard[0] == 0:
        sees_locked_pages(rig)
    for name, way, length in rig.mine(WAYS):
        why = (mock.possible() or mock.Bus(rig).lacking()) if way is over_usb else None
        if why:
            rig.skip("the PIN's digits in a helper for USB", why)
        else:
            one_way(rig, name, way, length)


main(body, workers=len(WAYS))
