#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vscard.py SOCKET SOFTCARD [ARGUMENT...]: a simulated card for the emulated USB reader of a virtual machine.

Between two protocols: QEMU's ccid-card-passthru speaks VSCARD on a UNIX socket (it listens), the software
card speaks vpcd's on a TCP port (we listen). One message at a time, lengths checked, nothing kept. On
standard input: `remove`, `insert`, a line each; on standard output each APDU's first two bytes.
"""
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

INIT, ERROR, READER_ADD, READER_REMOVE, ATR, CARD_REMOVE, APDU = range(1, 8)
VERSION = 0x00000002
MOST = 4096


def take(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            sys.exit(0)
        data += part
    return data


class Card:
    """The software card at the far end of vpcd's protocol."""

    def __init__(self, argv):
        listener = socket.create_server(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        self.process = subprocess.Popen([*argv, "--vpcd", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL)
        self.connection, _ = listener.accept()
        listener.close()

    def tell(self, payload):
        self.connection.sendall(struct.pack(">H", len(payload)) + payload)

    def ask(self, payload):
        self.tell(payload)
        return take(self.connection, struct.unpack(">H", take(self.connection, 2))[0])

    def atr(self):
        self.tell(b"\0")
        self.tell(b"\1")
        return self.ask(b"\4")


class Reader:
    """QEMU's end."""

    def __init__(self, path):
        self.connection = socket.socket(socket.AF_UNIX)
        for _ in range(600):
            try:
                self.connection.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.lock = threading.Lock()
        self.say(INIT, struct.pack(">4sII", b"VSCD", VERSION, 0))

    def say(self, kind, payload=b"", reader=0):
        with self.lock:
            self.connection.sendall(struct.pack(">III", kind, reader, len(payload)) + payload)

    def hear(self):
        kind, _, size = struct.unpack(">III", take(self.connection, 12))
        if size > MOST:
            sys.exit(f"vscard: {size} bytes announced")
        return kind, take(self.connection, size)


def serve(reader, card):
    while True:
        kind, payload = reader.hear()
        if kind == INIT:
            reader.say(READER_ADD, b"mohr")
            reader.say(ATR, card.atr())
        elif kind == APDU:
            answer = card.ask(payload)
            print(f"apdu {payload[:2].hex()} {answer[-2:].hex()}", flush=True)
            reader.say(APDU, answer)


def obey(reader, card):
    for line in sys.stdin:
        if line.strip() == "remove":
            reader.say(CARD_REMOVE)
        elif line.strip() == "insert":
            reader.say(ATR, card.atr())


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    card = Card(sys.argv[2:])
    reader = Reader(sys.argv[1])
    threading.Thread(target=obey, args=(reader, card), daemon=True).start()
    try:
        serve(reader, card)
    finally:
        card.process.kill()
        card.process.wait()


if __name__ == "__main__":
    main()
