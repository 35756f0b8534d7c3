#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""nfc.py: the real libnfc with a PN532 that is a pseudo-terminal, and the software card in its field.

The suite of pcsc.py runs here with a board in the place of pcscd's reader. Then what only a board has:
what can go wrong on its line, at an ordinary command, at VERIFY and while nobody asks; helpers killed at
every command of a request; cards lifted, swapped, two at once, of type B, of no use; two boards, two daemons.
What happened to the card is asked from the card.
"""
import os
import shutil
import signal
import subprocess
import time

import lib
import pcsc
from channel import BUSY, IS_NEW, LEAVE, NO_CARD, NO_READER, OK, REMOVED, SAME, TIMED_OUT, Helper
from lib import Daemon, Process, main, wait_for

UNSUPPORTED = 12
SECOND = 15.0  # one is promised, the others are for a busy machine; what fails takes for ever
ATR = "3b8f800180318065b0850202ed120fff82900072"  # card-facts 1.4, row 1
ATR_B = "3b88800111223344008181501d"
NEVER_SILENT, PATIENT = 3500, 20000  # ms that mohrd waits for an operation, the start of a helper included: where it will be in vain, and where not


class Board(lib.Card):
    """The software card on an NFC board of its own: as lib.Card, with the settings of tests/support/pn532.h."""

    def __init__(self, rig, _pcscd=None, profile="mav2-cl", slot=0, pin=lib.PIN, board="", **options):
        self.rig = rig
        base = os.path.join(rig.quick, f"card-{len(rig.processes)}")
        self.link = os.path.join(rig.dir, f"b{slot}")
        self.stats_file, self.log_file = base + ".stats", base + ".commands"
        self.argv = [os.path.join(rig.build, "tests/pn532"), "--vpcd", f"{self.link}:{board}", "--profile", profile,
                     "--pki", rig.pki, "--pin", pin, "--stats", self.stats_file, "--log", self.log_file,
                     "--state", base + ".state"]
        self.argv += [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.device = f"pn532_uart:{self.link}:115200"
        self.reader = f"NFC pn532_uart ({self.link})"
        rig.boards[slot] = self
        self.insert()

    def insert(self):
        self.process = Process(self.rig, "pn532", self.argv, self.rig.env)
        wait_for(lambda: os.path.islink(self.link))

    def remove(self):
        if self.process.alive():
            code = self.process.stop()
            if code not in (0, -signal.SIGTERM):
                self.rig.check(False, "the card saw no breach of the rules", self.process.said()[-800:])

    def powers(self):
        """How often the field went off so far."""
        try:
            with open(self.log_file, encoding="ascii") as log:
                return log.read().count("power off")
        except OSError:
            return 0

    def commands(self):
        return super().commands() if os.path.exists(self.log_file) else []

    def helper(self):
        return Helper(self.rig, "--reader", self.device, driver="nfc")


def daemon_of(rig, **sections):
    """mohrd for every board of the rig."""
    devices = {f"device{slot}": board.device for slot, board in rig.boards.items() if board.process.alive()}
    return Daemon(rig, drivers=("nfc",), nfc=devices, **sections)


def as_over_pcsc(rig):
    """Every case of pcsc.py whose card can be contactless, and its scenes."""
    cases = [case for case in pcsc.CASES if case[0] in ("mav2-cl", "mav4", "foreign-mpcos")]
    pcsc.walk_elsewhere(rig, Board, daemon_of, rig.few(cases, 12))


# ---- the line ---------------------------------------------------------------------------------

# fault, what may be answered: 0 served all the same, 10 no reader, 11 no card, 17 removed, 19 timed out, 25 service
LINE = {
    "lost-ack": {17, 19}, "nack": {17, 19}, "bad-ack": {17, 19}, "error-frame": {17, 19}, "bad-dcs": {17, 19},
    "bad-lcs": {17, 19}, "short": {17, 19}, "oversize": {17, 19}, "noise": {17, 19}, "foreign": {17, 19},
    "bare": {17, 19, 25}, "status=01": {17}, "status=0A": {17, 19}, "status=13": {17, 19}, "status=27": {17}, "status=80": {17},
    "more": {0, 12, 17, 19}, "late=300": {0}, "hang": {17, 19}, "mute": {17, 19}, "lift": {17}, "unplug=50": {10, 17, 19},
}
ELSEWHERE = [  # faults of other commands: while the board is opened, looked at, and a card is activated
    "lost-ack@32#1", "nack@14#1", "mute@14#1", "error-frame@00#1", "bad-dcs@02#1", "lost-ack@32#3", "lost-ack@4A#1",
    "error-frame@4A#1", "short@4A#1", "bad-dcs@4A#2", "mute@4A#3", "oversize@4A#4", "noise@44#1", "nack@52#1",
]


def positions(rig):
    """(exchanges in a request, number of a READ, number of the VERIFY)"""
    card = Board(rig)
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    code, _ = daemon.request(card.reader)
    headers = [header for header, _ in card.commands()]
    rig.check(code == 0, f"undisturbed: {len(headers)} exchanges", code)
    daemon.stop()
    card.remove()
    verify = [at for at, header in enumerate(headers, 1) if header.startswith("0020")][-1]
    read = [at for at, header in enumerate(headers, 1) if header.startswith("00B0")][3]
    return len(headers), read, verify


def strike(rig, settings, expected):
    """One request with one fault on the line, then one without. What was wrong, or None."""
    card = Board(rig, board=settings)
    daemon = daemon_of(rig, card={"timeout_ms": NEVER_SILENT if TIMED_OUT in expected else PATIENT})
    try:
        if not daemon.wait_state(card.reader, "card"):
            return f"no card was seen: {daemon.status()}"
        code, answer = daemon.request(card.reader)
        if code not in expected:
            return f"answer {code} {str(answer)[:200]}"
        stats = card.stats()
        if stats["verify_commands"] > 1:
            return f"more than one PIN command for one entry {stats}"
        if not card.locked(SECOND):
            return f"left unlocked {card.stats()}"
        if "lift" in settings:
            card.turn()
        spent = stats["verify_commands"]
        daemon.wait_state(card.reader, "card")
        code, answer = daemon.request(card.reader)
        stats = card.stats()
        if code != 0 or stats["verify_commands"] != spent + 1 or stats["writes"]:
            return f"the next request was answered {code} {str(answer)[:200]}, {stats}"
        return None if card.locked(SECOND) else f"left unlocked by the next request {card.stats()}"
    finally:
        daemon.stop()
        card.remove()


def line(rig, read, verify):
    cases = [(f"{fault}@40#{at}", expected) for fault, expected in LINE.items() for at in (read, verify)]
    cases += [(fault, {0, 10, 11, 17, 19, 25}) for fault in ELSEWHERE]
    for settings, expected in rig.mine(rig.few(cases, 3)):
        wrong = strike(rig, settings, expected)
        rig.check(not wrong, f"on the line: {settings}", wrong)


def helper_of(daemon):
    """pid of the helper that holds the board."""
    return next((pid for pid, name in daemon.helpers().items() if name == "mohr-reader-nfc"), None)


def kill_at(rig, exchange, who="helper"):
    """The helper, or mohrd, is killed while the board works on the command. What was wrong, or None."""
    card = Board(rig, board=f"hang@40#{exchange}")
    daemon = daemon_of(rig)
    daemon.wait_state(card.reader, "card")
    running = lib.Connection(daemon.socket).send("mohr.Identity.Assert", {
        "audience": lib.AUDIENCE, "nonce": lib.NONCE, "ui": {"display": ":mohr-test"}, "reader": card.reader})
    try:
        if not wait_for(lambda: card.stats().get("exchanges", 0) >= exchange):
            return f"exchange {exchange} was never reached: {card.stats()}"
        before, began = card.powers(), time.monotonic()
        os.kill(helper_of(daemon) if who == "helper" else daemon.process.pid, signal.SIGKILL)
        if not wait_for(lambda: card.powers() > before, SECOND, 0.005):
            return "the field stayed on"
        took = time.monotonic() - began
        error = running.receive()[0] if who == "helper" else "hung up"
        card.locked()  # the log is written first
        stats = card.stats()
        signed = stats["signatures"] > 0  # what comes after that is only the way out
        if not (error or signed) or stats["pin_verified"] or stats["verify_commands"] > 1:
            return f"field off after {took:.2f} s, answer {error}, {stats}"
        again = who != "helper" or daemon.wait_state(card.reader, "card")
        return None if again else "the card was not seen again"
    finally:
        running.close()
        daemon.stop()
        card.remove()


def kills(rig, count, read, verify):
    for exchange in rig.mine((1, read, verify, verify + 3)):
        wrong = kill_at(rig, exchange, "mohrd")
        rig.check(not wrong, f"mohrd killed at exchange {exchange}: no power within a second", wrong)
    for exchange in rig.mine(rig.few(range(1, count + 1), 5)):
        wrong = kill_at(rig, exchange)
        rig.check(not wrong, f"helper killed at exchange {exchange}: no power within a second", wrong)


# ---- one helper, without mohrd ------------------------------------------------------------------

def ready(board):
    helper = board.helper()
    helper.said_ready = helper.ready()
    return helper


def first_look(rig):
    board = Board(rig)
    helper = ready(board)
    said = helper.said_ready
    rig.check(said and said[1][:3] == b"\2\0\1", "the helper reports filter, not dumpable, no new privileges", said)
    rig.check(helper.status("Seccomp") == "2", "Seccomp is 2")
    extra = [to for fd, to in helper.descriptors().items() if fd > 3]
    rig.check(len(extra) == 5 and all(to.startswith(("/dev/pts/", "pipe:", "anon_inode:[timerfd]")) for to in extra),
              "it holds its channel, the line, a clock and a pipe of libnfc, nothing else", extra)
    present, events = helper.presence() or (None, None)
    rig.check(present == 1, "the first word is that a card lies there", (present, events))
    outcome, card = helper.ask("BEGIN")
    rig.check(outcome == OK and card[1] == IS_NEW and card[9:].hex() == ATR, "its ATR is the contactless one", card.hex())
    rig.check(helper.outcomes(("IDENTIFY",), ("READ", b"\0"), ("READ", b"\1"), ("CONFIRM",), ("END", LEAVE)) == [OK] * 5,
              "it is identified and its certificates are read")
    time.sleep(0.7)
    rig.check(helper.begin() == (OK, SAME), "left alone with the field on it is the same card")
    rig.check(helper.verify(lib.PIN) == [OK] * 3 and board.stats()["pin_verified"], "a PIN is verified")
    helper.ask("END", LEAVE)
    rig.check(board.stats()["pin_verified"] is False, "the end after VERIFY took the power away")
    rig.check(helper.begin() == (OK, IS_NEW), "after that it is a new card")
    rig.check(helper.end() == 0 and board.powers() > 2, "a closed channel ends the helper and the field")
    board.remove()


def coming_and_going(rig):
    board = Board(rig)
    helper = ready(board)
    _, before = helper.presence()
    lifted = time.monotonic()
    board.turn()
    gone = helper.presence()
    rig.check(gone and gone[0] == 0 and gone[1] != before, "a lifted card is told of", gone)
    took = time.monotonic() - lifted
    rig.check(helper.ask("BEGIN")[0] == NO_CARD, "and there is no card then")
    board.turn()
    back = helper.presence()
    rig.check(back and back[0] == 1 and back[1] != gone[1], f"and so is its return ({took * 1000:.0f} ms)", back)
    helper.begin()
    helper.ask("END", LEAVE)
    board.turn()
    board.turn()  # mostly within the time between two looks
    said = helper.presence()
    rig.check(said and said[1] != back[1], "an instant without power is noticed while the card is held", said)
    rig.check(helper.begin() == (OK, IS_NEW), "and makes it a new card")
    board.turn()
    rig.check(helper.ask("IDENTIFY")[0] == REMOVED, "lifted inside the transaction: removed")
    rig.check(helper.outcomes(("END", LEAVE), ("BEGIN",)) == [OK, NO_CARD], "then there is none")
    helper.kill()
    board.remove()


def asked_while_looking(rig):
    board = Board(rig, board="none")
    helper = ready(board)
    helper.presence()
    worst, outcomes = 0.0, set()
    for wait in (0.0, 0.05, 0.11, 0.17, 0.23, 0.29, 0.33):
        time.sleep(wait)
        began = time.monotonic()
        outcomes.add(helper.ask("BEGIN")[0])
        worst = max(worst, time.monotonic() - began)
    rig.check(worst < SECOND and outcomes == {NO_CARD}, f"a question is answered soon, whatever the helper is doing ({worst * 1000:.0f} ms)", outcomes)
    helper.kill()
    board.remove()


def of_every_kind(rig):
    def begun(what, settings, expected, **options):
        board = Board(rig, board=settings, **options)
        helper = ready(board)
        present = helper.presence()
        outcome, card = helper.ask("BEGIN")
        rig.check(outcome == expected, f"{what}: {expected}", (outcome, card.hex()))
        before = len(board.commands())
        rig.check(present and present[0] == 1 and before == 0, f"{what}: seen, and not spoken to", (present, before))
        return board, helper, card

    board, helper, card = begun("type B", "b", OK)
    rig.check(card[9:].hex() == ATR_B, "type B: its ATR is made of ATQB", card.hex())
    rig.check(helper.outcomes(("IDENTIFY",), ("END", LEAVE)) == [OK, OK], "type B: it is spoken to")
    time.sleep(0.4)
    rig.check(helper.begin() == (OK, SAME), "type B: it is still there")
    helper.kill(), board.remove()
    for what, settings, expected in (("two cards", "two", BUSY), ("one of each type", "b,two", BUSY),
                                     ("a card on a MIFARE Classic", "classic", BUSY),
                                     ("MIFARE Classic alone", "none,classic", UNSUPPORTED), ("random UID", "random-uid", OK),
                                     ("an ATS of nothing", "ats=01", OK), ("an ATS that ends early", "ats=0478", OK),
                                     ("a long ATS", "ats=1F78807002" + "AB" * 26, OK), ("115,200 baud", "baud", OK)):
        board, helper, card = begun(what, settings, expected)
        if settings.startswith("ats=1F"):
            rig.check(card[9:11] == b"\x3b\x8f" and len(card) == 29, f"{what}: fifteen historical bytes", card.hex())
        helper.kill(), board.remove()


def hostile_ats(rig):
    """libnfc believes the ATS's own length: that of nothing is taken for all of the memory there is."""
    board = Board(rig, board="ats=00")
    helper = ready(board)
    code = helper.child.wait(60)
    rig.check(code < 0, "an ATS of length zero ends the helper, in its sandbox", code)
    helper.channel.close()
    board.remove()


