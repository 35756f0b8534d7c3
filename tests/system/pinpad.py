#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A reader with keys of its own behind the real pcscd (tests/ifd/pinpad.c), and everything people and
readers do there.

The reader's own record tells what it was asked and how often a command went to the card; the card tells how
many PIN commands it saw. Neither number is ever above one for a request.
"""
import base64
import contextlib
import json
import os
import signal
import subprocess
import time

import mock
from digits import RUNS, a_pin, find, look, may_look, stays
from lib import AUDIENCE, NONCE, PIN, Card, Connection, Daemon, Pcscd, free_ports, main, wait_for

OK, UNSUPPORTED, WRONG, BLOCKED, REFUSED, REMOVED, ISSUER, TIMED_OUT, BUSY, LAST = 0, 12, 13, 14, 15, 17, 18, 19, 23, 24


class PadPcscd(Pcscd):
    """Debian's pcscd with one reader that has keys; its folder is where the person is scripted."""

    def __init__(self, rig):
        self.rig, self.readers, self.base = rig, 1, free_ports(1)
        self.conf = os.path.join(rig.dir, "reader.conf.d")
        self.folder = os.path.join(rig.dir, "pad")
        os.makedirs(self.conf)
        os.makedirs(self.folder)
        self.write("port", str(self.base))
        with open(os.path.join(self.conf, "pad"), "w", encoding="ascii") as conf:
            conf.write(f'FRIENDLYNAME "Pad"\nDEVICENAME {self.folder}\n'
                       f"LIBPATH {os.path.join(rig.build, 'tests/ifd_pinpad.so')}\n")
        self.start()

    def listening(self):
        with open("/proc/net/tcp", encoding="ascii") as rows:
            return any(int(row.split()[1].rsplit(":", 1)[1], 16) == self.base for row in rows.readlines()[1:])

    def name(self, slot=0):
        return "Pad 00 00"

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        if text is None:
            if os.path.exists(path):
                os.unlink(path)
            return
        with open(path + ".new", "w", encoding="ascii") as file:
            file.write(text + "\n")
        os.rename(path + ".new", path)

    def person(self, does):
        self.write("person", f"0 {does}")

    def hesitant(self, does):
        """The same when go() is called."""
        self.write("go", None)
        self.write("person", f"-1 {does}")

    def go(self):
        self.write("go", "now")

    def record(self):
        """[(what, hex), ...] since the last forget()."""
        try:
            with open(os.path.join(self.folder, "log"), encoding="ascii") as log:
                return [tuple((line.rstrip("\n") + " ").split(" ", 1)) for line in log]
        except OSError:
            return []

    def count(self, what):
        return sum(entry[0] == what for entry in self.record())

    def forget(self):
        for name in ("log", "features", "properties", "person", "go"):
            self.write(name, None)


class Scene:
    """One card behind the keys, one daemon; ends itself."""

    def __init__(self, rig, pad, profile="mav2-t0", daemon=None, **switches):
        pad.forget()
        self.rig, self.pad = rig, pad
        self.card = Card(rig, pad, profile, **switches)
        self.daemon = Daemon(rig, **(daemon or {}))
        self.daemon.script(getpin=["hang"])  # whoever asks for digits on this computer waits for ever
        self.daemon.wait_state(self.card.reader, "card")

    def __enter__(self):
        return self

    def __exit__(self, *broken):
        self.daemon.stop()
        self.card.remove()

    def answers(self, expected, what, sent=1, pin_commands=None):
        """One request, and what reader and card say of it."""
        before, seen = self.pad.count("sent"), self.card.stats().get("verify_commands", 0)
        code, reply = self.daemon.request()
        detail = reply if isinstance(reply, str) else reply.get("detail")
        self.rig.check(code == expected, f"{what}: {expected}", f"{code} {reply}")
        self.rig.check(self.pad.count("sent") - before == sent, f"{what}: the reader sent {sent} command(s)",
                       self.pad.record())
        seen_now = self.card.stats().get("verify_commands", 0) - seen
        self.rig.check(seen_now == (sent if pin_commands is None else pin_commands),
                       f"{what}: so many PIN commands reached the card", self.card.stats())
        return code, reply, detail or ""

    def begin(self):
        parameters = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}
        return Connection(self.daemon.socket).send("mohr.Identity.Assert", parameters, more=True)

    def reached(self, count):
        """Waits until the card has seen so many PIN commands."""
        wait_for(lambda: self.card.stats().get("verify_commands") == count)

    def typing(self):
        """Waits until the reader waits for the person."""
        return wait_for(lambda: self.pad.count("verify"))


