#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The role of a screen (mohr.Person): who may hold it, and what a good and a bad one can do.

The good one is docs/screen/terminal.py on a pseudo-terminal, as a kiosk would start it; the bad one does what this script says
(tests/tools/screen-remote). The program that the configuration names is a copy of the Python interpreter under a name of
its own, in a folder that only root can write to. Card and prompts as in the other scripts.
"""
import base64
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import termios
import time

from digits import RUNS, a_pin, find, may_look, stays, windows
from lib import AUDIENCE, NONCE, PIN, PRIVATE, TREE, Card, Connection, Daemon, Pcscd, Process, die_with_parent, main, wait_for

ASK = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"language": "en"},
       "claims": {"required": ["card_generation"], "optional": ["reader", "station"]},
       "station": {"branch": "Test branch"}}
PERSIAN = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
KIOSK, PYTHON = "kiosk-screen", "/usr/bin/python3"


def program(rig):
    """What the configuration names; None where no folder of root's is at hand."""
    path = os.path.join(rig.quick, KIOSK)
    if not os.path.exists(path):
        shutil.copy(os.path.realpath(PYTHON), path)
        os.chmod(path, 0o755)
    folders = [path]
    while folders[-1] != "/":
        folders.append(os.path.dirname(folders[-1]))
    states = [os.stat(folder) for folder in folders]
    return path if all(state.st_uid == 0 and not state.st_mode & (stat.S_IWGRP | stat.S_IWOTH) for state in states) else None


def daemon_of(rig, drivers=("soft",), **sections):
    soft = {"soft": {"profile": "mav2-cl", "pki": rig.pki, "pin": PIN, **sections.pop("soft", {})}} if drivers == ("soft",) else {}
    daemon = Daemon(rig, drivers, person={"screen": "program:" + program(rig)}, **soft, **sections)
    wait_for(lambda: daemon.status().get("readers"))
    return daemon


def nobody_serves(daemon):
    """Waits until the role is free: that a screen is gone mohrd hears a moment later."""
    return wait_for(lambda: daemon.process.said().count("screen left") == daemon.process.said().count("screen took over"), step=0.05)


def claims_of(assertion):
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


class Terminal:
    """docs/screen/terminal.py on a pseudo-terminal of its own."""

    def __init__(self, rig, daemon, *words):
        self.master, slave = pty.openpty()
        self.text, self.seen = "", 0
        nobody_serves(daemon)
        before = daemon.process.said().count("screen took over")
        self.child = subprocess.Popen(
            [program(rig), os.path.join(TREE, "docs/screen/terminal.py"), "--socket", daemon.socket, *words], stdin=slave, stdout=slave,
            stderr=slave, env={**rig.env, "PYTHONHOME": "/usr"}, preexec_fn=die_with_parent, start_new_session=True)
        os.close(slave)
        wait_for(lambda: daemon.process.said().count("screen took over") > before)

    def read(self, seconds=0.0):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.text += data.decode(errors="replace")
            seconds = 0

    def until(self, words, seconds=60):
        """Waits for the words behind what was seen before; what stood between."""
        end = time.monotonic() + seconds
        while (at := self.text.find(words, self.seen)) < 0 and time.monotonic() < end:
            self.read(0.2)
        before, self.seen = self.text[self.seen:at if at >= 0 else None], at + len(words) if at >= 0 else self.seen
        return before if at >= 0 else None

    def answer(self, words, line, quiet=False):
        """Types a line after these words; to a PIN's only when the terminal has stopped to show what is typed."""
        before = self.until(words)
        if before is None:
            raise RuntimeError(f"not asked: {words!r}\n{self.text[-1500:]}")
        self.until("\n")
        wait_for(lambda: self.waits(quiet))
        os.write(self.master, (line + "\n").encode())
        return before

    def waits(self, quiet):
        """It is reading: asleep in its select with the terminal as it wants it."""
        echoes = bool(termios.tcgetattr(self.master)[3] & termios.ECHO)
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii", errors="replace") as state:
            asleep = state.read().rsplit(")", 1)[1].split()[0] == "S"
        return asleep and echoes != quiet

    def end(self):
        self.child.kill()
        self.child.wait()
        os.close(self.master)


