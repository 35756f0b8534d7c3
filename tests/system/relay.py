#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""relay.py: a phone's `mohr-relay serve` with the computer's real helper before it and the test in mohrd's place: what a paired
computer gets, what it does not get, and that a link which dies leaves nothing on the card. The card is a simulated one with a
witness (tests/tools/monitored_reader_soft.c); the whole way through mohrd is phone.py's."""
import fcntl
import hmac
import json
import os
import pty
import re
import select
import signal
import socket
import sqlite3
import struct
import subprocess
import time

import digits
import flow
import lib
import relayed
from channel import BUSY, IAS, IS_NEW, LEAVE, OK, RESET, SAME
from lib import PIN, wait_for

WRONG_PIN, REFUSED, FORBIDDEN = 13, 15, 16  # the last as the helper reports it: policy
SCREEN = {"DISPLAY": ":mohr-test"}


def announcement(audience="https://office.example", timeout=60):
    """OP_ANNOUNCE of a plain assertion: a frame of daemon/prompt/question.h, and nothing signed."""
    with open(os.path.join(lib.TREE, "daemon/prompt/question.c"), encoding="utf-8") as source:
        names = re.findall(r"FIELD\((\w+),", source.read().split("fields[] = {")[1].split("};")[0])
    with open(os.path.join(lib.TREE, "daemon/prompt/question.h"), encoding="utf-8") as header:
        version = int(re.search(r"QUESTION_VERSION +(\d+)", header.read())[1])
    said = {"request": "r1", "app": "/usr/bin/counter", "audience": audience, "given_name": "Sara", "reader": "phone"}
    texts = [said.get(name, "").encode() for name in names]
    frame = bytes([version]) + b"".join(struct.pack(">H", len(text)) + text for text in texts)
    frame += struct.pack(">BHH8B", 3, 0, timeout, 0, 0, 0, 0, 0, 0, 0, 0)
    return struct.pack(">H", len(frame)) + frame + b"\0\0"


ANNOUNCEMENT = announcement()
BLOCK = b"\0\x20" + bytes(31) + b"\x07"


def confirm(computer):
    """As mohrd does, without its judgement: the certificates are read first."""
    return (computer.outcomes(("BEGIN",), ("IDENTIFY",)) == [OK, OK] and
            [computer.ask("READ", bytes([file]))[0] for file in range(3)].count(OK) > 0 and computer.ask("CONFIRM")[0] == OK)


def ready_for_pin(computer, announced=True):
    """Everything that mohrd does before a PIN."""
    if not confirm(computer) or (announced and computer.ask("ANNOUNCE", ANNOUNCEMENT)[0] != OK):
        return False
    return computer.ask("COUNTER", IAS)[0] == OK


def sign(computer):
    """Whether some key signs."""
    return any(computer.ask("SIGN", bytes([key, 0]) + BLOCK)[0] == OK for key in range(1, 10))


def pins(card):
    """How many PINs the card was told; asking for the tries left is none."""
    return sum(header[2:4] == "20" and int(line.split("len=")[1].split()[0]) > 5
               for header, line in ((line.split()[0].upper(), line) for line in card.lines() if "len=" in line))


def serves(phone):
    """Whether a computer is let in and has a card."""
    computer = phone.computer()
    served = computer and computer.begin()[0] == OK
    if computer:
        computer.end()
    return served


def untouched(rig, card, what):
    rig.check(pins(card) == 0 and card.locked(), f"{what}: no PIN reached the card", card.lines()[-5:])
    card.remove()


# ---- what is promised ------------------------------------------------------------------------------

