#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""prompt.py BUILD: mohr-prompt with the pinentries people have, on a terminal of its own.

The daemon's part is played by asking.py. What is looked at is the terminal and the answer.
"""
import os
import pty
import select
import shutil
import signal
import sys
import termios
import time

from asking import (CERTIFICATES, DOCUMENTS, EXPIRED, EXPIRY, GRANTED, KEY, KEYS, LAST_TRY_DECLINED, MAY_REMEMBER, NOBODY, NOT_PROVEN_HERE,
                    ON_PHONE, REFUSED, SEARCH, SIMULATED, SSH, STATION, TIMED_OUT, UNPROVEN, Asked, document)

BUILD = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "build")
PIN = "27182818"
failures = 0


def check(holds, what, detail=""):
    global failures
    print(f"{'ok' if holds else 'not ok'} - {what}", flush=True)
    if not holds:
        failures += 1
        print("    " + repr(detail), flush=True)


def children(pid):
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as stat:
                name, rest = stat.read().split("(", 1)[1].rsplit(")", 1)
        except OSError:
            continue
        if int(rest.split()[1]) == pid and rest.split()[0] != "Z":
            found.append((int(entry), name))
    return found


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Prompt(Asked):
    """One mohr-prompt on one pseudo-terminal."""

    def __init__(self, pinentry, **question):
        self.master, self.slave = pty.openpty()
        self.modes = termios.tcgetattr(self.slave)
        self.seen = ""
        question.setdefault("tty", os.ttyname(self.slave))
        super().__init__(BUILD, pinentry, **question)

    def read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.seen += os.read(self.master, 65536).decode("utf-8", "replace")

    def wait_for(self, text, seconds=60):
        """What the terminal shows up to and with `text`; what was there instead if it does not come."""
        end = time.monotonic() + seconds
        while text not in self.seen and time.monotonic() < end:
            self.read(0.05)
        before, found, self.seen = self.seen.partition(text)
        self.all = getattr(self, "all", "") + before + found
        return before + found

    def until(self, condition, seconds=60):
        """Reads what the terminal shows until something else is so."""
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            self.read(0.02)

    def type(self, text):
        os.write(self.master, text.encode())

    def meanwhile(self):
        self.read(0)

    def end(self):
        super().end()
        self.read(0)
        self.modes_after = termios.tcgetattr(self.slave)
        for fd in (self.master, self.slave):
            os.close(fd)


def a_pin_is_given(flavour):
    prompt = Prompt(flavour, flags=SIMULATED | EXPIRED)
    page = prompt.wait_for("]? ")
    for words in ("SIMULATED CARD", "/usr/bin/office-program", "unverified", "https://office.example",
                  "opening an account", "نمونه آزمایشی", "0099900007", "always go with the chip's signature",
                  "signature key", "expired", "c0ffee00"):
        check(words in page, f"{flavour}: the consent page says {words!r}", page)
    prompt.type("a")
    page = prompt.wait_for("PIN:")
    check("identification PIN" in page and "Tries left: \u20683\u2069" in page,
          f"{flavour}: the PIN page says which PIN and how many tries", page)
    prompt.type(PIN + "\r")
    answer = prompt.answer()
    prompt.end()
    check(answer == (0, PIN), f"{flavour}: the PIN arrives", answer)
    check(PIN not in prompt.all + prompt.seen, f"{flavour}: the PIN is not shown")
    check(prompt.modes_after == prompt.modes, f"{flavour}: the terminal is as it was")


def persian(flavour):
    prompt = Prompt(flavour, language="fa", purpose="گشایش حساب", flags=UNPROVEN)
    page = prompt.wait_for("]? ")
    check("روی کارت واقعی آزموده نشده است" in page, f"{flavour}: Persian says what is unproven first", page)
    prompt.type("o")
    page = prompt.wait_for("]? ")
    check("درخواست‌کننده" in page and "گشایش حساب" in page, f"{flavour}: consent in Persian", page)
    prompt.type("o")
    page = prompt.wait_for("رمز شناسایی:")
    check("دفعات باقی‌مانده: \u2068۳\u2069" in page, f"{flavour}: the PIN page in Persian", page)
    prompt.type("۲۷۱۸۲۸۱۸\r")
    answer = prompt.answer()
    prompt.end()
    check(answer == (0, PIN), f"{flavour}: Persian digits are the same PIN", answer)


def refusals(flavour):
    for what, keys, tries, outcome in (
            ("consent refused", ["r"], 3, REFUSED), ("last try declined", ["a", "a"], 1, LAST_TRY_DECLINED),
            ("last try kept", ["a", "k"], 1, LAST_TRY_DECLINED), ("unknown tries, declined", ["a", "k"], -1, LAST_TRY_DECLINED),
            ("Enter is no answer", ["a", "\r", "k"], 1, LAST_TRY_DECLINED),
            ("last try refused at the consent page", ["r"], 1, REFUSED)):
        prompt = Prompt(flavour, tries=tries)
        for key in keys:
            prompt.wait_for("]? ")
            prompt.type(key)
        answer = prompt.answer()
        prompt.end()
        check(answer == (outcome, ""), f"{flavour}: {what} is outcome {outcome}", answer)


RICH = {"required": EXPIRY, "optional": STATION, "flags": MAY_REMEMBER, "organization": "Office of Examples"}


def choices(flavour):
    """All, only the required, or nothing; then whether it may ask again."""
    for language, keys, released, remember in (("en", "ay", EXPIRY | STATION, 1), ("en", "on", EXPIRY, 0), ("fa", "no", EXPIRY, 1)):
        prompt = Prompt(flavour, **RICH, language=language)
        page = prompt.wait_for("]? ")
        for words in (("Verified organisation: \u2068Office of Examples", "Also goes along", "You may leave out", "nly the required")
                      if language == "en" else ("سازمان تأییدشده", "فقط الزامی", "مشخصات ایستگاه")):
            check(words in page, f"{flavour}: where there is a choice the page says {words!r}", page)
        prompt.type(keys[0])
        page = prompt.wait_for("]? ")
        check("nly the required" not in page and "فقط الزامی" not in page, f"{flavour}: no button is left on the next page", page)
        prompt.type(keys[1])
        prompt.wait_for("PIN:" if language == "en" else "رمز شناسایی:")
        prompt.type(PIN + "\r")
        answer = prompt.answer()
        prompt.end()
        check((answer, prompt.released, prompt.remember) == ((0, PIN), released, remember),
              f"{flavour}: the keys {keys} in {language} are just this answer", (answer, prompt.released, prompt.remember))


def plain_terminal(flavour):
    """The Linux console shows Persian letters one by one and in the wrong order: it is asked in English, and told so."""
    prompt = Prompt(flavour, language="fa", term="linux", work=DOCUMENTS, documents=[document("a.pdf")], audience="")
    page = prompt.wait_for("]? ")
    check("cannot show Persian" in page and "Who is asking" in page, f"{flavour}: a terminal that cannot shape is asked in English", page)
    check(not set("\u2066\u2068\u2069") & set(page), f"{flavour}: and sees none of the characters that isolate directions elsewhere", page)
    prompt.type("r")
    check(prompt.answer() == (REFUSED, ""), f"{flavour}: and understood in English")
    prompt.end()


def search(flavour):
    """May the cards be looked at? By a real pinentry, with everything that is shown and no PIN asked for."""
    asked = {"flags": SEARCH, "readers": 16, "given_name": "", "family_name": "", "card_number": "0012345679",
             "reader": "\n".join(f"Test {letter} 00 00" for letter in "ABC")}
    for language, key, outcome, words in (
            ("en", "a", 0, ("16", "May Mohr look at the cards", "0012345679", "/usr/bin/office-program", "https://office.example",
                            "opening an account", "Test A 00 00", "Test C 00 00", "More card readers: \u206813\u2069")),
            ("fa", "c", REFUSED, ("۱۶", "شماره ملی درخواست‌شده", "درخواست‌کننده", "Test C 00 00", "\u2068۱۳\u2069"))):
        prompt = Prompt(flavour, language=language, **asked)
        page = prompt.wait_for("]? ")
        for word in words:
            check(word in page, f"{flavour}: the page about a search says {word!r}", page)
        prompt.type(key)
        answer = prompt.answer()
        prompt.end()
        check(answer == (outcome, ""), f"{flavour}: a search is answered by {outcome} without digits", answer)


def documents(flavour):
    """Who asks, then every document, and only then the way to agree; the next one takes its PIN alone."""
    batch = [document(f"سند {number}.pdf" if number % 2 else f"contract {number}.pdf\u202e\nx") for number in range(1, 8)]
    prompt = Prompt(flavour, work=DOCUMENTS, documents=batch, audience="")
    pages = []
    while "Do you agree" not in (pages or [""])[-1] and len(pages) < 8:
        pages.append(prompt.wait_for("]? "))
        prompt.type("a" if "Do you agree" in pages[-1] else "n" if len(pages) > 1 else "c")
    check("to be signed: \u20687\u2069" in pages[0] and "/usr/bin/office-program" in pages[0] and "contract" not in pages[0],
          f"{flavour}: first it says who wants how many documents signed", pages)
    seen = "".join(pages)
    check(all(f"Document {number} of 7: \u2068" in seen for number in range(1, 8)) and "7.pdf" in seen and "contract 2.pdfx\u2069" in seen,
          f"{flavour}: then each of them by its name", seen)
    check(all("_Agree" not in page and "[A]gree" not in page for page in pages[:-1]) and "نمونه آزمایشی" in pages[-1],
          f"{flavour}: and only the last page can be agreed to", pages)
    prompt.wait_for("PIN:")
    prompt.type(PIN + "\r")
    check(prompt.answer() == (0, PIN), f"{flavour}: the PIN of the first arrives")
    prompt.end()
    prompt = Prompt(flavour, work=DOCUMENTS, documents=batch, at=1, flags=GRANTED, audience="")
    page = prompt.wait_for("PIN:")
    check("Document 2 of 7: \u2068contract 2.pdfx\u2069" in page, f"{flavour}: the next one is asked for by its PIN alone", page)
    prompt.type(PIN + "\r")
    check(prompt.answer() == (0, PIN), f"{flavour}: which arrives")
    prompt.end()


def keys_and_certificates(flavour):
    prompt = Prompt(flavour, work=KEY, content=SSH, content_text="root", audience="", purpose="")
    page = prompt.wait_for("PIN:")
    check("login by SSH" in page and "User name there: \u2068root\u2069" in page and "/usr/bin/office-program" in page,
          f"{flavour}: the page of a key's PIN says who logs in where", page)
    prompt.type(PIN + "\r")
    check(prompt.answer() == (0, PIN), f"{flavour}: its PIN arrives")
    prompt.end()
    for key, outcome in (("a", 0), ("r", REFUSED)):
        prompt = Prompt(flavour, work=CERTIFICATES, audience="", purpose="")
        page = prompt.wait_for("]? ")
        prompt.type(key)
        answer = prompt.answer()
        prompt.end()
        check("name and your number stand in them" in page and answer == (outcome, ""),
              f"{flavour}: certificates are shown or not ({outcome}) without a PIN", (page, answer))


def phones(flavour):
    prompt = Prompt(flavour, computer="counter-3", work=DOCUMENTS, documents=[document("contract.pdf")], audience="")
    page = prompt.wait_for("PIN:")
    check("The computer \u2068counter-3\u2069, which is paired with this phone, asks." in page and "contract.pdf" in page and "always go with" in page,
          f"{flavour}: a phone's one page says which computer asks, and for what", page)
    prompt.type(PIN + "\r")
    check(prompt.answer() == (0, PIN), f"{flavour}: and takes the PIN")
    prompt.end()
    prompt = Prompt(flavour, flags=KEYS | ON_PHONE, reader="Sara's phone")
    prompt.wait_for("]? ")
    prompt.type("a")
    page = prompt.wait_for("phone, not here") + prompt.wait_for("]? ")
    prompt.type("c")
    check("Phone: \u2068Sara's phone\u2069" in page and "keys" not in page and prompt.answer() == (0, ""),
          f"{flavour}: at the computer consent is all, and the page leads to the phone", page)
    prompt.end()


def wrong_entries(flavour):
    prompt = Prompt(flavour)
    prompt.wait_for("]? ")
    prompt.type("a")
    prompt.wait_for("PIN:")
    prompt.type("12\r")
    page = prompt.wait_for("PIN:")
    check("no try was spent" in page, f"{flavour}: what cannot be a PIN is explained", page)
    prompt.type("2718\r")
    answer = prompt.answer()
    prompt.end()
    check(answer == (0, "2718"), f"{flavour}: and asked again", answer)


def nobody(flavour):
    for what, tty in (("a terminal that does not exist", "/dev/pts/nowhere"), ("no terminal", ""),
                      ("what is no terminal", "/dev/null")):
        prompt = Prompt(flavour, tty=tty)
        answer = prompt.answer()
        prompt.end()
        check(answer == (NOBODY, ""), f"{flavour}: {what} is nobody to ask", answer)


def time_runs_out(flavour):
    prompt = Prompt(flavour, timeout=1)
    answer = prompt.answer()
    prompt.end()
    check(answer == (TIMED_OUT, ""), f"{flavour}: the time runs out", answer)


def hang_up(flavour, reach_pin, left=None):
    prompt = Prompt(flavour)
    reach_pin(prompt)

    def mode():
        return termios.tcgetattr(prompt.slave)[3]

    def asking():
        return [pid for pid, name in children(prompt.child.pid) if name.startswith("pinentry")]
    prompt.until(lambda: not mode() & termios.ECHO)
    pinentry = asking()
    check(len(pinentry) == 1 and mode() & termios.ECHO == 0, f"{flavour}: echo is off while it asks", pinentry)
    os.killpg(prompt.child.pid, signal.SIGKILL)
    prompt.until(lambda: not any(map(alive, pinentry)) and mode() & termios.ECHO and (not left or left in prompt.seen))
    prompt.read(0)
    check(not any(map(alive, pinentry)), f"{flavour}: killing mohr-prompt closes pinentry")
    if left:
        check(left in prompt.seen, f"{flavour}: it leaves the screen", prompt.seen[-80:])
    prompt.end()
    check(prompt.modes_after[3] & termios.ECHO, f"{flavour}: the terminal echoes again", prompt.modes_after)


def tty_at_pin(prompt):
    prompt.wait_for("]? ")
    prompt.type("a")
    prompt.wait_for("PIN:")


def curses_at_pin(prompt):
    prompt.wait_for("<Agree>")
    prompt.type("\r")
    prompt.wait_for("<Continue>")


def curses():
    flavour = "pinentry-curses"
    prompt = Prompt(flavour, flags=SIMULATED)
    page = prompt.wait_for("<Agree>")
    check("SIMULATED" in page and "office.example" in page, f"{flavour}: the consent page is drawn", page)
    prompt.type("\r")
    prompt.wait_for("<Continue>")
    prompt.type(PIN + "\r")
    answer = prompt.answer()
    prompt.end()
    check(answer == (0, PIN), f"{flavour}: the PIN arrives", answer)
    check(PIN not in prompt.all + prompt.seen, f"{flavour}: the PIN is not shown")
    hang_up(flavour, curses_at_pin, left="\x1b[?1049l")


def curses_choices():
    """Enter is the first button's in this one: the buttons whose yes costs something stand the other way round."""
    flavour, enter, tab = "pinentry-curses", "\r", "\t"
    for what, keys, tries, released, remember, outcome in (
            ("Enter, and again", (enter, enter), 3, EXPIRY | STATION, 0, 0),
            ("the second button, and again", (tab + enter, tab + enter), 3, EXPIRY, 1, 0),
            ("the third", (tab + tab + enter,), 3, 0, 0, REFUSED),
            ("Enter at the last try", (enter, enter, enter), 1, 0, 0, LAST_TRY_DECLINED),
            ("the second button at the last try", (enter, enter, tab + enter), 1, EXPIRY | STATION, 0, 0)):
        prompt = Prompt(flavour, tries=tries, **RICH)
        for place, key in zip(("Agree to all", "Yes", "Keep it"), keys):
            prompt.wait_for(f"<{place}>")
            prompt.type(key)
        if outcome == 0:
            prompt.wait_for("<Continue>")
            prompt.type(PIN + "\r")
        answer = prompt.answer()
        prompt.end()
        check((answer, prompt.released, prompt.remember) == ((outcome, PIN if outcome == 0 else ""), released, remember),
              f"{flavour}: {what}", (answer, prompt.released, prompt.remember))
    for what, keys, outcome in (("Enter", enter, REFUSED), ("the second button", tab + enter, 0), ("the third", tab + tab + enter, REFUSED)):
        prompt = Prompt(flavour, work=CERTIFICATES, audience="", purpose="")
        prompt.wait_for("<Agree>")
        prompt.type(keys)
        answer = prompt.answer()
        prompt.end()
        check(answer == (outcome, ""), f"{flavour}: {what} at the certificates, which no PIN follows", answer)


