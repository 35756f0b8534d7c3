/* SPDX-License-Identifier: Apache-2.0 */
/* config.h: INI files with drop-ins, bounded and strict: an unknown section or key, a bad value or a file
 * over 64 KiB is a typed error naming file and line.
 *
 * The files are /etc/mohr/mohr.conf, then /etc/mohr/conf.d/<name>.conf sorted, then the same under
 * $XDG_CONFIG_HOME/mohr; each may be absent. With --config FILE they are FILE and FILE.d/<name>.conf. What is read later wins; arguments win over everything.
 * Limits and rules are the exception: there the stricter of root's files and the user's wins, wherever it stands; and
 * what root has settled (config_keys.c) no file of the user's changes.
 */
#ifndef MOHR_CONFIG_H
#define MOHR_CONFIG_H

#include "base/base.h"
#include "base/log.h"

#define CONFIG_OPTIONS_MAX     32
#define CONFIG_DRIVER_SECTIONS 4
#define CONFIG_DRIVERS_MAX     5
#define CONFIG_FILE_MAX        65536

enum unproven { UNPROVEN_ASK, UNPROVEN_YES, UNPROVEN_NO };
enum raw_hash { /* which keys of assertions sign what an app hashed, and make no assertions any more */
        RAW_HASH_NO,
        RAW_HASH_PIV_SIGNATURE = 1,
        RAW_HASH_NATIONAL = 2,
        RAW_HASH_ALL = 3
};

/* Whose word a file is. Root's: it belongs to uid 0, neither its group nor others may write to it, and it lies in
 * /etc/mohr or was named by --config; the folders that are searched are such ones of root's, too. Every other file is the user's: it may forbid, but sets no key that is root's. */
enum config_origin { CONFIG_ROOTS, CONFIG_USERS };
#define CONFIG_ORIGINS 2

struct config {
        char *socket; /* --socket, MOHR_SOCKET, or the default; NULL without a
                                            * runtime directory (then it must be passed in) */
        char *drivers[CONFIG_DRIVERS_MAX +
                      1]; /* --driver, [readers] drivers = a b; default "pcsc phone" */
        char *pinentry;   /* [pin] pinentry, default "pinentry" (found in PATH) */
        bool pinpad; /* [pin] pad: a reader's own keys are used where it has them, default yes */
        unsigned int prompt_timeout_s; /* [pin] timeout_s, default 120 */
        char *anchors;                 /* [trust] anchors, or NULL */
        char *staff_anchors;           /* [trust] staff_anchors, or NULL: no staff card is used */
        bool store; /* where anchors are not set: what mohr trust keeps (client-sdk/store.h) */
        enum unproven unproven; /* [card] unproven */
        enum raw_hash raw_hash; /* [keys] raw_hash, root's files only, default no */
        char *relying_anchors; /* [relying_parties] anchors, root's files only; NULL: no signed request is accepted */
        char *screen; /* [person] screen = unit:NAME or program:/PATH, root's files only, or NULL */
        unsigned int history_keep_days; /* [history] keep_days; 0: for ever, the default */
        bool history_values; /* [history] values: claims' values are kept too, default no */
        bool history_station; /* [history] register = station: no citizen's identity is kept, root's files only */
        struct limits { /* [limits]; the user's own files may only lower a number, and lengthen the pause */
                unsigned int app_per_hour, user_per_hour; /* default 60, 120 */
                unsigned int wrong_pins, pause_s;         /* default 3 in a row, 900 */
        } limits;
        struct limits limits_of[CONFIG_ORIGINS]; /* as each kind of file says; 0: it does not */
        struct rule *
                rules; /* [rule NAME], policy.h: a list of each kind of file, in the order of the files */
        unsigned int card_timeout_ms; /* [card] timeout_ms: one operation, default 8000 */
        /* [soft], [nfc], [usb], [phone] name = value -> "name=value", in file order. */
        char *soft[CONFIG_OPTIONS_MAX + 1]; /* empty unless the driver soft is asked for */
        char *nfc[CONFIG_OPTIONS_MAX + 1];
        char *usb[CONFIG_OPTIONS_MAX + 1];
        char *phone[CONFIG_OPTIONS_MAX + 1];
        uint32_t settled; /* rows of config_keys.c that root's files have set */
        uint32_t settled_options
                [CONFIG_DRIVER_SECTIONS]; /* and of [nfc], [usb], [phone], [soft], by their places there */
        struct config_at { /* --driver NAME=ADDRESS: a reader that is there without anybody looking for it */
                char driver[8], address[128];
        } at[CONFIG_DRIVERS_MAX];
        size_t at_count;
        struct config_relay {         /* [relay], of mohr-relay serve */
                char *name, *address; /* NULL: the host's name; all addresses */
                unsigned int port;
                bool anywhere, publish;
                bool last_try; /* digits from a computer may spend a card's last try; default no */
                enum config_relay_pin { RELAY_PIN_ANY, RELAY_PIN_HERE, RELAY_PIN_THERE } pin;
        } relay;
        int usb_fd; /* --usb-fd: an open USB device that a system without device nodes handed over; -1 */
        char *libexecdir; /* where helpers are: the folder of the running mohrd if it holds them (a build
                           * tree), else MOHR_LIBEXECDIR of the build */
        struct programs *programs; /* what lay there when mohrd started; NULL: nothing is held */
        char *state_dir; /* $XDG_STATE_HOME/mohr; [state] dir; NULL if neither it nor HOME is set */
        enum log_level log_level; /* [log] level, default info */
};

/* Lays one file over what the config holds already. 0, or OUTCOME_USAGE with one line in error. */
_must_check_ int config_parse(struct config *config, enum config_origin origin, const char *text,
        size_t len, const char *name, char *error, size_t error_cap);
/* Defaults, environment, files, arguments; in that order of growing strength. Same results. */
_must_check_ int config_load(
        struct config **ret, int argc, char *const *argv, char *error, size_t error_cap);
/* The address of the driver's one reader, where it was given; else NULL. */
const char *config_at(const struct config *config, const char *driver);
/* What the config holds for this driver, NULL at its end; nothing for one without a section. */
char *const *config_options(const struct config *config, const char *driver);
struct config *config_free(struct config *config);
static inline void config_free_cleanup(struct config **slot)
{
        *slot = config_free(*slot);
}
#define _cleanup_config_ _cleanup_(config_free_cleanup)

#endif
