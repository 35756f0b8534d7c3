#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""sign.py BUILD: documents signed by a chip, from `mohr sign` and from the socket to what others say of the result.

The cards are simulated: a citizen's, and staff cards behind Debian's pcscd. What they signed is judged by programs that nobody here
wrote: `openssl cms`, pdfsig of poppler, jwcrypto; and by `mohr verify`. What the person was shown is what pinentry was told. Whatever
is interrupted (a wrong PIN, a client that goes, a full disk, a killed worker, a killed mohrd) leaves no half of a signature behind.
"""
import base64
import hashlib
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import threading

from lib import PIN, Card, Connection, Daemon, Pcscd, main, wait_for
from rows import History

WRONG = "31415926"
TSA = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
signer_cert = tsa.pem
certs = tsa.pem
signer_key = tsa.key
"""


def pdf(pages, text="contract"):
    """The smallest PDF with so many pages, by ISO 32000-1 7.5."""
    kids = " ".join(f"{4 + 2 * i} 0 R" for i in range(pages))
    objects = ["<< /Type /Catalog /Pages 2 0 R >>", f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>",
               "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    for i in range(pages):
        drawn = f"BT /F 12 Tf 72 700 Td ({text} {i + 1}) Tj ET"
        objects += [f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F 3 0 R >> >> "
                    f"/Contents {5 + 2 * i} 0 R >>", f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream"]
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    return out + (f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<< /Size {len(objects) + 1} /Root 1 0 R >>\n"
                  f"startxref\n{len(out)}\n%%EOF\n").encode()


class World:
    def __init__(self, rig):
        self.rig = rig
        self.soft = {"pki": rig.pki, "pin": PIN}
        # who vouches for citizens and staff, for the programs of others
        with open(self.path("all.pem"), "wb") as both:
            for name in ("root.pem", "staff-ca.pem"):
                with open(os.path.join(rig.pki, name), "rb") as file:
                    both.write(file.read() + b"\n")

    def path(self, name):
        return os.path.join(self.rig.dir, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data if isinstance(data, bytes) else data.encode())
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def there(self, name):
        return os.path.lexists(self.path(name))

    def run(self, *words, env=None):
        done = subprocess.run(words, cwd=self.rig.dir, capture_output=True, timeout=120, check=False,
                              env={"PATH": os.environ["PATH"], "HOME": self.rig.dir, **(env or {})})
        return done.returncode, done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")

    def openssl(self, signature, content=None):
        """Does OpenSSL take it? Chains go to the roots of the test's cards."""
        words = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-CAfile", "all.pem",
                 "-purpose", "any", "-partial_chain", "-out", "back"]
        code, said = self.run(*words, *(["-content", content] if content else []))
        return code == 0 and "Verification successful" in said, said

    def sign(self, daemon, *words, **more):
        return self.rig.mohr(daemon, "sign", *words, **more)

    def verify(self, name, *words):
        return self.rig.mohr(None, "verify", "--json", "--revocation", "off", "--trust", self.rig.root, "--staff-anchors",
                             os.path.join(self.rig.pki, "staff-ca.pem"), *words, name)

    def leftovers(self):
        """Files that are neither documents nor results."""
        return [name for name in os.listdir(self.rig.dir) if name.startswith(".new-")]

    @staticmethod
    def rows(daemon):
        return History(daemon.state).bodies


class App(Connection):
    """An app that knows mohr.Documents."""

    def add(self, document, result, **parameters):
        """Paths or descriptors: (error, reply)."""
        mine = [document if isinstance(document, int) else os.open(document, os.O_RDONLY),
                result if isinstance(result, int) else os.open(result, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)]
        frame = {"method": "mohr.Documents.Add", "parameters": {"name": "n", "form": "cms", **parameters}}
        socket.send_fds(self.socket, [json.dumps(frame).encode() + b"\0"], mine)
        for fd, given in zip(mine, (document, result)):
            if not isinstance(given, int):
                os.close(fd)
        return self.receive()[:2]

    def begin(self, *handles, **parameters):
        return self.send("mohr.Documents.Sign", {"documents": list(handles), "ui": {"display": ":mohr-test", "language": "en"},
                                                 **parameters}, more=True)

    def until(self, phase, document=None):
        """Hears replies until this phase; what else it was that ended the call, or None."""
        while True:
            error, reply, more = self.receive()
            if not more:
                return error, reply
            if reply.get("phase") == phase and document in (None, reply["document"]):
                return None

    def end(self):
        return self.until(None)


# ---- the forms -----------------------------------------------------------------------------------------------------

def detached_and_attached(world, daemon):
    rig, text = world.rig, "قرارداد " * 500
    name = world.write("قرارداد.txt", text)
    code, out, err = world.sign(daemon, name, "--purpose", "فروش خانه", "--commitment", "approval", "--policy", "1.2.3.4:" + "ab" * 32)
    good, said = world.openssl(name + ".p7s", name)
    rig.check(code == 0 and out.strip() == name + ".p7s" and good, "a detached signature verifies with openssl", (code, err, said))
    _, printed = world.run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", name + ".p7s")
    wanted = ("contentType", "signingTime", "messageDigest", "id-smime-aa-signingCertificateV2", "1.2.840.113549.1.9.16.2.16", "1.2.3.4")
    rig.check(all(word in printed for word in wanted), "what is signed says certificate, time, policy and commitment", printed[-2000:])
    prompts = "\n".join(daemon.prompts())
    digest = hashlib.sha256(text.encode()).hexdigest()
    seen = [word in prompts for word in (name, "فروش خانه", digest[:16], digest[-16:], "7.5 kB", "approval of the content",
                                     "1.2.3.4")]
    rig.check(all(seen), "the prompt showed name, purpose, size and digest, and what is stated", (seen, prompts[-1500:]))
    code, _, err = world.sign(daemon, "--form", "attached", name, "--no-time")
    good, said = world.openssl(name + ".p7m")
    _, printed = world.run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", name + ".p7m")
    rig.check(code == 0 and good and world.read("back") == text.encode() and "signingTime" not in printed,
              "an attached one holds the document, and no time if none was wanted", (code, err, said))
    for signature, content in ((name + ".p7s", ("--content", name)), (name + ".p7m", ())):
        code, out, err = world.verify(signature, *content)
        rig.check(code == 0 and json.loads(out)["signatures"], f"mohr verify takes {signature[-4:]}", (code, out[-500:], err))
    world.write("other.txt", text + ".")
    good, said = world.openssl(name + ".p7s", "other.txt")
    rig.check(not good and world.verify(name + ".p7s", "--content", "other.txt")[0] == 21, "over another content neither takes it", said)


def in_a_pdf(world, daemon):
    rig = world.rig
    world.write("contract.pdf", pdf(3))
    daemon.prompts()
    code, out, err = world.sign(daemon, "--json", "contract.pdf", "--purpose", "sale of a house", "--location", "Tehran")
    told = json.loads(out)["documents"][0] if code == 0 else {}
    rig.check(code == 0 and told["form"] == "pdf" and told["result"] == "contract-signed.pdf" and told["state"] == "signed",
              "a PDF is signed as one", (code, out, err))
    prompts = "\n".join(daemon.prompts())
    rig.check("3 pages" in prompts and "contract.pdf" in prompts and "Tehran" in prompts, "the prompt showed its pages, and the place stated in it",
              prompts[-1500:])
    code, said = world.run("pdfsig", "contract-signed.pdf")
    rig.check("Signature is Valid" in said and "Total document signed" in said and "ETSI.CAdES.detached" in said,
              "pdfsig finds it valid and whole", said)
    rig.check(world.run("qpdf", "--check", "contract-signed.pdf")[0] == 0 and
              world.read("contract-signed.pdf").startswith(world.read("contract.pdf")), "nothing of the document was changed")
    code, _, err = world.sign(daemon, "contract-signed.pdf", "--out", "twice.pdf", "--stamp", "2,36,36,240,90")
    said = world.run("pdfsig", "twice.pdf")[1]
    prompts = "\n".join(daemon.prompts())
    rig.check(code == 0 and said.count("Signature is Valid") == 2 and "a visible stamp on page 2" in prompts,
              "it is simply signed once more, with a stamp of which the prompt spoke", (code, err, said, prompts[-1500:]))
    code, out, err = world.verify("twice.pdf")
    rig.check(code == 0 and len(json.loads(out)["signatures"]) == 2, "mohr verify finds both", (code, out[-600:], err))


def of_json(world, daemon):
    from jwcrypto import jwk, jws  # noqa: PLC0415
    from cryptography import x509  # noqa: PLC0415
    rig = world.rig
    # What would be an assertion's payload, to the letter.
    payload = json.dumps({"iss": "https://self-issued.me/v2", "aud": "https://bank.example", "nonce": "0123456789abcdef",
                          "sub": "0099900007", "iat": 1, "exp": 9999999999, "auth_time": 1}).encode()
    world.write("claims.json", payload)
    code, _, err = world.sign(daemon, "--form", "jws", "claims.json")
    signed = world.read("claims.json.jws").decode() if code == 0 else ".."
    header = json.loads(base64.urlsafe_b64decode(signed.split(".")[0] + "==")) if code == 0 else {}
    token = jws.JWS()
    token.allowed_algs = ["RS256"]
    token.header_registry["sigT"] = jws.JWSEHeaderParameter("sigT", True, True, None)
    try:
        leaf = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
        token.deserialize(signed)
        token.verify(jwk.JWK.from_pyca(leaf.public_key()))
        good = token.payload == payload
    except Exception as broken:  # noqa: BLE001
        good = repr(broken)
    rig.check(code == 0 and good is True, "a JWS of JSON verifies with jwcrypto", (code, err, good))
    rig.check(header.get("typ") == "mohr-document+jws" and header.get("crit") == ["sigT"], "its type is no assertion's", header)
    code, out, _ = rig.mohr(None, "verify", "--trust", rig.root, "--audience", "https://bank.example", "--nonce", "0123456789abcdef",
                            "--json", "-", text=signed)
    rig.check(code == 21 or "claims" not in out, "a document that reads like an assertion proves nobody's identity", (code, out[:400]))


def forms(world):
    daemon = Daemon(world.rig, drivers=("soft",), soft=world.soft)
    detached_and_attached(world, daemon)
    in_a_pdf(world, daemon)
    of_json(world, daemon)
    bodies = [row for row in world.rows(daemon) if row.get("method") == "SignDocument"]
    digest = hashlib.sha256(world.read("contract.pdf")).hexdigest()
    world.rig.check(any(row.get("document") == "contract.pdf" and row.get("document_digest") == digest and row.get("form") == "pdf"
                        for row in bodies), "the history names document, digest and form", bodies[-2:])
    daemon.stop()


# ---- several signers -----------------------------------------------------------------------------------------------

def several(world):
    """A promissory note: a citizen's card and two staff cards; then somebody countersigns the first."""
    rig, pcscd = world.rig, Pcscd(world.rig, readers=2)
    cards = [Card(rig, pcscd, "piv", slot=slot, piv_9c=key) for slot, key in ((0, "p256"), (2, "p384"))]
    daemon = Daemon(rig, drivers=("pcsc", "soft"), soft=world.soft,
                    trust={"anchors": rig.root, "staff_anchors": os.path.join(rig.pki, "staff-ca.pem")})
    for card in cards:
        daemon.wait_state(card.reader, "card")
    world.write("note.txt", "سفته " * 1000)
    world.write("note.json", '{"amount": 5000000}')
    readers = ["Simulated reader (SIMULATED CARD)", cards[0].reader, cards[1].reader]
    daemon.wait_state(readers[0], "card")
    for form, suffix in (("cms", ".p7s"), ("attached", ".p7m"), ("jws", ".jws")):
        name = "note.json" if form == "jws" else "note.txt"
        codes = []
        for reader in readers:
            more = ("--add", name + suffix) if codes else ()
            codes.append(world.sign(daemon, "--form", form, name, "--reader", reader, *more))
        rig.check([code for code, _, _ in codes] == [0, 0, 0], f"{form}: three sign one document", codes)
        if form == "jws":
            rows = json.loads(world.read(name + suffix))["signatures"]
            algs = sorted(json.loads(base64.urlsafe_b64decode(row["protected"] + "==="))["alg"] for row in rows)
            rig.check(algs == ["ES256", "ES384", "RS256"], "jws: three signatures of three kinds of key", algs)
        else:
            good, said = world.openssl(name + suffix, name if form == "cms" else None)
            printed = world.run("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", name + suffix)[1]
            rig.check(good and printed.count("d.issuerAndSerialNumber") == 3, f"{form}: openssl verifies all three", said)
        code, out, err = world.verify(name + suffix, *(("--content", name) if form == "cms" else ()))
        rig.check(code == 0 and len(json.loads(out)["signatures"]) == 3, f"{form}: and mohr verify", (code, out[-600:], err))
    world.write("note.pdf", pdf(1))
    codes, name = [], "note.pdf"
    for reader in readers:
        codes.append(world.sign(daemon, name, "--reader", reader)[0])
        name = name[:-4] + "-signed.pdf"
    said = world.run("pdfsig", name)[1]
    rig.check(codes == [0, 0, 0] and said.count("Signature is Valid") == 3 and "SHA-384" in said, "pdf: three signatures, and pdfsig takes each", (codes, said))
    code, out, err = world.verify(name)
    rig.check(code == 0 and len(json.loads(out)["signatures"]) == 3, "pdf: and mohr verify", (code, out[-600:], err))
    daemon.prompts()
    code, _, err = world.sign(daemon, "--countersign", "1", "note.txt.p7m", "--reader", cards[0].reader)
    code2, out, err2 = world.verify("note.txt.p7m")
    counted = sum(len(row.get("countersignatures", [])) for row in json.loads(out)["signatures"]) if code2 == 0 else 0
    rig.check(code == 0 and code2 == 0 and counted == 1 and world.openssl("note.txt.p7m")[0], "one of them is countersigned",
              (code, err, code2, out[-600:], err2))
    rig.check(any("countersignature of the signature of" in line for line in daemon.prompts()), "and the prompt said whose that is")
    before = world.read("note.txt.p7s")
    world.write("forged.txt", "سفته " * 999)
    code, _, err = world.sign(daemon, "--add", "note.txt.p7s", "forged.txt", "--reader", readers[0])
    rig.check(code == 2 and world.read("note.txt.p7s") == before and not daemon.prompts(),
              "a signature of another content gets none beside it, and nobody was asked", (code, err))
    rig.check(not world.leftovers() and all(card.locked() for card in cards), "no temporary file is left, and every card is locked",
              world.leftovers())
    for card in cards:
        card.remove()
    daemon.stop()
    pcscd.stop()


# ---- a batch -------------------------------------------------------------------------------------------------------

def typed(world, daemon, begin, *entries):
    """What the person types at one prompt after the other, the last at all that follow: nothing is answered before the next one's is there."""
    for number, entry in enumerate(entries):
        daemon.script(getpin=[entry], until=world.path(f"typed-{number}"))
        if number == 0:
            begin()
        else:
            world.write(f"typed-{number - 1}", "")
        wait_for(lambda: any(line.startswith("PID ") for line in daemon.prompts()))  # it has read its script
    world.write(f"typed-{len(entries) - 1}", "")


def batch(world):
    """Five documents, one consent; the third PIN is wrong. Then the rest."""
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    names = [world.write(f"batch-{i}.txt", f"document {i}\n") for i in range(1, 6)]
    app = App(daemon.socket)
    handles = [app.add(world.path(name), world.path(name + ".result"), name=name)[1]["document"] for name in names]
    typed(world, daemon, lambda: app.begin(*handles, purpose="five of them"), PIN, PIN, WRONG)
    ended = app.end()
    signed = [world.openssl(name + ".result", name)[0] for name in names]
    count = 2
    rig.check(ended[0] == "mohr.Documents.WrongPin" and ended[1]["tries_left"] == 2 and ended[1]["document"] == handles[count] and
              signed == [True] * count + [False] * (5 - count), "a wrong PIN in the middle: what was signed stays", (ended, signed))
    rig.check(all(os.path.getsize(world.path(name + ".result")) == 0 for name in names[count:]), "and of the rest nothing was written")
    daemon.script()
    daemon.prompts()
    app.begin(*handles[count:])
    ended = app.end()
    lines = daemon.prompts()
    rig.check(ended[0] is None and all(world.openssl(name + ".result", name)[0] for name in names), "the rest can be given to Sign again", ended)
    asked = sum(line == "GETPIN" for line in lines)
    pages = [line for line in lines if "Do you agree to sign these documents" in line or "Documents to be signed" in line]
    rig.check(asked == 5 - count and len(pages) >= 1, "one consent, and a PIN for each", (asked, len(pages)))
    again = app.begin(handles[0]).end()
    rig.check(again[0] == "mohr.Documents.NoSuchDocument", "what was signed is not signed again by the same handle", again)
    app.close()
    rows = [row for row in world.rows(daemon) if row.get("method") == "SignDocument"]
    consents = [row.get("consent") for row in rows]
    rig.check(consents[0] is None and consents[1] == consents[2] == rows[0]["request"], "later ones say whose consent they went by", consents)

    daemon.script(getpin=[WRONG])
    code, _, err = world.sign(daemon, *names)
    rig.check(code == 13 and "0 of 5" in err and not any(world.there(name + ".p7s") for name in names), "the CLI says how many are signed", (code, err))
    daemon.script()
    world.sign(daemon, names[0], names[1])
    kept = [world.read(name + ".p7s") for name in names[:2]]
    daemon.script(getpin=[WRONG])
    code, out, err = world.sign(daemon, "--resume", *names)
    rig.check(code == 13 and [os.path.basename(line) for line in out.split()] == [name + ".p7s" for name in names[:2]],
              "what is there is named, although the rest was not signed", (code, out, err))
    daemon.script()
    code, out, err = world.sign(daemon, "--resume", *names)
    rig.check(code == 0 and out.split() == [name + ".p7s" for name in names] and [world.read(name + ".p7s") for name in names[:2]] == kept and
              all(world.openssl(name + ".p7s", name)[0] for name in names), "--resume goes on with what is not there", (code, out, err))
    world.write(names[0], "another text\n")
    code, _, err = world.sign(daemon, "--resume", *names)
    rig.check(code == 2 and "another content" in err, "and takes no result for one of another content", (code, err))
    world.write("plain.pdf", pdf(1))
    world.write("plain-signed.pdf", pdf(1) + b"% more\n")
    code, _, err = world.sign(daemon, "--resume", "plain.pdf")
    rig.check(code == 2 and "another content" in err, "nor a PDF for a signed one, whose bytes it begins with", (code, err))
    daemon.stop()


# ---- what an app may pass ------------------------------------------------------------------------------------------

def unusable(error):
    return error[1].get("why") if error[0] == "mohr.Documents.DocumentUnusable" else error[0]


def descriptors(world):
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    app, document = App(daemon.socket), world.path(world.write("d.txt", "a document\n"))
    def opened(flags, path=document):
        return os.open(path, flags)
    fresh = [0]
    def result():
        fresh[0] += 1
        return opened(os.O_RDWR | os.O_CREAT | os.O_TRUNC, world.path(f"r{fresh[0]}"))
    pipe = os.pipe()
    memory = os.memfd_create("document")
    os.write(memory, b"in memory\n")
    both = opened(os.O_RDWR | os.O_CREAT, world.path("empty"))
    rows = [("a pipe", pipe[0], result(), "not-a-file"), ("a folder", opened(os.O_RDONLY, rig.dir), result(), "not-a-file"),
            ("a device", opened(os.O_RDONLY, "/dev/zero"), result(), "not-a-file"), ("a socket", app.socket.fileno(), result(), "not-a-file"),
            ("one that opens nothing", opened(os.O_PATH), result(), "not-a-file"),
            ("one that cannot be read", opened(os.O_WRONLY), result(), "not-a-file"),
            ("a result that is a device", opened(os.O_RDONLY), opened(os.O_WRONLY, "/dev/full"), "output"),
            ("a result that is a pipe", opened(os.O_RDONLY), pipe[1], "output"),
            ("a result that cannot be written", opened(os.O_RDONLY), opened(os.O_RDONLY, world.path("empty")), "output"),
            ("a result that is not empty", opened(os.O_RDONLY), opened(os.O_RDWR), "output"),
            ("the same file twice", both, both, "output"), ("a file in memory", memory, result(), None)]
    told = [(what, unusable(app.add(source, sink)), why) for what, source, sink, why in rows]
    rig.check(all(got == why for _, got, why in told), "of two descriptors only two regular files will do", [row for row in told if row[1] != row[2]])
    for fd in {fd for row in rows for fd in row[1:3]} - {app.socket.fileno()}:
        os.close(fd)
    wrong = [("a text as a PDF", {"form": "pdf"}, "not-a-pdf"), ("a text as JSON", {"form": "jws"}, "not-json"),
             ("a text as a signature", {"form": "countersignature", "signer": 0}, "not-a-signature"),
             ("a form that is none", {"form": "xades"}, "org.varlink.service.InvalidParameter"),
             ("a stamp outside of a PDF", {"stamp": {"page": 1, "x": 0, "y": 0, "width": 9, "height": 9}}, "org.varlink.service.InvalidParameter"),
             ("a policy of a number that there cannot be", {"policy": "9.9.9", "policy_digest": "0" * 64}, "org.varlink.service.InvalidParameter"),
             ("a policy without its digest", {"policy": "1.2.3"}, "org.varlink.service.InvalidParameter"),
             ("a name that turns its line around", {"name": "a\u202etxt.exe"}, "org.varlink.service.InvalidParameter")]
    told = [(what, unusable(app.add(document, world.path("w"), **more)), why) for what, more, why in wrong]
    rig.check(all(got == why for _, got, why in told), "what does not fit its form is refused when it is added", [row for row in told if row[1] != row[2]])
    told = [app.send("mohr.Documents.Add", {"name": "n", "form": "cms"}).receive()]
    socket.send_fds(app.socket, [json.dumps({"method": "mohr.Documents.Add", "parameters": {"name": "n", "form": "cms"}}).encode() + b"\0"], [0])
    told.append(app.receive())
    rig.check(all(row[:2] == ("org.varlink.service.InvalidParameter", {"parameter": "descriptor"}) for row in told),
              "one descriptor, or none, is an answer", told)
    many = [app.add(document, world.path("m")) for _ in range(65)]
    rig.check([row[0] for row in many[:63]] == [None] * 63 and many[-1][0] == "mohr.Documents.TooManyDocuments", "64 documents and no more", many[-2:])
    held = len(os.listdir(f"/proc/{daemon.process.pid}/fd"))
    stranger = App(daemon.socket)
    rig.check(stranger.begin(many[0][1]["document"]).end()[0] == "mohr.Documents.NoSuchDocument", "they are of this connection alone")
    stranger.close()
    app.close()
    gone = wait_for(lambda: len(os.listdir(f"/proc/{daemon.process.pid}/fd")) <= held - 64)
    rig.check(gone and daemon.process.alive(), "and gone with it, descriptors and all")
    rig.check(not daemon.prompts(), "nobody was asked anything")
    daemon.stop()


def changing(world):
    """A document that somebody writes to while it is read; and one that changes after it was."""
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    app, path, stop = App(daemon.socket), world.path("big"), threading.Event()
    with open(path, "wb") as file:
        file.truncate(24 << 20)
    def scribble():
        with open(path, "r+b", buffering=0) as file:
            while not stop.is_set():
                os.pwrite(file.fileno(), b"x", 23 << 20)
                begun.set()
    begun, writer = threading.Event(), threading.Thread(target=scribble)
    writer.start()
    begun.wait()
    told = unusable(app.add(path, world.path("big.p7s")))
    stop.set()
    writer.join()
    rig.check(told == "changed", "a document that changes while it is read is refused", told)
    name = world.write("later.txt", "what was agreed to\n")
    handle = app.add(world.path(name), world.path("later.p7m"), form="cms-attached")[1]["document"]
    world.write(name, "something else\n")
    ended = app.begin(handle).end()
    good = world.openssl("later.p7m")[0]
    rig.check(ended[0] is None and good and world.read("back") == b"what was agreed to\n", "what is signed is what was added, whatever became of it", ended)
    for name in ("one", "two"):
        app.begin(app.add(world.path(world.write(name, name)), world.path(name + ".p7s"))[1]["document"]).end()
    forged = world.path(world.write("forged.p7s", world.read("one.p7s")[:-256] + world.read("two.p7s")[-256:]))
    told = [unusable(app.begin(app.add(path, world.path("c"), form="countersignature", signer=0)[1]["document"]).end())
            for path in (forged, world.path("one.p7s"))]
    rig.check(told == ["not-its-signer", None], "a signature that the one it names did not make is countersigned by nobody", told)
    app.close()
    daemon.stop()


# ---- interrupted ---------------------------------------------------------------------------------------------------

def hang_up(world):
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    world.write("h.pdf", pdf(1))
    daemon.script(getpin=["hang"])
    app = App(daemon.socket)
    handle = app.add(world.path("h.pdf"), world.path("h-signed.pdf"), form="pdf")[1]["document"]
    app.begin(handle).until("consent")
    app.close()
    gone = wait_for(lambda: not any(name.startswith("mohr-prompt") for name in daemon.helpers().values()))
    rig.check(gone and os.path.getsize(world.path("h-signed.pdf")) == 0, "a client that goes takes the prompt along, and nothing is written",
              daemon.helpers())
    ended = wait_for(lambda: [row for row in world.rows(daemon) if row.get("outcome") == "Cancelled"])
    rig.check(ended, "the history says that it was cancelled")
    daemon.script()
    code, _, err = world.sign(daemon, "h.pdf", "--out", "h2.pdf")
    rig.check(code == 0 and "Signature is Valid" in world.run("pdfsig", "h2.pdf")[1], "and the next one is served", (code, err))
    daemon.stop()


def no_room(world):
    """The result belongs on a disk that is full."""
    rig, daemon, small = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft), world.path("small")
    os.mkdir(small)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "none", small], capture_output=True, check=False).returncode != 0:
        rig.skip("a full disk", "nothing can be mounted here")
        return
    world.write("large.txt", "x" * 100000)
    app = App(daemon.socket)
    with open(os.path.join(small, "r"), "w+b") as result:
        handle = app.add(world.path("large.txt"), result.fileno(), form="cms-attached")[1]["document"]
        ended = app.begin(handle).end()
        size = os.fstat(result.fileno()).st_size
    rig.check(unusable(ended) == "disk-full" and ended[1]["document"] == handle and size == 0, "a full disk: it says so, and half of it is taken back", (ended, size))
    code, _, err = world.sign(daemon, "--form", "attached", "large.txt", "--out-dir", "small")
    rig.check(code == 29 and os.listdir(small) in (["r"], []), "the CLI leaves nothing there", (code, err, os.listdir(small)))
    subprocess.run(["umount", "-l", small], check=False)
    code, _, err = world.sign(daemon, "--form", "attached", "large.txt")
    rig.check(code == 0 and world.openssl("large.txt.p7m")[0], "elsewhere it is signed", (code, err))
    daemon.stop()


