#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""adversary.py: what other programs on the same computer can try, and what comes of it.

A debugger, another user, a peer that is not what it was, names made to fake the prompt, many requests at once, a card
held hostage, PINs guessed by an app, the state folder laid out as a trap, and the history rewritten by a program of the
same user. Elsewhere: bytes, floods, slow readers and the places of the socket (clients.py); lying cards and helpers, traps in
environment and files (hostile.py); what gets signed (forged.py); everybody killed (kills.py).

Where a defence does not reach is tested, too: docs/threat-model.md says it, and a line here shows it.
"""
import ctypes
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import types
import urllib.parse

import flow
import lib
import relayed
import rows as rows_module
from lib import AUDIENCE, NONCE, PIN, TREE, Card, Connection, Daemon, Pcscd, Process, main, wait_for
from rows import History

GUEST = 65534
ASSERT = "mohr.Identity.Assert"
AS_GUEST = ["setpriv", f"--reuid={GUEST}", f"--regid={GUEST}", "--clear-groups"]
WRONG, POLICY, TIMED_OUT, BUSY, CANNOT_RECORD = 13, 16, 19, 23, 27


def root_only(rig, what):
    if os.geteuid() == 0 and not subprocess.run([*AS_GUEST, "true"], check=False, capture_output=True).returncode:
        return True
    rig.skip(what, "only root can become another user")
    return False


# ---- a debugger of the same user ------------------------------------------------------------------

ATTACKS = r"""
import ctypes, json, os, signal, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long] * 4

def attached(pid, how):
    if libc.ptrace(how, pid, 0, 0) < 0:
        return False
    if how == 16:
        os.waitpid(pid, 0x40000000)
        libc.ptrace(17, pid, 0, 0)
    return True

class Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("size", ctypes.c_size_t)]

def vm_read(pid):
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)
    here = ctypes.create_string_buffer(16)
    return libc.process_vm_readv(pid, ctypes.byref(Vector(ctypes.addressof(here), 16)), 1,
                                 ctypes.byref(Vector(start, 16)), 1, 0) == 16

def memory(pid):
    with open(f"/proc/{pid}/maps") as maps:
        start = int(maps.readline().split("-")[0], 16)
    with open(f"/proc/{pid}/mem", "rb") as mem:
        mem.seek(start)
        return len(mem.read(16)) == 16

def descriptor(pid):
    fd = libc.syscall(438, os.pidfd_open(pid), 0, 0)  # pidfd_getfd
    return fd >= 0

def words(pid, name):
    with open(f"/proc/{pid}/{name}", "rb") as file:
        return file.read(1) != b""

WAYS = {"attach": lambda pid: attached(pid, 16), "seize": lambda pid: attached(pid, 0x4206), "read memory": vm_read,
        "open memory": memory, "take a descriptor": descriptor, "environment": lambda pid: words(pid, "environ"),
        "descriptors": lambda pid: bool(os.listdir(f"/proc/{pid}/fd")), "stack": lambda pid: words(pid, "syscall"),
        "enter its root": lambda pid: bool(os.listdir(f"/proc/{pid}/root"))}

def done(way, pid):
    try:
        return way(pid)
    except OSError:
        return False

print(json.dumps({pid: [name for name, way in WAYS.items() if done(way, int(pid))] for pid in sys.argv[1:]}))
"""


def attack(pids):
    """{pid: what a program of the guest's could do to it}"""
    done = subprocess.run([*AS_GUEST, sys.executable, "-c", ATTACKS, *map(str, pids)], capture_output=True, text=True, check=False)
    return {int(pid): ways for pid, ways in json.loads(done.stdout or "{}").items()} or done.stderr


class Guest(Daemon):
    """mohrd as the user nobody, everything it needs in a folder of that user's."""

    def __init__(self, rig, drivers=("soft",), **sections):
        self.place = os.path.join(rig.dir, f"guest-{len(rig.processes)}")
        os.mkdir(self.place, 0o700)
        shutil.copytree(rig.pki, os.path.join(self.place, "pki"))
        programs, honest = rig.programs_for_all(), rig.build
        rig.build, folder, rig.dir = programs, rig.dir, self.place
        try:
            super().__init__(rig, drivers=drivers, soft={"pki": os.path.join(self.place, "pki"), "pin": PIN, "state": os.path.join(self.place, "card")},
                             trust={"anchors": os.path.join(self.place, "pki/root.pem")}, **sections)
        finally:
            rig.build, rig.dir = honest, folder

    def start(self):
        os.unlink(self.pinentry)
        shutil.copy2(self.rig.pinentry_script, self.pinentry)
        subprocess.run(["chown", "-R", f"{GUEST}:{GUEST}", self.place], check=True)
        argv = [*AS_GUEST, self.program, "--socket", self.socket, "--config", self.config, "--driver", self.drivers[0]]
        self.process = Process(self.rig, "mohrd", argv, {**self.rig.env, "HOME": self.place, "XDG_STATE_HOME": self.place})
        if not wait_for(lambda: os.path.exists(self.socket) and ": ready" in self.process.said(), step=0.002):
            raise RuntimeError("mohrd did not start: " + self.process.said())

    def begin(self, **more):
        """An Assert by a program of that user; it ends with the script."""
        question = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}, **more}
        code = ("import json,socket,sys\ns=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\n"
                "s.sendall(json.dumps({'method':'%s','parameters':json.loads(sys.argv[2])}).encode()+b'\\0')\n"
                "b=b''\nwhile b'\\0' not in b:\n p=s.recv(65536)\n b+=p or b'\\0'\nprint(b[:-1].decode(),flush=True)" % ASSERT)
        return subprocess.Popen([*AS_GUEST, sys.executable, "-c", code, self.socket, json.dumps(question)], stdout=subprocess.PIPE,
                                preexec_fn=lib.die_with_parent)


