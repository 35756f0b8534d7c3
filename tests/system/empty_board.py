#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""empty_board.py: an NFC board that waits for a card by itself, and everybody else asleep.

The real libnfc and the board of nfc.py. That nobody wakes, that a card is told of all the same, that a question
begins at once whatever the board is doing; and boards that do not know how to wait, call for nobody, garble,
are pulled out, or lose their helper meanwhile.
"""
import os
import shutil
import signal
import subprocess
import time

import lib
from channel import NO_CARD, NO_READER, OK
from hotplug import Watch, at_rest, state, switches
from lib import main, wait_for
from nfc import SECOND, Board, daemon_of, helper_of, ready


def asleep(rig):
    board = Board(rig, board="none")
    daemon = daemon_of(rig)
    daemon.wait_state(board.reader, "empty")
    pids = [daemon.process.pid, *daemon.helpers()]
    rig.check(len(pids) == 3 and at_rest(pids, 0.3), "mohrd, watcher and helper come to rest")
    before = switches(pids)
    time.sleep(2.5)
    rig.check(switches(pids) == before, "and none of them wakes while the board is empty")
    rig.check(wait_for(lambda: board.powers() > 8), "meanwhile the board looks by itself", board.powers())
    daemon.stop()
    board.remove()


def noticed(rig):
    """A card laid down at any moment of the board's own rhythm."""
    for settings in ("", "b"):
        board = Board(rig, board=settings)
        daemon = daemon_of(rig)
        watch = Watch(rig, daemon)
        watch.until(state(board.reader, "card"))
        times = []
        for number in rig.few(range(6), 3):
            board.turn()
            watch.until(state(board.reader, "empty"))
            time.sleep(0.05 + number * 0.037)
            board.turn()
            times.append(watch.until(state(board.reader, "card")))
        rig.check(None not in times, f"each card laid down is told of ({settings or 'type A'})", times)
        rig.note(f"after a card is laid down ({settings or 'a'}), watch says so within ms: "
                 + " ".join(f"{ms or -1:.0f}" for ms in times))
        daemon.stop()
        board.remove()


def asked_meanwhile(rig):
    board = Board(rig, board="none")
    helper = ready(board)
    helper.presence()
    times = []
    for wait in (0.0, 0.03, 0.08, 0.14, 0.2, 0.31):
        time.sleep(wait)
        began = time.monotonic()
        outcome, _ = helper.ask("BEGIN")
        times.append(time.monotonic() - began)
        if outcome != NO_CARD:
            rig.check(False, "a question is answered while the board waits", outcome)
    rig.check(max(times) < SECOND, f"it is answered at once ({max(times) * 1000:.0f} ms)", times)
    rig.check(helper.end() == 0, "a closed channel ends the helper of a board that waits")
    board.remove()


# What the board makes of being told to wait. A card must be told of all the same, and no question may wait.
FAULTS = ("error-frame@60#1+", "nack@60#1+", "lost-ack@60#1+", "mute@60#1", "bad-ack@60#1", "short@60#1+", "noise@60#1",
          "oversize@60#1", "bad-lcs@60#1+", "bad-dcs@60#2", "foreign@60#1+", "bare@60#1+", "late=40@60#1")


def spoilt(rig, settings):
    """What was wrong, or None."""
    board = Board(rig, board=settings)
    helper = ready(board)
    try:
        if (helper.presence() or (0,))[0] != 1:
            return "the card was not seen at first"
        for _ in range(2):
            for there in (0, 1):
                board.turn()
                said = helper.presence()
                if not said or said[0] != there:
                    return f"told {said} and not {there}"
                began = time.monotonic()
                outcome = helper.begin()[0]
                if outcome != (OK if there else NO_CARD) or time.monotonic() - began > SECOND:
                    return f"BEGIN: {outcome} after {time.monotonic() - began:.2f} s"
                if there:
                    helper.ask("END", b"\1")
        return None
    finally:
        helper.kill()
        board.remove()


def faults(rig):
    for settings in rig.few(FAULTS, 4):
        wrong = spoilt(rig, settings)
        rig.check(not wrong, f"while it waits: {settings}", wrong)


def calm(rig):
    """A board that cannot wait is not asked to all the time."""
    board = Board(rig, board="none,error-frame@60#1+")
    helper = ready(board)
    helper.presence()
    before, began = switches([helper.child.pid]), time.monotonic()
    time.sleep(2)
    rate = (switches([helper.child.pid]) - before) / (time.monotonic() - began)
    rig.check(rate < 200, f"a board that cannot wait wakes its helper for looks only ({rate:.0f} switches in a second)")
    helper.kill()
    board.remove()


def lost(rig):
    for settings in ("none", "none,hang@60#1+"):
        board = Board(rig, board=settings)
        helper = ready(board)
        helper.presence()
        at_rest([helper.child.pid], 0.2)
        board.remove()
        rig.check(helper.child.wait(60) == NO_READER, f"a board pulled out while it waits ends its helper ({settings})")
    board = Board(rig, board="none,unplug=50@60#2")
    helper = ready(board)
    helper.presence()
    at_rest([helper.child.pid], 0.2)
    helper.ask("BEGIN")  # and then it waits a second time
    rig.check(helper.child.wait(60) == NO_READER, "so does one that is pulled and plugged in again")
    board.remove()


def killed(rig):
    """The helper dies while the board waits; a card that comes then is met by the next one."""
    board = Board(rig)
    daemon = daemon_of(rig)
    daemon.wait_state(board.reader, "card")
    board.turn()
    daemon.wait_state(board.reader, "empty")
    helper = helper_of(daemon)
    at_rest([helper], 0.2)
    os.kill(helper, signal.SIGSTOP)  # so that the board calls in vain
    board.turn()
    wait_for(lambda: board.lines()[-1] == "power on")
    before = board.powers()
    os.kill(helper, signal.SIGKILL)
    rig.check(wait_for(lambda: board.powers() > before, SECOND, 0.005), "the helper killed when the board has found a card: no power within a second", board.lines()[-5:])
    rig.check(daemon.wait_state(board.reader, "card"), "and the next one tells of it")
    code, answer = daemon.request(board.reader)
    rig.check(code == 0 and board.locked() and board.stats()["verify_commands"] == 1, "and serves", (code, answer))
    daemon.stop()
    board.remove()


def cross_check(rig):
    """libnfc's own program uses the same command."""
    if not shutil.which("nfc-poll"):
        return rig.skip("nfc-poll", "libnfc-examples is not installed")
    board = Board(rig, board="b")
    child = subprocess.Popen(["nfc-poll"], env={**rig.env, "LIBNFC_DEVICE": board.device}, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True, preexec_fn=lib.die_with_parent)
    said = ""
    while "Protocol" not in said and (line := child.stdout.readline()):
        said += line
    rig.check("ISO/IEC 14443-4B" in said, "nfc-poll finds the card by the board's own looking", said)
    board.turn()
    child.wait(60)
    board.remove()


SCENES = [asleep, noticed, asked_meanwhile, faults, calm, lost, killed, cross_check]


def body(rig):
    rig.boards, rig.helpers = {}, []
    for scene in rig.mine(SCENES):
        scene(rig)
        rig.boards.clear()


if __name__ == "__main__":
    main(body, workers=4)
