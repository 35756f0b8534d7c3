#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""keys.py BUILD: mohr.Keys over Debian's pcscd, for a staff card and a citizen's: what is listed, what is signed, what is refused.

What was signed is judged by openssl with the certificate that was listed. What the card was asked is read from the card, what
the holder was shown from the script that stands for pinentry.
"""
import base64
import hashlib
import json
import os
import struct
import subprocess
import urllib.parse

from lib import AUDIENCE, NONCE, PIN, Card, Connection, Daemon, Pcscd, main, wait_for
from rows import History
from shaped import described

WRONG = "31415926"
UI = {"display": ":mohr-test", "language": "en"}
ASSERTING = {"rsa2048": ["SHA256-RSA-PKCS"], "p256": ["ECDSA-SHA256"], "p384": ["ECDSA-SHA384"]}
FREE_DATA = {"rsa": {f"SHA{bits}-RSA-{how}" for bits in (256, 384, 512) for how in ("PKCS", "PSS")},
             "ec": {"ECDSA-SHA256", "ECDSA-SHA384"}}
FREE_HASH = {"rsa": {"RSA-PKCS", "RSA-PSS"}, "ec": {"ECDSA"}}
WARM = {"rsa2048": 6, "p256": 4, "p384": 4}  # commands for a key that signed before
# what happens to the card or to its answers while 9A signs, and the errors that are right then
BROKEN = [
    ("gone at the signature", "removal@authenticate", {"CardRemoved"}),
    ("gone while VERIFY is answered", "removal@verify:lost", {"CardRemoved"}),
    ("rubbish for a signature", "garbage@authenticate", {"CardNotSupported", "NoStandardSignature"}),
    ("an unknown word after VERIFY", "wrong-sw=6F00@verify", {"CardNotSupported"}),
]
INFO = {"sha256": "3031300d060960864801650304020105000420", "sha384": "3041300d060960864801650304020205000430",
        "sha512": "3051300d060960864801650304020305000440"}
TLS = b" " * 64 + b"TLS 1.3, client CertificateVerify\0"
DATA = b"any words that a program likes"


# ---- what an app may hand in ----------------------------------------------------------------------

def string(data):
    return struct.pack(">I", len(data)) + data


def der(tag, *parts):
    content = b"".join(parts)
    size = len(content)
    head = bytes([size]) if size < 128 else bytes([0x81, size]) if size < 256 else b"\x82" + struct.pack(">H", size)
    return bytes([tag]) + head + content


def attribute(last, value):
    return der(0x30, bytes.fromhex("06092a864886f70d0109") + bytes([last]), der(0x31, value))


def cms(digest, *more):
    kind = attribute(3, bytes.fromhex("06092a864886f70d010701"))
    return der(0x31, *sorted([kind, attribute(4, der(0x04, digest)), *more]))


def ssh(blob, way, user=b"sara", bound=None):
    method = b"publickey-hostbound-v00@openssh.com" if bound else b"publickey"
    return (string(b"\7" * 32) + b"\x32" + string(user) + string(b"ssh-connection") + string(method) + b"\1" + string(way)
            + string(blob) + (string(bound) if bound else b""))


def tls(bits=256):
    return TLS + hashlib.new(f"sha{bits}", b"a handshake").digest()


def ssh_blob(rig, key):
    """The key in SSH's writing, by ssh-keygen and not by us."""
    path = os.path.join(rig.dir, "key.pub.pem")
    with open(path, "wb") as file:
        file.write(public_key(rig, key))
    told = subprocess.run(["ssh-keygen", "-i", "-m", "PKCS8", "-f", path], capture_output=True, text=True, check=True).stdout
    return base64.b64decode(told.split()[1])


def public_key(rig, key):
    return subprocess.run(["openssl", "x509", "-inform", "DER", "-pubkey", "-noout"], input=base64.b64decode(key["certificate"]),
                          capture_output=True, check=True, cwd=rig.dir).stdout


# ---- a world --------------------------------------------------------------------------------------

