#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""leaks.py: what is left of a PIN and of a holder, outside of the answer that was consented to.

A few requests, good and bad, at the most verbose log level. Then everything is read that others might read: what the programs
said (the journal, in a session), every byte of every file they keep, the write-ahead log as well, what /proc says of
each process while the PIN is asked for and while the card checks it, what `mohr history` prints. Nowhere are digits of the PIN, in any
spelling; and name, numbers and certificate only where `[history] values = yes` lets them be. The same over NFC, USB and a phone, for
a document, a key, a new PIN, and by a screen. What falls leaves no image of its memory. Memory while they run is memory.py's.

That the look can see is shown each time: the audience, which may be anywhere, is found.
"""
import base64
import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import threading
import urllib.parse

import digits
import lib
import pkcs11_rig
import screen
import ways
from digits import a_pin, family, find, may_look, persian
from lib import AUDIENCE, Card, Daemon, Pcscd, main, wait_for
from rows import History

EXPECTED = "0012345679"  # a national number that an app expects, and nobody's here
PURPOSE = "Opening an account"


def spelled(pin):
    """The PIN as text, numbers, hexadecimal, packed and in Base64, in all scripts of digits, whole and by six digits of eight."""
    ascii_, packed = pin.encode(), bytes.fromhex(pin)
    local, escaped = persian(pin), "".join(f"\\u06f{digit}" for digit in pin)
    forms = {"digits": ascii_, "reversed": ascii_[::-1], "packed, the other half first": bytes.fromhex("".join(pin[at + 1] + pin[at] for at in (0, 2, 4, 6))),
             "UTF-16": pin.encode("utf-16-le"), "UTF-32": pin.encode("utf-32-le"), "Persian digits, escaped": escaped.encode(),
             "Persian digits in hex": local.encode().hex().encode(), "Persian digits, in percents": urllib.parse.quote(local).encode(),
             "Persian digits in UTF-16": local.encode("utf-16-le"), "Persian digits reversed": local[::-1].encode(), "bare numbers": bytes(digit - 48 for digit in ascii_), "hex": ascii_.hex().encode(),
             "HEX": ascii_.hex().upper().encode(), "packed": packed, "Base64": base64.b64encode(ascii_)[:8],
             "Persian digits": local.encode(),
             "Arabic-Indic digits": "".join(chr(0x660 + int(digit)) for digit in pin).encode()}
    forms.update({f"six digits from {at}": ascii_[at:at + 6] for at in range(3)})
    return forms


def of_holder(assertion):
    """What an assertion tells of its holder, to be looked for elsewhere."""
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in assertion.split(".")[:2])
    der = base64.b64decode(header["x5c"][0])
    number = claims["card_number"]
    forms = {"given name": claims["given_name"].encode(), "family name": claims["family_name"].encode(), "card number": number.encode(),
             "card number in Persian": persian(number).encode(), "subject": claims["sub"].encode(),
             "the name, escaped": claims["family_name"].encode("unicode_escape"), "expected number": EXPECTED.encode()}
    middle = len(der) // 2
    forms.update({"certificate": der[middle:middle + 24], "certificate in Base64": header["x5c"][0][400:440].encode(),
                  "certificate in hex": der[middle:middle + 24].hex().encode()})
    return forms


def seen(forms, data):
    return sorted(name for name, needle in forms.items() if needle in data)


# ---- what others might read -----------------------------------------------------------------------

def files(daemon):
    """{path: bytes} of all that is kept."""
    found = {}
    homes = [os.path.join(daemon.phone.home, "mohr"), os.path.join(daemon.rig.dir, "mohr")] if hasattr(daemon, "phone") else []
    for folder, _, names in (found_there for home in [daemon.state, *homes] for found_there in os.walk(home)):
        for name in names:
            with contextlib.suppress(FileNotFoundError), open(os.path.join(folder, name), "rb") as file:  # one that only lasts for a moment
                found[name] = found.get(name, b"") + file.read()
    return found


def logs(daemon):
    """All that the daemon said, and what was said on the phone."""
    return (daemon.process.said() + (daemon.phone.process.said() if hasattr(daemon, "phone") else "")).encode()


def proc_of(pid):
    """What /proc tells of a process besides its memory."""
    told = []
    for name in ("cmdline", "environ", "maps", "comm", "stat", "status", "cgroup", "wchan", "mountinfo", "syscall", "stack", "auxv", "io", "limits"):
        try:
            with open(f"/proc/{pid}/{name}", "rb") as file:
                told.append(file.read())
        except OSError:
            continue
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            told.append(os.fsencode(os.readlink(f"/proc/{pid}/fd/{fd}")))
            with open(f"/proc/{pid}/fdinfo/{fd}", "rb") as file:
                told.append(file.read())
    except OSError:
        pass
    return b"\0".join(told)


def processes(daemon):
    """The daemon and all below it, pinentry included, as /proc has them: {pid and name: bytes}."""
    family = set(digits.family(daemon))
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        if parent in family:
            family.add(int(pid))
    return {pid: proc_of(pid) for pid in family}


# ---- a session ------------------------------------------------------------------------------------

class Session:
    """One card, one daemon, a few requests; what was seen meanwhile in /proc."""

    def __init__(self, rig, way, **history):
        self.rig, self.pin, self.wrong_pin, self.proc, self.said = rig, a_pin(), a_pin(), [], []
        self.card, make = ways.WAYS[way](rig, pin=self.pin, sign_ms=150)
        self.daemon = make(rig, history=history) if history else make(rig)
        self.reader, self.assertions = ways.reader_of(self.card, way), []
        self.daemon.wait_state(self.reader, "card")

    def ask(self, pin, while_asked=None, **script):
        self.daemon.script(getpin=[pin], **script)
        return self.answer(while_asked)

    def ask_and_look(self, pin):
        """The same, and nothing is typed before /proc was looked at."""
        types = self.daemon.held(getpin=[pin])
        return self.answer(lambda: (self.at_the_prompt(), types()))

    def answer(self, while_asked=None):
        answer = []
        thread = threading.Thread(target=lambda: answer.append(self.daemon.request(
            self.reader, purpose=PURPOSE, expect_national_number=EXPECTED)))
        thread.start()
        if while_asked:
            while_asked()
        thread.join()
        code, reply = answer[0]
        self.assertions += [reply] if code == 0 else []
        return code

    def look(self):
        self.proc.append(processes(self.daemon))

    def at_the_prompt(self):
        wait_for(lambda: any(line.startswith("GETPIN") for line in self.daemon.prompts()), 60)
        self.look()

    def at_the_card(self):
        wait_for(lambda: self.card.stats().get("pin_verified"), 60, 0.002)
        self.look()

    def run(self):
        codes = [self.ask_and_look(self.pin), self.ask(self.wrong_pin), self.ask(persian(self.pin), self.at_the_card),
                 self.ask(self.pin, confirm=["cancel"])]
        lib.call(self.daemon.socket, "mohr.Identity.Examine", {"transcript": True})
        self.look()
        self.files = files(self.daemon)  # while it runs: the write-ahead log is there
        self.daemon.stop()
        self.log = logs(self.daemon)
        self.files.update({name + " afterwards": data for name, data in files(self.daemon).items()})
        return codes

    def places(self):
        yield "the log", self.log
        yield from ((f"the file {name}", data) for name, data in self.files.items())
        for moment in self.proc:
            yield from ((f"/proc of {pid}", data) for pid, data in moment.items())
        exported = os.path.join(self.rig.dir, f"exported-{len(self.rig.processes)}")
        for words in (["list"], ["list", "--json"], ["show", "2"], ["verify"], ["export", "--force", exported]):
            _, out, err = self.rig.mohr(self.daemon, "history", words[0], "--from", self.daemon.state, *words[1:])
            yield f"mohr history {' '.join(words)}", (out + err).encode()
        if os.path.exists(exported):
            with open(exported, "rb") as file:
                yield "the history's export", file.read()

    def end(self):
        self.daemon.stop()
        self.card.remove()


# name, way, [history], what of a holder the files may hold
# (Not over the driver `soft`: its card's PIN is a setting, and so in its helper's command line.)
SESSIONS = [
    ("as shipped", "pcsc", {}, False),
    ("values kept", "pcsc", {"values": "yes"}, True),
    ("a station's register", "pcsc", {"values": "yes", "register": "station"}, False),
    ("over NFC", "nfc", {}, False),
    ("over USB", "usb", {}, False),
    ("a phone, the PIN typed there", "phone, usb", {}, False),
    ("a phone, the PIN typed here", "phone, pcsc", {}, False),
]


def leaks(session, kept):
    """[(place, form)] of the PINs, then of the holder where it may not be."""
    pins = {f"{which} PIN, {form}": needle for which, pin in (("the", session.pin), ("the wrong", session.wrong_pin))
            for form, needle in spelled(pin).items()}
    holder = of_holder(session.assertions[0])
    digits, words = [], []
    for place, data in session.places():
        digits += [(place, form) for form in seen(pins, data)]
        own = kept and ("history" in place)  # name and numbers may be there, a certificate never
        words += [(place, form) for form in seen(holder, data) if not (own and "certificate" not in form and form != "expected number")]
    return digits, words


def still(finds, before):
    """Those that were in the same place and form before: digits lie in numbers and addresses by chance, too, but not twice in one place."""
    def alike(find):
        return re.sub(r"\d+", "N", find[0]), find[1]
    return [find for find in finds if alike(find) in set(map(alike, before))]


def one(rig, name, way, history, kept):
    for again in (False, True):
        session = Session(rig, way, **history)
        codes = session.run()
        rig.check(codes == [0, 13, 0, 15], f"{name}: served, a wrong PIN, served, refused", codes)
        digits, words = leaks(session, kept)
        places = dict(session.places())
        digits = still(digits, first) if again else digits
        if not digits or again:
            break
        session.end()
        first = digits
        rig.note(f"{name}: a find, by chance or not: {digits}")
    rig.check(not digits, f"{name}: no digits of a PIN in {len(places)} places", digits)
    rig.check(not words, f"{name}: nothing of the holder where it may not be", words)
    told = [place for place, data in places.items() if AUDIENCE.encode() in data]
    history_told = History(session.daemon.state).bodies
    rig.check({"the history's export", "mohr history list"} <= set(told) and any(place.startswith("the file history.db") for place in told),
              f"{name}: the audience is found where it may be", told)
    rig.check(PURPOSE.encode() not in session.log and AUDIENCE.encode() not in session.log, f"{name}: for whom and what for is not in the log")
    names = [body.get("values") for body in history_told if body["event"] == "ended" and body["outcome"] == "Ok"]
    rig.check(len(names) == 2 and all(bool(value) == kept for value in names), f"{name}: values are kept {'as was chosen' if kept else 'nowhere'}", names)
    session.end()


# ---- a key, a document ----------------------------------------------------------------------------

class Uses(Session):
    """A staff card whose PIN is typed for a document (`mohr sign`) and for a key (mohr-pkcs11.so in a program of others)."""

    def __init__(self, rig):
        self.rig, self.pin, self.wrong_pin, self.proc, self.assertions = rig, a_pin(), a_pin(), [], []
        rig.pcscd = getattr(rig, "pcscd", None) or Pcscd(rig)
        self.card = Card(rig, rig.pcscd, profile="piv", pin=self.pin, sign_ms=150)
        self.daemon = Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
        self.daemon.wait_state(self.card.reader, "card")
        self.world, self.outputs = pkcs11_rig.World(rig, rig.pcscd), []

    def use(self, pin, *argv):
        types = self.daemon.held(getpin=[pin])
        self.daemon.prompts()
        asker = lib.Process(self.rig, "asker", argv, self.world.environment(self.daemon))
        self.at_the_prompt()
        self.proc.append({asker.pid: proc_of(asker.pid)})
        types()
        code = asker.child.wait(90)
        self.look()
        self.outputs.append(asker.said().encode())
        return code == 0

    def run(self):
        with open(self.world.path("contract.txt"), "w", encoding="ascii") as file:
            file.write("A contract.\n")
        document = [os.path.join(self.rig.build, "mohr"), "sign", "--force", "contract.txt"]
        served = [self.use(self.pin, *document), self.use(self.wrong_pin, *document), self.use(persian(self.pin), *document)]
        if not self.world.missing() and not self.rig.sanitized():  # whose module no other program can load
            self.world.key_file(self.daemon)
            key = ["pkcs11-tool", "--module", self.world.module, *self.world.sign_words("SHA256-RSA-PKCS", "sha256", "words")]
            served += [self.use(self.pin, *key), self.use(self.wrong_pin, *key)]
        self.files = files(self.daemon)
        self.daemon.stop()
        self.log = logs(self.daemon)
        return served

    def places(self):
        yield from super().places()
        yield from ((f"what asker {number} said", data) for number, data in enumerate(self.outputs))


class ByScreen(Session):
    """A PIN that goes through the pipe of a screen that holds the role mohr.Person."""

    def __init__(self, rig):
        self.rig, self.pin, self.wrong_pin, self.proc, self.assertions = rig, a_pin(), a_pin(), [], []
        rig.pcscd = getattr(rig, "pcscd", None) or Pcscd(rig)
        self.card = Card(rig, rig.pcscd, pin=self.pin, sign_ms=150)
        self.daemon = screen.daemon_of(rig, drivers=("pcsc",))
        self.daemon.wait_state(self.card.reader, "card")
        self.screen = screen.Terminal(rig, self.daemon)

    def use(self, pin):
        running = screen.start(self.daemon, claims={})
        self.screen.answer("Do you agree?", "y")
        self.screen.answer("4 to 8 digits", pin, quiet=True)
        self.at_the_card() if pin != self.wrong_pin else None
        result, _ = screen.outcome(running)
        self.proc.append({self.screen.child.pid: proc_of(self.screen.child.pid)})
        return result == "Ok"

    def run(self):
        served = [self.use(self.pin), self.use(self.wrong_pin), self.use(persian(self.pin))]
        self.files = files(self.daemon)
        self.screen.read()
        self.outputs = [self.screen.text.encode()]
        self.screen.end()
        self.daemon.stop()
        self.log = logs(self.daemon)
        return served

    def places(self):
        yield from super().places()
        yield "what the screen showed", self.outputs[0]


def nothing_left(rig, what, kind, good):
    """Such a session, and where the PIN's digits are after it."""
    for again in (False, True):
        session = kind(rig)
        served = session.run()
        rig.check(served in good, f"{what}: served, a wrong PIN, served", served)
        forms = {f"{number}, {form}": needle for number, pin in enumerate((session.pin, session.wrong_pin)) for form, needle in spelled(pin).items()}
        found = [(place, form) for place, data in session.places() for form in seen(forms, data)]
        found = still(found, first) if again else found
        kept = b"".join(data for name, data in session.files.items())
        session.end()
        if not found or again:
            break
        first = found
        rig.note(f"{what}: a find, by chance or not: {found}")
    rig.check(not found, f"{what}: no digits of a PIN in logs, files, /proc, history or on the screen", found)
    return kept


