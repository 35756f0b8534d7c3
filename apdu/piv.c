/* SPDX-License-Identifier: Apache-2.0 */
/* piv.c: is it a PIV card, what can be read of it, and the profile's table of operations (SP 800-73-4).
 *
 * Detection is SELECT by the application's name, whole and then cut short, and the free discovery
 * object, which tells whose PIN the holder knows. A card whose holder is told to use the global PIN is
 * looked at only: that PIN lies at another reference, and a PIN typed for one is never sent to another.
 * A card without the object has the application's PIN alone (part 1, 3.3.2).
 *
 * SELECT of the application that is selected already leaves a verified PIN verified (part 2, 3.1.1).
 * So clear() cannot lock this card by a command; what does is the reset at the end of the transaction,
 * which the helper owes after every VERIFY.
 */
#include "apdu/piv.h"
#include "apdu/atr.h"

#define INS_SELECT   0xA4
#define INS_GET_DATA 0xCB
#define TAG_LIST     0x5C

#define OBJECT_DISCOVERY 0x7E
#define OBJECT_9C        0x5FC10A
#define OBJECT_9A        0x5FC105

static const uint8_t application[] = { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0, 0x01, 0 };
#define SHORT_NAME_LEN 9

int piv_send(struct card *card, const struct apdu_cmd *cmd, struct apdu_rsp *rsp)
{
        card->sw = 0;
        int r = apdu_exchange(card->link, cmd, rsp);
        if (r != 0) {
                card_forget(card);
                return r == -EBADMSG ? OUTCOME_CARD_NOT_SUPPORTED : r;
        }
        card->sw = rsp->sw;
        return 0;
}

static void leave(struct piv_state *state)
{
        state->selected = state->counter_seen = state->counter_told = state->verified = false;
}

static int select_name(struct card *card, size_t len)
{
        uint8_t answer[256];
        struct apdu_rsp rsp = { .data = answer, .cap = sizeof answer };
        struct apdu_cmd cmd = {
                .ins = INS_SELECT,
                .p1 = 0x04,
                .data = { application, len },
                .le = APDU_LE_MAX,
        };
        leave(&card->piv);
        int r = piv_send(card, &cmd, &rsp);
        if (r != 0)
                return r;
        if (rsp.sw != 0x9000 || !piv_is_template((struct view){ answer, rsp.len }))
                return OUTCOME_CARD_NOT_SUPPORTED;
        card->piv.selected = true;
        return 0;
}

/* The whole name first, unless this card was found by the short one. */
static int select_either(struct card *card)
{
        if (card->piv.short_name)
                return select_name(card, SHORT_NAME_LEN);
        int r = select_name(card, sizeof application);
        if (r != OUTCOME_CARD_NOT_SUPPORTED || sw_kind(card->sw) != SW_NOT_FOUND)
                return r;
        r = select_name(card, SHORT_NAME_LEN);
        card->piv.short_name = r == 0;
        return r;
}

int piv_select(struct card *card)
{
        return card->piv.selected ? 0 : select_either(card);
}

int piv_get(struct card *card, uint32_t tag, uint8_t *buf, size_t cap, struct view *ret)
{
        uint8_t list[5];
        struct out out = out_new(list, sizeof list);
        out_u8(&out, TAG_LIST);
        out_u8(&out, tag > 0xFF ? 3 : 1);
        if (tag > 0xFF)
                out_u16(&out, (uint16_t)(tag >> 8));
        out_u8(&out, (uint8_t)tag);
        struct apdu_rsp rsp = { .data = buf, .cap = cap };
        struct apdu_cmd cmd = {
                .ins = INS_GET_DATA,
                .p1 = 0x3F,
                .p2 = 0xFF,
                .data = { list, out.len },
                .le = APDU_LE_MAX,
        };
        int r = piv_send(card, &cmd, &rsp);
        if (r != 0)
                return r;
        *ret = (struct view){ buf, rsp.len };
        return rsp.sw == 0x9000 ? 0 : OUTCOME_CARD_NOT_SUPPORTED;
}

