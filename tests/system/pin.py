#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`mohr pin`: what is told of a card's PINs for nothing, and a new PIN for a staff card.

STATUS is the promise: a card, the exit code, and each PIN as (tries, changed), None where the card does not tell.
TALKS is another: what a person types, what comes of it, and what the card has counted then.
"""
import contextlib
import json
import os
import select
import signal
import socket

import flow
from asking import CHANGE_PIN, STAFF, Asked
from digits import RUNS, a_pin, look, may_look, persian, places, stays, windows
from lib import PIN, Card, Connection, Daemon, Pcscd, call, card_wait, main, wait_for

STAFF_PIN, NEW_PIN, PUK = "271828", "16180339", "13572468"
CHANGED = [STAFF_PIN, NEW_PIN, NEW_PIN]
UNBLOCKED = [PUK, NEW_PIN, NEW_PIN]
UNTOLD = (None, None)
STATUS = [
    ({}, 0, {"identification": (3, True), "identification_id": (3, None), "identification_ev": (3, None),
             "signature": (None, True), "nmoc": (None, False)}),
    ({"do_a0": "initial", "pin_flags": "initial", "nmoc": "set"}, 0, {"identification": (3, False), "signature": (None, False), "nmoc": (None, True)}),
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


# deed, entries, answers to buttons, exit code, (wrong PINs, wrong PUKs, attempts), whether the new PIN holds afterwards
OK = ["ok"]
TALKS = [
    ("change", CHANGED, OK, 0, (0, 0, 1), True),
    ("change", ["314159", NEW_PIN, NEW_PIN], OK, 13, (1, 0, 1), False),
    ("change", ["\u06f2\u06f7\u06f1\u0668\u06f2\u06f8", NEW_PIN, NEW_PIN], OK, 0, (0, 0, 1), True),
    ("change", [STAFF_PIN, NEW_PIN, "16180330", NEW_PIN, NEW_PIN], OK, 0, (0, 0, 1), True),
    ("change", [STAFF_PIN, STAFF_PIN, NEW_PIN, NEW_PIN], OK, 0, (0, 0, 1), True),
    ("change", ["2718", STAFF_PIN, "12345", NEW_PIN, NEW_PIN], OK, 0, (0, 0, 1), True),
    ("change", [STAFF_PIN, NEW_PIN, "1", NEW_PIN, "2", NEW_PIN, "3"], OK, 15, (0, 0, 0), False),
    ("change", [STAFF_PIN, "123456789"], OK, 15, (0, 0, 0), False),
    ("change", ["cancel"], OK, 15, (0, 0, 0), False),
    ("change", [STAFF_PIN, NEW_PIN, "cancel"], OK, 15, (0, 0, 0), False),
    ("change", CHANGED, ["cancel"], 15, (0, 0, 0), False),
    ("unblock", UNBLOCKED, OK, 0, (0, 0, 1), True),
    ("unblock", ["1357246", PUK, NEW_PIN, NEW_PIN], OK, 0, (0, 0, 1), True),
    ("unblock", ["24681357", NEW_PIN, NEW_PIN], OK, 13, (0, 1, 1), False),
    ("unblock", UNBLOCKED, ["ok", "no"], 24, (0, 0, 0), False),
    ("unblock", UNBLOCKED, ["ok", "cancel"], 24, (0, 0, 0), False),
]
# What goes wrong at the one command, or just before it: exit code, attempts, whether it is known which PIN holds.
FAULTS = [
    ("change", "removal:60000@change", 17, 0, False),
    ("change", "removal:60000@change:lost", 17, 1, False),
    ("change", "reset@change:lost", 17, 1, False),
    ("change", "mute:5@change:lost", 19, 1, False),
    ("change", "wrong-sw=6F00@change", 12, 1, False),
    ("change", "wrong-sw=6A80@change:before", 12, 0, True),
    ("change", "wrong-sw=63C2@change", 13, 1, True),
    ("change", "wrong-sw=6983@change", 14, 1, True),
    ("change", "truncate:1@change", 17, 1, False),
    ("change", "removal:60000@empty-verify#2:after", 17, 0, False),
    ("change", "wrong-sw=63C2@empty-verify#2", 23, 0, True),
    ("change", "wrong-sw=6983@empty-verify#2", 14, 0, True),
    ("change", "wrong-sw=6A88@empty-verify", 12, 0, True),
    ("unblock", "removal:60000@unblock:lost", 17, 1, False),
    ("unblock", "wrong-sw=6F00@unblock", 12, 1, False),
    ("unblock", "wrong-sw=6D00@unblock:before", 12, 0, True),
    ("unblock", "wrong-sw=6983@unblock", 14, 1, True),
    ("unblock", "wrong-sw=6A88@empty-verify#2", 12, 0, True),
]
IN_DOUBT = "a try may have been spent, and the card may have taken the new PIN"
# Who is told no before anybody is asked: exit code, and a word of the detail.
NEVER = [
    ({"profile": "mav2-cl"}, "office"), ({"profile": "mav2-t0"}, "office"), ({"profile": "mav4"}, "office"),
    ({"profile": "pardis"}, "office"), ({"profile": "omid"}, "office"), ({"profile": "foreign-mpcos"}, ""),
    ({"profile": "piv-cl"}, "through their contacts only"), ({"profile": "piv", "piv_leaf": "foreign"}, "anchor"),
    ({"profile": "piv", "piv_9c": "absent"}, "certificate"),
    ({"profile": "piv", "piv_global": "31415926", "piv_primary": "global"}, "looked at"),
]


class Staff:
    """A staff card with its witness, and a daemon that trusts its issuer."""

    def __init__(self, rig, pin=STAFF_PIN, sections=None, **switches):
        self.rig = rig
        self.card = flow.Soft(rig, **{"profile": "piv", "pin": pin, **switches})
        self.daemon = flow.daemon_of(rig, **{"trust": {"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")}, **(sections or {})})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.daemon.stop()
        self.card.remove()

    def memory(self):
        """What the card keeps without power: wrong PINs, wrong PUKs, the new PIN ("" while it has none)."""
        with open(self.card.state, "rb") as file:
            kept = file.read(24)
        return kept[12], kept[14], kept[15:23].rstrip(b"\xff\0").decode()

    def counted(self):
        wrong, wrong_puks, _ = self.memory()
        return wrong, wrong_puks, self.card.stats().get("renewals", 0)

    def pin(self, deed, *words, **more):
        code, out, err = self.rig.mohr(self.daemon, "pin", deed, "--json", *words, **more)
        return code, json.loads(out) if out.startswith("{") else {}, err

    def holders(self):
        """pids of the helpers that hold the card; the one that watches has the same name."""
        found = []
        for pid, name in self.daemon.helpers().items():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="ascii", errors="replace") as words:  # ended meanwhile
                if name.startswith("mohr-reader") and "--watch" not in words.read():
                    found.append(pid)
        return found

    def attempts(self):
        return sum(header[2:4] in ("24", "2C") for header, _ in self.card.commands())


def talk(rig, case):
    deed, entries, confirm, expected, counters, changed = case
    what = f"pin {deed}, {' '.join(entries)}, {' '.join(confirm)}"
    with Staff(rig) as staff:
        staff.daemon.script(getpin=entries, confirm=confirm)
        code, answer, err = staff.pin(deed)
        rig.check(code == expected == answer.get("exit"), f"{what}: {expected}", (code, answer, err))
        rig.check(staff.counted() == counters and staff.attempts() == counters[2] and staff.card.locked(),
                  f"{what}: the card counted it so, and is locked", (staff.counted(), staff.card.commands()))
        rig.check(expected != 13 or answer.get("tries_left") == 2, f"{what}: the tries left of what was typed first", answer)
        rig.check(staff.memory()[2] == (NEW_PIN if changed else ""), f"{what}: the PIN that should hold does", staff.memory())
        told = (json.dumps(answer) + err + staff.daemon.process.said()).replace(answer.get("request", " "), "")  # that is random
        rig.check(not [digits for digits in entries if len(digits) > 5 and digits.isdigit() and digits in told], f"{what}: no digit is told", told)


def fault(rig, case):
    deed, fault_, expected, attempts, known = case
    what = f"pin {deed}, {fault_}"
    sections = {"card": {"timeout_ms": "4000"}} if fault_.startswith("mute") else {}
    with Staff(rig, sections=sections, fault=fault_, faults="once") as staff:
        staff.daemon.wait_state(flow.READER, "card", seconds=60)
        staff.daemon.script(getpin=CHANGED if deed == "change" else UNBLOCKED)
        code, answer, err = staff.pin(deed)
        rig.check(code == expected, f"{what}: {expected}", (code, answer, err))
        doubt = answer.get("detail") == IN_DOUBT
        rig.check(doubt != known, f"{what}: {'nothing is in doubt' if known else 'the doubt is told'}", answer)
        rig.check(staff.attempts() <= 1 and staff.card.stats().get("renewals", 0) == attempts and staff.card.locked(),
                  f"{what}: one command at most, and the card is locked", staff.card.commands())


def never(rig, case):
    options, word = case
    what = " ".join(f"{name}={value}" for name, value in options.items())
    with Staff(rig, pin=STAFF_PIN if is_staff(options) else PIN, **options) as staff:
        for deed in ("change", "unblock"):
            staff.daemon.script(getpin=UNBLOCKED)
            code, answer, err = staff.pin(deed)
            rig.check(code == 12 and word in answer.get("detail", ""), f"pin {deed}, {what}: 12, and why", (code, answer, err))
        rig.check(not staff.daemon.prompts(), f"pin, {what}: nobody is asked")
        rig.check(staff.attempts() == 0 and staff.card.stats().get("verify_commands") == 0 and staff.card.stats().get("writes") == 0,
                  f"pin, {what}: no command that changes it", staff.card.commands())


def blocked(rig):
    """Three wrong ones, and the way back; then the code's own end."""
    with Staff(rig, sections={"limits": {"wrong_pins": "9"}}) as staff:
        pages = []
        for left in (2, 1):
            staff.daemon.script(getpin=["314159", NEW_PIN, NEW_PIN])
            code, answer, _ = staff.pin("change")
            rig.check(code == 13 and answer.get("tries_left") == left, f"a wrong PIN leaves {left}", (code, answer))
        staff.daemon.prompts()
        for confirm, expected in ((["ok", "no"], 24), (["ok", "cancel"], 24), (["ok", "ok"], 14)):
            staff.daemon.script(getpin=["314159", NEW_PIN, NEW_PIN], confirm=confirm)
            code, answer, _ = staff.pin("change")
            pages = [line for line in staff.daemon.prompts() if "SETDESC" in line and "last try" in line]
            rig.check(code == expected and pages, f"the last try is asked about: {' '.join(confirm)} is {expected}", (code, answer))
        code, answer, _ = staff.pin("change")
        rig.check(code == 14 and not staff.daemon.prompts(), "a blocked PIN is not changed, and nobody asked", (code, answer))
        code, out, _ = rig.mohr(staff.daemon, "pin", "status", "--json")
        rig.check(code == 14 and told(out)[0]["piv"] == (0, None), "and pin status says that it is blocked", out)
        staff.daemon.script(getpin=UNBLOCKED)
        code, answer, _ = staff.pin("unblock")
        rig.check(code == 0 and staff.memory() == (0, 0, NEW_PIN), "it is unblocked", (code, answer, staff.memory()))
        for expected in (13, 13, 14, 14):
            staff.daemon.script(getpin=["24681357", NEW_PIN, NEW_PIN])
            code, answer, _ = staff.pin("unblock")
            rig.check(code == expected and "PUK" in answer.get("detail", "PUK"), f"a wrong code: {expected}", (code, answer))
        code, answer, _ = staff.pin("unblock", "--reader", "nobody's")
        rig.check(code == 10, "a reader that is not there: 10", (code, answer))


