#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kills.py: kill -9 of mohrd, its helpers, mohr-prompt and mohr-history, at random moments of a request.

What must hold each time: an assertion that was answered has its row in the history; a request that reached a person
left a trace there; one entry spends one try at most, by the card's own count; no PIN stays verified (pcsc at once, a
direct reader within a second); whoever was killed comes back, and in the end the history's chain is whole.

MOHR_KILLS=500 (./dev kills) strikes so many moments, a check 60; MOHR_SEED repeats a run's choices.
"""
import contextlib
import os
import random
import signal
import subprocess
import threading
import time

import flow
import lib
import mock
import nfc
import usb
from lib import AUDIENCE, NONCE, Connection, main, outcomes, wait_for
from rows import History, digest_of

SEED = int(os.environ.get("MOHR_SEED", "0")) or random.SystemRandom().randrange(1, 10 ** 9)
MOMENTS = int(os.environ.get("MOHR_KILLS", "60"))
TYPED = {f"mohr.Identity.{name}" for name in outcomes()}
CALM = 8.0  # seconds that something may take to come back on a busy machine


# ---- the ways to a card ---------------------------------------------------------------------------

def over_soft(rig):
    return flow.Soft(rig), flow.daemon_of(rig)


def over_pcsc(rig):
    card = lib.Card(rig, lib.Pcscd(rig), delay_ms=1, sign_ms=20)
    rig.peer("stay", card.reader)  # with nobody else at the card pcscd would take its power by itself
    return card, lib.Daemon(rig)


def over_nfc(rig):
    rig.boards = {}
    return nfc.Board(rig), nfc.daemon_of(rig)


def over_usb(rig):
    return usb.Slot(rig, reader={"rates": "pps"}, sign_ms=20), usb.daemon_of(rig)


# way, its share of the moments, how long a PIN may stay verified after the kill (seconds; five times that fails)
WAYS = {"soft": (over_soft, 0.60, 1.0), "pcsc": (over_pcsc, 0.24, 0.5), "nfc": (over_nfc, 0.08, 1.0), "usb": (over_usb, 0.08, 1.0)}
VICTIMS = ("mohrd", "mohrd", "helper", "helper", "prompt", "history", "all")


def family(daemon):
    """[(pid, kind)] of mohrd and what it has started."""
    found = [(daemon.process.pid, "mohrd")] if daemon.process.alive() else []
    for pid in daemon.helpers(everything=True):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                argv = words.read().split(b"\0")
        except OSError:
            continue
        name = os.path.basename(argv[0]).decode()
        kind = {"mohr-prompt": "prompt", "mohr-history": "history"}.get(name, "helper")
        found.append((pid, "watcher" if b"--watch" in argv or name == "mohr-watch" else kind))
    return found


class Client:
    """An app that asks, and keeps what it hears."""

    def __init__(self, daemon):
        self.phases, self.request, self.error, self.assertion, self.ended = [], None, None, None, threading.Event()
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
        except (OSError, ValueError):
            self.error = "hung up"
        self.connection.close()
        self.ended.set()


class Ground:
    """One card and one daemon that is killed again and again."""

    def __init__(self, rig, name, dice, made=None):
        self.rig, self.name, self.dice = rig, name, dice
        make, _, self.grace = WAYS[name]
        self.card, self.daemon = made or make(rig)
        self.daemon.script(delay=0.004)
        self.answered, self.asked, self.struck, self.moments, self.slowest = {}, set(), {}, 0, 0.0
        self.daemon.wait_state(self.card.reader, "card")
        self.length = self.undisturbed()

    def undisturbed(self):
        """How long a request takes here, when nobody dies."""
        began = time.monotonic()
        self.served("before the first kill")
        return time.monotonic() - began

    def served(self, when):
        code, reply = self.daemon.request(self.card.reader)
        if code == 23:  # a helper that is still being replaced
            self.daemon.wait_state(self.card.reader, "card", seconds=CALM)
            code, reply = self.daemon.request(self.card.reader)
        self.rig.check(code == 0, f"{self.name}: a request is served {when}", (code, reply))
        if code == 0:
            self.answered[flow.claims(reply)["jti"]] = reply
        self.daemon.prompts()

    def aim(self, client, victim):
        """Waits for the moment: anywhere in a request, or shortly after one of its phases began."""
        phase = "consent" if victim == "prompt" else self.dice.choice((None, None, "consent", "pin", "sign"))
        if phase:
            wait_for(lambda: phase in client.phases or client.ended.is_set(), 5, 0.0005)
            time.sleep(self.dice.uniform(0, self.length / 5))
        else:
            time.sleep(self.dice.uniform(0, self.length * 1.1))
        return (client.phases[-1] if not client.ended.is_set() else None) or "end" if client.phases else "begin"

    def kill(self, kind):
        """Everybody of that kind."""
        gone = [(pid, who) for pid, who in family(self.daemon) if kind in (who, "all")]
        for pid, _ in gone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if any(who == "mohrd" for _, who in gone):
            self.daemon.process.child.wait(10)
            self.as_the_unit_does()
        return [who for _, who in gone]

    def as_the_unit_does(self):
        """ExecStopPost and Restart of udev/mohrd.service.in."""
        if self.name == "usb":
            subprocess.run([os.path.join(self.card.mock.bus.programs(), "mohr-reader-usb"), "--power-off"], check=False,
                           capture_output=True)
        self.daemon.start()
        wait_for(lambda: ": ready" in self.daemon.process.said(), 10, 0.002)  # a child of the dead one may have its socket for a moment

    def strike(self):
        """One request, one kill. What was wrong, or None."""
        before = self.card.stats().get("verify_commands", 0)
        client, victim = Client(self.daemon), self.dice.choice(VICTIMS)
        when = self.aim(client, victim)
        at = time.monotonic()
        gone = self.kill(victim)
        if not client.ended.wait(30):
            return f"{victim} killed at {when}: no answer"
        shown = self.daemon.prompts()
        entries = sum(line.startswith("GETPIN") for line in shown)
        if client.request and any(line.startswith(("CONFIRM", "GETPIN")) for line in shown):
            self.asked.add(client.request)
        if client.assertion:
            self.answered[client.request] = client.assertion
        self.moments += bool(gone)
        for who in gone:
            self.struck[who, when] = self.struck.get((who, when), 0) + 1
        wrong = self.wrong(client, entries, before, at)
        return wrong and f"{victim} killed at {when}: {wrong}"

    def wrong(self, client, entries, before, at):
        if not client.assertion and client.error not in TYPED | {"hung up"}:
            return f"an answer that is none: {client.error}"
        if not wait_for(lambda: self.card.stats().get("pin_verified") is False, 5 * self.grace - (time.monotonic() - at), 0.002):
            return f"a PIN stays verified: {self.card.stats()}"
        self.slowest = max(self.slowest, time.monotonic() - at)
        if self.card.stats().get("verify_commands", 0) - before > min(entries, 1):
            return f"{self.card.stats()}: more than one PIN for {entries} entries"
        return self.comes_back()

    def comes_back(self):
        if not self.daemon.wait_state(self.card.reader, "card", seconds=CALM):
            return f"the reader does not come back: {self.daemon.status()}"
        return None

    def kept(self):
        """The history, once mohrd has ended in order and another one has begun and ended."""
        self.daemon.stop()
        self.daemon.start()
        self.daemon.wait_state(self.card.reader, "card")
        self.served("after the last kill")
        self.daemon.stop()
        history = History(self.daemon.state)
        check = lambda ok, what, detail=None: self.rig.check(ok, f"{self.name}: {what}", detail)
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
        ground.daemon.prompts()
        os.kill(worker, signal.SIGSTOP)
        client = Client(ground.daemon)
        wait_for(lambda: client.phases[-1:] == ["card"], 5)
        time.sleep(0.3)
        early = [line for line in ground.daemon.prompts() if line.startswith("PID")]
        rig.check(not early and not client.ended.is_set(), f"while the history's worker stands still nobody is asked ({what})", (early, client.phases))
        os.kill(worker, how)
        rig.check(client.ended.wait(30) and client.error in codes, f"when it {what} the request goes on, or is answered 27", client.error)
        if client.assertion:
            ground.answered[client.request] = client.assertion
    ground.kept()
    ground.end()


def row_before_answer(rig):
    """The same once the card has signed: the assertion does not leave before its row is on disk."""
    card = flow.Soft(rig, sign_ms=300)
    ground = Ground(rig, "soft", random.Random(SEED), (card, flow.daemon_of(rig)))
    for what, how in (("goes on", signal.SIGCONT), ("is killed", signal.SIGKILL)):
        signed = card.stats()["signatures"]
        client = Client(ground.daemon)
        wait_for(lambda: "sign" in client.phases, 10, 0.002)
        worker = worker_of(ground.daemon)
        os.kill(worker, signal.SIGSTOP)
        made = wait_for(lambda: card.stats()["signatures"] > signed, 10)
        time.sleep(0.3)
        rig.check(made and not client.ended.is_set(), f"a signature was made, and does not leave while the worker stands still ({what})", client.error)
        os.kill(worker, how)
        rig.check(client.ended.wait(30) and client.error in (None, "mohr.Identity.CannotRecord"), f"when it {what} there is an answer", client.error)
        if client.assertion:
            ground.answered[client.request] = client.assertion
    ground.kept()
    ground.end()


def share(name, rig):
    count = max(2, round(MOMENTS * WAYS[name][1]))
    return max(2, count // 4) if rig.sanitized() else count


def one_way(rig, name):
    dice = random.Random(f"{SEED} {name}")
    ground, wrong, count = Ground(rig, name, dice), [], share(name, rig)
    while ground.moments < count and len(wrong) < 3:
        if said := ground.strike():
            wrong.append((ground.moments, said))
    rig.check(not wrong, f"{name}: {count} kills: a typed answer or none, one try for one entry, locked again, and back", wrong)
    rig.note(f"{name}: seed {SEED}, locked {ground.slowest * 1000:.0f} ms after a kill at the latest (answer and new start included), struck {dict(sorted((' '.join(key), n) for key, n in ground.struck.items()))}")
    ground.kept()
    ground.end()


def body(rig):
    for name in rig.mine(WAYS):
        why = (mock.possible() or mock.Bus(rig).lacking()) if name == "usb" else None
        if why:
            rig.skip("kills over usb", why)
        else:
            one_way(rig, name)
    if rig.shard[0] == 2:
        row_before_prompt(rig)
        row_before_answer(rig)


if __name__ == "__main__":
    os.environ["MOHR_SEED"] = str(SEED)
    main(body, workers=len(WAYS))
