#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tries.py BUILD: every way on which a PIN can reach a card, with every number of tries that a card can have left.

WAYS are the kinds of requests and the places where digits are typed. CELLS is the promise for each of them: what lies in the
card, what the person does, what comes of it, whether the last try was asked about by itself, whether a PIN was asked for at all, and how
many commands with a PIN the card counted. `senders` reads from the sources that there is no other way.
"""
import os
import re
import select
import subprocess
import urllib.parse

import keys
import pinpad
import relay_alone
import relayed
import screen
import sign
from lib import AUDIENCE, NONCE, PIN, TREE, Card, Connection, Daemon, Pcscd, call, main, outcomes, wait_for

STAFF_PIN, NEW_PIN, PUK = "271828", "16180339", "13572468"
OK, UNTOLD, WRONG, BLOCKED, KEPT = 0, 12, 13, 14, 24
UI = {"display": ":mohr-test", "language": "en"}
COUNTERS = 8  # where struct softcard_nv has them in a card's file: IAS, then two, IAS 01, PIV

# what is the matter, tries left (None: the card does not tell), typed, the last try's own answer; what comes of it: outcome, whether
# the last try's page was shown, whether a PIN was asked for, commands with a PIN, tries that are told afterwards
CELLS = [
    ("two left and a wrong PIN", 2, "wrong", "yes", (WRONG, False, True, 1, 1)),
    ("one left, which is kept", 1, "right", "no", (KEPT, True, False, 0, None)),
    ("one left, which is used", 1, "right", "yes", (OK, True, True, 1, None)),
    ("three left", 3, "right", "yes", (OK, False, True, 1, None)),
    ("none left", 0, "right", "yes", (BLOCKED, False, False, 0, None)),
    ("a card that does not tell", None, "right", "yes", (UNTOLD, False, False, 0, None)),
]

# Who sends a helper what has digits in it or leads to a VERIFY, and who starts what does so.
SENDERS = {"daemon/request_table.c": "the way of all requests", "daemon/renew.c": "a new PIN", "daemon/relay/visit_pin.c": "the phone's end"}
CARRIERS = {"daemon/readers_call.c", "daemon/readers_ask.c", "daemon/relay/visit_table.c", "drivers/helper/session.c", "drivers/phone/bridge.c",
            "drivers/ops.c"}
STARTERS = {"daemon/methods_assert.c", "daemon/documents_sign.c", "daemon/keys_sign.c", "daemon/keys_list.c", "daemon/relay/alone_run.c",
            "daemon/methods_pin.c"}
CARDS = {"drivers/helper/session_pin.c"}


def pages(lines):
    """[(CONFIRM or GETPIN, the page)] of what a pinentry was told."""
    told, page = [], ""
    for line in lines:
        if line == "RESET":
            page = ""
        elif line.startswith("SET"):
            page += urllib.parse.unquote(line) + "\n"
        elif line in ("CONFIRM", "GETPIN"):
            told.append((line, page))
    return told


class Way:
    """A card, and somebody who asks for what needs its PIN."""
    profile, pin, before, staff = "mav4", PIN, 1, False  # before: pages until that of the last try
    switches, cells = {}, CELLS

    def __init__(self, rig, pcscd):
        self.rig, self.pcscd = rig, pcscd
        self.lay()
        self.begin()

    @property
    def reader(self):
        """What the daemon calls it."""
        return self.card.reader

    def lay(self, **more):
        self.card = Card(self.rig, self.pcscd, self.profile, pin=self.pin, **self.switches, **more)

    def daemon_of(self, **sections):
        if self.staff:
            sections["trust"] = {"staff_anchors": os.path.join(self.rig.pki, "staff-ca.pem")}
        daemon = Daemon(self.rig, **sections)
        daemon.wait_state(self.card.reader, "card")
        return daemon

    def begin(self):
        self.daemon = self.daemon_of()

    def end(self):
        self.daemon.stop()
        self.card.remove()

    def another_card(self, **switches):
        self.card.remove()
        self.daemon.wait_state(self.reader, "empty")  # or the next wait is over at once, for the card before
        self.lay(**switches)
        self.daemon.wait_state(self.reader, "card")

    def left(self, count):
        """Sets how many tries the card has, as somebody's wrong PINs would."""
        at = COUNTERS + (4 if self.staff else 0)
        with open(self.card.argv[self.card.argv.index("--state") + 1], "r+b") as state:
            state.seek(at)
            state.write(bytes([3 - count]))

    def digits(self, typed):
        return self.pin if typed == "right" else "314159"

    def script(self, typed, last):
        self.daemon.script(getpin=[self.digits(typed)], confirm=["ok"] * self.before + ["ok" if last == "yes" else "no"])
        self.daemon.prompts()

    def ask(self, typed, last):
        """(outcome, tries left or None)"""
        self.script(typed, last)
        return self.answered(*self.request())

    def request(self):
        return call(self.daemon.socket, "mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": UI})

    @staticmethod
    def answered(error, reply):
        return outcomes().get(error.rsplit(".", 1)[1], error) if error else OK, (reply or {}).get("tries_left")

    def shown(self):
        """Whether the last try was asked about, how often a PIN was asked for, and the numbers of tries that were told."""
        told = pages(self.daemon.prompts())
        lasts = sum("last try" in page and "_Keep it" in page for _, page in told)
        return lasts, sum(kind == "GETPIN" for kind, _ in told), self.numbers(page for _, page in told)

    @staticmethod
    def numbers(texts):
        return {found for text in texts for found in re.findall(r"Tries left: \u2068?(\w+)", text)}

    def spent(self):
        """Commands with a PIN, by what the card wrote down."""
        words = [line.split() for line in self.card.lines() if "len=" in line]
        return sum(word[0][2:4].upper() in ("20", "24", "2C") and int(word[1].split("=")[1]) > 5 for word in words)

    expected = staticmethod(lambda cell: cell[4])