def in_history(rig):
    """What was asked, and how it ended; in words too, and no digit of it anywhere in the folder."""
    with Staff(rig) as staff:
        for deed, entries in (("change", CHANGED), ("change", [STAFF_PIN, NEW_PIN, NEW_PIN]), ("unblock", UNBLOCKED)):
            staff.daemon.script(getpin=entries)
            staff.pin(deed)
        folder = staff.daemon.state
        code, out, err = rig.mohr(None, "history", "list", "--from", folder, "--json")
        rows = [(entry["asked"]["method"], entry["end"]["outcome"]) for entry in (json.loads(out) if code == 0 else {}).get("entries", [])]
        rig.check(rows == [("ChangePin", "Ok"), ("ChangePin", "WrongPin"), ("UnblockPin", "Ok")], "each is in the history, with its end",
                  (rows, out, err))
        kept = b""
        for name in filter(lambda name: name.startswith("history"), os.listdir(folder)):
            with open(os.path.join(folder, name), "rb") as file:
                kept += file.read()
        rig.check(kept and not [digits for digits in (STAFF_PIN, NEW_PIN, PUK) if digits.encode() in kept], "and no PIN is")
        for language in ({}, {"LANGUAGE": "fa"}):
            code, out, err = rig.mohr(None, "history", "list", "--from", folder, env=language)
            rig.check(code == 0 and not err and out.count("PUK") == 1, "the history shows it in words", (code, out, err))


