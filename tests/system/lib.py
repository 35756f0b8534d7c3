# SPDX-License-Identifier: Apache-2.0
"""lib.py: the rig of the system tests: real programs, a private real pcscd, and a card without hardware.

A script calls `main(body)`. It re-executes itself inside tests/system/private, so that no real reader
can be met, makes a folder of its own, runs body(rig) and prints what `check()` was told. Whatever was
started is ended, in the end by the kernel (PR_SET_PDEATHSIG). Logs are shown only if something failed.

What happened to the card is asked from the card (its --stats file), never from the program under test.
"""
import ctypes
import fcntl
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PIN = "27182818"
AUDIENCE, NONCE = "https://office.example", "0123456789abcdef"
PR_SET_PDEATHSIG = 1
PRIVATE = "/run/pcscd"  # tests/system/private mounts it, in memory, for one script
PATIENCE = 30.0  # for what comes in milliseconds, and on a machine with other things to do in seconds: only what fails takes so long
CLAIMED = {}  # ports of this process, each with the socket whose name says so


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def wait_for(condition, seconds=PATIENCE, step=0.01):
    """The first true value of condition(), or its last value when the time is over."""
    end = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(step)
    return value


def claimed(port):
    """Whether a port is ours, for as long as this process lives: what shall listen there may take a second to start, and another script
    would find it free meanwhile. Names of abstract sockets belong to a network namespace, as ports do, and go with the process."""
    if port not in CLAIMED:
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0mohr-test-port-{port}")
        except OSError:
            claim.close()
            return False
        CLAIMED[port] = claim
    return True


def free_ports(count):
    """`count` adjacent TCP ports that are free, and nobody else's; a reader of vpcd has two slots."""
    for base in range(20000 + os.getpid() * 16 % 12000, 60000, count):
        if not all(map(claimed, range(base, base + count))):
            continue
        with_sockets = []
        try:
            for port in range(base, base + count):
                probe = socket.socket()
                with_sockets.append(probe)
                probe.bind(("", port))
            return base
        except OSError:
            continue
        finally:
            for probe in with_sockets:
                probe.close()
    raise RuntimeError("no free ports")


def pcscd():
    """How a private pcscd is started. One that asks polkit (Debian 13) would ask about a session that is not ours."""
    told = subprocess.run(["/usr/sbin/pcscd", "--help"], capture_output=True, text=True).stdout
    return ["/usr/sbin/pcscd", "--foreground", *(["--disable-polkit"] if "--disable-polkit" in told else [])]


