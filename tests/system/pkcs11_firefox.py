#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""pkcs11_firefox.py BUILD: Firefox with the card through the PKCS#11 module, headless, against a real nginx.

A browser takes longer than all that it tests, so it runs only where MOHR_FIREFOX is set, to the program or to anything. It is told what to do by
its own protocol, Marionette: a length, a colon, a list in JSON.
"""
import json
import os
import shutil
import socket

from lib import Process, free_ports, main, wait_for
from pkcs11_programs import SERVER, Programs, nss_database, staff_anchors


class Marionette:
    def __init__(self, port):
        self.socket, self.buffer, self.number = socket.create_connection(("127.0.0.1", port), 60), b"", 0
        self.receive()

    def receive(self):
        while b":" not in self.buffer or len(self.buffer.partition(b":")[2]) < int(self.buffer.partition(b":")[0]):
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("Firefox hung up")
            self.buffer += piece
        size, _, rest = self.buffer.partition(b":")
        self.buffer = rest[int(size):]
        return json.loads(rest[:int(size)])

    def do(self, command, **parameters):
        self.number += 1
        call = json.dumps([0, self.number, command, parameters]).encode()
        self.socket.sendall(f"{len(call)}:".encode() + call)
        _, _, error, result = self.receive()
        if error:
            raise RuntimeError(f"{command}: {error}")
        return result


class Firefox:
    def __init__(self, world, daemon, program):
        nss_database(world, daemon, "profile")
        port = free_ports(1)
        world.write("profile/user.js", f'user_pref("marionette.port", {port});\n'
                    'user_pref("security.default_personal_cert", "Select Automatically");\n')
        self.process = Process(world.rig, "firefox", [program, "--headless", "--no-remote", "--profile", world.path("profile"), "--marionette"],
                               world.environment(daemon))
        self.session = wait_for(lambda: self.connect(port), 60, 0.2)
        self.session.do("WebDriver:NewSession", capabilities={})

    @staticmethod
    def connect(port):
        try:
            return Marionette(port)
        except OSError:
            return None

    def page(self, port):
        self.session.do("WebDriver:Navigate", url=f"https://{SERVER}:{port}/")
        return self.session.do("WebDriver:GetPageSource")["value"]


def browse(world, program, algorithm):
    rig, daemon = world.rig, world.daemon()
    server, port = world.web(staff_anchors(world))
    calm, calm_port = world.web(staff_anchors(world), asks=False)
    card = world.card(daemon, piv_9a=algorithm, piv_9c="absent")
    firefox = Firefox(world, daemon, program)
    page = firefox.page(calm_port)
    rig.check("NONE" in page and not daemon.prompts(), "Firefox: a page that wants nobody's certificate asks nobody", page)
    page = firefox.page(port)
    shown = world.shown(daemon)
    rig.check("SUCCESS" in page, f"Firefox: nginx knows the holder, {algorithm}", page)
    rig.check(shown.count("CONFIRM") == 1 and shown.count("GETPIN") == 1 and "firefox" in shown and "authentication key" in shown,
              "Firefox: one question and one PIN, asked in its name", shown)
    rig.check(card.locked(), "Firefox: the card is locked", card.stats())
    for process in (firefox.process, server, calm):
        process.stop()
    card.remove()
    daemon.stop()


def body(rig):
    wanted = os.environ.get("MOHR_FIREFOX", "")
    program = wanted if os.path.isabs(wanted) else shutil.which("firefox-esr") or shutil.which("firefox")
    if not wanted:
        return rig.skip("Firefox with the card", "takes long, and runs where MOHR_FIREFOX is set")
    if not program:
        return rig.skip("Firefox with the card", "it is not installed")
    world = Programs(rig)
    for algorithm in ("p256", "rsa2048"):
        browse(world, program, algorithm)
    return world.pcscd.stop()


if __name__ == "__main__":
    main(body)
