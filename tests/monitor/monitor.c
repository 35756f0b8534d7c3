/* SPDX-License-Identifier: Apache-2.0 */
/* monitor.c: see monitor.h. Written from card-facts 7.2 and the sections it leans on (1.5 detection,
 * 2.1 names, 2.7 reading, 4.2-4.5 and 4.10 PINs, 6.6 free checks), before any driver was read.
 *
 * A PIV card (SP 800-73-4) is held to the same rules with its own bytes: reference 80, blocks of eight padded
 * with FF, keys 9C and 9A alone; "its issuer" is there the certificate of a key, read before the PIN family
 * starts and before that key signs. Selecting PIV again locks nothing, so what is owed after its PIN is the reset.
 * One entry of its PIN stands for one signature, whichever key makes it. Of key 9C the RSA block must be
 * PKCS #1 over SHA-256, written by the driver: one that an app made could be anybody's assertion. (Of ECDSA nothing
 * can be seen here: a digest looks like any other.)
 *
 * The one thing of a PIV card that may be changed is that PIN, by its holder: then too there is one command for one
 * entry, after its counter was told, with a proof and a new PIN that are PINs, and a reset at the end. A national
 * card is never changed (rule 6).
 *
 * Each command passes the rules first, against the picture as it was, and then changes the picture by
 * its answer. Only what the card accepted changes it.
 */
#include "tests/monitor/monitor.h"
#include "tests/monitor/command.h"

#include <stdio.h>

#define FILE_CAP     16384 /* rule 10 */
#define READS_CAP    128   /* rule 10: 16 KiB in blocks of 128 bytes */
#define TRIES_UNSEEN (-1)

/* The one PIN of each kind of card. */
static const struct reference {
        enum app app;
        uint8_t ref, block, pad, min, max;
} references[] = {
        { APP_IAS, 0x81, 16, 0x00, 4, 8 },
        { APP_PIV, 0x80, 8, 0xFF, 6, 8 },
};

struct answer {
        const uint8_t *data;
        size_t len;
        uint16_t sw; /* 0: no answer */
};

struct entry {
        bool open, last_try_agreed;
        char digits[16];
};

struct monitor {
        unsigned int exchanges;
        struct monitor_breach breaches[MONITOR_BREACHES_MAX];
        size_t breach_count;

        /* since this card was inserted; the monitor sits at the card, and no reset can hide a swap from it
         * (rule 2) */
        bool seen_ias, seen_mpcos, confirmed;
        bool seen_9c, seen_9a; /* of a PIV card: the certificates of its keys */
        char card_number[11];  /* answered as tag 0101 */

        /* since this card was inserted or reset */
        enum app app;
        bool oversize, answers, verified, blocked, unknown_answer;
        bool signed_once;      /* by a PIV key since the last VERIFY */
        int tries;             /* of reference 81, in this session */
        unsigned int verifies; /* since reset or begin */
        char used_digits[16];  /* of the last VERIFY */

        /* the file being read */
        uint8_t file[FILE_CAP];
        size_t have, read_at;
        unsigned int reads;
        uint8_t last_ins;

        bool transactions, in_transaction, pin_in_transaction, reset_owed;
        bool entries_known;
        struct entry entry;
};

int monitor_new(struct monitor **ret)
{
        struct monitor *monitor = calloc(1, sizeof *monitor);
        if (!monitor)
                return -ENOMEM;
        monitor->tries = TRIES_UNSEEN;
        *ret = monitor;
        return 0;
}

struct monitor *monitor_free(struct monitor *monitor)
{
        free(monitor);
        return NULL;
}

static void breach(
        struct monitor *monitor, int rule, const struct command *command, const char *what)
{
        if (monitor->breach_count == MONITOR_BREACHES_MAX)
                return;
        struct monitor_breach *noted = &monitor->breaches[monitor->breach_count++];
        *noted = (struct monitor_breach){
                .rule = rule, .exchange = monitor->exchanges, .what = what
        };
        if (command)
                memcpy(noted->header,
                        (const uint8_t[]){ command->cla, command->ins, command->p1, command->p2 },
                        4);
}

