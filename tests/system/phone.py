#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The whole way over a phone: mohrd and its helper in one network namespace, `mohr-relay serve` with a card in another.

The cases and scenes of pcsc.py run here with the PIN typed on the phone and at the computer, and with readers on a mocked USB
bus behind the relay. What happened to a card is asked from its witness.
"""
import flow
import pcsc
import slow
from lib import main


class Soft(flow.Soft):
    """The software card behind the relay."""

    def __init__(self, rig, _pcscd=None, profile="mav2-cl", **switches):
        super().__init__(rig, None, profile, **switches)
        self.reader = "phone"


def as_over_pcsc(rig, net):
    """Every second case has its PIN typed on the phone, every other one at the computer."""
    typed = ["phone", "computer"]

    def daemon(rig, **sections):
        typed.reverse()
        return slow.Far(rig, net, typed[0], card=rig.card, **sections)

    pcsc.walk_elsewhere(rig, Soft, daemon, rig.few(pcsc.CASES, 12))


def body(rig):
    if slow.skip(rig, "the whole way over a phone"):
        return
    net = slow.Net(rig)
    as_over_pcsc(rig, net)


main(body, workers=6)
