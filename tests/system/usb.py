#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usb.py: CCID readers without pcscd: the real libusb and udev's library, a reader that is a program, and
the software card in its slot.

The suite of pcsc.py runs here over `--driver usb`, through readers of every level. Then what only a wire has:
each fault of it at an ordinary command, at VERIFY and at the signature; the reader unplugged in each phase;
helpers killed at any moment. Debian's own pcscd and libccid drive the same mocked readers, so that the mock
is not believed for our driver's sake alone. What happened is asked from card and mock.
"""
import contextlib
import os
import signal
import subprocess
import threading
import time

import lib
import mock
import pcsc
from hotplug import at_rest, switches
from lib import PIN, wait_for

SECOND = 15.0  # one is promised, the others are for a busy machine; what fails takes for ever
OK, NO_READER, NO_CARD, UNSUPPORTED, WRONG, REFUSED, REMOVED, TIMED_OUT, BUSY, SERVICE = 0, 10, 11, 12, 13, 15, 17, 19, 23, 25
PATIENT_MS, IN_VAIN_MS, STORM_MS = 20000, 3500, 2000  # what mohrd gives an operation, the start of a helper included: how long a fault lasts
STORM = 100000

# How readers differ; the card decides the protocol.
KINDS = {
    "TPDU": {}, "TPDU, PPS by the host": {"rates": "pps"}, "TPDU, small blocks": {"rates": "pps", "ifsd": 32},
    "short APDU": {"level": "short"}, "extended APDU": {"level": "extended"}, "no interrupt endpoint": {"interrupt": "no"},
    "auto IFSD": {"auto_ifsd": True},
}


class Slot(mock.Card):
    """The software card in a mocked reader of its own, of the next kind each time."""

    def __init__(self, rig, _pcscd=None, profile="mav4", slot=0, pin=PIN, reader=None, **switches):
        kinds = list(KINDS.values())
        rig.kind = getattr(rig, "kind", rig.shard[0]) + 1
        rig.slot = mock.Reader(rig, **(kinds[rig.kind % len(kinds)] if reader is None else reader))
        super().__init__(rig, rig.slot, profile, pin=pin, **switches)

    def close(self):
        self.remove()
        self.mock.stop()

    def dark(self):
        """True when it has no power, before long."""
        return self.mock.dark(SECOND)


def daemon_of(rig, **sections):
    return mock.Daemon(rig, rig.slot.bus, **sections)


# ---- the whole way --------------------------------------------------------------------------------

def as_over_pcsc(rig):
    pcsc.walk_elsewhere(rig, Slot, daemon_of, rig.few(pcsc.CASES, 20), lambda: rig.slot.stop())


def every_kind(rig):
    cases = [(kind, profile) for kind in KINDS for profile in pcsc.MAV]
    for kind, profile in rig.mine(rig.few(cases, 3)):
        card = Slot(rig, profile=profile, reader=KINDS[kind])
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        code, answer = daemon.request(card.reader)
        stats = card.mock.stats()
        rig.check(code == OK and stats["verifies"] == 1, f"{profile}, {kind}: an assertion", (code, answer, stats))
        rig.check(stats["breaches"] == 0, f"{profile}, {kind}: by the rules of its protocol", stats)
        rig.check(card.dark() and card.locked(SECOND), f"{profile}, {kind}: no power afterwards", card.mock.log()[-4:])
        daemon.stop()
        card.close()


# ---- the wire -------------------------------------------------------------------------------------

RECOVERS, GIVES_UP, LEAVES = {OK}, {REMOVED, TIMED_OUT}, {NO_READER, NO_CARD, REMOVED, TIMED_OUT}
# fault, what may be answered, and the levels at which it means something
WIRE = [
    ("checksum", RECOVERS, "T=1"), ("nak", RECOVERS, "T=1"), ("lost", RECOVERS | GIVES_UP, "T=1"),
    ("block-short", RECOVERS, "T=1"), ("block-sequence", RECOVERS, "T=1"), ("block-length", RECOVERS, "T=1"),
    ("abort", RECOVERS | GIVES_UP, "T=1"), ("wtx=3", RECOVERS, "T=1"), (f"wtx={STORM}", GIVES_UP, "T=1"),
    ("checksum*3", RECOVERS | GIVES_UP, "T=1"), ("checksum*9", GIVES_UP, "T=1"), ("nak*9", GIVES_UP, "T=1"),
    ("time=3", RECOVERS, "any"), (f"time={STORM}", GIVES_UP, "any"),
    ("silent", GIVES_UP, "any"), ("silent/before", GIVES_UP, "any"), ("sequence", GIVES_UP | RECOVERS, "any"),
    ("short=1", GIVES_UP | RECOVERS, "any"), ("short=9", GIVES_UP | RECOVERS, "any"), ("oversize", GIVES_UP | RECOVERS, "any"),
    ("longer", GIVES_UP | RECOVERS, "any"), ("slot", GIVES_UP | RECOVERS, "any"), ("type", GIVES_UP | RECOVERS, "any"),
    ("garbage", GIVES_UP | RECOVERS, "any"), ("twice", GIVES_UP | RECOVERS, "any"),
    ("error=0xFE", GIVES_UP | RECOVERS, "any"), ("error=0xFD", GIVES_UP | RECOVERS, "any"), ("error=0xFB", GIVES_UP | RECOVERS, "any"),
    ("error=0xE0", GIVES_UP | RECOVERS | {BUSY}, "any"), ("error=0xFF", GIVES_UP | RECOVERS, "any"), ("error=0x01", GIVES_UP | RECOVERS, "any"),
    ("stall", GIVES_UP | RECOVERS, "any"), ("stall/before", GIVES_UP | RECOVERS, "any"), ("unplug=300", LEAVES, "any"),
    ("unplug=300/before", LEAVES, "any"), ("power", GIVES_UP | RECOVERS, "any"), ("power", GIVES_UP | RECOVERS, "any"),
]
WAYS = {"T=1": ({}, "mav4"), "T=0": ({"rates": "pps"}, "mav3"), "short": ({"level": "short"}, "mav2-t0"),
        "extended": ({"level": "extended"}, "mav2-cl")}


def patience(fault, expected):
    """In milliseconds. A storm costs a core all the while."""
    if not GIVES_UP & expected:
        return PATIENT_MS
    return STORM_MS if str(STORM) in fault else IN_VAIN_MS


def strike(rig, way, fault, expected):
    """One request with one fault, then one without. What was wrong, or None."""
    reader, profile = WAYS[way]
    card = Slot(rig, profile=profile, reader=reader)
    daemon = daemon_of(rig, card={"timeout_ms": patience(fault, expected)})
    try:
        if not daemon.wait_state(card.reader, "card"):
            return f"no card was seen: {daemon.status()}"
        card.mock.say("fault " + fault)
        code, answer = daemon.request(card.reader)
        if code not in expected:
            return f"answer {code} {answer}"
        if card.mock.stats()["verifies"] > 1:
            return f"more than one VERIFY for one entry {card.mock.stats()}"
        if not card.dark() or not card.locked(SECOND):
            return f"power on after the answer {code}: {card.mock.log()[-5:]} {card.stats()}"
        return again(card, daemon, code)
    finally:
        daemon.stop()
        card.close()


def again(card, daemon, first):
    card.mock.say("clear")
    before = card.mock.stats()["verifies"]
    if not daemon.wait_state(card.reader, "card"):
        return f"after {first} the card was not seen again: {daemon.status()} {card.mock.log()[-5:]}"
    code, answer = daemon.request(card.reader)
    stats = card.mock.stats()
    if code != OK or stats["verifies"] != before + 1 or card.stats()["writes"]:
        return f"after {first} the next request was answered {code} {answer}, {stats}"
    return None if card.dark() else "left with power by the next request"


def wire(rig):
    cases = []
    for number, (fault, expected, where) in enumerate(WIRE):
        ways = ["T=1"] if where == "T=1" else [list(WAYS)[number % len(WAYS)]]
        for place in ("4", "verify", "sign") if number % 3 == 0 or where == "T=1" else ("4", "verify"):
            kind, _, times = fault.partition("*")
            kind, _, when = kind.partition("/")
            struck = f"{kind}@{place}" + (f"/{when}" if when else "") + (f"*{times}" if times else "")
            cases += [(way, struck, expected) for way in ways]
    cases += [(way, f"stall-out@{n}", RECOVERS | LEAVES) for n, way in zip((2, 5, 20, 40), WAYS)]
    for way, fault, expected in rig.mine(rig.few(cases, 10)):
        wrong = strike(rig, way, fault, expected)
        rig.check(not wrong, f"on the wire, {way}: {fault}", wrong)


def slow_cards(rig):
    """Cards that take longer than their reader waits without a word."""
    for way in rig.mine(WAYS):
        options, profile = WAYS[way]
        card = Slot(rig, profile=profile, reader={**options, "wtx_ms": 150}, sign_ms=800)
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        code, answer = daemon.request(card.reader)
        rig.check(code == OK and card.mock.stats()["breaches"] == 0, f"{way}: a card that takes its time", (code, answer,
                  card.mock.stats()))
        daemon.stop()
        card.close()


def odd_readers(rig):
    """Allowed but rare, or nothing that a card could be used in."""
    rows = (({"ifsd": 5}, "mav4", {OK}), ({"max_message": 64}, "mav4", {NO_READER, NO_CARD, SERVICE}), ({"protocols": "0"}, "mav4", None),
            ({"protocols": "1"}, "mav3", None), ({"level": "short", "max_message": 65544}, "mav4", {OK}),
            ({"level": "extended", "max_message": 65544}, "mav2-t0", {OK}), ({"protocols": "1", "rates": "pps"}, "mav2-cl", {OK}))
    for options, profile, expected in rows:
        card = Slot(rig, profile=profile, reader=options)
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, *(("card",) if expected == {OK} else ("card", "empty", "unusable")))
        code, answer = daemon.request(card.reader)
        good = code in expected if expected else code in (NO_CARD, UNSUPPORTED, REMOVED, TIMED_OUT)
        rig.check(good, f"{options} with {profile}: {'served' if code == OK else 'a typed answer'} ({code})",
                  (code, answer, card.mock.log()[-4:]))
        rig.check(card.dark(), f"{options}: no power afterwards")
        daemon.stop()
        card.close()


# ---- unplugged and killed -------------------------------------------------------------------------

def begin(daemon, card, **more):
    return lib.Connection(daemon.socket).send("mohr.Identity.Assert", {
        "audience": lib.AUDIENCE, "nonce": lib.NONCE, "ui": {"display": ":mohr-test"}, "reader": card.reader, **more})


def unplugged_while_asking(rig):
    card = Slot(rig)
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    typed = daemon.held()
    running = begin(daemon, card)
    wait_for(lambda: pcsc.pinentries(daemon))
    card.mock.say("unplug")
    wait_for(lambda: daemon.state_of(card.reader) is None)
    typed()
    error, _, _ = running.receive()
    rig.check(error in ("mohr.Identity.CardRemoved", "mohr.Identity.NoReader"), "unplugged while the person is asked: "
              "told so", error)
    rig.check(card.stats().get("verify_commands") == 0, "and no PIN was sent", card.stats())
    rig.check(daemon.state_of(card.reader) is None, "the reader is not listed any more", daemon.status())
    card.mock.say("plug")
    daemon.script()
    rig.check(daemon.wait_state(card.reader, "card"), "plugged in again it is seen")
    rig.check(daemon.request(card.reader)[0] == OK, "and serves")
    daemon.stop()
    card.close()


def swapped_while_asking(rig):
    card = Slot(rig, reader={})
    daemon = daemon_of(rig)
    for leaf, expected in (("valid", None), ("other", "mohr.Identity.CardRemoved")):
        daemon.wait_state(card.reader, "card")
        typed = daemon.held()
        running = begin(daemon, card)
        wait_for(lambda: pcsc.pinentries(daemon))
        card.remove()
        laid_back = mock.Card(rig, card.mock, leaf=leaf)
        typed()
        error, _, _ = running.receive()
        rig.check(error == expected, f"a card of leaf {leaf} laid down while the person is asked: {expected}", error)
        rig.check(laid_back.stats().get("verify_commands", 0) == (not expected), "its PIN is sent to no other card",
                  laid_back.stats())
        laid_back.remove()
        card.insert()
    daemon.stop()
    card.close()


def card_taken_in_each_phase(rig):
    for place in ("2", "verify", "sign"):
        card = Slot(rig, reader={})
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        card.mock.say(f"fault time={STORM}@{place}")
        running = begin(daemon, card)
        rig.check(wait_for(lambda: card.mock.stats()["struck"]), f"the card is at work, at {place}", card.mock.stats())
        time.sleep(0.1)
        card.mock.say("remove")
        error, _, _ = running.receive()
        rig.check(error in ("mohr.Identity.CardRemoved", "mohr.Identity.TimedOut", "mohr.Identity.NoCard"),
                  f"the card is taken out at {place}: told so", error)
        rig.check(card.mock.stats()["verifies"] <= 1 and not card.mock.powered(), f"at {place}: at most one VERIFY")
        daemon.stop()
        card.close()


def helper_of(daemon):
    return next((pid for pid, name in daemon.helpers().items() if name == "mohr-reader-usb"), None)


def kill_at(rig, way, place):
    """The helper is killed while the reader works on the command. What was wrong, or None."""
    reader, profile = WAYS[way]
    card = Slot(rig, profile=profile, reader=reader)
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    card.mock.say(f"fault silent@{place}")
    running = begin(daemon, card)
    try:
        if not wait_for(lambda: card.mock.stats()["struck"]):
            return f"never reached: {card.mock.stats()}"
        if not card.mock.powered():
            return "no power before the kill"
        os.kill(helper_of(daemon), signal.SIGKILL)
        if not wait_for(lambda: not card.mock.powered(), SECOND, 0.005):
            return "the power stayed on"
        error, _, _ = running.receive()
        stats = card.mock.stats()
        if stats["verifies"] > 1 or (stats["verifies"] == 1 and not error and place != "sign"):
            return f"answer {error}, {stats}"
        if not card.locked(SECOND):
            return f"left unlocked {card.stats()}"
        return None if daemon.wait_state(card.reader, "card") else "the card was not seen again"
    finally:
        running.close()
        daemon.stop()
        card.close()


def kills(rig):
    cases = [(way, place) for way in WAYS for place in ("1", "7", "verify", "sign")]
    for way, place in rig.mine(rig.few(cases, 4)):
        wrong = kill_at(rig, way, place)
        rig.check(not wrong, f"helper killed, {way}, at {place}: no power within a second", wrong)


def quiet(card):
    """Waits until nothing was said on the wire for a while."""
    seen = []

    def still():
        seen.append(card.mock.stats()["transfers"])
        return len(seen) > 10 and len(set(seen[-10:])) == 1

    wait_for(still)


def suspended(rig):
    """The machine slept: readers lose their power and no word is said; or they are plugged in anew on waking."""
    for wakes in ("sleep", "unplug"):
        card = Slot(rig)
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        rig.check(daemon.request(card.reader)[0] == OK, "before the machine sleeps")
        typed = daemon.held()
        running = begin(daemon, card)
        wait_for(lambda: pcsc.pinentries(daemon))
        quiet(card)  # the mock serves a program within a call of it: stopped there, it would hold the mock up
        children = [daemon.process.pid, *daemon.helpers()]
        for pid in children:
            os.kill(pid, signal.SIGSTOP)
        card.mock.say(wakes)
        time.sleep(0.3)
        if wakes == "unplug":
            card.mock.say("plug")
        for pid in children:
            with contextlib.suppress(ProcessLookupError):  # a helper whose reader went ends by itself
                os.kill(pid, signal.SIGCONT)
        typed()
        error, reply, _ = running.receive()
        rig.check(not error or error.endswith(("CardRemoved", "NoReader", "TimedOut")), f"{wakes}, while the person is asked: a "
                  "typed answer", (error, reply))
        rig.check(card.mock.stats()["verifies"] <= 2 and card.dark(), f"{wakes}: no PIN was sent twice", card.mock.stats())
        daemon.script()
        rig.check(daemon.wait_state(card.reader, "card"), f"{wakes}: then the card is seen again", daemon.status())
        code, answer = daemon.request(card.reader)
        rig.check(code == OK, f"{wakes}: and serves", (code, answer))
        daemon.stop()
        card.close()


def daemon_killed(rig):
    """mohrd killed in the middle: the helper hears of it and takes the power off."""
    for way, fault in (("T=1", "time=20@verify"), ("T=0", "time=20@sign"), ("extended", "silent@verify"),
                       ("T=1", "silent@3")):
        options, profile = WAYS[way]
        card = Slot(rig, profile=profile, reader=options)
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        card.mock.say("fault " + fault)
        running = begin(daemon, card)
        wait_for(lambda: card.mock.stats()["struck"])
        daemon.process.child.kill()
        rig.check(card.dark(), f"mohrd killed, {way}, {fault}: no power within a second", card.mock.log()[-4:])
        rig.check(card.locked(SECOND), f"mohrd killed, {way}, {fault}: the card is locked", card.stats())
        running.close()
        card.close()


def power_off(rig):
    """What mohrd's unit calls when all of it is gone, helpers too."""
    for way in WAYS:
        options, profile = WAYS[way]
        card = Slot(rig, profile=profile, reader=options)
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        card.mock.say("fault silent@verify")
        running = begin(daemon, card)
        wait_for(lambda: card.mock.stats()["struck"])
        helper = helper_of(daemon)
        os.kill(helper, signal.SIGSTOP)  # or it would take the power off itself
        daemon.process.child.kill()
        os.kill(helper, signal.SIGKILL)
        wait_for(lambda: card.mock.log()[-1][1] == "usb released")
        rig.check(card.mock.powered(), f"{way}: all killed, the power is still on", card.mock.log()[-2:])
        done = subprocess.run([os.path.join(card.mock.bus.programs(), "mohr-reader-usb"), "--power-off"], check=False,
                              timeout=60, env=rig.env)
        rig.check(done.returncode == 0 and not card.mock.powered(), f"{way}: --power-off takes it away", (done.returncode, card.mock.log()[-4:]))
        rig.check(card.locked(SECOND), f"{way}: and the card is locked", card.stats())
        running.close()
        card.close()