def claims(rig):
    board = Board(rig)
    helper = ready(board)
    helper.presence()
    second = board.helper()
    rig.check(second.child.wait(60) == BUSY, "a second helper on the same board: busy")
    helper.kill()
    third = ready(board)
    rig.check(third.said_ready and third.presence(), "a killed helper does not lock the board for the next one")
    rig.check(third.end() == 0, "which leaves it as it was")
    other = nfc_list(rig, board)
    rig.check(other is None or "1 ISO14443A passive target" in other, "and libnfc's own programs can use it", other)
    board.remove()


def nfc_list(rig, board):
    """What libnfc's own program sees there, or None where it is not installed."""
    if not shutil.which("nfc-list"):
        return rig.skip("nfc-list", "libnfc-bin is not installed")
    done = subprocess.run(["nfc-list"], env={**rig.env, "LIBNFC_DEVICE": board.device}, capture_output=True, text=True,
                          timeout=20, check=False)
    return done.stdout


def cross_check(rig):
    for settings, words in (("", ("1 ISO14443A", "ATS:", "80  31  80  65  b0  85  02  02  ed")), ("b", ("1 ISO14443B",)),
                            ("two", ("2 ISO14443A",)), ("none", ())):
        board = Board(rig, board=settings)
        said = nfc_list(rig, board)
        if said is not None:
            rig.check(all(word in said for word in words) and "NFC device:" in said,
                      f"nfc-list sees the same board ({settings or 'a card of type A'})", said)
        board.remove()


