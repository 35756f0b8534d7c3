#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mohr-page: the one page of a receipt, as poppler and zbar see it, and what is refused.

Both read the PDF without knowing how it was made: pages, version, fonts, words in logical order, the code. Letters
that join others without being seen (ZWNJ) have no place in a PDF's text, and poppler guesses spaces from gaps, so
that words are compared without either. REFUSED is the promise about input that is not as page.h says.
"""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
DIGEST = "0123456789abcdef" * 4
MISSING = object()

ASKED = {
    "language": "fa", "size": "a4", "digest": DIGEST, "holder": "citizen",
    "claims": {
        "sub": "x", "given_name": "فاطمه‌زهرا", "family_name": "حسینی‌نژاد", "card_number": "0012345679",
        "national_number": "0012345679", "aud": "https://office.example/counter", "purpose": "افتتاح حساب",
        "acr": "urn:oid:2.16.364.101.1.1.4", "amr": ["sc", "pin"],
        "card": {"generation": "mav2", "certificate_expiry": "2029-03-01T00:00:00Z"},
        "certificate": {"issuer": "IRAN Issuing CA", "not_after": "2029-03-01T00:00:00Z", "expired": False},
        "clock": {"synchronised": True},
        "station": {"operator": "Zahra", "case_number": "A-1405/778", "photo_checked": True, "software": "mohr 0.1.0"}},
    "signed_at": 1795324800, "received_at": 1795324812,
    "verification": {"outcome": "ok", "reason": "ok", "checked": ["signature", "chain", "nonce"],
                     "not_checked": ["revocation", "moon-phase"]},
    "revocation": {"state": "unchecked", "why": "no-evidence"},
    "timestamp": {"at": 1795324815, "authority": "Example TSA"}, "simulated": False}

STAFF = {"holder": "staff", "claims.given_name": MISSING, "claims.family_name": MISSING, "claims.card_number": MISSING,
         "claims.national_number": MISSING, "claims.name": "Maryam Example", "claims.organization": "دانشگاه نمونه",
         "claims.station": MISSING, "claims.clock": MISSING, "claims.purpose": MISSING, "timestamp": None,
         "revocation": None}
LONGEST = {"claims.given_name": "W" * 255, "claims.family_name": "\uFDFD" * 85, "claims.aud": "https://" + "w" * 504,
           "claims.purpose": "W" * 256, "claims.station.operator": "W" * 128, "claims.station.branch": "W" * 128,
           "claims.station.device": "W" * 128, "claims.station.case_number": "W" * 128,
           "claims.station.software": "W" * 128, "claims.certificate.issuer": "W" * 512, "claims.acr": "W" * 127,
           "claims.certificate.expired": True, "simulated": True, "timestamp.authority": "W" * 512,
           "verification.checked": ["W" * 63] * 16, "verification.not_checked": ["W" * 63] * 16,
           "revocation": {"state": "revoked", "why": "W" * 9999, "source": "W" * 9999, "as_of": 1795324800}}

# What is shown: the changes, then words that must be found and words that must not.
SHOWN = [
    ("a citizen, fa, a4", {}, ["رسید احراز هویت", "فاطمه‌زهرا حسینی‌نژاد", "۰۰۱۲۳۴۵۶۷۹", "۱۴۰۵/۰۹/۰۱",
                              "2026-11-22T05:20:00Z", "https://office.example/counter", "افتتاح حساب", "moon-phase",
                              "پلاتینی", "Example TSA", "mohr verify", DIGEST], ["SIMULATED", "شبیه‌سازی", "باطل شده است"]),
    ("a citizen, en, a4", {"language": "en"}, ["Identity receipt", "فاطمه‌زهرا حسینی‌نژاد", "0012345679", "level 4 (Platinum)",
                                              "1405/09/01 at 08:50, Tehran time", "A-1405/778", "not checked; nothing about it was at hand"], []),
    ("a citizen, fa, 80 mm", {"size": "80mm"}, ["رسید احراز هویت", "فاطمه‌زهرا حسینی‌نژاد", "۰۰۱۲۳۴۵۶۷۹", DIGEST], []),
    ("a citizen, en, 80 mm", {"language": "en", "size": "80mm"}, ["Card number: 0012345679", "Example TSA"], []),
    ("staff, and nothing optional", {"language": "en", **STAFF},
     ["Maryam Example", "دانشگاه نمونه", "not a national card", "none: when it was received"],
     ["Stated by the station", "Purpose", "date of birth", "not synchronised"]),
    ("an expired certificate", {"language": "en", "verification.outcome": "CertificateExpired"},
     ["The certificate of this card has expired."], []),
    ("a simulated card", {"language": "en", "claims.card.simulated": True}, ["Simulated card, for testing only"], []),
    ("a card revoked later", {"language": "en", "revocation": {"state": "good", "why": "revoked-later", "source": "crl"}},
     ["revoked after it had signed this", "not revoked; it was revoked after this"], []),
    ("directions and controls in a name", {"language": "en", "claims.given_name": "A\u202Elice\u2066\x1b\n"},
     ["Alice حسینی‌نژاد"], []),
    ("letters that mean something elsewhere", {"language": "en", "claims.given_name": "<b>&amp;</b>%s%n"},
     ["<b>&amp;</b>%s%n"], []),
]

REFUSED = [  # the changes, and the member that is named
    ({"language": "de"}, "language"), ({"language": MISSING}, "language"), ({"size": "a5"}, "size"),
    ({"digest": DIGEST.upper()}, "digest"), ({"digest": DIGEST[:-1]}, "digest"), ({"holder": "guest"}, "holder"),
    ({"claims": None}, "claims"), ({"claims": []}, "claims"), ({"claims.given_name": MISSING}, "claims.given_name"),
    ({"claims.given_name": "W" * 256}, "claims.given_name"), ({"claims.card_number": "001234567"}, "claims.card_number"),
    ({"claims.card_number": 12345679}, "claims.card_number"), ({"claims.aud": "no uri"}, "claims.aud"),
    ({"claims.given_name": "\u202e", "claims.family_name": "\n"}, "claims.family_name"),
    ({"claims.station.operator": "W" * 129}, "claims.station.operator"), ({"holder": "staff"}, "claims.name"),
    ({"signed_at": -1}, "signed_at"), ({"signed_at": 1.5}, "signed_at"), ({"received_at": 1 << 60}, "received_at"),
    ({"claims.certificate.not_after": "2029-02-31T00:00:00Z"}, "claims.certificate.not_after"),
    ({"verification.outcome": "AssertionInvalid"}, "verification.outcome"), ({"verification": "ok"}, "verification"),
    ({"verification.checked": "all"}, "verification.checked"), ({"verification.checked": ["x"] * 17}, "verification.checked"),
    ({"timestamp": {"at": 1}}, "timestamp"), ({"timestamp": 1}, "timestamp"), ({"simulated": "no"}, "simulated"),
    ({"more": 1}, "input"),
]
NOT_JSON = [b"", b"[]", b"{}", b"nonsense", b'{"size":"a4","size":"a4"}', b"\xff\xfe", b"[" * 5000, b" " * (256 * 1024 + 1)]


def changed(changes):
    asked = copy.deepcopy(ASKED)
    for path, value in changes.items():
        *parents, name = path.split(".")
        place = asked
        for parent in parents:
            place = place[parent]
        if value is MISSING:
            place.pop(name, None)
        else:
            place[name] = value
    return asked


class Pages:
    def __init__(self, folder):
        self.folder, self.failed = folder, 0
        self.env = {**os.environ, "LANG": "de_DE.UTF-8", "LANGUAGE": "de", "ASAN_OPTIONS": "detect_leaks=0"}
        self.env.pop("LC_ALL", None)

    def check(self, ok, what, detail=""):
        print(("ok - " if ok else "not ok - ") + what, flush=True)
        if not ok:
            self.failed += 1
            print(f"    {detail!s:.1500}")

    def run(self, data, **more):
        return subprocess.run([os.path.join(BUILD, "mohr-page")], input=data, capture_output=True, timeout=120,
                              env=self.env, check=False, **more)

    def page(self, changes):
        """The PDF's name; the same one each time."""
        done = self.run(json.dumps(changed(changes), ensure_ascii=False).encode())
        name = os.path.join(self.folder, "page.pdf")
        with open(name, "wb") as pdf:
            pdf.write(done.stdout)
        return name if done.returncode == 0 else self.check(False, "a page is made", (done.returncode, done.stderr))

    def tool(self, *words):
        done = subprocess.run(words, capture_output=True, timeout=120, check=False, cwd=self.folder)
        return done.stdout.decode("utf-8", "replace")


