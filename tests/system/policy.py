#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""policy.py: rules as they meet a request, as `mohr policy check` explains them, and as files of root and of another user hold them.

What is explained and what happens are compared: the same question goes to both. The other user is nobody (65534), with a
folder of its own; /etc is a layer of ours (trust.py). Files are read at the start alone, so each case is a mohrd of its own.
"""
import json
import os
import re
import shutil
import subprocess

import flow
import lib
import relying
import trust
from lib import AUDIENCE, Process, wait_for

GUEST = 65534
AS_GUEST = ["setpriv", f"--reuid={GUEST}", f"--regid={GUEST}", "--clear-groups"]
POLICY, USAGE = 16, 2


def check_policy(rig, daemon, *words):
    """(exit code, the answer)"""
    code, out, err = rig.mohr(daemon, "policy", "check", "--json", *words)
    return code, json.loads(out) if out else err


def deciding(answer):
    """[(list, name)] of the rules that matched."""
    return [(rule["list"], rule["name"]) for rule in answer["rules"] if rule["matched"]]


# ---- a request meets the rules ----------------------------------------------------------------------

RULES = {
    "rule closed": {"who": "any", "audience": "https://closed.example/*", "consent": "refuse"},
    "rule real": {"who": "any", "audience": "https://real.example", "simulated": "no"},
    "rule keys": {"who": "any", "audience": "https://keys.example", "pinpad": "yes"},
    "rule elsewhere": {"who": "flatpak:org.bank.App", "consent": "refuse"},
    "rule pins": {"who": "any", "for": "pins", "consent": "refuse"},
    "rule few": {"who": "any", "audience": AUDIENCE, "purpose": "Few", "claims": "card_expiry"},
}


def asked(daemon):
    return any(line.startswith(("SETDESC", "GETPIN", "CONFIRM")) for line in daemon.prompts())


def requests(rig):
    daemon = flow.soft(rig, state=os.path.join(rig.dir, "policy-card"))
    daemon.stop()
    daemon.sections.update(RULES)
    rewrite(daemon)
    daemon.start()
    for audience, text in (("https://closed.example/door", "a rule refuses this"), ("https://closed.example", "a rule refuses this"),
                           ("https://real.example", "simulated"), ("https://keys.example", "keys of the card reader")):
        code, reply = daemon.request(audience=audience)
        rig.check(code == POLICY and text in flow.detail(reply) and not asked(daemon), f"{audience} is refused, and nobody is asked", (code, reply))
    for audience in ("https://CLOSED.example:443/door", "https://closed.example./a/../door", "https://real.example/"):
        code, reply = daemon.request(audience=audience)
        rig.check(code == POLICY and not asked(daemon), f"so is {audience}, another spelling", (code, reply))
    for audience in ("https://closed.example.evil.example/", "https://real.example/x"):
        code, reply = daemon.request(audience=audience)
        rig.check(code == 0 and asked(daemon), f"{audience} is another audience: asked as ever", (code, reply))
    left_out(rig, daemon)
    new_pins(rig, daemon)
    explained(rig, daemon)
    read_again(rig, daemon)
    daemon.stop()


def rewrite(daemon):
    with open(daemon.config, "w", encoding="utf-8") as config:
        for name, values in daemon.sections.items():
            config.write(f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in values.items()))


def left_out(rig, daemon):
    code, assertion = daemon.request(purpose="Few")
    told = flow.claims(assertion) if code == 0 else {}
    rig.check(code == 0 and "expiry" in told.get("card", {}) and "generation" not in told["card"] and "reader" not in told.get("station", {}),
              "a claim that no rule allows is left out of the assertion", told or assertion)
    code, assertion = daemon.request()
    told = flow.claims(assertion) if code == 0 else {}
    rig.check("generation" in told.get("card", {}) and "reader" in told.get("station", {}), "with another purpose it goes along", told or assertion)
    daemon.prompts()
    code, reply = daemon.request(purpose="Few", claims={"required": ["reader"]})
    rig.check(code == POLICY and "no rule allows" in flow.detail(reply) and not asked(daemon), "one that is required is a refusal", (code, reply))


def new_pins(rig, daemon):
    daemon.prompts()
    for what in ("change", "unblock"):
        code, _, err = rig.mohr(daemon, "pin", what)
        rig.check(code == POLICY and "a rule refuses this" in err and not asked(daemon), f"a rule refuses mohr pin {what}", (code, err))
    code, answer = check_policy(rig, daemon, "--for", "pins")
    rig.check(code == POLICY and answer["decision"]["rule"] == "pins", "as mohr policy check says it does", answer)
    for words in (("--for", "pins", "--audience", AUDIENCE), ("--for", "pins", "--require", "reader"), ("--for", "pin"),
                  ("--for", "pins", "--purpose", "x"), ("--for", "keys", "--purpose", "x")):
        rig.check(rig.mohr(daemon, "policy", "check", *words)[0] == USAGE, f"{' '.join(words)} is no question")


def explained(rig, daemon):
    code, answer = check_policy(rig, daemon, "--audience", "https://closed.example/door")
    rig.check(code == POLICY and answer["decision"]["rule"] == "closed" and deciding(answer) == [("administrator", "closed")],
              "what is refused is explained with the rule that does it", answer)
    with open(daemon.config, encoding="utf-8") as config:
        line = config.read().split("\n").index("[rule closed]") + 1
    found = [rule for rule in answer["rules"] if rule["name"] == "closed"]
    rig.check(found and (found[0]["file"], found[0]["line"]) == (daemon.config, line), "with its file and line", found)
    whys = {rule["name"]: rule.get("why") for rule in answer["rules"]}
    rig.check(whys["real"] == "audience" and whys["elsewhere"] == "who", "and of the others is told why not", whys)
    code, answer = check_policy(rig, daemon, "--audience", AUDIENCE, "--purpose", "Few", "--require", "reader")
    rig.check(code == POLICY and answer["decision"]["refused"] == ["reader"], "a claim that is too much is named", answer)
    code, answer = check_policy(rig, daemon, "--audience", AUDIENCE, "--purpose", "Few", "--claims", "reader,card_expiry")
    rig.check(code == 0 and answer["decision"]["left_out"] == ["reader"] and answer["decision"]["optional"] == ["card_expiry"], "so is one that is left out", answer)
    code, answer = check_policy(rig, daemon, "--audience", AUDIENCE, "--who", "flatpak:org.bank.App")
    rig.check(code == POLICY and answer["decision"]["rule"] == "elsewhere", "it can be asked for somebody else", answer)
    code, answer = check_policy(rig, daemon, "--audience", AUDIENCE)
    rig.check(code == 0 and answer["decision"]["consent"] == "ask" and "rule" not in answer["decision"] and answer["who"].startswith("program:/"),
              "what no rule speaks of is asked", answer)
    code, out, err = rig.mohr(daemon, "policy", "check", "--audience", "https://closed.example/door")
    rig.check(code == POLICY and "Refused" in out and f"closed ({daemon.config}:{line}): matches" in out and not err, "in words, too", (code, out, err))
    for words in (("--audience", "nowhere"), ("--audience", AUDIENCE, "--who", "everybody"), ("--audience", AUDIENCE, "--who", "flatpak:*"),
                  ("--audience", AUDIENCE, "--claims", "name"), ("--audience", AUDIENCE, "--claims", "reader", "--require", "reader"), ()):
        rig.check(rig.mohr(daemon, "policy", "check", *words)[0] == USAGE, f"{' '.join(words) or 'nothing'} is no question")
    rig.check(not asked(daemon), "nobody was asked by any of these")


def read_again(rig, daemon):
    """Rules are read at the start alone, and told so."""
    daemon.sections["rule closed"]["consent"] = "ask"
    rewrite(daemon)
    words = ("--audience", "https://closed.example/door")
    code, out, _ = rig.mohr(daemon, "policy", "check", *words)
    rig.check(code == POLICY and "started again" in out, "a changed file does not change a mohrd that runs", out)
    daemon.stop()
    daemon.start()
    rig.check(check_policy(rig, daemon, *words)[0] == 0, "it counts at the next start")


# ---- how often ---------------------------------------------------------------------------------------

PERSIAN = {"LC_ALL": "C.UTF-8", "LANGUAGE": "fa"}


def limits(rig):
    """They outlast mohrd; what a rule says holds where it speaks; when to come again is said in words."""
    daemon = flow.soft(rig)
    daemon.stop()
    daemon.sections["limits"] = {"app_per_hour": "2", "user_per_hour": "3", "pause_s": "86400", "wrong_pins": "1"}
    rewrite(daemon)
    daemon.start()
    words = ("assert", "--audience", AUDIENCE, "--nonce", "1234567890")
    codes = [rig.mohr(daemon, *words)[0] for _ in range(2)]
    daemon.stop()
    daemon.sections["rule rare"] = {"who": "any", "audience": "https://rare.example", "app_per_hour": "3"}
    rewrite(daemon)
    daemon.start()
    daemon.prompts()
    code, _, err = rig.mohr(daemon, *words)
    rig.check((codes, code) == ([0, 0], POLICY) and re.search(r"Try again in (60|5\d) minutes\.", err),
              "a limit that is reached outlasts mohrd, and says in minutes when to come again", (codes, code, err))
    code, out, err = rig.mohr(daemon, *words, "--json", env=PERSIAN)
    told = json.loads(out)
    rig.check(3000 < told.get("again_in_s", 0) <= 3600 and re.search("(۶۰|۵[۰-۹]) دقیقه", err) and not asked(daemon), "for scripts in seconds, in Persian in its own digits", (told, err))
    daemon.script(getpin=("11111111",))
    code = rig.mohr(daemon, "assert", "--audience", "https://rare.example", "--nonce", "1234567890")[0]
    rig.check(code == 13, "what a rule allows more often is asked, within the user's own limit", code)
    code, _, err = rig.mohr(daemon, "assert", "--audience", "https://rare.example", "--nonce", "1234567890")
    rig.check(code == POLICY and "Try again in 24 hours." in err and "No try was spent" in err, "a pause of a day is told in hours", (code, err))
    daemon.stop()


def other_settings(rig):
    """What keeps cards out besides rules is told along with them, and is what happens."""
    if os.geteuid() != 0:
        rig.skip("settings that are root's alone", "only root can write such a file")
        return
    daemon = flow.soft(rig)
    for section, key, value, told, code in (("keys", "raw_hash", "national", ["national"], POLICY), ("keys", "raw_hash", "all", ["national", "staff"], POLICY),
                                            ("card", "unproven", "no", ["unproven"], 0)):  # this one is simulated
        daemon.stop()
        daemon.sections = {**daemon.sections, "keys": {"raw_hash": "no"}, "card": {"unproven": "yes"}, section: {key: value}}
        rewrite(daemon)
        daemon.start()
        daemon.prompts()
        for words, expected in ((("--audience", AUDIENCE), told), (("--for", "documents"), told), (("--for", "pins"), [])):
            answer = check_policy(rig, daemon, *words)[1]
            rig.check(answer["decision"]["not_with"] == expected, f"{key} = {value}, {words[-1]}: {expected}", answer)
        found = daemon.request()
        rig.check(found[0] == code and bool(code) != asked(daemon), f"{key} = {value}: a request ends as was told", found)
    out = rig.mohr(daemon, "policy", "check", "--audience", AUDIENCE)[1]
    rig.check("Not with a real national card" in out, "in words", out)
    daemon.stop()


# ---- a request that is signed ------------------------------------------------------------------------

ISS = "https://bank.example/login"
BANKS = {"rule bank": {"who": "organization:Specimen Bank", "audience": "https://bank.example/*", "consent": "grant", "claims": "card_expiry"},
         "rule unsigned": {"who": "any", "audience": "https://bank.example/*", "consent": "refuse"}}


def signed(rig):
    """A rule for an organisation is met by its signature alone."""
    if os.geteuid() != 0:
        rig.skip("rules for an organisation", "anchors must be root's")
        return
    relying.make_bank(rig.dir)
    bank = relying.Bank(rig.dir)
    daemon = flow.soft(rig)
    daemon.stop()
    daemon.sections.update({"relying_parties": {"anchors": os.path.join(rig.dir, "ca.pem")}, **BANKS})
    rewrite(daemon)
    daemon.start()
    request = os.path.join(rig.dir, "request.jws")
    with open(request, "w", encoding="ascii") as file:
        file.write(bank.asks(claims={"optional": ["reader", "card_expiry"]}))
    code, answer = check_policy(rig, daemon, "--signed-request", request)
    decision = answer["decision"] if code == 0 else {}
    rig.check((decision.get("consent"), decision.get("rule"), answer.get("organization")) == ("grant", "bank", "Specimen Bank"), "a signature meets the rule", answer)
    rig.check((decision.get("optional"), decision.get("left_out")) == (["card_expiry"], ["reader"]), "its own claims are judged", decision)
    code, out, err = rig.mohr(daemon, "assert", "--signed-request", request)
    told = flow.claims(out) if code == 0 else {}
    rig.check(code == 0 and "expiry" in told["card"] and "reader" not in told["station"], "and the request, which was not used up by the question, is answered so", err)
    daemon.prompts()
    code, reply = daemon.request(audience=ISS)
    rig.check(code == POLICY and not asked(daemon), "without it the same audience is refused", (code, reply))
    broken(rig, daemon, bank)
    daemon.stop()


def broken(rig, daemon, bank):
    """CheckPolicy by socket: what is no question."""
    method, invalid = "mohr.Identity.CheckPolicy", "org.varlink.service.InvalidParameter"
    good = bank.asks()
    for parameters, error, name in (
            ({}, invalid, "audience"), ({"audience": None}, invalid, "audience"), ({"signed_request": good, "audience": ISS}, invalid, "audience"),
            ({"signed_request": good, "claims": {}}, invalid, "claims"), ({"signed_request": good, "purpose": "x"}, invalid, "purpose"),
            ({"audience": ISS, "claims": {"required": ["reader"], "optional": ["reader"]}}, invalid, "claims"),
            ({"audience": ISS, "claims": {"required": "reader"}}, invalid, "claims.required"), ({"audience": ISS, "claims": []}, invalid, "claims"),
            ({"audience": ISS, "who": "unit:"}, invalid, "who"), ({"audience": ISS, "who": "flatpak:" + "x" * 300}, invalid, "who"),
            ({"audience": ISS, "nonce": "12345678"}, invalid, "nonce"), ({"signed_request": "e30.e30.AA"}, "mohr.Identity.RefusedByPolicy", None),
            ({"signed_request": good, "audience": None, "claims": None, "who": "flatpak:org.bank.App"}, None, None),
            ({"audience": ISS, "claims": {"required": None, "optional": None}}, None, None)):
        told, reply = lib.call(daemon.socket, method, parameters)
        rig.check(told == error and reply.get("parameter") == name, f"CheckPolicy {', '.join(parameters) or 'of nothing'}: {name or error or 'answered'}", (told, reply))


# ---- the examples of docs/policy.md -----------------------------------------------------------------

BANK, OFFICE = "https://bank.example/login", "https://office.example/queue"
EXAMPLES = {  # heading: [(words of the question, consent, rule)]
    "A bank's app on people's computers": [
        (("--audience", BANK, "--who", "organization:Bank of Examples"), "grant", "bank"),
        (("--audience", BANK, "--who", "flatpak:org.bank.App"), "refuse", "bank-unsigned"),
        (("--audience", OFFICE), "ask", None)],
    "A counter with a clerk": [
        (("--audience", OFFICE, "--who", "unit:counter.service"), "ask", "counter"),
        (("--audience", BANK, "--who", "unit:counter.service"), "refuse", "nothing-else")],
    "A kiosk": [
        (("--audience", OFFICE, "--who", "unit:kiosk.service"), "ask", "queue"),
        (("--audience", OFFICE, "--who", "unit:kiosk.service", "--require", "card_expiry"), "refuse", "queue"),
        (("--audience", OFFICE + "/x", "--who", "unit:kiosk.service", "--require", "card_expiry"), "ask", "forms"),
        (("--audience", OFFICE), "refuse", "nothing-else")],
    "A careful person": [
        (("--audience", OFFICE), "ask", "office"),
        (("--audience", BANK), "refuse", "nothing-else")],
}


def examples(rig):
    """Each is a configuration that mohrd takes, and means what the page says."""
    with open(os.path.join(lib.TREE, "docs/policy.md"), encoding="utf-8") as page:
        parts = page.read().split("## Examples")[1].split("### ")[1:]
    found = {}
    for part in parts:
        heading, text = part.split("\n", 1)
        found[heading] = "\n".join(line[4:] for line in text.split("\n") if line.startswith("    "))
    rig.check(found.keys() == EXAMPLES.keys(), "the examples are those that are tried", list(found))
    for heading, questions in EXAMPLES.items():
        config = os.path.join(rig.dir, "example.conf")
        with open(config, "w", encoding="utf-8") as file:
            file.write(found.get(heading, "").replace("/etc/mohr/relying", rig.root))
        daemon = Example(rig, config)
        answers = [check_policy(rig, daemon, *words)[1] for words, _, _ in questions]
        told = [(answer["decision"]["consent"], answer["decision"].get("rule")) if isinstance(answer, dict) else answer for answer in answers]
        rig.check(told == [(consent, rule) for _, consent, rule in questions], heading, (told, daemon.process.said()))
        daemon.process.stop()


class Example:
    def __init__(self, rig, config):
        self.socket = os.path.join(rig.dir, "example")
        self.process = Process(rig, "mohrd", [os.path.join(rig.build, "mohrd"), "--config", config, "--socket", self.socket], rig.env)
        wait_for(lambda: ": ready" in self.process.said() or not self.process.alive(), 90, 0.002)


# ---- whose word a file is ---------------------------------------------------------------------------

class Guest:
    """A mohrd of the user nobody. `files` are {path: (owner, mode, text)}; ~ is that user's folder."""

    def __init__(self, rig, files, *arguments):
        self.rig, self.place = rig, os.path.join(rig.dir, f"guest-{len(rig.processes)}")
        for folder in ("", "run", "config", "config/mohr", "config/mohr/conf.d"):
            os.mkdir(os.path.join(self.place, folder), 0o700)
            os.chown(os.path.join(self.place, folder), GUEST, GUEST)
        for path, (owner, mode, text) in files.items():
            self.write(path.replace("~", self.place), owner, mode, text)
        self.socket = os.path.join(self.place, "run/socket")
        self.env = {**rig.env, "HOME": self.place, "XDG_CONFIG_HOME": os.path.join(self.place, "config"), "XDG_RUNTIME_DIR": os.path.join(self.place, "run"),
                    "XDG_STATE_HOME": self.place, "MOHR_SOCKET": self.socket}
        argv = [*AS_GUEST, os.path.join(rig.programs, "mohrd"), *(word.replace("~", self.place) for word in arguments)]
        self.process = Process(rig, "mohrd", argv, self.env)
        wait_for(lambda: ": ready" in self.process.said() or not self.process.alive(), 90, 0.002)
        self.started = self.process.alive()

    @staticmethod
    def write(path, owner, mode, text):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)
        os.chown(path, owner, owner)

    def decision(self, *words):
        done = subprocess.run([*AS_GUEST, os.path.join(self.rig.programs, "mohr"), "policy", "check", "--json", "--audience", AUDIENCE, *words],
                              env=self.env, capture_output=True, text=True, timeout=180, check=False)
        return json.loads(done.stdout)["decision"] if done.stdout else {"broken": done.stderr, "log": self.process.said()}

    def end(self):
        self.process.stop()


