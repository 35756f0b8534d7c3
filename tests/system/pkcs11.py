#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pkcs11.py BUILD: the PKCS#11 module over Debian's pcscd, with OpenSC's and GnuTLS's tools and by its own interface.

What was signed is judged by openssl with the certificate that was listed; what the person was shown, by the script that
stands for pinentry; what the card was asked, by the card. Programs that people use are in pkcs11_programs.py.
"""
import ctypes
import os
import signal
import subprocess
import threading

import pkcs11_rig
from lib import PATIENCE, PIN, main, wait_for
from pkcs11_rig import Token, World

WRONG = "31415926"
MECHANISMS = {  # and those that pkcs11-tool --test signs with
    "rsa2048": [("RSA-PKCS", "sha256"), ("RSA-PKCS-PSS", "sha256"), ("SHA384-RSA-PKCS", "sha384"), ("SHA512-RSA-PKCS", "sha512"),
                ("SHA256-RSA-PKCS-PSS", "sha256")],
    "p256": [("ECDSA", "sha256"), ("ECDSA-SHA256", "sha256"), ("ECDSA-SHA384", "sha384")]}


def exports(world):
    told = subprocess.run(["nm", "-D", "--defined-only", world.module], capture_output=True, text=True, check=True).stdout
    names = {line.split()[-1] for line in told.splitlines()}
    world.rig.check(names == {"C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"}, "the module shows how to find it, and no more", names)


def looking(world):
    """What costs nobody a question."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    code, out = world.tool(daemon, "-L")
    rig.check(code == 0 and "Mohr " + card.reader in out and "PIN pad present" in out, "pkcs11-tool: slots are readers", out)
    code, out = world.tool(daemon, "-M")
    rig.check(code == 0 and "ECDSA" in out and "RSA-PKCS-PSS" in out, "pkcs11-tool: mechanisms, before the card is known", out)
    if world.has("p11tool"):
        code, out = world.p11tool(daemon, "--list-tokens")
        rig.check(code == 0 and "Mohr" in out and "serial=" in out, "p11tool: tokens", out)
        _, out = world.p11tool(daemon, "--list-all-trusted")
        rig.check("Object 0" not in out and "No matching" in out, "p11tool: a search for anchors finds none", out)
    rig.check(not daemon.prompts(), "nobody was asked anything")
    card.remove()
    daemon.stop()


def listing(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="rsa2048")
    code, out = world.tool(daemon, "-O")
    shown = world.shown(daemon)
    kinds = [out.count(kind) for kind in ("Certificate Object", "Public Key Object", "Private Key Object")]
    rig.check(code == 0 and kinds[1:] == [2, 2] and kinds[0] >= 2, "pkcs11-tool: two keys and their certificates", out)
    rig.check(shown.count("CONFIRM") == 1 and "GETPIN" not in shown and "pkcs11-tool" in shown,
              "the person was asked once, about this program, and for no PIN", shown)
    rig.check("never extractable" in out and "Usage:      sign" in out, "the keys sign and stay in the card", out)
    if world.has("p11tool"):
        code, out = world.p11tool(daemon, "--list-all")
        rig.check(code == 0 and out.count("Type: Private key") == 2 and out.count("Type: Public key") == 2, "p11tool: all of them", out)
        daemon.prompts()
    daemon.script(confirm=("no",))
    code, out = world.tool(daemon, "-O")
    first = world.shown(daemon)
    again, out_again = world.tool(daemon, "-O")
    rig.check(code == 0 and "Object" not in out + out_again and "CONFIRM" in first and not daemon.prompts(),
              "a no: an empty token, and the same program is not asked about again", (code, out, again, out_again))
    rig.check(card.stats()["verify_commands"] == 0, "listing costs no PIN", card.stats())
    card.remove()
    daemon.stop()


def signing(world, algorithm):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a=algorithm, piv_9c="p256")
    key = world.key_file(daemon)
    daemon.prompts()
    before = card.stats()["verify_commands"]
    for mechanism, digest in MECHANISMS[algorithm]:
        code, out, good = world.sign(daemon, key, mechanism, digest)
        rig.check(good, f"{algorithm}: {mechanism} by pkcs11-tool, judged by openssl", f"{code} {out}\n{daemon.process.said()[-1500:]}")
    shown, count = world.shown(daemon), len(MECHANISMS[algorithm])
    rig.check(shown.count("GETPIN") == count and card.stats()["verify_commands"] - before == count,
              f"{algorithm}: one PIN for each signature", (shown.count("GETPIN"), card.stats()))
    rig.check("authentication key" in shown and "cannot tell" in shown, f"{algorithm}: the person was told what is not known", shown[-3000:])
    rig.check(card.locked(), f"{algorithm}: the card is locked", card.stats())
    if algorithm == "rsa2048":
        code, out = world.tool(daemon, "--test")
        rig.check(code == 0 and "No errors" in out and "SHA256-RSA-PKCS: OK" in out, "pkcs11-tool --test", out)
    card.remove()
    daemon.stop()


