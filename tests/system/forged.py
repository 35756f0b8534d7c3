#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""forged.py: what a key signs is what mohrd built, whatever mohrd was told.

Every method of every interface file is tried, over each driver: with members that would make another assertion (a
digest, a header, a name), with texts that want to get out of their place, with types and bytes that two
parsers would read differently. A method or parameter that this file does not know fails it. The judge is the card: it
counts its signatures, and inside the software driver a witness holds their digests; each must belong to an assertion that
was answered, says whose certificate it is, and says what the prompt had shown.

What documents and keys sign besides is tried in shaped.py.

A helper gets digests from mohrd and signs those; who starts one himself has what any program with the reader has, and
needs what it needs: the card and its PIN (forged_below.py). The ways of a phone are in forged_phone.py.
"""
import base64
import hashlib
import json
import os
import re
import subprocess
import threading
import time
import urllib.parse

import flow
import forged_below
import forged_phone
import lib
import mock
import nfc
import shaped
import usb
from interface import leaves, methods
from lib import AUDIENCE, NONCE, PIN, Connection, main

ASSERT = "mohr.Identity.Assert"
# Where a parameter's word may stand in what is signed; None: nowhere. No other word of a caller's has a place.
PLACES = {
    "audience": "aud", "nonce": "nonce", "purpose": "purpose", "reader": "station.reader", "timeout_ms": None,
    "expect_national_number": None, "claims": None, "claims.required": None, "claims.optional": None, "signed_request": None,
    "remember": None, "ui": None, "ui.tty": None, "ui.term": None, "ui.display": None,
    "ui.wayland_display": None, "ui.xauthority": None, "ui.language": None, "station": None,
    "station.operator": "station.operator", "station.branch": "station.branch", "station.device": "station.device",
    "station.case_number": "station.case_number", "station.photo_checked": "station.photo_checked",
}
# Whatever these are told, no key signs.
NEVER = {
    "mohr.Identity.Status", "mohr.Identity.Watch", "mohr.Identity.Examine", "mohr.Identity.CheckPolicy", "mohr.Identity.ListGrants",
    "mohr.Identity.RevokeGrant", "mohr.Identity.ChangePin", "mohr.Identity.UnblockPin", "mohr.Person.Serve", "mohr.Person.Answer",
    "org.varlink.service.GetInfo", "org.varlink.service.GetInterfaceDescription",
}
DIGEST = hashlib.sha256(b"somebody else signs here").hexdigest()
OTHER_PERSON = {"given_name": "Mallory", "family_name": "Forged", "card_number": "0099900991", "national_number": "0099900991"}
FORGED = {
    **OTHER_PERSON, "digest": DIGEST, "hash": DIGEST, "signing_input": "e30.e30", "payload": OTHER_PERSON, "claims": OTHER_PERSON,
    "extra": OTHER_PERSON, "header": {"alg": "none"}, "alg": "none", "typ": "JWT", "x5c": ["TUlJ"], "jwk": {"kty": "oct"},
    "kid": "0", "crit": [], "ver": 9, "iss": "urn:mohr:staff-card", "sub": "A" * 43, "aud": "https://evil.example", "iat": 1,
    "exp": 99999999999, "nbf": 1, "jti": "0" * 32, "acr": "urn:oid:2.16.364.101.1.1.1.4", "amr": ["fpt"], "auth_time": 1,
    "national_number_match": "yes", "national_number_basis": "confirmed", "key_use": "authentication", "card": {"simulated": False},
    "clock": {"synchronised": True}, "key": 1, "method": 2, "pin": PIN, "app": "/usr/bin/bank", "organization": "The Bank",
    "software": "other 9.9", "pin_entry": "pinpad", "request_id": "0" * 32, "phase": "sign", "assertion": "e30.e30.AA",
}
GOOD = {"audience": AUDIENCE, "nonce": NONCE, "purpose": "an account", "ui": {"display": ":mohr-test", "language": "en"}}
TYPES = ("x", 1, -1, 1e300, True, [], ["x"], {}, {"x": 1}, [[[[]]]])
OUT = '","given_name":"Mallory","aud":"https://evil.example","x":"'
IDENTITY = ("iss", "sub", "given_name", "family_name", "card_number", "national_number")


def plain(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def only_once(pairs):
    """A JSON object whose members each stand there once."""
    assert len(dict(pairs)) == len(pairs), pairs
    return dict(pairs)


def opened(assertion):
    return [json.loads(plain(part), object_pairs_hook=only_once) for part in assertion.split(".")[:2]]


def paths(value, path=""):
    """(path, text) of every name and text in a JSON value."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield path + name, name
            yield from paths(member, f"{path}{name}.")
    elif isinstance(value, list):
        for member in value:
            yield from paths(member, path)
    else:
        yield path[:-1], str(value)