# ---- keys on the reader ---------------------------------------------------------------------------

def typed_on_keys(rig):
    """A PIN typed on the reader's own keys, in every way that a card may be behind them."""
    for way, (options, profile) in WAYS.items():
        card = Slot(rig, profile=profile, reader={**options, "pinpad": "verify"})
        daemon = daemon_of(rig)
        daemon.script(getpin=["hang"])
        daemon.wait_state(card.reader, "card")
        for typed, expected, sent in ((PIN, OK, 1), ("00000000", WRONG, 1), ("cancel", REFUSED, 0), ("timeout", TIMED_OUT, 0)):
            before = card.mock.stats()
            card.mock.say(f"type {typed}")
            code, answer = daemon.request(card.reader)
            now = card.mock.stats()
            rig.check(code == expected, f"keys, {way}: {'the PIN' if code == OK else typed} is {expected}", (code, answer))
            rig.check(now["secures"] - before["secures"] == 1 and now["verifies"] - before["verifies"] == sent,
                      f"keys, {way}: asked once, sent {sent} times", now)
            rig.check(card.dark() and card.locked(SECOND), f"keys, {way}: no power afterwards", card.mock.log()[-3:])
        rig.check(card.mock.stats()["breaches"] == 0, f"keys, {way}: by the rules", card.mock.stats())
        daemon.stop()
        card.close()


