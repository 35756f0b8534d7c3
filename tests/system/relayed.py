# SPDX-License-Identifier: Apache-2.0
"""relayed.py: a phone for system tests: pairings made without people, `mohr-relay serve`, and the computer's helper at the
test's own channel."""
import hashlib
import json
import os
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


class Phone:
    """mohr-relay serve with soft cards, and what lies in its folder. `words` go to it, `env` to its world."""

    def __init__(self, rig, *words, program="mohr-relay", env=None, driver="soft", computers=("Counter 3",), **sections):
        self.rig, self.program = rig, program
        number = len(rig.processes)
        self.home = os.path.join(rig.dir, f"phone-{number}")
        self.computers = os.path.join(self.home, "mohr", "computers")
        self.folders = {}  # of computers: name -> (folder, pairing)
        self.port = lib.free_ports(1)
        os.makedirs(self.home, 0o700)
        for name in computers:
            self.pair(name)
        self.state = os.path.join(rig.dir, f"card-{number}")
        self.pinentry = os.path.join(rig.dir, f"pinentry-{number}")
        os.symlink(rig.pinentry_script, self.pinentry)
        self.script()
        config = {"soft": {"profile": "mav2-cl", "pki": rig.pki, "pin": lib.PIN, "state": self.state},
                  "pin": {"pinentry": self.pinentry}, "log": {"level": "debug"}, **sections}
        self.config = os.path.join(rig.dir, f"phone-{number}.conf")
        with open(self.config, "w", encoding="utf-8") as file:
            for name, values in config.items():
                file.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))
        self.env = {**rig.env, "HOME": self.home, "XDG_DATA_HOME": self.home, **(env or {})}
        self.words = ["--driver", driver, "--config", self.config, "--port", str(self.port), "--no-publish", *words]
        self.start()

    def start(self):
        self.process = lib.Process(self.rig, "relay", [os.path.join(self.rig.build, self.program), "serve", *self.words],
                                   self.env)
        if not lib.wait_for(lambda: "Ctrl-C" in self.process.said() or not self.process.alive(), 20):
            raise RuntimeError("mohr-relay did not start: " + self.process.said())

    def pair(self, name):
        pairing = os.urandom(8).hex()
        folder = os.path.join(self.home, f"of-{len(self.folders)}")
        os.makedirs(folder, 0o700)
        ours, theirs = identity(self.home), identity(self.home)
        write(self.computers, pairing, name, "", ours, theirs[2])
        write(folder, pairing, "phone", f"127.0.0.1:{self.port}", theirs, ours[2])
        self.folders[name] = folder, pairing

    def forget(self, name):
        os.unlink(os.path.join(self.computers, self.folders[name][1] + ".json"))

    script, prompts = lib.Daemon.script, lib.Daemon.prompts
    told = 0

    def computer(self, name="Counter 3"):
        """mohrd's helper for this phone; its channel is the test's."""
        folder, pairing = self.folders[name]
        return channel.Helper(self.rig, "--reader", pairing, "--option", f"folder={folder}", driver="phone")

    def witness(self):
        """What the card was told, by the monitored helper."""
        with open(self.state + ".witness", "rb") as file:
            return json.loads(file.read(512).split(b"\0")[0])
