#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""history.py BUILD: what `mohr history` finds in histories that are whole, tampered with, hostile or being written.

The fixtures are made here from docs/history.md alone, with SQLite and SHA-256; nothing of Mohr writes them. Each
kind of tampering must be named with its row. The last part is a real mohrd with its real worker.
"""
import hashlib
import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
MOHR = os.path.join(BUILD, "mohr")
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOTHING = bytes(32)
FEWER = 5 if os.path.basename(BUILD) == "asan" else 1  # that build starts slowly, and has the same branches
APP, AUDIENCE = "flatpak:org.example.Bank", "https://bank.example"
ID = "00112233445566778899aabbccddeeff"
TABLE = """CREATE TABLE entry (
  seq    INTEGER PRIMARY KEY,
  body   TEXT,
  digest BLOB NOT NULL,
  link   BLOB NOT NULL
) STRICT"""
status = 0


def check(good, what, why=""):
    global status
    if not good and why:
        print("    " + str(why).replace("\n", "\n    "))
    print(("ok - " if good else "not ok - ") + what, flush=True)
    status |= not good


def run(*words, text="", **env):
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", "TERM": "xterm", **env}
    done = subprocess.run([MOHR, *words], env=environment, capture_output=True, input=text, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- the document, in a few lines ----

def text_of(body):
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return re.sub(r"(?<!\\)\\u00[0-9a-f]{2}", lambda found: found.group()[:2] + found.group()[2:].upper(), plain)


def digest_of(text):
    return hashlib.sha256(text.encode()).digest()


def link_of(before, seq, digest):
    return hashlib.sha256(b"mohr-history-1\0" + before + seq.to_bytes(8, "big") + digest).digest()


def request(number):
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def asked(number, **more):
    return {"event": "asked", "at": 1795000000 + number, "request": request(number), "method": "Assert", "app": APP,
            "uid": 1000, "pid": 4000 + number, "program": "/usr/bin/bank", "audience": AUDIENCE, "purpose": "opening an account",
            "required": ["station"], **more}


def ended(number, **more):
    body = {"event": "ended", "at": 1795000005 + number, "request": request(number), "outcome": "Ok",
            "assertion": hashlib.sha256(b"jws%d" % number).hexdigest(), "released": ["station"], "declined": ["reader"], **more}
    return {name: value for name, value in body.items() if value is not None}


def created(**more):
    return {"event": "created", "at": 1794999990, "id": ID, **more}


def ordinary(count=6):
    bodies = [created()]
    for number in range(count):
        bodies += [asked(number), ended(number)]
    return bodies


def rows_of(bodies):
    rows, link = [], NOTHING
    for seq, body in enumerate(bodies, 1):
        text = body if isinstance(body, str) else text_of(body)
        digest = digest_of(text)
        link = link_of(link, seq, digest)
        rows.append([seq, text, digest, link])
    return rows


def write(folder, rows, head="last", table=TABLE, application=0x4D6F6872, version=1, wal=True):
    """A history.db of these rows, and its head (None: none; a text: that)."""
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, 0o700)
    db = sqlite3.connect(os.path.join(folder, "history.db"))
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    db.execute(f"PRAGMA application_id = {application}")
    db.execute(f"PRAGMA user_version = {version}")
    db.execute(table)
    if rows:
        db.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
    db.commit()
    db.close()
    if head == "last":
        head = anchor_line(rows[-1])
    if head is not None:
        with open(os.path.join(folder, "history.head"), "w", encoding="utf-8") as file:
            file.write(head)


def anchor_line(row, number=ID):
    return f"mohr-history-1 {number} {row[0]} {row[3].hex()}\n"


def log_line(row, number=ID, quotes='"'):
    return f'mohrd: history head id={quotes}{number}{quotes} seq={quotes}{row[0]}{quotes} link={quotes}{row[3].hex()}{quotes}\n'


def verify(folder, *words, text=""):
    """(exit code, [(fault, row, other)], everything)"""
    code, out, err = run("history", "verify", "--from", folder, "--json", *words, text=text)
    try:
        told = json.loads(out)
    except ValueError:
        told = {}
    return code, [(row["fault"], row["row"], row["other"]) for row in told.get("findings", [])], told or out + err


def chained(rows):
    """The same rows with links that fit, as whoever rewrites a history would make them."""
    return rows_of([row[1] for row in rows])


# ---- whole ones ----

def whole(folder):
    rows = rows_of(ordinary())
    write(folder, rows)
    code, found, told = verify(folder)
    check(code == 0 and not found and told["whole"] and told["rows"] == 13 and told["requests"] == 6 and told["anchored"] == 13
          and told["id"] == ID and told["last"] == {"row": 13, "link": rows[-1][3].hex()}, "a history as the document has it is whole", told)
    code, out, err = run("history", "verify", "--from", folder)
    check(code == 0 and "whole" in out and "Not proven" in out and not err, "it is said what that does not prove", out + err)
    write(folder, rows, wal=False)
    check(verify(folder)[0] == 0, "so it is without a write-ahead log")
    every = [created(), asked(1, organization="بانک نمونه", organization_key="ab" * 32, signed_request="cd" * 32, rule="bank"),
             ended(1, values={"given_name": "علی"}), {"event": "granted", "at": 1795000007, "grant": request(1), "app": APP,
                                                     "audience": AUDIENCE, "purpose": "opening an account", "released": ["station"]},
             asked(2), ended(2, grant=request(1)), asked(3), {"event": "interrupted", "at": 1795000900, "request": request(3)},
             asked(4), ended(4, outcome="WrongPin", assertion=None, tries_left=2, released=None, declined=None),
             asked(5, method="ChangePin", audience=None, purpose=None), ended(5, assertion=None, released=None, declined=None),
             {"event": "refused", "at": 1795001000, "app": APP, "audience": AUDIENCE, "why": "too_often"},
             {"event": "revoked", "at": 1795001001, "grant": request(1)}, asked(6), ended(6, outcome="Cancelled", assertion=None, released=[], declined=[]), asked(7)]
    every[10] = {name: value for name, value in every[10].items() if value is not None}
    write(folder, rows_of(every))
    code, found, told = verify(folder)
    check(code == 0 and told["unanswered"] == 1 and told["interrupted"] == 1, "every kind of row is known", told)


def by_hand(folder):
    with open(os.path.join(TREE, "docs/history.md"), encoding="utf-8") as page:
        program = page.read().split("```python\n")[1].split("```")[0]
    rows = rows_of(ordinary())
    for what, now, code, said in (("a whole one", rows, 0, anchor_line(rows[-1]).split(" ", 2)[2]),
                                  ("a changed one", with_row(rows, 6, asked(9), digest=False), 1, "row 6 does not fit\n")):
        write(folder, now)
        done = subprocess.run([sys.executable, "-c", program, os.path.join(folder, "history.db")], capture_output=True, text=True, check=False)
        check(done.returncode == code and done.stdout + done.stderr == said, f"the ten lines of the document judge {what}", done)


def anchors(folder):
    rows = rows_of(ordinary())
    write(folder, rows, head=anchor_line(rows[8]))
    code, found, told = verify(folder)
    check(code == 0 and told["anchored"] == 9, "rows after the last anchor are said not to be anchored", told)
    log = "noise\nmohrd: request started app=x\n" + log_line(rows[4]) + "Nov 22 x mohrd[12]: history head\n" + log_line(rows[10], quotes="")
    code, found, told = verify(folder, "--anchors", "-", text=log)
    check(code == 0 and told["anchored"] == 11 and told["anchors_that_hold"] == 3, "anchors are found among the lines of a log", told)
    code, found, told = verify(folder, "--anchor", f"13:{rows[12][3].hex()}", "--anchor", f"2:{rows[1][3].hex()}")
    check(code == 0 and told["anchored"] == 13 and told["anchors_that_hold"] == 3, "and on the command line", told)
    code, _, told = verify(folder, "--anchors", "-", text="nothing of the kind\n")
    check(code == 2, "a log without any is no check", told)
    for bad in ("13", "13:", ":" + "00" * 32, "x:" + "00" * 32, "13:" + "0" * 63, "13:" + "00" * 33, "013:" + "00" * 32, "0:" + "00" * 32, "13:" + "AB" * 32):
        if verify(folder, "--anchor", bad)[0] != 2:
            check(False, "what is no anchor is refused", bad)
    empty = folder + "-empty"
    os.makedirs(empty, exist_ok=True)
    check(verify(empty)[0] == 2 and run("history", "--from", empty)[0] == 0, "no history is nothing to check, and nothing to list")
    check(verify(empty, "--anchor", f"13:{rows[12][3].hex()}")[0] == 21, "but one that an anchor knows was removed")
    with open(os.path.join(empty, "history.head"), "w", encoding="ascii") as file:
        file.write(anchor_line(rows[-1]))
    check(verify(empty)[0] == 21, "also if the head is all that is left")
    code, out, err = run("history", "--from", empty)
    check(code == 0 and "removed as a whole" in err and not json.loads(run("history", "--json", "--from", empty)[1])["whole"], "of which a list warns", (out, err))
    os.unlink(os.path.join(empty, "history.head"))
    for what in (lambda _db: None, lambda db: db.execute("PRAGMA journal_mode = WAL")):  # mohrd is about to write its first row
        db = sqlite3.connect(os.path.join(empty, "history.db"))
        what(db)
        db.close()
        code, _, err = run("history", "--from", empty)
        check((verify(empty)[0], code, err) == (2, 0, ""), "a history that is just being made is none yet", (code, err))


# ---- tampering ----

def drop(rows, *seqs):
    return [row for row in rows if row[0] not in seqs]


def renumbered(rows):
    return [[seq, *row[1:]] for seq, row in enumerate(rows, 1)]


def swapped(rows, one, other):
    rows = [list(row) for row in rows]
    a, b = rows[one - 1], rows[other - 1]
    a[1:], b[1:] = b[1:], a[1:]
    return rows


def with_row(rows, seq, body=None, digest=True, link=False):
    """Row `seq` says something else; with digest and link adjusted, or not."""
    rows = [list(row) for row in rows]
    row = rows[seq - 1]
    row[1] = text_of(body)
    row[2] = digest_of(row[1]) if digest else row[2]
    row[3] = link_of(rows[seq - 2][3] if seq > 1 else NOTHING, seq, row[2]) if link else row[3]
    return rows


def inserted(rows, seq, body, link=True):
    text = text_of(body)
    before = rows[seq - 2][3]
    new = [seq, text, digest_of(text), link_of(before, seq, digest_of(text)) if link else bytes(range(32))]
    return renumbered(rows[:seq - 1] + [new] + rows[seq - 1:])


def tampering(folder):
    rows = rows_of(ordinary())
    other = asked(3, audience="https://other.example")
    foreign = asked(77)
    gap = drop(rows, 6, 7)
    cases = [  # what was done, the rows then, what must be found; the head is the old one
        ("a changed row", with_row(rows, 6, other, digest=False), [("changed", 6, 0)]),
        ("a changed row with its digest", with_row(rows, 8, other), [("does-not-follow", 8, 0)]),
        ("a changed row with digest and link", with_row(rows, 8, other, link=True), [("does-not-follow", 9, 0)]),
        ("the last row with digest and link", with_row(rows, 13, ended(5, tries_left=1), link=True), [("rewritten", 13, 0)]),
        ("the first row", with_row(rows, 1, created(at=1), digest=False), [("changed", 1, 0)]),
        ("a removed row", drop(rows, 7), [("removed", 7, 7)]),
        ("removed rows", gap, [("removed", 6, 7)]),
        ("the first rows removed", drop(rows, 1, 2, 3), [("removed", 1, 3)]),
        ("removed rows closed up", renumbered(gap), [("removed-before", 6, 2), ("cut-off", 11, 13)]),
        ("a row put in", inserted(rows, 6, foreign), [("inserted-before", 7, 1)]),
        ("a row put in without its link", inserted(rows, 6, foreign, link=False), [("does-not-follow", 6, 0), ("inserted-before", 7, 1)]),
        ("two rows in each other's place", swapped(rows, 6, 8), [("moved", 6, 8), ("moved", 8, 6)]),
        ("neighbours in each other's place", swapped(rows, 4, 5), [("moved", 4, 5), ("moved", 5, 4)]),
        ("the last rows cut off", rows[:9], [("cut-off", 9, 13)]),
        ("rows rewritten to the end", chained(with_row(rows, 8, other)), [("rewritten", 13, 0)]),
        ("a row removed and all rewritten", chained(drop(rows, 12, 13)), [("cut-off", 11, 13)]),
        ("another history", rows_of([created(id="f" * 32)] + ordinary()[1:]), [("other-history", 0, 13)]),
        ("a link of another length of zeros", [[*row[:3], bytes(32)] if row[0] == 5 else row for row in rows],
         [("does-not-follow", 5, 0), ("does-not-follow", 6, 0)]),
    ]
    for what, tampered, wanted in cases:
        write(folder, tampered, head=anchor_line(rows[-1]))
        code, found, told = verify(folder)
        named = [one for one in found if one[0] != "order" and one not in wanted and one[0] not in ("rewritten",)]
        check(code == 21 and all(one in found for one in wanted) and not named, f"{what}: named with its row", f"{found} is not {wanted}: {told}")
    write(folder, chained(with_row(rows, 8, other)), head=anchor_line(chained(with_row(rows, 8, other))[-1]))
    check(verify(folder)[0] == 0, "one who rewrites everything and the head is not found by the head")
    code, found, told = verify(folder, "--anchors", "-", text="".join(log_line(row) for row in rows[2::2]))
    check(code == 21 and found == [("rewritten", 9, 7)], "but by the journal, which says from where on", told)
    write(folder, rows, head=anchor_line(rows[-1]))
    code, found, told = verify(folder, "--anchors", "-", text=log_line(rows[4], "e" * 32) + log_line(rows[6]))
    check(code == 21 and found == [("other-history", 5, 5)] or found == [("other-history", 0, 5)], "an anchor of another history is said", told)
    code, _, err = run("history", "verify", "--from", folder, "--anchors", "-", text=log_line(rows[4], "e" * 32))
    check(code == 21 and "began it anew" in err and "--since" in err, "and what to do if that was no accident", err)
    code, out, err = run("history", "--from", folder)
    check(code == 0 and "not as it was written" not in err, "a list of a whole history warns of nothing", err)
    write(folder, with_row(rows, 6, other, digest=False))
    code, out, err = run("history", "--from", folder)
    check(code == 0 and "not as it was written" in err, "a list of another one does", err)
    code, out, err = run("history", "verify", "--from", folder)
    check(code == 21 and "Row 6 was changed" in err and "[21]" in err and not out, "for people it is said in words, on standard error", out + err)
    code, out, err = run("history", "export", "--from", folder, os.path.join(folder, "x"))
    check(code == 21 and not os.path.exists(os.path.join(folder, "x")), "and is not exported", err)


def heads(folder):
    rows = rows_of(ordinary())
    for what, head, fault in (("removed", None, "head-missing"), ("emptied", "", "head-unreadable"), ("garbled", "mohr-history-1 x 13 y\n", "head-unreadable"),
                              ("longer", anchor_line(rows[-1]) + "x", "head-unreadable")):
        write(folder, rows, head=head)
        code, found, told = verify(folder)
        check(code == 21 and found == [(fault, 0, 0)], f"a head file that was {what} is named", told)
    write(folder, rows, head=None)
    os.symlink("history.db", os.path.join(folder, "history.head"))
    check(verify(folder)[1] == [("head-unreadable", 0, 0)], "so is one that is a link")
    write(folder, rows_of(ordinary(1)), head=None)
    check(verify(folder)[0] == 0, "before the first end is told, none need be there")


def order(folder):
    bodies = ordinary(3)
    grant = {"event": "granted", "at": 1795000010, "grant": request(0), "app": APP, "audience": AUDIENCE}
    taken_back, once = {"event": "revoked", "at": 1795000011, "grant": request(0)}, 64 * "5"
    cases = [
        ("an end without a beginning", bodies[:5] + [ended(9)], 6),
        ("two ends", bodies[:3] + [ended(0)], 4),
        ("an end after an interruption", bodies[:2] + [{"event": "interrupted", "at": 1, "request": request(0)}, ended(0)], 4),
        ("the same request twice", bodies[:3] + [asked(0)], 4),
        ("an assertion without Ok", bodies[:2] + [ended(0, outcome="WrongPin")], 3),
        ("Ok without an assertion", bodies[:2] + [ended(0, assertion=None)], 3),
        ("an assertion by another method", [created(), asked(0, method="ChangePin"), ended(0)], 3),
        ("a second creation", bodies[:3] + [created()], 4),
        ("no creation", [asked(0)], 1),
        ("a permission without a request", bodies[:3] + [{**grant, "grant": request(8)}], 4),
        ("a permission given twice", bodies[:3] + [grant, grant], 5),
        ("taken back, never given", bodies[:3] + [{"event": "revoked", "at": 1, "grant": request(0)}], 4),
        ("taken back twice", bodies[:3] + [grant] + 2 * [{"event": "revoked", "at": 1, "grant": request(0)}], 6),
        ("an end by a permission that is not there", bodies[:2] + [ended(0, grant=request(7))], 3),
        ("an end by a permission that was taken back before", bodies[:3] + [grant, taken_back, asked(1), ended(1, grant=request(0))], 7),
        ("a signed request used twice", [created(), asked(0, signed_request=once), ended(0), asked(1, signed_request=once)], 4),
        ("a pruning of what is to come", bodies[:3] + [{"event": "pruned", "at": 1, "through": 4}], 4),
        ("a pruning that goes back", bodies + [{"event": "pruned", "at": 1, "through": 5}, {"event": "pruned", "at": 1, "through": 4}], 9),
    ]
    for what, rows, row in cases:
        write(folder, rows_of(rows))
        code, found, told = verify(folder)
        check(code == 21 and found == [("order", row, 0)], f"{what} is out of order", told)
    write(folder, rows_of(bodies[:3] + [grant, asked(1), taken_back, ended(1, grant=request(0))]))
    code, _, told = verify(folder)
    check(code == 0, "a permission that was taken back while its request was open is none out of order", told)
    text = text_of(asked(0))
    forms = [("spaces", text.replace(":", ": ", 1)), ("no JSON", "x"), ("an array", "[]"), ("nothing", ""), ("a repeated name", '{"at":1,"at":1}'),
             ("another order", json.dumps(dict(reversed(sorted(asked(0).items()))), separators=(",", ":"))), ("an unknown member", text_of({**asked(0), "pin": "1234"})),
             ("an unknown event", text_of({**asked(0), "event": "forgotten"})), ("a missing member", text_of({"event": "ended", "at": 1})),
             ("an upper-case number", text_of(asked(0, request=request(0).upper()))), ("a claim twice", text_of(asked(0, required=["reader", "reader"]))),
             ("deep nesting", "[" * 3000 + "]" * 3000), ("16 KiB and one", text_of(asked(0, purpose="x" * 17000))), ("a body that is bytes", text[:-3] + '\\u0000"}')]
    good = True
    for what, text in forms:
        write(folder, rows_of([created(), text]))
        code, found, told = verify(folder)
        if code != 21 or [one[:2] for one in found] != [("form", 2)]:
            good = False
            print(f"    {what}: {told}")
    check(good, "a body in any other form than its one is named")


def pruning(folder):
    rows = rows_of(ordinary(5) + [{"event": "pruned", "at": 1795009999, "through": 7}, asked(8)])

    def without(*seqs):
        return [[row[0], None, *row[2:]] if row[0] in seqs else row for row in rows]
    for what, seqs, wanted in (("what was pruned as it is said", range(2, 8), []), ("half a request", range(2, 7), []), ("less than is said", (3, 4), []),
                               ("beyond what is said", (8,), [("body-missing", 8, 0)]), ("the first row", (1,), [("body-missing", 1, 0)]),
                               ("the last row", (13,), [("body-missing", 13, 0)])):
        write(folder, without(*seqs))
        code, found, told = verify(folder)
        check(found == wanted and code == (21 if wanted else 0), f"pruning: {what}", told)
    write(folder, with_row(without(*range(2, 8)), 5, asked(3), digest=False))
    check(verify(folder)[1] == [("changed", 5, 0)], "pruning: a body put back must be the one that was there")
    write(folder, without(*range(2, 8)))
    with_gap = [row for row in without(*range(2, 8)) if row[0] != 4]
    write(folder, with_gap, head=anchor_line(rows[-1]))
    check(("removed", 4, 4) in verify(folder)[1], "pruning: a row that is gone altogether is removed")
    write(folder, without(*range(2, 8)))
    code, out, err = run("history", "--from", folder)
    check(code == 0 and "taken out" in out, "a list shows what is left", out + err)


# ---- hostile files ----

def hostile(folder):
    rows = rows_of(ordinary())
    path = os.path.join(folder, "history.db")

    def is_refused(what, code=21):
        got, _, told = verify(folder)
        check(got == code, f"refused: {what}", told)
        listed = run("history", "--from", folder)
        if listed[0] != code:
            check(False, f"a list refuses it as well: {what}", listed)
    write(folder, rows, application=1)
    is_refused("a database of something else")
    write(folder, rows, version=2)
    is_refused("a newer version", 2)
    check("newer version" in run("history", "verify", "--from", folder)[2], "which is said, and is no tampering")
    write(folder, rows, version=-1)
    is_refused("a version that never was")
    write(folder, rows, table=TABLE.replace(" STRICT", ""))
    is_refused("a table that takes any type")
    write(folder, [], table=TABLE.replace("body   TEXT", "more TEXT, body TEXT").replace("entry", "other"), head=None)
    is_refused("no such table")
    db = sqlite3.connect(path)
    db.execute("CREATE VIEW entry AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS seq, '' AS body, x'' AS digest, x'' AS link FROM n")
    db.commit()
    db.close()
    is_refused("a view without end in its place")
    write(folder, [], table="CREATE TABLE entry (seq INTEGER PRIMARY KEY, body TEXT AS (hex(zeroblob(100000000))), digest BLOB, link BLOB) STRICT", head=None)
    is_refused("columns that are computed")
    write(folder, [[1, rows[0][1], b"x", rows[0][3]]], head=None)
    is_refused("a digest of another length")
    write(folder, [[1, "x" * 100000, *rows[0][2:]]], head=None)
    is_refused("a row of a hundred thousand bytes")
    write(folder, rows)
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(os.urandom(4096))
    is_refused("a damaged page")
    with open(path, "wb") as file:
        file.write(b"not a database, and long enough to be one" * 100)
    is_refused("no database")
    with open(path, "wb"):
        pass
    check(verify(folder)[0] == 21 and "removed as a whole" in run("history", "--from", folder)[2], "an empty file where an anchor knows of rows")
    os.unlink(path)
    write(folder + "-real", rows)
    os.symlink(os.path.join(folder + "-real", "history.db"), path)
    is_refused("a link")
    os.unlink(path)
    os.mkfifo(path)
    is_refused("a pipe")
    os.unlink(path)
    os.mkdir(path)
    is_refused("a folder")
    for tail in ("-wal", "-shm", "-journal"):
        write(folder, rows)
        os.mkfifo(path + tail)
        is_refused(f"a pipe where SQLite has its {tail[1:]}")
    link = folder + "-link"
    os.symlink(folder + "-real", link)
    check(verify(link)[0] == 0, "a folder may be reached by a link")
    write(folder, [[seq, *rows[0][1:]] for seq in (-5, 0, 2 ** 62)])
    check(verify(folder)[0] == 21, "numbers that no row has are named")
    write(folder, rows)
    db = sqlite3.connect(path)
    db.execute("CREATE INDEX app ON entry (body ->> '$.app')")
    db.execute("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM entry; END")
    db.commit()
    db.close()
    told = verify(folder)
    check(told[0] == 0, "an index and a trigger are not in the way, and are not used", told)


def flipped(folder):
    """Every tenth byte of the file, changed: what is read is whole as it was, or is refused."""
    rows = rows_of(ordinary(2))
    write(folder, rows, wal=False)
    path = os.path.join(folder, "history.db")
    with open(path, "rb") as file:
        data = file.read()
    used = [at for at in range(len(data)) if data[at]]
    bad, found = [], 0
    for at in used[::max(1, FEWER * len(used) // 60)]:
        with open(path, "wb") as file:
            file.write(data[:at] + bytes([data[at] ^ 0x41]) + data[at + 1:])
        code, _, told = verify(folder)
        found += code == 21
        newer = code == 2 and 60 <= at < 64  # of SQLite's header, the version
        if code == 0 and (told["rows"], told["last"]["link"]) != (5, rows[-1][3].hex()) or code not in (0, 21) and not newer:
            bad.append((at, code))
    check(not bad and found > 30 // FEWER, "a changed byte of the file never makes another history of it", bad)


def being_written(folder):
    """A writer in WAL goes on while others read; each reads a moment of it."""
    bodies = ordinary(60)
    rows = rows_of(bodies)
    write(folder, rows[:1], head=None)
    path, begun, stop = os.path.join(folder, "history.db"), threading.Event(), threading.Event()

    def writer():
        db = sqlite3.connect(path)
        for row in rows[1:]:
            db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", row)
            db.commit()
            begun.set()
            if row[0] % 2:
                with open(os.path.join(folder, "head.new"), "w", encoding="ascii") as file:
                    file.write(anchor_line(row))
                os.rename(os.path.join(folder, "head.new"), os.path.join(folder, "history.head"))
            if stop.wait(0.005):
                break
        stop.wait()
        db.close()
    thread = threading.Thread(target=writer)
    thread.start()
    begun.wait(60)
    told = [verify(folder) for _ in range(12 // FEWER)]
    check(all(code == 0 for code, _, _ in told), "a history that is being written is read as of one moment", told)
    check(os.path.getsize(path + "-wal") > 0, "what is read lies in the log still")
    copy = folder + "-copy"
    shutil.rmtree(copy, ignore_errors=True)
    stop.set()
    thread.join()
    write(folder, rows)
    os.chmod(folder, 0o500)
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
    if os.getuid() == 0 and shutil.which("setpriv"):
        os.chmod(folder, 0o555)
        os.chmod(path, 0o444)
        os.chmod(os.path.join(folder, "history.head"), 0o444)
        done = subprocess.run([*nobody, MOHR, "history", "verify", "--from", folder], capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"})
        check(done.returncode == 0 and sorted(os.listdir(folder)) == ["history.db", "history.head"],
              "a folder that cannot be written to is read, and nothing is left in it", done.stdout + done.stderr)
    else:
        print("skip - a folder that cannot be written to: not root here")
    os.chmod(folder, 0o700)


# ---- list and show ----

def askers(folder):
    """Each way in which a daemon calls a caller, the words for it, and a few that no daemon writes."""
    rows = [("program:/usr/bin/bank", "/usr/bin/bank"), ("flatpak:org.example.Bank", "the app org.example.Bank (Flatpak)"),
            ("snap:bank.desk", "the app bank.desk (Snap)"), ("unit:bank.service", "the service bank.service"),
            ("script:/usr/bin/python3 /opt/a b.py", "the script /opt/a b.py, run by /usr/bin/python3"), ("script:/usr/bin/python3", "/usr/bin/python3"),
            ("unknown", "unknown"), ("flatpak:%s%n\u202e", "the app %s%n (Flatpak)"), ("script: x", "the script x, run by "), ("?", "?")]
    write(folder, rows_of([created()] + [asked(at + 1, app=app, method="ChangePin" if at == 0 else "Assert") for at, (app, words) in enumerate(rows)]))
    code, out, err = run("history", "--from", folder)
    told = [line.removeprefix("    Who asked: ") for line in out.splitlines() if line.startswith("    Who asked: ")]
    check(code == 0 and told == [words for app, words in rows], "whoever asks is told in words", told)
    out = run("history", "show", "--from", folder, "2")[1]
    check("a new PIN, by the present one" in out and "ChangePin" not in out, "and what was asked for is", out)


def listing(folder):
    hostile_text = "\u202egnp.exe\u2066 \u001b[31mred"
    bodies = [created(), asked(1, purpose=hostile_text), ended(1), asked(2, app="unit:other.service", audience="https://other.example"),
              ended(2, outcome="RefusedByPerson", assertion=None, released=None, declined=None), asked(3),
              {"event": "interrupted", "at": 1795000900, "request": request(3)}, asked(4)]
    write(folder, rows_of(bodies))
    code, out, err = run("history", "--from", folder)
    check(code == 0 and not err and out.index(request(1)) < out.index(request(4)) and "1405/" in out and "\u202e" not in out and "\x1b" not in out,
          "a list shows requests with the newest last, and nothing that a terminal obeys", out + err)
    check("An assertion was given." in out and "ended in the middle" in out and "No end is recorded" in out and "gnp.exe" in out,
          "what became of each is said, of those without an end as well", out)
    told = json.loads(run("history", "list", "--json", "--from", folder)[1])
    check(told["whole"] and [entry["row"] for entry in told["entries"]] == [2, 4, 6, 8] and told["entries"][0]["end"]["outcome"] == "Ok"
          and "end" not in told["entries"][3] and told["entries"][0]["time"].startswith("2026-11-18T"), "for programs as JSON", told)

    def rows_with(*words):
        return [entry["row"] for entry in json.loads(run("history", "list", "--json", "--from", folder, *words)[1])["entries"]]
    check(rows_with("--limit", "1") == [8] and rows_with("--limit", "2") == [6, 8] and rows_with("--limit", "0") == [2, 4, 6, 8]
          and rows_with("--app", "other") == [4] and rows_with("--audience", "bank") == [2, 6, 8] and rows_with("--since", "1795000003") == [6, 8]
          and rows_with("--app", "unit:", "--audience", "bank") == [], "a list takes limits and filters",
          [rows_with("--limit", "1"), rows_with("--limit", "2"), rows_with("--since", "1795000003")])
    code, out, err = run("history", "show", "--from", folder, request(1))
    check(code == 0 and "/usr/bin/bank" in out and "An" not in err and hashlib.sha256(b"jws1").hexdigest() in out, "show tells all of one request", out + err)
    told = json.loads(run("history", "show", "--json", "--from", folder, "5")[1])
    check([row["row"] for row in told["rows"]] == [4, 5] and told["rows"][1]["body"]["outcome"] == "RefusedByPerson", "also by the number of a row", told)
    for words in (("show",), ("show", "x"), ("show", "99"), ("show", "0"), ("show", "f" * 32), ("list", "x"), ("list", "--limit", "x"), ("list", "--since", "x"),
                  ("nonsense",), ("export",), ("verify", "x"), ("verify", "--export", "/nonexistent", "--from", "/tmp")):
        if run("history", *words, *(("--from", folder) if "--from" not in words and words != ("nonsense",) else ()))[0] != 2:
            check(False, "wrong usage is 2", words)
    code, out, err = run("history", "--from", folder, LANGUAGE="fa")
    fa = any("\u0600" <= letter <= "\u06ff" for letter in out)
    check(code == 0 and fa and "\u2068" in out and "\u202e" not in out, "in Persian, with texts from outside isolated", out + err)
    os.makedirs(folder + "-state/mohr", exist_ok=True)
    for name in ("history.db", "history.head"):
        shutil.copy(os.path.join(folder, name), folder + "-state/mohr")
    check(run("history", XDG_STATE_HOME=folder + "-state")[1].count("\n") > 10, "without --from it is the user's own")


# ---- exports ----

def clocks(folder):
    """A clock that goes on after 2038, goes back, and goes wild."""
    late = [created(), asked(1, at=2147483652), ended(1, at=2147483600), asked(2, at=4102444800), asked(3, at=2 ** 62), asked(4, at=1795000020)]
    write(folder, rows_of(late))
    told = json.loads(run("history", "list", "--json", "--from", folder)[1])
    check(told["whole"] and [entry["time"] for entry in told["entries"]] == ["2038-01-19T03:14:12Z", "2100-01-01T00:00:00Z", "?", "2026-11-18T11:07:00Z"],
          "times after 2038, and none that a calendar has, are no tampering", told)
    code, out, err = run("history", "--from", folder)
    check(code == 0 and not err and "1416/10/30 06:44" in out and "1478/10/12 03:30" in out and out.count("\n    Who asked") == 4, "and are told to people", out)
    since = json.loads(run("history", "--json", "--from", folder, "--since", "2100-01-01T00:00:00Z")[1])["entries"]
    check([entry["row"] for entry in since] == [4, 5], "and can be asked for", since)


def exports(folder):
    rows = rows_of(ordinary() + [{"event": "pruned", "at": 1795009999, "through": 3}])
    rows[1][1] = None
    write(folder, rows)
    out = os.path.join(folder, "export")
    code, said, err = run("history", "export", "--from", folder, out)
    check(code == 0 and os.stat(out).st_mode & 0o777 == 0o600, "an export is written for its owner alone", said + err)
    check(run("history", "export", "--from", folder, out)[0] == 2, "and over no file that is there")
    with open(out, "rb") as file:
        data = file.read()
    lines = [json.loads(line) for line in data.splitlines()]
    check([line["body"] for line in lines[:-1]] == [row[1] for row in rows] and lines[-1] == {
        "mohr_history": 1, "head": {"id": ID, "seq": 14, "link": rows[-1][3].hex()}}, "it has every row and the head", lines[-1])

    def judged(text, *words):
        with open(out, "wb") as file:
            file.write(text)
        return run("history", "verify", "--export", out, "--json", *words)
    code, said, err = judged(data)
    check(code == 0 and json.loads(said)["whole"] and "not signed" in err, "it is whole, and it is said that nobody vouches for it", said + err)
    check(judged(data, "--anchor", f"9:{rows[8][3].hex()}")[0] == 0 and judged(data, "--anchor", f"9:{rows[7][3].hex()}")[0] == 21,
          "anchors hold for an export as well")
    code, said, err = judged(data, "--anchor", f"99:{'ab' * 32}")
    check(code == 0 and "after this export" in err, "those of rows that came later say nothing of it, which is said", said + err)
    step = max(1, FEWER * len(data) // 70)
    bad = [at for at in range(0, len(data), step) for bit in (1,) if judged(data[:at] + bytes([data[at] ^ bit]) + data[at + 1:])[0] != 21]
    check(not bad, "a changed byte is found, wherever it is", bad)
    parts = data.splitlines(keepends=True)
    for what, text in (("a line removed", b"".join(parts[:3] + parts[4:])), ("lines in another order", b"".join(parts[:3] + [parts[4], parts[3]] + parts[5:])),
                       ("no head", b"".join(parts[:-1])), ("a line behind", data + parts[0]), ("half a line", data[:-1]), ("nothing", b""),
                       ("a line twice", b"".join(parts[:3] + parts[2:])), ("rows cut off", b"".join(parts[:9] + parts[-1:])), ("garbage", os.urandom(3000))):
        code, said, err = judged(text)
        check(code == 21, f"an export with {what} is refused", said + err)


# ---- a daemon that says anything ----

def permissions(folder):
    os.makedirs(folder)
    path, answers = os.path.join(folder, "s"), []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(4)

    def serve():
        for answer in answers:
            peer, _ = listener.accept()
            with peer:
                while b"\0" not in peer.recv(65536):
                    pass
                peer.sendall(json.dumps(answer).encode() + b"\0")
    odd = {"grant": 5, "at": "x", "app": "\u202eevil\u001b[31m", "audience": ["x", 7], "purpose": {"deep": True}, "released": [1, "reader"], "why": 3}
    cases = [("odd values", {"parameters": {"grants": [odd, 7, None]}}, ("grants",), 0), ("no list", {"parameters": {"grants": {}}}, ("grants",), 70),
             ("nothing", {}, ("grants",), 70), ("a refusal", {"error": "mohr.Identity.RefusedByPolicy"}, ("grants", "--json"), 16),
             ("no such permission", {"error": "org.varlink.service.InvalidParameter", "parameters": {"parameter": "grant"}}, ("grants", "revoke", "x"), 2),
             ("an old daemon", {"error": "org.varlink.service.MethodNotFound"}, ("grants",), 70), ("taken back", {"parameters": {}}, ("grants", "revoke", "ab" * 16), 0)]
    answers += [answer for _, answer, _, _ in cases]
    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    for what, _, words, wanted in cases:
        code, out, err = run(*words, MOHR_SOCKET=path)
        check(code == wanted and "\u202e" not in out and "\x1b" not in out, f"mohr grants, and a daemon that answers with {what}", (code, out, err))
    thread.join(10)
    listener.close()


def main():
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        for number, part in enumerate((whole, by_hand, anchors, tampering, heads, order, pruning, hostile, flipped, being_written, askers, listing, clocks, exports, permissions)):
            part(os.path.join(folder, str(number)))
    return status


sys.exit(main())