ETC, OWN = "/etc/mohr/mohr.conf", "~/config/mohr/mohr.conf"
GRANT = "[rule bank]\nwho = flatpak:org.bank.App\nconsent = grant\n"
ROOTS_ONLY = [
    ("[relying_parties]\nanchors = /etc/mohr/x\n", ':2: "anchors" in [relying_parties] may stand only in a file below /etc/mohr'),
    ("[person]\nscreen = program:/usr/bin/x\n", ':2: "screen" in [person] may stand only'),
    ("[history]\nregister = person\n", ':2: "register" in [history] may stand only'),
    (GRANT, ':1: "consent = grant" in [rule bank] may stand only'),
]
SIGNED = "[history]\nregister = station\n"


def refused(rig, files, error, what, *arguments):
    guest = Guest(rig, files, *arguments)
    rig.check(not guest.started and error in guest.process.said(), what, guest.process.said())
    guest.end()


def users_files(rig):
    for text, error in ROOTS_ONLY:
        refused(rig, {OWN: (GUEST, 0o600, text)}, "config/mohr/mohr.conf" + error, f"a user's file cannot say: {text.splitlines()[-1]}")
    refused(rig, {OWN: (0, 0o644, GRANT)}, "may stand only", "nor one of root's that lies in a user's folder")
    refused(rig, {ETC: (0, 0o664, GRANT)}, "may stand only", "nor one in /etc/mohr that root's group may write")
    refused(rig, {ETC: (GUEST, 0o644, GRANT)}, "may stand only", "nor one in /etc/mohr that is the user's")
    os.unlink(ETC)
    links(rig)
    refused(rig, {"~/x.conf": (GUEST, 0o644, SIGNED)}, "may stand only", "nor one of the user's that is named", "--config", "~/x.conf")
    guest = Guest(rig, {"~/x.conf": (0, 0o644, SIGNED), "~/x.conf.d/a.conf": (GUEST, 0o644, "[limits]\nuser_per_hour = 5\napp_per_hour = 5000\n")}, "--config", "~/x.conf")
    decision = guest.decision()
    rig.check((decision.get("user_per_hour"), decision.get("app_per_hour")) == (5, 60), "beside root's file that is named, a user's only tightens", decision)
    guest.end()


