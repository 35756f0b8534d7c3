#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""library.py BUILD: libmohr as a developer meets it: installed, found by pkg-config, shared and static, and loaded while a program runs.

The examples are compiled against what was installed and run with a card in software. Then the shared library is loaded into a
program that never heard of it (this one), used, and thrown out: whatever the program has of its own, its signals, locale, environment,
descriptors and threads, is as before.
"""
import ctypes
import glob
import os
import re
import signal
import socket
import subprocess
import sys

import _ctypes
from lib import AUDIENCE, NONCE, PIN, TREE, Daemon, main, wait_for

READER = "Simulated reader (SIMULATED CARD)"
STRICT = ["-std=c11", "-D_DEFAULT_SOURCE", "-O0", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wpedantic", "-Werror"]
LC_ALL = 6


# ---- The examples, with what was installed ----

def install(rig):
    place = os.path.join(rig.dir, "installed")
    done = subprocess.run(["make", "-s", f"BUILD={rig.build}", f"DESTDIR={place}", "install"], cwd=TREE, capture_output=True,
                          text=True, timeout=300, check=False, env={**os.environ, "MAKEFLAGS": "", "MAKELEVEL": ""})
    rig.check(done.returncode == 0 and os.path.exists(place + "/usr/include/mohr.h"), "make install has a place of its own",
              done.stderr[-800:])
    return place


def pkg_config(place, *words):
    path = subprocess.run(["pkg-config", "--variable", "pc_path", "pkg-config"], capture_output=True, text=True, check=True).stdout.strip()
    env = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": place, "PKG_CONFIG_LIBDIR": f"{place}/usr/lib/pkgconfig:{path}"}
    return subprocess.run(["pkg-config", *words], capture_output=True, text=True, check=True, env=env).stdout.split()


def compile_one(source, program, words):
    return subprocess.run(["cc", *STRICT, source, *words, "-o", program], capture_output=True, text=True, check=False)


def examples(rig, place):
    """{name: program}, each as its own first lines say."""
    words, made = pkg_config(place, "--cflags", "--libs", "mohr"), {}
    rig.check("-lmohr" in words and "-lcrypto" not in words and "-ljansson" not in words, "a program asks for libmohr alone", words)
    for source in sorted(glob.glob(os.path.join(TREE, "client-sdk/examples/*.c"))):
        name = os.path.basename(source)[:-2]
        with open(source, encoding="utf-8") as text:
            needs = re.search(r"--cflags --libs ([\w ]+)\)", text.read()).group(1).split()
        done = compile_one(source, os.path.join(rig.dir, name), pkg_config(place, "--cflags", "--libs", *needs))
        if rig.check(done.returncode == 0, f"example {name}: compiles as it says itself", done.stderr):
            made[name] = os.path.join(rig.dir, name)
    dynamic = subprocess.run(["readelf", "-d", made["verify"]], capture_output=True, text=True, check=True).stdout
    rig.check("[libmohr.so.0]" in dynamic and "libcrypto" not in dynamic, "it is the shared library that they need", dynamic)
    os.symlink(place + "/usr/lib/libmohr.a", os.path.join(rig.dir, "libmohr.a"))
    words = [word for word in pkg_config(place, "--static", "--cflags", "--libs", "mohr") if word != f"-L{place}/usr/lib"]
    done = compile_one(os.path.join(TREE, "client-sdk/examples/verify.c"), os.path.join(rig.dir, "verify-static"), [f"-L{rig.dir}", *words])
    rig.check(done.returncode == 0, "one of them with the static library, which needs more", done.stderr)
    return made


def environment(rig, place, daemon):
    return {**rig.env, "MOHR_SOCKET": daemon.socket, "DISPLAY": ":mohr-test", "LD_LIBRARY_PATH": place + "/usr/lib", "TERM": "dumb"}


def run(env, *words, text=None):
    done = subprocess.run(words, env=env, capture_output=True, text=True, timeout=120, check=False,
                          **({"input": text} if text is not None else {"stdin": subprocess.DEVNULL}))
    return done.returncode, done.stdout, done.stderr


def ask(rig, env, made, daemon):
    code, readers, _ = run(env, made["watch"])
    rig.check(code == 0 and READER in readers, "watch ends when a card is there", (code, readers))
    for name in ("assert", "assert_loop"):
        daemon.script()
        code, assertion, err = run(env, made[name], AUDIENCE, NONCE)
        rig.check(code == 0 and re.search(r"\.\.\. sign$", err, re.M), f"{name} has an assertion, and tells the phases", (code, err))
    for program in (made["verify"], os.path.join(rig.dir, "verify-static")):
        told = run(env, program, rig.root, AUDIENCE, NONCE, text=assertion)
        rig.check(told[0] == 0 and told[1].strip(), f"{os.path.basename(program)} tells whose it is", told)
    told = run(env, made["verify"], rig.root, AUDIENCE, "another-nonce", text=assertion)
    rig.check(told[0] == 21 and "nonce-mismatch" in told[2], "and that another's nonce is no answer", told)
    daemon.script(getpin=["cancel"])
    told = run(env, made["assert"], AUDIENCE, NONCE)
    rig.check(told[0] == 15 and "RefusedByPerson" in told[2], "assert explains a no", told)
    told = run(env, made["assert"], "no audience", NONCE)
    rig.check(told[0] == 2 and "audience" in told[2], "and what it was not given", told)
    told = run({**env, "MOHR_SOCKET": "/nowhere"}, made["assert"], AUDIENCE, NONCE)
    rig.check(told[0] == 20, "and that nobody is there", told)


def sign(rig, env, made, daemon):
    document = os.path.join(rig.dir, "contract.txt")
    with open(document, "w", encoding="utf-8") as file:
        file.write("Two copies, one for each.\n")
    daemon.script()
    told = run(env, made["sign"], document, "cms", document + ".p7s")
    rig.check(told[0] == 0 and "signed" in told[2], "sign has a document signed, and tells how far it is", told)
    told = run({"PATH": os.environ["PATH"]}, "openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", document + ".p7s",
               "-content", document, "-CAfile", rig.root, "-purpose", "any", "-out", os.devnull)
    rig.check(told[0] == 0, "openssl verifies it", told)
    told = run(env, made["sign"], document, "pdf", document + ".pdf")
    rig.check(told[0] == 29 and not [name for name in os.listdir(rig.dir) if ".pdf" in name],
              "what cannot be signed leaves no file", told)


def cancelled(rig, env, made, daemon):
    """By the keyboard of the loop, while the prompt is open."""
    daemon.script(getpin=["hang"], confirm=["hang"])
    daemon.prompts()
    child = subprocess.Popen([made["assert_loop"], AUDIENCE, NONCE], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    asked = wait_for(lambda: any(line.startswith(("GETPIN", "CONFIRM")) for line in daemon.prompts()))
    out, _ = child.communicate("q\n", timeout=120)
    ended = wait_for(lambda: "request cancelled" in daemon.process.said())
    rig.check(asked and child.returncode == 20 and not out and ended, "assert_loop takes the prompt away",
              (asked, child.returncode, out, daemon.process.said()[-400:]))


# ---- Loaded into a program ----

LIBC = ctypes.CDLL(None)
LIBC.setlocale.restype, LIBC.uselocale.restype = ctypes.c_char_p, ctypes.c_void_p


def own():
    """What is the program's: it must be the same before and after."""
    with open("/proc/self/status", encoding="ascii") as status:
        lines = re.findall(r"^(?:Threads|SigBlk|SigIgn|SigCgt|Umask|Seccomp|NoNewPrivs):.*$", status.read(), re.M)
    environ = ctypes.POINTER(ctypes.c_char_p).in_dll(LIBC, "environ")
    variables, i = [], 0
    while environ[i]:
        variables.append(environ[i])
        i += 1
    return {"status": lines, "environment": sorted(variables), "folder": os.getcwd(), "locale": LIBC.setlocale(LC_ALL, None),
            "thread's locale": LIBC.uselocale(None), "descriptors": sorted(os.listdir("/proc/self/fd"))}


