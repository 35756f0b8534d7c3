#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way over a phone: mohrd and its helper in one network namespace, `mohr-relay serve` with a card in another.

The cases and scenes of pcsc.py run here with the PIN typed on the phone and at the computer, with readers on a mocked USB
bus behind the relay, and with an NFC board there. What happened to a card is asked from its witness.
"""
import flow
import mock
import nfc
import pcsc
import slow
import usb
from lib import main


class Soft(flow.Soft):
    """The software card behind the relay."""

    def __init__(self, rig, _pcscd=None, profile="mav2-cl", **switches):
        super().__init__(rig, None, profile, **switches)
        self.reader = "phone"


class Slot(usb.Slot):
    """A card in a mocked reader at the phone's USB socket, of the next kind each time."""

    def __init__(self, rig, _pcscd=None, profile="mav4", **switches):
        super().__init__(rig, None, profile, **switches)
        self.reader = "phone"


def by_turns(net, **how):
    """Daemons for walk_elsewhere: the PIN is typed on the phone for every second one, at the computer for the others."""
    typed = ["phone", "computer"]

    def daemon(rig, **sections):
        typed.reverse()
        return slow.Far(rig, net, typed[0], **{name: value(rig) for name, value in how.items()}, **sections)

    return daemon


def with_soft_cards(rig, net):
    pcsc.walk_elsewhere(rig, Soft, by_turns(net, card=lambda rig: rig.card), rig.few(pcsc.CASES, 12))


def with_usb_readers(rig, net):
    why = mock.possible() or mock.Bus(rig).lacking()
    if why:
        rig.skip("a phone with USB readers", why)
        return
    daemon = by_turns(net, driver=lambda _: "usb", place=lambda rig: rig.slot.bus.programs())
    pcsc.walk_elsewhere(rig, Slot, daemon, rig.few(pcsc.CASES, 20)[::3], lambda: rig.slot.stop())


class Board(nfc.Board):
    """A card on an NFC board of the phone's."""

    def __init__(self, rig, _pcscd=None, profile="mav2-cl", **switches):
        super().__init__(rig, None, profile, **switches)
        self.reader = "phone"


def with_a_board(rig, net):
    """The board is named to the relay, as where no watcher tells of devices."""
    typed = ["phone", "computer"]
    rig.boards = {}

    def daemon(rig, **sections):
        typed.reverse()
        env = {"DISPLAY": ":mohr-test"} if typed[0] == "phone" else {}
        phone = slow.Phone(rig, net, driver=f"nfc={rig.boards[0].device}", env=env, relay={"last_try": "yes"})
        return slow.Far(rig, net, typed[0], phone=phone, **sections)

    cases = [case for case in pcsc.CASES if case[0] in ("mav2-cl", "mav4", "foreign-mpcos")]
    pcsc.Card, pcsc.Daemon = Board, daemon
    rig.peer = lambda *words: pcsc.Nobody()
    for case in rig.mine(rig.few(cases, 12)[::9]):
        pcsc.run_case(rig, None, case)


def body(rig):
    if slow.skip(rig, "the whole way over a phone"):
        return
    net = slow.Net(rig)
    with_soft_cards(rig, net)
    with_usb_readers(rig, net)
    with_a_board(rig, net)


if __name__ == "__main__":
    main(body, workers=6)
