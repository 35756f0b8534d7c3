#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""clients.py [BUILD]: hostile and clumsy clients against the real mohrd; where its socket may lie; how it
starts and ends. No reader is needed: the one driver asked for is the software card's, which finds no
card to make. Fairness is checked by counting who was answered, never by a clock.
"""
import errno
import json
import os
import re
import select
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BUILD", os.path.join(TREE, "build")))
MOHRD = os.path.join(BUILD, "mohrd")
FRAME_MAX, DEPTH_MAX, PER_PROCESS, ALL = 16384, 8, 32, 64
PATIENCE = 60  # seconds that a busy machine may need for what takes none
failed = False


def check(holds, what, detail=""):
    global failed
    print(("ok - " if holds else "not ok - ") + what, flush=True)
    if not holds:
        failed = True
        print("    " + repr(detail)[:2000], flush=True)


def wait_for(condition):
    """The first true value of condition(), or its last value when the time is over."""
    end = time.monotonic() + PATIENCE
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.005)
    return value


class Daemon:
    count = 0

    def __init__(self, folder, name="mohr.sock", path=None, env=None, arguments=(), wait=True, **popen):
        self.path = path or os.path.join(folder, name)
        Daemon.count += 1
        self.log = open(os.path.join(folder, f"mohrd-{Daemon.count}.log"), "w+b")
        where = [] if path == "" else ["--socket", self.path]
        self.child = subprocess.Popen([MOHRD, *where, "--config", CONFIG,
                                       "--driver", "soft", *arguments],
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                      env={**ENV, **(env or {})}, **popen)
        if wait:
            self.wait_ready()

    def wait_ready(self):
        wait_for(lambda: b": ready" in self.said() or self.child.poll() is not None)

    def said(self):
        with open(self.log.name, "rb") as log:
            return log.read()

    def end(self, how=signal.SIGTERM, seconds=PATIENCE):
        if self.child.poll() is None:
            self.child.send_signal(how)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return self.child.wait()


class Client:
    def __init__(self, path, timeout=PATIENCE):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)  # waits while the backlog is full
        self.socket.settimeout(timeout)
        self.buffer = b""

    def raw(self, data):
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return self

    def say(self, method, parameters=None, **flags):
        return self.raw(json.dumps({"method": method, "parameters": parameters or {}, **flags}).encode() + b"\0")

    def hear(self):
        """One message, or None for the end of the connection."""
        while b"\0" not in self.buffer:
            try:
                piece = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not piece:
                return None
            self.buffer += piece
        frame, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(frame)

    def close(self):
        self.socket.close()


STATUS = b'{"method":"mohr.Identity.Status"}\0'


def well(path):
    """A new client gets its Status."""
    client = Client(path)
    answer = client.raw(STATUS).hear()
    client.close()
    return bool(answer) and answer.get("parameters", {}).get("backends") is not None


# --- the interface texts, read by the grammar of varlink.org and not by the daemon's code ---

class Grammar:
    TOKEN = re.compile(r"\s*(?:#[^\n]*\n\s*)*(->|\[string\]|\[\]|[(){}:,?]|[A-Za-z][A-Za-z0-9_.-]*|$)")

    def __init__(self, text):
        self.text, self.at, self.members = text, 0, {"type": {}, "method": {}, "error": {}}
        self.used = set()

    def peek(self):
        found = self.TOKEN.match(self.text, self.at)
        if not found:
            raise ValueError("no token at " + repr(self.text[self.at:self.at + 30]))
        return found

    def next(self, wanted=None, shape=None):
        found = self.peek()
        token = found.group(1)
        if (wanted is not None and token != wanted) or (shape and not re.fullmatch(shape, token)):
            raise ValueError(f"{token!r} instead of {wanted or shape}")
        self.at = found.end()
        return token

    def type(self):
        if self.peek().group(1) == "?":
            self.next()
            if self.peek().group(1) == "?":
                raise ValueError("?? is no type")
        while self.peek().group(1) in ("[]", "[string]"):
            self.next()
        if self.peek().group(1) == "(":
            return self.struct()
        name = self.next(shape="bool|int|float|string|object|[A-Z][A-Za-z0-9]*")
        if name[0].isupper():
            self.used.add(name)

    def struct(self):
        names, enum = [], False
        self.next("(")
        while self.peek().group(1) != ")":
            if names:
                self.next(",")
            names.append(self.next(shape="[A-Za-z](_?[A-Za-z0-9])*"))
            enum = self.peek().group(1) != ":" if len(names) == 1 else enum
            if enum:  # names alone, all of them
                continue
            self.next(":")
            self.type()
        self.next(")")
        if len(set(names)) != len(names):
            raise ValueError("a field is there twice")
        return names

    def interface(self):
        self.next("interface")
        name = self.next(shape=r"[A-Za-z]([-]*[A-Za-z0-9])*(\.[A-Za-z0-9]([-]*[A-Za-z0-9])*)+")
        while kind := self.next(shape="type|method|error|"):
            member = self.next(shape="[A-Z][A-Za-z0-9]*")
            if any(member in members for members in self.members.values()):
                raise ValueError(member + " is there twice")
            self.members[kind][member] = self.struct()
            if kind == "method":
                self.next("->")
                self.struct()
        if self.used - set(self.members["type"]):
            raise ValueError("unknown types: " + str(self.used - set(self.members["type"])))
        return name


def read_interface(text):
    grammar = Grammar(text)
    return grammar.interface(), grammar.members


def introspection(path):
    client = Client(path)
    names = client.say("org.varlink.service.GetInfo").hear()["parameters"]["interfaces"]
    texts = {file.removesuffix(".varlink") for file in os.listdir(os.path.join(TREE, "daemon")) if file.endswith(".varlink")}
    check(set(names) == texts and len(names) == len(texts), "GetInfo lists what is served: each text in the tree", names)
    for name in names:
        text = client.say("org.varlink.service.GetInterfaceDescription", {"interface": name}).hear()["parameters"]["description"]
        with open(os.path.join(TREE, "daemon", name + ".varlink"), encoding="utf-8") as file:
            check(text == file.read(), f"the text of {name} is the file in the tree")
    client.close()
    for name in names:
        with open(os.path.join(TREE, "daemon", name + ".varlink"), encoding="utf-8") as file:
            try:
                found, members = read_interface(file.read())
                check(found == name, f"{name} is a Varlink interface by the grammar", found)
            except ValueError as error:
                check(False, f"{name} is a Varlink interface by the grammar", str(error))
        if name in ("mohr.Identity", "mohr.Documents", "mohr.Keys"):
            with open(os.path.join(TREE, "base/outcome.h"), encoding="ascii") as header:
                outcomes = {name for number, name in re.findall(r"X\((\d+), \w+, (\w+)\)", header.read())}
            outcomes -= {"DaemonUnreachable", "AssertionInvalid", "CertificateExpired", "NotTimestamped"}  # the client's own
            outcomes -= set() if name == "mohr.Documents" else {"DocumentUnusable"}
            own = {"mohr.Documents": {"TooManyDocuments", "NoSuchDocument"}, "mohr.Keys": {"NotRecognised", "MechanismInvalid", "CardChanged"}}
            check(outcomes == set(members["error"]) - own.get(name, set()),
                  f"{name}: every outcome the daemon can answer is a declared error, and besides only those of its own",
                  outcomes ^ set(members["error"]))


# --- bytes that are no Varlink ---

def closed_after(path, data, what):
    client = Client(path)
    answer = client.raw(data).hear()
    client.close()
    check(answer is None and well(path), what, answer)


def hostile_bytes(path):
    frame = b'{"method":"mohr.Identity.Status","parameters":{"x":"'
    closed_after(path, b"a" * (FRAME_MAX + 1), "a frame over the cap ends its connection")
    closed_after(path, b"a" * 4_000_000, "so does a stream without end")
    closed_after(path, frame + b"[" * 100 + b'"}}' + b"x\0", "text after the object ends it")
    closed_after(path, b'{"method":"a.b.C","parameters":' + b"[" * 9 + b"]" * 9 + b"}\0", "deep nesting ends it")
    closed_after(path, b"[" * 16000 + b"\0", "deepest nesting ends it")
    deep = [b'{"method":"mohr.Identity.Status","parameters":' + b'{"x":' * levels + b"1" + b"}" * levels + b"}\0" for levels in (DEPTH_MAX - 1, DEPTH_MAX)]
    client = Client(path)
    check((client.raw(deep[0]).hear() or {}).get("error") == "org.varlink.service.InvalidParameter", f"{DEPTH_MAX} levels are read, and refused for what they say")
    client.close()
    closed_after(path, deep[1], "one level more ends it")
    closed_after(path, os.urandom(4096) + b"\0", "noise ends it")
    closed_after(path, b"\0" * 5000, "empty frames end it")
    closed_after(path, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n\0", "another protocol ends it")
    closed_after(path, b'{"method":"mohr.Identity.Status","method":"mohr.Identity.Status"}\0', "a repeated member ends it")
    closed_after(path, b'{"method":"mohr.Identity.Status","parameters":{"x":"\xc3\x28"}}\0', "invalid UTF-8 ends it")
    client = Client(path)
    largest = frame + b"a" * (FRAME_MAX - len(frame) - 3) + b'"}}'
    answer = client.raw(largest + b"\0").hear()
    check(len(largest) == FRAME_MAX and answer and answer.get("error") == "org.varlink.service.InvalidParameter",
          "a frame of exactly the cap is read", answer)
    client.close()


def slow_drip(path):
    slow = Client(path)
    for byte in STATUS[:-1]:
        slow.raw(bytes([byte]))
    check(well(path), "a client that never ends its frame holds up nobody")
    check("parameters" in (slow.raw(b"\0").hear() or {}), "and is answered when it does")
    slow.close()


def half_open(path):
    client = Client(path)
    client.raw(STATUS + STATUS)
    client.socket.shutdown(socket.SHUT_WR)
    answers = [client.hear(), client.hear(), client.hear()]
    check(answers[0] and answers[1] and answers[2] is None, "a half-closed client gets its answers, then the end", answers)
    client.close()
    client = Client(path)
    client.raw(b'{"method":').socket.shutdown(socket.SHUT_WR)
    check(client.hear() is None, "half a frame and the end is the end")
    client.close()


def passed_descriptors(path):
    client = Client(path)
    reader, writer = os.pipe()
    refused = 0
    for turn in range(50):
        socket.send_fds(client.socket, [STATUS], [writer] * (1 + turn % 2))
        refused += (client.hear() or {}).get("parameters") == {"parameter": "descriptor"}
    check(refused == 50, "a call that takes no descriptor is refused with one, and with two", refused)
    check("version" in client.raw(STATUS).hear()["parameters"], "and served without")
    client.close()
    for count in (3, 20, 250):
        client = Client(path)
        socket.send_fds(client.socket, [STATUS], [writer] * count)
        check(client.hear() is None, f"who passes {count} descriptors at once is hung up on")
        client.close()
    os.close(writer)
    ended = select.select([reader], [], [], PATIENCE)[0]  # who was hung up on may be told before all else is put away
    check(ended and os.read(reader, 1) == b"" and well(path), "none of them is kept")
    os.close(reader)


def lingering():
    """A TCP socket whose last close waits an hour for a peer that reads nothing, and that peer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        peer = server.accept()[0]
    ours.setblocking(False)
    try:
        while True:
            ours.send(bytes(65536))
    except BlockingIOError:
        pass
    ours.setblocking(True)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    return ours, peer