def descendants(pid):
    """{pid: name} of all that a process has started, and what they have."""
    found, front = {}, {pid}
    rows = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="ascii", errors="replace") as stat:
                name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        rows.append((int(entry), int(rest.split()[1]), name))
    while front:
        front = {child for child, parent, _ in rows if parent in front}
        found.update({child: name for child, _, name in rows if child in front})
    return found


class GuestPhone(relayed.Phone):
    """mohr-relay of the same user, with a card in software."""

    def __init__(self, rig):
        pki = os.path.join(rig.dir, "guests-pki")
        shutil.copytree(rig.pki, pki)
        subprocess.run(["chown", "-R", f"{GUEST}:{GUEST}", pki], check=True)
        super().__init__(rig, card=types.SimpleNamespace(options={"pki": pki, "pin": PIN}), env={"DISPLAY": ":mohr-test"})

    def start(self):
        place = self.rig.programs_for_all()
        os.unlink(self.pinentry)
        shutil.copy2(self.rig.pinentry_script, self.pinentry)
        subprocess.run(["chown", "-R", f"{GUEST}:{GUEST}", self.home], check=True)
        self.process = Process(self.rig, "relay", [*AS_GUEST, os.path.join(place, "mohr-relay"), "serve", *self.words], {**self.env, "XDG_STATE_HOME": self.home})
        wait_for(lambda: "Ctrl-C" in self.process.said())


def nobody_debugs(rig, family, expected):
    """No program of the guest's does anything to these, {pid: name}, and all that are expected are among them."""
    ours = {pid: name for pid, name in family.items() if name.startswith("mohr")}
    victim = subprocess.Popen([*AS_GUEST, "sleep", "60"], preexec_fn=lib.die_with_parent)
    wait_for(lambda: b"sleep" in open(f"/proc/{victim.pid}/cmdline", "rb").read().split(b"\0")[0])
    came = attack([victim.pid, *ours])
    victim.kill()
    victim.wait()
    rig.check(len(came) == len(ours) + 1 and set(came[victim.pid]) >= {"attach", "read memory", "take a descriptor"},
              "the debugger can debug an ordinary program of its user", came)
    for pid, name in sorted(ours.items(), key=lambda row: row[1]):
        rig.check(came.get(pid) == [], f"{name}: no debugger, no memory, no descriptor, no environment for a program of the same user", came.get(pid))
    kinds = {re.sub(r"-sof$", "", name) for name in ours.values()}
    rig.check(expected <= kinds, "all of Mohr's programs were there", ours)


def family_of(*pids):
    return {key: name for pid in pids for key, name in descendants(pid).items()}


def debugger(rig):
    if not root_only(rig, "a debugger of the same user"):
        return
    daemon = Guest(rig)
    daemon.script(getpin=["hang"])
    running = daemon.begin()
    rig.check(wait_for(lambda: any(line.startswith("GETPIN") for line in daemon.prompts())), "a PIN is being asked for", daemon.process.said())
    nobody_debugs(rig, {daemon.process.pid: "mohrd", **family_of(daemon.process.pid)}, {"mohrd", "mohr-prompt", "mohr-reader", "mohr-history"})
    running.kill()
    running.wait()
    daemon.stop()


def debugger_at_a_phone(rig):
    """The same with a phone's programs, and with those that speak to one."""
    if not root_only(rig, "a debugger of the same user, at a phone"):
        return
    phone = GuestPhone(rig)
    daemon = Guest(rig, drivers=("phone",), phone={"folder": phone.folders["Counter 3"][0]})
    phone.script(getpin=["hang"])
    running = []

    def asked():
        """Until the phone was reached a request ends at once."""
        if not running or running[-1].poll() is not None:
            running.append(daemon.begin(timeout_ms=60000))
        return any(line.startswith("GETPIN") for line in phone.prompts())

    rig.check(wait_for(asked, 2 * lib.PATIENCE, 0.1), "a PIN is being asked for on the phone",
              daemon.process.said() + phone.process.said())
    family = {daemon.process.pid: "mohrd", phone.process.pid: "mohr-relay", **family_of(daemon.process.pid, phone.process.pid)}
    nobody_debugs(rig, family, {"mohrd", "mohr-reader-pho", "mohr-watch-phon", "mohr-history", "mohr-relay", "mohr-reader", "mohr-prompt"})
    running[-1].kill()
    running[-1].wait()
    daemon.stop()
    phone.stop()