def from_afar(rig):
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, "--pin", "computer", card=card)
    computer = phone.computer()
    with open(f"/proc/{phone.process.pid}/status", encoding="ascii") as status, \
            open(f"/proc/{phone.process.pid}/limits", encoding="ascii") as limits:
        rig.check("NoNewPrivs:\t1" in status.read() and re.search("core file size +0 +0", limits.read()),
                  "the phone's process can gain no privileges and leaves no core")
    rig.check(computer.frame()[0] == "LINK" and computer.presence()[0] == 1, "a computer is told of the reader, and that a card is there")
    rig.check(confirm(computer) and computer.outcomes(("END", LEAVE)) == [OK], "it looks at the card")
    rig.check(computer.begin() == (OK, SAME), "which is the same one in the next transaction")
    rig.check(computer.ask("ANNOUNCE", ANNOUNCEMENT)[0] == OK and computer.verify(PIN) == [OK] * 3 and sign(computer),
              "announces a request, gives the PIN, has something signed")
    rig.check(computer.outcomes(("CLEAR",), ("END", RESET)) == [OK, OK] and card.locked(), "and nothing is verified afterwards")
    computer.end()
    again = phone.computer()
    rig.check(again.begin() == (OK, IS_NEW) and pins(card) == 1, "the next connection finds a helper that knows nothing")
    again.end()
    wait_for(lambda: "Counter 3: signed." in phone.process.said())
    lines = phone.process.said()
    rig.check("Counter 3 asks" in lines and "Counter 3: signed." in lines and "https://office.example" not in lines,
              "a file or a journal is told that something was signed, and not for whom", lines[-600:])
    rig.check(PIN not in lines and "Sara" not in lines, "nor are digits or the holder's name in what it prints")
    ends_in_order(rig, phone)
    on_a_terminal(rig, phone)
    card.remove()


def on_a_terminal(rig, phone):
    leader, follower = pty.openpty()
    phone.process = lib.Process(rig, "relay", [os.path.join(relayed.programs(rig), "mohr-relay"), "serve", *phone.words], phone.env, stdout=follower)
    os.close(follower)
    shown = ""
    while "Ctrl-C" not in shown:
        shown += os.read(leader, 65536).decode()
    computer = phone.computer()
    rig.check(computer.ask("ANNOUNCE", ANNOUNCEMENT)[0] == OK, "a request is announced to a phone with a terminal")
    while "https://office.example" not in shown and select.select([leader], [], [], 60)[0]:
        shown += os.read(leader, 65536).decode()
    rig.check("Counter 3: /usr/bin/counter, https://office.example" in shown, "whose person reads there who asks for what", shown[-600:])
    computer.end()
    phone.stop()
    os.close(leader)


def the_last_try(rig):
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, "--pin", "computer", card=card)
    for _ in range(2):
        computer = phone.computer()
        rig.check(ready_for_pin(computer) and computer.verify("00000000")[-1] == WRONG_PIN, "a wrong PIN from a computer")
        computer.end()
    computer = phone.computer()
    said = ready_for_pin(computer) and computer.ask("PIN", PIN.encode())
    rig.check(said and said[0] == 24 and pins(card) == 2, "the last try is not spent on digits from a computer", (said, pins(card)))
    computer.end()
    rig.check(wait_for(lambda: "one try is left" in phone.process.said()), "and the phone says why", phone.process.said()[-300:])
    folder, _ = phone.folders["Counter 3"]
    daemon = lib.Daemon(rig, ("phone",), phone={"folder": folder})
    daemon.wait_state("phone", "card")
    code, _, err = rig.assert_(daemon)
    rig.check(code == 24 and "cannot ask about it itself" in err and pins(card) == 2, "mohrd's client hears 24, and why", (code, err))
    rig.check("nonsense" not in daemon.process.said(), "and the phone's helper is not taken for a liar", daemon.process.said()[-300:])
    daemon.stop()
    phone.stop()
    card.remove()


def just_started(rig):
    """A computer that waits for a phone finds its reader, however late that was found."""
    card = flow.Soft(rig)
    helper = os.path.join(relayed.programs(rig), "mohr-reader-soft")
    swift = os.readlink(helper)
    os.unlink(helper)
    with open(helper, "w", encoding="utf-8", opener=lambda path, flags: os.open(path, flags, 0o700)) as slow:
        slow.write(f'#!/bin/sh\nsleep 0.5\nexec {swift} "$@"\n')
    phone = relayed.Phone(rig, "--pin", "computer", card=card)
    rig.check(confirm(phone.computer()), "a phone that lets somebody in has found its reader", phone.process.said()[-300:])
    os.unlink(helper)
    os.symlink(swift, helper)
    phone.stop()
    untouched(rig, card, "just started")


