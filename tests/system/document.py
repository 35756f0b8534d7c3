#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""mohr-document: PDFs of every build get room for a signature, and what poppler, qpdf and openssl say of the result.

The documents are made here by a few lines, by qpdf and by mohr-page: tables, streams, both; objects in streams; forms and
annotations that are there or not, direct or not; pages that are nested or turned. Each is signed with a key of openssl's, and each
must begin with the very bytes it had. REFUSED and LIES are the promises about files that are not what they seem.
"""
import base64
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
AT, ROOM = 1795324800, 4096
CONTENT = b"BT /F1 24 Tf 72 700 Td (Nothing of this changes) Tj ET"
FONT = b"<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"


class Bench:
    def __init__(self, folder):
        self.folder, self.failed = folder, 0
        self.env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
        for name in ("LC_ALL", "LANGUAGE"):
            self.env.pop(name, None)

    def check(self, ok, what, detail=""):
        print(("ok - " if ok else "not ok - ") + what, flush=True)
        if not ok:
            self.failed += 1
            print(f"    {detail!s:.1500}")

    def path(self, name, data=None):
        name = os.path.join(self.folder, name)
        if data is not None:
            with open(name, "wb") as file:
                file.write(data)
        return name

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def tool(self, *words, stdin=None):
        done = subprocess.run(words, capture_output=True, timeout=120, check=False, cwd=self.folder, input=stdin)
        return done.returncode, done.stdout, done.stderr.decode("utf-8", "replace")

    def start(self, program, work, descriptors):
        """The program with its channel and files as 3, 4 and 5; and our end of the channel."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 256 * 1024)
        ours.settimeout(120)
        wanted = [theirs.fileno(), *descriptors]

        def place():
            high = [os.dup2(fd, 200 + i) if fd is not None else None for i, fd in enumerate(wanted)]
            os.closerange(3, 6)
            for i, fd in enumerate(high):
                if fd is not None:
                    os.dup2(fd, 3 + i)
            os.closerange(200, 203)
        child = subprocess.Popen([os.path.join(BUILD, program), work], preexec_fn=place, close_fds=False, env=self.env,
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        theirs.close()
        return child, ours

    def answers(self, work, asked, source=None, result=None, program="mohr-document"):
        """All that it answers; source and result are names here, or descriptors."""
        opened = []
        for thing, flags in ((source, os.O_RDONLY), (result, os.O_RDWR | os.O_CREAT | os.O_TRUNC)):
            opened.append(os.open(self.path(thing), flags, 0o600) if isinstance(thing, str) else thing)
        child, channel = self.start(program, work, opened)
        channel.send(asked if isinstance(asked, bytes) else json.dumps(asked).encode())
        got = []
        while frame := channel.recv(300000):
            got.append(json.loads(frame))
        child.wait(120)
        channel.close()
        for thing, fd in zip((source, result), opened):
            if isinstance(thing, str):
                os.close(fd)
        return got

    def ask(self, *words, **more):
        got = self.answers(*words, **more)
        return got[0] if len(got) == 1 else {"ok": None, "why": got}


# ---- documents ----

def pdf(objects, table=True, eol=b"\n", trailer=b"", hidden=None, version=b"1.5"):
    """A PDF of these objects; without `table` its cross-references are a stream. `hidden`: objects that only readers of streams
    find, in a file with both (ISO 32000-1 7.5.8.4)."""
    out, offsets, hidden = b"%PDF-" + version + eol + b"%\xe2\xe3\xcf\xd3" + eol, {}, hidden or {}
    size = max([*objects, *hidden]) + (3 if hidden else 1 if table else 2)
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj" % number + eol + body + eol + b"endobj" + eol
    rows = {number: b"\x01" + at.to_bytes(4, "big") + b"\0" for number, at in offsets.items()}
    if hidden:
        packed = list(hidden.items())
        head = b" ".join(b"%d %d" % (number, sum(len(body) + 1 for _, body in packed[:i])) for i, (number, body) in enumerate(packed))
        data = head + b" " + b" ".join(body for _, body in packed)
        at = len(out)
        out += b"%d 0 obj\n<< /Type /ObjStm /N %d /First %d /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (
            size - 2, len(packed), len(head) + 1, len(data), data)
        rows = {number: b"\x02" + (size - 2).to_bytes(4, "big") + bytes([i]) for i, (number, _) in enumerate(packed)}
        rows[size - 2] = b"\x01" + at.to_bytes(4, "big") + b"\0"
    ends = b" /Size %d /Root 1 0 R " % size + trailer
    at = len(out)
    if not table or hidden:
        data = b"".join(rows[number] for number in sorted(rows))
        index = b" ".join(b"%d 1" % number for number in sorted(rows))
        out += b"%d 0 obj\n<< /Type /XRef /W [1 4 1] /Index [%s] /Length %d%s>>\nstream\n%s\nendstream\nendobj\n" % (
            size - 1, index, len(data), ends, data)
    if table:
        ends += b"/XRefStm %d " % at if hidden else b""
        at = len(out)
        out += b"xref" + eol + b"0 %d" % size + eol + b"".join(
            b"%010d 00000 n\r\n" % offsets[number] if number in offsets else b"0000000000 65535 f\r\n" for number in range(size))
        out += b"trailer" + eol + b"<<" + ends + b">>" + eol
    return out + b"startxref" + eol + b"%d" % at + eol + b"%%EOF" + eol


