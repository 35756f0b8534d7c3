/* SPDX-License-Identifier: Apache-2.0 */
/* sandbox.c: see sandbox.h. The allow-list is the table `calls`: one system call a row, who needs
 * it and why, and which of its arguments are fixed. Whoever adds a row says the reason in it; a row
 * for one driver never opens the call for another.
 *
 * The nfc rows are what libnfc 1.8.0 was seen to do on a serial line, and what libusb-0.1, through which
 * it reaches boards on USB, does by its sources.
 *
 * The pcsc rows are what libpcsclite 1.9.9 was seen to do under strace with an open context: it
 * talks to pcscd over a socket it already has and never makes another one here. The usb rows are
 * libusb 1.0's with device discovery off, on the one descriptor that the helper holds.
 */
#include "drivers/helper/sandbox.h"

#include "base/portable.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <signal.h>

#ifndef TCGETS2 /* a C library that makes no use of them */
#define TCGETS2 _IOR('T', 0x2A, struct termios2)
#define TCSETS2 _IOW('T', 0x2B, struct termios2)
#endif

struct call {
        const char *driver; /* NULL: everyone */
        int number;
        const char *purpose;
        unsigned int fixed; /* how many of these hold */
        struct scmp_arg_cmp args[2];
};

#define EQ(index, value)                                                                           \
        {                                                                                          \
                (index), SCMP_CMP_EQ, (value), 0                                                   \
        }
#define BITS(index, mask, value)                                                                   \
        {                                                                                          \
                (index), SCMP_CMP_MASKED_EQ, (mask), (value)                                       \
        }
#define CHANNEL 3
#define DEVICE  4 /* what a direct driver opened, or was handed */
#define STDERR  2

/* Where there is no USB, a library preloaded by umockdev answers for the device over a socket of
 * its own. A build that allows it says so, runs nowhere else and is never installed (Makefile). */
#ifdef MOHR_MOCK_USB
#define WIDER_FOR_TESTS                                                                            \
        { "usb", SCMP_SYS(ioctl), "umockdev: all of them, answered elsewhere", 0, { { 0 } } },     \
                { "usb", SCMP_SYS(sendto), "umockdev: its questions", 1,                           \
                        { { 0, SCMP_CMP_GT, DEVICE, 0 } } },                                       \
                { "usb", SCMP_SYS(recvfrom), "umockdev: its answers", 1,                           \
                        { { 0, SCMP_CMP_GT, DEVICE, 0 } } },                                       \
                { "usb", SCMP_SYS(clock_nanosleep), "umockdev: lets others run", 0, { { 0 } } },   \
                { "usb", SCMP_SYS(rt_sigprocmask), "umockdev: undisturbed by signals", 0,          \
                        { { 0 } } },
#define KEPT_FOR_TESTS         , "UMOCKDEV_DIR"
#define OUTSIDE_A_TEST(driver) (strcmp(driver, "usb") == 0 && !getenv("UMOCKDEV_DIR"))
extern const char sandbox_is_wider[];
const char sandbox_is_wider[] = "MOHR-WIDER-SANDBOX";
#else
#define WIDER_FOR_TESTS
#define KEPT_FOR_TESTS
#define OUTSIDE_A_TEST(driver) false
#endif