/* Whether the PIN that people type is the application's. No object: yes. An unreadable one: nobody knows. */
static int read_policy(struct card *card, bool *ret_usable)
{
        uint8_t buf[256];
        struct view object = { 0 };
        int r = piv_get(card, OBJECT_DISCOVERY, buf, sizeof buf, &object);
        *ret_usable = r == OUTCOME_CARD_NOT_SUPPORTED && card->sw != 0;
        if (r == 0 && piv_parse_discovery(object, ret_usable) < 0)
                *ret_usable = false;
        return r == OUTCOME_CARD_NOT_SUPPORTED && card->sw != 0 ? 0 : r;
}

static int identify(struct card *card, struct card_identity *ret)
{
        bool usable = false;
        card->piv = (struct piv_state){ 0 };
        int r = select_either(card);
        if (r == 0)
                r = read_policy(card, &usable);
        if (r != 0)
                return r;
        card->piv.found = true;
        card->piv.supported = usable;
        *ret = (struct card_identity){ .family = CARD_PIV, .supported = usable, .evidence = 'D' };
        const char *label = usable ? "PIV" : "PIV, its holder uses the global PIN";
        memcpy(ret->label, label, strlen(label));
        return 0;
}

static int read_object(
        struct card *card, enum card_object object, uint8_t *buf, size_t cap, size_t *ret_len)
{
        static const uint32_t tags[OBJECT_COUNT] = {
                [OBJECT_CERTIFICATE_1] = OBJECT_9C,
                [OBJECT_CERTIFICATE_2] = OBJECT_9A,
        };
        struct view answer = { 0 }, container = { 0 };
        if (!card->piv.found)
                return -EPERM;
        if ((size_t)object >= OBJECT_COUNT)
                return -EINVAL;
        card->sw = 0;
        if (tags[object] == 0)
                return OUTCOME_CARD_NOT_SUPPORTED;
        int r = piv_select(card);
        if (r == 0)
                r = piv_get(card, tags[object], buf, cap, &answer);
        if (r != 0)
                return r;
        if (piv_parse_container(answer, &container) < 0)
                return OUTCOME_CARD_NOT_SUPPORTED;
        memmove(buf, container.data, container.len);
        *ret_len = container.len;
        return 0;
}

/* The certificate tells which key it is: there is nothing to find out, and nothing is asked. */
static int probe(struct card *card, struct card_probe *ret)
{
        if (!card->piv.found)
                return -EPERM;
        *ret = (struct card_probe){ 0 };
        return 0;
}

static int clear(struct card *card)
{
        if (!card->piv.found)
                return -EPERM;
        leave(&card->piv);
        return 0;
}

/* Some cards carry their maker's mark where they are PIV cards before anything else. */
static bool likely(const struct card *card)
{
        static const char *const marks[] = { "YubiKey", "Yubikey" };
        struct view history = atr_historical(card->atr, card->atr_len);
        for (size_t i = 0; i < ARRAY_LEN(marks); i++)
                if (history.len > 0 &&
                        memmem(history.data, history.len, marks[i], strlen(marks[i])))
                        return true;
        return false;
}

enum note_at { NOTE_FAMILY, NOTE_SHORT, NOTE_SIZE };

static size_t take_note(const struct card *card, uint8_t note[CARD_NOTE_MAX])
{
        if (!card->piv.found || !card->piv.supported)
                return 0;
        note[NOTE_FAMILY] = CARD_PIV;
        note[NOTE_SHORT] = card->piv.short_name;
        return NOTE_SIZE;
}

static int resume(struct card *card, const uint8_t *note, size_t len)
{
        if (len != NOTE_SIZE || note[NOTE_FAMILY] != CARD_PIV || note[NOTE_SHORT] > 1)
                return OUTCOME_CARD_NOT_SUPPORTED;
        card->piv = (struct piv_state){
                .found = true, .supported = true, .short_name = note[NOTE_SHORT] == 1
        };
        return 0;
}

const struct card_profile piv_profile = {
        .name = "piv",
        .likely = likely,
        .identify = identify,
        .read = read_object,
        .counter = piv_counter,
        .probe = probe,
        .select_method = piv_select_method,
        .verify = piv_verify,
        .sign = piv_sign,
        .renew = piv_renew,
        .clear = clear,
        .note = take_note,
        .resume = resume,
};