def plain(page=b"", catalogue=b"", more=None, box=b"[0 0 612 792]", **how):
    return pdf({1: b"<< /Type /Catalog /Pages 2 0 R " + catalogue + b" >>",
                2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox " + box + b" /Resources " + FONT + b" >>",
                3: b"<< /Type /Page /Parent 2 0 R /Contents 4 0 R " + page + b" >>",
                4: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(CONTENT), CONTENT), **{}} | (more or {}), **how)


NOTE = b"<< /Type /Annot /Subtype /Text /Rect [10 10 30 30] /Contents (note) >>"
TEXT_FIELD = b"<< /FT /Tx /T (Mohr41) /Type /Annot /Subtype /Widget /Rect [9 9 50 20] /DA (/Helv 9 Tf) >>"
NESTED = pdf({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [5 0 R 7 0 R] /Count 3 /Rotate 0 >>",
              5: b"<< /Type /Pages /Parent 2 0 R /Kids [6 0 R] /Count 1 /MediaBox [0 0 300 300] >>",
              6: b"<< /Type /Page /Parent 5 0 R /Resources << >> >>",
              7: b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 8 0 R] /Count 2 /MediaBox [0 0 612 792] /Resources " + FONT + b" >>",
              3: b"<< /Type /Page /Parent 7 0 R /Contents 4 0 R >>", 8: b"<< /Type /Page /Parent 7 0 R >>",
              4: b"<< /Length %d >>\nstream\n%s\nendstream" % (len(CONTENT), CONTENT)})

BUILDS = [  # what it is, the file, whether its newest section is a stream
    ("a table", plain(), False),
    ("a stream", plain(table=False), True),
    ("CRLF, and an /ID", plain(eol=b"\r\n", trailer=b"/ID [<00ff> <00ff>] /Mine (kept) "), False),
    ("no line's end at its end", plain().rstrip(b"\n"), False),
    ("bytes after its end", plain() + b"\0" * 400, False),
    ("annotations in the page", plain(b"/Annots [" + NOTE + b"]"), False),
    ("annotations in a list of their own", plain(b"/Annots 5 0 R", more={5: b"[" + NOTE + b"]"}), False),
    ("a form in the catalogue", plain(b"/Annots [5 0 R]", b"/AcroForm << /Fields [5 0 R] >>", {5: TEXT_FIELD}), False),
    ("a form, its fields in a list of their own", plain(b"/Annots [5 0 R]", b"/AcroForm 6 0 R",
     {5: TEXT_FIELD, 6: b"<< /Fields 7 0 R /SigFlags 1 >>", 7: b"[5 0 R]"}), False),
    ("a form that knows signatures", plain(b"", b"/AcroForm 5 0 R", {5: b"<< /Fields [] /SigFlags 3 >>"}), False),
    ("a stream, and a form", plain(b"/Annots [5 0 R]", b"/AcroForm << /Fields [5 0 R] >>", {5: TEXT_FIELD}, table=False), True),
    ("both, and a list that only one of them knows", plain(b"/Annots 5 0 R", hidden={5: b"[" + NOTE + b"]"}), False),
    ("one list for form and page", plain(b"/Annots 6 0 R", b"/AcroForm << /Fields 6 0 R >>", {5: TEXT_FIELD, 6: b"[5 0 R]"}), False),
    ("nested pages", NESTED, False),
    ("more objects than it tells", plain().replace(b"/Size 5", b"/Size 3"), False),
]
QPDF = [("objects in streams", ["--object-streams=generate"], True), ("linearized", ["--linearize"], False),
        ("linearized, objects in streams", ["--linearize", "--object-streams=generate"], True)]


# ---- signing ----

def make_key(bench):
    code, _, err = bench.tool("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "leaf.pem",
                              "-days", "30", "-subj", "/CN=Maryam Example")
    bench.check(code == 0, "openssl makes a key", err)


def detached(bench, data):
    bench.path("body", data)
    code, out, err = bench.tool("openssl", "cms", "-sign", "-binary", "-cades", "-md", "sha256", "-in", "body", "-signer", "leaf.pem",
                                "-inkey", "key.pem", "-outform", "DER")
    assert code == 0, err
    return out


def prepare(bench, source, result="room.pdf", **more):
    asked = {"hash": "sha256", "name": "مریم نمونه", "reason": "قرارداد (۱)", "location": "Tehran", "at": AT, "room": ROOM, **more}
    return bench.ask("prepare", asked, source, result)


