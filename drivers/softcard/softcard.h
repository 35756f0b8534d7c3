/* SPDX-License-Identifier: Apache-2.0 */
/* softcard.h: a simulated card, written from card-facts.md section 8 and independent of apdu/nid*.
 *
 * The PIV profiles are written from SP 800-73-4 instead, and are tried by programs of others.
 * It cannot prove that a real card agrees. Every behaviour that the facts mark uncertain is a named
 * switch (softcard_switches[]), every section-8.1 profile a row. Its certificates come from a folder
 * made by `mohr-softcard --make-pki`: the root's name says TEST. It shares no parsing code with the
 * driver it tests (base/ only), so that one misreading cannot hide in both.
 */
#ifndef MOHR_SOFTCARD_H
#define MOHR_SOFTCARD_H

#include "base/base.h"
#include "base/bytes.h"

struct softcard;

/* What survives power-off and process death; the caller may keep it in a shared mapping. Plain data,
 * checked by magic and version when it is handed in; zeroed memory means "new card". */
struct softcard_nv {
        uint32_t magic, version;
        uint8_t failures[3]; /* wrong tries so far: IAS, ID, EV */
        uint8_t failures_01; /* IAS reference 01, where a switch makes it exist */
        uint8_t failures_piv, failures_global, failures_puk;
        uint8_t piv_pin[8]; /* a new one, as it is sent; zeros: still the one of the options */
        uint8_t reserved[41];
};

struct softcard_stats {
        unsigned int exchanges; /* transmit calls that reached the card */
        unsigned int bytes_in, bytes_out;
        unsigned int verify_commands; /* PIN-family commands with a PIN in them */
        unsigned int
                writes; /* UPDATE/CHANGE/RESET/PUT/GENERATE/management key attempts: violations */
        unsigned int renewals; /* attempts to give the PIN of a PIV card a new value */
        unsigned int signatures;
        unsigned int strangers; /* commands that a replayed transcript does not hold */
};

/* `options`: NULL-terminated "name=value" strings: profile=mav2-cl, pki=DIR, leaf=NAME (valid,
 * expired, ...), pin=DIGITS, any switch of softcard_switches[], fault=WHAT@WHERE[:WHEN] (faults.c).
 * A bad option is -EINVAL and *ret_bad (borrowed from options) names it; -ENOENT: the folder lacks
 * what the card is made of (*ret_bad: "pki=..."); -EBADMSG: `nv` is of something else. `nv` may be
 * NULL (private memory). The new card lies on the reader and has power. */
_must_check_ int softcard_new(struct softcard **ret, const char *const *options,
        struct softcard_nv *nv, const char **ret_bad);
struct softcard *softcard_free(struct softcard *card);

const uint8_t *softcard_atr(const struct softcard *card, size_t *ret_len);
bool softcard_is_t0(const struct softcard *card);
void softcard_power_on(struct softcard *card); /* also a reset: verified state is gone */
void softcard_power_off(struct softcard *card);
bool softcard_present(
        const struct softcard *card); /* false after a removal fault, until re-insert */
void softcard_remove(
        struct softcard *card); /* lifted by hand; comes back only by softcard_insert */
void softcard_insert(struct softcard *card); /* without power until softcard_power_on */
/* One APDU/TPDU. 0; OUTCOME_CARD_REMOVED (also: lifted and laid back, not powered on since);
 * OUTCOME_TIMED_OUT after a mute fault. An answer lost by a reset is 0 with no bytes at all. Delays
 * modelled by `delay-ms` are slept here. -ENOSPC: the answer does not fit into `cap`. */
_must_check_ int softcard_transmit(struct softcard *card, const uint8_t *cmd, size_t cmd_len,
        uint8_t *rsp, size_t cap, size_t *ret_len);
const struct softcard_stats *softcard_stats(const struct softcard *card);
bool softcard_pin_verified(const struct softcard *card); /* any copy, any application: for tests */

struct softcard_switch {
        const char *name, *values, *fallback, *evidence, *help;
};
extern const struct softcard_switch softcard_switches[]; /* ends with name == NULL */
extern const char *const softcard_profiles[];            /* ends with NULL */

/* Makes the test PKI of card-facts 5 and 8.3 in an existing empty folder. */
_must_check_ int softcard_make_pki(const char *dir);

#endif
