#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A request from door to door over the driver `soft`: real mohrd, real helpers, real mohr-prompt.

Without pcscd, so that everything between the socket and the card's driver can be seen alone: what each
card leads to, what the person does, what happens when somebody lets go in the middle, and that the daemon
is ready for the next one every time.
"""
import base64
import contextlib
import json
import os
import signal
import threading
import time

from lib import AUDIENCE, NONCE, PIN, Connection, Daemon, main, wait_for

READER = "Simulated reader (SIMULATED CARD)"
WRONG = "31415926"


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


def good_cards(rig):
    for options in ({}, {"profile": "mav2-t0"}, {"profile": "mav3"}, {"profile": "mav4", "aid": "40"},
                    {"leaf": "expired"}, {"leaf": "bidi"}, {"key_query": "off"}, {"key_query": "off", "key_ref": "01"},
                    {"key_ref": "0b"}, {"alg_42": "off"}, {"alg_42": "off", "alg_02_takes": "bare-hash-adds-digestinfo"},
                    {"third_file": "auth"}, {"do_a0": "off"}, {"dates": "nul"}, {"path_select": "off"}):
        daemon = soft(rig, **options)
        what = " ".join(f"{name}={value}" for name, value in options.items()) or "the plain card"
        for again in ("first", "again"):
            code, reply = daemon.request()
            told = claims(reply) if code == 0 else {}
            rig.check(code == 0 and told["aud"] == AUDIENCE and told["nonce"] == NONCE and told["card"]["simulated"]
                      and told["station"]["reader"] == READER, f"{what}, {again}: an assertion", (code, reply))
        daemon.stop()


def refused_cards(rig):
    rows = [({"profile": "foreign-ias"}, 12), ({"profile": "foreign-mpcos"}, 12), ({"leaf": "wrong-issuer"}, 12),
            ({"leaf": "foreign"}, 12), ({"leaf": "impostor"}, 12), ({"ca_file": "absent"}, 12),
            ({"sign": "sm-mse"}, 18), ({"alg_42": "off", "alg_02": "off"}, 28)]
    for options, expected in rows:
        daemon = soft(rig, **options)
        what = " ".join(f"{name}={value}" for name, value in options.items())
        for again in ("first", "again"):
            code, reply = daemon.request()
            rig.check(code == expected and not daemon.prompts(), f"{what}, {again}: {expected} without a prompt",
                      (code, detail(reply)))
        daemon.stop()


def cards_found_out_after_the_pin(rig):
    for options, expected in (({"sign": "sm-6988"}, 18), ({"sign": "sm-6982"}, 18),
                              ({"alg_42": "off", "alg_02_takes": "bare-hash-padded"}, 28)):
        daemon = soft(rig, **options)
        code, reply = daemon.request()
        what = " ".join(f"{name}={value}" for name, value in options.items())
        pins = sum(line.startswith("GETPIN") for line in daemon.prompts())
        rig.check(code == expected and pins == 1, f"{what}: {expected} after one PIN", (code, pins, detail(reply)))
        if expected == 18:
            code, reply = daemon.request()
            rig.check(code == 18 and not daemon.prompts(), f"{what}: then known without a prompt", (code, detail(reply)))
        daemon.stop()


def persons(rig):
    daemon = soft(rig)
    daemon.script(getpin=[WRONG])
    code, reply = daemon.request()
    rig.check(code == 13 and reply.get("tries_left") == 2, "a wrong PIN: 13 with two tries left", (code, reply))
    daemon.script(confirm=["no"], getpin=["cancel"])
    code, reply = daemon.request()
    rig.check(code == 15, "the person refuses: 15", (code, detail(reply)))
    daemon.script(getpin=[WRONG])
    code, reply = daemon.request()
    rig.check(code == 13 and reply.get("tries_left") == 1, "wrong again: one try left", (code, reply))
    daemon.script(confirm=["ok", "no"], getpin=["cancel"])
    code, reply = daemon.request()
    rig.check(code in (15, 24), "the last try declined", (code, detail(reply)))
    daemon.script()
    code, reply = daemon.request()
    rig.check(code == 0, "the last try taken, with the right PIN", (code, detail(reply)))
    for _ in range(3):
        daemon.script(getpin=[WRONG])
        code, reply = daemon.request()
    rig.check(code in (13, 14), "three wrong ones block the card", (code, reply))
    daemon.prompts()
    code, reply = daemon.request()
    rig.check(code == 14 and not daemon.prompts(), "a blocked card: 14 without a prompt", (code, detail(reply)))
    code, reply = daemon.request(ui={})
    rig.check(code == 14, "whoever asks", (code, detail(reply)))
    daemon.stop()
    daemon = soft(rig)
    code, reply = daemon.request(ui={})
    rig.check(code == 26, "no screen, no terminal: 26", (code, detail(reply)))
    daemon.stop()


def asking(daemon):
    """pids of mohr-prompt."""
    return [pid for pid, name in daemon.helpers().items() if name.startswith("mohr-prompt")]


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
    code, reply = daemon.request(reader=READER)
    rig.check(code == 23, "a second request on the same reader: 23", (code, detail(reply)))
    client.close()
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
    daemon.script(delay=1)
    answer = []
    thread = threading.Thread(target=lambda: answer.append(daemon.request()))
    thread.start()
    wait_for(lambda: asking(daemon))
    first = reader_helper(daemon)
    os.kill(first, signal.SIGKILL)
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
    seen.remove(0)
    rig.check(len(seen) == 3, "each request has a helper of its own", seen)
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
    """The card lifted, reset or silent at some of its commands; every position is struck over pcscd elsewhere."""
    for fault, codes in (("removal:200@verify:before", {17}), ("removal:200@verify:lost", {17}),
                         ("removal:200@cds:lost", {17}), ("reset@mse", {17, 0}), ("mute:1500@hash", {19}),
                         ("removal:200@3", {11, 17}), ("garbage@read#2", {0, 12, 17})):
        daemon = soft(rig, fault=fault, faults="once", card={"timeout_ms": "700"})
        code, reply = daemon.request()
        rig.check(code in codes, f"{fault}: one of {sorted(codes)}", (code, detail(reply)))
        time.sleep(0.3)  # so long the card is away
        daemon.wait_state(READER, "card")
        code, reply = daemon.request()
        rig.check(code == 0, f"{fault}: the next request is served", (code, detail(reply)))
        daemon.stop()


def body(rig):
    for part in (good_cards, refused_cards, cards_found_out_after_the_pin, persons, letting_go, helpers, faults):
        part(rig)


main(body)
