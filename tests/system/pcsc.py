#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way over Debian's pcscd: every kind of card, every typed answer, every way a person reacts.

CASES is the promise: a card as card-facts section 8 describes it, and what `mohr assert` must answer.
While each case runs another program stays connected to the card. After it the card itself is asked: how
many PIN commands it saw, whether anything tried to write, whether it is still unlocked.
"""
import json
import signal
import time

from lib import AUDIENCE, NONCE, PIN, Card, Connection, Daemon, Pcscd, card_wait, main, wait_for

OK, NO_READER, NO_CARD, UNSUPPORTED, WRONG, BLOCKED, REFUSED, REMOVED, ISSUER, BUSY, LAST, SERVICE, NOBODY, NONSTANDARD = (
    0, 10, 11, 12, 13, 14, 15, 17, 18, 23, 24, 25, 26, 28)
MAV = ("mav2-cl", "mav2-t0", "mav3", "mav4")

# profile, switches, exit code of assert, PIN commands the card may see, exit code of verify
CASES = [(profile, {}, OK, 1, 0) for profile in MAV]
CASES += [("mav2-cl", {switch: value}, OK, 1, 0) for switch, values in {
    "leaf": ("revoked", "policy", "national"),
    "le-over": ("6282", "6cxx"), "le-data": ("short",), "ef-pad": (1, 600), "mpcos-offset": ("byte",),
    "crn-trailing": (8,), "pin-max": (4, 5), "blocked": ("6984",), "empty-verify": ("case1", "lc0"),
    "empty-verify-mpcos": ("counts",), "verify-length": ("counts",), "pin-reference-01": ("present",),
    "do-a0": ("off", "initial"), "failed-select": ("clears",), "path-select": ("off",), "sibling-select": ("on",),
    "fci": ("62", "v5"), "fci-without-le": ("data",), "label": ("v3", "v2", "v4-bare", "none"),
    "third-file": ("auth",), "key-ref": ("01", "02", "05", "0f"), "key-query": ("b6", "bare", "off"),
    "sign": ("sign-once",), "alg-42": ("off",), "alg-45": ("off",), "alg-02": ("off",),
    "dates": ("nul", "slash", "long-slash"), "dates-order": ("le",), "dates-calendar": ("gregorian",),
    "dates-digits": ("persian",), "versions": ("without",), "afis": ("01",), "pin-flags": ("initial",),
    "nmoc": ("set",), "journal": ("01", "0f"),
}.items() for value in values]
CASES += [(profile, switches, OK, 1, 0) for profile, switches in (
    ("mav3", {"aid": "40"}), ("mav4", {"aid": "40"}), ("mav4", {"aid": "0a"}),
    ("mav4", {"empty-verify": "case1"}), ("mav4", {"empty-verify": "lc0"}), ("mav4", {"le-over": "6282"}),
    ("mav4", {"key-query": "off"}), ("mav4", {"path-select": "off"}), ("mav3", {"path-select": "off"}),
    ("mav2-t0", {"cds-t0": "direct"}), ("mav2-t0", {"t0-unfetched": "info"}), ("mav2-t0", {"path-select": "off"}),
    ("mav2-t0", {"do-a0": "off"}), ("mav2-t0", {"key-query": "off"}), ("mav2-t0", {"label": "none"}),
    ("mav2-t0", {"t0-extra": "mute"}), ("mav2-t0", {"sign": "sign-once"}), ("mav2-t0", {"alg-42": "off"}),
    ("mav2-cl", {"crn-trailing": 8, "crn-trailing-at": "after"}), ("mav2-cl", {"ef-pad": 600, "ef-pad-byte": "ff"}),
    ("mav2-cl", {"alg-42": "off", "alg-02-takes": "bare-hash-adds-digestinfo"}),
    ("mav2-t0", {"alg-42": "off", "alg-02-takes": "bare-hash-adds-digestinfo"}),
    ("mav2-cl", {"do-a0": "off", "key-query": "off", "label": "none", "path-select": "off"}),
)]
CASES += [
    ("mav2-cl", {"start-verified": "on"}, OK, 1, 0),
    ("mav2-cl", {"leaf": "expired"}, OK, 1, 22),
    ("mav2-cl", {"leaf": "bidi"}, OK, 1, 0),
    ("mav2-cl", {"sign": "sm-mse"}, ISSUER, 0, None), ("mav2-t0", {"sign": "sm-mse"}, ISSUER, 0, None),
    ("mav2-cl", {"sign": "sm-6982"}, ISSUER, 1, None), ("mav2-cl", {"sign": "sm-6988"}, ISSUER, 1, None),
    ("mav2-t0", {"sign": "sm-6982"}, ISSUER, 1, None), ("mav4", {"sign": "sm-6988"}, ISSUER, 1, None),
    ("mav2-cl", {"alg-42": "off", "alg-02": "off"}, NONSTANDARD, 0, None),
    ("mav2-cl", {"alg-42": "off", "alg-02-takes": "bare-hash-padded"}, NONSTANDARD, 1, None),
    ("mav2-cl", {"do-a0": "none-left"}, BLOCKED, 0, None), ("mav2-t0", {"do-a0": "none-left"}, BLOCKED, 0, None),
    ("mav2-cl", {"certificate-rule": "sm"}, ISSUER, 0, None), ("mav2-t0", {"certificate-rule": "keys"}, ISSUER, 0, None),
    ("mav2-cl", {"certificate-rule": "pin"}, UNSUPPORTED, 0, None),
    # Cards that must never see a command of the PIN family.
    ("pardis", {}, UNSUPPORTED, 0, None), ("pardis", {"pardis-0303": "present"}, UNSUPPORTED, 0, None),
    ("omid", {}, UNSUPPORTED, 0, None),
    ("foreign-ias", {}, UNSUPPORTED, 0, None), ("foreign-mpcos", {}, UNSUPPORTED, 0, None),
    ("mav2-cl", {"leaf": "foreign"}, UNSUPPORTED, 0, None), ("mav2-cl", {"leaf": "wrong-issuer"}, UNSUPPORTED, 0, None),
    ("mav2-cl", {"leaf": "impostor"}, UNSUPPORTED, 0, None), ("mav2-t0", {"leaf": "foreign"}, UNSUPPORTED, 0, None),
]


def clean(rig, card, what, pin_commands):
    """What the card says of the session that just ended."""
    rig.check(card.locked(), f"{what}: the card is locked again", card.stats())
    stats = card.stats()
    rig.check(stats.get("verify_commands") == pin_commands, f"{what}: {pin_commands} PIN command(s)", stats)
    rig.check(stats.get("writes") == 0, f"{what}: nothing was written", stats)


def run_case(rig, pcscd, case):
    profile, switches, expected, pin_commands, verified = case
    what = " ".join([profile, *(f"{name}={value}" for name, value in switches.items())])
    card = Card(rig, pcscd, profile, **switches)
    peer = rig.peer("stay", card.reader)
    daemon = Daemon(rig)
    daemon.wait_state(card.reader, "card")
    code, out, err = rig.assert_(daemon)
    if not rig.check(code == expected, f"{what}: assert answers {expected}", f"{code} {err.strip()}"):
        print(daemon.process.said()[-2500:])
    clean(rig, card, what, pin_commands)
    if expected == UNSUPPORTED:
        rig.check(card.pin_family() == 0, f"{what}: no command of the PIN family", card.commands())
    if code == OK and verified is not None:
        code, _, err = rig.verify(out)
        rig.check(code == verified, f"{what}: verify answers {verified}", f"{code} {err.strip()}")
    rig.check(peer.alive(), f"{what}: the other program is still there")
    daemon.stop()
    peer.stop()
    card.remove()


def all_cards(rig, pcscd):
    for case in rig.mine(rig.few(CASES, 3)):
        run_case(rig, pcscd, case)


class Nobody:
    """In the place of the other program, which a reader of our own cannot have."""

    def alive(self):
        return True

    def stop(self):
        return 0


def walk_elsewhere(rig, card, daemon, cases, done=lambda: None):
    """The same cases and scenes with other ways to the card: `card` and `daemon` stand in for lib.Card and lib.Daemon."""
    global Card, Daemon  # noqa: PLW0603
    Card, Daemon = card, daemon
    rig.peer = lambda *words: Nobody()
    for case in rig.mine(cases):
        run_case(rig, None, case)
        done()
    for scene in rig.mine(ANYWHERE):
        scene(rig, None)
        done()


class Scene:
    """One card, one daemon, one other program at the card; ends itself."""

    def __init__(self, rig, pcscd, profile="mav2-cl", with_peer=True, **switches):
        self.rig, self.card = rig, Card(rig, pcscd, profile, **switches)
        self.peer = rig.peer("stay", self.card.reader) if with_peer else None
        self.daemon = Daemon(rig)
        self.daemon.wait_state(self.card.reader, "card")

    def __enter__(self):
        return self

    def __exit__(self, *broken):
        self.daemon.stop()
        if self.peer:
            self.peer.stop()
        self.card.remove()

    def answers(self, expected, what, **more):
        code, out, err = self.rig.assert_(self.daemon, **more)
        self.rig.check(code == expected, what, f"{code} {err.strip()}")
        return code, out, err

    def begin(self, **parameters):
        """An Assert that runs while the test does something else."""
        parameters = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}, **parameters}
        return Connection(self.daemon.socket).send("mohr.Identity.Assert", parameters)


def pinentries(daemon):
    """Prompts that are open now."""
    return [line for line in daemon.prompts() if line.startswith("GETPIN")]


def wrong_pins(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.daemon.script(getpin=["00000000"])
        _, _, err = scene.answers(WRONG, "a wrong PIN is 13")
        rig.check("2" in err, "and says how many tries are left", err)
        scene.daemon.script(getpin=["123"])
        scene.answers(REFUSED, "what cannot be a PIN is asked again, then given up")
        scene.daemon.script(getpin=["00000001"])
        scene.answers(WRONG, "a second wrong PIN is 13")
        scene.daemon.script(getpin=[PIN], confirm=["ok", "no"])
        scene.answers(LAST, "the last try declined is 24")
        rig.check(scene.card.stats().get("verify_commands") == 2, "the last try was not spent", scene.card.stats())
        scene.daemon.script(getpin=["00000002"])
        code, _, err = rig.assert_(scene.daemon)
        rig.check(code in (WRONG, BLOCKED), "a third wrong PIN blocks", f"{code} {err}")
        scene.daemon.prompts()
        scene.daemon.script()
        scene.answers(BLOCKED, "a blocked PIN is 14")
        rig.check(not pinentries(scene.daemon), "without a prompt")
        clean(rig, scene.card, "three wrong PINs", 3)


def last_try_used(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.daemon.script(getpin=["00000000"])
        scene.answers(WRONG, "one wrong PIN")
        scene.answers(WRONG, "two wrong PINs")
        scene.daemon.script()
        code, out, _ = scene.answers(OK, "the right PIN at the last try works")
        rig.check(code == OK and rig.verify(out)[0] == OK, "and its assertion holds")
        clean(rig, scene.card, "the last try used", 3)


def refusals(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        for script, expected, what in (({"confirm": ["cancel"]}, REFUSED, "consent refused is 15"),
                                       ({"getpin": ["cancel"]}, REFUSED, "PIN entry cancelled is 15")):
            scene.daemon.script(**script)
            scene.answers(expected, what)
        code, _, err = rig.assert_(scene.daemon, env={"DISPLAY": ""})
        rig.check(code == NOBODY, "nobody to ask is 26", f"{code} {err}")
        clean(rig, scene.card, "refusals", 0)


def wrong_verifier(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        _, out, _ = scene.answers(OK, "an assertion to be misused")
        verify = lambda *words: rig.mohr(None, "verify", "--trust", rig.root, *words, "-", text=out)[0]
        rig.check(verify("--audience", "https://other.example", "--nonce", NONCE) == 21, "a wrong audience is 21")
        rig.check(verify("--audience", AUDIENCE, "--nonce", "fedcba9876543210") == 21, "a wrong nonce is 21")
        rig.check(verify("--audience", AUDIENCE, "--nonce", NONCE, "--at", "2035-01-01T00:00:00Z") in (21, 22),
                  "another year does not hold")
        half = out.strip().split(".")
        rig.check(rig.verify(f"{half[0]}.{half[1]}x.{half[2]}")[0] == 21, "a changed byte is 21")
        code, text, _ = rig.verify(out, "--json")
        claims = json.loads(text) if code == 0 else {}
        rig.check(claims.get("card_number", "").isdigit() and len(claims["card_number"]) == 10,
                  "the card number is ten digits, a string", text[:300])


def removed_and_absent(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.card.turn()
        rig.check(scene.daemon.wait_state(scene.card.reader, "empty"), "a lifted card is noticed")
        scene.answers(NO_CARD, "no card is 11")
        code, _, err = rig.assert_(scene.daemon, "No Such Reader")
        rig.check(code == NO_READER, "an unknown reader is 10", f"{code} {err}")
        scene.card.turn()
        scene.daemon.wait_state(scene.card.reader, "card")
        scene.answers(OK, "a card laid back works")


def lifted_during_prompt(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        typed = scene.daemon.held()
        running = scene.begin()
        wait_for(lambda: pinentries(scene.daemon))
        scene.card.turn()
        card_wait(scene.card.reader, present=False)
        scene.card.turn()
        card_wait(scene.card.reader)
        typed()
        error, reply, _ = running.receive()
        rig.check(not error and reply.get("assertion"), "a card lifted and laid back during the prompt goes on", error)
    with Scene(rig, pcscd) as scene:
        typed = scene.daemon.held()
        running = scene.begin()
        wait_for(lambda: pinentries(scene.daemon))
        scene.card.remove()
        other = Card(rig, pcscd, leaf="other")
        typed()
        error, _, _ = running.receive()
        rig.check(error == "mohr.Identity.CardRemoved", "another card laid down instead is refused", error)
        clean(rig, other, "the other card", 0)
        other.remove()


def hanging_up(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.daemon.script(getpin=["hang"])
        running = scene.begin()
        rig.check(wait_for(lambda: pinentries(scene.daemon)), "a prompt is open")
        running.close()
        rig.check(wait_for(lambda: "mohr-prompt" not in scene.daemon.helpers().values()),
                  "a client that hangs up takes its prompt with it")
        scene.daemon.script()
        scene.answers(OK, "and the next request is served")
        clean(rig, scene.card, "hanging up", 1)


def two_at_once(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.daemon.script(delay=0.5)
        first, second = scene.begin(), scene.begin()
        answers = [connection.receive() for connection in (second, first)]
        codes = sorted(str(error) for error, _, _ in answers)
        rig.check(codes == ["None", "None"], "of two requests at once one is served after the other", codes)
        clean(rig, scene.card, "two requests at once", 2)


def held_by_another(rig, pcscd):
    with Scene(rig, pcscd, with_peer=False) as scene:
        holder = rig.peer("exclusive", scene.card.reader)
        scene.answers(BUSY, "a reader held exclusively by another program is 23")
        holder.child.stdin.close()  # its end; one that is killed keeps the reader until pcscd has noticed
        holder.child.wait(60)
        scene.answers(OK, "and works at once when it is let go")


def pcscd_gone(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        scene.answers(OK, "before pcscd goes")
        scene.peer.stop()
        pcscd.stop()
        wait_for(lambda: scene.daemon.status()["backends"][0]["state"] == "unavailable")
        scene.answers(SERVICE, "pcscd gone is 25")
        scene.card.remove()
        pcscd.start()
        scene.card.insert()
        rig.check(scene.daemon.wait_state(scene.card.reader, "card"), "pcscd back is noticed")
        scene.answers(OK, "and the same daemon works again")
    pcscd.stop()
    daemon = Daemon(rig)
    code, _, err = rig.assert_(daemon)
    rig.check(code == SERVICE, "no pcscd at all is 25", f"{code} {err}")
    daemon.stop()
    pcscd.start()


def terminated(rig, pcscd):
    with Scene(rig, pcscd, sign_ms=800) as scene:
        running = scene.begin()
        wait_for(lambda: pinentries(scene.daemon))
        time.sleep(0.3)
        scene.daemon.process.child.send_signal(signal.SIGTERM)
        error, reply, _ = running.receive()
        rig.check(not error and reply.get("assertion"), "SIGTERM lets a running request end", error)
        rig.check(scene.daemon.process.child.wait(60) == 0, "and then the daemon leaves with 0")


def killed(rig, pcscd):
    with Scene(rig, pcscd, sign_ms=1500) as scene:
        running = scene.begin()
        wait_for(lambda: scene.card.stats().get("pin_verified"))
        scene.daemon.process.child.kill()
        running.close()
        rig.check(scene.card.locked(), "a killed daemon leaves no unlocked card", scene.card.stats())


def filtered(rig, pcscd):
    with Scene(rig, pcscd) as scene:
        found = [pid for pid, name in scene.daemon.helpers().items() if name.startswith("mohr-reader")]
        modes = set()
        for pid in found:
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                lines = dict(line.split(":", 1) for line in status)
            modes.add((lines["Seccomp"].strip(), lines["NoNewPrivs"].strip()))
        rig.check(("2", "1") in modes, "the helper runs behind its filter (Seccomp: 2)", (found, modes))


# Those that need neither pcscd nor a second program at the card, nor another card in the reader.
ANYWHERE = [wrong_pins, last_try_used, refusals, removed_and_absent, hanging_up, two_at_once, terminated, filtered]
SCENES = [wrong_pins, last_try_used, refusals, wrong_verifier, removed_and_absent, lifted_during_prompt, hanging_up,
          two_at_once, held_by_another, pcscd_gone, terminated, killed, filtered]


def body(rig):
    pcscd = Pcscd(rig)
    all_cards(rig, pcscd)
    for scene in rig.mine(SCENES):
        scene(rig, pcscd)


if __name__ == "__main__":
    main(body, workers=6)