def sign(bench, source, result, cms=None, **more):
    """Signs it once more; the answer to what went wrong, or None."""
    room = prepare(bench, source, **more)
    if not room["ok"]:
        return room
    data, offset, size = bench.read("room.pdf"), room["offset"], 2 * room["room"] + 2
    body = data[:offset] + data[offset + size:]
    if (not data.startswith(bench.read(source)) or data[offset:offset + size] != b"<" + b"0" * (size - 2) + b">"
            or hashlib.sha256(body).hexdigest() != room["digest"] or len(data) != room["size"]):
        return "the room is not as it was told"
    asked = {"form": "pdf", "cms": base64.b64encode(cms or detached(bench, body)).decode(), "offset": offset, "room": room["room"]}
    done = bench.ask("write", asked, "room.pdf", result)
    return None if done.get("size") == len(data) else done


def judged(bench, name, count):
    """What poppler and qpdf have against a document with so many signatures, or ""."""
    _, out, err = bench.tool("pdfsig", "-nocert", name)
    text = out.decode("utf-8", "replace")
    if text.count("Signature is Valid.") != count or "\n  - Total document signed" not in text.split("Signature #")[-1]:
        return text + err
    code, out, err = bench.tool("qpdf", "--check", name)
    return "" if code == 0 else out.decode() + err


def check_builds(bench):
    for what, options, stream in QPDF:
        bench.path("from.pdf", plain(b"/Annots 5 0 R", b"/AcroForm 6 0 R", {5: b"[7 0 R]", 6: b"<< /Fields [7 0 R] >>", 7: TEXT_FIELD}))
        code, _, err = bench.tool("qpdf", *options, "from.pdf", "made.pdf")
        assert code == 0, err
        BUILDS.append((what, bench.read("made.pdf"), stream))
    for what, data, stream in BUILDS:
        bench.path("0.pdf", data)
        wrong = sign(bench, "0.pdf", "1.pdf")
        if wrong:
            bench.check(False, f"{what}: can be signed", wrong)
            continue
        section = bench.read("1.pdf")[int(re.findall(rb"startxref\s+(\d+)", bench.read("1.pdf"))[-1]):]
        wrong = judged(bench, "1.pdf", 1)
        bench.check(not wrong and section.startswith(b"xref") != stream, f"{what}: one signature, valid, over all of it", (wrong, section[:40]))
    bench.check(b"/Mine (kept)" in sign_build(bench, "CRLF"), "what a trailer held besides is kept")
    bench.check(b"/T (Mohr42)" in sign_build(bench, "a form in"), "a new field's number is above those that are there")


def sign_build(bench, beginning):
    bench.path("0.pdf", next(data for what, data, _ in BUILDS if what.startswith(beginning)))
    wrong = sign(bench, "0.pdf", "1.pdf")
    return str(wrong).encode() if wrong else bench.read("1.pdf")[len(bench.read("0.pdf")):]


def check_several(bench, builds=(("a table", 1), ("objects in streams", 42))):
    for build, first in builds:
        bench.path("0.pdf", next(data for what, data, _ in BUILDS if what == build))
        wrong = [sign(bench, f"{i}.pdf", f"{i + 1}.pdf") for i in range(3)]
        rows = bench.answers("signatures", {}, "3.pdf")
        told = [(row.get("field"), row.get("whole"), row.get("after"), row.get("reason")) for row in rows[:-1]]
        text = bench.tool("pdftotext", "3.pdf", "-")[1]
        bench.check(wrong == [None] * 3 and not judged(bench, "3.pdf", 3) and b"Nothing of this changes" in text,
                    f"{build}: three signers, all valid, and the text is as it was", (wrong, text))
        bench.check(told == [(f"Mohr{first + i}", i == 2, "nothing" if i == 2 else "signed", "قرارداد (۱)") for i in range(3)]
                    and [row.get("shown") for row in rows[:-1]] == ["same", "same", None] and rows[-1]["signatures"] == 3
                    and rows[-1]["pages"] == 1, f"{build}: all three are told, in their order", rows)
        if shutil.which("mutool"):
            seen = bench.tool("mutool", "sign", "-v", "3.pdf")[1].decode("utf-8", "replace")
            bench.check(seen.count("The signature is valid but") == 2 and seen.count("The document is unchanged since signing.") == 1,
                        f"{build}: mupdf agrees", seen)
        else:
            print(f"skip - {build}: mupdf's judgement: no mutool here")
        row, data = rows[1], bench.read("3.pdf")
        a, b, c, d = row["range"]
        code, out, err = bench.tool("openssl", "cms", "-verify", "-inform", "DER", "-in", bench.path("cms", base64.b64decode(row["cms"])),
                                    "-content", bench.path("body", data[a:a + b] + data[c:c + d]), "-binary", "-noverify")
        bench.check(code == 0 and row["at"] == "D:20261122085000+03'30'" and row["sub_filter"] == "ETSI.CAdES.detached"
                    and row["covers"] == len(bench.read("2.pdf")), f"{build}: openssl agrees on what the second covers", (err, row))


# ---- stamps ----