def used(rig):
    kept = nothing_left(rig, "a document and a key", Uses, ([True, False, True], [True, False, True, True, False]))
    rig.check(b"contract.txt" in kept, "a document and a key: the history's files were read", len(kept))


def by_a_screen(rig):
    if not may_look() or not os.path.ismount(lib.PRIVATE) or not screen.program(rig):
        rig.skip("what is left of a PIN from a screen", "it takes root, and folders that only root can write to")
        return
    kept = nothing_left(rig, "a screen", ByScreen, ([True, False, True],))
    rig.check(screen.ASK["audience"].encode() in kept, "a screen: the history's files were read", len(kept))


# ---- core files -----------------------------------------------------------------------------------

def fall(pid):
    """Ends as by a fault of its own. True where the kernel says that it left an image of its memory."""
    os.kill(pid, signal.SIGSEGV)
    return os.WCOREDUMP(os.waitpid(pid, 0)[1])


def no_image_is_left(rig):
    """Everything falls while a PIN is being typed, and is allowed images of any size: an ordinary program leaves one, ours none."""
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    other = subprocess.Popen(["sleep", "60"], cwd=rig.dir)
    dumps = fall(other.pid)
    card, make = ways.WAYS["phone, pcsc"](rig)
    daemon = make(rig)
    daemon.wait_state("phone", "card")
    daemon.script(getpin=["hang"])
    running = lib.Connection(daemon.socket).send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": lib.NONCE, "ui": {"display": ":mohr-test"}})
    asked = wait_for(lambda: any(line.startswith("GETPIN") for line in daemon.prompts()), 60)
    ours = {pid: name for pid, name in family(daemon).items() if name.startswith("mohr")}
    limits = {name: line.split()[4] for pid, name in ours.items() for line in proc_of(pid).decode(errors="replace").splitlines() if line.startswith("Max core")}
    own = {daemon.process.pid, daemon.phone.process.pid}
    before = set(os.listdir(rig.dir))
    for pid in set(ours) - own:
        with contextlib.suppress(ProcessLookupError):  # it ends with another one
            os.kill(pid, signal.SIGSEGV)
    images = [pid for pid in own if fall(pid)]
    left = [name for name in set(os.listdir(rig.dir)) - before if "core" in name]
    running.close()
    card.remove()
    rig.check(asked and {"mohrd", "mohr-relay", "mohr-prompt", "mohr-history", "mohr-reader-pho", "mohr-reader"} <= set(ours.values()), "a PIN is being typed, all of Mohr is there", ours)
    rig.check(not images and not left, f"nothing of Mohr that falls leaves an image ({'sleep does' if dumps else 'nor does anything here'})", (images, left))
    rig.check(limits and set(limits.values()) == {"0"}, "and none may", limits)
    if not dumps:
        rig.skip("that an ordinary program leaves an image", "not on this machine")