class World:
    def __init__(self, rig):
        self.rig, self.pcscd = rig, Pcscd(rig, readers=2)

    def daemon(self, **sections):
        return Daemon(self.rig, trust={"staff_anchors": os.path.join(self.rig.pki, "staff-ca.pem")}, **sections)

    def card(self, daemon, profile="piv", **options):
        card = Card(self.rig, self.pcscd, profile, **options)
        daemon.wait_state(card.reader, "card")
        return card


class App:
    """A program that uses keys: one connection, as a PKCS#11 module has."""

    def __init__(self, rig, daemon, card):
        self.rig, self.card, self.connection = rig, card, Connection(daemon.socket, 90)

    def list(self, **more):
        """(error or None, reply)"""
        return self.connection.send("mohr.Keys.List", {"reader": self.card.reader, "ui": UI, **more}).receive()[:2]

    def asked(self, listed, use, mechanism, data, **more):
        key = [key for key in listed["keys"] if key["use"] == use][0]
        return {"reader": self.card.reader, "card": listed["card"], "key": key["id"], "mechanism": mechanism,
                "data": base64.b64encode(data).decode(), "ui": UI, **more}

    def sign(self, listed, use, mechanism, data, **more):
        """(error name or None, signature or the error's members)"""
        error, reply = self.connection.send("mohr.Keys.Sign", self.asked(listed, use, mechanism, data, **more)).receive()[:2]
        return (error.rsplit(".", 1)[1], reply) if error else (None, base64.b64decode(reply["signature"]))

    def close(self):
        self.connection.close()


def shown(daemon):
    return urllib.parse.unquote("\n".join(daemon.prompts()))


def judged(rig, key, mechanism, data, signature, digest="sha256", salt=None):
    """Whether openssl takes this for the key's signature. data: what was handed in."""
    with open(os.path.join(rig.dir, "judge.pem"), "wb") as file:
        file.write(public_key(rig, key))
    if key["key_type"] == "ec":
        half = len(signature) // 2
        numbers = [signature[:half].lstrip(b"\0"), signature[half:].lstrip(b"\0")]
        signature = der(0x30, *(der(0x02, b"\0" * (number[0] >> 7) + number) for number in numbers))
    hashed = mechanism.startswith("SHA") or "-SHA" in mechanism
    name = next((f"sha{bits}" for bits in ("256", "384", "512") if f"SHA{bits}" in mechanism), digest)
    options = []
    if "PSS" in mechanism:
        options = ["rsa_padding_mode:pss", f"digest:{name}", f"rsa_pss_saltlen:{hashlib.new(name).digest_size if salt is None else salt}"]
    elif hashed:
        options = [f"digest:{name}"]
    for file, what in (("judge.data", hashlib.new(name, data).digest() if hashed else data), ("judge.sig", signature)):
        with open(os.path.join(rig.dir, file), "wb") as written:
            written.write(what)
    if mechanism == "RSA-PKCS":  # openssl takes no block of this length for a digest: it gives back what was padded
        done = subprocess.run(["openssl", "pkeyutl", "-verifyrecover", "-pubin", "-inkey", "judge.pem", "-in", "judge.sig"],
                              capture_output=True, cwd=rig.dir, check=False)
        return done.returncode == 0 and done.stdout == data
    words = [word for option in options for word in ("-pkeyopt", option)]
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "judge.pem", "-in", "judge.data", "-sigfile", "judge.sig",
                           *words], capture_output=True, text=True, cwd=rig.dir, check=False)
    return done.returncode == 0


def listed(world, app, what):
    error, reply = app.list()
    world.rig.check(not error, f"{what}: the keys are listed", (error, reply))
    return reply


# ---- listing --------------------------------------------------------------------------------------