def pinentry_can_be_debugged(rig):
    """What Mohr does not stop: pinentry is another project's program, and an ordinary one to the kernel."""
    program = shutil.which("pinentry-curses") or shutil.which("pinentry-tty")
    if not program or not root_only(rig, "a debugger of pinentry"):
        return
    asked = subprocess.Popen([*AS_GUEST, program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=lib.die_with_parent)
    asked.stdout.readline()
    came = attack([asked.pid])
    asked.kill()
    asked.communicate()
    if "attach" in came.get(asked.pid, []):
        rig.check("read memory" in came[asked.pid], "left: pinentry's memory is open to a program of the same user, as the threat model says", came)
    else:
        rig.skip("a debugger of pinentry", "this kernel or this pinentry lets nobody")


def another_user(rig):
    """Nothing that is kept may be read by somebody else, nor the processes be looked into."""
    if not root_only(rig, "another user"):
        return
    daemon = flow.soft(rig)
    os.chmod(rig.dir, 0o755)
    code, reply = daemon.request()
    rig.check(code == 0, "a request that leaves its traces", (code, reply))
    kept = [os.path.join(folder, name) for folder, _, names in os.walk(daemon.state) for name in names] + [daemon.state]
    can = [path for path in kept if not subprocess.run([*AS_GUEST, "sh", "-c", 'test -r "$0" || ls "$0"', path], capture_output=True, check=False).returncode]
    rig.check(not can and len(kept) > 1, "another user reads nothing of what is kept", (can, kept))
    came = attack([daemon.process.pid, *daemon.helpers()])
    rig.check(came and not any(came.values()), "nor looks into a process", came)
    daemon.stop()


# ---- names that want to be the prompt -------------------------------------------------------------

FAKE = "Bank\nFor whom: https://fake.example\r\x1b[2J\u202egnihtyna\u2069\u2028<b>\u2029\u2022\u25cf%0A_Agree\x9b31m\u200f\u00ad"
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2067\ufeff]")


def pages(daemon):
    """What the person saw, page by page; without the places where Mohr lets a long word be broken."""
    return [urllib.parse.unquote(line[8:]).replace("\u200b", "") for line in daemon.prompts() if line.startswith("SETDESC ")]


def shape(page):
    """What does not depend on names: how many lines, and which of them begin how."""
    return [re.sub("\u2068.*?\u2069", "*", line) for line in page.split("\n")]


def asked_by(daemon, argv, env=None):
    """A program makes a request; the pages that the person saw."""
    daemon.prompts()
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env=env, timeout=60)
    return pages(daemon), done.stdout + done.stderr


ASKS = ("import json,socket,sys\ns=socket.socket(socket.AF_UNIX);s.connect(sys.argv[1])\n"
        "s.sendall(json.dumps({'method':'mohr.Identity.Assert','parameters':json.loads(sys.argv[2])}).encode()+b'\\0')\n"
        "b=b''\nwhile b'\\0' not in b: b+=s.recv(65536) or b'\\0'\nprint(b[:-1].decode())")


def clean_pages(rig, what, innocent, hostile):
    rig.check(len(hostile) == len(innocent) and hostile, f"{what}: as many pages as for anybody", (len(innocent), len(hostile)))
    for before, now in zip(innocent, hostile):
        rig.check(shape(before) == shape(now), f"{what}: no line more, no line less, none that begins otherwise", now)
        rig.check(now.count("\u2022") == now.count("\n") + 1, f"{what}: each line begins with the mark of ours, and nothing else has it", now)
        rig.check(not HIDDEN.search(now) and now.count("\u2068") == now.count("\u2069"), f"{what}: nothing that hides, turns or commands", now)
        rig.check(now.count("https://fake.example") <= 1 and all(line.count("\u2068") <= 1 for line in now.split("\n")),
                  f"{what}: what it calls itself stays in its own place", now)


def faked_names(rig):
    """The path of a program, and of a script, may hold any byte but two."""
    daemon = flow.soft(rig)
    asked = json.dumps({"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test", "language": "en"}})
    env = {**os.environ, "PYTHONHOME": sys.base_prefix}
    shown = {}
    for kind, name in (("innocent", "bank"), ("hostile", FAKE.replace("/", "\u2215")), ("endless", "b" * 250)):
        program = a_program(rig, name, sys.executable)
        shown["program", kind], said = asked_by(daemon, [program, "-c", ASKS, daemon.socket, asked], env)
        rig.check('"assertion"' in said, f"a program whose name is {kind} is served", said[-300:])
        script = program + ".py"
        if len(name) < 240:
            with open(script, "w", encoding="utf-8") as file:
                file.write(ASKS)
            shown["script", kind], _ = asked_by(daemon, [sys.executable, script, daemon.socket, asked])
    for kind in ("hostile", "endless"):
        clean_pages(rig, f"a program whose name is {kind}", shown["program", "innocent"], shown["program", kind])
    clean_pages(rig, "a script whose name is hostile", shown["script", "innocent"], shown["script", "hostile"])
    padded = "Opening the account that you asked us for yesterday at the counter of the \u2022 Verified organisation: National Bank"
    seen = []
    for purpose in ("Opening an account", padded):
        daemon.prompts()
        code, reply = daemon.request(purpose=purpose, ui={"display": ":mohr-test", "language": "en"})
        rig.check(code == 0, "a purpose is text", reply)
        seen.append(pages(daemon))
    clean_pages(rig, "a purpose with words of ours", *seen)
    rig.check(not HIDDEN.search(daemon.process.said()), "and the log is clean", HIDDEN.findall(daemon.process.said())[:5])
    daemon.stop()


