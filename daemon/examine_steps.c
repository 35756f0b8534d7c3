/* SPDX-License-Identifier: Apache-2.0 */
/* examine_steps.c: the questions of an examination, in the order of its table, and what their answers add
 * to the findings. A "no" of the card is an answer here; bytes out of shape come from a helper that is
 * not believed any further.
 */
#include "daemon/examine_internal.h"

#include "daemon/known.h"
#include "daemon/unpack.h"

bool exam_wants_transcript(const struct examine *e)
{
        return e->write;
}

int exam_start_writing(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, 1);
        return 0;
}

int exam_begun(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        struct driver_card card;
        struct reader_info info;
        (void)outcome;
        if (op_get_card(fields, &card) < 0)
                return -EBADMSG;
        reader_describe(e->reader, &info);
        f->simulated = info.simulated;
        f->protocol = card.protocol;
        f->atr_len = card.atr_len;
        memcpy(f->atr, card.atr, card.atr_len);
        return 0;
}

/* ---- what lies there ----------------------------------------------------------------------- */

int exam_identified(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        if (outcome == 0 && op_get_identity(fields, &f->identity) < 0)
                return -EBADMSG;
        f->known = outcome == 0;
        gate_chain_begin(&f->chain, f->identity.family, CARD_USE_SIGNATURE);
        return 0;
}

bool exam_is_unknown(const struct examine *e)
{
        const struct card_identity *identity = &e->findings.identity;
        return !e->findings.known && identity->family == CARD_UNKNOWN;
}

int exam_named(struct examine *e, int outcome, struct in *fields)
{
        char *name = e->findings.foreign;
        if (outcome != 0)
                return 0;
        in_text16(fields, name, sizeof e->findings.foreign);
        if (in_done(fields) < 0)
                return -EBADMSG;
        for (; *name; name++)
                if (*name < 0x20 || *name > 0x7E)
                        return -EBADMSG;
        return 0;
}

static enum card_object object_of(const struct examine *e, unsigned int file)
{
        return gate_file(e->findings.identity.family, CARD_USE_SIGNATURE, file);
}

bool exam_has_files(const struct examine *e)
{
        return e->findings.known &&
               e->file < gate_files(e->findings.identity.family, CARD_USE_SIGNATURE);
}

int exam_ask_file(struct examine *e, struct out *args)
{
        out_u8(args, (uint8_t)object_of(e, e->file));
        return 0;
}

static const struct mohr_trust *anchors_of(const struct examine *e)
{
        return known_anchors(e->context->known, gate_scope(e->findings.identity.family));
}

/* A national card carries its issuer, a staff card's is an anchor. */
static void find_issuer(struct examine *e)
{
        struct gate_chain *chain = &e->findings.chain;
        enum card_family family = e->findings.identity.family;
        const struct mohr_trust *anchors = anchors_of(e);
        X509 *found = NULL;
        if (!chain->leaf || chain->issuer)
                return;
        if (!gate_learns_issuers(family) && anchors)
                found = trust_find_issuer(anchors, gate_scope(family), chain->leaf);
        if (found || gate_learns_issuers(family))
                (void)gate_chain_find_issuer(chain, found);
}

int exam_filed(struct examine *e, int outcome, struct in *fields)
{
        static const enum file_found found[] = {
                [LEAF_SIGNATURE] = FILE_SIGNATURE,
                [LEAF_AUTHENTICATION] = FILE_AUTHENTICATION,
                [LEAF_CA] = FILE_AUTHORITY,
                [LEAF_OTHER] = FILE_OTHER,
                [LEAF_STAFF] = FILE_STAFF,
        };
        uint8_t unpacked[UNPACK_MAX];
        struct gate_chain *chain = &e->findings.chain;
        struct view bytes = in_bytes16(fields, CARD_FILE_MAX), der = { 0 };
        unsigned int file = e->file++;
        enum leaf_class class;
        e->findings.files[file] = outcome == OUTCOME_NEEDS_ISSUER_KEYS ? FILE_LOCKED : FILE_ABSENT;
        if (outcome != 0)
                return AGAIN;
        if (in_done(fields) < 0)
                return -EBADMSG;
        e->findings.files[file] = FILE_OTHER;
        int r = unpack_certificate(e->findings.identity.family, bytes, unpacked, &der);
        if (r == -EBADMSG)
                return AGAIN;
        if (r == 0)
                r = gate_chain_add(chain, object_of(e, file), der.data, der.len, &class);
        if (r < 0)
                return r;
        e->findings.files[file] = found[class];
        find_issuer(e);
        return AGAIN;
}

int exam_judge(struct examine *e, struct out *args)
{
        struct findings *f = &e->findings;
        (void)args;
        f->confirmed =
                f->known && gate_confirm(&f->chain, &f->identity, anchors_of(e), &f->detail) == 0;
        return 0;
}

/* ---- what it would do ---------------------------------------------------------------------- */

bool exam_is_confirmed(const struct examine *e)
{
        return e->findings.confirmed;
}

/* Nothing is signed here: no key needs a right. */
int exam_confirm(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, 0);
        return 0;
}

int exam_confirmed(struct examine *e, int outcome, struct in *fields)
{
        (void)e, (void)outcome;
        (void)in_bytes16(fields, CARD_NOTE_MAX);
        return in_done(fields);
}

/* The others are the national card's. */
bool exam_has_copies(const struct examine *e)
{
        unsigned int copies = e->findings.identity.family == CARD_NID ? PIN_COPY_COUNT : 1;
        return e->findings.confirmed && e->copy < copies;
}

