/* SPDX-License-Identifier: Apache-2.0 */
/* texts_keys.c: the pages for programs that know keys and not Mohr: may they see the certificates, and what do they want
 * signed?
 *
 * What was recognised is said, and no more: the data of a TLS login does not name the server, that of an SSH login the
 * computer only where it is bound to a host's key. Where nothing was recognised the page says what that means.
 */
#include "daemon/prompt/texts_internal.h"

#include <libintl.h>
#include <stdio.h>

#define _(text)      gettext(text)
#define N_(text)     text
#define DIGEST_SHOWN 16 /* digits of its beginning, and of its end */

struct content_words {
        const char *text, *value; /* value: what `content_text` is, or NULL */
};

static const struct content_words contents[CONTENTS] = {
        [CONTENT_RAW] = { N_("Mohr cannot tell what this signature is for: it may be a login, a "
                             "document, or anything else."),
                NULL },
        [CONTENT_TLS] = { N_("Signed is a login to a web server (TLS). To which one, the data does "
                             "not say."),
                NULL },
        [CONTENT_SSH] = { N_("Signed is a login by SSH. To which computer, the data does not say."),
                N_("User name there: %s") },
        [CONTENT_CMS] = { N_("Signed is a document (CMS). Which one, its digest alone tells."),
                N_("Digest of the document: %s") },
};

/* A digest is told by its ends; what is none stays as it is. */
static void shorten(char value[static PARTS_VALUE_MAX])
{
        size_t len = strlen(value);
        char end[DIGEST_SHOWN + 1];
        if (len <= 2 * DIGEST_SHOWN + 1 || strspn(value, "0123456789abcdef") != len)
                return;
        memcpy(end, value + len - DIGEST_SHOWN, sizeof end);
        snprintf(value + DIGEST_SHOWN, PARTS_VALUE_MAX - DIGEST_SHOWN, "\u2026%s", end);
}

static const struct content_words bound_login = {
        N_("Signed is a login by SSH, good for one computer: the one with this host key."),
        N_("User name there: %s")
};

static bool names_host(const struct question *question)
{
        return question->content == CONTENT_SSH && *question->content_host;
}

/* Told by its letters one by one: neither cut nor broken. */
static void add_host(struct parts *parts, const struct question *question)
{
        struct part *part = parts_value(parts, _("Host key there: %s"), CUT_NEVER);
        parts_clean(part->value, QUESTION_HOST_MAX, question->content_host, SIZE_MAX);
        part->value[parts_fitting(part->value, QUESTION_HOST_MAX - 1) - part->value] = '\0';
}

void texts_add_content(struct parts *parts, const struct question *question)
{
        const struct content_words *words =
                names_host(question) ? &bound_login : &contents[question->content];
        parts_add(parts,
                question->authentication_key
                        ? _("Key: the authentication key of the staff card (9A). It makes no proof "
                            "of identity.")
                        : _("Key: the signature key of the card, which proves your identity, "
                            "too."));
        parts_add(parts, _(words->text));
        if (names_host(question))
                add_host(parts, question);
        if (!words->value)
                return;
        struct part *part = parts_value(parts, _(words->value), CUT_BREAK);
        parts_clean(part->value, TEXTS_NAME_SIZE, question->content_text, SIZE_MAX);
        part->value[parts_fitting(part->value, TEXTS_NAME_SIZE - 1) - part->value] = '\0';
        if (question->content == CONTENT_CMS)
                shorten(part->value);
}

void texts_add_key(struct parts *parts, const struct question *question)
{
        texts_add_content(parts, question);
        texts_add_holder(parts, question);
        if (question->expired)
                parts_add(parts, _("The certificate has expired."));
}

void texts_key(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree");
        ret->cancel = _("_Refuse");
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_key(&parts, question);
        texts_add_record(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}

void texts_certificates(const struct question *question, struct page *ret)
{
        struct parts parts = { 0 };
        texts_begin(&parts, question, ret);
        ret->ok = _("_Agree");
        ret->notok = _("_Refuse");
        parts_add(
                &parts, _("A program wants to see the certificates of this card. No PIN is needed "
                          "for that, and nothing is signed."));
        texts_add_asker(&parts, question);
        texts_add_purpose(&parts, question);
        texts_add_holder(&parts, question);
        parts_add(&parts, question->staff
                                  ? _("Your name and all else that the certificates say of you "
                                      "stand in them.")
                                  : _("Your name and your number stand in them."));
        texts_add_reader(&parts, question);
        texts_add_record(&parts, question);
        texts_add_request(&parts, question);
        (void)parts_render(&parts, ret->desc);
}
