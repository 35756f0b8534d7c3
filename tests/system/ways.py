# SPDX-License-Identifier: Apache-2.0
"""ways.py: the ways to a card, for suites that try the same thing over each of them.

A way is a function of the rig and the card's switches; it makes a card, and says how a daemon for it is made. Over a phone the
daemon is a pair: mohrd here, and a mohr-relay that the same person sits at, on this computer's own address.
"""
import os
import types

import flow
import lib
import mock
import nfc
import slow
import usb

NO_NET = types.SimpleNamespace(phone=[])  # both ends in one network namespace


def over_soft(rig, **switches):
    return flow.Soft(rig, **switches), flow.daemon_of


def over_pcsc(rig, **switches):
    rig.pcscd = getattr(rig, "pcscd", None) or lib.Pcscd(rig)
    return lib.Card(rig, rig.pcscd, **switches), lib.Daemon


def over_nfc(rig, **switches):
    rig.boards = {}
    return nfc.Board(rig, **switches), nfc.daemon_of


def over_usb(rig, **switches):
    return usb.Slot(rig, reader={"rates": "pps"}, **switches), usb.daemon_of


class Phone(slow.Phone):
    """mohr-relay at a port of this computer."""

    def pair(self, name, address=None):
        super().pair(name, address or f"127.0.0.1:{self.port}")


class Paired(slow.Far):
    """mohrd and the phone that it is paired with."""

    def start(self):
        if not self.phone.process.alive():
            self.phone.start()
        super().start()

    def others(self):
        """{pid: name} of what runs on the phone."""
        if not self.phone.process.alive():
            return {}
        return {self.phone.process.pid: "mohr-relay", **self.phone.helpers(everything=True)}


def behind_phone(way, driver, typed, power_off=False):
    """That way, with the reader at a phone and the PIN typed there or at the computer."""
    def over_phone(rig, **switches):
        card, _ = way(rig, **switches)
        place = rig.slot.bus.programs() if power_off else None

        def daemon(rig, **sections):
            env = {"DISPLAY": ":mohr-test"} if typed == "phone" else {}
            soft = card if driver == "soft" else None
            phone = Phone(rig, NO_NET, card=soft, driver=driver, env=env, place=place, relay={"last_try": "yes"})
            return Paired(rig, NO_NET, typed, phone=phone, **sections)

        return card, daemon

    return over_phone


WAYS = {
    "soft": over_soft,
    "pcsc": over_pcsc,
    "nfc": over_nfc,
    "usb": over_usb,
    "phone": behind_phone(over_soft, "soft", "phone"),
    "phone, pcsc": behind_phone(over_pcsc, "pcsc", "computer"),
    "phone, usb": behind_phone(over_usb, "usb", "phone", power_off=True),
}


def lacking(rig, name):
    """Why that way cannot be gone here, or None."""
    return (mock.possible() or mock.Bus(rig).lacking()) if "usb" in name else None


def reader_of(card, name):
    """What mohrd calls the card's reader."""
    return "phone" if name.startswith("phone") else card.reader


def after_a_kill(rig):
    """What the units of mohrd and mohr-relay call when their program has ended, however that was (ExecStopPost)."""
    return [os.path.join(rig.slot.bus.programs(), "mohr-reader-usb"), "--power-off"]
