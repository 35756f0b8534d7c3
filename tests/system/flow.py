#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A request from door to door over the driver `soft`: real mohrd, real helpers, real mohr-prompt.

The suite of pcsc.py runs here with a card inside the helper; what happened to it is asked from a witness there
(tests/tools/monitored_reader_soft.c). Then, with the helper that is shipped, what can be seen best without
pcscd: everything between the socket and the card's driver, what happens when somebody lets go in the
middle, and that the daemon is ready for the next one every time.
"""
import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import threading
import time

import lib
import pcsc
from lib import AUDIENCE, NONCE, PIN, Connection, Daemon, main, wait_for

READER = "Simulated reader (SIMULATED CARD)"


def soft(rig, anchors=None, card=None, **options):
    """A daemon with one simulated card of its own."""
    rig.cards = getattr(rig, "cards", 0) + 1
    sections = {"soft": {"pki": rig.pki, "pin": PIN, "state": os.path.join(rig.dir, f"soft-{rig.cards}"),
                         **{name.replace("_", "-"): value for name, value in options.items()}}}
    if anchors is not None:
        sections["trust"] = {"anchors": anchors}
    if card:
        sections["card"] = card
    return Daemon(rig, drivers=("soft",), **sections)


def claims(assertion):
    payload = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


def detail(reply):
    return reply.get("detail", "") if isinstance(reply, dict) else reply[:60]


# ---- the whole way --------------------------------------------------------------------------------

def programs(rig, name="witnessed", instead=None):
    """A folder with mohrd, which finds its helpers beside itself: the soft one there has a witness, or is another."""
    folder = os.path.join(rig.dir, name)
    if os.path.isdir(folder):
        return folder
    os.mkdir(folder)
    for name in filter(lambda name: name.startswith("mohr"), os.listdir(rig.build)):
        path = os.path.join(rig.build, name)
        if name == "mohrd":
            shutil.copy(path, folder)
        elif os.path.isfile(path):
            os.symlink(path if name != "mohr-reader-soft" else instead or witness(rig), os.path.join(folder, name))
    return folder


def witness(rig):
    return os.path.join(rig.build, "tests/monitored_reader_soft")


class Soft(lib.Card):
    """The software card that mohrd's next helper will hold: as lib.Card, asked by way of its witness."""

    def __init__(self, rig, _pcscd=None, profile="mav2-cl", pin=PIN, **switches):
        rig.cards = getattr(rig, "cards", 0) + 1
        self.rig, self.state, self.reader, self.lies_there = rig, os.path.join(rig.dir, f"card-{rig.cards}"), READER, True
        self.options = {"pki": rig.pki, "pin": pin, "state": self.state, "profile": profile,
                        **{name.replace("_", "-"): value for name, value in switches.items()}}
        rig.card = self

    def turn(self):
        self.lies_there = not self.lies_there
        subprocess.run([witness(self.rig), "--back" if self.lies_there else "--lift", self.state], check=True)

    def remove(self):
        judged = subprocess.run([witness(self.rig), "--judge", self.state], capture_output=True, text=True, check=False)
        if judged.returncode or judged.stdout != f"{len(self.commands())} exchanges\n":
            self.rig.check(False, "the card saw no breach of the rules", judged.stdout + judged.stderr)

    def seen(self):
        """The witness's fields: statistics, lines."""
        with open(self.state + ".witness", "rb") as file:
            seen = file.read()
        return [field.split(b"\0", 1)[0].decode() for field in (seen[:512], seen[512:])]

    def stats(self):
        try:
            return json.loads(self.seen()[0])
        except (OSError, ValueError):
            return {}

    def lines(self):
        return self.seen()[1].splitlines()


def daemon_of(rig, **sections):
    return Daemon(rig, ("soft",), os.path.join(programs(rig), "mohrd"), soft=rig.card.options, **sections)


def as_over_pcsc(rig):
    pcsc.walk_elsewhere(rig, Soft, daemon_of, rig.few(pcsc.CASES, 12))


# ---- what is easier seen here ---------------------------------------------------------------------

def again(rig):
    """The same card a second time: what is known of it makes no difference to the answer."""
    for options, expected, prompted in (({}, 0, True), ({"key_query": "off", "key_ref": "01"}, 0, True),
                                        ({"leaf": "impostor"}, 12, False), ({"ca_file": "absent"}, 12, False),
                                        ({"sign": "sm-mse"}, 18, False)):
        daemon = soft(rig, **options)
        what = " ".join(f"{name}={value}" for name, value in options.items()) or "the plain card"
        for time_ in ("first", "again"):
            code, reply = daemon.request()
            told = claims(reply) if code == 0 else None
            rig.check(code == expected and bool(daemon.prompts()) == prompted, f"{what}, {time_}: {expected}", (code, detail(reply)))
            rig.check(not told or (told["aud"] == AUDIENCE and told["nonce"] == NONCE and told["card"]["simulated"]
                      and told["station"]["reader"] == READER), f"{what}, {time_}: says whose question it answers, and where", told)
        daemon.stop()


