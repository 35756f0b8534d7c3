/* SPDX-License-Identifier: Apache-2.0 */
/* piv_parse.c: what a PIV card answers, from bytes that anybody may have written (SP 800-73-4 part 1,
 * 3.3.2 and appendix A; part 2 tables 3 and 22).
 *
 * All of it is BER-TLV of one or two levels and must come out even. What a certificate's container
 * holds is decided here, unpacking it is not: a compressed certificate is hostile input to a
 * decompressor, which has no place in the process that meets the card.
 */
#include "apdu/piv.h"
#include "apdu/tlv.h"

#define TAG_TEMPLATE    0x61
#define TAG_AID         0x4F
#define TAG_DISCOVERY   0x7E
#define TAG_PIN_POLICY  0x5F2F
#define TAG_OBJECT      0x53
#define TAG_CERTIFICATE 0x70
#define TAG_CERTINFO    0x71
#define TAG_MSCUID      0x72
#define TAG_CHECK       0xFE
#define TAG_DYNAMIC     0x7C
#define TAG_RESPONSE    0x82

/* Byte 1 of the PIN usage policy says which PINs open the card, byte 2 which one people know. */
#define POLICY_APPLICATION   0x40
#define POLICY_GLOBAL        0x20
#define POLICY_FIRST_IS_OURS 0x10

/* RID, then PIX without the version at its end: a later version is PIV all the same. */
static const uint8_t aid[] = { 0xA0, 0, 0, 0x03, 0x08, 0, 0, 0x10, 0 };
#define RID_LEN 5

static bool begins(struct view text, const uint8_t *with, size_t len)
{
        return text.len >= len && memcmp(text.data, with, len) == 0;
}

/* The standard's template holds the PIX alone, some cards write the whole name. */
bool piv_is_template(struct view answer)
{
        struct tlv tlv = tlv_new(answer.data, answer.len);
        struct view value, name;
        if (tlv_get(&tlv, TAG_TEMPLATE, &value) < 0 || tlv_done(&tlv) < 0 ||
                tlv_find(value, TAG_AID, &name) < 0)
                return false;
        return begins(name, aid, sizeof aid) || begins(name, aid + RID_LEN, sizeof aid - RID_LEN);
}

int piv_parse_discovery(struct view object, bool *ret_usable)
{
        struct tlv tlv = tlv_new(object.data, object.len);
        struct view name = { 0 }, policy = { 0 };
        if (tlv_enter(&tlv, TAG_DISCOVERY) < 0 || tlv_get(&tlv, TAG_AID, &name) < 0 ||
                tlv_get(&tlv, TAG_PIN_POLICY, &policy) < 0 || tlv_leave(&tlv) < 0 ||
                tlv_done(&tlv) < 0)
                return -EBADMSG;
        if (!begins(name, aid, sizeof aid) || policy.len != 2)
                return -EBADMSG;
        bool alone = !(policy.data[0] & POLICY_GLOBAL);
        *ret_usable = (policy.data[0] & POLICY_APPLICATION) &&
                      (alone || policy.data[1] == POLICY_FIRST_IS_OURS);
        return 0;
}

int piv_parse_container(struct view object, struct view *ret)
{
        struct tlv tlv = tlv_new(object.data, object.len);
        struct view value;
        if (tlv_get(&tlv, TAG_OBJECT, &value) < 0 || tlv_done(&tlv) < 0 || value.len == 0)
                return -EBADMSG;
        *ret = value;
        return 0;
}

static const struct {
        uint32_t tag;
        size_t len_min, len_max;
} elements[] = {
        { TAG_CERTIFICATE, 1, CARD_FILE_MAX },
        { TAG_CERTINFO, 1, 1 },
        { TAG_MSCUID, 0, 38 },
        { TAG_CHECK, 0, 0 },
};

static int take_element(struct tlv *tlv, struct view found[static ARRAY_LEN(elements)])
{
        struct view value;
        uint32_t tag;
        int r = tlv_next(tlv, &tag, &value);
        if (r < 0)
                return r;
        for (size_t i = 0; i < ARRAY_LEN(elements); i++)
                if (elements[i].tag == tag && !found[i].data && value.len >= elements[i].len_min &&
                        value.len <= elements[i].len_max) {
                        found[i] = value;
                        return 0;
                }
        return -EBADMSG;
}

int piv_parse_certificate(struct view container, struct view *ret_bytes, bool *ret_gzip)
{
        struct tlv tlv = tlv_new(container.data, container.len);
        struct view found[ARRAY_LEN(elements)] = { 0 };
        const struct view *certificate = &found[0], *info = &found[1];
        while (tlv_more(&tlv))
                if (take_element(&tlv, found) < 0)
                        return -EBADMSG;
        if (tlv_done(&tlv) < 0 || certificate->len == 0 || (info->len > 0 && info->data[0] > 1))
                return -EBADMSG;
        *ret_bytes = *certificate;
        *ret_gzip = info->len > 0 && info->data[0] == 1;
        return 0;
}

int piv_parse_signature(struct view answer, struct view *ret)
{
        struct tlv tlv = tlv_new(answer.data, answer.len);
        struct view signature = { 0 };
        if (tlv_enter(&tlv, TAG_DYNAMIC) < 0 || tlv_get(&tlv, TAG_RESPONSE, &signature) < 0 ||
                tlv_leave(&tlv) < 0 || tlv_done(&tlv) < 0 || signature.len == 0)
                return -EBADMSG;
        *ret = signature;
        return 0;
}
