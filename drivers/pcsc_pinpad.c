/* SPDX-License-Identifier: Apache-2.0 */
/* pcsc_pinpad.c: has this reader keys of its own? One question to most readers, two to those that have
 * (PC/SC part 10, 2.2: CM_IOCTL_GET_FEATURE_REQUEST, then the properties by whichever way is offered).
 *
 * A question that fails is an answer: no keys. What is really wrong with the card or the reader shows in
 * the next exchange, where it has an outcome.
 */
#include "drivers/pcsc.h"

#include <reader.h>

/* The bytes that came back; empty for a reader that does not know the question. */
static struct view ask(SCARDHANDLE card, uint32_t code, uint8_t answer[static PART10_ANSWER_MAX])
{
        DWORD len = 0;
        LONG rv = SCardControl(card, code, NULL, 0, answer, PART10_ANSWER_MAX, &len);
        bool good = rv == SCARD_S_SUCCESS && len <= PART10_ANSWER_MAX;
        return (struct view){ answer, good ? len : 0 };
}

static int look_at_properties(
        const struct part10_features *features, SCARDHANDLE card, struct part10_properties *ret)
{
        uint8_t answer[PART10_ANSWER_MAX];
        bool tagged = features->tlv_properties != 0;
        uint32_t code = tagged ? features->tlv_properties : features->pin_properties;
        *ret = (struct part10_properties){ 0 };
        if (code == 0)
                return 0;
        struct view told = ask(card, code, answer);
        if (told.len == 0)
                return -EBADMSG; /* it said that it would tell */
        return tagged ? part10_properties_decode(told, ret)
                      : part10_pin_properties_decode(told, ret);
}

void pcsc_pinpad_look(struct pcsc_pinpad *pinpad, SCARDHANDLE card)
{
        uint8_t answer[PART10_ANSWER_MAX];
        struct part10_features features;
        struct part10_properties properties;
        *pinpad = (struct pcsc_pinpad){ .known = true };
        struct view list = ask(card, CM_IOCTL_GET_FEATURE_REQUEST, answer);
        if (part10_features_decode(list, &features) < 0 || (!features.verify && !features.modify))
                return;
        if (look_at_properties(&features, card, &properties) < 0)
                return;
        pinpad->usable = part10_usable(&features, &properties);
        pinpad->features = features;
}
