#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""phone_heard.py: a phone whose address changed is met again, since it tells the network that it is there: a real Avahi on a real
bus, both in namespaces of their own, a real mohr-relay that publishes itself, and mohrd, which knows an old address only.

Avahi comes and goes meanwhile, and mohrd hears of it by itself.
"""
import ctypes
import os
import shutil
import subprocess
import time

import flow
import relayed
from digits import may_look
from lib import Daemon, Process, main, wait_for

PHONE, CLONE_NEWNET = "phone", 0x40000000
BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
<allow receive_type="method_call"/><allow receive_type="method_return"/><allow receive_type="signal"/><allow receive_type="error"/>
<allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/></policy></busconfig>
"""
AVAHI = "[server]\nallow-interfaces=m0\nuse-ipv6=no\nenable-dbus=yes\n[wide-area]\nenable-wide-area=no\n[publish]\npublish-workstation=no\n"


def lacking():
    """What a bus and an Avahi of one's own need, and this machine does not have."""
    if os.environ["MOHR_PRIVATE"] != "own" or not may_look():
        return "only root of the machine may start a bus and an Avahi of its own"
    missing = [name for name in ("dbus-daemon", "avahi-daemon", "avahi-publish", "ip") if not find(name)]
    return f"no {missing[0]} here" if missing else None


def find(name):
    return shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")


def own_network():
    """A network of one interface, and a /run without the machine's bus."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    steps = ["ip link set lo up", "ip link add m0 type veth peer name m1", "ip addr add 10.9.0.1/24 dev m0", "ip link set m0 up",
             "ip link set m1 up", "mount -t tmpfs -o mode=755 none /run", "mkdir /run/dbus /run/avahi-daemon"]
    return all(subprocess.run([find(step.split()[0]) or step.split()[0], *step.split()[1:]], check=False,
                              capture_output=True).returncode == 0 for step in steps)


def write(rig, name, text):
    path = os.path.join(rig.dir, name)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)
    return path


def start_bus(rig):
    bus = Process(rig, "bus", [find("dbus-daemon"), "--nofork", "--nopidfile", "--config-file=" + write(rig, "bus.conf", BUS)])
    return bus if wait_for(lambda: os.path.exists("/run/dbus/system_bus_socket")) else None


def start_avahi(rig):
    avahi = Process(rig, "avahi", [find("avahi-daemon"), "--no-drop-root", "--no-chroot", "--no-rlimits", "-f", write(rig, "avahi.conf", AVAHI)])
    return avahi if wait_for(lambda: "startup complete" in avahi.said()) else None


def why(daemon):
    return next((entry.get("why", "") for entry in daemon.status()["readers"]), None)


def quiet(daemon):
    """Does the watcher sleep, and live?"""
    def switches():
        watchers = [pid for pid, name in daemon.helpers().items() if name.startswith("mohr-watch")]
        with open(f"/proc/{watchers[0]}/status", encoding="ascii") as status:
            return [line for line in status if "ctxt_switches" in line]
    return wait_for(lambda: (before := switches(), time.sleep(0.3), switches() == before)[2])


def found_again(rig, bus):
    """The pairing says where nobody is; what the network says is right."""
    phone = relayed.Phone(rig, card=flow.Soft(rig), publish=True)
    phone.stop()
    folder, pairing = phone.folders["Counter 3"]
    path = os.path.join(folder, pairing + ".json")
    with open(path, encoding="utf-8") as file:
        text = file.read().replace(f"127.0.0.1:{phone.port}", "127.0.0.1:1")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    daemon = Daemon(rig, drivers=("phone",), phone={"folder": folder})
    rig.check(wait_for(lambda: why(daemon) == "not-reached"), "at its old address the phone is not reached", daemon.status())
    avahi = start_avahi(rig)
    rig.check(avahi, "Avahi starts after mohrd")
    phone.start()
    rig.check(daemon.wait_state(PHONE, "card", seconds=60), "a phone that announces itself is found, and at once", daemon.status())
    rig.check(pairing not in avahi.said() and pairing not in phone.process.said().split("Ctrl-C")[0], "its pairing is named to nobody")
    avahi.stop()
    rig.check(daemon.state_of(PHONE) == "card", "without Avahi it stays", daemon.status())
    phone.stop()
    rig.check(wait_for(lambda: why(daemon) == "not-reached"), "it goes", daemon.status())
    start_avahi(rig)
    phone.start()
    rig.check(daemon.wait_state(PHONE, "card", seconds=60), "with another Avahi it is found again", daemon.status())
    bus.stop()
    rig.check(quiet(daemon) and daemon.state_of(PHONE) == "card", "a bus that goes costs nothing but the news", daemon.status())
    daemon.stop()
    phone.stop()


def body(rig):
    missing = lacking()
    if missing is None and not own_network():
        missing = "no network namespace with a pair of interfaces to be had"
    bus = start_bus(rig) if missing is None else None
    if missing is None and not bus:
        missing = "a bus of its own does not start"
    if missing:
        rig.skip("phones that announce themselves", missing)
        return
    found_again(rig, bus)


main(body)