def slow_to_close(folder):
    """Descriptors whose close waits: with a call, several at once, with what is never read. mohrd has the last of each."""
    try:
        lingering()[0].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))
    except OSError as error:
        print(f"skip - descriptors whose close waits: {error}")
        return
    daemon = Daemon(folder)
    for count, frame, what in ((1, STATUS, "with a call"), (3, STATUS, "several at once"), (1, STATUS * 2 + b'{"meth', "among calls")):
        client, pairs = Client(daemon.path), [lingering() for _ in range(count)]
        well(daemon.path)
        daemon.child.send_signal(signal.SIGSTOP)
        socket.send_fds(client.socket, [frame], [ours.fileno() for ours, _ in pairs])
        for ours, _ in pairs:
            ours.close()
        if what == "among calls":
            client.close()
        daemon.child.send_signal(signal.SIGCONT)
        try:
            served = well(daemon.path)
        except TimeoutError:
            served = False
        check(served, f"descriptors whose close waits an hour, passed {what}, hold nobody up")
        if not served:
            break
    daemon.end(signal.SIGKILL)


# --- floods ---

def flood_not_read(path):
    """One client sends calls and takes no answer; the kernel's buffers fill, and others are served: twenty in a row, without a
    byte more that is read of the first."""
    flood = Client(path)
    flood.socket.setblocking(False)
    sent = refused = served = 0
    while refused < 20 and sent < 200_000:
        try:
            sent += flood.socket.send(STATUS * 50)
            refused = served = 0
        except BlockingIOError:
            refused += 1
            served += well(path)
    check(refused == 20 and sent < 200_000, "a client that takes no answers is asked nothing more", sent)
    check(served == 20, "and others are served meanwhile", served)
    flood.close()
    check(well(path), "its end changes nothing")


