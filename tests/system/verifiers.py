#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""verifiers.py: the verifiers of docs/verify and stacks nobody here wrote, over all of tests/vectors.

Each verifier runs once for everything: a few lines around it read jobs and answer them. jwcrypto and npm's jose are
asked about signatures only, openssl about chains only: that is theirs to judge. Java is tried where a JDK is; it is big, and
./dev does not install it.
"""
import base64
import importlib.util
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import warnings

TREE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
VECTORS, VERIFIERS = os.path.join(TREE, "tests/vectors"), os.path.join(TREE, "docs/verify")
BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(TREE, "build"))
# After the signature nobody can tell which of two reasons is the better one; a parser's depth is its own.
MAY_DIFFER = {"payload-deep.jws": {"bad-payload", "claim-malformed"}}
CHAIN_REASONS = {"untrusted", "chain-invalid", "issuer-expired", "certificate-not-yet-valid", "certificate-expired"}
failed = []

# Each answers a line of JSON fields (or of JSON text to read) with: exit code, reason, holder.
NODE = """
import { createInterface } from 'node:readline'
import { Json, readAnchors, Refused, verify } from '%s'
const [anchors, staff] = process.argv.slice(2).map(readAnchors)
for await (const line of createInterface({ input: process.stdin })) {
  const job = line.split('\\t'), text = Buffer.from(job[0], 'base64')
  try {
    if (job.length === 1) { Json.object(text, 'bad'); console.log('0\\tok\\t{}'); continue }
    const holder = verify(text, { at: Number(job[1]), audience: job[2] || null, nonce: job[3] || null, anchors,
      staffAnchors: job[4] ? staff : [], expired: job[5], askedAt: Number(job[6]) })
    console.log(`0\\tok\\t${JSON.stringify(holder)}`)
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused
    console.log(`${refused.message === 'certificate-expired' ? 22 : 21}\\t${refused.message}\\t`)
  }
}
"""
JAVA = """
import java.io.*; import java.util.*;
class Driver {
    static String none(String text) { return text.isEmpty() ? null : text; }
    public static void main(String[] args) throws Exception {
        var anchors = Verify.readAnchors(args[0]); var staff = Verify.readAnchors(args[1]);
        var out = new PrintStream(System.out, false, "UTF-8");
        for (String line : (Iterable<String>) new BufferedReader(new InputStreamReader(System.in)).lines()::iterator) {
            String[] job = line.split("\\t", -1); byte[] text = Base64.getDecoder().decode(job[0]);
            try {
                if (job.length == 1) { Verify.Json.objectOf(text, "bad"); out.println("0\\tok\\t{}"); continue; }
                out.println("0\\tok\\t" + Verify.toJson(Verify.verify(text, new Verify.Given(Long.parseLong(job[1]), none(job[2]),
                    none(job[3]), anchors, job[4].isEmpty() ? List.of() : staff, job[5], Long.parseLong(job[6])))));
            } catch (Verify.Refused bad) {
                out.println((bad.getMessage().equals("certificate-expired") ? 22 : 21) + "\\t" + bad.getMessage() + "\\t");
            }
        }
        out.flush();
    }
}
"""
JOSE = """
const fs = require('fs'), jose = require('jose')
async function main() {
  for (const { text, cert, alg } of JSON.parse(fs.readFileSync(0)))
    try {
      await jose.compactVerify(text, await jose.importX509(cert, alg), { algorithms: ['RS256', 'PS256', 'ES256', 'ES384'] })
      console.log('valid')
    } catch { console.log('invalid') }
}
main()
"""


def check(good, what, *seen):
    print(("ok - " if good else "not ok - ") + what, flush=True)
    if not good:
        print("    " + "\n    ".join(str(one)[:400] for one in seen[:12]))
        failed.append(what)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def url_decode(text):
    return base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))


def url_encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


# ---- the jobs -------------------------------------------------------------------------------------

def job_of(index, text, **options):
    given = {"audience": index["audience"], "nonce": index["nonce"], "staff_anchors": "yes", "expired": "report", "asked_at": 0,
             **options}
    return [base64.b64encode(text).decode(), str(index["at"])] + [
        str(given[name] if given[name] is not None else "") for name in ("audience", "nonce", "staff_anchors", "expired", "asked_at")]


def damaged(index):
    """Good assertions with a byte of the leaf changed: never good, and never anything but an answer."""
    dice = random.Random(6)
    for title in ("good-rs256.jws", "good-staff-rs256.jws", "good-staff-es256.jws"):
        head, rest = read(os.path.join(VECTORS, title)).split(b".", 1)
        header = json.loads(url_decode(head))
        leaf = base64.b64decode(header["x5c"][0])
        for _ in range(80):
            changed = bytearray(leaf)
            changed[dice.randrange(len(leaf))] = dice.choice([0, 1, 0x30, 0x7F, 0x80, 0x82, 0xFF, dice.randrange(256)])
            text = json.dumps(header | {"x5c": [base64.b64encode(changed).decode(), header["x5c"][1]]}).encode()
            if changed != leaf:
                yield job_of(index, url_encode(text) + b"." + rest)


JSON_TEXTS = [  # is it JSON, and an object?
    (True, b'{}'), (True, b' {"a" : [ ] , "b":{}}\n'), (True, b'{"a":[1,-2,0.5,1e3,-0,true,false,null,"x"]}'),
    (True, b'{"a":"\\ud83d\\ude00\\"\\\\\\/\\b\\f\\n\\r\\t"}'), (True, b'{"__proto__":{"a":1},"length":1,"a":2}'),
    (True, b'{"a":"' + b"\\n" * 2500 + b'"}'), (True, b'{"a":-9223372036854775808}'), (True, b'{"":""}'),
    (False, b''), (False, b'[]'), (False, b'1'), (False, b'null'), (False, b'{"a":1'), (False, b'{"a":1}}'), (False, b'{"a":1} x'),
    (False, b'{"a":1,}'), (False, b'{,"a":1}'), (False, b'{"a":[1,]}'), (False, b'{"a":[,1]}'), (False, b'{"a":[1 2]}'),
    (False, b'{"a" 1}'), (False, b'{"a":1 "b":2}'), (False, b"{'a':1}"), (False, b'{a:1}'), (False, b'{"a":01}'), (False, b'{"a":+1}'),
    (False, b'{"a":.5}'), (False, b'{"a":1.}'), (False, b'{"a":0x1}'), (False, b'{"a":NaN}'), (False, b'{"a":-Infinity}'),
    (False, b'{"a":"\\x41"}'), (False, b'{"a":"\\u12"}'), (False, b'{"a":"\\u+123"}'), (False, b'{"a":"\t"}'), (False, b'{"a":"\\udc00"}'),
    (False, b'{"\\u0000":1}'), (False, b'{"a":"\x00"}'), (False, b'{"a":1,"\\u0061":2}'), (False, b'{"a":[{"b":1,"b":1}]}'),
    (False, b'{"a":"\xed\xa0\x80"}'), (False, b'{"a":"\xc0\x80"}'), (False, b'{"a":"\xff"}'), (False, b'{\x0b"a":1}'), (False, b'{\xc2\xa0"a":1}'),
    (False, b'\xef\xbb\xbf{}'), (False, b'{"a":9223372036854775808}'), (False, b'{"a":tru}'), (False, b'{"a":]}'), (False, b'{"a":}'),
    (False, b'{"a"}'), (False, b'{]'), (False, b'{"a":[}'), (False, b'{1:2}'), (False, b'/**/{}')]


# ---- those who answer -----------------------------------------------------------------------------

def module():
    spec = importlib.util.spec_from_file_location("verify", os.path.join(VERIFIERS, "verify.py"))
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def python_answers(jobs, anchors, staff):
    sys.dont_write_bytecode = True
    verify, rows = module(), []
    anchors, staff = verify.read_anchors(anchors), verify.read_anchors(staff)
    for text, *job in jobs:
        text = base64.b64decode(text)
        try:
            if not job:
                holder = verify.read_object(text, "bad")
            else:
                at, audience, nonce, with_staff, expired, asked = job
                holder = verify.verify(text, int(at), audience or None, nonce or None, anchors, staff if with_staff else [],
                                       expired, int(asked))
            rows.append([0, "ok", holder])
        except verify.Refused as refused:
            rows.append([22 if str(refused) == "certificate-expired" else 21, str(refused), None])
    return rows


def lines_of(argv, jobs, **more):
    text = "".join("\t".join(job) + "\n" for job in jobs)
    done = subprocess.run(argv, input=text, capture_output=True, encoding="utf-8", timeout=120, check=False, **more)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    rows = [[int(code), reason, json.loads(holder) if holder else None] for code, reason, holder in rows]
    if len(rows) != len(jobs):
        print(f"    {argv[0]} answered {len(rows)} of {len(jobs)}: {done.stderr[:600]}")
    return rows + [[None, "no answer", None]] * (len(jobs) - len(rows))


def node_answers(folder, jobs, anchors, staff):
    script = os.path.join(folder, "driver.mjs")
    with open(script, "w", encoding="utf-8") as file:
        file.write(NODE % os.path.join(VERIFIERS, "verify.mjs"))
    return lines_of(["node", script, anchors, staff], jobs)


def java_answers(folder, jobs, anchors, staff):
    with open(os.path.join(folder, "Driver.java"), "w", encoding="utf-8") as file:
        file.write(JAVA)
    made = subprocess.run(["javac", "-encoding", "UTF-8", "-d", folder, os.path.join(VERIFIERS, "Verify.java"), os.path.join(
        folder, "Driver.java")], capture_output=True, text=True, timeout=120, check=False)
    check(made.returncode == 0, "Java: it compiles", made.stderr)
    return lines_of(["java", "-cp", folder, "Driver", anchors, staff], jobs)


# ---- what must be -----------------------------------------------------------------------------------

def compare(who, rows, answers):
    wrong = [(row["file"], row["exit"], got) for row, got in zip(rows, answers) if got[0] != row["exit"]]
    invalid = sum(row["exit"] != 0 for row in rows)
    check(not wrong, f"{who}: {len(rows)} vectors, {invalid} of them invalid, give their exit code", *wrong)
    other = [(row["file"], row["reason"], got[1]) for row, got in zip(rows, answers)
             if got[1] not in MAY_DIFFER.get(row["file"], {row["reason"]})]
    check(not other, f"{who}: and their reason", *other)
    by_file = {row["file"]: got for row, got in zip(rows, answers)}
    for file, what in (("x5c-self-signed.jws", "a certificate that somebody made for themselves"),
                       ("x5c-alone-unknown-issuer.jws", "one of a CA that somebody made for themselves"),
                       ("name-of-another.jws", "a real leaf that carries another's name"),
                       ("all-of-another.jws", "a real leaf that carries a whole payload of another person")):
        check(by_file[file][0] == 21 and by_file[file][2] is None, f"{who}: refuses {what} ({by_file[file][1]})", by_file[file])


def as_programs(who, argv, index):
    """The programs as a person starts them."""
    words = ["--at", str(index["at"]), "--audience", index["audience"], "--nonce", index["nonce"], "--trust",
             os.path.join(VECTORS, index["anchors"])]
    for file, more, code, reason in (("good-rs256", [], 0, ""), ("name-of-another", [], 21, "name-mismatch"),
                                     ("leaf-expired-report", [], 22, "certificate-expired"),
                                     ("leaf-expired-accept", ["--expired", "accept"], 0, ""),
                                     ("good-clock-asked", ["--asked-at", str(index["at"] - 30)], 0, ""),
                                     ("good-staff-es256", ["--staff-anchors", os.path.join(VECTORS, index["staff_anchors"])], 0, "")):
        done = subprocess.run([*argv, *words, *more, os.path.join(VECTORS, file + ".jws")], capture_output=True,
                              encoding="utf-8", timeout=60, check=False)
        told = json.loads(done.stdout) if done.stdout else {}
        good = done.returncode == code and (told.get("sub") is not None) == (code == 0) and reason in done.stderr
        check(good, f"{who}: as a program, {file} gives {code} {reason}".rstrip(), done.returncode, done.stdout, done.stderr)


def foreign(index):
    """(row, text, header) of each vector that a JOSE library can have an opinion on."""
    for row in index["vectors"]:
        if "signature" not in row:
            continue
        text = read(os.path.join(VECTORS, row["file"]))
        try:
            header = json.loads(url_decode(text.split(b".")[0]))
        except ValueError:
            header = {}
        yield row, text, header


def pem_of(header, at=0):
    der = header["x5c"][at] if "x5c" in header else ""
    return f"-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n"


def jwcrypto_says(text, header):
    from jwcrypto import common, jwk, jws
    token = jws.JWS()
    token.allowed_algs = ["RS256", "PS256", "ES256", "ES384"]
    try:
        if text.startswith(b"{"):
            return "invalid"  # it would take JSON as well; what is asked is the compact form
        token.deserialize(text.decode())
        token.verify(jwk.JWK.from_pem(pem_of(header).encode()), alg=header["alg"])
        return "valid"
    except (common.JWException, ValueError, KeyError, TypeError):
        return "invalid"


def check_foreign(index):
    asked = list(foreign(index))
    if importlib.util.find_spec("jwcrypto"):
        wrong = [(row["file"], said) for row, text, header in asked if (said := jwcrypto_says(text, header)) != row["signature"]]
        check(not wrong, f"jwcrypto says the same of {len(asked)} signatures", *wrong)
    else:
        print("skip - python3-jwcrypto: not installed")
    where = next((folder for folder in (os.path.join(BUILD, "node_modules"), os.path.join(TREE, "build/node_modules"))
                  if os.path.isdir(os.path.join(folder, "jose"))), None)
    if not where or not shutil.which("node"):
        print("skip - npm jose: not installed (./dev check fetches it)")
        return
    jobs = [{"text": text.decode("latin-1"), "cert": pem_of(header), "alg": header.get("alg", "")} for _, text, header in asked]
    done = subprocess.run(["node", "-e", JOSE], input=json.dumps(jobs), capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "NODE_PATH": where})
    said = done.stdout.split() or [done.stderr] * len(asked)
    wrong = [(row["file"], one) for (row, _, _), one in zip(asked, said) if one != row["signature"]]
    check(not wrong and len(said) == len(asked), f"npm jose says the same of {len(asked)} signatures", *wrong)


def check_chains(index, folder):
    """openssl, of each chain once: good ones hold, and what we say of a chain it says as well."""
    wrong, seen = [], {}
    for row in index["vectors"]:
        about_chain = row["reason"] in CHAIN_REASONS or row["exit"] == 0
        if not about_chain or (row.get("options") or {}).get("staff_anchors", "") is None:
            continue
        header = json.loads(url_decode(read(os.path.join(VECTORS, row["file"])).split(b".")[0]))
        good = row["exit"] == 0 and (row.get("options") or {}).get("expired") != "accept"
        seen.setdefault(json.dumps([header["x5c"], header["typ"]]), (row["file"], header, good))
    for file, header, good in seen.values():
        for name, certs in (("leaf", range(1)), ("others", range(1, len(header["x5c"])))):
            with open(os.path.join(folder, name), "w", encoding="ascii") as pem:
                pem.write("".join(pem_of(header, at) for at in certs) or pem_of(header))
        root = index["staff_anchors" if "staff" in header["typ"] else "anchors"]
        done = subprocess.run(["openssl", "verify", "-attime", str(index["at"]), "-auth_level", "2", "-CAfile", os.path.join(VECTORS, root),
                               "-untrusted", os.path.join(folder, "others"), os.path.join(folder, "leaf")], capture_output=True,
                              text=True, timeout=60, check=False)
        if (done.returncode == 0) != good:
            wrong.append((file, good, done.stderr))
    check(not wrong and len(seen) > 15, f"openssl verify says the same of {len(seen)} chains", *wrong)


def main():
    warnings.simplefilter("ignore")
    with open(os.path.join(VECTORS, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    rows = index["vectors"]
    anchors, staff = (os.path.join(VECTORS, index[name]) for name in ("anchors", "staff_anchors"))
    judged = [job_of(index, read(os.path.join(VECTORS, row["file"])), **row.get("options", {})) for row in rows]
    broken = list(damaged(index))
    texts = [[base64.b64encode(text).decode()] for _, text in JSON_TEXTS]
    jobs = judged + broken + texts
    with tempfile.TemporaryDirectory(prefix="mohr-verifiers.") as folder:
        answers = {"Python": python_answers(jobs, anchors, staff)}
        programs = {"Python": [sys.executable, os.path.join(VERIFIERS, "verify.py")]}
        if shutil.which("node"):
            answers["JavaScript"] = node_answers(folder, jobs, anchors, staff)
            programs["JavaScript"] = ["node", os.path.join(VERIFIERS, "verify.mjs")]
        else:
            print("skip - the verifier in JavaScript: no node")
        if shutil.which("javac"):
            answers["Java"] = java_answers(folder, jobs, anchors, staff)
            programs["Java"] = ["java", "-cp", folder, "Verify"]
        else:
            print("skip - the verifier in Java: no JDK (default-jdk-headless)")
        for who, given in answers.items():
            compare(who, rows, given)
            bad = [got for got in given[len(judged):len(judged) + len(broken)] if got[0] != 21]
            check(not bad, f"{who}: refuses {len(broken)} damaged leaves", *bad)
            wrong = [(text, got[0]) for (good, text), got in zip(JSON_TEXTS, given[-len(texts):]) if (got[0] == 0) != good]
            check(not wrong, f"{who}: reads {len(texts)} JSON texts as RFC 8259 has them", *wrong)
            as_programs(who, programs[who], index)
        holders = [[got[2] for got in given[:len(judged)]] for given in answers.values()]
        check(all(one == holders[0] for one in holders), f"{', '.join(answers)} tell the same of every holder")
        check_foreign(index)
        check_chains(index, folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
