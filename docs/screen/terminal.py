#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""terminal.py: a screen that holds the role mohr.Person, for a terminal: docs/screen.md, as a program to read and change.

terminal.py [--socket PATH] [--language en|fa]

Shows each question whole, asks for each claim that may be declined, for the last try by itself, and for the PIN in digits of any
of three scripts, which go to mohrd through a pipe and never become a string. Ends when mohrd does: let systemd start it again.
"""
import argparse
import ctypes
import json
import os
import re
import select
import socket
import sys
import termios

ENGLISH, PERSIAN = 0, 1
WORDS = {  # key: English, Persian
    "sign": ("Somebody asks who you are", "درخواست احراز هویت"),
    "documents": ("Documents shall be signed", "درخواست امضای اسناد"),
    "certificates": ("A program wants to see the card's certificates; your name and number stand in them.",
                     "برنامه‌ای می‌خواهد گواهی‌های کارت را ببیند؛ نام و شماره شما در آن‌ها آمده است."),
    "key": ("A program wants something signed by a key of the card", "برنامه‌ای امضایی با کلید کارت می‌خواهد"),
    "document": ("Document {} of {}", "سند {} از {}"), "next": ("Next: [y]", "بعدی: [y]"),
    "countersigned": ("countersigns the signature of", "تأیید امضای"), "pages": ("pages", "صفحه"), "bytes": ("bytes", "بایت"),
    "signature": ("Key: the one that proves your identity, too", "کلید: همان که هویت شما را نیز ثابت می‌کند"),
    "authentication": ("Key: authentication (9A)", "کلید: احراز هویت (9A)"),
    "raw": ("Nobody can tell what this signature is for: a login, a document, anything.",
            "معلوم نیست این امضا برای چیست: ورود، سند، یا هر چیز دیگر."),
    "tls": ("A login to a web server (TLS); to which one, the data does not say.", "ورود به یک کارساز وب (TLS)؛ داده‌ها نمی‌گویند کدام."),
    "ssh": ("A login by SSH, to which computer the data does not say, as", "ورود با SSH؛ داده‌ها نمی‌گویند به کدام رایانه. نام کاربر"),
    "ssh_bound": ("A login by SSH, good for the computer with this host key alone, as", "ورود با SSH، تنها به رایانه دارای این کلید میزبان، با نام"),
    "host_key": ("Host key there", "کلید میزبان"), "cms": ("A document (CMS) with the digest", "سندی (CMS) با چکیده"),
    "choice": ("Is the card on this reader meant?", "آیا منظور کارت این کارت‌خوان است؟"),
    "search": ("May the cards in these readers be looked at for this national number?",
               "آیا کارت‌های این کارت‌خوان‌ها برای یافتن این شماره ملی بررسی شوند؟"),
    "simulated": ("SIMULATED CARD, FOR TESTING ONLY", "کارت شبیه‌سازی‌شده، فقط برای آزمایش"),
    "unproven": ("Nobody has published that this kind of card signs with the PIN alone: unproven on real cards.",
                 "امضا تنها با رمز، روی کارت واقعی آزموده نشده است."),
    "expired": ("The certificate is no longer valid.", "اعتبار گواهی به پایان رسیده است."),
    "organization": ("Verified organisation", "سازمان تأییدشده"),
    "unverified": ("Who is asking (unverified name)", "درخواست‌کننده (نام تأییدنشده)"),
    "through": ("by the program", "از راه برنامه"),
    "audience": ("For whom", "گیرنده تأییدیه"), "purpose": ("Purpose", "هدف از درخواست"),
    "holder": ("Holder", "دارنده کارت"), "card_number": ("Card number", "شماره کارت"),
    "national_number": ("National number", "شماره ملی"), "reader": ("Card reader", "کارت‌خوان"),
    "readers": ("Card readers", "کارت‌خوان‌ها"), "request": ("Request", "شماره درخواست"),
    "always": ("Your name and card number always go with the chip's signature.",
               "نام و شماره شما همیشه همراه امضا ارائه می‌شود."),
    "required": ("Also disclosed", "همچنین ارائه می‌شود"),
    "record_history": ("Kept in your history: who asks, what for, what you give or refuse.",
                       "ثبت در سابقه استفاده شما: درخواست‌کننده، هدف، آنچه ارائه می‌کنید یا نمی‌کنید."),
    "record_identity": ("Kept in your history: who asks, what for, what you give or refuse, your name and number.",
                        "ثبت در سابقه استفاده شما: درخواست‌کننده، هدف، آنچه ارائه می‌کنید یا نمی‌کنید، نام و شماره شما."),
    "record_station": ("Kept in this station's register: who asks, what for, what you give or refuse; not your name or number.",
                       "ثبت در دفتر این ایستگاه: درخواست‌کننده، هدف، آنچه ارائه می‌کنید یا نمی‌کنید؛ نه نام و شماره شما."),
    "granted": ("You allowed this before; only the PIN is asked for.", "این را پیش‌تر اجازه داده‌اید؛ فقط رمز پرسیده می‌شود."),
    "tries_left": ("Tries left", "دفعات باقی‌مانده"), "unknown": ("not known", "نامعلوم"),
    "agree": ("Do you agree? [y/n]", "موافق هستید؟ [y/n]"),
    "optional": ("You may decline this. Disclose it? [y/n]", "می‌توانید نپذیرید. ارائه شود؟ [y/n]"),
    "another": ("y: this card, a: another one, n: none [y/a/n]", "y: همین کارت، a: کارت دیگر، n: هیچ‌کدام [y/a/n]"),
    "remember": ("May it ask again for this without this page? The PIN is always asked for. [y/n]",
                 "آیا بار دیگر بدون این صفحه بپرسد؟ رمز همیشه پرسیده می‌شود. [y/n]"),
    "last_try": ("THE LAST TRY: a wrong PIN blocks the card. Use it? [y/n]",
                 "آخرین فرصت: با رمز نادرست کارت مسدود می‌شود. استفاده شود؟ [y/n]"),
    "perhaps_last": ("This may be the last try; then a wrong PIN blocks the card. Use it? [y/n]",
                     "شاید این آخرین فرصت باشد؛ آنگاه با رمز نادرست کارت مسدود می‌شود. استفاده شود؟ [y/n]"),
    "pinpad": ("Now type the {} on the reader's own keys, never here.", "اکنون {} را روی صفحه‌کلید کارت‌خوان وارد کنید، نه اینجا."),
    "phone": ("Now enter the {} on the phone, never here.", "اکنون {} را روی تلفن همراه وارد کنید، نه اینجا."),
    "pin": ("Please type the {}, {} to {} digits:", "لطفاً {} را وارد کنید، {} تا {} رقم:"),
    "national_pin": ("identification PIN of the national card (not the signature PIN)", "رمز شناسایی کارت هوشمند ملی (نه رمز امضا)"),
    "staff_pin": ("PIN of the staff card (\u2068PIV\u2069)", "رمز کارت کارکنان (\u2068PIV\u2069)"),
    "no_pin": ("That is no PIN.", "این رمز نیست."),
    "ended": ("This question is closed.", "این پرسش بسته شد."), "waiting": ("Please wait.", "لطفاً صبر کنید."),
    "card_generation": ("generation of the card", "نسل کارت"), "card_expiry": ("date until which the card is valid", "تاریخ اعتبار کارت"),
    "station": ("what this place states of itself", "مشخصات این محل"),
}
PIN_ENTRIES = 3
PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
BULLETS = "\u00b7\u0387\u16eb\u1427\u2022\u2023\u2024\u2027\u2043\u204c\u204d\u2218\u2219\u2299\u22c5\u2e31\u30fb\u318d\ua78f\uff65"
LIKE_BULLETS = re.compile(f"[{BULLETS}\u2300-\u23ff\u2500-\u27bf\u2900-\u2bff\ue000-\uf8ff\U0001f780-\U0001f7ff\U000f0000-\U0010fffd]|(?<!\\d)[\u0660\u06f0](?!\\d)")


class Over(Exception):
    """mohrd took the question down."""


class NotTaken(Exception):
    """The name of the error by which mohrd refused an answer."""


class Connection:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.buffer = b""

    def say(self, method, parameters, more=False, fds=()):
        frame = {"method": method, "parameters": parameters, **({"more": True} if more else {})}
        # In one sendmsg and with no other frame: so mohrd knows which one the descriptor belongs to.
        socket.send_fds(self.socket, [json.dumps(frame).encode() + b"\0"], list(fds))

    def hear(self):
        while b"\0" not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise SystemExit("mohrd hung up")
            self.buffer += data
        frame, _, self.buffer = self.buffer.partition(b"\0")
        reply = json.loads(frame)
        if "error" in reply:
            raise NotTaken(reply["error"])
        return reply["parameters"]


def fold_digits(typed):
    """Persian and Arabic-Indic digits to ASCII, in place; line ends go. The view of what is left, the rest wiped."""
    at = kept = 0
    while at < len(typed):
        lead, digit = typed[at], typed[at + 1] if at + 1 < len(typed) else 0
        if (lead, digit & 0xF0) in ((0xDB, 0xB0), (0xD9, 0xA0)) and digit & 0xF < 10:
            typed[kept], kept, at = 0x30 + (digit & 0xF), kept + 1, at + 2
        else:
            typed[kept], kept, at = lead, kept + (lead not in b"\r\n"), at + 1
    wipe(typed[kept:])
    return typed[:kept]


def wipe(typed):
    typed[:] = bytes(len(typed))


def isolated(text):
    """Other people's text: it turns nothing round, and has no bullet, with which each line of ours begins."""
    plain = LIKE_BULLETS.sub(lambda found: "0" if found[0].isdigit() else "-", text)
    return f"\u2068{plain}\u2069"


