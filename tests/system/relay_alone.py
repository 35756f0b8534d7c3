#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""relay_alone.py BUILD: mohr-relay assert, a whole assertion on the phone: over the real pcscd, by file, standard input and link,
checked by the verifier that everybody uses. Wrong PINs, the last try, refusals, requests that are no good, and what is left on a card
whose reader's program was killed: as with mohrd, whose code it is."""
import base64
import json
import os
import signal
import stat
import subprocess
import time

import lib
import relying
from lib import AUDIENCE, NONCE, PIN, Card, Daemon, Pcscd, Process, main, wait_for

REPLY = AUDIENCE + "/answer?session=7"


def coded(text):
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def plain(**more):
    return json.dumps({"audience": AUDIENCE, "nonce": NONCE, **more})


def link(request, reply=None):
    return "mohr-request:" + request + "?v=1" + (f"&reply={coded(reply)}" if reply else "")


class Phone(Daemon):
    """The configuration and the person of a daemon that is never started."""

    def start(self):
        self.argv = [os.path.join(self.rig.build, "mohr-relay"), "assert", "--config", self.config,
                     *[word for driver in self.drivers for word in ("--driver", driver)]]
        self.env = {**self.rig.env, "DISPLAY": ":mohr-test"}

    def ask(self, request, *words, text=None, env=None):
        """(exit code, stdout, stderr)"""
        done = subprocess.run([*self.argv, "--request", request, *words], input=text, env={**self.env, **(env or {})}, text=True,
                              capture_output=True, timeout=180, check=False, cwd=self.rig.dir)
        return done.returncode, done.stdout, done.stderr

    def begin(self, request, *words):
        path = os.path.join(self.rig.dir, "begun.json")
        with open(path, "w", encoding="ascii") as file:
            file.write(request)
        return Process(self.rig, "mohr-relay", [*self.argv, "--request", path, *words], self.env)

    def asks_for_pin(self):
        """That it was asked for since the last look."""
        return wait_for(lambda: any(line.startswith("GETPIN") for line in self.prompts()))

    def history(self):
        return json.loads(self.rig.mohr(None, "history", "list", "--json", "--limit", "0", "--from", self.state)[1])["entries"]

    def last(self):
        return max(self.history(), key=lambda entry: entry["row"])


def outcome(entry):
    return (entry.get("end") or {}).get("outcome")


