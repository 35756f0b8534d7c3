# SPDX-License-Identifier: Apache-2.0
"""pkcs11_rig.py: the module in other people's programs and, by ctypes, in this one; used by pkcs11.py, pkcs11_programs.py
and the bench.
"""
import ctypes
import hashlib
import os
import shutil
import subprocess
import urllib.parse

from lib import Card, Daemon, Pcscd, die_with_parent

CKM_RSA_PKCS, CKM_RSA_PKCS_PSS, CKM_SHA256_RSA_PKCS, CKM_SHA512_RSA_PKCS = 0x1, 0xD, 0x40, 0x42
CKM_ECDSA, CKM_ECDSA_SHA256, CKM_ECDSA_SHA384 = 0x1041, 0x1044, 0x1045
CKR_ARGUMENTS_BAD, CKR_DATA_INVALID, CKR_KEY_FUNCTION_NOT_PERMITTED, CKR_MECHANISM_INVALID = 0x7, 0x20, 0x68, 0x70
CKR_PIN_INCORRECT, CKR_SESSION_HANDLE_INVALID, CKR_CRYPTOKI_NOT_INITIALIZED, CKR_FUNCTION_REJECTED = 0xA0, 0xB3, 0x190, 0x200
CKA_CLASS, CKA_LABEL, CKA_VALUE, CKA_ID = 0, 3, 0x11, 0x102
CKO_CERTIFICATE, CKO_PRIVATE_KEY = 1, 3
ULONG = ctypes.c_ulong


def tls_login():
    """What a client signs in TLS 1.3 (RFC 8446, 4.4.3)."""
    return b" " * 64 + b"TLS 1.3, client CertificateVerify\0" + hashlib.sha256(b"a handshake").digest()


def der_signature(plain):
    """R and S side by side as openssl wants them."""
    def integer(data):
        data = data.lstrip(b"\0") or b"\0"
        data = b"\0" * (data[0] >> 7) + data
        return bytes([2, len(data)]) + data
    half = len(plain) // 2
    content = integer(plain[:half]) + integer(plain[half:])
    return bytes([0x30]) + (bytes([len(content)]) if len(content) < 128 else bytes([0x81, len(content)])) + content