class Remote:
    """A screen that does what it is told."""

    def __init__(self, rig, daemon, interpreter=None):
        self.child = Process(rig, "screen", [interpreter or program(rig), os.path.join(TREE, "tests/tools/screen-remote"),
                                             daemon.socket], {**rig.env, "PYTHONHOME": "/usr"},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE).child
        self.count = 0

    def do(self, *order):
        self.child.stdin.write(json.dumps(order).encode() + b"\n")
        self.child.stdin.flush()
        return json.loads(self.child.stdout.readline())

    def serve(self, name="serve"):
        self.do("connect", name)
        self.do("say", name, {"method": "mohr.Person.Serve", "more": True}, None)
        heard = self.do("hear", name, 60)
        return heard.get("error") or heard["parameters"]["event"]

    def event(self, seconds=60):
        heard = self.do("hear", "serve", seconds)
        return heard and heard["parameters"]

    def answer(self, event, decision="sign", passed=None, **more):
        """The error's name, or "" if it was taken."""
        self.count += 1
        name = f"answer-{self.count}"
        self.do("connect", name)
        self.do("say", name, {"method": "mohr.Person.Answer", "parameters": {"ticket": event["ticket"], "decision": decision, **more}},
                passed)
        heard = self.do("hear", name, 60)
        self.do("close", name)
        return heard.get("error", "").rsplit(".", 1)[-1]

    def end(self):
        self.child.kill()
        self.child.wait()


def start(daemon, **more):
    return Connection(daemon.socket).send("mohr.Identity.Assert", {**ASK, **more})


def outcome(connection):
    error, reply, _ = connection.receive()
    connection.close()
    return error.rsplit(".", 1)[1] if error else "Ok", reply


# ---- the good one -----------------------------------------------------------------------------------

def a_person_declines_a_claim(rig, daemon):
    screen = Terminal(rig, daemon)
    running = start(daemon, purpose="Opening an account")
    before = screen.answer("Do you agree?", "y")
    told = ("unverified name", "python", AUDIENCE, "Opening an account", "SIMULATED CARD", "Tries left",
            "always go with the chip's signature", "generation of the card")
    rig.check(all(word in before for word in told), "the page says who asks, for whom, what for and what always goes along",
              [word for word in told if word not in before])
    screen.answer("You may decline this", "n")
    screen.answer("You may decline this", "y")
    screen.answer("identification PIN of the national card (not the signature PIN), 4 to 8 digits", PIN.translate(PERSIAN), quiet=True)
    result, reply = outcome(running)
    told = claims_of(reply["assertion"]) if result == "Ok" else {}
    rig.check(result == "Ok" and rig.verify(reply["assertion"])[0] == 0, "an assertion by a screen, the PIN in Persian digits", reply)
    rig.check("reader" not in told.get("station", {}) and told["station"]["pin_entry"] == "screen" and told.get("station", {}).get("branch") and "generation" in told.get("card", {}),
              "says what was required and agreed to, and not what was declined", told)
    screen.read(0.1)
    rig.check(PIN not in screen.text and PIN.translate(PERSIAN) not in screen.text, "the digits were not shown")
    rig.check(not daemon.prompts(), "and no other prompt was opened")
    screen.end()


def add_documents(connection, rig, names):
    """Each is added with two descriptors; what was told of them, and the files of the results."""
    added, results = [], []
    for name in names:
        source, result = tempfile.TemporaryFile(dir=rig.dir), tempfile.TemporaryFile(dir=rig.dir)
        source.write(b"What is agreed: " + name.encode())
        source.flush()
        frame = {"method": "mohr.Documents.Add", "parameters": {"name": name, "form": "cms"}}
        socket.send_fds(connection.socket, [json.dumps(frame).encode() + b"\0"], [source.fileno(), result.fileno()])
        error, told, _ = connection.receive()
        added.append(told if not error else {"error": error})
        source.close()
        results.append(result)
    return added, results


