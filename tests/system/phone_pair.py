#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""phone_pair.py BUILD: two devices become a pair, as the two people before them see it.

Both real programs, each on a terminal of its own and in a network namespace of its own, joined by one cable. What a camera would see
is read by zbarimg. Between them: nobody, a man in the middle, strangers, and a person who says no.
"""
import ctypes
import fcntl
import glob
import json
import os
import pty
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("BUILD", "build"))
MOHR, RELAY = os.path.join(BUILD, "mohr"), os.path.join(BUILD, "mohr-relay")
HERE, THERE, PUBLIC, PUBLIC_THERE = "192.168.77.1", "192.168.77.2", "203.0.113.1", "203.0.113.2"
PATIENCE = 60  # for one thing to happen; only what fails takes so long
CLONE_NEWNET = 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
FAILED = []


def check(holds, what, detail=""):
    print(f"{'ok' if holds else 'not ok'} - {what}", flush=True)
    if not holds:
        FAILED.append(what)
        print("    " + repr(detail)[-1500:], flush=True)


# ---- two machines and a cable ----

class Network:
    """This process is in the computer's namespace; the phone's is held open by a program that sleeps."""

    def __init__(self):
        self.holder = subprocess.Popen(["unshare", "-n", "sleep", "infinity"], preexec_fn=lambda: LIBC.prctl(1, signal.SIGKILL))
        own = os.readlink("/proc/self/ns/net")
        path = f"/proc/{self.holder.pid}/ns/net"
        end = time.monotonic() + PATIENCE
        while os.readlink(path) == own and time.monotonic() < end:
            time.sleep(0.01)
        self.phone = os.open(path, os.O_RDONLY)
        self.do("ip link add c0 type veth peer name p0", f"ip link set p0 netns {self.holder.pid}")
        self.do("ip link set lo up", f"ip addr add {HERE}/24 dev c0", f"ip addr add {PUBLIC}/24 dev c0",
                "ip addr add fd77::1/64 dev c0 nodad", "ip link set c0 up")
        self.do("ip link set lo up", f"ip addr add {THERE}/24 dev p0", f"ip addr add {PUBLIC_THERE}/24 dev p0",
                "ip addr add fd77::2/64 dev p0 nodad", "ip link set p0 up", enter=self.enter)

    def do(self, *lines, enter=None):
        for line in lines:
            subprocess.run(line.split(), check=True, preexec_fn=enter, capture_output=True)

    def enter(self):
        if LIBC.setns(self.phone, CLONE_NEWNET) != 0:
            os._exit(125)


class End:
    """One program on one terminal."""

    def __init__(self, device, program, *argv, rows=70, columns=120, env=None, stdin=None):
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen, self.all, self.name = "", "", os.path.basename(program)
        base = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "LANGUAGE": "en", "TERM": "xterm-256color", "HOME": device.folder,
                "XDG_DATA_HOME": device.folder, **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}}
        tty = os.ttyname(follower)

        def settle():
            os.setsid()
            os.close(os.open(tty, os.O_RDWR))  # it becomes the terminal that Ctrl-C comes from
            LIBC.prctl(1, signal.SIGKILL)
            if device.enter:
                device.enter()

        self.child = subprocess.Popen([program, *argv], stdin=stdin or follower, stdout=follower, stderr=follower, cwd=device.folder,
                                      env={**base, **(env or {})}, preexec_fn=settle)
        os.close(follower)

    def read(self, seconds):
        if not select.select([self.leader], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self.leader, 65536)
        except OSError:
            return False
        self.seen += data.decode("utf-8", "replace")
        self.all += data.decode("utf-8", "replace")
        return bool(data)

    def until(self, text):
        """What came up to and with `text`, or all there is if it does not come."""
        end = time.monotonic() + PATIENCE
        while text not in self.seen and time.monotonic() < end and self.read(0.5):
            pass
        before, found, self.seen = self.seen.partition(text)
        return before + found if found else ""

    def type(self, text):
        os.write(self.leader, text.encode())

    def end(self):
        """Its exit code; everything it said is in `all` then."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.read(0.5):
            pass
        code = self.child.wait(PATIENCE)
        os.close(self.leader)
        return code

    def said(self):
        return re.sub(r"\x1b\[[0-9;]*m", "", self.all).replace("\r\n", "\n")


