#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""watch.py: mohr-watch by itself: what it says of USB readers and NFC boards as udev tells of them, what
hostile devices get it to say, and that it sleeps when nothing happens."""
import os
import socket
import struct
import subprocess
import time

import lib
from udev_voice import UsbReader, Voice, hush, message

READY, READERS = 1, 2


class Watcher:
    """One watcher with the test at the other end of its channel."""

    def __init__(self, rig, driver, *options, user=None):
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        words = [word for option in options for word in ("--option", option)]

        def arrange():
            lib.die_with_parent()
            os.dup2(theirs.fileno(), 100)
            os.dup2(100, 3)

        programs = rig.programs_for_all() if user else rig.build
        self.child = subprocess.Popen([os.path.join(programs, "mohr-watch"), "--watch", "--driver", driver, *words],
                                      close_fds=False, preexec_fn=arrange, stdin=subprocess.DEVNULL, env=rig.env, user=user)
        theirs.close()
        self.channel = ours
        self.ready = self.frame()

    def frame(self, seconds=lib.PATIENCE):
        """(op, payload), or None when nothing comes."""
        self.channel.settimeout(seconds)
        try:
            data = self.channel.recv(32768)
        except (ConnectionResetError, TimeoutError):
            return None
        return (data[1], data[8:]) if data else None

    def readers(self, seconds=lib.PATIENCE):
        """[(name, address, busy)] of the next report, an outcome, or None when none comes."""
        frame = self.frame(seconds)
        if not frame or frame[0] != READERS:
            return None
        return parse(frame[1])

    def end(self):
        self.channel.close()
        self.child.kill()
        return self.child.wait()


def parse(payload):
    if payload[0] != 0:
        return payload[0]
    at, found = 2, []

    def text():
        nonlocal at
        (length,) = struct.unpack_from(">H", payload, at)
        at += 2 + length
        return payload[at - length:at].decode()

    for _ in range(payload[1]):
        name, address = text(), text()
        _, busy, _, length = struct.unpack_from(">BBIH", payload, at)
        at += 8 + length
        found.append((name, address, bool(busy)))
    return found


def usb(rig):
    watcher, voice = Watcher(rig, "usb"), Voice()
    rig.check(watcher.ready and watcher.ready[0] == READY and watcher.ready[1][0] == 2, "usb: the sandbox is closed", watcher.ready)
    rig.check(watcher.readers() == [], "usb: an empty list is told first")
    one = UsbReader(voice)
    began = time.monotonic()
    one.plug()
    seen = watcher.readers()
    rig.note(f"a reader is reported {(time.monotonic() - began) * 1000:.1f} ms after udev's message")
    name = "Acme Reader One (1-1) 00"
    rig.check(seen == [(name, "/dev/bus/usb/001/004:0:0", False)], "usb: a reader is named by maker, model and port", seen)
    one.face("bind", "usbfs")
    rig.check(watcher.readers() == [(name, "/dev/bus/usb/001/004:0:0", True)], "usb: a claimed interface is busy")
    one.face("unbind")
    rig.check(watcher.readers() == [(name, "/dev/bus/usb/001/004:0:0", False)], "usb: a released one is not")
    one.device("change")
    rig.check(watcher.readers(0.2) is None, "usb: what changes nothing is not told")
    one.unplug()
    rig.check(watcher.readers() == [], "usb: a reader that is pulled is gone")
    one.plug()
    rig.check(watcher.readers() == [(name, "/dev/bus/usb/001/005:0:0", False)], "usb: back on its port it has its old name")
    one.number = 77
    one.device("add")
    rig.check(watcher.readers() == [], "usb: a device numbered anew without a word is a new one")
    one.face("add")
    rig.check(watcher.readers() == [(name, "/dev/bus/usb/001/077:0:0", False)], "usb: and is there again")
    watcher.end()


def names(rig):
    """Strings of devices, hostile ones too: (what, arguments of UsbReader, name)."""
    cases = (
        ("a serial number", {"serial": "A1B2"}, "Acme Reader One (A1B2) 00"),
        ("the maker's name twice", {"model": "Acme Mini"}, "Acme Mini (1-9) 00"),
        ("no strings at all", {"vendor": None, "model": None}, "USB reader 1050:0407 (1-9) 00"),
        ("controls and bidi", {"model": "a\\x1b[2J\\x0ab\\xe2\\x80\\xaec"}, "Acme a[2Jbc (1-9) 00"),
        ("bytes that are no text", {"model": b"\\xff\\xc0ok"}, "Acme ok (1-9) 00"),
        ("spaces around", {"vendor": "  Acme ", "model": "  x   y  "}, "Acme x y (1-9) 00"),
        ("Persian", {"model": "کارت‌خوان"}, "Acme کارت‌خوان (1-9) 00"),
        ("a second interface", {"interface_number": 3}, "Acme Reader One (1-9) 03"),
    )
    watcher, voice = Watcher(rig, "usb"), Voice()
    watcher.readers()
    for what, words, expected in cases:
        one = UsbReader(voice, port="1-9", **words)
        one.plug()
        seen = watcher.readers()
        rig.check(seen and seen[0][0] == expected, f"usb: named in spite of {what}", seen)
        one.unplug()
        watcher.readers()
    long = UsbReader(voice, port="1-9", vendor="V" * 300, model="\u06a9" * 100, serial="S" * 200)
    long.plug()
    seen = watcher.readers()
    rig.check(seen and len(seen[0][0].encode()) < 128, "usb: endless strings give a name that fits", seen)
    watcher.end()


def crowd(rig):
    watcher, voice = Watcher(rig, "usb"), Voice()
    watcher.readers()
    twins = [UsbReader(voice, port=f"1-{n}", number=n, serial="000") for n in (1, 2, 3)]
    for one in twins:
        one.plug()
        seen = watcher.readers()
    rig.check([name for name, _, _ in seen] == ["Acme Reader One (000) 00", "Acme Reader One (1-2) 00", "Acme Reader One (1-3) 00"],
              "usb: twins with one serial number are told apart by their ports", seen)
    twins[0].unplug()
    seen = watcher.readers()
    rig.check([name for name, _, _ in seen] == ["Acme Reader One (1-2) 00", "Acme Reader One (1-3) 00"],
              "usb: who stays keeps the name", seen)
    more = [UsbReader(voice, port=f"2-{n}", number=20 + n) for n in range(1, 30)]
    for one in more:
        one.plug()
    while report := watcher.readers(0.3 if len(seen) >= 16 else lib.PATIENCE):
        seen = report
    rig.check(len(seen) == 16, "usb: of very many readers sixteen are offered", seen)
    watcher.end()


def passed_over(rig):
    watcher, voice = Watcher(rig, "usb"), Voice()
    watcher.readers()
    for what, words in (("a keyboard", {"interface": "3/1/1"}), ("a reader that the table leaves to pcscd", {"ids": "72f/2200/100"}),
                        ("an NFC board", {"ids": "4e6/5591/100"}), ("an interface without sense", {"interface": "eleven"}),
                        ("a device without sense", {"ids": "/"})):
        one = UsbReader(voice, port="1-3", **words)
        one.plug()
        rig.check(watcher.readers(0.15) is None, f"usb: {what} is not offered")
        one.unplug()
    voice.say("add", "/devices/x", "usb")
    voice.say("remove", "/nowhere", "usb", DEVTYPE="usb_device")
    voice.raw(b"libudev\0" + bytes(32))
    voice.raw(message("add", "/devices/" + "p" * 2000, "usb", DEVTYPE="usb_device", PRODUCT="1/2/3", DEVNAME="/dev/bus/usb/001/001"))
    one = UsbReader(voice)
    one.plug()
    rig.check(watcher.readers() is not None, "usb: messages without sense do no harm")
    watcher.end()


def nfc(rig):
    os.makedirs(rig.dir + "/dev", exist_ok=True)
    node = rig.dir + "/dev/ttyUSB7"
    watcher = Watcher(rig, "nfc", f"device=pn532_uart:{node}:115200", "device2=pn532_uart:/dev/pts/77", "device3=acr122_usb",
                      "device4=acr122_usb", "speed=1")
    voice = Voice()
    always = [("NFC pn532_uart (/dev/pts/77)", "pn532_uart:/dev/pts/77", False), ("NFC acr122_usb", "acr122_usb", False)]
    seen = watcher.readers()
    rig.check(seen == always, "nfc: a board whose node is not announced is taken to be there, once", seen)
    board = (f"NFC pn532_uart ({node})", f"pn532_uart:{node}:115200", False)
    voice.say("add", "/devices/virtual/tty/ttyUSB6", "tty", DEVNAME="/dev/ttyUSB6")
    rig.check(watcher.readers(0.15) is None, "nfc: another serial line is no board")
    voice.say("add", "/devices/virtual/tty/ttyUSB7", "tty", DEVNAME=node)
    rig.check(watcher.readers() == [board, *always], "nfc: a board is there when its node is")
    voice.say("remove", "/devices/virtual/tty/ttyUSB7", "tty", DEVNAME=node)
    rig.check(watcher.readers() == always, "nfc: and gone with it")
    voice.say("add", "/devices/virtual/tty/ttyUSB9", "tty", DEVNAME="/dev/ttyUSB9", DEVLINKS=f"/dev/x {node} /dev/y")
    rig.check(watcher.readers() == [board, *always], "nfc: a node may be a link")
    voice.say("remove", "/devices/virtual/tty/ttyUSB9", "tty", DEVNAME="/dev/ttyUSB9")
    rig.check(watcher.readers() == always, "nfc: and goes with what it led to")
    stick = UsbReader(voice, port="1-4", number=9, ids="4e6/5591/100", interface="255/255/255")
    stick.plug()
    seen = watcher.readers()
    rig.check(seen == always + [("SCM Micro SCL3711-NFC&RW (1-4)", "pn53x_usb:001:009", False)], "nfc: a board of the table is found", seen)
    ccid = UsbReader(voice, port="1-5", number=10)
    ccid.plug()
    rig.check(watcher.readers(0.15) is None, "nfc: a CCID reader is none")
    stick.unplug()
    rig.check(watcher.readers() == always, "nfc: and gone when it is pulled")
    watcher.end()
    for options in (["device=a b"], [f"device{n}=x{n}" for n in range(17)], ["device=" + "x" * 200]):
        broken = Watcher(rig, "nfc", *options)
        rig.check(broken.ready is None and broken.child.wait(lib.PATIENCE) == 70, f"nfc: {options[0][:12]}... is refused")


def lost(rig):
    """As nobody in particular: root's socket would take 128 MiB before the kernel drops anything."""
    watcher, voice = Watcher(rig, "usb", user=65534), Voice()
    watcher.readers()
    os.kill(watcher.child.pid, 19)
    for number in range(4000):
        voice.say("change", f"/devices/flood{number}", "usb", DEVTYPE="usb_device", PAD="x" * 7000)
    os.kill(watcher.child.pid, 18)
    seen = watcher.readers()
    rig.check(seen == 25 and watcher.child.wait(lib.PATIENCE) == 25, "usb: after lost messages it ends, to look again", seen)
    again = Watcher(rig, "usb")
    rig.check(again.readers() == [], "usb: and a new one looks")
    again.end()


def idle(rig):
    watcher = Watcher(rig, "usb")
    watcher.readers()

    def switches():
        with open(f"/proc/{watcher.child.pid}/status", encoding="ascii") as status:
            return [line for line in status if "ctxt_switches" in line]

    def asleep():
        earlier = switches()
        time.sleep(0.1)
        return switches() == earlier

    lib.wait_for(asleep)
    before = switches()
    time.sleep(2)
    rig.check(switches() == before, "usb: two seconds of nothing wake nobody", before)
    files = os.listdir(f"/proc/{watcher.child.pid}/fd")
    rig.check(len(files) <= 6, "usb: it holds its channel, its monitor and nothing else", files)
    watcher.end()


def body(rig):
    if not hush():
        rig.skip("watchers of direct readers", "only root may speak for udev")
        return
    for part in (usb, names, crowd, passed_over, nfc, lost, idle):
        part(rig)


lib.main(body)
