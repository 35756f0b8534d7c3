#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""identity.py [BUILD]: what is said to mohr.Identity and what must come back, over a real socket.

Each row: a method, its parameters, the answer. {"error": ...} is compared whole but for the request's
id, which must be 32 hex digits where it is due. Every well-formed request names a reader that is not
there: so it ends at the reader, and none at a person.
"""
import json
import os
import pty
import re
import socket
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BUILD", os.path.join(TREE, "build")))
GOOD = {"audience": "https://office.example", "nonce": "0123456789abcdef", "reader": "no such reader"}
ID = re.compile("[0-9a-f]{32}")


def invalid(name):
    return {"error": "org.varlink.service.InvalidParameter", "parameters": {"parameter": name}}


def with_(**more):
    return {**GOOD, **more}


def conversations(own_tty):
    status, watch, sign = "mohr.Identity.Status", "mohr.Identity.Watch", "mohr.Identity.Assert"
    at_reader = {"error": "mohr.Identity.NoReader"}
    return [
        ("Status takes nothing", status, {"x": 1}, invalid("x")),
        ("Watch takes nothing", watch, {"more": True}, invalid("more")),
        ("an unknown method is named", "mohr.Identity.Sign", {},
         {"error": "org.varlink.service.MethodNotFound", "parameters": {"method": "mohr.Identity.Sign"}}),
        ("the role of a screen is nobody's unless it is configured", "mohr.Person.Serve", {},
         {"error": "mohr.Person.PermissionDenied", "parameters": {}}),
        ("audience is required", sign, {"nonce": GOOD["nonce"]}, invalid("audience")),
        ("nonce is required", sign, {"audience": GOOD["audience"]}, invalid("nonce")),
        ("an audience is a URI", sign, with_(audience="office"), invalid("audience")),
        ("an audience has no spaces", sign, with_(audience="https://a b"), invalid("audience")),
        ("an audience has 512 bytes", sign, with_(audience="https:" + "a" * 506), at_reader),
        ("and not 513", sign, with_(audience="https:" + "a" * 507), invalid("audience")),
        ("a nonce has 8 characters", sign, with_(nonce="1234567"), invalid("nonce")),
        ("a nonce has 128", sign, with_(nonce="n" * 128), at_reader),
        ("and not 129", sign, with_(nonce="n" * 129), invalid("nonce")),
        ("a nonce is ASCII", sign, with_(nonce="نانس-نانس"), invalid("nonce")),
        ("a purpose may be Persian", sign, with_(purpose="دریافت رونوشت شناسنامه"), at_reader),
        ("a purpose has 256 bytes", sign, with_(purpose="ا" * 129), invalid("purpose")),
        ("a purpose has no line breaks", sign, with_(purpose="a\nb"), invalid("purpose")),
        ("a purpose does not turn text round", sign, with_(purpose="a\u202eb"), invalid("purpose")),
        ("an empty purpose is none", sign, with_(purpose=""), invalid("purpose")),
        ("a time limit is a number", sign, with_(timeout_ms="1000"), invalid("timeout_ms")),
        ("a time limit is not negative", sign, with_(timeout_ms=-1), invalid("timeout_ms")),
        ("a time limit has a limit", sign, with_(timeout_ms=600001), invalid("timeout_ms")),
        ("a time limit may be null", sign, with_(timeout_ms=None), at_reader),
        ("a national number has ten digits", sign, with_(expect_national_number="123456789"),
         invalid("expect_national_number")),
        ("and digits only", sign, with_(expect_national_number="12345678 0"), invalid("expect_national_number")),
        ("a station is an object", sign, with_(station="x"), invalid("station")),
        ("a station says what it may", sign, with_(station={"operator": "o", "branch": "b", "device": "d",
                                                            "case_number": "c", "photo_checked": True}), at_reader),
        ("a station says no more", sign, with_(station={"software": "x"}), invalid("station.software")),
        ("a photo was checked or not", sign, with_(station={"photo_checked": "yes"}),
         invalid("station.photo_checked")),
        ("a station's text is short", sign, with_(station={"branch": "b" * 129}), invalid("station.branch")),
        ("a station's null is nothing", sign, with_(station={"branch": None}), at_reader),
        ("a terminal of the caller's own", sign, with_(ui={"tty": own_tty, "term": "xterm-256color", "language": "fa"}),
         at_reader),
        ("a file is no terminal", sign, with_(ui={"tty": "/dev/null"}), invalid("ui.tty")),
        ("nor is a path through another folder", sign, with_(ui={"tty": "/dev/pts/../null"}), invalid("ui.tty")),
        ("nor one that is not there", sign, with_(ui={"tty": "/dev/pts/99999999"}), invalid("ui.tty")),
        ("nor whatever terminal the daemon has", sign, with_(ui={"tty": "/dev/tty"}), invalid("ui.tty")),
        ("a language is known", sign, with_(ui={"language": "de"}), invalid("ui.language")),
        ("a display is no option", sign, with_(ui={"display": ":0\nOPTION x"}), invalid("ui.display")),
        ("a terminal type is a word", sign, with_(ui={"term": "x y"}), invalid("ui.term")),
        ("an authority file has a path", sign, with_(ui={"xauthority": "x"}), invalid("ui.xauthority")),
        ("a ui says no more", sign, with_(ui={"LD_PRELOAD": "x"}), invalid("ui.LD_PRELOAD")),
        ("an unknown parameter is named", sign, with_(hash="00"), invalid("hash")),
    ]


def call(path, method, parameters):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(path)
        client.sendall(json.dumps({"method": method, "parameters": parameters}, ensure_ascii=False).encode() + b"\0")
        answer = b""
        while not answer.endswith(b"\0"):
            piece = client.recv(65536)
            if not piece:
                return None
            answer += piece
        return json.loads(answer[:-1])


def same(answer, wanted):
    if not answer or "error" not in wanted or not wanted["error"].startswith("mohr.Identity."):
        return answer == wanted
    return answer.get("error") == wanted["error"] and ID.fullmatch(answer["parameters"].get("request", "")) is not None


def wait_until_settled(path):
    """Until the driver's watcher has spoken (before that, a request waits for it) and the helper has found no settings: what
    Status and Watch tell is the same from then on."""
    for _ in range(2000):
        try:
            readers = call(path, "mohr.Identity.Status", {})["parameters"]["readers"]
            if readers and readers[0]["state"] == "unusable":
                return
        except OSError:
            pass
        time.sleep(0.01)


def main():
    failed = False
    master, slave = pty.openpty()
    with tempfile.TemporaryDirectory(prefix="mohr-identity-") as folder:
        config, path = os.path.join(folder, "mohr.conf"), os.path.join(folder, "s")
        with open(config, "w", encoding="ascii") as text:
            text.write(f"[soft]\npki = {folder}/nothing\n[state]\ndir = {folder}/state\n[card]\nunproven = yes\n")
        log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        daemon = subprocess.Popen([os.path.join(BUILD, "mohrd"), "--socket", path, "--config", config,
                                   "--driver", "soft"], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until_settled(path)
            picture = call(path, "mohr.Identity.Status", {})["parameters"]
            del picture["version"]
            rows = [("Watch without more is one answer", "mohr.Identity.Watch", {}, {"parameters": picture})]
            for name, method, parameters, wanted in rows + conversations(os.ttyname(slave)):
                answer = call(path, method, parameters)
                good = same(answer, wanted)
                print(("ok - " if good else "not ok - ") + name)
                if not good:
                    failed = True
                    print("    heard ", answer, " instead of ", wanted)
        finally:
            daemon.terminate()
            status = daemon.wait(15)
        log.seek(0)
        said = log.read()
        started, ended = said.count("request started"), said.count("request ended")
        told = [text for text in ("office", "0123456789abcdef", "رونوشت", "nonce") if text in said]
        for good, what, detail in ((status == 0, "the daemon ends in order", status),
                                   (started == ended > 5, "every request has a line for its start and one for its end",
                                    (started, ended)),
                                   (not told, "and no word of what was asked", told)):
            print(("ok - " if good else "not ok - ") + what)
            failed |= not good
            if not good:
                print("    ", detail, said[-1500:])
    os.close(master)
    os.close(slave)
    return failed


sys.exit(main())