def a_person_signs_documents(rig, daemon):
    """All of them are shown, in Persian, before the first is agreed to; the second takes its PIN alone."""
    screen = Terminal(rig, daemon, "--language", "fa")
    connection = Connection(daemon.socket)
    added, results = add_documents(connection, rig, ["قرارداد.txt", "b.txt"])
    if not rig.check(all("document" in row for row in added), "two documents are added", added):
        return
    connection.send("mohr.Documents.Sign", {"documents": [row["document"] for row in added], "purpose": "اجاره", "ui": {"language": "fa"}})
    before = screen.answer("موافق هستید؟", "y")
    told = ("درخواست امضای اسناد", "سند ۱ از ۲: \u2068قرارداد.txt", "سند ۲ از ۲: \u2068b.txt", "اجاره", *(row.get("digest", "?") for row in added))
    rig.check(all(word in before for word in told), "a screen shows every document before the yes", [word for word in told if word not in before])
    screen.answer("رمز شناسایی کارت هوشمند ملی (نه رمز امضا)", PIN, quiet=True)
    between = screen.answer("رمز شناسایی کارت هوشمند ملی (نه رمز امضا)", PIN, quiet=True)
    rig.check("سند ۲ از ۲" in between and "سند ۱ از ۲" not in between and "موافق هستید؟" not in between,
              "and asks for the PIN of the second alone", between)
    error, reply, _ = connection.receive()
    lengths = [os.fstat(result.fileno()).st_size for result in results]
    rig.check(not error and all(length > 500 for length in lengths), "both are signed", (error, reply, lengths))
    for result in results:
        result.close()
    connection.close()
    screen.end()


def a_person_shows_certificates(rig, daemon):
    screen = Terminal(rig, daemon)
    reader = daemon.status()["readers"][0]["name"]
    running = Connection(daemon.socket).send("mohr.Keys.List", {"reader": reader, "ui": {"language": "en"}})
    before = screen.answer("Do you agree?", "y")
    result, reply = outcome(running)
    rig.check(result == "Ok" and reply["keys"] and "name and number stand in them" in before,
              "a screen is asked whether certificates may be seen", (result, reply, before))
    screen.read(0.2)
    rig.check("lease type the" not in screen.text, "and no PIN is asked for that")
    screen.end()


def a_person_stops_at_the_last_try(rig, pcscd):
    card = Card(rig, pcscd)
    daemon = daemon_of(rig, drivers=("pcsc",), limits={"wrong_pins": "9"})
    daemon.wait_state(card.reader, "card")
    screen = Terminal(rig, daemon, "--language", "fa")
    tries = []
    for _ in range(2):
        running = start(daemon, claims={})
        tries.append(re.search(r"(\d)", screen.answer("موافق هستید؟", "y").split("دفعات باقی‌مانده")[1]).group(1))
        screen.answer("رمز شناسایی کارت هوشمند ملی (نه رمز امضا)", "1111".translate(ARABIC), quiet=True)
        result, reply = outcome(running)
        rig.check(result == "WrongPin", "a wrong PIN is told as one", (result, reply))
    running = start(daemon, claims={})
    screen.answer("موافق هستید؟", "y")
    screen.answer("آخرین فرصت", "n")
    result, _ = outcome(running)
    rig.check(tries == ["۳", "۲"] and result == "LastTryDeclined", "in Persian: the tries, and the last one is asked for and kept", (tries, result))
    running = start(daemon, claims={})
    screen.answer("موافق هستید؟", "n")
    rig.check(outcome(running)[0] == "RefusedByPerson", "a no is a no")
    rig.check(card.stats().get("verify_commands") == 2, "and the card was asked twice in all", card.stats())
    screen.end()
    daemon.stop()
    card.remove()