def no_board(rig):
    for address, expected in ((f"pn532_uart:{rig.dir}/nothing:115200", NO_READER), ("pn532_uart:/dev/null", NO_READER),
                              ("pn53x_usb:001:002", NO_READER),
                              ("pcsc:whatever", 70), ("pn532_uart", 70), ("", 70)):
        helper = Helper(rig, "--reader", address, driver="nfc")
        rig.check(helper.child.wait(60) == expected, f"no board at {address!r}: {expected}")
    board = Board(rig, board="mute@any#1+")
    began = time.monotonic()
    rig.check(board.helper().child.wait(60) == NO_READER, "a line where nobody answers is no board")
    rig.check(time.monotonic() - began < 30, "which is found out in seconds")
    board.remove()
    board = Board(rig)
    helper = ready(board)
    helper.presence()
    board.remove()
    rig.check(helper.child.wait(60) == NO_READER, "a board pulled while nobody asks ends its helper")


def quiet(rig):
    """What waiting costs: looks per second, and for what part of the time the field is on."""
    board = Board(rig, board="baud")
    helper = ready(board)
    helper.presence()
    before, began = board.powers(), time.monotonic()
    time.sleep(2)
    seen = wait_for(lambda: board.powers() >= before + 2)
    looks = (board.powers() - before) / (time.monotonic() - began)
    rig.check(seen and looks <= 8, f"{looks:.1f} looks for a card in a second")
    helper.kill()
    board.remove()


