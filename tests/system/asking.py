# SPDX-License-Identifier: Apache-2.0
"""asking.py: mohr-prompt started as the daemon starts it, for prompt.py, prompt_gui.py and the pictures of the docs.

The frames are encoded and decoded here by code of their own, so that a mistake in the project's codec cannot hide.
"""
import hashlib
import os
import select
import socket
import struct
import subprocess
import time

REFUSED, TIMED_OUT, LAST_TRY_DECLINED, NOBODY = 15, 19, 24, 26
SIMULATED, UNPROVEN, EXPIRED, KEYS, STAFF, SEARCH, GRANTED, MAY_REMEMBER, RECORDED = 1, 2, 4, 8, 16, 64, 128, 256, 512
AUTHENTICATION_KEY, ON_PHONE, NOT_PROVEN_HERE, RECORDED_IDENTITY, RECORDED_BY_STATION = 1024, 2048, 4096, 8192, 16384
GENERATION, EXPIRY, READER, STATION = 1, 2, 4, 8  # what goes along
PROGRAM, SCRIPT, FLATPAK, SNAP, SERVICE, USER_SERVICE = range(6)
SIGN, CHANGE_PIN, UNBLOCK_PIN, DOCUMENTS, CERTIFICATES, KEY = range(6)
OTHER, PDF, CMS, JSON = range(4)  # kinds of documents
DETACHED, ATTACHED, IN_PDF, JWS, COUNTERSIGNATURE = range(5)  # forms of their signatures
RAW, TLS, SSH, SIGNED_ATTRIBUTES = range(4)  # what a key signs
FIELDS = ("tty", "term", "display", "language", "pinentry", "request", "app", "asker_name", "organization", "audience",
          "purpose", "given_name", "family_name", "card_number", "reader", "content_text", "computer", "content_host")
FACTS = {"term": "xterm", "language": "en", "request": "c0ffee00deadbeef", "app": "/usr/bin/office-program",
         "audience": "https://office.example", "purpose": "opening an account", "given_name": "نمونه",
         "family_name": "آزمایشی", "card_number": "0099900007", "reader": "Test A 00 00"}


def text(value):
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def document(name, kind=PDF, form=IN_PDF, size=1423456, pages=12, countersigned=""):
    """Nothing is stated with its signature but what must be."""
    return text(name) + text(countersigned) + text("") + text("") + struct.pack(">BBBQII", kind, form, 0, size, pages, 0) + hashlib.sha256(
        name.encode()).digest()


def frame(tries=3, flags=0, timeout=90, readers=0, asker=PROGRAM, required=0, optional=0, work=SIGN, content=RAW, documents=(), at=0,
          **facts):
    facts = {**FACTS, **facts}
    return b"\x06" + b"".join(text(facts.get(name, "")) for name in FIELDS) + struct.pack(
        ">BHHBBBBBBBB", 255 if tries < 0 else tries, flags, timeout, readers, work, asker, required, optional, content, len(documents),
        at) + b"".join(documents)


class Asked:
    """One mohr-prompt with one question."""

    def __init__(self, build, pinentry, **question):
        self.ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.released, self.remember = None, None
        environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm", "HOME": "/nonexistent",
                       "LANGUAGE": question.get("language", "en"), "DISPLAY": question.get("display", "")}
        self.child = subprocess.Popen(
            ["/bin/sh", "-c", f'exec 3<&{theirs.fileno()} "$0"', os.path.join(build, "mohr-prompt")],
            pass_fds=[theirs.fileno()], env={k: v for k, v in environment.items() if v}, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, start_new_session=True)
        theirs.close()
        self.ours.send(frame(pinentry=pinentry, **question))

    def meanwhile(self):
        """What a terminal's other end has to do while somebody waits."""

    def answered(self, seconds):
        return bool(select.select([self.ours], [], [], seconds)[0])

    def answer(self, seconds=90):
        """(outcome, digits), or None if there was no answer; what it released and remembers is kept."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.meanwhile()
            if self.answered(0.05):
                data = self.ours.recv(256)
                self.released, self.remember = (data[1], data[2]) if data else (None, None)
                return (data[0], data[3:].decode()) if data else None
        return None

    def end(self):
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
        self.ours.close()
