#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A package is upgraded while a request runs: every file of Mohr's folder is replaced as dpkg does it, by programs that say nothing.

What runs must end as if nothing had happened, with the helpers that the daemon was built with; nothing else may meet the old
daemon, and the next one starts by itself: here the test plays the service manager, who holds the socket.
"""
import os
import shutil
import socket
import time

from lib import AUDIENCE, NONCE, PIN, Connection, Daemon, Process, main, wait_for

ASK = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}
PASS_ON = 'exec 3<&0 </dev/null; export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@"'


class Installed(Daemon):
    """mohrd in a folder of its own, on a socket that is passed in, or made by itself."""

    def __init__(self, rig, passed=True):
        self.folder = os.path.join(rig.dir, f"libexec-{len(rig.processes)}")
        self.passed, self.listener = passed, socket.socket(socket.AF_UNIX)
        os.mkdir(self.folder)
        self.install()
        super().__init__(rig, drivers=("soft",), program=os.path.join(self.folder, "mohrd"),
                         soft={"profile": "mav2-cl", "pki": rig.pki, "pin": PIN})

    def install(self, program=None):
        """Each file whole, and then by a rename; mohrd last, as in the order of their names."""
        build = os.path.abspath(os.environ["MOHR_BUILD"])
        for name in sorted(os.listdir(build)):
            if name.startswith("mohr") and os.access(os.path.join(build, name), os.X_OK) and os.path.isfile(os.path.join(build, name)):
                fresh = os.path.join(self.folder, name + ".dpkg-new")
                shutil.copy(program or os.path.join(build, name), fresh)
                os.rename(fresh, os.path.join(self.folder, name))

    def start(self):
        if not self.passed:
            super().start()
        else:
            if not os.path.exists(self.socket):
                self.listener.bind(self.socket)
                self.listener.listen(8)
            self.process = Process(self.rig, "mohrd", ["sh", "-c", PASS_ON, "sh", self.program, "--config", self.config,
                                                       "--driver", "soft"], self.rig.env, stdin=self.listener.fileno())
        if not wait_for(lambda: self.status().get("readers")):
            raise RuntimeError("mohrd did not start: " + self.process.said())


def at_prompt(daemon):
    """(who waits for the answer, the person's entry of the PIN)"""
    type_pin = daemon.held()
    connection = Connection(daemon.socket).send("mohr.Identity.Assert", ASK, more=True)
    wait_for(lambda: any("GETPIN" in line for line in daemon.prompts()))
    return connection, type_pin


def answer(connection):
    while True:
        error, reply, more = connection.receive()
        if not more:
            return error, reply


def served(error, reply):
    return not error and reply.get("assertion", "").count(".") == 2


def under_a_prompt(rig):
    daemon = Installed(rig)
    running, type_pin = at_prompt(daemon)
    daemon.install("/bin/false")
    type_pin()
    error, reply = answer(running)
    rig.check(served(error, reply), "the assertion whose prompt was open arrives", (error, reply))
    daemon.script()
    waiting = Connection(daemon.socket)  # comes while the old daemon still has somebody
    for number in range(2):
        error, reply = answer(running.send("mohr.Identity.Assert", ASK))
        rig.check(served(error, reply), f"and the same app's next one, {number + 1} of 2: with new helpers of the old kind", (error, reply))
    rig.check(daemon.process.alive(), "as long as anybody is connected the old daemon stays")
    running.close()
    error, reply = answer(waiting.send("mohr.Identity.Status"))
    rig.check(not error and reply["readers"], "who was connected meanwhile is served", (error, reply))
    waiting.close()
    rig.check(wait_for(lambda: not daemon.process.alive()) and daemon.process.stop() == 0, "then it ends by itself, in order",
              daemon.process.said())
    late = Connection(daemon.socket).send("mohr.Identity.Status")
    daemon.install()
    daemon.start()
    error, reply = answer(late)
    rig.check(not error and "readers" in reply, "who comes then is served by the next one", (error, reply))
    late.close()
    code, reply = daemon.request()
    rig.check(code == 0, "which works", (code, reply))
    daemon.stop()


def while_nobody_is_there(rig):
    daemon = Installed(rig)
    for name in ("mohr-prompt", "mohr-reader-soft"):
        os.rename(shutil.copy("/bin/false", os.path.join(daemon.folder, name + ".dpkg-new")), os.path.join(daemon.folder, name))
    code, reply = daemon.request()
    rig.check(code == 0, "half an upgrade is none: the old daemon serves with the old helpers", (code, reply))
    daemon.install("/bin/false")
    rig.check(wait_for(lambda: not daemon.process.alive()) and daemon.process.stop() == 0, "an idle daemon ends at once",
              daemon.process.said())


def by_hand(rig):
    daemon = Installed(rig, passed=False)
    daemon.install("/bin/false")
    code, reply = daemon.request()
    time.sleep(0.1)
    rig.check(code == 0 and daemon.process.alive(), "one that nobody would start again stays, and works", (code, reply))
    os.unlink(daemon.program)
    code, reply = daemon.request()
    rig.check(code == 0, "also when its package is gone", (code, reply))
    daemon.stop()


def body(rig):
    os.environ["MOHR_BUILD"] = rig.build
    for part in rig.mine([under_a_prompt, while_nobody_is_there, by_hand]):
        part(rig)


main(body, workers=3)
