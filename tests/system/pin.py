#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`mohr pin`: what is told of a card's PINs for nothing.

STATUS is the promise: a card, the exit code, and each PIN as (tries, changed), None where the card does not tell.
"""
import json
import os

from lib import PIN, Daemon, main

STAFF_PIN = "271828"
UNTOLD = (None, None)
STATUS = [
    ({}, 0, {"identification": (3, True), "identification_id": (3, None), "identification_ev": (3, None),
             "signature": (None, True)}),
    ({"do_a0": "initial", "pin_flags": "initial"}, 0, {"identification": (3, False), "signature": (None, False)}),
    ({"do_a0": "one"}, 0, {"identification": (1, True), "identification_id": (3, None)}),
    ({"do_a0": "none-left"}, 14, {"identification": (0, True)}),
    ({"do_a0": "off", "pin_flags": "initial"}, 0, {"identification": (3, False)}),
    ({"sign": "sm-mse"}, 0, {"identification": (3, True)}),
    ({"leaf": "impostor"}, 12, {}),
    ({"profile": "pardis"}, 12, {}),
    ({"profile": "piv"}, 0, {"piv": (3, None), "puk": UNTOLD}),
    ({"profile": "piv-cl"}, 12, {"piv": UNTOLD, "puk": UNTOLD}),
    ({"profile": "piv", "piv_leaf": "foreign"}, 12, {}),
]


def is_staff(options):
    return options.get("profile", "").startswith("piv")


def soft(rig, **options):
    """mohrd with one simulated card, its counters in a file of their own."""
    rig.cards = getattr(rig, "cards", 0) + 1
    trust = {"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")} if is_staff(options) else {}
    daemon = Daemon(rig, drivers=("soft",), trust=trust,
                    soft={"pki": rig.pki, "pin": STAFF_PIN if is_staff(options) else PIN,
                          "state": os.path.join(rig.quick, f"soft-{rig.cards}"),
                          **{name.replace("_", "-"): value for name, value in options.items()}})
    return daemon


def failures(daemon):
    """Tries that were spent, of each PIN there is, by the card's own memory."""
    with open(daemon.sections["soft"]["state"], "rb") as file:
        return sum(file.read(14)[8:])


def told(out):
    answer = json.loads(out) if out.startswith("{") else {}
    return {row["name"]: (row.get("tries"), row.get("changed")) for row in answer.get("references", [])}, answer


def status_case(rig, case):
    options, expected, references = case
    what = " ".join(f"{name}={value}" for name, value in options.items()) or "the plain card"
    daemon = soft(rig, **options)
    code, out, err = rig.mohr(daemon, "pin", "status", "--json")
    found, answer = told(out)
    rig.check(code == expected == answer.get("exit"), f"pin status, {what}: {expected}", (code, out, err))
    wrong = {name: (found.get(name), value) for name, value in references.items() if found.get(name) != value}
    rig.check(not wrong and bool(found) == bool(references), f"pin status, {what}: each PIN as the card tells", (wrong, found))
    code, out, err = rig.mohr(daemon, "pin", "status")
    rig.check(code == expected and not err and len(out.splitlines()) >= 2 + 3 * len(references),
              f"pin status, {what}: in words", (code, out, err))
    rig.check(failures(daemon) == 0 and not daemon.prompts(), f"pin status, {what}: nothing is spent, nobody asked", failures(daemon))
    daemon.stop()


def usage(rig):
    bad = [["pin"], ["pin", "frob"], ["pin", "status", "--frob"], ["pin", "status", "x"]]
    rig.check(all(rig.mohr(None, *words)[0] == 2 for words in bad), "wrong usage of mohr pin is 2")
    code, out, _ = rig.mohr(None, "pin", "--help")
    rig.check(code == 0 and "mohr pin status" in out, "mohr pin --help tells what there is", out)


def body(rig):
    usage(rig)
    for case in rig.few(STATUS, 3):
        status_case(rig, case)


main(body)