/* ---- the rules, before the answer is looked at ----------------------------------------------- */

/* As IAS where no application is selected that is known to have a PIN. */
static const struct reference *reference_of(const struct monitor *monitor)
{
        for (size_t i = 0; i < ARRAY_LEN(references); i++)
                if (references[i].app == monitor->app)
                        return &references[i];
        return &references[0];
}

static bool is_confirmed(const struct monitor *monitor)
{
        return monitor->app == APP_PIV ? monitor->seen_9c || monitor->seen_9a : monitor->confirmed;
}

static void rule_1_reading_first(struct monitor *monitor, const struct command *command)
{
        bool reading = (monitor->app == APP_PIV && command->ins == 0xCB) || command->ins == 0xA4 ||
                       command->ins == 0xB0 || command->ins == 0xCA ||
                       (command->ins == 0xC0 && command->cla != 0x80);
        if (!reading && !is_confirmed(monitor))
                breach(monitor, 1, command, "before the issuer was read from this card");
}

static bool padded_digits(const struct command *command, const struct reference *reference)
{
        size_t digits = 0;
        while (digits < command->data_len && command->data[digits] >= '0' &&
                command->data[digits] <= '9')
                digits++;
        for (size_t i = digits; i < command->data_len; i++)
                if (command->data[i] != reference->pad)
                        return false;
        return command->data_len == reference->block && digits >= reference->min &&
               digits <= reference->max;
}

static void rule_2_gate(struct monitor *monitor, const struct command *command)
{
        const struct reference *reference = reference_of(monitor);
        if (!is_confirmed(monitor))
                breach(monitor, 2, command, "PIN to a card whose issuer was not read");
        if (monitor->app != APP_PIV && (!monitor->seen_ias || !monitor->seen_mpcos))
                breach(monitor, 2, command, "PIN to a card of unknown generation");
        if (monitor->app != reference->app || command->p1 != 0 || command->p2 != reference->ref)
                breach(monitor, 2, command, "PIN to another reference than IAS 81 or PIV 80");
        if (monitor->tries == TRIES_UNSEEN)
                breach(monitor, 2, command, "PIN without a counter read in this session");
        if (monitor->tries == 1 && monitor->entries_known && !monitor->entry.last_try_agreed)
                breach(monitor, 2, command, "last try without consent");
        if (!padded_digits(command, reference))
                breach(monitor, 2, command, "length or padding of the PIN");
}

static void digits_of(const struct command *command, char digits[static 16])
{
        size_t len = 0;
        while (len < base_min(command->data_len, 15) && command->data[len] != 0xFF)
                len++;
        memcpy(digits, command->data, len);
        digits[len] = '\0';
}

static void rule_3_one_per_entry(
        struct monitor *monitor, const struct command *command, const char *digits)
{
        if (monitor->entries_known && !monitor->entry.open)
                breach(monitor, 3, command, "VERIFY without a new entry by a person");
        if (monitor->verifies > 0)
                breach(monitor, 3, command, "second VERIFY in one session");
        const struct reference *reference = reference_of(monitor);
        if (monitor->verifies > 0 &&
                (monitor->app != reference->app || command->p2 != reference->ref) &&
                strcmp(digits, monitor->used_digits) == 0)
                breach(monitor, 3, command, "same PIN to another reference");
}

static void rule_4_no_guessing(
        struct monitor *monitor, const struct command *command, const char *digits)
{
        bool known = monitor->entries_known && monitor->entry.open;
        if (known && strcmp(digits, monitor->entry.digits) != 0)
                breach(monitor, 4, command, "a PIN that nobody typed");
        bool initial = strcmp(digits, "1234") == 0 ||
                       (monitor->card_number[0] && strcmp(digits, monitor->card_number + 6) == 0);
        if (!known && initial)
                breach(monitor, 4, command, "an initial PIN that everybody knows");
}