def stamp(bench, **more):
    asked = {"language": "fa", "name": "فاطمه‌زهرا حسینی‌نژاد", "purpose": "قرارداد اجاره", "location": "تهران", "at": AT, "width": 200,
             "height": 80, **more}
    return bench.ask("stamp", {name: value for name, value in asked.items() if value is not None}, program="mohr-page")


def ink_at(bench, name, page=1):
    """Left, bottom, right, top of what is not white, in points of the page as it is seen."""
    bench.tool("pdftoppm", "-r", "72", "-gray", "-f", str(page), "-l", str(page), "-singlefile", name, "image")
    head, data = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", bench.read("image.pgm")), bench.read("image.pgm")
    width, height = int(head.group(1)), int(head.group(2))
    rows = [data[head.end() + y * width:head.end() + (y + 1) * width] for y in range(height)]
    dark = [y for y, row in enumerate(rows) if min(row) < 128]
    marks = [x for row in rows for x in (len(row) - len(row.lstrip(b"\xff")), len(row.rstrip(b"\xff")) - 1) if min(row) < 128]
    return (min(marks), height - 1 - max(dark), max(marks) + 1, height - min(dark)) if dark else None


def check_stamps(bench):
    drawn = stamp(bench)
    bench.check(drawn["ok"] and len(drawn["content"]) < 131072, "a Persian stamp is drawn", drawn.get("detail"))
    if not drawn["ok"]:
        return
    place = {"page": 1, "x": 30, "y": 50, "width": 200, "height": 80, "content": drawn["content"]}
    for turn, box in ((0, b"[0 0 612 792]"), (90, b"[-100 -50 512 742]"), (180, b"[100 100 712 892]"), (270, b"[0 0 612 792]")):
        bench.path("0.pdf", plain(b"/Contents 5 0 R /Rotate %d" % turn, more={5: b"<< /Length 0 >>\nstream\n\nendstream"}, box=box))
        wrong = sign(bench, "0.pdf", "1.pdf", cms=b"\x30\x00", stamp=place)
        ink = ink_at(bench, "1.pdf")
        bench.check(not wrong and ink and all(abs(a - b) <= 1 for a, b in zip(ink, (30, 50, 230, 130))),
                    f"a page turned by {turn}: the stamp stands where it was asked for", (wrong, ink))
    red = base64.b64decode(stamp(bench, simulated=True).get("content", ""))
    bench.check(b"\n0.8 0 0 rg\n" in red and b"\n0.8 0 0 rg\n" not in base64.b64decode(drawn["content"]), "a simulated card's stamp says so")
    texts = {"long texts": {"name": "Maryam " * 14, "purpose": "W" * 256, "language": "en"}, "a narrow stamp": {"width": 40, "height": 300},
             "a small one, and no purpose": {"width": 60, "height": 24, "purpose": None, "location": None}}
    for what, more in texts.items():
        drawn = stamp(bench, **more)
        bench.path("0.pdf", plain())
        size = {"width": more.get("width", 200), "height": more.get("height", 80)}
        wrong = prepare(bench, "0.pdf", stamp={**place, **size, "content": drawn.get("content", "")})
        bench.check(drawn["ok"] and wrong["ok"], f"{what}: drawn, and nothing but a drawing", (drawn.get("detail"), wrong))
    for what, more in (("a name that cannot be seen", {"name": "\u202e"}), ("no name", {"name": None}), ("a width of 3", {"width": 3}),
                       ("a moment before all", {"at": -1}), ("a name of 513 bytes", {"name": "n" * 513})):
        bench.check(stamp(bench, **more).get("why") == "no-stamp", f"no stamp is drawn: {what}")
    bench.path("0.pdf", NESTED)
    for what, more, why in (("beside the page", {"x": 413}, "page"), ("on a page that is not there", {"page": 4}, "page"),
                            ("at a corner below", {"y": -1}, "question"), ("with text", {"content": b"BT (x) Tj ET"}, "stamp"),
                            ("with a picture", {"content": b"/Im0 Do"}, "stamp"), ("with a comment", {"content": b"% x\n"}, "stamp"),
                            ("that leaves its frame", {"content": b"Q 1 g"}, "stamp"), ("that stays in a state", {"content": b"q"}, "stamp"),
                            ("with numbers alone", {"content": b"1 2"}, "stamp"), ("with an operator short of one", {"content": b"1 l"}, "stamp")):
        if isinstance(more.get("content"), bytes):
            more = {"content": base64.b64encode(more["content"]).decode()}
        wrong = prepare(bench, "0.pdf", stamp={**place, "page": 2, **more})
        bench.check(wrong.get("why") == why and bench.read("room.pdf") == b"", f"refused: a stamp {what}", wrong)


# ---- what is refused ----

def certified(allowed, where=b"/Perms << /DocMDP 5 0 R >>"):
    signature = b"<< /Type /Sig /ByteRange [0 1 2 3] /Contents <00> /Reference [<< /TransformMethod /DocMDP /TransformParams << %s >> >>] >>"
    return plain(b"", where, {5: signature % allowed})


