#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""helper.py: the helper programs as mohrd starts them, without mohrd: the sandbox they report and the one
they are in, what pcscd's and the card's troubles look like from outside, and what is left on the card
when one of them is killed."""
import os
import signal
import socket
import subprocess
import time

import lib
from channel import (BUSY, IAS, IS_NEW, LEAVE, MALFORMED, NO_CARD, OK, POLICY, REMOVED, RESET, SAME, SERVICE, WAS_RESET,
                     Helper)

SOFT_READER = "Simulated reader (SIMULATED CARD)"


def sandbox_is_closed(rig, helper, what, sockets):
    ready = helper.ready()
    rig.check(ready and ready[1][:3] == b"\2\0\1", f"{what} reports filter, not dumpable, no new privileges", ready)
    rig.check(helper.status("Seccomp") == "2", f"{what}: Seccomp is 2")
    rig.check(helper.status("NoNewPrivs") == "1", f"{what}: NoNewPrivs is 1")
    try:
        open_now = helper.descriptors()
    except PermissionError:
        return rig.skip(f"{what}: its descriptors", "not root, and the helper cannot be looked into")
    extra = {fd: to for fd, to in open_now.items() if fd > 3}
    return rig.check(set(open_now) >= {0, 1, 2, 3} and len(extra) == sockets and
                     all(to.startswith("socket:") for to in extra.values()),
                     f"{what}: descriptors 0-3 and {sockets} socket(s), no other", open_now)


def owned_by_root(rig):
    """A process that is not dumpable has a /proc entry that belongs to root, whoever runs it."""
    program = os.path.join(rig.build, "mohr-reader-soft")
    if os.getuid() == 0 and subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", "test", "-x", program],
                                           check=False).returncode:
        return rig.skip("not dumpable, seen from outside", "the build is not readable for another user")
    user = 65534 if os.getuid() == 0 else None
    helper = Helper(rig, "--watch", driver="soft", user=user)
    ready = helper.ready()
    owner = os.stat(f"/proc/{helper.child.pid}/environ").st_uid
    helper.kill()
    return rig.check(ready and owner != (user or os.getuid()), "not dumpable, seen from outside", owner)


def soft(rig):
    options = [word for pair in ("profile=mav2-cl", "pki=" + rig.pki, "pin=" + lib.PIN,
                                 "state=" + os.path.join(rig.dir, "soft-state")) for word in ("--option", pair)]
    owned_by_root(rig)
    watcher = Helper(rig, "--watch", *options, driver="soft")
    sandbox_is_closed(rig, watcher, "soft watcher", 0)
    rig.check(watcher.report() == (OK, {SOFT_READER: (1, 0, 1)}), "soft watcher: one reader, a card on it")
    helper = Helper(rig, "--reader", SOFT_READER, *options, driver="soft")
    sandbox_is_closed(rig, helper, "soft helper", 0)
    rig.check(helper.confirm() and helper.verify(lib.PIN) == [OK] * 3, "soft: a PIN is verified inside the sandbox")
    sign_something(rig, helper, "soft")
    rig.check(helper.ask("END", LEAVE)[0] == OK and helper.end() == 0, "soft: ends when the channel closes")
    wrong = Helper(rig, "--reader", SOFT_READER, *options, driver="soft")
    wrong.ready()
    rig.check(wrong.confirm() and wrong.verify("00000000")[2] == 13, "soft: a wrong PIN is answered as such")
    wrong.kill()
    after = Helper(rig, "--reader", SOFT_READER, *options, driver="soft")
    after.ready()
    after.confirm()
    rig.check(after.ask("COUNTER", IAS)[1][:2] == b"\1\2", "soft: the spent try is counted in the next process")
    after.end()
    lifted(rig, options, watcher)


def lifted(rig, options, watcher):
    faulty = [*options, "--option", "fault=removal@3", "--option", "back=60000", "--option", "faults=once"]
    helper = Helper(rig, "--reader", SOFT_READER, *faulty, driver="soft")
    helper.ready()
    helper.begin()
    rig.check(helper.ask("IDENTIFY")[0] == REMOVED, "soft: a card lifted in the middle is an answer")
    rig.check(watcher.report()[1][SOFT_READER][0] == 0, "soft watcher: the card is gone")
    rig.check(helper.outcomes(("END", LEAVE), ("BEGIN",)) == [OK, NO_CARD], "soft: no card while it is away")
    subprocess.run([os.path.join(rig.build, "tests/monitored_reader_soft"), "--back", os.path.join(rig.dir, "soft-state")], check=True)
    rig.check(watcher.report()[1][SOFT_READER][0] == 1, "soft watcher: the card is back")
    rig.check(helper.begin() == (OK, IS_NEW) and helper.ask("IDENTIFY")[0] == OK, "soft: the card counts as new")
    helper.end()
    watcher.kill()


def sign_something(rig, helper, what):
    for key in range(1, 16):
        outcome, fields = helper.ask("SIGN", bytes([key, 0]) + b"\0\x20" + bytes(32))
        if outcome == OK:
            break
    rig.check(outcome == OK and len(fields) > 130, f"{what}: a signature comes out of the sandbox", outcome)


def pcsc(rig, pcscd, card):
    watcher = Helper(rig, "--watch")
    sandbox_is_closed(rig, watcher, "pcsc watcher", 1)
    seen = lib.wait_for(lambda: (lambda said: said and said[1].get(card.reader, (0,))[0] and said)(watcher.report()))
    rig.check(seen and len(seen[1]) == 2, "pcsc watcher: two readers, a card on the first", seen)
    helper = Helper(rig, "--reader", card.reader)
    sandbox_is_closed(rig, helper, "pcsc helper", 1)
    rig.check(helper.begin() == (OK, IS_NEW), "the first begin finds a new card")
    rig.check(helper.outcomes(("IDENTIFY",), ("CONFIRM",), ("END", LEAVE)) == [OK] * 3, "a card is identified")
    rig.check(helper.begin() == (OK, SAME), "the second begin finds the same card")
    rig.check(helper.verify(lib.PIN) == [OK] * 3, "a PIN is verified without identifying again")
    sign_something(rig, helper, "pcsc")
    rig.check(helper.ask("END", LEAVE)[0] == OK and card.locked(), "the end after VERIFY was a reset")
    rig.check(helper.ask("BEGIN")[0] == OK and helper.end() == 0, "a closed channel ends the helper")
    return watcher


def resumed(rig, card):
    first, second = (Helper(rig, "--reader", card.reader) for _ in range(2))
    first.ready(), second.ready()
    first.outcomes(("BEGIN",), ("IDENTIFY",))
    note = first.ask("CONFIRM")[1]
    first.outcomes(("END", LEAVE))
    insertion = second.ask("BEGIN")[1][2:6]
    rig.check(len(note) > 2 and second.outcomes(("RESUME", insertion + note), ("CONFIRM",)) == [OK] * 2,
              "a second helper goes on from the first one's note", note)
    rig.check(second.verify(lib.PIN) == [OK] * 3, "and verifies a PIN")
    rig.check(first.end() == 0 and second.end() == 0, "both end")


def verified(card):
    """What the card says of itself; it does so before it answers a command, but has no answer to a reset."""
    return bool(card.stats().get("pin_verified"))


def verified_helper(rig, card, pin=lib.PIN):
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    if not helper.confirm() or helper.verify(pin)[2] != OK:
        rig.check(False, "the way to a verified PIN")
    return helper


def killed(rig, card):
    peer = rig.peer("stay", card.reader)
    helper = verified_helper(rig, card)
    rig.check(verified(card), "the card holds a verified PIN")
    helper.kill()
    rig.check(card.locked(), "killed inside the transaction: the card is reset")
    helper = verified_helper(rig, card)
    helper.end()
    rig.check(card.locked(), "the channel closed inside it: the card is reset")
    helper = verified_helper(rig, card)
    rig.check(helper.ask("BEGIN")[0] is None and helper.end() == MALFORMED, "a frame out of place ends the helper")
    rig.check(card.locked(), "after that too the card is reset")
    peer.stop()


def others(rig, card):
    """Other programs on the same reader."""
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    helper.confirm()
    helper.ask("END", LEAVE)
    other = Helper(rig, "--reader", card.reader)
    other.ready()
    other.outcomes(("BEGIN",), ("END", RESET))
    rig.check(helper.begin() == (OK, WAS_RESET), "a reset by another program is noticed")
    rig.check(helper.ask("COUNTER", IAS)[0] is None and helper.end() == MALFORMED,
              "and the confirmation is forgotten")
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    rig.check(helper.outcomes(("BEGIN",), ("END", LEAVE)) == [OK, OK] and other.ask("BEGIN")[0] == OK,
              "another program is in a transaction")
    rig.check(helper.ask("BEGIN")[0] == BUSY, "its transaction does not end: busy, within seconds")
    other.ask("END", LEAVE)
    rig.check(helper.ask("BEGIN")[0] == OK, "it has ended: our turn")
    helper.end()
    other.end()


def exclusive(rig, card):
    peer = rig.peer("exclusive", card.reader)
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    rig.check(helper.ask("BEGIN")[0] == BUSY, "a reader held exclusively is busy")
    # pcscd announces neither taking nor giving back: who looks sees it
    looker = Helper(rig, "--watch")
    looker.ready()
    rig.check(next_state(looker, card, lambda seen: seen[1]), "a watcher that starts now sees it")
    time.sleep(2.5)
    peer.stop()
    rig.check(lib.wait_for(lambda: helper.ask("BEGIN")[0] == OK), "given back, it can be used")
    helper.end()
    rig.check(next_state(looker, card, lambda seen: not seen[1]), "and looks until it is given back")
    looker.kill()


def next_state(watcher, card, wanted):
    """Reads reports until one says what is wanted of the card's reader."""
    for _ in range(10):
        said = watcher.report()
        if said and wanted(said[1].get(card.reader, (0, 0, 0))):
            return said[1].get(card.reader)
    return None