static void rule_5_empty_verify(struct monitor *monitor, const struct command *command)
{
        bool ias = monitor->app == APP_IAS || monitor->app == APP_PARDIS;
        if (monitor->app == APP_PIV) {
                if (command->p2 != 0x80 || command->p1 != 0)
                        breach(monitor, 5, command,
                                "empty VERIFY to another reference than PIV 80");
                return;
        }
        if (!ias)
                breach(monitor, 5, command, "empty VERIFY outside an IAS-type application");
        else if (command->p2 != 0x81 && !(command->p2 == 0x01 && monitor->tries > 0))
                breach(monitor, 5, command, "empty VERIFY to a reference nobody knows");
}

static void rule_6_no_writing(struct monitor *monitor, const struct command *command)
{
        static const uint8_t writing[] = { 0x24, 0x2C, 0x0E, 0x0F, 0xD0, 0xD1, 0xD2, 0xD6, 0xD7,
                0xDA, 0xDB, 0xDC, 0xDD, 0xE0, 0xE2, 0xE4, 0xE6, 0xE8, 0x44, 0x04, 0x50, 0xF0 };
        bool own_pin = monitor->app == APP_PIV && command_renews_pin(command);
        if (memchr(writing, command->ins, sizeof writing) && !own_pin)
                breach(monitor, 6, command, "a command that changes the card");
        if (monitor->app == APP_PIV && (command->ins == 0x46 || command->ins == 0x47))
                breach(monitor, 6, command, "a command that makes a key");
}

static bool may_use_key(const struct monitor *monitor, uint8_t key)
{
        return monitor->app == APP_PIV &&
               ((key == 0x9C && monitor->seen_9c) || (key == 0x9A && monitor->seen_9a));
}

/* 7C 82 len 82 00 81 82 0100, then 00 01 FF..FF 00 and the DigestInfo of SHA-256 (RFC 8017 9.2). Only the
 * first command of the chain is looked at, which ends inside the hash. */
static bool hides_something(const struct command *command)
{
        static const uint8_t info[] = { 0x00, 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09, 0x60, 0x86, 0x48,
                0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };
        const size_t head = 10, at = head + 256 - 32 - sizeof info;
        if (command->p1 != 0x07 || command->data_len < at + sizeof info)
                return false; /* no RSA, or the rest of a chain */
        for (size_t i = head + 2; i < at; i++)
                if (command->data[i] != 0xFF)
                        return true;
        return command->data[head] != 0x00 || command->data[head + 1] != 0x01 ||
               memcmp(command->data + at, info, sizeof info) != 0;
}

static void rule_6_keys(struct monitor *monitor, const struct command *command)
{
        if (command->ins != 0x87)
                return;
        if (!may_use_key(monitor, command->p2))
                breach(monitor, 6, command, "a key whose certificate was not read, or another");
        if (command->p2 == 0x9C && hides_something(command))
                breach(monitor, 6, command, "key 9C on a block that an app may have made");
        if (monitor->signed_once)
                breach(monitor, 3, command, "a second signature for one entry");
}

static void rule_7_transaction(struct monitor *monitor, const struct command *command)
{
        bool operation =
                command_is_pin_family(command) || command->ins == 0x2A || command->ins == 0x87;
        if (monitor->transactions && operation && !monitor->in_transaction)
                breach(monitor, 7, command, "outside an exclusive transaction");
}

static void rule_8_reset_owed(struct monitor *monitor, const struct command *command)
{
        if (monitor->reset_owed)
                breach(monitor, 8, command, "no reset after a session with a PIN");
        monitor->reset_owed = false;
}

static void rule_9_stop(struct monitor *monitor, const struct command *command)
{
        if (monitor->blocked || monitor->tries == 0)
                breach(monitor, 9, command, "PIN after the card said blocked");
        if (monitor->unknown_answer)
                breach(monitor, 9, command, "PIN again after an answer nobody knows");
}

static void rule_10_bounds(struct monitor *monitor, const struct command *command)
{
        if (command->ins == 0xB0 && monitor->reads >= READS_CAP)
                breach(monitor, 10, command, "no end of reads of one file");
        if (command_carries_pin(command) && monitor->oversize)
                breach(monitor, 10, command, "PIN after an answer longer than asked");
}