def bare(text):
    """What is left when nobody counts spaces, joiners and directions."""
    return re.sub("[\\s\u200c\u200d\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text)


def code_of(pages, name, dpi=100):
    pages.tool("pdftoppm", "-r", str(dpi), "-gray", "-singlefile", name, "image")
    return pages.tool("zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", "image.pgm").strip()


def check_form(pages, name, what, size=None):
    """What every page is: one, of its size, PDF 1.4 with a plain table, its fonts inside."""
    info = pages.tool("pdfinfo", name)
    pages.check(re.search(r"^Pages: +1$", info, re.M) and (not size or re.search(size, info)), f"{what}: one page of its size", info)
    with open(name, "rb") as pdf:
        data = pdf.read()
    at = int(re.search(rb"startxref\s+(\d+)\s+%%EOF\s*\Z", data).group(1))
    pages.check(data.startswith(b"%PDF-1.4") and data[at:at + 4] == b"xref" and b"/ObjStm" not in data,
                f"{what}: PDF 1.4 with a classic table")
    fonts = [row.split() for row in pages.tool("pdffonts", name).splitlines()[2:]]
    pages.check(fonts and all(row[-5] == "yes" for row in fonts), f"{what}: its fonts are embedded", fonts)


def check_shown(pages):
    for what, changes, there, not_there in SHOWN:
        name = pages.page(changes)
        if not name:
            continue
        text = bare(pages.tool("pdftotext", "-layout", name, "-"))
        absent = [words for words in there if bare(words) not in text]
        extra = [words for words in not_there if bare(words) in text]
        pages.check(not absent and not extra, f"{what}: says what it must", (absent, extra, text))


def check_paper(pages):
    for language, size, points in (("fa", "a4", "595.*841"), ("en", "80mm", "226")):
        name = pages.page({"language": language, "size": size})
        what = f"{language}, {size}"
        check_form(pages, name, what, points)
        code = code_of(pages, name, 100 if size == "a4" else 203)
        pages.check(code == "mohr-evidence:sha256:" + DIGEST, f"{what}: zbar reads the digest", code)
    first = pages.run(json.dumps(ASKED).encode()).stdout
    pages.check(first and first == pages.run(json.dumps(ASKED).encode()).stdout, "equal input gives equal bytes")


def check_longest(pages):
    for language, size in (("fa", "a4"), ("en", "80mm")):
        name = pages.page({"language": language, "size": size, **LONGEST})
        if not name:
            continue
        check_form(pages, name, f"the longest texts, {size}")
        code = code_of(pages, name)
        text = bare(pages.tool("pdftotext", name, "-"))
        pages.check(code.endswith(DIGEST) and "W" * 40 in text, f"the longest texts, {size}: the code is still on it", code)


def check_refused(pages):
    for changes, named in REFUSED:
        done = pages.run(json.dumps(changed(changes)).encode())
        pages.check(done.returncode == 2 and not done.stdout and done.stderr.startswith(b"mohr-page: " + named.encode() + b": "),
                    f"refused: {list(changes)[0]} as {str(list(changes.values())[0])[:20]!a}", (done.returncode, done.stderr))
    for data in NOT_JSON:
        done = pages.run(data)
        pages.check(done.returncode == 2 and not done.stdout, f"refused: {data[:30]!r}", (done.returncode, done.stderr))


def check_broken(pages):
    """No letters, no room to write: an error in one line, and no page that is less than one."""
    config = os.path.join(pages.folder, "no-fonts.conf")
    with open(config, "w", encoding="ascii") as fonts:
        fonts.write('<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>')
    pages.env["FONTCONFIG_FILE"] = config
    done = pages.run(json.dumps(ASKED).encode())
    del pages.env["FONTCONFIG_FILE"]
    pages.check(done.returncode == 70 and not done.stdout and b"fonts-hosny-amiri" in done.stderr,
                "without fonts there is no page, and the package is named", done)
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.path.join(BUILD, "mohr-page")], input=json.dumps(ASKED).encode(), stdout=full,
                              stderr=subprocess.PIPE, env=pages.env, timeout=120, check=False)
    pages.check(done.returncode == 70 and b"space" in done.stderr, "a page that cannot be written is an error", done)