def flood_read(daemon):
    """A hundred calls of one client wait, and one of another that came later: who has one is through with it before the other is with
    its hundred. Who was first the kernel remembers, however late this script is woken, but for the rare time when both are through before
    it looks: three of five are enough. That it does is shown by the reverse."""
    firsts = {counts: [first_through(daemon, counts) for _ in range(5)] for counts in ((100, 1), (1, 100))}
    check(firsts[100, 1].count(1) >= 3 and firsts[1, 100].count(0) >= 3, "a flood of calls and one client at a time take turns", firsts)


def first_through(daemon, counts):
    """Of two clients with so many calls and an end behind them, which was hung up on first; None: neither."""
    clients = [Client(daemon.path) for _ in counts]
    well(daemon.path)  # both are accepted
    daemon.child.send_signal(signal.SIGSTOP)
    wait_for(lambda: state_of(daemon.child.pid) == "T")
    with select.epoll() as order:  # which has them in the order in which they happened
        for client, count in zip(clients, counts):
            client.raw(STATUS * count + b"\0")
            order.register(client.socket, select.EPOLLRDHUP | select.EPOLLET)
        daemon.child.send_signal(signal.SIGCONT)
        told = order.poll(PATIENCE)
    first = [client.socket.fileno() for client in clients].index(told[0][0]) if told else None
    for client in clients:
        client.close()
    return first


