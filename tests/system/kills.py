#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kills.py: kill -9 of mohrd, its helpers, mohr-prompt and mohr-history, of a phone's mohr-relay and its helper, at random moments of a
request, over each way to a card.

What must hold each time: an assertion that was answered has its row in the history; a request that reached a person
left a trace there; one entry spends one try at most, by the card's own count; no PIN stays verified (pcsc at once, a
direct reader within a second, by the card's own clock); whoever was killed comes back, and in the end the history's chain is whole.

MOHR_KILLS=500 (./dev kills) strikes so many moments, a check 40; MOHR_SEED repeats a run's choices.
"""
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import flow
import ways
from lib import AUDIENCE, NONCE, PATIENCE, Connection, main, outcomes, wait_for
from rows import History, digest_of

SEED = int(os.environ.get("MOHR_SEED", "0")) or random.SystemRandom().randrange(1, 10 ** 9)
MOMENTS = int(os.environ.get("MOHR_KILLS", "40"))
TYPED = {f"mohr.Identity.{name}" for name in outcomes()}
CALM = PATIENCE  # seconds that something may take to come back on a busy machine
BUSY = 1 if "MOHR_KILLS" in os.environ else 5  # so many times the grace below may a PIN stay verified: in a check the machine is busy


# way: its share of the moments, how long a PIN stays verified after a kill (seconds, by the card's own clock, where not much else is
# to be done; told() says how long it was), how long the way may take to be back. A phone's reader is as good as the same one here.
WAYS = {"soft": (0.36, 1.0, CALM), "pcsc": (0.20, 0.5, CALM), "nfc": (0.08, 1.0, CALM), "usb": (0.08, 1.0, CALM),
        "phone": (0.12, 1.0, 60), "phone, pcsc": (0.08, 0.5, 60), "phone, usb": (0.08, 1.0, 60)}
VICTIMS = ("mohrd", "mohrd", "helper", "helper", "prompt", "history", "all")
OF_A_PHONE = ("relay", "relay", "relay's helper")
HOLDERS = {"mohrd", "helper", "relay", "relay's helper"}  # whoever has a verified card in hand


def kind_of(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as words:
            argv = words.read().split(b"\0")
    except OSError:
        return None
    name = os.path.basename(argv[0]).decode()
    kind = {"mohr-prompt": "prompt", "mohr-history": "history", "mohr-relay": "relay"}.get(name, "helper")
    return "watcher" if b"--watch" in argv or name.startswith("mohr-watch") else kind


def children(pid):
    """Asked of the kernel in one word: a look at all of /proc takes as long as a signature."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as found:
            return list(map(int, found.read().split()))
    except OSError:
        return []


def family(daemon):
    """[(pid, kind)] of mohrd and what it has started, and of a phone's relay."""
    found = [(daemon.process.pid, "mohrd")] if daemon.process.alive() else []
    found += [(pid, kind_of(pid)) for pid in children(daemon.process.pid)]
    if hasattr(daemon, "phone") and daemon.phone.process.alive():
        relay = daemon.phone.process.pid
        found += [(relay, "relay"), *((pid, "relay's " + kind if kind == "helper" else kind) for pid in children(relay) if (kind := kind_of(pid)))]
    return [(pid, kind) for pid, kind in found if kind]


class Client:
    """An app that asks, and keeps what it hears."""

    def __init__(self, daemon):
        self.phases, self.request, self.error, self.assertion, self.ended_at, self.ended = [], None, None, None, None, threading.Event()
        self.connection = Connection(daemon.socket, 60)
        self.connection.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}, more=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        try:
            more = True
            while more:
                error, reply, more = self.connection.receive()
                self.request = reply.get("request") or self.request
                self.error, self.assertion = error, reply.get("assertion")
                self.phases.append(reply.get("phase"))
        except TimeoutError:
            self.error = "silence"
        except (OSError, ValueError):
            self.error = "hung up"
        self.ended_at = time.monotonic()
        self.connection.close()
        self.ended.set()