class World:
    def __init__(self, rig, pcscd=None):
        self.rig, self.pcscd = rig, pcscd or Pcscd(rig)
        self.module = os.path.join(rig.build, "mohr-pkcs11.so")
        self.key_id = ""

    @staticmethod
    def has(program):
        return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")

    def missing(self):
        return next((package for program, package in (("pkcs11-tool", "opensc"), ("openssl", "openssl")) if not self.has(program)), None)

    def daemon(self, **sections):
        trust = {"staff_anchors": os.path.join(self.rig.pki, "staff-ca.pem"), "anchors": self.rig.root}
        return Daemon(self.rig, trust=trust, **sections)

    def card(self, daemon, profile="piv", **options):
        card = Card(self.rig, self.pcscd, profile, **options)
        daemon.wait_state(card.reader, "card")
        return card

    def environment(self, daemon, **more):
        return {**self.rig.env, "MOHR_SOCKET": daemon.socket, "DISPLAY": ":mohr-test", "LANGUAGE": "en", **more}

    @staticmethod
    def shown(daemon):
        """What the person was shown since the last look."""
        return urllib.parse.unquote("\n".join(daemon.prompts()))

    def run(self, daemon, *argv, timeout=120, text=None, **env):
        """(exit code, all that was said)"""
        done = subprocess.run(argv, env=self.environment(daemon, **env), cwd=self.rig.dir, capture_output=True, input=text,
                              stdin=None if text is not None else subprocess.DEVNULL, timeout=timeout, check=False)
        return done.returncode, (done.stdout + done.stderr).decode("utf-8", "replace")

    def tool(self, daemon, *words):
        return self.run(daemon, "pkcs11-tool", "--module", self.module, *words)

    def p11tool(self, daemon, *words):
        return self.run(daemon, "p11tool", "--batch", "--provider", self.module, *words)

    def path(self, name):
        return os.path.join(self.rig.dir, name)

    def key_file(self, daemon, label="Authentication"):
        """The public key of the certificate of this label, as a file for openssl; its CKA_ID for pkcs11-tool, which signs by that alone."""
        self.tool(daemon, "--read-object", "--type", "cert", "--label", label, "-o", "key.der")
        for words in (["x509", "-inform", "DER", "-in", "key.der", "-pubkey", "-noout", "-out", "key.pem"],
                      ["pkey", "-pubin", "-in", "key.pem", "-outform", "DER", "-out", "key.spki"]):
            subprocess.run(["openssl", *words], cwd=self.rig.dir, check=True)
        with open(self.path("key.spki"), "rb") as file:
            self.key_id = hashlib.sha256(file.read()).hexdigest()[:40]
        return "key.pem"

    def sign_words(self, mechanism, digest, name):
        """Makes what is to be signed; the words for pkcs11-tool."""
        data = f"what {name} signs".encode()
        hashed = hashlib.new(digest, data).digest()
        info = {"sha256": "3031300d060960864801650304020105000420"}
        given = {"RSA-PKCS": bytes.fromhex(info["sha256"]) + hashed, "RSA-PKCS-PSS": hashed, "ECDSA": hashed}.get(mechanism, data)
        for suffix, what in (("data", data), ("given", given)):
            with open(self.path(f"{name}.{suffix}"), "wb") as file:
                file.write(what)
        words = ["--sign", "--id", self.key_id, "-m", mechanism, "-i", f"{name}.given", "-o", f"{name}.sig"]
        return words + (["--hash-algorithm", digest.upper()] if mechanism == "RSA-PKCS-PSS" else []) \
            + (["--signature-format", "openssl"] if "ECDSA" in mechanism else [])

    def sign(self, daemon, key, mechanism, digest, name="words"):
        """(exit code, output, whether openssl takes the signature for the key's)"""
        code, out = self.tool(daemon, *self.sign_words(mechanism, digest, name))
        options = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:auto"] if "PSS" in mechanism else []
        judged = subprocess.run(["openssl", "dgst", "-" + digest, *options, "-verify", key, "-signature", f"{name}.sig", f"{name}.data"],
                                cwd=self.rig.dir, capture_output=True, check=False) if code == 0 else None
        return code, out, code == 0 and judged.returncode == 0

    def start_sign(self, daemon, _key, mechanism):
        words = self.sign_words(mechanism, "sha256", "begun")
        return subprocess.Popen(["pkcs11-tool", "--module", self.module, *words], env=self.environment(daemon), cwd=self.rig.dir,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)


class Attribute(ctypes.Structure):
    _fields_ = [("type", ULONG), ("value", ctypes.c_void_p), ("len", ULONG)]


class Mechanism(ctypes.Structure):
    _fields_ = [("type", ULONG), ("parameter", ctypes.c_void_p), ("len", ULONG)]


class Functions:
    """The functions of the list that C_GetFunctionList hands out, by their names."""
    NAMES = {"C_Initialize": 0, "C_Finalize": 1, "C_GetSlotList": 4, "C_GetMechanismList": 7, "C_OpenSession": 12, "C_GetSessionInfo": 15,
             "C_Login": 18, "C_GetAttributeValue": 24, "C_FindObjectsInit": 26, "C_FindObjects": 27, "C_FindObjectsFinal": 28,
             "C_SignInit": 42, "C_Sign": 43, "C_WaitForSlotEvent": 67}

    def __init__(self, module):
        library, listed = ctypes.CDLL(module), ctypes.c_void_p()
        library.C_GetFunctionList.restype = ULONG
        if library.C_GetFunctionList(ctypes.byref(listed)) != 0:
            raise RuntimeError("no function list")
        entries = (ctypes.c_void_p * 68).from_address(listed.value + ctypes.sizeof(ctypes.c_void_p))
        for name, at in self.NAMES.items():
            setattr(self, name, ctypes.CFUNCTYPE(ULONG, *[ctypes.c_void_p] * self.arguments(name))(entries[at]))

    @staticmethod
    def arguments(name):
        return {"C_Initialize": 1, "C_Finalize": 1, "C_OpenSession": 5, "C_GetSessionInfo": 2, "C_Login": 4, "C_GetAttributeValue": 4,
                "C_FindObjects": 4, "C_FindObjectsFinal": 1, "C_Sign": 5}.get(name, 3)