def state_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
        return stat.read().rsplit(")", 1)[1].split()[0]


def thousand_connects(path):
    for number in range(1000):
        client = Client(path)
        if number % 2:
            client.raw(STATUS)
        if number % 7 == 0:
            client.raw(b'{"method":"mohr.Identity.Watch","more":true}\0')
        client.close()
    check(wait_for(lambda: well(path)), "a thousand connects later all is well")  # the last of them may still count


def hold(path, count):
    """Another process that holds `count` connections; says how many of them live."""
    code = ("import socket,sys\nheld=[]\nfor _ in range(%d):\n s=socket.socket(socket.AF_UNIX);s.connect(%r)\n"
            " s.settimeout(60);held.append(s)\n try: s.send(%r)\n except OSError: pass\n"  # over the cap it may have ended
            "def lives(s):\n try: return bool(s.recv(4096))\n except OSError: return False\n"
            "print(sum(map(lives,held)),flush=True);sys.stdin.read()" % (count, path, STATUS))
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    return child, int(child.stdout.readline())


def let_go(child):
    child.stdin.close()
    child.wait()
    child.stdout.close()


def caps(path):
    first, lives = hold(path, PER_PROCESS + 8)
    check(lives == PER_PROCESS, "one process gets its share of connections and no more", lives)
    check(well(path), "another process is served")
    second, lives = hold(path, PER_PROCESS)
    check(lives == ALL - PER_PROCESS, "all of them together have a cap", lives)
    client = Client(path)
    check(client.raw(STATUS).hear() is None, "beyond it a client is told by an end, not by silence")
    client.close()
    let_go(first)
    let_go(second)
    check(wait_for(lambda: well(path)), "when they go, the next is served")


# --- who may connect ---

def other_user(folder):
    if os.geteuid() != 0:
        print("skip - another user is refused: only root can become one")
        return
    place = os.path.join(folder, "open")
    os.mkdir(place)
    daemon = Daemon(place)
    os.chmod(folder, 0o711)
    os.chmod(place, 0o711)
    os.chmod(daemon.path, 0o666)
    code = ("import socket\ns=socket.socket(socket.AF_UNIX);s.settimeout(60);s.connect(%r)\n"
            "try:\n s.send(%r);print('heard',s.recv(4096))\nexcept OSError: print('heard',b'')" % (daemon.path, STATUS))
    said = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", sys.executable, "-c", code],
                          capture_output=True, text=True, check=False)
    check(said.stdout == "heard b''\n", "another user is refused, whatever the file's mode", said)
    check(well(daemon.path), "and the owner is not")
    check(b"another user" in daemon.said(), "the log says so")
    daemon.end()
    os.chmod(folder, 0o700)


# --- where the socket may lie ---

def refused(folder, path, code, what, text):
    daemon = Daemon(folder, path=path, wait=False)
    try:
        status = daemon.child.wait(PATIENCE)
    except subprocess.TimeoutExpired:  # it serves there
        daemon.child.kill()
        status = daemon.child.wait()
    check(status == code and text in daemon.said(), what, (status, daemon.said()))