def silent(rig):
    """A board that works on a command for ever, and nobody who loses patience with the helper."""
    board = Board(rig, board="hang@40#1")
    helper = ready(board)
    helper.ask("BEGIN")
    before, began = board.powers(), time.monotonic()
    outcome, _ = helper.ask("IDENTIFY")
    rig.check(outcome == TIMED_OUT and time.monotonic() - began < 40, "a board that never answers: timed out",
              (outcome, time.monotonic() - began))
    rig.check(board.powers() > before, "and its field is off")
    rig.check(helper.outcomes(("END", LEAVE), ("BEGIN",), ("IDENTIFY",)) == [OK] * 3, "then it is used again")
    helper.kill()
    board.remove()


def noisy_look(rig):
    """One look that fails on the line is no card that went."""
    board = Board(rig, board="lost-ack@4A#4,short@4A#9,error-frame@32#9")
    helper = ready(board)
    helper.presence()
    helper.channel.settimeout(2)
    try:
        said = helper.presence()
    except TimeoutError:
        said = None
    rig.check(said is None, "a look that fails on the line is not taken for a card that went", said)
    helper.channel.settimeout(60)
    rig.check(helper.begin() == (OK, IS_NEW), "and the board works on")
    helper.kill()
    board.remove()


HELPERS = [silent, noisy_look, first_look, coming_and_going, asked_while_looking, of_every_kind, hostile_ats, claims, cross_check, no_board,
           quiet]