def killed(world):
    """mohr-document and mohrd die in the middle, wherever that is."""
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    def worker():
        return next((pid for pid, name in daemon.helpers().items() if name.startswith("mohr-document")), None)
    with open(world.path("huge"), "wb") as file:
        file.truncate(1 << 30)  # more than is read before the worker is found
    app = App(daemon.socket)
    frame = {"method": "mohr.Documents.Add", "parameters": {"name": "huge", "form": "cms-attached"}}
    with open(world.path("huge"), "rb") as document, open(world.path("huge.p7m"), "w+b") as result:
        socket.send_fds(app.socket, [json.dumps(frame).encode() + b"\0"], [document.fileno(), result.fileno()])
        pid = wait_for(worker, step=0.001)
        if pid:
            os.kill(pid, signal.SIGKILL)
        ended = app.receive()[:2]
        rig.check(ended[0] == "mohr.Documents.Internal", "a worker that dies while it reads is an answer", ended)
        os.truncate(world.path("huge"), 32 << 20)
        handle = app.add(document.fileno(), result.fileno(), form="cms-attached")[1]["document"]
        app.begin(handle).until("sign")
        pid = wait_for(worker, step=0.001)
        if pid:
            os.kill(pid, signal.SIGKILL)
        ended = app.end()
        whole = os.path.getsize(world.path("huge.p7m")) > (32 << 20)
    rig.check((ended[0] is None and whole) or ended[0] == "mohr.Documents.Internal", "one that dies while it writes: told, or done by then", (ended, whole))
    app.close()
    # The CLI's file has no name until it is whole; so whenever mohrd dies, there is a signature or no file.
    world.write("k.txt", "k\n")
    daemon.script(getpin=["hang"])
    asking = subprocess.Popen([os.path.join(rig.build, "mohr"), "sign", "k.txt"], cwd=rig.dir, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, env={**rig.env, "DISPLAY": ":mohr-test", "MOHR_SOCKET": daemon.socket})
    wait_for(lambda: "GETPIN" in "\n".join(daemon.prompts()))
    daemon.process.child.kill()
    rig.check(asking.wait(120) == 20 and not world.there("k.txt.p7s") and not world.leftovers(), "mohrd killed at the PIN: 20, and no file", world.leftovers())
    daemon.process.child.wait()
    daemon.script()
    daemon.start()
    code, _, err = world.sign(daemon, "k.txt")
    rig.check(code == 0 and world.openssl("k.txt.p7s", "k.txt")[0], "and the next mohrd signs it", (code, err))
    daemon.stop()


