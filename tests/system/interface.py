# SPDX-License-Identifier: Apache-2.0
"""interface.py: the methods of an interface file and the shape of what each takes, for tests that try them all."""
import glob
import os
import re

from lib import TREE

TOKEN = re.compile(r"\[\]|\[string\]|[(),:?]|[\w.]+")


class Shapes:
    """Reads `(name: type, ...)`; a named type is looked up, an enumeration counts as a string."""

    def __init__(self, text):
        self.types = {name: body for name, body in re.findall(r"^type (\w+) (\(.*\))$", text, re.M)}

    def struct(self, tokens):
        """{name: "string" | "int" | "bool" | "float" | "object" | {...} | [type]}"""
        members, token = {}, tokens.pop(0)
        assert token == "(", token
        while tokens[0] != ")":
            name, colon = tokens.pop(0), tokens.pop(0)
            if colon != ":":  # an enumeration
                return self.skip(tokens)
            members[name] = self.type(tokens)
            if tokens[0] == ",":
                tokens.pop(0)
        tokens.pop(0)
        return members

    @staticmethod
    def skip(tokens):
        while tokens.pop(0) != ")":
            pass
        return "string"

    def type(self, tokens):
        while tokens[0] == "?":
            tokens.pop(0)
        if tokens[0] in ("[]", "[string]"):
            tokens.pop(0)
            return [self.type(tokens)]
        if tokens[0] == "(":
            return self.struct(tokens)
        name = tokens.pop(0)
        return self.struct(TOKEN.findall(self.types[name])) if name in self.types else name


def methods():
    """{"mohr.Identity.Assert": {parameter: type}} of every interface file in the tree."""
    found = {}
    for path in sorted(glob.glob(os.path.join(TREE, "daemon/*.varlink"))):
        with open(path, encoding="utf-8") as file:
            text = re.sub(r"#.*", "", file.read())
        name, shapes = re.search(r"^interface (\S+)", text, re.M).group(1), Shapes(text)
        for method, takes in re.findall(r"^method (\w+)(\(.*?\)) ->", text, re.M | re.S):
            found[f"{name}.{method}"] = shapes.struct(TOKEN.findall(takes))
    return found


def leaves(shape, path=""):
    """("ui.tty", "string") for each member, those of objects included."""
    for name, kind in shape.items():
        yield path + name, kind
        if isinstance(kind, dict):
            yield from leaves(kind, path + name + ".")