def links(rig):
    """A folder below /etc that is the user's own, with a link to a file of root's that says what the user likes."""
    text = os.path.join(rig.dir, "roots.conf")
    Guest.write(text, 0, 0o644, GRANT)
    for folder in ("/etc/mohr/conf.d", "/etc/mohr"):
        os.makedirs("/etc/mohr/conf.d", exist_ok=True)
        os.symlink(text, "/etc/mohr/conf.d/x.conf")
        os.chown(folder, GUEST, GUEST)
        refused(rig, {}, "may stand only", f"nor a link to one of root's, where {folder} is the user's")
        os.chown(folder, 0, 0)
        os.unlink("/etc/mohr/conf.d/x.conf")


def checked(rig, *arguments):
    """(exit code, what it said) of `mohrd --check`, as the guest."""
    place = os.path.join(rig.dir, "checked")
    env = {**rig.env, "HOME": place, "XDG_CONFIG_HOME": place, "XDG_RUNTIME_DIR": place}
    done = subprocess.run([*AS_GUEST, os.path.join(rig.programs, "mohrd"), "--check", *arguments], env=env, capture_output=True, text=True, timeout=180,
                          check=False)
    return done.returncode, done.stdout + done.stderr


CUT = "[rule nothing-else]\nwho = any\nconsent = refuse\n"
ODD = [  # what is at a place: (owner, mode, text), a link, or None; what is said of it, or None: it is good
    ("nothing at all", {}, None),
    ("an empty file", {ETC: (0, 0o644, ""), OWN: (GUEST, 0o600, "")}, None),
    ("a link to a file", {OWN: "/etc/passwd-of-nobody/../mohr.good"}, "No such file"),
    ("a link that leads nowhere", {ETC: "/nowhere/mohr.conf"}, "mohr.conf: No such file"),
    ("a folder's link that leads nowhere", {"/etc/mohr/conf.d": "/nowhere"}, "conf.d: No such file"),
    ("a link to itself", {OWN: "mohr.conf"}, "Too many levels"),
    ("a file that cannot be read", {ETC: (0, 0o600, CUT)}, "mohr.conf: Permission denied"),
    ("a folder that cannot be read", {"/etc/mohr/conf.d/": (0, 0o700, None)}, "conf.d: Permission denied"),
    ("a folder in its place", {"/etc/mohr/mohr.conf/": (0, 0o755, None)}, "mohr.conf: not a file"),
    ("a file that everybody may write", {OWN: (GUEST, 0o602, "")}, "everybody may write to it; chmod o-w"),
    ("a file of another user", {OWN: (65533, 0o644, "")}, "it belongs to another user"),
    ("a file of another system", {OWN: (GUEST, 0o600, "\ufeff[pin]\n")}, "mohr.conf:1: begins with a byte order mark"),
]