def a_client_that_goes_takes_its_question_down(rig, daemon):
    screen = Terminal(rig, daemon)
    running = start(daemon)
    screen.until("Do you agree?")
    running.close()
    rig.check(screen.until("This question is closed.") is not None, "when the app hangs up, the screen closes the question")
    daemon.process.child.terminate()
    code = daemon.process.child.wait(60)
    rig.check(code == 0 and screen.child.wait(60) == 0, "a stop ends the role, and does not wait for it", code)
    screen.end()


# ---- the bad one ------------------------------------------------------------------------------------

def only_the_named_program(rig, daemon):
    stranger = Remote(rig, daemon, interpreter=PYTHON)
    rig.check(stranger.serve() == "mohr.Person.PermissionDenied", "another program gets no role")
    stranger.end()
    first, second = Remote(rig, daemon), Remote(rig, daemon)
    rig.check(first.serve() == "serving" and second.serve() == "mohr.Person.RoleTaken", "the named one does, one at a time")
    running = start(daemon)
    event = first.event()
    rig.check(second.answer(event, "refuse") == "PermissionDenied", "another process cannot answer, with the right ticket")
    first.end()
    rig.check(outcome(running)[0] == "RefusedByPerson", "a screen that dies refuses")
    rig.check(wait_for(lambda: second.serve("again") == "serving", step=0.05), "and the role is free")
    second.end()


def answers_that_are_none(rig, daemon):
    screen = Remote(rig, daemon)
    screen.serve()
    running = start(daemon)
    event, good = screen.event(), {"pipe": PIN}
    wrong = [
        ("a claim that was not asked for", {"released": ["card_generation", "card_expiry"], "passed": good}, "InvalidParameter"),
        ("less than is required", {"released": ["reader"], "passed": good}, "InvalidParameter"),
        ("a permission that nobody offered", {"remember": True, "passed": good}, "InvalidParameter"),
        ("the last try that is not", {"last_try": True, "passed": good}, "InvalidParameter"),
        ("digits in JSON", {"pin": PIN}, "InvalidParameter"),
        ("no digits", {}, "PinNotPassed"),
        ("nine digits", {"passed": {"pipe": PIN + "1"}}, "PinNotPassed"),
        ("Persian digits", {"passed": {"pipe": PIN.translate(PERSIAN)}}, "PinNotPassed"),
        ("letters", {"passed": {"pipe": "abcd"}}, "PinNotPassed"),
        ("a file", {"passed": {"file": daemon.config}}, "PinNotPassed"),
        ("a folder", {"passed": {"file": "/"}}, "PinNotPassed"),
        ("what never ends", {"passed": {"file": "/dev/zero"}}, "PinNotPassed"),
        ("a pipe that stays open", {"passed": {"pipe": PIN, "open": True}}, "PinNotPassed"),
        ("another ticket", {"ticket": "0" * 32, "passed": good}, "NoSuchQuestion"),
    ]
    for what, answer, error in wrong:
        ticket = {"ticket": answer.pop("ticket", event["ticket"])}
        told = screen.answer(ticket, **answer)
        rig.check(told == error, f"not an answer: {what}", told)
    told = screen.answer(event, passed=good)
    rig.check(told == "" and outcome(running)[0] == "Ok", "after all that the question was open, and no try was spent", told)
    rig.check(screen.event() == {"event": "end", "ticket": event["ticket"]}, "its end is told")
    rig.check(screen.answer(event, "refuse") == "NoSuchQuestion", "a second answer finds nothing")
    screen.end()


def a_screen_that_hangs(rig, daemon):
    screen = Remote(rig, daemon)
    screen.serve()
    running = start(daemon)
    first = screen.event()
    result, reply = outcome(running)
    rig.check(result == "TimedOut", "a screen that hangs: the time is over", (result, reply))
    rig.check(screen.event() == {"event": "end", "ticket": first["ticket"]}, "the question is taken down")
    running = start(daemon)
    second = screen.event()
    rig.check(second["event"] == "ask" and screen.answer(first, "refuse") == "NoSuchQuestion", "its answer is none for the next one")
    rig.check(screen.answer(second, passed={"pipe": PIN}) == "" and outcome(running)[0] == "Ok", "which is answered")
    screen.end()