def claims(assertion):
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def good_ways(rig, pad):
    for profile in ("mav2-t0", "mav2-cl", "mav4"):
        with Scene(rig, pad, profile) as scene:
            pad.person(f"type {PIN}")
            code, reply, _ = scene.answers(OK, f"{profile}: the PIN typed on the reader's keys")
            if code != OK:
                print(scene.daemon.process.said()[-3000:])
                continue
            rig.check(rig.verify(reply)[0] == OK, f"{profile}: the assertion holds")
            rig.check(claims(reply)["station"]["pin_entry"] == "pinpad", f"{profile}: and says where it was typed")
            rig.check(not [line for line in scene.daemon.prompts() if line.startswith("GETPIN")],
                      f"{profile}: nobody was asked for digits on this computer")
            rig.check(scene.card.locked(), f"{profile}: the card is locked again", scene.card.stats())
            order = dict(pad.record())["verify"].strip()
            sent = dict(pad.record())["sent"].strip()
            rig.check(sent == "0020008110" + "dd" * 8 + "00" * 8, f"{profile}: and sent what the card takes", sent)
            rig.check(order == "2d148208000804020109040000000015000000" "00200081100000000000000000000000000000" "0000",
                      f"{profile}: the reader was told what part 10 says", order)


def staff_card(rig, pad):
    """Another family of cards, whose block is padded otherwise."""
    anchors = os.path.join(rig.pki, "staff-ca.pem")
    with Scene(rig, pad, "piv", daemon={"trust": {"staff_anchors": anchors}}, piv_9c="p256") as scene:
        pad.person(f"type {PIN}")
        code, reply, _ = scene.answers(OK, "a staff card's PIN typed on the reader's keys")
        rig.check(code == OK and claims(reply)["station"]["pin_entry"] == "pinpad", "a staff card: typed on the reader")
        sent = dict(pad.record())["sent"].strip()
        rig.check(sent == "0020008008" + "dd" * 8, "a staff card: the reader sent what it takes", sent)
        pad.person("type 12345")
        scene.answers(REFUSED, "a staff card: five digits are too few", 0)
        pad.person("type 271828")
        scene.answers(WRONG, "a staff card: a wrong PIN of six digits")
        padded = [value.strip() for what, value in pad.record() if what == "sent"][-1]
        rig.check(padded == "0020008008" + "dd" * 6 + "ffff", "a staff card: padded as it wants", padded)


def said_on_the_keys(rig, pad):
    """Ends of an entry in which nothing was sent, then the card is as it was."""
    with Scene(rig, pad) as scene:
        for does, expected, sent, what in (
                ("word 6401", REFUSED, 0, "the cancel key"), ("word 6400", TIMED_OUT, 0, "nobody types"),
                ("type 123", REFUSED, 0, "too few digits"), ("type 123456789", REFUSED, 0, "too many digits"),
                ("word 6B80", UNSUPPORTED, 0, "a reader that does not take the order")):
            pad.person(does)
            _, _, detail = scene.answers(expected, what, sent)
            rig.check("may have been spent" not in detail, f"{what}: no try is said to be lost", detail)
        pad.person(f"type {PIN}")
        scene.answers(OK, "and then the right PIN")
        rig.check(scene.card.stats()["failures"]["ias"] == 0, "no try was spent", scene.card.stats())


def refused_before(rig, pad):
    with Scene(rig, pad) as scene:
        pad.person(f"type {PIN}")
        for confirm, what in ((["cancel"], "consent refused"), (["ok", "no"], "the page before the keys refused")):
            scene.daemon.script(confirm=confirm)
            scene.answers(REFUSED, what, 0)
        rig.check(pad.count("verify") == 0, "the reader was never asked for a PIN", pad.record())
        scene.daemon.prompts()
        scene.daemon.script()
        first, second = scene.begin(), scene.begin()
        errors = sorted(str(last(connection)[0]) for connection in (first, second))
        rig.check(errors == ["None", "None"], "of two at once one is served after the other", errors)
        shown = " ".join(scene.daemon.prompts())
        rig.check("on the keys of the card reader, not here" in shown and "Tries left" in shown,
                  "the person was told where to type and how many tries are left")


def last(connection):
    """(error, parameters, [phases]) of a request with "more"."""
    phases = []
    while True:
        error, reply, more = connection.receive()
        if not more:
            return error, reply, phases
        phases.append(reply.get("phase"))