class World:
    """A card, a daemon that meets it, and what both have signed and answered so far."""

    def __init__(self, rig, name, card, daemon):
        self.rig, self.name, self.card, self.daemon = rig, name, card, daemon
        self.answered = []
        daemon.wait_state(card.reader, "card")

    def check(self, ok, what, detail=None):
        return self.rig.check(ok, f"{self.name}: {what}", detail)

    def ask(self, method, parameters):
        """(error, reply); an assertion that was answered is kept."""
        try:
            error, reply = lib.call(self.daemon.socket, method, parameters)
        except (ConnectionError, OSError) as ended:
            return f"hung up ({ended})", {}
        self.keep(reply)
        return error, reply

    def keep(self, reply):
        if isinstance(reply.get("assertion"), str):
            self.answered.append(reply["assertion"])

    def raw(self, frame):
        """One frame of bytes; what came back, or "hung up"."""
        connection = Connection(self.daemon.socket)
        try:
            connection.socket.sendall(frame)
            error, reply, _ = connection.receive()
            self.keep(reply)
            return error, reply
        except ConnectionError:
            return "hung up", {}
        finally:
            connection.close()

    def shown(self):
        """All that pinentry was told since the last look, as a person would read it."""
        return [re.sub(r"[\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", urllib.parse.unquote(line)) for line in self.daemon.prompts()]

    def settle(self, what):
        """No signature without an answered assertion. A card that was told nothing yet has no statistics."""
        signed = (lib.wait_for(self.card.stats) or {"signatures": 0})["signatures"]
        self.check(signed == len(self.answered), f"{what}: the card signed what was answered and nothing else", (signed, len(self.answered)))

    def quiet(self, what, odd):
        """None of it was served, nobody was asked, no key signed."""
        self.check(not odd, f"{what}: refused, each of them", odd[:5])
        asked = [line for line in self.shown() if line.startswith(("GETPIN", "CONFIRM"))]
        self.check(not asked, f"{what}: nobody was asked", asked)
        self.settle(what)

    def end(self):
        self.daemon.stop()
        self.card.remove()


# ---- the tables are whole -------------------------------------------------------------------------

def tables(rig):
    unknown = set(methods()) - NEVER - {ASSERT} - shaped.TRIED
    rig.check(not unknown, "every method of every interface is tried here", unknown)
    takes = {path for path, _ in leaves(methods()[ASSERT])}
    rig.check(takes == set(PLACES), "every parameter of Assert has its place in what is signed, or none", takes ^ set(PLACES))


# ---- words that have no place ---------------------------------------------------------------------

def invalid(error):
    return bool(error) and ("InvalidParameter" in error or "NotFound" in error or "NotImplemented" in error)


def members_that_nobody_takes(world):
    """Everything an assertion, a header or a helper's question consists of, offered to every method."""
    odd = []
    for method, takes in methods().items():
        for name, value in FORGED.items():
            if name not in takes:
                error, reply = world.ask(method, {**(GOOD if method == ASSERT else {}), name: value})
                odd += [] if invalid(error) else [(method, name, error, reply)]
    for inside in ("station", "ui"):
        for name, value in FORGED.items():
            error, reply = world.ask(ASSERT, {**GOOD, inside: {**GOOD.get(inside, {}), name: value}})
            odd += [] if invalid(error) else [(inside, name, error, reply)]
    world.quiet("members that no method takes", odd)


