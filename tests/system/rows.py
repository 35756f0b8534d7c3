# SPDX-License-Identifier: Apache-2.0
"""rows.py: the history as docs/history.md describes it, read with SQLite and SHA-256 alone, by no code of Mohr's."""
import hashlib
import json
import os
import shutil
import sqlite3
import tempfile

from lib import wait_for

BEFORE_ALL = bytes(32)


def link_of(before, seq, digest):
    return hashlib.sha256(b"mohr-history-1\0" + before + seq.to_bytes(8, "big") + digest).digest()


class History:
    """The rows of one state folder as they are on disk now: read from a copy, so that nobody is disturbed."""

    def __init__(self, folder):
        self.folder, self.rows = folder, []
        with tempfile.TemporaryDirectory(prefix="rows-") as place:
            wait_for(lambda: self.copied(place))
            if os.path.exists(os.path.join(place, "history.db")):
                base = sqlite3.connect(os.path.join(place, "history.db"))
                self.rows = base.execute("SELECT seq, body, digest, link FROM entry ORDER BY seq").fetchall()
                base.close()
        self.bodies = [json.loads(body) for _, body, _, _ in self.rows if body is not None]

    def files(self):
        """Which state of them lies there."""
        found = {}
        for name in ("history.db", "history.db-wal"):
            if os.path.exists(path := os.path.join(self.folder, name)):
                state = os.stat(path)
                found[name] = state.st_ino, state.st_size, state.st_mtime_ns
        return found

    def copied(self, place):
        """Both of one moment: a worker that ends puts the rows of the second into the first, and takes it away."""
        for name in os.listdir(place):
            os.unlink(os.path.join(place, name))
        try:
            before = self.files()
            for name in before:
                shutil.copy(os.path.join(self.folder, name), place)
            return self.files() == before
        except FileNotFoundError:
            return False

    def broken(self):
        """What does not hold of the chain, or None."""
        before = BEFORE_ALL
        for number, (seq, body, digest, link) in enumerate(self.rows, 1):
            if seq != number:
                return f"row {number} is called {seq}"
            if body is not None and hashlib.sha256(body.encode()).digest() != digest:
                return f"body of row {seq}"
            if link_of(before, seq, digest) != link:
                return f"link of row {seq}"
            before = link
        return None

    def head(self):
        """(id, seq, link) as history.head has it."""
        try:
            with open(os.path.join(self.folder, "history.head"), encoding="ascii") as head:
                word, name, seq, link = head.read().split()
        except (OSError, ValueError):
            return None
        return (name, int(seq), link) if word == "mohr-history-1" else None

    def of(self, request):
        """{event: body} of one request."""
        return {body["event"]: body for body in self.bodies if body.get("request") == request}

    def events(self):
        return [body["event"] for body in self.bodies]


def digest_of(assertion):
    return hashlib.sha256(assertion.encode()).hexdigest()