def ends_in_order(rig, phone):
    computer = phone.computer()
    computer.begin()
    rig.check(phone.stop() == 0 and computer.frame() is None, "SIGTERM: it says goodbye and ends with 0", phone.process.said()[-300:])
    with socket.socket() as probe:
        rig.check(probe.connect_ex(("127.0.0.1", phone.port)) != 0, "and nothing listens any more")


def typed_here(rig):
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, card=card, env=SCREEN)
    for getpin, confirm, expected, word in (((), ("cancel",), REFUSED, b"\x64\x01"), (("00000000",), ("ok",), WRONG_PIN, b"\x63\xc2"),
                                            ((PIN,), ("ok",), OK, b"\x90\0")):
        phone.script(getpin or ("cancel",), confirm)
        computer = phone.computer()
        rig.check(ready_for_pin(computer), "the phone is asked for a PIN")
        outcome, fields = computer.ask("PINPAD", b"\x2d")
        rig.check(outcome == expected, f"what the person did there is answered: {expected}", (outcome, fields))
        told = "".join(phone.prompts())
        rig.check("Counter 3" in told and "office.example" in told, "they read which computer asks, and for whom", told[:400])
        rig.check(outcome != OK or sign(computer), "and what it was for is signed")
        computer.end()
    rig.check(pins(card) == 2 and card.locked(), "two PINs went to the card, none stays verified", pins(card))
    card.remove()
    hung_up(rig, phone, card)
    phone.stop()


def prompting(phone):
    return subprocess.run(["pgrep", "-P", str(phone.process.pid), "mohr-prompt"], stdout=subprocess.DEVNULL, check=False).returncode == 0


def hung_up(rig, phone, card):
    phone.held()
    before = pins(card)
    computer = phone.computer()
    ready_for_pin(computer)
    computer.channel.send(struct.pack(">BBHI", 1, relayed.channel.OPS.index("PINPAD"), 99, 1) + b"\x2d")
    rig.check(wait_for(lambda: prompting(phone)), "the prompt is open")
    computer.kill()
    rig.check(wait_for(lambda: not prompting(phone)) and pins(card) == before, "the computer hangs up: the prompt closes, nothing is sent")


# ---- what becomes of a question that is open --------------------------------------------------------

def asking(rig, card, **more):
    """A phone that shows its PIN page, where nobody types, and mohrd before it, with a request that waits there."""
    phone = relayed.Phone(rig, card=card, env=SCREEN)
    phone.held(getpin=(PIN,))
    folder, _ = phone.folders["Counter 3"]
    daemon = lib.Daemon(rig, ("phone",), phone={"folder": folder}, **more)
    daemon.wait_state("phone", "card")
    request = lib.Connection(daemon.socket).send("mohr.Identity.Assert", {"audience": lib.AUDIENCE, "nonce": lib.NONCE,
                                                                          "ui": {"display": ":mohr-test"}})
    rig.check(wait_for(lambda: prompting(phone)), "the phone shows its page")
    return phone, daemon, request


def last_end(rig, daemon):
    """How the history says that it ended."""
    daemon.stop()
    with sqlite3.connect(os.path.join(daemon.state, "history.db")) as base:
        ends = [json.loads(body) for (body,) in base.execute("SELECT body FROM entry ORDER BY seq")]
    return [end for end in ends if end["event"] == "ended"][-1]


