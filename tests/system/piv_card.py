#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The simulated PIV card before judges that nobody here wrote: OpenSC, Yubico's tool and its PKCS#11 module.

They read its certificates, open it with its PIN and let it sign, over Debian's pcscd, and openssl judges
what came of it. So a driver that works with this card works with a card as those programs know one. What
the card itself counted is asked from the card. Nothing of Mohr's own driver takes part.
"""
import os
import subprocess

from lib import PIN, Card, main
from piv_tools import (ALGORITHMS, OPENSC, READER, YKCS11, NamedPcscd, cost, make_data, missing, pkcs11, say, signers,
                       yubico)


def issue(rig, pcscd, profile, **switches):
    return Card(rig, pcscd, profile, monitored=False, **{name.replace("_", "-"): v for name, v in switches.items()})


def whole_test(rig, card, module, name, signatures):
    """OpenSC draws its random bytes from the management key's challenge, which the card counts as writes."""
    code, said = pkcs11(rig, module, "--test", "--login", "--pin", PIN)
    rig.check(code == 0 and "No errors" in said, f"{name}: pkcs11-tool --test finds no error", said)
    stats = card.stats()
    rig.check(stats["signatures"] >= signatures, f"{name}: the card signed {stats['signatures']} times", stats)
    return stats


def same_certificate(rig, what, got, slot, algorithm):
    """The one that was issued, whoever read it."""
    issued = os.path.join(rig.pki, f"staff-{slot}-{algorithm}.pem")
    code, said = say(rig, "openssl", "verify", "-CAfile", os.path.join(rig.pki, "staff-root.pem"),
                     "-untrusted", os.path.join(rig.pki, "staff-ca.pem"), got)
    prints = [say(rig, "openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256") for path in (issued, got)]
    rig.check(code == 0 and prints[0] == prints[1], f"{what}: the certificate in {slot} is the one issued", said)


def judged(rig, what, cert, data, signature):
    key = os.path.join(rig.dir, "key.pem")
    with open(key, "wb") as out:
        out.write(subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], check=True,
                                 capture_output=True).stdout)
    code, said = say(rig, "openssl", "dgst", "-sha256", "-verify", key, "-signature", signature, data)
    rig.check(code == 0, f"{what}: openssl accepts the signature", said)


def signs_for_opensc(rig, what, algorithm):
    """Slot 9C is OpenSC's object 02; its PIN-always is asked for by a context-specific login."""
    data, digest, cert, signature = (os.path.join(rig.dir, name) for name in ("data", "digest", "o.der", "o.sig"))
    mechanism = ALGORITHMS[algorithm][1]
    pkcs11(rig, OPENSC, "--read-object", "--type", "cert", "--id", "02", "-o", cert)
    pem = cert + ".pem"
    say(rig, "openssl", "x509", "-inform", "DER", "-in", cert, "-out", pem)
    same_certificate(rig, what, pem, "9c", algorithm)
    code, said = pkcs11(rig, OPENSC, "--login", "--pin", PIN, "--sign", "--id", "02", "-m", mechanism,
                        "--signature-format", "openssl", "-i", digest if mechanism == "ECDSA" else data, "-o", signature)
    rig.check(code == 0, f"{what}: pkcs11-tool signs with 9C", said)
    judged(rig, what, pem, data, signature)


