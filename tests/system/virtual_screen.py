# SPDX-License-Identifier: Apache-2.0
"""virtual_screen.py: an X server without a screen, and fingers on its keyboard; for prompt_gui.py and the docs' pictures.

There is no window manager: a window gets the keyboard when it is told to, and is closed by the message that a window
manager would send.
"""
import ctypes
import os
import subprocess
import time

TOOLS = ("Xvfb", "xdotool")


class ClientMessage(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("serial", ctypes.c_ulong), ("send_event", ctypes.c_int), ("display", ctypes.c_void_p),
                ("window", ctypes.c_ulong), ("message_type", ctypes.c_ulong), ("format", ctypes.c_int),
                ("data", ctypes.c_long * 5), ("room", ctypes.c_long * 16)]


class VirtualScreen:
    def __init__(self, width=900, height=700):
        self.width, self.height = width, height
        ours, theirs = os.pipe()
        self.server = subprocess.Popen(["Xvfb", "-displayfd", str(theirs), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"],
                                       pass_fds=[theirs], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        with os.fdopen(ours) as told:
            self.name = f":{int(told.readline())}"  # it can be connected to from now on
        self.environment = dict(os.environ, DISPLAY=self.name)

    def xdotool(self, *words):
        done = subprocess.run(["xdotool", *map(str, words)], env=self.environment, check=False, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60)
        return done.stdout.decode().split()

    def windows(self):
        """Those that can be seen."""
        return set(map(int, self.xdotool("search", "--onlyvisible", "--class", "pinentry")))

    def size_of(self, window):
        told = dict(line.split("=") for line in self.xdotool("getwindowgeometry", "--shell", window))
        return int(told["WIDTH"]), int(told["HEIGHT"])

    def next_window(self, before, gone=lambda: False, seconds=60):
        """A window that was not there before, with the keyboard; None if it does not come, or if gone() says it will not."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and not gone():
            for window in self.windows() - before:
                self.xdotool("windowfocus", "--sync", window)
                return window
        return None

    def wait_empty(self, seconds=60):
        """The number of a window that is gone may be the next one's: nobody begins before."""
        end = time.monotonic() + seconds
        while self.windows() and time.monotonic() < end:
            time.sleep(0.02)

    def type(self, *keys):
        self.xdotool("key", "--clearmodifiers", *keys)

    def close(self, window):
        x11 = ctypes.CDLL("libX11.so.6")
        x11.XOpenDisplay.restype = ctypes.c_void_p
        x11.XInternAtom.argtypes, x11.XInternAtom.restype = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int], ctypes.c_ulong
        x11.XSendEvent.argtypes = [ctypes.c_void_p, ctypes.c_ulong, ctypes.c_int, ctypes.c_long, ctypes.c_void_p]
        x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
        display = x11.XOpenDisplay(self.name.encode())
        message = ClientMessage(type=33, window=window, format=32, message_type=x11.XInternAtom(display, b"WM_PROTOCOLS", 0))
        message.data[0] = x11.XInternAtom(display, b"WM_DELETE_WINDOW", 0)
        x11.XSendEvent(display, window, 0, 0, ctypes.byref(message))
        x11.XCloseDisplay(display)

    def end(self):
        self.server.terminate()
        self.server.wait(10)