def running(program):
    """Whether a process was started by this name."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as words:
                if program.encode() in words.read().split(b"\0"):
                    return True
        except OSError:
            continue
    return False


def logged(rig, phone, request):
    """Levels stand before lines for the journal alone: not in a pipe or file, also not of what a service has started."""
    for what, journal in (("a pipe", False), ("the journal", True)):
        reads, writes = os.pipe()
        place = os.fstat(writes if journal else reads)
        stream = f"{place.st_dev}:{place.st_ino + (not journal)}"
        done = subprocess.run([*phone.argv, "--request", request, "--reader", "Nobody's"], env={**phone.env, "JOURNAL_STREAM": stream}, stderr=writes,
                              stdout=subprocess.DEVNULL, timeout=180, check=False, cwd=rig.dir)
        os.close(writes)
        with os.fdopen(reads, encoding="utf-8") as said:
            lines = [line for line in said if "mohr-relay" in line and ": " in line and "=" in line]
        rig.check(done.returncode == 10 and lines and all((line[0] == "<") is journal for line in lines), f"levels before the lines in {what}: {journal}",
                  (done.returncode, lines))


def answered(rig, phone, card):
    request = os.path.join(rig.dir, "request.json")
    with open(request, "w", encoding="ascii") as file:
        file.write(plain(purpose="Opening an account", claims={"required": [], "optional": ["reader"]}) + "\n")
    code, out, err = phone.ask(request)
    rig.check(code == 0 and out.count("\n") == 1, "a request in a file is answered, with nothing but the assertion on standard output", (code, err))
    code, _, err = rig.verify(out)
    rig.check(code == 0, "the verifier takes it", err)
    logged(rig, phone, request)
    told = relying.payload(out)
    rig.check(told["purpose"] == "Opening an account" and "generation" not in told["card"], "it says what was asked and no more", told)
    rig.check(card.locked(), "no PIN stays verified")
    rig.check([outcome(entry) for entry in phone.history()] == ["Ok"], "the history has it", phone.history())
    code, out, err = phone.ask("-", "--json", text=plain())
    told = json.loads(out)
    rig.check(code == 0 and told["outcome"] == "ok" and rig.verify(told["assertion"])[0] == 0 and len(told["request"]) == 32,
              "from standard input, answered as JSON", (out, err))


def by_link(rig, phone):
    code, out, err = phone.ask(link(coded(plain()), REPLY))
    head, _, assertion = out.strip().partition("#assertion=")
    rig.check(code == 0 and head == REPLY and rig.verify(assertion)[0] == 0, "a link is answered by the address that takes the answer", (out[:80], err))
    path = os.path.join(rig.dir, "answer")
    code, out, err = phone.ask("-", "--out", path, text=f"  {link(coded(plain()))}\n")
    mode = stat.S_IMODE(os.stat(path).st_mode) if code == 0 else 0
    rig.check(code == 0 and out == "" and mode == 0o600, "one without an address, to a file of the person's own", (code, oct(mode), err))
    phone.prompts()
    code, _, err = phone.ask("-", "--out", path, text=plain())
    rig.check(code == 2 and not phone.prompts(), "no file is overwritten, and that is said before anybody is asked", (code, err))


def hostile(rig, phone, card):
    def with_(**more):
        return plain(**more)
    heard, big = card.pin_family(), "x" * 20000
    rows = {
        "nothing": "", "a kind of nothing": " \n", "no request": "hello", "a list": "[]", "half an object": '{"audience":',
        "an audience twice": '{"audience":"https://a.example","audience":"https://b.example","nonce":"12345678"}',
        "a reader": with_(reader="x"), "where to ask": with_(ui={"tty": "/dev/tty1"}), "a grant": with_(remember=True), "an hour": with_(timeout_ms=3600000),
        "a signed request inside": with_(signed_request="a.b.c"), "a short nonce": '{"audience":"https://a.example","nonce":"1"}',
        "no audience": '{"nonce":"12345678"}', "an audience that is none": '{"audience":"x","nonce":"12345678"}',
        "a purpose that hides": with_(purpose="a\u202eb"), "a claim twice": with_(claims={"required": ["reader"], "optional": ["reader"]}),
        "too much": plain(purpose=big), "a depth of brackets": '{"claims":' + "[" * 5000,
        "a link of another version": "mohr-request:" + coded(plain()) + "?v=2", "a link without one": "mohr-request:" + coded(plain()),
        "a link that says more": link(coded(plain())) + "&x=1", "a link to no address": link(coded(plain()), "javascript:alert(1)"),
        "an answer to another place": link(coded(plain()), "https://evil.example/answer"),
        "one that begins alike": link(coded(plain()), AUDIENCE + ".evil.example/"), "one with a user": link(coded(plain()), AUDIENCE + "@evil.example/"),
        "another port": link(coded(plain()), AUDIENCE + ":8443/"), "no encryption": link(coded(plain()), "http://office.example/"),
    }
    for what, text in rows.items():
        code, out, err = phone.ask("-", text=text)
        rig.check(code == 2 and not out and "Traceback" not in err, f"{what} is no request", (code, out, err))
    code, out, err = phone.ask("-", "--json", text="{}")
    rig.check(code == 2 and "audience" in json.loads(out).get("detail", ""), "what is missing is named", (out, err))
    rig.check(not phone.prompts() and card.pin_family() == heard, "nobody was asked, and no card, for any of these")


def refusals(rig, phone, card):
    phone.script(confirm=["cancel"])
    code, out, err = phone.ask("-", "--json", text=plain())
    rig.check(code == 15 and json.loads(out)["outcome"] == "RefusedByPerson", "a holder who refuses is believed", (out, err))
    phone.script(getpin=["00000000"])
    for left in (2, 1):
        code, out, err = phone.ask("-", "--json", text=plain())
        told = json.loads(out)
        rig.check(code == 13 and told.get("tries_left") == left, f"a wrong PIN leaves {left}", (out, err))
    spent = card.stats()["verify_commands"]
    phone.script(confirm=["ok", "cancel"])
    code, _, err = phone.ask("-", text=plain())
    rig.check(code == 24 and card.stats()["verify_commands"] == spent, "the last try is not spent without its own yes", (code, err))
    phone.script()
    code, _, err = phone.ask("-", text=plain())
    rig.check(code == 0 and card.stats()["verify_commands"] == spent + 1 and card.locked(), "with it and the right PIN all are there again", (code, err))
    phone.script(confirm=["cancel"])
    code, _, err = phone.ask("-", text=plain(), env={"LANGUAGE": "fa"})
    rig.check(code == 15 and "مُهر" in err and "[15]" in err, "the same in Persian", err)
    phone.script()


def no_reader(rig, phone, card):
    code, _, err = phone.ask("-", "--reader", "Nobody's", text=plain())
    rig.check(code == 10 and card.reader in err, "a reader that is not there; those that are, by name", (code, err))
    card.turn()
    lib.card_wait(card.reader, present=False)
    code, _, err = phone.ask("-", text=plain())
    rig.check(code == 11, "no card", (code, err))
    card.turn()
    lib.card_wait(card.reader)
    code, _, err = phone.ask("-", "--usb-fd", "77", text=plain())
    rig.check(code == 2 and "--usb-fd" in err, "a descriptor that is none", (code, err))


def killed(rig, phone, card):
    """While its PIN is verified, the one who asked and its reader's program are gone."""
    swift = card.argv
    card.remove()
    card.argv = ["sign-ms=2500" if word.startswith("sign-ms=") else word for word in swift]
    card.insert()
    process = phone.begin(plain())
    verified = wait_for(lambda: card.stats().get("pin_verified"), step=0.001)
    process.child.kill()
    process.child.wait()
    rig.check(bool(verified) and card.locked(), "killed while the card signs: the card is locked", card.stats())
    rig.check(outcome(phone.last()) is None, "and the history has what was begun", phone.last())
    card.remove()
    card.argv = swift
    card.insert()
    code, _, err = phone.ask("-", text=plain())
    rig.check(code == 0, "the next request is served", (code, err))