def pulled(rig, card, watcher):
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    helper.begin()
    card.remove()
    rig.check(helper.ask("IDENTIFY")[0] == REMOVED, "a card pulled in the transaction is an answer")
    rig.check(helper.outcomes(("END", LEAVE), ("BEGIN",)) == [OK, NO_CARD], "then there is no card")
    gone = next_state(watcher, card, lambda seen: not seen[0])
    rig.check(gone, "the watcher sees it go")
    card.insert()
    back = next_state(watcher, card, lambda seen: seen[0])
    rig.check(gone and back and back[2] != gone[2], "and another one come, with another number", (gone, back))
    rig.check(helper.begin() == (OK, IS_NEW), "the same helper finds a new card")
    rig.check(helper.outcomes(("IDENTIFY",), ("END", LEAVE)) == [OK, OK], "and can talk to it")
    card.remove()
    next_state(watcher, card, lambda seen: not seen[0])
    card.insert()
    next_state(watcher, card, lambda seen: seen[0])
    rig.check(helper.begin() == (OK, IS_NEW), "a card exchanged between transactions is new")
    helper.end()


def service_gone(rig, pcscd, card, watcher):
    """One watcher sleeps, another one has asked something: it looks again a second after what it told first."""
    asking = Helper(rig, "--watch")
    asking.ready(), asking.report()
    helper = Helper(rig, "--reader", card.reader)
    helper.ready()
    helper.begin()
    pcscd.process.child.send_signal(signal.SIGSTOP)
    time.sleep(1.5)
    pcscd.process.stop(signal.SIGKILL)
    rig.check(helper.ask("IDENTIFY")[0] == SERVICE, "pcscd gone in the transaction is an answer")
    rig.check(helper.child.wait(lib.PATIENCE) == SERVICE, "and the helper's end")
    for one, what in ((watcher, "the watcher"), (asking, "one that had asked something")):
        said = next(filter(lambda report: report is None or report[0], iter(one.report, 0)))
        rig.check(said == (SERVICE, {}) and one.child.wait(lib.PATIENCE) == SERVICE, f"{what} says so and ends", said)
    for leftover in ("pcscd.comm", "pcscd.pid"):
        if os.path.exists("/run/pcscd/" + leftover):
            os.unlink("/run/pcscd/" + leftover)
    absent = Helper(rig, "--watch")
    rig.check(absent.ready() and absent.report() == (SERVICE, {}), "a watcher without pcscd says so")
    rig.check(absent.child.wait(lib.PATIENCE) == SERVICE, "and ends")
    rig.check(Helper(rig, "--reader", card.reader).child.wait(lib.PATIENCE) == SERVICE, "a helper without pcscd ends")


