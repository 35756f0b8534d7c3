# SPDX-License-Identifier: Apache-2.0
"""relayed.py: a phone for system tests: pairings made without people, `mohr-relay serve`, and the computer's helper at the
test's own channel."""
import hashlib
import json
import os
import shutil
import subprocess
import time

import channel
import lib

channel.PROGRAMS["phone"] = "mohr-reader-phone"


def identity(folder):
    """(key PEM, certificate PEM, its print): P-256, for one pairing."""
    key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "cert.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                    "/CN=mohr", "-days", "30", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    der = subprocess.run(["openssl", "x509", "-in", certificate, "-outform", "DER"], check=True, capture_output=True).stdout
    with open(key, encoding="ascii") as key_file, open(certificate, encoding="ascii") as certificate_file:
        return key_file.read(), certificate_file.read(), hashlib.sha256(der).hexdigest()


def write(folder, pairing, name, address, own, peer):
    now = int(time.time())
    os.makedirs(folder, 0o700, exist_ok=True)
    path = os.path.join(folder, pairing + ".json")
    with open(path + ".new", "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        json.dump({"version": 1, "id": pairing, "name": name, "address": address, "peer": peer, "paired_at": now,
                   "expires_at": now + 86400 * 30, "certificate": own[1], "key": own[0]}, file, separators=(",", ":"))
    os.rename(path + ".new", path)


def programs(rig):
    """A folder with mohr-relay, which finds its helpers beside itself: the soft one there has a witness."""
    folder = os.path.join(rig.dir, "relay")
    if not os.path.isdir(folder):
        os.mkdir(folder)
        shutil.copy(os.path.join(rig.build, "mohr-relay"), folder)
        for name in ("mohr-prompt", "mohr-reader", "mohr-reader-nfc", "mohr-reader-usb", "mohr-watch", "mohr-history"):
            os.symlink(os.path.join(rig.build, name), os.path.join(folder, name))
        os.symlink(os.path.join(rig.build, "tests/monitored_reader_soft"), os.path.join(folder, "mohr-reader-soft"))
    return folder


class Phone:
    """mohr-relay serve on a port of its own, with a person who types as script() says, and pairings with `computers`. The card is
    flow.Soft's, or any other that `sections` and the words make it find."""

    def __init__(self, rig, *words, card=None, driver="soft", env=None, computers=("Counter 3",), wrap=(), publish=False,
                 **sections):
        self.rig, self.wrap, self.told = rig, list(wrap), 0
        number = len(rig.processes)
        self.home = os.path.join(rig.dir, f"phone-{number}")
        self.computers = os.path.join(self.home, "mohr", "computers")
        self.folders = {}  # of computers: name -> (folder, pairing)
        self.port = lib.free_ports(1)
        os.makedirs(self.home, 0o700)
        for name in computers:
            self.pair(name)
        self.pinentry = os.path.join(self.home, "pinentry")
        os.symlink(rig.pinentry_script, self.pinentry)
        self.script()
        config = {"soft": card.options if card else {}, "pin": {"pinentry": self.pinentry}, "log": {"level": "debug"}, **sections}
        self.config = os.path.join(self.home, "mohr.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            for name, values in config.items():
                file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
        self.env = {**rig.env, "HOME": self.home, "XDG_DATA_HOME": self.home, **(env or {})}
        self.words = ["--driver", driver, "--config", self.config, "--port", str(self.port), *([] if publish else ["--no-publish"]), *words]
        self.start()

    def start(self):
        program = os.path.join(programs(self.rig), "mohr-relay")
        self.process = lib.Process(self.rig, "relay", [*self.wrap, program, "serve", *self.words], self.env)
        if not lib.wait_for(lambda: "Ctrl-C" in self.process.said() or not self.process.alive()):
            raise RuntimeError("mohr-relay did not start: " + self.process.said())

    def pair(self, name, address=None):
        """The two files of a pairing; the computer's is in a folder of its own."""
        pairing = os.urandom(8).hex()
        folder = os.path.join(self.home, f"of-{len(self.folders)}", "mohr", "phones")  # below its XDG_DATA_HOME
        ours, theirs = identity(self.home), identity(self.home)
        write(self.computers, pairing, name, "", ours, theirs[2])
        write(folder, pairing, "phone", address or f"127.0.0.1:{self.port}", theirs, ours[2])
        self.folders[name] = folder, pairing

    def forget(self, name="Counter 3"):
        os.unlink(os.path.join(self.computers, self.folders[name][1] + ".json"))

    script, held, prompts, helpers = lib.Daemon.script, lib.Daemon.held, lib.Daemon.prompts, lib.Daemon.helpers

    def computer(self, name="Counter 3"):
        """mohrd's helper for this phone; its channel is the test's. None: it is not let in."""
        folder, pairing = self.folders[name]
        helper = channel.Helper(self.rig, "--reader", pairing, "--option", f"folder={folder}", driver="phone")
        return helper if helper.ready() else None

    def stop(self):
        return self.process.stop()