def fits(kind, value):
    wanted = {"string": str, "int": int, "bool": bool, "float": (int, float), "object": dict}
    if isinstance(kind, (dict, list)):
        return isinstance(value, type(kind))
    return isinstance(value, wanted[kind]) and not (kind == "int" and isinstance(value, bool))


def placed(path, value):
    for name in reversed(path.split(".")):
        value = {name: value}
    return value


def other_types(world):
    odd = []
    for method, takes in methods().items():
        for path, kind in leaves(takes):
            for value in (value for value in TYPES if not fits(kind, value)):
                error, reply = world.ask(method, {**(GOOD if method == ASSERT else {}), **placed(path, value)})
                odd += [] if invalid(error) else [(method, path, value, error, reply)]
    world.quiet("types that a parameter has not", odd)


def never(world):
    """Methods that no signature comes of, with words of the right type."""
    samples = {"string": (DIGEST, OUT, "x"), "int": (0, 1, 2 ** 40), "bool": (True,), "float": (1.5,), "object": (OTHER_PERSON,)}
    for method in sorted(NEVER & set(methods())):
        takes = methods()[method]
        for number in range(3):
            world.ask(method, {name: sample(samples, kind, number) for name, kind in takes.items()})
    world.shown()
    world.settle("methods that sign nothing")


def sample(samples, kind, number):
    if isinstance(kind, dict):
        return {name: sample(samples, inner, number) for name, inner in kind.items()}
    if isinstance(kind, list):
        return [sample(samples, kind[0], number)]
    return samples[kind][number % len(samples[kind])]


# ---- bytes that two parsers read differently ------------------------------------------------------

def frames():
    def call(parameters, rest=""):
        return f'{{"method":"{ASSERT}","parameters":{parameters}{rest}}}\0'.encode("utf-8", "surrogatepass")

    good = json.dumps(GOOD)
    inner = good[1:-1]
    yield "an audience twice", call(f'{{{inner},"audience":"https://evil.example"}}')
    yield "an audience twice, once escaped", call(f'{{{inner},"aud\\u0069ence":"https://evil.example"}}')
    yield "parameters twice", call(good, f',"parameters":{good}')
    yield "parameters twice, once escaped", call(good, f',"p\\u0061rameters":{good}')
    yield "a method twice", call(good, ',"method":"mohr.Identity.Status"')
    yield "a purpose with a zero byte", call(f'{{{inner[:-1]}}},"purpose":"a\\u0000b"}}')
    yield "a nonce with a zero byte", call(good.replace(NONCE, NONCE + "\\u0000x"))
    yield "a lone surrogate", call(good.replace("an account", "a\\ud800b"))
    yield "a lone surrogate in bytes", call(good.replace("an account", "a\ud800b"))
    yield "an overlong quotation mark", call(good).replace(b"an account", b"a\xc0\xa2b")
    yield "another object behind", call(good)[:-1] + call(good)[:-1] + b"\0"
    yield "a comment", call(good.replace("{", "{/**/", 1))
    yield "a byte order mark", b"\xef\xbb\xbf" + call(good)
    yield "single quotes", call(good.replace('"', "'"))
    yield "a comma too many", call(good[:-1] + ",}")
    yield "NaN", call(f'{{{inner},"timeout_ms":NaN}}')
    yield "a number out of range", call(f'{{{inner},"timeout_ms":1e999}}')
    yield "a number with many digits", call(f'{{{inner},"timeout_ms":{"9" * 400}}}')
    yield "upper case", call(good.replace('"audience"', '"AUDIENCE"'))
    yield "a member of a member", call(f'{{{inner},"station.operator":"x"}}')
    yield "nested too deep", call(f'{{{inner},"station":{"[" * 50}{"]" * 50}}}')