def staff_list(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p384")
    app = App(rig, daemon, card)
    reply = listed(world, app, "a staff card")
    prompt = shown(daemon)
    rig.check("CONFIRM" in prompt and "GETPIN" not in prompt, "one question, and no PIN", prompt)
    uses = {key["use"]: key for key in reply["keys"]}
    rig.check(set(uses) == {"signature", "authentication"} and reply["simulated"] is False, "a staff card: both keys", reply)
    signs, opens = uses["signature"], uses["authentication"]
    rig.check(signs["data_mechanisms"] == ASSERTING["p384"] and signs["hash_mechanisms"] == [] and signs["bits"] == 384,
              "the key that makes assertions is listed without a mechanism that takes a digest", signs)
    rig.check(set(opens["data_mechanisms"]) == FREE_DATA["ec"] and set(opens["hash_mechanisms"]) == FREE_HASH["ec"],
              "the authentication key has them", opens)
    again = app.list()
    rig.check(again == (None, reply) and not shown(daemon), "asked again, it is answered without a question", again)
    other = App(rig, daemon, card)
    rig.check(not other.list()[0] and "CONFIRM" in shown(daemon), "another connection is another question")
    card.remove()
    daemon.wait_state(card.reader, "empty")
    error, _ = app.list()
    rig.check(error == "mohr.Keys.NoCard", "without the card nothing is told", error)
    card.insert()
    daemon.wait_state(card.reader, "card")
    error, anew = app.list()
    rig.check(not error and anew["card"] != reply["card"] and "CONFIRM" in shown(daemon) and anew["keys"] == reply["keys"],
              "laid down again, it is asked about again, under another number", (error, anew))
    error, detail = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error == "CardChanged" and not shown(daemon), "the number that was told before is none any more", (error, detail))
    rig.check(card.pin_family() <= 3 and card.stats()["verify_commands"] == 0 and card.stats()["writes"] == 0,
              "listing costs no try and writes nothing", card.stats())
    card.remove()
    daemon.stop()