class Screen:
    def __init__(self, path, language):
        self.path, self.fixed, self.language = path, language, ENGLISH
        self.serve, self.ticket = Connection(path), None
        self.serve.say("mohr.Person.Serve", {}, more=True)
        self.serve.hear()
        # Not before mohrd has looked who we are: from here on no other program of this user can look into this one.
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)

    def number(self, value):
        return str(value).translate(PERSIAN_DIGITS) if self.language == PERSIAN else str(value)

    def word(self, key):
        return WORDS[key][self.language]

    def show(self, key, value=None):
        print("\u2022 " + (self.word(key) if value is None else f"{self.word(key)}: {isolated(value)}"), flush=True)

    # --- the person ---

    def typed(self, secret=False):
        """A line, in memory that is never moved, or Over when the question ends first. Nothing typed before counts."""
        saved = termios.tcgetattr(0)
        quiet = [*saved[:3], saved[3] & ~termios.ECHO if secret else saved[3], *saved[4:]]
        termios.tcsetattr(0, termios.TCSAFLUSH, quiet)
        try:
            while 0 not in (ready := select.select([0, self.serve.socket], [], [])[0]):
                if ready:
                    self.listen()
            line = memoryview(bytearray(256))
            length = os.readv(0, [line])
            if length == 0:
                raise EOFError
            return line[:length]
        finally:
            termios.tcsetattr(0, termios.TCSANOW, saved)

    def choose(self, key, letters):
        while True:
            print(self.word(key), flush=True)
            answer = bytes(self.typed()).decode(errors="replace").strip().lower()
            if answer and answer in letters:
                return answer

    def agreed(self, key):
        return self.choose(key, "yn") == "y"

    def agreed_to(self, claim):
        self.show(claim)
        return self.agreed("optional")

    def listen(self):
        event = self.serve.hear()
        if event["event"] == "end" and event.get("ticket") in (None, self.ticket):
            raise Over

    # --- a question ---

    def page(self, question):
        print("\033[2J\033[H" if os.isatty(1) else "")
        for key in ("simulated", "unproven", "expired", "granted"):
            if question[key]:
                self.show(key)
        self.show(question["kind"])
        asker = question["asker"]
        names = [asker[key] for key in ("flatpak", "snap", "unit", "script", "program") if key in asker]
        who = " / ".join(names) or self.word("unknown")
        if "organization" in question:
            self.show("organization", question["organization"])
            self.show("through", who)
        else:
            self.show("unverified", who)
        for key in ("audience", "purpose", "reader", "request"):
            if key in question:
                self.show(key, question[key])
        if "readers" in question:
            self.show("readers", " / ".join(question["readers"]) + ("…" if question["reader_count"] > len(question["readers"]) else ""))
        if question["kind"] == "search":
            self.show("national_number", question["card_number"])
        elif question["kind"] != "choice":
            self.page_of_matter(question)
            self.page_of_card(question)
        if "record" in question:
            self.show(f"record_{question['record']}")

    def page_of_matter(self, question):
        """What the yes is for, where it is no assertion: all documents, some at a time, or a key's use."""
        documents, at = question.get("documents", []), question.get("document_at", 0)
        listed = [at] if question["granted"] else range(at, len(documents))
        for place in listed if documents else ():
            if place > at and (place - at) % 4 == 0:
                self.choose("next", "y")
            self.page_of_document(documents[place], place + 1, len(documents))
        if question["kind"] == "key":
            self.show(question["key"])
            bound = "content_host" in question
            self.show("ssh_bound" if bound else question["content"], question.get("content_text") or None)
            if bound:
                self.show("host_key", question["content_host"])

    def page_of_document(self, document, number, count):
        print("\u2022 " + self.word("document").format(self.number(number), self.number(count)) + ": " + isolated(document["name"]))
        facts = [document["kind"], f"{document['size']} {self.word('bytes')}", document["form"]]
        if "pages" in document:
            facts.append(f"{document['pages']} {self.word('pages')}")
        if "countersigned" in document:
            facts.append(f"{self.word('countersigned')} {isolated(document['countersigned'])}")
        stated = [f"{member}: {isolated(str(document[member]))}" for member in ("commitment", "policy", "location", "stamp_page")
                  if member in document]
        print("\n\u2022 ".join(["\u2022 " + ", ".join(facts), "SHA-256 " + document["digest"], *stated]), flush=True)

    def page_of_card(self, question):
        self.show("holder", f"{question.get('given_name', '')} {question.get('family_name', '')}".strip())
        self.show("card_number", question.get("card_number", ""))
        if question["kind"] == "certificates":
            return
        self.show("tries_left", self.number(question.get("tries_left", self.word("unknown"))))
        self.show("always")
        for claim in question["required"]:
            self.show("required", self.word(claim))

    def decide(self, question):
        """What is answered, but for the PIN."""
        if question["kind"] == "choice":
            return {"decision": {"y": "yes", "a": "another", "n": "refuse"}[self.choose("another", "yan")]}
        if not question["granted"] and not self.agreed("agree"):
            return {"decision": "refuse"}
        if question["kind"] == "search":
            return {"decision": "yes"}
        if question["kind"] == "certificates":
            return {"decision": "yes", **({"remember": True} if question["may_remember"] and self.agreed("remember") else {})}
        answer = {"decision": "sign", "released": list(question["required"])}
        for claim in question["optional"]:
            if question["granted"] or self.agreed_to(claim):
                answer["released"].append(claim)
        if question["may_remember"]:
            answer["remember"] = self.agreed("remember")
        if question.get("tries_left", 0) <= 1:
            if not self.agreed("last_try" if "tries_left" in question else "perhaps_last"):
                return {"decision": "decline_last_try"}
            answer["last_try"] = True
        return answer

    def send(self, answer, fds=()):
        once = Connection(self.path)
        once.say("mohr.Person.Answer", {"ticket": self.ticket, **answer}, fds=fds)
        once.hear()
        self.show("waiting")

    def which_pin(self, question):
        """A card may have several: the wrong one costs a try."""
        return self.word("staff_pin" if question["staff"] else "national_pin")

    def send_pin(self, answer, question):
        for _ in range(PIN_ENTRIES):
            print(self.word("pin").format(self.which_pin(question), *map(self.number, (question["pin_min"], question["pin_max"]))), flush=True)
            typed = self.typed(secret=True)
            reader, writer = os.pipe()
            try:
                pin = fold_digits(typed)
                if question["pin_min"] <= len(pin) <= question["pin_max"] and all(0x30 <= digit <= 0x39 for digit in pin):
                    os.write(writer, pin)
                    os.close(writer)
                    writer = None
                    return self.send(answer, [reader])
            finally:
                wipe(typed)
                os.close(reader)
                if writer is not None:
                    os.close(writer)
            self.show("no_pin")
        return self.send({"decision": "refuse"})

    def ask(self, question):
        self.language = PERSIAN if (self.fixed or question.get("language")) == "fa" else ENGLISH
        self.page(question)
        answer = self.decide(question)
        if answer["decision"] != "sign":
            return self.send(answer)
        if question["pinpad"]:
            self.send(answer)
            words = self.word("phone" if question["phone"] else "pinpad")
            print("\u2022 " + words.format(self.which_pin(question)), flush=True)
            return None
        return self.send_pin(answer, question)

    def run(self):
        while True:
            event = self.serve.hear()
            if event["event"] == "end" and "ticket" not in event:
                return
            if event["event"] != "ask":
                continue
            self.ticket = event["ticket"]
            try:
                self.ask(event["question"])
            except Over:
                self.show("ended")
            except EOFError:
                self.send({"decision": "cannot"})
            except NotTaken as error:
                print(error, flush=True)
                self.give_up()

    def give_up(self):
        """What mohrd did not take is no answer: the person is told, and refuses by it."""
        try:
            self.send({"decision": "refuse"})
        except NotTaken:
            self.show("ended")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--socket", default=os.environ.get("MOHR_SOCKET"))
    parser.add_argument("--language", choices=["en", "fa"])
    options = parser.parse_args()
    try:
        Screen(options.socket or os.environ["XDG_RUNTIME_DIR"] + "/mohr/mohr.sock", options.language).run()
    except NotTaken as error:
        sys.exit(f"the role of the screen: {error}")


main()