def encrypted(bench, *passwords):
    bench.path("from.pdf", plain())
    bench.tool("qpdf", "--encrypt", *passwords, "256", "--", "from.pdf", "made.pdf")
    return bench.read("made.pdf")


def refused(bench):
    whole = plain()
    return [
        ("no PDF", b"{}", "not-a-pdf"), ("nothing", b"", "not-a-pdf"), ("bytes before its header", b"x" + whole, "damaged"),
        ("cut off", whole[:-60], "damaged"), ("its table is elsewhere", whole.replace(b"startxref\n", b"startxref\n1"), "damaged"),
        ("no pages", whole.replace(b"/Pages 2", b"/Pages 9"), "damaged"),
        ("pages that are their own parents", whole.replace(b"/Kids [3 0 R]", b"/Kids [2 0 R]"), "damaged"),
        ("a form that is a number", plain(b"", b"/AcroForm 5"), "damaged"),
        ("annotations that are a name", plain(b"/Annots /None"), "damaged"),
        ("a page that is no object", whole.replace(b"/Kids [3 0 R]", b"/Kids [<<>>]"), "damaged"),
        ("encrypted, no password needed", encrypted(bench, "", "owner"), "encrypted"),
        ("encrypted with a password", encrypted(bench, "user", "owner"), "encrypted"),
        ("certified against all changes", certified(b"/P 1"), "certified"),
        ("the same, without /Perms", certified(b"/P 1", b"/AcroForm << /Fields [<< /FT /Sig /T (a) /V 5 0 R >>] >>"), "certified"),
    ]


def check_refused(bench):
    for what, data, why in refused(bench):
        bench.path("0.pdf", data)
        wrong = prepare(bench, "0.pdf")
        bench.check(wrong.get("why") == why and bench.read("room.pdf") == b"", f"refused: {what}", wrong)
        if what in ("cut off", "encrypted, no password needed", "certified against all changes"):
            told = bench.ask("inspect", {"copy": False}, "0.pdf")
            bench.check(told["ok"] and told["kind"] == "pdf" and told["unfit"] == why
                        and told["sha256"] == hashlib.sha256(data).hexdigest(), f"and told beforehand: {what}", told)
    for allowed in (b"/P 2", b""):
        bench.path("0.pdf", certified(allowed))
        bench.check(sign(bench, "0.pdf", "1.pdf") is None, f"certified for more signatures ({allowed.decode()!r}): signed")


def check_files(bench):
    bench.path("0.pdf", plain())
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC
    fresh = lambda more=flags, name="result": os.open(bench.path(name), more, 0o600)
    written = fresh()
    os.write(written, b"x")
    ahead = fresh(name="ahead")
    os.lseek(ahead, 7, os.SEEK_SET)
    same, pipe = os.open(bench.path("empty"), flags, 0o600), os.pipe()
    cases = [("a result that is not empty", "0.pdf", written, "output"), ("a result at some other place", "0.pdf", ahead, "output"),
             ("the document itself", same, os.open(bench.path("empty"), os.O_RDWR), "output"),
             ("a result for reading", "0.pdf", fresh(os.O_RDONLY | os.O_CREAT, "none"), "output"),
             ("a result that is a pipe", "0.pdf", pipe[1], "output"), ("no result", "0.pdf", None, "output"),
             ("a pipe", pipe[0], fresh(), "not-a-file"), ("a folder", os.open(bench.folder, os.O_RDONLY), fresh(), "not-a-file"),
             ("a device", os.open("/dev/zero", os.O_RDONLY), fresh(), "not-a-file"),
             ("a name alone", os.open(bench.path("0.pdf"), os.O_PATH), fresh(), "not-a-file"),
             ("a file for writing", os.open(bench.path("0.pdf"), os.O_WRONLY), fresh(), "not-a-file"), ("nothing", None, fresh(), "not-a-file"),
             ("more bytes than it says", os.open("/proc/self/status", os.O_RDONLY), fresh(), "changed")]
    for what, source, result, why in cases:
        told = bench.ask("inspect", {"copy": True}, source, result)
        bench.check(told.get("why") == why, f"refused: {what}", told)
    seeking = os.open(bench.path("0.pdf"), os.O_RDONLY)
    os.lseek(seeking, 100, os.SEEK_SET)
    appending = fresh(flags | os.O_APPEND, "appended")
    told = bench.ask("inspect", {"copy": True}, seeking, appending)
    bench.check(told["ok"] and bench.read("appended") == plain() and os.lseek(seeking, 0, os.SEEK_CUR) == 100,
                "a document is read from its start, wherever its descriptor stands, into a file that appends", told)
    for asked in (b"", b"[]", b"{", b"{}", b'{"copy":1}', b'{"copy":true,"copy":true}', b"\0" * 100, b"[" * 200000):
        told = bench.ask("inspect", asked or b" ", "0.pdf", fresh())
        bench.check(told.get("why") == "question", f"refused: the question {asked[:20]!r}", told)
    bench.check(bench.tool(os.path.join(BUILD, "mohr-document"))[0] == 2, "by hand it does nothing")


