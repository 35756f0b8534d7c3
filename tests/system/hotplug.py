#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hotplug.py: readers and cards that come and go while somebody looks and while somebody signs, over the real
pcscd, over an NFC board, and for USB readers as udev tells of them; a hundred times, with what is left then.
Two daemons of two users on one machine, two cards in one session, a seat that others sit down at.

Times are printed; what is asserted of them is generous, since machines differ."""
import contextlib
import json
import os
import re
import select
import shutil
import signal
import subprocess
import time

import lib
from lib import AUDIENCE, NONCE, PIN, Card, Connection, Daemon, Pcscd, Process, Rig, wait_for
from nfc import Board
from udev_voice import UsbReader, Voice, hush

CLERK, CITIZEN = 60001, 60002
TYPED = {10, 11, 17, 19, 23, 25}
SLOW = 15.0  # seconds; the aim is 0.2, and what fails takes for ever


class Watch:
    """mohr watch --json, read line by line."""

    def __init__(self, rig, daemon):
        self.process = Process(rig, "watch", [os.path.join(rig.build, "mohr"), "watch", "--json"],
                               {**rig.env, "MOHR_SOCKET": daemon.socket}, stdout=subprocess.PIPE)
        self.last, self.rest = None, b""

    def line(self, seconds):
        while b"\n" not in self.rest:
            if not select.select([self.process.child.stdout], [], [], max(0, seconds))[0]:
                return None
            self.rest += os.read(self.process.child.stdout.fileno(), 65536)
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def until(self, condition, seconds=lib.PATIENCE):
        """Milliseconds until a picture for which condition(states by name) holds, or None."""
        began, end = time.monotonic(), time.monotonic() + seconds
        if self.last is not None and condition(self.last):
            return 0.0
        while line := self.line(end - time.monotonic()):
            self.last = {row["name"]: row for row in json.loads(line)["readers"]}
            if condition(self.last):
                return (time.monotonic() - began) * 1000
        return None


def listening(daemon):
    """The daemon with its watchers listening to udev."""
    wait_for(lambda: all(row["state"] == "running" for row in daemon.status()["backends"]))
    return daemon


def state(name, *states):
    return lambda readers: readers.get(name, {}).get("state") in states


def gone(name):
    return lambda readers: name not in readers


def usage(daemon):
    """(descriptors, children, resident KiB) of mohrd."""
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as status:
        rss = int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))
    return len(os.listdir(f"/proc/{daemon.process.pid}/fd")), len(daemon.helpers()), rss


def switches(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
    return total


def at_rest(pids, seconds, patience=lib.PATIENCE):
    """Once none of them has woken up for so long."""
    def slept():
        before = switches(pids)
        time.sleep(seconds)
        return switches(pids) == before
    return wait_for(slept, patience)


def over_pcscd(rig):
    """Cards and readers of pcscd as mohr watch shows them."""
    pcscd = Pcscd(rig)
    card, daemon = Card(rig, pcscd), Daemon(rig)
    watch = Watch(rig, daemon)
    watch.until(state(card.reader, "card"))
    times = []
    for there in (False, True) * 3:
        card.turn()
        wait_for(lambda: lib.card_present(card.reader) == there, step=0.001)
        times.append(watch.until(state(card.reader, "card" if there else "empty")))
    rig.check(None not in times and max(times) < SLOW * 1000, "pcscd: a card is seen to come and go", times)
    rig.note("after pcscd knows of a card, watch says so within ms: " + " ".join(f"{ms or -1:.1f}" for ms in times))
    pcscd.process.stop(signal.SIGKILL)
    rig.check(watch.until(lambda readers: not readers) is not None, "pcscd: without it there are no readers", watch.last)
    os.unlink("/run/pcscd/pcscd.comm")
    pcscd.start()
    rig.check(watch.until(state(pcscd.name(), "empty", "card")) is not None, "pcscd: and with a new one there are", watch.last)
    pids = [daemon.process.pid, *daemon.helpers()]
    at_rest(pids, 1.5)  # the list is read once more a second after a change
    before = switches(pids)
    time.sleep(3)
    rig.check(switches(pids) == before, f"pcscd: {len(pids)} idle processes do not wake up in three seconds")
    daemon.stop()
    card.remove()
    pcscd.stop()


def pulled(rig, voice):
    """An NFC board goes away, whole, while a request is in each phase; udev says so, or later, or never."""
    rig.boards = {}
    board = Board(rig, sign_ms=8000)  # a card that takes its time: on a busy machine, too, it is pulled before it is done
    daemon = Daemon(rig, drivers=("nfc",), nfc={"device": board.device})
    phases = [("reader", 0), ("card", 0), ("consent", 0), ("pin", 0.05), ("sign", 0), ("pin", None)]
    for number, (phase, late) in enumerate(phases, 1):
        what = f"nfc: pulled in phase {phase}, udev says so {'never' if late is None else 'later' if late else 'at once'}"
        daemon.script(delay=1.0 if phase == "consent" else 0.0)
        daemon.wait_state(board.reader, "card")
        connection, seen = Connection(daemon.socket), False
        connection.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "reader": board.reader,
                                                 "ui": {"display": ":mohr-test"}}, more=True)
        more = True
        while more:
            error, reply, more = connection.receive()
            if more and reply.get("phase") == phase and not seen:
                seen = True
                board.process.child.kill()
                time.sleep(late or 0)
                if late is not None:
                    voice.say("remove", "/devices/virtual/tty/ttyUSB0", "tty", DEVNAME=board.link)
        code = lib.outcomes().get((error or "").rsplit(".", 1)[-1], 0)
        rig.check(seen and code in TYPED, f"{what}: answered {code}", reply)
        stats = board.stats()
        rig.check(stats.get("verify_commands", 9) <= 1 and not stats.get("writes"), f"{what}: one PIN command at most", stats)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(board.link)
        board.process.stop()
        board = Board(rig, **({"sign_ms": 8000} if number < len(phases) else {}))
        voice.say("add", "/devices/virtual/tty/ttyUSB0", "tty", DEVNAME=board.link)
    daemon.script()
    rig.check(daemon.wait_state(board.reader, "card") and daemon.request(board.reader)[0] == 0, "nfc: afterwards the board serves", daemon.status())
    daemon.stop()
    board.remove()


def two_cards(rig):
    """The clerk's card and the citizen's, each in a reader, asked for at the same time."""
    pcscd = Pcscd(rig, readers=1)
    clerk, citizen = Card(rig, pcscd, slot=0), Card(rig, pcscd, "mav4", slot=1)
    daemon = Daemon(rig)
    for card in (clerk, citizen):
        daemon.wait_state(card.reader, "card")
    daemon.script(delay=0.1)
    asked = []
    for card in (clerk, citizen):
        connection = Connection(daemon.socket)
        asked.append(connection.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "reader": card.reader,
                                                              "ui": {"display": ":mohr-test"}}))
    answers = [connection.receive() for connection in asked]
    rig.check([error for error, _, _ in answers] == [None, None], "two cards asked for at once both sign", answers)
    questions = [line for line in daemon.prompts() if "SETDESC" in line]
    rig.check(all(any(card.reader in line for line in questions) for card in (clerk, citizen)),
              "and the prompts say which reader is meant", questions)
    choose(rig, daemon, clerk)
    for card in (clerk, citizen):
        expected = 2 if card is clerk else 1
        rig.check(card.locked() and card.stats()["verify_commands"] == expected, "and each saw one PIN command for one consent and is locked", card.stats())
        card.remove()
    daemon.stop()
    pcscd.stop()


def choose(rig, daemon, first):
    """Two cards and none named: the person is asked which, by the names of readers and nothing else."""
    for answer, expected, pages in (("cancel", 15, 1), ("no", 15, 4)):
        daemon.script(confirm=(answer,))
        daemon.prompts()
        code, told = daemon.request()
        asked = [line for line in daemon.prompts() if line.startswith("SETDESC")]
        rig.check(code == expected and len(asked) == pages and not any("0099900007" in line for line in asked),
                  f"which of two cards? {answer}: answered {code} after {len(asked)} pages without a holder", (told, asked))
    daemon.script()
    before = first.stats()["verify_commands"]
    code, told = daemon.request()
    rig.check(code == 0 and first.stats()["verify_commands"] == before + 1, "which of two cards? This one: it signs", told)
    code, told = daemon.request(ui={})
    rig.check(code == 23 and "name the reader" in told.get("detail", ""), "which of two cards? Nobody to ask: name the reader", told)


# ---- readers that no service shares ----

def usb_states(rig, voice):
    """What status says of USB readers that cannot be opened here: there is no such device."""
    daemon = listening(Daemon(rig, drivers=("usb",)))
    watch = Watch(rig, daemon)
    reader = UsbReader(voice)
    name = "Acme Reader One (1-1) 00"
    watch.until(lambda readers: True)
    began = time.monotonic()
    reader.plug()
    watch.until(lambda readers: name in readers)
    rig.note(f"usb: shown {(time.monotonic() - began) * 1000:.0f} ms after udev's message")
    rig.check(watch.until(state(name, "unusable")) is not None and watch.last[name]["why"] in ("no-answer", "no-access"),
              "usb: a reader that cannot be opened is told with the reason", watch.last)
    time.sleep(2)
    deaths, seconds = daemon.process.said().count("helper died"), time.monotonic() - began
    rig.check(deaths <= 4 + seconds, f"usb: {deaths} attempts in {seconds:.0f} seconds are no storm")
    code, detail = daemon.request(name)
    rig.check(code == 25, "usb: a request for it is typed", (code, detail))
    reader.unplug()
    began = time.monotonic()
    watch.until(gone(name))
    rig.note(f"usb: gone {(time.monotonic() - began) * 1000:.0f} ms after udev's message")
    held = UsbReader(voice, port="1-7", number=9)
    held.device("add")
    held.face("bind", "usbfs")
    name = "Acme Reader One (1-7) 00"
    rig.check(watch.until(state(name, "busy")) is not None and watch.last[name]["why"] == "held", "usb: what another program holds is busy", watch.last)
    before = daemon.process.said().count("helper died")
    time.sleep(1)
    rig.check(daemon.process.said().count("helper died") == before, "usb: and is left alone")
    code, detail = daemon.request(name)
    rig.check(code == 23 and "another program" in detail.get("detail", ""), "usb: a request for it is busy", (code, detail))
    held.face("unbind")
    rig.check(watch.until(state(name, "unusable")) is not None, "usb: given back, it is tried at once", watch.last)
    held.unplug()
    hundred(rig, daemon, watch, held, name)
    daemon.stop()


def handed_over(rig):
    """--usb-fd: what is no USB reader is told once, and not tried again by the clock."""
    wrapper = os.path.join(rig.dir, "mohrd-with-fd")
    with open(wrapper, "w", encoding="ascii") as script:
        script.write(f'#!/bin/sh\nexec {rig.build}/mohrd "$@" --usb-fd 7 7</dev/null\n')
    os.chmod(wrapper, 0o755)
    daemon = Daemon(rig, drivers=("usb",), program=wrapper)
    rig.check(daemon.wait_state("USB reader", "unusable"), "usb-fd: a descriptor that is no reader is told", daemon.status())
    time.sleep(1)
    rig.check(daemon.process.said().count("helper died") == 1 and not daemon.helpers(), "usb-fd: and not tried again", daemon.process.said())
    rig.check(daemon.status()["backends"] == [{"driver": "usb", "state": "running"}], "usb-fd: nothing is watched for it", daemon.status())
    daemon.stop()


def lives(pid):
    """An orphan that ended may wait for init to notice."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Dark(Board):
    def powered(self):
        """The last word of the card's own log."""
        with open(self.log_file, encoding="ascii") as log:
            words = [line.split()[1] for line in log if line.startswith("power")]
        return bool(words) and words[-1] != "off"


