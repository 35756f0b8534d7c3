#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Attacks that need a whole system: news that come late, helpers that lie or die, children killed at any
moment, an environment full of traps, and what grows over many requests.

What must hold is always the same: no PIN command reaches a card that was not confirmed for this request, none
is sent twice for one entry, the answer is typed, and the next request works.
"""
import contextlib
import os
import random
import shutil
import signal
import threading
import time

from lib import PATIENCE, PIN, TREE, Card, Connection, Daemon, Pcscd, main, outcomes, wait_for

READER, READER_OPTION = "Simulated reader (SIMULATED CARD)", b"--reader"
TYPED = set(outcomes().values()) - {70} | {0}
LIAR = os.path.join(TREE, "tests/tools/hostile-helper")


def soft(rig, name, drivers=("soft",), **sections):
    state = os.path.join(rig.dir, "hostile-" + name)
    return Daemon(rig, drivers=drivers, soft={"pki": rig.pki, "pin": PIN, "state": state}, **sections)


def children(pid):
    """All descendants of a process, with their command lines."""
    parents = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
            parents[int(entry)] = int(stat.read().rsplit(")", 1)[1].split()[1])
    found, front = [], {pid}
    while front:
        front = {child for child, parent in parents.items() if parent in front}
        found += front
    return found


def command_line(pid):
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as line:
        return line.read()
    return b""


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ---- the watcher's news come late ----

def late_news(rig):
    """A card is changed while the watcher sleeps: the daemon's own number for it stays what it was."""
    pcscd = Pcscd(rig)
    for leaf, expected in (("foreign", 12), ("other", 0)):
        first = Card(rig, pcscd)
        daemon = Daemon(rig)
        daemon.wait_state(first.reader, "card")
        code, _ = daemon.request(first.reader)
        rig.check(code == 0, f"late news, {leaf}: the first card is known", code)
        watchers = [pid for pid in children(daemon.process.pid) if b"--watch" in command_line(pid)]
        os.kill(watchers[0], signal.SIGSTOP)
        first.remove()
        second = Card(rig, pcscd, leaf=leaf)
        daemon.prompts()
        code, reply = daemon.request(first.reader)
        shown = [line for line in daemon.prompts() if "آزمایشی" in line or "Card number" in line]
        rig.check(code == expected, f"late news, {leaf}: answered {expected}", (code, reply, shown))
        if expected:
            rig.check(second.pin_family() == 0, f"late news, {leaf}: no command of the PIN family reached it",
                      second.commands())
        else:
            numbers = [line for line in shown if "0099900" in line]
            rig.check(second.stats()["verify_commands"] == 1 and bool(numbers), f"late news, {leaf}: the holder of the "
                      "card that lies there was asked", shown)
        daemon.stop()
        second.remove()
    pcscd.stop()


def swapped_while_asked(rig):
    """Another citizen's card of the same kind, confirmed in itself, laid down while the prompt is open."""
    pcscd = Pcscd(rig)
    first = Card(rig, pcscd)
    daemon = Daemon(rig)
    daemon.wait_state(first.reader, "card")
    type_pin, answer = daemon.held(), []
    thread = threading.Thread(target=lambda: answer.append(daemon.request(first.reader)))
    thread.start()
    wait_for(lambda: any(line.startswith("GETPIN") for line in daemon.prompts()))
    first.remove()
    second = Card(rig, pcscd, leaf="other")
    type_pin()
    thread.join()
    rig.check(answer[0][0] == 17, "a card swapped while the holder is asked: 17", answer)
    rig.check(second.stats()["verify_commands"] == 0 and first.stats()["verify_commands"] == 0,
              "and neither card saw the PIN", (first.stats(), second.stats()))
    daemon.stop()
    second.remove()
    pcscd.stop()


# ---- cards that behave until it matters ----

WRONG = "31415926"
# What the card does, what the holder types, what may be answered, and how many PINs the card may see. A counter
# that says fifteen once is corrected by the other way of asking (card-facts 6.6 step 3): the holder is told three.
LIES = [
    ("wrong-sw=63c1@empty-verify#2", PIN, {23}, 0), ("wrong-sw=63c0@empty-verify#2", PIN, {14}, 0),
    ("wrong-sw=63cf@empty-verify#1", PIN, {0}, 1), ("wrong-sw=6a88@empty-verify#2", PIN, {12}, 0),
    ("wrong-sw=9000@empty-verify#2", PIN, {0}, 1), ("garbage@empty-verify#2", PIN, {12, 14, 17, 23}, 0),
    ("wrong-sw=6c10@verify", PIN, {12}, 1), ("wrong-sw=6110@verify", PIN, {0, 12, 17}, 1),
    ("wrong-sw=6700@verify", PIN, {12}, 1), ("wrong-sw=6300@verify", PIN, {12}, 1),
    ("wrong-sw=63c3@verify", PIN, {13}, 1), ("wrong-sw=6983@verify", PIN, {14}, 1),
    ("wrong-sw=9000@verify", WRONG, {18, 28}, 1), ("oversize@verify", PIN, {0, 12, 17, 70}, 1),
    ("truncate:1@verify", PIN, {12, 17}, 1), ("garbage@verify", WRONG, {12, 13, 14, 17}, 1),
    ("garbage@cds", PIN, {0, 12, 17, 28}, 1), ("oversize@cds", PIN, {0, 12, 17, 28, 70}, 1),
    ("wrong-sw=6982@cds", PIN, {0, 18, 28}, 1), ("wrong-sw=6985@hash", PIN, {0, 28}, 1),
]


