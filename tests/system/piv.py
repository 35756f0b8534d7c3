#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""piv.py BUILD: staff cards over Debian's pcscd, from the application's call to the verifier's answer.

The card is the simulated one, written from the standard without a look at the driver, with the rule monitor
in front of it. What it was asked is read from the card; what it signed is judged by `mohr verify` with
anchors for staff, and must never be taken for a citizen's.
"""
import json
import os

from lib import AUDIENCE, NONCE, PIN, Card, Daemon, Pcscd, main

WRONG = "31415926"
KNOWN = {"rsa2048": 6, "p256": 4, "p384": 4}  # commands for a card that signed before
ALG = {"rsa2048": "RS256", "p256": "ES256", "p384": "ES384"}

# name, switches: what the standard leaves to a card, and cards are known to do
GOOD = [
    ("T=0", "piv-t0", {}),
    ("a compressed certificate", "piv", {"piv_cert": "gzip"}),
    ("one that is stored, not compressed", "piv", {"piv_cert": "gzip-stored"}),
    ("a container without its check element", "piv", {"piv_cert_tags": "no-lrc"}),
    ("a container with nothing but the certificate", "piv", {"piv_cert_tags": "unpadded"}),
    ("the obsolete element 72", "piv", {"piv_cert_tags": "empty-mscuid"}),
    ("no discovery object", "piv", {"piv_discovery": "absent"}),
    ("a global PIN beside its own", "piv", {"piv_global": WRONG}),
    ("a short answer to SELECT", "piv", {"piv_property": "short"}),
    ("the whole name in the answer to SELECT", "piv", {"piv_property": "aid"}),
    ("SELECT by the whole name only", "piv", {"piv_select": "full"}),
    ("a state that SELECT clears", "piv", {"piv_reselect": "clears"}),
    ("a format error that costs a try", "piv", {"piv_format": "counts"}),
    ("a PIN that another program left verified", "piv", {"start_verified": "on"}),
]
# name, switches, the card's place in the config: what is refused before anybody is asked for a PIN
REFUSED = [
    ("no certificate for signatures", {"piv_9c": "absent"}, True),
    ("a certificate of somebody else's CA", {"piv_leaf": "foreign"}, True),
    ("a certificate that is not what it says", {"piv_cert": "gzip-lies"}, True),
    ("a holder who uses the global PIN", {"piv_global": WRONG, "piv_primary": "global"}, True),
    ("no anchors for staff", {}, False),
]

# what happens to the card or to its answers, and the answers that are right then
BROKEN = [
    ("gone at GENERAL AUTHENTICATE", "removal@authenticate", (17,)),
    ("gone while VERIFY is answered", "removal@verify:lost", (17,)),
    ("gone while the certificate is read", "removal@get-data#2", (12, 17)),
    ("silent at VERIFY", "mute:2500@verify:lost", (17, 19)),
    ("rubbish for a signature", "garbage@authenticate", (12, 28)),
    ("half a signature", "truncate:20@authenticate", (12, 28)),
    ("an unknown word after VERIFY", "wrong-sw=6F00@verify", (12,)),
]


class World:
    def __init__(self, rig):
        self.rig, self.pcscd, self.spare = rig, Pcscd(rig, readers=3), 2
        self.anchors = os.path.join(rig.pki, "staff-ca.pem")

    def daemon(self, staff=True, **sections):
        if staff:
            sections["trust"] = {"staff_anchors": self.anchors, **sections.get("trust", {})}
        return Daemon(self.rig, **sections)

    def card(self, daemon, profile="piv", **options):
        card = Card(self.rig, self.pcscd, profile, **options)
        daemon.wait_state(card.reader, "card")
        return card

    def verify(self, assertion, *trust):
        return self.rig.mohr(None, "verify", "--json", *(trust or ("--staff-anchors", self.anchors)), "--audience",
                             AUDIENCE, "--nonce", NONCE, "-", text=assertion)

    def judged(self, what, assertion):
        code, out, err = self.verify(assertion)
        told = json.loads(out) if code == 0 else {}
        good = (code == 0 and told["certificate"]["holder"] == "staff" and told["card"]["family"] == "piv"
                and "national_number" not in told and told["employee_number"] == "S-0042")
        self.rig.check(good, f"{what}: the verifier takes name and kind from the certificate", f"{code} {err} {out[-600:]}")
        code, out, _ = self.verify(assertion, "--trust", self.rig.root)
        self.rig.check(code == 21 and "untrusted" in out, f"{what}: national roots do not vouch for it", f"{code} {out}")

    def asserted(self, what, daemon, card):
        code, out, err = self.rig.assert_(daemon, card.reader)
        return self.rig.check(code == 0, f"{what}: the card signs", f"{code} {err}\n{daemon.process.said()[-1200:]}") and out


def header_of(assertion):
    import base64  # noqa: PLC0415
    head = assertion.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))


def keys(world, algorithm):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9c=algorithm)
    first = world.asserted(algorithm, daemon, card)
    if first:
        rig.check(header_of(first)["alg"] == ALG[algorithm] and header_of(first)["typ"] == "mohr-staff+jwt",
                  f"{algorithm}: is signed as {ALG[algorithm]}", header_of(first))
        world.judged(algorithm, first)
    before = len(card.commands())
    world.asserted(f"{algorithm}, a second time", daemon, card)
    again = len(card.commands()) - before
    rig.check(again <= KNOWN[algorithm], f"{algorithm}: a known card is asked at most {KNOWN[algorithm]} times", again)
    rig.check(card.locked() and card.stats()["writes"] == 0 and card.stats()["verify_commands"] == 2,
              f"{algorithm}: one VERIFY each, nothing written, locked at the end", card.stats())
    card.remove()
    daemon.stop()


def good(world, row):
    what, profile, options = row
    daemon = world.daemon()
    card = world.card(daemon, profile, **options)
    assertion = world.asserted(what, daemon, card)
    if assertion:
        world.judged(what, assertion)
    world.rig.check(card.locked(), f"{what}: the card is locked afterwards", card.stats())
    card.remove()
    daemon.stop()


def refused(world, row):
    what, options, configured = row
    daemon = world.daemon(configured)
    card = world.card(daemon, **options)
    code, _, err = world.rig.assert_(daemon, card.reader)
    world.rig.check(code == 12 and not daemon.prompts(), f"{what}: is no card to be used, and nobody is asked", f"{code} {err}")
    world.rig.check(card.pin_family() == 0, f"{what}: no command of the PIN family", card.commands())
    card.remove()
    daemon.stop()


def contactless(world):
    """The standard gives a card without its virtual contact interface no PIN over the air: said before anybody is asked."""
    daemon = world.daemon()
    card = world.card(daemon, "piv-cl")
    code, _, err = world.rig.assert_(daemon, card.reader)
    world.rig.check(code == 12 and "through their contacts only" in err and not daemon.prompts(),
                    "contactless: a typed answer that says why, and nobody is asked", f"{code} {err}")
    world.rig.check(card.stats()["verify_commands"] == 0 and card.stats()["writes"] == 0, "contactless: no PIN was sent", card.stats())
    card.remove()
    daemon.stop()


def expired(world):
    daemon = world.daemon()
    card = world.card(daemon, piv_leaf="expired")
    assertion = world.asserted("an expired certificate", daemon, card)
    code, _, _ = world.verify(assertion or "")
    world.rig.check(code == 22, "an expired certificate: has an answer of its own", code)
    card.remove()
    daemon.stop()


def pins(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon)
    daemon.script(getpin=("1234", PIN))
    world.asserted("a PIN that is too short is asked again", daemon, card)
    rig.check(card.stats()["verify_commands"] == 1, "what is no PIN of this card never reaches it", card.stats())
    daemon.script(getpin=(WRONG,))
    for left in (2, 1):
        code, _, err = rig.assert_(daemon, card.reader)
        rig.check(code == 13, f"a wrong PIN: {left} tries left", f"{code} {err}")
    rig.check(card.stats()["verify_commands"] == 3, "each wrong PIN was sent once", card.stats())
    daemon.script(getpin=(PIN,))
    world.asserted("the last try, agreed to", daemon, card)
    daemon.script(getpin=(WRONG,))
    codes = [rig.assert_(daemon, card.reader)[0] for _ in range(3)]
    spent = card.stats()["verify_commands"]
    rig.check(codes == [13, 13, 14], "three wrong ones block it", codes)
    rig.check(rig.assert_(daemon, card.reader)[0] == 14 and card.stats()["verify_commands"] == spent,
              "a blocked card gets no PIN", card.stats())
    card.remove()
    daemon.stop()


def tries_taken(world):
    """Between two requests of one daemon another program spends a try: the number shown is no longer true."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon)
    world.asserted("before another program comes", daemon, card)
    other = world.daemon()
    other.wait_state(card.reader, "card")
    other.script(getpin=(WRONG,))
    rig.check(rig.assert_(other, card.reader)[0] == 13, "another program spends a try")
    before = card.stats()["verify_commands"]
    code, _, err = rig.assert_(daemon, card.reader)
    rig.check(code == 23 and card.stats()["verify_commands"] == before,
              "a number that was remembered and is no longer true: nothing is sent", f"{code} {err}")
    world.asserted("and the next request reads it anew", daemon, card)
    for process in (daemon, other):
        process.stop()
    card.remove()