class Device:
    def __init__(self, folder, name, program, which, enter=None):
        self.folder, self.program, self.which, self.enter = os.path.join(folder, name), program, which, enter
        os.mkdir(self.folder)

    def run(self, *argv, **options):
        return End(self, self.program, *argv, **options)

    def ask(self, *argv, **options):
        """Exit code and what it said."""
        end = self.run(*argv, **options)
        return end.end(), end.said()

    def kept(self):
        return sorted(glob.glob(os.path.join(self.folder, "mohr", self.which, "*")))

    def forget_all(self):
        shutil.rmtree(os.path.join(self.folder, "mohr"), ignore_errors=True)


class World:
    def __init__(self, folder, network):
        self.folder, self.network = folder, network
        self.computer = Device(folder, "computer", MOHR, "phones")
        self.phone = Device(folder, "phone", RELAY, "computers", network.enter)

    def kept(self):
        return len(self.computer.kept()), len(self.phone.kept())

    def name(self):
        with open(self.computer.kept()[0], encoding="utf-8") as file:
            return json.load(file)["name"]

    def clear(self):
        self.computer.forget_all()
        self.phone.forget_all()


def uri_of(text):
    found = re.search(r'mohr-pair:[^\s"]+', text)
    return found.group().strip("\u2068\u2069") if found else ""


def ports():
    """(address, port) of all TCP sockets that listen on the computer, as the kernel has them."""
    found = set()
    for name in ("tcp", "tcp6"):
        with open("/proc/net/" + name, encoding="ascii") as rows:
            for row in rows.read().splitlines()[1:]:
                local, state = row.split()[1], row.split()[3]
                if state == "0A":
                    found.add((local.split(":")[0], int(local.split(":")[1], 16)))
    return found


def waiting(world, *argv, **options):
    """`mohr phone pair` that waits for a phone, and the text of its QR code."""
    end = world.computer.run("phone", "pair", *argv, **options)
    page = end.until("Ctrl-C")
    return end, uri_of(page)


# ---- by QR code ----