def refused_list(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    daemon.script(confirm=("no",))
    app = App(rig, daemon, card)
    error, _ = app.list()
    rig.check(error == "mohr.Keys.RefusedByPerson" and "CONFIRM" in shown(daemon), "the holder says no", error)
    app.close()
    daemon.script(confirm=("ok",))
    for what in ("the same program", "and again"):
        app = App(rig, daemon, card)
        error, detail = app.list()
        rig.check(error == "mohr.Keys.RefusedByPerson" and not shown(daemon), f"{what}: refused, and nobody is asked", (error, detail))
        app.close()
    card.remove()
    daemon.wait_state(card.reader, "empty")
    card.insert()
    daemon.wait_state(card.reader, "card")
    app = App(rig, daemon, card)
    rig.check(not app.list()[0], "with the card laid down anew the question is a new one")
    card.remove()
    daemon.stop()


def what_there_is(world):
    """Cards that lack a key, or whose keys are not what they should be."""
    rig = world.rig
    rows = [
        ("no 9A", {"piv_9a": "absent"}, {"signature"}),
        ("no 9C", {"piv_9c": "absent"}, {"authentication"}),
        ("a 9C of somebody else's CA", {"piv_leaf": "foreign", "piv_9a": "p256"}, {"authentication"}),
        ("a compressed certificate", {"piv_cert": "gzip", "piv_9a": "p256"}, {"signature", "authentication"}),
    ]
    daemon = world.daemon()
    for what, options, uses in rows:
        card = world.card(daemon, **options)
        app = App(rig, daemon, card)
        error, reply = app.list()
        got = {key["use"] for key in reply.get("keys", [])}
        rig.check(not error and got == uses, f"{what}: {' and '.join(sorted(uses))}", (error, got, reply.get("detail")))
        app.close()
        card.remove()
        daemon.wait_state(card.reader, "empty")
    daemon.stop()


# ---- signing --------------------------------------------------------------------------------------

def digest_info(name, data):
    return bytes.fromhex(INFO[name]) + hashlib.new(name, data).digest()


def free_work(algorithm):
    """(mechanism, data, more, digest and salt for the judge)"""
    if algorithm == "rsa2048":
        yield "RSA-PKCS", digest_info("sha512", DATA), {}, {}
        yield "RSA-PKCS", b"\x30" * 245, {}, {}
        yield "RSA-PSS", hashlib.sha384(DATA).digest(), {"hash": "sha384", "salt": 20}, {"digest": "sha384", "salt": 20}
        yield from ((f"SHA256-RSA-{how}", DATA, {}, {}) for how in ("PKCS", "PSS"))
        yield "SHA512-RSA-PSS", DATA, {"salt": 0}, {"salt": 0}
    else:
        yield "ECDSA", hashlib.sha256(DATA).digest(), {}, {}
        yield "ECDSA", hashlib.sha1(DATA).digest(), {}, {}
        yield "ECDSA-SHA256", DATA, {}, {}
        yield "ECDSA-SHA384", DATA, {}, {}


def free_key(world, algorithm):
    """The authentication key of a staff card, over each mechanism."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a=algorithm, piv_9c="p256")
    app = App(rig, daemon, card)
    reply = listed(world, app, f"9A, {algorithm}")
    key = [key for key in reply["keys"] if key["use"] == "authentication"][0]
    shown(daemon)
    count = 0
    for mechanism, data, more, judge in free_work(algorithm):
        before = len(card.commands())
        error, signature = app.sign(reply, "authentication", mechanism, data, **more)
        count += 1
        rig.check(not error and judged(rig, key, mechanism, data, signature, **judge),
                  f"9A, {algorithm}: {mechanism} of {len(data)} bytes is what openssl expects", (error, signature))
        asked = len(card.commands()) - before
        if count > 1:
            rig.check(asked <= WARM[algorithm], f"9A, {algorithm}: {mechanism} costs at most {WARM[algorithm]} commands", asked)
        rig.check(card.locked(), f"9A, {algorithm}: locked after {mechanism}", card.stats())
    prompt = shown(daemon)
    rig.check(prompt.count("GETPIN") == count and card.stats()["verify_commands"] == count and card.stats()["signatures"] == count,
              f"9A, {algorithm}: one PIN, one VERIFY and one signature each", card.stats())
    for mechanism, data in (("SHA1-RSA-PKCS", DATA), ("ECDSA" if algorithm == "rsa2048" else "RSA-PKCS", b"\0" * 32)):
        error, _ = app.sign(reply, "authentication", mechanism, data)
        rig.check(error == "MechanismInvalid" and not shown(daemon), f"9A, {algorithm}: {mechanism} is none of its mechanisms", error)
    too_long = b"\1" * 246 if algorithm == "rsa2048" else b"\1" * 65
    error, _ = app.sign(reply, "authentication", "RSA-PKCS" if algorithm == "rsa2048" else "ECDSA", too_long)
    rig.check(error == "MechanismInvalid" and card.stats()["verify_commands"] == count,
              f"9A, {algorithm}: {len(too_long)} bytes are too many, and no PIN is asked for", error)
    app.close()
    card.remove()
    daemon.stop()


def known_forms(rig, key):
    blob = ssh_blob(rig, key)
    way = {"rsa": b"rsa-sha2-256", 256: b"ecdsa-sha2-nistp256", 384: b"ecdsa-sha2-nistp384"}[
        "rsa" if key["key_type"] == "rsa" else key["bits"]]
    digest = hashlib.sha256(b"a document").digest()
    yield "TLS", tls(), "web server"
    yield "SSH", ssh(blob, way), "sara"
    host, told = host_key(rig)
    yield "SSH bound to a host", ssh(blob, way, bound=host), told
    yield "CMS", cms(digest), digest.hex()[:16]


def host_key(rig):
    """A host's key in SSH's writing, and what people know it by, both by ssh-keygen."""
    path = os.path.join(rig.dir, "host_key")
    if not os.path.exists(path):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    told = subprocess.run(["ssh-keygen", "-l", "-f", path + ".pub"], capture_output=True, text=True, check=True).stdout
    with open(path + ".pub", encoding="ascii") as file:
        return base64.b64decode(file.read().split()[1]), told.split()[1]


def forgeries(key_blob, other_blob, way):
    """What comes near, and what makes something else of it."""
    digest, sub = hashlib.sha256(b"x").digest(), bytes.fromhex("060b2a864886f70d0109100210")
    jws = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in
                    ({"alg": "ES256", "typ": "mohr-staff+jwt"}, {"aud": AUDIENCE, "nonce": NONCE, "iss": "urn:mohr:staff-card"}))
    return {
        "an assertion": jws,
        "an assertion behind the spaces of TLS": b" " * 64 + jws,
        "an assertion as the digest of TLS": TLS + jws,
        "the server's part of TLS 1.3": b" " * 64 + b"TLS 1.3, server CertificateVerify\0" + digest,
        "a TLS message with a byte more": tls() + b"\0",
        "a login with another key": ssh(other_blob, way),
        "a login with words behind it": ssh(key_blob, way) + b"x",
        "a login for another service": ssh(key_blob, way).replace(b"ssh-connection", b"ssh-userauth-2"),
        "a login without the bit that signs": ssh(key_blob, way).replace(b"publickey\1", b"publickey\0"),
        "a login bound to no key": ssh(key_blob, way, bound=b"a host"),
        "a login with a name that nobody can read": ssh(key_blob, way, user=b"sara\x1b[2J"),
        "CMS attributes with a commitment": cms(digest, der(0x30, sub, der(0x31, der(0x30)))),
        "CMS attributes of another content": cms(digest).replace(b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"),
        "CMS attributes without a digest": der(0x31, attribute(3, bytes.fromhex("06092a864886f70d010701"))),
        "CMS attributes and an assertion": cms(digest) + jws,
        "words": DATA,
        "nothing": b"",
        "a digest": digest,
        "8192 bytes": b"A" * 8192,
    }


def asserting_key(world, what, profile, options, use="signature", warm=None):
    """A key that makes assertions: what it signs, and what nobody is even asked about."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, profile, **options)
    app = App(rig, daemon, card)
    reply = listed(world, app, what)
    key = [key for key in reply["keys"] if key["use"] == use][0]
    mechanism = key["data_mechanisms"][0]
    rig.check(key["hash_mechanisms"] == [] and len(key["data_mechanisms"]) == 1, f"{what}: no mechanism that takes a digest", key)
    shown(daemon)
    done = 0
    for name, data, words in known_forms(rig, key):
        error, signature = app.sign(reply, use, mechanism, data)
        done += not error
        prompt = shown(daemon)
        rig.check(not error and judged(rig, key, mechanism, data, signature), f"{what}: {name} is signed", (error, signature))
        rig.check(words in prompt.replace(" ", "").replace("\u00a0", "") or words in prompt, f"{what}: {name} is said in the prompt", prompt)
    way = b"rsa-sha2-256" if key["key_type"] == "rsa" else b"ecdsa-sha2-nistp%d" % key["bits"]
    mine = ssh_blob(rig, key)
    other = mine[:-1] + bytes([mine[-1] ^ 1])
    for name, data in forgeries(mine, other, way).items():
        error, detail = app.sign(reply, use, mechanism, data)
        rig.check(error == "NotRecognised", f"{what}: {name} is not recognised", (error, detail))
    for other in ("RSA-PKCS", "RSA-PSS", "ECDSA", "SHA512-RSA-PKCS", "SHA256-RSA-PSS", "ECDSA-SHA384", "ECDSA-SHA256", "SHA256-RSA-PKCS"):
        if other == mechanism:
            continue
        more = {"hash": "sha256"} if other == "RSA-PSS" else {}
        error, detail = app.sign(reply, use, other, tls() if "SHA" in other else hashlib.sha256(DATA).digest(), **more)
        rig.check(error == "MechanismInvalid", f"{what}: {other} is not for it", (error, detail))
    rig.check(not shown(daemon) and card.stats()["signatures"] == done and card.stats()["verify_commands"] == done,
              f"{what}: of all that nobody was asked, and no key signed", card.stats())
    app.close()
    card.remove()
    daemon.stop()


# ---- PINs, cards, apps ----------------------------------------------------------------------------

def pins(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    app = App(rig, daemon, card)
    reply = listed(world, app, "for its PIN")
    daemon.script(getpin=(WRONG,))
    for left in (2, 1):
        error, detail = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
        rig.check(error == "WrongPin" and detail.get("tries_left") == left, f"a wrong PIN tells that {left} tries are left", (error, detail))
    daemon.script(getpin=(PIN,), confirm=("no",))
    error, _ = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error in ("LastTryDeclined", "RefusedByPerson") and card.stats()["verify_commands"] == 2, "the last try is the holder's to give", error)
    daemon.script(getpin=(PIN,), confirm=("ok",))
    error, _ = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(not error, "the last try, agreed to", error)
    daemon.script(getpin=("cancel",))
    error, _ = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error == "RefusedByPerson" and card.stats()["verify_commands"] == 3, "who closes the prompt has refused", error)
    card.remove()
    daemon.stop()


