#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where are the PIN's digits? Root looks into every writable mapping of every process that has to do with a request.

Over each way to a card, with each family of cards, for an assertion, a document and a key: two looks, while the card is busy
with the signature command (it was told to be slow), and after the answer. No four consecutive digits of the PIN may be found in
daemon, helpers, watchers, the history's worker, a phone's relay, or the program that asked, at either; the PIN is typed in
Persian digits there. That the look can see is shown each time: a text known to be in the daemon is found there, digits in locked
pages left out of core dumps are found in this process, and the PIN is found in the helper while the card is busy with VERIFY.
Digits also occur by chance: digits.py says when a find counts.
"""
import contextlib
import ctypes
import mmap
import os
import time

import pkcs11_rig
import ways
from digits import RUNS, a_pin, family, find, look, may_look, persian, places, stays
from lib import Daemon, Process, main, wait_for

MADV_DONTDUMP = 16
AUDIENCE, NONCE = "https://canary.example/", "of-letters-alone-and-no-digit"


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


# ---- who asks: a program of this user, which is looked into as well ---------------------------------

def env_of(scene):
    return {**scene.rig.env, "MOHR_SOCKET": scene.daemon.socket, "DISPLAY": ":mohr-test"}


def an_assertion(scene):
    return [os.path.join(scene.rig.build, "mohr"), "assert", "--audience", AUDIENCE, "--nonce", NONCE, "--timeout", "60"]


def a_document(scene):
    with open(os.path.join(scene.rig.dir, "contract.txt"), "w", encoding="ascii") as file:
        file.write("A contract.\n")
    return [os.path.join(scene.rig.build, "mohr"), "sign", "--force", "contract.txt"]


def a_key(scene):
    """By mohr-pkcs11.so in a program of others; to see the certificates is asked for once, before."""
    world = pkcs11_rig.World(scene.rig, scene.rig.pcscd)
    world.key_file(scene.daemon)
    scene.daemon.prompts()
    return ["pkcs11-tool", "--module", world.module, *world.sign_words("SHA256-RSA-PKCS", "sha256", "words")]


def staff(rig, **switches):
    card, _ = ways.over_pcsc(rig, profile="piv", **switches)
    return card, lambda rig: Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})


# what, how card and daemon are made, the PIN's length, who asks, whose memory must have been looked at
SCENES = [("pcsc", ways.WAYS["pcsc"], 8, an_assertion, {"mohrd", "mohr-reader", "mohr-history", "mohr"}),
          ("nfc", ways.WAYS["nfc"], 8, an_assertion, {"mohrd", "mohr-reader-nfc", "mohr-history"}),
          ("usb", ways.WAYS["usb"], 8, an_assertion, {"mohrd", "mohr-reader-usb", "mohr-history"}),
          ("a phone, the PIN typed here", ways.WAYS["phone, pcsc"], 8, an_assertion, {"mohrd", "mohr-reader-pho", "mohr-relay", "mohr-reader"}),
          ("a phone, the PIN typed there", ways.WAYS["phone, usb"], 8, an_assertion, {"mohrd", "mohr-reader-pho", "mohr-relay", "mohr-reader-usb"}),
          ("a staff card", staff, 6, an_assertion, {"mohrd", "mohr-reader", "mohr-history"}),
          ("a key by PKCS#11", staff, 6, a_key, {"mohrd", "mohr-reader", "mohr-history", "pkcs11-tool"}),
          ("a document", ways.WAYS["pcsc"], 8, a_document, {"mohrd", "mohr-reader", "mohr-history", "mohr"})]


class Scene:
    """A request that has begun."""

    def __init__(self, rig, way, pin, ask, typed=str, **switches):
        self.rig, self.pin = rig, pin
        self.card, daemon = way(rig, pin=pin, **switches)
        self.daemon = daemon(rig)
        self.daemon.script(getpin=[typed(pin)])
        wait_for(lambda: any(reader["state"] == "card" for reader in self.daemon.status().get("readers", [])), 60)
        argv = ask(self)
        self.asker = Process(rig, "asker", argv, env_of(self))
        self.name = os.path.basename(argv[0])

    def look(self):
        return look(self.daemon, self.pin, [(self.asker.pid, self.name)] if self.asker.alive() else [])

    def outcome(self):
        return self.asker.child.wait(60)

    def end(self):
        self.daemon.stop()
        self.card.remove()


PATIENCE = 2500, 5000, 7000  # how long the card is told to take; a busy machine gets more


def during_signature(rig, name, way, ask, pin):
    """Finds while the card signs, and after the answer."""
    for patience in PATIENCE:
        scene = Scene(rig, way, pin, ask, persian, sign_ms=patience)
        verified = wait_for(lambda: scene.card.stats().get("pin_verified"), 60, 0.005)
        time.sleep(0.1)  # the card's answer is on its way to the helper
        wait_for(lambda: not whoever_asked(scene) or scene.card.stats().get("signatures"), 60)
        signing = scene.look()
        names = set(family(scene.daemon).values())
        canary = find(scene.daemon.process.pid, [scene.daemon.socket.encode()])
        still_signing = scene.card.stats().get("signatures") == 0
        code = scene.outcome()
        after = scene.look()
        scene.end()
        if still_signing:
            break
    rig.check(verified, f"{name}: the PIN was accepted")
    rig.check(still_signing, f"{name}: the look was before the signature was made")
    rig.check(canary, f"{name}: a text known to be in the daemon is found there")
    rig.check(code == 0, f"{name}: the request was served", scene.asker.said())
    rig.check(not whoever(names), f"{name}: whoever asked for the PIN is gone before the card signs", names)
    return signing, after


def whoever(names):
    return {name for name in names if "prompt" in name or "pinentry" in name}


def whoever_asked(scene):
    return whoever(family(scene.daemon).values())


def in_helpers(scene):
    """Of each place where a helper has the whole PIN, whether it is neither swapped out nor dumped."""
    kept = []
    for pid, each in family(scene.daemon).items():
        with contextlib.suppress(OSError):  # ended meanwhile
            kept += [kept for _, kept in places(pid, [scene.pin.encode()]) if each.startswith("mohr-reader")]
    return kept


def during_verify(rig, name, way, ask, pin):
    """The helper must hold the digits while the card has them, or the look is blind."""
    for patience in PATIENCE:
        scene = Scene(rig, way, pin, ask, fault=f"mute:{patience}@verify:before")
        kept = wait_for(lambda: in_helpers(scene) or (None if scene.asker.alive() else [False]), 60, 0.05)
        found = any(finds for each, finds in scene.look().items() if "reader" in each)
        scene.outcome()
        time.sleep(0.2)
        after = scene.look()
        scene.end()
        if found and kept:
            break
    rig.check(found, f"{name}: the look finds the PIN in the helper while the card has it")
    rig.check(kept and all(kept), f"{name}: and nowhere but in memory that is neither swapped out nor dumped", kept)
    return after


def one_scene(rig, name, way, length, ask, expected):
    runs, seen = [], set()
    while not runs or len(runs) < RUNS and any(map(stays, zip(*runs))):
        runs.append(during_signature(rig, name, way, ask, a_pin(length, seen)))
        seen |= {needle for looks in runs[-1] for found in looks.values() for needle, _ in found}
    rig.note(f"{name}: finds in {len(runs)} runs, by chance or not: {runs}")
    for when, looks in zip(("just before the signature", "afterwards"), zip(*runs)):
        rig.check(not stays(looks), f"{name}: no PIN digits in any process {when}", runs)
    rig.check(all(expected <= set(signing) for signing, _ in runs), f"{name}: all were looked at", (expected, runs))
    left = []
    while ask is an_assertion and len(left) < RUNS and (not left or stays(left)):  # what the look can see is shown once over each way
        left.append(during_verify(rig, name, way, ask, a_pin(length)))
    rig.check(not left or not stays(left), f"{name}: nothing is left after a request that broke off either", left)


def lacking(rig, way, ask):
    """Why this cannot be seen here, or None."""
    if ask is a_key:
        return pkcs11_rig.World(rig, pcscd=True).missing()
    return next((ways.lacking(rig, name) for name in ways.WAYS if ways.WAYS[name] is way), None)


def body(rig):
    if not may_look():
        if rig.shard[0] == 0:
            rig.skip("where the PIN's digits are", "only root may look into processes that are not dumpable")
        return
    if rig.shard[0] == 0:
        sees_locked_pages(rig)
    for name, way, length, ask, expected in rig.mine(SCENES):
        if why := lacking(rig, way, ask):
            rig.skip(f"the PIN's digits in memory: {name}", why)
        else:
            one_scene(rig, name, way, length, ask, expected)


if __name__ == "__main__":
    main(body, workers=len(SCENES))