def lying_cards(rig):
    pcscd = Pcscd(rig)
    for fault, typed, codes, pins in LIES:
        card = Card(rig, pcscd, fault=fault)
        daemon = Daemon(rig)
        daemon.wait_state(card.reader, "card")
        daemon.script(getpin=[typed])
        code, reply = daemon.request(card.reader)
        seen = card.stats().get("verify_commands")
        rig.check(code in codes and seen == pins, f"{fault}: one of {sorted(codes)}, {pins} PIN to the card",
                  (code, reply, seen))
        rig.check(card.locked(), f"{fault}: nothing stays verified", card.stats())
        daemon.script()
        daemon.wait_state(card.reader, "card")
        code, reply = daemon.request(card.reader)
        remembered = {18} if 18 in codes else set()  # a key that refused is believed until mohrd ends
        rig.check(code in {0} | remembered and card.locked(), f"{fault}: the next request works", (code, reply))
        daemon.stop()
        card.remove()
    pcscd.stop()


# ---- helpers that lie ----

def with_liar(rig, mode):
    """A daemon beside whose program lies a helper that does what `mode` says (tests/tools/hostile-helper)."""
    folder = os.path.join(rig.dir, "liar-" + mode)
    os.makedirs(folder)
    for program in ("mohrd", "mohr-prompt", "mohr-history"):
        shutil.copy(os.path.join(rig.build, program), folder)
    shutil.copy(LIAR, os.path.join(folder, "mohr-reader-soft"))
    with open(os.path.join(folder, "mode"), "w", encoding="ascii") as file:
        file.write(mode)
    honest, rig.build = rig.build, folder
    try:
        return Daemon(rig, drivers=("soft",), card={"timeout_ms": "1000"})
    finally:
        rig.build = honest


def lying_helpers(rig):
    names = ["honest-ready", "open-sandbox", "dumpable", "other-driver", "not-simulated", "silent", "noise", "short",
             "other-id", "other-op", "unasked", "twice", "long", "huge", "outcome-255", "trailing", "dies", "closes",
             "says-nothing-at-all", "skips-all", "skips-begin", "backwards", "never-asked"]
    for mode in names:
        daemon = with_liar(rig, mode)
        code, reply = daemon.request(READER, timeout=PATIENCE)
        rig.check(code != 0 and (code in TYPED or code == 70), f"helper, {mode}: an answer in time", (code, reply))
        rig.check(not daemon.prompts() and daemon.process.alive(), f"helper, {mode}: nobody was asked, mohrd lives")
        daemon.stop()


def helper_that_dies_when_ready(rig):
    daemon = with_liar(rig, "dies-when-ready")
    time.sleep(0.5)
    before = cpu_seconds(daemon.process.pid)
    count = len(daemon.process.said().splitlines())
    time.sleep(2)
    spent = cpu_seconds(daemon.process.pid) - before
    started = len(daemon.process.said().splitlines()) - count
    rig.check(started < 12, "a helper that dies as soon as it is ready is started again ever more slowly",
              (started, spent))
    daemon.stop()


def hostile_names(rig):
    daemon = with_liar(rig, "names")
    names = [entry["name"] for entry in wait_for(lambda: daemon.status()["readers"])]
    rig.check(len(names) == 16 and all(ord(c) >= 32 and c not in "\u202e\x9b" for name in names for c in name),
              "sixteen readers with names full of traps: listed, and clean", names)
    rig.check(not set("\x1b\t\u202e\x9b\x7f") & set(daemon.process.said()), "and so is the log")
    code, reply = daemon.request(ui={})
    rig.check(code == 23, "cards on all of them, and nobody to ask: 23", (code, reply))
    daemon.script(confirm=("no",))
    code, reply = daemon.request(timeout=200)
    told = [line for line in daemon.prompts() if line.startswith("SETDESC")]
    rig.check(code == 15 and len(told) == 32 and not set("\x1b\t\u202e\x9b\x7f") & set("".join(told)),
              "the person is asked about each, in clean words, twice at most", (code, len(told)))
    code, out, _ = rig.mohr(daemon, "status")
    rig.check(code == 0 and "\x1b" not in out and "\u202e" not in out, "mohr status shows them harmlessly", out)
    daemon.stop()


