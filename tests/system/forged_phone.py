# SPDX-License-Identifier: Apache-2.0
"""forged_phone.py: the two ways of a phone to a signature: its reader for mohrd, and mohr-relay assert by itself. Part of forged.py."""
import json
import os
import re

import flow
import phone
import relay_alone
import relayed
import slow
from lib import TREE, Process

with open(os.path.join(TREE, "daemon/assert_params.c"), encoding="utf-8") as source:  # what a request on the phone may say of it
    TAKES = set(re.findall(r'\.name = "(\w+)"', source.read().split("#define ASKED")[1].split("\n\n")[0]))


def far(rig):
    """(card, daemon): mohrd beside a phone whose person types the PIN there."""
    card = phone.Soft(rig)
    return card, slow.Far(rig, None, phone=relayed.Phone(rig, card=card, env={"DISPLAY": ":mohr-test"}))


USAGE = 2
STEERS = {"reader": "x", "timeout_ms": 60000, "remember": True, "ui": {"language": "en"}, "signed_request": "e30.e30.AA"}  # as Assert takes them


class Alone(relay_alone.Phone):
    """mohr-relay assert with a simulated card. A request is JSON on its standard input."""

    def __init__(self, rig):
        self.card = flow.Soft(rig)
        super().__init__(rig, ("soft",), soft=self.card.options)
        self.argv[0] = os.path.join(relayed.programs(rig), "mohr-relay")
        Process(rig, "mohr-relay", [self.argv[0], "--version"], rig.env)  # names of files are by the number of processes

    def wait_state(self, *_words):
        """It looks for readers when it is asked."""

    def request(self, parameters):
        """(error, reply), as a method of mohrd's."""
        code, out, err = self.ask("-", "--json", text=json.dumps(parameters))
        told = json.loads(out) if out else {}
        return (told.get("outcome", err) if code else None), told

    def stop(self):
        """It ended with each request."""


def refused(world, forged, places, good):
    """Names that have no meaning there, those of an assertion and those that steer mohrd alike."""
    odd, good = [], {name: value for name, value in good.items() if name in TAKES}
    world.check(STEERS.keys() | TAKES == {path for path in places if "." not in path}, "each parameter of Assert is taken or refused", TAKES)
    for name, value in {**forged, **STEERS}.items():
        error, reply = world.daemon.request({**good, name: value})
        world.keep(reply)
        odd += [] if reply.get("exit") == USAGE else [(name, error, reply)]
    world.quiet("members that no request on a phone has", odd)


def told(world, hostile, judged):
    """Hostile texts, where each one's place is the same."""
    mark, parameters = hostile(world.rig, 1)
    parameters = {name: value for name, value in parameters.items() if name in TAKES - {"expect_national_number"}}
    error, reply = world.daemon.request(parameters)
    world.keep(reply)
    if world.check(not error, "hostile texts in a request of its own are served", (error, reply)):
        judged(world, "a phone alone", parameters, mark, reply, world.shown())
    world.settle("a request of its own")
