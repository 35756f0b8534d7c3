#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`mohr doctor --card`: what each kind of card is told to be, that it costs nothing, and what is never told.

CASES is the promise: a card as card-facts section 8 describes it, the exit code, the verdict, and members of the
answer. Whatever is answered is searched for the holder: the name, the number, and every piece of the certificate.
"""
import json
import os
import re
import subprocess

import flow
from lib import PIN, Card, Connection, Daemon, Pcscd, call, main, wait_for

FIXTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fixtures/transcripts")
READY, UNSUPPORTED, BLOCKED, POLICY, ISSUER, EXPIRED, NO_METHOD = 0, 12, 14, 16, 18, 22, 28

READER = "Simulated reader (SIMULATED CARD)"
CASES = [
    ({}, READY, "ready", {"generation": "mav2", "evidence": "observed", "confirmed": True, "certificate": "valid",
                          "issuer": "signed", "tries": {"sign": 3, "id": 3, "ev": 3}, "key": 3, "methods": ["42", "02"],
                          "pin_changed": True, "files": ["signature", "authority", "absent"], "protocol": "T=1"}),
    ({"profile": "mav2-t0"}, READY, "ready", {"generation": "mav2", "protocol": "T=0", "key": 3}),
    ({"profile": "mav3"}, READY, "ready", {"generation": "mav3", "evidence": "vendor"}),
    ({"profile": "mav4", "aid": "40", "third_file": "auth"}, READY, "ready",
     {"generation": "mav4", "files": ["signature", "authority", "authentication"], "keys": 2}),
    ({"leaf": "expired"}, EXPIRED, "expired", {"certificate": "expired"}),
    ({"leaf": "not-yet"}, READY, "ready", {"certificate": "not_yet"}),
    ({"key_query": "off", "do_a0": "off"}, READY, "ready", {"keys": 0, "tries": {"sign": 3, "id": 3, "ev": 3}}),
    ({"do_a0": "initial", "pin_flags": "initial"}, READY, "ready",
     {"pin_changed": False, "id_pin_initial": True, "sign_pin_initial": True}),
    ({"do_a0": "one"}, READY, "ready", {"tries": {"sign": 1, "id": 3, "ev": 3}}),
    ({"do_a0": "none-left"}, BLOCKED, "pin_blocked", {}),
    ({"sign": "sm-mse"}, ISSUER, "needs_issuer_keys", {"methods": []}),
    ({"certificate_rule": "sm"}, ISSUER, "needs_issuer_keys", {"certificate": "locked", "confirmed": False}),
    ({"alg_42": "off", "alg_02": "off"}, NO_METHOD, "no_method", {}),
    ({"leaf": "impostor"}, UNSUPPORTED, "not_confirmed", {"confirmed": False}),
    ({"leaf": "wrong-issuer"}, UNSUPPORTED, "not_confirmed", {"issuer": "other"}),
    ({"ca_file": "absent"}, UNSUPPORTED, "not_confirmed", {"issuer": "named"}),
    ({"profile": "pardis"}, UNSUPPORTED, "look_only",
     {"generation": "pardis", "certificate": "valid", "issuer": "named", "files": ["signature", "absent", "absent"]}),
    ({"profile": "pardis", "pardis_0303": "present", "pardis_select": "p1-00", "leaf": "expired"}, UNSUPPORTED, "look_only",
     {"certificate": "expired", "issuer": "signed", "files": ["signature", "authority", "absent"]}),
    ({"profile": "omid"}, UNSUPPORTED, "look_only",
     {"generation": "omid", "certificate": "unpublished", "files": ["absent", "absent", "absent"]}),
    ({"profile": "foreign-ias"}, UNSUPPORTED, "unknown_kind", {"confirmed": False, "supported": False}),
    ({"profile": "foreign-mpcos"}, UNSUPPORTED, "foreign", {"family": "unknown", "generation": "unknown"}),
    # What the card does to the questions changes nothing of the answers.
    ({"path_select": "off", "fci": "v5", "label": "none", "empty_verify": "lc0"}, READY, "ready", {"key": 3}),
    ({"profile": "mav2-t0", "t0_extra": "mute", "le_over": "6282", "dates": "slash"}, READY, "ready", {"key": 3}),
]
# Staff cards: with an anchor for them, and (the last ones) without.
STAFF = [
    ({"profile": "piv"}, READY, "ready", {"generation": "piv", "evidence": "documented", "confirmed": True, "tries": {"sign": 3},
                                          "files": ["staff", "not_asked", "not_asked"], "certificate": "valid", "methods": []}),
    ({"profile": "piv-t0"}, READY, "ready", {"protocol": "T=0", "confirmed": True, "tries": {"sign": 3}}),
    ({"profile": "piv-cl"}, UNSUPPORTED, "tries_unknown",
     {"confirmed": True, "tries": {}, "detail": "the card takes no PIN here; some do through their contacts only"}),
    ({"profile": "piv", "piv_leaf": "expired"}, EXPIRED, "expired", {"certificate": "expired"}),
    ({"profile": "piv", "piv_leaf": "foreign"}, UNSUPPORTED, "not_confirmed", {"confirmed": False}),
    ({"profile": "piv", "piv_9c": "absent"}, UNSUPPORTED, "not_confirmed", {"certificate": "none"}),
    ({"profile": "piv", "piv_global": "31415926", "piv_primary": "global"}, UNSUPPORTED, "unknown_kind", {"supported": False}),
]
NO_ANCHOR = [({"profile": profile}, UNSUPPORTED, "not_confirmed",
              {"confirmed": False, "detail": "a staff card, and no anchors are configured for staff"}) for profile in ("piv", "piv-cl")]
# Cards that are not there to the end: what happens, exit code, its name, the last line of the transcript.
CUT_SHORT = [
    ({"fault": "removal:400@total:3"}, 17, "CardRemoved", "@ removed"),
    ({"fault": "removal:400@read#5"}, 17, "CardRemoved", "@ removed"),
    ({"fault": "removal:400@counter:lost", "profile": "mav2-t0"}, 17, "CardRemoved", "@ removed"),
    ({"fault": "mute:300@mse"}, 19, "TimedOut", "@ silent"),
    ({"fault": "removal:400@get-data#2:lost", "profile": "piv"}, 17, "CardRemoved", "@ removed"),
    ({"fault": "removal:400@empty-verify", "profile": "piv-t0"}, 17, "CardRemoved", "@ removed"),
]
CITIZENS_WORDS = ("national", "service office", "\u0645\u0644\u06cc", "\u062f\u0641\u062a\u0631")  # the last: national, office
AFTER_CONFIRMATION = ("tries", "methods", "pin_changed", "sign_pin_initial", "applet", "versions", "key", "keys")


def soft(rig, card=None, trust=None, **options):
    rig.cards = getattr(rig, "cards", 0) + 1
    state = os.path.join(rig.dir, f"soft-{rig.cards}")
    sections = {"soft": {"pki": rig.pki, "pin": PIN, "state": state,
                         **{name.replace("_", "-"): value for name, value in options.items()}}}
    if card:
        sections["card"] = card
    if trust:
        sections["trust"] = trust
    return Daemon(rig, drivers=("soft",), **sections)


def secrets_of(rig, leaf="valid"):
    """What no answer may hold: pieces of the certificate as hex, names and numbers as text."""
    pem = os.path.join(rig.pki, f"leaf-{leaf}.pem")
    der = subprocess.run(["openssl", "x509", "-in", pem, "-outform", "DER"], capture_output=True, check=True).stdout
    subject = subprocess.run(["openssl", "x509", "-in", pem, "-noout", "-subject", "-nameopt", "utf8,sep_multiline"],
                             capture_output=True, check=True).stdout.decode()
    told = re.findall(r"^\s*(?:CN|GN|SN|givenName|surname)\s*=\s*(.+)$", subject, re.M)
    words = [word for text in told for word in text.split() if len(word) > 3]
    return ([der[at:at + 8].hex() for at in range(40, len(der) - 8)] + words +
            [word.encode().hex() for word in words] + ["4201a1b2c3d40007"])


def silent_about_the_holder(text, secrets):
    lowered = text.lower()
    return [secret for secret in secrets if secret.lower() in lowered][:3]


def run_case(rig, case):
    options, expected, verdict, members = case
    what = " ".join(f"{name}={value}" for name, value in options.items()) or "the plain card"
    secrets = secrets_of(rig, options.get("leaf", "valid"))
    daemon = soft(rig, **options)
    transcript = os.path.join(rig.dir, f"transcript-{rig.cards}")
    code, out, err = rig.mohr(daemon, "doctor", "--card", "--json", "--transcript", transcript)
    card = json.loads(out) if out.startswith("{") else {}
    rig.check(code == expected and card.get("verdict") == verdict and card.get("exit") == expected,
              f"{what}: {verdict} is {expected}", (code, card, err))
    wrong = {name: card.get(name) for name, value in members.items() if card.get(name) != value}
    rig.check(not wrong, f"{what}: the findings are right", wrong)
    early = [name for name in AFTER_CONFIRMATION if name in card and not card.get("confirmed")]
    rig.check(not early, f"{what}: nothing of the PIN is known before the issuer is confirmed", early)
    with open(transcript, encoding="ascii") as file:
        text = file.read()
    rig.check(text.startswith("mohr-transcript 1\n") and "@ cut" not in text and os.stat(transcript).st_mode & 0o77 == 0,
              f"{what}: a whole transcript, for its owner only", text[:200])
    played = replayed(rig, transcript)
    rig.check(played == (code, card), f"{what}: the transcript played back gives the same findings", played)
    found = silent_about_the_holder(out + err + text, secrets)
    rig.check(not found, f"{what}: nothing of the holder is told", found)
    if not options or "profile" in options:
        in_words(rig, daemon, what, expected, secrets)
    rig.check(not daemon.prompts(), f"{what}: nobody is asked")
    daemon.stop()


def run_staff(rig, case, anchors):
    """As a citizen's card, and nothing a citizen is told is said of it."""
    options, expected, verdict, members = case
    what = " ".join(f"{name}={value}" for name, value in options.items()) + (", trusted" if anchors else ", no anchors")
    der = subprocess.run(["openssl", "x509", "-in", os.path.join(rig.pki, "staff-9c-rsa2048.pem"), "-outform", "DER"],
                         capture_output=True, check=True).stdout
    secrets = ["S-0042", "s-0042".encode().hex()] + [der[at:at + 8].hex() for at in range(40, len(der) - 8)]
    daemon = soft(rig, trust=staff_anchors(rig) if anchors else None, **options)
    transcript = os.path.join(rig.dir, f"transcript-{rig.cards}")
    code, out, err = rig.mohr(daemon, "doctor", "--card", "--json", "--transcript", transcript)
    card = json.loads(out) if out.startswith("{") else {}
    rig.check(code == expected and card.get("verdict") == verdict and card.get("family") == "piv",
              f"{what}: {verdict} is {expected}", (code, card, err))
    wrong = {name: card.get(name) for name, value in members.items() if card.get(name) != value}
    rig.check(not wrong, f"{what}: the findings are right", wrong)
    with open(transcript, encoding="ascii") as file:
        text = file.read()
    rig.check(("00200080" in text) == card.get("confirmed"), f"{what}: asked about its PIN only where it is confirmed", text)
    words = [rig.mohr(daemon, "doctor", "--card", env={**rig.env, **more})[1]
             for more in ({}, {"LANGUAGE": "fa", "LC_ALL": "C.UTF-8"})]
    rig.check(all(words) and not [word for word in CITIZENS_WORDS for said in words if word in said],
              f"{what}: nothing is said that is true of citizens only", words)
    played = replayed(rig, transcript, anchors=anchors)
    rig.check(played == (code, card), f"{what}: the transcript played back gives the same findings", played)
    found = silent_about_the_holder(out + err + text + "".join(words), secrets)
    rig.check(not found and not daemon.prompts(), f"{what}: nothing of the holder is told, nobody is asked", found)
    daemon.stop()


