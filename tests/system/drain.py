#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Calls that take their time: what a hang-up, a stop and a watcher mean while the holder is being asked.
The card is the software card in the daemon's own helper; the person is tests/tools/pinentry-script.
"""
import os
import signal
import socket
import time

from lib import AUDIENCE, NONCE, PIN, Connection, Daemon, main, wait_for

READER = "Simulated reader (SIMULATED CARD)"
ASK = {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}}


def soft_daemon(rig):
    daemon = Daemon(rig, drivers=("soft",), soft={"profile": "mav2-cl", "pki": rig.pki, "pin": PIN})
    daemon.wait_state(READER, "card", seconds=60)
    return daemon


def below(pid):
    """Every process that descends from pid."""
    children = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="ascii", errors="replace") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(name))
    found, todo = [], [pid]
    while todo:
        more = children.get(todo.pop(), [])
        found += more
        todo += more
    return found


def gone(pids):
    def dead(pid):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
                return stat.read().rsplit(")", 1)[1].split()[0] == "Z"
        except OSError:
            return True
    return wait_for(lambda: all(map(dead, pids)), 30)


def at_prompt(daemon):
    """An Assert whose prompt is open: (connection, phases told)."""
    connection, phases = Connection(daemon.socket).send("mohr.Identity.Assert", ASK, more=True), []
    while not phases or phases[-1] != "consent":
        error, reply, more = connection.receive()
        if error or not more:
            raise RuntimeError(f"no prompt: {error} {reply}")
        phases.append(reply["phase"])
    if not wait_for(lambda: any("GETPIN" in line for line in daemon.prompts()), 60):
        raise RuntimeError("no page for the PIN")
    return connection, phases


def last_answer(connection):
    while True:
        error, reply, more = connection.receive()
        if not more:
            return error, reply


def phases_are_told(rig):
    daemon = soft_daemon(rig)
    connection, phases = at_prompt(daemon)
    ids = set()
    while True:
        error, reply, more = connection.receive()
        ids.add(reply.get("request"))
        if not more:
            break
        phases.append(reply["phase"])
    rig.check(phases == ["reader", "card", "consent", "pin", "sign"], "with more, each phase is told once and in order", phases)
    rig.check(not error and reply["assertion"].count(".") == 2 and len(ids) == 1,
              "the last answer carries the assertion, and all of them one id", (error, ids))
    error, reply = daemon.request()
    rig.check(error == 0, "without more the assertion is the one answer", reply)
    daemon.stop()


def watchers_see_each_change(rig):
    daemon = soft_daemon(rig)
    watch = Connection(daemon.socket).send("mohr.Identity.Watch", more=True)
    states = [reader["state"] for reader in watch.receive()[1]["readers"]]
    daemon.request()
    while len(states) < 3:  # a picture may be told twice
        states += [reader["state"] for reader in watch.receive()[1]["readers"] if reader["state"] != states[-1]]
    rig.check(states == ["card", "in_use", "card"], "a watcher sees a reader taken and given back", states)
    watch.close()
    daemon.stop()


def hangup_closes_the_prompt(rig):
    daemon = soft_daemon(rig)
    daemon.script(getpin=["hang"])
    connection, _ = at_prompt(daemon)
    asking = [pid for pid in below(daemon.process.pid) if is_called(pid, ("mohr-prompt", "pinentry"))]
    rig.check(len(asking) >= 2, "mohr-prompt and pinentry run while the holder is asked", asking)
    connection.close()
    rig.check(gone(asking), "a hang-up closes them", asking)
    daemon.script()
    code, reply = daemon.request()
    rig.check(code == 0, "and the next request works", reply)
    daemon.stop()


def is_called(pid, names):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            words = line.read().decode(errors="replace")
        return any(name in words for name in names)
    except OSError:
        return False


def stop_waits_for_the_holder(rig):
    daemon = soft_daemon(rig)
    idle = Connection(daemon.socket)
    types = daemon.held()
    connection, _ = at_prompt(daemon)
    daemon.process.child.send_signal(signal.SIGTERM)
    rig.check(idle.socket.recv(1) == b"", "a stop closes idle connections at once")
    late = socket.socket(socket.AF_UNIX)
    late.settimeout(60)
    try:
        late.connect(daemon.socket)
        late.send(b'{"method":"mohr.Identity.Status"}\0')
        heard = late.recv(1)
    except OSError:
        heard = b""
    rig.check(heard == b"", "and serves no new ones", heard)
    types()
    error, reply = last_answer(connection)
    rig.check(not error and "assertion" in reply, "a running request still gets its assertion", (error, reply))
    rig.check(daemon.process.child.wait(60) == 0, "then the daemon ends")


def stop_is_bounded(rig):
    daemon = soft_daemon(rig)
    daemon.script(getpin=["hang"])
    connection, _ = at_prompt(daemon)
    family = below(daemon.process.pid)
    began = time.monotonic()
    daemon.process.child.send_signal(signal.SIGTERM)
    code = daemon.process.child.wait(90)
    rig.check(code == 0 and time.monotonic() - began >= 9, "a stop waits ten seconds for a holder who does not answer", code)
    rig.check(connection.socket.recv(1) == b"", "then the client sees the end")
    rig.check(gone(family), "and nothing the daemon started is left", family)


def second_signal_ends_at_once(rig):
    daemon = soft_daemon(rig)
    daemon.script(getpin=["hang"])
    connection, _ = at_prompt(daemon)
    family = below(daemon.process.pid)
    daemon.process.child.send_signal(signal.SIGTERM)
    wait_for(lambda: "stopping" in daemon.process.said(), 30)
    rig.check(daemon.process.alive(), "one signal drains")
    daemon.process.child.send_signal(signal.SIGINT)
    code = daemon.process.child.wait(60)
    rig.check(code == 0 and "requests cut off" not in daemon.process.said(), "the second ends it before the time for that is over", daemon.process.said())
    rig.check(gone(family), "prompt and helper too", family)
    connection.close()


def killed_daemon_leaves_nobody(rig):
    daemon = soft_daemon(rig)
    daemon.script(getpin=["hang"])
    connection, _ = at_prompt(daemon)
    family = below(daemon.process.pid)
    daemon.process.child.kill()
    rig.check(gone(family), "when the daemon is killed, all it started dies", family)
    connection.close()


def body(rig):
    for part in (phases_are_told, watchers_see_each_change, hangup_closes_the_prompt, stop_waits_for_the_holder,
                 second_signal_ends_at_once, killed_daemon_leaves_nobody, stop_is_bounded):
        part(rig)


main(body)