def put(rig, files):
    for path, what in files.items():
        path = path.replace("~/config", os.path.join(rig.dir, "checked"))
        if isinstance(what, str):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(what, path)
        elif path.endswith("/"):
            os.makedirs(path, what[1])
        else:
            Guest.write(path, *what)


def odd_files(rig):
    """Whatever is there instead of a file: nothing is loosened by it, since mohrd either reads all of it or does not start."""
    for what, files, error in ODD:
        for folder in ("/etc/mohr", os.path.join(rig.dir, "checked")):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in ("/etc/mohr", os.path.join(rig.dir, "checked/mohr")):
            os.makedirs(folder, 0o755)
        put(rig, files)
        code, said = checked(rig)
        rig.check(code == (USAGE if error else 0) and (error or "is good") in said, f"{what}: {error or 'the defaults'}", (code, said))
    for folder in ("/etc/mohr", os.path.join(rig.dir, "checked")):
        shutil.rmtree(folder)
    half_written(rig)
    shutil.rmtree("/etc/mohr")


def half_written(rig):
    """Cut off anywhere, the rule that refuses is an error; whole, it does without its last line's end."""
    started = []
    for size in rig.few(range(1, len(CUT)), 5):
        Guest.write(ETC, 0, 0o644, CUT[:size])
        code, said = checked(rig)
        started += [(size, said)] if code == 0 or ETC not in said else []
    rig.check([size for size, _ in started] in ([len(CUT) - 1], []), "a rule that was cut off anywhere is told with its file", started)
    Guest.write(ETC, 0, 0o644, CUT + "[rule shop]\nwho = flatpak:shop\nclaims = none\n")
    code, said = checked(rig)
    rig.check(code == 0 and "administrator: 2, of this user: 0" in said and f"{ETC}:4: [rule shop] never counts: [rule nothing-else] ({ETC}:1)" in said,
              "a rule that never counts is told of", said)