class Assertion(Way):
    """An assertion, the PIN typed into pinentry."""


class Document(Way):
    """A document's signature."""
    profile, staff, pin = "piv", True, STAFF_PIN

    def request(self):
        app, paths = sign.App(self.daemon.socket), [os.path.join(self.rig.dir, name) for name in ("paper", "paper.p7s")]
        with open(paths[0], "w", encoding="ascii") as file:
            file.write("what is agreed\n")
        added = app.add(*paths)[1]["document"]
        app.begin(added)
        error, reply = app.end()
        app.close()
        return error, reply


class Key(Way):
    """A key's use for a program that knows PKCS#11; with tries to spare the PIN's page is all there is."""
    profile, staff, pin, switches = "piv", True, STAFF_PIN, {"piv_9a": "p256"}

    def request(self):
        app = keys.App(self.rig, self.daemon, self.card)
        error, listed = app.list()
        if error:
            return error, listed
        self.daemon.prompts()  # whether its certificates may be seen
        error, reply = app.sign(listed, "authentication", "ECDSA-SHA256", keys.DATA)
        app.close()
        return error and "." + error, reply if error else {}


class NewPin(Way):
    """A new PIN by the present one."""
    profile, staff, pin, new = "piv", True, STAFF_PIN, NEW_PIN
    method = "ChangePin"

    def script(self, typed, last):
        proof = self.digits(typed)
        self.daemon.script(getpin=[proof, self.new, self.new], confirm=["ok", "ok" if last == "yes" else "no"])
        self.daemon.prompts()

    def request(self):
        return call(self.daemon.socket, f"mohr.Identity.{self.method}", {"ui": UI})

    def ask(self, typed, last):
        told = super().ask(typed, last)
        if told[0] == OK:
            self.pin, self.new = self.new, self.pin
        return told


class Unblocking(NewPin):
    """A new PIN by the code: no card tells its tries, so that each one is asked about as if it were the last; and a PIN that is
    blocked is what it is for."""
    method = "UnblockPin"

    def digits(self, typed):
        return PUK if typed == "right" else "24681357"

    @staticmethod
    def expected(cell):
        _, left, typed, last, _ = cell
        if left is None:
            return (UNTOLD, False, False, 0, None)
        if last == "no":
            return (KEPT, True, False, 0, None)
        return (WRONG if typed == "wrong" else OK, True, True, 1, 2 if typed == "wrong" else None)

    def shown(self):
        told = pages(self.daemon.prompts())
        return sum("_Use a try" in page for _, page in told), sum(kind == "GETPIN" for kind, _ in told), set()