# ---- more than one ------------------------------------------------------------------------------

def at_the_prompt(daemon, board):
    """A request that runs; the card was lifted and laid back while its PIN was asked for."""
    typed = daemon.held()
    running = lib.Connection(daemon.socket).send("mohr.Identity.Assert", {
        "audience": lib.AUDIENCE, "nonce": lib.NONCE, "ui": {"display": ":mohr-test"}})
    wait_for(lambda: pcsc.pinentries(daemon))
    board.turn()
    board.turn()
    typed()
    return running


def swapped(rig):
    board = Board(rig, laid_back="other")
    daemon = daemon_of(rig)
    daemon.wait_state(board.reader, "card")
    running = at_the_prompt(daemon, board)
    error, _, _ = running.receive()
    rig.check(error == "mohr.Identity.CardRemoved", "another card laid down during the prompt is refused", error)
    rig.check(board.stats().get("verify_commands") == 0, "and saw no PIN", board.stats())
    daemon.stop()
    board.remove()


def lifted(rig):
    board = Board(rig)
    daemon = daemon_of(rig)
    daemon.wait_state(board.reader, "card")
    running = at_the_prompt(daemon, board)
    error, reply, _ = running.receive()
    rig.check(not error and reply.get("assertion"), "a card lifted and laid back during the prompt goes on", error)
    rig.check(board.locked() and board.stats()["verify_commands"] == 1, "with one VERIFY", board.stats())
    daemon.stop()
    board.remove()


