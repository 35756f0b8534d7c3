#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What strangers, a hostile computer and a lying phone can do on the link, and what comes of it.

Both attackers are Python's own TLS and docs/phone.md (phone_peer.py). Whatever they try is answered with the right reason or with
none, the next honest one is served, and the card's witness saw no PIN. What a paired computer gets that goes through
mohr-reader-phone is relay.py's.
"""
import hashlib
import json
import os
import socket
import ssl
import subprocess
import threading
import time

import flow
import relay
import relayed
from lib import Daemon, main, wait_for
from phone_peer import (BYE, FORBIDDEN, OP, PROTOCOL, SECRET, VERSION, WELCOME, Computer, LyingPhone, Pairing, channel, frame,
                        operation, tag, text16, witnessed)

NOBODY = 0


class Door:
    """A phone that serves, and what an attacker may have got hold of."""

    def __init__(self, rig):
        self.rig, self.card = rig, flow.Soft(rig)
        self.phone = relayed.Phone(rig, "--pin", "computer", card=self.card)
        self.own = Pairing(rig, *self.phone.folders["Counter 3"])
        self.address = ("127.0.0.1", self.phone.port)

    def paired(self, **more):
        return Computer(self.address, **{"sni": tag(self.own.id), "pem": self.own.pem, **more})

    def serves(self):
        computer = self.phone.computer()
        served = computer and computer.begin()[0] == 0
        if computer:
            computer.end()
        return served

    def end(self, what):
        self.rig.check(self.phone.process.alive() and wait_for(self.serves), f"{what}: and an honest computer is served", self.phone.process.said()[-300:])
        relay.untouched(self.rig, self.card, what)
        self.phone.stop()


def refused(attempt):
    """How the phone ends it: the alert's name, `silence`, or what it said to somebody whom it should not know."""
    try:
        computer = attempt()
        computer.hello()
        got = computer.receive()
        return f"said {got}" if got else computer.ended or "silence"
    except ssl.SSLError as error:
        return (error.reason or "").lower()
    except OSError as error:
        return f"{type(error).__name__}"


def strangers(rig):
    door = Door(rig)
    other = Pairing(rig, *relayed_stranger(rig))
    right = tag(door.own.id)
    for what, attempt, expected in (
            ("no name", lambda: Computer(door.address), "unrecognized_name"),
            ("a name of nobody", lambda: Computer(door.address, sni=tag(os.urandom(8).hex())), "unrecognized_name"),
            ("what the phone itself tells its network", lambda: Computer(door.address, sni=tag(door.own.id, b"mohr tag")), "unrecognized_name"),
            ("the pairing's number itself", lambda: Computer(door.address, sni=door.own.id), "unrecognized_name"),
            ("TLS 1.2", lambda: Computer(door.address, sni=right, newest=ssl.TLSVersion.TLSv1_2), "protocol_version")):
        got = refused(attempt)
        rig.check(expected in got, f"a stranger with {what} is refused, and has seen no certificate", got)
    for what, pem, expected in (("no certificate", None, "certificate_required"), ("another certificate", other.pem, "bad_certificate")):
        got = refused(lambda pem=pem: Computer(door.address, sni=right, pem=pem))
        rig.check(expected in got, f"the right name with {what} is refused, with that reason", got)
    rig.check(door.paired().hello().welcome()[0] == WELCOME, "the paired computer, by the same means, is let in")
    door.end("strangers")


def relayed_stranger(rig):
    """A pairing of somebody else's: (folder, id)."""
    folder, pairing = os.path.join(rig.dir, "stranger"), os.urandom(8).hex()
    os.makedirs(folder, 0o700)
    relayed.write(folder, pairing, "phone", "127.0.0.1:1", relayed.identity(folder), "00" * 32)
    return folder, pairing


class Tap:
    """A line that writes down what the computer says."""

    def __init__(self, target):
        self.target, self.heard = target, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        inner, _ = self.listener.accept()
        outer = socket.create_connection(self.target)
        threading.Thread(target=self.copy, args=(outer, inner, None), daemon=True).start()
        self.copy(inner, outer, self.heard)

    @staticmethod
    def copy(source, sink, record):
        try:
            while data := source.recv(65536):
                if record is not None:
                    record.append(data)
                sink.sendall(data)
        except OSError:
            pass
        sink.close()