class Screen(Way):
    """A screen that holds the role, which passes the digits through a pipe."""

    def begin(self):
        self.daemon = self.daemon_of(person={"screen": "program:" + screen.program(self.rig)})
        self.remote = screen.Remote(self.rig, self.daemon)
        self.remote.serve()

    def end(self):
        self.remote.end()
        super().end()

    def ask(self, typed, last):
        self.questions, self.without = [], None
        running = screen.start(self.daemon, claims={}, ui={})
        while not select.select([running.socket], [], [], 0)[0]:
            event = self.remote.event(0.1)
            if event and event["event"] == "ask":
                self.questions.append(event["question"])
                self.answer(event, {"pipe": self.digits(typed)}, last)
        error, reply, _ = running.receive()
        running.close()
        return self.answered(error, reply)

    def answer(self, event, digits, last):
        if not self.is_last(event["question"]):
            self.remote.answer(event, passed=digits)
        elif last == "no":
            self.remote.answer(event, "decline_last_try")
        else:
            self.without = self.remote.answer(event, passed=digits)  # a yes to all but that
            self.remote.answer(event, passed=digits, last_try=True)

    @staticmethod
    def is_last(question):
        return question.get("tries_left", 0) <= 1

    def shown(self):
        lasts = sum(self.is_last(question) for question in self.questions)
        declined = lasts and self.without is None
        if lasts and not declined:
            self.rig.check(self.without == "LastTryNotConfirmed", "a screen: digits alone are no yes to the last try", self.without)
        return lasts, 0 if declined else len(self.questions), {str(question.get("tries_left")) for question in self.questions}


class Keys(Way):
    """The keys of a reader, behind Debian's pcscd."""
    before = 1

    def script(self, typed, last):
        self.pcscd.forget()
        self.pcscd.person(f"type {self.digits(typed)}")
        super().script(typed, last)

    def shown(self):
        lasts, entries, numbers = super().shown()
        self.rig.check(entries == 0, "keys: no digit is asked for on this computer", entries)
        return lasts, self.pcscd.count("verify"), numbers


class Phone(Way):
    """A phone that asks: consent at the computer, which asks about the last try, and the PIN on the phone, which asks again."""
    words, env, lent, kept_there, reader = (), {"DISPLAY": ":mohr-test"}, "yes", False, "phone"

    def begin(self):
        self.phone = relayed.Phone(self.rig, *self.words, driver="pcsc", env=self.env, relay={"last_try": self.lent})
        folder, _ = self.phone.folders["Counter 3"]
        self.daemon = Daemon(self.rig, ("phone",), phone={"folder": folder})
        self.daemon.wait_state("phone", "card")

    def end(self):
        self.phone.stop()
        super().end()

    def script(self, typed, last):
        self.phone.script(getpin=[self.digits(typed)], confirm=["ok"])
        self.phone.prompts()
        super().script(typed, last)

    def shown(self):
        lasts, entries, numbers = super().shown()
        theirs = pages(self.phone.prompts())
        again = sum("last try" in page and "_Keep it" in page for _, page in theirs)
        entries += sum(kind == "GETPIN" for kind, _ in theirs)
        self.rig.check(again == (lasts if entries or self.kept_there else 0), f"{self.what}: who types is asked about the last try", (lasts, again))
        return lasts, entries, numbers | self.numbers(page for _, page in theirs)


class PhoneKept(Phone):
    """The same, where the computer said yes and the person at the phone keeps the last try."""
    kept_there, cells = True, [cell for cell in CELLS if cell[1] == 1]

    def script(self, typed, last):
        super().script(typed, "yes")
        self.phone.script(getpin=[self.digits(typed)], confirm=["ok", "ok" if last == "yes" else "no"])


class FromAfar(Phone):
    """Digits that a computer sends to a phone which has nothing to ask on."""
    words, env = ("--pin", "computer"), {}

    def shown(self):
        return Way.shown(self)


class NotLent(FromAfar):
    """The same, where the phone's owner does not lend the last try: it is never spent on digits from a computer."""
    lent, cells = "no", [cell for cell in CELLS if cell[1] == 1]

    @staticmethod
    def expected(cell):
        kept = cell[1] == 1 and cell[3] == "yes"
        return (KEPT, True, True, 0, None) if kept else cell[4]