def staff_anchors(rig):
    return {"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")}


def replayed(rig, transcript, *words, anchors=True):
    """(exit code, findings) of a card that is played from a transcript."""
    daemon = soft(rig, trust=staff_anchors(rig) if anchors else None, replay=transcript)
    code, out, _ = rig.mohr(daemon, "doctor", "--card", "--json", *words)
    daemon.stop()
    return code, json.loads(out) if out.startswith("{") else out


def exchanges(path):
    """What was said in each step, without the head."""
    with open(path, encoding="ascii") as file:
        return file.read().split("\n@ begin\n", 1)[1]


def run_cut_short(rig, case):
    """The card goes: what was said until then is kept, says so, and is played back to that point."""
    options, expected, name, end = case
    what = " ".join(f"{key}={value}" for key, value in options.items())
    secrets = secrets_of(rig)
    daemon = soft(rig, trust=staff_anchors(rig), faults="once", **options)
    path = os.path.join(rig.dir, f"transcript-{rig.cards}")
    code, out, err = rig.mohr(daemon, "doctor", "--card", "--json", "--transcript", path)
    told = json.loads(out) if out.startswith("{") else {}
    rig.check(code == expected == told.get("exit") and told.get("outcome") == name, f"{what}: {expected}", (code, out, err))
    with open(path, encoding="ascii") as file:
        text = file.read()
    rig.check(text.startswith("mohr-transcript 1\n") and text.endswith(f"\n{end}\n"), f"{what}: the transcript ends in {end}", text)
    rig.check(os.stat(path).st_mode & 0o77 == 0 and not silent_about_the_holder(out + err + text, secrets),
              f"{what}: for its owner only, and nothing of the holder in it")
    again = path + "-again"
    played = replayed(rig, path, "--transcript", again)
    rig.check(played == (code, told), f"{what}: played back it ends the same way", played)
    rig.check(exchanges(again) == exchanges(path), f"{what}: after the same words", exchanges(again))
    daemon.stop()


