# SPDX-License-Identifier: Apache-2.0
"""phone_peer.py: either end of the link to a phone as docs/phone.md describes it, in Python's own TLS and by none of Mohr's code.

Computer is one that says whatever a test wants; LyingPhone passes operations on to a helper with a card, and changes answers on
the way. Python cannot make the keys that seal a SECRET, so neither of them can give or take a PIN from afar.
"""
import hmac
import json
import os
import socket
import ssl
import struct
import threading

import channel
import lib

HELLO, WELCOME, OP, SECRET, PING, PONG, STATUS, BYE = range(1, 9)
CLOSING, VERSION, PROTOCOL, UNPAIRED, TOO_MANY, SILENT, FORBIDDEN = range(1, 8)
READER = 1
SPOKEN = 2  # the version of the link


def text16(text):
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def frame(kind, body=b""):
    return struct.pack(">HB", len(body) + 1, kind) + body


def operation(op, payload=b"", number=1, ahead=False):
    code = channel.OPS.index(op) if isinstance(op, str) else op
    return frame(OP, struct.pack(">BBHI", 1, code | (0x40 if ahead else 0), number, len(payload)) + payload)


def tag(pairing, what=b"mohr call"):
    """What a computer says in the SNI; with b"mohr tag", what a phone tells its network."""
    salt = os.urandom(8)
    return salt.hex() + hmac.new(pairing.encode(), what + salt, "sha256").hexdigest()[:16]


class Pairing:
    """One side's file, and its key and certificate where Python's TLS wants them."""

    def __init__(self, rig, folder, pairing):
        with open(os.path.join(folder, pairing + ".json"), encoding="utf-8") as file:
            self.members = json.load(file)
        self.id = pairing
        self.pem = os.path.join(rig.dir, f"{os.urandom(4).hex()}.pem")
        with open(self.pem, "w", encoding="ascii") as file:
            file.write(self.members["key"] + self.members["certificate"])


class Frames:
    """Reads and writes frames over a TLS socket."""

    def __init__(self, tls):
        self.tls, self.buffer, self.ended = tls, b"", None  # ended: the alert's name, where it was one

    def send(self, data):
        self.tls.sendall(data)

    def receive(self):
        """(type, body), or None at the end, however that came."""
        try:
            while len(self.buffer) < 2 or len(self.buffer) < 2 + struct.unpack(">H", self.buffer[:2])[0]:
                piece = self.tls.recv(32768)
                if not piece:
                    return None
                self.buffer += piece
        except OSError as error:
            self.ended = (getattr(error, "reason", None) or "").lower()
            return None
        size = struct.unpack(">H", self.buffer[:2])[0]
        body, self.buffer = self.buffer[2:2 + size], self.buffer[2 + size:]
        return body[0], body[1:]

    def until(self, *kinds):
        """The next frame of these types, or None."""
        while (got := self.receive()) and got[0] not in kinds:
            pass
        return got

    def farewell(self):
        """Why the other side says goodbye; 0 when it ends without a word."""
        got = self.until(BYE)
        return got[1][0] if got else 0

    def close(self):
        self.tls.close()


class Computer(Frames):
    """A client of a phone. `sni`, `pem` and so on are what an attacker has in their place. Raises ssl.SSLError."""

    def __init__(self, address, sni=None, pem=None, newest=ssl.TLSVersion.TLSv1_3, seconds=60):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = newest
        if pem:
            context.load_cert_chain(pem)
        plain = socket.create_connection(address, timeout=seconds)
        super().__init__(context.wrap_socket(plain, server_hostname=sni))

    def hello(self, version=SPOKEN, role=READER, name="Counter"):
        self.send(frame(HELLO, bytes([version, role]) + text16(name)))
        return self

    def welcome(self):
        return self.until(WELCOME, BYE)


