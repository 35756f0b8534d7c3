#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""history_worker.py: mohr-history by itself, with the test as its daemon: disks that are full or read-only, a kill at any
moment, frames that are none, and what the process may do. What it wrote is read by rows.py, with SQLite and SHA-256 alone.
"""
import os
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import time

import lib
from rows import History

OK, POLICY, CANNOT_RECORD = 0, 16, 27
KILLS = 40


def text(value):
    return struct.pack(">H", len(value.encode())) + value.encode()


def ask(number, request):
    texts = (request, "Assert", "unit:test.service", "/usr/bin/test", "https://office.example", *[""] * 11)
    return struct.pack(">BBI", 2, 1, number) + b"".join(map(text, texts)) + struct.pack(">6I", 1000, 4711, 0, 0, 0, 0) + bytes(3)


def end(number, request, grant="", remember=0):
    texts = (request, "Ok", "", "a" * 64, "", grant, "")
    return struct.pack(">BBI", 2, 2, number) + b"".join(map(text, texts)) + bytes([0, 0, 255, remember])


def by_permission(number, request):
    return ask(number, request)[:-1] + b"\1"


def end_and_remember(number, request):
    return end(number, request, remember=1)


def take_back(number, grant):
    return struct.pack(">BBI", 2, 4, number) + text(grant)


class Worker:
    def __init__(self, rig, folder, *words):
        self.channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.channel.settimeout(60)

        def arrange():
            lib.die_with_parent()
            os.dup2(theirs.fileno(), 100)
            os.dup2(100, 3)
            os.closerange(4, 200)

        self.child = subprocess.Popen([os.path.join(rig.build, "mohr-history"), "--dir", folder, *words], close_fds=False,
                                      preexec_fn=arrange, env=rig.env, stdin=subprocess.DEVNULL)
        theirs.close()
        self.number = 0

    def tell(self, make, request):
        self.number += 1
        self.channel.send(make(self.number, request))

    def hear(self):
        """(outcome, detail), or None: it is no more."""
        try:
            frame = self.channel.recv(65536)
        except ConnectionError:
            return None
        if not frame:
            return None
        _, _, outcome, length = struct.unpack(">BIBH", frame[:8])
        return outcome, frame[8:8 + length].decode()

    def say(self, make, request):
        self.tell(make, request)
        return self.hear()

    def close(self):
        self.channel.close()
        return self.child.wait(60)

    def kill(self):
        self.child.send_signal(signal.SIGKILL)
        self.close()


def name(number):
    return f"{number:032x}"


def mounted(rig, what, *options):
    folder = os.path.join(rig.dir, what)
    os.mkdir(folder)
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(("mode=700", *options)), "none", folder], check=True)
    return folder


def fill(path, left):
    """Until so many bytes are left."""
    with open(path, "ab", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            size = file.tell()
    os.truncate(path, max(0, size - left))


def full_disk(rig):
    folder = mounted(rig, "full", "size=1200k")
    ballast = os.path.join(folder, "ballast")
    worker = Worker(rig, folder)
    rig.check(worker.say(ask, name(1))[0] == OK, "an intent is written where there is room")
    fill(ballast, 64 * 1024)
    outcome, detail = worker.say(ask, name(2))
    rig.check(outcome == CANNOT_RECORD and "no space left" in detail and folder in detail,
              "a disk that is nearly full is found before anybody is asked for a PIN", (outcome, detail))
    rig.check(worker.say(end, name(1))[0] == OK, "and what was begun can be ended on it")
    os.unlink(ballast)
    rig.check(worker.say(ask, name(3))[0] == OK, "once there is room, it goes on by itself")
    worker.close()  # as one that nobody needed while a person typed
    fill(ballast, 0)
    worker = Worker(rig, folder)
    rig.check(worker.say(end, name(3))[0] == OK, "a disk that others filled to the last byte meanwhile has room for an end")
    os.unlink(ballast)
    rig.check(worker.say(ask, name(4))[0] == OK, "once more")
    os.unlink(os.path.join(folder, "history.room"))  # so nothing is set aside
    fill(ballast, 0)
    outcome, detail = worker.say(end, name(4))
    rig.check(outcome == CANNOT_RECORD and folder in detail, "an end that has no room left is not said to be written", (outcome, detail))
    history = History(folder)
    rig.check(set(history.of(name(4))) == {"asked"} and not history.broken(), "the intent stays, and the chain is whole",
              (history.events(), history.broken()))
    os.unlink(ballast)
    rig.check(worker.say(end, name(4))[0] == OK, "and the end can still be written")
    worker.close()
    history = History(folder)
    rig.check(not history.broken() and history.head()[1] == len(history.rows), "and the head is the last row", history.head())


def no_files_left(rig):
    folder = mounted(rig, "crowded", "nr_inodes=40")
    worker = Worker(rig, folder)
    rig.check(worker.say(ask, name(1))[0] == OK, "an intent is written where there may be more files")
    number = 0
    try:
        while True:
            with open(os.path.join(folder, f"other-{number}"), "x", encoding="ascii"):
                number += 1
    except OSError:
        pass
    outcome, detail = worker.say(ask, name(2))
    rig.check(outcome == CANNOT_RECORD and "remove some files" in detail and folder in detail, "where there may not, nobody is asked for a PIN", (outcome, detail))
    rig.check(worker.say(end, name(1))[0] == OK, "and what was begun can be ended")
    worker.close()


def power_cut(rig):
    """The log cut off at any byte: what a disk has of it after a power cut. Rows are lost from the end alone, and it goes on."""
    disk = mounted(rig, "powered")
    folder, torn = os.path.join(disk, "whole"), os.path.join(disk, "torn")
    worker = Worker(rig, folder)
    for number in range(1, 4):
        worker.say(ask, name(number))
        worker.say(end, name(number))
    os.kill(worker.child.pid, signal.SIGSTOP)
    files = {}
    for file in ("history.db", "history.db-wal"):
        with open(os.path.join(folder, file), "rb") as data:
            files[file] = data.read()
    worker.kill()
    log, bad, counts, chance = files["history.db-wal"], [], set(), random.Random(5)
    places = sorted({0, 1, 31, 32, len(log) - 1, len(log), *rig.few((chance.randrange(len(log)) for _ in range(200)), 2)})
    for place in places:
        shutil.rmtree(torn, ignore_errors=True)
        os.mkdir(torn, 0o700)
        for file, data in (("history.db", files["history.db"]), ("history.db-wal", log[:place])):
            with open(os.open(os.path.join(torn, file), os.O_WRONLY | os.O_CREAT, 0o600), "wb") as to:
                to.write(data)
        try:
            history = History(torn)
            left = len(history.rows)
            if history.broken():
                bad.append((place, history.broken()))
        except sqlite3.OperationalError:  # nothing was begun yet
            left = 0
        counts.add(left)
        if place % 16 == 0:
            worker = Worker(rig, torn)
            if worker.say(ask, name(9))[0] != OK or History(torn).broken() or len(History(torn).rows) <= left:
                bad.append((place, "the next start"))
            worker.close()
    rig.check(not bad and counts == set(range(8)), f"a log that a power cut tore at {len(places)} places is whole rows, and goes on", (bad[:5], counts))


def full_from_the_start(rig):
    folder = mounted(rig, "tiny", "size=16k")
    worker = Worker(rig, folder)
    outcome, detail = worker.say(ask, name(1))
    rig.check(outcome == CANNOT_RECORD and folder in detail, "a history that has no room to begin says so", (outcome, detail))
    subprocess.run(["mount", "-o", "remount,size=2m", folder], check=True)
    rig.check(worker.say(ask, name(1))[0] == OK, "and begins when it has")
    worker.close()
    rig.check(History(folder).events() == ["created", "asked"], "with its first row")


def read_only(rig):
    folder = mounted(rig, "fixed")
    worker = Worker(rig, folder)
    rig.check(worker.say(ask, name(1))[0] == OK, "a folder that can be written to is used")
    worker.close()
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    worker = Worker(rig, folder)
    outcome, detail = worker.say(ask, name(2))
    rig.check(outcome == CANNOT_RECORD and folder in detail, "one that cannot is said to be", (outcome, detail))
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)
    rig.check(worker.say(ask, name(2))[0] == OK, "until it can again")
    worker.close()


def kills(rig):
    """A kill at any moment between the question and a little after the answer."""
    folder, chance, answered = os.path.join(rig.dir, "killed"), random.Random(7), []
    began = time.monotonic()
    for number in range(5):
        request, worker = name(number), Worker(rig, folder)
        worker.say(ask, request)
        worker.say(end, request)
        worker.close()
    one = (time.monotonic() - began) / 5
    for number in range(100, 100 + KILLS):
        request, worker = name(number), Worker(rig, folder)
        worker.tell(ask, request)
        if number % 2:
            answered += [("asked", request)] if (worker.hear() or (None,))[0] == OK else []
            worker.tell(end, request)
        time.sleep(chance.random() * one)
        worker.child.send_signal(signal.SIGKILL)
        heard = worker.hear()
        answered += [("ended" if number % 2 else "asked", request)] if heard and heard[0] == OK else []
        worker.close()
    history = History(folder)
    lost = [row for row in answered if row[0] not in history.of(row[1])]
    rig.check(not lost and answered, f"{KILLS} kills: no row is lost of what was answered", lost)
    rig.check(not history.broken(), "and the chain is whole", history.broken())
    twice = [request for request in map(name, range(100, 100 + KILLS))
             if sum(body.get("request") == request and body["event"] == "asked" for body in history.bodies) > 1]
    rig.check(not twice, "and nothing is there twice", twice)


def process(rig):
    folder = os.path.join(rig.dir, "plain")
    worker = Worker(rig, folder)
    worker.say(ask, name(1))
    with open(f"/proc/{worker.child.pid}/status", encoding="ascii") as status:
        fields = dict(line.split(":\t", 1) for line in status.read().splitlines() if ":\t" in line)
    rig.check(fields["NoNewPrivs"] == "1", "the worker can become nobody else")
    held = os.listdir(f"/proc/{worker.child.pid}/fd")
    rig.check(len(held) <= 8, "it holds its channel and its book", held)
    os.kill(worker.child.pid, signal.SIGSTOP)
    worker.tell(ask, name(2))
    worker.tell(end, name(2))
    worker.channel.shutdown(socket.SHUT_WR)
    os.kill(worker.child.pid, signal.SIGCONT)
    rig.check(worker.child.wait(60) == 0 and "ended" in History(folder).of(name(2)), "what was asked before the farewell is done first")
    worker.channel.close()
    for frame in (b"\1", ask(1, "17"), ask(1, name(5)) + b"\0", b"\1\7\0\0\0\1", bytes(40000)):
        worker = Worker(rig, folder)
        worker.channel.send(frame)
        rig.check(worker.hear() is None and worker.close() == 1, f"{frame[:2].hex()}...: what is no question has no answer")
    rig.check(len(History(folder).rows) == 4, "and leaves no row")


def lying_index(rig):
    """An index says what its maker likes, and no row is touched. What it got by that stands in the rows."""
    folder = os.path.join(rig.dir, "index")
    worker = Worker(rig, folder)
    for make, number in ((ask, 1), (end_and_remember, 1), (take_back, 1)):
        worker.say(make, name(number))
    for version, only in ((1000, " WHERE seq < 4"), (1001, "")):
        db = sqlite3.connect(os.path.join(folder, "history.db"), isolation_level=None)
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = ? WHERE name = 'entry_grant'", ("CREATE INDEX entry_grant ON entry (json_extract(body, '$.grant'))" + only,))
        db.execute(f"PRAGMA schema_version = {version}")
        db.close()
        if only:
            db = sqlite3.connect(os.path.join(folder, "history.db"), isolation_level=None)
            db.execute("REINDEX entry_grant")
            db.close()
    worker.say(by_permission, name(2))
    worker.say(lambda number, request: end(number, request, grant=name(1)), name(2))
    worker.close()
    done = subprocess.run([os.path.join(rig.build, "mohr"), "history", "verify", "--from", folder], capture_output=True, text=True, timeout=60, check=False)
    rig.check(done.returncode == 21 and "taken back before" in done.stderr, "a permission that an index brings back is found where it served", done.stderr)


def body(rig):
    lying_index(rig)
    process(rig)
    full_disk(rig)
    no_files_left(rig)
    power_cut(rig)
    full_from_the_start(rig)
    read_only(rig)
    kills(rig)


if __name__ == "__main__":
    lib.main(body)
