/* SPDX-License-Identifier: Apache-2.0 */
/* replay_card.c: a software card that plays a transcript: its ATR and protocol are the transcript's, its
 * certificates those of the test PKI that are of the same kinds and in the same state.
 */
#include "drivers/softcard/card.h"
#include "drivers/softcard/piv.h"
#include "drivers/softcard/replay.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <stdio.h>

static int read_text(const char *path, char text[static REPLAY_TEXT_MAX + 1], size_t *ret_len)
{
        FILE *file = fopen(path, "re");
        if (!file)
                return -ENOENT;
        size_t len = fread(text, 1, REPLAY_TEXT_MAX + 1, file);
        bool broken = ferror(file);
        fclose(file);
        if (broken || len > REPLAY_TEXT_MAX)
                return -EBADMSG;
        *ret_len = len;
        return 0;
}

/* The test certificate in the state of the one that was withheld. */
static const char *leaf_for(const struct replay_head *head)
{
        const struct {
                bool holds;
                const char *leaf;
        } rows[] = {
                { head->piv && strcmp(head->verdict, "not_confirmed") == 0, "foreign" },
                { head->piv && strcmp(head->certificate, "expired") == 0, "expired" },
                { head->piv, "valid" },
                { strcmp(head->files[0], "other") == 0, "foreign" },
                { strcmp(head->files[0], "staff") == 0, "foreign" },
                { strcmp(head->issuer, "other") == 0, "wrong-issuer" },
                { strcmp(head->issuer, "signed") == 0 &&
                                strcmp(head->verdict, "not_confirmed") == 0,
                        "impostor" },
                { strcmp(head->certificate, "expired") == 0, "expired" },
                { strcmp(head->certificate, "not_yet") == 0, "not-yet" },
                { true, "valid" },
        };
        size_t i = 0;
        while (!rows[i].holds)
                i++;
        return rows[i].leaf;
}

static int set(struct softcard *card, const char *name, const char *value)
{
        return setting_put(card->settings, name, strlen(name), value);
}

/* What was no certificate is one that is not as it says. */
static int set_piv(struct softcard *card, const struct replay_head *head)
{
        bool other = strcmp(head->files[0], "other") == 0;
        int r = set(card, "piv-leaf", leaf_for(head));
        return r == 0 ? set(card, "piv-cert", other ? "gzip-lies" : "plain") : r;
}

int card_load_replay(struct softcard *card)
{
        const char *path = card->settings[SWITCH_REPLAY].text;
        char text[REPLAY_TEXT_MAX + 1];
        unsigned int line;
        size_t len = 0;
        if (!*path)
                return 0;
        int r = read_text(path, text, &len);
        if (r == 0)
                r = replay_new(&card->replay, text, len, &line);
        if (r < 0)
                return r;
        const struct replay_head *head = replay_head(card->replay);
        card->replayed = (struct profile){
                .name = "replay",
                .atr = "",
                .t0 = head->t0,
                .apps = head->piv ? HAS(APP_PIV) : HAS(APP_IAS),
        };
        card->profile = &card->replayed;
        card->atr_len = head->atr_len;
        memcpy(card->atr, head->atr, head->atr_len);
        if (head->piv)
                return set_piv(card, head);
        r = set(card, "leaf", leaf_for(head));
        if (r == 0)
                r = set(card, "third-file", "auth");
        return r == 0 ? set(card, "ca-file", "present") : r;
}

static const struct file *made(const struct softcard *card, const char *kind)
{
        static const struct {
                const char *kind;
                uint16_t df, id;
        } places[] = { { "signature", 0x5100, 0x5040 }, { "other", 0x5100, 0x5040 },
                { "staff", 0x5100, 0x5040 }, { "authority", 0x5000, 0x0303 },
                { "authentication", 0x5000, 0x5040 } };
        for (size_t p = 0; p < ARRAY_LEN(places); p++)
                for (size_t i = 0; strcmp(places[p].kind, kind) == 0 && i < card->file_count; i++) {
                        const struct file *file = &card->files[i];
                        if (!file->is_df && file->id == places[p].id &&
                                card->files[file->parent].id == places[p].df)
                                return file;
                }
        return NULL;
}

static struct view number(const struct softcard *card, const char *name, uint8_t *dst, size_t cap)
{
        BIGNUM *n = NULL;
        struct view view = { dst, 0 };
        if (EVP_PKEY_get_bn_param(card->keys[0].pkey, name, &n) > 0 &&
                (size_t)BN_num_bytes(n) <= cap)
                view.len = (size_t)BN_bn2bin(n, dst);
        BN_free(n);
        return view;
}

/* Only the first is asked for (SP 800-73-4 part 1, 3.2.1: the signature certificate). */
static void fill_piv(struct softcard *card, const struct replay_head *head)
{
        bool there = strcmp(head->files[0], "staff") == 0 || strcmp(head->files[0], "other") == 0;
        const struct piv_object *object = there ? pivcard_object(card->piv, 0x5FC10A) : NULL;
        if (object)
                replay_put_file(card->replay, 0, (struct view){ object->data, object->len });
}

/* After the certificates were made: what stands where the transcript withholds. */
void card_fill_replay(struct softcard *card)
{
        if (!card->replay)
                return;
        const struct replay_head *head = replay_head(card->replay);
        if (head->piv) {
                fill_piv(card, head);
                return;
        }
        for (size_t i = 0; i < REPLAY_FILES; i++) {
                const struct file *file = made(card, head->files[i]);
                if (file)
                        replay_put_file(card->replay, i, (struct view){ file->data, file->len });
        }
        replay_put_key(card->replay,
                number(card, OSSL_PKEY_PARAM_RSA_N, card->modulus, sizeof card->modulus),
                number(card, OSSL_PKEY_PARAM_RSA_E, card->exponent, sizeof card->exponent));
}