class Process:
    """A program with its output in a file, ended with the rig."""

    def __init__(self, rig, name, argv, env=None, stdin=subprocess.DEVNULL, stdout=None):
        self.log = os.path.join(rig.dir, f"{len(rig.processes):03}-{name}.log")
        self.name = name
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(argv, stdin=stdin, stdout=stdout or log, stderr=log, cwd=rig.dir,
                                          env=env, preexec_fn=die_with_parent, start_new_session=True)
        rig.processes.append(self)

    @property
    def pid(self):
        return self.child.pid

    def alive(self):
        return self.child.poll() is None

    def stop(self, how=signal.SIGTERM, seconds=PATIENCE):
        if self.alive():
            self.child.send_signal(how)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()

    def said(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()


class ReaderState(ctypes.Structure):
    """SCARD_READERSTATE of pcsc-lite."""
    _fields_ = [("reader", ctypes.c_char_p), ("user", ctypes.c_void_p), ("current", ctypes.c_ulong),
                ("event", ctypes.c_ulong), ("atr_len", ctypes.c_ulong), ("atr", ctypes.c_ubyte * 33)]


def card_present(reader):
    """What pcscd says, asked directly."""
    pcsc, context = ctypes.CDLL("libpcsclite.so.1"), ctypes.c_long()
    if pcsc.SCardEstablishContext(2, None, None, ctypes.byref(context)) != 0:
        return False
    state = ReaderState(reader=reader.encode())
    pcsc.SCardGetStatusChange(context, 0, ctypes.byref(state), 1)
    pcsc.SCardReleaseContext(context)
    return bool(state.event & 0x20)


def card_wait(reader, present=True, seconds=PATIENCE):
    """Until a card is in the reader, or none. pcscd says so by itself: asking again and again costs, in ten scripts
    with ten workers each, more than what they test."""
    pcsc, context, end = ctypes.CDLL("libpcsclite.so.1"), ctypes.c_long(), time.monotonic() + seconds
    if pcsc.SCardEstablishContext(2, None, None, ctypes.byref(context)) != 0:
        return wait_for(lambda: card_present(reader) == present, seconds)
    state, left = ReaderState(reader=reader.encode()), seconds
    try:
        while left > 0:
            known = pcsc.SCardGetStatusChange(context, ctypes.c_ulong(int(left * 1000) + 1), ctypes.byref(state), 1) == 0
            if known and bool(state.event & 0x20) == present:
                return True
            if not known:  # there is no such reader at the moment
                time.sleep(0.01)
            state.current, left = state.event & ~0x2, end - time.monotonic()  # but for "this has changed"
        return False
    finally:
        pcsc.SCardReleaseContext(context)


class Pcscd:
    """Debian's pcscd with `readers` virtual readers of two slots; slot k listens on port(k)."""

    def __init__(self, rig, readers=1):
        self.rig, self.readers = rig, readers
        self.base = free_ports(2 * readers)
        self.conf = os.path.join(rig.dir, "reader.conf.d")
        os.makedirs(self.conf, exist_ok=True)
        with open(os.path.join(self.conf, "readers"), "w", encoding="ascii") as conf:
            for index in range(readers):
                port = self.base + 2 * index
                # vpcd keeps its slots in one table for all readers: each needs the library to itself.
                library = shutil.copy("/run/pcscd/libifdvpcd.so", os.path.join(rig.dir, f"vpcd-{index}.so"))
                conf.write(f'FRIENDLYNAME "Test {chr(65 + index)}"\nDEVICENAME /dev/null:0x{port:X}\n'
                           f"LIBPATH {library}\nCHANNELID 0x{port:X}\n\n")
        self.start()

    def start(self):
        self.process = Process(self.rig, "pcscd", [*pcscd(), "--config", self.conf])
        if not wait_for(lambda: os.path.exists("/run/pcscd/pcscd.comm") and self.listening()):
            raise RuntimeError("pcscd did not start: " + self.process.said())

    def listening(self):
        """Every slot listens, seen without connecting (a connection would be taken for a card)."""
        ports = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            if os.path.exists(table):
                with open(table, encoding="ascii") as rows:
                    ports |= {int(row.split()[1].rsplit(":", 1)[1], 16) for row in rows.readlines()[1:]}
        return all(self.base + slot in ports for slot in range(2 * self.readers))

    def port(self, slot=0):
        return self.base + slot

    def name(self, slot=0):
        return f"Test {chr(65 + slot // 2)} 00 {slot % 2:02}"

    def stop(self):
        self.process.stop()


class Card:
    """mohr-softcard in one slot. `options` are its switches and `fault`, by name; the counters of its PIN
    survive the program."""

    def __init__(self, rig, pcscd, profile="mav2-cl", slot=0, pin=PIN, monitored=True, **options):
        self.rig, self.pcscd = rig, pcscd
        base = os.path.join(rig.quick, f"card-{len(rig.processes)}")
        self.stats_file, self.log_file = base + ".stats", base + ".commands"
        program = rig.softcard if monitored else os.path.join(rig.build, "mohr-softcard")
        self.argv = [program, "--vpcd", f"127.0.0.1:{pcscd.port(slot)}", "--profile", profile, "--pki", rig.pki,
                     "--pin", pin, "--stats", self.stats_file, "--log", self.log_file, "--state", base + ".state"]
        self.argv += [f"{name.replace('_', '-')}={value}" for name, value in options.items()]
        self.reader = pcscd.name(slot)
        self.insert()

    def insert(self):
        self.process = Process(self.rig, "softcard", self.argv, self.rig.env)
        card_wait(self.reader)

    def written(self):
        """Which writing of its counters is there."""
        try:
            now = os.stat(self.stats_file)
            return now.st_ino, now.st_mtime_ns
        except OSError:
            return None

    def present(self):
        """Whether it does, by its own word of this moment."""
        before = self.written()
        self.process.child.send_signal(signal.SIGUSR1)
        wait_for(lambda: self.written() != before, 10)
        return self.stats().get("present")

    def turn(self):
        """Lifts the card, or lays it back. It has noticed when this returns: of two signals at once it would see one."""
        before = self.present()
        self.process.child.send_signal(signal.SIGUSR2)
        wait_for(lambda: self.present() != before, 10)

    def remove(self):
        """Takes the card away for good; what the rule monitor has to say of it is said now."""
        if self.process.alive():
            code = self.process.stop()
            card_wait(self.reader, present=False)
            if code not in (0, -signal.SIGTERM):
                self.rig.check(False, "the card saw no breach of the rules", self.process.said()[-800:])

    def stats(self):
        try:
            with open(self.stats_file, encoding="ascii") as stats:
                return json.load(stats)
        except (OSError, ValueError):
            return {}

    def locked(self, seconds=PATIENCE):
        """True when no PIN is verified on the card (any more)."""
        return wait_for(lambda: self.stats().get("pin_verified") is False, seconds)

    def lines(self):
        """What the card wrote down: a line for each exchange, and of its power."""
        with open(self.log_file, encoding="ascii") as log:
            return log.read().splitlines()

    def commands(self):
        """Headers and status words, in order: [("00A4040C", "9000"), ...]"""
        lines = [line.split() for line in self.lines() if "len=" in line]
        return [(words[0].upper(), words[3].split("=")[1].upper()) for words in lines]

    def pin_family(self):
        """How many commands of the PIN family the card saw, empty ones included."""
        return sum(header[2:4] in ("20", "24", "2C") for header, _ in self.commands())


class Daemon:
    """mohrd with a configuration of its own. sections: {"pin": {"pinentry": ...}, ...}"""

    def __init__(self, rig, drivers=("pcsc",), program="mohrd", **sections):
        self.rig, self.drivers = rig, drivers
        number = len(rig.processes)
        self.socket = os.path.join(rig.dir, f"s{number}")
        self.config = os.path.join(rig.dir, f"mohr-{number}.conf")
        self.state = os.path.join(rig.dir, f"state-{number}")
        self.pinentry = os.path.join(rig.dir, f"pinentry-{number}")
        os.symlink(rig.pinentry_script, self.pinentry)
        self.told = 0
        self.script()
        self.sections = {"card": {"unproven": "yes"}, "trust": {"anchors": rig.root}, "log": {"level": "debug"},
                         "pin": {"pinentry": self.pinentry}, "state": {"dir": self.state},
                         # A test asks more often, and mistypes more often, than anybody should.
                         "limits": {"app_per_hour": 100000, "user_per_hour": 100000, "wrong_pins": 10, "pause_s": 1}}
        for name, values in sections.items():
            self.sections[name] = {**self.sections.get(name, {}), **values}
        with open(self.config, "w", encoding="utf-8") as config:
            for name, values in self.sections.items():
                config.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
        self.program = os.path.join(rig.build, program)
        self.start()

    def start(self):
        began = time.monotonic()
        drivers = [word for driver in self.drivers for word in ("--driver", driver)]
        self.process = Process(self.rig, "mohrd", [self.program, "--socket", self.socket, "--config", self.config,
                                                   *drivers], self.rig.env)
        if not wait_for(lambda: self.answers() or not self.process.alive(), step=0.001) or not self.process.alive():
            raise RuntimeError("mohrd did not start: " + self.process.said())
        self.ready_ms = (time.monotonic() - began) * 1000

    def script(self, getpin=(PIN,), confirm=("ok",), **more):
        """What the person does from now on (tests/tools/pinentry)."""
        with open(self.pinentry + ".json.new", "w", encoding="utf-8") as script:
            json.dump({"getpin": list(getpin), "confirm": list(confirm), **more}, script)
        os.rename(self.pinentry + ".json.new", self.pinentry + ".json")

    def held(self, **more):
        """The person at the prompt types no PIN until what this returns is called."""
        path = os.path.join(self.rig.dir, f"typed-{os.urandom(8).hex()}")
        self.script(typed=path, **more)
        return lambda: os.close(os.open(path, os.O_CREAT | os.O_WRONLY))

    def prompts(self):
        """What pinentry was told since the last look, as lines."""
        try:
            with open(self.pinentry + ".log", encoding="utf-8") as record:
                record.seek(self.told)
                lines = record.read().splitlines()
                self.told = record.tell()
            return lines
        except OSError:
            return []

    def answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(self.socket)
            return True
        except OSError:
            return False

    def status(self):
        return call(self.socket, "mohr.Identity.Status")[1]

    def request(self, reader=None, timeout=90, **parameters):
        """An Assert by socket, as one of the CLI but cheaper: (exit code, assertion or detail)."""
        parameters = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}, **parameters,
                      **({"reader": reader} if reader else {})}
        error, reply = call(self.socket, "mohr.Identity.Assert", parameters, timeout)
        if not error:
            return 0, reply["assertion"]
        return outcomes().get(error.rsplit(".", 1)[1], error), reply

    def state_of(self, reader):
        found = [entry["state"] for entry in self.status().get("readers", []) if entry["name"] == reader]
        return found[0] if found else None

    def wait_state(self, reader, *states, seconds=PATIENCE):
        return wait_for(lambda: self.state_of(reader) in states, seconds, 0.02)

    def helpers(self, everything=False):
        """pids of what the daemon has started, with their command names; the history's worker, which comes and goes by its
        own clock, with everything."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                    name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            if int(rest.split()[1]) == self.process.pid and (everything or not name.startswith("mohr-history")):
                found[int(pid)] = name
        return found

    def stop(self):
        return self.process.stop()


class Connection:
    """A Varlink client of 20 lines."""

    def __init__(self, path, timeout=60):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(path)
        self.buffer = b""

    def send(self, method, parameters=None, **flags):
        frame = {"method": method, "parameters": parameters or {}, **flags}
        self.socket.sendall(json.dumps(frame, ensure_ascii=False).encode() + b"\0")
        return self

    def receive(self):
        """(error or None, parameters, continues)"""
        while b"\0" not in self.buffer:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("mohrd hung up")
            self.buffer += piece
        frame, self.buffer = self.buffer.split(b"\0", 1)
        reply = json.loads(frame)
        return reply.get("error"), reply.get("parameters") or {}, reply.get("continues", False)

    def close(self):
        self.socket.close()


def outcomes():
    """{"NoReader": 10, ...} from base/outcome.h."""
    with open(os.path.join(TREE, "base/outcome.h"), encoding="ascii") as header:
        return {name: int(number) for number, name in re.findall(r"X\((\d+), \w+, (\w+)\)", header.read())}


def call(path, method, parameters=None, timeout=60):
    connection = Connection(path, timeout)
    try:
        return connection.send(method, parameters).receive()[:2]
    finally:
        connection.close()


class Rig:
    def __init__(self, build, folder, pki, shard=(0, 1)):
        self.build, self.dir, self.pki, self.shard = os.path.abspath(build), folder, pki, shard
        self.processes, self.failed = [], 0
        # A card writes its counters anew at each command; on a disk that costs more than all else it does.
        memory = tempfile.mkdtemp(prefix="cards-", dir=PRIVATE) if os.path.ismount(PRIVATE) else None
        self.quick = memory or folder
        self.pinentry_script = os.path.join(self.build, "tests/pinentry-script")
        self.env = {name: value for name, value in os.environ.items()
                    if name in ("PATH", "LANG", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
        self.env.update(LC_ALL="C.UTF-8", HOME=folder, XDG_STATE_HOME=folder, MOHR_VPCD_QUIET="1")
        monitored = os.path.join(self.build, "tests/monitored_softcard")
        self.softcard = monitored if os.path.exists(monitored) else os.path.join(self.build, "mohr-softcard")
        self.root = os.path.join(self.pki, "root.pem")

    def check(self, ok, what, detail=None):
        print(f"{'ok' if ok else 'not ok'} - {what}", flush=True)
        if not ok:
            self.failed += 1
            if detail is not None:
                print(f"    {detail}", flush=True)
        return ok

    def mine(self, cases):
        """This worker's share of independent cases."""
        index, count = self.shard
        return list(cases)[index::count]

    def once(self, what, find_out):
        """What every worker needs to know and the first one finds out; the others wait for it. (It goes through JSON.)"""
        with open(os.path.join(self.pki, what + ".once"), "a+", encoding="ascii") as known:
            fcntl.flock(known, fcntl.LOCK_EX)
            known.seek(0)
            text = known.read()
            if not text:
                text = json.dumps(find_out())
                known.write(text)
        return json.loads(text)

    def sanitized(self):
        return os.path.basename(self.build) == "asan"

    def few(self, cases, step):
        """One in `step` of them under the sanitizers, whose build is slow and has the same branches."""
        return list(cases)[::step if self.sanitized() else 1]

    @staticmethod
    def skip(what, why):
        print(f"skip - {what}: {why}", flush=True)

    def note(self, text):
        print(f"# {text}", flush=True)

    def mohr(self, daemon, *words, env=None, timeout=120, text=None):
        """The CLI: (exit code, stdout, stderr). DISPLAY names a screen that only the script looks at."""
        environment = {**self.env, "DISPLAY": ":mohr-test", **(env or {})}
        if daemon:
            environment["MOHR_SOCKET"] = daemon.socket
        done = subprocess.run([os.path.join(self.build, "mohr"), *words], env=environment, capture_output=True,
                              timeout=timeout, input=text, text=True, check=False, cwd=self.dir)
        return done.returncode, done.stdout, done.stderr

    def assert_(self, daemon, reader=None, **more):
        words = ["assert", "--audience", AUDIENCE, "--nonce", NONCE, "--timeout", "60"]
        return self.mohr(daemon, *words, *(["--reader", reader] if reader else []), **more)

    def verify(self, assertion, *words, root=None):
        return self.mohr(None, "verify", "--trust", root or self.root, "--audience", AUDIENCE, "--nonce", NONCE,
                         *words, "-", text=assertion)

    def peer(self, *words):
        """Another PC/SC program (tests/tools/pcsc_peer.c); returns when it says that it is ready."""
        process = Process(self, "peer", [os.path.join(self.build, "tests/pcsc_peer"), *words], self.env,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.child.stdout.readline()
        return process

    def end(self):
        for process in reversed(self.processes):
            process.stop(signal.SIGTERM, 2)

    def programs_for_all(self):
        """A folder of copies of the programs: another user cannot enter a checkout in root's home."""
        place = os.path.join(self.dir, "programs")
        if os.path.isdir(place):
            return place
        os.chmod(self.dir, 0o711)
        os.makedirs(place, 0o755)
        for name in os.listdir(self.build):
            if name.startswith("mohr") and os.path.isfile(os.path.join(self.build, name)):
                shutil.copy2(os.path.join(self.build, name), place)
        shutil.copy2(self.pinentry_script, place)
        return place

    def show_logs(self):
        for process in self.processes:
            print(f"--- {process.name} ({process.pid})")
            print("".join("    " + line + "\n" for line in process.said().splitlines()[-25:]), end="")


def make_pki(build):
    """The simulated cards' keys and certificates: a copy of what tests/run made for all scripts, or new ones."""
    folder = tempfile.mkdtemp(prefix="mohr-pki-")
    if made := os.environ.get("MOHR_TEST_PKI"):
        return shutil.copytree(made, folder, dirs_exist_ok=True)
    subprocess.run([os.path.join(build, "mohr-softcard"), "--make-pki", folder], check=True, stdout=subprocess.DEVNULL)
    return folder


def run_workers(build, workers):
    """The same script `workers` times, each in a private world of its own. Returns the exit status."""
    pki = make_pki(build)
    inner = [sys.executable, sys.argv[0], build]
    try:
        children = [subprocess.Popen([os.path.join(TREE, "tests/system/private"), *inner, *sys.argv[2:]],
                                     env=dict(os.environ, MOHR_SHARD=f"{index} {workers} {pki}"),
                                     preexec_fn=die_with_parent) for index in range(workers)]
        codes = [child.wait() for child in children]
    finally:
        shutil.rmtree(pki, ignore_errors=True)
    if 125 in codes:
        Rig.skip(os.path.basename(sys.argv[0]), "this machine permits no mount namespace")
        return 0
    return max(codes)


def main(body, workers=1):
    """Runs body(rig) in the private world, `workers` times at once with a share each; exit 1 if anything failed."""
    build = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else os.path.join(TREE, "build")
    if not os.environ.get("MOHR_PRIVATE"):
        sys.exit(run_workers(build, workers))
    die_with_parent()
    index, count, pki = os.environ["MOHR_SHARD"].split(" ", 2)
    folder = tempfile.mkdtemp(prefix="mohr-")
    rig = Rig(build, folder, pki, (int(index), int(count)))
    try:
        body(rig)
    except Exception as broken:  # a broken rig is a failure with everything shown
        rig.check(False, f"the test ran to its end: {type(broken).__name__}: {broken}")
        raise
    finally:
        rig.end()
        if rig.failed:
            rig.show_logs()
        for used in {folder, rig.quick}:
            shutil.rmtree(used, ignore_errors=True)
    sys.exit(1 if rig.failed else 0)