# ---- places and timestamps -----------------------------------------------------------------------------------------

def places(world):
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    world.write("p.txt", "p\n")
    world.write("taken", "not ours\n")
    os.makedirs(world.path("folder/sub"))
    os.symlink("p.txt", world.path("link"))
    rows = [(("p.txt", "--out", "taken"), 2), (("p.txt", "--out", "/dev/full"), 2), (("p.txt", "--out", "/dev/full", "--force"), 2),
            (("p.txt", "--out", "p.txt", "--force"), 2), (("p.txt", "--out", "link", "--force"), 2), (("p.txt", "--out", "folder", "--force"), 2),
            (("p.txt", "--out-dir", "nowhere"), 2), (("/dev/zero",), 29), (("folder",), 29), (("nowhere",), 2), ((), 2),
            (("p.txt", "p.txt"), 2), (("p.txt", "--form", "pdf"), 29), (("p.txt", "--timestamp", "http://127.0.0.1:9/"), 2)]
    codes = [(words, world.sign(daemon, *words)[0], code) for words, code in rows]
    rig.check(all(got == code for _, got, code in codes), "what cannot be is said before anybody is asked", [row for row in codes if row[1] != row[2]])
    rig.check(world.read("taken") == b"not ours\n" and not daemon.prompts() and not world.leftovers(), "and nothing was touched", world.leftovers())
    code, _, err = world.sign(daemon, "p.txt", "--out", "taken", "--force")
    rig.check(code == 0 and world.openssl("taken", "p.txt")[0], "--force replaces a file, in one step", (code, err))
    code, out, _ = world.sign(daemon, "p.txt", "--out-dir", "folder", env={"LANGUAGE": "fa"})
    rig.check(code == 0 and out.strip() == "folder/p.txt.p7s" and world.openssl("folder/p.txt.p7s", "p.txt")[0], "--out-dir puts it elsewhere", out)
    daemon.stop()