def replayed(rig):
    """All that a computer said in a session, said again by somebody else."""
    door = Door(rig)
    tap = Tap(door.address)
    computer = Computer(("127.0.0.1", tap.port), sni=tag(door.own.id), pem=door.own.pem)
    computer.hello().welcome()
    computer.send(operation("BEGIN"))
    rig.check(computer.until(OP) is not None, "a session is overheard")
    computer.close()
    wait_for(lambda: "computer left" in door.phone.process.said())
    before = door.card.stats()["exchanges"]
    with socket.create_connection(door.address, timeout=60) as again:
        again.sendall(b"".join(tap.heard))
        answer = b"".join(iter(lambda: quiet_read(again), b""))
    rig.check(b"Counter" not in answer and len(answer) < 4096, "said again, it is no session", len(answer))
    rig.check(door.card.stats()["exchanges"] == before, "and the card hears nothing of it")
    door.end("replayed bytes")


def quiet_read(plain):
    try:
        return plain.recv(65536)
    except OSError:
        return b""


def was_closed(plain):
    """By the other side, and without a word."""
    try:
        return plain.recv(65536) == b""
    except OSError as error:
        return not isinstance(error, TimeoutError)


def out_of_shape(rig):
    """What a paired computer that has gone wrong says, and why it is sent away."""
    door = Door(rig)
    greeting = frame(1, b"\2\1" + text16("Counter"))
    for what, said, expected in (
            ("a longer frame than there is", b"\xff\xff\x03" + bytes(20990), PROTOCOL),
            ("a frame of no length", b"\0\0", PROTOCOL), ("a type that is none", frame(99), PROTOCOL),
            ("a pairing's frame", greeting + frame(34, bytes(32)), PROTOCOL), ("another version", frame(1, b"\x03\1" + text16("x")), VERSION),
            ("a role that is none", frame(1, b"\2\7" + text16("x")), PROTOCOL), ("no name", frame(1, b"\2\1"), PROTOCOL),
            ("a name of a thousand bytes", frame(1, b"\2\1" + text16("x" * 1000)), PROTOCOL), ("an operation before its name", operation("BEGIN"), PROTOCOL),
            ("its name twice", greeting * 2, PROTOCOL), ("what phones say", greeting + frame(WELCOME, b"\2"), PROTOCOL),
            ("an operation of another version", greeting + frame(OP, b"\2\3\0\1\0\0\0\0"), PROTOCOL),
            ("an operation longer than it says", greeting + frame(OP, b"\1\3\0\1\0\0\0\0\0"), PROTOCOL),
            ("an answer", greeting + frame(OP, b"\1\x83\0\1\0\0\0\3\0\0\0"), PROTOCOL),
            ("digits that are not sealed", greeting + operation("PIN", b"1234"), PROTOCOL),
            ("digits sealed with nothing", greeting + frame(SECRET, bytes(40)), PROTOCOL),
            ("what is no PIN in a seal", greeting + frame(SECRET, b""), PROTOCOL),
            ("a ping of five bytes", greeting + frame(5, bytes(5)), PROTOCOL),
            *((f"{op}, which is for no link", greeting + operation(op, b"1234"), {PROTOCOL, FORBIDDEN}) for op in ("NEW_PIN", "CHANGE_PIN", "UNBLOCK_PIN")),
            ("a VERIFY out of nothing", greeting + operation("VERIFY"), {PROTOCOL, FORBIDDEN}),
            ("a signature out of nothing", greeting + operation("SIGN", b"\1\0\0\x20" + bytes(32)), {PROTOCOL, FORBIDDEN}),
            ("the phone's prompt out of nothing", greeting + operation("PINPAD", b"\x2d"), {PROTOCOL, FORBIDDEN}),
            ("a hundred questions at once", greeting + operation("BEGIN") + operation("IDENTIFY", ahead=True) * 100, {PROTOCOL, FORBIDDEN})):
        computer = door.paired()
        with_ = {expected} if isinstance(expected, int) else expected
        try:
            computer.send(said)
        except OSError:
            pass
        got = computer.farewell()
        computer.close()
        rig.check(got in with_, f"{what}: goodbye, with reason {sorted(with_)}", got)
    door.end("what is out of shape")


def floods(rig):
    door = Door(rig)
    silent = []
    for _ in range(60):
        silent.append(socket.create_connection(door.address, timeout=60))
    rig.check(door.serves(), "sixty connections that say nothing keep no paired computer out")
    began = time.monotonic()
    rig.check(all([was_closed(plain) for plain in silent]), "and are closed before long", time.monotonic() - began)
    crowd = []
    for _ in range(12):
        try:
            crowd.append(door.paired().hello())
        except OSError:
            pass
    rig.check(wait_for(door.serves), "a dozen connections of one computer make room for its newest")
    for computer in crowd:
        computer.close()
    door.end("floods")