def keys_disturbed(rig):
    """While the person types, or the card checks: whatever happens, the digits were sent once at most."""
    for way, happens, expected in (("T=1", "unplug", LEAVES), ("short", "remove", LEAVES), ("T=1", "kill", GIVES_UP),
                                   ("T=0", "kill", GIVES_UP), ("T=1", "checksum@verify", RECOVERS), ("T=1", "nak@verify", GIVES_UP),
                                   ("T=1", "lost@verify", RECOVERS | GIVES_UP), ("extended", "sequence@verify", RECOVERS | GIVES_UP)):
        options, profile = WAYS[way]
        card = Slot(rig, profile=profile, reader={**options, "pinpad": "verify"})
        daemon = daemon_of(rig, card={"timeout_ms": patience(happens, expected)})
        daemon.script(getpin=["hang"])
        daemon.wait_state(card.reader, "card")
        if "@" in happens:
            card.mock.say("fault " + happens)
            card.mock.say(f"type {PIN}")
        running = begin(daemon, card, timeout_ms=10000 if TIMED_OUT in expected else 60000)
        if "@" not in happens:
            wait_for(lambda: card.mock.stats()["secures"])
            disturb(card, daemon, happens)
        error, _, _ = running.receive()
        code = lib.outcomes().get(error.rsplit(".", 1)[1], error) if error else OK
        rig.check(code in expected, f"keys, {way}, {happens}: one of {sorted(expected)}", (code, card.mock.log()[-4:]))
        rig.check(card.mock.stats()["verifies"] <= 1 and card.mock.stats()["secures"] == 1,
                  f"keys, {way}, {happens}: asked once, sent once at most", card.mock.stats())
        rig.check(card.dark(), f"keys, {way}, {happens}: no power a second later", card.mock.log()[-4:])
        running.close()
        daemon.stop()
        card.close()