class Service(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/good":
            self.send_error(503)
            return
        world = self.server.world
        world.write("query", query)
        world.run("openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "query", "-out", "reply")
        body = world.read("reply")
        self.send_response(200)
        self.send_header("Content-Type", "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def make_authority(world):
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    world.run("openssl", "req", "-x509", *curve, "-keyout", "tsroot.key", "-out", "tsroot.pem", "-subj", "/CN=TEST Time Root",
              "-days", "3650", "-addext", "keyUsage=critical,keyCertSign")
    world.write("usage", "extendedKeyUsage = critical,timeStamping\n")
    world.run("openssl", "req", "-new", *curve, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=TEST Time")
    world.run("openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "tsroot.pem", "-CAkey", "tsroot.key", "-CAcreateserial",
              "-days", "3650", "-extfile", "usage", "-out", "tsa.pem")
    world.write("tsa.cnf", TSA)
    world.write("serial", "01\n")


def timestamps(world):
    rig, daemon = world.rig, Daemon(world.rig, drivers=("soft",), soft=world.soft)
    make_authority(world)
    server = http.server.HTTPServer(("127.0.0.1", 0), Service)
    server.world = world
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    world.write("t.txt", "t\n")
    world.write("t.pdf", pdf(2))
    code, out, err = world.sign(daemon, "t.txt", "--timestamp", url + "/broken", "--tsa-anchors", "tsroot.pem")
    rig.check(code == 30 and world.openssl("t.txt.p7s", "t.txt")[0], "a service that fails leaves a signature without a timestamp", (code, out, err))
    stamped = ("--timestamp", url + "/good", "--tsa-anchors", "tsroot.pem")
    daemon.prompts()
    code, _, err = world.sign(daemon, "t.txt", "--resume", *stamped)
    rig.check(code == 0 and not daemon.prompts(), "--resume fetches it, and asks nobody", (code, err))
    once = world.read("t.txt.p7s")
    code, _, err = world.sign(daemon, "t.txt", "--resume", *stamped)
    rig.check(code == 0 and world.read("t.txt.p7s") == once, "and not a second time", (code, err))
    codes = [world.sign(daemon, "t.pdf", *stamped), world.sign(daemon, "t.txt", "--form", "attached", *stamped),
             world.sign(daemon, "t.txt", "--add", "t.txt.p7s", "--commitment", "approval", *stamped)]
    rig.check([row[0] for row in codes] == [0, 0, 0], "PDF, attached and parallel signatures get one", codes)
    world.write("t.json", '{"sum": 12}')
    code, _, err = world.sign(daemon, "t.json", "--form", "jws", *stamped)
    once = world.read("t.json.jws")
    again = world.sign(daemon, "t.json", "--form", "jws", "--resume", *stamped)
    rig.check(code == 0 and again[0] == 0 and world.read("t.json.jws") == once, "and signed JSON, once", (code, err, again))
    for name, content in (("t.txt.p7s", "t.txt"), ("t.txt.p7m", None)):
        rig.check(world.openssl(name, content)[0], f"openssl still takes {name}")
    rig.check("Signature is Valid" in world.run("pdfsig", "t-signed.pdf")[1], "and pdfsig the PDF")
    for name, count, more in (("t.txt.p7s", 2, ("--content", "t.txt")), ("t.txt.p7m", 1, ()), ("t-signed.pdf", 1, ()), ("t.json.jws", 1, ())):
        code, out, err = world.verify(name, *more, "--tsa-anchors", "tsroot.pem")
        found = len(re.findall(r'"authority": "TEST Time"', out))
        rig.check(code == 0 and found == count, f"mohr verify believes {name} by its timestamp", (code, found, out[-800:], err))
    server.shutdown()
    daemon.stop()


CASES = (forms, several, batch, descriptors, changing, hang_up, no_room, killed, places, timestamps)


def body(rig):
    world = World(rig)
    for case in rig.mine(CASES):
        case(world)


if __name__ == "__main__":
    main(body, workers=2)