class LyingPhone:
    """A phone for one computer: `lie(op, question, answer)` says what is answered in place of what the card's helper said. None:
    the truth; b"": nothing at all. A frame of bytes that begins with 0 is sent as it is."""

    def __init__(self, rig, pairing, computer_pem, card, lie=lambda op, question, answer: None, asks_pin=False, tells=True):
        self.rig, self.card, self.lie = rig, card, lie
        self.asks_pin, self.tells = asks_pin, tells
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.num_tickets = 0
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.load_verify_locations(cadata=computer_pem)
        self.context.load_cert_chain(pairing.pem)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.asked = []
        self.refused = []
        self.prepared = None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(plain,), daemon=True).start()

    def talk(self, plain):
        try:
            frames = Frames(self.context.wrap_socket(plain, server_side=True))
        except (OSError, ssl.SSLError) as why:
            self.refused.append(str(why))
            return
        helpers = []
        try:
            if frames.until(HELLO):
                frames.send(frame(WELCOME, bytes([SPOKEN]) + text16("phone") + self.link))
                frames.send(operation("PRESENCE", struct.pack(">BIH", 1, 1, 0), 0))
                self.pass_on(frames, helpers)
        except OSError:
            pass  # it hung up
        for helper in helpers:
            helper.kill()
        frames.close()

    def prepare(self):
        """Has the first computer's helper before that asks: a phone that starts one says nothing meanwhile, and three seconds of that are too many."""
        self.prepared = self.helper()

    def helper(self):
        if self.prepared:
            prepared, self.prepared = self.prepared, None
            return prepared
        words = [word for name, value in self.card.options.items() for word in ("--option", f"{name}={value}")]
        helper = channel.Helper(self.rig, "--reader", "Simulated reader (SIMULATED CARD)", *words, driver="soft")
        helper.ready()
        return helper

    def pass_on(self, frames, helpers):
        while got := frames.until(OP, SECRET, PING, BYE):
            kind, body = got
            if kind == BYE:
                return
            if kind == PING:
                frames.send(frame(PONG, body))
                continue
            if not helpers or helpers[-1].card is not self.card:
                helpers.append(self.helper())
                helpers[-1].card = self.card
                if len(helpers) > 1:
                    helpers[-1].confirm()
                    helpers[-1].ask("END", b"\0")
            self.answer(frames, helpers[-1], body)

    def answer(self, frames, helper, body):
        _, code, number, _ = struct.unpack(">BBHI", body[:8])
        op, question = channel.OPS[code & 63], body[8:]
        self.asked.append(op)
        if op == "PINPAD" and self.tells:
            frames.send(frame(STATUS, self.status(True)))
        truth = self.truth(helper, op, body)
        said = self.lie(op, question, truth)
        said = truth if said is None else said
        if callable(said):
            frames.send(said(number))
        elif said:
            frames.send(frame(OP, struct.pack(">BBHI", 1, (code & 63) | 0x80, number, len(said)) + said))

    def truth(self, helper, op, body):
        """What a phone that types the PIN itself and does all else by its helper answers."""
        if op == "ANNOUNCE":
            return b"\0\0\0"
        if op == "PINPAD":
            helper.ask("PIN", lib.PIN.encode())
            outcome, fields = helper.ask("VERIFY")
            return bytes([outcome if outcome is not None else 70, 0x90, 0]) + fields
        helper.channel.send(body)
        data = helper.channel.recv(32768)
        answer = data[8:] if data else b"\x46\0\0"
        if op == "BEGIN" and answer[0] == 0 and self.asks_pin:
            answer = answer[:9] + b"\1" + answer[10:]  # keys of its own
        return answer

    @property
    def link(self):
        return self.status(False)

    def status(self, sent):
        return text16("Reader") + bytes([1, self.asks_pin, sent]) + bytes(4)  # a simulated card

    def close(self):
        self.listener.close()


def witnessed():
    """From now on channel.Helper's soft one has a witness."""
    channel.PROGRAMS["soft"] = "tests/monitored_reader_soft"