def nothing_said(rig):
    """A card that went with the first word to it leaves a transcript of that word; one that is not there, none."""
    daemon = soft(rig, fault="removal:60000@1", faults="once", back="60000")
    path = os.path.join(rig.dir, "nothing")
    first, _, _ = rig.mohr(daemon, "doctor", "--card", "--transcript", path)
    with open(path, encoding="ascii") as file:
        rig.check(first == 17 and file.read().endswith(" -\n@ end\n@ removed\n"), "a card that goes at the first word", first)
    code, _, err = rig.mohr(daemon, "doctor", "--card", "--transcript", path + "-again")
    rig.check(code == 11 and not os.path.exists(path + "-again"), "where nothing was said there is no transcript", (code, err))
    daemon.stop()


def fixtures(rig):
    """Transcripts that were given to us, and what doctor said of the cards they were made of."""
    names = sorted(name[:-4] for name in os.listdir(FIXTURES) if name.endswith(".txt"))
    for name in rig.mine(names):
        with open(os.path.join(FIXTURES, name + ".json"), encoding="utf-8") as file:
            expected = json.load(file)
        played = replayed(rig, os.path.join(FIXTURES, name + ".txt"))
        rig.check(played == (expected["exit"], expected), f"fixture {name}: doctor says what it said of the card", played)
    rig.check(len(names) > 6, "there are fixtures")