class Token:
    """The module in this process, as a program in C would use it."""

    def __init__(self, world, daemon, initialize=True, library=None):
        if daemon:
            os.environ.update(MOHR_SOCKET=daemon.socket, DISPLAY=":mohr-test", LANGUAGE="en")
        self.world, self.lib = world, library or Functions(world.module)
        if initialize and (rv := self.lib.C_Initialize(None)) != 0:
            raise RuntimeError(f"C_Initialize: {rv:#x}")
        self.slot = self.first_slot()

    def first_slot(self):
        count, slots = ULONG(8), (ULONG * 8)()
        self.lib.C_GetSlotList(1, slots, ctypes.byref(count))
        return slots[0]

    def session(self):
        session = ULONG()
        if rv := self.lib.C_OpenSession(self.slot, 4, None, None, ctypes.byref(session)):
            raise RuntimeError(f"C_OpenSession: {rv:#x}")
        self.last = session.value
        return session.value

    def find(self, class_, label=None, key_id=None):
        kind = ULONG(class_)
        asked = [(CKA_CLASS, kind, ctypes.sizeof(kind))]
        for type_, value in ((CKA_LABEL, label and label.encode()), (CKA_ID, key_id)):
            if value:
                asked.append((type_, ctypes.create_string_buffer(value), len(value)))
        template = (Attribute * 3)(*(Attribute(type_, ctypes.addressof(held), length) for type_, held, length in asked))
        found, count = (ULONG * 16)(), ULONG()
        if rv := self.lib.C_FindObjectsInit(self.last, template, len(asked)):
            raise RuntimeError(f"C_FindObjectsInit: {rv:#x}")
        self.lib.C_FindObjects(self.last, found, 16, ctypes.byref(count))
        self.lib.C_FindObjectsFinal(self.last)
        return list(found[:count.value])

    def key(self, label=None, key_id=None):
        return self.find(CKO_PRIVATE_KEY, label, key_id)[0]

    def mechanisms(self):
        count, told = ULONG(32), (ULONG * 32)()
        self.lib.C_GetMechanismList(self.slot, told, ctypes.byref(count))
        return list(told[:count.value])

    def sign_init(self, session, key, mechanism):
        return self.lib.C_SignInit(session, ctypes.byref(Mechanism(mechanism, None, 0)), key)

    def sign(self, session, key, mechanism, data):
        """(CKR, signature)"""
        if rv := self.sign_init(session, key, mechanism):
            return rv, b""
        signature, length = ctypes.create_string_buffer(600), ULONG(600)
        rv = self.lib.C_Sign(session, data, len(data), signature, ctypes.byref(length))
        return rv, signature.raw[:length.value]

    def certificate(self, label=None):
        value = ctypes.create_string_buffer(8192)
        asked = Attribute(CKA_VALUE, ctypes.addressof(value), len(value))
        self.lib.C_GetAttributeValue(self.last, self.find(CKO_CERTIFICATE, label)[0], ctypes.byref(asked), 1)
        return value.raw[:asked.len]

    def judges(self, data, signature, digest="sha256"):
        """Whether openssl takes this for a signature of the first certificate's key over the data."""
        for name, what in (("own.der", self.certificate()), ("own.data", data), ("own.sig", signature)):
            with open(self.world.path(name), "wb") as file:
                file.write(what)
        run = lambda *argv: subprocess.run(argv, cwd=self.world.rig.dir, capture_output=True, check=False)  # noqa: E731
        run("openssl", "x509", "-inform", "DER", "-in", "own.der", "-pubkey", "-noout", "-out", "own.pem")
        return run("openssl", "dgst", "-" + digest, "-verify", "own.pem", "-signature", "own.sig", "own.data").returncode == 0

    def end(self):
        self.lib.C_Finalize(None)
