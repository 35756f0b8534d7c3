# SPDX-License-Identifier: Apache-2.0
"""shaped.py: an app that wants an assertion from whatever else signs: mohr.Keys by each mechanism, mohr.Documents by a document.

It has an honest assertion to copy from, and puts into it what it likes. Whatever comes back as a signature is tried with
everything that it wanted signed, by `mohr verify` with all anchors. Part of forged.py.
"""
import base64
import hashlib
import json
import os
import socket
import tempfile

from lib import AUDIENCE, Connection

LIST, SIGN = "mohr.Keys.List", "mohr.Keys.Sign"
TRIED = {LIST, SIGN, "mohr.Documents.Add", "mohr.Documents.Sign", "mohr.Documents.Remove"}
MECHANISMS = ["RSA-PKCS", "RSA-PSS", "ECDSA", "ECDSA-SHA256", "ECDSA-SHA384",
              *(f"SHA{bits}-RSA-{how}" for bits in (256, 384, 512) for how in ("PKCS", "PSS"))]
INFO = bytes.fromhex("3031300d060960864801650304020105000420")
WANTED = "a-nonce-of-the-apps"
UI = {"display": ":mohr-test", "language": "en"}


def enclosed(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(assertion):
    return [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in assertion.split(".")[:2]]


def inputs(honest, key):
    """What would be an assertion with this key's signature, if it were made: {what: text}."""
    header, payload = parts(honest)
    payload = {**payload, "nonce": WANTED}
    algorithm = {"rsa": ["RS256", "PS256"], "ec": ["ES256", "ES384"]}[key["key_type"]]
    found = {}
    for name in algorithm:
        for whose, chain, use in (("the certificate of the assertion", header["x5c"], payload["key_use"]),
                                  ("the key's own certificate", [key["certificate"], *header["x5c"][1:]], payload["key_use"]),
                                  ("its own certificate, and saying so", [key["certificate"], *header["x5c"][1:]], "authentication")):
            text = [json.dumps(part, separators=(",", ":")).encode() for part in ({**header, "alg": name, "x5c": chain}, {**payload, "key_use": use})]
            found[f"{name} with {whose}"] = ".".join(map(enclosed, text))
    return found


def handed_in(text):
    """All ways to put it before a key."""
    data = text.encode()
    digests = [hashlib.new(name, data).digest() for name in ("sha256", "sha384")]
    spaces = b" " * 64 + b"TLS 1.3, client CertificateVerify\0"
    yield from (data, *digests, INFO + digests[0], spaces + digests[0], spaces + data, spaces[64:] + data, data + b"\0")


def recognised(text):
    """What such a key does sign, around the digest of an assertion."""
    from keys import TLS, attribute, cms, der  # which itself begins with this file
    digest = hashlib.sha256(text.encode()).digest()
    yield from (TLS + digest, cms(digest), cms(digest, attribute(5, der(0x17, b"261122120000Z"))))


def signatures(world, connection, listed, key, texts, ways=None):
    """Every signature that the daemon can be brought to make, and how often it was refused."""
    made, refused = set(), 0
    for text in texts:
        for mechanism in MECHANISMS:
            hashed = "SHA" in mechanism
            for data in ways(text) if ways else (text.encode(),) if hashed else list(handed_in(text))[1:4]:
                parameters = {"reader": world.card.reader, "card": listed["card"], "key": key["id"], "mechanism": mechanism, "ui": UI,
                              "data": base64.b64encode(data).decode(), **({"hash": "sha256"} if mechanism == "RSA-PSS" else {})}
                error, reply = connection.send(SIGN, parameters).receive()[:2]
                refused += bool(error)
                if not error:
                    made.add(base64.b64decode(reply["signature"]))
    return made, refused


def assertions(world, made, texts, nonce=WANTED):
    """Those that a verifier takes, of all combinations; why the others are none is its business."""
    anchors = ["--trust", world.rig.root, "--staff-anchors", os.path.join(world.rig.pki, "staff-ca.pem")]
    tries = world.rig.few([(text, signature) for text in list(texts)[::2] for signature in made], 7)
    return [(text[:60], signature.hex()[:16]) for text, signature in tries
            if world.rig.mohr(None, "verify", *anchors, "--audience", AUDIENCE, "--nonce", nonce, "-",
                              text=f"{text}.{enclosed(signature)}")[0] == 0]


def by_keys(world, honest):
    connection = Connection(world.daemon.socket)
    error, listed = connection.send(LIST, {"reader": world.card.reader, "ui": UI}).receive()[:2]
    if not world.check(not error, "the card's keys are listed", (error, listed)):
        return
    for key in listed["keys"]:
        texts = inputs(honest, key)
        made, refused = signatures(world, connection, listed, key, list(texts.values())[::2])
        whose = f"the key of {key['use']}s"
        if key["use"] == "signature":
            world.check(not made and refused, f"{whose} signs nothing of the shape of an assertion, by any mechanism", len(made))
            made = signatures(world, connection, listed, key, list(texts.values())[:1], recognised)[0]
            world.check(made, f"{whose} signs what is recognised around an assertion's digest")
        else:
            world.check(made, f"{whose} signs what it is given", refused)
        taken = assertions(world, made, texts.values())
        world.check(not taken, f"{whose}: no verifier takes any of it for an assertion", taken)
    connection.close()


def described(daemon, rig, reader, content, form):
    """The signed document, or the error: Add with two descriptors, and Sign."""
    connection = Connection(daemon.socket)
    with tempfile.TemporaryFile(dir=rig.dir) as source, tempfile.TemporaryFile(dir=rig.dir) as result:
        source.write(content)
        source.flush()
        frame = {"method": "mohr.Documents.Add", "parameters": {"name": "contract.json", "form": form}}
        socket.send_fds(connection.socket, [json.dumps(frame).encode() + b"\0"], [source.fileno(), result.fileno()])
        error, added, _ = connection.receive()
        if not error:
            error, added, _ = connection.send("mohr.Documents.Sign", {"documents": [added["document"]], "reader": reader, "ui": UI}).receive()
        result.seek(0)
        return error, result.read()


def by_documents(world, honest):
    anchors = ["--trust", world.rig.root, "--staff-anchors", os.path.join(world.rig.pki, "staff-ca.pem")]
    header, payload = parts(honest)
    start, taken, made = honest.rsplit(".", 1)[0], [], 0
    for content in ({**payload, "nonce": WANTED}, payload, header):
        error, signed = described(world.daemon, world.rig, world.card.reader, json.dumps(content).encode(), "jws")
        made += not error
        own, _, signature = signed.decode().rpartition(".")
        for text in (own, start, f"{start.split('.')[0]}.{own.rpartition('.')[2]}"):
            for nonce in (WANTED, payload["nonce"]):
                code, out, _ = world.rig.mohr(None, "verify", "--json", *anchors, "--audience", AUDIENCE, "--nonce", nonce, "-",
                                              text=f"{text}.{signature}")
                taken += [(content, out)] if code == 0 and json.loads(out).get("nonce") else []
    world.check(made == 3, "an assertion's parts are signed as documents, like any others", made)
    world.check(not taken, "and no verifier takes one of these for an assertion", taken)
    by_cms(world, header, {**payload, "nonce": WANTED})


def by_cms(world, header, payload):
    """What the chip would sign of an assertion, byte for byte, as a document: the attributes around it are signed, and not it."""
    text = ".".join(enclosed(json.dumps(part, separators=(",", ":")).encode()) for part in (header, payload))
    made = [described(world.daemon, world.rig, world.card.reader, text.encode(), form) for form in ("cms", "cms-attached")]
    world.check([error for error, _ in made] == [None, None], "an assertion's signing input is signed as a document, like any other", made)
    taken = assertions(world, {signed[-256:] for _, signed in made}, [text])  # RSA's signature is the end of such a file
    world.check(not taken, "and what the chip made of it is no signature of that text", taken)


def everything(world):
    error, reply = world.ask("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": "an-honest-nonce", "reader": world.card.reader, "ui": UI})
    if world.check(not error, "an honest assertion to begin with", (error, reply)):
        by_keys(world, reply["assertion"])
        by_documents(world, reply["assertion"])
