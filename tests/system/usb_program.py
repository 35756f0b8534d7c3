#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""usb_program.py: mohr-reader-usb as it is installed, where there is no reader: what it says to addresses,
descriptors and words that make no sense, and that a build for tests can be neither installed nor run alone."""
import os
import subprocess

import lib
from channel import MALFORMED, NO_READER, Helper

USAGE = 2
WIDER = b"MOHR-WIDER-SANDBOX"


def run(rig, *words):
    program = os.path.join(rig.build, "mohr-reader-usb")
    return subprocess.run([program, *words], env=rig.env, check=False, timeout=60, stdin=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode


def ends(rig, status, *words):
    rig.check(Helper(rig, *words, driver="usb").child.wait(60) == status, f"{' '.join(words)} ends with {status}")


def body(rig):
    rig.helpers = []
    for address in ("/dev/bus/usb/099/099", "/dev/bus/usb/099/099:1:1", "fd:77"):
        ends(rig, NO_READER, "--reader", address)
    ends(rig, MALFORMED, "--reader", "/etc/passwd")
    ends(rig, MALFORMED, "--reader", "/dev/bus/usb/099/099", "--option", "a=b")
    ends(rig, NO_READER, "--usb-fd", "0")  # a descriptor, though of no USB device
    ends(rig, MALFORMED, "--usb-fd", "77")  # none
    for word in ("", "x", "-1", "3", "4x"):
        ends(rig, USAGE, "--usb-fd", word)
    rig.check(run(rig, "--power-off") == 0, "--power-off without readers has nothing to do")
    rig.check(run(rig, "--power-off", "/dev/bus/usb/099/099") == 0, "--power-off of a reader that is gone")
    rig.check(run(rig, "--power-off", "/etc/passwd") == USAGE, "--power-off of what is no reader")
    with open(os.path.join(rig.build, "mohr-reader-usb"), "rb") as program:
        rig.check(WIDER not in program.read(), "the program has the narrow sandbox")
    mocked = os.path.join(rig.build, "usb", "mohr-reader-usb")
    if os.path.exists(mocked):
        with open(mocked, "rb") as program:
            rig.check(WIDER in program.read(), "the one for tests says that its own is wider")
    for helper in rig.helpers:
        helper.kill()


lib.main(body)
