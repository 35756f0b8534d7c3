#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""grants.py BUILD: the life of a permission to ask without the page of consent: a verified organisation asks for it, the holder gives it, it is
used, listed, taken back, taken back while a request waits by it; and what it never leaves out.

The organisation is docs/request/sign_request.py's, the rules are root's, so it needs root.
"""
import json
import os

import relying
from lib import PIN, Connection, call, main, outcomes, wait_for
from rows import History
from tries import pages

BANK, SHOP = "https://bank.example/login", "https://bank.example/shop"
UI = {"display": ":mohr-test", "language": "en"}
ASSERT = "mohr.Identity.Assert"
GIVEN = "You allowed this to be asked without further consent"
CLAIMS = {"required": ["card_generation"], "optional": ["card_expiry", "reader"]}


class World:
    def __init__(self, rig, **sections):
        if not os.path.exists(os.path.join(rig.dir, "bank.pem")):
            relying.make_bank(rig.dir)
        self.rig, self.bank, self.nonce = rig, relying.Bank(rig.dir), 0
        self.daemon = relying.soft(rig, relying_parties={"anchors": os.path.join(rig.dir, "ca.pem")},
                                   **{"rule bank": {"who": "organization:Specimen Bank", "consent": "grant"}}, **sections)
        self.daemon.wait_state(relying.READER, "card", seconds=60)

    def signed(self, iss=BANK, purpose="Opening an account", claims=CLAIMS, **more):
        self.nonce += 1
        return {"signed_request": self.bank.asks(iss=iss, nonce=f"nonce-{self.nonce:08}", purpose=purpose, claims=claims), "ui": UI, **more}

    def ask(self, confirm=("ok",), getpin=(PIN,), **more):
        """(outcome, what was told, pages)"""
        self.daemon.script(confirm=list(confirm), getpin=list(getpin))
        self.daemon.prompts()
        error, reply = call(self.daemon.socket, ASSERT, self.signed(**more))
        return outcomes()[error.rsplit(".", 1)[1]] if error else 0, reply, pages(self.daemon.prompts())

    def grants(self):
        return json.loads(self.rig.mohr(self.daemon, "grants", "--json")[1])["grants"]

    def revoke(self, number):
        return self.rig.mohr(self.daemon, "grants", "revoke", number)[0]


def kinds(told):
    """Without the page that only says what was allowed before, where the PIN's own has no room for it."""
    return [kind for kind, page in told if kind == "GETPIN" or GIVEN not in page]


def consents(told):
    return kinds(told).count("CONFIRM")


def given(rig, world):
    """The first button, and the permission's own page, on which that is the yes."""
    code, _, told = world.ask(remember=False)
    rig.check(code == 0 and consents(told) == 1 and not world.grants(), "who does not ask for a permission is offered none", told)
    code, _, told = world.ask(confirm=["ok", "no"], remember=True)
    rig.check(code == 0 and consents(told) == 2 and not world.grants(), "it has a page of its own, and a no there is a no to that alone", told)
    code, reply, told = world.ask(confirm=["no", "ok"], remember=True)
    grants = world.grants()
    rig.check(code == 0 and len(grants) == 1, "the holder gives it", (code, reply, told))
    grant = grants[0] if grants else {}
    rig.check((grant.get("organization"), grant.get("audience"), grant.get("purpose")) == ("Specimen Bank", BANK, "Opening an account") and
              len(grant.get("organization_key", "")) == 64 and grant.get("released") == ["card_generation"],
              "for whom, for what, for which address and for which claims is kept", grant)
    _, out, _ = rig.mohr(world.daemon, "grants")
    rig.check(grant.get("grant", "-") in out and "Specimen Bank" in out and BANK in out, "and told to people", out)
    return grant.get("grant", "")


def used(rig, world):
    code, reply, told = world.ask()
    rig.check(code == 0 and kinds(told) == ["GETPIN"], "used: nothing but the PIN is asked", told)
    world.extra = len(told) - 1  # pages that only tell
    page = "".join(page for _, page in told)
    rig.check(all(words in page for words in (GIVEN, "Specimen Bank", BANK, "Opening an account", "Tries left", "the card's generation", "mohr grants")),
              "it says that a permission was used, whose, for whom, what for, what goes along and how many tries are left", page)
    told = relying.payload(reply["assertion"]) if code == 0 else {}
    rig.check("generation" in told.get("card", {}) and "expiry" not in told["card"] and "reader" not in told["station"],
              "what was declined when it was given goes along no more than then", told)
    ended = [body for body in History(world.daemon.state).bodies if body["event"] == "ended"][-1]
    rig.check(ended.get("grant") == world.grants()[0]["grant"], "the history has it", ended)