def told_apart(rig):
    """Whoever lets go of a request while the phone's page is open has put no try at stake, and everybody is told so."""
    def hang_up(_phone, _daemon, request):
        request.close()

    def helper_dies(_phone, daemon, _request):
        os.kill(int(subprocess.run(["pgrep", "-P", str(daemon.process.pid), "mohr-reader-pho"], capture_output=True, text=True,
                                   check=True).stdout), signal.SIGKILL)

    def ctrl_c(phone, _daemon, _request):
        phone.process.child.send_signal(signal.SIGINT)
    for what, does, error, word in (("the client hangs up", hang_up, None, None), ("the connection breaks", helper_dies, "CardRemoved", "none was heard"),
                                    ("Ctrl-C at the phone", ctrl_c, "RefusedByPerson", "cancelled there and nothing was sent")):
        card = flow.Soft(rig)
        phone, daemon, request = asking(rig, card)
        does(phone, daemon, request)
        if error:
            said, reply, _ = request.receive()
            rig.check(said and said.endswith(error) and word in reply.get("detail", ""), f"{what}: the client hears that nothing was sent", (said, reply))
            request.close()
        rig.check(wait_for(lambda phone=phone: "no PIN went to the card" in phone.process.said()), f"{what}: the person at the phone reads it",
                  phone.process.said()[-300:])
        end = last_end(rig, daemon)
        rig.check("may have been spent" not in end.get("detail", ""), f"{what}: nor is it in the history", end)
        untouched(rig, card, what)
        phone.stop()


def typed_for_nobody(rig):
    """The line is dead when the person has typed: the phone asks whether the computer is there before a try is put at stake."""
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, card=card, env=SCREEN)
    typed = phone.held(getpin=(PIN,))
    computer = phone.computer()
    ready_for_pin(computer)
    computer.channel.send(struct.pack(">BBHI", 1, relayed.channel.OPS.index("PINPAD"), 99, 1) + b"\x2d")
    rig.check(wait_for(lambda: prompting(phone)), "the prompt is open")
    computer.child.send_signal(signal.SIGSTOP)
    time.sleep(2.5)  # for so long one that is there is never silent in a transaction
    typed()
    rig.check(wait_for(lambda: "silent" in phone.process.said()), "a computer that says nothing when the PIN was typed is given up",
              phone.process.said()[-300:])
    computer.kill()
    untouched(rig, card, "typed for nobody")
    phone.script((PIN,))
    computer = phone.computer()
    ready_for_pin(computer)
    computer.channel.send(struct.pack(">BBHI", 1, relayed.channel.OPS.index("PINPAD"), 99, 1) + b"\x2d")
    heard = []
    while (frame := computer.frame()) and (heard.append(frame) or frame[0] != "PINPAD"):
        pass
    rig.check([frame[0] for frame in heard if frame[0] != "PRESENCE"] == ["LINK", "PINPAD"], "one that is there hears of it before the card does", heard)
    phone.stop()


# ---- what is not had --------------------------------------------------------------------------------

def forbidden(rig):
    """Each ends the connection, and with the reason."""
    from_afar_, here = (("--pin", "computer"), {}), ((), SCREEN)
    for (words, env), cases in (
            (from_afar_, (("a PIN without a request", (("COUNTER", IAS), ("PIN", PIN.encode()))),
                          ("a VERIFY without a PIN", (("ANNOUNCE", ANNOUNCEMENT), ("COUNTER", IAS), ("VERIFY",))),
                          ("a PIN before the counter", (("ANNOUNCE", ANNOUNCEMENT), ("PIN", PIN.encode()))),
                          ("a signature without a PIN", (("ANNOUNCE", ANNOUNCEMENT), ("SIGN", b"\1\0" + BLOCK))))),
            (here, (("the phone's prompt without a request", (("COUNTER", IAS), ("PINPAD", b"\x2d"))),
                    ("a PIN from afar where the phone asks", (("ANNOUNCE", ANNOUNCEMENT), ("COUNTER", IAS), ("PIN", PIN.encode())))))):
        card = flow.Soft(rig)
        phone = relayed.Phone(rig, *words, card=card, env=env)
        for told, (what, steps) in enumerate(cases, 1):
            computer = phone.computer()
            outcomes = confirm(computer) and computer.outcomes(*steps)
            rig.check(outcomes and outcomes[:-1] == [OK] * (len(steps) - 1) and outcomes[-1] in (FORBIDDEN, None), f"{what} is refused", outcomes)
            rig.check(wait_for(lambda told=told: phone.process.said().count('reason="forbidden"') == told), "and the phone says so",
                      phone.process.said()[-300:])
            computer.end()
        untouched(rig, card, "forbidden things")
        phone.stop()


