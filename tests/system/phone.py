#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way over a phone: mohrd and its helper in one network namespace, `mohr-relay serve` with a card in another.

The cases and scenes of pcsc.py run here with the PIN typed on the phone and at the computer, and with readers on a mocked USB
bus behind the relay. What happened to a card is asked from its witness.
"""
import flow
import mock
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


def body(rig):
    if slow.skip(rig, "the whole way over a phone"):
        return
    net = slow.Net(rig)
    with_soft_cards(rig, net)
    with_usb_readers(rig, net)


if __name__ == "__main__":
    main(body, workers=6)