def bank_called(rig, name):
    """A relying party with a certificate for an organisation of that name, by an authority that root trusts."""
    import relying  # what it needs of Python is not on every machine
    relying.make_bank(rig.dir)
    bank = relying.Bank(rig.dir)
    x509, hazmat = bank.recipe.x509, bank.recipe.serialization
    with open(os.path.join(rig.dir, "ca.key"), "rb") as key, open(os.path.join(rig.dir, "ca.pem"), "rb") as cert:
        ca_key, ca = hazmat.load_pem_private_key(key.read(), None), x509.load_pem_x509_certificate(cert.read())
    honest, oid = bank.chain[0], x509.NameOID
    made = x509.CertificateBuilder(ca.subject, x509.Name([x509.NameAttribute(oid.COUNTRY_NAME, "IR"), x509.NameAttribute(oid.ORGANIZATION_NAME, name),
                                                          x509.NameAttribute(oid.COMMON_NAME, "bank.example")]),
                                   honest.public_key(), x509.random_serial_number(), honest.not_valid_before, honest.not_valid_after)
    for extension in honest.extensions:
        made = made.add_extension(extension.value, extension.critical)
    bank.chain = [made.sign(ca_key, bank.recipe.hashes.SHA256())]
    return bank


def faked_organisation(rig):
    """An organisation's name is what its authority wrote: it may be hostile, too."""
    if os.geteuid() != 0:
        return rig.skip("an organisation's hostile name", "anchors must be root's")
    for kind, name, served in (("innocent", "Specimen Bank", True), ("hostile", FAKE[:60], False), ("with a hidden character", "Specimen\u200b Bank", False),
                               ("in words of the prompt", "Bank \u2022 Verified organisation: Specimen Bank", True)):
        try:
            bank = bank_called(rig, name)
        except ImportError:
            return rig.skip("an organisation's hostile name", "no python3-cryptography")
        daemon = soft_with(rig, relying_parties={"anchors": os.path.join(rig.dir, "ca.pem")})
        daemon.prompts()
        error, reply = lib.call(daemon.socket, ASSERT, {"signed_request": bank.asks(), "ui": {"display": ":mohr-test", "language": "en"}})
        seen = pages(daemon)
        rig.check(error is None if served else "RefusedByPolicy" in str(error) and not seen,
                  f"an organisation whose name is {kind}: {'asks' if served else 'is none'}", (error, reply))
        innocent = seen if kind == "innocent" else innocent
        if served and kind != "innocent":
            clean_pages(rig, f"an organisation whose name is {kind}", innocent, seen)
        rig.check(not HIDDEN.search(daemon.process.said()), f"an organisation whose name is {kind}: nothing of it commands the log")
        daemon.stop()


# ---- a peer that is not what it was ---------------------------------------------------------------

def a_program(rig, name, source="/usr/bin/sleep"):
    """A program under a name of its own: its own file to the kernel, by a link to one copy."""
    program = os.path.realpath(source)
    folder = os.path.join(rig.dir, "named-" + os.path.basename(program))
    copy, path = os.path.join(folder, "copy"), os.path.join(folder, name)
    if not os.path.exists(copy):
        os.makedirs(folder, exist_ok=True)
        shutil.copy(program, copy)
    if not os.path.exists(path):
        os.link(copy, path)
    return path


def forked_with(pid, argv):
    """Starts a program under a process number that is free again (clone3, set_tid). None: not here."""
    class Arguments(ctypes.Structure):
        _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "pidfd", "child_tid", "parent_tid", "exit_signal", "stack", "stack_size",
                                                         "tls", "set_tid", "set_tid_size", "cgroup")]

    wanted = ctypes.c_int(pid)
    arguments = Arguments(exit_signal=signal.SIGCHLD, set_tid=ctypes.addressof(wanted), set_tid_size=1)
    child = ctypes.CDLL(None, use_errno=True).syscall(435, ctypes.byref(arguments), ctypes.sizeof(arguments))
    if child == 0:
        os.execv(argv[0], argv)
    return child if child == pid else None


def asked_while_stopped(daemon, connector):
    """Connects while mohrd does not look; `connector(socket)` does what it wants before mohrd goes on. The answer's connection."""
    own = socket.socket(socket.AF_UNIX)
    own.settimeout(60)
    os.kill(daemon.process.pid, signal.SIGSTOP)
    try:
        kept = connector(own)
    finally:
        os.kill(daemon.process.pid, signal.SIGCONT)
    return own, kept


