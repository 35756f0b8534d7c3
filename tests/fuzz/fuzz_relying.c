/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_relying.c: signed requests of whoever wants to be an organisation. The first byte chooses what is changed:
 *   'W' the whole compact text,  'P' the payload's JSON,  'H' the header's.
 * What was changed is signed anew by the organisation's key, so that it reaches what lies behind the signature. In a
 * header, "LEAF", "CA", "ROOT" and "PERSON" stand for certificates. What is accepted is what the certificate allows.
 */
#include "daemon/relying.h"
#include "client-sdk/fields.h"
#include "tests/fuzz/require.h"
#include "tests/support/testorg.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct world {
        struct testorg *org;
        X509 *person;
        struct relying *relying;
        char *header;
};

static const struct world *world(void)
{
        static struct world made; /* once for the whole run */
        char path[] = "/tmp/mohr-fuzz-relying-XXXXXX", error[256] = "";
        if (made.org)
                return &made;
        made.org = testorg_new();
        made.person = testorg_issue(made.org, &(struct testorg_spec){ .given_name = "x" });
        int fd = mkstemp(path);
        require(fd >= 0 && close(fd) == 0);
        testpki_write_pem(path, (X509 *[]){ made.org->root, NULL });
        require(relying_load(&made.relying, path, geteuid(), error, sizeof error) == 0);
        unlink(path);
        json_t *header = testorg_header(made.org, "RS256", NULL);
        made.header = json_dumps(header, JSON_COMPACT);
        json_decref(header);
        return &made;
}

static void judge(const char *jws)
{
        struct relying_request request = { 0 };
        const char *detail = NULL;
        int r = relying_check(world()->relying, jws, TESTPKI_NOW + 10, &request, &detail);
        require(r == 0 || r == 16 || r == 21);
        require(r == 0 ? request.audience != NULL : detail && detail[0] && !request.audience);
        if (r == 0) {
                static const char host[] = "https://bank.example";
                size_t stop = strlen(host);
                require(strcmp(request.audience, "urn:example:bank") == 0 ||
                        (strncmp(request.audience, host, stop) == 0 &&
                                memchr("/?#:", request.audience[stop], 5)));
                require(!strchr(request.audience, '@') || strpbrk(request.audience + stop, "/?#"));
                require(field_is_uri(request.audience) && field_is_nonce(request.nonce));
                require(!request.purpose || field_is_text(request.purpose, FIELD_PURPOSE_MAX));
                require((request.required & request.optional) == 0);
                require(strcmp(request.organization, TESTORG_NAME) == 0);
                require(strlen(request.organization_key) == 64 && strlen(request.replay_key) == 64);
        }
        relying_request_clear(&request);
}

/* The names of certificates in x5c become certificates. */
static char *filled(const char *text)
{
        const struct world *w = world();
        const struct {
                const char *name;
                X509 *cert;
        } rows[] = { { "LEAF", w->org->cert }, { "CA", w->org->ca }, { "ROOT", w->org->root },
                { "PERSON", w->person } };
        json_t *header = json_loads(text, 0, NULL), *x5c = json_object_get(header, "x5c");
        for (size_t i = 0; i < json_array_size(x5c); i++) {
                const char *name = json_string_value(json_array_get(x5c, i));
                for (size_t row = 0; name && row < ARRAY_LEN(rows); row++)
                        if (strcmp(rows[row].name, name) == 0) {
                                json_t *one = testpki_header("RS256", rows[row].cert, NULL, NULL);
                                json_array_set(
                                        x5c, i, json_array_get(json_object_get(one, "x5c"), 0));
                                json_decref(one);
                                break;
                        }
        }
        char *made = header ? json_dumps(header, JSON_COMPACT) : strdup(text);
        json_decref(header);
        return made;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
        if (len < 1 || len > RELYING_REQUEST_MAX + 2 || memchr(data, '\0', len))
                return 0;
        char *text = strndup((const char *)data + 1, len - 1), *jws = NULL, *header = NULL;
        EVP_PKEY *key = world()->org->pki->leaf_key;
        if (data[0] == 'W')
                judge(text);
        if (data[0] == 'P')
                jws = testpki_sign(world()->header, text, key, "RS256");
        if (data[0] == 'H') {
                json_t *payload = testorg_payload();
                char *body = json_dumps(payload, JSON_COMPACT);
                header = filled(text);
                jws = testpki_sign(header, body, key, "RS256");
                json_decref(payload);
                free(body);
        }
        if (jws)
                judge(jws);
        free(jws);
        free(header);
        free(text);
        return 0;
}
