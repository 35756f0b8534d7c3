/* SPDX-License-Identifier: Apache-2.0 */
/* sample_document.c: `sample_document DIR` writes signed documents for programs that check them; `sample_document --digest HEX N` prints,
 * in base64, a SignedData of signer N over that digest, for a PDF.
 *
 * root.pem, tsa.pem; contract.txt with contract.txt.p7s (one signer, who says all there is to say) and three.p7s (three side by side, one
 * countersigned, one timestamped); contract.p7m, the same with the text inside; form.jws and forms.json, of one signer and of two; claims.jws:
 * an assertion's claims as a document. All at TESTPKI_NOW, by the PKI of testpki.h, whose root says TEST.
 */
#include "client-sdk/timestamp.h"
#include "tests/support/testtsa.h"
#include "tests/unit/document_talk.h"

#define TEXT "Between the one and the other it is agreed that this is a test.\n"

static const struct cms_asked plain, full = { .signing_time = TESTPKI_NOW,
        .commitment = CMS_COMMITMENT_APPROVAL,
        .policy = { .oid = "1.2.3.4", .digest = { 0xAB } } };

struct people {
        struct testpki *pki;
        struct person at[3];
};

static struct people meet(void)
{
        struct people people = { .pki = testpki_new() };
        EVP_PKEY *p256 = people.pki->ec_key;
        people.at[0] = (struct person){ people.pki->leaf, people.pki->leaf_key };
        people.at[1] = (struct person){
                testpki_issue(people.pki, &(struct testpki_spec){ .key = people.pki->other_key,
                                                  .given = "Roya",
                                                  .family = "Second",
                                                  .cn = TESTPKI_CN_NN }),
                people.pki->other_key
        };
        people.at[2] = (struct person){
                testpki_issue(people.pki, &(struct testpki_spec){ .key = p256, .given = "Third" }),
                p256
        };
        return people;
}

static void part(struct people *people)
{
        X509_free(people->at[1].leaf);
        X509_free(people->at[2].leaf);
        testpki_free(people->pki);
}

static void put(const char *dir, const char *name, const void *data, size_t len)
{
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, name);
        FILE *file = fopen(path, "w");
        if (!file || fwrite(data, 1, len, file) != len || fclose(file) != 0)
                abort();
}

static void put_and_free(const char *dir, const char *name, struct bytes bytes)
{
        put(dir, name, bytes.data, bytes.len);
        free(bytes.data);
}

static struct bytes stamped(struct bytes cms, const struct testtsa *tsa)
{
        struct cms_signature signature;
        struct bytes all = { 0 };
        unsigned char *request, *token;
        size_t request_len, answer_len, token_len;
        unsigned int count;
        const char *reason;
        char why[TIMESTAMP_WHY_MAX];
        assert_int_equal(cms_signature_at(cms.data, cms.len, 0, &signature, &count, &reason), 0);
        assert_int_equal(timestamp_request(signature.value, signature.value_len, false, &request,
                                 &request_len),
                0);
        unsigned char *answer = testtsa_answer(
                tsa, request, request_len, TESTPKI_NOW + 5, TESTTSA_HONEST, &answer_len);
        assert_int_equal(timestamp_response(
                                 request, request_len, answer, answer_len, &token, &token_len, why),
                0);
        assert_int_equal(cms_add_timestamp(cms.data, cms.len, 0, token, token_len, &all.data,
                                 &all.len, &reason),
                0);
        free(request);
        free(answer);
        free(token);
        free(cms.data);
        return all;
}

