/* SPDX-License-Identifier: Apache-2.0 */
/* examine_view.c: findings as the reply of Examine and as the head of a transcript.
 *
 * The one place where what is known of a card becomes text that leaves the daemon without a consent. Of
 * the certificate only two words go out: whether it is in date, and whether its issuer signed it.
 */
#include "daemon/examine.h"

#include <stdio.h>
#include <time.h>

static const char *const file_words[] = {
        [FILE_NOT_ASKED] = "not_asked",
        [FILE_ABSENT] = "absent",
        [FILE_LOCKED] = "locked",
        [FILE_SIGNATURE] = "signature",
        [FILE_AUTHENTICATION] = "authentication",
        [FILE_AUTHORITY] = "authority",
        [FILE_STAFF] = "staff",
        [FILE_OTHER] = "other",
};

static const char *family_word(const struct findings *f)
{
        static const char *const words[] = { "unknown", "nid", "piv" };
        size_t i = f->known ? (size_t)f->identity.family : 0;
        return i < ARRAY_LEN(words) ? words[i] : words[0];
}

static const char *generation_word(const struct findings *f)
{
        return f->identity.family == CARD_NID ? card_generation_name(f->identity.generation)
                                              : family_word(f);
}

static const char *evidence_word(char mark)
{
        static const char *const words[][2] = { { "O", "observed" }, { "V", "vendor" },
                { "D", "documented" }, { "I", "inferred" } };
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (words[i][0][0] == mark)
                        return words[i][1];
        return "inferred";
}

static const char *certificate_word(const struct findings *f)
{
        int64_t now = time(NULL);
        if (!f->chain.leaf)
                return f->files[0] == FILE_LOCKED                  ? "locked"
                       : f->identity.generation == GENERATION_OMID ? "unpublished"
                                                                   : "none";
        if (now < f->chain.facts.not_before)
                return "not_yet";
        return gate_expired(&f->chain, now) ? "expired" : "valid";
}

static const char *issuer_word(const struct findings *f)
{
        if (!f->chain.leaf)
                return "none";
        if (!f->chain.facts.issuer_is_nocr)
                return "other";
        return f->chain.issuer ? "signed" : "named";
}

static json_t *files_json(const struct findings *f)
{
        json_t *list = json_array();
        for (size_t i = 0; i < GATE_FILES_MAX; i++)
                json_array_append_new(list, json_string(file_words[f->files[i]]));
        return list;
}

static json_t *tries_json(const struct findings *f)
{
        static const char *const names[PIN_COPY_COUNT] = {
                [PIN_COPY_IAS] = "sign", [PIN_COPY_ID] = "id", [PIN_COPY_EV] = "ev"
        };
        json_t *object = json_object();
        for (size_t i = 0; i < PIN_COPY_COUNT; i++)
                if (f->counted[i])
                        json_object_set_new(object, names[i], json_integer(f->counters[i].tries));
        return object;
}

static json_t *methods_json(const struct findings *f)
{
        static const char *const names[] = {
                [SIGN_RSA_SHA256_CARD] = "42", [SIGN_RSA_DIGESTINFO] = "02"
        };
        json_t *list = json_array();
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (f->methods & 1U << i)
                        json_array_append_new(list, json_string(names[i]));
        return list;
}

static bool add(json_t *object, const char *name, json_t *value)
{
        return json_object_set_new(object, name, value) == 0;
}

/* EF 0010 as card-facts 4.7 has it: the words 4 and 5 start as AC00 and AC10, and word 7 with 02 once that PIN is set. */
static bool add_flags(json_t *reply, const struct findings *f)
{
        bool sign = f->flags[2] == 0xAC && f->flags[3] == 0x00;
        bool id = f->flags[4] == 0xAC && f->flags[5] == 0x10;
        bool nmoc = f->flags[6] != 0x02;
        return !f->flags_read || (add(reply, "sign_pin_initial", json_boolean(sign)) &&
                                         add(reply, "id_pin_initial", json_boolean(id)) &&
                                         add(reply, "nmoc_pin_initial", json_boolean(nmoc)));
}

static bool add_card(json_t *reply, const struct findings *f)
{
        if (!f->known)
                return !f->foreign[0] || add(reply, "label", json_string(f->foreign));
        return add(reply, "label", json_string(f->identity.label)) &&
               add(reply, "evidence", json_string(evidence_word(f->identity.evidence))) &&
               add(reply, "files", files_json(f)) &&
               add(reply, "certificate", json_string(certificate_word(f))) &&
               add(reply, "issuer", json_string(issuer_word(f)));
}

static bool add_confirmed(json_t *reply, const struct findings *f)
{
        const struct card_probe *probe = &f->probe;
        if (!f->confirmed)
                return true;
        return add(reply, "tries", tries_json(f)) && add(reply, "methods", methods_json(f)) &&
               (!probe->changed_known || add(reply, "pin_changed", json_boolean(probe->changed))) &&
               (!probe->label[0] || add(reply, "applet", json_string(probe->label))) &&
               (!f->versions[0] || add(reply, "versions", json_string(f->versions))) &&
               (!f->key_shown || add(reply, "key", json_integer(f->keys[0]))) &&
               add(reply, "keys", json_integer(probe->key_count)) && add_flags(reply, f);
}

json_t *examine_json(const struct findings *f)
{
        bool unproven = f->known && gate_unproven(&f->identity, f->simulated);
        json_t *reply = json_pack("{s:s, s:b, s:s, s:s, s:s, s:b, s:b, s:b, s:s, s:i}", "reader",
                f->reader, "simulated", f->simulated, "protocol",
                f->protocol == APDU_T0 ? "T=0" : "T=1", "family", family_word(f), "generation",
                generation_word(f), "supported", f->known && f->identity.supported, "confirmed",
                f->confirmed, "unproven", unproven, "verdict", f->verdict, "exit", f->outcome);
        if (reply && add_card(reply, f) && add_confirmed(reply, f) &&
                (!f->detail || add(reply, "detail", json_string(f->detail))))
                return reply;
        json_decref(reply);
        return NULL;
}

/* What was cut short ends in a line that says so. */
char *examine_transcript(const struct findings *f, const char *body)
{
        bool whole = f->outcome != OUTCOME_CARD_REMOVED && f->outcome != OUTCOME_TIMED_OUT;
        char atr[2 * CARD_ATR_MAX + 1], key[8] = "";
        char *text = NULL;
        hex_encode(atr, f->atr, f->atr_len);
        if (f->key_shown)
                snprintf(key, sizeof key, "%02x", f->keys[0]);
        int len = asprintf(&text,
                "mohr-transcript 1\n"
                "software mohr %s\n"
                "card %s %s %s\n"
                "atr %s\n"
                "protocol %s\n"
                "files %s %s %s\n"
                "certificate %s\n"
                "issuer %s\n"
                "key %s\n"
                "%s%s%s%s",
                MOHR_VERSION, generation_word(f), f->simulated ? "simulated" : "real", f->verdict,
                atr, f->protocol == APDU_T0 ? "T=0" : "T=1", file_words[f->files[0]],
                file_words[f->files[1]], file_words[f->files[2]], certificate_word(f),
                issuer_word(f), key[0] ? key : "none", body, whole ? "" : "@ ",
                whole ? "" : f->verdict, whole ? "" : "\n");
        return len < 0 ? NULL : text;
}