def curses_in_a_small_window():
    """Whatever an app says, the page has room in 24 rows of 80; what for has one of its own where it would be cut."""
    for language, unit, cut, cut_afar in (("en", "word ", 0, 1), ("fa", "نمونه ", 1, 1), ("en", "漢", 0, 0)):
        go_on, agree, agree_to_all = ("<Continue>", "<Agree>", "<Agree to all>") if language == "en" else ("<ادامه>", "<موافقت>", "<موافقت کامل>")
        prompt = Prompt("pinentry-curses", **RICH, language=language, asker_name=(unit * 30)[:80], asker=1, app="/x" * 200,
                        audience=unit * 40, purpose=unit * 40)
        for button in (go_on, *[go_on] * cut, agree_to_all):
            page = prompt.wait_for(button)
            check(button in page, f"pinentry-curses: {unit.strip()} as long as may be leaves room for {button}", (page[-300:], prompt.answer(0)))
            prompt.type("\r")
        os.killpg(prompt.child.pid, signal.SIGTERM)
        prompt.end()
        prompt = Prompt("pinentry-curses", language=language, asker_name=(unit * 30)[:80], asker=1, app="/x" * 200, audience=unit * 40,
                        purpose=unit * 40, computer=(unit * 16)[:20], organization=unit * 10, required=EXPIRY | STATION,
                        flags=SIMULATED | EXPIRED | NOT_PROVEN_HERE)
        for button in (go_on, *[go_on] * cut_afar, agree, go_on):
            page = prompt.wait_for(button)
            check(button in page, f"pinentry-curses: on a phone {unit.strip()} leaves room for {button}, too", (page[-300:], prompt.answer(0)))
            prompt.type("\r")
        os.killpg(prompt.child.pid, signal.SIGTERM)
        prompt.end()


