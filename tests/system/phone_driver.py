#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""phone_driver.py: a paired phone in mohrd's list of readers: it appears when it is paired and goes when it is forgotten,
is told of while it is away, comes back by itself, and an idle one costs nothing.

The phone is a real mohr-relay with a soft card, the pairings are made without people (relayed.py). What a hostile phone gets
is unit/test_phone_bridge's, requests over a phone are phone.py's.
"""
import json
import os
import shutil
import time

import flow
import relayed
from digits import RUNS, a_pin, look, may_look, stays
from lib import AUDIENCE, NONCE, Connection, Daemon, main, wait_for

PHONE = "phone"
relayed.Phone.helpers = Daemon.helpers


def reader_of(daemon, name=PHONE):
    return next((entry for entry in daemon.status().get("readers", []) if entry["name"] == name), None)


def wait_why(daemon, why, name=PHONE):
    return wait_for(lambda: (reader_of(daemon, name) or {}).get("why") == why, 60, 0.02)


class World:
    """A phone that is paired, and a computer that was not told of it yet."""

    def __init__(self, rig):
        self.rig, self.phone = rig, relayed.Phone(rig, card=flow.Soft(rig))
        folder, self.pairing = self.phone.folders["Counter 3"]
        self.kept = os.path.join(folder, self.pairing + ".json")
        self.home = os.path.join(rig.dir, "computer")
        self.folder = os.path.join(self.home, "mohr", "phones")
        rig.env["XDG_DATA_HOME"] = self.home
        self.daemon = Daemon(rig, drivers=("phone",))

    def pair(self):
        """As a program does it: a whole file takes its name."""
        os.makedirs(self.folder, 0o700, exist_ok=True)
        fresh = os.path.join(self.folder, ".new")
        shutil.copy2(self.kept, fresh)
        os.rename(fresh, os.path.join(self.folder, self.pairing + ".json"))

    def forget(self):
        os.unlink(os.path.join(self.folder, self.pairing + ".json"))

    def helpers(self):
        return sorted(self.daemon.helpers().values())

    def helper(self):
        return next((pid for pid, name in self.daemon.helpers().items() if name == "mohr-reader-pho"), None)

    def watcher(self):
        return next((pid for pid, name in self.daemon.helpers().items() if name == "mohr-watch-phon"), None)


def nobody_is_paired(rig, world):
    status = world.daemon.status()
    rig.check(status["readers"] == [] and status["backends"] == [], "without a pairing nothing is in the list", status)
    rig.check(world.helpers() == [], "and no process is started", world.helpers())


def paired_phone_appears(rig, world):
    world.pair()
    rig.check(world.daemon.wait_state(PHONE, "card"), "a phone that is paired is a reader at once", world.daemon.status())
    entry = reader_of(world.daemon)
    rig.check(entry["driver"] == "phone" and entry["simulated"], "the phone's word that its card is simulated counts", entry)
    link = entry.get("link", {})
    rig.check(link.get("reader") and link.get("latency_ms", 0) >= 1 and link.get("asks_pin") in (True, False),
              "its reader, the latency and where the PIN is asked for are told", link)
    code, out, _ = rig.mohr(world.daemon, "status")
    rig.check(code == 0 and link["reader"] in out and "there and back" in out, "mohr status says it in words", out)
    code, out, _ = rig.mohr(world.daemon, "status", env={"LC_ALL": "C.UTF-8", "LANGUAGE": "fa", "MOHR_LANGUAGE": "fa"})
    rig.check(code == 0, "and in Persian", out)


def idle_means_idle(rig, world):
    def switches():
        total = 0
        for pid in world.daemon.helpers():
            with open(f"/proc/{pid}/status", encoding="ascii") as status:
                total += sum(int(line.split()[1]) for line in status if "ctxt_switches" in line)
        return total
    wait_for(lambda: (before := switches(), time.sleep(0.5), switches() == before)[2])
    before, began = switches(), time.monotonic()
    time.sleep(1.5)
    rig.check(switches() == before, "an idle phone wakes neither helper nor watcher", (before, switches(), time.monotonic() - began))


def helper_is_shut_in(rig, world):
    for pid in (world.helper(), world.watcher()):
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            said = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
        rig.check(said["Seccomp"] == "2" and said["NoNewPrivs"] == "1", f"{said['Name']} is shut in", said)
    with open(f"/proc/{world.helper()}/environ", "rb") as environment:
        rig.check(b"XDG_DATA_HOME" not in environment.read(), "the helper is told of one folder by an option, and of no home")


def away_and_back(rig, world):
    world.phone.stop()
    rig.check(wait_why(world.daemon, "not-reached"), "a phone that stops serving is told as not reached", world.daemon.status())
    entry = reader_of(world.daemon)
    rig.check("reader" not in entry.get("link", {}) and not entry["simulated"], "and nothing of what it said before", entry)
    error, reply = world.daemon.request(timeout=60)
    rig.check(error == 10 and "phone is not reached" in reply.get("detail", ""), "a request says that the phone is away, not the card", (error, reply))
    code, out, _ = rig.mohr(world.daemon, "doctor", "--json")
    rig.check('"phones"' in out and code != 0, "mohr doctor says so", (code, out[-300:]))
    world.phone.start()
    rig.check(world.daemon.wait_state(PHONE, "card", seconds=60), "it comes back by itself", world.daemon.status())


def forgotten_there(rig, world):
    world.phone.forget()
    rig.check(wait_why(world.daemon, "unpaired"), "a phone that forgot this computer is told as unpaired", world.daemon.status())


def forgotten_here(rig, world):
    before = world.helper()
    world.forget()
    rig.check(wait_for(lambda: reader_of(world.daemon) is None), "a phone that is forgotten here is no reader any more", world.daemon.status())
    rig.check(wait_for(lambda: world.helpers() == []), "its processes are gone", (before, world.helpers()))
    rig.check(wait_for(lambda: world.daemon.status()["backends"] == []), "and nothing is left in the list", world.daemon.status())


def two_of_one_name(rig, world):
    other = os.urandom(8).hex()
    world.pair()
    with open(world.kept, encoding="utf-8") as kept:
        text = kept.read().replace(world.pairing, other)
    with open(os.path.join(world.folder, other + ".json"), "w", encoding="utf-8", opener=lambda p, f: os.open(p, f, 0o600)) as file:
        file.write(text)
    names = {f"{PHONE} ({pairing[:4]})" for pairing in (other, world.pairing)}
    rig.check(wait_for(lambda: {entry["name"] for entry in world.daemon.status()["readers"]} == names),
              "two phones of one name are told apart", world.daemon.status())
    os.unlink(os.path.join(world.folder, other + ".json"))
    rig.check(wait_for(lambda: reader_of(world.daemon)), "one that is left has its name to itself", world.daemon.status())


def bad_file_is_left_out(rig, world):
    path = os.path.join(world.folder, world.pairing + ".json")
    os.chmod(path, 0o644)
    rig.check(wait_for(lambda: reader_of(world.daemon) is None) is True, "a pairing that others can read is none", world.daemon.status())
    code, out, _ = rig.mohr(world.daemon, "doctor")
    rig.check("pairing with a phone cannot be used" in out and world.pairing in out, "mohr doctor names its file", (code, out))
    os.chmod(path, 0o600)


def digits_in_a_helper(rig, pin):
    """What a look finds in mohrd and its helper while the card on the phone has the PIN, and whether the look can see."""
    card = flow.Soft(rig, pin=pin, fault="mute:3000@verify:before")
    phone = relayed.Phone(rig, "--pin", "computer", card=card)
    daemon = Daemon(rig, drivers=("phone",), phone={"folder": phone.folders["Counter 3"][0]})
    daemon.script(getpin=[pin])
    daemon.wait_state(PHONE, "card")
    running = Connection(daemon.socket).send("mohr.Identity.Assert", {"audience": AUDIENCE, "nonce": NONCE, "ui": {"display": ":mohr-test"}})
    seen = wait_for(lambda: any(finds for name, finds in look(phone, pin).items() if "reader" in name), step=0.02)
    found = look(daemon, pin)
    running.receive()
    running.close()
    daemon.stop()
    phone.stop()
    return seen, found


def digits_do_not_stay(rig):
    if not may_look():
        rig.skip("where digits are that went to a phone", "only root may look into processes that are not dumpable")
        return
    seen, looks, by_chance = [], [], set()
    while not looks or len(looks) < RUNS and stays(looks):
        saw, found = digits_in_a_helper(rig, a_pin(8, by_chance))
        seen.append(saw)
        looks.append(found)
        by_chance |= {needle for finds in found.values() for needle, _ in finds}
    rig.check(all(seen), "the look finds the PIN on the phone while the card has it")
    rig.check(any("reader-phone" in name or "reader-pho" in name for name in looks[-1]), "and looks at the computer's helper", looks[-1])
    rig.check(not stays(looks), "where it is in mohrd and in the helper no more", looks)


def ends_soon_is_said(rig, world):
    """Ten days are left of the pairing."""
    path = os.path.join(world.folder, world.pairing + ".json")
    with open(path, encoding="utf-8") as file:
        pairing = json.load(file)
    pairing["expires_at"] = int(time.time()) + 10 * 86400
    with open(path, "w", encoding="utf-8") as file:
        json.dump(pairing, file, separators=(",", ":"))
    code, out, _ = rig.mohr(world.daemon, "doctor")
    rig.check("ends within 30 days" in out and "mohr phone renew" in out, "mohr doctor says when a pairing ends soon", (code, out))
    pairing["expires_at"] = int(time.time()) - 1
    with open(path, "w", encoding="utf-8") as file:
        json.dump(pairing, file, separators=(",", ":"))
    rig.check(wait_why(world.daemon, "expired"), "one that is over is told as that", world.daemon.status())
    code, out, _ = rig.mohr(world.daemon, "doctor")
    rig.check("has ended, or this computer's clock is wrong" in out and "mohr phone list" in out, "mohr doctor names both causes", (code, out))
    pairing["paired_at"], pairing["expires_at"] = int(time.time()) + 200000, int(time.time()) + 10 * 86400
    with open(path, "w", encoding="utf-8") as file:
        json.dump(pairing, file, separators=(",", ":"))
    code, out, _ = rig.mohr(world.daemon, "doctor")
    rig.check("a day that has not come" in out and "Set date and time" in out, "and a clock that is behind", (code, out))


def body(rig):
    if not rig.sanitized():  # whose shadow memory is no place to look into
        digits_do_not_stay(rig)
    world = World(rig)
    for part in (nobody_is_paired, paired_phone_appears, helper_is_shut_in, idle_means_idle, away_and_back, forgotten_there,
                 forgotten_here, two_of_one_name, bad_file_is_left_out, ends_soon_is_said):
        part(rig, world)
    world.daemon.stop()
    world.phone.stop()


main(body)