def broken(world, row):
    rig, (what, fault, errors), daemon = world.rig, row, world.daemon(card={"timeout_ms": "20000"})  # none of them is about time
    card = world.card(daemon, piv_9a="p256", piv_9c="p256", fault=fault, slot=1)
    app = App(rig, daemon, card)
    reply = listed(world, app, what)
    error, detail = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error in errors and card.stats().get("verify_commands", 0) <= 1, f"{what}: a typed answer and no second VERIFY",
              (error, detail, card.stats()))
    card.remove()
    daemon.stop()


def swapped(world):
    """The card is another one, or gone and back, when Sign comes."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    app = App(rig, daemon, card)
    reply = listed(world, app, "before the swap")
    shown(daemon)
    card.remove()
    daemon.wait_state(card.reader, "empty")
    other = world.card(daemon, piv_9a="p384", piv_9c="p384")
    error, _ = app.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error == "CardChanged" and not shown(daemon) and other.pin_family() == 0, "another card lies there: CardChanged, and nobody is asked", error)
    _, anew = app.list()
    shown(daemon)
    wrong = {**anew, "keys": reply["keys"]}
    error, detail = app.sign(wrong, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error == "InvalidParameter" and detail == {"parameter": "key"}, "a key of the card before is none of this one", (error, detail))
    error, _ = app.sign({**anew, "card": "0" * 32}, "authentication", "ECDSA-SHA256", DATA)
    rig.check(error == "CardChanged", "a number that was never given", error)
    other.remove()
    daemon.stop()


def two_apps(world):
    """Both ask at once: one prompt after the other, and each gets its own signature."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    apps = [App(rig, daemon, card) for _ in range(2)]
    replies = [listed(world, app, f"app {number}") for number, app in enumerate(apps, 1)]
    data = [DATA + bytes([number]) for number in range(2)]
    for app, reply, text in zip(apps, replies, data):
        app.connection.send("mohr.Keys.Sign", app.asked(reply, "authentication", "ECDSA-SHA256", text))
    answers = [app.connection.receive()[:2] for app in apps]
    key = [key for key in replies[0]["keys"] if key["use"] == "authentication"][0]
    for number, ((error, reply), text) in enumerate(zip(answers, data), 1):
        good = not error and judged(rig, key, "ECDSA-SHA256", text, base64.b64decode(reply["signature"]))
        rig.check(good, f"two at once: app {number} has its signature", (error, reply))
    rig.check(card.stats()["verify_commands"] == 2, "two at once: a PIN for each", card.stats())
    card.remove()
    daemon.stop()


