# SPDX-License-Identifier: Apache-2.0
"""mock.py: the rig for USB readers that are not there (tests/tools/mock_ccid.c).

A Reader is a mocked device with the software card's slot; Card is lib.Card that lies on it. What reached
bus, reader and card is asked from the mock (its log and statistics), never from the program under test.
"""
import ctypes
import json
import os
import shutil
import signal
import socket
import time

import lib
from lib import Process, wait_for

PRELOAD = "libumockdev-preload.so.0"
NAME = "Mohr Mock Reader (1-%u) 00"


def possible():
    """Why there can be no mocked reader on this machine, or None."""
    try:
        ctypes.CDLL(PRELOAD)
        return None
    except OSError:
        return "no umockdev here"


class Bus:
    """A folder that programs take for /sys, /dev/bus/usb and udev; several readers may hang on it."""

    def __init__(self, rig):
        rig.buses = getattr(rig, "buses", 0) + 1
        self.rig, self.readers = rig, []
        self.dir = os.path.join(rig.dir, f"u{rig.buses}")
        os.mkdir(self.dir)

    def env(self):
        seek = os.path.join(self.rig.build, "tests/mock_seek.so")
        return {**self.rig.env, "LD_PRELOAD": f"{PRELOAD}:{seek}", "UMOCKDEV_DIR": self.dir}

    def lacking(self):
        """Why mohrd cannot be had on this bus, or None."""
        missing = not os.path.exists(os.path.join(self.rig.build, "usb/mohr-reader-usb"))
        return "no helper for a mocked bus was built (make mocked)" if missing else None

    def programs(self):
        """A folder with mohrd, whose helpers for USB meet this bus; everything else is what is shipped."""
        folder = os.path.join(self.dir, "bin")
        if os.path.isdir(folder):
            return folder
        os.mkdir(folder)
        preload, mocked = self.env()["LD_PRELOAD"], os.path.join(self.rig.build, "usb")
        for name in os.listdir(self.rig.build):
            path = os.path.join(self.rig.build, name)
            if not name.startswith("mohr") or not os.path.isfile(path):
                continue
            if name == "mohrd":  # finds its helpers beside itself
                shutil.copy(path, folder)
            elif os.path.exists(os.path.join(mocked, name)):
                with open(os.path.join(folder, name), "w", encoding="utf-8") as script:
                    script.write(f"#!/bin/sh\nexport LD_PRELOAD='{preload}' UMOCKDEV_DIR='{self.dir}'\n"
                                 f"exec '{mocked}/{name}' \"$@\"\n")
                os.chmod(os.path.join(folder, name), 0o755)
            else:
                os.symlink(path, os.path.join(folder, name))
        return folder


class Reader:
    """One mocked reader; keyword options are those of mock_ccid."""

    def __init__(self, rig, bus=None, **options):
        self.rig, self.bus = rig, bus or Bus(rig)
        self.address = 2 + 10 * len(self.bus.readers)
        self.bus.readers.append(self)
        self.log_file = os.path.join(self.bus.dir, f"log-{self.address}")
        self.card_port = lib.free_ports(1)
        argv = [os.path.join(rig.build, "tests/mock_ccid"), "--dir", self.bus.dir, "--log", self.log_file,
                "--address", str(self.address), "--card-port", str(self.card_port)]
        for name, value in options.items():
            argv += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        self.process = Process(rig, "mock_ccid", argv, rig.env)
        control = os.path.join(self.bus.dir, f"control-{self.address}")
        if not wait_for(lambda: "ready" in self.process.said()):
            raise RuntimeError("the mocked reader did not start: " + self.process.said())
        self.control = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.control.settimeout(60)
        self.control.connect(control)

    def say(self, line):
        self.control.send(line.encode())
        answer = self.control.recv(1024).decode()
        if answer == "error":
            raise RuntimeError("the mocked reader refused: " + line)
        return answer

    def stats(self):
        return json.loads(self.say("stats"))

    def port(self, _slot=0):
        return self.card_port

    def name(self, _slot=0):
        return NAME % self.address

    def log(self):
        """[(monotonic seconds, words), ...]"""
        with open(self.log_file, encoding="utf-8") as lines:
            return [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1].strip()) for line in lines]

    def clear_log(self):
        os.truncate(self.log_file, 0)

    def powered(self):
        return self.stats()["powered"]

    def dark(self, seconds=lib.PATIENCE):
        """True when the card has no power (any more)."""
        return wait_for(lambda: not self.powered(), seconds)

    def stop(self):
        self.control.close()
        self.process.stop()


class Card(lib.Card):
    """The software card on a mocked reader."""

    def __init__(self, rig, reader, profile="mav4", **options):
        self.mock = reader
        super().__init__(rig, reader, profile, **options)

    def insert(self):
        self.process = Process(self.rig, "softcard", self.argv, self.rig.env)
        wait_for(lambda: self.mock.stats()["present"])

    def remove(self):
        if self.process.alive():
            code = self.process.stop()
            wait_for(lambda: not self.mock.stats()["present"])
            if code not in (0, -signal.SIGTERM):
                self.rig.check(False, "the card saw no breach of the rules", self.process.said()[-800:])


class Daemon(lib.Daemon):
    """mohrd whose bus is mocked."""

    def __init__(self, rig, bus, drivers=("usb",), **sections):
        self.bus = bus
        super().__init__(rig, drivers, os.path.join(bus.programs(), "mohrd"), **sections)


class Pcscd(lib.Pcscd):
    """Debian's pcscd with Debian's libccid, on a mocked bus."""

    def __init__(self, rig, bus):
        self.rig, self.bus = rig, bus
        bundle = "/usr/lib/pcsc/drivers/ifd-ccid.bundle"
        if not os.path.isdir(bundle):
            shutil.copytree("/run/pcscd/ifd-ccid.bundle", bundle)
        self.conf = os.path.join(bus.dir, "reader.conf.d")
        os.makedirs(self.conf, exist_ok=True)
        self.start()

    def start(self):
        self.process = Process(self.rig, "pcscd", [*lib.pcscd(), "--config", self.conf],
                               self.bus.env())
        if not wait_for(lambda: os.path.exists("/run/pcscd/pcscd.comm")):
            raise RuntimeError("pcscd did not start: " + self.process.said())


def settle(seconds):
    """For what has no sign to wait for."""
    time.sleep(seconds)