def one_at_a_time(rig):
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, card=card, computers=("Counter 3", "Laptop"))
    first, second = phone.computer(), phone.computer("Laptop")
    first.begin()
    rig.check(second.begin()[0] == BUSY, "a second computer hears that the reader is taken")
    first.end()
    rig.check(wait_for(lambda: second.begin()[0] == OK), "and gets it when the first has gone")
    held = [socket.create_connection(("127.0.0.1", phone.port)) for _ in range(12)]
    third = phone.computer()
    rig.check(third is not None, "strangers who connect and say nothing keep nobody out")
    phone.forget()
    rig.check(wait_for(lambda: third.child.poll() is not None), "a computer that is forgotten is cut off at once")
    rig.check(phone.computer() is None, "and does not come in again")
    rig.check(second.ask("IDENTIFY")[0] == OK, "the others go on")
    for each in held:
        each.close()
    untouched(rig, card, "no PIN asked for")
    phone.stop()


def hung_up_on(rig):
    for words, ends in (((), True), (("nohup",), False)):
        phone = relayed.Phone(rig, card=flow.Soft(rig), wrap=words)
        phone.process.child.send_signal(signal.SIGHUP)
        if ends:
            rig.check(phone.process.child.wait(60) == 0, "the terminal's end is the phone's")
        else:
            rig.check(phone.computer().begin()[0] == OK and phone.stop() == 0, "not so under nohup")


def nobody_paired(rig):
    phone = relayed.Phone(rig, card=flow.Soft(rig), computers=())
    rig.check(phone.process.child.wait(60) == 2 and "mohr-relay pair" in phone.process.said(), "without a pairing it says what to do, and ends",
              phone.process.said())


# ---- links that die ---------------------------------------------------------------------------------

def links_that_die(rig):
    for what, how in (("its computer dies", signal.SIGKILL), ("its computer falls silent", signal.SIGSTOP)):
        card = flow.Soft(rig)
        phone = relayed.Phone(rig, card=card)
        computer = phone.computer()
        rig.check(ready_for_pin(computer) and computer.outcomes(("PIN", PIN.encode()), ("VERIFY",)) == [OK, OK] and
                  card.stats().get("pin_verified"), "a card is verified")
        computer.child.send_signal(how)
        rig.check(card.locked(), f"{what}: the card is not verified any more")
        computer.kill()
        rig.check(wait_for(lambda: serves(phone)), "and the phone serves the next one")
        phone.stop()
        card.remove()


def nobody_reads(rig):
    """Ctrl-S, or a pipe to a program that hangs: the words that a computer brings about must not hold the phone up."""
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, "--pin", "computer", card=card)
    phone.stop()
    reads, writes = os.pipe()
    fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    program = os.path.join(relayed.programs(rig), "mohr-relay")
    with subprocess.Popen([program, "serve", *phone.words], env=phone.env, stdout=writes, stderr=writes) as relay:
        said = b""
        while b"typed at" not in said:
            said += os.read(reads, 4096)
        computer = phone.computer()
        rig.check(confirm(computer) and computer.outcomes(*[("ANNOUNCE", ANNOUNCEMENT)] * 100) == [OK] * 100 and
                  computer.verify(PIN) == [OK] * 3, "a phone goes on while nobody reads what it says")
        computer.kill()
        rig.check(card.locked(), "and its card is locked when the computer has gone")
        relay.terminate()
    os.close(reads)
    os.close(writes)
    card.remove()


def asleep(rig):
    """What a computer said before it lost its patience with a phone that slept is not carried out when that wakes up."""
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, card=card)
    computer = phone.computer()
    ready_for_pin(computer)
    computer.outcomes(("PIN", PIN.encode()))
    phone.process.child.send_signal(signal.SIGSTOP)
    computer.channel.send(struct.pack(">BBHI", 1, relayed.channel.OPS.index("VERIFY"), 99, 0))
    rig.check(computer.child.wait(60) != 0, "the computer gives up a phone that says nothing")
    phone.process.child.send_signal(signal.SIGCONT)
    rig.check(wait_for(lambda: "computer left" in phone.process.said()), "which wakes up")
    untouched(rig, card, "a VERIFY that lay there meanwhile")
    phone.stop()