class Ground:
    """One card and one daemon that is killed again and again."""

    def __init__(self, rig, name, dice, **switches):
        self.rig, self.name, self.dice = rig, name, dice
        _, grace, self.calm = WAYS[name]
        self.grace = BUSY * grace
        self.card, make = ways.WAYS[name](rig, **switches)
        self.reader = ways.reader_of(self.card, name)
        if name == "pcsc":
            rig.peer("stay", self.reader)  # with nobody else at the card pcscd would take its power by itself
        self.daemon = make(rig)
        self.daemon.script(delay=0.004)
        self.answered, self.asked, self.struck, self.moments = {}, set(), {}, 0
        self.entries, self.open_for, self.unlocked = 0, [], 0
        self.daemon.wait_state(self.reader, "card", seconds=self.calm)
        self.length = self.undisturbed()

    def undisturbed(self):
        """How long a request takes here, when nobody dies."""
        began = time.monotonic()
        self.served("before the first kill")
        return time.monotonic() - began

    def served(self, when):
        answers = []
        wait_for(lambda: answers.append(self.daemon.request(self.reader)) or answers[-1][0] != 23, self.calm, 0.1)
        code, reply = answers[-1]  # 23: a helper is still being replaced, a phone waits for the connection before
        self.rig.check(code == 0, f"{self.name}: a request is served {when}", answers)
        if code == 0:
            self.answered[flow.claims(reply)["jti"]] = reply
        self.shown()

    def shown(self):
        """What pinentry was told since the last look; PINs that were asked for are counted."""
        lines = self.daemon.prompts()
        self.entries += sum(line.startswith("GETPIN") for line in lines)
        return lines

    def aim(self, client, victim):
        """Waits for the moment: anywhere in a request, shortly after one of its phases began, or while the PIN is verified."""
        phase = "consent" if victim == "prompt" else self.dice.choice((None, None, "consent", "pin", "sign", "verified", "verified"))
        if phase == "verified":
            wait_for(lambda: self.unlocked_now() or client.ended.is_set(), 5, 0.0005)
            time.sleep(self.dice.uniform(0, SIGN_MS / 1000))
        elif phase:
            wait_for(lambda: phase in client.phases or client.ended.is_set(), 5, 0.0005)
            time.sleep(self.dice.uniform(0, self.length / 5))
        else:
            time.sleep(self.dice.uniform(0, self.length * 1.1))
        return (client.phases[-1] if not client.ended.is_set() else None) or "end" if client.phases else "begin"

    def unlocked_now(self):
        return self.card.stats().get("pin_verified") is True

    def kill(self, kind):
        """Everybody of that kind. Who they were, and when they went."""
        gone, at = [(pid, who) for pid, who in family(self.daemon) if kind in (who, "all")], time.monotonic()
        for pid, _ in gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.as_the_units_do({who for _, who in gone})
        return [who for _, who in gone], at

    def as_the_units_do(self, gone):
        """ExecStopPost and Restart of udev/mohrd.service.in and udev/mohr-relay.service.in."""
        ended = [process for process, who in ((self.daemon.process, "mohrd"), (getattr(self.daemon, "phone", self.daemon).process, "relay")) if who in gone]
        for process in ended:
            process.child.wait(PATIENCE)
        holds = "relay" if self.name.startswith("phone") else "mohrd"
        if "usb" in self.name and holds in gone:
            subprocess.run(ways.after_a_kill(self.rig), check=False, capture_output=True)
        if "relay" in gone:
            self.daemon.phone.start()
        if "mohrd" in gone:
            self.daemon.start()
            wait_for(lambda: ": ready" in self.daemon.process.said(), step=0.002)  # a child of the dead one may have its socket for a moment

    def strike(self):
        """One request, one kill. What was wrong, or None."""
        self.shown()  # what somebody was asked on behalf of the one before
        before = self.card.stats().get("verify_commands", 0)
        client, victim = Client(self.daemon), self.dice.choice(VICTIMS + (OF_A_PHONE if hasattr(self.daemon, "phone") else ()))
        when = self.aim(client, victim)
        verified = self.unlocked_now()
        gone, at = self.kill(victim)
        if not client.ended.wait(90):
            return f"{victim} killed at {when}: no answer"
        shown = self.shown()
        entries = sum(line.startswith("GETPIN") for line in shown)
        if client.request and any(line.startswith(("CONFIRM", "GETPIN")) for line in shown):
            self.asked.add(client.request)
        if client.assertion:
            self.answered[client.request] = client.assertion
        self.moments += bool(gone)
        self.unlocked += bool(gone and verified)
        for who in gone:
            self.struck[who, when] = self.struck.get((who, when), 0) + 1
        wrong = self.wrong(client, entries, before, at, HOLDERS & set(gone))
        return wrong and f"{victim} killed at {when}: {wrong}"

    def wrong(self, client, entries, before, at, holders):
        if not client.assertion and client.error not in TYPED | {"hung up"}:
            return f"an answer that is none: {client.error}"
        if not wait_for(lambda: self.card.stats().get("pin_verified") is False, CALM, 0.002):
            return f"a PIN stays verified: {self.card.stats()}"
        since = client.ended_at if client.assertion else at  # a request that was served all the same has had its own end
        locked = self.card.stats().get("pin_changed_ms", 0) / 1000 - since
        if holders and locked > 0 and not client.assertion:
            self.open_for.append(locked)
        if holders and locked > self.grace:
            return f"a PIN stays verified for {locked:.3f} s: {self.card.stats()}"
        if self.card.stats().get("verify_commands", 0) - before > min(entries, 1):
            return f"{self.card.stats()}: more than one PIN for {entries} entries"
        return self.comes_back()

    def comes_back(self):
        if not self.daemon.wait_state(self.reader, "card", seconds=self.calm):
            return f"the reader does not come back: {self.daemon.status()}"
        return None

    def kept(self):
        """The history, once mohrd has ended in order and another one has begun and ended."""
        self.daemon.stop()
        self.daemon.start()
        self.daemon.wait_state(self.reader, "card", seconds=self.calm)
        self.served("after the last kill")
        self.daemon.stop()
        self.shown()
        spent = self.card.stats()
        history = History(self.daemon.state)
        check = lambda ok, what, detail=None: self.rig.check(ok, f"{self.name}: {what}", detail)
        check(spent["verify_commands"] <= self.entries and not any(spent.get("failures", {}).values()),
              f"{self.entries} PINs were typed, {spent['verify_commands']} went to the card, and no try was lost", spent)
        check(history.rows and not history.broken(), f"{len(history.rows)} rows, and the chain is whole", history.broken())
        lost = [request for request, assertion in self.answered.items()
                if history.of(request).get("ended", {}).get("assertion") != digest_of(assertion)]
        check(not lost, f"{len(self.answered)} assertions were answered, and each has its row", [history.of(request) for request in lost][:3])
        untold = [request for request in self.asked if "asked" not in history.of(request)]
        check(not untold, f"{len(self.asked)} requests reached a person, and each left a trace", untold)
        open_ = [body["request"] for body in history.bodies if body["event"] == "asked" and
                 not set(history.of(body["request"])) & {"ended", "interrupted"}]
        check(not open_, "each that was asked is told to have ended, or to have been interrupted", open_)
        doubled = [body["request"] for body in history.bodies if body["event"] in ("ended", "interrupted")]
        check(len(doubled) == len(set(doubled)), "once", len(doubled) - len(set(doubled)))
        code, out, err = self.rig.mohr(self.daemon, "history", "verify", "--from", self.daemon.state)
        check(code == 0, "mohr history verify finds nothing", (code, out, err))

    def end(self):
        self.daemon.stop()
        self.card.remove()


