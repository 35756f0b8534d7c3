#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""history_first.py BUILD: whatever asks a person and a card, over whichever way: the row of it is on the disk before anything is asked,
without one nothing is, and what was signed does not leave without the second one. WORKS lists the methods that end at a PIN or a page.
"""
import base64
import os
import shutil

import relay_alone
import ways
from keys import tls
from lib import AUDIENCE, NONCE, PIN, main, wait_for
from pin import PUK
from rows import History
from sign import App

STAFF, NEW = {"profile": "piv"}, "16180339"
UI = {"display": ":mohr-test", "language": "en"}
CANNOT_RECORD = "CannotRecord"


class Caller:
    """One connection of an app, and what it was answered in the end."""

    def __init__(self, rig, daemon, reader):
        self.rig, self.reader, self.connection = rig, reader, App(daemon.socket, 60)

    def begin(self, method, **parameters):
        self.connection.send(method, {"reader": self.reader, "ui": UI, **parameters})

    def end(self):
        """(error, reply) of what was begun."""
        error, reply = self.connection.receive()[:2]
        return (error or "").rsplit(".", 1)[-1], reply

    def call(self, method, **parameters):
        self.begin(method, **parameters)
        return self.end()


def assertion(_caller):
    return "mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE}


def new_pin(_caller):
    return "mohr.Identity.ChangePin", {}


def unblocked(_caller):
    return "mohr.Identity.UnblockPin", {}


def certificates(_caller):
    return "mohr.Keys.List", {}


def key(caller):
    _, listed = caller.call("mohr.Keys.List")
    return "mohr.Keys.Sign", {"card": listed["card"], "key": listed["keys"][0]["id"], "mechanism": "SHA256-RSA-PKCS",
                              "data": base64.b64encode(tls()).decode()}


def document(caller):
    for name, text in (("contract.txt", b"A contract.\n"), ("contract.p7s", b"")):
        with open(os.path.join(caller.rig.dir, name), "wb") as file:
            file.write(text)
    _, added = caller.connection.add(*(os.path.join(caller.rig.dir, name) for name in ("contract.txt", "contract.p7s")))
    return "mohr.Documents.Sign", {"documents": [added["document"]]}


# What is asked (a method and its parameters, after what must be asked first), its name in the history, the card's switches, the way
# to it, what a person types, what the card does before the answer
WORKS = [
    (assertion, "Assert", {}, "soft", [PIN], "signatures"),
    (assertion, "Assert", {}, "phone", [PIN], "signatures"),
    (document, "SignDocument", {}, "soft", [PIN], "signatures"),
    (certificates, "ShowCertificates", STAFF, "soft", [], None),
    (key, "UseKey", STAFF, "soft", [PIN], "signatures"),
    (new_pin, "ChangePin", STAFF, "soft", [PIN, NEW, NEW], "renewals"),
    (unblocked, "UnblockPin", STAFF, "soft", [PUK, NEW, NEW], "renewals"),
]


def spoil(state):
    """From now on no row can be written: something else has the name."""
    place = os.path.join(state, "history.db")
    for tail in filter(lambda tail: os.path.exists(place + tail), ("", "-wal")):  # a worker that ended took its log along
        os.rename(place + tail, place + ".away" + tail)
    os.makedirs(place, mode=0o700)


def mend(state):
    """The history that was there, in a folder of its own; and the next one can begin."""
    place, away = os.path.join(state, "history.db"), state + "-away"
    os.rmdir(place)
    os.mkdir(away)
    for tail in filter(lambda tail: os.path.exists(place + ".away" + tail), ("", "-wal")):
        os.rename(place + ".away" + tail, os.path.join(away, "history.db" + tail))
    bodies = History(away).bodies
    shutil.rmtree(away)
    return bodies


def is_asking(daemon):
    """A page or a PIN's question was opened since the last look."""
    return any(line.startswith(("CONFIRM", "GETPIN")) for line in daemon.prompts())


def verified(card):
    """PINs that the card was sent."""
    return card.stats().get("verify_commands", 0)


def unrecorded(rig, what, daemon, card, caller, asked):
    """No row, no question."""
    before = verified(card)
    daemon.prompts()
    spoil(daemon.state)
    error, reply = caller.call(asked[0], **asked[1])
    rig.check(error == CANNOT_RECORD and daemon.state in reply["detail"] and not is_asking(daemon) and verified(card) == before,
              f"{what}: without a row nobody is asked, and no PIN goes to a card", (error, reply))
    mend(daemon.state)


def recorded(rig, what, daemon, card, caller, asked, work):
    """The row first; and no second row, no answer."""
    _, method, _, _, typed, does = work
    before, spoiled = card.stats(), os.path.join(rig.dir, f"{method} without room")
    daemon.prompts()
    daemon.script(getpin=typed, until=spoiled)
    caller.begin(asked[0], **asked[1])
    rig.check(wait_for(lambda: is_asking(daemon)), f"{what}: somebody is asked")
    last = History(daemon.state).bodies[-1]
    rig.check((last["event"], last.get("method")) == ("asked", method) and verified(card) == before.get("verify_commands", 0),
              f"{what}: the row is on the disk before anything is answered", last)
    spoil(daemon.state)
    with open(spoiled, "x", encoding="ascii"):
        pass
    error, reply = caller.end()
    os.unlink(spoiled)
    done = card.stats().get(does, 0) - before.get(does, 0) if does else 1
    rig.check(error == CANNOT_RECORD and done == 1 and not {"assertion", "signature", "keys"} & set(reply), f"{what}: what was done does not leave without its second row",
              (error, reply, card.stats()))
    left = [body["event"] for body in mend(daemon.state) if body.get("request") == last["request"]]
    rig.check(left == ["asked"], f"{what}: the first one stays", left)


def one(rig, work):
    begin, method, switches, way = work[:4]
    what = f"{method}, {way}"
    card, make = ways.WAYS[way](rig, **switches)
    daemon = make(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
    reader = ways.reader_of(card, way)
    daemon.wait_state(reader, "card")
    caller = Caller(rig, daemon, reader)
    asked = begin(caller)
    recorded(rig, what, daemon, card, caller, asked, work)
    daemon.script()
    unrecorded(rig, what, daemon, card, caller, begin(caller))
    caller.connection.close()
    daemon.stop()
    card.remove()


def on_the_phone(rig):
    """mohr-relay by itself, which has no daemon."""
    card, _ = ways.WAYS["soft"](rig)
    phone = relay_alone.Phone(rig, ("soft",), soft=card.options)
    spoil(phone.state)
    code, out, err = phone.ask("-", text=relay_alone.plain())
    rig.check(code == 27 and not out and not is_asking(phone) and phone.state in err, "mohr-relay assert: without a row nobody is asked", (code, out, err))


def body(rig):
    for work in rig.few(WORKS, 3):
        one(rig, work)
    on_the_phone(rig)


main(body)