def check_kinds(bench):
    body = b"x" * 1000
    for what, data, kind in (("JSON", b'{"a": [1]}', "json"), ("almost JSON", b'{"a": [1]', "other"), ("a number", b"7", "other"),
                             ("a signature", detached(bench, body), "cms"), ("nothing", b"", "other"), ("text", body, "other")):
        told = bench.ask("inspect", {"copy": True}, "in", "copy") if bench.path("in", data) else None
        bench.check(told["ok"] and told["kind"] == kind and told["size"] == len(data) and bench.read("copy") == data and "unfit" not in told
                    and told["sha384"] == hashlib.sha384(data).hexdigest(), f"{what}: {kind}", told)


# ---- other forms ----

def check_forms(bench):
    for size in (0, 1, 2, 3, 5000, 262144, 262145, 700001):
        data = bytes(i * 7 % 251 for i in range(size))
        bench.path("in", data)
        text = b"aGVhZGVy." + base64.urlsafe_b64encode(data).rstrip(b"=")
        told = bench.ask("text", {"hash": "sha384", "header": "aGVhZGVy"}, "in")
        done = bench.ask("write", {"form": "jws", "header": "aGVhZGVy", "signature": "c2ln"}, "in", "out")
        bench.check(told.get("digest") == hashlib.sha384(text).hexdigest() and bench.read("out") == text + b".c2ln"
                    and done["size"] == len(text) + 5, f"a JWS of {size} bytes", (told, done))
    cms = detached(bench, data)
    asked = {"cms": base64.b64encode(cms).decode()}
    done = bench.ask("write", {"form": "cms", **asked}, "in", "out.p7s")
    bench.check(done["ok"] and bench.read("out.p7s") == cms, "a detached signature as it is", done)
    done = bench.ask("write", {"form": "cms-attached", **asked}, "in", "out.p7m")
    code, out, err = bench.tool("openssl", "cms", "-verify", "-inform", "DER", "-in", "out.p7m", "-binary", "-noverify")
    bench.check(done["ok"] and code == 0 and out == data, "openssl takes the document out of the signature it was put into", (done, err))
    for name in ("out.p7s", "out.p7m"):
        told = bench.ask("countersign", {"hash": "sha256", "signer": 0}, name)
        bench.check(told.get("digest") == hashlib.sha256(cms[-256:]).hexdigest() and told["signers"] == 1,
                    f"{name}: what signs its signature", told)
        told = bench.ask("countersign", {"hash": "sha256", "signer": 1}, name)
        bench.check(told.get("why") == "signer", f"{name}: there is no second signer", told)
    told = bench.ask("countersign", {"hash": "sha256", "signer": 0}, "in")
    bench.check(told.get("why") in ("not-a-signature", "too-large"), "what is no signature is not countersigned", told)
    bench.path("0.pdf", plain())
    room = prepare(bench, "0.pdf", room=64)
    for what, more, why in (("more than the room", {"cms": base64.b64encode(b"\x30" * 65).decode()}, "no-room"),
                            ("a place beside it", {"offset": room["offset"] + 1}, "question"), ("a smaller room", {"room": 63}, "question"),
                            ("a place after the end", {"offset": room["size"]}, "question"), ("no base64", {"cms": "AA="}, "question"),
                            ("another form", {"form": "doc"}, "question")):
        asked = {"form": "pdf", "cms": "MAA=", "offset": room["offset"], "room": 64, **more}
        done = bench.ask("write", asked, "room.pdf", "out.pdf")
        bench.check(done.get("why") == why and bench.read("out.pdf") == b"", f"refused, and nothing written: {what}", done)
    full = os.open("/dev/full", os.O_WRONLY)
    bench.check(bench.ask("write", {"form": "cms", "cms": "MAA="}, "in", full).get("why") == "output", "refused: a device as the result")


# ---- signatures that lie ----

def changed_range(data, change):
    found = re.search(rb"/ByteRange \[ (\d+) (\d+) (\d+) (\d+) \] *", data)
    numbers = change(*[int(n) for n in found.groups()])
    text = b"/ByteRange [ " + (numbers if isinstance(numbers, bytes) else b" ".join(b"%d" % n for n in numbers)) + b" ]"
    return data[:found.start()] + text.ljust(found.end() - found.start()) + data[found.end():]


def updated(data, number, body):
    """A later revision by somebody who has no key."""
    at = len(data)
    data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    before = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    return data + b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size 9 /Root 1 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        number, at, before, len(data))