def check_confined(pages):
    """No socket, no other program, nothing written: seen by the kernel, not promised."""
    if not shutil.which("strace"):
        print("skip - what the program asks of the kernel: no strace")
        return
    log = os.path.join(pages.folder, "calls")
    with open(log, "wb") as calls:
        done = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/fd/2", os.path.join(BUILD, "mohr-page")], stderr=calls,
                              input=json.dumps(ASKED).encode(), stdout=subprocess.PIPE, env=pages.env, timeout=120, check=False)
    with open(log, encoding="utf-8", errors="replace") as calls:
        after = calls.read().partition("seccomp(SECCOMP_SET_MODE_FILTER")[2]
    done_well = re.findall(r"(?:socket|connect|execve|open(?:at)?)\(.*= [0-9]+$", after, re.M)
    bad = [call for call in done_well if not re.search(r"O_RDONLY", call)]
    pages.check(done.stdout.startswith(b"%PDF") and after and not bad, "behind its filter it only reads files", bad[:5])


def main():
    missing = [tool for tool in ("pdfinfo", "pdffonts", "pdftotext", "pdftoppm", "zbarimg") if not shutil.which(tool)]
    if missing:
        print(f"skip - the page of a receipt: no {', '.join(missing)}")
        return 0
    with tempfile.TemporaryDirectory(prefix="mohr-page-") as folder:
        pages = Pages(folder)
        for part in (check_paper, check_shown, check_longest, check_refused, check_broken):
            part(pages)
        if os.path.basename(BUILD) != "asan":
            check_confined(pages)
    return 1 if pages.failed else 0


sys.exit(main())