def found_out_after_the_pin(rig):
    for sign in ("sm-6988", "sm-6982"):
        daemon = soft(rig, sign=sign)
        code, reply = daemon.request()
        pins = sum(line.startswith("GETPIN") for line in daemon.prompts())
        rig.check(code == 18 and pins == 1, f"sign={sign}: 18 after one PIN", (code, pins, detail(reply)))
        code, reply = daemon.request()
        rig.check(code == 18 and not daemon.prompts(), f"sign={sign}: then known without a prompt", (code, detail(reply)))
        daemon.stop()


def nobody_to_ask(rig):
    for options, expected in (({"do_a0": "none-left"}, 14), ({}, 26)):
        daemon = soft(rig, **options)
        code, reply = daemon.request(ui={})
        rig.check(code == expected, f"no screen, no terminal, {options or 'a good card'}: {expected}", (code, detail(reply)))
        daemon.stop()


def lifted_during_prompt(rig):
    """In less time than its readers' watcher takes to tell: the helper counts by itself."""
    with pcsc.Scene(rig, None) as scene:
        type_pin = scene.daemon.held()
        running = scene.begin()
        wait_for(lambda: pcsc.pinentries(scene.daemon))
        before = len(scene.card.commands())
        scene.card.turn()
        scene.card.turn()
        type_pin()
        error, reply, _ = running.receive()
        rig.check(not error and reply.get("assertion"), "a card lifted and laid back during the prompt goes on", error)
        rig.check("00B00000" in [header for header, _ in scene.card.commands()[before:]], "after it has shown who it is",
                  scene.card.commands()[before:])
        pcsc.clean(rig, scene.card, "lifted during the prompt", 1)


def asking(daemon):
    """pids of mohr-prompt."""
    return [pid for pid, name in daemon.helpers().items() if name.startswith("mohr-prompt")]


def waiting(daemon, reader):
    """(a client that asks for it, the phases it heard until it has to wait)"""
    client, phases = Connection(daemon.socket), []
    client.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}, **({"reader": reader} if reader else {})},
                more=True)
    while "queued" not in phases:
        phases.append(client.receive()[1].get("phase"))
    return client, phases


def letting_go(rig):
    daemon = soft(rig)
    daemon.script(delay=20)
    client = Connection(daemon.socket)
    client.send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}, more=True)
    phases = []
    while "consent" not in phases:
        phases.append(client.receive()[1].get("phase"))
    rig.check(phases == ["reader", "card", "consent"], "phases are told in order", phases)
    rig.check(bool(wait_for(lambda: asking(daemon))), "the prompt is open")
    code, reply = daemon.request(reader=READER, timeout_ms=300)
    rig.check(code == 23, "a second request on the same reader that cannot wait for it: 23", (code, detail(reply)))
    others = [waiting(daemon, reader) for reader in (READER, None)]
    rig.check(others[0][1] == others[1][1] == ["reader", "queued"], "others wait for it, and are told so", others)
    others[0][0].close()
    client.close()
    phases = others[1][1]
    while "consent" not in phases:
        phases.append(others[1][0].receive()[1].get("phase"))
    rig.check(phases == ["reader", "queued", "card", "consent"], "who hangs up is out of it, and the next one has its turn", phases)
    others[1][0].close()
    rig.check(bool(wait_for(lambda: not asking(daemon))), "the client hangs up: the prompt closes")
    rig.check(daemon.wait_state(READER, "card"), "and the reader is free")
    code, reply = daemon.request(timeout_ms=300)
    rig.check(code == 19, "a request's own time limit: 19", (code, detail(reply)))
    daemon.script()
    code, reply = daemon.request()
    rig.check(code == 0, "and the next one works", (code, detail(reply)))
    daemon.stop()


def reader_helper(daemon):
    """The helper, not the watcher: the one that was given a reader."""
    for pid in daemon.helpers():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as words:
            if b"--reader" in words.read().split(b"\0"):
                return pid
    return 0