int exam_ask_counter(struct examine *e, struct out *args)
{
        out_u8(args, (uint8_t)e->copy);
        return 0;
}

int exam_counted(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        unsigned int copy = e->copy++;
        if (outcome == 0 && op_get_counter(fields, &f->counters[copy]) < 0)
                return -EBADMSG;
        f->counted[copy] = outcome == 0 && f->counters[copy].known;
        return AGAIN;
}

int exam_probed(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        struct pin_counter *counter = &f->counters[PIN_COPY_IAS];
        if (outcome == 0 && op_get_probe(fields, &f->probe) < 0)
                return -EBADMSG;
        if (outcome != 0)
                f->probe = (struct card_probe){ 0 };
        f->key_count = gate_keys(&f->chain, &f->probe, f->keys);
        f->key_shown = f->key_count == 1 && f->probe.key_count > 0;
        if (f->counted[PIN_COPY_IAS] && f->probe.tries_known && f->probe.tries < counter->tries)
                counter->tries = f->probe.tries;
        return 0;
}

#define BOTH_METHODS (1U << SIGN_RSA_SHA256_CARD | 1U << SIGN_RSA_DIGESTINFO)

static bool next_trial(const struct examine *e, struct gate_step *ret)
{
        return gate_trial(e->findings.keys, e->findings.key_count, e->trial, ret);
}

bool exam_has_trials(const struct examine *e)
{
        struct gate_step step;
        return exam_is_national(e) && e->findings.methods != BOTH_METHODS && next_trial(e, &step);
}

int exam_ask_method(struct examine *e, struct out *args)
{
        struct gate_step step;
        if (!next_trial(e, &step))
                return -EPROTO;
        out_u8(args, step.key);
        out_u8(args, step.method);
        return 0;
}

int exam_tried(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        struct gate_step step;
        if (in_done(fields) < 0 || !next_trial(e, &step))
                return -EBADMSG;
        e->trial++;
        f->wants_issuer_keys |= outcome == OUTCOME_NEEDS_ISSUER_KEYS;
        if (outcome != 0 || (f->methods && f->method_key != step.key))
                return AGAIN;
        f->method_key = step.key;
        f->methods |= 1U << step.method;
        return AGAIN;
}

bool exam_is_national(const struct examine *e)
{
        return e->findings.confirmed && e->findings.identity.family == CARD_NID;
}

int exam_ask_versions(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, OBJECT_VERSIONS);
        return 0;
}

int exam_versioned(struct examine *e, int outcome, struct in *fields)
{
        struct view file = in_bytes16(fields, CARD_FILE_MAX);
        if (outcome != 0)
                return 0;
        if (in_done(fields) < 0)
                return -EBADMSG;
        if (nid_parse_versions(file, e->findings.versions, sizeof e->findings.versions) < 0)
                e->findings.versions[0] = '\0';
        return 0;
}

int exam_ask_flags(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, OBJECT_PIN_FLAGS);
        return 0;
}

int exam_flagged(struct examine *e, int outcome, struct in *fields)
{
        struct findings *f = &e->findings;
        struct view bytes = in_bytes16(fields, sizeof f->flags);
        if (outcome != 0)
                return 0;
        if (in_done(fields) < 0 || bytes.len != sizeof f->flags)
                return -EBADMSG;
        memcpy(f->flags, bytes.data, sizeof f->flags);
        f->flags_read = true;
        return 0;
}

/* ---- the way out --------------------------------------------------------------------------- */

bool exam_is_begun(const struct examine *e)
{
        return e->reader && reader_in_transaction(e->reader);
}

int exam_leave(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, DRIVER_LEAVE);
        return 0;
}

const char *exam_cut_short(const struct examine *e)
{
        static const struct {
                int outcome;
                const char *word;
        } rows[] = { { OUTCOME_CARD_REMOVED, "removed" }, { OUTCOME_TIMED_OUT, "silent" } };
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].outcome == e->outcome)
                        return rows[i].word;
        return NULL;
}

bool exam_has_transcript(const struct examine *e)
{
        return e->write && e->reader && (!e->failed || (e->writer_lives && exam_cut_short(e)));
}

int exam_stop_writing(struct examine *e, struct out *args)
{
        (void)e;
        out_u8(args, 0);
        return 0;
}

/* Beside the names of steps: a helper that is new, or has not met the card, has nothing to tell. */
static bool has_exchange(struct view text)
{
        bool begins = true;
        for (size_t i = 0; i < text.len; i++) {
                if (begins && text.data[i] != '@')
                        return true;
                begins = text.data[i] == '\n';
        }
        return false;
}

/* A helper is believed in nothing: lines of printable ASCII, or no transcript. */
int exam_written(struct examine *e, int outcome, struct in *fields)
{
        struct view text = in_bytes16(fields, OPS_FRAME_MAX);
        if (outcome != 0 || in_done(fields) < 0)
                return outcome != 0 ? outcome : -EBADMSG;
        for (size_t i = 0; i < text.len; i++)
                if (text.data[i] != '\n' && (text.data[i] < 0x20 || text.data[i] > 0x7E))
                        return -EBADMSG;
        if (e->failed && !has_exchange(text))
                return 0;
        e->transcript = strndup(text.len > 0 ? (const char *)text.data : "", text.len);
        return e->transcript ? 0 : -ENOMEM;
}