def in_words(rig, daemon, what, expected, secrets):
    code, out, err = rig.mohr(daemon, "doctor", "--card", env={**rig.env, "LANGUAGE": "fa", "LC_ALL": "C.UTF-8"})
    rig.check(code == expected and not silent_about_the_holder(out + err, secrets), f"{what}: the same in words", (code, out))


def costs_nothing(rig, pcscd):
    """The card's own word, over pcscd, with the rule monitor in its loop."""
    for profile in ("mav2-cl", "mav2-t0", "mav4", "pardis", "omid", "foreign-ias", "foreign-mpcos"):
        card = Card(rig, pcscd, profile)
        daemon = Daemon(rig)
        daemon.wait_state(card.reader, "card")
        before = card.stats()
        code, _, err = rig.mohr(daemon, "doctor", "--card", "--reader", card.reader)
        stats = card.stats()
        rig.check(code in (READY, UNSUPPORTED) and card.locked(), f"{profile}: examined and left locked", (code, err))
        rig.check(stats.get("verify_commands") == before.get("verify_commands", 0) == 0 and stats.get("writes") == 0,
                  f"{profile}: no PIN, nothing written", stats)
        if profile not in ("mav2-cl", "mav2-t0", "mav4"):
            rig.check(card.pin_family() == 0, f"{profile}: no command of the PIN family", card.commands())
        else:
            code, _ = daemon.request(card.reader)
            rig.check(code == 0, f"{profile}: an assertion afterwards", code)
        daemon.stop()
        card.remove()


