#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""signed.py: mohr verify on signed documents: each form and each way of giving it, what it says of several signers, PDFs that were
signed, signed again, and added to; `openssl cms` with CAdES on agrees; and no document passes for a token elsewhere.

The documents are sample_document's, by the PKI of the unit tests, and PDFs of a few lines that mohr-document makes room in.
"""
import base64
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
WORK = tempfile.mkdtemp(prefix="mohr-signed-")
TRUST = ["--trust", "root.pem", "--at", "2026-11-22", "--revocation", "off"]
EPOCH, ROOM = "1795305600", 8192
FAILED = []


def check(ok, what, detail=""):
    print(("ok - " if ok else "not ok - ") + what, flush=True)
    if not ok:
        FAILED.append(what)
        print(f"    {detail!s:.1500}")


def run(*words, path=os.path.join(BUILD, "mohr"), stdin=None, **env):
    done = subprocess.run([path, *words], cwd=WORK, capture_output=True, timeout=120, check=False, input=stdin,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "", "XDG_CONFIG_HOME": os.path.join(WORK, "none"), **env})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def verify(*words, **more):
    return run("verify", *TRUST, *words, **more)


def told(*words):
    code, out, _ = verify("--json", *words)
    return code, json.loads(out or "{}")


def reason(*words):
    code, found = told(*words)
    verdict = found.get("verification", {})
    return code, verdict.get("reason"), verdict.get("detail", "")


def write(name, data):
    with open(os.path.join(WORK, name), "wb") as file:
        file.write(data)
    return name


def read(name):
    with open(os.path.join(WORK, name), "rb") as file:
        return file.read()


# ---- CMS ----

def check_detached():
    code, out, err = verify("contract.txt.p7s")
    check(code == 0 and "Checked as the signature of: contract.txt" in err and "approval of the content" in out and "1.2.3.4" in out,
          "a detached signature is checked against the file it is named after, which is said", (code, out, err))
    code, out, err = verify("three.p7s")
    check(code == 2 and "--content" in err, "one that is named after nothing asks for --content", (code, err))
    code, out, err = verify("--content", "root.pem", "three.p7s")
    check(code == 21 and "document-changed" in err and "Given name" not in out, "another document is not the one that was signed", (code, out, err))
    check(verify("--content", "missing", "three.p7s")[0] == 2, "a document that is not there is said so")
    code, found = told("--content", "contract.txt", "--tsa-anchors", "tsa.pem", "three.p7s")
    rows = found["signatures"]
    counters = [row for row in rows if "countersignatures" in row]
    stamps = [row for row in rows if row.get("timestamp", {}).get("trusted")]
    check(code == 0 and [row["index"] for row in rows] == [0, 1, 2] and {row["signer"]["given_name"] for row in rows} >= {"Roya", "Third"} and
          len(counters) == 1 and counters[0]["countersignatures"][0]["signer"]["given_name"] == "Roya" and
          len(stamps) == 1 and stamps[0]["verification"]["judged_by"] == "timestamp",
          "three signers, a countersigner and a timestamp are told one by one", found)
    code, out, _ = verify("--content", "contract.txt", "three.p7s")
    check(code == 0 and "Signature 3 of 3:" in out and "Countersignature 1 of 1" in out and "use --tsa-anchors" in out,
          "for people, too; and that nobody vouched for the timestamp", out)
    code, out, err = verify("--content", "contract.txt", "three.p7s", LC_ALL="", LANG="fa_IR.UTF-8", LANGUAGE="fa")
    check(code == 0 and "امضای ۳ از ۳" in out, "in Persian as well", (out[:600], err))
    code, out, err = run("verify", "--trust", "root.pem", "--at", "2026-11-22", "--audience", "urn:x", "contract.p7m")
    check(code == 2 and "--audience" in err, "what has a meaning for assertions alone is refused", (code, err))
    later = ["--trust", "root.pem", "--revocation", "off", "--at", "2032-12-01", "--json", "contract.txt.p7s"]
    code, out, _ = run("verify", *later)
    check(code == 21 or code == 22, "a certificate that ended is told by the exit code", (code, out[:300]))


def check_attached():
    code, out, err = verify("contract.p7m")
    check(code == 0 and "Size in bytes: 64" in out, "a signature with its document inside is recognised by what it holds", (code, out, err))
    shutil.copy(os.path.join(WORK, "contract.p7m"), os.path.join(WORK, "anything.bin"))
    check(verify("anything.bin")[0] == 0, "whatever its name is")
    check(verify("-", stdin=read("contract.p7m"))[0] == 0, "and through a pipe")
    code, _, err = verify("/dev/stdin", stdin=read("contract.p7m"))
    check(code == 0, "also one that has a name", (code, err))
    code, _, err = verify("-", stdin=read("contract.p7m").ljust(3 << 20, b"x"))
    check(code == 2 or code == 21, "but not one that is longer than what is read of a pipe", (code, err))
    check(verify("--content", "contract.txt", "contract.p7m")[0] == 2, "--content does not go with it")
    data = read("contract.p7m")
    wrong = []
    for at in range(0, len(data), 131):
        write("flipped.p7m", data[:at] + bytes([data[at] ^ 4]) + data[at + 1:])
        code = verify("flipped.p7m")[0]
        if code != 21:
            wrong.append((at, code))
    check(not wrong, "a flipped byte is refused, wherever it is", wrong)


def check_openssl():
    words = ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-CAfile", "root.pem", "-attime", EPOCH, "-purpose", "any", "-out", "out.txt"]
    for name, more in (("contract.txt.p7s", ["-content", "contract.txt"]), ("three.p7s", ["-content", "contract.txt"]), ("contract.p7m", [])):
        code, _, err = run(*words, "-in", name, *more, path="openssl")
        check(code == 0 and "CAdES Verification successful" in err and read("out.txt") == read("contract.txt"), f"openssl cms -verify -cades: {name}", err)
    code, out, err = run("cms", "-cmsout", "-print", "-inform", "DER", "-in", "three.p7s", path="openssl")
    expected = {"signingCertificateV2": 4, "id-smime-aa-timeStampToken": 1, "contentType (": 3, "countersignature": 1}
    found = {word: out.count(word) for word in expected}
    ok = code == 0 and found["contentType ("] == 3 and found["id-smime-aa-timeStampToken"] == 1 and "countersignature" in out
    check(ok, "openssl cms -cmsout finds the attributes where they belong", (found, err))
    made = ["cms", "-sign", "-binary", "-in", "contract.txt", "-outform", "DER", "-out", "plain.p7s", "-signer", "own.pem", "-inkey", "own.key", "-md", "sha256"]
    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "own.key", "-out", "own.pem", "-subj",
        "/C=IR/CN=nobody", path="openssl")
    run(*made, "-nosmimecap", path="openssl")
    check(reason("--content", "contract.txt", "plain.p7s")[1] == "signing-certificate", "a signature that does not name its certificate is refused",
          reason("--content", "contract.txt", "plain.p7s"))
    run(*made, "-cades", "-nosmimecap", path="openssl")
    check(reason("--content", "contract.txt", "plain.p7s")[0] == 21, "and so is that of somebody nobody stands behind")
    run(*made, "-cades", "-stream", "-nodetach", path="openssl")
    check(reason("plain.p7s")[1] == "document-form", "and one in BER", reason("plain.p7s"))


# ---- JSON ----

def check_json():
    for name, signers in (("form.jws", 1), ("forms.json", 2)):
        code, found = told(name)
        check(code == 0 and len(found["signatures"]) == signers and found["document"]["size"] == 30, f"{name} is told with its signers", found)
    code, out, err = verify("--audience", "https://bank.example", "--nonce", "n-0S6_WzA2Mj", "claims.jws")
    check(code == 2 and "sub" not in out, "an assertion's claims as a document are no assertion", (code, out, err))
    found = read("forms.json")
    write("other.json", found.replace(b'{"payload":"eyJ', b'{"payload":"eyK'))
    check(reason("other.json")[0] == 21, "a changed payload is refused", reason("other.json"))
    if not importlib.util.find_spec("jwcrypto"):
        print("skip - jwcrypto on a document: it is not installed")
        return
    from jwcrypto import common, jwk, jws, jwt
    token = read("claims.jws").decode()
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    leaf = base64.b64decode(header["x5c"][0])
    key = jwk.JWK.from_pem(b"-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(leaf) + b"-----END CERTIFICATE-----\n")
    refused = ""
    try:
        jwt.JWT(jwt=token, key=key, algs=["RS256"])
    except Exception as problem:  # each version has a class of its own for it
        refused = repr(problem)
    check("sigT" in refused or "crit" in refused.lower(), "jwcrypto takes none for a JWT: it does not know what is critical", refused)
    registry = {"sigT": common.JWSEHeaderParameter("Claimed signing time", False, True, None)}
    signed = jws.JWS(header_registry=registry)
    signed.allowed_algs = ["RS256"]
    signed.deserialize(token, key)
    check(signed.is_valid, "and one that was taught sigT verifies the signature")


# ---- PDF ----

def pdf(text=b"A page that is signed."):
    content = b"BT /F1 24 Tf 72 700 Td (%s) Tj ET" % text
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
               b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content), b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    out, offsets = b"%PDF-1.5\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = b"0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % at for at in offsets)
    return out + b"xref\n0 6\n%strailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (rows, len(out))


def work(name, asked, source, result):
    """One piece of mohr-document's work: channel, source and result as 3, 4 and 5."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    files = [theirs.fileno(), os.open(os.path.join(WORK, source), os.O_RDONLY),
             os.open(os.path.join(WORK, result), os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)]

    def place():
        for i, fd in enumerate([os.dup2(fd, 200 + i) for i, fd in enumerate(files)]):
            os.dup2(fd, 3 + i)
        os.closerange(6, 256)
    child = subprocess.Popen([os.path.join(BUILD, "mohr-document"), name], preexec_fn=place, close_fds=False,
                             env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # nothing looks for leaks behind that filter
    theirs.close()
    ours.settimeout(120)
    ours.send(json.dumps(asked).encode())
    answer = json.loads(ours.recv(300000))
    child.wait(120)
    for fd in files[1:]:
        os.close(fd)
    ours.close()
    return answer


def sign_pdf(source, result, signer=0, **more):
    place = work("prepare", {"hash": "sha256", "name": "TEST", "at": int(EPOCH), "room": ROOM, **more}, source, "room.pdf")
    if not place.get("ok"):
        return place
    code, cms, err = run("--digest", place["digest"], str(signer), path=os.path.join(BUILD, "tests", "sample_document"))
    return work("write", {"form": "pdf", "cms": cms.strip(), "offset": place["offset"], "room": place["room"]}, "room.pdf", result)


def check_pdf():
    write("plain.pdf", pdf())
    check(reason("plain.pdf")[:2] == (21, "unsigned"), "a PDF that nobody signed is told as such", reason("plain.pdf"))
    made = sign_pdf("plain.pdf", "one.pdf", reason="agreed", location="Tehran")
    code, found = told("one.pdf")
    row = (found["signatures"] or [{}])[0]
    check(code == 0 and row["pdf"]["whole"] and row["pdf"]["reason"] == "agreed" and row["signer"]["card_number"] == "0099900007" and
          found["document"]["pages"] == 1, "a signed PDF is told with what it covers", (made, found))
    sign_pdf("one.pdf", "two.pdf", signer=2)
    code, out, err = verify("two.pdf")
    check(code == 0 and "earlier state" in out and "covered by a later signature" in out and "It covers the whole document." in out,
          "signed again: of the first it is said that it covers an earlier state", (code, out, err))
    code, _, err = run("--check", "two.pdf", path="qpdf")
    one, other = read("one.pdf"), b"BT /F1 24 Tf 72 700 Td (Another page.) Tj ET"
    before = one[one.rindex(b"startxref\n") + 10:].split()[0]
    write("other.pdf", one + b"4 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (len(other), other))
    write("other.pdf", read("other.pdf") + b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size 8 /Root 1 0 R /Prev %s >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(one), before, len(read("other.pdf"))))
    sign_pdf("other.pdf", "others.pdf", signer=2)
    code, out, err = verify("others.pdf")
    check(code == 21 and "document-changed" in err and "The pages show something else than when it was signed." in out,
          "a second signer cannot change what the first one's page shows", (code, out, err))
    write("added.pdf", read("two.pdf") + b"% and one thing more\n")
    code, out, err = verify("added.pdf")
    check(code == 21 and "added-unsigned" in err and "Nobody signed what was added." in out, "what nobody signed is no part of a document that holds",
          (code, out, err))
    data = read("two.pdf")
    outcomes = {}
    for at in range(0, len(data), len(data) // 40):
        write("flipped.pdf", data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
        code = verify("flipped.pdf")[0]
        outcomes.setdefault(code, []).append(at)
    check(list(outcomes) == [21], "a flipped byte is refused, wherever it is", outcomes)


def check_liar():
    """A worker that was taken over: it may say what it likes of the file, and the file is asked."""
    folder = os.path.join(WORK, "liar")
    os.makedirs(folder, exist_ok=True)
    shutil.copy(os.path.join(BUILD, "mohr"), folder)
    honest = told("two.pdf")[1]["signatures"]
    check(len(honest) == 2, "two signatures lie in it")
    one = read("one.pdf")
    gap = one.index(b"/Contents <") + 10 if b"/Contents <" in one else one.index(b"/Contents<") + 9
    end = one.index(b">", gap) + 1
    cms = bytes.fromhex(one[gap + 1:end - 1].decode())
    cms = cms[:4 + int.from_bytes(cms[2:4], "big")]  # by its length: its own last byte may be a zero like those that fill the room
    rows = {
        "a signature of another file": ([0, gap, end, len(one) - end], pdf(b"something else") + b" " * len(one)),
        "a range that begins later": ([1, gap - 1, end, len(one) - end], one),
        "a range that leaves out more": ([0, gap - 8, end, len(one) - end], one),
        "a range past the end": ([0, gap, end, len(one)], one),
        "a range of nothing": ([0, gap, end, 0], one),
    }
    for what, (ranges, data) in rows.items():
        write("lie.pdf", data)
        answer = [{"field": "S", "range": ranges, "cms": base64.b64encode(cms).decode(), "sub_filter": "ETSI.CAdES.detached", "covers": len(data),
                   "whole": True, "after": "nothing", "shown": "same"}, {"ok": True, "pages": 1, "size": len(data), "signatures": 1, "last": True}]
        script = "import os, socket\nc = socket.socket(fileno=3)\nc.recv(9)\n" + "".join(f"c.send({json.dumps(row).encode()!r})\n" for row in answer)
        path = os.path.join(folder, "mohr-document")
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"#!{sys.executable} -I\n{script}")
        os.chmod(path, 0o755)
        code, out, err = run("verify", *TRUST, "--json", "lie.pdf", path=os.path.join(folder, "mohr"))
        detail = json.loads(out or "{}").get("verification", {}).get("detail")
        check(code == 21 and detail == "range", f"a worker that lies is not believed: {what}", (code, out[-300:], err))
    write("lie.pdf", one)
    answer[0].update(range=[0, gap, end, len(one) - end], reason={"sub": "another"}, name=7, location="\x1b[2J")
    answer[1].update(pages={"sub": "another"})
    script = "import os, socket\nc = socket.socket(fileno=3)\nc.recv(9)\n" + "".join(f"c.send({json.dumps(row).encode()!r})\n" for row in answer)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"#!{sys.executable} -I\n{script}")
    code, out, err = run("verify", *TRUST, "--json", "lie.pdf", path=os.path.join(folder, "mohr"))
    _, text, _ = run("verify", *TRUST, "lie.pdf", path=os.path.join(folder, "mohr"))
    check(code == 0 and "another" not in out and "\x1b" not in text, "of its words none takes another's place, or writes on the terminal", (code, out, text))
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\nexit 0\n")
    code, _, err = run("verify", *TRUST, "one.pdf", path=os.path.join(folder, "mohr"))
    check(code == 70, "nor one that says nothing", (code, err))
    os.unlink(path)


def main():
    try:
        subprocess.run([os.path.join(BUILD, "tests", "sample_document"), "."], cwd=WORK, check=True, timeout=120)
        for part in (check_detached, check_attached, check_openssl, check_json, check_pdf, check_liar):
            part()
    finally:
        shutil.rmtree(WORK)
    return 1 if FAILED else 0


sys.exit(main())
