#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""vectors.py: each test vector of tests/vectors gives its exit code and its reason, and every reason that there
is has one. They were made from docs/assertion.md by other code than ours (tests/vectors/make)."""
import json
import os
import re

import lib

VECTORS = os.path.join(lib.TREE, "tests/vectors")
# What an assertion by itself cannot show: it takes a memory, lists of the revoked, a bundle around it, or a document.
ELSEWHERE = {"replayed", "revoked", "revocation-unknown", "timestamp", "evidence-form", "evidence-damaged", "evidence-chain",
             "evidence-report", "evidence-time", "evidence-pdf", "not-a-holder-certificate", "document-form", "document-changed",
             "signing-certificate", "signed-attributes", "unsigned", "added-unsigned",
             "countersigned-invalid"}


def words(index, row):
    """The options of mohr verify for a vector."""
    options = {"audience": index["audience"], "nonce": index["nonce"], "staff_anchors": index["staff_anchors"], "expired": None,
               "asked_at": None, **row.get("options", {})}
    told = ["--json", "--revocation", "off", "--at", str(index["at"]), "--trust", os.path.join(VECTORS, index["anchors"])]
    for name, option in (("audience", "--audience"), ("nonce", "--nonce"), ("expired", "--expired-cert"), ("asked_at", "--asked-at")):
        told += [option, str(options[name])] if options[name] is not None else []
    if options["staff_anchors"]:
        told += ["--staff-anchors", os.path.join(VECTORS, options["staff_anchors"])]
    return told + [os.path.join(VECTORS, row["file"])]


def judge(rig, index, row):
    code, out, err = rig.mohr(None, "verify", *words(index, row))
    try:
        found = json.loads(out)["verification"]
    except (ValueError, KeyError):
        found = {}
    expected = {"reason": row["reason"], **({"detail": row["detail"]} if "detail" in row else {})}
    same = code == row["exit"] and all(found.get(name) == value for name, value in expected.items())
    rig.check(same, f"{row['file']}: {row['what']}: {row['exit']} {row['reason']}", (code, found.get("reason"), found.get("detail"), err[:300]))
    if code == 21:
        rig.check("sub" not in json.loads(out or "{}"), f"{row['file']}: nothing is told of the holder", out)


def reasons():
    with open(os.path.join(lib.TREE, "client-sdk/reason.c"), encoding="utf-8") as source:
        return set(re.findall(r'\[MOHR_REASON_\w+\] = \{ "([a-z0-9-]+)"', source.read()))


def body(rig):
    with open(os.path.join(VECTORS, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    rows = index["vectors"]
    if rig.shard[0] == 0:
        files = {row["file"] for row in rows} | {"index.json", "root.pem", "staff-root.pem", "README.md", "make"}
        rig.check(files == set(os.listdir(VECTORS)), "the index names each file", files ^ set(os.listdir(VECTORS)))
        invalid = sum(row["exit"] != 0 for row in rows)
        rig.check(invalid >= 60, f"{invalid} of {len(rows)} vectors are invalid")
        covered = {row["reason"] for row in rows} | ELSEWHERE
        rig.check(covered == reasons(), "every reason has a vector", covered ^ reasons())
    for row in rig.mine(rig.few(rows, 4)):
        judge(rig, index, row)


if __name__ == "__main__":
    lib.main(body, workers=2)
