#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hands.py: what a person, or somebody worse, does inside the virtual machine.

hands.py type PID N [TEXT KEYS]...     types KEYS and Enter at console N once the program PID shows TEXT there and waits for keys
hands.py cut FOLDER COPY               copies a history without its last row, with a history.head that says the same
hands.py check DATABASE                checks a history by the lines of docs/history.md, "By hand"
"""
import fcntl
import os
import runpy
import sqlite3
import sys
import termios
import time

LIMIT_S = 120
SELECT, PSELECT = 23, 270  # x86-64: what a program that waits for keys and for something else is in


def waits(pid):
    with open(f"/proc/{pid}/syscall", encoding="ascii") as call:
        word = call.read().split()[0]
    return word.isdigit() and int(word) in (SELECT, PSELECT)


def shows(console, text):
    with open(f"/dev/vcs{console}", "rb") as screen:
        return text.encode() in screen.read()


def type_keys(pid, console, *script):
    tty = os.open(f"/dev/tty{console}", os.O_RDWR | os.O_NOCTTY)
    for text, keys in zip(script[::2], script[1::2]):
        end = time.monotonic() + LIMIT_S
        # In this order: what was typed before the program waits is thrown away.
        while not (shows(console, text) and waits(pid)):
            if time.monotonic() > end:
                sys.exit(f"{text!r} does not come")
            time.sleep(0.05)
        for key in keys + "\n":
            fcntl.ioctl(tty, termios.TIOCSTI, key.encode())


def cut(folder, copy):
    os.mkdir(copy, 0o700)
    os.umask(0o077)
    source, target = (sqlite3.connect(f"{place}/history.db") for place in (folder, copy))
    source.backup(target)
    target.execute("DELETE FROM entry WHERE seq = (SELECT max(seq) FROM entry)")
    target.commit()
    last, link = target.execute("SELECT seq, link FROM entry ORDER BY seq DESC LIMIT 1").fetchone()
    target.close()
    with open(f"{folder}/history.head", encoding="ascii") as head, open(f"{copy}/history.head", "w", encoding="ascii") as other:
        kind, number = head.read().split()[:2]
        other.write(f"{kind} {number} {last} {link.hex()}\n")


def check(database):
    sys.argv = ["by-hand.py", database]
    runpy.run_path("/usr/local/lib/by-hand.py")


if __name__ == "__main__":
    {"type": type_keys, "cut": cut, "check": check}[sys.argv[1]](*sys.argv[2:])
