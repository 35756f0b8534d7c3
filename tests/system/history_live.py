#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""history_live.py BUILD: what a real mohrd and its worker wrote, read by the reader that was written apart from them.

Every way a request can end, as `mohr history` tells it; anchors from the daemon's own log; a daemon killed under an
open prompt; a history rewritten behind its back; an export that the holder's chip vouches for; permissions.
"""
import hashlib
import json
import os
import signal
import sqlite3

import lib
from lib import PIN, Daemon, main, wait_for

READER = "Simulated reader (SIMULATED CARD)"


def soft(rig, **sections):
    state = os.path.join(rig.dir, f"soft-{len(rig.processes)}")
    return Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": state}, **sections)


def history(rig, daemon, *words, text=None):
    return rig.mohr(None, "history", *words, "--from", daemon.state, text=text)


def verdict(rig, daemon, *words, text=None):
    code, out, err = history(rig, daemon, "verify", "--json", *words, text=text)
    try:
        told = json.loads(out)
    except ValueError:
        told = {"said": out + err}
    return code, [(row["fault"], row["row"]) for row in told.get("findings", [])], told


def entries(rig, daemon):
    return json.loads(history(rig, daemon, "list", "--json", "--limit", "0")[1])["entries"]


def every_end(rig, daemon):
    daemon.script()
    given = daemon.request(READER, purpose="opening an account")
    daemon.script(getpin=("11111111",))
    wrong = daemon.request(READER)
    daemon.script(confirm=("cancel",))
    refused = daemon.request(READER)
    rig.check((given[0], wrong[0], refused[0]) == (0, 13, 15), "requests end in three ways", (given, wrong, refused))
    found = entries(rig, daemon)
    outcomes = [entry.get("end", {}).get("outcome") for entry in found]
    digest = hashlib.sha256(given[1].encode()).hexdigest()
    rig.check(outcomes == ["Ok", "WrongPin", "RefusedByPerson"] and found[0]["end"]["assertion"] == digest
              and found[0]["asked"]["purpose"] == "opening an account" and "assertion" not in found[1]["end"],
              "each is in the list with its end, and the digest of what was given", found)
    code, bad, told = verdict(rig, daemon)
    rig.check(code == 0 and told["requests"] == 3 and told["unanswered"] == 0, "the worker's history is whole for a reader who does not know it", told)
    code, bad, told = verdict(rig, daemon, "--anchors", "-", text=daemon.process.said())
    rig.check(code == 0 and told["anchors_that_hold"] > 1 and told["anchored"] == told["rows"], "and is the one that the daemon's log tells of", told)
    code, out, err = history(rig, daemon)
    rig.check(code == 0 and "An assertion was given." in out and daemon.state not in out and PIN not in out, "people can read it", out + err)


def open_prompt(daemon):
    daemon.script(confirm=("hang",))
    daemon.prompts()  # those of before
    connection = lib.Connection(daemon.socket)
    connection.send("mohr.Identity.Assert", {"audience": lib.AUDIENCE, "nonce": lib.NONCE, "reader": READER, "ui": {"display": ":mohr-test"}})
    if not wait_for(lambda: any("CONFIRM" in line for line in daemon.prompts())):
        raise RuntimeError("no prompt")
    return connection


def hung_up(rig, daemon):
    open_prompt(daemon).close()
    end = wait_for(lambda: entries(rig, daemon)[-1].get("end"), step=0.1)
    rig.check(end and end["outcome"] == "Cancelled", "who hangs up under the prompt leaves an end", end)
    rig.check(verdict(rig, daemon)[0] == 0, "which is no tampering", verdict(rig, daemon))
    rig.check("Who asked went away" in history(rig, daemon)[1], "and people are told")


def killed(rig, daemon):
    before = len(entries(rig, daemon))
    connection = open_prompt(daemon)
    found = entries(rig, daemon)
    rig.check(len(found) == before + 1 and "end" not in found[-1], "under an open prompt the intent is on disk", found[-1:])
    code, out, _ = history(rig, daemon)
    rig.check(code == 0 and "No end is recorded" in out, "and has no end")
    daemon.process.stop(signal.SIGKILL)
    connection.close()
    rig.check(verdict(rig, daemon)[0] == 0, "a daemon that was killed leaves it whole", verdict(rig, daemon))
    daemon.start()
    daemon.script()
    code, _ = daemon.request(READER)
    found = entries(rig, daemon)
    rig.check(code == 0 and found[-2].get("end", {}).get("event") == "interrupted", "the next start says that it was interrupted", found[-2:])
    rig.check("ended in the middle" in history(rig, daemon)[1], "which people are told")
    rig.check(verdict(rig, daemon)[0] == 0, "and it is whole", verdict(rig, daemon))


def export(rig, daemon):
    path = os.path.join(rig.dir, "export.jsonl")
    daemon.script()
    code, out, err = rig.mohr(daemon, "history", "export", "--sign", "--reader", READER, "--from", daemon.state, path)
    rig.check(code == 0 and os.path.exists(path), "the holder's card vouches for an export", out + err)

    def judged(data, *words, root=rig.root):
        with open(path, "wb") as file:
            file.write(data)
        return rig.mohr(None, "history", "verify", "--export", path, "--json", *(["--trust", root] if root else []), *words)
    with open(path, "rb") as file:
        data = file.read()
    code, out, err = judged(data)
    told = json.loads(out)
    rig.check(code == 0 and told["whole"] and told["signature"]["given_name"] and "SIMULATED" in err, "rows, head and signature hold", out + err)
    code, out, err = rig.mohr(None, "history", "verify", "--export", path, "--trust", rig.root)
    rig.check(code == 0 and "A chip vouches for this export" in out and "The history is whole." in out, "which is said to people", out + err)
    rig.check(judged(data, root=None)[0] == 2, "without a root nobody can say whose chip it is")
    rig.check(judged(data, "--anchors", "-")[0] == 2, "an empty list of anchors is no check")
    parts = data.splitlines(keepends=True)
    other = json.loads(parts[-1])["assertion"]
    at = len(data) - len(parts[-1])
    places = [*range(20, at, max(1, at // 20)), *range(at, len(data), max(1, (len(data) - at) // 30))]
    bad = [place for place in rig.few(places, 4) if judged(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])[0] != 21]
    rig.check(not bad, "a changed byte is found in rows, head and signature", bad)
    code, given = daemon.request(READER)
    forged = b"".join(parts[:-1]) + json.dumps({"assertion": given}, separators=(",", ":")).encode() + b"\n"
    rig.check(judged(forged)[0] == 21, "an assertion for somebody else vouches for no export")
    code, out, err = rig.mohr(None, "history", "verify", "--export", path, "--trust", rig.root)
    rig.check(code == 21 and "whole" not in out and "does not hold" in err, "which is said, and nothing else", out + err)
    shorter = parts[:-4] + parts[-2:]
    rig.check(judged(b"".join(shorter))[0] == 21, "nor does the right one for other rows")
    rig.check(judged(data + parts[-1])[0] == 21 and judged(b"".join(parts[:-1]))[0] == 0 and other.count(".") == 2, "it is there once or not at all")
    found = entries(rig, daemon)
    rig.check(any(entry["asked"]["audience"] == "urn:mohr:history-export" for entry in found), "that it was asked for is recorded as well")


def chain(db):
    """(the last row's number, its link)"""
    return db.execute("SELECT seq, link FROM entry ORDER BY seq DESC LIMIT 1").fetchone()


def append(db, body):
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    seq, before = chain(db)
    digest = hashlib.sha256(text.encode()).digest()
    link = hashlib.sha256(b"mohr-history-1\0" + before + (seq + 1).to_bytes(8, "big") + digest).digest()
    db.execute("INSERT INTO entry VALUES (?, ?, ?, ?)", (seq + 1, text, digest, link))


def grants(rig, daemon):
    code, out, err = rig.mohr(daemon, "grants", "--json")
    rig.check(code == 0 and json.loads(out) == {"grants": []}, "nobody may ask without the page of consent at first", out + err)
    rig.check("Nobody may ask" in rig.mohr(daemon, "grants")[1], "which is said to people")
    rig.check(rig.mohr(daemon, "grants", "revoke", "f" * 32)[0] == 2 and rig.mohr(daemon, "grants", "revoke", "x")[0] == 2
              and rig.mohr(daemon, "grants", "nonsense")[0] == 2, "what is not there cannot be taken back")
    for _ in range(5):  # who hangs up is told nothing, and nobody else hears of it
        connection = lib.Connection(daemon.socket)
        connection.send("mohr.Identity.ListGrants")
        connection.close()
    error, reply = lib.call(daemon.socket, "mohr.Identity.RevokeGrant", {"grant": "F" * 32})
    rig.check(error == "org.varlink.service.InvalidParameter" and reply == {"parameter": "grant"} and rig.mohr(daemon, "grants")[0] == 0,
              "clients that hang up or say nonsense are in nobody's way", reply)
    daemon.stop()
    db = sqlite3.connect(os.path.join(daemon.state, "history.db"))
    number, now = "ab" * 16, 1795000000
    append(db, {"event": "asked", "at": now, "request": number, "method": "Assert", "app": "flatpak:org.example.Bank", "uid": 0, "pid": 7,
                "audience": "https://bank.example", "purpose": "\u202eopening"})
    append(db, {"event": "ended", "at": now, "request": number, "outcome": "Ok", "assertion": "cd" * 32})
    append(db, {"event": "granted", "at": now, "grant": number, "app": "flatpak:org.example.Bank", "audience": "https://bank.example",
                "purpose": "\u202eopening", "released": ["reader"]})
    db.commit()
    db.close()
    daemon.start()
    code, out, err = rig.mohr(daemon, "grants", "list")
    rig.check(code == 0 and number in out and "the app org.example.Bank (Flatpak)" in out and "\u202e" not in out and "1405/" in out, "a permission is listed", out + err)
    code, out, err = rig.mohr(daemon, "grants", "revoke", number)
    rig.check(code == 0 and json.loads(rig.mohr(daemon, "grants", "--json")[1])["grants"] == [], "and taken back", out + err)
    rig.check(rig.mohr(daemon, "grants", "revoke", number)[0] == 2, "once")
    code, bad, told = verdict(rig, daemon)
    rig.check(code == 0 and entries(rig, daemon)[-1].get("revoked", {}).get("grant") == number, "which is a row", told)


def write_anew(daemon, bodies):
    """All rows, and the head, as if these had been written."""
    db = sqlite3.connect(os.path.join(daemon.state, "history.db"))
    db.execute("DELETE FROM entry")
    db.execute("INSERT INTO entry VALUES (0, '{}', x'', zeroblob(32))")
    for body in bodies:
        append(db, body)
    db.execute("DELETE FROM entry WHERE seq = 0")
    db.commit()
    seq, link = chain(db)
    with open(os.path.join(daemon.state, "history.head"), "w", encoding="ascii") as head:
        head.write(f"mohr-history-1 {bodies[0]['id']} {seq} {link.hex()}\n")
    db.close()


def bodies_of(daemon):
    db = sqlite3.connect(os.path.join(daemon.state, "history.db"))
    bodies = [json.loads(text) for text, in db.execute("SELECT body FROM entry ORDER BY seq")]
    db.close()
    return bodies


def old_ones(rig):
    """What the worker takes out when it is old is what the reader lets go."""
    daemon = soft(rig, history={"keep_days": 1}, log={"level": "error"})
    daemon.request(READER)
    rig.check("history head" in daemon.process.said(), "the log tells of the head however little else is asked of it", daemon.process.said())
    daemon.stop()
    write_anew(daemon, [{**body, "at": body["at"] - 5 * 86400} for body in bodies_of(daemon)])
    daemon.start()
    daemon.request(READER)
    told = wait_for(lambda: verdict(rig, daemon)[2].get("pruned") and verdict(rig, daemon), step=0.2)
    rig.check(told and told[0] == 0 and told[2]["pruned"] == 2 and told[2]["rows"] == 6, "what was taken out for its age is no tampering", told)
    rig.check("taken out" in history(rig, daemon)[1], "and is told in the list")
    daemon.stop()
    db = sqlite3.connect(os.path.join(daemon.state, "history.db"))
    db.execute("UPDATE entry SET body = NULL WHERE seq = 4")
    db.commit()
    db.close()
    rig.check(("body-missing", 4) in verdict(rig, daemon)[1], "what was not old enough is", verdict(rig, daemon))


def rewritten(rig, daemon):
    """A program of the same user does all it can."""
    log = daemon.process.said()
    daemon.stop()
    bodies = bodies_of(daemon)
    db = sqlite3.connect(os.path.join(daemon.state, "history.db"))
    db.execute("UPDATE entry SET body = replace(body, 'office', 'bureau') WHERE seq = 2")
    db.commit()
    db.close()
    rig.check(("changed", 2) in verdict(rig, daemon)[1], "a row changed behind the daemon's back is named", verdict(rig, daemon))
    write_anew(daemon, bodies[:1] + bodies[3:])
    rig.check(verdict(rig, daemon)[0] == 0, "one who rewrites all of it, head included, is not found by these files alone")
    code, bad, told = verdict(rig, daemon, "--anchors", "-", text=log)
    rig.check(code == 21 and {fault for fault, _ in bad} & {"rewritten", "cut-off"}, "but by the daemon's log", told)


def by_rule(rig):
    """What the settings refuse, and a signed request that is none, leave a row each and ask nobody."""
    daemon = soft(rig, **{"rule no": {"who": "any", "audience": "https://x.example", "consent": "refuse"}})
    asked = [daemon.request(READER, audience="https://x.example") for _ in range(3)]
    wait_for(lambda: entries(rig, daemon), step=0.1)  # mohrd does not wait for long, at its end, for a worker that is just starting
    signed = lib.call(daemon.socket, "mohr.Identity.Assert", {"reader": READER, "signed_request": "e30.e30.AA"})
    rig.check([code for code, _ in asked] == [16] * 3 and (signed[0] or "").endswith("RefusedByPolicy") and not daemon.prompts(), "a rule refuses, and nobody is asked", (asked, signed))
    daemon.stop()  # which writes what is waiting
    rows = entries(rig, daemon)
    told = [(row.get("refused", {}).get("why"), row.get("refused", {}).get("audience"), row["time"][:len("2026-11-18T11:07")]) for row in rows]
    rig.check(len(set(told)) == len(told) and list(dict.fromkeys(row[:2] for row in told)) == [("rule", "https://x.example"), ("bad_request", None)],
              "of which the history has one row each within a minute", rows)
    out = history(rig, daemon)[1]
    rig.check("settings of this computer forbid it" in out and "no good" in out and verdict(rig, daemon)[0] == 0, "in words", out)


def refused(rig):
    """What the history refuses by itself is said in words, with what to do about it."""
    daemon = soft(rig, limits={"wrong_pins": "1", "pause_s": "60"})
    daemon.script(getpin=("11111111",))
    wrong = rig.assert_(daemon)
    code, _, err = rig.assert_(daemon)
    rig.check((wrong[0], code) == (13, 16) and "this app must wait" in err and "again in" in err, "an app that is paused is told so, and until when", err)
    daemon.stop()
    for name in os.listdir(daemon.state):
        if name.startswith("history.db"):
            os.unlink(os.path.join(daemon.state, name))
    with open(os.path.join(daemon.state, "history.db"), "w", encoding="ascii") as file:
        file.write("a shopping list, and no database at all\n")
    daemon.start()
    for words in (("grants",), ("assert", "--audience", lib.AUDIENCE, "--nonce", lib.NONCE)):
        code, _, err = rig.mohr(daemon, *words)
        rig.check(code == 27 and "is no database" in err, f"{words[0]} says what is wrong with the history", (code, err))


def body(rig):
    daemon = soft(rig)
    for part in (every_end, hung_up, killed, export, grants, rewritten):
        part(rig, daemon)
    old_ones(rig)
    by_rule(rig)
    refused(rig)


main(body)