def gone(world):
    """A program that ends while the holder is asked, and one whose time is over: the prompt goes, nothing was sent, others go on."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    app, other = App(rig, daemon, card), App(rig, daemon, card)
    reply = listed(world, app, "before it ends")
    listed(world, other, "beside it")
    shown(daemon)
    daemon.script(getpin=("hang",))
    app.connection.send("mohr.Keys.Sign", app.asked(reply, "authentication", "ECDSA-SHA256", DATA))
    rig.check(wait_for(lambda: "GETPIN" in shown(daemon)), "the holder is being asked")
    daemon.script(getpin=(PIN,))
    other.connection.send("mohr.Keys.Sign", other.asked(reply, "authentication", "ECDSA-SHA256", DATA))  # it waits
    app.close()
    error, got, _ = other.connection.receive()
    rig.check(not error and card.stats()["verify_commands"] == 1 and card.stats()["signatures"] == 1,
              "who hangs up has nothing signed, and who waited has its turn", (error, got, card.stats()))
    daemon.script(getpin=("hang",))
    daemon.wait_state(card.reader, "card")  # or the time is over before its turn comes, which is another answer
    error, _ = other.sign(reply, "authentication", "ECDSA-SHA256", DATA, timeout_ms=1000)
    rig.check(error == "TimedOut" and card.stats()["verify_commands"] == 1, "a time that is over ends the prompt", error)
    daemon.script(getpin=(PIN,))
    error, _ = other.sign(reply, "authentication", "ECDSA-SHA256", DATA)
    rig.check(not error, "and the next one is served", error)
    card.remove()
    daemon.stop()


def shapes(world):
    """Parameters out of their bounds are named, and nobody is asked."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="rsa2048", piv_9c="p256")
    app = App(rig, daemon, card)
    reply = listed(world, app, "for its bounds")
    shown(daemon)
    good = app.asked(reply, "authentication", "RSA-PSS", b"\0" * 32, hash="sha256")
    rows = [("reader", ""), ("reader", None), ("card", "x" * 33), ("key", "0" * 40), ("key", ""), ("data", "AAA"), ("data", "A A="),
            ("data", "AB=="), ("data", "A" * 10928), ("hash", "sha1"), ("hash", None), ("salt", -1), ("salt", 223), ("mechanism", ""),
            ("timeout_ms", 0), ("pin", PIN), ("digest", "00"), ("ui", {"tty": "/dev/null/x"})]
    for name, value in rows:
        error, detail, _ = app.connection.send("mohr.Keys.Sign", {**good, name: value}).receive()
        rig.check(error == "org.varlink.service.InvalidParameter" and detail["parameter"].startswith(name),
                  f"{name} as {str(value)[:12]!r} is refused by its name", (error, detail))
    for name, value in (("reader", None), ("card", "x"), ("timeout_ms", 600001)):
        error, detail, _ = app.connection.send("mohr.Keys.List", {"reader": card.reader, name: value}).receive()
        rig.check(error == "org.varlink.service.InvalidParameter" and detail == {"parameter": name}, f"List: so is {name}", (error, detail))
    error, _ = app.list(reader="no such reader")
    rig.check(error == "mohr.Keys.NoReader", "a reader that is not there", error)
    rig.check(not shown(daemon) and card.stats()["verify_commands"] == 0, "of all that nobody was asked", card.stats())
    card.remove()
    daemon.stop()


