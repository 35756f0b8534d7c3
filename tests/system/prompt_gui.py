#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""prompt_gui.py BUILD: mohr-prompt with the pinentries of desktops (GTK, Qt) on a virtual screen.

What is looked at is the answer: which button is which, what Enter does, what a closed window is. How the pages look is
for people: tests/tools/pictures makes them, docs/prompt.md shows them.
"""
import os
import shutil
import sys

from asking import DOCUMENTS, EXPIRY, GRANTED, LAST_TRY_DECLINED, MAY_REMEMBER, RECORDED, REFUSED, STATION, Asked, document
from virtual_screen import TOOLS, VirtualScreen

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
RICH = {"required": EXPIRY, "optional": STATION, "timeout": 120}
CLOSE = None  # instead of keys: the window is closed
# What is asked, the keys on each page, and (outcome, digits, released, remember).
WALKS = (
    ("the required alone, mistyped, and not remembered", {"flags": MAY_REMEMBER, "organization": "Office of Examples"},
     (["alt+o"], ["alt+n"], ["1", "2", "Return"], ["2", "7", "1", "8", "Return"]), (0, "2718", EXPIRY, 0)),
    ("all, remembered, and the last try", {"flags": MAY_REMEMBER, "tries": 1},
     (["alt+a"], ["alt+y"], ["alt+u"], ["2", "7", "1", "8", "Return"]), (0, "2718", EXPIRY | STATION, 1)),
    ("in Persian, the last try kept by Enter", {"language": "fa", "tries": 1, "optional": 0, "required": 0},
     (["Tab", "space"], ["Return"]), (LAST_TRY_DECLINED, "", 0, 0)),
    ("Enter on the page of consent", {}, (["Return"],), (REFUSED, "", 0, 0)),
    ("the window of consent closed", {}, (CLOSE,), (REFUSED, "", 0, 0)),
    ("the window of the last try closed", {"tries": 1}, (["alt+o"], CLOSE), (LAST_TRY_DECLINED, "", 0, 0)),
    ("Enter on the last page of a list of documents",
     {"work": DOCUMENTS, "documents": [document("a.pdf"), document("b.pdf")], "required": 0, "optional": 0},
     (["alt+c"], ["Return"]), (REFUSED, "", 0, 0)),
    ("the window of the PIN closed", {"optional": 0}, (["alt+a"], CLOSE), (REFUSED, "", 0, 0)),
)
failures = 0


def check(holds, what, detail=""):
    global failures
    print(f"{'ok' if holds else 'not ok'} - {what}", flush=True)
    if not holds:
        failures += 1
        print("    " + repr(detail), flush=True)


def walk(screen, flavour, what, question, pages, wanted):
    screen.wait_empty()
    prompt = Asked(BUILD, flavour, display=screen.name, **{**RICH, **question})
    seen, reached = set(), 0
    for keys in pages:
        window = screen.next_window(seen, lambda: prompt.answered(0.02))
        if not window:
            break
        seen.add(window)
        reached += 1
        if keys is CLOSE:
            screen.close(window)
        else:
            screen.type(*keys)
    answer = prompt.answer()
    prompt.end()
    got = answer and (*answer, prompt.released, prompt.remember)
    check(got == wanted, f"{flavour}: {what}", (got, wanted, f"{reached} of {len(pages)} pages"))


def stays_on_the_screen(screen, flavour):
    """A window is as wide as its longest word, and as high as its lines."""
    screen.wait_empty()
    prompt = Asked(BUILD, flavour, display=screen.name, audience="x" * 700, purpose="y" * 400, app="/" + "z" * 400, timeout=120)
    window = screen.next_window(set(), lambda: prompt.answered(0.02))
    width, height = screen.size_of(window) if window else (0, 0)
    check(0 < width <= screen.width and 0 < height <= screen.height, f"{flavour}: the longest words leave the buttons on the screen",
          (width, height))
    screen.type("Escape")
    check(prompt.answer() == (REFUSED, ""), f"{flavour}: Escape refuses")
    prompt.end()


def pin_stays_on_the_screen(screen, flavour):
    """pinentry-qt breaks no row of the page that takes a PIN: a purpose of many words made it wider than any screen."""
    screen.wait_empty()
    prompt = Asked(BUILD, flavour, display=screen.name, flags=GRANTED | RECORDED, required=EXPIRY, optional=0, timeout=120,
                   purpose="many words " * 18)
    window = screen.next_window(set(), lambda: prompt.answered(0.02))
    width, height = screen.size_of(window) if window else (0, 0)
    check(0 < width <= screen.width and 0 < height <= screen.height, f"{flavour}: a long purpose leaves the PIN's page on the screen",
          (width, height))
    screen.type("2", "7", "1", "8", "Return")
    check(prompt.answer() == (0, "2718"), f"{flavour}: it was the PIN's page")
    prompt.end()


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    flavours = [name for name in ("pinentry-gtk-2", "pinentry-qt") if shutil.which(name)]
    if missing or not flavours:
        print(f"skip - prompts on a screen: no {' and no '.join(missing or ['pinentry for one'])}")
        return 0
    screen = VirtualScreen()
    try:
        for flavour in flavours:
            for row in WALKS:
                walk(screen, flavour, *row)
            stays_on_the_screen(screen, flavour)
            pin_stays_on_the_screen(screen, flavour)
    finally:
        screen.end()
    return 1 if failures else 0


sys.exit(main())
