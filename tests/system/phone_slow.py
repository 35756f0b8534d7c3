#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A phone behind a line that is slow, loses packets, is cut at any word of a request, or sleeps.

tests/tools/slow_link.c is the line and cuts it at the n-th packet that bears something, so that each word of a request is once
the last one that arrives. What must hold every time: a typed answer in time, the card not verified any more, one PIN command at
the most for one entry, and the next request served as soon as the line is back. The card's witness is asked.
"""
import os
import re
import signal
import time

import pcsc
import phone
import slow
from lib import main, wait_for

OK, NO_READER, REMOVED, TIMED_OUT, BUSY = 0, 10, 17, 19, 23
BROKEN = {NO_READER, REMOVED, TIMED_OUT}
FIRST, AGAIN = 12, 5  # round trips of an assertion, at most


class Line:
    """A phone with its card, and a computer; the line is as it should be."""

    def __init__(self, rig, net, typed="computer", **switches):
        self.rig, self.net = rig, net
        net.say("heal")
        net.say("delay 0")
        net.say("loss 0")
        self.card = phone.Soft(rig, **switches)
        self.daemon = slow.Far(rig, net, typed, card=self.card)
        self.daemon.wait_state("phone", "card", seconds=90)

    def asked_again(self):
        """A request when the line is back. For a few seconds the phone may still wait for the connection that was cut (23)."""
        answers = []
        wait_for(lambda: answers.append(self.daemon.request("phone", timeout=120)) or answers[-1][0] != BUSY, 60, 0.3)
        return answers[-1]

    def spent(self):
        return self.card.stats().get("verify_commands", 0)

    def counted(self, most):
        """(exit code, assertion, round trips on the line, seconds). A request that comes while the connection for the next use is still being
        made, as on a busy machine, costs one more: then another one is counted."""
        for _ in range(3):
            self.net.quiet(1.0)
            began = time.monotonic()
            code, answer = self.daemon.request("phone", timeout=120)
            took, trips = time.monotonic() - began, self.net.stats()["trips"]
            if code != OK or self.flights()[-1] <= most:
                break
        return code, answer, trips, took

    def flights(self):
        """What mohrd itself counted, request by request."""
        return [int(number) for number in re.findall(r'card was asked flights="(\d+)"', self.daemon.process.said())]

    def end(self):
        self.net.say("heal")
        self.daemon.stop()
        self.card.remove()


def slow_line(rig, net, delay, typed):
    line = Line(rig, net, typed)
    net.say(f"delay {delay}")
    what = f"{delay} ms, PIN at the {typed}"
    line.daemon.prompts()
    for which, most in (("a first assertion", FIRST), ("a repeated one", AGAIN)):
        code, answer, trips, took = line.counted(most)
        rig.check(code == OK and rig.verify(answer)[0] == OK, f"{what}: {which} holds", (code, answer))
        rig.check(line.flights()[-1] <= most, f"{what}: {which}: {line.flights()[-1]} times there and back", (line.flights(), trips))
        # On the line the pings of a transaction and what is said to a phone meanwhile count, too: one for each second that somebody computes.
        rig.check(trips <= most + 3 + max(0, took - most * delay / 1000), f"{what}: {which}: and {trips} seen from outside", (line.flights(), trips, took))
    rig.check(line.card.locked() and line.spent() == len(line.flights()), f"{what}: one PIN command each", line.card.stats())
    line.end()


def losses(rig, net, delay, loss):
    line = Line(rig, net)
    net.say(f"delay {delay}")
    net.say(f"loss {loss}")
    codes = [line.daemon.request("phone", timeout=120)[0] for _ in range(3)]
    lost = net.stats()["lost"]
    rig.check(codes == [OK] * 3, f"{loss / 10:g} % of the packets are lost: all is served ({lost} were)", codes)
    rig.check(line.card.locked() and line.spent() == 3, "and no PIN is sent twice", line.card.stats())
    line.end()


def cut_at(rig, net, side, word, typed):
    """What was wrong, or None; and whether the line was cut before the answer was out."""
    line = Line(rig, net, typed)
    try:
        net.say("delay 10")
        net.quiet()
        net.say(f"{side} {word}")
        began = time.monotonic()
        code, answer = line.daemon.request("phone", timeout=120)
        took = time.monotonic() - began
        if code not in BROKEN | {OK}:
            return f"answer {code} {answer}", True
        if took > 100:
            return f"answer after {took:.0f} s", True
        if not line.card.locked() and line.card.stats():  # one that never had power has written nothing
            return f"left unlocked {line.card.stats()}", True
        if line.spent() > 1:
            return f"PIN sent twice {line.card.stats()}", True
        net.say("heal")
        if not line.daemon.wait_state("phone", "card", seconds=90):
            return f"not back: {line.daemon.status()}", True
        before = line.spent()
        again, answer = line.asked_again()
        if again != OK or line.spent() != before + 1 or not line.card.locked():
            return f"the next request: {again} {answer} {line.card.stats()}", True
        return None, code != OK
    finally:
        line.end()


def words(rig, net):
    """How much either side says in one request that nobody disturbs."""
    line = Line(rig, net)
    net.say("delay 10")
    net.quiet()
    line.daemon.request("phone")
    said = net.stats()["words"]
    line.end()
    return said


def cuts(rig, net):
    """At every word of either side; the PIN is typed on both by turns."""
    there, back = rig.once("words", lambda: words(rig, net))
    cases = [("there", word, ("computer", "phone")[word % 2]) for word in range(1, there + 1)]
    return cases + [("back", word, ("phone", "computer")[word % 2]) for word in range(1, back + 1)]


def cut(rig, net, side, word, typed):
    wrong, struck = cut_at(rig, net, side, word, typed)
    rig.check(not wrong, f"cut at word {word} {side}, PIN at the {typed}: {'given up' if struck else 'nothing was said any more'}", wrong)


def verified(line):
    return wait_for(lambda: line.card.stats().get("pin_verified"))


def asleep_after_verify(rig, net):
    """The phone's processor stops between VERIFY and the signature, for longer than anybody waits."""
    line = Line(rig, net, sign_ms=5000)
    running = pcsc.Connection(line.daemon.socket).send("mohr.Identity.Assert", {
        "audience": pcsc.AUDIENCE, "nonce": pcsc.NONCE, "ui": {"display": ":mohr-test"}})
    rig.check(verified(line), "asleep: the card is verified")
    net.say("hold")
    error, reply, _ = running.receive()
    rig.check(error and error.rsplit(".", 1)[1] in ("NoReader", "TimedOut", "CardRemoved"), "asleep: the request ends with a typed answer",
              (error, reply))
    rig.check(line.card.locked(), "asleep: the card is not verified any more", line.card.stats())
    net.say("heal")
    rig.check(line.daemon.wait_state("phone", "card", seconds=90), "asleep: it is back when it wakes up", line.daemon.status())
    code, answer = line.asked_again()
    rig.check(code == OK and line.spent() == 2, "asleep: and serves, with one PIN command more", (code, answer, line.card.stats()))
    line.end()


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as found:
        return found.read().split()