def history(world):
    """What was listed and signed is written down, by kind and key, before the holder was asked."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    app = App(rig, daemon, card)
    reply = listed(world, app, "for the history")
    app.list()
    blob = ssh_blob(rig, [key for key in reply["keys"] if key["use"] == "signature"][0])
    digest = hashlib.sha256(b"a document").digest()
    signatures = [app.sign(reply, "signature", "ECDSA-SHA256", data)[1] for data in (tls(), ssh(blob, b"ecdsa-sha2-nistp256"), cms(digest))]
    signatures.append(app.sign(reply, "authentication", "ECDSA", digest)[1])
    app.sign(reply, "signature", "ECDSA-SHA256", DATA)  # refused before anything: no row
    kept = History(daemon.state)
    asked = [row for row in kept.bodies if row["event"] == "asked"]
    ended = [row for row in kept.bodies if row["event"] == "ended"]
    rig.check([(row["method"], row.get("key"), row.get("content")) for row in asked] ==
              [("ShowCertificates", "authentication", None), ("UseKey", "signature", "tls"), ("UseKey", "signature", "ssh"),
               ("UseKey", "signature", "attributes"), ("UseKey", "authentication", "raw")],
              "each question is a row, by method, key and content; an answer from memory is none", asked)
    rig.check([row.get("signature") for row in ended[1:]] == [hashlib.sha256(signature).hexdigest() for signature in signatures],
              "and each signature's digest is with its end", ended)
    rig.check(not kept.broken(), "the chain holds", kept.broken())
    card.remove()
    daemon.wait_state(card.reader, "empty")
    citizen = world.card(daemon, "mav2-cl")
    listed(world, App(rig, daemon, citizen), "a citizen's, for the history")
    last = [row for row in History(daemon.state).bodies if row["event"] == "asked"][-1]
    rig.check((last["method"], last["key"]) == ("ShowCertificates", "signature"), "a citizen's one key is that of signatures there", last)
    citizen.remove()
    daemon.stop()


def limits(world):
    """A program that asks again and again on new connections is stopped as one that asks for assertions is."""
    rig, daemon = world.rig, world.daemon(limits={"app_per_hour": "3"})
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    errors = []
    for _ in range(5):
        app = App(rig, daemon, card)
        errors.append(app.list()[0])
        app.close()
    rig.check(errors == [None] * 3 + ["mohr.Keys.RefusedByPolicy"] * 2 and shown(daemon).count("CONFIRM") == 3,
              "three questions an hour are three, on however many connections", errors)
    card.remove()
    daemon.stop()


# ---- raw_hash -------------------------------------------------------------------------------------

def raw(world, profile, word, options, mechanism, data):
    """Root lets the key of assertions sign what apps hashed: then that is all it does."""
    rig, daemon = world.rig, world.daemon(keys={"raw_hash": word})
    card = world.card(daemon, profile, **options)
    app = App(rig, daemon, card)
    reply = listed(world, app, f"raw_hash = {word}")
    key = [key for key in reply["keys"] if key["use"] == "signature"][0]
    rig.check(mechanism in key["hash_mechanisms"], f"raw_hash = {word}: the key has {mechanism}", key)
    error, signature = app.sign(reply, "signature", mechanism, data)
    rig.check(not error and judged(rig, key, mechanism, data, signature), f"raw_hash = {word}: and signs by it", (error, signature))
    before = card.stats()["verify_commands"]
    shown(daemon)
    code, out, err = rig.mohr(daemon, "doctor", "--card", "--json", "--reader", card.reader)
    rig.check(code == 16 and json.loads(out).get("verdict") == "keys_only", f"raw_hash = {word}: mohr doctor says so", f"{code} {out} {err}")
    error, _ = described(daemon, rig, card.reader, b"a contract", "cms")
    rig.check(error == "mohr.Documents.RefusedByPolicy", f"raw_hash = {word}: no document is signed", error)
    code, _, err = rig.assert_(daemon, card.reader)
    rig.check(code == 16 and "raw_hash" in err and not shown(daemon) and card.stats()["verify_commands"] == before,
              f"raw_hash = {word}: no assertion any more, which is said", f"{code} {err}")
    card.remove()
    daemon.stop()


def body(rig):
    world = World(rig)
    cases = [lambda run=run: run(world) for run in (staff_list, refused_list, what_there_is, pins, swapped, two_apps, gone, shapes, history, limits)]
    cases += [lambda row=row: broken(world, row) for row in rig.few(BROKEN, 2)]
    some = rig.few(WARM, 2)
    cases += [lambda a=a: free_key(world, a) for a in some]
    cases += [lambda a=a: asserting_key(world, f"9C, {a}", "piv", {"piv_9c": a, "piv_9a": "p256"}) for a in some]
    cases += [lambda: asserting_key(world, "a national card", "mav2-cl", {})]
    cases += [lambda: raw(world, "piv", "piv-signature", {"piv_9c": "rsa2048", "monitored": False}, "RSA-PKCS", digest_info("sha512", DATA)),
              lambda: raw(world, "mav2-cl", "national", {}, "RSA-PKCS", digest_info("sha256", DATA))]
    for case in rig.mine(cases):
        case()
    world.pcscd.stop()


if __name__ == "__main__":
    main(body, workers=4)
