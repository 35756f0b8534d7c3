#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""recipes.py BUILD: the clients of docs/clients.md, taken from that page and run as they stand there.

Each asks a real mohrd with a card in software; what it prints is an assertion that holds, and a no of the holder is told by name.
A language that is not on this machine is skipped.
"""
import os
import re
import shutil
import subprocess
import sys

from lib import AUDIENCE, NONCE, PIN, TREE, Daemon, main

READER = "Simulated reader (SIMULATED CARD)"
PAGE = os.path.join(TREE, "docs/clients.md")
# how each is run, and what that needs; {} is the file
RUN = {
    ".py": ([sys.executable, "{}"], []),
    ".mjs": (["node", "{}"], ["node"]),
    ".go": (["go", "run", "{}"], ["go"]),
    ".java": (["java", "-XX:TieredStopAtLevel=1", "{}"], ["javac", "java"]),
    ".sh": (["sh", "{}"], ["jq", "socat"]),
}


def recipes():
    """{file name: text} of the page: a comment names the block that follows."""
    with open(PAGE, encoding="utf-8") as page:
        text = page.read()
    found = dict(re.findall(r"^<!-- recipe: (\S+) -->\n```\w+\n(.*?)^```$", text, re.M | re.S))
    return found, text.count("\n```") // 2


def run(rig, daemon, path, *words):
    command, needs = RUN[os.path.splitext(path)[1]]
    needs = [*needs, *(["varlinkctl"] if "varlinkctl" in path else [])]
    if missing := [name for name in needs if not shutil.which(name)]:
        rig.skip(os.path.basename(path), f"no {missing[0]} on this machine")
        return None
    env = {**rig.env, "MOHR_SOCKET": daemon.socket, "DISPLAY": ":mohr-test",
           "PATH": rig.build + ":" + rig.env["PATH"], "GOCACHE": os.path.expanduser("~/.cache/go-build")}
    done = subprocess.run([word.format(path) for word in command] + list(words), env=env, cwd=rig.dir, capture_output=True,
                          text=True, timeout=100, check=False, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def asks(rig, daemon, path):
    name = os.path.basename(path)
    daemon.script()
    if not (told := run(rig, daemon, path, AUDIENCE, NONCE)):
        return
    code, out, err = told
    verdict = rig.verify(out.strip())[0] if code == 0 else None
    rig.check(verdict == 0, f"{name} prints an assertion that holds", (code, out[:80], err, verdict))
    if not name.endswith(".sh"):
        rig.check(re.findall(r"^\.\.\. (\w+)$", err, re.M)[-1:] == ["sign"], f"{name} tells the phases", err)
    if name.endswith((".java", ".go")):
        return  # they are long in starting
    daemon.script(getpin=["cancel"])
    code, out, err = run(rig, daemon, path, AUDIENCE, NONCE)
    rig.check(code != 0 and not out and re.search("RefusedByPerson|said no", err), f"{name} says that the holder said no",
              (code, out[:80], err))


def signs(rig, daemon, path):
    name, document = os.path.basename(path), os.path.join(rig.dir, "contract.txt")
    with open(document, "w", encoding="utf-8") as file:
        file.write("Two copies, one for each.\n" * 1000)
    daemon.script()
    told = run(rig, daemon, path, document, "cms", f"{document}-{name}.p7s")
    if not told:
        return
    rig.check(told[0] == 0 and re.search(r"\b[0-9a-f]{64}\b", told[1] + told[2]), f"{name} tells what was signed", told)
    done = subprocess.run(["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", f"{document}-{name}.p7s", "-content", document,
                           "-CAfile", rig.root, "-purpose", "any", "-out", os.devnull], capture_output=True, text=True, check=False)
    rig.check(done.returncode == 0, f"{name} has a signature that openssl verifies", done.stderr)
    told = run(rig, daemon, path, document, "pdf", document + ".pdf")
    rig.check(told[0] != 0 and "DocumentUnusable" in told[2] and not os.path.exists(document + ".pdf"),
              f"{name} says what cannot be signed so", told)


def body(rig):
    found, blocks = recipes()
    rig.check(len(found) == blocks and len(found) > 5, "every block of the page is a recipe with a name", (list(found), blocks))
    daemon = Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": os.path.join(rig.dir, "soft")})
    daemon.wait_state(READER, "card")
    for name, text in found.items():
        path = os.path.join(rig.dir, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        if name.lower().startswith("assert"):
            asks(rig, daemon, path)
        elif name.startswith("sign."):
            signs(rig, daemon, path)
        elif name == "status.sh" and (told := run(rig, daemon, path)):
            rig.check(told[0] == 0 and re.search(r": card$", told[1], re.M), "status.sh prints the readers", told)
    daemon.stop()


main(body)