# ---- the row comes first --------------------------------------------------------------------------

def worker_of(daemon):
    return next((pid for pid, who in family(daemon) if who == "history"), None)


def row_before_prompt(rig):
    """The worker of the history stands still: nobody is asked until it goes on, and nobody at all if it does not come back."""
    ground = Ground(rig, "soft", random.Random(SEED))
    for what, how, codes in (("goes on", signal.SIGCONT, {None}), ("is killed", signal.SIGKILL, {None, "mohr.Identity.CannotRecord"})):
        worker = worker_of(ground.daemon)
        ground.shown()
        os.kill(worker, signal.SIGSTOP)
        client = Client(ground.daemon)
        came = wait_for(lambda: client.phases[-1:] == ["card"])
        time.sleep(0.3)
        early = [line for line in ground.shown() if line.startswith("PID")]
        rig.check(came and not early and not client.ended.is_set(), f"while the history's worker stands still nobody is asked ({what})", (early, client.phases))
        os.kill(worker, how)
        rig.check(client.ended.wait(60) and client.error in codes, f"when it {what} the request goes on, or is answered 27", client.error)
        if client.assertion:
            ground.answered[client.request] = client.assertion
    ground.kept()
    ground.end()


def row_before_answer(rig):
    """The same once the card has signed: the assertion does not leave before its row is on disk."""
    ground = Ground(rig, "soft", random.Random(SEED))
    card = ground.card
    for what, how in (("goes on", signal.SIGCONT), ("is killed", signal.SIGKILL)):
        signed, type_pin = card.stats()["signatures"], ground.daemon.held()
        client = Client(ground.daemon)
        asked = wait_for(lambda: any(line.startswith("GETPIN") for line in ground.shown()))
        worker = worker_of(ground.daemon)
        os.kill(worker, signal.SIGSTOP)
        type_pin()
        made = wait_for(lambda: card.stats()["signatures"] > signed)
        time.sleep(0.3)
        rig.check(asked and made and not client.ended.is_set(), f"a signature was made, and does not leave while the worker stands still ({what})", client.error)
        os.kill(worker, how)
        rig.check(client.ended.wait(60) and client.error in (None, "mohr.Identity.CannotRecord"), f"when it {what} there is an answer", client.error)
        if client.assertion:
            ground.answered[client.request] = client.assertion
    ground.daemon.script()
    ground.kept()
    ground.end()