def broken(world, row):
    what, fault, codes = row
    daemon = world.daemon(card={"timeout_ms": "1500" if fault.startswith("mute") else "20000"})
    card = world.card(daemon, piv_9c="p256", fault=fault, slot=world.spare)
    world.spare += 1  # pcscd may take its time with a slot whose card vanished
    code, _, err = world.rig.assert_(daemon, card.reader)
    world.rig.check(code in codes and card.stats().get("verify_commands", 0) <= 1,
                    f"{what}: a typed answer and no second VERIFY", f"{code} {err} {card.stats()}")
    card.remove()
    daemon.stop()


def two_families(world):
    """A citizen's card and a staff card at one daemon."""
    rig, daemon = world.rig, world.daemon()
    citizen = Card(rig, world.pcscd, "mav2-cl", slot=0)
    staff = Card(rig, world.pcscd, "piv", slot=1, piv_9c="p256")
    for card in (citizen, staff):
        daemon.wait_state(card.reader, "card")
    one, two = world.asserted("a citizen's card", daemon, citizen), world.asserted("a staff card beside it", daemon, staff)
    both = ("--trust", rig.root, "--staff-anchors", world.anchors)
    for what, assertion, holder in (("the citizen", one, "citizen"), ("the staff member", two, "staff")):
        code, out, _ = world.verify(assertion or "", *both)
        rig.check(code == 0 and json.loads(out)["certificate"]["holder"] == holder,
                  f"a verifier with both kinds of anchors tells {what}", f"{code} {out[-400:]}")
    code, out, _ = world.verify(one or "", "--staff-anchors", rig.root)
    rig.check(code == 21, "a national root among the anchors for staff does not make a citizen", f"{code} {out}")
    for card in (citizen, staff):
        card.remove()
    daemon.stop()