def other_answers(rig, pcscd):
    daemon = Daemon(rig)
    daemon.wait_state(pcscd.name(), "empty")
    code, _, err = rig.mohr(daemon, "doctor", "--card")
    rig.check(code == 11 and "chip" in err, "no card is 11, and what a card needs is said", (code, err))
    code, _, err = rig.mohr(daemon, "doctor", "--card", "--reader", "nobody's")
    rig.check(code == 10, "a reader that is not there is 10", (code, err))
    code, _, err = rig.mohr(daemon, "doctor", "--reader", "x")
    rig.check(code == 2, "--reader without --card is 2", (code, err))
    code, _, err = rig.mohr(daemon, "doctor", "--card", "--transcript", "/nowhere/at/all")
    rig.check(code == 11, "the card comes before the file", (code, err))
    error, _ = call(daemon.socket, "mohr.Identity.Examine", {"reader": 7})
    rig.check(error == "org.varlink.service.InvalidParameter", "a wrong parameter is named", error)
    daemon.stop()


def policy_and_hangup(rig):
    card = flow.Soft(rig, fault="mute:60000@read", faults="once")  # which is waited for, seconds long
    daemon = flow.daemon_of(rig)
    connection = Connection(daemon.socket).send("mohr.Identity.Examine")
    rig.check(wait_for(lambda: "in_use" in [reader["state"] for reader in daemon.status()["readers"]]),
              "while a card is examined its reader is in use")
    error, _ = call(daemon.socket, "mohr.Identity.Examine", {})
    rig.check(error == "mohr.Identity.Busy", "two at once are one and Busy", error)
    wait_for(lambda: card.stats().get("exchanges"))  # only a helper that met its card is replaced, and takes the fault along
    connection.close()
    rig.check(daemon.wait_state(READER, "card"), "after a hang-up the reader is free again", daemon.status())
    code, reply = daemon.request()
    rig.check(code == 0, "and the card is good", (code, reply))
    daemon.stop()


def body(rig):
    for case in rig.mine(rig.few(CASES, 3)):
        run_case(rig, case)
    for case, anchors in rig.mine([(case, True) for case in STAFF] + [(case, False) for case in NO_ANCHOR]):
        run_staff(rig, case, anchors)
    for case in rig.mine(rig.few(CUT_SHORT, 3)):
        run_cut_short(rig, case)
    fixtures(rig)
    if rig.shard[0] == 0:
        pcscd = Pcscd(rig)
        costs_nothing(rig, pcscd)
        other_answers(rig, pcscd)
        pcscd.stop()
        policy_and_hangup(rig)
        nothing_said(rig)


if __name__ == "__main__":
    main(body, workers=2)
