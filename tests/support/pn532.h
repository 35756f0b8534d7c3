/* SPDX-License-Identifier: Apache-2.0 */
/* pn532.h: an NFC board without hardware: a PN532 on a serial line that is a pseudo-terminal, with the
 * software card in its field. pn532_wire.c is the line (frames, acknowledgements, what can go wrong on
 * it), pn532_chip.c the chip (NXP's user manual UM0701-02) and the cards lying on it.
 *
 * Settings are words parted by commas. How the board and its field are:
 *      b            the software card is of type B
 *      two          a second ISO/IEC 14443-4 card lies beside it
 *      classic      a MIFARE Classic card lies there (alone: with `none`)
 *      none         the software card is not in the field
 *      random-uid   its UID is another one each time it gets power
 *      ats=HEX      this instead of the ATS that fits the card's ATR, the length byte included
 *      baud         each byte takes the time of 115,200 baud
 * and what goes wrong, NAME[=VALUE]@CC[#N][+]: at the N-th command of code CC (hex), once, or with '+'
 * from then on. The names are the rows of pn532_wire.c's table.
 */
#ifndef MOHR_TESTS_PN532_H
#define MOHR_TESTS_PN532_H

#include "drivers/softcard/vpcd.h"

#define PN532_FRAME_MAX 265 /* what follows the length: TFI and data */
#define PN532_DATA_MAX  262 /* of one InDataExchange, without the status byte */
#define PN532_TAGS      3

enum pn532_command {
        PN532_DIAGNOSE = 0x00,
        PN532_FIRMWARE = 0x02,
        PN532_READ_REGISTER = 0x06,
        PN532_WRITE_REGISTER = 0x08,
        PN532_SET_PARAMETERS = 0x12,
        PN532_SAM_CONFIGURATION = 0x14,
        PN532_POWER_DOWN = 0x16,
        PN532_RF_CONFIGURATION = 0x32,
        PN532_IN_DATA_EXCHANGE = 0x40,
        PN532_IN_COMMUNICATE_THRU = 0x42,
        PN532_IN_DESELECT = 0x44,
        PN532_IN_LIST_PASSIVE_TARGET = 0x4A,
        PN532_IN_RELEASE = 0x52,
        PN532_IN_SELECT = 0x54,
        PN532_IN_AUTO_POLL = 0x60,
};

enum pn532_tag_state { TAG_IDLE, TAG_ACTIVE, TAG_HALTED };

struct pn532_tag {
        bool there, type_b;
        uint8_t sak, uid[4];
        enum pn532_tag_state state;
};

struct pn532_chip {
        struct softcard *card;
        const struct softcard_hooks *hooks;
        void *user;
        bool field, powered, gone_told, random_uid;
        struct pn532_tag tags[PN532_TAGS]; /* the software card, a second one, a MIFARE Classic */
        struct pn532_tag *target;          /* number 1, or NULL */
        uint8_t ats[64];                   /* overrides the card's own */
        size_t ats_len;
        uint8_t registers[0x10000];
        uint8_t to_card[512]; /* collected while "more information" is set */
        size_t to_card_len;
        uint8_t from_card[4098]; /* what did not fit into one answer */
        size_t from_card_len, from_card_pos;
};

/* Runs one command (code and data); the answer is code + 1 and data. Its length; 0: a syntax error. */
size_t pn532_chip_run(
        struct pn532_chip *chip, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap);
/* One polling of InAutoPoll (`cmd` as it came): the answer as above, or 0: there is nobody, and the field is off
 * until the next one. */
size_t pn532_chip_poll(
        struct pn532_chip *chip, const uint8_t *cmd, size_t len, uint8_t *rsp, size_t cap);
/* Notices that the software card was lifted. */
void pn532_chip_look(struct pn532_chip *chip);

/* In the place of softcard_vpcd_run(): `link` is the path that becomes a symbolic link to the serial
 * line, `settings` as above. 0, -EINVAL for settings that are not understood, or another -errno. */
_must_check_ int pn532_serve(struct softcard *card, const char *link, const char *settings,
        int patience_ms, int wake_fd, const struct softcard_hooks *hooks, void *user);

#endif
