# SPDX-License-Identifier: Apache-2.0
"""piv_tools.py: other people's programs for PIV cards, and what one of their signatures costs.

Used by piv_card.py, which asks whether they get on with the simulated card, and by the bench, which puts
their numbers beside Mohr's: commands and bytes counted by the card, memory by the kernel.
"""
import os
import shutil
import subprocess

from lib import PIN, Pcscd

LIBRARIES = "/usr/lib/" + os.uname().machine + "-linux-gnu"
OPENSC, YKCS11 = LIBRARIES + "/opensc-pkcs11.so", LIBRARIES + "/libykcs11.so.2"
READER = "Yubico Test"
# as Mohr's switches, yubico-piv-tool and PKCS#11 say it
ALGORITHMS = {"rsa2048": ("RSA2048", "SHA256-RSA-PKCS"), "p256": ("ECCP256", "ECDSA"), "p384": ("ECCP384", "ECDSA")}


class NamedPcscd(Pcscd):
    """Yubico's module looks only at readers of that name."""

    def start(self):
        path = os.path.join(self.conf, "readers")
        with open(path, encoding="ascii") as conf:
            text = conf.read().replace('"Test ', f'"{READER} ')
        with open(path, "w", encoding="ascii") as conf:
            conf.write(text)
        super().start()

    def name(self, slot=0):
        return "Yubico " + super().name(slot)


def missing():
    """What is not installed, or nothing."""
    if not shutil.which("pkcs11-tool") or not os.path.exists(OPENSC):
        return "opensc"
    return None if shutil.which("yubico-piv-tool") else "yubico-piv-tool"


def say(rig, *argv):
    """(exit code, all that was said)"""
    done = subprocess.run(argv, env=rig.env, cwd=rig.dir, capture_output=True, timeout=120, check=False)
    return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")


def pkcs11(rig, module, *words):
    return say(rig, "pkcs11-tool", "--module", module, *words)


def yubico(rig, *words):
    return say(rig, "yubico-piv-tool", "--reader=" + READER, *words)


def make_data(rig):
    """`data` in the rig's folder, and its SHA-256 as `digest`."""
    with open(os.path.join(rig.dir, "data"), "wb") as data:
        data.write(b"what the staff signs")
    say(rig, "openssl", "dgst", "-sha256", "-binary", "-out", "digest", "data")


def signers(algorithm):
    """[(name, argv)]: one signature with 9C over `data`, each in a process of its own."""
    vendor, mechanism = ALGORITHMS[algorithm]
    what = ["--login", "--pin", PIN, "--sign", "--id", "02", "-m", mechanism,
            "-i", "digest" if mechanism == "ECDSA" else "data", "-o", "signature"]
    found = [("yubico-piv-tool", ["yubico-piv-tool", "--reader=" + READER, "-a", "verify-pin", "-P", PIN, "--sign", "-s",
                                  "9c", "-A", vendor, "-H", "SHA256", "-i", "data", "-o", "signature"]),
             ("pkcs11-tool, OpenSC", ["pkcs11-tool", "--module", OPENSC, *what])]
    if os.path.exists(YKCS11):
        found.append(("pkcs11-tool, ykcs11", ["pkcs11-tool", "--module", YKCS11, *what]))
    return found


def cost(rig, card, argv):
    """What one run costs: {"apdus", "in", "out"} from the card, {"wall_us", "cpu_us", "rss_kib"} from the kernel."""
    before = card.stats()
    done = subprocess.run([os.path.join(rig.build, "tests/bench_run"), *argv], env=rig.env, cwd=rig.dir, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False)
    after = card.stats()
    if done.returncode != 0 or after["signatures"] != before["signatures"] + 1:
        raise RuntimeError(f"{argv}: {done.returncode} {done.stderr}")
    spent = {name: int(value) for name, value in (line.split() for line in done.stdout.splitlines())}
    return {"apdus": after["exchanges"] - before["exchanges"], "in": after["bytes_in"] - before["bytes_in"],
            "out": after["bytes_out"] - before["bytes_out"], **spent}