def forgotten(rig):
    door = Door(rig)
    computer = door.paired().hello()
    computer.welcome()
    door.phone.forget()
    rig.check(computer.farewell() == 4, "a computer that is forgotten hears so at once, and is cut off")
    got = refused(door.paired)
    rig.check("unrecognized_name" in got, "from then on the phone knows nobody of that name", got)
    relay.untouched(rig, door.card, "a forgotten computer")
    door.phone.stop()


def out_of_date(folder):
    """(key PEM, certificate PEM, its print), as relayed.identity() makes them, but over since years."""
    files = {name: os.path.join(folder, name) for name in ("ca.cnf", "index", "key.pem", "csr.pem", "cert.pem", "serial")}
    with open(files["ca.cnf"], "w", encoding="ascii") as file:
        file.write(f"[ca]\ndefault_ca=d\n[d]\nnew_certs_dir={folder}\ndatabase={files['index']}\nserial={files['serial']}\n"
                   "default_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n")
    for name, text in (("index", ""), ("serial", "01\n")):
        with open(files[name], "w", encoding="ascii") as file:
            file.write(text)
    for words in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=mohr", "-keyout",
                   files["key.pem"], "-out", files["csr.pem"]],
                  ["ca", "-batch", "-notext", "-selfsign", "-config", files["ca.cnf"], "-in", files["csr.pem"], "-keyfile", files["key.pem"],
                   "-out", files["cert.pem"], "-startdate", "20200101000000Z", "-enddate", "20210101000000Z"]):
        subprocess.run(["openssl", *words], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", files["cert.pem"], "-outform", "DER"], check=True, capture_output=True).stdout
    with open(files["key.pem"], encoding="ascii") as key, open(files["cert.pem"], encoding="ascii") as certificate:
        return key.read(), certificate.read(), hashlib.sha256(der).hexdigest()


def expired(rig):
    """A pairing whose certificate is over is no pairing, and the computer says which it is."""
    door = Door(rig)
    folder, pairing = door.phone.folders["Counter 3"]
    path = os.path.join(door.phone.computers, pairing + ".json")
    with open(path, encoding="utf-8") as file:
        there = json.load(file)
    old = out_of_date(rig.dir)
    relayed.write(door.phone.computers, pairing, "Counter 3", "", (there["key"], there["certificate"]), old[2])
    relayed.write(folder, pairing, "phone", f"127.0.0.1:{door.phone.port}", old, door.own.members["peer"])
    got = refused(lambda: Computer(door.address, sni=tag(pairing), pem=Pairing(rig, folder, pairing).pem))
    rig.check("certificate_expired" in got, "a certificate that is over is refused, with that reason", got)
    path = os.path.join(folder, pairing + ".json")
    with open(path, encoding="utf-8") as file:
        here = json.load(file)
    for what, end in (("as the phone says", here["expires_at"]), ("as its own file says", 1609459200)):
        with open(path, "w", encoding="utf-8") as file:
            json.dump({**here, "expires_at": end}, file, separators=(",", ":"))
        daemon = Daemon(rig, ("phone",), phone={"folder": folder})
        rig.check(wait_for(lambda daemon=daemon: [entry.get("why") for entry in daemon.status()["readers"]] == ["expired"]),
                  f"mohrd tells that the pairing has expired, {what}", daemon.status())
        daemon.stop()
    daemon.start()
    code, answer = daemon.request("phone")
    rig.check(code == NO_READER, "and a request has no reader", (code, answer))
    daemon.stop()
    relay.untouched(rig, door.card, "an expired pairing")
    door.phone.stop()


# ---- a phone that lies ----------------------------------------------------------------------------

OK, NO_READER, NO_CARD, UNSUPPORTED, REMOVED, ISSUER, TIMED_OUT, BUSY, INTERNAL = 0, 10, 11, 12, 17, 18, 19, 23, 70


WITHOUT = {NO_READER, UNSUPPORTED, 13, 14, REMOVED, ISSUER, INTERNAL, 28}  # typed answers that are no assertion


class Fooled:
    """A computer whose phone is the test."""

    def __init__(self, rig, lie, leaf="", **more):
        self.rig, self.card = rig, flow.Soft(rig, **({"leaf": leaf} if leaf else {}))
        home = os.path.join(rig.dir, f"fooled-{rig.cards}")
        os.makedirs(home)
        ours, theirs, pairing = relayed.identity(home), relayed.identity(home), os.urandom(8).hex()
        there, here = os.path.join(home, "there"), os.path.join(home, "here")
        relayed.write(there, pairing, "Counter", "", ours, theirs[2])
        self.phone = LyingPhone(rig, Pairing(rig, there, pairing), theirs[1], self.card, lie, **more)
        relayed.write(here, pairing, "phone", f"127.0.0.1:{self.phone.port}", theirs, ours[2])
        self.phone.prepare()
        self.daemon = Daemon(rig, ("phone",), phone={"folder": here})
        self.seen = self.daemon.wait_state("phone", "card")

    def end(self):
        self.daemon.stop()
        self.phone.close()


def at(op, change):
    return lambda said, question, answer: change(question, answer) if said == op else None


def flipped(_question, answer):
    """One bit of a certificate."""
    place = len(answer) // 2
    return answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1:]