def curses_lists_in_a_small_window():
    """The longest names leave room for the buttons; in this one a page without room shows nothing at all."""
    for language, unit, last, refuse in (("en", "W", "<Agree>", "<Refuse>"), ("fa", "نمونه ", "<موافقت>", "<عدم موافقت>"),
                                         ("fa", "%", "<موافقت>", "<عدم موافقت>")):
        name = (unit * 128).encode()[:126].decode(errors="ignore")
        prompt = Prompt("pinentry-curses", language=language, work=DOCUMENTS, documents=[document(name), document(name)], audience="",
                        flags=SIMULATED | EXPIRED)
        pages = 0
        while pages < 6:
            page = prompt.wait_for(refuse)
            pages += 1
            if last in page or refuse not in page:
                break
            prompt.type("\r")
        check(last in page, f"pinentry-curses: documents called {unit.strip()} as long as may be leave room for {last}", page[-300:])
        os.killpg(prompt.child.pid, signal.SIGTERM)
        prompt.end()


def terminal_closed(flavour):
    """Its master is gone, and whoever asked lives on: that is a no, and pinentry does not stay behind and turn in circles."""
    prompt = Prompt(flavour)
    prompt.wait_for("Refuse")
    pinentry = [pid for pid, name in children(prompt.child.pid) if name.startswith("pinentry")]
    os.close(prompt.master)
    prompt.meanwhile = lambda: None  # nothing is to be read any more
    answer = prompt.answer()
    prompt.child.wait(60)
    end = time.monotonic() + 60
    while any(map(alive, pinentry)) and time.monotonic() < end:
        time.sleep(0.01)
    check(answer == (REFUSED, "") and pinentry and not any(map(alive, pinentry)), f"{flavour}: a terminal that is closed is a no", answer)
    os.close(prompt.slave)


def main():
    if shutil.which("pinentry-tty"):
        for test in (a_pin_is_given, persian, refusals, choices, plain_terminal, search, documents, keys_and_certificates, phones, wrong_entries, nobody, time_runs_out):
            test("pinentry-tty")
        hang_up("pinentry-tty", tty_at_pin)
        terminal_closed("pinentry-tty")
    else:
        print("skip - pinentry-tty: not installed")
    if shutil.which("pinentry-curses"):
        curses()
        curses_choices()
        curses_in_a_small_window()
        curses_lists_in_a_small_window()
        nobody("pinentry-curses")
        terminal_closed("pinentry-curses")
    else:
        print("skip - pinentry-curses: not installed")
    return 1 if failures else 0


sys.exit(main())