def places(folder):
    live = Daemon(folder)
    check(stat.S_IMODE(os.stat(live.path).st_mode) == 0o600, "the socket is the owner's alone")
    refused(folder, live.path, 23, "a second daemon gives way", b"another mohrd answers")
    check(well(live.path), "and the first goes on")
    live.child.kill()
    live.child.wait()
    check(os.path.exists(live.path), "a killed daemon leaves its socket")
    again = Daemon(folder)
    check(well(again.path), "the next one replaces it")
    check(again.end() == 0 and not os.path.exists(again.path), "an orderly end takes it away")

    left = os.path.join(folder, "left")
    code = ("import os,socket,sys\ns=socket.socket(socket.AF_UNIX);s.bind(%r);s.listen(8);r,w=os.pipe()\n"
            "if os.fork()==0:\n os.read(0,1)\n os._exit(0)\n" % left)
    orphan = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    orphan.wait()
    heir = Daemon(folder, path=left)
    check(well(left) and heir.end() == 0, "a socket that only a child of a dead daemon still holds is replaced", heir.said())
    orphan.stdin.close()

    target = os.path.join(folder, "real")
    os.mkdir(target, 0o700)
    os.symlink(target, os.path.join(folder, "link"))
    refused(folder, os.path.join(folder, "link", "s"), 2, "a folder behind a symbolic link is refused", b"its folder")
    os.symlink(os.path.join(target, "elsewhere"), os.path.join(folder, "dangling"))
    refused(folder, os.path.join(folder, "dangling"), 2, "a symbolic link in its place is refused", b"something else")
    precious = os.path.join(folder, "precious")
    with open(precious, "w", encoding="ascii") as file:
        file.write("keep")
    refused(folder, precious, 2, "a file in its place is refused", b"something else")
    with open(precious, encoding="ascii") as file:
        check(file.read() == "keep", "and left alone")
    os.chmod(target, 0o770)
    refused(folder, os.path.join(target, "s"), 2, "a folder others may write to is refused", b"only you may write")
    refused(folder, "/tmp/mohr-test.sock", 2, "so is /tmp", b"its folder must belong")
    refused(folder, "relative.sock", 2, "so is a relative path", b"absolute")
    fresh = Daemon(folder, path=os.path.join(folder, "new", "s"))
    check(stat.S_IMODE(os.stat(os.path.dirname(fresh.path)).st_mode) == 0o700, "a missing folder is made private")
    fresh.end()


def two_at_once(folder):
    path = os.path.join(folder, "race")
    for _ in range(5):
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(path)
        stale.close()
        crowd = []
        for number in range(4):
            place = os.path.join(folder, f"crowd{number}")
            os.makedirs(place, exist_ok=True)
            crowd.append(Daemon(place, path=path, wait=False))
        for daemon in crowd:
            daemon.wait_ready()
        alive = [daemon for daemon in crowd if daemon.child.poll() is None]
        good = len(alive) == 1 and well(path)
        for daemon in crowd:
            daemon.end()
        if not good:
            break
    check(good, "of four daemons started at once over a dead socket exactly one lives, and answers", len(alive))


# --- how it starts and ends ---

def activated(folder, sockets, **more):
    """mohrd with these sockets passed in as by a service manager."""
    shell = 'export LISTEN_PID=$$; exec "$@"'
    plan = {3 + index: sock.fileno() for index, sock in enumerate(sockets)}

    def arrange():
        high = [os.dup2(fd, 100 + number, True) for number, fd in plan.items()]
        for number, fd in zip(plan, high):
            os.dup2(fd, number, True)

    log = open(os.path.join(folder, "mohrd.log"), "w+b")
    child = subprocess.Popen(["sh", "-c", shell, "sh", MOHRD, "--config", CONFIG, "--driver", "soft"],
                             env={**ENV, "LISTEN_FDS": str(len(sockets))}, stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL, preexec_fn=arrange, close_fds=False, **more)
    return child, log.name


def socket_activation(folder):
    path = os.path.join(folder, "passed")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(8)
    early = Client(path).raw(STATUS)
    child, _ = activated(folder, [listener])
    check("parameters" in (early.hear() or {}), "a client that came before the daemon is served from a passed socket")
    child.terminate()
    check(child.wait(PATIENCE) == 0 and os.path.exists(path), "a passed socket is not taken away")
    for sockets, what in (([listener, listener], "two passed sockets are refused"),
                          ([socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)], "a passed datagram socket is refused"),
                          ([socket.socket(socket.AF_UNIX)], "a passed socket that does not listen is refused")):
        child, log = activated(folder, sockets)
        status = child.wait(PATIENCE)
        with open(log, "rb") as text:
            check(status == 2 and b"exactly one" in text.read(), what, status)