static void judge_pin(struct monitor *monitor, const struct command *command)
{
        char digits[16];
        digits_of(command, digits);
        rule_2_gate(monitor, command);
        rule_3_one_per_entry(monitor, command, digits);
        rule_4_no_guessing(monitor, command, digits);
        rule_9_stop(monitor, command);
        memcpy(monitor->used_digits, digits, sizeof digits);
        monitor->entry.open = false;
        monitor->verifies++;
        monitor->pin_in_transaction = true;
}

static struct command half_of(const struct command *command, size_t n)
{
        struct command half = *command;
        size_t from = base_min(8 * n, command->data_len);
        half.data = command->data + from;
        half.data_len = base_min(8, command->data_len - from);
        return half;
}

/* The code that unblocks: what its PIN has left matters only in that it was told. */
static void judge_unblocking(struct monitor *monitor, const struct command *command)
{
        bool told = monitor->tries != TRIES_UNSEEN || monitor->blocked;
        if (!is_confirmed(monitor))
                breach(monitor, 2, command, "PUK to a card whose issuer was not read");
        if (!told)
                breach(monitor, 2, command, "PUK without a counter read in this session");
        if (command->p1 != 0 || command->p2 != 0x80)
                breach(monitor, 2, command, "PUK for another PIN than PIV 80");
        for (size_t i = 0; i < command->data_len; i++)
                if (command->data[i] < '0' || command->data[i] > '9')
                        breach(monitor, 2, command, "a PUK that is not eight digits");
}

static void judge_renewal(struct monitor *monitor, const struct command *command)
{
        const struct command proof = half_of(command, 0), new_pin = half_of(command, 1);
        char digits[16];
        digits_of(&proof, digits);
        if (command->data_len != 16 || !padded_digits(&new_pin, reference_of(monitor)))
                breach(monitor, 2, command, "length or padding of a new PIN");
        if (command->ins == 0x2C) {
                judge_unblocking(monitor, &proof);
        } else {
                rule_2_gate(monitor, &proof);
                rule_9_stop(monitor, command);
        }
        rule_3_one_per_entry(monitor, command, digits);
        rule_4_no_guessing(monitor, command, digits);
        memcpy(monitor->used_digits, digits, sizeof digits);
        monitor->entry.open = false;
        monitor->verifies++;
        monitor->pin_in_transaction = true;
}

static void judge(struct monitor *monitor, const struct command *command)
{
        rule_1_reading_first(monitor, command);
        rule_6_no_writing(monitor, command);
        rule_6_keys(monitor, command);
        rule_7_transaction(monitor, command);
        rule_8_reset_owed(monitor, command);
        rule_10_bounds(monitor, command);
        if (command_carries_pin(command))
                judge_pin(monitor, command);
        else if (command_renews_pin(command) && monitor->app == APP_PIV)
                judge_renewal(monitor, command);
        else if (command_is_verify(command) && !command_is_clear(command))
                rule_5_empty_verify(monitor, command);
}

/* ---- the picture, after the answer ----------------------------------------------------------- */

static void learn_select(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        if (!sw_succeeded(answer->sw))
                return;
        monitor->have = monitor->read_at = 0;
        monitor->reads = 0;
        if (command->p1 != 0x04)
                return;
        bool piv_again = monitor->app == APP_PIV;
        monitor->app = app_of(command->data, command->data_len);
        monitor->seen_ias = monitor->seen_ias || monitor->app == APP_IAS;
        monitor->seen_mpcos = monitor->seen_mpcos || monitor->app == APP_MPCOS;
        if (monitor->app != APP_PIV || !piv_again) /* 2.6: SELECT by AID clears; PIV's not */
                monitor->verified = false;
}

static void keep(struct monitor *monitor, const struct answer *answer)
{
        size_t at = monitor->read_at;
        if (at > monitor->have || at + answer->len > FILE_CAP)
                return;
        memcpy(monitor->file + at, answer->data, answer->len);
        monitor->read_at += answer->len;
        if (monitor->read_at > monitor->have)
                monitor->have = monitor->read_at;
        bool certificates = monitor->app == APP_IAS || monitor->app == APP_PARDIS;
        if (certificates && issuer_is_iranian(monitor->file, monitor->have))
                monitor->confirmed = true;
}

