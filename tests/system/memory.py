#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where are the PIN's digits? Root looks into every writable mapping of daemon and helper.

Two looks: while the card is busy with the signature command (it was told to be slow), and after the
answer. No four consecutive digits of an eight-digit PIN may be found in the daemon at the first, nor in
either at the second. That the look can see is shown each time: a text known to be in the daemon is
found there, digits in locked pages left out of core dumps are found in this process, and the PIN is found
in the helper while the card is busy with VERIFY. Digits also occur by chance: a find counts when it
repeats with another PIN.
"""
import ctypes
import mmap
import os
import time

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


class Scene:
    def __init__(self, rig, pcscd, pin, **switches):
        self.rig, self.pin = rig, pin
        self.card = Card(rig, pcscd, pin=pin, monitored=False, **switches)
        self.daemon = Daemon(rig)
        self.daemon.script(getpin=[pin])
        self.daemon.wait_state(self.card.reader, "card")
        self.running = Connection(self.daemon.socket).send(
            "mohr.Identity.Assert", {"audience": CANARY, "nonce": "0123456789abcdef", "ui": {"display": ":mohr-test"}})

    def end(self):
        self.daemon.stop()
        self.card.remove()


def during_signature(rig, pcscd, pin):
    """Finds in the daemon while the card signs, and in all of them after the answer."""
    scene = Scene(rig, pcscd, pin, sign_ms=2500)
    rig.check(wait_for(lambda: scene.card.stats().get("pin_verified"), 10, 0.005), "the PIN was accepted")
    time.sleep(0.4)
    signing = look(scene.daemon, pin)
    names = set(family(scene.daemon).values())
    canary = find(scene.daemon.process.pid, [CANARY.encode()])
    still_signing = scene.card.stats().get("signatures") == 0
    error, reply, _ = scene.running.receive()
    after = look(scene.daemon, pin)
    scene.end()
    rig.check(still_signing, "the look was before the signature was made")
    rig.check(canary, "a text known to be in the daemon is found there")
    rig.check(not error and reply.get("assertion"), "the request was served", error)
    rig.check(not {name for name in names if "prompt" in name or "pinentry" in name},
              "whoever asked for the PIN is gone before the card signs", names)
    return signing.get("mohrd", []), [find for finds in after.values() for find in finds]


def during_verify(rig, pcscd, pin):
    """The helper must hold the digits while the card has them, or the look is blind."""
    scene = Scene(rig, pcscd, pin, fault="mute:2500@verify:before")
    found = wait_for(lambda: any(finds for name, finds in look(scene.daemon, pin).items() if "reader" in name), 6, 0.05)
    rig.check(found, "the look finds the PIN in the helper while the card has it")
    error, _, _ = scene.running.receive()
    time.sleep(0.2)
    after = look(scene.daemon, pin)
    rig.check(not any(after.values()), f"nothing is left after that request either ({error})", after)
    scene.end()


def body(rig):
    if not may_look():
        rig.skip("where the PIN's digits are", "only root may look into processes that are not dumpable")
        return
    pcscd = Pcscd(rig)
    sees_locked_pages(rig)
    finds = [during_signature(rig, pcscd, a_pin()) for _ in range(2)]
    rig.note(f"finds in two runs, by chance or not: {finds}")
    rig.check(not all(daemon for daemon, _ in finds), "no PIN digits in the daemon just before the signature", finds)
    rig.check(not all(after for _, after in finds), "no PIN digits in daemon or helpers afterwards", finds)
    during_verify(rig, pcscd, a_pin())


main(body)
