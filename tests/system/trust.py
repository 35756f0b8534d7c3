#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""trust.py BUILD: mohr trust from the first look at a file to a bundle on a stick, and who believes what is kept.

Certificates and CRLs are made by openssl, bundles also signed and read by it. /etc is a layer of our own over the
machine's, so that the folders of the whole computer can be written to. Files are as hostile as files can be.
"""
import base64
import glob
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time

from lib import AUDIENCE, NONCE, PIN, TREE, Daemon, Process, main, wait_for

YES_FA = "\u0628\u0644\u0647"
CNF = """
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = this
[this]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 7
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[person]
basicConstraints = CA:FALSE
keyUsage = critical, digitalSignature
"""


class Workshop:
    """openssl in a folder: certificates, lists, envelopes."""

    def __init__(self, folder):
        self.dir = folder
        os.makedirs(folder)
        self.write("cnf", CNF)
        self.write("index.txt", "")
        self.write("crlnumber", "01\n")

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def openssl(self, *words, text=None):
        return subprocess.run(["openssl", *words], cwd=self.dir, input=text, capture_output=True, check=True,
                              env={**os.environ, "OPENSSL_CONF": self.path("cnf")}).stdout

    def key(self, name, bits=None):
        kind = ["-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"] if bits else \
            ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        if not os.path.exists(self.path(name + ".key")):
            self.openssl("genpkey", *kind, "-out", name + ".key")

    def certificate(self, name, extensions="authority", issuer=None, md="sha256", days="30", bits=None):
        """NAME.pem, self-signed or by ISSUER; its file name."""
        self.key(name, bits)
        self.openssl("req", "-new", "-key", name + ".key", "-subj", f"/C=IR/O=Mohr TEST/CN={name}", "-out", name + ".csr",
                     "-config", "cnf")
        signer = ["-CA", issuer + ".pem", "-CAkey", issuer + ".key", "-CAcreateserial"] if issuer else ["-key", name + ".key"]
        self.openssl("x509", "-req", "-in", name + ".csr", *signer, "-" + md, "-days", days, "-extfile", "cnf", "-extensions",
                     extensions, "-out", name + ".pem")
        return self.path(name + ".pem")

    def crl(self, issuer):
        self.openssl("ca", "-config", "cnf", "-gencrl", "-keyfile", issuer + ".key", "-cert", issuer + ".pem", "-out",
                     issuer + ".crl")
        return self.path(issuer + ".crl")

    def der(self, name):
        return self.openssl("x509", "-in", name + ".pem", "-outform", "DER")

    def fingerprint(self, name):
        return self.openssl("x509", "-in", name + ".pem", "-noout", "-fingerprint", "-sha256").decode().strip().split("=")[1]

    def sign(self, name, content, signer="signer", *more):
        """A bundle that another tool made."""
        self.write(name + ".json", content)
        self.openssl("cms", "-sign", "-binary", "-nodetach", "-nosmimecap", "-outform", "DER", "-md", "sha256", "-signer",
                     signer + ".pem", "-inkey", signer + ".key", "-in", name + ".json", "-out", name, *more)
        return self.path(name)


def iso(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


class Person:
    """A home of its own."""

    def __init__(self, rig, name):
        self.rig, self.home = rig, os.path.join(rig.dir, name)
        os.makedirs(self.home, exist_ok=True)
        self.env = {"HOME": self.home, "XDG_CONFIG_HOME": os.path.join(self.home, "config"),
                    "XDG_STATE_HOME": os.path.join(self.home, "state")}
        self.store = os.path.join(self.home, "config/mohr")

    def run(self, *words, **env):
        return self.rig.mohr(None, *words, env={**self.env, **env})

    def trust(self, *words, **env):
        return self.run("trust", *words, **env)

    def files(self, folder="anchors"):
        return sorted(os.listdir(os.path.join(self.store, folder))) if os.path.isdir(os.path.join(self.store, folder)) else []

    def type(self, answer, *words):
        """On a terminal: (exit code, everything shown)."""
        pid, fd = pty.fork()
        if pid == 0:
            program = os.path.join(self.rig.build, "mohr")
            os.execve(program, [program, "trust", *words], {**self.rig.env, **self.env, "TERM": "dumb"})
        shown, answered = b"", False
        while select.select([fd], [], [], 120)[0]:
            try:
                part = os.read(fd, 4096)
            except OSError:
                break
            if not part:
                break
            shown += part
            if b"Type yes:" in shown and not answered:
                os.write(fd, answer.encode() + b"\n")
                answered = True
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode(errors="replace")


def own_etc(rig):
    """A layer over /etc; False where this machine permits none."""
    layer = os.path.join(rig.dir, "etc")
    os.makedirs(layer)
    if subprocess.run(["mount", "-t", "tmpfs", "none", layer], capture_output=True, check=False).returncode:
        return False
    os.makedirs(layer + "/upper")
    os.makedirs(layer + "/work")
    options = f"lowerdir=/etc,upperdir={layer}/upper,workdir={layer}/work"
    return not subprocess.run(["mount", "-t", "overlay", "none", "/etc", "-o", options], capture_output=True, check=False).returncode


def table(rig):
    """The twelve fingerprints in the code are those of the facts."""
    with open(os.path.join(TREE, "docs/card-facts.md"), encoding="utf-8") as facts:
        told = dict(re.findall(r"^\| ([A-Z]\d) \| ([0-9A-F]{64}) \|$", facts.read(), re.M))
    with open(os.path.join(TREE, "client-sdk/national.c"), encoding="utf-8") as code:
        rows = re.findall(r'\{ "([A-Z]\d)",.*?((?:"[0-9A-F:]{47,48}"\s*){2})', code.read(), re.S)
    known = {name: re.sub(r"[^0-9A-F]", "", print_) for name, print_ in rows}
    rig.check(len(told) == 12 and known == told, "the table of national certificates is that of card-facts 5.3", (told, known))


def look(rig, shop):
    """show: the facts of a file, and nothing changes."""
    person = Person(rig, "looker")
    code, out, _ = person.trust("show", shop.path("root.pem"))
    rig.check(code == 0 and shop.fingerprint("root")[:47] in out and "none of the published" in out and "any number of a citizen" in out,
              "show tells fingerprint, that it is none of the national ones, and what trusting it means", out)
    code, out, _ = person.trust("show", "--json", shop.path("root.pem"))
    row = json.loads(out)[0]
    rig.check(code == 0 and row["fingerprint"] == shop.fingerprint("root") and row["national"] is None and row["verdict"] == "fit" and
              row["not_after"].endswith("Z"), "the same as JSON", row)
    shop.write("both.pem", shop.read("root.pem") + shop.read("leaf.pem"))
    _, out, _ = person.trust("show", "--json", shop.path("both.pem"))
    rig.check([row["verdict"] for row in json.loads(out)] == ["fit", "not-a-ca"], "each certificate of a file is shown", out)
    code, out, _ = person.trust("show", shop.path("root.pem"), LC_ALL="fa_IR.UTF-8", LANGUAGE="fa")
    rig.check(code == 0 and shop.fingerprint("root")[:47] in out and re.search("[\u0600-\u06ff]", out), "and in Persian", out)
    rig.check(not os.path.exists(person.store), "nothing was written")


def hostile(rig, shop):
    """Files that are none, or that never end."""
    person = Person(rig, "victim")
    der = shop.der("root")
    os.mkfifo(shop.path("fifo"))
    os.symlink("loop", shop.path("loop"))
    with open(shop.path("sparse"), "wb") as file:
        file.truncate(1 << 30)
    shop.write("longer.der", der + b"\0")
    shop.write("shorter.der", der[:-1])
    shop.write("empty", b"")
    shop.write("bomb.pem", b"-----BEGIN CERTIFICATE-----\n" * 37000)
    shop.write("key.pem", shop.read("root.key"))
    shop.write("mixed.pem", shop.read("root.pem") + shop.read("root.key"))
    for name in ("fifo", "loop", "sparse", "longer.der", "shorter.der", "empty", "bomb.pem", "key.pem", "mixed.pem", "cnf", "none", "."):
        results = [person.trust(*words, shop.path(name)) for words in (["show"], ["add", "--fingerprint", "00"])]
        rig.check(all(code in (0, 21) if name == "." else code == 21 for code, _, _ in results) and not os.path.exists(person.store),
                  f"{name} is refused and nothing is written", results)
    code, _, err = person.trust("import", shop.path("sparse"))
    rig.check(code == 21 and not os.path.exists(person.store), "a bundle of 1 GiB is refused unread", err)


def unfit(rig, shop):
    """What is never trusted, whoever knows its fingerprint."""
    person = Person(rig, "careful")
    shop.certificate("short", bits=1024)
    shop.certificate("weak", issuer="root", md="sha1")
    shop.certificate("old", days="-1")
    rows = [("leaf", [], "not-a-ca"), ("leaf", ["--staff"], "not-a-ca"), ("short", [], "weak-key"), ("weak", [], "weak-digest"),
            ("old", [], "expired"), ("root", ["--bundle-signer"], "not-for-signing")]
    for name, words, verdict in rows:
        code, out, err = person.trust("add", *words, "--fingerprint", shop.fingerprint(name), "--json", shop.path(name + ".pem"))
        rig.check(code == 21 and json.loads(out)["detail"] == verdict and not os.path.exists(person.store),
                  f"{name} {' '.join(words)}: {verdict}".replace("  ", " "), (code, out, err))
    code, _, err = person.trust("add", "--fingerprint", shop.fingerprint("root"), shop.path("both.pem"))
    rig.check(code == 21 and "one by one" in err, "two certificates at once are not added", err)


def keep(rig, shop):
    """add, list, remove."""
    person, file, print_ = Person(rig, "keeper"), shop.path("root.pem"), shop.fingerprint("root")
    code, _, err = person.trust("add", file)
    rig.check(code == 26 and "--fingerprint" in err and not os.path.exists(person.store), "without a terminal nobody says yes", err)
    code, _, _ = person.trust("add", "--fingerprint", print_[:-1] + ("0" if print_[-1] != "0" else "1"), file)
    rig.check(code == 21 and not os.path.exists(person.store), "another fingerprint is not added")
    code, shown = person.type("no", "add", file)
    rig.check(code == 15 and print_[:47] in shown and not os.path.exists(person.store), "a person sees it first, and may say no", shown)
    for answer in ("yes", YES_FA):
        code, shown = person.type(answer, "add", file)
        rig.check(code == 0 and len(person.files()) == 1, f"{answer} keeps it, again in the same place", shown)
    kept = os.path.join(person.store, "anchors", person.files()[0])
    modes = [oct(os.stat(path).st_mode & 0o777) for path in (kept, os.path.dirname(kept), person.store)]
    rig.check(modes == ["0o644", "0o700", "0o700"], "file 0644 in a folder 0700", modes)
    with open(kept, encoding="ascii") as written:
        rig.check(written.read().split() == shop.read("root.pem").decode().split(), "it is the certificate, byte for byte")
    code, out, _ = person.trust("add", "--staff", "--fingerprint", shop.fingerprint("staff"), "--json", shop.path("staff.pem"))
    rig.check(code == 0 and json.loads(out)["path"] == os.path.join(person.store, "staff-anchors", person.files("staff-anchors")[0]),
              "a staff anchor has a folder of its own", out)
    code, out, _ = person.trust("list", "--json")
    rows = {(row["use"], row["fingerprint"], row["verdict"]) for row in json.loads(out)["certificates"]}
    rig.check(rows == {("cards", print_, "fit"), ("staff", shop.fingerprint("staff"), "fit")}, "list tells what is trusted for what", out)
    code, out, _ = person.trust("list")
    rig.check(code == 0 and print_[:23] in out and kept in out, "and from where, for people", out)
    refused = [person.trust("remove", *words)[0] for words in (["zz"], ["123"], ["0000"], [print_ + "00"], [], [print_[:5], "x"])]
    rig.check(refused == [2] * 6 and len(person.files()) == 1, "remove takes one fingerprint that is there", refused)
    code, _, err = person.trust("remove", print_[:11])
    rig.check(code == 26 and len(person.files()) == 1, "its beginning is asked about", err)
    code, shown = person.type("no", "remove", print_[:11].lower())
    rig.check(code == 15 and len(person.files()) == 1, "no keeps it", shown)
    code, _, err = person.trust("remove", print_)
    rig.check(code == 0 and not person.files() and len(person.files("staff-anchors")) == 1, "the whole of it is not asked about", err)
    person.trust("add", "--fingerprint", shop.fingerprint("staff"), shop.path("staff.pem"))
    code, shown = person.type("yes", "remove", shop.fingerprint("staff")[:8])
    rig.check(code == 0 and not person.files("staff-anchors") and not person.files(), "yes removes it, whatever it was trusted for", shown)
    by_hand = os.path.join(person.store, "anchors/roots.pem")
    with open(by_hand, "wb") as roots:
        roots.write(shop.read("root.pem") + shop.read("staff.pem"))
    codes = [person.trust("remove", shop.fingerprint(name))[0] for name in ("root", "staff")]
    rig.check(codes == [2, 2] and os.path.exists(by_hand), "a file of several, made by hand, is left to hands", codes)


def broken_store(rig, shop):
    """A store that cannot be relied on is relied on by nobody; one that cannot be written to stays as it was."""
    person, add = Person(rig, "unlucky"), ["add", "--fingerprint", shop.fingerprint("root"), shop.path("root.pem")]
    person.trust(*add)
    os.chmod(person.store + "/anchors", 0o707)
    codes = [person.trust("list")[0], person.trust("remove", shop.fingerprint("root"))[0],
             person.run("verify", shop.path("cnf"))[0]]
    rig.check(codes == [21, 21, 2], "a folder that everybody may write to is refused", codes)
    os.chmod(person.store + "/anchors", 0o700)
    before = person.files()
    small = Person(rig, "small")
    os.makedirs(small.store + "/anchors")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "none", small.store + "/anchors"], check=True)
    with open(small.store + "/anchors/full", "wb") as full:
        full.write(b"x" * 4096)
    code, _, err = small.trust(*add)
    rig.check(code == 70 and small.files() == ["full"] and "space" in err, "a full disk: nothing half-written is left", (code, err))
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "none", small.store + "/anchors"], check=True)
    code, _, err = small.trust(*add)
    rig.check(code == 70 and "administrator" in err, "a folder that cannot be written to is told", (code, err))
    rivals = [Process(rig, "rival", [os.path.join(rig.build, "mohr"), "trust", *words], {**rig.env, **person.env})
              for words in [add, ["add", "--staff", *add[1:]], ["remove", shop.fingerprint("root")]] * 6]
    codes = {rival.child.wait(300) for rival in rivals}
    code, _, err = person.trust("list")
    rig.check(codes <= {0, 2, 21} and code == 0 and set(person.files()) <= set(before), "racing writers leave a store that can be read",
              (codes, err, person.files()))


def believe(rig, shop):
    """verify without --trust."""
    folder, person = os.path.join(rig.dir, "sample"), Person(rig, "office")
    os.makedirs(folder)
    subprocess.run([os.path.join(rig.build, "tests/sample_assertion"), folder], check=True)
    words = ["verify", "--audience", AUDIENCE.replace("office", "bank"), "--nonce", NONCE, os.path.join(folder, "good")]
    code, _, err = person.run(*words)
    rig.check(code == 2 and "mohr trust add" in err and "--trust" in err, "nobody is trusted yet: verify says how to begin", err)
    added = person.trust("add", "--staff", "--fingerprint", *fingerprint_of(folder), os.path.join(folder, "root.pem"))
    code, _, err = person.run(*words)
    rig.check(added[0] == 0 and code == 21 and "untrusted" in err, "what is trusted for staff says nothing of citizens", (added, err))
    added = person.trust("add", "--fingerprint", *fingerprint_of(folder), os.path.join(folder, "root.pem"))
    code, out, err = person.run(*words)
    rig.check(added[0] == 0 and code == 0 and "0099900007" in out, "what is kept is believed without --trust", (added, err))
    code, _, _ = person.run(words[0], "--trust", shop.path("root.pem"), *words[1:])
    rig.check(code == 21, "--trust takes the store's place")
    _, out, _ = person.run("doctor", "--json")
    found = {row["check"]: row for row in json.loads(out)}
    rig.check(found["root"]["state"] == "advice" and "mohr trust add" in found["root"]["next"] and found["bundles"]["state"] == "ok",
              "doctor sees that the national root is not among them, and says how to add it", found["root"])


def fingerprint_of(folder):
    out = subprocess.run(["openssl", "x509", "-in", os.path.join(folder, "root.pem"), "-noout", "-fingerprint", "-sha256"],
                         capture_output=True, text=True, check=True).stdout
    return [out.strip().split("=")[1]]


class StoreDaemon(Daemon):
    """mohrd whose configuration names no anchors."""

    def __init__(self, rig, person, **sections):
        env, rig.env = rig.env, {**rig.env, **person.env}
        state = os.path.join(rig.dir, f"soft-{person.home.rsplit('/', 1)[1]}")
        try:
            super().__init__(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": state}, **sections)
        finally:
            rig.env = env

    def start(self):
        with open(self.config, encoding="utf-8") as config:
            text = re.sub(r"^anchors = .*\n", "", config.read(), flags=re.M)
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(text)
        super().start()


def serve(rig, shop):
    """mohrd believes the store, and keeps issuing CAs that lead to it."""
    person = Person(rig, "session")
    state = {"state": {"dir": os.path.join(rig.dir, "kept")}}
    issuers = os.path.join(rig.dir, "kept/issuers/*.der")
    daemon = StoreDaemon(rig, person, **state)
    code, _ = daemon.request()
    rig.check(code == 0 and not glob.glob(issuers) and "anchors" not in daemon.process.said(),
              "without anchors mohrd serves as before, and keeps no issuer", (code, daemon.process.said()[-400:]))
    daemon.stop()
    added = person.trust("add", "--fingerprint", *fingerprint_of(rig.pki), rig.root)
    daemon = StoreDaemon(rig, person, **state)
    code, _ = daemon.request()
    said = daemon.process.said()
    rig.check(added[0] == 0 and code == 0 and 'from="what mohr trust keeps"' in said, "the store's anchors are used and the log says so",
              (added, code, said[-600:]))
    rig.check(len(glob.glob(issuers)) == 1, "the issuing CA that led to an anchor is kept", glob.glob(issuers))
    daemon.stop()
    with open(glob.glob(issuers)[0], "rb") as kept, open(os.path.join(rig.pki, "ca.der"), "rb") as real:
        rig.check(kept.read() == real.read(), "it is the card's, byte for byte")
    for name in ("impostor-ca.pem", "leaf-valid.pem", "staff-ca.pem"):
        shutil.copy(os.path.join(rig.pki, name), os.path.join(rig.dir, "kept/issuers"))
    daemon = StoreDaemon(rig, person, **state)
    code, _ = daemon.request()
    rig.check(code == 0, "after a restart it serves again, and whatever else lies there changes nothing", daemon.process.said()[-600:])
    daemon.stop()
    person.trust("remove", *fingerprint_of(rig.pki))
    person.trust("add", "--fingerprint", shop.fingerprint("root"), shop.path("root.pem"))
    daemon = StoreDaemon(rig, person, **state)
    code, _ = daemon.request()
    rig.check(code == 12 and not daemon.prompts(), "with another anchor neither card nor kept CA is believed, and no PIN is asked for", code)
    daemon.stop()
    os.chmod(person.store + "/anchors", 0o707)
    try:
        daemon = StoreDaemon(rig, person, **state)
        ended = wait_for(lambda: not daemon.process.alive())
        said = daemon.process.said()
    except RuntimeError as refused:
        ended, said = True, str(refused)
    rig.check(ended and "everybody may write" in said, "mohrd does not start with a store that everybody may write to", said)


def content(shop, now, **changes):
    members = {"version": 1, "issued_at": iso(now), "next_update": iso(now + 86400),
               "anchors": [base64.b64encode(shop.der("root")).decode()], "crls": [], **changes}
    return json.dumps({name: value for name, value in members.items() if value is not None})


def carry(rig, shop):
    """Bundles: made, read by another tool, taken, superseded."""
    person, made = Person(rig, "closed"), shop.path("made.bundle")
    pin = ["add", "--bundle-signer", "--fingerprint", shop.fingerprint("signer"), shop.path("signer.pem")]
    words = ["bundle", "--out", made, "--signer", shop.path("signer.pem"), "--key", shop.path("signer.key"), "--days", "9"]
    code, out, err = person.trust(*words, shop.path("root.pem"), shop.crl("root"))
    rig.check(code == 0 and shop.fingerprint("signer")[:47] in out, "a bundle is made", err)
    told = json.loads(shop.openssl("cms", "-verify", "-inform", "DER", "-in", made, "-noverify", "-certfile", "signer.pem"))
    rig.check(set(told) == {"version", "issued_at", "next_update", "anchors", "crls"} and
              base64.b64decode(told["anchors"][0]) == shop.der("root"), "openssl reads it and finds the content", told)
    codes = [person.trust(*words, shop.path(name))[0] for name in ("leaf.pem", "old.pem", "cnf", "none")]
    wrong_key = person.trust(*words[:6], shop.path("root.key"), shop.path("root.pem"))[0]
    rig.check(codes == [21] * 4 and wrong_key == 21, "what could not be trusted goes into none, nor does another's key sign one", (codes, wrong_key))
    code, _, err = person.trust("import", made)
    rig.check(code == 21 and "unknown-signer" in err and not os.path.exists(person.store), "nobody's bundle is taken", err)
    code = person.trust(*pin)[0]
    dry = person.trust("import", "--dry-run", made)
    rig.check(code == 0 and dry[0] == 0 and dry[1].count("  + ") == 2 and not person.files(), "a pinned signer's is shown", dry)
    code, out, err = person.trust("import", "--json", made)
    rig.check(code == 0 and [row["change"] for row in json.loads(out)] == ["add", "add"] and len(person.files()) == 1 and
              len(person.files("crls")) == 1, "and taken", (out, err))
    code, out, _ = person.trust("list", "--json")
    listed = json.loads(out)
    rig.check([row["overdue"] for row in listed["bundles"] + listed["revocation"]] == [False, False] and
              listed["bundles"][0]["issued_at"] == told["issued_at"], "list tells the age of bundle and CRL", listed)
    return person, pin


def refuse(rig, shop, person):
    """Bundles that are not taken, each with its word."""
    now, before = int(time.time()), (person.files(), person.files("crls"))
    rows = [("older", content(shop, now - 3600)), ("expired", content(shop, now - 9000, next_update=iso(now - 60))),
            ("not-yet-valid", content(shop, now + 3600)), ("member", content(shop, now, more=1)), ("member", content(shop, now, crls=None)),
            ("version", content(shop, now, version=2)), ("time", content(shop, now, issued_at=now)), ("json", "[]"), ("json", "no json"),
            ("base64", content(shop, now, anchors=["a"])), ("empty", content(shop, now, anchors=[])),
            ("anchor", content(shop, now + 9, anchors=[base64.b64encode(shop.der("leaf")).decode()])),
            ("anchor", content(shop, now + 9, anchors=[base64.b64encode(shop.der("old")).decode()])),
            ("anchor", content(shop, now + 9, anchors=["MAA="])), ("crl", content(shop, now + 9, crls=["MAA="]))]
    for number, (why, text) in enumerate(rows):
        code, _, err = person.trust("import", shop.sign(f"bad-{number}", text))
        rig.check(code == 21 and f"({why}" in err and (person.files(), person.files("crls")) == before, f"{why}: refused whole", (code, err))
    good = content(shop, now + 9)
    shop.write("tail", shop.read(os.path.basename(shop.sign("fine", good))) + b"\0")
    rows = [("unknown-signer", shop.sign("stranger", good, "leaf")), ("digest", shop.sign("sha1", good, "signer", "-md", "sha1")),
            ("not-der", shop.sign("ber", good, "signer", "-stream")), ("not-der", shop.path("tail")), ("not-der", shop.path("root.pem"))]
    for why, path in rows:
        code, _, err = person.trust("import", path)
        rig.check(code == 21 and (why in err or path.endswith(".pem")) and (person.files(), person.files("crls")) == before,
                  f"{os.path.basename(path)}: {why}", (code, err))


def supersede(rig, shop, person, pin):
    """The next bundle, the record, the signer's end."""
    now = int(time.time())
    fresh = content(shop, now + 5, anchors=[base64.b64encode(shop.der("staff")).decode()])
    first = person.files()
    code, out, err = person.trust("import", shop.sign("next", fresh, "signer", "-nocerts"))
    rig.check(code == 0 and out.count("  - ") == 2 and out.count("  + ") == 1 and len(person.files()) == 1 and person.files() != first,
              "another tool's bundle is taken, and what it lacks goes", (out, err))
    code, _, err = person.trust("import", shop.path("made.bundle"))
    rig.check(code == 21 and "(older" in err, "the one before it does not come back", err)
    newest = person.files()
    rivals = [Process(rig, "rival", [os.path.join(rig.build, "mohr"), "trust", "import", shop.path(name)], {**rig.env, **person.env})
              for name in ["made.bundle", "next"] * 4]
    codes = [rival.child.wait(300) for rival in rivals]
    rig.check(codes == [21, 0] * 4 and person.files() == newest, "of bundles that come at once the newest stays", codes)
    record = os.path.join(person.store, "bundles", person.files("bundles")[0])
    with open(record, "w", encoding="ascii") as damaged:
        damaged.write("{")
    code, _, err = person.trust("import", shop.path("made.bundle"))
    rig.check(code == 21 and "(record" in err, "not even when the record is damaged", err)
    soon = shop.sign("soon", content(shop, now - 90000, next_update=iso(now + 3600)))  # its record is made to say that this is over
    os.unlink(record)
    person.trust("import", soon)
    with open(record, encoding="ascii") as kept:
        text = kept.read()
    with open(record, "w", encoding="ascii") as kept:
        kept.write(re.sub(r'"next_update":\d+', f'"next_update":{now - 60}', text))
    _, out, _ = person.run("doctor", "--json")
    found = {row["check"]: row for row in json.loads(out)}
    _, shown, _ = person.trust("list")
    rig.check(found["bundles"]["state"] == "advice" and "overdue" in shown and "1 day old" in shown,
              "a bundle whose successor is due is told by list and doctor", (found["bundles"], shown))
    code, _, err = person.trust("remove", pin[3])
    rig.check(code == 0 and not person.files() and not person.files("bundles") and not person.files("bundle-signers"),
              "with the signer goes what it brought", err)


