#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sign_request.py: a relying party's signed request, by docs/relying-parties.md.

sign_request.py --key KEY.pem --chain CERTS.pem --iss URI --nonce N [--purpose TEXT] [--expect DIGITS]
                [--require CLAIM]... [--optional CLAIM]... [--life SECONDS]

CERTS.pem holds the organisation's certificate first, then the CAs above it, without the anchor. Prints the request, which is
good for one use within its life. Needs python3-cryptography, and nothing of Mohr. Run it where the key is: on the server.
"""
import argparse
import base64
import json
import os
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils


def signer_of(key):
    """The name of the algorithm that is for this key, and a function that signs with it (RFC 7518 sections 3.3, 3.4)."""
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        return "RS256", lambda data: key.sign(data, padding.PKCS1v15(), hashes.SHA256())
    size, name, hash_ = {256: (32, "ES256", hashes.SHA256()), 384: (48, "ES384", hashes.SHA384())}[key.curve.key_size]

    def pair(data):
        return b"".join(n.to_bytes(size, "big") for n in utils.decode_dss_signature(key.sign(data, ec.ECDSA(hash_))))
    return name, pair


def request(key, chain, iss, nonce, life=300, now=None, **more):
    """The compact JWS. `more`: purpose, expect_national_number, claims; what is None is left out."""
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")
    alg, signature = signer_of(key)
    iat = int(time.time() if now is None else now)
    x5c = [base64.b64encode(cert.public_bytes(serialization.Encoding.DER)).decode() for cert in chain]
    header = {"alg": alg, "typ": "oauth-authz-req+jwt", "x5c": x5c}
    payload = {"iss": iss, "client_id": iss, "aud": "urn:mohr:daemon", "iat": iat, "exp": iat + life,
               "jti": encode(os.urandom(16)).decode(), "nonce": nonce}
    payload.update((name, value) for name, value in more.items() if value is not None)
    text = b".".join(encode(json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode()) for part in (header, payload))
    return (text + b"." + encode(signature(text))).decode()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--key", "--chain", "--iss", "--nonce"):
        options.add_argument(name, required=True)
    options.add_argument("--purpose")
    options.add_argument("--expect")
    options.add_argument("--require", action="append")
    options.add_argument("--optional", action="append")
    options.add_argument("--life", type=int, default=300)
    a = options.parse_args()
    with open(a.key, "rb") as key, open(a.chain, "rb") as chain:
        key = serialization.load_pem_private_key(key.read(), None)
        certs = [x509.load_pem_x509_certificate(b"-----BEGIN CERTIFICATE-----" + part)
                 for part in chain.read().split(b"-----BEGIN CERTIFICATE-----")[1:]]
    lists = {name: names for name, names in (("required", a.require), ("optional", a.optional)) if names}
    print(request(key, certs, a.iss, a.nonce, a.life, purpose=a.purpose, expect_national_number=a.expect,
                  claims=lists or None))


if __name__ == "__main__":
    main()
