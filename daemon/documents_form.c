/* SPDX-License-Identifier: Apache-2.0 */
/* documents_form.c: what a chip signs of each form of a signature, and what becomes of it: rows, composed by client-sdk/cms.h and
 * client-sdk/jws.h alone.
 *
 * A chip never signs a digest that an app chose: it signs signed attributes (or a JWS's header) that are made here around the
 * digest of what a worker read. One moment is stated, in one place of each form: as /M in a PDF and as sigT in a JWS, which
 * must be there before the digest is, so of the time when the document was made ready; else as signing time, when the PIN was accepted.
 */
#include "daemon/documents_internal.h"

#include "base/outcome.h"
#include "client-sdk/base64.h"
#include "client-sdk/jws.h"

#include <openssl/evp.h>

/* ---- CMS ----------------------------------------------------------------------------------- */

static bool states_time(const struct document *document)
{
        return document->asked.form != FORM_PDF && !document->asked.no_time;
}

static int compose_cms(
        struct signing *signing, const struct request_subject *subject, struct request_to_sign *ret)
{
        const struct document *document = signing_document(signing);
        const struct cms_asked asked = {
                .digest = signing->digest,
                .digest_len = signing->digest_len,
                .countersignature = document->asked.form == FORM_COUNTERSIGNATURE,
                .signing_time = states_time(document) ? subject->when : 0,
                .commitment = document->asked.commitment,
                .policy = document->asked.policy,
        };
        free(signing->attributes);
        signing->attributes = NULL;
        int r = cms_compose(&asked, subject->leaf, &signing->attributes, &signing->attributes_len);
        return r == 0 ? cms_to_sign(signing->attributes, signing->attributes_len, subject->leaf,
                                ret->bytes, &ret->len)
                      : r;
}

static int note_value(struct signing *signing, const uint8_t *value, size_t len)
{
        uint8_t digest[32];
        if (EVP_Digest(value, len, digest, NULL, EVP_sha256(), NULL) != 1)
                return -ENOMEM;
        hex_encode(signing->value, digest, sizeof digest);
        return 0;
}

static int finish_cms(struct signing *signing, const struct request_subject *subject,
        const uint8_t *signature, size_t len)
{
        int r = cms_finish(signing->attributes, signing->attributes_len, subject->leaf,
                subject->issuer, signature, len, &signing->cms, &signing->cms_len);
        if (r == 0 && signing->room > 0 && signing->cms_len > signing->room)
                return -EMSGSIZE;
        return r == 0 ? note_value(signing, signature, len) : r;
}

static bool put_number(json_t *to, const char *name, uint64_t value)
{
        return json_object_set_new(to, name, json_integer((json_int_t)value)) == 0;
}

static bool write_cms(const struct signing *signing, json_t *question)
{
        return json_object_set_new(question, "cms", base64_json(signing->cms, signing->cms_len)) ==
               0;
}

static bool write_pdf(const struct signing *signing, json_t *question)
{
        return write_cms(signing, question) && put_number(question, "offset", signing->offset) &&
               put_number(question, "room", signing->room);
}

static bool write_counter(const struct signing *signing, json_t *question)
{
        return write_cms(signing, question) &&
               put_number(question, "signer", signing_document(signing)->asked.signer);
}

/* ---- JWS ----------------------------------------------------------------------------------- */

static int compose_jws(
        struct signing *signing, const struct request_subject *subject, struct request_to_sign *ret)
{
        (void)subject;
        memcpy(ret->bytes, signing->digest, signing->digest_len);
        ret->len = signing->digest_len;
        return 0;
}

/* The value is that of the JWS: R and S side by side of an EC key. */
static int finish_jws(struct signing *signing, const struct request_subject *subject,
        const uint8_t *signature, size_t len)
{
        uint8_t value[1024];
        int r = jws_signature(
                subject->leaf, signing->digest, signing->digest_len, signature, len, &signing->jws);
        if (r != 0)
                return r;
        ssize_t n =
                base64_decode(BASE64_URL, value, sizeof value, signing->jws, strlen(signing->jws));
        return n < 0 ? (int)n : note_value(signing, value, (size_t)n);
}

static bool write_jws(const struct signing *signing, json_t *question)
{
        return json_object_set_new(question, "header", json_string(signing->header)) == 0 &&
               json_object_set_new(question, "signature", json_string(signing->jws)) == 0;
}

/* ---- the rows ------------------------------------------------------------------------------ */

static const struct document_form forms[FORMS] = {
        [FORM_CMS] = { "cms", NULL, DOCUMENT_OTHER, false, NULL, compose_cms, finish_cms,
                write_cms },
        [FORM_CMS_ATTACHED] = { "cms-attached", NULL, DOCUMENT_OTHER, true, NULL, compose_cms,
                finish_cms, write_cms },
        [FORM_PDF] = { "pdf", "not-a-pdf", DOCUMENT_PDF, true, prepare_pdf, compose_cms, finish_cms,
                write_pdf },
        [FORM_JWS] = { "jws", "not-json", DOCUMENT_JSON, true, prepare_text, compose_jws,
                finish_jws, write_jws },
        [FORM_COUNTERSIGNATURE] = { "countersignature", "not-a-signature", DOCUMENT_CMS, true,
                prepare_counter, compose_cms, finish_cms, write_counter },
};

const struct document_form *document_form_row(enum question_form form)
{
        return &forms[form];
}

enum question_form document_form_named(const char *name)
{
        unsigned int form = 0;
        while (form < FORMS && strcmp(forms[form].name, name) != 0)
                form++;
        return (enum question_form)form;
}