# ---- a staff card's new PIN -----------------------------------------------------------------------

class Renewal(Session):
    """A PIN that is changed, then unblocked with the card's PUK: each way has two secrets, the second one typed twice."""

    def __init__(self, rig):
        self.puk, self.new, self.newer = a_pin(), a_pin(), a_pin()
        self.pin, self.wrong_pin, self.rig, self.proc, self.assertions, self.memory = a_pin(), a_pin(), rig, [], [], []
        rig.pcscd = getattr(rig, "pcscd", None) or Pcscd(rig)
        self.card = Card(rig, rig.pcscd, profile="piv", pin=self.pin, piv_puk=self.puk)
        self.daemon = Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
        self.daemon.wait_state(self.card.reader, "card")

    def renew(self, method, *typed):
        types = self.daemon.held(getpin=typed)
        answer = []
        thread = threading.Thread(target=lambda: answer.append(lib.call(self.daemon.socket, "mohr.Identity." + method, {"ui": {"display": ":mohr-test"}})))
        thread.start()
        self.at_the_prompt()
        types()
        thread.join()
        self.look()
        needles = [needle for pin in self.pins() for form, needle in spelled(pin).items() if form not in ("packed", "reversed")]
        for pid in family(self.daemon) if may_look() and not self.rig.sanitized() else ():
            self.memory += find(pid, needles)
        return answer[0][0]

    def pins(self):
        return self.pin, self.new, self.newer, self.puk

    def run(self):
        codes = [self.renew("ChangePin", self.pin, self.new, self.new), self.renew("UnblockPin", self.puk, self.newer, self.newer)]
        self.files = files(self.daemon)
        self.daemon.stop()
        self.log = logs(self.daemon)
        return codes