static void learn_read(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        monitor->reads++;
        monitor->read_at = (size_t)command->p1 << 8 | command->p2;
        if (!(command->p1 & 0x80))
                keep(monitor, answer);
}

static void learn_tries(struct monitor *monitor, uint16_t sw)
{
        monitor->blocked = monitor->blocked || sw == 0x6983 || sw == 0x6984 || sw == 0x63C0;
        monitor->tries = (sw & 0xFFF0) == 0x63C0 ? sw & 0x0F : TRIES_UNSEEN;
}

static void learn_verify(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        if (command_is_clear(command)) {
                monitor->verified = monitor->verified && answer->sw != 0x9000;
                return;
        }
        if (!command_carries_pin(command)) {
                if (monitor->app == reference_of(monitor)->app &&
                        command->p2 == reference_of(monitor)->ref)
                        learn_tries(monitor, answer->sw);
                return;
        }
        bool known = answer->sw == 0x9000 || (answer->sw & 0xFFF0) == 0x63C0 ||
                     answer->sw == 0x6983 || answer->sw == 0x6984;
        monitor->verified = monitor->verified || answer->sw == 0x9000;
        monitor->signed_once = monitor->signed_once && answer->sw != 0x9000;
        monitor->unknown_answer = !known;
        learn_tries(monitor, answer->sw);
        monitor->tries = TRIES_UNSEEN; /* a new query before the next one */
}

/* Right or wrong, what it says of tries is the proof's; the PIN's have to be asked for again. */
static void learn_renewal(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        bool changes = command->ins == 0x24;
        monitor->unknown_answer = answer->sw != 0x9000 && (answer->sw & 0xFFF0) != 0x63C0 &&
                                  answer->sw != 0x6983 && answer->sw != 0x6984;
        monitor->verified = monitor->verified || (changes && answer->sw == 0x9000);
        if (changes)
                learn_tries(monitor, answer->sw);
        monitor->tries = TRIES_UNSEEN;
}

/* 4.5: A0 { ... DF21 01 tries ... } */
static void learn_data(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        static const uint8_t query[] = { 0xA0, 0x03, 0x83, 0x01, 0x81 };
        static const uint8_t certificate[] = { 0x5C, 0x03, 0x5F, 0xC1 };
        if (monitor->app == APP_PIV && sw_succeeded(answer->sw) &&
                (answer->len > 8 || answer->sw >> 8 == 0x61) && command->data_len == 5 &&
                memcmp(command->data, certificate, sizeof certificate) == 0) {
                monitor->seen_9c |= command->data[4] == 0x0A;
                monitor->seen_9a |= command->data[4] == 0x05;
        }
        if (command->p1 == 0x01 && command->p2 == 0x01 && answer->len >= 13)
                memcpy(monitor->card_number, answer->data + 3, 10);
        if (command->ins != 0xCB || command->data_len < sizeof query ||
                memcmp(command->data, query, sizeof query) != 0)
                return;
        for (size_t i = 0; i + 4 <= answer->len; i++)
                if (memcmp(answer->data + i, (const uint8_t[]){ 0xDF, 0x21, 0x01 }, 3) == 0)
                        monitor->tries = answer->data[i + 3];
}

static void learn(
        struct monitor *monitor, const struct command *command, const struct answer *answer)
{
        if (command->ins == 0xC0 && command->cla != 0x80) { /* the rest of the answer before it */
                if (monitor->last_ins == 0xB0)
                        keep(monitor, answer);
                return;
        }
        monitor->last_ins = command->ins;
        if (command->ins == 0xA4)
                learn_select(monitor, command, answer);
        else if (command->ins == 0xB0)
                learn_read(monitor, command, answer);
        else if (command_is_verify(command))
                learn_verify(monitor, command, answer);
        else if (command_renews_pin(command) && monitor->app == APP_PIV)
                learn_renewal(monitor, command, answer);
        else if (command->ins == 0xCA || command->ins == 0xCB)
                learn_data(monitor, command, answer);
        else if (command->ins == 0x87 && command->cla == 0x00 && sw_succeeded(answer->sw))
                monitor->signed_once = true;
}

