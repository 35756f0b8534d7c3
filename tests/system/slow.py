# SPDX-License-Identifier: Apache-2.0
"""slow.py: a computer and a phone in network namespaces of their own, with tests/tools/slow_link.c between them.

The script itself moves into a new namespace, the computer's; whoever begins with `net.phone` is on the phone. A machine without
/dev/net/tun cannot run this, and says so.
"""
import ctypes
import json
import os
import shutil
import subprocess
import time

import lib
import relayed
from lib import Daemon, Process

CLONE_NEWNET = 0x40000000
COMPUTER, PHONE = "10.46.0.1", "10.46.0.2"


class Net:
    """The line. `phone` are the words before a command that shall run on the phone."""

    def __init__(self, rig):
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "no network namespace")
        program = os.path.join(rig.build, "tests/slow_link")
        self.process = Process(rig, "slow_link", [program], rig.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.out = self.process.child.stdout
        if self.out.readline() != b"ready\n":
            raise RuntimeError("slow_link did not start")
        self.phone = [shutil.which("nsenter"), f"--net=/proc/{self.process.pid}/ns/net", "--"]

    def say(self, line):
        self.process.child.stdin.write(line.encode() + b"\n")
        self.process.child.stdin.flush()
        answer = self.out.readline().decode().strip()
        if answer == "error":
            raise RuntimeError("slow_link does not know: " + line)
        return answer

    def stats(self):
        """Since the last look: round trips, packets and bytes from the computer and from the phone, and how many were lost."""
        return json.loads(self.say("stats"))

    def quiet(self, seconds=0.3):
        """Nothing was said for so long; what was said before does not count any more."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            self.stats()
            time.sleep(seconds)
            if sum(self.stats()["sent"]) == 0:
                return True
        return False


def possible(rig):
    """Why there can be no such line here, or None."""
    if not os.path.exists("/dev/net/tun"):
        return "no /dev/net/tun here"
    if not shutil.which("nsenter"):
        return "no nsenter here"
    if not os.path.exists(os.path.join(rig.build, "tests/slow_link")):
        return "slow_link was not built"
    tried = subprocess.run(["unshare", "-n", os.path.join(rig.build, "tests/slow_link")], stdin=subprocess.DEVNULL,
                           capture_output=True, text=True, check=False)
    return None if tried.stdout == "ready\n" else "no TUN device: " + tried.stdout.strip()


class Phone(relayed.Phone):
    """relayed.Phone at the other end of the line."""
    identities = []  # two are enough for all pairings of a script: what is tested here is not who they are

    def __init__(self, rig, net, *words, place=None, **more):
        self.place = place
        super().__init__(rig, *words, wrap=net.phone, **more)

    def start(self):
        """The helpers are those beside mohr-relay: in `place`, where a bus is mocked."""
        if not self.place:
            return super().start()
        program = os.path.join(self.place, "mohr-relay")
        if os.path.islink(program):
            os.unlink(program)
            shutil.copy(os.path.join(self.rig.build, "mohr-relay"), program)
        self.process = Process(self.rig, "relay", [*self.wrap, program, "serve", *self.words], self.env)
        if not lib.wait_for(lambda: "Ctrl-C" in self.process.said() or not self.process.alive()):
            raise RuntimeError("mohr-relay did not start: " + self.process.said())
        return None

    def pair(self, name, address=None):
        while len(Phone.identities) < 2:
            Phone.identities.append(relayed.identity(self.home))
        pairing, (ours, theirs) = os.urandom(8).hex(), Phone.identities
        folder = os.path.join(self.home, f"of-{len(self.folders)}")
        relayed.write(self.computers, pairing, name, "", ours, theirs[2])
        relayed.write(folder, pairing, "phone", address or f"{PHONE}:{self.port}", theirs, ours[2])
        self.folders[name] = folder, pairing


class Far(Daemon):
    """mohrd whose one reader is a phone. The same person sits at both: prompts of either are answered, and shown, here."""

    def __init__(self, rig, net, typed="phone", card=None, phone=None, driver="soft", place=None, **sections):
        env = {"DISPLAY": ":mohr-test"} if typed == "phone" else {}
        self.net, self.typed = net, typed
        self.phone = phone or Phone(rig, net, card=card, driver=driver, env=env, place=place, relay={"last_try": "yes"})
        folder, self.pairing = self.phone.folders["Counter 3"]
        super().__init__(rig, ("phone",), phone={"folder": folder}, **sections)

    def script(self, *words, **more):
        super().script(*words, **more)
        self.phone.script(*words, **more)

    def prompts(self):
        return super().prompts() + self.phone.prompts()

    def stop(self):
        code = super().stop()
        self.phone.stop()
        return code

    def helper(self):
        """pid of the helper that speaks with the phone."""
        return next((pid for pid, name in self.helpers().items() if name == "mohr-reader-pho"), None)


def skip(rig, what):
    """True, said once, where there can be none of this."""
    why = possible(rig)
    if why and rig.shard[0] == 0:
        rig.skip(what, why)
    return bool(why)


__all__ = ["COMPUTER", "PHONE", "Far", "Net", "Phone", "lib", "possible", "skip"]