def the_prompt_is_back(rig, daemon):
    nobody_serves(daemon)
    daemon.script()
    code, reply = daemon.request()
    rig.check(code == 0 and any("GETPIN" in line for line in daemon.prompts()), "without a screen the prompt is back", reply)


# ---- several cards ----------------------------------------------------------------------------------

def a_screen_is_asked_which_card(rig, pcscd):
    cards = [Card(rig, pcscd, slot=slot) for slot in (0, 1)]
    daemon = daemon_of(rig, drivers=("pcsc",))
    for card in cards:
        daemon.wait_state(card.reader, "card")
    screen = Remote(rig, daemon)
    screen.serve()
    running = start(daemon, claims={})
    first = screen.event()
    question = first["question"]
    rig.check(question["kind"] == "choice" and not {"given_name", "family_name", "card_number", "tries_left"} & set(question),
              "of several cards the screen is asked which, before anything of them is known", question)
    rig.check(screen.answer(first, passed={"pipe": PIN}) == "InvalidParameter", "a choice takes no PIN")
    screen.answer(first, "another")
    screen.event()
    second = screen.event()
    rig.check(second["question"]["reader"] != question["reader"], "not this one: the other one is asked about", second)
    screen.answer(second, "yes")
    screen.event()
    third = screen.event()
    screen.answer(third, passed={"pipe": PIN})
    result, _ = outcome(running)
    rig.check(third["question"]["kind"] == "sign" and result == "Ok", "and the card in it is asked for", (third, result))
    used = [card.reader for card in cards if card.stats().get("verify_commands")]
    rig.check(used == [second["question"]["reader"]], "and no other", used)
    screen.event()
    running = start(daemon, claims={}, expect_national_number="0012345678")
    event = screen.event()
    question = event["question"]
    rig.check(question["kind"] == "search" and question["card_number"] == "0012345678" and len(question["readers"]) == 2,
              "whether they may be looked at is asked with the number and the readers", question)
    screen.answer(event, "refuse")
    rig.check(outcome(running)[0] == "RefusedByPerson", "and a no is a no")
    screen.end()
    daemon.stop()
    for card in cards:
        card.remove()


# ---- as an ordinary user ----------------------------------------------------------------------------

NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


class TheirDaemon:
    """mohrd of a user who is not root, so that what a process that is not dumpable may do with its own /proc shows."""

    def __init__(self, rig):
        place, home, pki = rig.programs_for_all(), os.path.join(rig.dir, "theirs"), os.path.join(rig.dir, "pki")
        self.socket, config = os.path.join(home, "s"), os.path.join(rig.dir, "theirs.conf")
        os.mkdir(home, 0o700)
        os.chown(home, 65534, 65534)
        shutil.copytree(rig.pki, pki)
        subprocess.run(["chmod", "-R", "a+rX", pki], check=True)
        os.chmod(os.path.dirname(program(rig)), 0o711)
        with open(config, "w", encoding="ascii") as file:
            file.write(f"[person]\nscreen = program:{program(rig)}\n[card]\nunproven = yes\n[trust]\nanchors = {pki}/root.pem\n"
                       f"[soft]\nprofile = mav2-cl\npki = {pki}\npin = {PIN}\n[state]\ndir = {home}/state\n")
        self.process = Process(rig, "mohrd", [*NOBODY, os.path.join(place, "mohrd"), "--socket", self.socket, "--config", config,
                                              "--driver", "soft"], {**rig.env, "HOME": home, "XDG_STATE_HOME": home})
        wait_for(lambda: "backend is running" in self.process.said())