static void write_cms(const struct people *p, const char *dir)
{
        struct testtsa *tsa = testtsa_new(&(struct testtsa_spec){ 0 });
        X509 *ca = p->pki->ca;
        char path[512];
        snprintf(path, sizeof path, "%s/tsa.pem", dir);
        testpki_write_pem(path, (X509 *[]){ tsa->root, NULL });
        struct bytes one = sign_cms(&p->at[0], ca, full, TEXT, strlen(TEXT)), before, after;
        assert_int_equal(cms_attach(one.data, one.len, strlen(TEXT), &before.data, &before.len,
                                 &after.data, &after.len),
                0);
        struct bytes all = { malloc(before.len + strlen(TEXT) + after.len), 0 };
        const struct bytes parts[] = { before, { (uint8_t *)(uintptr_t)TEXT, strlen(TEXT) },
                after };
        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                memcpy(all.data + all.len, parts[i].data, parts[i].len);
                all.len += parts[i].len;
        }
        put_and_free(dir, "contract.p7m", all);
        put_and_free(dir, "contract.txt.p7s", one);
        struct bytes three = stamped(sign_cms(&p->at[0], ca, plain, TEXT, strlen(TEXT)), tsa);
        three = merge(three, sign_cms(&p->at[1], ca, full, TEXT, strlen(TEXT)));
        three = merge(three, sign_cms(&p->at[2], ca, plain, TEXT, strlen(TEXT)));
        put_and_free(dir, "three.p7s", countersign(three, 0, &p->at[1], ca));
        free(before.data);
        free(after.data);
        testtsa_free(tsa);
}

static void write_jws(const struct people *p, const char *dir)
{
        static const char form[] = "{\"sum\": 12, \"currency\": \"IRR\"}";
        json_t *payload = testpki_payload(TESTPKI_GIVEN, TESTPKI_FAMILY, "0099900007", false);
        char *claims = json_dumps(payload, JSON_COMPACT), *both = NULL;
        char *one = sign_jws(&p->at[0], p->pki->ca, TESTPKI_NOW, form);
        char *other = sign_jws(&p->at[2], p->pki->ca, TESTPKI_NOW, form);
        char *token = sign_jws(&p->at[0], p->pki->ca, TESTPKI_NOW, claims);
        const char *why;
        assert_int_equal(jws_merge(one, strlen(one), other, strlen(other), &both, &why), 0);
        put(dir, "form.jws", one, strlen(one));
        put(dir, "forms.json", both, strlen(both));
        put(dir, "claims.jws", token, strlen(token));
        char *texts[] = { claims, one, other, token, both };
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                free(texts[i]);
        json_decref(payload);
}

static int print_cms(const struct people *p, const char *hex, const struct person *who)
{
        uint8_t digest[64], to_sign[48], signature[512];
        ssize_t len = hex_decode(digest, sizeof digest, hex);
        const struct cms_asked asked = { .digest = digest,
                .digest_len = len > 0 ? (size_t)len : 0 };
        struct bytes attributes, cms;
        size_t to_sign_len;
        assert_int_equal(cms_compose(&asked, who->leaf, &attributes.data, &attributes.len), 0);
        assert_int_equal(
                cms_to_sign(attributes.data, attributes.len, who->leaf, to_sign, &to_sign_len), 0);
        size_t size = chip_signs(who->key, to_sign, to_sign_len, signature);
        assert_int_equal(cms_finish(attributes.data, attributes.len, who->leaf, p->pki->ca,
                                 signature, size, &cms.data, &cms.len),
                0);
        char *text = malloc(base64_encoded_len(BASE64_STANDARD, cms.len) + 1);
        base64_encode(BASE64_STANDARD, text, cms.data, cms.len);
        puts(text);
        free(text);
        free(cms.data);
        free(attributes.data);
        return 0;
}

int main(int argc, char **argv)
{
        char path[512];
        struct people people = meet();
        if (argc == 4 && strcmp(argv[1], "--digest") == 0 && strspn(argv[3], "012") == 1) {
                int r = print_cms(&people, argv[2], &people.at[argv[3][0] - '0']);
                part(&people);
                return r;
        }
        if (argc != 2)
                return 2;
        snprintf(path, sizeof path, "%s/root.pem", argv[1]);
        testpki_write_pem(path, (X509 *[]){ people.pki->root, NULL });
        put(argv[1], "contract.txt", TEXT, strlen(TEXT));
        write_cms(&people, argv[1]);
        write_jws(&people, argv[1]);
        part(&people);
        return 0;
}