def wrong_until_blocked(rig, pad):
    with Scene(rig, pad) as scene:
        pad.person("type 00000000")
        _, reply, _ = scene.answers(WRONG, "a wrong PIN")
        rig.check(reply.get("tries_left") == 2, "two tries are left", reply)
        scene.answers(WRONG, "another wrong PIN")
        scene.daemon.script(confirm=["ok", "no"])
        scene.answers(LAST, "the last try declined", 0)
        scene.daemon.script()
        code, _, _ = scene.answers(BLOCKED, "the last try used wrongly")
        asked = pad.count("verify")
        scene.daemon.prompts()
        scene.answers(BLOCKED, "a blocked PIN", 0)
        rig.check(pad.count("verify") == asked and not scene.daemon.prompts(), "no reader and no person was asked")


def taken_away(rig, pad):
    with Scene(rig, pad) as scene:
        pad.hesitant(f"type {PIN}")
        running = scene.begin()
        scene.typing()
        scene.card.turn()
        error, _, phases = last(running)
        rig.check(error == "mohr.Identity.CardRemoved", "a card taken away while somebody types", error)
        rig.check(phases == ["reader", "card", "consent", "pinpad"], "the phases lead up to the keys", phases)
        rig.check(pad.count("sent") == 0, "nothing was sent", pad.record())
        scene.daemon.wait_state(scene.card.reader, "empty")
        scene.card.turn()
        scene.daemon.wait_state(scene.card.reader, "card")
        pad.person(f"type {PIN}")
        scene.answers(OK, "the card laid back works")


def killed(rig, pad):
    """Whoever dies while the reader waits: the reader goes on, and pcscd resets the card when it is done."""
    with Scene(rig, pad) as scene:
        pad.hesitant(f"type {PIN}")
        running = scene.begin()
        scene.typing()
        for pid, name in scene.daemon.helpers().items():
            with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", encoding="utf-8") as words:  # ended meanwhile
                if name == "mohr-reader" and scene.card.reader in words.read():
                    os.kill(pid, signal.SIGKILL)
        error, reply, _ = last(running)
        rig.check(error == "mohr.Identity.CardRemoved" and "may have been spent" in reply["detail"],
                  "a killed helper: a try may have been spent", (error, reply))
        pad.go()
        after_the_reader(rig, pad, scene, "a killed helper")
    with Scene(rig, pad) as scene:
        pad.hesitant(f"type {PIN}")
        running = scene.begin()
        scene.typing()
        running.close()
        rig.check(scene.daemon.wait_state(scene.card.reader, "card"), "a client that hangs up has its reader given back", scene.daemon.status())
        pad.go()
        after_the_reader(rig, pad, scene, "a client that hung up")
    with Scene(rig, pad) as scene:
        pad.hesitant(f"type {PIN}")
        running = scene.begin()
        scene.typing()
        scene.daemon.process.child.kill()
        running.close()
        pad.go()
        scene.reached(1)
        rig.check(scene.card.locked(), "a killed daemon leaves no unlocked card", scene.card.stats())
        rig.check(scene.card.stats()["verify_commands"] == 1, "and one PIN command", scene.card.stats())


def after_the_reader(rig, pad, scene, what):
    scene.reached(1)
    rig.check(scene.card.locked(), f"{what}: the card is locked again", scene.card.stats())
    rig.check(pad.count("sent") == 1, f"{what}: one command", pad.record())
    scene.daemon.wait_state(scene.card.reader, "card")  # a new helper has found it, and pcscd has reset it
    pad.person(f"type {PIN}")
    scene.answers(OK, f"{what}: the next request")


