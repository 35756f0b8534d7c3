# SPDX-License-Identifier: Apache-2.0
"""digits.py: looking for a PIN in the memory of running processes, as root.

Digits also occur by chance, in a time, a process number, a digest: in a fourth of all looks some four of a PIN do. A find counts when there is
one in the same part of the same process with each of eight PINs, of which the later ones have nothing of what was found before.
"""
import os
import random
import re


RUNS = 8


def may_look():
    """Only root of the machine may look into processes that are not dumpable."""
    with open("/proc/self/uid_map", encoding="ascii") as uid_map:
        return os.geteuid() == 0 and re.search(r"^\s*0\s+0\s", uid_map.read())


def a_pin(length=8, avoid=()):
    """No zeros, so that its bare numbers look like nothing else in memory; and none of those four digits in a row."""
    while set(windows(pin := "".join(random.SystemRandom().sample("3456789345678", length)))) & set(avoid):
        pass
    return pin


def writable(pid):
    with open(f"/proc/{pid}/maps", encoding="ascii", errors="replace") as maps:
        for line in maps:
            span, rights = line.split()[:2]
            if "w" in rights:
                start, end = (int(part, 16) for part in span.split("-"))
                yield start, end, line.split()[-1]


def seen(pid, needles):
    """(needle, (start, end), mapping) for each needle seen in the process."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, name in writable(pid):
            try:
                memory.seek(start)
                pages = memory.read(end - start)
            except (OSError, ValueError, OverflowError):
                continue  # device pages cannot be read; they hold no PIN
            yield from ((needle, (start, end), name) for needle in needles if needle in pages)


def find(pid, needles):
    """[(needle, mapping)] for each needle seen in the process."""
    return [(needle, name) for needle, _, name in seen(pid, needles)]


def places(pid, needles):
    """[(mapping, whether it is locked and left out of dumps)] for each needle seen in the process."""
    flags, mapping = {}, None
    with open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace") as smaps:
        for words in map(str.split, smaps):
            if "-" in words[0] and not words[0].endswith(":"):
                mapping = tuple(int(number, 16) for number in words[0].split("-"))
            elif words[0] == "VmFlags:":
                flags[mapping] = set(words[1:])
    return [(name, {"lo", "dd"} <= flags.get(span, set())) for _, span, name in seen(pid, needles)]


def persian(pin):
    return "".join(chr(0x6F0 + int(digit)) for digit in pin)


def windows(pin):
    """Every four consecutive digits, as text, as bare numbers and in Persian."""
    text = [pin[at:at + 4] for at in range(len(pin) - 3)]
    return [four.encode() for four in text] + [bytes(map(int, four)) for four in text] + [persian(four).encode() for four in text]


def family(daemon):
    """The daemon, what it has started, and what runs on the phone that it is paired with: {pid: name}."""
    return {daemon.process.pid: "mohrd", **daemon.helpers(everything=True), **getattr(daemon, "others", dict)()}


def look(daemon, pin, more=()):
    """{name: [finds]} over the daemon and its children, and (pid, name) besides."""
    finds = {}
    for pid, name in [*family(daemon).items(), *more]:
        try:
            finds.setdefault(name, []).extend(find(pid, windows(pin)))
        except OSError:
            continue  # ended meanwhile
    return finds


def stays(looks):
    """{(process, mapping)} in which each of these looks, {name: [finds]}, found something."""
    return set.intersection(*({(name, mapping) for name, finds in look.items() for _, mapping in finds} for look in looks))