# ---- a key that makes assertions ------------------------------------------------------------------------------------

def national(world):
    """The citizen's key: given data that Mohr knows it signs, and nothing else."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, "mav2-cl")
    token = Token(world, daemon)
    session, key = token.session(), token.key()
    rig.check(token.mechanisms() == [pkcs11_rig.CKM_SHA256_RSA_PKCS], "a national card: the one mechanism that takes data", token.mechanisms())
    for mechanism in (pkcs11_rig.CKM_RSA_PKCS, pkcs11_rig.CKM_RSA_PKCS_PSS):
        rv = token.sign_init(session, key, mechanism)
        rig.check(rv == pkcs11_rig.CKR_MECHANISM_INVALID, f"a national card: {mechanism:#x} is no mechanism", hex(rv))
    daemon.prompts()
    rv, _ = token.sign(session, key, pkcs11_rig.CKM_SHA256_RSA_PKCS, b"any words")
    rig.check(rv == pkcs11_rig.CKR_DATA_INVALID and not daemon.prompts(), "what Mohr does not know is refused, and nobody is asked", hex(rv))
    rv, signature = token.sign(session, key, pkcs11_rig.CKM_SHA256_RSA_PKCS, pkcs11_rig.tls_login())
    shown = world.shown(daemon)
    rig.check(rv == 0 and token.judges(pkcs11_rig.tls_login(), signature), "a TLS login is signed", hex(rv))
    rig.check("login to a web server" in shown and "GETPIN" in shown, "and the person was told that it is one", shown)
    rig.check(card.locked() and card.stats()["verify_commands"] == 1, "one PIN, and the card is locked", card.stats())
    token.end()
    card.remove()
    daemon.stop()


def two_keys(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="rsa2048", piv_9c="rsa2048")
    token = Token(world, daemon)
    session, key = token.session(), token.key("Digital signature")
    rv = token.sign_init(session, key, pkcs11_rig.CKM_RSA_PKCS)
    rig.check(rv == pkcs11_rig.CKR_KEY_FUNCTION_NOT_PERMITTED, "a staff card's signature key: the other key has this mechanism", hex(rv))
    key, counts = token.key("Authentication"), []
    for _ in range(3):
        before = len(card.commands())
        rv, _ = token.sign(session, key, pkcs11_rig.CKM_SHA512_RSA_PKCS, b"words")
        counts.append(len(card.commands()) - before)
    rig.check(rv == 0 and max(counts[1:]) <= 6 and card.locked(), "warm, a signature is six commands, and the card is locked", (hex(rv), counts))
    token.end()
    card.remove()
    daemon.stop()


# ---- what goes wrong ------------------------------------------------------------------------------------------------

def answers(world):
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    token = Token(world, daemon)
    session, key = token.session(), token.key("Authentication")
    for what, script, rv in (("a wrong PIN", {"getpin": (WRONG,)}, pkcs11_rig.CKR_PIN_INCORRECT),
                             ("a no", {"getpin": ("no",)}, pkcs11_rig.CKR_FUNCTION_REJECTED),
                             ("no PIN", {"getpin": ("cancel",)}, pkcs11_rig.CKR_FUNCTION_REJECTED)):
        daemon.script(**script)
        got, _ = token.sign(session, key, pkcs11_rig.CKM_ECDSA_SHA256, b"words")
        rig.check(got == rv, f"{what}: {rv:#x}", hex(got))
    spent = card.stats()["verify_commands"]
    daemon.script()
    got = token.lib.C_Login(session, 1, PIN.encode(), len(PIN))
    rig.check(got == pkcs11_rig.CKR_ARGUMENTS_BAD and card.stats()["verify_commands"] == spent == 1,
              "a PIN of the program's own is refused and goes nowhere", hex(got))
    code, out = world.tool(daemon, "--login", "--pin", PIN, "-O")
    rig.check(code != 0 and "CKR_ARGUMENTS_BAD" in out and "Object" not in out, "pkcs11-tool --pin says so", out)
    code, out = world.tool(daemon, "--login", "-O")
    rig.check(code == 0 and "Private Key Object" in out, "pkcs11-tool --login without one goes on", out)
    token.end()
    card.remove()
    daemon.stop()


def swapped(world):
    """Another card in mid-session: what was known of the first is worth nothing."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    token = Token(world, daemon)
    session, key = token.session(), token.key("Authentication")
    card.remove()
    daemon.wait_state(card.reader, "empty")
    rv = wait_for(lambda: token.lib.C_GetSessionInfo(session, ctypes.byref(ctypes.create_string_buffer(32))))
    rig.check(rv == pkcs11_rig.CKR_SESSION_HANDLE_INVALID, "a card that goes takes its sessions along", hex(rv))
    slot = pkcs11_rig.ULONG(99)
    rv = token.lib.C_WaitForSlotEvent(1, ctypes.byref(slot), None)
    rig.check(rv == 0 and slot.value == token.slot, "and is an event", (hex(rv), slot.value))
    waiter = threading.Thread(target=lambda: token.lib.C_WaitForSlotEvent(0, ctypes.byref(slot), None))
    slot.value = 99
    waiter.start()
    second = world.card(daemon, piv_9a="p384", piv_9c="p256")
    waiter.join(PATIENCE)
    rig.check(not waiter.is_alive() and slot.value == token.slot, "whoever waits for a card is told of the second", slot.value)
    daemon.prompts()
    session = token.session()
    rv = token.sign_init(session, key, pkcs11_rig.CKM_ECDSA_SHA256)
    rig.check(rv == 0x60, "the first card's key is none of the second's", hex(rv))
    rv, signature = token.sign(session, token.key("Authentication"), pkcs11_rig.CKM_ECDSA_SHA384, b"words")
    shown = world.shown(daemon)
    rig.check(rv == 0 and len(signature) == 96 and shown.count("CONFIRM") >= 1, "the second is asked about anew, and signs", (hex(rv), shown))
    token.end()
    second.remove()
    daemon.stop()