def interrupted(rig, phone, card):
    phone.prompts()
    phone.script(getpin=["hang"])
    process = phone.begin(plain())
    rig.check(phone.asks_for_pin(), "the PIN is asked for")
    process.child.send_signal(signal.SIGTSTP)
    with open(f"/proc/{process.pid}/stat", encoding="ascii", errors="replace") as state:
        rig.check(state.read().rsplit(")", 1)[1].split()[0] != "T", "Ctrl-Z stops nothing")
    code = process.stop(signal.SIGINT)
    gone = wait_for(lambda: not running(phone.pinentry))
    rig.check(code == -signal.SIGINT and gone, "Ctrl-C ends it as any program, and takes the prompt along", code)
    rig.check(card.locked() and outcome(phone.last()) not in ("Ok", None), "the card is locked, and the history knows", phone.last())
    phone.script()


def signed(rig, card):
    if os.geteuid() != 0:
        return rig.skip("signed requests", "the anchors' file is read as root's")
    try:
        relying.make_bank(rig.dir)
        bank = relying.Bank(rig.dir)
    except ImportError:
        return rig.skip("signed requests", "no python3-cryptography")
    phone = Phone(rig, relying_parties={"anchors": os.path.join(rig.dir, "ca.pem")})
    request, host = bank.asks(purpose="Opening an account"), "https://bank.example/"
    code, out, err = phone.ask(link(request, host + "done"))
    shown = "\n".join(phone.prompts())
    rig.check(code == 0 and out.startswith(host + "done#assertion="), "a signed request by link is answered to its own origin", (code, err))
    rig.check("Specimen Bank" in shown and "erified" in shown, "the holder was shown whose it is", shown)
    assertion = out.strip().partition("#assertion=")[2]
    code, _, err = rig.mohr(None, "verify", "--trust", rig.root, "--audience", relying.ISS, "--nonce", relying.NONCE, "-", text=assertion)
    rig.check(code == 0, "the bank can check it", err)
    spent = card.stats()["verify_commands"]
    for what, text, code, words in (
            ("used before", request, 16, "used before"), ("expired", bank.asks(now=int(time.time()) - 1000), 16, "expired"),
            ("changed", bank.asks()[:-8] + "AAAAAAAA", 16, ""),
            ("to be answered elsewhere", link(bank.asks(), "https://evil.example/"), 16, "another place")):
        got, out, err = phone.ask("-", text=text)
        rig.check(got == code and words in err and not out, f"a signed request that is {what} is refused", (got, err))
    rig.check(not phone.prompts() and card.stats()["verify_commands"] == spent, "nobody was asked for any of these")


def over_soft(rig):
    """No service, no reader: the helper plays the card."""
    phone = Phone(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": os.path.join(rig.dir, "soft")})
    for when in ("at first sight", "again"):
        code, out, err = phone.ask("-", text=plain())
        rig.check(code == 0 and rig.verify(out)[0] == 0, f"the simulated reader's card, {when}", err)


def body(rig):
    over_soft(rig)
    card = Card(rig, Pcscd(rig), sign_ms=150)
    rig.peer("stay", card.reader)
    phone = Phone(rig)
    answered(rig, phone, card)
    by_link(rig, phone)
    hostile(rig, phone, card)
    refusals(rig, phone, card)
    no_reader(rig, phone, card)
    killed(rig, phone, card)
    interrupted(rig, phone, card)
    signed(rig, card)
    card.remove()


if __name__ == "__main__":
    main(body)