def disturb(card, daemon, how):
    if how == "kill":
        os.kill(helper_of(daemon), signal.SIGKILL)
    else:
        card.mock.say(how)


# ---- plugging -------------------------------------------------------------------------------------

def usage(pid):
    """(descriptors, private kilobytes)"""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rows:
        private = sum(int(row.split()[1]) for row in rows if row.startswith("Private_"))
    return len(os.listdir(f"/proc/{pid}/fd")), private


def settled(daemon):
    """usage() when what has ended is gone with its descriptors: the same at five looks."""
    looks = []
    wait_for(lambda: looks.append(usage(daemon.process.pid)) or len({fds for fds, _ in looks[-5:]}) == 1 and len(looks) >= 5, step=0.05)
    return looks[-1]


def cycle(card, daemon):
    card.mock.say("unplug")
    gone = wait_for(lambda: daemon.state_of(card.reader) is None)
    card.mock.say("plug")
    return gone and daemon.wait_state(card.reader, "card")


def plugging(rig):
    """A hundred times; fewer under `./dev check`, where MOHR_LONG is not set."""
    count = 100 if os.environ.get("MOHR_LONG") else 12
    card = Slot(rig, reader={})
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    for _ in range(3):
        cycle(card, daemon)
    fds, private = settled(daemon)
    done = sum(bool(cycle(card, daemon)) for _ in range(count))
    rig.check(done == count, f"plugged in and out {count} times, seen each time", done)
    wait_for(lambda: usage(daemon.process.pid)[0] == fds)
    after, more = usage(daemon.process.pid)
    rig.check(after == fds, "which leaves no descriptor behind", (fds, after))
    if not rig.sanitized():
        rig.check(more - private < 200, "nor memory", (private, more))
    rig.check(wait_for(lambda: len(daemon.helpers()) == 2), "nor processes", daemon.helpers())
    rig.check(daemon.request(card.reader)[0] == OK, "and the reader serves")
    daemon.stop()
    card.close()