def lies(data):
    """What is done to a signed document of objects 1..4, signature 5 and field 6; what is told of the signature then."""
    signature = re.search(rb"5 0 obj\n(.*?)\nendobj", data, re.S).group(1)
    gap = data.index(b"/Contents <") + 10
    end = data.index(b">", gap)
    field = re.search(rb"6 0 obj\n(.*?)\nendobj", data, re.S).group(1)
    return [
        ("leaves out a byte more", changed_range(data, lambda a, b, c, d: (a, b, c + 1, d - 1)), "range"),
        ("leaves out a byte before", changed_range(data, lambda a, b, c, d: (a, b - 1, c, d)), "range"),
        ("begins later", changed_range(data, lambda a, b, c, d: (1, b - 1, c, d)), "range"),
        ("goes beyond the end", changed_range(data, lambda a, b, c, d: (a, b, c, d + 1)), "range"),
        ("leaves out nothing", changed_range(data, lambda a, b, c, d: (a, b, b, len(data) - b)), "range"),
        ("is negative", changed_range(data, lambda a, b, c, d: (a, b, c, -1)), "range"),
        ("is three numbers", changed_range(data, lambda a, b, c, d: (a, b, c)), "range"),
        ("is six", changed_range(data, lambda a, b, c, d: (a, b, c, 1, c + 9, 1)), "range"),
        ("has a fraction", changed_range(data, lambda a, b, c, d: b"0 %d %d %d.0" % (b, c, d)), "range"),
        ("ends within the document", changed_range(data, lambda a, b, c, d: (a, b, c, d - 30)), "revision"),
        ("a blank in its value", data[:gap + 40] + b" " + data[gap + 41:], "range"),
        ("a byte after its value", data[:end - 2] + b"01" + data[end:], "contents"),
        ("no value", data[:gap + 1] + b"00" + data[gap + 3:], "contents"),
        ("another reason, later", updated(data, 5, re.sub(rb"/Reason [^\n]*", b"/Reason (I owe you all)", signature)), "told"),
        ("no byte range, later", updated(data, 5, signature.replace(b"/ByteRange", b"/Bytewrong")), "range"),
        ("another field, later", updated(data, 6, field.replace(b"(Mohr1)", b"(Other)")), "revision"),
        ("bytes after it", data + b"% and more\n", "told"),
    ]


def check_lies(bench):
    bench.path("0.pdf", plain())
    sign(bench, "0.pdf", "1.pdf")
    for what, data, expected in lies(bench.read("1.pdf")):
        bench.path("lie.pdf", data)
        rows = bench.answers("signatures", {}, "lie.pdf")
        row = rows[0] if len(rows) == 2 and rows[1].get("last") else {}
        if expected == "told":
            bench.check(row.get("reason") == "قرارداد (۱)" and row["after"] == "unsigned" and not row["whole"] and row["covers"] < len(data),
                        f"a signature with {what}: told as it was signed", rows)
        else:
            bench.check(row.get("why") == expected and "cms" not in row and row.get("detail"), f"a signature that {what}: {expected}", rows)
    rows = bench.answers("signatures", {}, "0.pdf")
    bench.check(len(rows) == 1 and rows[0]["signatures"] == 0, "a document without signatures has none", rows)


