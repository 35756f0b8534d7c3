#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""relying.py BUILD: a relying party's signed request, made by docs/request/sign_request.py, from the server to the card.

The anchors' file is read as root's, so everything but the refusal without one needs root.
"""
import base64
import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time

import lib
from lib import PIN, TREE, Daemon, main

READER, ISS, NONCE = "Simulated reader (SIMULATED CARD)", "https://bank.example/login", "n0nce-of-the-bank"
OPENSSL = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "30"]


def make_bank(folder):
    """An authority and a bank under it, as docs/relying-parties.md makes them."""
    def run(name, subject, *more):
        subprocess.run([*OPENSSL, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", subject, *more], cwd=folder, check=True,
                       capture_output=True)
    run("ca", "/C=IR/O=Specimen/CN=TEST CA, NOT GENUINE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    run("bank", "/C=IR/O=Specimen Bank/CN=Specimen Bank", "-CA", "ca.pem", "-CAkey", "ca.key", "-addext",
        "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=critical,digitalSignature", "-addext",
        "subjectAltName=DNS:bank.example")


class Bank:
    def __init__(self, folder):
        spec = importlib.util.spec_from_file_location("sign_request", os.path.join(TREE, "docs/request/sign_request.py"))
        self.recipe = importlib.util.module_from_spec(spec)
        sys.dont_write_bytecode = True
        spec.loader.exec_module(self.recipe)
        with open(os.path.join(folder, "bank.key"), "rb") as key, open(os.path.join(folder, "bank.pem"), "rb") as cert:
            self.key = self.recipe.serialization.load_pem_private_key(key.read(), None)
            self.chain = [self.recipe.x509.load_pem_x509_certificate(cert.read())]

    def asks(self, iss=ISS, nonce=NONCE, **more):
        return self.recipe.request(self.key, self.chain, iss, nonce, **more)


def soft(rig, **sections):
    state = os.path.join(rig.dir, f"soft-{len(rig.processes)}")
    return Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": state}, **sections)


def payload(assertion):
    text = assertion.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def ask(rig, daemon, request, *words):
    path = os.path.join(rig.dir, "request.jws")
    with open(path, "w", encoding="ascii") as file:
        file.write(request + "\n")
    return rig.mohr(daemon, "assert", "--signed-request", path, "--timeout", "120", *words)


def answered(rig, daemon, bank):
    code, out, err = ask(rig, daemon, bank.asks(purpose="Opening an account", claims={"required": ["card_expiry"], "optional": ["reader"]}))
    said = "\n".join(daemon.prompts())
    if not rig.check(code == 0, "a signed request is answered", err):
        return
    told = payload(out)
    rig.check((told["aud"], told["nonce"], told.get("purpose")) == (ISS, NONCE, "Opening an account"),
              "the assertion is for whom it says, and for nothing that the caller said", told)
    rig.check("expiry" in told["card"] and "generation" not in told["card"], "it holds the claims that were asked for and no others", told)
    rig.check("Specimen Bank" in said and "erified" in said, "the holder was shown the organisation as verified", said)
    code, out, err = rig.mohr(None, "verify", "--trust", rig.root, "--audience", ISS, "--nonce", NONCE, "-", text=out)
    rig.check(code == 0, "the bank can check it", err)
    daemon.request(READER)
    said = "\n".join(daemon.prompts())
    rig.check("Specimen Bank" not in said and "nverified" in said, "without a signature the same prompt says unverified", said)


def named(rig, daemon):
    """Claims that an app names itself, at the command line."""
    for words, there in ((("--claims", "none"), set()), (("--claims", "reader"), {"reader"}),
                         (("--require", "card_expiry,card_generation", "--claims", "station"), {"expiry", "generation"}),
                         ((), {"expiry", "generation", "reader"})):
        code, out, err = rig.assert_(daemon, READER) if not words else rig.mohr(
            daemon, "assert", "--audience", lib.AUDIENCE, "--nonce", lib.NONCE, "--reader", READER, *words)
        told = payload(out) if code == 0 else {"card": {}, "station": {}}
        found = {name for name in ("expiry", "generation") if name in told["card"]} | ({"reader"} & set(told["station"]))
        rig.check(code == 0 and found == there, f"{' '.join(words) or 'without names of claims'}: {', '.join(sorted(there)) or 'nothing'} beside the certificate",
                  (found, err))


def at_once(rig, daemon, bank):
    """The same request twice at the same moment."""
    request, codes = bank.asks(), []

    def one():
        error, reply = lib.call(daemon.socket, "mohr.Identity.Assert", {"signed_request": request, "ui": {"display": ":mohr-test"}})
        codes.append(error.rsplit(".", 1)[-1] if error else "Ok")
    threads = [threading.Thread(target=one) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.check(codes.count("Ok") == 1, "of one request that is brought four times at once one is answered", codes)


def refused(rig, daemon, bank):
    now = int(time.time())
    good = bank.asks()
    first, _, _ = ask(rig, daemon, good)
    daemon.prompts()
    rows = (
        ("used before", good, "used before"),
        ("expired", bank.asks(now=now - 1000), "has expired"),
        ("of tomorrow", bank.asks(now=now + 86400), "of a later time"),
        ("valid for an hour", bank.asks(life=3600), "ten minutes"),
        ("for an address that is not the bank's", bank.asks(iss="https://other.example"), "does not speak"),
        ("for a claim that nobody knows", bank.asks(claims={"required": ["birth_date"]}), "claims are not known"),
        ("with a member that nobody knows", bank.asks(redirect_uri="https://evil.example"), "a member that is not known"),
        ("changed on the way", good[:-8] + "AAAAAAAA", "signature does not hold"),
        ("that is none", "e30.e30.AA", "header"),
    )
    rig.check(first == 0, "the first use is answered")
    for what, request, why in rows:
        code, _, err = ask(rig, daemon, request)
        rig.check(code == 16 and why in err, f"a signed request {what} is refused, and why is told", (code, err))
    rig.check(not daemon.prompts(), "nobody was asked for any of them")
    for name, value in (("audience", ISS), ("nonce", NONCE), ("purpose", "x"), ("expect_national_number", "0012345679"), ("claims", {})):
        error, reply = lib.call(daemon.socket, "mohr.Identity.Assert", {"signed_request": bank.asks(), name: value})
        rig.check(error == "org.varlink.service.InvalidParameter", f"{name} beside it is refused", (error, reply))


def after_a_restart(rig, daemon, bank):
    """What was used is remembered on disk: before the answer, and after a no."""
    used, declined = bank.asks(), bank.asks()
    codes = [ask(rig, daemon, used)[0]]
    daemon.script(confirm=["cancel"])
    codes.append(ask(rig, daemon, declined)[0])
    daemon.process.stop(signal.SIGKILL)
    daemon.start()
    daemon.script()
    daemon.prompts()
    told = [ask(rig, daemon, request) for request in (used, declined)]
    rig.check(codes == [0, 15] and all(code == 16 and "used before" in err for code, _, err in told) and not daemon.prompts(),
              "a request that was answered or declined is a used one for the next mohrd, too", (codes, told))


def without_anchors(rig, bank):
    daemon = soft(rig)
    code, _, err = ask(rig, daemon, bank.asks())
    rig.check(code == 16 and "[relying_parties] anchors" in err, "without anchors it says who can set them", (code, err))
    code, out, _ = ask(rig, daemon, bank.asks(), "--json")
    rig.check(json.loads(out).get("detail") == "no anchors of relying parties are configured here", "and to programs what is missing", out)


def body(rig):
    make_bank(rig.dir)
    bank = Bank(rig.dir)
    without_anchors(rig, bank)
    if os.geteuid() != 0:
        rig.skip("signed requests", "anchors must be root's")
        return
    daemon = soft(rig, relying_parties={"anchors": os.path.join(rig.dir, "ca.pem")})
    answered(rig, daemon, bank)
    named(rig, daemon)
    at_once(rig, daemon, bank)
    refused(rig, daemon, bank)
    after_a_restart(rig, daemon, bank)


if __name__ == "__main__":
    main(body)