def presence(rig):
    """Cards come and go on a reader that tells, and on one that has to be asked."""
    for kind in ("TPDU", "no interrupt endpoint", "a stalled interrupt endpoint"):
        card = Slot(rig, reader=KINDS.get(kind, {}))
        daemon = daemon_of(rig)
        daemon.wait_state(card.reader, "card")
        if kind not in KINDS:
            card.mock.say("stall-interrupt")
        slowest = 0.0
        for line, state in (("remove", "empty"), ("insert", "card")) * 3:
            began = time.monotonic()
            card.mock.say(line)
            if not wait_for(lambda: daemon.state_of(card.reader) == state, step=0.002):
                rig.check(False, f"{kind}: {line} is noticed", daemon.status())
            slowest = max(slowest, time.monotonic() - began)
        rig.check(slowest < SECOND, f"{kind}: a card that comes or goes is seen ({slowest * 1000:.0f} ms)", slowest)
        daemon.stop()
        card.close()


def two_readers(rig):
    first = Slot(rig, profile="mav4", reader={})
    other = mock.Reader(rig, first.mock.bus, level="short")
    second = mock.Card(rig, other, "mav2-t0", leaf="other")
    daemon = daemon_of(rig)
    for card in (first, second):
        daemon.wait_state(card.reader, "card")
    answers = {}

    def ask(card):
        answers[card.reader] = daemon.request(card.reader)[0]

    threads = [threading.Thread(target=ask, args=(card,)) for card in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.check(list(answers.values()) == [OK, OK], "two readers on one bus serve two requests at once", answers)
    first.mock.say("unplug")
    rig.check(wait_for(lambda: daemon.state_of(first.reader) is None) and daemon.state_of(second.reader) == "card",
              "one unplugged, the other one stays", daemon.status())
    rig.check(daemon.request()[0] == OK, "and needs no name then")
    daemon.stop()
    second.remove()
    other.stop()
    first.close()


def idle_cost(rig):
    card = Slot(rig, reader={})
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    pids = [daemon.process.pid, *daemon.helpers()]
    at_rest(pids, 0.3)
    before = switches(pids)
    time.sleep(1.5)
    rig.check(switches(pids) - before <= 2, "idle, with a card on a reader that tells, nothing wakes up", switches(pids) - before)
    daemon.stop()
    card.close()


# ---- Debian's own driver --------------------------------------------------------------------------

def cross_check(rig):
    """The mock is one that libccid accepts: pcscd's reader, our driver `pcsc`."""
    for way in rig.mine(WAYS):
        options, profile = WAYS[way]
        reader = mock.Reader(rig, **options)
        card = mock.Card(rig, reader, profile, sign_ms=500)
        pcscd = mock.Pcscd(rig, reader.bus)
        daemon = lib.Daemon(rig)
        wait_for(lambda: daemon.status()["readers"])
        name = (daemon.status()["readers"] or [{"name": None}])[0]["name"]
        daemon.wait_state(name, "card")
        code, out, err = rig.assert_(daemon)
        rig.check(code == OK and rig.verify(out)[0] == OK, f"pcscd and libccid, {way}: a verified assertion",
                  (code, err, name, reader.stats()))
        stats = reader.stats()
        rig.check(stats["verifies"] == 1 and stats["breaches"] == 0, f"pcscd and libccid, {way}: by the rules", stats)
        daemon.stop()
        pcscd.stop()
        card.remove()
        reader.stop()


def held_by_pcscd(rig):
    reader = mock.Reader(rig)
    card = mock.Card(rig, reader)
    pcscd = mock.Pcscd(rig, reader.bus)
    wait_for(lambda: any(words == "usb claimed" for _, words in reader.log()))
    daemon = mock.Daemon(rig, reader.bus)
    state = daemon.wait_state(card.reader, "busy", "unusable") and daemon.status()["readers"]
    code, answer = daemon.request(card.reader)
    rig.check(code == BUSY, "a reader that pcscd holds is left to it: 23", (code, answer, state, reader.log()))
    claims = sum(words == "usb claimed" for _, words in reader.log())
    rig.check(claims == 1, "and is not disturbed", reader.log())
    daemon.stop()
    pcscd.stop()
    card.remove()
    reader.stop()


SCENES = [odd_readers, unplugged_while_asking, swapped_while_asking, suspended, daemon_killed, power_off, card_taken_in_each_phase, typed_on_keys, keys_disturbed, plugging, presence, two_readers, idle_cost, held_by_pcscd]


def body(rig):
    why = mock.possible() or mock.Bus(rig).lacking()
    if why:
        if rig.shard[0] == 0:
            rig.skip("readers on USB", why)
        return
    for scene in rig.mine(SCENES):
        scene(rig)
    every_kind(rig)
    slow_cards(rig)
    wire(rig)
    kills(rig)
    cross_check(rig)
    as_over_pcsc(rig)


if __name__ == "__main__":
    lib.main(body, workers=10)
