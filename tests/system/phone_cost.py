# SPDX-License-Identifier: Apache-2.0
"""phone_cost.py: what a phone as a reader costs, for tests/bench: round trips, time, packets, CPU and wake-ups of both sides.

The line is tests/tools/slow_link.c, which counts for itself; mohrd's own count stands beside. Judges nothing."""
import re
import statistics
import time

import phone
import slow

DELAY_MS, ROUNDS, IDLE_SECONDS = 50, 20, 60
TICK_MS = 10


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as found:
            return [int(child) for child in found.read().split()]
    except OSError:
        return []


def cpu_ms(pid):
    """Of a process, all that it has waited for, and its children that live."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):  # it has just ended: its parent counts it from now on
        return 0
    return sum(map(int, fields[11:15])) * TICK_MS + sum(map(cpu_ms, children(pid)))


def family(pid):
    """A process and all below it, but for the history's worker, which ends by a clock of its own."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as name:
            if name.read().startswith("mohr-history"):
                return []
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [pid, *(below for child in children(pid) for below in family(child))]


def switches(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return sum(int(count) for count in re.findall(r"ctxt_switches:\s+(\d+)", status.read()))
    except OSError:
        return 0


class Measured:
    """One daemon and one phone with a soft card."""

    def __init__(self, rig, net, typed):
        self.rig, self.net = rig, net
        self.card = phone.Soft(rig)
        self.daemon = slow.Far(rig, net, typed, card=self.card, log={"level": "debug"})
        self.sides = {"mohrd, its helpers and prompts": self.daemon.process.pid,
                      "mohr-relay, its helpers and prompts": self.daemon.phone.process.pid}
        self.daemon.wait_state("phone", "card", seconds=30)
        net.say(f"delay {DELAY_MS}")

    def request(self):
        """(milliseconds, round trips, what the line counted)"""
        self.net.quiet()
        began = time.monotonic()
        code, answer = self.daemon.request("phone")
        took = (time.monotonic() - began) * 1000
        counted = self.net.stats()
        if code != 0:
            raise RuntimeError(f"over a phone: {code} {answer}")
        flights = re.findall(r'card was asked flights="(\d+)"', self.daemon.process.said())
        return took, int(flights[-1]), counted

    def end(self):
        self.net.say("delay 0")
        self.daemon.stop()
        self.card.remove()


def told(counted):
    return f"{sum(counted['sent'])} packets, {sum(counted['bytes'])} bytes; {counted['trips']} trips seen on the line"


def rows(rig):
    """Each is what tests/bench prints: what, value, aim, what stands beside."""
    why = slow.possible(rig)
    if why:
        yield "a phone", "-", "", why
        return
    net = slow.Net(rig)
    for typed in ("computer", "phone"):
        measured = Measured(rig, net, typed)
        took, trips, counted = measured.request()
        yield f"first assertion, PIN at the {typed}: round trips", str(trips), "12", told(counted)
        yield "   wall time, scripted pinentry", f"{took:.0f} ms", "", f"{took / DELAY_MS:.1f} round trips of {DELAY_MS} ms"
        before = {side: cpu_ms(pid) for side, pid in measured.sides.items()}
        again = [measured.request() for _ in range(ROUNDS)]
        worst = max(again, key=lambda one: one[1])
        yield f"repeated one, PIN at the {typed}: round trips, the worst of {ROUNDS}", str(worst[1]), "5", told(worst[2])
        wall = statistics.median(one[0] for one in again)
        yield "   wall time, scripted pinentry", f"{wall:.0f} ms", "", f"{wall / DELAY_MS:.1f} round trips of {DELAY_MS} ms"
        for side, pid in measured.sides.items():
            yield f"   CPU of {side}", f"{(cpu_ms(pid) - before[side]) / ROUNDS:.1f} ms"
        if typed == "phone":
            yield from idle(net, measured)
        measured.end()


def idle(net, measured):
    net.quiet(1.0)
    before = {side: {each: switches(each) for each in family(pid)} for side, pid in measured.sides.items()}
    time.sleep(IDLE_SECONDS)
    for side, counts in before.items():
        woken = sum(max(0, switches(each) - count) for each, count in counts.items())
        yield f"wake-ups in {IDLE_SECONDS} s: {side.split(',')[0]} and helpers", str(woken), "0"
    counted = net.stats()
    yield f"packets in {IDLE_SECONDS} s, a card lying there", str(sum(counted["sent"])), "", f"{sum(counted['bytes'])} bytes"