def several(rig):
    boards = [Board(rig, slot=slot) for slot in range(3)]
    daemon = daemon_of(rig)
    for board in boards:
        rig.check(daemon.wait_state(board.reader, "card"), f"board {board.link[-1]} is a reader with a card")
    for board in boards:
        code, answer = daemon.request(board.reader)
        rig.check(code == 0 and board.locked(), f"board {board.link[-1]} serves when it is named", (code, answer))
    other = daemon_of(rig)
    rig.check(not other.wait_state(boards[0].reader, "card", seconds=1), "a second daemon does not get boards that are held")
    code, _ = daemon.request(boards[0].reader)
    rig.check(code == 0, "and does not disturb the first")
    daemon.stop()
    rig.check(other.wait_state(boards[0].reader, "card"), "it gets them when the first has ended")
    code, _ = other.request(boards[0].reader)
    rig.check(code == 0, "and serves")
    other.stop()
    for board in boards:
        board.remove()
    rig.boards.clear()


def reported(rig):
    """Of cards that come and go the daemon knows at once."""
    board = Board(rig)
    daemon = daemon_of(rig)
    daemon.wait_state(board.reader, "card")
    times = []
    for state in ("empty", "card") * 4:
        time.sleep(0.07)
        began = time.monotonic()
        board.turn()
        told = wait_for(lambda: daemon.state_of(board.reader) == state, step=0.005)
        times.append(int((time.monotonic() - began) * 1000) if told else None)
    rig.check(None not in times, f"cards come and go, told after {times} ms")
    daemon.stop()
    board.remove()


def what_lies_there(rig):
    """What cannot be used is answered as what it is."""
    for settings, expected, word in (("two", BUSY, "more than one card"), ("none,classic", UNSUPPORTED, None)):
        board = Board(rig, board=settings)
        daemon = daemon_of(rig)
        daemon.wait_state(board.reader, "card")
        code, answer = daemon.request(board.reader)
        rig.check(code == expected and (word is None or word in answer.get("detail", "")),
                  f"mohrd on a board with {settings}: {expected}", (code, answer))
        rig.check(not board.commands(), "and no card there was spoken to", board.commands())
        daemon.stop()
        board.remove()


MOHRD = [swapped, lifted, several, reported, what_lies_there]


def body(rig):
    rig.boards, rig.helpers = {}, []
    count, read, verify = rig.once("positions", lambda: positions(rig))
    for scene in rig.mine([*HELPERS, *MOHRD]):
        scene(rig)
        rig.boards.clear()
    line(rig, read, verify)
    kills(rig, count, read, verify)
    as_over_pcsc(rig)
    for helper in rig.helpers:
        if helper.child.poll() is None:
            helper.kill()


if __name__ == "__main__":
    main(body, workers=8)