def bytes_of_two_readings(world):
    odd = []
    for what, frame in frames():
        error, reply = world.raw(frame)
        odd += [] if error == "hung up" or invalid(error) else [(what, error, reply)]
    world.quiet("bytes that two parsers read differently", odd)


# ---- requests that somebody else is said to have signed -------------------------------------------

def enclosed(value):
    data = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed_by(rig, name, header, claims):
    """A compact JWS with the key of one of the simulated cards."""
    text = f"{enclosed(header)}.{enclosed(claims)}"
    done = subprocess.run(["openssl", "dgst", "-sha256", "-sign", os.path.join(rig.pki, f"leaf-{name}.key")], input=text.encode(),
                          capture_output=True, check=True)
    return f"{text}.{enclosed(done.stdout)}"


def requests(rig):
    """Signed by nobody, by a shared word, by a citizen's own card, with words that are no request's."""
    with open(os.path.join(rig.pki, "leaf-valid.pem"), encoding="ascii") as leaf, open(os.path.join(rig.pki, "ca.pem"), encoding="ascii") as ca:
        chain = ["".join(pem.splitlines()[1:-1]) for pem in (leaf.read().strip(), ca.read().strip())]
    now = int(time.time())
    claims = {"iss": "https://bank.example", "client_id": "https://bank.example", "aud": "urn:mohr:daemon", "iat": now, "exp": now + 300,
              "jti": "a-forged-request", "nonce": "forged-nonce"}
    header = {"alg": "RS256", "typ": "oauth-authz-req+jwt", "x5c": chain}
    for what, head, more in (("of nobody", {"alg": "none"}, {}), ("of a shared word", {"alg": "HS256"}, {}), ("without a certificate", {"x5c": []}, {}),
                             ("of a key in the header", {"x5c": None, "jwk": {"kty": "oct", "k": "AA"}}, {}), ("of a citizen", {}, {}),
                             ("of a citizen, with another name", {}, OTHER_PERSON), ("for another audience", {}, {"audience": "https://evil.example"})):
        head = {name: value for name, value in {**header, **head}.items() if value is not None}
        yield what, signed_by(rig, "valid", head, {**claims, **more})
    yield "without a signature", f"{enclosed({**header, 'alg': 'none'})}.{enclosed(claims)}."
    yield "that is an assertion", signed_by(rig, "valid", {"alg": "RS256", "typ": "mohr-identity+jwt", "x5c": chain}, {**claims, **OTHER_PERSON})


def forged_requests(rig):
    """Even where the national root itself stands among the anchors of relying parties. (Good ones: relying.py.)"""
    if os.geteuid() != 0:
        return rig.skip("forged requests", "anchors of relying parties must be root's")
    card = flow.Soft(rig)
    world = World(rig, "forged requests", card, flow.daemon_of(rig, relying_parties={"anchors": rig.root}))
    odd = []
    for what, request in requests(rig):
        error, reply = world.ask(ASSERT, {"signed_request": request, "ui": GOOD["ui"]})
        odd += [] if error == "mohr.Identity.RefusedByPolicy" else [(what, error, reply)]
    world.quiet("requests that their relying party never signed", odd)
    return world.end()


# ---- texts that want to get out of their place ----------------------------------------------------

def hostile(rig, number):
    """Parameters whose every text bears a mark of its own and a way out of its place."""
    mark = {path: f"m{number}k{at:02}z" for at, path in enumerate(sorted(PLACES))}
    ways = (OUT, "\\" + OUT, "\\u0022,\\u0022sub\\u0022:\\u0022x", "}.{", "eyJhbGciOiJub25lIn0.e30.", "%22,%22aud%22:%22", "';--", "$(id)`id`%s%n")
    way = lambda at: ways[(number + at) % len(ways)]
    texts = {f"station.{name}": (mark[f"station.{name}"] + way(at))[:120]
             for at, name in enumerate(("operator", "branch", "device", "case_number"))}
    return mark, {
        "audience": f"https://{mark['audience']}.example/a?b='(c)*;,&d=%22,%22sub%22:%22x#e",
        "nonce": mark["nonce"] + way(0).replace(" ", ""), "purpose": mark["purpose"] + " " + way(1),
        "expect_national_number": "0099900991", "timeout_ms": 60000,
        "station": {**{name.split(".")[1]: text for name, text in texts.items()}, "photo_checked": True},
        "ui": {"display": ":mohr-test", "term": mark["ui.term"], "xauthority": "/tmp/" + mark["ui.xauthority"],
               "language": "en"},
    }