def both_lists(rig):
    """One /etc/mohr and the user's own files: what the user adds only forbids."""
    roots = "[limits]\napp_per_hour = 30\nwrong_pins = 5\npause_s = 60\n" + GRANT + "claims = card_expiry reader\n[rule x]\nwho = any\naudience = https://x.example\nconsent = refuse\n"
    users = "[limits]\napp_per_hour = 50\nuser_per_hour = 7\nwrong_pins = 2\npause_s = 10\n[rule mine]\nwho = any\nconsent = ask\nclaims = card_expiry\nsimulated = no\n"
    bank = ("--who", "flatpak:org.bank.App", "--claims", "card_expiry,reader,station")
    alone = Guest(rig, {ETC: (0, 0o644, roots)})
    decision = alone.decision(*bank)
    rig.check(decision.get("consent") == "grant" and decision["optional"] == ["card_expiry", "reader"] and decision["simulated"] and decision["rule"] == "bank",
              "root's rule grants", decision)
    alone.end()
    both = Guest(rig, {OWN: (GUEST, 0o600, users)})
    decision = both.decision(*bank)
    rig.check(decision.get("consent") == "ask" and decision["rule"] == "mine", "the user's own rule has it asked all the same", decision)
    rig.check(decision.get("optional") == ["card_expiry"] and decision["simulated"] is False, "with fewer claims, and no simulated card", decision)
    rig.check([decision.get(name) for name in ("app_per_hour", "user_per_hour", "wrong_pins", "pause_s")] == [30, 7, 2, 60], "limits are the stricter of each", decision)
    code = both.decision("--purpose", "x").get("consent")
    rig.check(code == "ask", "what root's rules do not speak of is asked", code)
    both.end()
    os.unlink(ETC)


def other_users(rig):
    if os.geteuid() != 0:
        return rig.skip("files of another user", "only root can become one")
    if not trust.own_etc(rig):
        return rig.skip("files of another user", "this machine permits no layer over /etc")
    rig.programs = rig.programs_for_all()
    users_files(rig)
    both_lists(rig)
    odd_files(rig)
    return None


def body(rig):
    requests(rig)
    limits(rig)
    other_settings(rig)
    signed(rig)
    examples(rig)
    other_users(rig)


if __name__ == "__main__":
    lib.main(body)