def another_card(rig):
    """Laid down while the prompt was open: what was typed goes to no card at all."""
    pcscd = Pcscd(rig)
    card = Card(rig, pcscd, "piv", pin=STAFF_PIN, laid_back="other")
    daemon = Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
    daemon.wait_state(card.reader, "card", seconds=60)
    laid_down = os.path.join(rig.dir, "another-card-lies-there")
    daemon.script(getpin=CHANGED, until=laid_down)
    client = begin(daemon, "ChangePin")
    rig.check(bool(wait_for(lambda: flow.asking(daemon), 60)), "the prompt is open")
    for there in (False, True):
        card.turn()
        rig.check(card_wait(card.reader, present=there, seconds=60), f"the card is {'laid down' if there else 'lifted'} meanwhile")
    with open(laid_down, "w", encoding="ascii"):
        pass
    error, reply = end(client)
    seen = card.stats()
    rig.check(error == "mohr.Identity.CardRemoved" and seen["renewals"] == 0 and card.locked(), "another card is sent nothing",
              (error, reply, seen))
    daemon.stop()
    card.remove()
    pcscd.stop()


def begin(daemon, method):
    client = Connection(daemon.socket)
    return client.send(f"mohr.Identity.{method}", {"ui": {"display": ":mohr-test"}}, more=True)