def while_mohrd_stands_still(rig):
    """Any program of the user can stop mohrd and kill its helper while the PIN is verified. pcscd is nobody's to stop and resets the card; a reader that
    no service holds keeps it as it is until mohrd goes on."""
    for name, by_itself in (("pcsc", True), ("usb", False)):
        if why := ways.lacking(rig, name):
            rig.skip(f"mohrd stopped over {name}", why)
            continue
        signs = 1.0  # seconds; so long there is to strike
        ground = Ground(rig, name, random.Random(SEED), sign_ms=int(signs * 1000))
        client = Client(ground.daemon)
        verified = wait_for(ground.unlocked_now, step=0.0005)
        os.kill(ground.daemon.process.pid, signal.SIGSTOP)
        _, at = ground.kill("helper")
        locked = wait_for(lambda: not ground.unlocked_now(), PATIENCE if by_itself else signs + 0.5, 0.002)
        took = ground.card.stats()["pin_changed_ms"] / 1000 - at
        if by_itself:
            rig.check(verified and locked and took < signs + ground.grace, f"{name}: mohrd stands still, its helper is killed: pcscd locks the card ({took * 1000:.0f} ms)", took)
        else:
            rig.check(verified and not locked, f"left: {name}: mohrd stands still, its helper is killed: the card stays unlocked")
        on = time.monotonic()
        os.kill(ground.daemon.process.pid, signal.SIGCONT)
        rig.check(client.ended.wait(60) and not client.assertion and client.error in TYPED, f"{name}: when mohrd goes on there is a typed answer", client.error)
        rig.check(ground.card.locked(CALM) and ground.card.stats()["pin_changed_ms"] / 1000 - on < ground.grace, f"{name}: and the card is locked", ground.card.stats())
        ground.end()


SIGN_MS = 20
GROUND = 100  # moments on one card: its witness does not keep more


def share(name, rig):
    count = max(2, round(MOMENTS * WAYS[name][0]))
    return max(2, count // 4) if rig.sanitized() else count


def told(ground):
    """The figures of docs/threat-model.md."""
    spans = sorted(ground.open_for)
    worst, middle = (f"{span * 1000:.0f} ms" for span in ((spans[-1], spans[len(spans) // 2]) if spans else (0, 0)))
    return (f"{ground.name}: {ground.moments} moments, {ground.unlocked} with a PIN verified; locked after {middle}, {worst} at the latest, by the card's clock "
            f"({len(spans)} times); {dict(sorted((' '.join(key), n) for key, n in ground.struck.items()))}")


def one_ground(rig, name, dice, count):
    ground, wrong = Ground(rig, name, dice, sign_ms=SIGN_MS, **({"delay_ms": 1} if "pcsc" in name else {})), []
    while ground.moments < count and len(wrong) < 3:
        if said := ground.strike():
            wrong.append((ground.moments, said))
    rig.check(not wrong, f"{name}: {count} kills: a typed answer or none, one try for one entry, locked again, and back", wrong)
    rig.note(f"seed {SEED}, {told(ground)}")
    ground.kept()
    ground.end()


def one_way(rig, name):
    dice, left = random.Random(f"{SEED} {name}"), share(name, rig)
    while left > 0:
        one_ground(rig, name, dice, min(left, GROUND))
        left -= GROUND


def body(rig):
    for name in rig.mine(WAYS):
        if why := ways.lacking(rig, name):
            rig.skip(f"kills over {name}", why)
        else:
            one_way(rig, name)
    if rig.shard[0] == 2:
        row_before_prompt(rig)
        row_before_answer(rig)
    if rig.shard[0] == 3:
        while_mohrd_stands_still(rig)


if __name__ == "__main__":
    os.environ["MOHR_SEED"] = str(SEED)
    main(body, workers=len(WAYS))
