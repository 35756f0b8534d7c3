#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""verify.py: checks an identity assertion by docs/assertion.md, in the order of its "Checking".

verify.py --at T --audience A --nonce N --trust ROOT.pem [--staff-anchors F] [--expired refuse|report|accept]
          [--asked-at T] FILE

Prints who it is, from the certificate, and exits 0; or the reason: 22 if only the certificate is expired, else 21.
Needs python3-cryptography, and nothing of Mohr. Without --audience or --nonce these are not compared: then whoever got
the assertion elsewhere can hand it on to you. Not here: revocation and a memory of replays (docs/verify.md).
"""
import argparse
import base64
import datetime
import hashlib
import json
import re
import sys
import time

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

SKEW, LIFE_MAX, AUTH_AGE_MAX, YEAR_10000 = 60, 3600, 3600, 253402300800
COUNTRY, ORGANIZATION, UNIT, COMMON_NAME = "550406", "55040a", "55040b", "550403"
GIVEN_NAME, SURNAME, SERIAL_NUMBER = "55042a", "550404", "550405"
KNOWN_EXTENSIONS = {"2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.32", "2.5.29.37"}  # those that may be critical
HIDDEN = re.compile(  # controls, line ends, direction, and what is not seen: docs/assertion.md, "Texts"
    "[\0-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]")


UNREADABLE = (ValueError, LookupError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion,
              x509.UnsupportedGeneralNameType)  # what python3-cryptography says of certificates that are none


class Refused(Exception):
    """The reason, as `mohr verify` names it."""


def demand(condition, reason):
    if not condition:
        raise Refused(reason)


# ---- bytes: base64, JSON, DER ---------------------------------------------------------------------

def decode(text, alphabet, padded, reason):
    """Canonical base64 only: what is decoded must encode to the very same text."""
    pad = "" if padded else "=" * (-len(text) % 4)
    try:
        data = base64.b64decode(text + pad, alphabet, validate=True)
    except ValueError:
        raise Refused(reason) from None
    again = base64.b64encode(data, alphabet).decode()
    demand((again if padded else again.rstrip("=")) == text, reason)
    return data


def without_doubles(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a member twice")
    return dict(pairs)


def machine_word(text):
    if not -2**63 <= int(text) < 2**63:
        raise ValueError("beyond 64 bits")
    return int(text)


def no_constant(text):
    raise ValueError(text)


def read_object(data, reason):
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=without_doubles, parse_int=machine_word,
                           parse_constant=no_constant)
        written = json.dumps(value, ensure_ascii=False).encode("utf-8")  # fails on half a surrogate pair
    except (ValueError, RecursionError):
        raise Refused(reason) from None
    demand(isinstance(value, dict) and b"\\u0000" not in written.replace(b"\\\\", b""), reason)
    return value


def der(data):
    """The values side by side in `data`, each (tag, content). The certificate was parsed before: lengths are right."""
    while data:
        length, start = data[1], 2
        if length > 0x7F:
            start += length & 0x7F
            length = int.from_bytes(data[2:start], "big")
        yield data[0], data[start:start + length]
        data = data[start + length:]


def name_texts(name):
    """{OID in hex: [its texts]}. A value that is neither UTF8String nor PrintableString has no text: None."""
    found = {}
    (_, rdns), = der(name.public_bytes())
    for _, rdn in der(rdns):
        for _, pair in der(rdn):
            (_, oid), (tag, value) = der(pair)
            text = value.decode("utf-8", "ignore") if tag in (0x0C, 0x13) else None
            known = text and text.encode() == value and "\0" not in text
            found.setdefault(oid.hex(), []).append(text if known else None)
    return found


def only(texts, oid):
    """The text that is there exactly once, else None."""
    found = texts.get(oid, [])
    return found[0] if len(found) == 1 else None


# ---- header and certificates ----------------------------------------------------------------------

class Cert:
    """What is asked of a certificate, read once."""

    def __init__(self, data):
        self.raw, self.x509 = data, x509.load_der_x509_certificate(data)
        self.key, self.digest = self.x509.public_key(), self.x509.signature_hash_algorithm
        self.subject, self.issuer = self.x509.subject, self.x509.issuer
        self.begins, self.ends = seconds(self.x509, "not_valid_before"), seconds(self.x509, "not_valid_after")
        self.extensions = {one.oid.dotted_string: one for one in self.x509.extensions}
        basic = self.extension("2.5.29.19")
        self.is_ca, self.path_length = bool(basic and basic.ca), basic.path_length if basic else None
        self.usage = self.extension("2.5.29.15")

    def extension(self, oid):
        return self.extensions[oid].value if oid in self.extensions else None

    def may(self, *uses):
        return self.usage is None or any(getattr(self.usage, use) for use in uses)


def seconds(cert, name):
    return int((getattr(cert, name + "_utc", None) or getattr(cert, name).replace(tzinfo=datetime.timezone.utc)).timestamp())


def read_certificates(x5c):
    certs = []
    for text in x5c:
        demand(isinstance(text, str) and len(text) <= 8192, "bad-certificate")
        try:
            certs.append(Cert(decode(text, b"+/", True, "bad-certificate")))
        except UNREADABLE:
            raise Refused("bad-certificate") from None
    for cert, issuer in zip(certs, certs[1:]):
        demand(issuer.is_ca and cert.issuer == issuer.subject, "certificate-order")
    return certs


def check_header(header):
    demand("crit" not in header, "critical-header")
    demand(set(header) <= {"alg", "typ", "x5c"}, "bad-header")
    x5c = header.get("x5c")
    demand(isinstance(header.get("alg"), str) and isinstance(x5c, list), "bad-header")
    demand(header.get("typ") in ("mohr-identity+jwt", "mohr-staff+jwt"), "wrong-type")
    demand(header.get("alg") in ("RS256", "PS256", "ES256", "ES384"), "wrong-algorithm")
    demand(1 <= len(x5c) <= 4, "bad-certificate")


def check_key(alg, key):
    if alg in ("RS256", "PS256"):
        demand(isinstance(key, rsa.RSAPublicKey), "wrong-algorithm")
        demand(2048 <= key.key_size <= 4096, "unsuitable-key")
    else:
        curve = {"ES256": "secp256r1", "ES384": "secp384r1"}[alg]
        demand(isinstance(key, ec.EllipticCurvePublicKey), "wrong-algorithm")
        demand(key.curve.name == curve, "unsuitable-key")


def signed_by(issuer, cert):
    """False also for whatever is weaker than 112 bits: SHA-1, small keys, other algorithms."""
    digest, key = cert.digest, issuer.key
    if not isinstance(digest, (hashes.SHA256, hashes.SHA384, hashes.SHA512)):
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= 2048:
            key.verify(cert.x509.signature, cert.x509.tbs_certificate_bytes, padding.PKCS1v15(), digest)
            return True
        if isinstance(key, ec.EllipticCurvePublicKey) and key.key_size >= 256:
            key.verify(cert.x509.signature, cert.x509.tbs_certificate_bytes, ec.ECDSA(digest))
            return True
    except InvalidSignature:
        pass
    return False


def find_path(certs, anchors):
    """Leaf first, an anchor last. x5c is in order already: each names the next as its issuer."""
    for at, cert in enumerate(certs):
        if at and any(cert.raw == anchor.raw for anchor in anchors):
            return certs[:at + 1]
        named = [anchor for anchor in anchors if cert.issuer == anchor.subject]
        if named:
            return certs[:at + 1] + [next((anchor for anchor in named if signed_by(anchor, cert)), named[0])]
    raise Refused("untrusted")


def check_chain(certs, anchors, at):
    """True if the leaf is expired, and everything else about the chain holds."""
    path = find_path(certs, anchors)
    for below, (cert, issuer) in enumerate(zip(path, path[1:])):
        demand(issuer.is_ca and issuer.may("key_cert_sign") and signed_by(issuer, cert), "chain-invalid")
        demand(issuer.path_length is None or below <= issuer.path_length, "chain-invalid")
    for cert in path:
        demand(all(not one.critical or oid in KNOWN_EXTENSIONS for oid, one in cert.extensions.items()), "chain-invalid")
        demand(cert.begins <= at, "certificate-not-yet-valid")
    expired = at > path[0].ends
    demand(expired or all(at <= cert.ends for cert in path), "issuer-expired")
    return expired


def check_signature(alg, key, signed, signature):
    try:
        if alg in ("RS256", "PS256"):
            pad = padding.PKCS1v15() if alg == "RS256" else padding.PSS(padding.MGF1(hashes.SHA256()), 32)
            key.verify(signature, signed, pad, hashes.SHA256())
        else:
            size, digest = {"ES256": (32, hashes.SHA256()), "ES384": (48, hashes.SHA384())}[alg]
            demand(len(signature) == 2 * size, "bad-signature")
            r, s = (int.from_bytes(half, "big") for half in (signature[:size], signature[size:]))
            key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(digest))
    except InvalidSignature:
        raise Refused("bad-signature") from None


# ---- who: from the leaf alone ---------------------------------------------------------------------

def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def is_national_number(digits):
    each = [int(digit) for digit in digits]
    rest = sum(digit * weight for digit, weight in zip(each, range(10, 1, -1))) % 11
    return each[9] == (rest if rest < 2 else 11 - rest) and len(set(each)) > 1


def level(leaf):
    policies = leaf.extension("2.5.29.32") or []
    levels = [one.policy_identifier.dotted_string for one in policies]
    levels = [oid for oid in levels if re.fullmatch(r"2\.16\.364\.101\.1\.1\.[1-4]", oid)]
    return "urn:oid:" + levels[0] if len(levels) == 1 else "unstated"


def citizen_facts(leaf, subject, match):
    """Everything the payload must say of a citizen; None: the member must not be there."""
    number, use = match.groups()
    sub = hashlib.sha256(b"urn:mohr:sub:1\0C=IR,O=Iran Government,OU=NOCR\0" + number.encode()).digest()
    national = is_national_number(number)
    return {"iss": "urn:mohr:card", "given_name": only(subject, GIVEN_NAME), "family_name": only(subject, SURNAME),
            "card_number": number, "national_number": number if national else None,
            "national_number_basis": "inferred-from-card-number" if national else None, "sub": base64url(sub),
            "acr": level(leaf), "key_use": {"SIG": "signature", "AUT": "authentication"}[use]}


def alternative(leaf, kind):
    """The one rfc822Name or userPrincipalName."""
    names, found = leaf.extension("2.5.29.17") or [], []
    for name in names:
        if kind == "email" and isinstance(name, x509.RFC822Name):
            found.append(name.value)
        if kind == "upn" and isinstance(name, x509.OtherName) and name.type_id.dotted_string == "1.3.6.1.4.1.311.20.2.3":
            (tag, value), = der(name.value)
            found += [value.decode("utf-8")] if tag == 0x0C else []
    return found[0] if len(found) == 1 else None


def staff_facts(leaf, subject):
    sub = hashlib.sha256(b"urn:mohr:staff-sub:1\0" + leaf.issuer.public_bytes() + leaf.subject.public_bytes()).digest()
    commits = leaf.may("content_commitment")
    return {"iss": "urn:mohr:staff-card", "name": only(subject, COMMON_NAME), "given_name": only(subject, GIVEN_NAME),
            "family_name": only(subject, SURNAME), "email": alternative(leaf, "email"), "upn": alternative(leaf, "upn"),
            "employee_number": only(subject, SERIAL_NUMBER), "organization": only(subject, ORGANIZATION),
            "sub": base64url(sub), "acr": "unstated", "key_use": "signature" if commits else "authentication"}


def identify(leaf, staff):
    """Citizen or staff is told by the certificate; `typ` must have announced the same."""
    subject, issuer = name_texts(leaf.subject), name_texts(leaf.issuer)
    registry = [only(issuer, oid) for oid in (COUNTRY, ORGANIZATION, UNIT)] == ["IR", "Iran Government", "NOCR"]
    match = re.fullmatch("([0-9]{10}) - ([A-Z]+)", only(subject, COMMON_NAME) or "")
    form = match and all(only(subject, oid) for oid in (COUNTRY, UNIT, GIVEN_NAME, SURNAME))
    if staff:
        demand(not leaf.is_ca and not form and not registry and only(subject, COMMON_NAME), "not-a-staff-certificate")
        facts = staff_facts(leaf, subject)
    else:
        good = not leaf.is_ca and form and registry and match.group(2) in ("SIG", "AUT")
        demand(good, "not-a-citizen-certificate")
        facts = citizen_facts(leaf, subject, match)
    uses = ("content_commitment",) if staff else ("digital_signature", "content_commitment")  # the rest of a staff card's keys open doors
    demand(leaf.may(*uses), "key-usage")
    ends = datetime.datetime.fromtimestamp(leaf.ends, datetime.timezone.utc)
    return facts, ends.strftime("%Y-%m-%dT%H:%M:%SZ")


# ---- payload --------------------------------------------------------------------------------------

MISMATCH = {"iss": "wrong-issuer", "card_number": "number-mismatch", "employee_number": "number-mismatch",
            "national_number": "national-number-mismatch", "national_number_basis": "national-number-mismatch",
            "sub": "subject-mismatch", "acr": "assurance-mismatch", "key_use": "key-use-mismatch"}  # else name-mismatch


def fits(pattern, longest):
    return lambda value: isinstance(value, str) and len(value.encode()) <= longest and bool(re.fullmatch(pattern, value))


def text(longest):
    return lambda value: isinstance(value, str) and 0 < len(value.encode()) <= longest and not HIDDEN.search(value)


def members(required, optional):
    """An object of these members, each with its check, and no other."""
    every = {**required, **optional}
    return lambda value: isinstance(value, dict) and set(required) <= set(value) <= set(every) and all(
        every[name](one) for name, one in value.items())


TOKEN = fits("[a-z0-9_-]{1,32}", 32)
TIME = lambda value: type(value) is int and 0 <= value < YEAR_10000  # a bool is no int here
TRUE, BOOLEAN, ANY = (lambda value: value is True), (lambda value: isinstance(value, bool)), (lambda value: True)
CARD = members({"certificate_expiry": ANY},
               {"generation": TOKEN, "expiry": text(32), "expiry_raw": fits("([0-9a-f]{2}){1,64}", 128), "simulated": TRUE})
STAFF_CARD = members({"family": TOKEN, "certificate_expiry": ANY}, {"simulated": TRUE})
STATION = members({"software": text(128), "pin_entry": TOKEN}, {
    "reader": text(128), "operator": text(128), "branch": text(128), "device": text(128), "case_number": text(128),
    "photo_checked": BOOLEAN})
FORMS = {"aud": fits(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+", 512), "nonce": fits("[!-~]{8,128}", 128),
         "iat": TIME, "exp": TIME, "auth_time": TIME, "jti": fits("[0-9a-f]{32}", 32), "amr": lambda value: value == ["sc", "pin"],
         "card": CARD, "station": STATION, "clock": members({"synchronised": BOOLEAN}, {})}
OPTIONAL = {"nbf": TIME, "purpose": text(256)}


def check_members(payload, facts, ends, staff):
    demand("ver" in payload, "claim-missing")
    demand(type(payload["ver"]) is int and payload["ver"] == 1, "wrong-version")
    demand(payload.get("iss") == facts["iss"], "wrong-issuer" if "iss" in payload else "claim-missing")
    forms = {**FORMS, **OPTIONAL, **({"card": STAFF_CARD} if staff else {})}
    for name, good in forms.items():
        demand(name in payload or name in OPTIONAL, "claim-missing")
        demand(name not in payload or good(payload[name]), "claim-malformed")
    for name, fact in facts.items():  # what the leaf says, and nothing where it says nothing
        demand(payload.get(name) == fact and (name in payload) == (fact is not None), MISMATCH.get(name, "name-mismatch"))
    if not staff and "national_number_match" in payload:
        allowed = ("yes", "no") if facts["national_number"] else ("unknown",)
        demand(payload["national_number_match"] in allowed, "national-number-mismatch")
    demand(payload["card"]["certificate_expiry"] == ends, "certificate-facts-mismatch")
    known = {"ver", *facts, *forms, *(() if staff else ("national_number_match",))}
    demand(set(payload) <= known, "claim-unknown")


def check_request(payload, at, audience, nonce, asked_at):
    demand(audience is None or payload["aud"] == audience, "audience-mismatch")
    demand(nonce is None or payload["nonce"] == nonce, "nonce-mismatch")
    iat, life = payload["iat"], payload["exp"] - payload["iat"]
    demand(0 < life <= LIFE_MAX, "life-too-long")
    demand(-SKEW <= iat - payload["auth_time"] <= AUTH_AGE_MAX, "auth-time")
    if nonce is not None and asked_at and not payload["clock"]["synchronised"]:  # then the verifier's own clock decides
        demand(asked_at - SKEW <= at < asked_at + life + SKEW, "clock")
        demand(payload.get("nbf", iat) <= iat, "not-yet-valid")
        return
    demand(max(iat, payload.get("nbf", iat)) <= at + SKEW, "not-yet-valid")
    demand(at < payload["exp"] + SKEW, "expired")


# ---- all of it ------------------------------------------------------------------------------------

def read_anchors(path):
    with open(path, encoding="ascii", errors="replace") as file:
        blocks = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", file.read(), re.S)
    return [Cert(x509.load_pem_x509_certificate(one.encode()).public_bytes(serialization.Encoding.DER)) for one in blocks]


def verify(assertion, at, audience, nonce, anchors, staff_anchors=(), expired="report", asked_at=None):
    """Bytes in, holder out; or Refused."""
    demand(len(assertion) <= 8192, "too-large")
    parts = assertion.decode("latin-1").split(".")
    demand(len(parts) == 3, "not-compact")
    head, body, signature = ((lambda part=part: decode(part, b"-_", False, "bad-base64")) for part in parts)
    header = read_object(head(), "bad-header")
    check_header(header)
    staff = header["typ"] == "mohr-staff+jwt"
    certs = read_certificates(header["x5c"])
    check_key(header["alg"], certs[0].key)
    try:
        facts, ends = identify(certs[0], staff)
    except UNREADABLE:  # inside an extension
        raise Refused("bad-certificate") from None
    is_expired = check_chain(certs, staff_anchors if staff else anchors, at)
    check_signature(header["alg"], certs[0].key, assertion.rpartition(b".")[0], signature())
    payload = read_object(body(), "bad-payload")
    check_members(payload, facts, ends, staff)
    check_request(payload, at, audience, nonce, asked_at)
    demand(not is_expired or expired == "accept", "certificate-expired")
    holder = {name: fact for name, fact in facts.items() if fact is not None and name != "iss"}
    return {"holder": "staff" if staff else "citizen", **holder, "certificate_expiry": ends, "expired": is_expired}


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--at", type=int, default=int(time.time()))
    options.add_argument("--audience")
    options.add_argument("--nonce")
    options.add_argument("--trust", type=read_anchors, required=True)
    options.add_argument("--staff-anchors", type=read_anchors, default=[])
    options.add_argument("--expired", choices=["refuse", "report", "accept"], default="report")
    options.add_argument("--asked-at", type=int)
    options.add_argument("file")
    given = options.parse_args()
    with open(given.file, "rb") as file:
        assertion = file.read(8200).removesuffix(b"\n")
    try:
        holder = verify(assertion, given.at, given.audience, given.nonce, given.trust, given.staff_anchors, given.expired,
                        given.asked_at)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 22 if str(refused) == "certificate-expired" else 21
    print(json.dumps(holder, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
