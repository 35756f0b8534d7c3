#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The completion of bash against the program: every command of its table, every option of every table that getopt reads,
and no option that is in none; words an option takes; names of readers, with all that a name may hold."""
import json
import os
import re
import subprocess
import sys
import tempfile

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BUILD", "build"))
TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLI = os.path.join(TREE, "client-sdk/cli")
READERS = ["Simulated reader (SIMULATED CARD)", "ACS ACR38U 00 00", "it's $HOME; `id` & more", "ba\\ck"]
FAILED = []


def check(ok, what, detail=None):
    print(f"{'ok' if ok else 'not ok'} - {what}", flush=True)
    if not ok:
        FAILED.append(what)
        print(f"    {detail}", flush=True)


def of_tables():
    found = set()
    for name in os.listdir(CLI):
        with open(os.path.join(CLI, name), encoding="utf-8") as file:
            found |= set(re.findall(r'\{ *"([a-z-]+)", *(?:no|required|optional)_argument', file.read()))
    return {"--" + name for name in found}


def commands():
    with open(os.path.join(CLI, "main.c"), encoding="utf-8") as file:
        return re.findall(r'\{ "([a-z-]+)", command_', file.read())


class Bash:
    """One shell that has read the completion; `mohr` says what the program said when it was asked once, and names readers
    that are made up."""

    def __init__(self, folder):
        self.folder = folder
        os.mkdir(os.path.join(folder, "empty"))
        for name in ("", *commands()):
            with open(os.path.join(folder, "help-" + name), "w", encoding="utf-8") as file:
                subprocess.run([f"{BUILD}/mohr", "help", *filter(None, [name])], stdout=file, check=True,
                               env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"})
        with open(os.path.join(folder, "status"), "w", encoding="utf-8") as file:
            json.dump({"readers": [{"name": name, "state": "card"} for name in READERS]}, file)

    def ask(self, lines):
        """Each line is a list of words, the last of them half typed: what may stand there."""
        quoted = "\n".join("try " + " ".join("'" + word.replace("'", "'\\''") + "'" for word in line) for line in lines)
        script = f"""mohr() {{ local said='{self.folder}'/$1; [ "$1" = status ] || said+=-${{2-}}; [ ! -e "$said" ] || printf '%s\\n' "$(<"$said")"; }}
mohr-relay() {{ '{BUILD}/mohr-relay' "$@"; }}
source '{TREE}/client-sdk/completion/mohr.bash'
try() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _mohr; printf '%s\\n' "${{COMPREPLY[@]}}" --end--; }}
{quoted}
"""
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, cwd=os.path.join(self.folder, "empty"))
        check(not done.stderr, "bash has nothing to say", done.stderr)
        return [[word for word in part.split("\n") if word] for part in done.stdout.split("--end--\n")[:-1]]


def body(bash):
    names = commands()
    first, *subs = bash.ask([["mohr", ""], *(["mohr", name, ""] for name in names)])
    check(sorted(first) == sorted(names), "every command", (first, names))
    lines = [["mohr", name, "--"] for name in names if name != "help"]
    lines += [["mohr", name, sub, "--"] for name, found in zip(names, subs) if name != "help" for sub in found if sub[:1].isalpha()]
    known = set().union(*bash.ask(lines))
    check(known == of_tables(), f"the {len(known)} options of the tables, and no other", known ^ of_tables())
    cases = [
        (["mohr", "trust", "ad"], ["add"]),
        (["mohr", "trust", "add", "--st"], ["--staff"]),
        (["mohr", "history", "verify", "--anc"], ["--anchor", "--anchors"]),
        (["mohr", "grants", "r"], ["revoke"]),
        (["mohr", "verify", "--expired-cert", "re"], ["refuse", "report"]),
        (["mohr", "receipt", "--size", ""], ["a4", "80mm"]),
        (["mohr", "assert", "--nonce", ""], []),
        (["mohr", "help", "as"], ["assert"]),
        (["mohr", "phone", "add"], ["add-address"]),
        (["mohr", "phone", "forget", "--"], ["--json", "--yes"]),
        (["mohr-relay", "s"], ["serve"]),
        (["mohr-relay", "serve", "--pin", ""], ["phone", "computer"]),
        (["mohr-relay", "forget", "--"], ["--json", "--yes"]),
        (["mohr", "verify", "/etc/host"], [name for name in ("/etc/host.conf", "/etc/hostname", "/etc/hosts")
                                           if os.path.exists(name)]),
        (["mohr", "nonsense", "--"], []),
    ]
    for (line, expected), found in zip(cases, bash.ask([line for line, _ in cases])):
        check(set(expected) <= set(found) if "/" in line[-1] else sorted(found) == sorted(expected), " ".join(line), (found, expected))
    found, = bash.ask([["mohr", "assert", "--reader", ""]])
    plain = subprocess.run(["bash", "-c", "printf '%s\\n' " + " ".join(found)], capture_output=True, text=True, check=False)
    check(plain.stdout.splitlines() == READERS[:3], "names of readers are one word each, and run nothing", (found, plain))
    found, = bash.ask([["mohr", "pin", "status", "--reader", "ACS\\ A"]])
    check(len(found) == 1 and found[0].startswith("ACS"), "one that was begun is ended", found)


with tempfile.TemporaryDirectory(prefix="mohr-completion-") as folder:
    body(Bash(folder))
sys.exit(1 if FAILED else 0)