def looked_up(payload, path):
    for name in path.split("."):
        payload = payload[name]
    return payload


def squeezed(text):
    return re.sub(r"\s", "", text)


def judged(world, what, parameters, mark, reply, shown):
    """An assertion that was answered: what is in it, where, and that the holder saw it before."""
    assertion = reply["assertion"]
    header, payload = opened(assertion)
    world.check(set(header) == {"alg", "typ", "x5c"} and header["alg"] in ("RS256", "ES256", "ES384"), f"{what}: the header is mohrd's", header)
    world.check((payload["aud"], payload["nonce"]) == (parameters["audience"], parameters["nonce"]) and
                payload.get("purpose") == parameters["purpose"], f"{what}: audience, nonce and purpose to the byte", payload)
    where = {place for place, text in paths([header, payload]) for word in mark.values() if word in text}
    allowed = {PLACES[path] for path, word in mark.items() if PLACES[path]}
    world.check(where <= allowed, f"{what}: no word outside its place", where - allowed)
    stray = [(path, place) for path, word in mark.items() for place, text in paths([header, payload]) if word in text and place != PLACES[path]]
    world.check(not stray, f"{what}: and none in another's", stray)
    seen = squeezed("\n".join(line for line in shown if line.startswith("SETDESC")))
    world.check(squeezed(parameters["audience"]) in seen and squeezed(parameters["purpose"]) in seen and payload["jti"] == reply["request"],
                f"{what}: the holder was shown this audience and purpose", shown)
    world.check("Mallory" not in json.dumps([payload[name] for name in IDENTITY if name in payload]), f"{what}: the holder is the certificate's", payload)


def texts(world, count):
    """The same person in each, whatever was said."""
    holders = set()
    for number in range(count):
        mark, parameters = hostile(world.rig, number)
        world.shown()
        error, reply = world.ask(ASSERT, parameters)
        if not world.check(not error, f"hostile texts {number}: they are texts, and served", (error, reply)):
            continue
        judged(world, f"hostile texts {number}", parameters, mark, reply, world.shown())
        holders.add(json.dumps([opened(reply["assertion"])[1].get(name) for name in IDENTITY]))
        code, _, err = world.rig.mohr(None, "verify", *trust(world), "--audience", parameters["audience"], "--nonce", parameters["nonce"],
                                      "-", text=reply["assertion"])
        world.check(code == 0, f"hostile texts {number}: and the answer verifies", (code, err))
    world.check(len(holders) == 1, "one card is one holder", holders)
    world.settle("hostile texts")


def trust(world):
    return ["--trust", world.rig.root]


def crossed(world):
    """Several calls in one write, and two clients at once: each answer is to its own question."""
    nonces = [f"crossed-{number}-nonce" for number in range(3)]
    connection = Connection(world.daemon.socket)
    for nonce in nonces:
        connection.send(ASSERT, {**GOOD, "audience": f"https://{nonce}.example", "nonce": nonce})
    other = []
    thread = threading.Thread(target=lambda: other.append(world.ask(ASSERT, {**GOOD, "audience": "https://other.example", "nonce": "other-nonce"})))
    thread.start()
    answers = [connection.receive() for _ in nonces]
    thread.join()
    connection.close()
    wrong = []
    for nonce, (error, reply, _) in zip(nonces, answers):
        world.keep(reply)
        if not error and opened(reply["assertion"])[1]["aud"] != f"https://{nonce}.example":
            wrong.append((nonce, reply))
    error, reply = other[0]
    if not error and opened(reply["assertion"])[1]["aud"] != "https://other.example":
        wrong.append(("other", reply))
    served = [error for error, _, _ in answers].count(None) + (not error)
    world.check(not wrong and served >= 1, "of calls that come at once each is answered for its own audience", (wrong, answers, other))
    world.settle("calls that come at once")