def number_expected(world):
    daemon = world.daemon()
    card = world.card(daemon)
    code, _, err = world.rig.mohr(daemon, "assert", "--audience", AUDIENCE, "--nonce", NONCE, "--reader", card.reader,
                                  "--expect-national-number", "0012345679")
    world.rig.check(code == 12 and card.pin_family() == 0, "a staff card is not asked about a national number",
                    f"{code} {err}")
    card.remove()
    daemon.stop()


def examined(world):
    """`mohr doctor --card` knows a staff card, and counts its tries only behind an anchor."""
    rig = world.rig
    for staff, code in ((True, 0), (False, 12)):
        daemon = world.daemon(staff)
        card = world.card(daemon)
        got, _, err = rig.mohr(daemon, "doctor", "--card", "--reader", card.reader)
        counted = card.pin_family()
        rig.check(got == code and counted == staff and card.stats()["verify_commands"] == 0,
                  f"examined {'with' if staff else 'without'} anchors: {'its counter' if staff else 'nothing'} of the PIN family",
                  f"{got} {counted} {err}")
        card.remove()
        daemon.stop()


def body(rig):
    world = World(rig)
    cases = [lambda a=a: keys(world, a) for a in KNOWN]
    cases += [lambda row=row: good(world, row) for row in GOOD]
    cases += [lambda row=row: refused(world, row) for row in REFUSED]
    cases += [lambda row=row: broken(world, row) for row in BROKEN]
    cases += [lambda run=run: run(world) for run in (contactless, expired, pins, tries_taken, two_families, number_expected, examined)]
    for case in rig.mine(cases):
        case()
    world.pcscd.stop()


if __name__ == "__main__":
    main(body, workers=6)