def mohrd_ends(rig):
    """However mohrd ends, a board's card is without power within a second: its helper sees to that."""
    rig.boards = {}
    for phase, signals in (("pin", (9,)), ("sign", (9,)), ("consent", (9,)), ("pin", (15, 15)), ("consent", (15, 15))):
        board = Dark(rig)
        daemon = Daemon(rig, drivers=("nfc",), nfc={"device": board.device})
        daemon.wait_state(board.reader, "card")
        what = f"nfc: mohrd {'killed' if 9 in signals else 'told to end twice'} in phase {phase}"
        connection = Connection(daemon.socket)
        connection.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}, more=True)
        while connection.receive()[1].get("phase") != phase:
            pass
        helpers = list(daemon.helpers())
        for number in signals:
            daemon.process.child.send_signal(number)
            time.sleep(0.002)
        began = time.monotonic()
        off = wait_for(lambda: not board.powered(), SLOW, 0.005)
        took = time.monotonic() - began
        rig.check(off and board.locked(), f"{what}: the card is without power", (took, board.stats()))
        rig.check(wait_for(lambda: not any(lives(pid) for pid in helpers)), f"{what}: nothing is left running", helpers)
        rig.note(f"{what}: without power after {took * 1000:.0f} ms")
        daemon.stop()
        board.remove()


