# SPDX-License-Identifier: Apache-2.0
"""udev_voice.py: udev's messages without udev, for the watchers of the direct drivers.

`hush()` gives this process a network namespace of its own, where nobody else hears kernel or udev, and a
/run/udev that says udev runs. Then Voice().say() is heard by every monitor in it, as from udev: the kernel
vouches that root sent it. Root only.
"""
import ctypes
import fcntl
import os
import socket
import struct
import subprocess

CLONE_NEWNET, NETLINK_KOBJECT_UEVENT, GROUP_UDEV = 0x40000000, 15, 2
SIOCSIFFLAGS, IFF_UP = 0x8914, 1


def hush():
    """True when this process may speak as udev now."""
    if os.geteuid() != 0 or ctypes.CDLL(None).unshare(CLONE_NEWNET) != 0:
        return False
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
    os.makedirs("/run/udev", exist_ok=True)
    hidden = ["/run/udev"] + [path for path in ("/sys/bus/usb",) if os.path.isdir(path)]
    if any(subprocess.run(["mount", "-t", "tmpfs", "none", path], check=False).returncode for path in hidden):
        return False
    with open("/run/udev/control", "wb"):
        return True


def murmur2(data):
    """The hash by which libudev's filters know a word."""
    mix, mask, value = 0x5BD1E995, 0xFFFFFFFF, len(data)
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = word * mix & mask
        value = (value * mix & mask) ^ ((word ^ word >> 24) * mix & mask)
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * mix & mask
    value = (value ^ value >> 13) * mix & mask
    return value ^ value >> 15


def message(action, path, subsystem, **properties):
    """The message as libudev writes it; a value may be bytes that are no text."""
    rows = {"ACTION": action, "DEVPATH": path, "SUBSYSTEM": subsystem, "SEQNUM": "4711", **properties}
    body = b"".join(key.encode() + b"=" + (value if isinstance(value, bytes) else value.encode()) + b"\0"
                    for key, value in rows.items() if value is not None)
    devtype = properties.get("DEVTYPE")
    return (b"libudev\0" + struct.pack(">I", 0xFEEDCAFE) + struct.pack("=III", 40, 40, len(body)) +
            struct.pack(">IIII", murmur2(subsystem.encode()), murmur2(devtype.encode()) if devtype else 0, 0, 0) + body)


class Voice:
    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT)
        self.socket.bind((0, 0))

    def raw(self, data):
        try:
            self.socket.sendto(data, (0, GROUP_UDEV))
        except ConnectionRefusedError:
            pass  # nobody listens

    def say(self, *words, **properties):
        self.raw(message(*words, **properties))


class UsbReader:
    """A CCID reader on a port, as far as udev's words go."""

    def __init__(self, voice, port="1-1", number=4, vendor="Acme", model="Reader One", serial=None, ids="1050/407/100",
                 interface="11/0/0", interface_number=0):
        self.voice, self.number = voice, number
        self.path = f"/devices/pci0000:00/0000:00:14.0/usb1/{port}"
        self.below = f"{self.path}/{port}:1.{interface_number}"
        self.ids, self.interface = ids, interface
        encode = lambda text: text.replace(" ", "\\x20") if isinstance(text, str) else text
        self.texts = {"ID_VENDOR_ENC": encode(vendor), "ID_MODEL_ENC": encode(model), "ID_SERIAL_SHORT": serial}

    def device(self, action):
        self.voice.say(action, self.path, "usb", DEVTYPE="usb_device", PRODUCT=self.ids, MAJOR="189", MINOR=str(self.number - 1),
                       BUSNUM="001", DEVNUM=f"{self.number:03}", DEVNAME=f"/dev/bus/usb/001/{self.number:03}", **self.texts)

    def face(self, action, driver=None):
        self.voice.say(action, self.below, "usb", DEVTYPE="usb_interface", PRODUCT=self.ids, INTERFACE=self.interface,
                       DRIVER=driver)

    def plug(self):
        self.device("add")
        self.face("add")

    def unplug(self):
        self.face("remove")
        self.device("remove")
        self.number = self.number % 120 + 1