def signs_for_yubico(rig, what, slot, algorithm):
    data, cert, signature = (os.path.join(rig.dir, name) for name in ("data", "y.pem", "y.sig"))
    code, said = yubico(rig, "-a", "read-certificate", "-s", slot, "-o", cert)
    rig.check(code == 0, f"{what}: yubico-piv-tool reads {slot}", said)
    same_certificate(rig, what, cert, slot, algorithm)
    with open(cert, encoding="ascii") as text:
        done = subprocess.run(["yubico-piv-tool", "--reader=" + READER, "-a", "verify-pin", "-P", PIN,
                               "-a", "test-signature", "-s", slot], env=rig.env, stdin=text, capture_output=True,
                              timeout=60, check=False)
    rig.check(done.returncode == 0 and b"Successful" in done.stderr, f"{what}: test-signature with {slot}", done.stderr)
    code, said = yubico(rig, "-a", "verify-pin", "-P", PIN, "--sign", "-s", slot, "-A", ALGORITHMS[algorithm][0],
                        "-H", "SHA256", "-i", data, "-o", signature)
    rig.check(code == 0, f"{what}: yubico-piv-tool signs with {slot}", said)
    judged(rig, what, cert, data, signature)


def counts_wrong_pins(rig, card):
    wrong = yubico(rig, "-a", "verify-pin", "-P", "11111111")[1]
    status = yubico(rig, "-a", "status")[1]
    rig.check("2 tries left" in wrong, "a wrong PIN: yubico-piv-tool hears of two tries left", wrong)
    rig.check("PIN tries left:\t2" in status, "the counter is asked without spending a try", status)
    rig.check(card.stats()["failures"]["piv"] == 1, "the card counted one", card.stats())
    rig.check(yubico(rig, "-a", "verify-pin", "-P", PIN)[0] == 0, "the right PIN still opens it")
    for _ in range(3):
        yubico(rig, "-a", "verify-pin", "-P", "11111111")
    blocked = yubico(rig, "-a", "verify-pin", "-P", PIN)[1]
    rig.check("blocked" in blocked.lower() or "locked" in blocked.lower(), "after three it is blocked", blocked)


def refuses_to_be_changed(rig, card):
    """What the vendor's tool does to a token of its own: refused, and counted."""
    for words in (["-a", "set-chuid"], ["-a", "generate", "-s", "9a"]):
        before = card.stats()["writes"]
        code, said = yubico(rig, *words)
        rig.check(code != 0 and card.stats()["writes"] > before, f"{words[1]} is refused and counted", said)


def body(rig):
    if missing():
        rig.skip("a PIV card before other programs", f"{missing()} is not installed")
        return
    make_data(rig)
    pcscd = NamedPcscd(rig)
    card = issue(rig, pcscd, "piv")
    whole_test(rig, card, OPENSC, "OpenSC", 20)
    if os.path.exists(YKCS11):
        before = card.stats()["writes"]
        stats = whole_test(rig, card, YKCS11, "ykcs11", 40)
        rig.check(stats["writes"] == before, "ykcs11: nothing was written", stats)
    for slot in ("9a", "9c"):
        signs_for_yubico(rig, "T=1, rsa2048", slot, "rsa2048")
    counts_wrong_pins(rig, card)
    refuses_to_be_changed(rig, card)
    card.remove()
    card = issue(rig, pcscd, "piv-t0", piv_9c="p384", piv_cert="gzip-stored")
    whole_test(rig, card, OPENSC, "OpenSC, T=0", 20)
    signs_for_opensc(rig, "T=0, p384, stored gzip", "p384")
    card.remove()
    card = issue(rig, pcscd, "piv", piv_9c="p256", piv_cert="gzip")
    signs_for_opensc(rig, "T=1, p256, gzip", "p256")
    card.remove()
    card = issue(rig, pcscd, "piv", piv_9a="p384", piv_9c="p256")
    signs_for_yubico(rig, "T=1, p384", "9a", "p384")
    signs_for_yubico(rig, "T=1, p256", "9c", "p256")
    costs = {name: cost(rig, card, argv) for name, argv in signers("p256")}
    rig.check(costs["yubico-piv-tool"]["apdus"] < costs["pkcs11-tool, OpenSC"]["apdus"], "each program's commands are counted",
              costs)
    rig.note(", ".join(f"{name}: {spent['apdus']}" for name, spent in costs.items()))
    rig.check(card.stats()["writes"] == 0, "other programs: nothing was written", card.stats())
    card.remove()


main(body)