def settled(daemon):
    """What it has when the last helper is gone with its descriptors."""
    looks = []
    wait_for(lambda: looks.append(usage(daemon)[:2]) or (looks[-1][1] == 1 and looks[-1] == looks[max(0, len(looks) - 5)] and len(looks) >= 5), step=0.05)
    return usage(daemon)


def hundred(rig, daemon, watch, reader, name):
    """Plugged and pulled a hundred times: nothing is left of it."""
    slowest, before = 0.0, None
    for turn in range(105):
        if turn == 5:  # the first ones fill caches
            watch.until(gone(name))
            before = settled(daemon)
        for move, seen in ((reader.plug, lambda readers: name in readers), (reader.unplug, gone(name))):
            move()
            took = watch.until(seen)
            slowest = max(slowest, took if took is not None else 1e6)
    after = settled(daemon)
    rig.note(f"a hundred plugs: slowest news {slowest:.0f} ms; descriptors, children, KiB {before} -> {after}")
    rig.check(slowest < SLOW * 1000, "usb: plugged and pulled a hundred times, each is told", slowest)
    room = 512 if "ASAN_OPTIONS" not in os.environ else 65536  # its allocator keeps what was freed
    rig.check(after[:2] == before[:2] and after[2] - before[2] < room, "usb: and nothing of it is left", (before, after))