def life(folder):
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(os.path.join(folder, "notify"))
    notify.settimeout(PATIENCE)
    daemon = Daemon(folder, env={"NOTIFY_SOCKET": os.path.join(folder, "notify")})
    check(notify.recv(100) == b"READY=1", "the service manager is told when it is ready")
    check(well(daemon.path), "and it is")
    with open(f"/proc/{daemon.child.pid}/limits", encoding="ascii") as limits:
        check(re.search(r"Max core file size\s+0\s+0", limits.read()), "it leaves no core file")
    with open(f"/proc/{daemon.child.pid}/status", encoding="ascii") as status:
        check(re.search(r"^Umask:\s+0077", status.read(), re.M), "what it makes is its own")
    check(os.stat(f"/proc/{daemon.child.pid}/mem").st_uid == 0, "it is not dumpable")
    daemon.child.send_signal(signal.SIGHUP)
    check(well(daemon.path), "SIGHUP is nothing to it")
    watch = Client(daemon.path).say("mohr.Identity.Watch", more=True)
    check(watch.hear().get("continues") is True, "a Watch begins with the present")
    daemon.child.send_signal(signal.SIGTERM)
    last = watch.hear()
    while last and last.get("continues"):  # a reader may come just then
        last = watch.hear()
    check(last and not last.get("continues") and watch.hear() is None, "SIGTERM ends a Watch with its last answer", last)
    check(daemon.child.wait(PATIENCE) == 0, "and the daemon, without waiting for more")
    said = b""
    while b"STOPPING=1" not in said:
        said += notify.recv(100)
    check(True, "the service manager is told that it stops")
    for how in (signal.SIGINT, signal.SIGTERM):
        check(Daemon(folder).end(how) == 0, f"{how.name} ends it in order")
    for arguments, code in ((["--help"], 0), (["--version"], 0), (["--frob", "x"], 2), (["--driver"], 2)):
        said = subprocess.run([MOHRD, *arguments], capture_output=True, env=ENV, check=False)
        check(said.returncode == code, f"mohrd {' '.join(arguments)} ends with {code}", said)
    said = subprocess.run([MOHRD, "--driver", "soft", "--config", CONFIG], capture_output=True,
                          env={key: value for key, value in ENV.items() if key != "XDG_RUNTIME_DIR"}, check=False)
    check(said.returncode == 2 and b"XDG_RUNTIME_DIR" in said.stderr, "without a place for its socket it says what to set", said)


def watchdog(folder):
    path = os.path.join(folder, "watchdog")
    notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notify.bind(path)
    notify.settimeout(PATIENCE)
    daemon = Daemon(folder, env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
    said = [notify.recv(100) for _ in range(3)]
    check(any(b"WATCHDOG=1" in word for word in said), "the watchdog is fed if there is one", said)
    daemon.end()


def main():
    global CONFIG, ENV
    with tempfile.TemporaryDirectory(prefix="mohr-clients-") as folder:
        CONFIG = os.path.join(folder, "mohr.conf")
        with open(CONFIG, "w", encoding="ascii") as config:
            config.write(f"[state]\ndir = {folder}/state\n")
        ENV = {"PATH": os.environ["PATH"], "HOME": folder, "XDG_RUNTIME_DIR": folder,
               **{key: value for key, value in os.environ.items() if key.endswith("SAN_OPTIONS")}}
        daemon = Daemon(folder)
        for part in (introspection, hostile_bytes, slow_drip, half_open, passed_descriptors, flood_not_read, thousand_connects, caps):
            part(daemon.path)
        flood_read(daemon)
        if os.geteuid() == 0:
            folder_of_fds = f"/proc/{daemon.child.pid}/fd"
            check(wait_for(lambda: len(os.listdir(folder_of_fds)) < 32), "nothing of all this is left open", os.listdir(folder_of_fds))
        else:
            print("skip - nothing of all this is left open: only root may look into a process that is not dumpable")
        check(daemon.end() == 0, "after all this it ends in order", daemon.said()[-1000:])
        for part in (slow_to_close, other_user, places, two_at_once, socket_activation, life, watchdog):
            part(folder)
    return failed


sys.exit(main())