def denied(rig):
    """A pcscd whose polkit denies somebody hangs up while their first word (20 bytes) lies there unread."""
    with socket.socket(socket.AF_UNIX) as door:
        door.bind("/run/pcscd/pcscd.comm")
        door.listen(1)
        watcher = Helper(rig, "--watch")
        with door.accept()[0] as caller:
            lib.wait_for(lambda: len(caller.recv(64, socket.MSG_PEEK)) >= 20)
    rig.check(watcher.ready() and watcher.report() == (POLICY, {}), "a watcher that pcscd denies says so")
    rig.check(watcher.child.wait(lib.PATIENCE) == POLICY, "and ends with that")
    os.unlink("/run/pcscd/pcscd.comm")


def usage(rig):
    for words in ((), ("--watch", "--reader"), ("--reader", "x", "more"), ("--watch", "--option", "nonsense")):
        rig.check(Helper(rig, *words).child.wait(lib.PATIENCE) == 2, f"usage: {' '.join(words) or 'no words'}")
    rig.check(Helper(rig, "--reader", "x", "--option", "a=b").child.wait(lib.PATIENCE) == MALFORMED, "pcsc has no options")


def body(rig):
    rig.helpers = []
    usage(rig)
    soft(rig)
    pcscd = lib.Pcscd(rig)
    card = lib.Card(rig, pcscd, monitored=False)
    watcher = pcsc(rig, pcscd, card)
    resumed(rig, card)
    killed(rig, card)
    others(rig, card)
    exclusive(rig, card)
    pulled(rig, card, watcher)
    service_gone(rig, pcscd, card, watcher)
    denied(rig)
    for helper in rig.helpers:
        helper.kill()


lib.main(body)
