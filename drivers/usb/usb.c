/* SPDX-License-Identifier: Apache-2.0 */
/* usb.c: the driver "usb": a CCID reader without pcscd, through libusb.
 *
 * The address is what usb_device.h describes: the device node, interface and slot if need be. One
 * helper holds one interface, so of a reader with several slots it uses one, the first unless the
 * address says otherwise. A reader that pcscd or another program holds is left to it: use `pcsc` there.
 *
 * The card is taken without power from whoever had it before (open), gets power in begin() and loses
 * it with a reset. Whether it is the same card as last time is known from two witnesses: the
 * reader's interrupt endpoint, and the power, which a card that was away cannot have. With neither,
 * it counts as a new one. A reader that answers nothing any more, an abort included, is reported
 * as gone: the next helper makes the device start anew.
 */
#include "drivers/usb/usb.h"

#include "base/log.h"
#include "drivers/usb/usb_settle.h"

#include <sys/random.h>

/* mohrd ends an operation after [card] timeout_ms, 8 seconds unless told otherwise; a typed answer
 * comes before that. */
#define BEGIN_MS    6000
#define TRANSMIT_MS 6000
#define TYPING_MS   35000 /* for the keys after the first; together less than mohrd waits */
#define END_MS      1500
#define LOOK_MS     1500
#define NOTICES_MAX 16 /* heard at once: a reader that has more to say keeps nobody from asking */

struct usb {
        struct usb_device *device;
        const struct wire *wire;
        struct icc icc;
        uint32_t insertion;
        bool present, told, told_present;
        bool stirred; /* the slot changed in a transaction, which the next look is to know */
        uint32_t told_insertion;
        enum card_event happened; /* since the last begin */
};

static void usb_close(void *reader)
{
        struct usb *usb = reader;
        ccid_allow(&usb->icc.ccid, END_MS);
        (void)icc_power_off(&usb->icc);
        usb_device_free(usb->device);
        free(usb);
}

static void usb_free(struct usb **slot)
{
        if (!*slot)
                return;
        usb_device_free((*slot)->device);
        free(*slot);
}

/* Comings and goings */

static void another_card(struct usb *usb)
{
        usb->icc.ready = false;
        usb->happened = CARD_IS_NEW;
        usb->insertion++;
}

/* What the interrupt endpoint had to say: anything, that the slot changed, that it was empty. */
struct notices {
        bool any, changed, emptied;
};

static int hear(struct usb *usb, struct notices *ret)
{
        uint8_t message[64];
        size_t len = 1;
        for (int i = 0; usb->wire->has_interrupt && len > 0 && i < NOTICES_MAX; i++) {
                int r = usb->wire->interrupt(usb->wire->ctx, message, sizeof message, &len);
                if (r != 0)
                        return icc_outcome(r);
                ret->any |= len > 0;
                ret->changed |= ccid_slot_changed(message, len, usb->icc.ccid.slot);
                ret->emptied |= ccid_slot_emptied(message, len, usb->icc.ccid.slot);
        }
        return 0;
}

/* *ret_any: it had something to say, whatever that was. */
static int hear_notices(struct usb *usb, bool *ret_any)
{
        struct notices notices = { .changed = usb->stirred };
        int r = hear(usb, &notices);
        if (notices.changed)
                another_card(usb);
        usb->stirred = false;
        *ret_any |= notices.any;
        return r;
}

/* Before each command. A reader that gives power by itself would hand it to whatever card came since. That a
 * card came, without one having gone, may be late news of the one that lies there: the next look's matter. */
static int hear_of_removal(struct usb *usb)
{
        struct notices notices = { 0 };
        int r = hear(usb, &notices);
        usb->stirred |= notices.changed;
        return r != 0 ? r : notices.emptied ? OUTCOME_CARD_REMOVED : 0;
}

