#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""phone_relying.py: an organisation's signed request all the way to the page on a phone: proven there where the phone has its anchors, the
computer's word where it has none, and nobody asked where a computer shows other words than were signed.

The anchors' file is read as root's, so all of this needs root.
"""
import os
import shutil
import struct

import asking
import flow
import relayed
import relying
from lib import PIN, Daemon, main

OK, POLICY = 0, 16
SCREEN = {"DISPLAY": ":mohr-test"}
SIGNED = {"purpose": "Opening an account", "claims": {"required": ["card_expiry"]}}


def phone_with(rig, **sections):
    phone = relayed.Phone(rig, card=flow.Soft(rig), env=SCREEN, **sections)
    phone.script((PIN,), ("ok",))
    return phone


def computer_of(rig, phone, anchors):
    """mohrd, paired with it."""
    folder, pairing = phone.folders["Counter 3"]
    home = os.path.join(rig.dir, f"computer-{pairing}")
    os.makedirs(os.path.join(home, "mohr", "phones"), 0o700)
    shutil.copy2(os.path.join(folder, pairing + ".json"), os.path.join(home, "mohr", "phones"))
    rig.env["XDG_DATA_HOME"] = home
    daemon = Daemon(rig, drivers=("phone",), relying_parties=anchors)
    rig.check(daemon.wait_state("phone", "card"), "the phone is a reader", daemon.status())
    return daemon


def shown(rig, phone, bank, anchors, proven):
    daemon = computer_of(rig, phone, anchors)
    code, _, err = relying.ask(rig, daemon, bank.asks(**SIGNED))
    page = "".join(phone.prompts())
    rig.check(code == OK and "Opening an account" in page and relying.ISS in page, "what the organisation signed stands on the phone", (code, err, page[-600:]))
    rig.check(("Verified organisation: \u2068Specimen Bank" in page) is proven, f"as verified: {proven}", page[-600:])
    rig.check(("by that computer's word: \u2068Specimen Bank" in page) is not proven, f"as the computer's word: {not proven}", page[-600:])
    daemon.stop()


def told(bank, **other):
    """What a computer announces of the bank's request, and what it makes of it."""
    said = {"term": "", "language": "", "pinentry": "", "organization": "Specimen Bank", "audience": relying.ISS, "purpose": "Opening an account",
            "required": asking.EXPIRY, **other}
    question, request = asking.frame(**said), bank.asks(**SIGNED).encode()
    return b"".join(struct.pack(">H", len(part)) + part for part in (question, request))


def lied_to(rig, phone, bank):
    for what, other, outcome in (("the truth", {}, OK), ("another purpose", {"purpose": "Opening an account, and a loan"}, POLICY),
                                 ("another audience", {"audience": "https://bank.example/other"}, POLICY),
                                 ("another organisation", {"organization": "Specimen Bank of Elsewhere"}, POLICY),
                                 ("more that goes along", {"required": asking.EXPIRY | asking.STATION}, POLICY)):
        computer = phone.computer()
        answer = computer.ask("ANNOUNCE", told(bank, **other))[0]
        rig.check(answer == outcome, f"a paired computer that announces {what}: {outcome}", answer)
        computer.end()
    rig.check(not phone.prompts(), "nobody was asked for a PIN")


def body(rig):
    if os.geteuid() != 0:
        rig.skip("signed requests on a phone", "anchors must be root's")
        return
    rig.helpers = []
    relying.make_bank(rig.dir)
    bank, anchors = relying.Bank(rig.dir), {"anchors": os.path.join(rig.dir, "ca.pem")}
    knows, knows_nobody = phone_with(rig, relying_parties=anchors), phone_with(rig)
    shown(rig, knows, bank, anchors, True)
    shown(rig, knows_nobody, bank, anchors, False)
    lied_to(rig, knows, bank)
    for phone in (knows, knows_nobody):
        phone.stop()


if __name__ == "__main__":
    main(body)