def end(client):
    while True:
        error, reply, goes_on = client.receive()
        if not goes_on:
            client.close()
            return error, reply


def killed(rig):
    """The helper dies while the card works, which has taken the new PIN already: nobody can know, and that is said."""
    with Staff(rig, sections={"card": {"timeout_ms": "60000"}}, fault="mute:60000@change:lost", faults="once") as staff:
        staff.daemon.script(getpin=CHANGED)
        client = begin(staff.daemon, "ChangePin")
        phases = []
        while "pin" not in phases:
            phases.append(client.receive()[1].get("phase"))
        rig.check(phases == ["reader", "card", "consent", "pin"], "phases are told in order", phases)
        rig.check(bool(wait_for(lambda: staff.memory()[2] == NEW_PIN, 60)), "the card works")
        for pid in staff.holders():
            os.kill(pid, signal.SIGKILL)
        error, reply = end(client)
        rig.check(error == "mohr.Identity.CardRemoved" and reply.get("detail") == IN_DOUBT, "a helper killed at work leaves a doubt that is told", (error, reply))
        staff.daemon.wait_state(flow.READER, "card", seconds=60)
        staff.daemon.script(getpin=[NEW_PIN])
        code, reply = staff.daemon.request()
        rig.check(code == 0, "the next request is served, with the new PIN", (code, reply))


