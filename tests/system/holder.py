#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""holder.py: of several cards the one of the holder whom an app expects, over the real pcscd and with an NFC board
beside it. The person is asked first, and before a yes no card hears anything; what was looked at hears nothing
of the PIN family; what is not found is answered alike, whatever lies there. Cards that are slow, pulled, held
by another program, swapped, or twice there."""
import json
import select
import time

import lib
from lib import AUDIENCE, NONCE, Card, Connection, Daemon, Pcscd, wait_for
from nfc import Board

NATIONAL, OTHERS = "9999900003", "0012345679"  # one card of the test PKI carries the first, none the second
SECRET = ("0099900007", "نمونه")  # what other cards say of their holders


def lay(rig, pcscd, *leaves, **options):
    """A card with each of these certificates, in as many slots."""
    return [Card(rig, pcscd, slot=slot, leaf=leaf, **options.get(f"slot{slot}", {})) for slot, leaf in enumerate(leaves)]


def start(rig, cards, **sections):
    daemon = Daemon(rig, **sections)
    for card in cards:
        daemon.wait_state(card.reader, "card")
    return daemon


def pages(daemon):
    return [line for line in daemon.prompts() if line.startswith("SETDESC")]


def untouched(card):
    """What of the PIN family this card heard: nothing."""
    return card.pin_family() == 0 and not card.stats().get("verify_commands")


def look_for(daemon, number=NATIONAL):
    return Connection(daemon.socket, 60).send("mohr.Identity.Assert", {
        "audience": AUDIENCE, "nonce": NONCE, "expect_national_number": number, "ui": {"display": ":mohr-test"}}, more=True)


def until(connection, phase, seconds=60):
    """Whether that phase was told within the time, or is there already."""
    end_of_it = time.monotonic() + seconds
    while connection.buffer or select.select([connection.socket], [], [], max(0, end_of_it - time.monotonic()))[0]:
        if connection.receive()[1].get("phase") == phase:
            return True
    return False


def last_of(connection):
    """The answer, after all phases."""
    while (heard := connection.receive())[2]:
        pass
    return heard[:2]


def end(rig, daemon, pcscd, *cards):
    daemon.stop()
    for card in cards:
        card.remove()
    pcscd.stop()


def found(rig):
    """Asked, found, and then as if its reader had been named."""
    pcscd = Pcscd(rig, readers=2)
    cards = lay(rig, pcscd, "valid", "other", "national")
    daemon = start(rig, cards)
    before = [len(card.commands()) for card in cards]
    daemon.script(confirm=("cancel",))
    code, told = daemon.request(expect_national_number=NATIONAL)
    asked = pages(daemon)
    rig.check(code == 15 and len(asked) == 1, "found: a no is a no, after one page", (code, told, asked))
    rig.check([len(card.commands()) for card in cards] == before, "found: and until then no card heard anything")
    rig.check(all(card.reader in asked[0] for card in cards) and NATIONAL in asked[0] and AUDIENCE in asked[0]
              and not any(word in asked[0] for word in SECRET), "found: the page names app, number and readers, and no holder", asked)
    code, told = daemon.request(ui={}, expect_national_number=NATIONAL)
    rig.check(code == 23 and "name the reader" in told.get("detail", ""), "found: with nobody to ask, name the reader", (code, told))
    daemon.script()
    code, told = daemon.request(expect_national_number=NATIONAL)
    asked = pages(daemon)
    checked = json.loads(rig.verify(told, "--json")[1] or "{}") if code == 0 else {}
    rig.check(NATIONAL in str(checked) and "yes" in str(checked), "found: after a yes the expected holder's card signs", (code, told, checked))
    rig.check(not any(word in page for word in SECRET[:1] for page in asked), "found: nothing of other holders is shown", asked)
    rig.check(cards[2].stats()["verify_commands"] == 1 and cards[2].locked(), "found: one PIN command, and the card is locked", cards[2].stats())
    rig.check(untouched(cards[0]) and untouched(cards[1]), "found: the others heard nothing of the PIN family")
    code, out, err = rig.mohr(daemon, "assert", "--audience", AUDIENCE, "--nonce", NONCE, "--expect-national-number", OTHERS)
    rig.check(code == 11 and not out and "national number" in err, "found: mohr assert says when it was not found", (code, err))
    alike(rig, daemon, pcscd, cards)
    end(rig, daemon, pcscd, *cards)


def alike(rig, daemon, pcscd, cards):
    """What an app hears does not depend on the cards that it did not ask for."""
    def answer():
        connection, heard, more = look_for(daemon, OTHERS), [], True
        while more:
            error, reply, more = connection.receive()
            heard.append((error, {name: value for name, value in reply.items() if name != "request"}))
        return heard
    first = answer()
    gone = [cards.pop(), cards.pop(0)]
    for card in gone:
        card.remove()
        daemon.wait_state(card.reader, "empty")
    cards.append(Card(rig, pcscd, slot=2, leaf="foreign", profile="mav4"))
    cards.append(Card(rig, pcscd, slot=3, profile="omid"))
    for card in cards:
        daemon.wait_state(card.reader, "card")
    second = answer()
    rig.check(first[-1][0] == "mohr.Identity.NoCard" and first == second, "alike: not found is one answer, whatever lies there", (first, second))
    rig.check(all(untouched(card) for card in cards[1:]), "alike: and they heard nothing of the PIN family")


def in_the_way(rig):
    """A card that is pulled while it is looked at, one that is slow, one that another program holds, and another app's
    search, which must not hide a card from this one."""
    pcscd = Pcscd(rig, readers=2)
    cards = lay(rig, pcscd, "valid", "other", "valid", "national", slot0={"fault": "removal@read#2"}, slot1={"delay_ms": 2500})
    held = rig.peer("exclusive", cards[2].reader)
    daemon = start(rig, (cards[0], cards[1], cards[3]), card={"timeout_ms": 4000})
    daemon.wait_state(cards[2].reader, "busy")  # so it is not even asked about
    first = look_for(daemon)
    until(first, "search")
    second = look_for(daemon)
    until(second, "search")
    found_first = until(first, "card", 0)
    rig.check(found_first, "in the way: another request's search waits for its turn")
    late = daemon.process.said().count("passed its deadline")
    second.close()
    free = wait_for(lambda: daemon.state_of(cards[1].reader) != "in_use")
    rig.check(free and daemon.process.said().count("passed its deadline") == late, "in the way: who hangs up lets go of the card before its time is over",
              (late, daemon.status()))
    error, told = last_of(first)
    rig.check(error is None and cards[3].stats()["verify_commands"] == 1, "in the way: pulled, slow and held cards are passed over", (error, told))
    rig.check(all(untouched(card) for card in cards[:3]), "in the way: none of them heard anything of the PIN family")
    rig.check('cards="3" passed-over="2"' in daemon.process.said(), "in the way: the log counts them", daemon.process.said())
    held.stop()
    code, told = daemon.request(cards[3].reader)
    rig.check(code == 0 and cards[3].stats()["verify_commands"] == 2, "in the way: and the next request is served", (code, told))
    end(rig, daemon, pcscd, *cards)


def twice(rig):
    """Two cards of one number: the person says which; and a card that is not the one that was found."""
    pcscd = Pcscd(rig, readers=1)
    cards = lay(rig, pcscd, "national", "national", slot0={"laid_back": "other"}, slot1={"laid_back": "other"})
    daemon = start(rig, cards)
    code, told = daemon.request(expect_national_number=NATIONAL)
    asked = pages(daemon)
    signed = [card.stats().get("verify_commands", 0) for card in cards]
    rig.check(code == 0 and sum(signed) == 1, "twice: one of the two signs", (code, told, signed))
    rig.check(len(asked) == 4 and "Is the card on this one" in asked[1], "twice: the person was asked which", asked)
    daemon.script(delay=3)
    connection = look_for(daemon)
    offered = []
    wait_for(lambda: offered.extend(page for page in pages(daemon) if "Is the card on this one" in page) or offered, 60)
    meant = next(card for card in cards if card.reader in offered[0])
    for there in (False, True):  # laid back, it is another person's
        meant.turn()
        lib.card_wait(meant.reader, present=there)
    error, told = last_of(connection)
    now = [card.stats().get("verify_commands", 0) for card in cards]
    rig.check(error == "mohr.Identity.CardRemoved", "twice: a card swapped after the look is told", (error, told))
    rig.check(now == signed, "twice: and gets no PIN", (signed, now))
    end(rig, daemon, pcscd, *cards)


def beside_a_board(rig):
    """A card on an NFC board and one in a reader of pcscd, again and again: each search starts every helper anew."""
    rig.boards = {}
    pcscd, board = Pcscd(rig), Board(rig, leaf="national")
    card = Card(rig, pcscd)
    daemon = start(rig, (card, board), drivers=("pcsc", "nfc"), nfc={"device": board.device})
    for turn in range(3):
        code, told = daemon.request(expect_national_number=NATIONAL)
        rig.check(code == 0, f"beside a board: found there, time {turn + 1}", (code, told))
        daemon.wait_state(board.reader, "card")
    rig.check(untouched(card) and board.stats()["verify_commands"] == 3, "beside a board: and the other card stays what it is", board.stats())
    end(rig, daemon, pcscd, card, board)


def body(rig):
    for part in rig.mine([found, in_the_way, twice, beside_a_board]):
        part(rig)


lib.main(body, workers=4)