# ---- children killed at any moment ----

def killed_at_random(rig):
    daemon = soft(rig, "killed")
    daemon.script(delay=0.02)
    dice, odd, entries, struck = random.Random(7), [], 0, 0
    rounds = rig.few(range(60), 3)
    for round_ in rounds:
        answer = []
        thread = threading.Thread(target=lambda: answer.append(daemon.request(READER)))
        thread.start()
        time.sleep(dice.uniform(0, 0.25))
        victims = children(daemon.process.pid)
        if victims:
            with contextlib.suppress(ProcessLookupError):
                struck = dice.choice(victims)
                os.kill(struck, signal.SIGKILL)
        thread.join()
        code = answer[0][0]
        entries += sum(line.startswith("GETPIN") for line in daemon.prompts())
        if code not in TYPED and code != 70:
            odd.append((round_, answer))
        daemon.wait_state(READER, "card", seconds=3)  # not always: what is killed often comes back later each time
    rig.check(not odd, f"{len(rounds)} requests with a child killed in each: typed answers", odd)
    # Until mohrd has seen the last one's end: a question handed to a dying history worker is answered 27.
    rig.check(wait_for(lambda: not os.path.exists(f"/proc/{struck}")), "the last one struck is buried", struck)
    daemon.wait_state(READER, "card", seconds=2 * PATIENCE)
    code, reply = daemon.request(READER)
    rig.check(code == 0, "and the next one works", (code, reply))
    left = wait_for(lambda: len(daemon.helpers()) == 2)
    rig.check(left, "one watcher and one helper are left", [command_line(pid) for pid in children(daemon.process.pid)])
    daemon.stop()


def at_rest(card):
    """What the card counted once nothing more comes: pcscd ends a command whose sender was killed meanwhile."""
    last = None
    while (now := card.stats()) != last:
        last = now
        time.sleep(0.15)
    return now


def killed_over_pcscd(rig):
    """The same with a real pcscd, a slow card and another program connected: a try is never spent twice, and
    whatever a killed helper leaves behind is cleared."""
    pcscd = Pcscd(rig)
    card = Card(rig, pcscd, delay_ms=3, sign_ms=60)
    rig.peer("stay", card.reader)
    daemon = Daemon(rig)
    daemon.wait_state(card.reader, "card")
    dice, odd, rounds = random.Random(11), [], rig.few(range(30), 3)
    for round_ in rounds:
        before, answer = at_rest(card).get("verify_commands", 0), []
        thread = threading.Thread(target=lambda: answer.append(daemon.request(card.reader)))
        thread.start()
        time.sleep(dice.uniform(0.02, 0.6))
        victims = [pid for pid in children(daemon.process.pid) if READER_OPTION in command_line(pid)]
        for pid in victims:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        thread.join()
        entries = sum(line.startswith("GETPIN") for line in daemon.prompts())
        locked, after = wait_for(lambda: not at_rest(card)["pin_verified"]), at_rest(card)
        spent = after["verify_commands"] - before
        if answer[0][0] not in TYPED or spent > min(entries, 1) or not locked:
            odd.append((round_, answer, spent, entries, locked))
        daemon.wait_state(card.reader, "card")
    rig.check(not odd, f"{len(rounds)} requests with the helper killed, over pcscd: one PIN for one entry, and locked again", odd)
    code, reply = daemon.request(card.reader)
    rig.check(code == 0, "and the next one works", (code, reply))
    daemon.stop()
    card.remove()
    pcscd.stop()


def daemon_killed_while_verified(rig):
    """mohrd dies without a word between VERIFY and the signature, a second program being connected."""
    pcscd = Pcscd(rig)
    card = Card(rig, pcscd, sign_ms=700)
    rig.peer("stay", card.reader)
    for victim in ("mohrd", "mohrd and its helper"):
        daemon = Daemon(rig)
        daemon.wait_state(card.reader, "card")
        before = card.stats().get("verify_commands", 0)
        client = Connection(daemon.socket)
        client.send("mohr.Identity.Assert", {"audience": "https://a.example", "nonce": "0123456789abcdef",
                                             "ui": {"display": ":mohr-test"}})
        seen = wait_for(lambda: card.stats().get("verify_commands", 0) > before, step=0.005)
        family = children(daemon.process.pid) if victim != "mohrd" else []
        os.kill(daemon.process.pid, signal.SIGKILL)
        for pid in family:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        rig.check(seen and card.locked(), f"{victim} killed after VERIFY: the card is locked again", card.stats())
        daemon.stop()
        client.close()
    card.remove()
    pcscd.stop()


# ---- what grows ----