# ---- what the key was given, digest by digest -----------------------------------------------------

def digests(world):
    """Inside the software driver the witness has every byte: each signed hash is that of an answered assertion."""
    hashes = {hashlib.sha256(assertion.rsplit(".", 1)[0].encode()).hexdigest() for assertion in world.answered}
    commands = [line.split()[4] for line in world.card.lines() if "len=" in line and len(line.split()) > 4]
    told = {digest for digest in hashes for command in commands if digest in command}
    world.check(told == hashes, "every answered assertion's digest went to the card", len(hashes - told))
    signing = [command for command in commands if command.startswith("002a") and len(command) > 12]  # with data: card-facts 7.4
    strangers = [command for command in signing if not any(digest in command for digest in hashes)]
    world.check(signing and not strangers, "and nothing else was ever put before a key", strangers)
    world.check(not any(DIGEST in command for command in commands), "a digest that a caller brought never was", len(commands))


# ---- each driver ----------------------------------------------------------------------------------

def over_soft(rig):
    card = flow.Soft(rig)
    return World(rig, "soft", card, flow.daemon_of(rig))


def over_soft_piv(rig):
    card = flow.Soft(rig, profile="piv", pin="271828")
    daemon = flow.daemon_of(rig, trust={"staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
    daemon.script(getpin=["271828"])
    return World(rig, "a staff card", card, daemon)


def over_pcsc(rig):
    card = lib.Card(rig, lib.Pcscd(rig))
    return World(rig, "pcsc", card, lib.Daemon(rig))


def over_nfc(rig):
    rig.boards = {}
    card = nfc.Board(rig)
    return World(rig, "nfc", card, nfc.daemon_of(rig))


def over_usb(rig):
    if why := mock.possible() or mock.Bus(rig).lacking():
        return rig.skip("forged assertions over usb", why)
    card = usb.Slot(rig, reader={"rates": "pps"})
    return World(rig, "usb", card, usb.daemon_of(rig))


def everything(rig):
    world = over_soft(rig)
    for part in (members_that_nobody_takes, other_types, bytes_of_two_readings, never):
        part(world)
    texts(world, 2 if rig.sanitized() else 6)
    crossed(world)
    digests(world)
    world.end()


def elsewhere(make):
    def part(rig):
        world = make(rig)
        if world:
            members_that_nobody_takes(world) if not rig.sanitized() else None
            never(world)
            if make is not over_soft_piv:
                texts(world, 1)
            world.end()
    return part


# ---- from what else signs -------------------------------------------------------------------------

def otherwise(make):
    def part(rig):
        world = make(rig)
        world.name = f"{world.name}, otherwise"
        shaped.everything(world)
        world.end()
    return part


# ---- on a phone -----------------------------------------------------------------------------------

def over_phone(rig):
    return World(rig, "a phone", *forged_phone.far(rig))


def on_phone_alone(rig):
    """mohr-relay assert, whose request comes from whoever made it."""
    alone = forged_phone.Alone(rig)
    world = World(rig, "a phone alone", alone.card, alone)
    forged_phone.told(world, hostile, judged)
    forged_phone.refused(world, dict(rig.few(FORGED.items(), 6)), PLACES, GOOD)
    digests(world)
    world.end()


PARTS = [everything, elsewhere(over_pcsc), elsewhere(over_nfc), elsewhere(over_usb), elsewhere(over_phone), elsewhere(over_soft_piv),
         on_phone_alone, otherwise(over_soft), otherwise(over_soft_piv), forged_requests, *forged_below.PARTS]


def body(rig):
    if rig.shard[0] == 0:
        tables(rig)
        forged_below.tables(rig)
    for part in rig.mine(PARTS):
        part(rig)


if __name__ == "__main__":
    main(body, workers=3)