LIES = [  # what, how, what mohrd may answer
    ("a certificate with a changed bit", at("READ", flipped), {UNSUPPORTED, ISSUER, INTERNAL, REMOVED}),
    ("a certificate that is nothing", at("READ", lambda q, a: a[:3] + b"\0\4abcd"), {UNSUPPORTED, ISSUER, INTERNAL, REMOVED}),
    ("an answer with a byte too many", at("IDENTIFY", lambda q, a: a + b"\0"), {NO_READER, REMOVED, INTERNAL}),
    ("an answer that is cut", at("BEGIN", lambda q, a: a[:5]), {NO_READER, REMOVED, INTERNAL}),
    ("an answer to another question", at("IDENTIFY", lambda q, a: lambda n: frame(OP, b"\1\x84" + (n + 9).to_bytes(2, "big") + len(a).to_bytes(4, "big") + a)),
     {NO_READER, REMOVED, INTERNAL}),
    ("an answer of another operation", at("IDENTIFY", lambda q, a: lambda n: frame(OP, b"\1\x85" + n.to_bytes(2, "big") + len(a).to_bytes(4, "big") + a)),
     {NO_READER, REMOVED, INTERNAL}),
    ("a question", at("IDENTIFY", lambda q, a: lambda n: operation("BEGIN")), {NO_READER, REMOVED, INTERNAL}),
    ("a word out of place", at("IDENTIFY", lambda q, a: lambda n: frame(SECRET, bytes(40))), {NO_READER, REMOVED, INTERNAL}),
    ("an endless frame", at("IDENTIFY", lambda q, a: lambda n: b"\xff\xff\3" + bytes(30000)), {NO_READER, REMOVED, INTERNAL}),
    ("no answer at all", at("IDENTIFY", lambda q, a: b""), {NO_READER, REMOVED, TIMED_OUT}),
    ("skipped, which was asked in its time", at("IDENTIFY", lambda q, a: b"\xff\0\0"), {NO_READER, REMOVED, INTERNAL}),
    ("an outcome that is none", at("IDENTIFY", lambda q, a: b"\x63\0\0"), {NO_READER, REMOVED, INTERNAL}),
    ("goodbye in the middle", at("IDENTIFY", lambda q, a: lambda n: frame(BYE, b"\1")), {NO_READER, REMOVED}),
]


def lies(rig):
    for what, lie, expected in rig.mine(LIES):
        fooled = Fooled(rig, lie)
        code, answer = fooled.daemon.request("phone")
        rig.check(fooled.seen and code in expected, f"{what}: one of {sorted(expected)}", (fooled.seen, code, answer))
        rig.check(not any(line.startswith("GETPIN") for line in fooled.daemon.prompts()), f"{what}: nobody is asked for a PIN")
        rig.check("PIN" not in fooled.phone.asked and fooled.daemon.process.alive(), f"{what}: none is sent", fooled.phone.asked)
        fooled.end()


# ---- lies about the card, after it was looked at ----------------------------------------------------

def garbage(question, answer):
    return b"\0\x90\0\1\0" + bytes(range(256))


def lies_at_the_end(rig):
    """A phone that asks for the PIN itself says what it likes of VERIFY and of the signature; mohrd gives out nothing that does not hold."""
    for what, lie, expected in (
            ("the truth", lambda *_: None, {OK}),
            ("a signature that is none", at("SIGN", garbage), WITHOUT),
            ("an empty signature", at("SIGN", lambda q, a: b"\0\x90\0\0\0"), WITHOUT),
            ("an old signature", remembering(), WITHOUT),
            ("tries that are more than there are", at("PINPAD", lambda q, a: b"\x0d\x63\xcf\x7f"), WITHOUT),
            ("the PIN is blocked, after it was right", at("PINPAD", lambda q, a: b"\x0e\x69\x83\0"), WITHOUT)):
        fooled = Fooled(rig, lie, asks_pin=True)
        answers = [fooled.daemon.request("phone") for _ in range(2)]
        code, answer = answers[-1]
        rig.check(code in expected, f"{what}: {'an assertion' if expected == {OK} else 'no assertion'} ({code})", (answers, fooled.phone.asked))
        rig.check(code != OK or rig.verify(answer)[0] == OK, f"{what}: and whatever is given out holds", answer)
        rig.check(fooled.phone.asked.count("PINPAD") <= 2, f"{what}: the PIN is asked for once in a request", fooled.phone.asked)
        fooled.end()