def many(rig, voice):
    """Sixteen readers on one pcscd, a board and a USB reader, at one daemon; each has its own request."""
    rig.boards = {}
    pcscd, board = Pcscd(rig, readers=8), Board(rig)
    cards = [Card(rig, pcscd, slot=slot) for slot in (0, 15)]
    daemon = listening(Daemon(rig, drivers=("pcsc", "nfc", "usb"), nfc={"device": board.device}))
    plugged = time.monotonic()
    UsbReader(voice, port="1-6", number=30).plug()
    names = [pcscd.name(slot) for slot in range(16)] + [board.reader, "Acme Reader One (1-6) 00"]
    wait_for(lambda: len(daemon.status()["readers"]) == 18)
    found = sorted(row["name"] for row in daemon.status()["readers"])
    rig.check(found == sorted(names), "many: sixteen readers of pcscd, a board and a USB reader are listed", found)
    early = daemon.process.said().count('helper died reader="Acme')
    rig.check(early == 0 or time.monotonic() - plugged > 2, "many: where pcscd is asked for, it goes first at a USB reader", daemon.process.said())
    daemon.wait_state(board.reader, "card")
    asked = [Connection(daemon.socket, 60).send("mohr.Identity.Assert", {
        "audience": AUDIENCE, "nonce": NONCE, "reader": reader, "ui": {"display": ":mohr-test"}})
        for reader in (cards[0].reader, cards[1].reader, board.reader)]
    answers = [connection.receive()[0] for connection in asked]
    rig.check(answers == [None] * 3, "many: three of them sign, each for a request of its own", answers)
    daemon.stop()
    for card in (*cards, board):
        card.remove()
    pcscd.stop()


def seat(rig, voice):
    """The person's session goes to the back and comes to the front again, as logind tells."""
    os.makedirs("/run/systemd/users", exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "none", "/run/systemd/users"], check=True)

    def sits(*active):
        with open("/run/systemd/users/.new", "w", encoding="ascii") as user:
            user.write(f"NAME=root\nSTATE={'active' if active else 'online'}\nSEATS=seat0\nONLINE_SEATS=seat0\nACTIVE_SEATS={' '.join(active)}\n")
        os.rename("/run/systemd/users/.new", f"/run/systemd/users/{os.getuid()}")

    sits("seat0")
    daemon = listening(Daemon(rig, drivers=("usb",)))
    watch = Watch(rig, daemon)
    UsbReader(voice, port="1-2").plug()
    name = "Acme Reader One (1-2) 00"
    rig.check(watch.until(lambda readers: name in readers) is not None, "seat: in front, the reader is ours")
    sits()
    rig.check(watch.until(gone(name)) is not None, "seat: behind, it is let go", watch.last)
    rig.check(wait_for(lambda: not daemon.helpers()), "seat: no process is left that could hold one", daemon.helpers())
    rig.check([row["state"] for row in daemon.status()["backends"]] == ["paused"], "seat: and status says why", daemon.status())
    code, answer = daemon.request()
    rig.check(code == 25 and "session" in answer.get("detail", ""), "seat: a request is told so", (code, answer))
    sits("seat0")
    rig.check(wait_for(daemon.helpers), "seat: in front again, it is looked for again")
    daemon.stop()
    subprocess.run(["umount", "/run/systemd/users"], check=True)