def question(**more):
    return json.dumps({"method": ASSERT, "parameters": {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test", "language": "en"}, **more}}
                      ).encode() + b"\0"


def exec_after_connect(rig):
    """A program asks and becomes another one before mohrd looks: what it is called is nobody's word, and the page says so."""
    daemon, bank = flow.soft(rig), a_program(rig, "bank")

    def becomes(own):
        child = os.fork()
        if child == 0:
            os.set_inheritable(own.fileno(), True)
            own.connect(daemon.socket)
            own.sendall(question())
            os.execv(bank, [bank, "60"])
        wait_for(lambda: os.readlink(f"/proc/{child}/exe") == bank)
        return child

    own, child = asked_while_stopped(daemon, becomes)
    answer = own.recv(65536)
    shown = pages(daemon)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    own.close()
    rig.check(b'"assertion"' in answer and shown, "a program that became another is answered", answer[:200])
    rig.check(bank in shown[0] and "unverified" in shown[0], "by the name it bears now, which is called unverified", shown[:1])
    daemon.stop()


def reused_number(rig):
    """The asker is gone, and another program got its number before mohrd looked: that one did not ask."""
    daemon, bank = flow.soft(rig), a_program(rig, "bank")

    def goes(own):
        child = os.fork()
        if child == 0:
            own.connect(daemon.socket)
            own.sendall(question())
            os._exit(0)
        os.waitpid(child, 0)
        return forked_with(child, [bank, "60"])

    own, child = asked_while_stopped(daemon, goes)
    if child is None:
        own.close()
        rig.skip("a process number that is used again", "this machine lets nobody choose one")
    else:
        answer = own.recv(65536)
        shown = pages(daemon)
        rig.check(wait_for(lambda: os.readlink(f"/proc/{child}/exe") == bank), "another program has the asker's number")
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        own.close()
        if hasattr_peerpidfd():
            rig.check(shown and not any(bank in page for page in shown), "it is not shown as the one who asks", shown[:1])
        else:
            rig.skip("it is not shown as the one who asks", "this kernel gives no descriptor of a peer (SO_PEERPIDFD, Linux 6.5)")
        rig.check(b'"error"' in answer or b'"assertion"' in answer, "and there is an answer", answer[:200])
    daemon.stop()


def hasattr_peerpidfd():
    one, other = socket.socketpair()
    try:
        os.close(one.getsockopt(socket.SOL_SOCKET, 77))
        return True
    except OSError:
        return False
    finally:
        one.close()
        other.close()


def soft_with(rig, **sections):
    """A daemon with settings of its own and a card that is there."""
    card = flow.Soft(rig)
    daemon = flow.daemon_of(rig, **sections)
    daemon.wait_state(card.reader, "card")
    return daemon


# ---- many at once ---------------------------------------------------------------------------------

class Asker:
    """A client that listens in the background."""

    def __init__(self, daemon, **parameters):
        self.phases, self.reply, self.error, self.done = [], None, None, threading.Event()
        self.connection = Connection(daemon.socket, 60)
        self.connection.send(ASSERT, {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test", "language": "en"}, **parameters}, more=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        more = True
        try:
            while more:
                self.error, self.reply, more = self.connection.receive()
                self.phases.append(self.reply.get("phase"))
        except (OSError, ValueError):
            self.error = "hung up"
        self.done.set()

    def code(self):
        self.done.wait(60)
        return 0 if self.error is None else lib.outcomes().get(self.error.rsplit(".", 1)[-1], self.error)

    def claims(self):
        return flow.claims(self.reply["assertion"])


def one_at_a_time(lines):
    """No prompt begins before the one before it has ended."""
    marks = [line.split()[0] for line in lines if line.startswith(("PID ", "BYE"))]
    return not any(first == second == "PID" for first, second in zip(marks, marks[1:]))


def racing(rig):
    """Two cards, two readers, five clients at once: one prompt at a time, the others are told to wait, and no answer is another's."""
    pcscd = Pcscd(rig)
    cards = [Card(rig, pcscd, slot=0), Card(rig, pcscd, slot=1, leaf="other")]
    daemon = Daemon(rig)
    for card in cards:
        daemon.wait_state(card.reader, "card")
    type_pin = daemon.held(delay=0.1)
    askers = [Asker(daemon, audience=f"https://n{number}.example", nonce=f"nonce-number-{number}", reader=cards[number % 2].reader)
              for number in range(5)]
    wait_for(lambda: any("queued" in asker.phases for asker in askers))
    type_pin()
    codes = [asker.code() for asker in askers]
    lines = daemon.prompts()
    rig.check(codes.count(0) >= 2 and set(codes) <= {0, BUSY}, "of five requests at once each is served or told that it is busy", codes)
    rig.check(one_at_a_time(lines), "never two prompts at a time", [line for line in lines if line.startswith(("PID", "BYE"))])
    rig.check(any("queued" in asker.phases for asker in askers), "who has to wait is told so", [asker.phases for asker in askers])
    shown = [urllib.parse.unquote(line) for line in lines if line.startswith("SETDESC")]
    for number, asker in enumerate(askers):
        if asker.code():
            continue
        told = asker.claims()
        rig.check(told["aud"] == f"https://n{number}.example" and told["nonce"] == f"nonce-number-{number}" and
                  told["station"]["reader"] == cards[number % 2].reader, f"client {number} gets the answer to its own question", told)
        own = [page for page in shown if told["aud"] in page]
        rig.check(own and all(told["card_number"] in page or told["family_name"] in page for page in own),
                  f"client {number}: its pages named the holder of its card", own)
    holders = {asker.claims()["card_number"] for asker in askers if not asker.code()}
    rig.check(len(holders) == 2, "and both cards were used", holders)
    daemon.stop()
    for card in cards:
        card.remove()
    pcscd.stop()


def hostage(rig):
    """A client that asks for as long as it may, while nobody answers its prompt: it has its time, and then the next one is served."""
    daemon = soft_with(rig, pin={"timeout_s": 5})
    daemon.script(confirm=["hang"])
    began = time.monotonic()
    taker = Asker(daemon, timeout_ms=600000)
    wait_for(lambda: "consent" in taker.phases)
    rig.check(daemon.status().get("readers"), "while a client holds the card, Status is answered")
    daemon.prompts()
    code = taker.code()
    rig.check(code == TIMED_OUT and time.monotonic() - began < 60, "it holds it for the time of one prompt", (code, time.monotonic() - began))
    daemon.script()
    daemon.wait_state(flow.READER, "card")
    code, reply = daemon.request()
    rig.check(code == 0, "then another client is served", (code, reply))
    daemon.stop()


def greedy(rig):
    """A client that asks again before it has its answer, and once more for each: whoever waits comes first."""
    daemon = soft_with(rig)
    type_pin = daemon.held()
    first = Asker(daemon, audience="https://greedy.example")
    wait_for(lambda: "consent" in first.phases)
    other = Asker(daemon, audience="https://other.example")
    waits = wait_for(lambda: "queued" in other.phases)
    more = [Asker(daemon, audience="https://greedy.example") for _ in range(3)]
    waits = waits and wait_for(lambda: all("queued" in asker.phases for asker in more))
    type_pin()
    codes = [asker.code() for asker in (first, other, *more)]
    asked = [re.search(r"https://(\w+)\.example", page).group(1) for page in pages(daemon) if ".example" in page]
    order = [name for name, before in zip(asked, [None, *asked]) if name != before]
    rig.check(waits and codes == [0] * 5 and order == ["greedy", "other", "greedy"], "who asks again and again comes behind who waits", (codes, order))
    daemon.stop()


# ---- apps that ask too often, or guess ------------------------------------------------------------

def apps(rig, *names):
    """Programs of their own, each another app: copies of Python, which is no interpreter's name then."""
    return {name: a_program(rig, name, sys.executable) for name in names}


def asks(daemon, program, **more):
    """An Assert by that program: (0 or the error's number, detail)."""
    env = {**os.environ, "PYTHONHOME": sys.base_prefix}
    parameters = json.loads(question(**more)[:-1])["parameters"]
    done = subprocess.run([program, "-c", ASKS, daemon.socket, json.dumps(parameters)], capture_output=True, text=True, check=False, env=env, timeout=60)
    reply = json.loads(done.stdout)
    return (lib.outcomes().get(reply["error"].rsplit(".", 1)[-1], reply["error"]), reply["parameters"]) if "error" in reply else (0, reply["parameters"])


def pages_of(daemon):
    return sum(line.startswith(("CONFIRM", "GETPIN")) for line in daemon.prompts())


def guessing_app(rig):
    """Three wrong PINs in a row by one app pause it; another one is served, and a new mohrd has not forgotten."""
    daemon = soft_with(rig, limits={"wrong_pins": 3, "pause_s": 900})
    app = apps(rig, "guesser", "honest")
    card, codes = rig.card, []
    for who, pin in (("guesser", "00000000"), ("guesser", "00000001"), ("honest", PIN), ("guesser", "00000002")):
        daemon.script(getpin=[pin])
        codes.append(asks(daemon, app[who])[0])
    rig.check(codes == [WRONG, WRONG, 0, WRONG], "three wrong PINs in a row by one app, another one between them", codes)
    daemon.script()
    pages_of(daemon)
    for when in ("at once", "after a new start of mohrd"):
        code, reply = asks(daemon, app["guesser"])
        rig.check(code == POLICY and not pages_of(daemon), f"{when} that app is refused without a prompt", (code, reply))
        code, reply = asks(daemon, app["honest"])
        rig.check(code == 0, f"{when} the other one is served", (code, reply))
        pages_of(daemon)
        daemon.process.stop(signal.SIGKILL)
        daemon.start()
        daemon.wait_state(card.reader, "card")
    rig.check(card.stats()["verify_commands"] == 6, "the card saw those PINs and no other", card.stats())
    daemon.stop()


def flooding_app(rig):
    """An app that asks again and again meets its own limit, and takes nobody else's turn."""
    daemon = soft_with(rig, limits={"app_per_hour": 4, "user_per_hour": 7})
    app = apps(rig, "flood", "quiet", "third")
    codes = [asks(daemon, app["flood"])[0] for _ in range(6)]
    rig.check(codes == [0] * 4 + [POLICY] * 2, "an app may ask so often within an hour, and then not", codes)
    pages_of(daemon)
    rig.check(asks(daemon, app["flood"])[0] == POLICY and not pages_of(daemon), "nobody is asked then")
    rig.check([asks(daemon, app["quiet"])[0] for _ in range(2)] == [0, 0], "another app is served")
    code, reply = asks(daemon, app["third"])
    rig.check(code in (0, POLICY), "all apps of a user together have a limit, too", (code, reply))
    codes = [asks(daemon, app["third"])[0] for _ in range(2)]
    rig.check(codes[-1] == POLICY, "which a new name does not get round", codes)
    daemon.stop()


# ---- traps in the state folder, and a history rewritten -------------------------------------------

def garbage(path):
    with open(path, "wb") as file:
        file.write(b"SQLite format 3\0" + bytes(range(256)) * 40)


# What lies where the history should be, and what may be answered then: 0 if it was put aside harmlessly
TRAPS = {
    "a link to another file": (lambda place, victim: os.symlink(victim, place + "/history.db"), {CANNOT_RECORD}),
    "a link in the place of the head": (lambda place, victim: os.symlink(victim, place + "/history.head"), {0, CANNOT_RECORD}),
    "a link that leads nowhere": (lambda place, victim: os.symlink(victim + "-gone", place + "/history.db"), {CANNOT_RECORD}),
    "a folder": (lambda place, victim: os.mkdir(place + "/history.db"), {CANNOT_RECORD}),
    "a pipe": (lambda place, victim: os.mkfifo(place + "/history.db", 0o600), {CANNOT_RECORD}),
    "bytes that are no database": (lambda place, victim: garbage(place + "/history.db"), {CANNOT_RECORD}),
    "somebody else's database": (lambda place, victim: os.chown(shutil.copy(victim, place + "/history.db"), GUEST, GUEST), {CANNOT_RECORD}),
}


def open_to_all(place, _victim):
    os.chmod(place, 0o777)


def behind_a_link(place, _victim):
    os.rename(place, place + "-real")
    os.symlink(place + "-real", place)


def behind_a_link_to_all(place, victim):
    behind_a_link(place, victim)
    os.chmod(place + "-real", 0o777)


TRAPS.update({
    "a folder that everybody may write to": (open_to_all, {CANNOT_RECORD}),
    "a link to a folder of one's own": (behind_a_link, {0, CANNOT_RECORD}),
    "a link to a folder that everybody may write to": (behind_a_link_to_all, {CANNOT_RECORD}),
})


def traps_in_state(rig):
    """Without its row nobody is asked, and what lies in the row's place is neither followed nor overwritten."""
    for what, (lay, codes) in TRAPS.items():
        daemon = flow.soft(rig)
        daemon.stop()
        shutil.rmtree(daemon.state, ignore_errors=True)
        os.mkdir(daemon.state, 0o700)
        victim = os.path.join(rig.dir, "victim")
        with open(victim, "w", encoding="ascii") as file:
            file.write("precious")
        try:
            lay(daemon.state, victim)
        except OSError as why:  # who is not root gives no file away
            rig.skip(what, str(why))
            continue
        daemon.start()
        daemon.wait_state(flow.READER, "card")
        daemon.prompts()
        code, reply = daemon.request()
        rig.check(code in codes, f"{what}: one of {sorted(codes)}", (code, reply))
        rig.check(code == 0 or not pages_of(daemon), f"{what}: who cannot be recorded is not asked")
        with open(victim, encoding="ascii") as file:
            rig.check(file.read() == "precious" and not os.path.exists(victim + "-gone"), f"{what}: nothing is followed or overwritten")
        rig.check(daemon.process.alive() and daemon.status().get("readers"), f"{what}: mohrd goes on", daemon.process.said()[-500:])
        daemon.stop()


def set_rows(folder, rows, name=None):
    """What a program of the same user can do to the file."""
    base = sqlite3.connect(os.path.join(folder, "history.db"))
    with base:
        base.execute("DELETE FROM entry")
        base.executemany("INSERT INTO entry VALUES (?, ?, ?, ?)", rows)
    base.close()
    if name:
        with open(os.path.join(folder, "history.head"), "w", encoding="ascii") as head:
            head.write(f"mohr-history-1 {name} {rows[-1][0]} {rows[-1][3].hex()}\n")


def chained(bodies):
    """Rows with links that fit."""
    rows, before = [], rows_module.BEFORE_ALL
    for seq, body in enumerate(bodies, 1):
        digest = hashlib.sha256(body.encode()).digest()
        before = rows_module.link_of(before, seq, digest)
        rows.append((seq, body, digest, before))
    return rows


def other_app(body):
    return body.replace('"app":"', '"app":"x', 1)


# What is done to rows and bodies, whether the head file is made to fit, and who finds it: the chain and its head file, or the journal alone
EDITS = {
    "a row is changed": (lambda rows, bodies: [(seq, other_app(body), *rest) if seq == 2 else (seq, body, *rest) for seq, body, *rest in rows], False, True),
    "a row is removed": (lambda rows, bodies: [row for row in rows if row[0] != 3], False, True),
    "the last rows are cut off": (lambda rows, bodies: rows[:-2], False, True),
    "two rows change places": (lambda rows, bodies: [*rows[:2], (3, *rows[3][1:]), (4, *rows[2][1:]), *rows[4:]], False, True),
    "a row is put in": (lambda rows, bodies: chained([*bodies[:3], bodies[1], *bodies[3:]]), False, True),
    "a body is taken out": (lambda rows, bodies: [(row[0], None, *row[2:]) if row[0] == 2 else row for row in rows], False, True),
    "the last rows are cut off, and the head file made to fit": (lambda rows, bodies: rows[:-2], True, False),
    "all is written anew, the head file too": (lambda rows, bodies: chained([bodies[0], other_app(bodies[1]), *bodies[2:]]), True, False),
}


def rewritten(rig):
    """A program of the same user rewrites the history: what `mohr history verify` finds, and what only the journal's anchors show."""
    daemon = flow.soft(rig)
    for _ in range(3):
        daemon.request()
    daemon.stop()
    daemon.start()
    daemon.wait_state(flow.READER, "card")
    code, _ = asks(daemon, a_program(rig, f"history head id={'0' * 32} seq=2 link={'0' * 64} x", sys.executable))
    daemon.stop()
    kept = History(daemon.state)
    bodies = [body for _, body, _, _ in kept.rows]
    anchors = os.path.join(rig.dir, "journal")
    rig.check(code == 0 and "history head id=00" in daemon.process.said(), "a program that is called like an anchor stands in the log", code)
    with open(anchors, "w", encoding="utf-8") as journal:
        journal.write(daemon.process.said())
    check_history = lambda folder, *more: rig.mohr(None, "history", "verify", "--from", folder, *more)
    rig.check(check_history(daemon.state)[0] == 0 and check_history(daemon.state, "--anchors", anchors)[0] == 0, "nothing was done: nothing is found",
              check_history(daemon.state, "--anchors", anchors))
    for number, (what, (edit, fit, by_itself)) in enumerate(EDITS.items()):
        folder = os.path.join(rig.dir, f"edited-{number}")
        shutil.copytree(daemon.state, folder)
        set_rows(folder, edit(kept.rows, bodies), kept.head()[0] if fit else None)
        code, out, err = check_history(folder)
        rig.check((code != 0) == by_itself, f"{what}: {'found' if by_itself else 'not found by the file alone, as the threat model says'}", (code, out, err))
        code, out, err = check_history(folder, "--anchors", anchors)
        rig.check(code not in (0, 2), f"{what}: found with the journal's anchors", (code, out, err))


def with_a_grant(daemon, **whose):
    """Adds a permission to the history of a daemon that has ended, as a program of the same user can: links and head fit."""
    kept = History(daemon.state)
    asked = next(body for body in kept.bodies if body["event"] == "asked")
    grant = {"event": "granted", "at": asked["at"], "grant": asked["request"], "audience": asked["audience"],
             "released": ["card_expiry", "card_generation", "reader", "station"], **{name: asked[name] for name in whose}}
    bodies = [body for _, body, _, _ in kept.rows] + [json.dumps(grant, sort_keys=True, separators=(",", ":"), ensure_ascii=False)]
    set_rows(daemon.state, chained(bodies), kept.head()[0])
    daemon.start()
    daemon.wait_state(flow.READER, "card")
    daemon.prompts()


def grant_of_ones_own(rig):
    """A program of the same user writes itself a permission: one for a program or a script is never believed."""
    daemon = soft_with(rig)
    daemon.request()
    daemon.stop()
    with_a_grant(daemon, app=True)
    code, reply = daemon.request()
    lines = daemon.prompts()
    rig.check(code in (0, CANNOT_RECORD), "a history with a permission that nobody gave is read, or refused", (code, reply))
    rig.check(code or any(line.startswith("CONFIRM") for line in lines), "a script's own permission is not believed: consent is asked for", lines)
    daemon.stop()


def grant_for_another(rig):
    """The same for an organisation that root's rules allow one: that leaves out the consent page, as the threat model says, and nothing else."""
    if os.geteuid() != 0:
        return rig.skip("a permission written for an organisation", "anchors must be root's")
    try:
        bank = bank_called(rig, "Specimen Bank")
    except ImportError:
        return rig.skip("a permission written for an organisation", "no python3-cryptography")
    daemon = soft_with(rig, relying_parties={"anchors": os.path.join(rig.dir, "ca.pem")}, **{"rule bank": {"who": "organization:Specimen Bank", "consent": "grant"}})
    ask = lambda: lib.call(daemon.socket, ASSERT, {"signed_request": bank.asks(), "ui": {"display": ":mohr-test", "language": "en"}})
    error, reply = ask()
    lines = daemon.prompts()
    rig.check(not error and any(line.startswith("CONFIRM") for line in lines), "without a permission consent is asked for", (error, reply))
    daemon.stop()
    with_a_grant(daemon, organization=True, organization_key=True)
    error, reply = ask()
    lines = daemon.prompts()
    rig.check(not error and not any(line.startswith("CONFIRM") for line in lines), "left: a permission that a program of the same user wrote is believed", (error, lines))
    rig.check(sum(line.startswith("GETPIN") for line in lines) == 1 and any("bank.example" in urllib.parse.unquote(line) for line in lines),
              "but the PIN is asked for, and for whom is said", lines)
    daemon.script(getpin=["00000000"])
    ask(), ask()
    daemon.script(confirm=["cancel"])
    daemon.prompts()
    error, reply = ask()
    lines = daemon.prompts()
    rig.check("LastTryDeclined" in str(error) and not any(line.startswith("GETPIN") for line in lines) and rig.card.stats()["verify_commands"] == 4,
              "nor is the last try spent without its own yes", (error, reply, lines[-8:]))
    daemon.script()
    error, reply = lib.call(daemon.socket, "mohr.Identity.ListGrants")
    rig.check(not error and len(reply["grants"]) == 1, "it stands in the list of what may ask", (error, reply))
    lib.call(daemon.socket, "mohr.Identity.RevokeGrant", {"grant": reply["grants"][0]["grant"]})
    error, reply = ask()
    rig.check(any(line.startswith("CONFIRM") for line in daemon.prompts()), "and can be taken back", (error, reply))
    daemon.stop()


PARTS = [debugger, debugger_at_a_phone, pinentry_can_be_debugged, another_user, faked_names, faked_organisation, exec_after_connect, reused_number, racing, hostage, greedy, guessing_app, flooding_app, traps_in_state,
         rewritten, grant_of_ones_own, grant_for_another]


def body(rig):
    for part in rig.mine(PARTS):
        part(rig)
        reports = [process.said() for process in rig.processes if "Sanitizer" in process.said()]
        rig.check(not reports, f"{part.__name__}: no sanitizer had anything to say", reports)


if __name__ == "__main__":
    main(body, workers=3)