def helpers(rig):
    daemon = soft(rig)
    type_pin, answer = daemon.held(), []
    thread = threading.Thread(target=lambda: answer.append(daemon.request()))
    thread.start()
    wait_for(lambda: pcsc.pinentries(daemon))
    first = reader_helper(daemon)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: first not in daemon.helpers())
    type_pin()
    thread.join()
    rig.check(answer[0][0] == 0, "a helper killed while the prompt is open: the card is proven again and signs",
              (answer[0][0], detail(answer[0][1])))
    daemon.script()
    seen = {0}

    def another():
        pid = reader_helper(daemon)
        return pid if pid not in seen else 0

    for _ in range(3):
        seen.add(wait_for(another))
        daemon.request()
    rig.check(len(seen - {0}) == 3, "each request has a helper of its own", seen)
    wait_for(lambda: len(daemon.helpers()) == 2 and another())
    before = set(daemon.helpers())
    time.sleep(0.5)
    rig.check(set(daemon.helpers()) == before and len(before) == 2, "in peace there are one watcher and one helper",
              daemon.helpers())
    for pid in before:
        with contextlib.suppress(ProcessLookupError):  # the watcher's end is the helper's, too
            os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not before & set(daemon.helpers()))
    rig.check(daemon.wait_state(READER, "card"), "both killed: both come back")
    code, reply = daemon.request()
    rig.check(code == 0, "and serve", (code, detail(reply)))
    daemon.stop()


def faults(rig):
    """The card lifted, reset or silent at some of its commands; every position is struck over pcscd elsewhere. Only the one that is
    silent is given no time: no other command may take too long because of what else the machine does."""
    for fault, codes in (("removal:200@verify:before", {17}), ("removal:200@verify:lost", {17}),
                         ("removal:200@cds:lost", {17}), ("reset@mse", {17, 0}), ("mute:5000@hash", {19}),
                         ("removal:200@3", {11, 17}), ("garbage@read#2", {0, 12, 17})):
        daemon = soft(rig, fault=fault, faults="once", back="60000", card={"timeout_ms": "2000"} if fault.startswith("mute") else None)
        code, reply = daemon.request()
        rig.check(code in codes, f"{fault}: one of {sorted(codes)}", (code, detail(reply)))
        if fault.startswith("removal"):
            rig.check(daemon.wait_state(READER, "empty"), f"{fault}: the card is seen to be away", daemon.status())
            subprocess.run([witness(rig), "--back", daemon.sections["soft"]["state"]], check=True)
        daemon.wait_state(READER, "card")
        code, reply = daemon.request()
        rig.check(code == 0, f"{fault}: the next request is served", (code, detail(reply)))
        daemon.stop()


def settings_not_understood(rig):
    """Told where a reader's troubles are told, not in the log alone."""
    for options in ({"profile": "mav9"}, {"back": "soon"}, {"pki": "/nonexistent"}, {"state": "/nonexistent/state"}):
        daemon = soft(rig, **options)
        what = " ".join(f"{name}={value}" for name, value in options.items())
        rig.check(daemon.wait_state(READER, "unusable"), f"{what}: the reader cannot be used", daemon.status())
        rig.check(daemon.status()["readers"][0].get("why") == "settings", f"{what}: because of its settings", daemon.status())
        code, reply = daemon.request()
        rig.check(code == 25 and "mohr status" in detail(reply), f"{what}: a request is answered 25 and sent there", (code, reply))
        code, out, _ = rig.mohr(daemon, "doctor")
        rig.check(code == 25 and "[soft]" in out, f"{what}: doctor says where to look", (code, out))
        rig.check(what in daemon.process.said() or options.get("state", "?") in daemon.process.said(), f"{what}: the log names it")
        daemon.stop()


def just_started(rig):
    """The call that starts the service is told what there is, not that nobody has looked yet; for that it waits three seconds, which a busy
    machine may need for the start of a helper alone."""
    for name, does in (("slow", f'sleep 0.5; exec {rig.build}/mohr-reader-soft "$@"'), ("silent", "exec sleep 60")):
        script = os.path.join(rig.dir, name + ".sh")
        with open(script, "w", encoding="utf-8") as file:
            file.write(f"#!/bin/sh\n{does}\n")
        os.chmod(script, 0o755)
        program, began = os.path.join(programs(rig, name, script), "mohrd"), time.monotonic()
        daemon = Daemon(rig, ("soft",), program, soft={"pki": rig.pki, "pin": PIN})
        readers, took = [reader["name"] for reader in daemon.status()["readers"]], time.monotonic() - began
        rig.check(name == "slow" and (readers == [READER] or took >= 3) or (name, readers) == ("silent", []), f"{name}: the first answer tells what there is", (readers, took))
        daemon.stop()


OWN = [again, just_started, settings_not_understood, found_out_after_the_pin, nobody_to_ask, letting_go, helpers, faults]


def body(rig):
    for part in rig.mine(OWN):
        part(rig)
    as_over_pcsc(rig)
    if rig.shard[0] == 0:
        lifted_during_prompt(rig)


if __name__ == "__main__":
    main(body, workers=3)