def comes_again(rig):
    """A computer that lost its Wi-Fi is back before the phone has noticed: what it left behind is over at once, also a PIN."""
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, "--pin", "computer", card=card, computers=("Counter 3", "Laptop"))
    lost = phone.computer()
    rig.check(ready_for_pin(lost) and lost.verify(PIN) == [OK] * 3 and card.stats().get("pin_verified"), "a computer is lost with a verified card")
    other = phone.computer("Laptop")
    lost.child.send_signal(signal.SIGSTOP)
    rig.check(other.begin()[0] == BUSY, "another one hears that the reader is taken")
    back = phone.computer()
    rig.check(back.begin() == (OK, IS_NEW) and card.locked(), "the same one has the reader at once, its card not verified any more")
    rig.check(back.ask("SIGN", b"\1\0" + BLOCK)[0] != OK and pins(card) == 1, "and has to ask for a PIN anew")
    lost.child.send_signal(signal.SIGCONT)
    rig.check(wait_for(lambda: lost.child.poll() is not None), "the lost one is told when it wakes up, and ends")
    lost.kill()
    back = phone.computer()
    rig.check(ready_for_pin(back), "again it comes in its own place, and goes on")
    again, late = phone.computer(), phone.computer()
    rig.check(wait_for(lambda: again.child.poll() is not None) and late.begin()[0] == OK and pins(card) == 1,
              "however often, the last one counts, and no PIN is sent again")
    card.remove()
    phone.stop()


