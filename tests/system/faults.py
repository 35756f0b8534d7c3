#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A card pulled, muted or reset at every single command of a request, over Debian's pcscd.

First a request without a fault tells how many exchanges there are (asked from the card). Then each of
them is struck, in each way, before the card acts and after it acted but before its answer is out. What must
hold every time: a typed answer within the time, no PIN try spent twice, the card locked again, and the
next request on the same daemon served. Both a first request and one of a card already known are struck.
"""
import time

from lib import PATIENCE, Card, Daemon, Pcscd, card_wait, main, wait_for

CARD_TIMEOUT_MS = 1000  # of a card that falls silent; any other has all the time there is, whatever else the machine does
OVERDUE = 1500  # ms of silence: more than the daemon waits
# What may be answered: 0 served all the same, 11 no card, 17 card removed, 19 timed out; and 12, not confirmed,
# when a card forgot everything without a sign of it and so is not the card that it was a moment ago.
TYPED = {"removal": {0, 11, 17, 19}, "mute": {0, 17, 19}, "reset": {0, 12, 17, 19}}
KINDS = [(f"removal:{back}", when) for back in (250,) for when in ("before", "lost")] + \
        [("reset", when) for when in ("before", "lost")] + \
        [(f"mute:{OVERDUE}", when) for when in ("before", "lost")]


class Struck:
    """One card with one fault, and a daemon that has not met it."""

    def __init__(self, rig, pcscd, profile, fault=None):
        self.rig = rig
        self.card = Card(rig, pcscd, profile, **({"fault": fault} if fault else {}))
        self.daemon = Daemon(rig, card={"timeout_ms": CARD_TIMEOUT_MS} if fault and fault.startswith("mute") else {})
        self.daemon.wait_state(self.card.reader, "card")

    def request(self):
        began = time.monotonic()
        code, answer = self.daemon.request(self.card.reader)
        return code, answer, time.monotonic() - began

    def settle(self, kind):
        """Until the card lies there again, for pcscd (which looks every 400 ms) and for the daemon, which must have heard first that
        it went; and until a card that was silent for longer than the daemon waited has had its say."""
        if kind == "removal":
            self.daemon.wait_state(self.card.reader, "empty", seconds=3)
        else:
            time.sleep((OVERDUE - CARD_TIMEOUT_MS) / 1000 + 0.5 if kind == "mute" else 0.5)
        wait_for(lambda: self.card.stats().get("present"))
        card_wait(self.card.reader)
        self.daemon.wait_state(self.card.reader, "card")

    def spent(self):
        return self.card.stats().get("verify_commands", 0)

    def end(self):
        self.daemon.stop()
        self.card.remove()


def lengths(rig, pcscd, profile):
    """Exchanges of a first request and of the next one with the same card."""
    scene = Struck(rig, pcscd, profile)
    first, _, _ = scene.request()
    one = scene.card.stats()["exchanges"]
    again, _, _ = scene.request()
    two = scene.card.stats()["exchanges"] - one
    scene.end()
    rig.check(first == 0 and again == 0, f"{profile}: undisturbed, {one} and {two} exchanges")
    return one, two


def strike(rig, pcscd, profile, fault, requests_before):
    """Returns what was wrong, or None."""
    scene = Struck(rig, pcscd, profile, fault)
    try:
        for _ in range(requests_before):
            scene.request()
        before = scene.spent()
        code, answer, seconds = scene.request()
        kind = fault.split("@")[0].split(":")[0]
        if code not in TYPED[kind]:
            return f"answer {code} {answer}"
        if seconds > PATIENCE:
            return f"answer after {seconds:.1f} s"
        scene.settle(kind)  # the answer may be out before the card has spoken
        if not scene.card.locked():
            return f"left unlocked {scene.card.stats()}"
        during = scene.spent() - before
        if during > 1:
            return f"{during} PIN commands for one entry"
        code, answer, _ = scene.request()
        if code != 0:
            return f"the next request was answered {code} {answer}"
        stats = scene.card.stats()
        if stats["verify_commands"] != before + during + 1 or stats["writes"]:
            return f"counts {stats}"
        return None if scene.card.locked() else f"left unlocked by the next request {stats}"
    finally:
        scene.end()


def body(rig):
    pcscd = Pcscd(rig)
    for profile in ("mav2-cl", "mav2-t0"):
        first, again = rig.once(profile, lambda profile=profile: lengths(rig, pcscd, profile))
        places = [(n, 0) for n in range(1, first + 1)]
        if profile == "mav2-cl":
            places += [(first + n, 1) for n in range(1, again + 1)]
        kinds = KINDS if profile == "mav2-cl" else [row for row in KINDS if row[0] == "reset" or "250" in row[0]]
        cases = [(kind, when, n, before) for kind, when in kinds for n, before in places]
        for kind, when, n, before in rig.mine(rig.few(cases, 10)):
            wrong = strike(rig, pcscd, profile, f"{kind}@total:{n}:{when}", before)
            rig.check(not wrong, f"{profile}: {kind} {when} exchange {n}", wrong)


main(body, workers=20)  # each of them waits most of its time
