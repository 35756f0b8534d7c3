#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""receipt.py BUILD: mohr receipt and mohr verify of what it wrote, with a timestamping service nobody here wrote.

`openssl ts` answers behind a small HTTP server, and lies where it is told to; openssl also checks the timestamps
that were taken. poppler and qpdf open the PDF and give back the bundle in it. The form of a bundle is checked by
the few lines of Python that docs/evidence.md needs for it.
"""
import base64
import hashlib
import http.server
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MOHR = os.path.join(BUILD, "mohr")
ASKED = ["--audience", "https://bank.example", "--nonce", "0123456789abcdef", "--revocation", "off"]
WORK = tempfile.mkdtemp(prefix="mohr-receipt.")
status = 0

CONFIG = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
tsa_name = yes
ess_cert_id_alg = sha256
signer_cert = {cert}
certs = {cert}
signer_key = {key}
"""


def check(good, what, why=""):
    global status
    if not good and why:
        print("    " + str(why).replace("\n", "\n    "))
    print(("ok - " if good else "not ok - ") + what, flush=True)
    status |= not good


def run(*words, lang="C.UTF-8", path=MOHR, data=None):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TERM": "dumb", "LANGUAGE": lang}
    env.update({name: os.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS") if name in os.environ})
    if "--out" in words:  # mohr-page cannot look for leaks behind its filter
        env["ASAN_OPTIONS"] = "detect_leaks=0"
    done = subprocess.run([path, *words], cwd=WORK, env=env, capture_output=True, input=data, timeout=120, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], cwd=WORK, input=data, capture_output=True, timeout=60, check=True).stdout


def read(name):
    with open(os.path.join(WORK, name), "rb") as file:
        return file.read()


def write(name, data):
    with open(os.path.join(WORK, name), "wb") as file:
        file.write(data)


# ---- the service -------------------------------------------------------------------------------------------------

def authorities():
    """A root, and below it an authority that is good, one that is expired and one that is for servers."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "tsroot.key",
            "-out", "tsroot.pem", "-subj", "/CN=TEST Time Root", "-days", "3650", "-addext", "keyUsage=critical,keyCertSign")
    for name, usage, days in (("good", "critical,timeStamping", "3650"), ("expired", "critical,timeStamping", "-1"),
                              ("server", "critical,serverAuth", "3650")):
        write("usage", f"extendedKeyUsage = {usage}\n".encode())
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN=TEST Time {name}")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "tsroot.pem", "-CAkey", "tsroot.key", "-CAcreateserial",
                "-days", days, "-extfile", "usage", "-out", f"{name}.pem")
        write(f"{name}.cnf", CONFIG.format(cert=f"{name}.pem", key=f"{name}.key").encode())
    write("serial", b"01\n")


def reply(query, name="good"):
    write("query", query)
    openssl("ts", "-reply", "-config", f"{name}.cnf", "-section", "tsa", "-queryfile", "query", "-out", "reply")
    return read("reply")


def der(tag, *parts):
    body = b"".join(parts)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82, size >> 8, size & 255])
    return bytes([tag]) + length + body


def for_servers(query):
    """What the good one said, signed over by a certificate for servers: openssl ts would not do it."""
    write("reply", reply(query))
    openssl("ts", "-reply", "-config", "good.cnf", "-section", "tsa", "-in", "reply", "-token_out", "-out", "token")
    openssl("cms", "-verify", "-noverify", "-inform", "DER", "-in", "token", "-out", "info", "-binary")
    openssl("cms", "-sign", "-binary", "-nodetach", "-cades", "-econtent_type", "1.2.840.113549.1.9.16.1.4", "-in", "info",
            "-signer", "server.pem", "-inkey", "server.key", "-md", "sha256", "-outform", "DER", "-out", "resigned")
    return der(0x30, der(0x30, b"\x02\x01\x00"), read("resigned"))


def other_imprint(query):
    at = query.index(bytes.fromhex("0420")) + 2  # OCTET STRING of 32 bytes: the digest
    return reply(query[:at] + bytes([query[at] ^ 1]) + query[at + 1:])


def other_nonce(query):
    at = query.index(bytes.fromhex("0210"), query.index(bytes.fromhex("0420")) + 34) + 17  # behind the digest, INTEGER of 16 bytes: its last
    return reply(query[:at] + bytes([query[at] ^ 1]) + query[at + 1:])


OLD = []


def replayed(query):
    OLD.append(reply(query))
    return OLD[0]


LIES = {
    "/good": reply, "/imprint": other_imprint, "/nonce": other_nonce, "/server": for_servers, "/replayed": replayed,
    "/expired": lambda query: reply(query, "expired"),
    "/garbage": lambda query: b"0\x03garbage", "/empty": lambda query: b"",
    "/tail": lambda query: reply(query) + b"\0", "/page": lambda query: b"<html>Please log in</html>",
    "/refused": lambda query: der(0x30, der(0x30, b"\x02\x01\x02"))}


class Service(http.server.BaseHTTPRequestHandler):
    """Each path is another way to answer."""
    protocol_version = "HTTP/1.0"

    def do_POST(self):
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/dead":
            self.close_connection = True
            return
        if self.path == "/error":
            self.send_error(503)
            return
        body = LIES[self.path](query)
        self.send_response(200)
        self.send_header("Content-Type", "text/html" if self.path == "/page" else "application/timestamp-reply")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


# ---- what is good ------------------------------------------------------------------------------------------------

def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def has_its_form(text):
    """docs/evidence.md, "Form", without Mohr. The bodies that the timestamps are over, or None."""
    bundle = json.loads(text)
    if canonical(bundle) != text:
        return None
    checksum = bundle.pop("sha256")
    if hashlib.sha256(canonical(bundle)).hexdigest() != checksum:
        return None
    stamps = bundle.pop("timestamps", [])
    return [(canonical(dict(bundle, timestamps=stamps[:i]) if i else bundle), base64.b64decode(stamp))
            for i, stamp in enumerate(stamps)]


def vouches(body, token):
    write("body", body)
    write("token", token)
    done = subprocess.run(["openssl", "ts", "-verify", "-data", "body", "-in", "token", "-token_in", "-CAfile", "tsroot.pem"],
                          cwd=WORK, capture_output=True, text=True, timeout=60, check=False)
    return "Verification: OK" in done.stdout + done.stderr


def receipts(url):
    code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "plain.json", "good")
    check(code == 0 and "plain.json" in out and "word of the office" in out and "SIMULATED" in err,
          "a bundle without a timestamp is the office's own word, and says so", (code, out, err))
    check(oct(os.stat(os.path.join(WORK, "plain.json")).st_mode & 0o777) == "0o600", "it is for its owner's eyes")
    check(has_its_form(read("plain.json")) == [], "it has the form that docs/evidence.md describes")
    code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "b.json", "--out", "r.pdf", "--lang", "fa",
                         "--timestamp", url + "/good", "--tsa-anchors", "tsroot.pem", "--json", "good")
    told = json.loads(out) if code == 0 else {}
    check(code == 0 and told["evidence"]["basis"] == "timestamp" and told["written"] == {"receipt": "r.pdf", "bundle": "b.json"},
          "with a timestamp the time is somebody else's word", (code, out, err))
    check(told.get("evidence", {}).get("sha256") == hashlib.sha256(read("b.json")).hexdigest(), "the digest is that of the file")
    stamps = has_its_form(read("b.json"))
    check(stamps and vouches(*stamps[0]), "openssl finds the timestamp good, over what the document says it is over")
    code, out, err = run("verify", "--trust", "root.pem", "--json", "--tsa-anchors", "tsroot.pem", "r.pdf")
    alone = json.loads(out)["verification"]
    check(code == 0 and {"audience", "nonce"} <= set(alone["not_checked"]) and err.count("Not checked: for whom"),
          "what only the file itself expects is told as not checked", (code, alone, err))
    code, out, err = run("verify", "--trust", "root.pem", *ASKED, "--json", "--tsa-anchors", "tsroot.pem", "r.pdf")
    again = json.loads(out)
    check(code == 0 and again["evidence"]["form"] == "receipt" and again["evidence"]["sha256"] == told["evidence"]["sha256"] and
          again["given_name"] == told["given_name"] and not err.count("Not checked: for whom"),
          "mohr verify says the same of the PDF", (code, out, err))
    code, out, err = run("verify", "--trust", "root.pem", "r.pdf")
    check(code == 0 and "not checked; use --tsa-anchors" in out and "What counts is the file" in out,
          "without anchors for it the timestamp is shown and not relied on", (code, out, err))
    code, out, err = run("verify", "--trust", "root.pem", "--audience", "https://other.example", "b.json")
    check(code == 21 and "audience-mismatch" in err and not out, "a bundle that was made for somebody else is refused", (code, err))


def viewers():
    os.makedirs(os.path.join(WORK, "out"), exist_ok=True)
    code, _, err = run("-saveall", "-o", "out", "r.pdf", path="pdfdetach")
    check(code == 0 and read("out/mohr-evidence.json") == read("b.json"), "poppler takes the very bundle out of the PDF", err)
    code, out, err = run("r.pdf", path="pdfinfo")
    check(code == 0 and not err and "Pages:           1" in out, "poppler has nothing to say against it", out + err)
    if shutil.which("qpdf"):
        code, out, err = run("--check", "r.pdf", path="qpdf")
        check(code == 0 and not err, "nor has qpdf", out + err)
    run("-png", "-r", "120", "-singlefile", "r.pdf", "page", path="pdftoppm")
    code, out, err = run("-q", "--raw", "page.png", path="zbarimg")
    check(out.strip() == "mohr-evidence:sha256:" + hashlib.sha256(read("b.json")).hexdigest(),
          "the code on the page is the digest of the bundle in it", (code, out, err))
    saved = read("r.pdf") + b"\n% saved anew\n"
    write("saved.pdf", saved)
    code, _, err = run("verify", "--trust", "root.pem", "saved.pdf")
    check(code == 21 and "evidence-pdf" in err and "attached file" in err, "a PDF that was saved anew is told as such", (code, err))


def lies(url):
    before = set(os.listdir(WORK))
    wrong = []
    for path, word in (("/dead", ""), ("/error", "503"), ("/imprint", "imprint"), ("/nonce", "nonce"), ("/server", "purpose"),
                       ("/expired", "expired"), ("/garbage", ""), ("/empty", ""), ("/tail", "form"), ("/page", ""),
                       ("/refused", "refused")):
        code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "no.json", "--timestamp", url + path,
                             "--tsa-anchors", "tsroot.pem", "good")
        if code != 21 or out or "nothing was written" not in err or word not in err or os.path.exists(os.path.join(WORK, "no.json")):
            wrong.append((path, code, out, err))
    check(not wrong, "of a service that is dead, lies or fails, nothing is taken and nothing is written", wrong[:2])
    ways = [run("receipt", "--trust", "root.pem", *ASKED, "--bundle", f"{name}.json", "--timestamp", url + "/replayed",
                "--tsa-anchors", "tsroot.pem", "good")[0] for name in ("first", "second")]
    check(ways == [0, 21], "an answer that was right once is not right again", ways)
    code, _, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "no.json", "--timestamp", url + "/good",
                       "--tsa-anchors", "root.pem", "good")
    check(code == 21 and "certificate" in err, "nor is one of an authority that nobody trusts", (code, err))
    left = [name for name in set(os.listdir(WORK)) - before if name.startswith((".new", "no."))]
    check(not left, "no half of a file is left behind", left)


def renewals(url):
    code, out, err = run("receipt", "--renew", "r.pdf", "--trust", "root.pem", "--revocation", "off", "--bundle", "renewed.json",
                         "--timestamp", url + "/good", "--tsa-anchors", "tsroot.pem")
    check(code == 0, "a receipt is renewed by another timestamp", (code, out, err))
    stamps = has_its_form(read("renewed.json"))
    check(stamps and len(stamps) == 2 and all(vouches(*stamp) for stamp in stamps), "openssl finds both good")
    code, out, err = run("verify", "--trust", "root.pem", "--json", "--tsa-anchors", "tsroot.pem", "renewed.json")
    digests = [hashlib.sha256(read(name)).hexdigest() for name in ("b.json",)]
    check(code == 0 and json.loads(out)["evidence"]["earlier"][1:] == digests,
          "and the digest that the old page shows is still told", (code, out, err))


def refusals():
    code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "plain.json", "good")
    check(code == 2 and "--force" in err and not out, "what is there is not replaced", (code, err))
    code, _, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "plain.json", "--force", "good")
    check(code == 0, "but by --force", (code, err))
    code, _, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "no/such/folder.json", "good")
    check(code == 70 and "cannot be written" in err, "a folder that is not there is told", (code, err))
    code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "no.json", "forged")
    check(code == 21 and "name-mismatch" in err and not out, "what does not hold makes no receipt", (code, err))
    ways = [run("receipt", "--trust", "root.pem", *ASKED, *more, "--bundle", f"old-{i}.json", "expired")[0]
            for i, more in enumerate(([], ["--expired-cert", "report"], ["--expired-cert", "accept"]))]
    check(ways == [22, 22, 0] and not os.path.exists(os.path.join(WORK, "old-0.json")) and
          os.path.exists(os.path.join(WORK, "old-1.json")), "an expired certificate makes one only by a policy that says so", ways)
    usage = (["good"], ["--bundle", "x", "--out", "x", "good"], ["--bundle", "x", "--timestamp", "http://x/", "good"],
             ["--bundle", "x", "--renew", "b.json"], ["--bundle", "x", "--size", "a5", "good"], ["--bundle", "x", "--lang", "de", "good"],
             ["--bundle", "x", "good", "good"], ["--bundle", "x", "b.json"], ["--bundle", "x", "/nonexistent"])
    wrong = [(words, done) for words in usage if (done := run("receipt", "--trust", "root.pem", *words))[0] != 2 or done[1]]
    check(not wrong, "wrong usage is 2 and says nothing on stdout", wrong[:2])
    alone = os.path.join(WORK, "alone")
    shutil.copy(MOHR, alone)
    code, _, err = run("receipt", "--trust", "root.pem", *ASKED, "--out", "no.pdf", "good", path=alone)
    if not os.path.exists("/usr/libexec/mohr/mohr-page"):
        check(code == 70 and "mohr-receipt" in err and "--bundle" in err and not os.path.exists(os.path.join(WORK, "no.pdf")),
              "without the program for the page its package is named", (code, err))
    code, out, err = run("receipt", "--trust", "root.pem", *ASKED, "--bundle", "fa.json", "good", lang="fa")
    check(code == 0 and "بسته مدرک" in out and "فقط به گفته خود دفتر" in out, "in Persian, too", (code, out, err))


def flips():
    bundle, pdf = read("b.json"), read("r.pdf")
    wrong, words, step = [], {}, 3 if os.path.basename(BUILD) == "asan" else 1
    for name, data, places in (("b.json", bundle, range(0, len(bundle), len(bundle) // 7 * step)),
                               ("r.pdf", pdf, [0, 9, len(pdf) // 3, pdf.index(bundle), pdf.index(bundle) + 5000, len(pdf) - 200, len(pdf) - 1][::step])):
        for at in places:
            write("flipped", data[:at] + bytes([data[at] ^ 1]) + data[at + 1:])
            code, out, err = run("verify", "--trust", "root.pem", "flipped")
            reason = next((word for word in ("evidence-damaged", "evidence-form", "evidence-pdf") if word in err), "")
            words[name, reason] = words.get((name, reason), 0) + 1
            if code != 21 or out or not reason:
                wrong.append((name, at, code, err))
    check(not wrong, "one flipped byte is refused, whatever it was", wrong[:2])
    check(words.get(("b.json", "evidence-damaged"), 0) > 1 and words.get(("r.pdf", "evidence-pdf"), 0) > 1,
          "and the reason is the file, not the holder", words)


def main():
    missing = [tool for tool in ("pdfdetach", "pdfinfo", "pdftoppm", "zbarimg") if not shutil.which(tool)]
    authorities()
    subprocess.run([os.path.join(BUILD, "tests", "sample_assertion"), "."], cwd=WORK, check=True, timeout=120)
    server = http.server.HTTPServer(("127.0.0.1", 0), Service)
    server.handle_error = lambda *_: None  # a client that hangs up on a liar
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    receipts(url)
    if missing:
        print(f"skip - a receipt in other people's programs: no {', '.join(missing)}")
    else:
        viewers()
    lies(url)
    renewals(url)
    refusals()
    flips()


try:
    main()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
sys.exit(status)
