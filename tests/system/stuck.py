#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""stuck.py BUILD: documents on a file system that their own app serves.

One of them is another document each time that it is read: what is told of it must be of one reading. The other's end is never answered. Whoever closes a file of FUSE waits for its server, and no signal ends that. It is left (docs/threat-model.md): an app of the same user can as
well stop mohrd by a signal. What this shows is how far it goes: until that server ends, and not one call longer.

Nor is it asked for the file by which a Flatpak is known, where it is an app's root folder: there mohrd would wait without any need.
"""
import ctypes
import hashlib
import json
import os
import select
import signal
import socket
import struct

from lib import PIN, Connection, Daemon, main, wait_for

TEXT = b"a document\n"
PDF = b"%PDF-1.7 xy"
LOOKUP, GETATTR, OPEN, READ, RELEASE, FLUSH, INIT, OPENDIR, ACCESS, NO_REPLY = 1, 3, 14, 15, 18, 25, 26, 27, 34, (2, 36, 42)
ROOT, FILE, CHANGING = 1, 2, 3
NAMES = {b"document\0": FILE, b"changing\0": CHANGING}
FLATPAKS = b".flatpak-info\0"
NOT_CACHED = 1


def attributes(node):
    mode, size = (0o40755, 0) if node == ROOT else (0o100644, len(TEXT))
    return struct.pack("<6Q10I", node, size, 1, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)


def reply_to(request, node, body, again):
    """Of linux/fuse.h as much as two files need."""
    if request == INIT:
        return struct.pack("<4I2H2I2H8I", 7, 31, 65536, 0, 12, 10, 65536, 1, 0, 0, *[0] * 8)
    if request == LOOKUP:
        found = NAMES.get(body)
        return struct.pack("<4Q2I", found, 0, 1, 1, 0, 0) + attributes(found) if found else None
    if request == GETATTR:
        return struct.pack("<Q2I", 1, 0, 0) + attributes(node)
    if request in (OPEN, OPENDIR):
        return struct.pack("<Q2I", 1, NOT_CACHED if request == OPEN else 0, 0)
    if request == READ:
        _, offset, size = struct.unpack_from("<2QI", body)
        return (PDF if node == CHANGING and again else TEXT)[offset:offset + size]
    return b"" if request in (RELEASE, ACCESS) else None


def serve(device, closer):
    """Answers everything but the end of a file and the look for another; that it was asked for, and by whom, is told."""
    reads = 0
    while True:
        request = os.read(device, 1 << 17)
        _, what, unique, node, _, _, pid, _ = struct.unpack_from("<IIQQIIII", request)
        if what == FLUSH and node == FILE or what == LOOKUP and request[40:] == FLATPAKS:
            os.write(closer, struct.pack("<I", pid))
        elif what == FLUSH:
            os.write(device, struct.pack("<IiQ", 16, 0, unique))
        elif what not in NO_REPLY:
            answer = reply_to(what, node, request[40:], reads > 0)
            reads += what == READ and node == CHANGING
            error = 0 if answer is not None else -2
            os.write(device, struct.pack("<IiQ", 16 + len(answer or b""), error, unique) + (answer or b""))


def mounted(place):
    """The process that serves it, and where it tells who closes; None: this machine has no FUSE."""
    os.mkdir(place)
    try:
        device = os.open("/dev/fuse", os.O_RDWR)
    except OSError:
        return None
    options = f"fd={device},rootmode=40000,user_id={os.getuid()},group_id={os.getgid()}".encode()
    if ctypes.CDLL(None).mount(b"stuck", place.encode(), b"fuse", 0, options) != 0:
        return None
    told, closer = os.pipe()
    server = os.fork()
    if server == 0:
        try:
            serve(device, closer)
        finally:
            os._exit(0)
    os.close(device)
    return server, told


def add(rig, app, path, form):
    files = [os.open(path, os.O_RDONLY), os.open(os.path.join(rig.dir, form), os.O_RDWR | os.O_CREAT, 0o600)]
    frame = {"method": "mohr.Documents.Add", "parameters": {"name": "n", "form": form}}
    socket.send_fds(app.socket, [json.dumps(frame).encode() + b"\0"], files)
    for file in files[1:]:
        os.close(file)


def its_own_root(rig, daemon, place, told):
    """An app whose root folder this is asks for what no app in a sandbox is told."""
    answered, answer = os.pipe()
    app = os.fork()
    if app == 0:
        try:
            os.chdir(os.path.dirname(daemon.socket))
            os.chroot(place)
            with socket.socket(socket.AF_UNIX) as own:
                own.connect(os.path.basename(daemon.socket))
                own.sendall(b'{"method":"mohr.Identity.ListGrants"}\0')
                os.write(answer, own.recv(65536))
        finally:
            os._exit(0)
    ended = wait_for(lambda: select.select([answered, told], [], [], 0)[0], 60)
    said = os.read(answered, 65536) if ended and answered in ended else b""
    os.kill(app, signal.SIGKILL)
    os.waitpid(app, 0)
    return rig.check(b"grants" in said, "a root folder that never answers is asked nothing", said or "mohrd waits for it")


def body(rig):
    place = os.path.join(rig.dir, "place")
    there = mounted(place)
    if not there:
        rig.skip("a file system that never answers", "there is no FUSE")
        return
    server, told = there
    daemon = Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN})
    app, other = Connection(daemon.socket), Connection(daemon.socket)
    add(rig, other, os.path.join(place, "changing"), "cms")
    error, told_of_it = other.receive()[:2]
    rig.check(error is None and told_of_it["kind"] == "other" and told_of_it["digest"] == hashlib.sha256(TEXT).hexdigest(),
              "kind and digest are of one and the same reading", (error, told_of_it))
    if os.geteuid() == 0 and not its_own_root(rig, daemon, place, told):
        os.kill(server, signal.SIGKILL)  # so that all the rest can fail
    add(rig, app, os.path.join(place, "document"), "cms-attached")
    closed = wait_for(lambda: select.select([told], [], [], 0)[0] and struct.unpack("<I", os.read(told, 4))[0] == daemon.process.pid, 60)
    rig.check(closed, "mohrd closes what it was passed")
    other.send("org.varlink.service.GetInfo")
    waits = not select.select([other.socket], [], [], 0.3)[0]
    rig.check(waits, "left: it waits for the file system of an app")
    os.kill(server, signal.SIGKILL)
    os.waitpid(server, 0)
    answers = other.receive()[:2], app.receive()[:2]
    rig.check(answers[0][0] is None and daemon.process.alive(), "and goes on when that has ended", answers)
    ctypes.CDLL(None).umount2(place.encode(), 2)
    for connection in (app, other):
        connection.close()
    daemon.stop()


main(body)
