#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""revocation.py BUILD: lists and answers from real issuers' tools, over a real network, to the verdict.

OpenSSL's own programs are the CA that revokes and the OCSP responder; an HTTP server on loopback passes their
words on, or lies: dead, slow, endless, short, somebody else's, yesterday's. What must hold: the verifier never
goes online, nothing that is refused takes the place of what is there, and each verdict says what it rests on.
"""
import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MOHR = os.path.join(BUILD, "mohr")
LIST, ANSWER = "application/pkix-crl", "application/ocsp-response"
status = 0


def check(good, what, why=""):
    global status
    if not good and why:
        print("    " + str(why).replace("\n", "\n    "))
    print(("ok - " if good else "not ok - ") + what, flush=True)
    status |= not good


def stamp(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))


class Server:
    """Answers each path as self.pages says: (type, bytes), or a function that gets the request."""

    def __init__(self):
        server = self
        self.pages, self.asked = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                server.asked.append(self.path)
                page = server.pages.get(self.path)
                if callable(page):
                    page = page(self, body)
                if page:
                    self.send_response(200)
                    self.send_header("Content-Type", page[0])
                    self.send_header("Content-Length", str(len(page[1])))
                    self.end_headers()
                    self.wfile.write(page[1])

            do_POST = do_GET

            def handle(self):
                try:
                    super().handle()
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


# ---- ways to lie -----------------------------------------------------------------------------

def endless(handler, _):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"\x30" * 65536)


def endless_header(handler, _):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-More: " + b"x" * 1000 + b"\r\n")


def dripping(handler, _):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b"\x30")
        time.sleep(0.05)


def short(handler, _):
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b"\x30" * 20)


def missing(handler, _):
    handler.send_error(404, "\x1b[31mnothing here")


def to_https(handler, _):
    handler.send_response(302)
    handler.send_header("Location", "https://127.0.0.1/x.crl")
    handler.end_headers()


def in_circles(handler, _):
    handler.send_response(302)
    handler.send_header("Location", "http://127.0.0.1:%d%s" % (handler.server.server_port, handler.path))
    handler.end_headers()


class World:
    def __init__(self, folder):
        self.folder, self.server = folder, Server()
        self.kept = os.path.join(folder, "kept")
        self.env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        self.env.update(LC_ALL="C.UTF-8", HOME=folder, XDG_CONFIG_HOME=os.path.join(folder, "config"),
                        XDG_STATE_HOME=os.path.join(folder, ".local/state"),
                        no_proxy="127.0.0.1")
        subprocess.run([os.path.join(BUILD, "tests/sample_revocation"), folder, self.server.url + "/leaf.crl",
                        self.server.url + "/ocsp"], check=True)
        self.revoked = {}

    def path(self, name):
        return os.path.join(self.folder, name)

    def openssl(self, *arguments, stdin=None):
        done = subprocess.run(["openssl", *arguments], cwd=self.folder, input=stdin, capture_output=True)
        if done.returncode:
            raise RuntimeError(f"openssl {arguments}: {done.stderr.decode()}")
        return done.stdout

    def index(self, issuer):
        """The database of OpenSSL's CA: who is good, who is not any more."""
        rows = []
        for name in ["leaf"] if issuer != "root" else ["ca"]:
            serial = self.openssl("x509", "-in", name + ".pem", "-noout", "-serial").decode().strip().split("=")[1]
            state = f"R\t301231235959Z\t{self.revoked[name]}" if name in self.revoked else "V\t301231235959Z\t"
            rows.append(f"{state}\t{serial}\tunknown\t/CN={name}\n")
        with open(self.path("index.txt"), "w") as file:
            file.writelines(rows)
        with open(self.path("index.txt.attr"), "w") as file:
            file.write("unique_subject = no\n")

    def crl(self, issuer="ca", begin=-60, end=86400, digest="sha256"):
        self.index(issuer)
        with open(self.path("ca.cnf"), "w") as file:
            file.write("[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\n")
        with open(self.path("number"), "w") as file:
            file.write("01\n")
        pem = self.openssl("ca", "-config", "ca.cnf", "-gencrl", "-keyfile", issuer + ".key", "-cert", issuer + ".pem",
                           "-md", digest, "-crl_lastupdate", stamp(begin), "-crl_nextupdate", stamp(end))
        return self.openssl("crl", "-outform", "DER", stdin=pem)

    def answer(self, request=None, signer="ca", serial=None, valid=3600):
        """An answer of OpenSSL's responder to this request, or to one without a nonce."""
        self.index("ca")
        about = ["-serial", serial] if serial else ["-cert", "leaf.pem"]
        if request is None:
            self.openssl("ocsp", "-no_nonce", "-issuer", "ca.pem", *about, "-reqout", "request.der")
        else:
            with open(self.path("request.der"), "wb") as file:
                file.write(request)
        self.openssl("ocsp", "-index", "index.txt", "-rsigner", signer + ".pem", "-rkey", signer + ".key", "-CA",
                     "ca.pem", "-nmin", str(valid // 60), "-reqin", "request.der", "-respout", "response.der")
        with open(self.path("response.der"), "rb") as file:
            return file.read()

    def fetch(self, *what, into=True, timeout="90"):
        begin = ["trust", "fetch", "--trust", "root.pem", "--timeout", timeout]
        done = subprocess.run([MOHR, *begin, *(["--into", self.kept] if into else []), *what], cwd=self.folder,
                              env=self.env, capture_output=True, text=True, timeout=200)
        return done.returncode, done.stdout + done.stderr

    def verify(self, *options, source=True):
        done = subprocess.run([MOHR, "verify", "--trust", "root.pem", "--audience", "https://bank.example", "--nonce",
                               "n-0S6_WzA2Mj", *(["--revocation-from", self.kept] if source else []), *options,
                               "assertion"], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        return done

    def verdict(self, *options, **more):
        done = self.verify("--json", *options, **more)
        told = json.loads(done.stdout)
        return done.returncode, told["verification"]["reason"], told.get("revocation", {}), told

    def snapshot(self):
        rows = {}
        for name in sorted(os.listdir(self.kept)) if os.path.isdir(self.kept) else []:
            with open(os.path.join(self.kept, name), "rb") as file:
                rows[name] = file.read()
        return rows


def responder(world, signer):
    """OpenSSL's responder as a server; requests reach it by way of ours."""
    world.index("ca")
    path = world.path("responder.log")
    with open(path, "wb") as log:
        child = subprocess.Popen(["openssl", "ocsp", "-index", "index.txt", "-port", "0", "-rsigner", signer + ".pem",
                                  "-rkey", signer + ".key", "-CA", "ca.pem", "-nmin", "60"], cwd=world.folder,
                                 stdout=log, stderr=log)
    end, port = time.monotonic() + 30, None
    while not port and time.monotonic() < end:
        with open(path) as file:
            port = re.search(r"ACCEPT .*:(\d+)\s", file.read())
        time.sleep(0.02)
    port = int(port.group(1))

    def forward(_, body):
        peer = socket.create_connection(("127.0.0.1", port), 80)
        with peer:
            peer.sendall(b"POST / HTTP/1.0\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n"
                         % len(body) + body)
            got = b""
            while part := peer.recv(65536):
                got += part
        head, _, answer = got.partition(b"\r\n\r\n")
        return (ANSWER, answer) if b"200" in head.split(b"\r\n")[0] else None

    world.server.pages["/ocsp"] = forward
    return child


# ---- the tests -------------------------------------------------------------------------------

def nothing_is_known(world):
    code, reason, told, everything = world.verdict(source=False)
    check((code, reason, told["state"], told["why"]) == (0, "ok", "unchecked", "no-evidence"),
          "without any list, prefer says unchecked and why", told)
    check("revocation" in everything["verification"]["not_checked"], "and not_checked has it")
    code, reason, told, everything = world.verdict("--revocation", "require", source=False)
    check((code, reason) == (21, "revocation-unknown") and "given_name" not in everything,
          "without any list, require refuses and tells no name", (code, reason))
    code, reason, told, _ = world.verdict("--revocation", "off", source=False)
    check((code, told["state"], told["why"]) == (0, "unchecked", "policy-off"), "off is told as off", told)
    words = world.verify(source=False).stdout
    check("Not checked: whether the certificate was revoked:" in words and "no-evidence" in words,
          "a person reads it, too", words)
    check(world.server.asked == [], "the verifier asked nobody")


def good(world):
    world.server.pages["/leaf.crl"] = (LIST, world.crl())
    world.server.pages["/root.crl"] = (LIST, world.crl("root"))
    child = responder(world, "ca")
    try:
        code, said = world.fetch("leaf.pem", "ca.pem")
        names = world.snapshot()
        check(len(names) == 2 and {n.rsplit(".")[-1] for n in names} == {"crl", "ocsp"},
              "of a certificate its list and a real responder's answer are kept", said)
        code, reason, told, _ = world.verdict("--revocation", "require")
        check((code, reason) == (21, "revocation-unknown") and [c["state"] for c in told["certificates"]] ==
              ["good", "unchecked"], "the leaf's list says nothing of its issuer", told)
        words = world.verify().stdout
        check("Not revoked, as of" in words and "an authority above it" in words, "a person reads what is known and what is not", words)
        code, said = world.fetch(world.server.url + "/root.crl")
        check(code == 0 and len(world.snapshot()) == 3, "a list is kept by its URL", said)
    finally:
        child.terminate()
        child.wait()
    world.server.asked.clear()
    code, reason, told, everything = world.verdict("--revocation", "require")
    check((code, told["state"]) == (0, "good") and "revocation" in everything["verification"]["checked"],
          "with both, require is satisfied, offline", told)
    check({c["source"] for c in told["certificates"]} <= {"crl", "ocsp"} and told["as_of"] < told["next_update"],
          "and says what it rests on, and since when", told)
    check("Not revoked, as of" in world.verify().stdout, "a person reads it, too")
    check(world.server.asked == [], "the verifier asked nobody")
    before = world.snapshot()
    code, said = world.fetch(world.server.url + "/root.crl")
    check(code == 0 and "Already here" in said and world.snapshot() == before, "the same list again changes nothing", said)
    code, said = world.fetch("--json", world.server.url + "/root.crl")
    row = json.loads(said)[0]
    check(code == 0 and row["result"] == "unchanged" and row["authority"].startswith("TEST Root"),
          "a program reads what was kept, and whose word it is", said)


def refused_lists(world):
    before = world.snapshot()
    later = world.crl(begin=-30)
    cases = [
        ("another signer's", (LIST, world.crl("stranger")), "wrong-signature"),
        ("one with a weak digest", (LIST, world.crl(digest="sha1")), "weak-digest"),
        ("an older one", (LIST, world.crl(begin=-7200)), "older than the one that is here"),
        ("a stale one", (LIST, world.crl(begin=-9000, end=-3600)), "out of date"),
        ("one of tomorrow", (LIST, world.crl(begin=86400, end=2 * 86400)), "from the future"),
        ("a list of nobody known", (LIST, world.crl("delegate")), "nobody who is trusted here"),
        ("garbage", (LIST, os.urandom(300)), "neither a CRL nor"),
        ("a certificate", (LIST, world.openssl("x509", "-in", "leaf.pem", "-outform", "DER")), "neither a CRL nor"),
        ("one cut short", (LIST, later[:-9]), "neither a CRL nor"),
        ("one with a tail", (LIST, later + b"\0"), "something after it"),
        ("one changed by a bit", (LIST, later[:-20] + bytes([later[-20] ^ 1]) + later[-19:]), "wrong-signature"),
        ("an empty one", (LIST, b""), "less than it announced"),
        ("an endless one", endless, "more than is allowed"),
        ("an endless header", endless_header, "more than is allowed"),
        ("less than announced", short, "less than it announced"),
        ("nothing", missing, "404"),
        ("https", to_https, "https is not used here"),
        ("circles", in_circles, "redirects too often"),
        ("an OCSP answer", (LIST, world.answer()), "no CRL"),
    ]
    for name, page, words in cases:
        world.server.pages["/lie"] = page
        code, said = world.fetch("ca.pem", world.server.url + "/lie")
        check(code == 21 and words in said and "\x1b" not in said and world.snapshot() == before,
              f"{name} is refused, and what is there stays", said)
    world.server.pages["/lie"] = dripping
    code, said = world.fetch("ca.pem", world.server.url + "/lie", timeout="1")
    check(code == 21 and "took too long" in said, "one that drips is given up", said)
    closed = socket.socket()
    closed.bind(("127.0.0.1", 0))
    code, said = world.fetch(f"http://127.0.0.1:{closed.getsockname()[1]}/x.crl", timeout="1")
    check(code == 21 and "127.0.0.1" in said, "a dead server is named", said)
    closed.listen(1)
    code, said = world.fetch(f"http://127.0.0.1:{closed.getsockname()[1]}/x.crl", timeout="1")
    closed.close()
    check(code == 21 and world.snapshot() == before, "a silent one is given up", said)
    for url, words in (("https://127.0.0.1/x.crl", "https is not used"), ("ldap://127.0.0.1/x", "only http://"),
                       ("http://a@127.0.0.1/x", "user name"), ("http://127.0.0.1/\n", "plain ASCII")):
        code, said = world.fetch(url)
        check(code == 21 and words in said, f"{url!r} is not gone to", said)


def refused_answers(world):
    kept = {}

    def replaying(_, body):
        kept.setdefault("first", world.answer(body))
        return ANSWER, kept["first"]

    def another(_, body):
        return ANSWER, world.answer(serial="0x1234")

    before = world.snapshot()
    saved = world.server.pages["/leaf.crl"]
    world.server.pages["/ocsp"] = replaying
    code, said = world.fetch("leaf.pem", "ca.pem")
    check(code == 0, "an answer to our number is kept", said)
    before = world.snapshot()
    cases = [
        ("the same answer again", replaying, "another question"),
        ("one about another certificate", another, "no-evidence"),
        ("a stranger's", lambda _, body: (ANSWER, world.answer(body, signer="stranger")), "wrong-signature"),
        ("the leaf's own", lambda _, body: (ANSWER, world.answer(body, signer="leaf")), "responder-not-authorised"),
        ("garbage", (ANSWER, b"\x30\x03\x02\x01\x00"), "neither a CRL nor"),
        ("another type", ("text/html", world.answer()), "ontent type"),
        ("an error", (ANSWER, b"\x30\x03\x0a\x01\x03"), "trylater"),
        ("a list", (ANSWER, world.crl()), "no OCSP response"),
        ("silence", missing, "404"),
    ]
    for name, page, words in cases:
        world.server.pages["/ocsp"] = page
        code, said = world.fetch("leaf.pem", "ca.pem")
        check(code == 21 and words in said and world.snapshot() == before, f"as an answer, {name} is refused", said)
    world.server.pages["/ocsp"] = (ANSWER, world.answer())
    code, said = world.fetch("leaf.pem", "ca.pem")
    check(code == 0 and "does not repeat our number" in said, "an answer made beforehand is kept, and said", said)
    child = responder(world, "delegate")
    try:
        code, said = world.fetch("leaf.pem", "ca.pem")
        check(code == 0 and "does not repeat" not in said, "whom the CA named may answer for it", said)
    finally:
        child.terminate()
        child.wait()
    world.server.pages["/leaf.crl"] = saved


def revoked(world):
    world.revoked["leaf"] = time.strftime("%y%m%d%H%M%SZ", time.gmtime(time.time() - 3600)) + ",keyCompromise"
    shutil.copytree(world.kept, world.kept + ".good")
    world.server.pages["/ocsp"] = lambda _, body: (ANSWER, world.answer(body))
    world.server.pages["/leaf.crl"] = (LIST, world.crl(begin=-10))
    code, said = world.fetch("leaf.pem", "ca.pem")
    check(code == 0, "the list that has the leaf takes the place of the one that has not", said)
    for policy in ("prefer", "require"):
        code, reason, told, everything = world.verdict("--revocation", policy)
        check((code, reason, told["state"], told.get("reason")) == (21, "revoked", "revoked", "keyCompromise"),
              f"{policy} refuses a revoked leaf", told)
        check("given_name" not in everything and everything["verification"]["detail"] == "leaf: keyCompromise",
              "and tells no name, but why", everything)
    check(world.verdict("--revocation", "off")[0] == 0, "off passes over it, as it says")
    world.server.pages["/leaf.crl"] = (LIST, open_first(world.kept + ".good", ".crl", world, "ca"))
    code, said = world.fetch("leaf.pem", "ca.pem")
    check(code == 21 and "older than the one" in said and world.verdict()[1] == "revoked",
          "yesterday's list does not undo it", said)


def open_first(folder, ending, world, issuer):
    """The list of this issuer in a folder."""
    for name in sorted(os.listdir(folder)):
        if name.endswith(ending):
            with open(os.path.join(folder, name), "rb") as file:
                der = file.read()
            said = world.openssl("crl", "-inform", "DER", "-noout", "-issuer", stdin=der).decode()
            if ("Digital Citizen" in said) == (issuer == "ca"):
                return der
    raise RuntimeError("no such list")


def by_age_and_folder(world):
    shutil.rmtree(world.kept)
    world.revoked.clear()
    os.mkdir(world.kept)
    for name, issuer in (("leaf.crl", "ca"), ("root.crl", "root")):
        with open(os.path.join(world.kept, name), "wb") as file:
            file.write(world.crl(issuer, begin=-3 * 86400))
    check(world.verdict("--revocation", "require", "--revocation-age", "4")[0] == 0, "lists within the age allowed count")
    code, reason, told, _ = world.verdict("--revocation", "require", "--revocation-age", "2")
    check((code, reason, told["why"]) == (21, "revocation-unknown", "too-old"), "older ones do not, and it is said", told)
    with open(os.path.join(world.kept, "bad.crl"), "wb") as file:
        file.write(b"\x30\x00")
    done = world.verify("--revocation", "require")
    check(done.returncode == 0 and "bad.crl" in done.stderr, "a bad file is named and keeps none of the others", done.stderr)
    done = world.verify("--revocation-from", "/nonexistent")
    check(done.returncode == 0 and "/nonexistent" in done.stderr and "Not checked: whether the cert" in done.stdout,
          "a folder that is not there is named", done.stderr)
    for wrong in (["--revocation", "maybe"], ["--revocation-age", "0"], ["--revocation-age", "x"], ["--revocation-age", "9999"]):
        check(world.verify(*wrong).returncode == 2, "%s %s is wrong usage" % tuple(wrong))
    code, said = world.fetch("--timeout", "0")
    check(code == 2, "so is a time of nothing", said)


def in_the_store(world):
    world.server.pages["/leaf.crl"] = (LIST, world.crl())
    world.server.pages["/root.crl"] = (LIST, world.crl("root"))
    code, said = world.fetch(world.server.url + "/root.crl", world.server.url + "/leaf.crl", "ca.pem", into=False)
    folder = os.path.join(world.folder, "config/mohr/crls")
    check(len(os.listdir(folder)) == 2 and os.stat(folder).st_mode & 0o777 == 0o700,
          "without --into it is the user's folder", said)
    check(world.verdict("--revocation", "require", source=False)[0] == 0, "where mohr verify looks by itself")
    issuers = os.path.join(world.folder, ".local/state/mohr/issuers")
    os.makedirs(issuers)
    shutil.copy(world.path("ca.pem"), issuers)
    code, said = world.fetch("leaf.pem", into=False)
    check(code == 0, "the CA that mohrd kept from a card need not be given", said)
    code, said = world.fetch(into=False)
    check(code == 0 and "there is nothing to fetch" in said, "roots name no list, as the national one: nothing to do", said)
    done = subprocess.run([MOHR, "trust", "fetch", world.server.url + "/leaf.crl"], cwd=world.folder, env=world.env,
                          capture_output=True, text=True, timeout=60)
    # a machine with roots of its own in /etc/mohr says the second
    told = "nothing was fetched" in done.stderr or "nobody who is trusted" in done.stderr
    check(done.returncode == 21 and told, "with nobody trusted nothing is fetched",
          done.stderr)
    os.chmod(folder, 0o777)
    done = world.verify(source=False)
    check("everybody may write" in done.stderr, "a folder that everybody may write to is not relied on", done.stderr)


def main():
    with tempfile.TemporaryDirectory() as folder:
        world = World(folder)
        for test in (nothing_is_known, good, refused_lists, refused_answers, revoked, by_age_and_folder, in_the_store):
            test(world)
    return status


sys.exit(main())