def published(rig):
    """To the network it is nobody's phone, to its computers it is theirs."""
    folder = os.path.join(rig.dir, "avahi")
    os.mkdir(folder)
    with open(os.path.join(folder, "avahi-publish"), "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o700)) as fake:
        fake.write(f'#!/bin/sh\necho "$@" >>{folder}/said\nexec sleep 1000\n')
    phone = relayed.Phone(rig, card=flow.Soft(rig), env={"PATH": folder + ":" + rig.env["PATH"]}, publish=True)

    def said():
        with open(os.path.join(folder, "said"), encoding="ascii") as file:
            return [line.split() for line in file]
    wait_for(lambda: os.path.exists(os.path.join(folder, "said")) and said())
    words, pairing = said()[0], phone.folders["Counter 3"][1]
    salt, tag = words[4][2:18], words[4][18:]
    expected = hmac.new(pairing.encode(), b"mohr tag" + bytes.fromhex(salt), "sha256").hexdigest()[:16]
    rig.check(words[2:4] == ["_mohr-relay._tcp", str(phone.port)] and words[4][:2] == "t=" and tag == expected,
              "avahi-publish is told port and salted tag", words)
    rig.check(not any(pairing in word or "Counter" in word for word in words), "and no name or number of anybody", words)
    phone.pair("Laptop")
    rig.check(wait_for(lambda: len(said()) > 1) and len(said()[-1]) == 6 and said()[-1][4] != words[4],
              "a new pairing is published, all with new tags", said())
    phone.stop()


FAR = "203.0.113.9"  # RFC 5737
KNOCK = """import socket, sys
knocking = socket.create_connection((sys.argv[1], int(sys.argv[2])))
knocking.settimeout(float(sys.argv[3]))
try:
    print("hung up" if not knocking.recv(1) else "said something")
except TimeoutError:
    print("waits")
"""


def far_away(rig):
    """In a network of its own, where this device has an address of the whole world as well."""
    alone = ("unshare", "-n", "sh", "-c", f'ip link set lo up && ip addr add {FAR}/32 dev lo && exec "$@"', "sh")
    if subprocess.run([*alone, "true"], stderr=subprocess.DEVNULL, check=False).returncode:
        return rig.skip("who comes from far away", "this machine permits no network namespace")
    for words, expected in (((), "hung up"), (("--anywhere",), "waits")):
        phone = relayed.Phone(rig, *words, card=flow.Soft(rig), wrap=alone)
        met = [subprocess.run(["nsenter", "-t", str(phone.process.pid), "-n", "python3", "-c", KNOCK, address, str(phone.port), patience],
                              capture_output=True, text=True, check=False).stdout.strip()
               for address, patience in ((FAR, "1" if expected == "waits" else "60"), ("127.0.0.1", "1"))]
        rig.check(met == [expected, "waits"], f"from far away, {' '.join(words) or 'by default'}: {expected}", met)
        phone.stop()
    return None


def renewed(rig):
    card = flow.Soft(rig)
    phone = relayed.Phone(rig, card=card)
    path = os.path.join(phone.folders["Counter 3"][0], phone.folders["Counter 3"][1] + ".json")

    def key():
        with open(path, encoding="ascii") as file:
            return json.load(file)["certificate"]
    before = key()
    code, out, err = rig.mohr(None, "phone", "renew", "phone", env={"XDG_DATA_HOME": os.path.join(phone.home, "of-0")})
    rig.check(code == 0 and key() != before, "mohr phone renew: the computer has a new key", (code, out, err))
    rig.check(wait_for(lambda: "renewed" in phone.process.said()), "the phone says so", phone.process.said()[-300:])
    rig.check(phone.computer().begin()[0] == OK and phone.computer().begin()[0] in (OK, BUSY), "and the two find each other again, and again")
    phone.stop()


def over_pcsc(rig):
    pcscd = lib.Pcscd(rig)
    card = lib.Card(rig, pcscd)
    phone = relayed.Phone(rig, "--pin", "computer", driver="pcsc")
    computer = phone.computer()
    rig.check(ready_for_pin(computer) and computer.outcomes(("PIN", PIN.encode()), ("VERIFY",)) == [OK, OK] and sign(computer),
              "a card behind pcscd signs")
    rig.check(card.stats().get("pin_verified") is True, "and is verified in that transaction")
    computer.kill()
    rig.check(card.locked() and pins(card) == 1, "which ends with the connection, and the card is reset")
    phone.stop()
    card.remove()
    pcscd.stop()


def left_in_memory(rig, words, env, avoid):
    """A wrong PIN, since the right one stands in the card's configuration: what is left of it when it was answered."""
    card, pin = flow.Soft(rig), digits.a_pin(avoid=avoid)
    phone = relayed.Phone(rig, *words, card=card, env=env)
    phone.script((pin,))
    computer = phone.computer()
    ready_for_pin(computer)
    outcomes = [computer.ask("PINPAD", b"\x2d")[0]] if env else computer.outcomes(("PIN", pin.encode()), ("VERIFY",))
    finds = digits.look(phone, pin)
    computer.end()
    phone.stop()
    finds = {name: [find for find in found if not find[1].endswith(".witness")] for name, found in finds.items()}  # full of digits
    return outcomes[-1] == WRONG_PIN, {name: found for name, found in finds.items() if found}


def forgets_digits(rig):
    if rig.sanitized():
        return None  # its shadow is of the size of all memory
    if not digits.may_look():
        return rig.skip("digits in the relay's memory", "only root may look")
    for what, words, env in (("typed at the computer", ("--pin", "computer"), {}), ("typed here", (), SCREEN)):
        avoid, looks = [], []
        while not looks or len(looks) < digits.RUNS and digits.stays(looks):
            wrong, finds = left_in_memory(rig, words, env, avoid)
            avoid += [needle for found in finds.values() for needle, _ in found]
            looks.append(finds)
        rig.check(wrong and not digits.stays(looks), f"of a PIN {what} nothing is left in the phone's processes", looks)
    return None


def body(rig):
    rig.helpers = []
    for case in rig.mine((asleep, nobody_reads, from_afar, just_started, the_last_try, links_that_die, told_apart, typed_for_nobody, typed_here, comes_again, forbidden, over_pcsc, one_at_a_time, renewed,
                          published, nobody_paired, forgets_digits, far_away, hung_up_on)):
        case(rig)


if __name__ == "__main__":
    lib.main(body, workers=2)