/* What lies there now. 0 or NO_READER: a reader that cannot even say that is of no use. */
static int look(struct usb *usb)
{
        bool any = false;
        int r = hear_notices(usb, &any);
        if (r != 0)
                return OUTCOME_NO_READER;
        bool had_power = usb->icc.ready;
        r = icc_look(&usb->icc);
        if (r ==
                OUTCOME_TIMED_OUT) /* a question that changes nothing may be asked again, in step */
                r = icc_look(&usb->icc);
        if (r != 0 && r != OUTCOME_NO_CARD)
                return OUTCOME_NO_READER;
        bool present = r == 0;
        if (present != usb->present || (had_power && !usb->icc.ready))
                another_card(usb);
        usb->present = present;
        return 0;
}

/* Opening */

static int open_reader(struct usb **ret, const char *address)
{
        struct usb_address where;
        _cleanup_(usb_free) struct usb *usb = calloc(1, sizeof *usb);
        if (!usb)
                return -ENOMEM;
        int r = usb_address_parse(address, &where);
        if (r == 0)
                r = usb_device_open(&usb->device, &where);
        if (r != 0)
                return r;
        usb->wire = usb_device_wire(usb->device);
        if (where.slot > usb_device_class(usb->device)->max_slot)
                return OUTCOME_NO_READER;
        icc_init(&usb->icc, usb->wire, usb_device_class(usb->device), where.slot);
        *ret = usb;
        usb = NULL;
        return 0;
}

/* Still before the sandbox: what keeps a person from using a reader that is plugged in. */
static void complain(const char *address, int r)
{
        const struct log log = {
                .program = "mohr-reader-usb", .max = LOG_LEVEL_INFO, .fd = STDERR_FILENO
        };
        if (r == OUTCOME_BUSY)
                log_kv(&log, LOG_LEVEL_WARNING, NULL,
                        "another program holds this reader; if it is pcscd, use the pcsc driver",
                        "reader", address, NULL);
        if (r == OUTCOME_READER_SERVICE)
                log_kv(&log, LOG_LEVEL_WARNING, NULL, "no permission to use this reader", "reader",
                        address, NULL);
}

static int usb_open(void **ret_reader, const char *reader, const char *const *options)
{
        _cleanup_(usb_free) struct usb *usb = NULL;
        if (options && *options)
                return -EINVAL;
        int r = open_reader(&usb, reader);
        if (r != 0) {
                complain(reader, r);
                return r;
        }
        usb->icc.rate_count = usb_device_rates(usb->device, usb->icc.rates);
        usb->happened = CARD_IS_NEW;
        if (getrandom(&usb->insertion, sizeof usb->insertion, 0) != sizeof usb->insertion)
                return -EIO;
        r = usb_settle(usb->device, &usb->icc);
        if (r != 0)
                return r;
        *ret_reader = usb;
        usb = NULL;
        return 0;
}

/* Transactions */

/* Whether nobody would have noticed if the card had been changed for another since we used it. */
static bool without_witness(const struct usb *usb)
{
        bool by_power = usb->icc.ready && !(usb->icc.class.features & CCID_AUTO_ACTIVATION);
        return !usb->wire->has_interrupt && !by_power;
}

/* Powers the card on if it is not the one we left powered. */
static int wake(struct usb *usb)
{
        if (usb->happened == CARD_SAME && without_witness(usb))
                another_card(usb);
        if (usb->icc.ready)
                return 0;
        int r = icc_power_on(&usb->icc);
        if (r == OUTCOME_CARD_REMOVED)
                r = OUTCOME_NO_CARD;
        if (r != 0 && r != OUTCOME_NO_READER) {
                ccid_allow(&usb->icc.ccid, END_MS);
                (void)icc_power_off(&usb->icc);
        }
        if (r != 0)
                return r;
        if (usb->happened == CARD_SAME)
                usb->happened = CARD_WAS_RESET;
        return 0;
}

static uint8_t pinpad_of(const struct ccid_class *class)
{
        return (uint8_t)(((class->pin & CCID_PIN_VERIFY) ? PINPAD_VERIFY : 0) |
                         ((class->pin & CCID_PIN_MODIFY) ? PINPAD_MODIFY : 0) |
                         (class->pin && class->lcd ? PINPAD_DISPLAY : 0));
}