def in_memory(daemon, secrets):
    """{name: finds} of any of them, in the daemon and what it has started."""
    finds = {}
    for secret in secrets:
        for name, found in look(daemon, secret).items():
            finds.setdefault(name, []).extend(found)
    return finds


def remembered(rig, pcscd, deed, avoid=(), **switches):
    """Where the digits of proof and new PIN are while the card has the one command, and after the answer."""
    proof, new = a_pin(8 if deed == "UnblockPin" else 6, avoid), a_pin(8, avoid)
    pins = {"pin": STAFF_PIN, "piv_puk": proof} if deed == "UnblockPin" else {"pin": proof}
    card = Card(rig, pcscd, "piv", **pins, **switches)
    daemon = Daemon(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
    daemon.wait_state(card.reader, "card", seconds=60)
    daemon.script(getpin=[proof, new, new])
    client, during = begin(daemon, deed), {}
    if switches:
        wait_for(lambda: during.update(in_memory(daemon, [proof])) or in_helper(during) or broken_off(client), 60, 0.05)
    error, _ = end(client)
    after = in_memory(daemon, [proof, new])
    daemon.stop()
    card.remove()
    return error, during, after


def in_helper(finds):
    return any(found for name, found in finds.items() if "reader" in name)


def broken_off(client):
    """Whether the answer, which is an error, is there."""
    return select.select([client.socket], [], [], 0)[0] and b'"error"' in client.socket.recv(65536, socket.MSG_PEEK)


def not_by_chance(rig, pcscd, deed, after, **switches):
    """Where digits are after the answer each time (digits.py), this look being the first."""
    looks, seen = [after], set()
    while len(looks) < RUNS and stays(looks):
        rig.note(f"{deed}: a find, by chance or not: {looks[-1]}")
        seen |= {needle for finds in looks[-1].values() for needle, _ in finds}
        looks.append(remembered(rig, pcscd, deed, seen, **switches)[2])
    return stays(looks)


def memory(rig):
    """As memory.py, which says why a find counts only when there is one each time."""
    if rig.sanitized():  # whose memory is of another size and kind
        return
    if not may_look():
        rig.skip("where the digits of a new PIN are", "only root may look into processes that are not dumpable")
        return
    pcscd = Pcscd(rig)
    for deed, where in (("ChangePin", "change"), ("UnblockPin", "unblock")):
        for patience in (1500, 6000):  # a busy machine gets the second
            switches = {"fault": f"mute:{patience}@{where}:before"}
            error, during, after = remembered(rig, pcscd, deed, **switches)
            if in_helper(during):
                break
        rig.check(error and in_helper(during), f"{deed}: the look finds the digits in the helper while the card has them", (error, during))
        left = not_by_chance(rig, pcscd, deed, after, **switches)
        rig.check(not left, f"{deed}: nothing is left after the answer", left)
    error, _, after = remembered(rig, pcscd, "ChangePin")
    left = not_by_chance(rig, pcscd, "ChangePin", after)
    rig.check(not error and not left, "ChangePin: nothing is left after a yes of the card", (error, left))
    pcscd.stop()


def in_the_prompt(rig):
    """The first digits were typed and the next page is open: all of them are in locked memory, those in libassuan's buffers too."""
    if rig.sanitized():  # whose memory is of another size and kind
        return
    if not may_look():
        rig.skip("where digits are in the prompt", "only root may look into processes that are not dumpable")
        return
    pinentry = os.path.join(rig.dir, "pinentry-looked-at")
    os.symlink(rig.pinentry_script, pinentry)
    for typed in (str, persian):
        for attempt in range(RUNS):
            pin = a_pin(8)
            with open(pinentry + ".json", "w", encoding="utf-8") as script:
                json.dump({"getpin": [typed(pin), "hang"], "flavor": "gtk2", "record": f"{pinentry}-{typed.__name__}-{attempt}"}, script)
            asked = Asked(rig.build, pinentry, display=":mohr-test", work=CHANGE_PIN, flags=STAFF)
            rig.check(bool(wait_for(lambda: said(f"{pinentry}-{typed.__name__}-{attempt}").count("GETPIN") == 2, 60)), "the second page is open")
            found = places(asked.child.pid, windows(pin))
            os.killpg(asked.child.pid, signal.SIGKILL)  # nobody types on that page
            asked.end()
            if all(kept for _, kept in found):
                break
            rig.note(f"a find, by chance or not: {found}")
        rig.check(any(kept for _, kept in found), f"the look finds the digits in mohr-prompt ({typed.__name__})", found)
        rig.check(all(kept for _, kept in found), "and all of them in memory that is neither swapped out nor dumped", found)


def said(path):
    try:
        with open(path, encoding="utf-8") as record:
            return record.read()
    except OSError:
        return ""


def one_at_a_time(rig):
    with Staff(rig) as staff:
        staff.daemon.script(getpin=CHANGED, delay=20)
        client = begin(staff.daemon, "ChangePin")
        rig.check(bool(wait_for(lambda: flow.asking(staff.daemon), 60)), "the prompt is open")
        error, _ = call(staff.daemon.socket, "mohr.Identity.UnblockPin", {"ui": {"display": ":mohr-test"}})
        rig.check(error == "mohr.Identity.Busy", "a reader in use is busy", error)
        client.close()
        rig.check(bool(wait_for(lambda: not flow.asking(staff.daemon), 60)), "the client hangs up: the prompt closes")
        staff.daemon.wait_state(flow.READER, "card", seconds=60)
        error, reply = call(staff.daemon.socket, "mohr.Identity.ChangePin", {"ui": {"display": ":mohr-test"}, "timeout_ms": 400})
        rig.check(error == "mohr.Identity.TimedOut" and staff.attempts() == 0, "its own time limit", (error, reply))
        for bad in ({"reader": 7}, {"pin": "271828"}, {"timeout_ms": 0}, {"ui": {"tty": "/etc/passwd"}}):
            error, reply = call(staff.daemon.socket, "mohr.Identity.ChangePin", bad)
            rig.check(error == "org.varlink.service.InvalidParameter", f"{bad}: refused", (error, reply))
        error, reply = call(staff.daemon.socket, "mohr.Identity.ChangePin", {})
        rig.check(error == "mohr.Identity.NobodyToAsk", "without a place to ask nobody is asked", (error, reply))


def usage(rig):
    bad = [["pin"], ["pin", "frob"], ["pin", "status", "--frob"], ["pin", "status", "x"], ["pin", "change", STAFF_PIN],
           ["pin", "unblock", "--timeout", "0"]]
    rig.check(all(rig.mohr(None, *words)[0] == 2 for words in bad), "wrong usage of mohr pin is 2")
    code, out, _ = rig.mohr(None, "pin", "--help")
    rig.check(code == 0 and all(f"mohr pin {deed}" in out for deed in ("status", "change", "unblock")), "mohr pin --help tells what there is", out)


def body(rig):
    if rig.shard[0] == 0:
        usage(rig)
        blocked(rig)
    for part in rig.mine([another_card, memory, in_history, killed, one_at_a_time, in_the_prompt]):
        part(rig)
    for case in rig.mine(rig.few(STATUS, 3)):
        status_case(rig, case)
    for case in rig.mine(rig.few(TALKS, 4)):
        talk(rig, case)
    for case in rig.mine(rig.few(FAULTS, 4)):
        fault(rig, case)
    for case in rig.mine(rig.few(NEVER, 3)):
        never(rig, case)


if __name__ == "__main__":
    main(body, workers=2)