def different(before, after):
    return {name: (before[name], after[name]) for name in before if before[name] != after[name]}


def inherited():
    """Descriptors that a program which is started would have, but for the first three."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            if fd > 2 and os.get_inheritable(fd):
                found.append(os.readlink(f"/proc/self/fd/{fd}"))
        except OSError:
            pass  # the folder's own
    return found


def use(library, rig, path):
    """A call that waits, one that ends badly since mohrd is gone, a look at certificates, words."""
    client, trust, step, text = (ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int(), ctypes.create_string_buffer(200))
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    said = [library.mohr_client_connect(ctypes.byref(client), path.encode())]
    peer, _ = listener.accept()
    listener.close()
    said += [library.mohr_client_start_status(client), library.mohr_client_process(client, ctypes.byref(step)), step.value]
    passed_on = inherited()
    peer.close()
    said += [library.mohr_client_process(client, ctypes.byref(step)), library.mohr_client_start_status(client)]
    library.mohr_client_free(client)
    said += [library.mohr_trust_load(ctypes.byref(trust), rig.root.encode(), text, len(text))]
    library.mohr_trust_free(trust)
    return said, passed_on


def a_peer_that_hangs_up(library, path):
    """mohrd goes between two calls, and nobody here ignores SIGPIPE."""
    client = ctypes.c_void_p()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(1)
        connected = library.mohr_client_connect(ctypes.byref(client), path.encode())
        listener.accept()[0].close()
    end = library.mohr_client_start_status(client)
    library.mohr_client_free(client)
    return connected, end


def declare(library):
    for name in ("mohr_client_start_status", "mohr_client_free"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
    library.mohr_client_process.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.mohr_trust_free.argtypes = [ctypes.c_void_p]
    library.mohr_outcome_text.restype = library.mohr_outcome_next.restype = library.mohr_version.restype = ctypes.c_char_p


def loaded(rig, place):
    ctypes.CDLL("libcrypto.so.3")  # what others have to say of a program's own is not asked here
    ctypes.CDLL("libjansson.so.4")
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    LIBC.setlocale(LC_ALL, b"C")
    before = own()
    library = ctypes.CDLL(os.path.realpath(place + "/usr/lib/libmohr.so"))
    declare(library)
    said, passed_on = use(library, rig, os.path.join(rig.dir, "there"))
    rig.check(said == [0, 0, 0, 0, 20, 20, 0], "a program that loads it can use it", said)
    rig.check(not [name for name in passed_on if "socket" in name], "no descriptor of it goes to a program that is started", passed_on)
    told = a_peer_that_hangs_up(library, os.path.join(rig.dir, "gone"))
    rig.check(told == (0, 20), "a daemon that is gone is an answer, and no signal", told)
    words(rig, library)
    after = own()
    rig.check(not different(before, after), "signals, threads, locale, environment, folder and descriptors are as before",
              different(before, after))
    _ctypes.dlclose(library._handle)
    with open("/proc/self/maps", encoding="ascii") as maps:
        rig.check("libmohr" not in maps.read(), "it can be thrown out again")


def words(rig, library):
    """This program never called setlocale() but for "C". A locale without anything in it but a name is all that glibc asks for."""
    rig.check(library.mohr_outcome_text(13) == b"The PIN is wrong.", "without a language its words are English",
              library.mohr_outcome_text(13))
    names = os.path.join(rig.dir, "locales/fa_IR/LC_MESSAGES")
    os.makedirs(names)
    os.symlink(os.path.join(rig.build, "locale/names/fa/LC_MESSAGES/SYS_LC_MESSAGES"), os.path.join(names, "SYS_LC_MESSAGES"))
    script = ("import ctypes, sys; libc = ctypes.CDLL(None); library = ctypes.CDLL(sys.argv[1]); libc.setlocale.restype = ctypes.c_char_p;"
              "libc.bindtextdomain(b'mohr', sys.argv[2].encode()); library.mohr_outcome_text.restype = ctypes.c_char_p;"
              "libc.setlocale(6, b'C'); text = library.mohr_outcome_text(13); print(text.decode(), libc.setlocale(6, None).decode())")
    for variable in ("LC_ALL", "LANG"):
        env = {"PATH": os.environ["PATH"], "LOCPATH": os.path.join(rig.dir, "locales"), variable: "fa_IR", "PYTHONUTF8": "1"}
        done = subprocess.run([sys.executable, "-c", script, library._name, os.path.join(rig.build, "locale")], env=env,
                              capture_output=True, encoding="utf-8", check=False)
        rig.check(done.stdout.strip() == "رمز کارت نادرست است. C", f"with {variable} they are Persian, in a program without a locale",
                  (done.stdout, done.stderr))


def body(rig):
    place = install(rig)
    daemon = Daemon(rig, drivers=("soft",), soft={"pki": rig.pki, "pin": PIN, "state": os.path.join(rig.dir, "soft")})
    daemon.wait_state(READER, "card")
    made, env = examples(rig, place), environment(rig, place, daemon)
    ask(rig, env, made, daemon)
    sign(rig, env, made, daemon)
    cancelled(rig, env, made, daemon)
    daemon.stop()
    loaded(rig, place)


main(body)