LATER = [  # what a second signer's own revision does besides, and whether the first one's pages are as they were
    ("nothing but a number of its own", 9, b"<< /A 1 >>", "same"),
    ("another text", 4, b"<< /Length 37 >>\nstream\nBT /F1 24 Tf 72 700 Td (All is new) Tj ET\nendstream", "changed"),
    ("the same text, written again", 4, b"<< /Length %d >>\nstream\n%s\nendstream" % (len(CONTENT), CONTENT), "same"),
    ("another note", 5, NOTE.replace(b"(note)", b"(nota)"), "changed"),
    ("a note that has moved", 5, NOTE.replace(b"10 10", b"10 11"), "changed"),
    ("a font behind the page's back", 2, b"<< /Type /Pages /Kids [3 0 R] /Count 1 /MediaBox [0 0 612 792] /Resources " +
     FONT.replace(b"Helvetica", b"Symbol") + b" >>", "changed"),
    ("a page turned", 2, b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Rotate 90 /MediaBox [0 0 612 792] /Resources " + FONT + b" >>", "changed"),
    ("a page twice", 2, b"<< /Type /Pages /Kids [3 0 R 3 0 R] /Count 2 /MediaBox [0 0 612 792] /Resources " + FONT + b" >>", "changed"),
    ("no page", 2, b"<< /Type /Pages /Kids [] /Count 0 >>", "changed"),
    ("a portfolio in place of the pages", 1, b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [7 0 R] >> /Collection << /View /D >> >>", "changed"),
    ("layers", 1, b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [7 0 R] >> /OCProperties << /D << >> >> >>", "changed"),
]


def check_shown(bench):
    """A second signer signs more than a first one did, with a signature as good."""
    bench.path("0.pdf", plain(b"/Annots [5 0 R]", more={5: NOTE}))
    sign(bench, "0.pdf", "1.pdf")
    for what, number, body, expected in LATER:
        bench.path("2.pdf", updated(bench.read("1.pdf"), number, body.replace(b"[7 0 R]", b"[%d 0 R]" % 7)))
        wrong = sign(bench, "2.pdf", "3.pdf") if what != "no page" else None
        rows = bench.answers("signatures", {}, "2.pdf" if what == "no page" else "3.pdf")
        bench.check(not wrong and rows[0].get("shown") == expected and (len(rows) < 3 or rows[0]["after"] == "signed"),
                    f"{expected} for the first signer, if a second brings {what}", (wrong, rows))


def check_stamped(bench):
    """A later signer's stamp may lie over anything; the first signer has not seen it."""
    ink = {"page": 1, "x": 0, "y": 0, "width": 612, "height": 792, "content": base64.b64encode(b"1 g 0 0 612 792 re f").decode()}
    bench.path("0.pdf", plain())
    wrong = sign(bench, "0.pdf", "1.pdf") or sign(bench, "1.pdf", "2.pdf", stamp=ink) or judged(bench, "2.pdf", 2)
    rows = bench.answers("signatures", {}, "2.pdf")
    bench.check(not wrong and rows[0].get("shown") == "stamped" and "shown" not in rows[1], "a later stamp is told to the first signer", (wrong, rows))
    small = {**ink, "width": 60, "height": 60, "content": base64.b64encode(b"0 g 0 0 60 60 re f").decode()}
    wrong = sign(bench, "0.pdf", "1.pdf", stamp=small)
    number = int(re.findall(rb"/AP << /N (\d+) 0 R", bench.read("1.pdf"))[-1])
    form = re.findall(rb"\n%d 0 obj\s+(.*?)\s+endobj" % number, bench.read("1.pdf"), re.DOTALL)[-1]
    for what, again, expected in (("as it was", form, "same"), ("made larger", form.replace(b" 60 60 ]", b" 612 792 ]"), "changed")):
        bench.path("2.pdf", updated(bench.read("1.pdf"), number, again))
        wrong = wrong or sign(bench, "2.pdf", "3.pdf")
        rows = bench.answers("signatures", {}, "3.pdf")
        bench.check(not wrong and rows[0].get("shown") == expected, f"{expected} for the first signer, if a second has the first one's stamp {what}",
                    (wrong, form, rows))


# ---- the sandbox ----

def check_sandbox(bench):
    """Eight values that fill the channel while nobody reads it: then there is time to look."""
    bench.path("0.pdf", plain())
    der = b"\x30\x82\xef\xfc" + b"\x04\x82\xef\xf8" + b"x" * 0xeff8
    for i in range(8):
        if wrong := sign(bench, f"{i}.pdf", f"{i + 1}.pdf", der, room=0xf100):
            return bench.check(False, "a document with large signatures", wrong)
    source = os.open(bench.path("8.pdf"), os.O_RDONLY)
    child, channel = bench.start("mohr-document", "signatures", [source, None])
    channel.send(b"{}")
    rows = [json.loads(channel.recv(300000))]
    with open(f"/proc/{child.pid}/status", encoding="utf-8") as status:
        told = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
    bench.check(told.get("Seccomp") == "2" and told.get("NoNewPrivs") == "1", "at work it is behind a filter, for good", told)
    held = sorted(int(fd) for fd in os.listdir(f"/proc/{child.pid}/fd"))
    bench.check(set(held) <= {0, 1, 2, 3, 4}, "and holds its channel and the document alone", held)
    while frame := channel.recv(300000):
        rows.append(json.loads(frame))
    child.wait(120)
    bench.check(len(rows) == 9 and rows[-1]["signatures"] == 8, "eight signatures are told", rows[-1])


def check_persian_page(bench):
    asked = {"language": "fa", "size": "a4", "digest": "0123456789abcdef" * 4, "holder": "staff", "claims": {
        "name": "مریم نمونه", "aud": "https://office.example", "acr": "x"}, "signed_at": AT, "received_at": AT, "verification": {
        "outcome": "ok", "reason": "ok", "checked": [], "not_checked": []}, "revocation": None, "timestamp": None, "simulated": False}
    done = subprocess.run([os.path.join(BUILD, "mohr-page")], input=json.dumps(asked).encode(), capture_output=True, timeout=120,
                          env=bench.env, check=False)
    bench.path("0.pdf", done.stdout)
    before = bench.tool("pdftotext", "0.pdf", "-")[1]
    wrong = sign(bench, "0.pdf", "1.pdf") or judged(bench, "1.pdf", 1)
    bench.check(not wrong and before and bench.tool("pdftotext", "1.pdf", "-")[1] == before, "a Persian page, signed, has the same text",
                (wrong, done.stderr))


def main():
    missing = [tool for tool in ("pdfsig", "qpdf", "openssl", "pdftoppm") if not shutil.which(tool)]
    if missing:
        print(f"skip - documents: no {', '.join(missing)} here")
        return 0
    folder = tempfile.mkdtemp(prefix="mohr-document-")
    try:
        bench = Bench(folder)
        make_key(bench)
        for part in (check_builds, check_several, check_stamps, check_refused, check_files, check_kinds, check_forms, check_lies,
                     check_shown, check_stamped, check_sandbox, check_persian_page):
            part(bench)
    finally:
        shutil.rmtree(folder)
    return 1 if bench.failed else 0


sys.exit(main())