void monitor_exchange(struct monitor *monitor, const uint8_t *cmd, size_t cmd_len,
        const uint8_t *rsp, size_t rsp_len)
{
        if (cmd_len < 4)
                return;
        struct command command = command_parse(cmd, cmd_len);
        struct answer answer = { 0 };
        if (rsp_len >= 2) {
                answer = (struct answer){ rsp, rsp_len - 2, 0 };
                answer.sw = (uint16_t)(rsp[rsp_len - 2] << 8 | rsp[rsp_len - 1]);
        }
        monitor->exchanges++;
        judge(monitor, &command);
        monitor->answers = answer.sw != 0;
        if (answer.sw != 0)
                learn(monitor, &command, &answer);
        else if (command_carries_pin(&command) || command_renews_pin(&command))
                monitor->tries = TRIES_UNSEEN, monitor->unknown_answer = true;
        if (command.asked > 0 && answer.len > command.asked)
                monitor->oversize = true;
}

/* ---- power and transactions ------------------------------------------------------------------ */

static void start_over(struct monitor *monitor)
{
        monitor->app = APP_NONE;
        monitor->oversize = false;
        monitor->verified = monitor->blocked = monitor->unknown_answer = monitor->reset_owed =
                monitor->signed_once = false;
        monitor->tries = TRIES_UNSEEN;
        if (!monitor->in_transaction)
                monitor->verifies = 0;
        monitor->have = monitor->read_at = 0;
        monitor->reads = 0;
}

static void another_card(struct monitor *monitor)
{
        start_over(monitor);
        monitor->seen_ias = monitor->seen_mpcos = monitor->confirmed = monitor->seen_9c =
                monitor->seen_9a = false;
        memset(monitor->card_number, 0, sizeof monitor->card_number);
}

static void begin(struct monitor *monitor)
{
        if (monitor->reset_owed)
                breach(monitor, 8, NULL, "no reset after a session with a PIN");
        monitor->reset_owed = false;
        monitor->transactions = monitor->in_transaction = true;
        monitor->tries = TRIES_UNSEEN; /* rule 7: from the counter to the end in one transaction */
        monitor->verifies = 0;
        monitor->unknown_answer = false;
        monitor->pin_in_transaction = false;
}

static void end(struct monitor *monitor)
{
        /* a silent card can only be reset, and so can a PIV card */
        if (monitor->verified && monitor->answers && monitor->app != APP_PIV)
                breach(monitor, 8, NULL, "verified state left at the end");
        monitor->reset_owed = monitor->pin_in_transaction;
        monitor->in_transaction = monitor->pin_in_transaction = false;
        monitor->tries = TRIES_UNSEEN;
}

void monitor_event(struct monitor *monitor, enum monitor_event event)
{
        if (event == MONITOR_BEGIN)
                begin(monitor);
        else if (event == MONITOR_END)
                end(monitor);
        else if (event == MONITOR_REMOVED)
                another_card(monitor);
        else
                start_over(monitor);
}

void monitor_entry(struct monitor *monitor, const char *digits, bool last_try_agreed)
{
        monitor->entries_known = true;
        monitor->entry = (struct entry){ .open = true, .last_try_agreed = last_try_agreed };
        snprintf(monitor->entry.digits, sizeof monitor->entry.digits, "%s", digits);
}

const struct monitor_breach *monitor_breaches(const struct monitor *monitor, size_t *ret_count)
{
        *ret_count = monitor->breach_count;
        return monitor->breaches;
}

bool monitor_broke(const struct monitor *monitor, int rule)
{
        for (size_t i = 0; i < monitor->breach_count; i++)
                if (monitor->breaches[i].rule == rule)
                        return true;
        return false;
}