/* clang-format off */
static const struct call calls[] = {
        { NULL, SCMP_SYS(recvfrom), "the next operation", 1, { EQ(0, CHANNEL) } },
        { NULL, SCMP_SYS(sendto), "its answer", 1, { EQ(0, CHANNEL) } },
        { NULL, SCMP_SYS(write), "a log line", 1, { EQ(0, STDERR) } },
        { NULL, SCMP_SYS(close), "the driver's close", 0, { { 0 } } },
        { NULL, SCMP_SYS(exit_group), "the end", 0, { { 0 } } },
        { NULL, SCMP_SYS(restart_syscall), "sleep again after a stop and a continue", 0, { { 0 } } },
        { NULL, SCMP_SYS(rt_sigreturn), "return from a handler a library installed", 0, { { 0 } } },
        { NULL, SCMP_SYS(brk), "heap", 0, { { 0 } } },
        { NULL, SCMP_SYS(mmap), "heap: anonymous, never executable", 2,
                { BITS(2, PROT_EXEC, 0), BITS(3, MAP_ANONYMOUS, MAP_ANONYMOUS) } },
        { NULL, SCMP_SYS(mremap), "heap", 0, { { 0 } } },
        { NULL, SCMP_SYS(munmap), "heap, secrets", 0, { { 0 } } },
        { NULL, SCMP_SYS(futex), "locks inside libraries", 0, { { 0 } } },
        { NULL, SCMP_SYS(clock_gettime), "time, where the vDSO declines", 0, { { 0 } } },
        { NULL, SCMP_SYS(gettimeofday), "time, where the vDSO declines", 0, { { 0 } } },
        { NULL, SCMP_SYS(prctl), "read the filter back", 1, { EQ(0, PR_GET_SECCOMP) } },
        { NULL, SCMP_SYS(prctl), "read dumpable back", 1, { EQ(0, PR_GET_DUMPABLE) } },
        { NULL, SCMP_SYS(prctl), "read no-new-privileges back", 1, { EQ(0, PR_GET_NO_NEW_PRIVS) } },

        { "pcsc", SCMP_SYS(poll), "libpcsclite waits for pcscd's answer", 0, { { 0 } } },
        { "pcsc", SCMP_SYS(ppoll), "the same, on machines without poll", 0, { { 0 } } },
        { "pcsc", SCMP_SYS(read), "pcscd's answer", 0, { { 0 } } },
        { "pcsc", SCMP_SYS(sendto), "a question to pcscd", 1,
                { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "pcsc", SCMP_SYS(clock_nanosleep), "wait for another program's transaction", 0, { { 0 } } },
        { "pcsc", SCMP_SYS(newfstatat), "libpcsclite asks once a minute whether pcscd's socket is there", 0, { { 0 } } },
        { "pcsc", SCMP_SYS(stat), "the same, older C library", 0, { { 0 } } },

        { "watch", SCMP_SYS(epoll_wait), "libsystemd waits for udev's messages", 0, { { 0 } } },
        { "watch", SCMP_SYS(epoll_pwait), "the same, on machines without epoll_wait", 0, { { 0 } } },
        { "watch", SCMP_SYS(epoll_pwait2), "the same, newer library", 0, { { 0 } } },
        { "watch", SCMP_SYS(recvfrom), "libsystemd asks how long the message is", 1,
                { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "watch", SCMP_SYS(recvmsg), "the message, with its sender's uid", 1,
                { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "watch", SCMP_SYS(getsockopt), "were messages lost?", 2,
                { EQ(1, SOL_SOCKET), EQ(2, SO_MEMINFO) } },
        { "watch", SCMP_SYS(getrandom), "libsystemd: seeds of its hash tables", 0, { { 0 } } },

        { "nfc", SCMP_SYS(poll), "wait for a question, the board's call, or until the next look", 0, { { 0 } } },
        { "nfc", SCMP_SYS(ppoll), "the same, on machines without poll", 0, { { 0 } } },
        { "nfc", SCMP_SYS(clock_nanosleep), "let a card without power notice; a line become still", 0, { { 0 } } },
        { "nfc", SCMP_SYS(nanosleep), "the same, older C library", 0, { { 0 } } },
        { "nfc", SCMP_SYS(select), "libnfc waits for bytes of the board", 0, { { 0 } } },
        { "nfc", SCMP_SYS(pselect6), "the same, newer C library", 0, { { 0 } } },
        { "nfc", SCMP_SYS(timer_settime), "the clock of a command that is out", 0, { { 0 } } },
        { "nfc", SCMP_SYS(pipe), "libnfc calls a command off", 0, { { 0 } } },
        { "nfc", SCMP_SYS(pipe2), "the same, newer C library", 0, { { 0 } } },
        { "nfc", SCMP_SYS(read), "bytes of the board", 1, { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "nfc", SCMP_SYS(write), "bytes to the board", 1, { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "nfc", SCMP_SYS(ioctl), "serial line: how much lies there", 1, { EQ(1, FIONREAD) } },
        { "nfc", SCMP_SYS(ioctl), "serial line: drop it", 1, { EQ(1, TCFLSH) } },
        { "nfc", SCMP_SYS(ioctl), "serial line: its settings, as they were at the end", 1, { EQ(1, TCGETS) } },
        { "nfc", SCMP_SYS(ioctl), "the same", 1, { EQ(1, TCSETS) } },
        { "nfc", SCMP_SYS(ioctl), "the same, newer C library", 1, { EQ(1, TCGETS2) } },
        { "nfc", SCMP_SYS(ioctl), "the same", 1, { EQ(1, TCSETS2) } },
        { "nfc", SCMP_SYS(ioctl), "USB board: send, or prepare to receive", 1, { EQ(1, USBDEVFS_SUBMITURB) } },
        { "nfc", SCMP_SYS(ioctl), "USB board: what came of it", 1, { EQ(1, USBDEVFS_REAPURBNDELAY) } },
        { "nfc", SCMP_SYS(ioctl), "USB board: too late", 1, { EQ(1, USBDEVFS_DISCARDURB) } },
        { "nfc", SCMP_SYS(ioctl), "USB board: and what was late", 1, { EQ(1, USBDEVFS_REAPURB) } },
        { "nfc", SCMP_SYS(ioctl), "USB board: given back at the end", 1, { EQ(1, USBDEVFS_RELEASEINTERFACE) } },

        { "usb", SCMP_SYS(ioctl), "hand a transfer to the device", 2,
                { EQ(0, DEVICE), EQ(1, USBDEVFS_SUBMITURB) } },
        { "usb", SCMP_SYS(ioctl), "take its end", 2, { EQ(0, DEVICE), EQ(1, USBDEVFS_REAPURBNDELAY) } },
        { "usb", SCMP_SYS(ioctl), "call it off", 2, { EQ(0, DEVICE), EQ(1, USBDEVFS_DISCARDURB) } },
        { "usb", SCMP_SYS(ioctl), "clear a stalled endpoint", 2,
                { EQ(0, DEVICE), EQ(1, USBDEVFS_CLEAR_HALT) } },
        { "usb", SCMP_SYS(ioctl), "let the interface go", 2,
                { EQ(0, DEVICE), EQ(1, USBDEVFS_RELEASEINTERFACE) } },
        { "usb", SCMP_SYS(poll), "wait for transfers, mohrd, a card", 0, { { 0 } } },
        { "usb", SCMP_SYS(ppoll), "the same, on machines without poll", 0, { { 0 } } },
        { "usb", SCMP_SYS(timerfd_settime), "libusb: when a transfer has taken too long", 1,
                { { 0, SCMP_CMP_GT, DEVICE, 0 } } },
        { "usb", SCMP_SYS(read), "libusb: its own timer and event", 1,
                { { 0, SCMP_CMP_GT, DEVICE, 0 } } },
        { "usb", SCMP_SYS(write), "libusb: its own event", 1, { { 0, SCMP_CMP_GT, DEVICE, 0 } } },
        WIDER_FOR_TESTS

        { "phone", SCMP_SYS(poll), "wait for mohrd, the phone, or until it was silent too long", 0, { { 0 } } },
        { "phone", SCMP_SYS(ppoll), "the same, on machines without poll", 0, { { 0 } } },
        { "phone", SCMP_SYS(sendto), "bytes to the phone", 1, { EQ(0, DEVICE) } },
        { "phone", SCMP_SYS(recvfrom), "bytes of the phone", 1, { EQ(0, DEVICE) } },
        { "phone", SCMP_SYS(getrandom), "libcrypto: the handshake's keys", 0, { { 0 } } },
        { "phone", SCMP_SYS(getpid), "libcrypto: has the process forked?", 0, { { 0 } } },

        { "watch-phone", SCMP_SYS(epoll_wait), "libsystemd waits for Avahi and for the folder", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(epoll_pwait), "the same, on machines without epoll_wait", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(epoll_pwait2), "the same, newer library", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(epoll_ctl), "what it waits for", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(timerfd_settime), "libsystemd: when an answer is overdue", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(sendmsg), "a question to Avahi", 1, { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "watch-phone", SCMP_SYS(recvmsg), "its answers, and what it heard", 1, { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "watch-phone", SCMP_SYS(openat), "the pairings, to be read", 1,
                { BITS(2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY) } },
        { "watch-phone", SCMP_SYS(newfstatat), "whose they are, and who may read them", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(fstat), "the same, older C library", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(lstat), "the same", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(geteuid), "are they ours?", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(getdents64), "which there are", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(fcntl), "the C library: may the folder be read?", 1, { EQ(1, F_GETFL) } },
        { "watch-phone", SCMP_SYS(fcntl), "and closed when a program is started, of which there is none", 1, { EQ(1, F_SETFD) } },
        { "watch-phone", SCMP_SYS(read), "a pairing; that the folder changed", 1,
                { { 0, SCMP_CMP_GT, CHANNEL, 0 } } },
        { "watch-phone", SCMP_SYS(getrandom), "libsystemd: seeds of its hash tables", 0, { { 0 } } },
        { "watch-phone", SCMP_SYS(getpid), "libcrypto: has the process forked?", 0, { { 0 } } },

        { "soft", SCMP_SYS(clock_nanosleep), "a simulated card's own time", 0, { { 0 } } },
        { "soft", SCMP_SYS(getrandom), "libcrypto: RSA blinding", 0, { { 0 } } },
        { "soft", SCMP_SYS(getpid), "libcrypto: has the process forked?", 0, { { 0 } } },
};
/* clang-format on */

static const char *const environment[] = { "PCSCLITE_CSOCK_NAME" KEPT_FOR_TESTS };

static int keep_environment(void)
{
        char *kept[ARRAY_LEN(environment)];
        for (size_t i = 0; i < ARRAY_LEN(environment); i++)
                kept[i] = getenv(environment[i]);
        if (clearenv() != 0)
                return -ENOMEM;
        for (size_t i = 0; i < ARRAY_LEN(environment); i++)
                if (kept[i] && setenv(environment[i], kept[i], 1) < 0)
                        return -errno;
        return 0;
}

static int keep_device(int channel, int *device)
{
        if (*device < 0)
                return 0;
        if (dup3(*device, channel + 1, O_CLOEXEC) < 0 && errno != EINVAL)
                return -errno;
        *device = channel + 1;
        return fcntl(*device, F_SETFD, FD_CLOEXEC) < 0 ? -errno : 0;
}

int sandbox_prepare(int channel, int *device)
{
        int r = keep_environment();
        if (r < 0)
                return r;
        r = keep_device(channel, device);
        if (r < 0)
                return r;
        if (portable_close_from((unsigned int)channel + (*device < 0 ? 1U : 2U), false) < 0)
                return -errno;
        /* A channel that does not block would turn the loop into a spin. */
        int flags = fcntl(channel, F_GETFL);
        if (flags < 0 || fcntl(channel, F_SETFL, flags & ~O_NONBLOCK) < 0)
                return -errno;
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return -errno;
        return 0;
}

static void filter_free(scmp_filter_ctx *filter)
{
        if (*filter)
                seccomp_release(*filter);
}

static bool needed(const struct call *call, const char *driver)
{
        return !call->driver || strcmp(call->driver, driver) == 0;
}

static int load_filter(const char *driver)
{
        _cleanup_(filter_free) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
        if (!filter) /* most likely a unit's own filter forbids seccomp() */
                return -EOPNOTSUPP;
        for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
                const struct call *call = &calls[i];
                if (!needed(call, driver))
                        continue;
                int r = seccomp_rule_add_array(
                        filter, SCMP_ACT_ALLOW, call->number, call->fixed, call->args);
                if (r < 0)
                        return r;
        }
        return seccomp_load(filter);
}

int sandbox_close(const char *driver)
{
        if (OUTSIDE_A_TEST(driver))
                return -EPERM;
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return load_filter(driver);
}

static uint8_t ask(int what)
{
        int value = prctl(what, 0, 0, 0, 0);
        return value < 0 ? 0 : (uint8_t)value;
}

void sandbox_read_back(uint8_t *ret_seccomp, uint8_t *ret_dumpable, uint8_t *ret_no_new_privs)
{
        *ret_seccomp = ask(PR_GET_SECCOMP);
        *ret_dumpable = ask(PR_GET_DUMPABLE);
        *ret_no_new_privs = ask(PR_GET_NO_NEW_PRIVS);
}