def alive(pid):
    return os.path.exists(f"/proc/{pid}")


def somebody_dies(rig, net, who):
    """While the card signs, with its PIN verified."""
    line = Line(rig, net, sign_ms=2000)
    running = pcsc.Connection(line.daemon.socket).send("mohr.Identity.Assert", {
        "audience": pcsc.AUDIENCE, "nonce": pcsc.NONCE, "ui": {"display": ":mohr-test"}})
    rig.check(verified(line), f"{who} is killed: the card is verified before")
    pid = {"mohrd": line.daemon.process.pid, "mohr-relay": line.daemon.phone.process.pid}.get(who) or line.daemon.helper()
    holders = children(line.daemon.phone.process.pid)
    os.kill(pid, signal.SIGKILL)
    # A soft card is in its helper: that ends with mohr-relay, and the card has no power then.
    rig.check(wait_for(lambda: line.card.locked(0) or not any(map(alive, holders))),
              f"{who} is killed: the card is not verified any more", line.card.stats())
    running.close()
    rig.check(line.spent() == 1, f"{who} is killed: one PIN command", line.card.stats())
    line.end()


def slow_person(rig, net, typed):
    """Who needs longer for the PIN than either side waits for a word of the other, over a line that is as slow."""
    line = Line(rig, net, typed)
    line.daemon.script(delay=12)
    net.say("delay 300")
    net.say("loss 20")
    code, answer = line.daemon.request("phone", timeout=120)
    rig.check(code == OK and line.spent() == 1, f"a person who takes 12 seconds at the {typed} is waited for", (code, answer))
    rig.check(line.card.locked(), f"a person who takes 12 seconds at the {typed}: the card is locked afterwards", line.card.stats())
    line.end()


def away_while_idle(rig, net):
    """The Wi-Fi goes while nobody asks for anything; the first to notice is a request."""
    line = Line(rig, net)
    rig.check(line.daemon.request("phone")[0] == OK, "before the Wi-Fi goes")
    line.daemon.wait_state("phone", "card")
    net.say("cut")
    began = time.monotonic()
    rig.check(wait_for(lambda: line.daemon.state_of("phone") != "card"), "whoever asks for the state hears within seconds that it is not there",
              (time.monotonic() - began, line.daemon.status()))
    net.say("heal")
    line.daemon.wait_state("phone", "card", seconds=90)
    net.say("cut")
    code, answer = line.daemon.request("phone", timeout=120)
    rig.check(code in BROKEN, "a request while it is away: a typed answer", (code, answer))
    net.say("heal")
    rig.check(line.daemon.wait_state("phone", "card", seconds=90), "it is found again by itself", line.daemon.status())
    code, answer = line.asked_again()
    rig.check(code == OK and line.spent() == 2, "and serves", (code, answer, line.card.stats()))
    line.end()


BOTH = ("phone", "computer")
SCENES = [*((slow_line, delay, typed) for delay in (300, 150, 50, 5) for typed in BOTH), *((slow_person, typed) for typed in BOTH),
          (losses, 50, 20), (losses, 100, 50), (asleep_after_verify,), *((somebody_dies, who) for who in ("mohrd", "the computer's helper", "mohr-relay")),
          (away_while_idle,)]


def body(rig):
    if slow.skip(rig, "slow and lossy links"):
        return
    net = slow.Net(rig)
    for scene, *how in rig.mine(SCENES + [(cut, *case) for case in rig.few(cuts(rig, net), 5)]):
        scene(rig, net, *how)


if __name__ == "__main__":
    main(body, workers=10)  # each of them waits most of its time; a user has 128 inotify instances, and this runs twice at once