# What it does once it has read the question; --socket is its first argument.
THEIR_SCREEN = """
import ctypes, json, os, socket, sys
def connect(frame, fds=()):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    socket.send_fds(s, [json.dumps(frame).encode() + bytes(1)], list(fds))
    return s.makefile("rb")
def hear(file, text=b""):
    while not text.endswith(bytes(1)):
        text += file.read(1)
    return json.loads(text[:-1])
serve = connect({"method": "mohr.Person.Serve", "more": True})
heard = [hear(serve)]
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
app = connect({"method": "mohr.Identity.Assert", "parameters": {"audience": "https://o.example", "nonce": "0123456789abcdef"}})
event = hear(serve)["parameters"]
reader, writer = os.pipe()
os.write(writer, sys.argv[2].encode())
os.close(writer)
heard.append(hear(connect({"method": "mohr.Person.Answer", "parameters": {"ticket": event["ticket"], "decision": "sign"}}, [reader])))
heard.append(hear(app))
print(json.dumps(heard))
"""


def no_power_is_needed(rig):
    daemon = TheirDaemon(rig)
    done = subprocess.run([*NOBODY, program(rig), "-c", THEIR_SCREEN, daemon.socket, PIN], env={**rig.env, "PYTHONHOME": "/usr"},
                          capture_output=True, text=True, timeout=180, check=False, cwd="/")
    heard = json.loads(done.stdout or "[]")
    rig.check(len(heard) == 3 and heard[1] == {"parameters": {}} and "assertion" in heard[2]["parameters"],
              "a user without any power, whose processes none of his can look into, is served the same", (heard, done.stderr[-500:]))
    daemon.process.stop()


# ---- where the digits are ---------------------------------------------------------------------------

def finds(rig, card, daemon, screen, pin):
    """Where digits are, in daemon and screen, while the card signs and afterwards: two looks."""
    def looked():
        return {name: find(pid, windows(pin)) for name, pid in (("mohrd", daemon.process.pid), ("the screen", screen.child.pid))}
    running = start(daemon, claims={})
    screen.answer("Do you agree?", "y")
    screen.answer("identification PIN of the national card", pin, quiet=True)
    seen = wait_for(lambda: card.stats().get("pin_verified"), step=0.005)
    card.process.child.send_signal(signal.SIGSTOP)  # it signs no sooner than we have looked
    during = looked()
    signing = card.stats().get("signatures") == 0
    card.process.child.send_signal(signal.SIGCONT)
    result, _ = outcome(running)
    rig.check(seen and signing and result == "Ok", "the look was before the signature was made", (seen, signing, result))
    return during, looked()


def no_digits_are_left(rig, pcscd):
    looks, seen = [], set()
    while not looks or len(looks) < RUNS and any(map(stays, zip(*looks))):
        pin = a_pin(8, seen)
        card = Card(rig, pcscd, pin=pin, sign_ms=1500)
        daemon = daemon_of(rig, drivers=("pcsc",))
        daemon.wait_state(card.reader, "card")
        screen = Terminal(rig, daemon)
        looks.append(finds(rig, card, daemon, screen, pin))
        seen |= {needle for look in looks[-1] for found in look.values() for needle, _ in found}
        screen.end()
        daemon.stop()
        card.remove()
    rig.check(not any(map(stays, zip(*looks))), "no digits of the PIN are left in daemon and screen", looks)


def body(rig):
    if not may_look() or not os.path.ismount(PRIVATE) or not program(rig):
        rig.skip("the role of a screen", "it takes root, and folders that only root can write to")
        return
    daemon = daemon_of(rig)
    for part in (only_the_named_program, a_person_declines_a_claim, a_person_signs_documents, a_person_shows_certificates,
                 the_prompt_is_back, answers_that_are_none):
        part(rig, daemon)
    a_client_that_goes_takes_its_question_down(rig, daemon)
    daemon = daemon_of(rig, pin={"timeout_s": "5"})
    a_screen_that_hangs(rig, daemon)
    daemon.stop()
    pcscd = Pcscd(rig)
    a_person_stops_at_the_last_try(rig, pcscd)
    a_screen_is_asked_which_card(rig, pcscd)
    if not rig.sanitized():  # the sanitizers keep what was freed
        no_digits_are_left(rig, pcscd)
    no_power_is_needed(rig)


if __name__ == "__main__":
    main(body)