def renewed(rig):
    for again in (False, True):
        session = Renewal(rig)
        codes = session.run()
        rig.check(codes == [None, None], "a PIN is changed, then unblocked", codes)
        forms = {f"{number}, {form}": needle for number, pin in enumerate(session.pins()) for form, needle in spelled(pin).items()}
        digits = [(place, form) for place, data in session.places() for form in seen(forms, data)]
        digits, memory = still(digits, first) if again else digits, session.memory
        session.end()
        if not (digits or memory) or again:
            break
        first = digits
        rig.note(f"a new PIN: a find, by chance or not: {digits} {memory}")
    rig.check(not digits, "a new PIN: no digits of old, new or PUK in logs, files, /proc or history", digits)
    rig.check(not memory, "a new PIN: nor in the memory of what goes on running", memory)


def body(rig):
    for name, way, history, kept in rig.mine(rig.few(SESSIONS, 3)):
        if why := ways.lacking(rig, way):
            rig.skip(f"what is left of a PIN: {name}", why)
        else:
            one(rig, name, way, history, kept)
    for part in rig.mine((used, renewed, by_a_screen, *(() if rig.sanitized() else (no_image_is_left,)))):  # a sanitizer's report is no fall
        part(rig)


if __name__ == "__main__":
    main(body, workers=4)