def for_nothing_else(rig, world):
    for what, more in (("another address", {"iss": SHOP}), ("another purpose", {"purpose": "Closing an account"}),
                       ("more that is required", {"claims": {"required": ["card_generation", "card_expiry"]}})):
        code, _, told = world.ask(**more)
        rig.check(code == 0 and consents(told) == 1, f"{what}: consent is asked for", told)
    error, _ = call(world.daemon.socket, ASSERT, {"audience": BANK, "nonce": "0123456789", "purpose": "Opening an account", "ui": UI})
    told = pages(world.daemon.prompts())
    rig.check(not error and consents(told) == 1, "the same words without the signature: consent is asked for", told)


def never_left_out(rig, world):
    """What is no page of consent: wrong digits, the last try, the pause."""
    for left in (2, 1):
        code, reply, told = world.ask(getpin=["00000000"])
        rig.check((code, reply.get("tries_left"), consents(told)) == (13, left, 0), f"a wrong PIN by permission leaves {left}", (code, reply, told))
    code, _, told = world.ask(confirm=["ok"] * world.extra + ["no"])
    rig.check(code == 24 and kinds(told) == ["CONFIRM"] and "last try" in told[-1][1], "the last try has its own question", (code, told))
    code, _, told = world.ask()
    rig.check(code == 0 and kinds(told) == ["CONFIRM", "GETPIN"], "and a yes to it is one to that alone", (code, told))


def waiting(rig, world, number):
    """Taken back while its PIN page is open: the page of consent comes in its place."""
    daemon = world.daemon
    daemon.script(getpin=["hang"], confirm=["ok"] * world.extra + ["hang"])
    daemon.prompts()
    client = Connection(daemon.socket).send(ASSERT, world.signed())
    lines = []  # of which a look may see a part: a page is what stands before its CONFIRM or GETPIN

    def opened(kind):
        lines.extend(daemon.prompts())
        return [page for page in pages(lines) if page[0] == kind]
    rig.check(bool(wait_for(lambda: opened("GETPIN"), 60)), "a PIN's page is open by permission", lines)
    rig.check(any(GIVEN in page for _, page in pages(lines)), "and says so", lines)
    lines.clear()
    rig.check(world.revoke(number) == 0 and not world.grants(), "it is taken back meanwhile")
    instead = wait_for(lambda: opened("CONFIRM"), 60)
    rig.check(instead and pages(lines)[0] == instead[0] and GIVEN not in instead[0][1], "the page of consent is there instead", lines)
    client.close()
    daemon.wait_state(relying.READER, "card", seconds=60)
    code, _, told = world.ask(remember=False)
    rig.check(code == 0 and consents(told) == 1, "from now on consent is asked for", told)
    rig.check(world.revoke(number) == 2 and world.revoke(number[:8]) == 2, "what is gone is not taken back twice")
    world.ask(confirm=["no", "ok"], remember=True)
    number = world.grants()[0]["grant"]
    code, out, err = rig.mohr(daemon, "grants", "revoke", "--json", number[:6])
    rig.check(code == 0 and json.loads(out) == {"revoked": number} and not world.grants(), "the beginning of a number is enough", (code, out, err))
    code, out, err = rig.mohr(None, "history", "verify", "--from", daemon.state)
    rig.check(code == 0, "and the history holds", (code, out, err))


def paused(rig):
    world = World(rig, limits={"wrong_pins": 2, "pause_s": 600}, card={"unproven": "yes"})
    world.ask(confirm=["ok", "ok"], remember=True)
    rig.check(len(world.grants()) == 1, "a permission where wrong PINs pause an app")
    codes = [world.ask(getpin=["00000000"])[0] for _ in range(2)]
    code, reply, told = world.ask()
    rig.check(codes == [13, 13] and code == 16 and "again in" in reply.get("detail", "") and not told,
              "who is paused is paused, with a permission or without, and is told when to come again", (codes, code, reply))
    world.daemon.stop()
    world.daemon.start()
    code, reply, told = world.ask()
    rig.check(code == 16 and "paused" in reply.get("detail", "") and not told, "also after mohrd was started anew", (code, reply))
    code, _, err = rig.assert_(world.daemon)
    rig.check(code == 0, "another app is not hurt", (code, err))
    code, reply, _ = world.ask()
    rig.check(code == 16, "and its right PIN is none for the one that is paused", (code, reply))
    world.daemon.stop()


def body(rig):
    if os.geteuid() != 0:
        rig.skip("permissions", "anchors must be root's")
        return
    try:
        world = World(rig)
    except ImportError:
        rig.skip("permissions", "no python3-cryptography")
        return
    number = given(rig, world)
    used(rig, world)
    for_nothing_else(rig, world)
    never_left_out(rig, world)
    waiting(rig, world, number)
    world.daemon.stop()
    if not rig.sanitized():
        paused(rig)


if __name__ == "__main__":
    main(body)