def out_of_time(rig, pad):
    with Scene(rig, pad) as scene:
        pad.person(f"type {PIN}")
        began = time.monotonic()
        scene.answers(OK, "a request with time to spare")
        way_ms = int(1000 * (time.monotonic() - began))  # a busy machine needs of its time for the way to the keys
        pad.forget()
        pad.hesitant(f"type {PIN}")
        code, reply = scene.daemon.request(timeout_ms=2900 + way_ms // 2)
        rig.check(code == TIMED_OUT and "nothing was sent" in reply["detail"] and pad.count("verify") == 0,
                  "without time left the reader is not asked", (code, reply))
        limit_ms = 6000 + 3 * way_ms
        code, reply = scene.daemon.request(timeout_ms=limit_ms)
        told = int(dict(pad.record())["verify"][:2], 16)
        rig.check(1 <= told <= limit_ms / 1000 - 2, "a reader is told to give up before the request ends", (told, limit_ms))
        rig.check(code == TIMED_OUT and "may have been spent" in reply["detail"],
                  "a request whose time ends at keys that go on", (code, reply))
        running = scene.begin()
        pad.go()
        error, reply, _ = last(running)
        rig.check(error in (None, *(f"mohr.Identity.{name}" for name in ("Busy", "TimedOut", "CardRemoved"))),
                  "the next one waits for the reader, or is told", (error, reply))
        rig.check(pad.count("sent") <= 2 and scene.card.stats()["failures"]["ias"] == 0,
                  "one command for each request at most", pad.record())
        rig.check(scene.card.locked(), "and the card is locked again", scene.card.stats())


def liars(rig, pad):
    """Answers that no card gives. The card itself is asked: it saw no PIN."""
    with Scene(rig, pad) as scene:
        for does, expected, what in (
                ("word", REMOVED, "no byte at all"), ("word 90", REMOVED, "one byte"),
                ("word 009000", UNSUPPORTED, "data before the word"), ("word " + "00" * 300, UNSUPPORTED, "300 bytes"),
                ("word 6F00", UNSUPPORTED, "an unknown word"), ("word 6C10", UNSUPPORTED, "another length"),
                ("word 63C1", WRONG, "a wrong PIN that no card saw"),
                ("unsupported", UNSUPPORTED, "a driver that refuses"), ("broken", TIMED_OUT, "a driver that fails")):
            pad.person(does)
            asked = pad.count("verify")
            scene.answers(expected, f"a reader that answers {what}", 0)
            rig.check(pad.count("verify") - asked == 1, f"{what}: asked once", pad.record())
            scene.daemon.wait_state(scene.card.reader, "card")
        pad.person("word 9000")
        scene.answers(ISSUER, "a reader that says yes for a card it never asked", 0)
        pad.person(f"type {PIN}")
        scene.answers(OK, "what it made the card seem is not remembered")


LISTS = (("06044233", "a torn list"), ("06034233060607044233000708", "a wrong length"), ("06" + "FF" + "00" * 40, "overlong"),
         ("060442330006" * 2, "a feature twice"), ("0604000000000704423300", "a code of zero"), ("00", "one byte"),
         ("060442330006" * 60, "more than fits"), ("", "nothing"))


def hostile_lists(rig, pad):
    """A reader that cannot be understood is one without keys: the PIN is asked for on this computer."""
    with Scene(rig, pad, "mav2-cl") as scene:
        scene.daemon.script()
        for features, what in LISTS:
            pad.write("features", features)
            code, reply, _ = scene.answers(OK, f"features: {what}", 0, 1)
            rig.check(code == OK and claims(reply)["station"]["pin_entry"] == "pinentry",
                      f"features: {what}: the PIN was typed on this computer")
        pad.write("features", None)
        for properties, what in (("070106", "six digits at most"), ("020105", "no key that ends the entry"),
                                 ("0102", "a torn list"), ("060104060104", "twice"), ("FF" * 200, "noise")):
            pad.write("properties", properties)
            scene.answers(OK, f"properties: {what}", 0, 1)


def unwanted(rig, pad):
    with Scene(rig, pad, daemon={"pin": {"pad": "no"}}) as scene:
        scene.daemon.script()
        code, reply, _ = scene.answers(OK, "[pin] pad = no", 0, 1)
        rig.check(code == OK and claims(reply)["station"]["pin_entry"] == "pinentry", "the PIN was typed on this computer")


def changed(rig, pad):
    """A change of the PIN: the driver can, no operation of Mohr does. The card here knows no such command."""
    pad.forget()
    card = Card(rig, pad, "mav2-cl", monitored=False)
    tool = os.path.join(rig.build, "tests/pinpad_change")

    def change(shape, does):
        pad.forget()
        pad.person(does)
        out = subprocess.run([tool, card.reader, shape], capture_output=True, text=True, timeout=60, check=False).stdout
        return out.strip(), [value.strip() for what, value in pad.record() if what == "sent"]

    d6, d8 = "dd" * 6, "dd" * 8
    for shape, does, expected in (
            ("nid", "type 1234,27182818,27182818", "0024008120" + "dd" * 4 + "00" * 12 + d8 + "00" * 8),
            ("piv", "type 271828,27182818,27182818", "0024008010" + d6 + "ffff" + d8),
            ("new", "type 271828,271828", "0024018008" + d6 + "ffff")):
        out, sent = change(shape, does)
        rig.check(sent == [expected] and out.startswith("pinpad=7 outcome=0 answer=6"),
                  f"a change in the shape {shape} goes out as it should, once", (out, sent))
    for does, word in (("type 271828,27182818,27182819", "6402"), ("type 271828,27182", "6403"), ("word 6401", "6401")):
        out, sent = change("piv", does)
        rig.check(not sent and out == f"pinpad=7 outcome=0 answer={word}", f"a change given up with {word}", (out, sent))
    pad.forget()
    card.remove()


def typed_on_a_mock(rig, what, reader, daemon):
    """Each end of an entry on a mocked CCID reader, which counts what it was asked and what it sent."""
    daemon.script(getpin=["hang"])
    wait_for(lambda: [entry for entry in daemon.status()["readers"] if entry["state"] == "card"], step=0.05)
    for typed, expected in ((PIN, OK), ("00000000", WRONG), ("cancel", REFUSED), ("timeout", TIMED_OUT)):
        verifies, asked = reader.stats()["verifies"], reader.stats()["secures"]
        reader.say(f"type {typed}")
        code, reply = daemon.request()
        rig.check(code == expected, f"{what}: {'a wrong PIN' if expected == WRONG else typed}: {expected}", (code, reply))
        if code == OK:
            rig.check(claims(reply)["station"]["pin_entry"] == "pinpad", f"{what}: typed on the reader")
        now = reader.stats()
        rig.check(now["secures"] - asked == 1 and now["verifies"] - verifies == (expected in (OK, WRONG)),
                  f"{what}: asked once, sent once at most", now)


def through_libccid(rig, pad):
    """Debian's own driver translates the order into CCID for a reader that another hand mocked (tests/tools/mock)."""
    why = mock.possible()
    if why:
        rig.skip("a PIN pad behind Debian's libccid", why)
        return
    pad.stop()
    for level, profile in (("tpdu", "mav2-t0"), ("tpdu", "mav4"), ("short", "mav2-cl")):
        reader = mock.Reader(rig, pinpad="both", level=level)
        card = mock.Card(rig, reader, profile)
        pcscd, daemon = mock.Pcscd(rig, reader.bus), Daemon(rig)
        typed_on_a_mock(rig, f"libccid, {level} level, {profile}", reader, daemon)
        daemon.stop()
        card.remove()
        pcscd.stop()
        reader.stop()
    pad.start()


def nowhere(rig, pad):
    """The digits are in the reader, which is pcscd here, and in nothing of Mohr: not even while the card has them."""
    if not may_look() or "ASAN_OPTIONS" in os.environ:
        if "ASAN_OPTIONS" not in os.environ:
            rig.skip("where the PIN's digits are", "only root may look into processes that are not dumpable")
        return  # a sanitizer build keeps freed memory
    looks, digits, seen = [], set(), []
    while not looks or len(looks) < RUNS and stays(looks):
        pin = a_pin(avoid=digits)
        with Scene(rig, pad, monitored=False, pin=pin) as scene:
            pad.hesitant(f"type {pin}")
            running = scene.begin()
            scene.typing()
            scene.card.process.child.send_signal(signal.SIGSTOP)  # it has the command for as long as we look
            pad.go()
            wait_for(lambda: pad.count("sent"))
            seen.append(bool(find(pad.process.pid, [pin[:4].encode()])))
            looks.append(look(scene.daemon, pin))
            scene.card.process.child.send_signal(signal.SIGCONT)
            rig.check(last(running)[0] is None, "the request was served")
        digits |= {needle for found in looks[-1].values() for needle, _ in found}
    rig.check(all(seen), "the look finds the digits where they are: in the reader", seen)
    rig.check(not stays(looks), "and in no process of Mohr, while the card has them", looks)


# Every third is one worker's; those that leave pcscd tidying up behind the dead come last.
SCENES = [good_ways, said_on_the_keys, refused_before, wrong_until_blocked, taken_away, nowhere, through_libccid, liars,
          hostile_lists, unwanted, changed, killed, out_of_time, staff_card]


def body(rig):
    pad = PadPcscd(rig)
    for scene in rig.mine(SCENES):
        began = time.monotonic()
        scene(rig, pad)
        rig.note(f"{scene.__name__}: {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main(body, workers=6)