def gone_with_the_pin(rig):
    """A phone that goes while it asks: whether a try may have been spent follows from what it said before."""
    def hangs_up(*_):
        raise OSError("goodbye")
    for tells, detail in ((True, "may have been spent"), (False, "none was heard to go")):
        fooled = Fooled(rig, at("PINPAD", hangs_up), asks_pin=True, tells=tells)
        code, reply = fooled.daemon.request("phone")
        rig.check(code == REMOVED and detail in reply.get("detail", ""),
                  f"gone, and it {'had said' if tells else 'had not said'} that the PIN goes: {detail}", (code, reply))
        fooled.end()


def remembering():
    """The first signature again and again."""
    seen = []

    def lie(op, question, answer):
        if op != "SIGN":
            return None
        seen.append(answer)
        return seen[0]
    return lie


def another_card(rig):
    """Exchanged behind the phone's back, or with its help: in mid-request, and between two requests."""
    for what, when in (("between look and signature", "END"), ("when it is to sign", "ANNOUNCE")):
        swaps = []

        def lie(op, question, answer, when=when, swaps=swaps):
            if op == when and not swaps:
                swaps.append(op)
                fooled.phone.card = fooled.other
            if op == "BEGIN" and answer[0] == 0:
                return answer[:4] + b"\0" + b"\0\0\0\1" + answer[9:]  # the same as before, says the phone
            return None
        fooled = Fooled(rig, lie, asks_pin=True)
        fooled.other = flow.Soft(rig, leaf="other")
        code, answer = fooled.daemon.request("phone")
        rig.check(swaps and (code != OK or rig.verify(answer)[0] == OK), f"another card {what}: nothing is given out that does not hold ({code})",
                  (code, answer, fooled.phone.asked))
        code, answer = fooled.daemon.request("phone")
        rig.check(code != OK or rig.verify(answer)[0] == OK, f"another card {what}: nor by the next request ({code})", (code, answer))
        rig.check(fooled.daemon.process.alive(), f"another card {what}: mohrd lives")
        fooled.end()


def impostor(rig):
    """Somebody else answers at the phone's address."""
    fooled = Fooled(rig, lambda *_: None)
    other = Pairing(rig, *relayed_stranger(rig))
    impostor_ = LyingPhone(rig, other, other.members["certificate"], fooled.card)
    folder = fooled.daemon.sections["phone"]["folder"]
    name = next(name for name in os.listdir(folder) if name.endswith(".json"))
    path = os.path.join(folder, name)
    with open(path, encoding="utf-8") as file:
        text = file.read().replace(f"127.0.0.1:{fooled.phone.port}", f"127.0.0.1:{impostor_.port}")
    fooled.daemon.stop()
    with open(path + ".new", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
    os.rename(path + ".new", path)
    before = fooled.card.stats()
    fooled.daemon.start()
    rig.check(wait_for(lambda: impostor_.refused), "a phone with another certificate is hung up on", impostor_.refused)
    code, answer = fooled.daemon.request("phone")
    rig.check(code in {NO_READER, 16} and not impostor_.asked, "and is asked nothing", (code, answer))
    rig.check(fooled.card.stats() == before, "nor does any card hear of it")
    impostor_.close()
    fooled.end()


def tells_tries(rig):
    """A phone that says a blocked card has tries is believed no further than the person at the prompt is told; one that says none are
    left has nobody asked."""
    fooled = Fooled(rig, at("COUNTER", lambda q, a: a[:3] + b"\1\0" + a[5:]))
    code, answer = fooled.daemon.request("phone")
    rig.check(code == 14 and not any(line.startswith("GETPIN") for line in fooled.daemon.prompts()), "no tries left, says the phone: nobody is asked", (code, answer))
    fooled.end()


SCENES = [strangers, replayed, out_of_shape, floods, forgotten, expired, impostor, tells_tries, lies_at_the_end, gone_with_the_pin, another_card]


def body(rig):
    rig.helpers = []
    witnessed()
    for scene in rig.mine(SCENES):
        scene(rig)
    lies(rig)


if __name__ == "__main__":
    main(body, workers=10)