def resident(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def nothing_grows(rig):
    daemon = soft(rig, "grows")
    pid = daemon.process.pid
    open_now = lambda: len(os.listdir(f"/proc/{pid}/fd"))
    for _ in range(20):
        daemon.request(READER)
    wait_for(lambda: daemon.state_of(READER) == "card" and len(daemon.helpers()) == 2)
    descriptors, memory = open_now(), resident(pid)
    codes = set()
    numbers = rig.few(range(120), 4)
    for number in numbers:
        if number % 3 == 0:  # hangs up in the middle
            client = Connection(daemon.socket)
            client.send("mohr.Identity.Assert", {"audience": "https://a.example", "nonce": "0123456789abcdef",
                                                 "ui": {"display": ":mohr-test"}}, more=True)
            client.receive()
            client.close()
            daemon.wait_state(READER, "card")
        codes.add(daemon.request(READER)[0])
    rig.check(codes == {0}, f"{len(numbers) * 4 // 3} requests, every fourth hung up on: the others are served", codes)
    rig.check(wait_for(lambda: open_now() <= descriptors), "no descriptor is left behind",
              (descriptors, os.listdir(f"/proc/{pid}/fd")))
    if "ASAN_OPTIONS" in rig.env:
        rig.skip("memory stays", "the sanitizer keeps what was freed, and looks for leaks itself")
    else:
        rig.check(resident(pid) < memory + 600, "and memory stays", (memory, resident(pid)))
    daemon.stop()


# ---- the environment ----

def traps_in_the_environment(rig):
    trap = os.path.join(rig.dir, "trap.so")
    names = {"LD_AUDIT": trap, "GCONV_PATH": rig.dir, "LOCPATH": rig.dir, "NLSPATH": rig.dir + "/%N", "LANGUAGE": "../..",
             "TEXTDOMAINDIR": rig.dir, "OPENSSL_CONF": trap, "MALLOC_TRACE": trap, "PINENTRY_USER_DATA": "USE_TTY=1",
             "GTK_MODULES": trap, "QT_PLUGIN_PATH": rig.dir, "BASH_ENV": trap, "PYTHONSTARTUP": trap, "ASSUAN_DEBUG": "1"}
    clean, rig.env = rig.env, {**rig.env, **names}
    daemon = soft(rig, "environment")
    rig.env = clean
    type_pin = daemon.held()
    thread = threading.Thread(target=lambda: daemon.request(READER))
    thread.start()
    wait_for(lambda: any(b"mohr-prompt" in command_line(pid) for pid in children(daemon.process.pid)))
    seen = set()
    for pid in children(daemon.process.pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/environ", "rb") as file:
            seen |= {entry.split(b"=")[0].decode() for entry in file.read().split(b"\0") if entry}
    type_pin()
    thread.join()
    seen |= {line.split("=")[0][4:] for line in daemon.prompts() if line.startswith("ENV ")}
    leaked = seen & set(names) - {"LANGUAGE"}
    rig.check(not leaked and "LANGUAGE" in seen, "none of the traps reaches a helper, the prompt or pinentry",
              sorted(leaked))
    daemon.stop()


def traps_in_files(rig):
    """The one file that mohrd writes, with a link in its place; a terminal that is none."""
    victim = os.path.join(rig.dir, "victim")
    with open(victim, "w", encoding="ascii") as file:
        file.write("precious")
    daemon = soft(rig, "files", card={"unproven": "ask"})
    os.makedirs(daemon.state, exist_ok=True)
    for name in ("told-unproven", "told-unproven.new"):
        with contextlib.suppress(FileExistsError):
            os.symlink(victim, os.path.join(daemon.state, name))
    code, reply = daemon.request(READER)
    with open(victim, encoding="ascii") as file:
        rig.check(code == 0 and file.read() == "precious", "a link in the place of the state file is not followed",
                  (code, reply))
    for tty in ("/dev/pts/../null", "/dev/pts/0/../../null", "/dev/tty/../null", "/dev/pts/999999", "/dev/ttyS0/",
                "/dev/pts/1 ", "/dev/pts/1\n", "/proc/self/fd/0", "/dev/null"):
        code, reply = daemon.request(READER, ui={"tty": tty})
        rig.check("InvalidParameter" in str(code), f"the terminal {tty!r} is refused", (code, reply))
    daemon.stop()


PARTS = (late_news, killed_over_pcscd, lying_cards, lying_helpers, killed_at_random, nothing_grows, swapped_while_asked,
         helper_that_dies_when_ready, hostile_names, traps_in_the_environment, traps_in_files,
         daemon_killed_while_verified)


def body(rig):
    for part in rig.mine(PARTS):
        part(rig)
        reports = [process.said() for process in rig.processes if "Sanitizer" in process.said()]
        rig.check(not reports, f"{part.__name__}: no sanitizer had anything to say", reports)


main(body, workers=8)