def whole_computer(rig, shop, person, pin):
    """/etc/mohr, for everybody."""
    if not own_etc(rig):
        rig.skip("the store of the whole computer", "no layer over /etc here")
        return
    code, _, err = person.trust(*pin)
    refused = person.trust("import", "--system", shop.path("made.bundle"))
    rig.check(code == 0 and refused[0] == 21 and "unknown-signer" in refused[2], "a signer of one user does not rule the computer", (err, refused))
    codes = [person.trust(pin[0], "--system", *pin[1:])[0], person.trust("import", "--system", shop.path("made.bundle"))[0]]
    modes = [oct(os.stat("/etc/mohr/" + name).st_mode & 0o777) for name in ("anchors", "crls", "bundle-signers")]
    rig.check(codes == [0, 0] and modes == ["0o755"] * 3, "the administrator's does, and everybody may read it", (codes, modes))
    _, out, _ = Person(rig, "anybody").trust("list", "--json")
    rig.check([row["path"].startswith("/etc/mohr/") for row in json.loads(out)["certificates"]] == [True, True],
              "every user's list shows it", out)
    code, _, err = person.trust("remove", shop.fingerprint("root"))
    rig.check(code == 2 and "--system" in err, "it is removed as what it is", err)
    code, _, err = person.trust("remove", "--system", shop.fingerprint("signer"))
    rig.check(code == 0 and os.listdir("/etc/mohr/anchors") == [] == os.listdir("/etc/mohr/crls"), "and goes with its signer", err)


def body(rig):
    shop = Workshop(os.path.join(rig.dir, "shop"))
    shop.certificate("root")
    shop.certificate("staff")
    shop.certificate("leaf", "person", issuer="root")
    shop.certificate("signer", "person")
    table(rig)
    look(rig, shop)
    hostile(rig, shop)
    unfit(rig, shop)
    keep(rig, shop)
    broken_store(rig, shop)
    believe(rig, shop)
    serve(rig, shop)
    person, pin = carry(rig, shop)
    refuse(rig, shop, person)
    supersede(rig, shop, person, pin)
    whole_computer(rig, shop, person, pin)


if __name__ == "__main__":
    main(body)