def zbar(path):
    done = subprocess.run(["zbarimg", "-q", "--raw", "-Sdisable", "-Sqrcode.enable", path], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def photo(world, rows):
    """Rows of half blocks (upper, lower) as a picture of eight pixels a module."""
    path, height = os.path.join(world.folder, "photo.pgm"), 2 * len(rows) * 8
    pixels = bytearray()
    for row in rows:
        for half in (0, 1):
            line = b"".join((b"\0" if cell[half] else b"\xff") * 8 for cell in row)
            pixels += line * 8
    with open(path, "wb") as file:
        file.write(b"P5 %d %d 255\n" % (len(rows[0]) * 8, height) + pixels)
    return zbar(path)


INK = {" ": (0, 0), "\u2580": (1, 0), "\u2584": (0, 1), "\u2588": (1, 1)}


def by_picture(world):
    png = os.path.join(world.folder, "invitation.png")
    end, uri = waiting(world, "--qr", png, "--name", "Sara's laptop")
    check(oct(os.stat(png).st_mode)[-3:] == "600", "the picture is its owner's alone")
    check(uri and zbar(png) == uri, "what a camera reads of the PNG is the text below it", (zbar(png), uri))
    check(f"{HERE}:" in uri and "fd77::1]:" in uri and PUBLIC not in uri and "127.0.0.1" not in uri and "fe80" not in uri,
          "local addresses are told, IPv4 and IPv6, and no other", uri)
    port = int(re.search(re.escape(HERE) + r":(\d+)", uri).group(1))
    check({"0100007F", "00000000", "017100CB"}.isdisjoint(address for address, _ in ports()) and len([p for _, p in ports() if p == port]) == 2,
          "it listens there and nowhere else", ports())
    said = end.said()
    check("stranger's computer" in said, "the computer warns before all else", said)
    phone = world.phone.run("pair", "--name", "Pixel")
    phone.until("> ")
    phone.type(uri + "\n")
    codes = phone.end(), end.end()
    check(codes == (0, 0), "the phone is given the text, and both are paired", (codes, phone.said(), end.said()))
    check("never pair with a stranger's computer" in phone.said().lower(), "the phone warns, too")
    check("Sara's laptop" in phone.said() and "Pixel" in end.said() and "mohr-relay serve" in end.said(), "each says with whom, and what comes next")
    check(not os.path.exists(png), "the picture is gone")
    modes = {oct(os.stat(path).st_mode)[-3:] for path in world.computer.kept() + world.phone.kept()}
    check(world.kept() == (1, 1) and modes == {"600"}, "one file on each side, mode 0600", (world.kept(), modes))
    check([os.path.basename(path) for path in world.computer.kept()] == [os.path.basename(path) for path in world.phone.kept()],
          "under the same number")
    check(not {p for _, p in ports()} & {port}, "nothing listens any more", ports())
    code, said = world.phone.ask("pair", uri)
    check(code == 20 and "cannot be reached" in said, "the text of yesterday's code meets nobody", (code, said))
    return uri


def on_a_terminal(world):
    end, uri = waiting(world, "--timeout", "60")
    rows = [[INK[c] for c in line] for line in re.findall(r"\x1b\[38;5;16;48;5;231m([^\x1b]*)\x1b\[0m", end.all)]
    check(rows and photo(world, rows) == uri, "what a camera reads of the terminal is the text below it", (len(rows), uri))
    end.type("\x03")
    check(end.end() == 15 and "Nothing was kept" in end.said(), "Ctrl-C ends it", end.said())
    end, uri = waiting(world, "--timeout", "60", columns=30)
    end.type("\x03")
    check(end.end() == 15 and "too narrow" in end.said() and "\u2588" not in end.said() and uri, "a narrow window gets words and the text", end.said())
    end, uri = waiting(world, rows=20)
    end.type("\x03")
    check(end.end() == 15 and "too low" in end.said() and "\u2588" in end.said(), "a low one is told so", end.said())
    end, uri = waiting(world, env={"NO_COLOR": "1"})
    end.type("\x03")
    check(end.end() == 15 and "\x1b" not in end.all and "\u2588" not in end.all and uri, "without colours there is no picture", end.all)
    end, uri = waiting(world, "--qr", "terminal", env={"TERM": "dumb"})
    end.type("\x03")
    rows = [[(1 - INK[c][0], 1 - INK[c][1]) for c in line] for line in end.said().split("\n") if line and set(line) <= set(INK)]
    check(end.end() == 15 and photo(world, rows) == uri, "but one that is asked for, for light letters on a dark ground", end.said())


def svg(world):
    path = os.path.join(world.folder, "invitation.svg")
    end, uri = waiting(world, "--qr", path)
    with open(path, encoding="ascii") as file:
        text = file.read()
    side = int(re.search(r'viewBox="0 0 (\d+)', text).group(1))
    dark = {(int(x) + i, int(y)) for x, y, run in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", text) for i in range(int(run))}
    rows = [[((x, y) in dark, (x, y + 1) in dark) for x in range(side)] for y in range(0, side, 2)]
    check(photo(world, rows) == uri, "what a camera reads of the SVG is the text below it", uri)
    end.child.send_signal(signal.SIGTERM)
    check(end.end() == 15 and not os.path.exists(path), "the picture goes with a SIGTERM as well", end.said())
    with open(path, "w", encoding="ascii") as file:
        file.write("mine")
    code, said = world.computer.ask("phone", "pair", "--qr", path)
    with open(path, encoding="ascii") as file:
        check(code == 70 and file.read() == "mine" and "a file of this name" in said, "somebody's file is not taken for the picture", (code, said))


# ---- by numbers ----

def both_compare(world, *argv):
    """Both ends with their questions on the screen, and the numbers they show."""
    end = world.computer.run("phone", "pair", "--code", *argv)
    address = re.search(r"mohr-relay pair (\S+)", end.until("Ctrl-C")).group(1)
    phone = world.phone.run("pair", address)
    pages = phone.until("Type yes:"), end.until("Type yes:")
    return end, phone, [re.findall(r"^ +(\d{3} \d{3})\s*$", page, re.M) for page in pages]


def by_numbers(world):
    for answers, codes, words in ((("yes", "yes"), (0, 0), ("Paired with", "Paired with")),
                                  (("yes", "no"), (15, 15), ("You did not say yes", "The other side did not say yes")),
                                  (("", "yes"), (15, 15), ("The other side did not say yes", "You did not say yes")),
                                  (("y", "yes"), (15, 15), ("The other side did not say yes", "You did not say yes"))):
        world.clear()
        end, phone, numbers = both_compare(world)
        check(numbers[0] == numbers[1] and len(numbers[0]) == 1, "both show one number, and the same", numbers)
        check(world.kept() == (0, 0), "nothing is kept before both have answered")
        end.type(answers[0] + "\n")
        if answers[0] == "yes":
            end.until("Waiting for the answer")
        if answers[0] == "yes" or codes == (0, 0):
            phone.type(answers[1] + "\n")
        got = phone.end(), end.end()
        what = f"the computer says {answers[0] or 'nothing'}, the phone {answers[1]}"
        check(got == codes and words[0] in phone.said() and words[1] in end.said(), what, (got, phone.said(), end.said()))
        check(world.kept() == ((1, 1) if codes == (0, 0) else (0, 0)), what + ": what is kept", world.kept())
    world.clear()
    end, phone, _ = both_compare(world)
    phone.type("\x03")
    check(phone.end() == 15 and "Cancelled" in phone.said(), "Ctrl-C at the question", phone.said())
    check(end.until("broke off") != "", "and the computer sees that nobody is there any more", end.said())
    end.type("yes\n\x03")
    check(end.end() == 15 and world.kept() == (0, 0), "and keeps nothing", end.said())
    end = world.computer.run("phone", "pair", "--code")
    address = re.search(r"mohr-relay pair (\S+)", end.until("Ctrl-C")).group(1)
    end.type("yes\n")
    phone = world.phone.run("pair", address)
    phone.until("Type yes:")
    phone.type("yes\n")
    end.until("Type yes:")
    phone.until("Waiting for the answer")
    check(world.kept() == (0, 0), "a yes that was typed before the number was there is none")
    end.type("no\n")
    check((phone.end(), end.end()) == (15, 15) and world.kept() == (0, 0), "and the no after it counts", (phone.said(), end.said()))
    code, said = world.computer.ask("phone", "pair", "--code", stdin=subprocess.DEVNULL)
    check(code == 26, "without somebody to compare there are no numbers", (code, said))
    code, said = world.phone.ask("pair", f"{HERE}:9", stdin=subprocess.DEVNULL)
    check(code == 26, "on the phone neither", (code, said))


# ---- with somebody between, beside, or wrong ----

def certificate(folder):
    path = os.path.join(folder, "stranger.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
                    "-subj", "/CN=x", "-keyout", path, "-out", path + ".crt"], check=True, capture_output=True)
    with open(path, "a", encoding="ascii") as file, open(path + ".crt", encoding="ascii") as crt:
        file.write(crt.read())
    return path


class Middle(threading.Thread):
    """Takes one phone's TLS, makes its own to the computer, and passes on what it reads."""

    def __init__(self, pem, target):
        super().__init__(daemon=True)
        self.listener = socket.create_server((HERE, 0))
        self.address, self.target, self.passed = f"{HERE}:{self.listener.getsockname()[1]}", target, 0
        self.server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.client.check_hostname, self.client.verify_mode = False, ssl.CERT_NONE
        for context in (self.server, self.client):
            context.load_cert_chain(pem)
        self.start()

    def run(self):
        try:
            phone = self.server.wrap_socket(self.listener.accept()[0], server_side=True)
            computer = self.client.wrap_socket(socket.create_connection(self.target))
            while True:
                for end in select.select([phone, computer], [], [], PATIENCE)[0]:
                    data = end.recv(4096)
                    if not data:
                        return
                    (computer if end is phone else phone).sendall(data)
                    self.passed += 1
        except OSError:
            pass
        finally:
            self.listener.close()


def target_of(uri):
    return HERE, int(re.search(re.escape(HERE) + r":(\d+)", uri).group(1))


def in_the_middle(world, pem):
    end, uri = waiting(world)
    middle = Middle(pem, target_of(uri))
    bent = re.sub(r"^mohr-pair:[^?]*", "mohr-pair:" + middle.address, uri)
    code, said = world.phone.ask("pair", bent)
    check(code == 16 and "another device answered" in said and middle.passed == 0, "by QR code: who stands between has no certificate to show",
          (code, said))
    middle.join(PATIENCE)
    code, said = world.phone.ask("pair", uri)
    check(code == 0 and end.end() == 0, "and the right computer still pairs", (code, said, end.said()))
    world.clear()
    end = world.computer.run("phone", "pair", "--code")
    page = end.until("Ctrl-C")
    middle = Middle(pem, target_of(page))
    phone = world.phone.run("pair", middle.address)
    code = phone.end()
    check(code == 16 and "changed its number" in phone.said() and "Somebody may stand between" in phone.said() and middle.passed > 3,
          "by numbers: what is passed on does not fit the connection", (code, phone.said(), middle.passed))
    check("Type yes" not in phone.said(), "and nobody is asked to compare on the phone")
    end.until("changed its number")
    end.type("\x03")
    check(end.end() == 15 and world.kept() == (0, 0), "nobody is paired", end.said())


def strangers(world, pem):
    end, uri = waiting(world)
    for what in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", os.urandom(300)):
        with socket.create_connection(target_of(uri)) as browser:
            browser.sendall(what)
            try:
                answer = browser.recv(4096)
            except OSError:
                answer = b""
            check(b"HTTP" not in answer and len(answer) < 64, "a browser, or anybody, gets no answer worth the name", answer)
        end.until("turned away")
    code, said = world.phone.ask("pair", uri)
    check((code, end.end()) == (0, 0), "two strangers, and then the phone", (code, said, end.said()))
    world.clear()
    end, uri = waiting(world)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for attempt in range(3):
        if attempt == 1:
            context.load_cert_chain(pem)
        try:
            with context.wrap_socket(socket.create_connection(target_of(uri))) as tls:
                tls.sendall(b"\0\5hello" if attempt == 1 else b"\xff\xff" + b"a" * 9000)
                tls.recv(100)
        except OSError:
            pass
        end.until("certificate of a phone" if attempt == 0 else "turned away")
    check(end.end() == 16 and "Too many connections" in end.said(), "three who speak TLS and no pairing, and it is over", end.said())
    check(world.kept() == (0, 0) and not any(port == target_of(uri)[1] for _, port in ports()), "nothing is kept, nothing listens")


def out_of_sight(world):
    """Whoever lists the processes of the phone does not see the secret while it waits for the computer."""
    end, uri = waiting(world)
    with socket.create_server((HERE, 0)) as deaf:
        phone = world.phone.run("pair", re.sub(r":[^?]*", f":{HERE}:{deaf.getsockname()[1]}", uri, count=1))
        met = deaf.accept()[0]
        with open(f"/proc/{phone.child.pid}/cmdline", "rb") as file:
            listed = file.read()
        met.close()
        check(b"relay" in listed and b"mohr-pair" not in listed and phone.end() == 20, "a text of a QR code that was an argument is none any more", listed)
    end.type("\x03")
    end.end()


def wrong_secret(world):
    end, uri = waiting(world)
    bent = re.sub(r"&s=.", lambda found: "&s=" + ("A" if found.group()[-1] != "A" else "B"), uri)
    code, said = world.phone.ask("pair", bent)
    check((code, end.end()) == (16, 16) and "secret" in said and "secret" in end.said(), "a wrong secret ends it at once", (code, said, end.said()))
    code, said = world.phone.ask("pair", uri)
    check(code == 20 and world.kept() == (0, 0), "the right one is worth nothing then", (code, said))
    end, uri = waiting(world)
    code, said = world.phone.ask("pair", f"{target_of(uri)[0]}:{target_of(uri)[1]}")
    check(code == 16 and "by QR code, and the other by numbers" in said, "numbers where a QR code is shown", (code, said))
    end.until("by QR code")
    for text in (uri.replace("?v=1", "?v=2"), uri[:-30], "mohr-pair:", "https://example.org/", HERE, f"{HERE}:0", f"{HERE}:70000"):
        code, said = world.phone.ask("pair", text)
        check(code == 2, f"a text that is none: {text[:40]}", (code, said))
    end.type("\x03")
    end.end()
    world.clear()


# ---- what is allowed, and how much ----

def far_away(world):
    code, said = world.computer.ask("phone", "pair", "--address", PUBLIC)
    check(code == 16 and "--anywhere" in said, "an address of the internet is refused", (code, said))
    end, uri = waiting(world, "--address", PUBLIC, "--anywhere")
    code, said = world.phone.ask("pair", uri)
    check(code == 16 and "no local network" in said and world.kept() == (0, 0), "the phone calls no such address by itself", (code, said))
    code, said = world.phone.ask("pair", "--anywhere", uri)
    check((code, end.end()) == (0, 0) and uri.startswith(f"mohr-pair:{PUBLIC}:"), "with --anywhere on both sides it does", (code, said, end.said()))
    with open(world.computer.kept()[0], encoding="utf-8") as file:
        check(json.load(file)["address"] == f"{PUBLIC_THERE}:46647", "and where it was met is kept")
    code, said = world.computer.ask("phone", "pair", "--address", "192.168.77.99")
    check(code == 20, "an address that this computer has not", (code, said))
    world.clear()


def full_and_open(world):
    for index in range(2):
        end, uri = waiting(world, "--json")
        first = json.loads(end.all.split("\n")[0])
        check(first["pair"] == uri and first["seconds"] == 180, "for programs: the text as a member", end.all)
        code, said = world.phone.ask("pair", "--json", "--name", "Pixel", "--port", "4000", stdin=piped(uri))
        check(code == 0 and end.end() == 0 and '"name":"Pixel' in end.said(), "the text is piped in, the answer is JSON", (code, said, end.said()))
    end, uri = waiting(world)
    code, said = world.phone.ask("pair", "--name", "Pixel", "--port", "4000", uri)
    end.end()
    code, said = world.computer.ask("phone", "list", "--json")
    older = [row["id"] for row in json.loads(said) if row["name"] == "Pixel"]
    check(end.said().count("called Pixel before") == 1 and f"mohr phone forget {older[0]}" in end.said(),
          "that there was one of this name is said, and how to forget that", end.said())
    check(world.computer.ask("phone", "forget", "--yes", "Pixel 3")[0] == 0, "or the newer one")
    code, said = world.computer.ask("phone", "list", "--json")
    rows = json.loads(said)
    check([row["name"] for row in rows] == ["Pixel", "Pixel 2"] and {row["address"] for row in rows} == {f"{THERE}:4000"},
          "a second phone of one name gets another", said)
    code, said = world.computer.ask("phone", "list", "--check")
    check(code == 0 and said.count("Reached: no") == 2 and re.search("7(29|30) days left", said) is not None, "nobody is there, and that is said", said)
    code, said = world.computer.ask("phone", "rename", "Pixel 2", "\x1b[2J")
    check(code == 2, "a name is what can be seen", said)
    code, said = world.computer.ask("phone", "rename", "Pixel 2", "Pixel")
    check(code == 2, "and no other's", said)
    code, said = world.computer.ask("phone", "rename", rows[1]["id"], "گوشی سارا")
    code2, said2 = world.computer.ask("phone", "add-address", "گوشی سارا", "[fd77::2]:5000")
    check((code, code2) == (0, 0) and "[fd77::2]:5000" in said2, "renamed by its number, moved by its name", (said, said2))
    code, said = world.computer.ask("phone", "renew", "Pixel")
    check(code == 20 and "holds as before" in said, "nothing is renewed with nobody", said)
    end = world.computer.run("phone", "forget", "Pixel")
    end.until("Type yes:")
    end.type("\n")
    check(end.end() == 15 and len(world.computer.kept()) == 2, "to forget is asked, and Enter is no", end.said())
    end = world.computer.run("phone", "forget", "Pixel")
    end.until("Type yes:")
    end.type("yes\n")
    check(end.end() == 0 and len(world.computer.kept()) == 1, "yes is yes", end.said())
    sixteen(world)


def piped(text):
    read, write = os.pipe()
    os.write(write, b"\n  " + text.encode() + b" \r\n")
    os.close(write)
    return os.fdopen(read)


def sixteen(world):
    kept = world.computer.kept()[0]
    with open(kept, encoding="utf-8") as file:
        text = file.read()
    for index in range(15):
        number = f"{index:016x}"
        with open(os.path.join(os.path.dirname(kept), number + ".json"), "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text.replace(os.path.basename(kept)[:16], number))
    code, said = world.computer.ask("phone", "pair")
    check(code == 16 and "as many pairings" in said and len(world.computer.kept()) == 16, "sixteen are enough", (code, said))
    code, said = world.computer.ask("phone", "forget", "--yes", "گوشی سارا")
    check(code == 2 and "number (id)" in said, "which of sixteen of one name is not guessed", said)
    os.chmod(os.path.dirname(kept), 0o750)
    code, said = world.computer.ask("phone", "pair")
    check(code == 70 and "not private" in said and "Ctrl-C" not in said, "a folder that others can read is refused before anybody listens", (code, said))
    world.clear()


def clocks(world):
    """A pairing that is over, and one of a day to come: on either side the list says which clock may be wrong, and what to do."""
    end, uri = waiting(world)
    world.phone.ask("pair", uri)
    end.end()
    for device, command in ((world.computer, ["phone", "list"]), (world.phone, ["list"])):
        with open(device.kept()[0], encoding="utf-8") as file:
            kept = json.load(file)
        for age, paired, ends, words in (("over", -800, -70, "a clock is wrong: set that first"), ("early", 3, 700, "a day that has not come yet")):
            kept["paired_at"], kept["expires_at"] = (int(time.time()) + days * 86400 for days in (paired, ends))
            with open(device.kept()[0], "w", encoding="utf-8") as file:
                json.dump(kept, file, separators=(",", ":"))
            code, said = device.ask(*command)
            check(code == 0 and words in said and "By this device's clock it is" in said, f"{command}: {age}", (code, said))
            check(json.loads(device.ask(*command, "--json")[1])[0]["age"] == age, f"{command} --json: {age}")
    world.clear()


def nowhere_to_keep(world):
    """Found out before anybody does anything for it."""
    place = os.path.join(world.folder, "readonly")
    os.mkdir(place)
    with open(os.path.join(place, "mohr"), "w", encoding="ascii"):
        pass
    for device, command in ((world.computer, ["phone", "pair"]), (world.phone, ["pair", f"{HERE}:9"])):
        code, said = device.ask(*command, env={"XDG_DATA_HOME": place})
        check(code == 70 and "cannot be read or changed" in said and place in said and "Ctrl-C" not in said and "Calling" not in said,
              f"{command}: nothing can be kept, which is said first", (code, said))


def names(world):
    end, uri = waiting(world)
    code, said = world.phone.ask("pair", "--name", "\x1b[31mevil\u202e\x07 phone", uri)
    check((code, end.end()) == (0, 0) and "evil phone" in end.said() and "\u202e" not in end.all and "\x1b[31mevil" not in end.all,
          "a name that would paint on the other's screen cannot", end.all[-300:])
    kept = world.computer.kept()[0]
    with open(kept, encoding="utf-8") as file:
        text = file.read()
    with open(kept, "w", encoding="utf-8") as file:
        file.write(text.replace("evil phone", "\\u001b[2J\\u202eboo"))
    listed = world.computer.run("phone", "list")
    listed.end()
    check("\x1b[2J" not in listed.all and "\u202e" not in listed.all, "nor one that stands in the file", listed.all)
    world.clear()


def configured(world):
    folder = os.path.join(world.phone.folder, ".config", "mohr")
    os.makedirs(folder)
    with open(os.path.join(folder, "mohr.conf"), "w", encoding="ascii") as file:
        file.write("[relay]\nname = Counter 4\nport = 4002\n")
    end, uri = waiting(world)
    code, said = world.phone.ask("pair", uri)
    check((code, end.end()) == (0, 0) and "Counter 4" in end.said(), "the phone's name as it is configured", (code, said, end.said()))
    with open(world.computer.kept()[0], encoding="utf-8") as file:
        check(json.load(file)["address"] == f"{THERE}:4002", "and its port")
    shutil.rmtree(folder)
    world.clear()


def pem_of(path):
    with open(path, encoding="utf-8") as file:
        kept = json.load(file)
    return kept["certificate"], kept["key"], kept["peer"], kept.get("next")


def renewed(world):
    """With the phone's other half: the reader is offered, and both get new keys."""
    end, uri = waiting(world)
    code, said = world.phone.ask("pair", "--port", "4001", uri)
    check((code, end.end()) == (0, 0), "paired once more", (code, said))
    serve = world.phone.run("serve", "--driver", "soft", "--port", "4001", "--no-publish")
    if not wait_for(lambda: reached(world)):
        check(False, "the phone serves", (world.computer.ask("phone", "list", "--check"), serve.said()))
        return
    check(True, "a phone that serves is reached")
    files = world.computer.kept() + world.phone.kept()
    before = [pem_of(path) for path in files]
    code, said = world.computer.ask("phone", "renew", world.name())
    after = [pem_of(path) for path in files]
    check(code == 0 and "new keys on both sides" in said, "renewed over the link", (code, said, serve.said()))
    check(all(new[i] != old[i] for new, old in zip(after, before) for i in range(3)) and reached(world),
          "keys, certificates and what is believed of the other are new on both sides, and hold", (before, after))
    check(after[0][3] is None, "and nothing of the old ones is believed any more", after)
    code, said = world.phone.ask("forget", "--yes", os.path.basename(world.phone.kept()[0])[:16])
    check(code == 0 and wait_for(lambda: not reached(world)), "forgotten on the phone, it is reached no more", said)
    serve.type("\x03")
    serve.end()
    world.clear()


def wait_for(condition):
    end = time.monotonic() + PATIENCE
    while not condition() and time.monotonic() < end:
        time.sleep(0.1)
    return condition()


def reached(world):
    return json.loads(world.computer.ask("phone", "list", "--check", "--json")[1])[0]["reached"]


def persian(world):
    fa = {"LANGUAGE": "fa"}
    end = world.computer.run("phone", "pair", "--code", env=fa)
    page = end.until("Ctrl-C")
    address = re.search(r"^ +mohr-relay pair (\S+?)\s*$", page, re.M)
    check("رایانه فرد ناشناس" in end.all and "در تلفن همراه اجرا کنید" in page and address is not None, "Persian: the computer's page", page)
    phone = world.phone.run("pair", address.group(1), env=fa)
    pages = phone.until("بنویسید:"), end.until("بنویسید:")
    numbers = [re.findall(r"\u2068(\d{3} \d{3})\u2069", text) for text in pages]
    check("۱۸۰ ثانیه" in end.all, "Persian digits in sentences", end.all)
    check(numbers[0] == numbers[1] and len(numbers[0]) == 1 and numbers[0][0].isascii(), "Latin ones in the number that is compared", pages)
    end.type("بله\n")
    phone.type("بله\n")
    check((phone.end(), end.end()) == (0, 0), "and بله is yes", (phone.said(), end.said()))
    code, said = world.computer.ask("phone", "list", env=fa)
    check(code == 0 and "روز مانده است" in said and re.search("[۰-۹]{4}/[۰-۹]{2}/[۰-۹]{2}", said) is not None, "Persian: the list, with the date of here", said)
    code, said = world.phone.ask("forget", "nobody", env=fa)
    check(code == 2 and "nobody" in said, "Persian: a name that is none", said)
    world.clear()


def body(folder):
    world = World(folder, Network())
    pem = certificate(folder)
    late, uri = waiting(world, "--timeout", "8")
    silent = socket.create_connection(target_of(uri))
    by_picture(world)
    world.clear()
    on_a_terminal(world)
    svg(world)
    by_numbers(world)
    world.clear()
    in_the_middle(world, pem)
    strangers(world, pem)
    wrong_secret(world)
    out_of_sight(world)
    far_away(world)
    full_and_open(world)
    names(world)
    clocks(world)
    nowhere_to_keep(world)
    configured(world)
    renewed(world)
    persian(world)
    check(late.end() == 19 and "within the time" in late.said(), "time runs out, also while somebody connects and is silent", late.said())
    silent.close()
    world.network.holder.kill()


def main():
    missing = [tool for tool in ("unshare", "ip", "zbarimg", "openssl") if not shutil.which(tool)]
    if missing or not os.path.exists(RELAY):
        print(f"skip - pairing: {', '.join(missing) or 'no mohr-relay'} is not here")
        return 0
    if os.environ.get("MOHR_PAIR_NET") != "own":
        how = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-Urn"]
        if subprocess.run([*how, "ip", "link", "add", "c0", "type", "veth", "peer", "name", "p0"], capture_output=True, check=False).returncode != 0:
            print("skip - pairing: this machine gives nobody a network of their own")
            return 0
        os.environ["MOHR_PAIR_NET"] = "own"
        os.execvp(how[0], [*how, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])
    with tempfile.TemporaryDirectory(prefix="mohr-pair-") as folder:
        body(folder)
    return 1 if FAILED else 0


sys.exit(main())