static int usb_begin(void *reader, struct driver_card *ret)
{
        struct usb *usb = reader;
        ccid_allow(&usb->icc.ccid, BEGIN_MS);
        int r = look(usb);
        if (r == 0)
                r = usb->present ? wake(usb) : OUTCOME_NO_CARD;
        if (r != 0)
                return r;
        struct driver_card card = {
                .protocol = usb->icc.protocol,
                .atr_len = usb->icc.atr_len,
                .event = usb->happened,
                .insertion = usb->insertion,
                .pinpad = pinpad_of(&usb->icc.class),
        };
        memcpy(card.atr, usb->icc.atr, usb->icc.atr_len);
        usb->happened = CARD_SAME;
        *ret = card;
        return 0;
}

static int usb_transmit(
        void *reader, const uint8_t *cmd, size_t cmd_len, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct usb *usb = reader;
        ccid_allow(&usb->icc.ccid, TRANSMIT_MS);
        int r = hear_of_removal(usb);
        if (r == 0)
                r = icc_transmit(&usb->icc, cmd, cmd_len, rsp, cap, ret_len);
        if (r == OUTCOME_CARD_REMOVED)
                another_card(usb);
        return r;
}

static int usb_pinpad(
        void *reader, const struct apdu_pinpad *how, uint8_t *rsp, size_t cap, size_t *ret_len)
{
        struct usb *usb = reader;
        unsigned int first_key_s = how->seconds ? how->seconds : PINPAD_FIRST_KEY_S;
        ccid_allow(&usb->icc.ccid, first_key_s * 1000 + TYPING_MS);
        int r = hear_of_removal(usb);
        if (r == 0)
                r = icc_pinpad(&usb->icc, how, rsp, cap, ret_len);
        if (r == OUTCOME_CARD_REMOVED)
                another_card(usb);
        return r;
}

static int usb_end(void *reader, enum driver_end how)
{
        struct usb *usb = reader;
        if (how == DRIVER_LEAVE && usb->icc.ready)
                return 0;
        ccid_allow(&usb->icc.ccid, END_MS);
        int r = icc_power_off(&usb->icc);
        return r == 0 ? 0 : OUTCOME_NO_READER;
}

/* Presence */

static int tell(struct usb *usb, struct driver_presence *ret)
{
        struct driver_presence presence = { .present = usb->present, .events = usb->insertion };
        if (usb->icc.ready) {
                presence.atr_len = usb->icc.atr_len;
                memcpy(presence.atr, usb->icc.atr, presence.atr_len);
        }
        usb->told = true;
        usb->told_present = usb->present;
        usb->told_insertion = usb->insertion;
        *ret = presence;
        return 0;
}

static bool news(const struct usb *usb)
{
        return !usb->told || usb->present != usb->told_present ||
               usb->insertion != usb->told_insertion;
}

/* Sleeps until mohrd asks (*ret_asked) or there is a reason to look at the slot. */
static int sleep_until(struct usb *usb, int channel, bool *ret_asked)
{
        bool asked = false, reason = false;
        while (!asked && !reason) {
                reason = !usb->wire->has_interrupt;
                int ms = reason ? usb_device_quirk(usb->device)->poll_ms : -1;
                int r = usb_device_wait(usb->device, channel, ms, &asked);
                if (r == 0)
                        r = hear_notices(usb, &reason);
                if (r != 0)
                        return OUTCOME_NO_READER;
        }
        *ret_asked = asked;
        return 0;
}

static int usb_wait(void *reader, int channel, bool *ret_changed, struct driver_presence *ret)
{
        struct usb *usb = reader;
        bool asked = false;
        for (;;) {
                ccid_allow(&usb->icc.ccid, LOOK_MS);
                int r = look(usb);
                if (r != 0)
                        return r;
                *ret_changed = news(usb);
                if (*ret_changed)
                        return tell(usb, ret);
                r = sleep_until(usb, channel, &asked);
                if (r != 0 || asked)
                        return r;
        }
}

const struct driver driver_usb = {
        .name = "usb",
        .open = usb_open,
        .begin = usb_begin,
        .transmit = usb_transmit,
        .end = usb_end,
        .close = usb_close,
        .verify_pinpad = usb_pinpad,
        .modify_pinpad = usb_pinpad,
        .wait = usb_wait,
};