def two_apps(world):
    """Two programs at once: each is asked about, and both get their signature."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    world.key_file(daemon)
    daemon.prompts()
    results = []
    threads = [threading.Thread(target=lambda n=n: results.append(world.sign(daemon, "key.pem", "ECDSA-SHA256", "sha256", f"two-{n}")))
               for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.check(all(good for _, _, good in results), "two programs at once both get their signature", results)
    shown = world.shown(daemon)
    rig.check(shown.count("GETPIN") == 2 and card.stats()["verify_commands"] == 2, "by a PIN each", shown.count("GETPIN"))
    card.remove()
    daemon.stop()


def forked(world):
    """A child in the middle of the parent's session begins anew; the parent's goes on."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    token = Token(world, daemon)
    session, key = token.session(), token.key("Authentication")
    child = os.fork()
    if child == 0:
        code = 1
        try:
            before = token.lib.C_GetSessionInfo(session, ctypes.byref(ctypes.create_string_buffer(32)))
            own = Token(world, daemon, initialize=True, library=token.lib)
            rv, _ = own.sign(own.session(), own.key("Authentication"), pkcs11_rig.CKM_ECDSA_SHA256, b"child")
            code = 0 if before == pkcs11_rig.CKR_CRYPTOKI_NOT_INITIALIZED and rv == 0 else 2
        finally:
            os._exit(code)
    rig.check(os.waitpid(child, 0)[1] == 0, "a forked process is not initialised, and signs when it is")
    rv, _ = token.sign(session, key, pkcs11_rig.CKM_ECDSA_SHA256, b"parent")
    rig.check(rv == 0, "the parent's session goes on", hex(rv))
    token.end()
    card.remove()
    daemon.stop()


def cancelled(world):
    """A program that is killed while the person is asked: the prompt goes, and no PIN is spent."""
    rig, daemon = world.rig, world.daemon()
    card = world.card(daemon, piv_9a="p256", piv_9c="p256")
    key = world.key_file(daemon)
    daemon.prompts()
    daemon.script(getpin=("hang",))
    child = world.start_sign(daemon, key, "ECDSA-SHA256")
    asked = wait_for(lambda: "GETPIN" in world.shown(daemon))
    child.send_signal(signal.SIGKILL)
    child.wait()
    gone = wait_for(lambda: "mohr-prompt" not in daemon.helpers().values())
    rig.check(asked and gone and card.stats()["verify_commands"] == 0, "killed while the person is asked: the prompt goes, nothing is spent",
              (asked, gone, card.stats()))
    card.remove()
    daemon.stop()


def body(rig):
    world = World(rig)
    if missing := world.missing():
        rig.skip("the PKCS#11 module with other people's tools", f"{missing} is not installed")
        return
    exports(world)
    cases = [looking, listing, national, two_keys, answers, swapped, two_apps, forked, cancelled,
             *(lambda w, a=a: signing(w, a) for a in MECHANISMS)]
    for case in rig.mine(cases):
        case(world)
    world.pcscd.stop()


if __name__ == "__main__":
    main(body, workers=2)