# ---- two users ----

class User:
    """A rig whose daemons and clients are another user's."""

    def __init__(self, rig, uid, programs):
        self.uid, self.dir = uid, os.path.join(rig.dir, f"user-{uid}")
        os.makedirs(self.dir)
        pki = shutil.copytree(rig.pki, os.path.join(self.dir, "pki"))
        self.rig = Rig(rig.build, self.dir, pki)
        self.rig.processes = rig.processes
        self.rig.pinentry_script = os.path.join(programs, "pinentry-script")
        wrapper = os.path.join(self.dir, "mohrd")
        with open(wrapper, "w", encoding="ascii") as script:
            script.write(f'#!/bin/sh\nexec setpriv --reuid={uid} --regid={uid} --clear-groups {programs}/mohrd "$@"\n')
        os.chmod(wrapper, 0o755)
        subprocess.run(["chown", "-R", f"{uid}:{uid}", self.dir], check=True)
        with self:
            self.daemon = Daemon(self.rig, program=wrapper)

    def __enter__(self):
        os.seteuid(self.uid)

    def __exit__(self, *_):
        os.seteuid(0)

    def ask(self, reader):
        with self:
            connection = Connection(self.daemon.socket)
            return connection.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "reader": reader,
                                                            "ui": {"display": ":mohr-test"}})

    def wait(self, reader, *states):
        with self:
            return self.daemon.wait_state(reader, *states)

    def end(self):
        self.daemon.stop()


def two_users(rig):
    pcscd = Pcscd(rig, readers=1)
    cards = [Card(rig, pcscd, slot=slot) for slot in (0, 1)]
    programs = rig.programs_for_all()
    with contextlib.ExitStack() as ends:
        users = []
        for uid in (CLERK, CITIZEN):
            users.append(User(rig, uid, programs))
            ends.callback(users[-1].end)
        seen = [user.wait(card.reader, "card") for user in users for card in cards]
        rig.check(all(seen), "two users: both daemons see both cards", seen)
        answers = [connection.receive() for connection in [user.ask(card.reader) for user, card in zip(users, cards)]]
        rig.check([error for error, _, _ in answers] == [None, None], "two users: each signs with one of them, at the same time", answers)
        answers = [connection.receive()[0] for connection in [user.ask(cards[0].reader) for user in users]]
        told = {str(error).rsplit(".", 1)[-1] for error in answers}
        rig.check("None" in told and told <= {"None", "Busy", "CardRemoved", "TimedOut"}, "two users: of two at one card one is served, the other is served or told", answers)
        answered = None
        with contextlib.suppress(ConnectionError, PermissionError), users[0]:
            answered = lib.call(users[1].daemon.socket, "mohr.Identity.Status")
        rig.check(answered is None, "two users: neither is answered by the other's daemon", answered)
        users[0].daemon.process.stop(signal.SIGKILL)
        rig.check(users[1].ask(cards[1].reader).receive()[0] is None, "two users: one daemon dies, the other one serves")
        for card in cards:
            rig.check(card.locked(), "two users: the card is locked", card.stats())
            card.remove()
    pcscd.stop()


def body(rig):
    root = os.geteuid() == 0
    parts = [lambda: over_pcscd(rig), lambda: two_cards(rig), lambda: mohrd_ends(rig), lambda: handed_over(rig)]
    if root:
        parts += [lambda: two_users(rig)]
    if root and hush():
        voice = Voice()
        parts += [lambda: usb_states(rig, voice), lambda: seat(rig, voice), lambda: pulled(rig, voice),
                  lambda: many(rig, voice)]
    else:
        rig.skip("USB readers, users, seats", "only root may speak for udev and be somebody else")
    for part in rig.mine(parts):
        part()


if __name__ == "__main__":
    lib.main(body, workers=9)