class Alone(Way):
    """mohr-relay by itself."""

    def begin(self):
        self.daemon = relay_alone.Phone(self.rig)

    def another_card(self, **switches):
        self.card.remove()
        self.lay(**switches)

    def end(self):
        self.card.remove()

    def request(self):
        code, out, err = self.daemon.ask("-", "--json", text=relay_alone.plain())
        return code, relay_alone.json.loads(out or err)

    @staticmethod
    def answered(error, reply):
        return error, reply.get("tries_left")


WAYS = {
    "an assertion": Assertion, "a document": Document, "a key's use": Key, "a new PIN": NewPin, "unblocking": Unblocking, "a screen": Screen,
    "a phone": Phone, "a phone, kept there": PhoneKept, "digits from afar": FromAfar, "the last try not lent": NotLent, "a phone alone": Alone,
}


def walk(way):
    rig = way.rig
    for cell in way.cells:
        what, left, typed, last, _ = cell
        what = f"{way.what}, {what}"
        if not left:  # what was learnt of a card is forgotten with it
            way.another_card(**({"fault": "wrong-sw=6A88@empty-verify"} if left is None else {}))
        if left is not None:
            way.left(left)
        before = way.spent()
        came, tries = way.ask(typed, last)
        expected, is_last, is_asked, spent, told = way.expected(cell)
        lasts, entries, numbers = way.shown()
        rig.check(came == expected, f"{what}: {expected}", (came, tries))
        rig.check(bool(lasts) == is_last and lasts <= 1, f"{what}: the last try is {'asked about once' if is_last else 'no question'}", lasts)
        rig.check(bool(entries) == is_asked and entries <= (3 if isinstance(way, NewPin) else 1),
                  f"{what}: {'one entry' if is_asked else 'no PIN is asked for'}", entries)
        rig.check(way.spent() - before == spent, f"{what}: the card counted {spent}", way.card.lines()[-4:])
        rig.check(not (lasts or entries) or isinstance(way, Unblocking) or numbers <= {str(left)}, f"{what}: so many tries are shown, and no other number", numbers)
        rig.check(told is None or tries == told, f"{what}: and so many are told afterwards", tries)
    rig.check(way.card.locked(10), f"{way.what}: nothing stays verified", way.card.stats())


def with_pcscd(rig, names):
    pcscd = Pcscd(rig)
    for name in names:
        if WAYS[name] is Screen and not screen.program(rig):
            rig.skip(name, "no folder of root's is at hand")
            continue
        WAYS[name].what = name
        way = WAYS[name](rig, pcscd)
        walk(way)
        way.end()
    pcscd.stop()


def with_keys(rig):
    pad = pinpad.PadPcscd(rig)
    Keys.what = "keys of a reader"
    way = Keys(rig, pad)
    walk(way)
    way.end()
    pad.stop()


def files_with(pattern, *folders):
    done = subprocess.run(["grep", "-rlE", "--include=*.c", pattern, *folders], capture_output=True, text=True, check=False, cwd=TREE)
    return set(done.stdout.split())


def senders(rig):
    """By the sources: there is no other way. Who finds this failing has made one, and knows now where it belongs."""
    found = files_with(r"\bOP_(PIN|VERIFY|PINPAD|NEW_PIN|CHANGE_PIN|UNBLOCK_PIN)\b", "daemon", "drivers", "apdu", "client-sdk", "base")
    rig.check(found - CARRIERS == set(SENDERS), "the digits of a PIN are sent from these files and no others", found - CARRIERS)
    found = files_with(r"\b(request_start|renew_start)\(", "daemon", "client-sdk") - {"daemon/request.c", "daemon/renew.c"}
    rig.check(found == STARTERS, "what sends them is started from these", found)
    found = files_with(r"profile->(verify|renew)\(", "daemon", "drivers", "apdu", "client-sdk")
    rig.check(found == CARDS, "and a card is told one in one place", found)


def body(rig):
    shard, count = rig.shard
    if shard == 0:
        senders(rig)
    if shard < count - 1:
        with_pcscd(rig, rig.few(WAYS, 4)[shard::count - 1])
    elif not rig.sanitized():
        with_keys(rig)


if __name__ == "__main__":
    main(body, workers=4)
